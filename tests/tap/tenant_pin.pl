# The tenant pin: ALTER ROLE … SET auth_store.tenant_id shows a login one tenant, whatever it tries, with the library in
# shared_preload_libraries or loaded by the session's first call. And the other settings, which only a superuser sets.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Test::More;

my $node = new_server('pin');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);
my ($acme, $globex, $default) = @$store{qw(acme globex default)};
value($node, $db, <<'SQL');
CREATE ROLE pinned LOGIN;
GRANT auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor TO pinned;
ALTER ROLE pinned SET auth_store.tenant_id = 'acme';
CREATE ROLE lost LOGIN;
GRANT auth_store_app, auth_store_admin TO lost;
ALTER ROLE lost SET auth_store.tenant_id = 'no such tenant';
CREATE ROLE free LOGIN;
GRANT auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor TO free;
CREATE ROLE chief SUPERUSER LOGIN;
GRANT CREATE, USAGE ON SCHEMA public TO pinned;
SQL
# Functions of an application that run as a role without a pin: the session's pin holds in them, also where
# one makes the first call.
value($node, $db, <<'SQL');
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO pinned;
CREATE FUNCTION app.rows() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT DISTINCT tenant_id FROM auth_store.recent_activity';
CREATE FUNCTION app.rows_plpgsql() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN RETURN QUERY SELECT DISTINCT tenant_id FROM auth_store.recent_activity; END';
CREATE FUNCTION app.users(VARIADIC ids uuid[]) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN RETURN QUERY SELECT u.tenant_id FROM unnest(ids) i, auth_store.user_get(i) u; END';
ALTER FUNCTION app.rows() OWNER TO free;
ALTER FUNCTION app.rows_plpgsql() OWNER TO free;
ALTER FUNCTION app.users(uuid[]) OWNER TO free;
SQL
my @views = qw(recent_activity failed_actions security_events token_activity provider_connections);

# What a session sees: the tenants in each view, whose tokens are active, whose users are there.
my $SEES = join "\n", map { "SELECT 'view', tenant_id FROM auth_store.$_ GROUP BY 2;" } @views;
for my $made ($acme, $globex, $default)
{
    $SEES .= "SELECT 'token', tenant_id FROM auth_store.token_introspect('$made->{access}') WHERE active;\n"
      . "SELECT 'user', tenant_id FROM auth_store.user_get('$made->{user}');\n"
      . "SELECT 'json', '$made->{tenant}'
          WHERE auth_store.token_introspection('$made->{access}') ->> 'active' = 'true';\n"
      . "SELECT 'client', tenant_id FROM auth_store.client_authenticate('$made->{client}', '$made->{secret}')
          WHERE ok;\n";
}

sub sees
{
    my ($prelude, %how) = @_;
    my ($out, $err) = ('', '');
    local $ENV{PGOPTIONS} = $how{options} if defined $how{options};
    # Errors of the prelude are what it is about; it goes on after them.
    $node->psql($db, "$prelude\n;\\echo prelude\n$SEES", extra_params => [ '-U', $how{user} // 'pinned' ],
        stdout => \$out, stderr => \$err, on_error_stop => 0);
    $out =~ s/\A.*?^prelude$//ms;
    my %tenants;
    # The login that is pinned to no tenant leaves rows of that name in the audit trail; only a login
    # without a pin sees them.
    /^(?:view|token|user|json|client)\|(.+)$/ and $1 ne 'no such tenant' and $tenants{$1}++ for split /\n/, $out;
    return (join(' ', map { "$_:$tenants{$_}" } sort keys %tenants), $err);
}
my $ALL = scalar(@views) + 4;

for my $mode ('loaded by the first call', 'preloaded')
{
    if ($mode eq 'preloaded')
    {
        $node->append_conf('postgresql.conf', "shared_preload_libraries = 'auth_store'");
        $node->restart;
    }

    # --- what it shows -----------------------------------------------------------------------------------------------

    is((sees('', user => 'free'))[0], "acme:$ALL default:$ALL globex:$ALL",
        "$mode: a login without a pin sees all tenants");
    is((sees(''))[0], "acme:$ALL", "$mode: a pinned login sees its own");
    is((sees('', user => 'lost'))[0], '', "$mode: a login pinned to a tenant that is not there sees none");
    for my $call ('app.rows()', 'app.rows_plpgsql()',
        "app.users('$acme->{user}', '$globex->{user}', '$default->{user}')")
    {
        is(value($node, $db, "SELECT * FROM $call", user => 'pinned'), 'acme',
            "$mode: $call, which runs as another role, first");
        is(value($node, $db, "SELECT auth_store.tenant_visible('acme') \\g /dev/null\nSELECT * FROM $call",
            user => 'pinned'), 'acme', "$mode: $call later");
        is(value($node, $db, "SELECT * FROM $call \\g /dev/null\nSELECT DISTINCT tenant_id
            FROM auth_store.recent_activity", user => 'pinned'), 'acme', "$mode: the session after $call");
    }
    # Each view and function as the session's very first call.
    is(value($node, $db, "SELECT DISTINCT tenant_id FROM auth_store.$_", user => 'pinned'), 'acme',
        "$mode: view $_ first") for @views;
    is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$globex->{access}')", user => 'pinned'), 'f',
        "$mode: token_introspect() first");
    is(value($node, $db, "SELECT auth_store.tenant_visible('acme'), auth_store.tenant_visible('globex'),
        auth_store.tenant_visible(NULL)", user => 'pinned'),
        't|f|f', "$mode: tenant_visible() first");
    is(value($node, $db, "SELECT count(*) FROM auth_store.user_get('$globex->{user}')", user => 'pinned'), '0',
        "$mode: user_get() first");

    # --- another tenant's things are unknown -------------------------------------------------------------------------

    my $before = contents($node, $db);
    my $unknown = "globex's, as if it did not exist";
    my $other = "'$globex->{client}', client_secret => '$globex->{secret}'";
    for my $case (
        [ "SELECT active::text FROM auth_store.token_introspect('$globex->{access}')", 'false' ],
        [ "SELECT auth_store.token_introspection('$globex->{access}')::text", '{"active": false}' ],
        [ "SELECT error FROM auth_store.token_authorize('$globex->{access}')", 'invalid_token' ],
        [ "SELECT error FROM auth_store.token_use('$globex->{access}')", 'invalid_token' ],
        [ "SELECT error FROM auth_store.api_key_verify('$globex->{api_key}', ip => '192.0.2.1')", 'invalid_token' ],
        [ "SELECT error FROM auth_store.api_key_verify('foreign-key-of-globex')", 'invalid_token' ],
        [ "SELECT error FROM auth_store.api_key_touch('$globex->{client_api_key}')", 'invalid_token' ],
        [ "SELECT error FROM auth_store.token_refresh('$globex->{refresh}', $other)", 'invalid_client' ],
        [ "SELECT error FROM auth_store.token_refresh('$globex->{refresh}', '$acme->{client}',
            client_secret => '$acme->{secret}')", 'invalid_grant' ],
        [ "SELECT error FROM auth_store.token_refresh('$globex->{legacy_refresh}', '$acme->{client}',
            client_secret => '$acme->{secret}')", 'invalid_grant' ],
        [ "SELECT error FROM auth_store.token_exchange('$globex->{access}', client_id => '$acme->{client}',
            client_secret => '$acme->{secret}')", 'invalid_request' ],
        [ "SELECT active::text FROM auth_store.token_introspect('$globex->{exchanged_access}')", 'false' ],
        [ "SELECT error FROM auth_store.code_redeem('$globex->{code}', $other, code_verifier => '$globex->{verifier}')",
            'invalid_client' ],
        [ "SELECT error FROM auth_store.code_redeem('$globex->{code}', '$acme->{client}',
            client_secret => '$acme->{secret}', code_verifier => '$globex->{verifier}')", 'invalid_grant' ],
        [ "SELECT coalesce(error, 'done')
            FROM auth_store.token_revoke('$globex->{access}', '$acme->{client}', '$acme->{secret}')", 'done' ],
        [ "SELECT error FROM auth_store.token_revoke('$globex->{access}', $other)", 'invalid_client' ],
        [ "SELECT error FROM auth_store.client_authenticate('$globex->{client}', '$globex->{secret}')",
            'invalid_client' ],
        [ "SELECT error FROM auth_store.token_issue_client_credentials($other)", 'invalid_client' ],
        [ "SELECT error FROM auth_store.code_issue('$globex->{client}', '$acme->{user}',
            code_challenge => '$acme->{challenge}')", 'unauthorized_client' ],
        [ "SELECT valid::text FROM auth_store.session_validate('$globex->{session}')", 'false' ],
        [ "SELECT error FROM auth_store.session_touch('$globex->{session}')", 'invalid_token' ],
        [ "SELECT error FROM auth_store.session_rotate('$globex->{session}')", 'invalid_token' ],
        [ "SELECT count(*) FROM auth_store.session_list('$globex->{user}')", '0' ],
        [ "SELECT count(*) FROM auth_store.user_applications('$globex->{user}')", '0' ],
        [ "SELECT granted::text FROM auth_store.connection_lease('$globex->{connection}')", 'false' ],
        [ "SELECT ok::text FROM auth_store.connection_complete('$globex->{leased_connection}', $globex->{fence}, 'x')",
            'false' ],
        [ "SELECT ok::text FROM auth_store.connection_fail('$globex->{leased_connection}', $globex->{fence}, 'x')",
            'false' ],
        [ "SELECT string_agg(tenant_id, ' ') FROM auth_store.connections_due()", 'acme' ],
        [ "SELECT sum(connections) FROM auth_store.vault_check()", '4' ],
        [ "SELECT count(*) FROM auth_store.user_get('$globex->{user}')", '0' ])
    {
        my ($sql, $answer) = @$case;
        is(value($node, $db, $sql, user => 'pinned'), $answer,
            "$mode: $unknown: " . ($sql =~ /auth_store\.(\w+)/)[0] . "() says $answer");
    }
    for my $case (
        [ "token_issue('$globex->{client}', '$globex->{user}')", '23503' ],
        [ "token_issue('$acme->{client}', '$globex->{user}')", '23503' ],
        [ "code_issue('$acme->{client}', '$globex->{user}', code_challenge => '$acme->{challenge}')", '23503' ],
        [ "refresh_token_import(repeat('0f', 32), '$acme->{client}', '$globex->{user}')", '23503' ],
        [ "refresh_token_import(repeat('0f', 32), '$globex->{client}', '$globex->{user}')", '23503' ],
        [ "grant_revoke('$globex->{grant}')", '23503' ],
        [ "api_key_create('x', '$globex->{user}')", '23503' ],
        [ "api_key_rotate('$globex->{api_key_id}')", '23503' ],
        [ "api_key_revoke('$globex->{api_key_id}')", '23503' ],
        [ "api_key_list(client_id => '$globex->{client}')", '23503' ],
        [ "api_key_list(tenant_id => 'globex')", '23503' ],
        [ "user_grants_revoke('$globex->{user}')", '23503' ],
        [ "user_grants_revoke('$acme->{user}', '$globex->{client}')", '23503' ],
        [ "client_grants_revoke('$globex->{client}')", '23503' ],
        [ "session_create('$globex->{user}')", '23503' ],
        [ "session_revoke('$globex->{session_id}')", '23503' ],
        [ "user_sessions_revoke('$globex->{user}')", '23503' ],
        [ "user_sessions_revoke('$acme->{user}', '$globex->{session_id}')", '23503' ],
        [ "consent_record('$globex->{user}', '$globex->{client}')", '23503' ],
        [ "consent_check('$acme->{user}', '$globex->{client}')", '23503' ],
        [ "consent_revoke('$globex->{user}', '$globex->{client}')", '23503' ],
        [ "client_update('$globex->{client}', '{\"name\": \"x\"}')", '23503' ],
        [ "client_set_status('$globex->{client}', 'revoked')", '23503' ],
        [ "client_secret_rotate('$globex->{client}')", '23503' ],
        [ "client_delete('$globex->{client}')", '23503' ],
        [ "client_create('x', ARRAY['https://x.example/cb'], tenant_id => 'globex')", '23503' ],
        [ "user_create('x\@example.com', tenant_id => 'globex')", '23503' ],
        [ "user_ensure('1', 'globex')", '23503' ],
        [ "audit_write('x', tenant_id => 'globex')", '23503' ],
        [ "connection_store('github', '9', 'x', tenant_id => 'globex')", '23503' ],
        [ "connection_get('github', '1', tenant_id => 'globex')", '23503' ],
        [ "connection_list('1', tenant_id => 'globex')", '23503' ],
        [ "connection_revoke('$globex->{connection}')", '23503' ],
        [ "connection_delete('$globex->{connection}')", '23503' ],
        [ "tenant_update('globex', 'x')", '23503' ],
        [ "tenant_set_status('globex', 'suspended')", '23503' ],
        [ "tenant_erase('globex', 'globex')", '23503' ],
        [ "tenant_create('new')", '42501' ],
        [ "tenant_create('globex')", '42501' ],
        [ 'partitions_drop()', '42501' ])
    {
        my ($call, $state) = @$case;
        raises($node, $db, "SELECT auth_store.$call", $state, "$mode: $unknown: $call", user => 'pinned');
    }
    # An id or client_id that another tenant has: no row, and no more said than that it is taken.
    is(run_sql($node, $db, "SELECT auth_store.client_create('x', ARRAY['https://x.example/cb'],
        client_id => '$globex->{client}')", user => 'pinned')->{state},
        '23505', "$mode: a client_id that another tenant has is taken");
    is(run_sql($node, $db, "SELECT auth_store.user_create('x\@example.com', id => '$globex->{user}')",
        user => 'pinned')->{state}, '23505', "$mode: an id too");

    my $of_globex = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM (
        SELECT g::text FROM auth_store.grants g WHERE tenant_id <> 'acme' UNION ALL SELECT t::text
        FROM auth_store.access_tokens t WHERE tenant_id <> 'acme'
        UNION ALL SELECT c::text FROM auth_store.clients c WHERE tenant_id <> 'acme' UNION ALL SELECT u::text
        FROM auth_store.users u WHERE tenant_id <> 'acme'
        UNION ALL SELECT s::text FROM auth_store.client_secrets s WHERE tenant_id <> 'acme' UNION ALL SELECT a::text
        FROM auth_store.audit_log a WHERE tenant_id <> 'acme'
        UNION ALL SELECT k::text FROM auth_store.authorization_codes k WHERE tenant_id <> 'acme'
        UNION ALL SELECT k::text FROM auth_store.api_keys k WHERE tenant_id <> 'acme' UNION ALL SELECT k::text
        FROM auth_store.imported_api_keys k WHERE tenant_id <> 'acme'
        UNION ALL SELECT s::text FROM auth_store.sessions s WHERE tenant_id <> 'acme' UNION ALL SELECT s::text
        FROM auth_store.consents s WHERE tenant_id <> 'acme' UNION ALL SELECT i::text
            FROM auth_store.imported_refresh_tokens i WHERE tenant_id <> 'acme' UNION ALL SELECT c::text
            FROM auth_store.connections c WHERE tenant_id <> 'acme' UNION ALL SELECT k::text
            FROM auth_store.vault_keys k WHERE tenant_id <> 'acme'
        UNION ALL SELECT n::text FROM auth_store.tenants n WHERE id <> 'acme') t";
    my $rows_of_globex = value($node, $db, $of_globex);
    my @calls = ("SELECT auth_store.audit_write('x')",
        "SELECT auth_store.user_create('mine-" . ($mode =~ /^(\w)/)[0] . "\@example.com')",
        "SELECT auth_store.client_create('mine', ARRAY['https://mine.example/cb'])",
        "SELECT auth_store.cleanup_expired_data()",
        "SELECT auth_store.token_use('$globex->{access}')",
        "SELECT auth_store.client_authenticate('$globex->{client}', 'x')");
    succeeds($node, $db, "SET client_min_messages = warning; $_", "$mode: $_", user => 'pinned') for @calls;
    is(value($node, $db, $of_globex), $rows_of_globex,
        "$mode: no row of another tenant changed or was added, in the audit trail neither");
    is(value($node, $db, "SELECT tenant_id FROM auth_store.users WHERE email LIKE 'mine-%' GROUP BY 1"), 'acme',
        "$mode: what is made belongs to the pinned tenant");
    is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$globex->{access}')"), 't',
        "$mode: globex's token is untouched");

    # --- forging it --------------------------------------------------------------------------------------------------

    my $first = 'SELECT auth_store.token_bucket(NULL);';
    for my $case (
        [ "SET auth_store.tenant_id = 'globex'" ],
        [ "SET auth_store.tenant_id = ''" ],
        [ 'SET auth_store.tenant_id TO DEFAULT' ],
        [ 'RESET auth_store.tenant_id' ],
        [ 'RESET ALL' ],
        [ 'DISCARD ALL' ],
        [ "SET auth_store.tenant_id = 'globex'; RESET ALL" ],
        [ "SET auth_store.tenant_id = 'globex'; DISCARD ALL" ],
        [ "SELECT set_config('auth_store.tenant_id', 'globex', false)" ],
        [ "SELECT set_config('auth_store.tenant_id', '', false)" ],
        [ "SELECT set_config('auth_store.tenant_id', NULL, false)" ],
        [ "BEGIN; SET LOCAL auth_store.tenant_id = 'globex'" ],
        [ "BEGIN; SET auth_store.tenant_id = 'globex'" ],
        [ "BEGIN; SET auth_store.tenant_id = 'globex'; SAVEPOINT s; $first ROLLBACK TO s" ],
        [ "BEGIN; SAVEPOINT s; SET auth_store.tenant_id = 'globex'; $first RELEASE s; COMMIT" ],
        [ "BEGIN; SET LOCAL auth_store.tenant_id = 'globex'; $first ROLLBACK" ],
        [ "BEGIN; SET auth_store.tenant_id = 'globex'; $first ROLLBACK" ],
        [ "UPDATE pg_settings SET setting = 'globex' WHERE name = 'auth_store.tenant_id'" ],
        [ "$first SET auth_store.tenant_id = 'globex'" ],
        [ "$first SET auth_store.tenant_id = ''" ],
        [ "$first BEGIN; SET LOCAL auth_store.tenant_id = 'globex'" ],
        [ "$first RESET auth_store.tenant_id" ],
        [ "$first RESET ALL" ],
        [ "$first DISCARD ALL" ],
        [ 'SET ROLE auth_store_app' ],
        [ 'SET SESSION AUTHORIZATION DEFAULT' ],
        [ "ALTER ROLE pinned SET auth_store.tenant_id = 'globex'" ],
        [ "ALTER ROLE pinned RESET auth_store.tenant_id" ],
        [ 'ALTER ROLE pinned RESET ALL' ],
        [ "ALTER ROLE pinned IN DATABASE $db SET auth_store.tenant_id = 'globex'" ],
        [ "$first ALTER ROLE pinned SET auth_store.tenant_id = 'globex'" ],
        [ "$first ALTER ROLE pinned RESET auth_store.tenant_id" ],
        [ "$first ALTER ROLE pinned RESET ALL" ],
        [ "CREATE FUNCTION pg_temp.f() RETURNS bigint LANGUAGE sql
            SET auth_store.tenant_id = 'globex' AS 'SELECT count(*) FROM auth_store.recent_activity';
            SELECT pg_temp.f()" ],
        [ "DO \$\$ BEGIN PERFORM set_config('auth_store.tenant_id', 'globex', true); END \$\$" ],
        [ 'SET session_preload_libraries = auth_store' ],
        [ 'SET row_security = off' ],
        [ "LOAD 'auth_store'" ])
    {
        my ($forgery) = @$case;
        # In a transaction that failed nothing more is seen, which is as well.
        my ($seen, $err) = sees($forgery);
        like($seen, qr/\A(?:acme:\d+)?\z/, "$mode: no other tenant is seen after $forgery") or diag($err);
    }
    is((sees("SET auth_store.tenant_id = 'globex'"))[0], "acme:$ALL", "$mode: a refused SET leaves the pin as it is");
    is((sees('RESET ALL'))[0], "acme:$ALL", "$mode: so does RESET ALL");
    # At the connection: with the library not yet loaded, the server takes any value for a setting it does not know.
    for my $options ('-c auth_store.tenant_id=globex', '-c auth_store.tenant_id=', '-c auth_store.tenant_id=acme',
        '--auth_store.tenant_id=default', '-c role=auth_store_app',
        '-c auth_store.tenant_id=globex -c auth_store.tenant_id=',
        '-c session_authorization=free', '-c row_security=off',
        # names of settings ignore case
        '-c Auth_Store.tenant_id=globex', '-c AUTH_STORE.TENANT_ID=', '-c auth_store.Tenant_Id=acme')
    {
        for my $prelude ('', 'RESET ALL', 'RESET auth_store.tenant_id', 'DISCARD ALL',
            "SET auth_store.tenant_id = 'globex'", "$first RESET ALL")
        {
            my ($seen, $err) = sees($prelude, options => $options);
            like($seen, qr/\A(?:acme:\d+)?\z/, "$mode: no other tenant is seen with PGOPTIONS='$options' $prelude")
              or diag($err);
        }
    }
    # The session's first call, where the server restricts what may be done: it changes no setting in a parallel query.
    # What a session makes there before it has an error is acme's.
    for my $case (
        [ 'an index expression', 'CREATE INDEX ON restricted (restricted(n))' ],
        [ 'an index predicate', 'CREATE INDEX ON restricted (n) WHERE restricted(n) >= 0' ],
        [ 'ANALYZE', 'CREATE INDEX ON restricted (n); ALTER TABLE restricted ALTER n SET STATISTICS 10;
            CREATE STATISTICS rs ON (restricted(n)), n FROM restricted; ANALYZE restricted' ],
        [ 'a materialized view', 'CREATE MATERIALIZED VIEW restricted_view AS SELECT restricted(n) FROM restricted' ],
        [ 'REFRESH', 'CREATE MATERIALIZED VIEW restricted_view AS SELECT restricted(n) FROM restricted WITH NO DATA;
            REFRESH MATERIALIZED VIEW restricted_view' ],
        [ 'the store in a materialized view', "CREATE MATERIALIZED VIEW restricted_view AS SELECT active
            FROM auth_store.token_introspect('$globex->{access}')" ],
        [ 'a parallel query', 'SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0;
            SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
            SELECT sum(restricted(n)) FROM restricted' ])
    {
        my ($what, $sql) = @$case;
        my $make = "CREATE TABLE restricted (n int); INSERT INTO restricted SELECT generate_series(1, 1000);
            CREATE FUNCTION restricted(n int) RETURNS int IMMUTABLE PARALLEL SAFE
            LANGUAGE plpgsql AS \$f\$ BEGIN PERFORM auth_store.token_bucket(NULL); RETURN n; END \$f\$;";
        my ($seen, $err) = sees("$make $sql");
        like($seen, qr/\A(?:acme:$ALL)?\z/, "$mode: no other tenant is seen where the first call is in $what")
          or diag($err);
        is($seen, "acme:$ALL", "$mode: and its own is, where the first call is in $what") unless $what =~ /parallel/;
        value($node, $db, 'DROP MATERIALIZED VIEW IF EXISTS restricted_view; DROP TABLE restricted;
            DROP FUNCTION restricted', user => 'pinned');
    }
    # What a pinned role has put into its tables and views is run as that role by others, who are not pinned.
    value($node, $db, <<'SQL', user => 'pinned');
CREATE TABLE trojan (n int);
INSERT INTO trojan SELECT generate_series(1, 10);
CREATE TABLE loot (t text);
CREATE FUNCTION trojan_views() RETURNS void LANGUAGE plpgsql SET search_path = public, pg_catalog AS $f$
BEGIN
    INSERT INTO public.loot SELECT tenant_id FROM auth_store.recent_activity;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $f$;
CREATE FUNCTION trojan_tokens() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    INSERT INTO public.loot SELECT tenant_id
      FROM pg_catalog.current_setting('test.tokens') a, pg_catalog.string_to_table(a, ' ') t,
           auth_store.token_introspect(t) WHERE active;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN NULL;
END $f$;
CREATE FUNCTION trojan_definer() RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
    INSERT INTO public.loot SELECT tenant_id FROM auth_store.connections_due();
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $f$;
CREATE FUNCTION trojan(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $f$
BEGIN
    PERFORM public.trojan_views(), public.trojan_tokens(), public.trojan_definer();
    RETURN n;
END $f$;
CREATE INDEX ON trojan (trojan(n));
CREATE MATERIALIZED VIEW trojan_view AS SELECT DISTINCT tenant_id FROM auth_store.recent_activity;
TRUNCATE loot;
SQL
    my $tokens = "SET test.tokens = '$acme->{access} $globex->{access}';";
    for my $sql ('ANALYZE trojan', 'REINDEX TABLE trojan', 'VACUUM ANALYZE trojan', 'VACUUM FULL trojan',
        'CLUSTER trojan USING trojan_trojan_idx', 'REFRESH MATERIALIZED VIEW trojan_view')
    {
        my ($seen, $err) = ('', '');
        $node->psql($db, "$tokens\n$sql;", on_error_stop => 0, stderr => \$err);
        is(value($node, $db, "SELECT DISTINCT t FROM loot WHERE t NOT IN ('acme') UNION SELECT tenant_id
            FROM trojan_view WHERE tenant_id <> 'acme'"), '',
            "$mode: nothing of other tenants reaches a pinned role by a superuser's $sql");
    }
    like(run_sql($node, $db, 'REFRESH MATERIALIZED VIEW trojan_view')->{message} // '',
        qr/a tenant pin may be among them/, "$mode: it is refused");
    succeeds($node, $db, 'REFRESH MATERIALIZED VIEW trojan_view', "$mode: the role itself may", user => 'pinned');
    # Nor by way of a role that the pinned one may be: the table is that one's then.
    value($node, $db, 'GRANT CREATE, USAGE ON SCHEMA public TO auth_store_auditor, auth_store_app')
      if $mode ne 'preloaded';
    value($node, $db, <<'SQL', user => 'pinned');
GRANT INSERT ON loot TO auth_store_auditor, auth_store_app;
SET ROLE auth_store_auditor;
CREATE MATERIALIZED VIEW group_view AS SELECT DISTINCT tenant_id FROM auth_store.recent_activity;
RESET ROLE;
SET ROLE auth_store_app;
CREATE TABLE group_table (n int);
INSERT INTO group_table VALUES (1);
CREATE INDEX ON group_table (trojan(n));
RESET ROLE;
TRUNCATE loot;
SQL
    # A table of an unpinned role, whose function of the store may be called, comes first in the same statement.
    value($node, $db, 'GRANT CREATE ON SCHEMA public TO free') if $mode ne 'preloaded';
    value($node, $db, <<'SQL', user => 'free');
CREATE TABLE innocent (n int);
INSERT INTO innocent VALUES (1);
CREATE FUNCTION innocent_look() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM auth_store.connections_due()';
CREATE FUNCTION innocent(n int) RETURNS int IMMUTABLE
    LANGUAGE plpgsql AS $f$ BEGIN PERFORM public.innocent_look(); RETURN n; END $f$;
CREATE INDEX ON innocent (innocent(n));
SQL
    for my $sql ('REFRESH MATERIALIZED VIEW group_view', 'ANALYZE group_table', 'REINDEX TABLE group_table',
        'ANALYZE innocent, trojan', 'ANALYZE innocent, group_table')
    {
        $node->psql($db, "$tokens\n$sql;", on_error_stop => 0);
        is(value($node, $db, "SELECT DISTINCT t FROM loot WHERE t <> 'acme' UNION SELECT tenant_id FROM group_view
            WHERE tenant_id <> 'acme'"), '', "$mode: nor by another role: $sql");
    }
    succeeds($node, $db, 'ANALYZE innocent', "$mode: the unpinned role's is analyzed");
    value($node, $db, 'DROP TABLE innocent; DROP FUNCTION innocent, innocent_look', user => 'free');
    # The whole database is pinned, but for the administrator.
    value($node, $db, "CREATE MATERIALIZED VIEW of_free AS SELECT DISTINCT tenant_id FROM auth_store.recent_activity",
        user => 'free');
    value($node, $db,
        "ALTER DATABASE $db SET auth_store.tenant_id = 'acme'; ALTER ROLE chief SET auth_store.tenant_id = ''");
    is(run_sql($node, $db, 'REFRESH MATERIALIZED VIEW of_free', user => 'chief')->{state}, '42501',
        "$mode: a database's pin binds what its roles own");
    value($node, $db, "ALTER DATABASE $db RESET auth_store.tenant_id; ALTER ROLE chief RESET auth_store.tenant_id;
        DROP MATERIALIZED VIEW of_free", user => 'chief');
    value($node, $db, 'DROP MATERIALIZED VIEW group_view; DROP TABLE group_table');
    # A role that is not pinned is none of this.
    value($node, $db, 'CREATE MATERIALIZED VIEW open_view AS SELECT DISTINCT tenant_id FROM auth_store.recent_activity',
        user => 'free');
    is(value($node, $db, 'REFRESH MATERIALIZED VIEW open_view; SELECT count(*) >= 3 FROM open_view;
        DROP MATERIALIZED VIEW open_view'), 't', "$mode: a view of a role without a pin is refreshed");
    value($node, $db, 'DROP MATERIALIZED VIEW trojan_view; DROP TABLE trojan, loot;
        DROP FUNCTION trojan, trojan_views, trojan_tokens, trojan_definer', user => 'pinned');
    # However the administrator spelt it.
    value($node, $db, q{CREATE ROLE shouting LOGIN;
        GRANT auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor TO shouting;
        ALTER ROLE shouting SET "Auth_Store"."TENANT_ID" = 'acme'});
    is((sees('', user => 'shouting'))[0], "acme:$ALL", "$mode: a pin whose name is written in capitals");
    is((sees('', user => 'shouting', options => '-c auth_store.tenant_id=globex'))[0], '',
        "$mode: is not hidden either");
    value($node, $db, 'DROP ROLE shouting');
    # A parallel worker loads the library for itself.
    my $parallel = value($node, $db,
        "SELECT max(name) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')");
    for my $options ("-c $parallel=on", "-c $parallel=on -c auth_store.tenant_id=globex",
        "-c $parallel=on -c auth_store.tenant_id=")
    {
        like((sees('', options => $options))[0], qr/\A(?:acme:\d+)?\z/,
            "$mode: no other tenant is seen with PGOPTIONS='$options'");
    }
    is((sees('', options => "-c $parallel=on"))[0], "acme:$ALL", "$mode: parallel workers have the pin");
    is((sees('', options => "-c $parallel=on", user => 'free'))[0], "acme:$ALL default:$ALL globex:$ALL",
        "$mode: and without one see all");
    # In a parallel query as the session's very first call, which the server sets nothing in.
    is(value($node, $db, $_->[0], user => 'pinned', options => "-c $parallel=on"), $_->[1],
        "$mode: first in a parallel query: $_->[0]")
      for [ "SELECT count(*) FROM auth_store.session_list('$globex->{user}')", 0 ],
          [ "SELECT count(*) > 0 FROM auth_store.session_list('$acme->{user}')", 't' ],
        [ "SELECT active FROM auth_store.token_introspect('$globex->{access}')", 'f' ];
    is((sees(''))[0], "acme:$ALL", "$mode: after all of that the pin is as it was");

    # --- who may set it ----------------------------------------------------------------------------------------------

    is((sees("SET auth_store.tenant_id = 'globex'", user => 'chief'))[0] =~ /\bglobex:/ ? 'sees' : 'blind', 'sees',
        "$mode: a superuser may set it");
    is(value($node, $db, "SELECT auth_store.tenant_visible('acme')", user => 'chief',
        options => '-c auth_store.tenant_id=globex'), 'f', "$mode: at the connection too");
    is(value($node, $db, "SET auth_store.tenant_id = 'globex';
        SELECT count(*) FILTER (WHERE active) FROM (VALUES ('$acme->{access}'), ('$globex->{access}')) v (t),
        auth_store.token_introspect(t)", user => 'chief'),
        '1', "$mode: then its functions see that tenant only");
    is(value($node, $db, "SET auth_store.tenant_id = 'globex'; RESET auth_store.tenant_id;
        SELECT auth_store.tenant_visible('acme')", user => 'chief'), 't', "$mode: and may reset it");
    raises($node, $db, "$first ALTER ROLE free SET auth_store.tenant_id = 'acme'", '42501',
        "$mode: ALTER ROLE of itself", user => 'free');
    raises($node, $db, "ALTER ROLE free SET auth_store.tenant_id = 'acme'", '42501',
        "$mode: ALTER ROLE of itself before the first call", user => 'free');

    # --- the other settings ------------------------------------------------------------------------------------------

    my (undef, @settings) = split /\n/, value($node, $db,
        "$first SELECT name || ' ' || context || ' ' || coalesce(min_val, 'off') FROM pg_settings
        WHERE name LIKE 'auth\\_store.%' ORDER BY 1");
    for (@settings)
    {
        my ($setting, $context, $least) = split / /;
        # Those are in the server's configuration alone, and nobody else's to read.
        if ($setting =~ /master_key/)
        {
            is($context, 'sighup', "$mode: $setting is the operator's");
            raises($node, $db, "$first SET $setting = 'x'", '55P02', "$mode: SET $setting", user => $_)
              for qw(free chief);
            raises($node, $db, "$first SHOW $setting", '42501', "$mode: SHOW $setting", user => 'free');
            is(value($node, $db, "$first SELECT count(*) FROM pg_settings WHERE name = '$setting'",
                user => 'free') =~ s/\A\n//r, '0', "$mode: $setting in pg_settings");
            my $get = "SELECT access_token FROM auth_store.connection_get('github', '1', tenant_id => 'acme')";
            my (undef, $out) = $node->psql($db, "SET $setting = 'x'; $get", extra_params => [ '-U', 'free' ],
                on_error_stop => 0);
            is($out, 'gho_access-of-acme', "$mode: SET $setting before the first call changes nothing");
            my $result = run_sql($node, $db, $get, user => 'free', options => "-c $setting=x");
            is($result->{ok} ? $result->{out} : 'refused', 'refused', "$mode: $setting in PGOPTIONS ends the session");
            next;
        }
        # That one is the server's own, which sizes its memory by it at the start.
        my $sizes = $setting eq 'auth_store.rate_limit_slots';
        is($context, !$sizes ? 'superuser' : $mode eq 'preloaded' ? 'postmaster' : 'sighup',
            "$mode: $setting is the superuser's");
        next if $setting eq 'auth_store.tenant_id';
        my $is = value($node, $db, "$first SHOW $setting", user => 'free') =~ s/\A\n//r;
        raises($node, $db, "$first SET $setting = $least", $sizes ? '55P02' : '42501', "$mode: SET $setting",
            user => 'free');
        # Before the library is loaded the server takes it, and drops it at the load.
        my (undef, $out) = $node->psql($db, "SET $setting = $least; $first SHOW $setting",
            extra_params => [ '-U', 'free' ], on_error_stop => 0);
        is($out =~ s/\A\n//r, $is, "$mode: SET $setting before the first call changes nothing");
        my $result = run_sql($node, $db, "$first SHOW $setting", user => 'free', options => "-c $setting=$least");
        is($result->{ok} ? $result->{out} =~ s/\A\n//r : $is, $is, "$mode: $setting in PGOPTIONS changes nothing");
    }
    # What the administrator has set for a role, the options of a connection do not put back to the default.
    my (undef, @set) = split /\n/, value($node, $db,
        "$first SELECT name || ' ' || coalesce(min_val, CASE boot_val WHEN 'on' THEN 'off' ELSE 'on' END)" . q{
        || ' ' || boot_val FROM pg_settings
        WHERE name LIKE 'auth\_store.%' AND vartype <> 'string' AND context = 'superuser'});
    cmp_ok(scalar(@set), '>=', 15, "$mode: there are settings of roles");
    value($node, $db, 'ALTER ROLE free SET ' . s/ (\S+) .*/ = $1/r) for @set;
    for (map { [ split / / ] } @set)
    {
        my ($setting, $is, $default) = @$_;
        for my $options ('', "-c $setting=$default", '-c ' . uc($setting) . "=$default")
        {
            my $result = run_sql($node, $db, "$first SELECT setting FROM pg_settings WHERE name = '$setting'",
                user => 'free', options => $options);
            is($result->{ok} || !$options ? $result->{out} =~ s/\A\n//r : $is, $is,
                "$mode: $setting of a role, with '$options'");
        }
    }
    value($node, $db, 'ALTER ROLE free RESET ALL');
    # A value that is none: the server warns and takes the default, and the session goes on.
    value($node, $db, "CREATE ROLE typo LOGIN; GRANT auth_store_reader TO typo;
        ALTER ROLE typo SET auth_store.refresh_grace = 'soon'") if $mode eq 'loaded by the first call';
    is(value($node, $db, "$first SELECT setting FROM pg_settings WHERE name = 'auth_store.refresh_grace'",
        user => 'typo') =~ s/\A\n//r, '10', "$mode: a typing error in a role's setting");
    raises($node, $db, "$first SET auth_store.no_such_setting = 1", '42602', "$mode: a setting that does not exist",
        user => 'free');
}
is(value($node, $db, "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 'pinned'::regrole"),
    '{auth_store.tenant_id=acme}', 'the role still has its pin');

$node->stop;
done_testing();

# The tenant pin against whoever wants to be rid of it: by settings, by options of the connection, by functions, views
# and indexes that others run, and in parallel workers.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Pin;
use Test::More;

my ($node, $store) = new_pinned('pin_forged');
my $db = 'postgres';
my ($acme, $globex) = @$store{qw(acme globex)};

for my $mode ('loaded by the first call', 'preloaded')
{
    if ($mode eq 'preloaded')
    {
        $node->append_conf('postgresql.conf', "shared_preload_libraries = 'auth_store'");
        $node->restart;
    }

    my $first = 'SELECT NULL FROM auth_store.token_bucket(NULL);';
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
}

$node->stop;
done_testing();

# The tenant pin: ALTER ROLE … SET auth_store.tenant_id shows a login one tenant, whatever it tries, with the library in
# shared_preload_libraries or loaded by the session's first call. And the other settings, which only a superuser sets.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Pin;
use Test::More;

my ($node, $store) = new_pinned('pin');
my $db = 'postgres';
my ($acme, $globex, $default) = @$store{qw(acme globex default)};

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
        [ "SELECT count(*) FROM auth_store.audit_trail(tenant_id => 'globex')", '0' ],
        [ "SELECT count(*) FROM auth_store.audit_trail(user_id => '$globex->{user}')", '0' ],
        [ "SELECT count(*) FROM auth_store.webhook_get('$globex->{webhook}')", '0' ],
        [ "SELECT auth_store.webhook_delete('$globex->{webhook}')", '0' ],
        [ "SELECT auth_store.webhook_delete(target_url => 'https://hooks.example/globex')", '0' ],
        [ "SELECT auth_store.webhook_complete('$globex->{delivery}', 1, 200)", 'ignored' ],
        [ "SELECT count(*) FROM auth_store.webhook_claim() WHERE delivery_id = '$globex->{delivery}'", '0' ],
        [ "SELECT auth_store.webhooks_redrive('{\"tenant_id\": \"globex\"}')", '0' ],
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
        [ "webhook_create('https://x.example/', ARRAY['*'], client_id => '$globex->{client}')", '23503' ],
        [ "webhook_create('https://x.example/', ARRAY['*'], tenant_id => 'globex')", '23503' ],
        [ "webhook_update('$globex->{webhook}', '{}')", '23503' ],
        [ "webhook_set_status('$globex->{webhook}', 'disabled')", '23503' ],
        [ "webhook_secret_rotate('$globex->{webhook}')", '23503' ],
        [ "webhook_test('$globex->{webhook}', 'agent.created')", '23503' ],
        [ "webhook_redeliver('$globex->{delivery}')", '23503' ],
        [ "webhook_list('globex')", '23503' ],
        [ "webhook_emit('agent.created', '{}', tenant_id => 'globex')", '23503' ],
        [ "webhook_own_events_set('globex', true)", '23503' ],
        [ "webhook_list(client_id => '$globex->{client}')", '23503' ],
        [ "webhook_delete(target_url => 'https://hooks.example/globex', tenant_id => 'globex')", '23503' ],
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
        [ "role_create('x', tenant_id => 'globex')", '23503' ],
        [ "role_update('clerk', tenant_id => 'globex')", '23503' ],
        [ "role_delete('clerk', 'globex')", '23503' ],
        [ "role_list('globex')", '23503' ],
        [ "role_assign('$globex->{user}', 'clerk')", '23503' ],
        [ "role_unassign('$globex->{user}', 'clerk')", '23503' ],
        [ "member_list(tenant_id => 'globex')", '23503' ],
        [ "member_remove('$globex->{user}', 'globex')", '23503' ],
        [ "invitation_create('x\@example.com', 'user', 'globex')", '23503' ],
        [ "invitation_list(tenant_id => 'globex')", '23503' ],
        [ "user_impersonate('$globex->{user}', '$acme->{support}')", '23503' ],
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
        UNION ALL SELECT r::text FROM auth_store.roles r WHERE tenant_id <> 'acme'
        UNION ALL SELECT r::text FROM auth_store.user_roles r WHERE tenant_id <> 'acme'
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

    my $first = 'SELECT NULL FROM auth_store.token_bucket(NULL);';
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
        if ($setting =~ /master_key|\.oauth_/)
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
        # The first is tried above, the second in principal.pl: nobody sees or sets it.
        next if $setting =~ /\.(?:tenant_id|principal)$/;
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

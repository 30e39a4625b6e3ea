# What the TAP tests share: servers, calls whose SQLSTATE matters, a store with something in it, and fingerprints of its
# rows and of its objects. Calls of all functions are in Functions.pm.
package AuthStore;

use strict;
use warnings;

use FindBin;
use Exporter 'import';
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_server set_conf run_sql value raises succeeds narrow install_helpers populate contents
  differences shape table_facts);

# The roles of the store and what a DBA would grant them to; nobody is a login without any.
our %LOGINS = (
    web     => 'auth_store_app',
    replica => 'auth_store_reader',
    boss    => 'auth_store_admin',
    auditor => 'auth_store_auditor',
    api     => 'auth_store_verifier',
    worker  => 'auth_store_worker',
    cron    => 'auth_store_jobs',
    monitor => 'auth_store_monitor',
    portal  => 'auth_store_developer',
    nobody  => undef);

# --- servers and statements ------------------------------------------------------------------------------------------

# new_server(NAME, preload => 1, streaming => 1, install_path => FOLDER of other programs): a running server.
sub new_server
{
    my ($name, %how) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name, install_path => $how{install_path});
    $node->init(
        extra => [ '--locale=C.UTF-8', '--encoding=UTF8', '--data-checksums' ]);
    # Not by the module's own option: it knows settings of its own major only, and the wheel's tests run under another.
    $node->append_conf('postgresql.conf', "wal_level = replica\nmax_wal_senders = 10\nwal_keep_size = '128MB'")
      if $how{streaming};
    $node->append_conf('postgresql.conf', "shared_preload_libraries = 'auth_store'") if $how{preload};
    # For the vault. Not in the data directory, where it is refused.
    my $keys = $node->basedir . '/master.key';
    append_to_file($keys, 'first: ' . encode_base64(join('', map { chr rand 256 } 1 .. 32), '') . "\n");
    chmod 0600, $keys or die "$keys: $!";
    $node->append_conf('postgresql.conf', "auth_store.master_key_file = '$keys'");
    # A text with control characters, or one of a megabyte, is no help in the log of a failed test.
    $node->append_conf('postgresql.conf', "log_parameter_max_length_on_error = 0");
    $node->start;
    return $node;
}

# Runs a script through psql; never dies of an error in it. Options: user, options (PGOPTIONS), database.
# Returns { ok, out, notices, state, message, hint, detail } of the first error.
sub run_sql
{
    my ($node, $database, $sql, %how) = @_;
    local $ENV{PGOPTIONS} = $how{options} if defined $how{options};
    my @extra = ('-v', 'VERBOSITY=verbose');
    push @extra, '-U', $how{user} if defined $how{user};
    my ($status, $out, $err);
    # A psql that the server refuses may be gone before the script is written to it.
    for my $try (1 .. 3)
    {
        last if eval { ($status, $out, $err) = $node->psql($database, $sql, extra_params => \@extra); 1 };
        die $@ if $@ !~ /Broken pipe/ || $try == 3;
    }
    my %result = (ok => $status == 0 ? 1 : 0, out => $out, err => $err);
    if ($err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}):[ ]
                 (.*?)(?=\n(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|LINE[ ]\d+|psql:):?|\z)(.*)/sx)
    {
        my ($state, $message, $rest) = ($1, $2, $3);
        @result{qw(state message)} = ($state, $message);
        $result{hint} = $1 if $rest =~ /^HINT:\s+(.*)$/m;
        $result{detail} = $1 if $rest =~ /^DETAIL:\s+(.*)$/m;
    }
    # A connection that the server refuses says so without an SQLSTATE.
    elsif ($status != 0) { @result{qw(state message)} = ('', $err); }
    return \%result;
}

# What a script prints; the test ends where it fails.
sub value
{
    my ($node, $database, $sql, %how) = @_;
    my $result = run_sql($node, $database, $sql, %how);
    die "failed: $sql\n$result->{err}\n" unless $result->{ok};
    return $result->{out};
}

# Test: the script fails with this SQLSTATE (and hint => TEXT). Returns the result.
sub raises
{
    my ($node, $database, $sql, $state, $name, %how) = @_;
    my $result = run_sql($node, $database, $sql, %how);
    my $ok = !$result->{ok} && $result->{state} eq $state;
    $ok &&= ($result->{hint} // '') eq $how{hint} if defined $how{hint};
    ok($ok, "$name: $state") or diag("$sql\n", $result->{ok} ? "succeeded: $result->{out}" : $result->{err});
    return $result;
}

# Test: the script succeeds. Returns what it prints.
sub succeeds
{
    my ($node, $database, $sql, $name, %how) = @_;
    my $result = run_sql($node, $database, $sql, %how);
    ok($result->{ok}, $name) or diag("$sql\n$result->{err}");
    return $result->{out};
}

# narrow(kB): for psql, from here on the session's process may grow by so much. What it has touched is there already.
sub narrow
{
    my ($room) = @_;
    return <<"SQL";
SELECT pg_backend_pid() AS pid \\gset
\\setenv PID :pid
\\! prlimit --pid \$PID --as=\$(awk '/^VmSize/ { print (\$2 + $room) * 1024 }' /proc/\$PID/status):
SQL
}

# --- a store with something in it ------------------------------------------------------------------------------------

# Two functions for all: attempt(sql) runs a statement, undoes it, and returns its SQLSTATE or 'ok'; print_rows is for
# views. They are in a schema of their own, so that a dump carries them where a test wants that.
sub install_helpers
{
    my ($node, $database) = @_;
    value($node, $database, <<'SQL');
CREATE SCHEMA test;
GRANT USAGE ON SCHEMA test TO PUBLIC;
CREATE FUNCTION test.attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING ERRCODE = 'ZZUND';  -- undo what it did
EXCEPTION
    WHEN SQLSTATE 'ZZUND' THEN RETURN 'ok';
    WHEN OTHERS THEN RETURN SQLSTATE;
END $$;
SQL
    for my $login (sort keys %LOGINS)
    {
        value($node, $database, "CREATE ROLE $login LOGIN")
          if value($node, $database, "SELECT count(*) FROM pg_roles WHERE rolname = '$login'") eq '0';
        value($node, $database, "GRANT $LOGINS{$login} TO $login") if defined $LOGINS{$login};
    }
}

our $VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';     # RFC 7636 appendix B

# Two more tenants, and in each of the three a client, a user and one of everything that they can have. Returns the
# names and secrets, by tenant: { default => { client, secret, user, access, refresh, … }, acme => …, globex => … }.
sub populate
{
    my ($node, $database) = @_;
    my %store;
    value($node, $database, "SELECT auth_store.tenant_create('acme', 'Acme & \"Söhne\"', '{\"plan\": [1, null]}');
        SELECT auth_store.tenant_create('globex')");
    for my $tenant (qw(default acme globex))
    {
        my $out = value($node, $database, "\\set tenant $tenant\n\\set verifier $VERIFIER\n" . <<'SQL');
SELECT client_id AS client, client_secret AS secret FROM auth_store.client_create(
    name => 'Web of ' || :'tenant', client_id => 'web-' || :'tenant', tenant_id => :'tenant',
    redirect_uris => ARRAY['https://' || :'tenant' || '.example/cb'], scope => 'openid orders',
    metadata => '{"a": "\\ü\n"}',
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange']) \gset
SELECT user_id AS user FROM auth_store.user_create(email => 'ada@' || :'tenant' || '.example', first_name => 'Ada',
    external_id => '1', metadata => '{"n": 1.10}', tenant_id => :'tenant') \gset
-- a password, and a former one
SELECT auth_store.tenant_policy_set(:'tenant', '{"password_history": 3}') \gset _
SELECT auth_store.password_import(:'user', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW',
    pepper => 'pepper of ' || :'tenant') \gset _
SELECT error FROM auth_store.password_set(:'user', 'quartz lantern 1') \gset _
SELECT auth_store.pkce_challenge(:'verifier') AS challenge \gset
-- a passkey, and a challenge that waits
SELECT auth_store.tenant_policy_set(:'tenant', '{"passkey_rp_id": "example.com",
    "passkey_origins": ["https://example.com"]}') AS _ \gset _
SELECT gen_random_uuid() AS passkey \gset
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports, name)
VALUES (:'passkey', :'user', 4294967295, -7, true, true, false, '01020304-0506-0708-0102-030405060708', :'tenant',
    'example.com', sha256(:'tenant'::bytea), '\\xa5', 'none', '{usb,nfc}', 'Key "ü"');
SELECT expires_at FROM auth_store.passkey_challenge('login', :'user') \gset _
SELECT error FROM auth_store.identity_link(:'user', 'google', '1', 'ada@' || :'tenant' || '.example',
    '{"hd": "ü"}') \gset _
-- one code redeemed, one waiting
SELECT code AS used_code
  FROM auth_store.code_issue(:'client', :'user', code_challenge => :'challenge', ttl => '10 min', nonce => 'n-0S6',
    claims => '{"k": 1e10}', amr => ARRAY['pwd', 'otp']) \gset
SELECT access_token AS access, refresh_token AS first_refresh, grant_id AS grant
  FROM auth_store.code_redeem(:'used_code',
    :'client', client_secret => :'secret', code_verifier => :'verifier', ip => '192.0.2.1', user_agent => 'a b') \gset
SELECT code FROM auth_store.code_issue(:'client', :'user', code_challenge => :'challenge', ttl => '10 min') \gset
-- a device that waits for its user, and one whose user has agreed; a request that was pushed
SELECT client_id AS device_client
  FROM auth_store.client_create('TV of ' || :'tenant', client_type => 'public', client_id => 'tv-' || :'tenant',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'], scope => 'orders',
    tenant_id => :'tenant') \gset
SELECT device_code AS waiting_device_code, user_code FROM auth_store.device_authorize(:'device_client') \gset
SELECT device_code, user_code AS used_user_code FROM auth_store.device_authorize(:'device_client') \gset
SELECT * FROM auth_store.device_approve(:'used_user_code', :'user') \gset _
SET auth_store.pushed_request_ttl = '10 min';
SELECT request_uri FROM auth_store.pushed_request_create(:'client', :'secret', parameters => jsonb_build_object(
    'response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method', 'S256', 'state',
    'a "b" \ü')) \gset
-- a client that a user owns, and that signs with its secret
SELECT client_id AS owned, client_secret AS owned_secret FROM auth_store.client_create('Owned in ' || :'tenant',
    '{https://owned.example/cb}', token_endpoint_auth_method => 'client_secret_jwt', owner_id => :'user',
    tenant_id => :'tenant') \gset
-- an authorization request that waits for its user
SELECT auth_store.provider_set('https://id.example/' || :'tenant', '{"acr_values": ["ü"]}', :'tenant') AS _,
       auth_store.signing_key_create(tenant_id => :'tenant') AS key \gset signing_
SELECT interaction_id AS interaction FROM auth_store.http_authorize('GET', convert_to(concat(
    'response_type=code&prompt=consent&code_challenge_method=S256&code_challenge=', :'challenge', '&client_id=',
    :'client'), 'UTF8'), session_token => (SELECT session_token FROM auth_store.session_create(:'user'))) \gset
-- a family that was refreshed once, and a second one of that user
SELECT refresh_token AS refresh
  FROM auth_store.token_refresh(:'first_refresh', :'client', client_secret => :'secret') \gset
SELECT access_token AS other_access, refresh_token AS other_refresh, grant_id AS other_grant
  FROM auth_store.token_issue(
    :'client', :'user', cnf => '{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}') \gset
-- a client's own, and one that was revoked
SELECT access_token AS machine_access FROM auth_store.token_issue_client_credentials(:'client', :'secret') \gset
SELECT access_token AS revoked_access FROM auth_store.token_issue_client_credentials(:'client', :'secret') \gset
SELECT error FROM auth_store.token_revoke(:'revoked_access', :'client', :'secret') \gset
-- a session that was rotated, and one that has ended
SELECT session_token AS first_session
  FROM auth_store.session_create(:'user', metadata => '{"a": 1}', ip => '192.0.2.1') \gset
SELECT session_id, session_token AS session FROM auth_store.session_rotate(:'first_session', 'mfa') \gset
SELECT session_id AS ended_session_id, session_token AS ended_session FROM auth_store.session_create(:'user') \gset
SELECT auth_store.session_revoke(:'ended_session_id') \gset _
SELECT scope FROM auth_store.consent_record(:'user', :'client', 'openid', expires_at => '2100-01-01') \gset _
SELECT * FROM auth_store.client_authenticate(:'client', 'wrong') \gset _
-- a user's key that was used and rotated, a client's, a foreign one
SELECT api_key_id, api_key AS first_api_key
  FROM auth_store.api_key_create('Key of ' || :'tenant', :'user', scope => 'orders:*', prefix => 'sk_live_',
    allowed_cidrs => '{192.0.2.0/24,2001:db8::/32}', metadata => '{"n": 1.10}') \gset
SELECT valid FROM auth_store.api_key_touch(:'first_api_key', ip => '192.0.2.7') \gset _
SELECT api_key FROM auth_store.api_key_rotate(:'api_key_id', '1 day') \gset
SELECT api_key AS client_api_key
  FROM auth_store.api_key_create('Machine', client_id => :'client', expires_at => 'infinity') \gset
SELECT encode(sha256(('foreign-key-of-' || :'tenant')::bytea), 'hex') AS foreign_digest,
       encode(sha256(('new-' || :'tenant')::bytea), 'hex') AS new_digest \gset
SELECT auth_store.api_key_import(:'foreign_digest', 'Foreign', client_id => :'client',
    start => 'foreign-') IS NULL AS _ \gset
-- a role that inherits, and who has it
SELECT auth_store.role_create('clerk', '{orders:read}', tenant_id => :'tenant', inherits => '{user}') AS _ \gset _
SELECT auth_store.role_assign(:'user', 'clerk', 'infinity', :'user') AS _ \gset _
-- who acts as others
SELECT user_id AS support FROM auth_store.user_create(email => 'support@' || :'tenant' || '.example',
    tenant_id => :'tenant') \gset
SELECT auth_store.role_assign(:'support', 'admin') AS _ \gset _
SELECT token AS invitation FROM auth_store.invitation_create('guest@' || :'tenant' || '.example', 'clerk', :'tenant',
    invited_by => :'support') \gset
SELECT invitation_id FROM auth_store.invitation_show(:'invitation') \gset
-- JWT ids
SELECT auth_store.jti_revoke('jti-of-' || :'tenant', clock_timestamp() + '1 hour', 'stolen', :'tenant') AS _ \gset _
SELECT auth_store.jti_claim('https://idp.example', 'jti', clock_timestamp() + '1 hour', :'tenant') AS _ \gset _
-- one exchanged for the user's; refresh tokens of another store, used and not
SELECT access_token AS exchanged_access
  FROM auth_store.token_exchange(:'access', :'machine_access', :'client', :'secret') \gset
SELECT 'a-refresh-token-of-another-store-' || :'tenant' AS legacy_refresh \gset
SELECT auth_store.refresh_token_import(sha256(:'legacy_refresh'::bytea)::text, :'client', :'user') AS legacy_grant,
       auth_store.refresh_token_import(sha256(('used ' || :'legacy_refresh')::bytea)::text, :'client',
           :'user') AS used_legacy_grant \gset
SELECT refresh_token AS adopted_refresh
  FROM auth_store.token_refresh('used ' || :'legacy_refresh', :'client', client_secret => :'secret') \gset
SELECT * FROM auth_store.rate_limit_hit('door', 10, '30 d', tenant_id => :'tenant') \gset _
-- what was mailed to users, and a change of address that can be taken back
SELECT token AS verification FROM auth_store.email_verification_start(:'user') \gset
SELECT token AS reset FROM auth_store.password_reset_start('ada@' || :'tenant' || '.example', :'tenant') \gset
SELECT token AS magic_link FROM auth_store.magic_link_start('ada@' || :'tenant' || '.example', :'tenant') \gset
SELECT code AS otp FROM auth_store.otp_start(:'user', 'log in') \gset
SELECT new_token AS change FROM auth_store.email_change_start(:'user', 'ada@changed.example') \gset
SELECT user_id AS moved FROM auth_store.user_create('moved@' || :'tenant' || '.example', tenant_id => :'tenant') \gset
SELECT old_token, new_token FROM auth_store.email_change_start(:'moved', 'moved@changed.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'old_token') \gset _
SELECT undo_token AS undo FROM auth_store.email_change_confirm(:'new_token') \gset
-- what cleanup has counted
INSERT INTO auth_store.client_usage VALUES ('2026-01-01', '2026-01-01 12:00Z', 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 1,
    :'tenant', :'client');
INSERT INTO auth_store.client_users VALUES (:'user', clock_timestamp(), clock_timestamp(), :'tenant', :'client');
INSERT INTO auth_store.flag_counts VALUES ('2026-01-01 12:00Z', '2026-01-01 12:30Z', 1, :'tenant', 'refresh_reuse');
-- connections to providers: one that works, one whose refresh is due, one that somebody refreshes, and one that was
-- revoked
SELECT auth_store.connection_store('github', '1', 'gho_access-of-' || :'tenant', 'ghr_refresh-of-' || :'tenant', 'repo',
    '2100-01-01', metadata => '{"a": "ü"}',
    provider_account_id => 'octocat', tenant_id => :'tenant') AS connection \gset
SELECT auth_store.connection_store('azure', '1', 'access-of-' || :'tenant', 'refresh-of-' || :'tenant', NULL,
    '2020-01-01', tenant_id => :'tenant') AS due_connection \gset
SELECT auth_store.connection_store('google', '1', 'ya29.access-of-' || :'tenant', '1//refresh-of-' || :'tenant', NULL,
    '2020-01-01', tenant_id => :'tenant') AS leased_connection \gset
SELECT fence FROM auth_store.connection_lease(:'leased_connection') \gset
SELECT ok FROM auth_store.connection_fail(:'leased_connection', :fence, 'timeout') \gset _
SELECT fence FROM auth_store.connection_lease(:'leased_connection', '1 hour') \gset
SELECT auth_store.connection_store('vercel', :'api_key_id', 'revoked-of-' || :'tenant', actor_type => 'api_key',
    tenant_id => :'tenant') AS revoked_connection \gset
SELECT auth_store.connection_revoke(:'revoked_connection', 'asked for') \gset _
-- second factors: an app that another store knew, one that is not confirmed, recovery codes
SELECT auth_store.totp_import(:'user', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ') AS factor \gset
SELECT factor_id AS new_factor FROM auth_store.totp_enroll(:'user') \gset
SELECT min(code) AS recovery_code FROM auth_store.recovery_codes_generate(:'user') AS code \gset
-- a client's webhook that has two secrets, a test on its way, a delivery that failed, now and a month ago
SELECT webhook_id AS webhook FROM auth_store.webhook_create('https://hooks.example/' || :'tenant', ARRAY['*'],
    '{"ns": "ü"}', :'client', metadata => '{"n": 1.10}', expires_at => 'infinity') \gset
SELECT auth_store.webhook_secret_rotate(:'webhook') AS webhook_secret \gset
SELECT auth_store.webhook_own_events_set(:'tenant', true) AS _,
       auth_store.webhook_event_type_register('order.made', sample => '{"n": 1.10}') AS _ \gset _
SELECT auth_store.webhook_test(:'webhook', 'order.made') AS failed_delivery \gset
SET auth_store.tenant_id = :'tenant';
SELECT attempt FROM auth_store.webhook_claim() \gset _
RESET auth_store.tenant_id;
SELECT auth_store.webhook_complete(:'failed_delivery', :_attempt, 500, 'ü', 12, 'a "b"', '{"a": "ü"}') AS _ \gset _
SELECT auth_store.partitions_make(ARRAY['webhook_attempts_' || to_char(now() AT TIME ZONE 'UTC' - interval '1 month',
    '"y"YYYY"m"MM')]) AS _ \gset _
INSERT INTO auth_store.webhook_attempts
SELECT delivery_id, webhook_id, event_id, attempted_at - interval '1 month', attempt, duration_ms, http_status,
       tenant_id, event_type, outcome, error, response_headers, response_body
  FROM auth_store.webhook_attempts WHERE delivery_id = :'failed_delivery';
SELECT auth_store.webhook_test(:'webhook', 'agent.created') AS delivery \gset
-- the tenant is a provider, whose tokens for one resource are JWTs
SELECT auth_store.resource_set('https://api.example/' || :'tenant', 'orders', 'jwt', metadata => '{"n": 1.10}',
           tenant_id => :'tenant') AS _ \gset _
SELECT access_token AS jwt FROM auth_store.token_issue(:'client', :'user', 'openid orders',
    resource => ARRAY['https://api.example/' || :'tenant']) \gset
SELECT format('%s=%s', n, v)
  FROM (VALUES ('jwt', :'jwt'), ('client', :'client'), ('secret', :'secret'), ('user', :'user'), ('code', :'code'),
    ('used_code', :'used_code'), ('access', :'access'), ('first_refresh', :'first_refresh'), ('refresh', :'refresh'),
    ('grant', :'grant'), ('other_access', :'other_access'), ('other_refresh', :'other_refresh'),
    ('other_grant', :'other_grant'), ('machine_access', :'machine_access'), ('revoked_access', :'revoked_access'),
    ('session', :'session'), ('first_session', :'first_session'), ('session_id', :'session_id'),
    ('ended_session', :'ended_session'),
    ('device_client', :'device_client'), ('waiting_device_code', :'waiting_device_code'), ('user_code', :'user_code'),
    ('device_code', :'device_code'), ('request_uri', :'request_uri'), ('exchanged_access', :'exchanged_access'),
    ('legacy_refresh', :'legacy_refresh'), ('adopted_refresh', :'adopted_refresh'),
    ('challenge', :'challenge'), ('api_key_id', :'api_key_id'), ('api_key', :'api_key'),
    ('verification', :'verification'), ('magic_link', :'magic_link'), ('otp', :'otp'), ('change', :'change'),
    ('undo', :'undo'), ('reset', :'reset'),
    ('first_api_key', :'first_api_key'),
    ('client_api_key', :'client_api_key'), ('support', :'support'),
    ('new_digest', :'new_digest'), ('revoked_jti', 'jti-of-' || :'tenant'),
    ('factor', :'factor'), ('recovery_code', :'recovery_code'),
    ('invitation', :'invitation'), ('invitation_id', :'invitation_id'), ('passkey', :'passkey'),
    ('webhook', :'webhook'), ('delivery', :'delivery'), ('failed_delivery', :'failed_delivery'),
    ('signing_key', :'signing_key'), ('owned', :'owned'), ('interaction', :'interaction'),
    ('connection', :'connection'), ('leased_connection', :'leased_connection'), ('fence', :'fence')) AS made (n, v);
SQL
        my %made = map { split /=/, $_, 2 } split /\n/, $out;
        die "populate: nothing for $_ in $tenant" for grep { ($made{$_} // '') !~ /./ } qw(access refresh used_code
            other_grant device_code request_uri undo);
        $store{$tenant} = { %made, verifier => $VERIFIER, tenant => $tenant };
    }
    return \%store;
}

# --- fingerprints ----------------------------------------------------------------------------------------------------

# The rows of every table of the store: { table => "count hash" }, partitions by themselves and as a whole.
sub contents
{
    my ($node, $database) = @_;
    my $out = value($node, $database, <<'SQL');
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SELECT format('SELECT %L, count(*), md5(coalesce(string_agg(t::text, E''\n'' ORDER BY t::text COLLATE "C"), '''')) '
              'FROM auth_store.%I t',
              relname, relname)
  FROM pg_class
 WHERE relnamespace = 'auth_store'::regnamespace AND relkind IN ('r', 'p')
   AND NOT (relpersistence = 'u' AND pg_is_in_recovery())  -- of which a standby has nothing
 ORDER BY relname \gexec
SQL
    my %found;
    for (split /\n/, $out)
    {
        my ($table, $count, $hash) = split /\|/;
        $found{$table} = "$count $hash";
    }
    return \%found;
}

# The differences of two such, as text; '' where there are none.
sub differences
{
    my ($before, $after) = @_;
    my %all = (%$before, %$after);
    return join '', map {
        my ($old, $new) = ($before->{$_} // 'absent', $after->{$_} // 'absent');
        $old eq $new ? '' : "$_: $old, then $new\n"
    } sort keys %all;
}

# The objects of a database as pg_dump writes them, statement by statement: { statement => 1 }. Whatever has no order of
# its own (privileges, and what depends on the order of creation) is put into one.
sub shape
{
    my ($node, $database, @options) = @_;
    my ($out, $err) = ('', '');
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
    IPC::Run::run([ $node->installed_command('pg_dump'), '--schema-only', '--no-sync', @options, $database ], '>',
        \$out, '2>', \$err)
      or die "pg_dump: $err";
    $out =~ s/^(--.*|SET .*|SELECT pg_catalog\.set_config.*|\\.*)?\n//mg;
    return { map { ($_ => 1) } grep { /\S/ } split /;\n/, $out };
}

sub quote
{
    my ($text) = @_;
    $text =~ s/'/''/g;
    return "'$text'";
}

# What the library says of each table, by its name: the columns of tests/tables.txt, which a unit test compares.
sub table_facts
{
    my ($head, @lines) = split /\n/, slurp_file("$FindBin::Bin/../tables.txt");
    my ($name, @columns) = split /\t/, $head;
    my %facts;
    for (@lines)
    {
        my ($table, @words) = split /\t/;
        @{ $facts{$table} }{@columns} = @words;
    }
    return %facts;
}

1;

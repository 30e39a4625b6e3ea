# What the TAP tests share: servers, calls whose SQLSTATE matters, a store with something in it, fingerprints of its
# rows and of its objects, and the table of every function with a call of it.
package AuthStore;

use strict;
use warnings;

use feature 'state';
use Exporter 'import';
use File::Basename qw(dirname);
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_server set_conf run_sql value raises succeeds install_helpers populate contents differences shape
  functions call_of privileges);

# The roles of the store and what a DBA would grant them to; nobody is a login without any.
our %LOGINS = (
    web     => 'auth_store_app',
    replica => 'auth_store_reader',
    boss    => 'auth_store_admin',
    auditor => 'auth_store_auditor',
    api     => 'auth_store_verifier',
    worker  => 'auth_store_worker',
    cron    => 'auth_store_jobs',
    nobody  => undef);

# --- servers and statements ------------------------------------------------------------------------------------------

# new_server(NAME, preload => 1, streaming => 1): a running server.
sub new_server
{
    my ($name, %how) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);
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
    my ($status, $out, $err) = $node->psql($database, $sql, extra_params => \@extra);
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
SELECT auth_store.pkce_challenge(:'verifier') AS challenge \gset
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
SELECT format('%s=%s', n, v)
  FROM (VALUES ('client', :'client'), ('secret', :'secret'), ('user', :'user'), ('code', :'code'),
    ('used_code', :'used_code'), ('access', :'access'), ('first_refresh', :'first_refresh'), ('refresh', :'refresh'),
    ('grant', :'grant'), ('other_access', :'other_access'), ('other_refresh', :'other_refresh'),
    ('other_grant', :'other_grant'), ('machine_access', :'machine_access'), ('revoked_access', :'revoked_access'),
    ('session', :'session'), ('first_session', :'first_session'), ('session_id', :'session_id'),
    ('ended_session', :'ended_session'),
    ('device_client', :'device_client'), ('waiting_device_code', :'waiting_device_code'), ('user_code', :'user_code'),
    ('device_code', :'device_code'), ('request_uri', :'request_uri'), ('exchanged_access', :'exchanged_access'),
    ('legacy_refresh', :'legacy_refresh'), ('adopted_refresh', :'adopted_refresh'),
    ('challenge', :'challenge'), ('api_key_id', :'api_key_id'), ('api_key', :'api_key'),
    ('first_api_key', :'first_api_key'),
    ('client_api_key', :'client_api_key'), ('new_digest', :'new_digest'), ('revoked_jti', 'jti-of-' || :'tenant'),
    ('connection', :'connection'), ('leased_connection', :'leased_connection'), ('fence', :'fence')) AS made (n, v);
SQL
        my %made = map { split /=/, $_, 2 } split /\n/, $out;
        die "populate: nothing for $_ in $tenant" for grep { ($made{$_} // '') !~ /./ } qw(access refresh used_code
            other_grant device_code request_uri);
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

# --- every function --------------------------------------------------------------------------------------------------

# name => [does, call]: whether it reads or writes, draws random bytes only, passes on to another, is the superuser's,
# the install script's or the event trigger's; a call that succeeds. Who may call it is in tests/privileges.txt.
# In a call, {x} stands for the literal of what populate() made under that name.
my %FUNCTIONS = (
    # schema
    install        => [ superuser => 'SELECT auth_store.install()' ],
    migrate        => [ superuser => 'SELECT auth_store.migrate()' ],
    uninstall      => [ superuser => 'SELECT auth_store.uninstall(pg_catalog.current_database())' ],
    check          => [ reads => 'SELECT * FROM auth_store.check()' ],
    guard          => [ event => 'SELECT auth_store.guard()' ],
    guard_tables   => [ event => q{SELECT auth_store.guard_tables('DROP TABLE')} ],
    restoring      => [ script => 'SELECT auth_store.restoring()' ],
    tenant_visible => [ reads => 'SELECT auth_store.tenant_visible({tenant})' ],
    call           => [ passes => q{SELECT auth_store.call('id_time', pg_catalog.jsonb_build_object('id', {user}))} ],
    id_time        => [ reads => 'SELECT auth_store.id_time({user})' ],
    # tenant
    tenant_create     => [ writes => q{SELECT auth_store.tenant_create('new')} ],
    tenant_update     => [ writes => q{SELECT auth_store.tenant_update({tenant}, 'another name')} ],
    tenant_set_status => [ writes => q{SELECT auth_store.tenant_set_status({tenant}, 'suspended')} ],
    tenant_erase      => [ writes => q{SELECT auth_store.tenant_erase({tenant}, {tenant})} ],
    # client
    client_create        => [ writes => q{SELECT auth_store.client_create('new', ARRAY['https://new.example/cb'])} ],
    client_authenticate  => [ writes => 'SELECT auth_store.client_authenticate({client}, {secret})' ],
    client_secret_rotate => [ writes => q{SELECT auth_store.client_secret_rotate({client}, '1 day')} ],
    client_secret_import => [ writes =>
        q{SELECT auth_store.client_secret_import({client},
            '$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy')} ],
    client_update        => [ writes => q{SELECT auth_store.client_update({client}, '{"name": "n"}')} ],
    client_set_status    => [ writes => q{SELECT auth_store.client_set_status({client}, 'suspended')} ],
    client_delete        => [ writes => q{SELECT auth_store.client_delete({client})} ],
    # user
    user_create => [ writes => q{SELECT auth_store.user_create('new@example.com')} ],
    user_ensure => [ writes => q{SELECT auth_store.user_ensure('2', {tenant})} ],
    client_get  => [ reads => 'SELECT * FROM auth_store.client_get({client})' ],
    client_allows_redirect_uri => [ reads => q{SELECT auth_store.client_allows_redirect_uri({client},
        'https://x.example/')} ],
    user_get    => [ reads => 'SELECT * FROM auth_store.user_get({user})' ],
    # pkce
    pkce_challenge => [ reads => 'SELECT auth_store.pkce_challenge({verifier})' ],
    pkce_verify    => [ reads => 'SELECT auth_store.pkce_verify({verifier}, {challenge})' ],
    # code
    code_issue  => [ writes => 'SELECT auth_store.code_issue({client}, {user}, code_challenge => {challenge})' ],
    code_redeem => [ writes =>
        'SELECT auth_store.code_redeem({code}, {client}, client_secret => {secret}, code_verifier => {verifier})' ],
    # pushed request
    pushed_request_create => [ writes => q{SELECT * FROM auth_store.pushed_request_create({client}, {secret},
        parameters => jsonb_build_object('response_type', 'code', 'code_challenge', {challenge},
        'code_challenge_method', 'S256'))} ],
    pushed_request_consume => [ writes => 'SELECT * FROM auth_store.pushed_request_consume({request_uri}, {client})' ],
    # device
    device_authorize => [ writes => 'SELECT * FROM auth_store.device_authorize({device_client})' ],
    device_lookup    => [ writes => 'SELECT * FROM auth_store.device_lookup({user_code}, tenant_id => {tenant})' ],
    device_approve   => [ writes => 'SELECT * FROM auth_store.device_approve({user_code}, {user})' ],
    device_deny      => [ writes => 'SELECT * FROM auth_store.device_deny({user_code}, tenant_id => {tenant})' ],
    device_redeem    => [ writes => 'SELECT * FROM auth_store.device_redeem({device_code}, {device_client})' ],
    # token
    token_issue                    => [ writes => 'SELECT auth_store.token_issue({client}, {user})' ],
    token_issue_client_credentials => [ writes => 'SELECT auth_store.token_issue_client_credentials({client},
        {secret})' ],
    token_refresh => [ writes => 'SELECT auth_store.token_refresh({refresh}, {client}, client_secret => {secret})' ],
    token_exchange => [ writes =>
        'SELECT auth_store.token_exchange({access}, {machine_access}, {client}, {secret})' ],
    refresh_token_import => [ writes => q{SELECT auth_store.refresh_token_import(pg_catalog.repeat('0f', 32), {client},
        {user})} ],
    token_introspect    => [ reads => 'SELECT * FROM auth_store.token_introspect({access})' ],
    token_introspection => [ reads => 'SELECT auth_store.token_introspection({access})' ],
    token_authorize     => [ reads => q{SELECT * FROM auth_store.token_authorize({access}, 'orders')} ],
    token_use           => [ writes => q{SELECT * FROM auth_store.token_use({access}, 'orders')} ],
    token_revoke        => [ writes => 'SELECT auth_store.token_revoke({access}, {client}, {secret})' ],
    token_hash          => [ reads => 'SELECT auth_store.token_hash({access})' ],
    token_bucket        => [ reads => 'SELECT auth_store.token_bucket({access})' ],
    # jti
    jti_revoke     => [ writes => q{SELECT auth_store.jti_revoke('new',
        pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '1 hour'::pg_catalog.interval)} ],
    jti_is_revoked => [ reads => 'SELECT auth_store.jti_is_revoked({revoked_jti}, {tenant})' ],
    jti_claim      => [ writes =>
        q{SELECT auth_store.jti_claim('issuer', 'new',
            pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '5 min'::pg_catalog.interval)} ],
    jti_partitions_ensure => [ writes => 'SELECT auth_store.jti_partitions_ensure()' ],
    # dpop
    jwk_thumbprint => [ reads =>
        q{SELECT auth_store.jwk_thumbprint('{"kty": "OKP", "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}')} ],
    dpop_verify => [ writes => q{SELECT auth_store.dpop_verify('e30.e30.', 'POST', 'https://as.example/token')} ],
    # grant
    grant_revoke         => [ writes => 'SELECT auth_store.grant_revoke({grant})' ],
    user_grants_revoke   => [ writes => 'SELECT auth_store.user_grants_revoke({user})' ],
    client_grants_revoke => [ writes => 'SELECT auth_store.client_grants_revoke({client})' ],
    # API key
    api_key_create => [ writes => q{SELECT auth_store.api_key_create('new', {user})} ],
    api_key_verify => [ reads => q{SELECT * FROM auth_store.api_key_verify({api_key}, 'orders:read', '192.0.2.1')} ],
    api_key_touch  => [ writes => q{SELECT auth_store.api_key_touch({api_key}, 'orders:read', '192.0.2.1')} ],
    api_key_rotate => [ writes => q{SELECT auth_store.api_key_rotate({api_key_id}, '1 hour')} ],
    api_key_revoke => [ writes => 'SELECT auth_store.api_key_revoke({api_key_id})' ],
    api_key_list   => [ reads => 'SELECT * FROM auth_store.api_key_list({user})' ],
    api_key_import => [ writes => q{SELECT auth_store.api_key_import({new_digest}, 'new', client_id => {client})} ],
    # session
    session_create       => [ writes => 'SELECT auth_store.session_create({user})' ],
    session_validate     => [ reads => 'SELECT * FROM auth_store.session_validate({session})' ],
    session_touch        => [ writes => 'SELECT * FROM auth_store.session_touch({session})' ],
    session_rotate       => [ writes => 'SELECT * FROM auth_store.session_rotate({session})' ],
    session_revoke       => [ writes => 'SELECT auth_store.session_revoke({session_id})' ],
    user_sessions_revoke => [ writes => 'SELECT auth_store.user_sessions_revoke({user}, {session_id})' ],
    session_list         => [ reads => 'SELECT * FROM auth_store.session_list({user})' ],
    # consent
    consent_record    => [ writes => q{SELECT auth_store.consent_record({user}, {client}, 'orders')} ],
    consent_check     => [ reads => q{SELECT * FROM auth_store.consent_check({user}, {client}, 'openid')} ],
    consent_revoke    => [ writes => 'SELECT auth_store.consent_revoke({user}, {client})' ],
    user_applications => [ reads => 'SELECT * FROM auth_store.user_applications({user})' ],
    # audit
    audit_write       => [ writes => q{SELECT auth_store.audit_write('report.exported')} ],
    partitions_ensure => [ writes => 'SELECT auth_store.partitions_ensure()' ],
    partitions_drop   => [ writes => 'SELECT auth_store.partitions_drop()' ],
    partitions_make   => [ writes => q{SELECT auth_store.partitions_make(ARRAY['audit_log_y2020m01'])} ],
    # limit
    rate_limit_hit   => [ writes => q{SELECT auth_store.rate_limit_hit('door', 10, '1 min', tenant_id => {tenant})} ],
    rate_limit_reset => [ writes => q{SELECT auth_store.rate_limit_reset('door', {tenant})} ],
    rate_limit_stats => [ reads => 'SELECT * FROM auth_store.rate_limit_stats()' ],
    # vault
    fernet_encrypt => [ draws => q{SELECT auth_store.fernet_encrypt('hello',
        'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')} ],
    fernet_decrypt => [ reads => q{SELECT auth_store.fernet_decrypt(
        'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
        'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')} ],
    # maintenance
    cleanup_expired_data => [ writes => 'SELECT auth_store.cleanup_expired_data()' ],
    cleanup_batch        => [ writes => q{SELECT auth_store.cleanup_batch('access_tokens')} ],
    cleanup_jtis         => [ writes => 'SELECT auth_store.cleanup_jtis()' ],
    cleanup_tasks        => [ reads => 'SELECT auth_store.cleanup_tasks()' ],
    cleanup_audit        => [ writes => 'SELECT auth_store.cleanup_audit()' ],
    connection_store => [ writes => q{SELECT auth_store.connection_store('github', '2', 'new', 'new',
        tenant_id => {tenant})} ],
    connection_get  => [ reads => q{SELECT * FROM auth_store.connection_get('github', '1', tenant_id => {tenant})} ],
    connection_list => [ reads => q{SELECT * FROM auth_store.connection_list('1', tenant_id => {tenant})} ],
    connection_status => [ reads => q{SELECT auth_store.connection_status('2000-01-01', '2000-01-01', NULL, 0, NULL)} ],
    connections_due => [ writes => 'SELECT * FROM auth_store.connections_due()' ],
    connection_lease => [ writes => 'SELECT auth_store.connection_lease({connection})' ],
    connection_complete => [ writes => q{SELECT auth_store.connection_complete({leased_connection}, {fence}, 'new')} ],
    connection_fail   => [ writes => q{SELECT auth_store.connection_fail({leased_connection}, {fence}, 'timeout')} ],
    connection_import_fernet => [ writes => q{SELECT auth_store.connection_import_fernet('github', '3',
        'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
        fernet_key => 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')} ],
    connection_revoke => [ writes => 'SELECT auth_store.connection_revoke({connection})' ],
    connection_delete => [ writes => 'SELECT auth_store.connection_delete({connection})' ],
    vault_key_generate => [ draws => 'SELECT auth_store.vault_key_generate()' ],
    vault_check       => [ reads => 'SELECT * FROM auth_store.vault_check()' ],
    vault_rekey_batch => [ writes => 'SELECT auth_store.vault_rekey_batch()' ],
    # These commit after each batch, so they can't be undone: each is called by itself.
    vault_rekey => [ commits => 'CALL auth_store.vault_rekey()' ],
    cleanup => [ commits => 'CALL auth_store.cleanup()' ],
);

# The functions' names in order; dies where the extension and the table above do not know the same ones.
sub functions
{
    my ($node, $database) = @_;
    my @there = split /\n/, value($node, $database, <<'SQL');
SELECT p.proname
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid
 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND e.extname = 'auth_store'
 ORDER BY p.proname COLLATE "C"
SQL
    is(join(' ', @there), join(' ', sort keys %FUNCTIONS),
        'the tests have a call of every function, and each exists once');
    return grep { exists $FUNCTIONS{$_} } @there;
}

# The lines of tests/privileges.txt: [kind, object (of a column: table.column), role, privilege].
sub privileges
{
    my @lines = grep { !/^#/ } split /\n/, slurp_file(dirname(__FILE__) . '/../privileges.txt');
    return map { /^(\w+) (\S+): (\w+) (\w+)$/ ? [ $1, $2, $3, $4 ] : die "tests/privileges.txt: $_" } @lines;
}

# call_of(NAME, what populate() made of a tenant): { does, sql, roles }, those of %LOGINS that may call it.
sub call_of
{
    my ($name, $made) = @_;
    my ($does, $sql) = @{ $FUNCTIONS{$name} };
    $sql =~ s/\{(\w+)\}/quote($made->{$1} \/\/ die "nothing named $1")/ge;
    state %roles;
    if (!%roles)
    {
        my %granted = map { ($_ => 1) } grep { defined } values %LOGINS;
        for (grep { $_->[3] eq 'EXECUTE' && $granted{ $_->[2] } } privileges())
        {
            push @{ $roles{ $_->[1] } }, $_->[2] =~ s/^auth_store_//r;
        }
    }
    return { does => $does, roles => $roles{$name} // [], sql => $sql };
}

sub quote
{
    my ($text) = @_;
    $text =~ s/'/''/g;
    return "'$text'";
}

1;

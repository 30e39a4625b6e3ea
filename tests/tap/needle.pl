# No secret in the server's log, whatever is logged, nor in its files: heap, WAL and all.
#
# Everything that can log a statement is on: log_statement, durations with parameters, query trees, auto_explain and
# pgaudit with nested statements and their parameters, pg_stat_statements. What a client itself writes into its
# statement is its own: each statement that carries a secret begins with a mark, and the log entries of marked
# statements are left out. What is left, the statements of the store above all, must hold no secret in any form.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Authenticator;
use Needle;
use NeedleProtocol;
use Digest::SHA qw(hmac_sha1 sha256_base64 sha256_hex);
use File::Find;
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes ();

my $MARK = '/* the client says */';
my $node = new_server('needle');
my $lib = $node->config_data('--pkglibdir');
my @preload = grep { -e "$lib/$_.so" } qw(auto_explain pg_stat_statements pgaudit);
my %have = map { $_ => 1 } @preload, grep { -e "$lib/$_.so" } 'test_decoding';
note('preloaded: ', join ', ', @preload);
$node->append_conf('postgresql.conf', 'shared_preload_libraries = \'' . join(',', @preload) . "'\n" . <<'CONF');
logging_collector = on
log_destination = 'jsonlog'
log_directory = 'log'
log_filename = 'needle'
log_statement = all
log_min_duration_statement = 0
log_parameter_max_length = -1
log_parameter_max_length_on_error = 0
log_error_verbosity = verbose
log_connections = on
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_buffers = on
auto_explain.log_wal = on
auto_explain.log_verbose = on
auto_explain.log_settings = on
auto_explain.log_triggers = on
pg_stat_statements.track = all
pg_stat_statements.track_utility = on
pgaudit.log = all
pgaudit.log_catalog = on
pgaudit.log_parameter = on
pgaudit.log_relation = on
wal_level = logical
auth_store.code_replay_grace = 0
auth_store.pushed_request_ttl = 600
CONF
$node->restart;
my $db = 'postgres';
my $log = $node->data_dir . '/log/needle.json';
value($node, $db, 'CREATE EXTENSION auth_store');
value($node, $db, 'CREATE EXTENSION pg_stat_statements') if $have{pg_stat_statements};
value($node, $db, "SELECT pg_create_logical_replication_slot('needle', 'test_decoding')") if $have{test_decoding};

# --- what the store hands out -----------------------------------------------------------------------------------------

# These statements hold no secret, so there is no mark: everything is searched, query trees too.
my %made;

sub mint
{
    my ($name, $sql) = @_;
    my $out = value($node, $db, $sql,
        options => '-c debug_print_parse=on -c debug_print_rewritten=on -c debug_print_plan=on '
        . '-c debug_pretty_print=off');
    my @texts = $out =~ m{\b((?:as\w\w|sk_live|whsec)_[\w/+-]+)}g;    # a pushed request's is in a URN
    die "$name: got $out" unless @texts;
    $made{$name} = @texts > 1 ? \@texts : $texts[0];
    secret("$name $_", $texts[$_]) for 0 .. $#texts;
    return $made{$name};
}

mint(client => "SELECT client_secret
    FROM auth_store.client_create('Needle', ARRAY['https://needle.example/cb'], client_id => 'needle',
    scope => 'read openid',
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials',
    'urn:ietf:params:oauth:grant-type:token-exchange'])");
mint(rotated => "SELECT auth_store.client_secret_rotate('needle', '1 day')");
value($node, $db, "SELECT user_id FROM auth_store.user_create('needle\@example.com', external_id => 'needle')");
my $user = "auth_store.user_ensure('needle')";
# The verifier is the client's; the store sees its challenge alone until the redemption.
my $verifier = secret(verifier => join '', map { chr(97 + rand 26) } 1 .. 60);
my $challenge = sha256_base64($verifier) =~ tr{+/}{-_}r;
mint(code => "SELECT code
    FROM auth_store.code_issue('needle', $user, code_challenge => '$challenge', ttl => '10 min', ip => '192.0.2.1')");
mint(second_code => "SELECT code
    FROM auth_store.code_issue('needle', $user, code_challenge => '$challenge', ttl => '10 min')");
value($node, $db,
    "SELECT auth_store.client_create('Needle TV', client_type => 'public', client_id => 'needle-tv', scope => 'read',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'])");
my (%user_code, %device_code);
for my $name ('device', 'denied device', 'refused device')
{
    (my $device_code, $user_code{$name}) = split /\|/,
        value($node, $db, "SELECT device_code, user_code FROM auth_store.device_authorize('needle-tv')");
    $device_code{$name} = secret("$name code", $device_code);
    user_code("$name, user code", $user_code{$name});
}
my $pushed = "'response_type', 'code', 'code_challenge', '$challenge', 'code_challenge_method', 'S256'";
mint(pushed => "SELECT request_uri FROM auth_store.pushed_request_create('needle', client_authenticated => true,
    parameters => jsonb_build_object($pushed))");
mint(issued => "SELECT access_token, refresh_token
    FROM auth_store.token_issue('needle', $user, claims => '{\"a\": 1}')");
mint(fresh => "SELECT access_token, refresh_token FROM auth_store.token_issue('needle', $user)");
mint(session => "SELECT session_token
    FROM auth_store.session_create($user, metadata => '{\"a\": 1}', ip => '192.0.2.1', user_agent => 'a b')");
mint(other_session => "SELECT session_token FROM auth_store.session_create($user)");
mint(machine => "SELECT access_token
    FROM auth_store.token_issue_client_credentials('needle', client_authenticated => true)");
# A password, and the token of the browser that logs in with it.
my $password = 'needle-password-' . join '', map { chr(97 + rand 26) } 1 .. 20;
mint(verification => "SELECT token FROM auth_store.email_verification_start($user)");
mint(reset => "SELECT token FROM auth_store.password_reset_start('needle\@example.com')");
mint(magic => "SELECT token FROM auth_store.magic_link_start('needle\@example.com')");
my $moving = "(SELECT user_id FROM auth_store.user_find('moving\@needle.example'))";
value($node, $db, "SELECT auth_store.user_create('moving\@needle.example')");
mint(change => "SELECT old_token, new_token FROM auth_store.email_change_start($moving, 'moving\@changed.example')");
mint(invitation => "SELECT token FROM auth_store.invitation_create('guest\@needle.example', 'user')");
my $otp = secret(otp => value($node, $db, "SELECT code FROM auth_store.otp_start($user, 'log in', 10)"));
my $key_id = "(SELECT api_key_id FROM auth_store.api_key_list($user) WHERE name = 'Needle')";
mint(api_key => "SELECT api_key
    FROM auth_store.api_key_create('Needle', $user, scope => 'read', prefix => 'sk_live_')");
mint(rotated_key => "SELECT api_key FROM auth_store.api_key_rotate($key_id, '1 day')");
mint(plain_key => "SELECT api_key
    FROM auth_store.api_key_create('Plain', client_id => 'needle', rate_limit_per_hour => 100)");
# The keys that a webhook's deliveries are signed with.
mint(webhook => "SELECT secret FROM auth_store.webhook_create('https://hooks.needle.example/', ARRAY['*'])");
mint(rotated_webhook => "SELECT auth_store.webhook_secret_rotate(webhook_id, '1 day') FROM auth_store.webhook_list()");
secret("$_, bytes" => decode_base64(substr $made{$_}, 6)) for qw(webhook rotated_webhook);
# A key of another store, of which the store is told the digest alone.
my $foreign_key = secret(foreign_key => 'foreign-key-of-the-needle-' . join '', map { chr(97 + rand 26) } 1 .. 20);
value($node, $db,
    "SELECT auth_store.api_key_import('" . sha256_hex($foreign_key) . "', 'Foreign', client_id => 'needle')");

# --- what the client brings -------------------------------------------------------------------------------------------

# Each with the mark. The answer's tokens are secrets too, though nobody has said them yet.
sub say_it
{
    my ($name, $call) = @_;
    my $out = value($node, $db, "SELECT $MARK * FROM auth_store.$call");
    my @texts = $out =~ /\b(as[adors]t_[\w-]+)/g;
    $made{$name} = \@texts;
    secret("$name $_", $texts[$_]) for 0 .. $#texts;
    return $out;
}

my $auth = "'needle', client_secret => '$made{client}'";
like(say_it(authenticated => "client_authenticate($auth)"), qr/^t\|/, 'the client was authenticated');
say_it(wrong => "client_authenticate('needle', '" . secret('wrong secret', 'ascs_' . 'Q' x 63 . 'A') . "')");
say_it(wrong_verifier => "code_redeem('$made{code}', $auth, code_verifier => '"
    . secret('wrong verifier', 'w' . reverse $verifier) . "')");
say_it(redeemed => "code_redeem('$made{code}', $auth, code_verifier => '$verifier')");
is(scalar @{ $made{redeemed} }, 2, 'the code was redeemed');
my ($access, $refresh) = @{ $made{redeemed} };
say_it(refreshed => "token_refresh('$refresh', $auth)");
say_it(again => "token_refresh('$refresh', $auth)");
is($made{again}[1], $made{refreshed}[1], 'the refresh token was exchanged, twice for the same');
like(say_it(introspected => "token_introspect('$access')"), qr/^t\|/, 'the access token was introspected');
say_it(introspection => "token_introspection('$access')");
say_it(authorized => "token_authorize('$access', 'read')");
say_it(used => "token_use('$access', 'read', ip => '192.0.2.1')");
say_it(hashed => "token_hash('$access')");
say_it(bucket => "token_bucket('$access')");
say_it(verified => "pkce_verify('$verifier', '$challenge')");
say_it(machine_again => "token_issue_client_credentials($auth)");
say_it(password_set => "password_set($user, '" . secret(password => $password) . "', false)");
my $login = "user_login('needle\@example.com'";
like(say_it(logged_in => "$login, '$password', remember_device => true, ip => '192.0.2.1')"), qr/^t\|/,
    'a user logged in with a password');
like(say_it(known_device => "$login, '$password', device_token => '$made{logged_in}[0]')"), qr/^t\|/,
    'and with the device that was remembered');
say_it(wrong_password => "$login, '" . secret('wrong password', 'wrong-' . reverse $password) . "')");
say_it(wrong_device => "$login, '$password', device_token => '"
    . secret('unknown device', 'asdt_' . 'zYx0' x 16) . "')");
like(say_it(looked_up => "device_lookup('$user_code{device}')"), qr/pending/, 'the user code leads to its request');
say_it(wrong_user_code => "device_lookup('" . user_code('wrong user code', 'QZXJ-VKWQ') . "')");
like(say_it(polled => "device_redeem('$device_code{device}', 'needle-tv')"), qr/authorization_pending/,
    'the device polled');
like(say_it(too_early => "device_redeem('$device_code{device}', 'needle-tv')"), qr/slow_down/, 'too often');
say_it(approved => "device_approve('" . lc($user_code{$_}) . "', $user)") for 'device', 'refused device';
say_it(denied => "device_deny('$user_code{'denied device'}')");
like(say_it(denied_device => "device_redeem('$device_code{'denied device'}', 'needle-tv')"), qr/access_denied/,
    'one was denied');
like(say_it(device_tokens => "device_redeem('$device_code{device}', 'needle-tv')"), qr/asrt_/,
    'and one got its tokens');
say_it(invited => "invitation_show('$made{invitation}')");
like(say_it(joined => "invitation_accept('$made{invitation}', $user, true)"), qr/user/, 'an invitation was accepted');
say_it(shown => "one_time_show('$made{verification}')");
like(say_it(verified_address => "email_verification_finish('$made{verification}')"), qr/needle/,
    'an address was proved');
say_it(verified_address => "email_verification_finish('$made{verification}')");
like(say_it(typed => "otp_verify($user, 'log in', '$otp')"), qr/otp/, 'a one-time password was typed');
say_it(mistyped => "otp_verify($user, 'log in', '" . secret('wrong one-time password', '8153920475') . "')");
like(say_it(magic_used => "magic_link_finish('$made{magic}')"), qr/otp/, 'a magic link was used');
say_it(wrong_reset => "password_reset_finish('$made{magic}', '" . secret('new password', 'quartz 4711 lamp') . "')");
say_it(confirmed => "email_change_confirm('$_')") for @{ $made{change} };
say_it(undone => "email_change_undo('$made{confirmed}[0]')");
is(scalar @{ $made{undone} }, 1, 'a change of address was made and taken back');
mint(refused_magic => "SELECT token FROM auth_store.magic_link_start('moving\@needle.example')");
my $late_otp = secret(late => value($node, $db, "SELECT code FROM auth_store.otp_start($user, 'refused', 10)"));
# Passkeys: what the authenticator signs is no secret, the challenge is until it is answered.
value($node, $db, q{SELECT auth_store.tenant_policy_set('default', '{"passkey_rp_id": "needle.example",
    "passkey_origins": ["https://needle.example"]}')});
my $authenticator = Authenticator->new('https://needle.example');
sub challenge
{
    my ($name, $ceremony) = @_;
    my $options = value($node, $db, "SELECT options FROM auth_store.passkey_challenge($ceremony)");
    my $challenge = secret($name, decode_json($options)->{challenge});
    # The second half is random, the first the id of the row.
    secret("$name, bytes", substr(decode_base64(($challenge =~ tr{-_}{+/}r) . '='), 12));
    return ($options, $challenge);
}
my ($options, $kept) = challenge('challenge', "'registration', $user");
like(say_it(passkey => "passkey_register($user, '" . $authenticator->create($options) . "', challenge => '$kept')"),
    qr/^[0-9a-f-]{36}\|/, 'a passkey was made');
($options, $kept) = challenge('log-in challenge', "'login'");
like(say_it(passkey_used => "passkey_authenticate('" . $authenticator->get($options) . "', challenge => '$kept')"),
    qr/^t\|/, 'and used');
($options) = challenge('other challenge', "'login'");
like(say_it(passkey_refused => "passkey_authenticate('" . $authenticator->get($options, count => 1) . "')"),
    qr/invalid_credentials/, 'and refused');
challenge('challenge nobody answers', "'login'");
# An application that passes on the whole form, the client's secret with it.
like(say_it(pushed_form => "pushed_request_create($auth, parameters => jsonb_build_object($pushed, 'client_secret', "
    . "'$made{client}', 'client_assertion', '$verifier'))"),
    qr/urn:ietf/, 'a request was pushed');
like(say_it(consumed => "pushed_request_consume('urn:ietf:params:oauth:request_uri:$made{pushed}', 'needle')"),
    qr/response_type/, 'and consumed');
like(say_it(replayed => "code_redeem('$made{code}', $auth, code_verifier => '$verifier')"), qr/invalid_grant/,
    'the code was replayed');
say_it(reuse => "token_refresh('$made{issued}[1]', $auth)");
say_it(reused => "token_refresh('" . substr($made{issued}[1], 0, 80) . 'AAAAAAAAAAA' . "', $auth)");
say_it(revoked => "token_revoke('$made{machine}', $auth)");
say_it(unknown => "token_revoke('" . secret('unknown token', 'asat_' . 'zYx0' x 16) . "', $auth)");
for my $key (map { $made{$_} } qw(api_key rotated_key plain_key))
{
    like(say_it(key_verified => "api_key_verify('$key')"), qr/^t\|/, 'the API key was verified');
    like(say_it(key_used => "api_key_touch('$key', ip => '192.0.2.1')"), qr/^t\|/, 'and used');
    say_it(key_refused => "api_key_touch('$key', 'admin')");
}
like(say_it(foreign_used => "api_key_touch('$foreign_key')"), qr/^t\|/, 'the foreign API key was used');
say_it(unknown_key => "api_key_touch('" . secret('unknown key', 'sk_live_' . 'zYx1' x 16) . "')");
value($node, $db, "UPDATE auth_store.sessions SET last_seen_at = last_seen_at - interval '2 min'");
like(say_it(touched => "session_touch('$made{session}', '203.0.113.1')"), qr/^t\|/, 'the session was touched');
say_it(rotated_session => "session_rotate('$made{session}', 'mfa')");
like(say_it(validated => "session_validate('$made{rotated_session}[0]')"), qr/^t\|/, 'and rotated');
say_it(old_session => "session_rotate('$made{session}')");
say_it(unknown_session => "session_touch('" . secret('unknown session', 'asst_' . 'zYx0' x 16) . "')");
value($node, $db, "SELECT auth_store.user_sessions_revoke($user), auth_store.session_list($user)");
say_it(ended_session => "session_rotate('$made{other_session}')");
# A secret that another store has hashed: bcrypt of "imported-secret-of-the-needle".
my $imported = secret(imported => 'imported-secret-of-the-needle');
say_it(import => q{client_secret_import('needle', '$2b$04$abcdefghijklmnopqrstuuqVEyXk0KbDYiCyzr68BHvnbdPT7CSf2')});
like(say_it(imported => "client_authenticate('needle', '$imported')"), qr/^t\|/,
    'the imported secret is the right one');
# A token for a token, and a refresh token of another store, of which only the digest was told.
say_it(exchanged => "token_exchange('$made{fresh}[0]', '$made{machine_again}[0]', $auth)");
say_it(exchanged_again => "token_exchange('$made{exchanged}[0]', client_id => $auth)");
is(scalar @{ $made{exchanged_again} }, 1, 'tokens were exchanged');
my $legacy = secret(legacy => 'legacy-refresh-token-' . join '', map { chr(97 + rand 26) } 1 .. 40);
value($node, $db, "SELECT auth_store.refresh_token_import('" . sha256_hex($legacy) . "', 'needle', $user)");
say_it(adopted => "token_refresh('$legacy', $auth)");
say_it(adopted_again => "token_refresh('$legacy', $auth)");
is($made{adopted_again}[1], $made{adopted}[1], 'the imported refresh token was exchanged, twice for the same');
say_it(legacy_revoked => "token_revoke('$legacy', $auth)");
# A Fernet key, as text and as the bytes that it is, and what is encrypted with it.
my $fernet_bytes = secret('Fernet key, bytes' => join '', map { chr int rand 256 } 1 .. 32);
my $fernet_key = secret('Fernet key' => encode_base64($fernet_bytes, '') =~ tr{+/}{-_}r);
my $fernet_text = secret('Fernet plaintext' => 'a-token-of-another-provider-' . join '',
    map { chr(97 + rand 26) } 1 .. 40);
my $fernet_token = say_it(fernet => "fernet_encrypt('$fernet_text', '$fernet_key')");
is(say_it(fernet_opened => "fernet_decrypt('$fernet_token', '$fernet_key')"), $fernet_text,
    'a Fernet token was made and opened');
# Second factors: secrets that the store makes or is given, in base32 and as the bytes that they are; recovery codes.
# A code of six digits is not searched for, because every number would be one.
{
    my ($factor, $app) = split /\|/,
        value($node, $db, "SELECT factor_id, secret FROM auth_store.totp_enroll($user)");
    my $bytes = sub { pack('B*', join('', map { sprintf '%05b', index('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', $_) }
        split //, $_[0])) };
    secret('TOTP secret' => $app);
    secret('TOTP secret, bytes' => $bytes->($app));
    my $code = sub { my $tag = hmac_sha1(pack('Q>', int(time / 30)), $bytes->($app));
        sprintf '%06d', (unpack('N', substr($tag, ord(substr($tag, -1)) & 15, 4)) & 0x7fffffff) % 1_000_000 };
    like(say_it(confirmed => "totp_confirm($user, '$factor', '" . $code->() . "')"), qr/^t\|/, 'an app was enrolled');
    like(say_it(used_again => "totp_verify($user, '" . $code->() . "')"), qr/used/, 'its code is good once');
    my $imported = secret('imported TOTP secret' => join '', map { ('A' .. 'Z', 2 .. 7)[rand 32] } 1 .. 32);
    secret('imported TOTP secret, bytes' => $bytes->($imported));
    say_it(imported_app => "totp_import($user, '$imported')");
    my @codes = split /\n/, value($node, $db, "SELECT auth_store.recovery_codes_generate($user)");
    secret("recovery code $_" => $codes[$_]) for 0 .. $#codes;
    secret("recovery code $_, bare" => $codes[$_] =~ tr/-//dr) for 0 .. $#codes;
    like(say_it(recovered => "recovery_code_use($user, '$codes[0]')"), qr/^t\|9/, 'a recovery code was used');
}
# The vault: tokens of a provider, of any length, and the keys that seal them.
my $master_file = $node->basedir . '/master.key';
my ($master) = PostgreSQL::Test::Utils::slurp_file($master_file) =~ /^first: (\S+)$/m;
secret('master key' => $master);
secret('master key, bytes' => decode_base64($master));
my $letters = sub { my ($n) = @_; join '', map { chr(97 + rand 26) } 1 .. $n };
my %given = map { ($_ => secret("provider's $_", "provider-$_-" =~ tr/ /-/r . $letters->($_ =~ /long/ ? 9000 : 40))) }
  ('access token', 'refresh token', 'second access token', 'second refresh token', 'long access token',
      'late access token', 'imported access token', 'imported refresh token');
my $connection = value($node, $db, "SELECT $MARK auth_store.connection_store('github', 'needle',
    '$given{'access token'}', '$given{'refresh token'}', 'repo', clock_timestamp() - interval '1 s')");
like(say_it(got => "connection_get('github', 'needle')"), qr/\Q$given{'refresh token'}/,
    'a connection was stored and read');
is(value($node, $db, "SELECT count(*) FROM auth_store.connections_due()"), '1', 'it is due');
like(say_it(leased => "connection_lease('$connection')"), qr/\Q$given{'refresh token'}/,
    'its refresh token was leased');
say_it(leased_twice => "connection_lease('$connection')");
like(say_it(late => "connection_complete('$connection', 0, '$given{'late access token'}')"), qr/lease_lost/,
    'somebody came late');
like(say_it(completed => "connection_complete('$connection', 1, '$given{'second access token'}', "
    . "'$given{'second refresh token'}', clock_timestamp() - interval '1 s')"), qr/^t\|/, 'and it was refreshed');
say_it(stored_again => "connection_store('github', 'needle', '$given{'long access token'}', access_token_expires_at => "
    . "clock_timestamp() - interval '1 s')");
like(say_it(leased_again => "connection_lease('$connection')"), qr/\Q$given{'second refresh token'}/,
    'the refresh token stayed');
value($node, $db, "SELECT auth_store.connection_fail('$connection', 2, 'http_503')");
my %encrypted =
    map { ($_ => say_it("encrypted $_" => "fernet_encrypt('$given{$_}', '$fernet_key')")) } 'imported access token',
'imported refresh token';
say_it(imported_connection => "connection_import_fernet('google', 'needle', '$encrypted{'imported access token'}', "
    . "'$encrypted{'imported refresh token'}', fernet_key => '$fernet_key')");
like(say_it(imported_got => "connection_get('google', 'needle')"), qr/\Q$given{'imported access token'}/,
    'a connection was imported');
# What needs no token is told none, with all its own statements in the log: a new master key, rekeying, the check.
mint_key();
my $rekeyed = run_sql($node, $db, 'CALL auth_store.vault_rekey()');
like($rekeyed->{err}, qr/6 row\(s\) sealed anew/, 'all is sealed anew');
is(value($node, $db, 'SELECT count(*) FROM auth_store.vault_check() WHERE NOT readable'), '0', 'and opens');
value($node, $db,
    "SELECT auth_store.connection_list('needle'), (SELECT count(*) FROM auth_store.provider_connections)");
is_deeply([ found_in(value($node, $db, 'SELECT * FROM auth_store.provider_connections')) ], [],
    'the view shows no token');
say_it(revoked_connection => "connection_revoke((SELECT connection_id FROM auth_store.connection_list('needle')
    WHERE provider = 'google'))");

# Another master key for the file, made by the store.
sub mint_key
{
    my $made = value($node, $db, 'SELECT auth_store.vault_key_generate()');
    my ($key) = $made =~ /^\S+: (\S+)$/m;
    secret('second master key' => $key);
    secret('second master key, bytes' => decode_base64($key));
    PostgreSQL::Test::Utils::append_to_file($master_file, "$made\n");
    $node->reload;
    Time::HiRes::sleep(0.3);
}

mint(http_session => "SELECT session_token FROM auth_store.session_create($user)");
my @refused = say_to_endpoints({ say => \&say_it, run => sub { value($node, $db, $_[0]) },
    session => $made{http_session}, client_secret => $made{client}, verifier => $verifier, challenge => $challenge });

# As parameters of a prepared statement, planned for any value.
value($node, $db, "SET plan_cache_mode = force_generic_plan;
    PREPARE introspect AS SELECT $MARK active FROM auth_store.token_introspect(\$1);
    EXECUTE $MARK introspect('$access'); EXECUTE $MARK introspect('$made{machine}')");
# By name, with the arguments as JSON: the statement that call() makes of it holds none of them.
like(say_it(call => "call('token_introspect', jsonb_build_object('token', '$access'))"), qr/"active": false/,
    'call() passes a token on');
like(say_it(call_issues => "call('token_issue', jsonb_build_object('client_id', 'needle', 'user_id', $user))"),
    qr/"access_token": "asat_/, 'and brings one back');
say_it(call_key => "call('api_key_verify', jsonb_build_object('api_key', '$made{api_key}', 'ip', '192.0.2.1'))");
say_it(call_array => "call('token_exchange', jsonb_build_object('subject_token', '$access', 'client_id', 'needle', "
    . "'client_authenticated', true, 'audience', jsonb_build_array('$access')))");
# Errors, with a secret in every text.
my $long = secret(long => 'in-an-error-message-' x 20);
for my $call ("code_issue('needle', $user, redirect_uri => '$long', state => '$long', ttl => '-1 s')",
    "pkce_challenge('$long')", "token_authorize('$access', '$long\"')",
    "token_revoke('$access', $auth, reason => repeat('$long', 3))", "client_secret_import('needle', '$long')",
    "token_issue('$long', $user)", "user_grants_revoke($user, '$long')", "api_key_verify('$made{api_key}', '$long*')",
    "api_key_import('$long', 'x', client_id => 'needle')",
    "connection_store('github', '$long', '')", "connection_store('$long', 'x', '$given{'access token'}')",
    "connection_store('github', 'x', '$given{'access token'}', scope => repeat('$long', 50))",
    "connection_complete('$connection', 3, repeat('$long', 500))",
    "connection_import_fernet('github', 'x', '$long', fernet_key => '$fernet_key')",
    "connection_import_fernet('github', 'x', '$encrypted{'imported access token'}', '$long', "
        . "fernet_key => '$fernet_key')",
    "fernet_encrypt('$fernet_text', '$fernet_key,$long')", "fernet_decrypt('$fernet_token', '$long')",
    "fernet_decrypt('$fernet_token', '$fernet_key', '-1 s')",
    "api_key_create('x', $user, scope => '$long\"', prefix => '$long')", "call('$long')",
    "call('token_hash', jsonb_build_object('$long', '$access'))", "call('token_hash', to_jsonb('$long'::text))",
    "call('session_revoke', jsonb_build_object('session_id', '$long'))",
    "call('client_create', jsonb_build_object('name', 'x', 'redirect_uris', '$long'))",
    "call('api_key_create', jsonb_build_object('name', 'x', 'allowed_cidrs', jsonb_build_array('$long')))",
    "call('token_issue', jsonb_build_object('client_id', '$long', 'user_id', $user))")
{
    my $result = run_sql($node, $db, "SELECT $MARK auth_store.$call");
    ok(!$result->{ok}, "it is an error: $result->{state}");
    my $said = join "\n", grep { defined } @{$result}{qw(message detail hint)};
    is_deeply([ found_in($said) ], [], 'which holds no secret') or diag($said);
}
# An error in the middle of the store's own statements, with all that the server says of where it was.
value($node, $db,
    q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''refused by a trigger''; END';
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON auth_store.access_tokens FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE UPDATE ON auth_store.authorization_codes FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON auth_store.device_codes FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON auth_store.one_time_tokens FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON auth_store.webhook_secrets FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON auth_store.connections FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT ON auth_store.pushed_requests FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT ON auth_store.interactions FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT ON auth_store.signing_keys FOR EACH ROW EXECUTE FUNCTION refuse();
    CREATE TRIGGER refuse BEFORE INSERT ON auth_store.client_secrets FOR EACH ROW EXECUTE FUNCTION refuse();
    DELETE FROM auth_store.rate_limits}); # two mails within a minute would be refused before
for my $call ("token_refresh('$made{fresh}[1]', $auth)", "token_issue('needle', $user)",
    "token_revoke('$made{fresh}[0]', $auth)",
    "code_redeem('$made{second_code}', $auth, code_verifier => '$verifier')",
    "code_redeem('$made{second_code}', $auth, code_verifier => '$made{code}')",
    "device_redeem('$device_code{'refused device'}', 'needle-tv')", "device_authorize('needle-tv')",
    "magic_link_finish('$made{refused_magic}')", "magic_link_start('moving\@needle.example')",
    "otp_verify($user, 'refused', '$late_otp')", "otp_start($user, 'log in')",
    "connection_store('github', 'needle', '$given{'access token'}', '$given{'refresh token'}')",
    "connection_store('aws', 'needle', '$given{'access token'}')", "connection_lease('$connection')",
    "webhook_create('https://hooks.needle.example/', ARRAY['*'])",
    "webhook_secret_rotate((SELECT webhook_id FROM auth_store.webhook_list()))",
    "pushed_request_create($auth, parameters => jsonb_build_object($pushed, 'client_secret', '$made{client}'))",
    @refused)
{
    my $result = run_sql($node, $db, "\\set ECHO none\nSELECT $MARK auth_store.$call");
    is($result->{state}, 'P0001', 'an error in the middle of ' . $call =~ s/\(.*//r);
    # psql repeats the client's own line where the error is in it, which this one is not.
    is_deeply([ found_in($result->{err}) ], [], 'its context holds no secret') or diag($result->{err});
}
value($node, $db, 'DROP FUNCTION refuse() CASCADE');
value($node, $db, 'SELECT auth_store.cleanup_expired_data(); ANALYZE; SELECT * FROM auth_store.check()');

# --- search -----------------------------------------------------------------------------------------------------------

# That the search finds what is there: a text that is no secret of the store, in a statement
# without a mark and in a table.
my $control = 'control-of-the-search-' . join '', map { int rand 10 } 1 .. 20;
value($node, $db, "CREATE TABLE control AS SELECT '$control'::text AS text, convert_to('$control', 'UTF8') AS bytes");
# Everything to its files.
value($node, $db, 'CHECKPOINT; SELECT pg_switch_wal()');

my ($entries, $marked, $nested, $audited, @hits) = (0, 0, 0, 0);
my $control_in_log = 0;
my $lines = PostgreSQL::Test::Utils::slurp_file($log);
for my $line (split /\n/, $lines)
{
    my $entry = entry_of($line) or next;
    $entries++;
    # The statement that an entry belongs to is the client's own text, and said so.
    delete $entry->{statement} if index($entry->{statement} // '', $MARK) >= 0;
    if (index($entry->{message} // '', $MARK) >= 0) { $marked++; next; }
    my $text = join "\n", map { $entry->{$_} } sort keys %$entry;
    $nested++ if $text =~ /Query Text: (INSERT INTO|UPDATE) auth_store\./;
    $audited++ if $text =~ /^AUDIT: .*INSERT INTO auth_store\.access_tokens/m;
    $control_in_log = 1 if index($text, $control) >= 0;
    push @hits, map { "$_ in: " . substr($text, 0, 1500) } found_in($text);
}
cmp_ok($entries, '>', $have{auto_explain} ? 500 : 100, 'the log has many entries');
cmp_ok($marked, '>', 30, "some of them the client's own statements");
SKIP:
{
    skip 'auto_explain is not installed on this server', 1 unless $have{auto_explain};
    cmp_ok($nested, '>', 20, "auto_explain wrote the store's nested statements");
}
SKIP:
{
    skip 'pgaudit is not installed on this server', 1 unless $have{pgaudit};
    cmp_ok($audited, '>', 5, "pgaudit wrote the store's nested statements with their parameters");
}
like($lines, qr/parse tree/, 'query trees were written');
ok($control_in_log, 'the search finds a text in the log');
is(scalar @hits, 0, 'no log entry but the client\'s own statements holds a secret')
  or diag(join "\n\n", @hits[ 0 .. ($#hits > 9 ? 9 : $#hits) ]);

# pg_stat_statements replaces constants, so that not even the client's own are left.
SKIP:
{
    skip 'pg_stat_statements is not installed on this server', 1 unless $have{pg_stat_statements};
    is_deeply([ found_in(value($node, $db, 'SELECT query FROM pg_stat_statements')) ], [],
        'no secret in pg_stat_statements');
}
# What the trail and every other table say, as text.
my ($dump, $err) = ('', '');
IPC::Run::run([ $node->installed_command('pg_dump'), '--host', $node->host, '--port', $node->port, '--data-only', $db ],
    '>', \$dump, '2>', \$err) or die $err;
like($dump, qr/COPY auth_store\.audit_log/, 'a dump has the audit trail');
is_deeply([ found_in($dump) ], [], 'no secret in a dump');
# What a subscriber of the WAL gets to read.
SKIP:
{
    skip 'test_decoding is not installed on this server', 1 unless $have{test_decoding};
    is_deeply([ found_in(value($node, $db, "SELECT data FROM pg_logical_slot_get_changes('needle', NULL, NULL)")) ], [],
        'no secret in the decoded WAL');
}

# The raw files: every one but the log and the configuration.
my ($files, %control_in) = (0);
@hits = ();
for my $folder (qw(base global pg_wal pg_xact pg_multixact pg_replslot pg_logical pg_stat pg_stat_tmp pg_subtrans
    pg_twophase pg_tblspc))
{
    find({ no_chdir => 1, wanted => sub {
        return unless -f $_;
        my $path = $_;
        open my $handle, '<:raw', $path or return;
        my $bytes = do { local $/; <$handle> } // '';
        $files++;
        $control_in{$folder}++ if index($bytes, $control) >= 0;
        push @hits, map { "$_ in $path" } found_in($bytes);
    } }, $node->data_dir . "/$folder");
}
cmp_ok($files, '>', 500, 'all files of the server were searched');
ok($control_in{$_}, "the search finds a text in $_") for qw(base pg_wal);
is(scalar @hits, 0, 'no file of the server holds a secret, as text, bytes, hex or base64')
  or diag(join "\n", @hits[ 0 .. ($#hits > 19 ? 19 : $#hits) ]);

$node->stop;
# pg_stat_statements writes its texts when the server stops.
my $stats = $node->data_dir . '/pg_stat';
is_deeply([ map { found_in(PostgreSQL::Test::Utils::slurp_file($_)) } grep { -f } glob "$stats/*" ], [],
    'nor after it has stopped');
done_testing();

# Passkeys from their making to their removal, by an application's role and a software authenticator: every algorithm,
# synchronised passkeys, and answers that are signed well and say what no honest authenticator says.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Authenticator;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('passkey');
my $db = 'postgres';
my $ORIGIN = 'https://login.example.com';
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
CREATE ROLE web LOGIN;
GRANT auth_store_app TO web;
SELECT auth_store.tenant_create('acme'), auth_store.tenant_create('globex');
SELECT auth_store.tenant_policy_set(t, '{"passkey_rp_id": "example.com", "passkey_origins":
    ["https://login.example.com", "https://shop.example.com"], "passkey_user_verification": "required"}')
  FROM unnest(ARRAY['acme', 'globex']) t;
CREATE ROLE acme LOGIN;
GRANT auth_store_app TO acme;
ALTER ROLE acme SET auth_store.tenant_id = 'acme';
SQL
my ($ann, $bob, $eve) = map {
    my ($name, $tenant) = @$_;
    value($node, $db, "SELECT user_id FROM auth_store.user_create('$name\@example.com', external_id => '$name',
        tenant_id => '$tenant')")
} [ann => 'acme'], [bob => 'acme'], [eve => 'globex'];

# ask(ARGUMENTS, ROLE): the options of passkey_challenge().
sub ask
{
    my ($arguments, $role) = @_;
    return value($node, $db, "SELECT options FROM auth_store.passkey_challenge($arguments)", user => $role // 'web');
}

sub literal { return AuthStore::quote($_[0]); }

# What passkey_register() answers: error, and whether there is a passkey.
sub registered
{
    my ($user, $answer, $more) = @_;
    return value($node, $db, "SELECT coalesce(error, 'made'), passkey_id IS NOT NULL FROM
        auth_store.passkey_register('$user', @{[ literal($answer) ]}" . ($more // '') . ')', user => 'web');
}

sub make
{
    my ($user, $authenticator, %said) = @_;
    return registered($user, $authenticator->create(ask("'registration', '$user'"), %said));
}

# What passkey_authenticate() answers to the answer to a new challenge.
sub login
{
    my ($authenticator, %said) = @_;
    my $options = ask(delete $said{ask} // q{'login', tenant_id => 'acme'});
    my $call = delete $said{call} // q{tenant_id => 'acme'};
    my $role = delete $said{role} // 'web';
    my $answer = literal($authenticator->get($options, %said));
    return value($node, $db, "SELECT coalesce(error, CASE user_id WHEN '$ann' THEN 'ann' WHEN '$bob' THEN 'bob'
        WHEN '$eve' THEN 'eve' END), amr FROM auth_store.passkey_authenticate($answer, $call)", user => $role);
}

sub audit
{
    my ($what) = @_;
    return value($node, $db, "SELECT $what FROM auth_store.audit_log WHERE event <> 'passkey.challenged'
        ORDER BY occurred_at DESC, id DESC LIMIT 1");
}

# --- every algorithm that is offered ----------------------------------------------------------------------------------

my %key;
for my $algorithm (qw(es256 eddsa rs256))
{
    my $key = $key{$algorithm} = Authenticator->new($ORIGIN, algorithm => $algorithm);
    is(make($ann, $key), 'made|t', "$algorithm: a passkey is made");
    is(login($key), 'ann|{hwk,user,mfa}', 'and logs in');
    is(login($key, origin => 'https://shop.example.com'), 'ann|{hwk,user,mfa}', 'on the other origin too');
    is(login($key, ask => "'step_up', '$ann'", call => "'step_up', '$ann'"), 'ann|{hwk,user,mfa}', 'and steps up');
    is(login($key, ask => "'login', '$ann'", user => undef), 'ann|{hwk,user,mfa}',
        'an answer to allowCredentials need not name the user');
}
my $key = $key{es256};
is(value($node, $db, "SELECT count(*), count(*) FILTER (WHERE sign_count = 5) FROM auth_store.passkey_list('$ann')",
    user => 'web'), '3|3', 'three passkeys with their counters');
is(scalar @{ decode_json(ask("'registration', '$ann'"))->{excludeCredentials} }, 3, 'they are excluded from now on');
is(registered($ann, $key->create(ask("'registration', '$ann'"))), 'passkey_taken|f', 'and cannot be made twice');
is(registered($bob, $key->create(ask("'registration', '$bob'"))), 'passkey_taken|f', 'nor by another user');
is(registered($eve, $key->create(ask("'registration', '$eve'"))), 'passkey_taken|f',
    'nor in another tenant of the same relying party');
$key->{user} = $key{eddsa}{user};
is(value($node, $db, "SELECT (SELECT ok FROM auth_store.passkey_authenticate(@{[ literal($key->get(
        ask(q{'login', tenant_id => 'acme'}))) ]}, tenant_id => 'acme')),
    (SELECT valid FROM auth_store.session_create('$ann', amr => '{hwk,user,mfa}') c,
        auth_store.session_validate(c.session_token))", user => 'web'), 't|f',
    'a session follows in a statement of its own');

# --- synchronised passkeys --------------------------------------------------------------------------------------------

my $synced = Authenticator->new($ORIGIN, counts => 0, flags => [qw(up uv be bs)]);
is(make($bob, $synced), 'made|t', 'a synchronised passkey is made');
is(login($synced), 'bob|{swk,user,mfa}', 'and logs in') for 1 .. 2;
is(login($synced, flags => [qw(up uv be)]), 'bob|{swk,user,mfa}', 'its copy is gone');
is(audit("details ->> 'backed_up'"), 'false', 'which is recorded');
is(login($synced, flags => [qw(up uv)]), 'invalid_credentials|', 'but it cannot become one of one device');
is(audit('flags'), '{wrong_binding}', 'which is recorded too');
is(login($key, flags => [qw(up uv be)]), 'invalid_credentials|', 'nor the other way round');
is(login($synced, flags => [qw(up uv bs)]), 'invalid_request|', 'a copy of what cannot be copied');

# --- counters ---------------------------------------------------------------------------------------------------------

is(login($key), 'ann|{hwk,user,mfa}', 'the counter rises');
is(login($key, count => $key->{count}), 'invalid_credentials|', 'the same counter');
is(audit('event, risk_score, flags'), 'passkey_clone_suspected|1|{passkey_clone_suspected}', 'is recorded');
is(login($key, count => 0), 'invalid_credentials|', 'none, after there was one');
is(login($key, count => 1), 'invalid_credentials|', 'an old one');
is(value($node, $db, "SELECT count(*) FROM auth_store.passkey_list('$ann') WHERE clone_suspected_at IS NOT NULL"), 1,
    'one passkey is suspected');
is(login($key, count => 4294967295), 'ann|{hwk,user,mfa}', 'it lives, and the counter may be the highest');
is(login($key), 'invalid_credentials|', 'after which there is none');
is(make($ann, my $other = Authenticator->new($ORIGIN)), 'made|t', 'another passkey takes its place');
is(login($synced, count => 1), 'bob|{swk,user,mfa}', 'a first counter');
is(login($synced, count => 0), 'invalid_credentials|', 'is not taken back');

# --- signed well, and wrong -------------------------------------------------------------------------------------------

for (['another origin', 'invalid_grant', 'wrong_origin', origin => 'https://login.example.com.evil.example'],
    ['a longer origin', 'invalid_grant', 'wrong_origin', origin => "$ORIGIN/"],
    ['a page of this machine', 'invalid_grant', 'wrong_origin', origin => 'http://localhost:8080'],
    ['a frame in another origin', 'invalid_grant', 'wrong_origin', cross_origin => 1],
    ['another relying party', 'invalid_grant', 'wrong_origin', rp => 'login.example.com'],
    ['nobody there', 'invalid_grant', '', flags => ['uv']],
    ['nobody verified', 'invalid_grant', '', flags => ['up']],
    ['a registration', 'invalid_request', '', type => 'webauthn.create'],
    ['an unknown credential', 'invalid_credentials', 'unknown_token', id => Authenticator::random()],
    ['another\'s credential', 'invalid_credentials', 'wrong_secret', id => $synced->{id}],
    ['another user', 'invalid_credentials', 'wrong_secret', user => $synced->{user}],
    ['no user', 'invalid_credentials', 'wrong_secret', user => undef],
    ['an empty user', 'invalid_request', '', user => ''],
    ['a credential in a log-in', 'invalid_request', '', flags => [qw(up uv at)]],
    ['extensions that are not there', 'invalid_request', '', flags => [qw(up uv ed)]])
{
    my ($what, $error, $flag, %said) = @$_;
    is(login($other, %said), "$error|", "$what is refused");
    is(audit("error, array_to_string(flags, ' ')"), "$error|$flag", 'and recorded');
}
for (['another origin', 'invalid_grant', origin => 'https://example.com'],
    ['another relying party', 'invalid_grant', rp => 'example.org'],
    ['nobody verified', 'invalid_grant', flags => [qw(up at)]],
    ['no credential', 'invalid_request', flags => [qw(up uv)]],
    ['an id that differs', 'invalid_request', id => Authenticator::random()],
    ['a log-in', 'invalid_request', type => 'webauthn.get'],
    ['an algorithm that was not offered', 'unsupported_algorithm',
        key => "\xa3" . join '', map { Authenticator::number($_) } 1, 7, 3, -50, -2, 0])
{
    my ($what, $error, %said) = @$_;
    is(make($bob, Authenticator->new($ORIGIN), %said), "$error|f", "a registration of $what is refused");
}
is(login($other), 'ann|{hwk,user,mfa}', 'what is right still works');
# Unknown, another user's, not signed: who presents it cannot tell which.
my @descriptions = map {
    value($node, $db, "SELECT error, error_description FROM auth_store.passkey_authenticate(
        @{[ literal($other->get(ask(q{'login', tenant_id => 'acme'}), %$_)) ]}, tenant_id => 'acme')", user => 'web')
} { id => Authenticator::random() }, { id => $synced->{id}, user => $synced->{user} }, { id => $synced->{id} };
is("@descriptions", join(' ', ('invalid_credentials|the passkey is not accepted') x 3), 'the three answers are one');

# --- the policy -------------------------------------------------------------------------------------------------------

value($node, $db, q{SELECT auth_store.tenant_policy_set('acme', '{"passkey_user_verification": "preferred",
    "passkey_allow_cross_origin": true}')});
is(login($other, flags => ['up']), 'ann|{hwk,user}', 'without verification it is one factor');
is(login($other, cross_origin => 1), 'ann|{hwk,user,mfa}', 'frames are taken where the tenant says so');
is(decode_json(ask(q{'login', tenant_id => 'acme'}))->{userVerification}, 'preferred', 'and the browser is told');

# --- tenants ----------------------------------------------------------------------------------------------------------

my $eves = Authenticator->new($ORIGIN);
is(make($eve, $eves), 'made|t', 'a user of another tenant makes a passkey');
is(login($eves), 'invalid_credentials|', 'which is not known in the first');
is(login($eves, ask => q{'login', tenant_id => 'globex'}), 'invalid_grant|',
    'where a challenge of the other tenant is not good either');
is(login($eves, ask => q{'login', tenant_id => 'globex'}, call => q{tenant_id => 'globex'}), 'eve|{hwk,user,mfa}',
    'and works in its own');
is(login($eves, ask => q{'login', tenant_id => 'globex'}, call => q{'login'}, role => 'acme'), 'invalid_grant|',
    'a challenge of another tenant does not exist for a pinned role');
is(value($node, $db, "SELECT count(*) FROM auth_store.passkey_list('$eve')", user => 'acme'), 0,
    'nor do the passkeys of others');
raises($node, $db, "SELECT auth_store.passkey_challenge('registration', '$eve')", '23503', 'nor their users',
    user => 'acme');
my $answer = literal($other->get(ask(q{'login'}, 'acme')));
is(value($node, $db, "SELECT user_id FROM auth_store.passkey_authenticate($answer)", user => 'acme'), $ann,
    'a pinned role need not name its tenant');

# --- locks ------------------------------------------------------------------------------------------------------------

value($node, $db, "SELECT auth_store.user_lock('$ann', reason => 'lost')");
is(login($other), 'account_locked|', 'a user whom an administrator has locked stays out');
is(audit('error, flags'), 'account_locked|{locked_out}', 'which is recorded');
value($node, $db, "SELECT auth_store.user_unlock('$ann')");
is(login($other), 'ann|{hwk,user,mfa}', 'until the lock is opened');
value($node, $db, "INSERT INTO auth_store.login_failures (id, user_id, since, expires_at, locked_until, failures, locks,
    max_failures, tenant_id, kind)
    SELECT gen_random_uuid(), '$ann', clock_timestamp(), clock_timestamp() + interval '1 day',
           clock_timestamp() + interval '1 day', 1000, 1, 5, 'acme', kind
      FROM unnest(ARRAY['password', 'second_factor']) kind");
is(login($other), 'ann|{hwk,user,mfa}', 'failed passwords and codes lock out nobody who has a passkey');

# --- the end ----------------------------------------------------------------------------------------------------------

my $id = value($node, $db, "SELECT passkey_id FROM auth_store.passkey_list('$bob')");
my $waiting = literal($synced->get(ask(q{'login', tenant_id => 'acme'}), count => 9));
is(value($node, $db, "SELECT error IS NULL FROM auth_store.passkey_remove('$bob', '$id', last => true)", user => 'web'),
    't', 'a passkey is removed');
is(value($node, $db, "SELECT error FROM auth_store.passkey_authenticate($waiting, tenant_id => 'acme')",
    user => 'web'), 'invalid_credentials', 'and what it has signed before is not accepted');
is(value($node, $db, 'SELECT count(*) FROM auth_store.passkey_challenges WHERE expires_at <= clock_timestamp()'), 0,
    'no challenge is spent and left');

done_testing();

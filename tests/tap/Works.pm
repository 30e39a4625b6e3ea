# Whether what populate() has made works in a database that came by another way: a restore, an upgrade, a replica.
package Works;

use strict;
use warnings;

use Exporter 'import';
use AuthStore;
use Test::More;

our @EXPORT = qw(works);

# Tests, tenant by tenant: works(NODE, DATABASE, what populate() returned, NAME). They use up what can be used once.
sub works
{
    my ($node, $database, $store, $name) = @_;
    for my $tenant (sort keys %$store)
    {
        my $made = $store->{$tenant};
        my $credentials = "'$made->{client}', client_secret => '$made->{secret}'";
        my $result = run_sql($node, $database, <<"SQL");
SELECT 'live', active, user_id = '$made->{user}', tenant_id FROM auth_store.token_introspect('$made->{access}');
SELECT 'revoked', active FROM auth_store.token_introspect('$made->{revoked_access}');
SELECT 'other', active FROM auth_store.token_introspect('$made->{other_access}');
SELECT 'session', v.valid, e.valid, c.missing_scope
  FROM auth_store.session_validate('$made->{session}') v, auth_store.session_validate('$made->{ended_session}') e,
    auth_store.consent_check('$made->{user}', '$made->{client}', 'openid orders') c;
SELECT 'exchanged', active FROM auth_store.token_introspect('$made->{exchanged_access}');
SELECT 'jwt', active, issuer FROM auth_store.jwt_verify('$made->{jwt}', 'https://api.example/$tenant');
SELECT 'legacy', error, refresh_token LIKE 'asrt\\_%'
  FROM auth_store.token_refresh('$made->{legacy_refresh}', $credentials);
SELECT 'adopted', error, refresh_token LIKE 'asrt\\_%'
  FROM auth_store.token_refresh('$made->{adopted_refresh}', $credentials);
SELECT 'refresh', error, refresh_token LIKE 'asrt\\_%', grant_id = '$made->{grant}'
  FROM auth_store.token_refresh('$made->{refresh}', $credentials);
SELECT 'code', error, access_token LIKE 'asat\\_%'
  FROM auth_store.code_redeem('$made->{code}', $credentials, code_verifier => '$made->{verifier}');
SET auth_store.code_replay_grace = 0;
SELECT 'replay', error, access_token
  FROM auth_store.code_redeem('$made->{used_code}', $credentials, code_verifier => '$made->{verifier}');
SELECT 'ended', active FROM auth_store.token_introspect('$made->{access}');
SELECT 'ended too', active FROM auth_store.token_introspect('$made->{exchanged_access}');
SELECT 'alone', active FROM auth_store.token_introspect('$made->{other_access}');
SELECT 'audit', risk_score FROM auth_store.audit_log WHERE tenant_id = '$tenant' AND flags \@> '{code_replay}';
SQL
        my $expected = <<"OUT" =~ s/\n\z//r;
live|t|t|$tenant
revoked|f
other|t
session|t|f|orders
exchanged|t
jwt|t|https://id.example/$tenant
legacy||t
adopted||t
refresh||t|t
code||t
replay|invalid_grant|
ended|f
ended too|f
alone|t
audit|1
OUT
        is($result->{out}, $expected, "$name: $tenant: tokens live, refresh, those of another store too, "
            . 'and a code redeemed before is a replay') or diag($result->{err});
    }
}

1;

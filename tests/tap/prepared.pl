# PREPARE TRANSACTION: a code redeemed in a prepared transaction is redeemed once, whichever way it ends, and its grace
# runs from the moment of the PREPARE.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Test::More;

my $node = new_server('prepared');
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 4');
$node->restart;
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
value($node, $db, "SELECT auth_store.client_create('Prepared', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'p',
    scope => 'read')");
my $VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';

sub code
{
    return value($node, $db, "SELECT code
        FROM auth_store.code_issue('p', auth_store.user_ensure('someone'),
        code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM')");
}
sub redeem
{
    return "SELECT coalesce(error, 'redeemed') FROM auth_store.code_redeem('$_[0]', 'p', code_verifier => '$VERIFIER')";
}

for my $end (qw(COMMIT ROLLBACK))
{
    my $code = code();
    is(value($node, $db, "BEGIN; " . redeem($code) . "; SELECT pg_sleep(0.3); PREPARE TRANSACTION 'first'"),
        "redeemed\n", "$end: prepared");
    # A session of another transaction, so that nothing of the first is left to do in it.
    is(value($node, $db, 'SELECT auth_store.partitions_ensure()'), '0', "$end: the store goes on");
    my $waiting = run_sql($node, $db, "SET lock_timeout = '200ms'; " . redeem($code));
    is($waiting->{state}, '55P03', "$end: meanwhile another redemption waits");
    value($node, $db, "$end PREPARED 'first'");
    my $after = value($node, $db, "SET auth_store.code_replay_grace = '1 min'; " . redeem($code));
    is($after, $end eq 'COMMIT' ? 'invalid_grant' : 'redeemed', "$end: what became of the code");
}
is(value($node, $db,
    q{SELECT count(*) FROM auth_store.authorization_codes k JOIN auth_store.grants g ON g.id = k.grant_id
    WHERE k.redeemed_at >= auth_store.id_time(g.id) + interval '250 milliseconds'}), '1',
        'the grace of the first runs from its PREPARE');
is(value($node, $db, 'SELECT count(*) FROM auth_store.grants WHERE revoked_at IS NULL'), '2',
    'each code has made one grant');
done_testing();

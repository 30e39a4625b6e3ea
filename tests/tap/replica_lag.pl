# The guard of auth_store.max_replica_lag on a real standby: what it refuses while replay waits, with synchronous_commit
# on and off, and when the primary is gone; and that a primary has nothing of it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Functions;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $primary = new_server('primary', streaming => 1);
my $db = 'store';
value($primary, 'postgres', "CREATE DATABASE $db");
value($primary, $db, 'CREATE EXTENSION auth_store');
install_helpers($primary, $db);
my $store = populate($primary, $db);
my $made = $store->{default};

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
# Nothing but what the test writes is sent.
$_->append_conf('postgresql.conf', "autovacuum = off\nwal_receiver_status_interval = 1") for $primary, $standby;
$primary->restart;
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

my $guarded = '-c auth_store.max_replica_lag=100ms';
my $patient = '-c auth_store.max_replica_lag=1h';
my $beat = 'SELECT pg_logical_emit_message(true, $$heartbeat$$, $$$$)';
sub token
{
    return value($primary, $db, "SELECT access_token, grant_id
        FROM auth_store.token_issue('$made->{client}', '$made->{user}')");
}
sub active { return "SELECT active FROM auth_store.token_introspect('$_[0]')" }
# Until the standby has shown all of the primary's WAL.
sub caught_up { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')) }

# --- a primary -------------------------------------------------------------------------------------------------------

is(value($primary, $db, 'SELECT auth_store.replica_lag() IS NULL'), 't', 'a primary is not behind');
is(value($primary, $db, active($made->{access}), options => '-c auth_store.max_replica_lag=1ms'), 't',
    'the setting means nothing to it');
is(value($primary, $db, q{SELECT count(*) FROM auth_store.health() WHERE check_name = 'replica_lag'}), '0',
    'nor has health() a row');

# --- a standby that replays ------------------------------------------------------------------------------------------

my ($access, $grant) = split /\|/, token();
caught_up();
is(value($standby, $db, active($access), options => $patient), 't', 'a standby that is near answers');
is(value($standby, $db, "SELECT auth_store.replica_lag() BETWEEN '0' AND '1h'"), 't', 'and says how near');
is(value($standby, $db, q{SELECT status FROM auth_store.health() WHERE check_name = 'replica_lag'}), 'ok',
    'and health() says it');
value($primary, $db, $beat);
ok($standby->poll_query_until($db, "SELECT auth_store.replica_lag() < '2s'"),
    'a heartbeat is enough for a short limit');

for my $commit (qw(on off))
{
    my ($access, $grant) = split /\|/, token();
    caught_up();
    value($standby, $db, 'SELECT pg_wal_replay_pause()');
    value($primary, $db, "SET synchronous_commit = $commit; SELECT auth_store.grant_revoke('$grant', 'lost')");
    # Flushed by the WAL writer, if by nobody else, and received.
    $primary->wait_for_catchup($standby, 'flush', $primary->lsn('insert'));
    is(value($standby, $db, active($access)), 't', "synchronous_commit $commit: a paused standby shows an old state");
    sleep 0.2;
    raises($standby, $db, active($access), '55000', "synchronous_commit $commit: with a limit it answers nothing",
        options => $guarded, hint => 'Ask the primary, or another standby: SELECT auth_store.replica_lag()');
    value($standby, $db, 'SELECT pg_wal_replay_resume()');
    caught_up();
    is(value($standby, $db, active($access), options => $patient), 'f', "synchronous_commit $commit: then the new one");
}

# --- every function that reads ---------------------------------------------------------------------------------------

value($standby, $db, 'SELECT pg_wal_replay_pause()');
value($primary, $db, $beat);
$primary->wait_for_catchup($standby, 'flush', $primary->lsn('insert'));
sleep 0.2;
my @answer;
for my $name (grep { call_of($_, $made)->{does} eq 'reads' } functions($primary, $db))
{
    my $result = run_sql($standby, $db, call_of($name, $made)->{sql}, options => $guarded);
    push @answer, $name if $result->{ok};
    fail("$name: $result->{err}") if !$result->{ok} && $result->{state} ne '55000';
}
is(join(' ', grep { value($primary, $db, "SELECT provolatile FROM pg_proc
    WHERE pronamespace = 'auth_store'::regnamespace AND proname = '$_'") ne 'i' } @answer),
    'check current_acr current_actor_id current_amr current_client_id current_has_permission current_has_scope '
    . 'current_session_id current_tenant_id current_user_id fernet_decrypt health job_list job_plan principal_max_age '
    . 'principal_recheck progress_list rate_limit_stats replica_lag router_sql shard_fenced tenant_visible',
    'on a standby that is too far behind only those answer that read no table, and those that tell what is wrong');
is(value($standby, $db, q{SELECT status FROM auth_store.health() WHERE check_name = 'replica_lag'},
    options => $guarded), 'fail', 'health() says why');
value($standby, $db, 'SELECT pg_wal_replay_resume()');
caught_up();

# --- without a primary -----------------------------------------------------------------------------------------------

$primary->stop;
sleep 0.2;
raises($standby, $db, active($made->{access}), '55000', 'who does not hear of the primary is behind',
    options => $guarded);
is(value($standby, $db, active($made->{access})), 't', 'and answers without a limit');
$standby->promote;
is(value($standby, $db, active($made->{access}), options => $guarded), 't', 'promoted it is the primary');
is(value($standby, $db, 'SELECT auth_store.replica_lag() IS NULL'), 't', 'and behind nobody');
$standby->stop;
done_testing();

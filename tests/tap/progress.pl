# What is seen of a long call: by its caller in NOTICEs, by others in the view progress, also on a standby, in a server
# that has not preloaded the library, and while migrate() has the tables locked; and nothing of one that was killed.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('progress', streaming => 1);
my $db = 'postgres';
value($primary, $db, 'CREATE EXTENSION auth_store');
install_helpers($primary, $db);
my $made = populate($primary, $db)->{acme};
value($primary, $db, 'SELECT auth_store.audit_seal()');
value($primary, $db, "CREATE ROLE watcher LOGIN; GRANT auth_store_monitor TO watcher;
    CREATE ROLE scheduler LOGIN; GRANT auth_store_jobs TO scheduler;
    CREATE ROLE pinned LOGIN; GRANT auth_store_auditor TO pinned;
    ALTER ROLE pinned SET auth_store.tenant_id = 'acme'");
$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;

my @started;

# Begins a script and does not wait for it.
sub begin
{
    my ($node, $sql) = @_;
    my $run = { err => '' };
    my @command = ('psql', '-X', '-At', '-h', $node->host, '-p', $node->port, '-d', $db, '-c', $sql);
    $run->{handle} = IPC::Run::start(\@command, '<', '/dev/null', '>', \$run->{out}, '2>', \$run->{err});
    push @started, $run;
    return $run;
}

# A session that holds a lock until it is told to go; its name is one of its own.
sub hold
{
    my ($lock) = @_;
    my $run = begin($primary, "SET application_name = 'holder'; BEGIN; LOCK TABLE $lock; SELECT pg_sleep(600)");
    $primary->poll_query_until($db, "SELECT count(*) = 1 FROM pg_stat_activity
        WHERE application_name = 'holder' AND wait_event = 'PgSleep'") or die 'no lock';
    return $run;
}

sub release
{
    my ($run) = @_;
    value($primary, $db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
    $run->{handle}->finish;
}

# Test: a node shows this of the one call that runs, to a role; waits until it is there.
my $ROW = "SELECT command || ' ' || phase FROM auth_store.progress_list() WHERE step BETWEEN 1 AND steps";

sub is_shown
{
    my ($node, $row, $name) = @_;
    ok($node->poll_query_until($db, $ROW, $row), $name);
}

sub is_over
{
    my ($node, $name) = @_;
    ok($node->poll_query_until($db, 'SELECT count(*) = 0 FROM auth_store.progress'), $name);
}

is(value($primary, $db, 'SHOW shared_preload_libraries'), '', 'the library is not preloaded');

# --- the caller ------------------------------------------------------------------------------------------------------

my $rows = qr/\d+(?: of about \d+)? rows(?:, [\d.]+ a second)?(?:, about \d+ (?:s|min|h) left)?$/m;
for (
    [ 'CALL auth_store.cleanup()', qr/cleanup: grants, step 1 of \d+: $rows/ ],
    [ 'SELECT auth_store.cleanup_expired_data()', qr/cleanup_expired_data: sessions, step \d+ of \d+: $rows/ ],
    [ 'SELECT auth_store.audit_seal()', qr/audit_seal: \d+ of about \d+ rows$/m ],
    [ 'SELECT auth_store.audit_verify()', qr/audit_verify: rows, step 2 of 2: \d+ of about \d+ rows, [\d.]+ a second/ ],
    [ "SELECT auth_store.user_erase('$made->{user}')", qr/user_erase: users, step \d+ of \d+: $rows/ ],
    [ "SELECT auth_store.tenant_erase('acme', 'acme')", qr/tenant_erase: grants, step \d+ of \d+: $rows/ ],
    [ "SELECT auth_store.partitions_make('{audit_leaves_y2098m01}')",
        qr/partitions_make: audit_leaves_y2098m01: 0 rows$/m ],
    [ 'SELECT auth_store.migrate()', qr/migrate: tables, views and privileges, step 1 of 1: $rows/ ])
{
    my ($call, $told) = @$_;
    my ($name) = $call =~ /auth_store\.(\w+)/;
    my $undone = $call =~ /^CALL/ ? $call : "BEGIN; $call; ROLLBACK";
    my $result = run_sql($primary, $db, "SET auth_store.progress_interval = 0; $undone");
    like($result->{err}, qr/NOTICE:  00000: auth_store $told/, "$name says how far it is");
    unlike(run_sql($primary, $db, $undone)->{err}, qr/auth_store $told/, 'but not a short one, by default');
}

# --- others ----------------------------------------------------------------------------------------------------------

{
    my $lock = hold('auth_store.webhooks');
    my $cleanup = begin($primary, 'CALL auth_store.cleanup()');
    is_shown($primary, 'cleanup webhooks', 'a procedure is shown, with the table that it is at');
    for my $role (qw(watcher scheduler))
    {
        is(value($primary, $db, $ROW, user => $role), 'cleanup webhooks', "$role sees it");
    }
    is(value($primary, $db, $ROW, user => 'pinned'), '', 'a session that is pinned to a tenant does not');
    is(value($primary, $db, "SELECT datname || ' ' || role || ' ' || (rows_done <= rows_total)
        FROM auth_store.progress", user => 'watcher'), "$db " . getpwuid($<) . ' true', 'and in the view');
    is(value($primary, 'template1', 'SELECT count(*) FROM pg_extension'), '1', 'another database is without the store');
    value($primary, $db, "SELECT pg_terminate_backend(pid) FROM auth_store.progress");
    is_over($primary, 'nothing is left of a session that was killed');
    $cleanup->{handle}->finish;
    release($lock);
}
{
    my $lock = hold('auth_store.tenants IN SHARE MODE');
    my $erase = begin($primary, "SELECT auth_store.tenant_erase('acme', 'acme')");
    ok($primary->poll_query_until($db, 'SELECT command FROM auth_store.progress_list()', 'tenant_erase'),
        'an erasure is shown while it waits');
    is(value($primary, $db, 'SELECT command FROM auth_store.progress', user => 'pinned'), 'tenant_erase',
        'to a session of that tenant too');
    value($primary, $db, 'SELECT pg_cancel_backend(pid) FROM auth_store.progress');
    is_over($primary, 'nothing is left of one that was cancelled');
    $erase->{handle}->finish;
    release($lock);
}
{
    my $lock = hold('auth_store.audit_segments IN ACCESS SHARE MODE');
    my $migrate = begin($primary, 'SELECT auth_store.migrate(11)');
    is_shown($primary, 'migrate 0012_audit_seals', 'a migration is shown while it has tables and views locked');
    value($primary, $db, 'SELECT pg_cancel_backend(pid) FROM auth_store.progress_list()');
    $migrate->{handle}->finish;
    like($migrate->{err}, qr/canceling statement/, 'until it is cancelled');
    is_over($primary, 'and not afterwards');
    release($lock);
}

# --- a standby -------------------------------------------------------------------------------------------------------

{
    value($primary, $db, 'SELECT count(*) FROM auth_store.audit_seal()');
    my $lock = hold('auth_store.audit_log');
    value($primary, $db, 'SELECT pg_switch_wal()');
    $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
    my $verify = begin($standby, 'SELECT count(*) FROM auth_store.audit_verify()');
    is_shown($standby, 'audit_verify rows', 'a verification on a standby is shown there');
    is(value($primary, $db, 'SELECT count(*) FROM auth_store.progress'), '0', 'and there alone');
    release($lock);
    $verify->{handle}->finish;
    is($verify->{out}, "0\n", 'it ends without a finding');
    is_over($standby, 'and is shown no more');
}

done_testing();

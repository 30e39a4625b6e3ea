# A restore forgets how long the audit trail is to be kept, where the database or the server's configuration says it:
# the next cleanup must not drop what was kept until then, unless somebody says so for this database.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('retention');
my $dir = PostgreSQL::Test::Utils::tempdir;
my $KEPT = "SELECT retention_seconds FROM auth_store.cleanup_cursors WHERE task = 'audit_log'";
my $FOUND = "SELECT severity || ' ' || object || ': ' || problem FROM auth_store.check()";
# A month of long ago, and one that is past the default.
my ($old, $late) = ('y2020m01', value($node, 'postgres',
    q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC' - interval '14 months', '"y"YYYY"m"MM')}));
my $MONTHS = "SELECT coalesce(string_agg(substr(relname, 11), ' ' ORDER BY relname), '') FROM pg_class
    WHERE relnamespace = 'auth_store'::regnamespace AND relname IN ('audit_log_$old', 'audit_log_$late')";
my $databases = 0;

# A store with both months.
sub store
{
    my $database = 'store' . ++$databases;
    value($node, 'postgres', "CREATE DATABASE $database");
    value($node, $database, 'CREATE EXTENSION auth_store');
    install_helpers($node, $database);
    value($node, $database, "SELECT auth_store.partitions_make('{audit_log_$old,audit_log_$late}')");
    return $database;
}

# Its dump, in another database.
sub restored
{
    my ($from, $format, @options) = @_;
    my ($database, $file) = ('restored' . ++$databases, "$dir/$databases.dump");
    $node->command_ok([ 'pg_dump', '--no-sync', "-F$format", '-f', $file, $from ], "pg_dump -F$format of $from");
    value($node, 'postgres', "CREATE DATABASE $database TEMPLATE template0");
    $node->command_ok($format eq 'p' ? [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $database, '-f', $file ]
        : [ 'pg_restore', '--exit-on-error', @options, '-d', $database, $file ], "and its restore as $database");
    return $database;
}

# --- what is remembered, and when ------------------------------------------------------------------------------------

my $db = store();
is(value($node, $db, $KEPT), '', 'a fresh install has no row for it');
value($node, $db, q{SELECT auth_store.audit_write('a.step')}, user => 'web');
is(value($node, $db, $KEPT), '', 'nor has one in which the default holds');
value($node, 'postgres', "ALTER DATABASE $db SET auth_store.audit_retention = '7300d'");
succeeds($node, $db, q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT auth_store.audit_write('a.step'); COMMIT},
    'a step with a longer one', user => 'web');
is(value($node, $db, $KEPT), 7300 * 86400, 'is enough to remember it');
value($node, $db, q{SELECT auth_store.audit_write('a.step')}, user => 'web', options => '');
for my $less (q{SET auth_store.audit_retention = '1d'}, q{SET auth_store.audit_retention = '20000d'})
{
    value($node, $db, "LOAD 'auth_store'; $less; SELECT auth_store.audit_write('a.step')");
    is(value($node, $db, $KEPT), 7300 * 86400, "a step under $less changes nothing");
}

# --- a restore -------------------------------------------------------------------------------------------------------

for my $format ('p', 'c')
{
    for my $call ('CALL auth_store.cleanup()', 'SELECT auth_store.cleanup_expired_data()',
        'SELECT auth_store.cleanup_audit()', 'SELECT auth_store.partitions_drop()')
    {
        my $restored = restored($db, $format);
        is(value($node, $restored, $FOUND),
            'problem setting auth_store.audit_retention: is 90d, but was 7300d, which cleanup goes on keeping',
            'check() says so');
        my $result = run_sql($node, $restored, $call, user => 'cron');
        ok($result->{ok}, $call) or diag($result->{err});
        like($result->{err}, qr/WARNING: .* auth_store\.audit_retention is 90d, but was 7300d/, 'warns');
        is(value($node, $restored, $MONTHS), "$old $late", 'and drops nothing');
        value($node, 'postgres', "DROP DATABASE $restored");
    }
}

my $restored = restored($db, 'd', '-j2');
value($node, $restored, q{SELECT auth_store.audit_write('a.step')}, user => 'web');
raises($node, $restored, q{SELECT auth_store.partitions_drop('100 days')}, '42501',
    'sooner than it was kept is not for an administrator', user => 'boss');
# What the server says, or a role in all databases, was not said of this database.
value($node, 'postgres', "LOAD 'auth_store'; ALTER SYSTEM SET auth_store.audit_retention = '30d';
    ALTER ROLE cron SET auth_store.audit_retention = '40d'; SELECT pg_reload_conf()");
for my $user ('cron', 'boss')
{
    like(run_sql($node, $restored, 'SELECT auth_store.cleanup_audit()', user => $user)->{err},
        qr/is [34]0d, but was 7300d/, "$user: neither the server nor the role shortens it");
    is(value($node, $restored, $MONTHS), "$old $late", 'nothing is dropped');
}
value($node, 'postgres', "LOAD 'auth_store'; ALTER SYSTEM RESET auth_store.audit_retention;
    ALTER ROLE cron RESET auth_store.audit_retention; SELECT pg_reload_conf()");

# Who says so, is done as he says.
value($node, 'postgres', "ALTER DATABASE $restored SET auth_store.audit_retention = '1500d'");
is(value($node, $restored, $FOUND), '', 'a shorter one for the database: check() has nothing against it');
is(value($node, $restored, 'SELECT auth_store.cleanup_audit()', user => 'cron'), '1', 'cleanup drops by it');
is(value($node, $restored, $MONTHS), $late, 'what is older');
is(value($node, $restored, $KEPT), 1500 * 86400, 'and from then on it is the last one');
value($node, 'postgres', "ALTER DATABASE $restored RESET auth_store.audit_retention");
like(run_sql($node, $restored, 'CALL auth_store.cleanup()', user => 'cron')->{err}, qr/is 90d, but was 1500d/,
    'which a reset does not shorten');
is(value($node, $restored, $MONTHS), $late, 'it stays');
is(value($node, $restored, "LOAD 'auth_store'; SET auth_store.audit_retention = '100d';
    SELECT auth_store.cleanup_audit()"), '1', 'a superuser in a session does');
is(value($node, $restored, $FOUND),
    'problem setting auth_store.audit_retention: is 90d, but was 100d, which cleanup goes on keeping',
    'that is the last one then');
is(value($node, $restored, q{SELECT auth_store.partitions_drop('0')}), '0',
    'a call that names its own time is for superusers');

# --- a longer one ----------------------------------------------------------------------------------------------------

my $longer = store();
is(value($node, $longer, 'SELECT auth_store.cleanup_audit()', user => 'cron'), '2',
    'in a store that never had another, the default holds');
is(value($node, $longer, $KEPT), 90 * 86400, 'and is remembered');
value($node, $longer, q{SELECT auth_store.partitions_make('{audit_log_y2020m01}')});
value($node, 'postgres', "ALTER DATABASE $longer SET auth_store.audit_retention = '7301d'");
is(value($node, $longer, "BEGIN; SELECT auth_store.cleanup_audit(); ROLLBACK; $KEPT", user => undef),
    "0\n" . 90 * 86400, 'a cleanup that is rolled back remembers nothing');
is(value($node, $longer, 'SELECT auth_store.cleanup_audit()', user => 'cron'), '0', 'a longer one holds at once');
is(value($node, $longer, $KEPT), 7301 * 86400, 'and is remembered too');

# From the first step on, also one whose transaction goes on after another was rolled back, and where less
# was kept than the default.
my $stepped = store();
value($node, 'postgres', "ALTER DATABASE $stepped SET auth_store.audit_retention = '1000d'");
value($node, $stepped,
    q{BEGIN; SELECT auth_store.audit_write('a.step'); ROLLBACK; SELECT auth_store.audit_write('a.step')});
is(value($node, $stepped, $KEPT), 1000 * 86400, 'a step after one that was rolled back remembers it');
value($node, 'postgres', "ALTER DATABASE $stepped SET auth_store.audit_retention = '1100d'");
value($node, $stepped, q{BEGIN; SAVEPOINT s; SELECT auth_store.audit_write('a.step'); ROLLBACK TO s; COMMIT;
    SELECT auth_store.audit_write('a.step')});
is(value($node, $stepped, $KEPT), 1100 * 86400, 'and after a savepoint');
my $less = store();
value($node, $less, "LOAD 'auth_store'; SET auth_store.audit_retention = '30d'; SELECT auth_store.cleanup_audit()");
value($node, 'postgres', "ALTER DATABASE $less SET auth_store.audit_retention = '70d'");
value($node, $less, q{SELECT auth_store.audit_write('a.step')});
is(value($node, $less, $KEPT), 70 * 86400, 'more than before, though less than the default');

# Another run that is at it is not waited for.
{
    my $session = $node->background_psql($longer, on_error_stop => 1) if $node->can('background_psql');
    SKIP: {
        skip 'no background_psql in this version', 2 unless $session;
        $session->query_safe("BEGIN; SELECT task FROM auth_store.cleanup_cursors WHERE task = 'audit_log' FOR UPDATE");
        value($node, 'postgres', "ALTER DATABASE $longer SET auth_store.audit_retention = '7302d'");
        succeeds($node, $longer, q{SET statement_timeout = '10s'; SELECT auth_store.audit_write('a.step');
            SELECT auth_store.cleanup_audit()}, 'a locked row is not waited for');
        $session->query_safe('COMMIT');
        $session->quit;
        is(value($node, $longer, $KEPT), 7301 * 86400, 'the next run writes it');
    }
}

# A pinned session leaves it alone, a cleanup of its tenant too.
value($node, $longer, "LOAD 'auth_store'; SET auth_store.tenant_id = 'default';
    SELECT auth_store.cleanup_expired_data(), auth_store.cleanup_audit()");
is(value($node, $longer, $MONTHS), $old, 'a pinned session drops nothing');

# --- to the tables of before and back --------------------------------------------------------------------------------

value($node, $longer, 'SELECT auth_store.migrate(1), auth_store.migrate()');
is(value($node, $longer, $KEPT), '', 'the tables of 0.1.0 have no place for it');
is(value($node, $longer, $FOUND), '', 'and nothing is left behind');

$node->stop;
done_testing();

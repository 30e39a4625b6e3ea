# No space for tables, then none for the WAL: calls fail with 53100 and do nothing, the server goes on or comes back,
# and as soon as there is space everything works.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $small = "$ENV{TESTDIR}/small";
my $ROUNDS = size(2, 20);
# Segments that are kept for the next WAL would take the place of what a round gives back.
my $node = server('disk_full', settings => [ 'wal_level = replica', 'wal_recycle = off', 'checkpoint_timeout = 1h',
        "max_wal_size = '4GB'" ]);
my $db = 'postgres';
store($node, $db);

# Leaves so many kB of the small file system.
sub fill
{
    my ($kilobytes) = @_;
    unlink "$small/filler";
    my ($free) = `df --output=avail -k $small` =~ /(\d+)\s*\z/;
    system_or_bail('fallocate', '--length', ($free - $kilobytes) * 1024, "$small/filler") if $free > $kilobytes;
}

# --- tables ----------------------------------------------------------------------------------------------------------

mkdir "$small/tables" or die "$small/tables: $!";
value($node, $db, "CREATE TABLESPACE small LOCATION '$small/tables'");
value($node, $db, <<'SQL');
GRANT CREATE ON TABLESPACE small TO auth_store_owner;
SELECT format('ALTER %s %s SET TABLESPACE small', CASE relkind WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END,
           oid::regclass)
  FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace AND relkind IN ('r', 'i') \gexec
SQL
for my $round (1 .. $ROUNDS)
{
    my $before = value($node, $db, 'SELECT count(*) FROM auth_store.grants');
    fill(1024 + int rand 2048);
    my $load = load($node, $db, 4, '--time=900');
    $load->{run}->finish;
    my $errors = ${ $load->{err} };
    like($errors, qr/could not extend file|No space left/, "round $round: the space came to its end");
    # Also reads, which need no space, go on.
    succeeds($node, $db, "SELECT active FROM auth_store.token_introspect('asat_none');
        SELECT * FROM auth_store.health()", "round $round: reads go on");
    my $refused = run_sql($node, $db, "SELECT FROM generate_series(1, 20000) AS n,
        LATERAL auth_store.audit_write('disk.full', details => jsonb_build_object('text', repeat(md5(n::text), 20)))");
    is($refused->{state}, '53100', "round $round: a call that needs space says 53100");
    unlink "$small/filler";
    cmp_ok(value($node, $db, 'SELECT count(*) FROM auth_store.grants'), '>', $before, "round $round: there was a load");
    sound($node, $db, "round $round, tables");
    my $after = load($node, $db, 2, '--transactions=20');
    $after->{run}->finish;
    like(${ $after->{out} }, qr{actually processed: 40/40\b}, "round $round: with space again, everything works")
      or diag(${ $after->{err} });
    # Space for the next rounds: from all that half_done() compares, together.
    value($node, $db, 'TRUNCATE auth_store.audit_log, auth_store.grants, auth_store.access_tokens,
        auth_store.authorization_codes, auth_store.api_keys CASCADE') if $round % 4 == 0;
}
value($node, $db, <<'SQL');
SELECT format('ALTER %s %s SET TABLESPACE pg_default', CASE relkind WHEN 'i' THEN 'INDEX' ELSE 'TABLE' END,
           oid::regclass)
  FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace AND relkind IN ('r', 'i') \gexec
CHECKPOINT;
SQL

# --- WAL -------------------------------------------------------------------------------------------------------------

$node->stop;
my $wal = $node->data_dir . '/pg_wal';
system_or_bail('mv', $wal, "$small/wal");
symlink "$small/wal", $wal or die "$wal: $!";
$node->start;
for my $round (1 .. $ROUNDS)
{
    my $before = value($node, $db, 'SELECT count(*) FROM auth_store.grants');
    # Less than two segments.
    fill(20 * 1024);
    my $load = load($node, $db, 8, '--time=900');
    my $bulk = run_sql($node, $db,
        'CREATE TABLE bulk AS SELECT repeat(md5(n::text), 40) FROM generate_series(1, 400000) AS n');
    $load->{run}->finish;
    ok(!$bulk->{ok}, "round $round: the WAL had no space");
    unlink "$small/filler";
    # The server has ended itself by a PANIC, or is back already.
    $node->{_pid} = undef;
    my $up = 0;
    for (1 .. 100)
    {
        # A psql that finds no server may be gone before it has read the statement.
        last if $up = eval { run_sql($node, $db, 'SELECT 1')->{ok} };
        $node->{_pid} = undef;
        $node->start(fail_ok => 1) if !-e $node->data_dir . '/postmaster.pid';
        sleep 0.5;
    }
    $node->_update_pid(1);
    ok($up, "round $round: with space the server is back");
    value($node, $db, 'DROP TABLE IF EXISTS bulk; CHECKPOINT');
    sound($node, $db, "round $round, WAL");
}
quiet_log($node, 'after all', crashes => 1);
$node->stop;
done_testing();

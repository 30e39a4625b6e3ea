# kill -9 under load: of a backend, after which the server begins anew with all others, and of the server itself. What
# was acknowledged is there, nothing is half done, and indexes agree with their tables.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $ROUNDS = size(4, 40);
my $node = server('kill', preload => 1, settings => [ 'restart_after_crash = on', 'checkpoint_timeout = 30s',
        "max_wal_size = '64MB'" ]);
my $db = 'postgres';
store($node, $db);

my $done = 0;
for my $round (1 .. $ROUNDS)
{
    my $whole = $round % 2;
    my $load = load($node, $db, 8, '--time=60');
    sleep(1 + rand 2);
    if ($whole)
    {
        # The server's own process is gone, its children notice.
        $node->kill9;
    }
    else
    {
        my $pid = value($node, $db, "SELECT pid FROM pg_stat_activity WHERE query LIKE '%auth_store%'
            AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY random() LIMIT 1");
        kill 9, $pid if $pid;
    }
    $load->{run}->finish;
    if ($whole)
    {
        # Its children end within moments; until then the data directory is in use.
        my $up = 0;
        for (1 .. 50)
        {
            $node->{_pid} = undef;
            last if $up = $node->start(fail_ok => 1);
            sleep 0.2;
        }
        ok($up, "round $round: the server starts after its death");
    }
    else { $node->poll_query_until($db, 'SELECT true') or die 'the server did not come back'; }
    my $grants = value($node, $db, 'SELECT count(*) FROM auth_store.grants');
    cmp_ok($grants, '>', $done, "round $round: the death came under load");
    $done = $grants;
    sound($node, $db, "round $round");
}
note "$done log-ins";
quiet_log($node, 'after all', crashes => 1);
$node->stop;
done_testing();

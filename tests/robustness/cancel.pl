# A storm of cancellations: every function under statement timeouts of 1 to 20 ms and under somebody who cancels at
# random, beside a load that is cancelled too, and terminated. Each call does all or nothing.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Functions;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;

my $ROUNDS = size(2, 25);
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $node = server('cancel', preload => 1, settings => [ 'log_min_error_statement = panic', 'fsync = off' ]);
my $db = 'postgres';
store($node, $db);
my $made = populate($node, $db);

# Each function once with each timeout, in an order that chance decides; what did come through is kept or undone.
sub storm
{
    my @calls = map { call_of($_, $made->{acme}) } grep { $_ ne 'uninstall' && $_ ne 'migrate' } functions($node, $db);
    my $script = '';
    for my $timeout (sort { rand() <=> 0.5 } 1 .. 20)
    {
        for my $call (sort { rand() <=> 0.5 } grep { $_->{does} ne 'event' && $_->{does} ne 'script' } @calls)
        {
            # What ends the tenant or a client is undone, so that the others have something to work with, and a claim
            # of a name, to which check() objects on a store that is not spread.
            my $undo = $call->{sql} =~ /erase|delete|suspended|uninstall|name_(?:claim|confirm)/ || rand() < 0.3;
            if ($call->{does} eq 'commits') { $script .= "SET statement_timeout = $timeout;\n$call->{sql};\n"; next; }
            $script .= "SET statement_timeout = 0;\nBEGIN;\nSET LOCAL statement_timeout = $timeout;\n$call->{sql};\n"
              . ($undo ? 'ROLLBACK' : 'COMMIT') . ";\n";
        }
    }
    return $script;
}

append_to_file("$dir/canceller.sql", <<'SQL');
SET application_name = 'canceller';
DO $$
BEGIN
    LOOP
        PERFORM pg_stat_clear_snapshot();
        PERFORM CASE WHEN random() < 0.02 AND application_name = 'pgbench' THEN pg_terminate_backend(pid)
                ELSE pg_cancel_backend(pid) END
           FROM pg_stat_activity
          WHERE state = 'active' AND application_name <> 'canceller' AND backend_type = 'client backend'
            AND clock_timestamp() - query_start > random() * interval '20 ms';
        PERFORM pg_sleep(0.005);
    END LOOP;
END $$;
SQL
local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
my %seen;
for my $round (1 .. $ROUNDS)
{
    my @running;
    for my $worker (1 .. 3)
    {
        my $file = "$dir/storm.$round.$worker.sql";
        append_to_file($file, storm());
        # Verbosely, for the SQLSTATEs.
        push @running, my $one = { err => '' };
        my @psql = ($node->installed_command('psql'), qw(-XAtq -v VERBOSITY=verbose -f), $file, $db);
        $one->{run} = IPC::Run::start(\@psql, '>', \my $out, '2>', \$one->{err});
    }
    my $canceller = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-f', "$dir/canceller.sql", $db ],
        '>', \my $cout, '2>', \my $cerr);
    # A client of pgbench ends with its first error, so that there are many short ones.
    my @loads = map { load($node, $db, 6, '--time=20') } 1 .. 3;
    $_->{run}->finish for @running;
    {
        # Under its name, or it may cancel this.
        local $ENV{PGAPPNAME} = 'canceller';
        value($node, $db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'canceller' AND pid <> pg_backend_pid()");
    }
    $canceller->finish;
    $_->{run}->finish for @loads;
    for (@running) { $seen{$1}++ while $_->{err} =~ /ERROR:  ([0-9A-Z]{5}):/g; }
    sound($node, $db, "round $round");
}
note join ', ', map { "$_: $seen{$_}" } sort keys %seen;
cmp_ok($seen{57014} // 0, '>', 100 * $ROUNDS, 'the storm hit');
# Beside the interruption: what calls of the store say of its state, and what concurrency may say.
my $expected = qr/57014|22023|23503|23505|55000|42501|0A000|40P01|40001|55P03|25P02/;
is(join(' ', grep { !/^$expected$/ } sort keys %seen), '',
    'nothing but interruptions, the SQLSTATEs of the contract, and deadlocks');
quiet_log($node, 'after all');
$node->stop;
done_testing();

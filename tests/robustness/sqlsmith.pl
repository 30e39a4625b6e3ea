# Random queries by sqlsmith over the views, tables and functions that each kind of role may use: no crash, and no
# internal error of the store's.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs sqlsmith' if system('sqlsmith --version >/dev/null 2>&1');

my $QUERIES = size(400, 2500);      # of each role
my $SEED = $ENV{SEED} // 1;
my $node = server('sqlsmith', preload => 1, settings => [ 'log_min_error_statement = panic', 'track_functions = all',
        'fsync = off' ]);
my $db = 'postgres';
store($node, $db);
install_helpers($node, $db);
my $made = populate($node, $db);
# Something of each type of the store's arguments that every role may read, with what populate() has made.
value($node, $db, "CREATE TABLE given (secret text, id uuid, document jsonb, list text[], at timestamptz, span interval,
    ip inet, bytes bytea, yes boolean, n integer, many bigint, part double precision);
    GRANT SELECT ON given TO PUBLIC");
for my $tenant (sort keys %$made)
{
    my $secrets = join ', ', map { '(' . AuthStore::quote($_) . ')' } values %{ $made->{$tenant} };
    value($node, $db, "INSERT INTO given SELECT secret, '$made->{$tenant}{user}', jsonb_build_object('a', secret),
        ARRAY[secret], now(), '1 min', '192.0.2.1', convert_to(secret, 'UTF8'), true, 1, 2, 0.5
      FROM (VALUES $secrets) AS made (secret)");
}
# What a query could do to the machine or to other sessions is not what is tried.
value($node, $db, <<'SQL');
SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc
 WHERE pronamespace = 'pg_catalog'::regnamespace
   AND proname ~ '^(pg_sleep|pg_terminate|pg_cancel|lo_|pg_advisory)' \gexec
SQL
my ($total, %failed) = (0);
for my $role (grep { $_ ne 'nobody' } sort keys %AuthStore::LOGINS)
{
    my ($out, $err) = ('', '');
    my $target = join ' ', 'host=' . $node->host, 'port=' . $node->port, "dbname=$db", "user=$role";
    IPC::Run::run([ 'sqlsmith', "--target=$target", '--exclude-catalog', "--max-queries=$QUERIES", "--seed=$SEED",
            '--verbose' ], '>', \$out, '2>', \$err);
    # Its last line: the queries that it has generated.
    my ($queries) = reverse $err =~ /queries: (\d+)/g;
    $total += $queries // 0;
    like($err, qr/queries: \d+/, "$role: it ran") or diag(substr $err, -2000);
}
note "$total queries";
my $calls = value($node, $db, q{SELECT concat(count(*), ' functions, ', sum(calls), ' calls')
    FROM pg_stat_user_functions WHERE schemaname = 'auth_store'});
note "of the store: $calls";
my $log = slurp_file($node->logfile);
unlike($log, qr/was terminated by signal|PANIC|TRAP/, 'no crash');
# An internal error says where in the sources it was raised: in the store's they end in .rs.
my @internal = $log =~ /XX000: [^\n]*(?:\n(?!\d{4}-)[^\n]*)*\n[^\n]*LOCATION:  [^\n]*\.rs:\d+/g;
is(join("\n", @internal), '', 'no internal error of the store');
note scalar(() = $log =~ /XX000:/g), ' internal errors of the server itself';
sound($node, $db, 'after all');
$node->stop;
done_testing();

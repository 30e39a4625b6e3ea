# Under other settings of the server the store answers the same: the SQL tests with other plans, isolation and settings
# of the store, and every function with other formats of values, of which text that the store makes must not depend.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Functions;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;

my $inputs = "$FindBin::Bin/..";
my $dir = $PostgreSQL::Test::Utils::tmp_check;
# Not those of what lapses within a minute, which some plans take, and not the one that shows plans.
my @tests = grep { !/^(?:lifecycle_cleanup|shard_names|kernel_function_scan)$/ } map { m{([^/]+)\.sql$} }
  glob "$inputs/sql/*.sql";
# A few, of many domains.
if (!$ENV{FULL})
{
    my $few = qr/client|code|grant|session|token|token_refresh|token_introspect|api_key|user|role/;
    @tests = grep { /^$few$/ } @tests;
}

# --- plans, isolation ------------------------------------------------------------------------------------------------

# name => settings, and the tests whose outputs say what these change.
my $major = PostgreSQL::Version->new(`$ENV{PG_CONFIG} --version` =~ s/^PostgreSQL (\S+).*/$1/sr);
my $parallel = $major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
my %variations = (
    'little work_mem'  => [ 'work_mem = 64kB', 'hash_mem_multiplier = 1' ],
    'repeatable read'  => [ "default_transaction_isolation = 'repeatable read'" ],
    'serializable'     => [ "default_transaction_isolation = 'serializable'" ],
    # Not inlined and optimized, which takes seconds for each statement.
    'jit'              => [ 'jit = on', 'jit_above_cost = 0' ],
    'parallel'         => [ "$parallel = regress", 'parallel_setup_cost = 0', 'parallel_tuple_cost = 0',
        'min_parallel_table_scan_size = 0' ],
    'generic plans'    => [ 'plan_cache_mode = force_generic_plan' ],
    'custom plans'     => [ 'plan_cache_mode = force_custom_plan' ],
    'no index scans'   => [ 'enable_indexscan = off', 'enable_indexonlyscan = off', 'enable_bitmapscan = off' ],
    'no sequential scans, no hashes' => [ 'enable_seqscan = off', 'enable_hashjoin = off', 'enable_hashagg = off' ],
    'no function scans of the store' => [ "shared_preload_libraries = 'auth_store'",
        'auth_store.direct_function_scan = off' ],
    'asynchronous commit' => [ 'synchronous_commit = off', 'commit_delay = 100', 'fsync = off' ]);
# However slow some are, no call says how far it is.
my $node = server('settings', settings => [ "auth_store.progress_interval = '1h'" ]);
my $own = slurp_file($node->data_dir . '/postgresql.conf');
for my $name (sort keys %variations)
{
    open my $conf, '>', $node->data_dir . '/postgresql.conf' or die $!;
    print $conf $own, join "\n", @{ $variations{$name} }, '';
    close $conf;
    $node->restart;
    my $output = "$dir/" . $name =~ s/\W+/_/gr;
    mkdir $output;
    my ($out, $err) = ('', '');
    IPC::Run::run([ $ENV{PG_REGRESS}, "--inputdir=$inputs", "--outputdir=$output", '--host=' . $node->host,
            '--port=' . $node->port, '--dbname=auth_store_regress', '--load-extension=auth_store', @tests ],
        '>', \$out, '2>', \$err);
    my @failed = map { /^(?:not ok +\d+ +[-+] +|test )(\S+) .*(?:FAILED|failed|ms$)/ ? $1 : () }
      grep { !/^ok |\.\.\. ok / } split /\n/, $out;
    is(join(' ', @failed), '', "$name: the SQL tests") or diag(-e "$output/regression.diffs"
        ? substr slurp_file("$output/regression.diffs"), 0, 6000 : $err);
}
open my $conf, '>', $node->data_dir . '/postgresql.conf' or die $!;
print $conf $own;
close $conf;
$node->restart;

# --- formats of values -----------------------------------------------------------------------------------------------

my $db = 'postgres';
store($node, $db);
my $made = populate($node, $db)->{acme};
my @names = grep { !/^(?:install|uninstall|migrate|check)$/
      && call_of($_, $made)->{does} !~ /^(?:commits|event|script)$/ } functions($node, $db);

# How each call ends, and the shape of what it answers: what chance and the clock decide is masked.
sub shapes
{
    my ($settings) = @_;
    my $script = "$settings;\n";
    for my $name (@names)
    {
        my $call = call_of($name, $made)->{sql};
        $script .= "\\echo == $name\nBEGIN;\nSELECT to_jsonb(answer) - 'x' FROM ($call) AS answer ORDER BY 1;\n"
          . "\\echo :SQLSTATE\nSELECT details FROM auth_store.audit_log WHERE xmin = pg_current_xact_id()::xid\n"
          . "ORDER BY id;\n"
          . "ROLLBACK;\n";
    }
    my ($status, $out, $err) = $node->psql($db, $script, on_error_stop => 0);
    my (undef, %shape) = split /^== (\w+)\n/m, $out;
    for (values %shape)
    {
        s/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/ID/g;
        s/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[-+]\d\d(?::?\d\d)?|Z)?/TIME/g;
        s/[\w+\/=\\-]{24,}/SECRET/g;
        s/\d+/N/g;
        # Rows of one moment have no order.
        $_ = join "\n", sort grep { /\S/ } split /\n/;
    }
    return \%shape;
}
my $usual = shapes('SELECT 1');
my $again = shapes('SELECT 1');
my @steady = grep { ($usual->{$_} // '') eq ($again->{$_} // '') } @names;
cmp_ok(scalar @steady, '>', 0.9 * @names, 'most functions answer twice the same');
for my $settings ("SET DateStyle = 'SQL, DMY'", "SET DateStyle = 'German'", "SET IntervalStyle = 'sql_standard'",
    "SET TimeZone = 'Asia/Kathmandu'", "SET TimeZone = 'America/St_Johns'", "SET extra_float_digits = -15",
    "SET bytea_output = 'escape'", "SET search_path = ''", "SET standard_conforming_strings = off",
    "SET quote_all_identifiers = on", "SET transform_null_equals = on", "SET xmloption = 'document'",
    "SET row_security = off", "SET check_function_bodies = off", "SET client_min_messages = 'error'",
    "SET lc_numeric = 'C'", "SET default_transaction_deferrable = on")
{
    my $found = shapes($settings);
    my @other = grep { ($usual->{$_} // '') ne ($found->{$_} // '') } @steady;
    # Where minutes have passed, as for the next mail to one address, the usual is another by now.
    $usual = shapes('SELECT 1') if @other;
    @other = grep { ($usual->{$_} // '') ne ($found->{$_} // '') } @other;
    is(join(' ', @other), '', $settings)
      or diag(join '', map { "$_\n$usual->{$_}then\n$found->{$_}" } @other[ 0 .. ($#other > 4 ? 4 : $#other) ]);
}
quiet_log($node, 'after all');
$node->stop;
done_testing();

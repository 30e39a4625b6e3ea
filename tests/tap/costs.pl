# COST and ROWS of every function: none has what CREATE FUNCTION gives by itself, and the planner's idea of them
# is in the order of what they take. The notes are the measurement that they come from: prove -v prints it, as
# does the log of tests/run.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Functions;
use Test::More;

my $node = new_server('costs');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
my $store = populate($node, $db);
my $made = $store->{acme};

# --- measured ---------------------------------------------------------------------------------------------------------

# Microseconds of one call, the median of several, each undone. What EXECUTE takes is taken off.
value($node, $db, <<'SQL');
CREATE FUNCTION micros(call text, calls int) RETURNS float LANGUAGE plpgsql AS $$
DECLARE
    taken float[];
    began timestamptz;
    ended timestamptz;
BEGIN
    FOR n IN 1 .. calls LOOP
        BEGIN
            began := clock_timestamp();
            EXECUTE call;
            ended := clock_timestamp();
            RAISE EXCEPTION USING ERRCODE = 'ZZUND';
        EXCEPTION WHEN SQLSTATE 'ZZUND' THEN
            taken := taken || (extract(epoch FROM ended - began) * 1e6)::float;
        END;
    END LOOP;
    RETURN (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(taken) t);
END $$;
-- What one operator takes: the unit of COST.
CREATE FUNCTION unit() RETURNS float LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    bare float;
BEGIN
    PERFORM count(g) FROM generate_series(1, 300000) g;
    bare := extract(epoch FROM clock_timestamp() - began);
    began := clock_timestamp();
    PERFORM count(g + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1) FROM generate_series(1, 300000) g;
    RETURN (extract(epoch FROM clock_timestamp() - began) - bare) * 1e6 / 3e6;
END $$;
SQL
my $unit = value($node, $db, 'SELECT unit() FROM generate_series(1, 5) ORDER BY 1 LIMIT 1 OFFSET 2');
note sprintf 'one operator takes %.3f us', $unit;
my @measured;
my %skipped = map { $_ => 1 } qw(install migrate uninstall restoring);
for my $name (functions($node, $db))
{
    my $call = call_of($name, $made);
    next if $call->{does} =~ /^(commits|event)$/ || $skipped{$name};
    my $sql = AuthStore::quote($call->{sql});
    my $micros = value($node, $db, "SET plan_cache_mode = force_generic_plan;
        SELECT micros($sql, 3) \\g /dev/null\nSELECT micros($sql, 25) - micros('SELECT pg_catalog.pg_backend_pid()',
        25)");
    push @measured, [ $name, $micros ];
}
my %cost = map { split /\|/ } split /\n/,
    value($node, $db, "SELECT proname, procost FROM pg_proc WHERE pronamespace = 'auth_store'::regnamespace");
note sprintf '%-30s %8.0f us %9.0f units, COST %s', @$_, $_->[1] / $unit, $cost{ $_->[0] }
  for sort { $a->[1] <=> $b->[1] } @measured;

# Not each by itself: the machine may be busy with something else.
sub median
{
    my ($cost) = @_;
    my @micros = sort { $a <=> $b } map { $_->[1] } grep { $cost{ $_->[0] } == $cost } @measured;
    return $micros[ @micros / 2 ];
}
cmp_ok(median(100), '<', median(1000), 'what costs 1000 takes longer than what costs 100');
cmp_ok(median(1000), '<', median(10000), 'and what costs 10000 longer than that');

# --- the catalog ------------------------------------------------------------------------------------------------------

my $MINE = q{FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store' WHERE p.prokind = 'f'};
is(value($node, $db, "SELECT p.proname, p.procost $MINE
    AND p.procost NOT IN (1, 10, 100, 1000, 5000, 10000, 100000, 1000000)"), '',
    'every COST is one of the classes');
is(value($node, $db, "SELECT string_agg(p.proname, ' ' ORDER BY p.proname) $MINE AND p.procost = 1"),
    'current_acr current_actor_id current_amr current_client_id current_session_id current_tenant_id current_user_id '
      . 'id_time restoring tenant_visible',
    'no function has the COST that CREATE FUNCTION gives, but those that take no more');
is(value($node, $db, "SELECT p.proname $MINE AND p.proretset AND p.prorows NOT BETWEEN 1 AND 100"), '', 'nor its ROWS');
is(value($node, $db, "SELECT p.proname $MINE AND p.provolatile = 'v' AND p.procost < 10000
    AND p.proname NOT IN ('authenticate', 'fernet_encrypt', 'progress_add', 'progress_begin', 'progress_end',
        'user_id_new', 'vault_key_generate')"), '',
    'what writes costs more than what reads');

$node->stop;
done_testing();

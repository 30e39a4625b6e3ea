# pg_upgrade from major to major, as docs/how-to/postgresql_upgrade.md has it: every row, every object, and what was
# issued before goes on. PROGRAMS has the majors as MAJOR=FOLDER, THEN a folder with the first of them and 0.1.0.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../tap";
use AuthStore;
use PostgreSQL::Test::Utils;
use Released;
use Test::More;
use Works;

my %programs = map { split /=/, $_, 2 } split ' ', $ENV{PROGRAMS};
my ($first, @later) = sort { $a <=> $b } keys %programs;
my $last = $later[-1];

sub block
{
    my ($language, $pattern) = @_;
    my @found = grep { /$pattern/ }
        slurp_file("$FindBin::Bin/../../docs/how-to/postgresql_upgrade.md") =~ /^```$language\n(.*?)^```$/msg;
    is(scalar @found, 1, "the page has one block about $pattern");
    return $found[0];
}
my $UPGRADE = block('sh', 'pg_upgrade') =~ s/\A.*?\n\n//sr;
my ($CHECKS, $AMCHECK, $UPDATE) = map { block('sql', $_) } qw(vault_check amcheck migrate);

# Debian has newer minors of one major than of another. One that does not know pg_attver refuses what a newer one has
# written into it, of every table: there the test takes it away.
sub without_versions
{
    my ($node, $program) = @_;
    return if slurp_file($program) =~ /pg_attver/;
    for my $database (split /\n/, value($node, 'postgres', 'SELECT datname FROM pg_database WHERE datallowconn'))
    {
        my $count = value($node, $database, q{WITH without AS (UPDATE pg_attribute
            SET attoptions = NULLIF(ARRAY(SELECT o FROM unnest(attoptions) o WHERE o NOT LIKE 'pg\_attver=%'), '{}')
            WHERE attoptions::text LIKE '%pg\_attver=%' RETURNING 1) SELECT count(*) FROM without});
        note("$program does not know pg_attver, which $count columns of $database had") if $count;
    }
}

# A new server of a major, to which pg_upgrade brings what is in the other; that one stays as it was where its files are
# copied.
my $servers = 0;
sub upgraded
{
    my ($old, $programs, $major, $mode) = @_;
    my $name = sprintf 'on%d_%d', $major, ++$servers;
    my $new = new_server($name, install_path => $programs{$major}, preload => 1);
    my ($keys) = reverse slurp_file($old->data_dir . '/postgresql.conf') =~ /^auth_store\.master_key_file = '(.*)'$/mg;
    $new->append_conf('postgresql.conf', "auth_store.master_key_file = '$keys'");
    without_versions($old, "$programs{$major}/bin/postgres");
    $_->stop for $old, $new;
    my $run = PostgreSQL::Test::Utils::tempdir_short;
    my $script = "set -eu; cd '$run'; old='$programs/bin' new='$programs{$major}/bin' olddata='" . $old->data_dir
        . "' newdata='" . $new->data_dir . "'\n" . ($UPGRADE =~ s/--new-datadir "\$newdata"/$& $mode/gr);
    my ($out, $status) = ('', 0);
    # The ports are those that the two clusters were made with, or pg_upgrade's own.
    local @ENV{qw(PGHOST PGPORT)};
    delete @ENV{qw(PGHOST PGPORT)};
    $status = IPC::Run::run([ 'sh', '-c', $script ], '>', \$out, '2>&1');
    if (!ok($status, "$name: pg_upgrade $mode"))
    {
        diag($out);
        diag(map { "$_: " . substr(slurp_file($_), -2000) } glob($new->data_dir . '/pg_upgrade_output.d/*/log/*_dump_*'));
        BAIL_OUT('no server to go on with');
    }
    like($out, qr/Clusters are compatible/, 'after its checks');
    $new->start;
    return ($new, -e "$run/update_extensions.sql" ? slurp_file("$run/update_extensions.sql") : '');
}

# A table of the application.
my $ORDERS = 'CREATE TABLE public.orders (id int PRIMARY KEY, user_id uuid NOT NULL, tenant_id text NOT NULL,
    FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id, tenant_id))';

sub holds
{
    my ($node, $database, $rows, $name) = @_;
    # What is limited by a counter in memory is written when a server stops.
    my $found = contents($node, $database);
    delete @$_{'rate_limits'} for $rows, $found;
    is(differences($rows, $found), '', "$name: every row of every table");
    is(value($node, $database, $CHECKS), '', "$name: the checks of the page have nothing to say");
    like(value($node, $database, $AMCHECK), qr/\A\d{2,}\z/, "$name: no index and no table is damaged");
    is(value($node, $database, q{SELECT i.indexrelid::regclass FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid, unnest(i.indcollation) AS k
        WHERE c.relnamespace = 'auth_store'::regnamespace AND k NOT IN (0, 'pg_catalog."C"'::regcollation)}), '',
        "$name: no index orders text by a language");
    value($node, 'postgres', 'DROP DATABASE IF EXISTS fresh');
    value($node, 'postgres', 'CREATE DATABASE fresh TEMPLATE template0');
    value($node, 'fresh', 'CREATE EXTENSION auth_store; SELECT auth_store.jti_partitions_ensure()');
    value($node, 'fresh', $ORDERS) if value($node, $database, q{SELECT to_regclass('public.orders')}) ne '';
    is(differences(catalog_of($node, $database), catalog_of($node, 'fresh')), '',
        "$name: the catalog is that of a fresh install");
}

# A copy of the database, in which what can be used once is used.
sub works_there
{
    my ($node, $store, $name) = @_;
    value($node, 'postgres', 'CREATE DATABASE used TEMPLATE store');
    works($node, 'used', $store, $name);
    succeeds($node, 'used', 'CALL auth_store.cleanup(); SELECT auth_store.partitions_drop()', "$name: cleanup");
    value($node, 'postgres', 'DROP DATABASE used');
    is(value($node, 'store', "SELECT active FROM auth_store.token_introspect('$store->{acme}{access}')",
        user => 'web'), 't', "$name: the application may call it");
    is(value($node, 'store', 'SHOW auth_store.tenant_id', user => 'web'), 'acme', "$name: and is pinned");
    is(value($node, 'store', 'SHOW auth_store.audit_retention'), '300d', "$name: the database has its setting");
}

# --- this version ------------------------------------------------------------------------------------------------------

my $old = new_server('from', install_path => $programs{$first}, preload => 1);
value($old, 'postgres', 'CREATE DATABASE store TEMPLATE template0');
value($old, 'store', 'CREATE EXTENSION auth_store');
my $store = populate($old, 'store');
value($old, 'store', <<"SQL");
CREATE ROLE web LOGIN;
GRANT auth_store_app TO web;
ALTER ROLE web SET auth_store.tenant_id = 'acme';
ALTER DATABASE store SET auth_store.audit_retention = '300d';
$ORDERS;
INSERT INTO public.orders SELECT row_number() OVER (ORDER BY id), id, tenant_id FROM auth_store.users;
-- months of the trail
SELECT auth_store.partitions_make(array_agg('audit_log_' || to_char(now() AT TIME ZONE 'UTC' - n * interval '1 month',
    '"y"YYYY"m"MM'))) FROM generate_series(1, 6) n;
INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event, details)
SELECT gen_random_uuid(), now() - n * interval '1 hour', true, 'acme', 'of.a.former.month', jsonb_build_object('n', n)
  FROM generate_series(1, 24 * 150) n;
SQL
value($old, 'store', 'CALL auth_store.cleanup()');
my $rows = contents($old, 'store');
cmp_ok(scalar(grep { /^audit_log_y/ && $rows->{$_} !~ /^0 / } keys %$rows), '>=', 5, 'there are months of the trail');

my ($node, $programs) = ($old, $programs{$first});
for my $major (@later)
{
    my $before = $node == $old ? $rows : contents($node, 'store');
    my ($next, $update) = upgraded($node, $programs, $major, $node == $old ? '--copy' : '--link');
    unlike($update, qr/auth_store/, "on $major: the functions are those of its library");
    holds($next, 'store', $before, "on $major");
    works_there($next, $store, "on $major");
    ($node, $programs) = ($next, $programs{$major});
}
works($node, 'store', $store, "on $last, at the end");
$node->stop;

# Straight there; the files of the first server are still its own.
$old->start;
my ($straight) = upgraded($old, $programs{$first}, $last, $last >= 18 ? '--swap' : '--link');
holds($straight, 'store', $rows, "straight from $first to $last");
works_there($straight, $store, "straight from $first to $last");
$straight->stop;

# --- 0.1.0, under this version's library from then on -----------------------------------------------------------------

my $then = server_of_now('then', '0.1.0', install_path => $ENV{THEN});
is(value($then, 'postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'auth_store'}), '0.1.0',
    'a server of 0.1.0');
restored_dump($then, 'store', '0.1.0', as_it_was => 1);
succeeds($then, 'store', (CALLS())[0], 'whose own library works');
my ($now, $update) = upgraded($then, $ENV{THEN}, $last, '--copy');
like($update, qr/ALTER EXTENSION "auth_store" UPDATE/, 'pg_upgrade says that the extension is to be updated');
raises($now, 'store', (CALLS())[0], '55000', 'until it is', hint => 'ALTER EXTENSION auth_store UPDATE');
succeeds($now, 'store', $UPDATE, 'the update of the page');
goes_on($now, 'store');
# It has cleaned up, and dropped the partitions of what had expired.
value($now, 'store', 'SELECT auth_store.cleanup_usage(), auth_store.jti_partitions_ensure()');
holds($now, 'store', contents($now, 'store'), "0.1.0 on $first to this version on $last");
$now->stop;

done_testing();

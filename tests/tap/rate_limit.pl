# Rate limits in shared memory: exact under many connections, untouched by a rollback, forgotten at a restart, on a
# standby and in read-only transactions; and in the table, where the library is not preloaded.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $CLIENTS = 16;
my $TIMES = 100;

my $node = new_server('limit', preload => 1, streaming => 1);
$node->append_conf('postgresql.conf', "autovacuum = off\nrestart_after_crash = on");
$node->restart;
my $db = 'postgres';
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT auth_store.tenant_create('acme');
CREATE ROLE web LOGIN;
GRANT auth_store_app TO web;
CREATE TABLE answer (form text, key text, allowed boolean);
GRANT INSERT ON answer TO web;
SQL

sub stats { return value($_[0], $db, 'SELECT slots, used, evicted FROM auth_store.rate_limit_stats()'); }

# hits(SERVER, KEY, MAX, TIMES, PRELUDE): how many of so many hits are allowed.
sub hits
{
    my ($server, $key, $max, $times, $prelude) = @_;
    return value($server, $db,
        ($prelude // '') . "SELECT count(*) FILTER (WHERE allowed) FROM generate_series(1, $times) AS n,
        LATERAL auth_store.rate_limit_hit('$key', $max + 0 * n, '30 days')");
}

# --- what a hit leaves behind -----------------------------------------------------------------------------------------

is(stats($node), '65536|0|0', 'the memory is there and empty');
is(value($node, $db, "BEGIN; SELECT remaining FROM auth_store.rate_limit_hit('k', 5, '30 days'); ROLLBACK;
    SELECT remaining FROM auth_store.rate_limit_hit('k', 5, '30 days')"),
    "4\n3", 'a rollback does not give the hit back');
is(value($node, $db, "BEGIN; SAVEPOINT s; SELECT remaining FROM auth_store.rate_limit_hit('k', 5, '30 days');
    ROLLBACK TO s; COMMIT"), '2', 'nor does one to a savepoint');
ok(!run_sql($node, $db, "SELECT remaining / 0 FROM auth_store.rate_limit_hit('k', 5, '30 days')")->{ok},
    'nor does an error');
is(value($node, $db, "BEGIN READ ONLY; SELECT allowed, remaining FROM auth_store.rate_limit_hit('k', 5, '30 days');
    COMMIT"), 't|0', 'a read-only transaction may hit');
is(value($node, $db, "SELECT allowed, remaining, retry_after FROM auth_store.rate_limit_hit('k', 5, '30 days')"),
    'f|0|' . 6 * 86400, 'and that was the last');
is(value($node, $db, 'SELECT count(*) FROM auth_store.rate_limits'), 0, 'nothing is in the table');
is(value($node, $db,
    "BEGIN; SELECT FROM auth_store.rate_limit_hit('k', 5, '30 days'); SELECT pg_current_xact_id_if_assigned() IS NULL,
    (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode ~ 'RowExclusive')"), "t|0",
    'no transaction id, and no lock that outlives the statement');
is(value($node, $db, "SELECT count(*) FROM auth_store.rate_limit_hit('k', 5, '30 days', tenant_id => 'acme')
    WHERE remaining = 4"), 1, 'a tenant has keys of its own');
is(stats($node), '65536|2|0', 'two keys are in use');
is(value($node, $db, "SELECT auth_store.rate_limit_reset('k', 'acme')"), 't', 'one is reset');
is(stats($node), '65536|1|0', 'then it is free again');
{
    my $from = value($node, $db, 'SELECT pg_current_wal_insert_lsn()');
    hits($node, 'wal', 1000, 1000);
    my $bytes = value($node, $db, "SELECT pg_current_wal_insert_lsn() - '$from'");
    cmp_ok($bytes, '<', 1000, "a thousand hits write no WAL ($bytes bytes)");
}

# --- exact ------------------------------------------------------------------------------------------------------------

# As many hits from many connections, over few keys: of each key exactly as many are allowed as there are.
my $dir = $PostgreSQL::Test::Utils::tmp_check;
for my $form ('shared', 'table')
{
    PostgreSQL::Test::Utils::append_to_file("$dir/$form.sql", "\\set k random(1, 3)
        INSERT INTO answer SELECT '$form', :k, allowed
        FROM auth_store.rate_limit_hit('exact ' || :k::int, 200, '30 days');\n");
    value($node, $db, 'ALTER ROLE web SET auth_store.rate_limit_shared = ' . ($form eq 'shared' ? 'on' : 'off'));
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
    my ($out, $err) = ('', '');
    my $ok = IPC::Run::run([ $node->installed_command('pgbench'), qw(--no-vacuum --protocol=prepared --jobs=2
        --username=web), "--client=$CLIENTS", "--transactions=$TIMES",
            '--file', "$dir/$form.sql", $db ], '>', \$out, '2>', \$err);
    ok($ok && $err !~ /ERROR|FATAL|aborted/, "$form: $CLIENTS connections hit $TIMES times each") or diag($err);
    is(value($node, $db, "SELECT count(*), count(DISTINCT key), bool_and(n > 200 AND allowed = 200) FROM (
        SELECT key, count(*) AS n, count(*) FILTER (WHERE a.allowed) AS allowed FROM answer a WHERE form = '$form'
        GROUP BY key) k"), '3|3|t',
        "$form: exactly as many are allowed as there are");
}
value($node, $db, 'ALTER ROLE web RESET auth_store.rate_limit_shared');
is(value($node, $db, 'SELECT count(*) FROM auth_store.rate_limits'), 3, 'the table has the keys of its own form');
is(value($node, $db, "SELECT n_tup_upd, n_tup_upd - n_tup_hot_upd < n_tup_upd / 5
    FROM (SELECT pg_stat_force_next_flush()) f, pg_stat_user_tables WHERE relname = 'rate_limits'") =~ /^(\d+)\|t$/
    && $1 > 1000, 1,
    'whose updates are HOT');

# --- a standby --------------------------------------------------------------------------------------------------------

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
is(hits($standby, 'there', 5, 9), 5, 'a standby limits in its own memory');
is(hits($node, 'there', 5, 9), 5, 'which the primary knows nothing of');
is(value($standby, $db, "SELECT auth_store.rate_limit_reset('there')"), 't', 'it resets there too');
is(stats($standby), '65536|0|0', 'and counts by itself');
my $refusal = raises($standby, $db, "SET auth_store.rate_limit_shared = off;
    SELECT auth_store.rate_limit_hit('there', 5, '30 days')", '25006', 'the table on a standby');
$standby->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$standby->restart;
raises($standby, $db, "SELECT auth_store.rate_limit_hit('there', 5, '30 days')", '25006',
    'without the library preloaded too');
is(stats($standby), '0|0|0', 'where there is no memory');
$standby->stop;

# --- full -------------------------------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', 'auth_store.rate_limit_slots = 250');
$node->restart;
is(stats($node), '256|0|0', 'a restart forgets all; slots come in whole sets');
is(hits($node, 'k', 5, 9), 5, 'the key of before has all its hits again');
# A key that is used all the time stays, whatever comes past it.
value($node, $db, "DO \$\$ BEGIN
    FOR n IN 1 .. 5000 LOOP
        PERFORM FROM auth_store.rate_limit_hit('passer-by ' || n, 5, '30 days');
        IF (SELECT allowed FROM auth_store.rate_limit_hit('k', 5, '30 days')) THEN RAISE 'allowed at %', n; END IF;
    END LOOP;
END \$\$");
is(stats($node), '256|256|' . (5001 - 256), 'who was used least recently had to give way, and was counted');
is(hits($node, 'passer-by 1', 5, 9), 5, 'and has all its hits again');
my $evicted = (split /\|/, stats($node))[2];
value($node, $db, "SELECT auth_store.rate_limit_hit('brief ' || n, 1000, '1 s') FROM generate_series(1, 3) AS n");
ok((split /\|/, stats($node))[2] > $evicted, 'also for keys that are paid back at once');
value($node, $db, 'SELECT pg_sleep(0.1)');
value($node, $db, "SELECT auth_store.rate_limit_reset('passer-by ' || n) FROM generate_series(1, 5000) AS n");
$evicted = (split /\|/, stats($node))[2];
cmp_ok((split /\|/, stats($node))[1], '<', 10, 'reset, the keys leave room');
value($node, $db, "SELECT count(*)
    FROM generate_series(1, 100) AS n, LATERAL auth_store.rate_limit_hit('another ' || n, 1000, '1 s')");
cmp_ok((split /\|/, stats($node))[2] - $evicted, '<', 20, 'in which others find a place');

# --- one server, several databases, several tenants -------------------------------------------------------------------

$node->safe_psql($db, 'CREATE DATABASE other');
value($node, 'other', "CREATE EXTENSION auth_store; SELECT auth_store.tenant_create('acme')");
value($node, $_, "SELECT auth_store.tenant_create('flood')") for $db, 'other';
# hit(DATABASE, KEY, TENANT): whether one of five is still allowed.
sub hit
{
    return value($node, $_[0],
        "SELECT allowed FROM auth_store.rate_limit_hit('$_[1]', 5, '30 days', tenant_id => '$_[2]')");
}
sub lock_out { my @hit = @_; return join '', map { hit(@hit) } 1 .. 6; }
# flood(DATABASE, TENANT): so many new keys, by a session that can name no other tenant.
sub flood
{
    my ($database, $tenant) = @_;
    return value($node, $database, "SET auth_store.tenant_id = '$tenant';
        SELECT count(*) FROM generate_series(1, 5000) AS n,
        LATERAL auth_store.rate_limit_hit('flood ' || n, 1, '30 days') AS h WHERE h.allowed");
}

for my $slots (256, 16)
{
    $node->append_conf('postgresql.conf', "auth_store.rate_limit_slots = $slots");
    $node->restart;
    for my $tenant ('default', 'acme')
    {
        is(lock_out($db, 'same', $tenant), 'tttttf', "$slots slots: a key of $tenant is used up");
        is(hit('other', 'same', $tenant), 't', 'it is another key in another database');
        is(value($node, 'other', "SELECT auth_store.rate_limit_reset('same', '$tenant')"), 't', 'where it is reset');
        is(hit($db, 'same', $tenant), 'f', 'and not in the first');
        is(value($node, 'other', "SELECT auth_store.rate_limit_reset('same', '$tenant')"), 'f',
            'there is nothing more to reset');
        is(lock_out('other', 'same', $tenant), 'tttttf', 'the other one is used up too');
    }
    is(value($node, $db, "SELECT auth_store.rate_limit_reset('same', 'flood')"), 'f',
        'of another tenant there is nothing to reset');
    # Six keys more of the tenant: in a set of 16 it then has more than any other.
    is(lock_out($db, "lock-out $_", 'acme'), 'tttttf', "lock-out $_") for 1 .. 6;
    for my $from ([ $db, 'flood' ], [ 'other', 'acme' ], [ 'other', 'default' ])
    {
        $evicted = (split /\|/, stats($node))[2];
        is(flood(@$from), 5000, "a flood of keys in the database $$from[0], tenant $$from[1]");
        cmp_ok((split /\|/, stats($node))[2] - $evicted, '>', 4000, 'more than there is room for');
        my @forgotten = grep { hit($db, $_, 'acme') eq 't' } 'same', map { "lock-out $_" } 1 .. 6;
        is("@forgotten", '', 'lets nothing pass of another tenant, or of the same one of another database');
        is(hit($db, 'same', 'default'), 'f', 'nor of the default tenant');
    }
    # The flood comes first: who comes late gets places of its.
    $node->restart;
    is(flood($db, 'flood'), 5000, 'a flood that comes first');
    for my $late ([ $db, 'acme' ], [ 'other', 'flood' ])
    {
        my ($database, $tenant) = @$late;
        is(lock_out($database, "late $_", $tenant), 'tttttf', "late $_ of $database, $tenant") for 1 .. 4;
        is(join('', map { hit($database, "late $_", $tenant) } 1 .. 4), 'ffff', 'all of them count');
    }
}
$node->append_conf('postgresql.conf', 'auth_store.rate_limit_slots = 250');
$node->restart;

# A client over its limit, when the transaction that refused it is rolled back.
my $secret = value($node, $db,
    "SELECT client_secret FROM auth_store.client_create('Limited', client_id => 'limited', rate_limit_per_hour => 2)");
my $authenticate = "SELECT coalesce(error, 'ok') FROM auth_store.client_authenticate('limited', '$secret')";
is(value($node, $db, "BEGIN; $authenticate; $authenticate; $authenticate; ROLLBACK; $authenticate", user => 'web'),
    "ok\nok\ntemporarily_unavailable\ntemporarily_unavailable",
    'a client does not get its requests back by rolling back');

# --- a crash, and none at all -----------------------------------------------------------------------------------------

value($node, $db, "SET auth_store.rate_limit_shared = off; SELECT FROM auth_store.rate_limit_hit('k', 5, '30 days')");
{
    my $pid = value($node, $db, 'SELECT pg_backend_pid() FROM pg_sleep(0)');
    my $sleeper = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr($db), '-c', "SELECT pg_sleep(60) /* crash */" ],
        '>', \my $out, '2>', \my $err);
    $node->poll_query_until($db,
        "SELECT count(*) = 1 FROM pg_stat_activity WHERE query ~ '/. crash ./\$' AND pid <> pg_backend_pid()");
    kill 'KILL',
        value($node, $db, "SELECT pid FROM pg_stat_activity WHERE query ~ '/. crash ./\$' AND pid <> pg_backend_pid()");
    $sleeper->finish;
    $node->poll_query_until($db, 'SELECT true');
}
is(stats($node), '256|0|0', 'after a crash the memory is made anew');
is(value($node, $db, 'SELECT count(*) FROM auth_store.rate_limits'), 0, 'and the unlogged table is empty');
is(hits($node, 'k', 5, 9), 5, 'the limit works');
is(hits($node, 'k', 5, 9, 'SET auth_store.rate_limit_shared = off;'), 5, 'in the table too');
is(value($node, $db, 'SELECT object, problem FROM auth_store.check()'), '', 'check() has nothing to say');

$node->append_conf('postgresql.conf', 'auth_store.rate_limit_slots = 0');
$node->restart;
is(stats($node), '0|0|0', 'no slots, no memory');
is(hits($node, 'k', 5, 9), 0, 'then the table has the state, which a clean restart keeps');
is(value($node, $db, "BEGIN; SELECT remaining FROM auth_store.rate_limit_hit('again', 5, '30 days'); ROLLBACK;
    SELECT remaining FROM auth_store.rate_limit_hit('again', 5, '30 days')"),
    "4\n4", 'and a rollback gives the hit back');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile),
    qr{(?:PANIC|XX000): | leak\b|invalid configuration parameter}, 'no internal error in the server log');

# The setting of a server that does not preload the library is none to complain about.
$node->append_conf('postgresql.conf', "auth_store.rate_limit_slots = 1000\nshared_preload_libraries = ''");
$node->restart;
my $result = run_sql($node, $db, "SELECT slots FROM auth_store.rate_limit_stats(); SHOW auth_store.rate_limit_slots",
    user => undef);
is($result->{out}, "0\n1000", 'known, and without effect');
is($result->{err}, '', 'and no warning');

$node->stop;
done_testing();

# Many log-ins of one user at once: each failure counts once, one lock begins, whoever hashes in the meantime holds no
# lock; and a server that is stopped in the middle of a storm has counted what it has answered.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $CLIENTS = 16;
my $node = new_server('login');
my $db = 'postgres';
my $dir = $PostgreSQL::Test::Utils::tmp_check;
# What counts is order, not time: no attempt may give up its turn to hash on a slow machine.
$node->append_conf('postgresql.conf', "auth_store.password_hash_wait = '60s'\nmax_connections = 60");
$node->restart;
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT auth_store.user_create('user' || n || '@login.example', password => 'correct horse')
  FROM generate_series(0, 3) AS n;
CREATE TABLE answer (of text, told text);
SQL

# Runs a script on that many connections at once.
sub start
{
    my ($name, $clients, $times, $script) = @_;
    my $file = "$dir/$name.sql";
    PostgreSQL::Test::Utils::append_to_file($file, "$script\n");
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
    return IPC::Run::start(
        [ $node->installed_command('pgbench'), qw(--no-vacuum --protocol=prepared --jobs=2), "--client=$clients",
            "--transactions=$times", '--file', $file, $db ], '>', "$dir/$name.out", '2>', "$dir/$name.err");
}

# All of them begin together: they wait for a lock, with the library loaded.
sub all_at_once
{
    my ($name, $script) = @_;
    my $barrier = start("$name.barrier", 1, 1, "SELECT pg_advisory_lock(1);
        DO \$\$BEGIN WHILE (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted) < $CLIENTS
        LOOP PERFORM pg_sleep(0.01), pg_stat_clear_snapshot(); END LOOP; END\$\$;
        SELECT pg_advisory_unlock(1);");
    sleep(0.05) until value($node, $db, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted");
    my $run = start($name, $CLIENTS, 1, "SELECT count(*) FROM auth_store.user_find('loads\@the.library');
        SELECT pg_advisory_lock_shared(1);\n$script");
    $barrier->finish;
    ok($run->finish, "$name: $CLIENTS connections, no error")
      or diag(PostgreSQL::Test::Utils::slurp_file("$dir/$name.err"));
    return;
}

my $COUNTS = 'SELECT max_failures, failures, locks, locked_until > clock_timestamp() FROM auth_store.login_failures';

# --- sixteen wrong passwords ------------------------------------------------------------------------------------------

for (['user0@login.example', 'of a user'], ['nobody@login.example', 'of nobody'])
{
    my ($email, $whose) = @$_;
    my $name = "wrong $whose" =~ tr/ /_/r;
    all_at_once($name, "INSERT INTO answer SELECT '$name', error
        FROM auth_store.user_login('$email', 'wrong horse', ip => '192.0.2.1');");
    is(value($node, $db, "$COUNTS ORDER BY 1"), "5|16|1|t\n50|16|0|", "$whose: sixteen were counted, one lock began");
    is(value($node, $db, "SELECT told, count(*) FROM answer WHERE of = '$name' GROUP BY told"),
        'invalid_credentials|16', "$whose: all were told the same");
    is(value($node, $db, "SELECT count(*), count(*) FILTER (WHERE 'too_many_failures' = ANY (flags)),
        count(DISTINCT details ->> 'failures') FROM auth_store.audit_log WHERE event = 'user.login_failed'"),
        '16|1|16', "$whose: each has its row, and one of them began the lock");
    value($node, $db, "DELETE FROM auth_store.login_failures; DELETE FROM auth_store.audit_log");
}

# --- right and wrong ones together ------------------------------------------------------------------------------------

# A right password is good until the lock, and begins the count of the network anew. Who comes after the lock is not
# looked at any more.
all_at_once('mixed', "INSERT INTO answer SELECT CASE :client_id % 2 WHEN 0 THEN 'wrong' ELSE 'right' END,
        CASE WHEN ok THEN 'ok' ELSE error END
    FROM auth_store.user_login('user1\@login.example',
        CASE :client_id % 2 WHEN 0 THEN 'wrong horse' ELSE 'correct horse' END, ip => '192.0.2.1');");
is(value($node, $db, "SELECT counted <= 8, counted + locked >= 8
    FROM (SELECT count(*) FROM auth_store.audit_log
           WHERE event = 'user.login_failed' AND 'wrong_password' = ANY (flags)) c (counted),
         (SELECT count(*) FROM answer WHERE of = 'wrong' AND told = 'account_locked') l (locked)"),
    't|t', 'right and wrong ones: each wrong one was counted, or met the lock');
is(value($node, $db, "SELECT DISTINCT of, told FROM answer
    WHERE of = 'wrong' AND told NOT IN ('account_locked', 'invalid_credentials')
       OR of = 'right' AND told NOT IN ('account_locked', 'ok')"), '', 'and each answer is one that fits');
value($node, $db, "DELETE FROM auth_store.login_failures; DELETE FROM auth_store.audit_log");

# --- a hash holds no lock ---------------------------------------------------------------------------------------------

# While as many as may hash do, somebody changes the user.
$node->append_conf('postgresql.conf', 'auth_store.password_hashes_at_once = 1');
$node->reload;
{
    my $run = start('storm', $CLIENTS, 4, "SELECT error FROM auth_store.user_login('user2\@login.example',
        'wrong horse', ip => ('192.0.' || :client_id || '.1')::inet);");
    sleep(0.3);
    my $took = value($node, $db, "SELECT clock_timestamp() AS began \\gset
        SELECT auth_store.user_update(user_id, '{\"first_name\": \"X\"}')
          FROM auth_store.user_find('user2\@login.example') \\g /dev/null
        SELECT auth_store.user_lock(user_id) FROM auth_store.user_find('user2\@login.example') \\g /dev/null
        SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz)::float");
    ok($run->finish, 'a storm on one user ran to its end');
    my $hash = value($node, $db, "SELECT clock_timestamp() AS began \\gset
        SELECT auth_store.user_login('user3\@login.example', 'correct horse') \\g /dev/null
        SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz)::float");
    cmp_ok($took, '<', 5 * $hash, 'and who changed the user meanwhile did not wait for the queue of hashes');
    is(value($node, $db, "SELECT sum(failures) FROM auth_store.login_failures WHERE max_failures = 50"),
        4 * $CLIENTS, 'each attempt of the storm was counted for the user');
    is(value($node, $db, "SELECT count(*), sum(failures) FROM auth_store.login_failures WHERE max_failures = 5"),
        $CLIENTS . '|' . 4 * $CLIENTS, 'and for its network');
}
value($node, $db, "DELETE FROM auth_store.login_failures; DELETE FROM auth_store.audit_log");

# --- the cap on hashes ------------------------------------------------------------------------------------------------

# Places to hash, of all backends: locks of a class that no SQL function takes, see src/kernel/server/slot.rs.
my $PLACES = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 4 AND granted";
my $WAITING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%user_login%' AND wait_event = 'Extension'
    AND pid <> pg_backend_pid()";
# A name that nobody has is hashed at the present costs: long enough to be seen.
my $UNKNOWN = "SELECT error FROM auth_store.user_login('nobody' || :client_id || '\@login.example', 'wrong horse',
    ip => ('198.51.' || :client_id || '.1')::inet);";
$node->append_conf('postgresql.conf', "auth_store.password_hashes_at_once = 2
    auth_store.password_memory = '128MB'\nauth_store.password_passes = 2");
$node->reload;

# Waits until the cap is used up and others wait.
sub full
{
    my ($run) = @_;
    for (1 .. 1000)
    {
        return 1 if value($node, $db, "SELECT ($PLACES) = 2 AND ($WAITING) > 0") eq 't';
        last unless $run->pumpable;
        sleep(0.01);
    }
    return 0;
}

{
    my $run = start('cap', $CLIENTS, 1, "INSERT INTO answer SELECT 'cap', " . ($UNKNOWN =~ s/^SELECT //r));
    my ($most, $waited) = (0, 0);
    while (value($node, $db, "SELECT count(*) FROM answer WHERE of = 'cap'") < $CLIENTS && $run->pumpable)
    {
        my ($places, $waiting) = split /\|/, value($node, $db, "SELECT ($PLACES), ($WAITING)");
        $most = $places if $places > $most;
        $waited = $waiting if $waiting > $waited;
        # It may have ended since it was looked at.
        eval { $run->pump_nb };
    }
    ok($run->finish, 'sixteen log-ins at once where two may hash');
    is(value($node, $db, "SELECT told, count(*) FROM answer WHERE of = 'cap' GROUP BY told"),
        "invalid_credentials|$CLIENTS", 'all were answered');
    is($most, 2, 'two hashed at a time');
    cmp_ok($waited, '>', 2, 'and others waited');
    is(value($node, $db, $PLACES), 0, 'no place is taken afterwards');
}

{
    my $run = start('held', 6, 3, $UNKNOWN);
    ok(full($run), 'the cap is used up');
    # Only while it waits can it be cancelled that soon; a turn that it gets all the same is no failure of the cap.
    my ($cancelled, $soon) = (0, 0);
    for (1 .. 5)
    {
        my $began = Time::HiRes::time();
        my $result = run_sql($node, $db, "SET statement_timeout = '30ms';
            SELECT error FROM auth_store.user_login('somebody\@login.example', 'wrong horse', ip => '203.0.113.1')");
        $cancelled++ if ($result->{state} // '') eq '57014';
        $soon++ if Time::HiRes::time() - $began < 1;
    }
    is($cancelled, 5, 'a log-in in the queue is cancelled by its timeout');
    cmp_ok($soon, '>', 0, 'and while it waits');
    my $result = run_sql($node, $db, "SET auth_store.password_hash_wait = 0;
        SELECT error, retry_after FROM auth_store.user_login('somebody\@login.example', 'wrong horse',
            ip => '203.0.113.1')");
    like($result->{out}, qr/^(?:temporarily_unavailable[|]1|invalid_credentials[|])$/,
        'one that may not wait is told so');
    ok($run->finish, 'those who hashed went on');
    cmp_ok(value($node, $db, "SELECT count(*) FROM auth_store.audit_log WHERE ip = '203.0.113.1'"), '<=', 1,
        'and a cancelled one has left no row');
    is(value($node, $db, $PLACES), 0, 'no place is taken afterwards');
}

{
    my $run = start('ended', 8, 2, $UNKNOWN);
    ok(full($run), 'the cap is used up');
    is(value($node, $db, "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) > 0 FROM (
            SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 4 AND granted
            UNION SELECT pid FROM pg_stat_activity WHERE query LIKE '%user_login%' AND wait_event = 'Extension') t
          WHERE pid <> pg_backend_pid()"), 't', 'those who hash are terminated, and those who wait');
    $run->finish;
    for (1 .. 500) { last if value($node, $db, $PLACES) == 0; sleep(0.02); }
    is(value($node, $db, $PLACES), 0, 'their places are free');
    my $again = start('again', $CLIENTS, 1, $UNKNOWN);
    ok($again->finish, 'and all can log in after them');
}
# An unknown name, a user without a password and one who is suspended cost what a wrong password costs: the shortest of
# three tries, so that a busy machine says nothing.
{
    value($node, $db, "SELECT auth_store.user_create('dear\@login.example', password => 'correct horse'),
        auth_store.user_create('without\@login.example'),
        auth_store.user_create('away\@login.example', password => 'correct horse');
        SELECT auth_store.user_set_status(user_id, 'suspended') FROM auth_store.user_find('away\@login.example')");
    my %took;
    for my $name (qw(dear nobody without away) x 3)
    {
        my $took = value($node, $db, "SELECT count(*) FROM auth_store.user_find('loads\@the.library') \\g /dev/null
            SELECT clock_timestamp() AS began \\gset
            SELECT error FROM auth_store.user_login('$name\@login.example', 'wrong horse') \\g /dev/null
            SELECT extract(epoch FROM clock_timestamp() - :'began'::timestamptz)::float");
        $took{$name} = $took if !defined $took{$name} || $took < $took{$name};
    }
    cmp_ok($took{$_} / $took{dear}, '>', 0.5, "$_: as much work as a wrong password") for qw(nobody without away);
    cmp_ok($took{$_} / $took{dear}, '<', 2, "$_: and no more") for qw(nobody without away);
}
$node->append_conf('postgresql.conf', "auth_store.password_memory = '19MB'\nauth_store.password_passes = 2");
value($node, $db, "DELETE FROM auth_store.login_failures; DELETE FROM auth_store.audit_log");

# --- an immediate stop in the middle of a storm -----------------------------------------------------------------------

# Each connection has a network of its own and writes down what the server acknowledged.
$node->append_conf('postgresql.conf', "auth_store.lockout_threshold = 100\n"
    . "auth_store.login_failures_per_network = 1000000");
for my $round (1 .. 2)
{
    # As many as there are processors, and more than may hash.
    $node->append_conf('postgresql.conf', 'auth_store.password_hashes_at_once = ' . ($round == 1 ? 0 : 2));
    $node->restart;
    value($node, $db, "SELECT auth_store.user_unlock(user_id) FROM auth_store.user_find('user3\@login.example');
        DELETE FROM auth_store.login_failures; DELETE FROM auth_store.audit_log; DELETE FROM auth_store.rate_limits");
    my @running;
    for my $worker (1 .. 4)
    {
        my $attempt = "SELECT coalesce(error, 'ok') FROM auth_store.user_login('user3\@login.example', 'wrong horse',
            ip => '192.0.$worker.1');\n";
        my $file = "$dir/worker$round.$worker.sql";
        PostgreSQL::Test::Utils::append_to_file($file, $attempt x 90);
        local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
        push @running, IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f',
                $file, $db ], '>', "$dir/acked$worker", '2>', "$dir/error$worker");
    }
    sleep(2 + rand);
    $node->stop('immediate');
    $_->finish for @running;
    $node->start;
    for my $worker (1 .. 4)
    {
        my $acked = () = PostgreSQL::Test::Utils::slurp_file("$dir/acked$worker") =~ /^invalid_credentials$/mg;
        my $rows = value($node, $db, "SELECT count(*) FROM auth_store.audit_log WHERE ip = '192.0.$worker.1'");
        ok($acked > 0 && $rows >= $acked && $rows <= $acked + 1,
            "round $round: what was answered is in the trail ($acked, $rows)");
    }
    is(value($node, $db, "SELECT sum(failures) - 2 * (SELECT count(*) FROM auth_store.audit_log)
        FROM auth_store.login_failures"), 0, "round $round: and was counted, for its network and for the user");
    is(value($node, $db, $PLACES), 0, "round $round: no place to hash is taken");
    value($node, $db, "SELECT auth_store.user_unlock(user_id) FROM auth_store.user_find('user3\@login.example')");
    is(value($node, $db, "SELECT string_agg(ok::text, ' ') FROM (VALUES (0), (1), (3)) v (n),
        LATERAL auth_store.user_login('user' || n || '\@login.example', 'correct horse', ip => '203.0.113.9')"),
        'true true true', "round $round: and everybody can log in");
}

$node->stop;
done_testing();

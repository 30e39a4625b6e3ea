# The vault under load and after accidents: sixteen workers and one connection, a crash in the middle of rekeying, a
# dump without its key, what another program opens by the documents alone, and what a core file holds.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Cwd qw(abs_path);
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_server('vault');
my $db = 'postgres';
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $keys = $node->basedir . '/master.key';
my %masters = slurp_file($keys) =~ /^(\w+): (\S+)$/mg;
value($node, $db, 'CREATE EXTENSION auth_store');

sub add_master
{
    my ($id) = @_;
    $masters{$id} = encode_base64(join('', map { chr rand 256 } 1 .. 32), '');
    append_to_file($keys, "$id: $masters{$id}\n");
    $node->reload;
    sleep 0.3;
}

# A psql that runs beside the test.
my $scripts = 0;
sub background
{
    my ($script) = @_;
    my $file = "$dir/background" . $scripts++ . '.sql';
    append_to_file($file, $script);
    my $run = { out => '', err => '' };
    my @command = ('psql', '-X', '-At', '-h', $node->host, '-p', $node->port, '-d', $db, '-f', $file);
    $run->{handle} = IPC::Run::start(\@command, '<', '/dev/null', '>', \$run->{out}, '2>', \$run->{err});
    return $run;
}

my $N = 3000;
# Whether the tokens of each connection are its own.
my $SOUND = "SELECT count(*) FILTER (WHERE g.access_token = 'access ' || n AND g.refresh_token = 'refresh ' || n),
    count(*)
    FROM generate_series(1, $N) AS n LEFT JOIN LATERAL auth_store.connection_get('github', n::text, tenant_id =>
    CASE WHEN n % 3 = 0 THEN 'acme' END) AS g ON true";
my $MASTERS = "SELECT string_agg(id || ' ' || state, ', ') FROM auth_store.vault_check() WHERE kind = 'master key'";
value($node, $db, "SELECT auth_store.tenant_create('acme');
    SELECT count(auth_store.connection_store('github', n::text, 'access ' || n, 'refresh ' || n, tenant_id =>
    CASE WHEN n % 3 = 0 THEN 'acme' END)) FROM generate_series(1, $N) AS n");
is(value($node, $db, $SOUND), "$N|$N", 'there are connections');

# --- sixteen workers -------------------------------------------------------------------------------------------------

{
    value($node, $db, "UPDATE auth_store.connections SET refresh_at = clock_timestamp() WHERE actor_id::int <= 50");
    # Each goes through all that are due, in an order of its own, each lease in a transaction of its own.
    my $script = q{SELECT format('SELECT %L, fence FROM auth_store.connection_lease(%L, if_due => true) WHERE granted',
        connection_id, connection_id)
        FROM auth_store.connections_due(1000) ORDER BY random() } . "\n\\gexec\n";
    my @workers = map { background("SELECT pg_sleep(0.5);\n$script" . "SELECT 'end';\n") } 1 .. 16;
    $_->{handle}->finish for @workers;
    is(join('', map { $_->{err} } @workers), '', 'sixteen workers: no errors, no deadlock');
    my %leased;
    for my $worker (@workers) { $leased{$1}{$2}++ while $worker->{out} =~ /^([-0-9a-f]{36})\|(\d+)$/mg }
    is(scalar keys %leased, 50, 'every connection was leased');
    is(join(' ', grep { join('', %{ $leased{$_} }) ne '11' } sort keys %leased), '', 'exactly once, with fence 1');
    # One connection, again and again: the fence counts the leases, and each completion was its own.
    my ($one) = sort keys %leased;
    value($node, $db, "SELECT auth_store.connection_fail('$one', 1, 'x'); CREATE TABLE won (worker int, fence bigint)");
    my $often = "SELECT l.fence AS fence, l.granted AS granted
        FROM auth_store.connection_lease('$one') AS l \\gset\n\\if :granted\n"
      . "INSERT INTO won SELECT :worker, :fence FROM auth_store.connection_complete('$one', :fence, 'access ' || :fence,
          'refresh ' || :fence) WHERE ok;\n\\endif\n";
    @workers = map { background("\\set worker $_\nSELECT pg_sleep(0.5);\n" . $often x 100) } 1 .. 16;
    $_->{handle}->finish for @workers;
    is(join('', map { $_->{err} } @workers), '', 'sixteen workers and one connection: no errors');
    is(value($node, $db, "SELECT count(*) = count(DISTINCT fence), min(fence), max(fence) - min(fence) + 1 = count(*),
        count(*) > 10 FROM won"), 't|2|t|t', 'no fence was given twice, none was lost');
    is(value($node, $db, "SELECT g.access_token || ', ' || g.refresh_token = format('access %s, refresh %1\$s', fence)
        FROM auth_store.connections c, LATERAL auth_store.connection_get('github', actor_id, tenant_id => tenant_id) g
        WHERE id = '$one'"),
        't', 'and the last one\'s tokens are there');
    value($node, $db, "SELECT auth_store.connection_store('github', actor_id, 'access ' || actor_id,
        'refresh ' || actor_id, tenant_id => tenant_id) FROM auth_store.connections WHERE id = '$one'");
}

# --- rekeying --------------------------------------------------------------------------------------------------------

# How many connections are under the newest master key.
my $MOVED = "SELECT count(*) FROM auth_store.connections c JOIN auth_store.vault_keys k ON k.id = c.key_id
    WHERE k.retired_at IS NULL AND k.master_key_id = '%s'";

sub wait_for_progress
{
    my ($master, $least) = @_;
    for (1 .. 400)
    {
        my $moved = value($node, $db, sprintf $MOVED, $master);
        return $moved if $moved >= $least;
        sleep 0.02;
    }
    return -1;
}

add_master('second');
# So slow that it can be met in the middle, on any machine.
value($node, $db, q{CREATE FUNCTION slow() RETURNS trigger
    LANGUAGE plpgsql AS 'BEGIN PERFORM pg_catalog.pg_sleep(0.002); RETURN NEW; END';
    CREATE TRIGGER slow BEFORE UPDATE OF key_id ON auth_store.connections FOR EACH ROW
    WHEN (OLD.key_id <> NEW.key_id) EXECUTE FUNCTION slow()});
is(value($node, $db, $MASTERS), 'second seals, first needed', 'a new master key');
{
    my $rekey = background("CALL auth_store.vault_rekey(20);\n");
    my $moved = wait_for_progress('second', 200);
    $node->stop('immediate');
    $rekey->{handle}->finish;
    cmp_ok($moved, '>=', 200, "a crash in the middle of rekeying, after $moved connections");
    $node->start;
    my $kept = value($node, $db, sprintf $MOVED, 'second');
    cmp_ok($kept, '>=', $moved, 'what was committed is there');
    cmp_ok($kept, '<', $N, 'and not more');
    is(value($node, $db, $SOUND), "$N|$N", 'every token opens');
    is(value($node, $db, 'SELECT count(*) FROM auth_store.vault_check() WHERE NOT readable'), '0',
        'vault_check() agrees');
    is(value($node, $db, $MASTERS), 'second seals, first needed', 'both master keys are needed');
}
{
    my $rekey = background("CALL auth_store.vault_rekey(20);\n");
    my $moved = wait_for_progress('second', value($node, $db, sprintf $MOVED, 'second') + 100);
    value($node, $db,
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL auth_store.vault_rekey%'");
    $rekey->{handle}->finish;
    like($rekey->{err}, qr/canceling statement due to user request/, 'rekeying is cancelled');
    my $kept = value($node, $db, sprintf $MOVED, 'second');
    ok($moved > 0 && $kept >= $moved && $kept < $N, "and what was done stays: $kept");
    is(value($node, $db, $SOUND), "$N|$N", 'every token opens');
}
{
    # While it runs, the store goes on: connections are stored, leased, completed and deleted.
    value($node, $db,
        "SELECT count(auth_store.connection_store('aws', n::text, 'x', 'y')) FROM generate_series(1, 200) AS n");
    my @traffic = map { background(<<'SQL') } 1 .. 4;
SELECT format('SELECT auth_store.connection_store(%L, %L, %L, %L)', 'aws', n, 'x', 'y')
  FROM generate_series(1, 200) AS n ORDER BY random() \gexec
SELECT format('SELECT c.ok FROM auth_store.connection_lease(%L) l, LATERAL auth_store.connection_complete(%1$L, '
              'l.fence, %L) c WHERE l.granted', connection_id, 'z')
  FROM auth_store.provider_connections WHERE provider = 'aws' ORDER BY random() \gexec
SQL
    my $rekey = background("SET auth_store.progress_interval = 0; CALL auth_store.vault_rekey(7);\n");
    $_->{handle}->finish for @traffic, $rekey;
    unlike(join('', map { $_->{err} } @traffic), qr/ERROR/, 'nobody who stores meanwhile fails');
    like($rekey->{err},
        qr/NOTICE:  auth_store vault_rekey: sealed rows, step 2 of 2: \d+ of about \d+ rows, [\d.]+ a second, about /,
        'rekeying tells how far it is');
    like($rekey->{err},
        qr/NOTICE:  auth_store vault_rekey: \d+ row\(s\) sealed anew, \d data key\(s\) made, \d deleted/,
        'and what it did');
    unlike($rekey->{err}, qr/ERROR|WARNING/, 'without an error');
    value($node, $db, 'DROP TRIGGER slow ON auth_store.connections');
    run_sql($node, $db, 'CALL auth_store.vault_rekey()');
    is(value($node, $db, $MASTERS), 'second seals, first not needed', 'then nothing needs the older key');
    is(value($node, $db, 'SELECT tenant_id, count(*) FROM auth_store.vault_keys GROUP BY 1 ORDER BY 1'),
        "acme|1\ndefault|1", 'there is one data key a tenant');
    is(value($node, $db, $SOUND), "$N|$N", 'every token opens');
    value($node, $db, "DELETE FROM auth_store.connections WHERE provider = 'aws'");
}
# Now its line can go.
unlink $keys;
append_to_file($keys, "second: $masters{second}\n");
chmod 0600, $keys;
$node->reload;
sleep 0.3;
is(value($node, $db, $SOUND), "$N|$N", 'without its line every token opens');
is(value($node, $db, "SELECT event, count(*) > 0 FROM auth_store.audit_log WHERE event LIKE 'vault.%' GROUP BY 1
    ORDER BY 1"), "vault.key_created|t\nvault.key_deleted|t\nvault.rekeyed|t", 'the audit trail has it all');

# What does not open stays, is counted and does not hold up the rest.
add_master('third');
value($node, $db, "UPDATE auth_store.connections SET access_token = refresh_token WHERE actor_id = '7'");
{
    my $rekey = background("CALL auth_store.vault_rekey(100);\n");
    $rekey->{handle}->finish;
    like($rekey->{err}, qr/WARNING:  auth_store vault_rekey: 1 row\(s\) do not open and stay as they are/,
        'rekeying warns of what does not open');
    is(value($node, $db, $MASTERS), 'third seals, second needed', 'whose key stays');
    is(value($node, $db, sprintf $MOVED, 'third'), $N - 1, 'the others have moved');
    is(value($node, $db, 'SELECT kind, state FROM auth_store.vault_check() WHERE NOT readable'),
        'connection|access_token does not open', 'vault_check() names it');
    value($node, $db, "SELECT auth_store.connection_store('github', '7', 'access 7', 'refresh 7')");
    run_sql($node, $db, 'CALL auth_store.vault_rekey()');
    is(value($node, $db, $MASTERS), 'third seals, second not needed', 'stored again, it holds up nothing');
}
# A lost master key: what it sealed is lost, the rest and what is new is not.
add_master('fourth');
{
    value($node, $db, 'CREATE TRIGGER slow BEFORE UPDATE OF key_id ON auth_store.connections FOR EACH ROW
        WHEN (OLD.key_id <> NEW.key_id) EXECUTE FUNCTION slow()');
    my $rekey = background("CALL auth_store.vault_rekey(20);\n");
    wait_for_progress('fourth', 100);
    value($node, $db,
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL auth_store.vault_rekey%'");
    $rekey->{handle}->finish;
    value($node, $db, 'DROP FUNCTION slow() CASCADE');
    my $moved = value($node, $db, sprintf $MOVED, 'fourth');
    cmp_ok($moved, '<', $N, "rekeying is cancelled after $moved connections");
    unlink $keys;
    append_to_file($keys, "fourth: $masters{fourth}\n");
    chmod 0600, $keys;
    $node->reload;
    sleep 0.3;
    my ($ok, $out, $err) = (run_sql($node, $db, 'CALL auth_store.vault_rekey()'))->@{qw(ok out err)};
    ok($ok, 'rekeying without the older key ends');
    like($err, qr/@{[ $N - $moved ]} row\(s\) do not open/, 'and counts what does not open');
    is(value($node, $db, "SELECT sum(connections) FROM auth_store.vault_check()
        WHERE kind = 'data key' AND NOT readable"), $N - $moved, 'vault_check() counts the same');
    append_to_file($keys, "third: $masters{third}\n");
    $node->reload;
    sleep 0.3;
    is(value($node, $db, $SOUND), "$N|$N", 'with its line back everything opens');
    unlink $keys;
    append_to_file($keys, "third: $masters{third}\nfourth: $masters{fourth}\n");
    chmod 0600, $keys;
    $node->reload;
    sleep 0.3;
    run_sql($node, $db, 'CALL auth_store.vault_rekey()');
    is(value($node, $db, $MASTERS), 'fourth seals, third not needed', 'and moves');
}

# --- a dump without its key ------------------------------------------------------------------------------------------

{
    my $other = new_server('restored');
    $node->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/vault.dump", $db ], 'a dump');
    value($other, $db, 'CREATE DATABASE restored');
    $other->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'restored', "$dir/vault.dump" ],
        'is restored on a server with another master key');
    is(value($other, 'restored', 'SELECT count(*) FROM auth_store.connections'), $N, 'every row');
    my $check = 'SELECT kind, CASE kind WHEN \'master key\' THEN id ELSE tenant_id END, state, readable, connections
        FROM auth_store.vault_check() ORDER BY 1 DESC, 2';
    is(value($other, 'restored', $check),
        "master key|first|seals|t|0\nmaster key|fourth|missing|f|$N\ndata key|acme|its master key is missing|f|"
        . $N / 3 . "\ndata key|default|its master key is missing|f|" . $N / 3 * 2,
        'vault_check() says what is unreadable');
    is(run_sql($other, 'restored', "SELECT * FROM auth_store.connection_get('github', '1')")->{state}, '55000',
        'nothing opens');
    $other->append_conf('postgresql.conf', "auth_store.master_key_file = ''");
    $other->reload;
    sleep 0.3;
    is(value($other, 'restored', $check) =~ s/^master key\|first.*\n//mr,
        "master key|fourth|missing|f|$N\ndata key|acme|its master key is missing|f|" . $N / 3
        . "\ndata key|default|its master key is missing|f|" . $N / 3 * 2,
        'as it does without any master key');
    $other->append_conf('postgresql.conf', "auth_store.master_key_file = '$keys'");
    $other->reload;
    sleep 0.3;
    is(value($other, 'restored', $SOUND), "$N|$N", 'with the key everything opens');
    is(value($other, 'restored', 'SELECT * FROM auth_store.check()'), '', 'check() has nothing to say');
    $other->stop;
}

# --- what the documents say ------------------------------------------------------------------------------------------

my %data_keys;
my $python = $ENV{PYTHON} // '/usr/bin/python3';
SKIP:
{
    if (!eval { IPC::Run::run([ $python, '-c', 'import cryptography' ], '>', \my $out, '2>', \my $err) })
    {
        die "there is no cryptography for $python (python3-cryptography)\n" if $ENV{AUTH_STORE_STRICT};
        skip "there is no cryptography for $python", 1;
    }
    my $json = value($node, $db, "SELECT json_build_object('keys',
        (SELECT json_agg(json_build_object('id', id, 'tenant_id', tenant_id, 'master_key_id', master_key_id, 'wrapped',
        encode(wrapped, 'hex'))) FROM auth_store.vault_keys),
        'connections', (SELECT json_agg(json_build_object('id', id, 'tenant_id', tenant_id, 'key_id', key_id,
        'access_token', encode(access_token, 'hex'), 'refresh_token', encode(refresh_token, 'hex')))
            FROM auth_store.connections))");
    my $given = encode_json({ %{ decode_json($json) }, masters => \%masters });
    my ($out, $err) = ('', '');
    IPC::Run::run([ $python, abs_path("$FindBin::Bin/open_vault.py") ], '<', \$given, '>', \$out, '2>', \$err)
      or diag($err);
    my $opened = decode_json($out || '{"connections": {}, "keys": {}}');
    my %actors = map { split /\|/ } split /\n/, value($node, $db, 'SELECT id, actor_id FROM auth_store.connections');
    is(scalar(grep { "@{ $opened->{connections}{$_} // [] }" eq "access $actors{$_} refresh "
        . "$actors{$_}" } keys %actors), $N, 'another program opens every token by the documents alone');
    %data_keys = map { ("data key $_" => pack 'H*', $opened->{keys}{$_}) } keys %{ $opened->{keys} };
}

# --- a core file -----------------------------------------------------------------------------------------------------

# A backend that has opened every token, for vault_check() and vault_rekey(), dies. Its core file, shared memory and
# all, holds none of them, nor a key.
SKIP:
{
    my $pattern = -r '/proc/sys/kernel/core_pattern' ? slurp_file('/proc/sys/kernel/core_pattern') : '|';
    chomp $pattern;
    skip "core files go elsewhere here ($pattern)", 5 if $pattern =~ m{[|/%]};
    my $limit = `bash -c 'ulimit -Hc'`;
    skip 'core files are not allowed here', 5 if $limit =~ /^0$/;
    add_master('fifth');
    $node->stop;
    system_or_bail('pg_ctl', '--core-files', '-w', '-s', '-D', $node->data_dir, '-l', $node->logfile, 'start');
    # The statements themselves hold no token.
    my $script =
        "SELECT pg_backend_pid() AS pid \\gset\n\\setenv PID :pid\nCALL auth_store.vault_rekey();\nSELECT count(*)
        FROM auth_store.vault_check();\n\\! kill -SEGV \$PID\nSELECT 1;\n";
    my $session = background($script);
    $session->{handle}->finish;
    like($session->{err}, qr/$N row\(s\) sealed anew/, 'a backend has opened every token');
    # The module's servers do not come back from a crash by themselves.
    for (1 .. 300) { last unless -e $node->data_dir . '/postmaster.pid'; sleep 0.1 }
    $node->start;
    my @cores = glob($node->data_dir . '/core*');
    is(scalar @cores, 1, 'and left a core file') or skip('no core file to search', 3);
    my $core = slurp_file($cores[0]);
    cmp_ok(length $core, '>', 50_000_000, 'with the shared memory in it: ' . length $core);
    my %needles = (%data_keys, map { ("master key $_" => decode_base64($masters{$_}),
        "master key $_ in base64" => $masters{$_}) } keys %masters);
    $needles{"token $_"} = $_ for map { ("access $_", "refresh $_") } 1 .. 3, 1000 .. 1020, $N - 10 .. $N;
    is(join(', ', grep { index($core, $needles{$_}) >= 0 } sort keys %needles), '', 'which holds no key and no token');
    # What is sealed is there: the search is one.
    my $sealed = pack 'H*', value($node, $db,
        "SELECT encode(wrapped, 'hex') FROM auth_store.vault_keys WHERE retired_at IS NULL AND tenant_id = 'acme'");
    cmp_ok(index($core, $sealed), '>=', 0, 'but what is sealed');
    unlink @cores;
}

unlike(slurp_file($node->logfile), qr/XX000|PANIC/, 'no internal error in the server log');
$node->stop;
done_testing();

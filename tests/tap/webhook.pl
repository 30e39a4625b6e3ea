# Webhooks through a crash, a dump and a promotion: what was acknowledged is delivered, what was not is as if it had
# never been, a lease outlives its server, and ids stay unique.
use strict;
use warnings;
use Digest::SHA qw(hmac_sha256);
use FindBin;
use IPC::Run;
use lib $FindBin::Bin;
use AuthStore;
use MIME::Base64 qw(decode_base64 encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_server('hooks', streaming => 1);
my $db = 'postgres';
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my %secrets;
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT auth_store.tenant_create('acme');
-- What must hold whenever nobody is writing: one row for each thing that is not so.
CREATE FUNCTION half_done() RETURNS SETOF text LANGUAGE sql AS $$
    WITH waiting AS (
        SELECT id, webhook_id, event_id, attempt FROM auth_store.webhook_queue
        UNION ALL SELECT id, webhook_id, event_id, attempt FROM auth_store.webhook_retries
    ), delivered AS (
        SELECT delivery_id AS id, webhook_id, event_id, attempt FROM auth_store.webhook_attempts
         WHERE outcome = 'delivered'
    ), ways AS (SELECT * FROM waiting UNION ALL SELECT * FROM delivered)
    SELECT 'event without a delivery to each webhook' FROM auth_store.webhook_events e
     WHERE (SELECT count(*) FROM ways w WHERE w.event_id = e.id) <>
           (SELECT count(*) FROM auth_store.webhooks w WHERE w.tenant_id = e.tenant_id)
    UNION ALL SELECT 'delivery without its event' FROM ways w
     WHERE NOT EXISTS (SELECT FROM auth_store.webhook_events e WHERE e.id = w.event_id)
    UNION ALL SELECT 'delivery that is in two places' FROM ways GROUP BY id HAVING count(*) > 1
    UNION ALL SELECT 'delivery without its former attempts' FROM auth_store.webhook_retries r
     WHERE NOT EXISTS (SELECT FROM auth_store.webhook_attempts a
                        WHERE a.delivery_id = r.id AND a.attempt = r.attempt AND a.outcome = 'retrying')
    UNION ALL SELECT 'attempt that was completed twice' FROM auth_store.webhook_attempts
     GROUP BY delivery_id, attempt HAVING count(*) > 1
    UNION ALL SELECT 'state that does not count its attempts' FROM auth_store.webhooks w
      LEFT JOIN auth_store.webhook_states s ON s.webhook_id = w.id
     WHERE (COALESCE(s.success_count, 0), COALESCE(s.failure_count, 0)) <> (
           SELECT count(*) FILTER (WHERE outcome = 'delivered'), count(*) FILTER (WHERE outcome <> 'delivered')
             FROM auth_store.webhook_attempts a WHERE a.webhook_id = w.id)
$$;
SQL

sub webhook
{
    my ($tenant, $name) = @_;
    my ($id, $secret) = split /\|/, value($node, $db, "SELECT webhook_id, secret
        FROM auth_store.webhook_create('https://hooks.example/$name', '{agent.*}', tenant_id => '$tenant')");
    $secrets{$id} = decode_base64(substr $secret, 6);
    return $id;
}

# Emits an event; returns how many deliveries were queued.
sub emit
{
    my ($where, $event_id, $tenant) = @_;
    $tenant //= 'acme';
    return value($where, $db,
        "SELECT auth_store.webhook_emit('agent.created', '{\"of\": \"$event_id\"}', '$event_id', '$tenant')");
}

# Claims deliveries: { id => { webhook, attempt, body, … } }. Each is signed with its webhook's secret.
sub claimed
{
    my ($where, $arguments, $database) = @_;
    my %found;
    for (split /\n/, value($where, $database // $db,
        "SELECT delivery_id, webhook_id, attempt, headers->>'webhook-id', headers->>'webhook-timestamp',
        headers->>'webhook-signature', body FROM auth_store.webhook_claim($arguments)"))
    {
        my ($id, $webhook, $attempt, $sent_id, $time, $signature, $body) = split /\|/, $_, 7;
        my $expected = 'v1,' . encode_base64(hmac_sha256("$id.$time.$body", $secrets{$webhook}), '');
        is("$sent_id $signature", "$id $expected", "delivery of webhook $webhook is signed with its secret");
        $found{$id} = { webhook => $webhook, attempt => $attempt, body => $body };
    }
    return \%found;
}

sub complete
{
    my ($where, $id, $attempt, $status) = @_;
    return value($where, $db, "SELECT auth_store.webhook_complete('$id', $attempt, $status)");
}

# Claims until there is something: a lease has to end first.
sub claimed_in_time
{
    my ($where, $arguments) = @_;
    for (1 .. 300)
    {
        my $found = claimed($where, $arguments);
        return $found if %$found;
        sleep 0.1;
    }
    return {};
}

# Takes every delivery that there is to its receiver, whatever has to end first.
sub deliver_all
{
    my ($where, $name) = @_;
    for (1 .. 300)
    {
        value($where, $db, 'UPDATE auth_store.webhook_retries SET due_at = clock_timestamp() WHERE due_at IS NOT NULL;
            UPDATE auth_store.webhook_states SET open_until = NULL WHERE open_until IS NOT NULL');
        my $rest = value($where, $db, "SELECT count(*) FROM (SELECT auth_store.webhook_complete_batch(
                (SELECT coalesce(jsonb_agg(jsonb_build_object('delivery_id', delivery_id, 'attempt', attempt,
                'http_status', 204)), '[]') FROM auth_store.webhook_claim(1000, '1 h', 1000)))) AS done;
            SELECT count(*) FROM (SELECT FROM auth_store.webhook_queue UNION ALL
                SELECT FROM auth_store.webhook_retries WHERE due_at IS NOT NULL) AS waiting");
        return pass($name) if $rest =~ /\n0$/;
        sleep 0.1;
    }
    fail($name);
}

sub start_psql
{
    my ($script, $out, $err, %env) = @_;
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, %env);
    return IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $script, $db ],
        '>', $out, '2>', $err);
}

# --- a crash in the middle of a transaction ---------------------------------------------------------------------------

# Runs statements in a transaction that stays open; then the server crashes. Returns what they printed.
my $crashes = 0;
sub crash_in
{
    my ($sql) = @_;
    my ($script, $out, $err) = ("$dir/halfway" . ++$crashes . '.sql', '', '');
    append_to_file($script, "BEGIN;\n$sql;\nSELECT pg_sleep(600);\n");
    my $session = start_psql($script, \$out, \$err, PGAPPNAME => "halfway$crashes");
    ok($node->poll_query_until($db, "SELECT count(*) = 1 FROM pg_stat_activity
        WHERE application_name = 'halfway$crashes' AND wait_event = 'PgSleep'"), "halfway: $sql");
    $node->stop('immediate');
    $session->finish;
    $node->start;
    return $out =~ s/\s+\z//r;
}

my $first = webhook('acme', 'first');
is(crash_in(q{SELECT auth_store.webhook_emit('agent.created', '{}', 'half', 'acme')}), '1', 'an event was emitted');
is(value($node, $db, 'SELECT (SELECT count(*) FROM auth_store.webhook_events),
    (SELECT count(*) FROM auth_store.webhook_queue)'), '0|0', 'and is nowhere after a crash before the commit');
is(emit($node, 'half'), '1', 'so that it is emitted again, by the same name');
is(emit($node, 'half'), '0', 'once');
is(emit($node, 'other'), '1', 'another event');

my $seen = crash_in('SELECT delivery_id, attempt FROM auth_store.webhook_claim(1)');
like($seen, qr/^[0-9a-f-]{36}\|1$/, 'a delivery was claimed');
my $long = claimed($node, q{1, '1 hour'});
is(join('', map { "$_|$long->{$_}{attempt}" } keys %$long), $seen, 'after a crash before the commit nobody has it');
my ($kept) = keys %$long;

my $short = claimed($node, q{2, '1 s'});
my ($lost) = keys %$short;
is(scalar(keys %$short), 1, 'the other one is claimed for a second, the first not again');
crash_in('SELECT 1');
my $again = claimed_in_time($node, q{2, '1 hour'});
is(join(' ', map { "$_ $again->{$_}{attempt}" } keys %$again), "$lost 2",
    'the lease ends and it is claimed again; the lease of an hour goes on after the crash');
is($again->{$lost}{body}, $short->{$lost}{body}, 'byte for byte');
is(complete($node, $lost, 1, 200), 'ignored', 'who had the lost lease is not heard');
is(value($node, $db, "SELECT lost_count, success_count FROM auth_store.webhook_states"), '1|0', 'but counted');

is(crash_in("SELECT auth_store.webhook_complete('$lost', 2, 200)"), 'delivered', 'a delivery was completed');
is(value($node, $db, 'SELECT (SELECT count(*) FROM auth_store.webhook_queue), (SELECT sum(success_count)
    FROM auth_store.webhook_states), (SELECT count(*) FROM auth_store.webhook_attempts)'), '2|0|0',
    'after a crash before the commit it is still to be');
is(complete($node, $lost, 2, 200), 'delivered', 'and is');
is(complete($node, $lost, 2, 200), 'ignored', 'once');
is(crash_in("SELECT auth_store.webhook_complete('$kept', 1, 503)"), 'retrying', 'an attempt failed');
is(complete($node, $kept, 1, 200), 'delivered', 'who has the lease completes after the crash');
is(value($node, $db, 'SELECT DISTINCT * FROM half_done()'), '', 'nothing is half done');

# --- crashes under load -----------------------------------------------------------------------------------------------

my $second = webhook('default', 'second');
my $third = webhook('default', 'third');
my ($EMITTERS, $WORKERS) = (2, 3);

# One of sixteen attempts fails. A round sends each delivery to its end several times.
my $work = <<'SQL' x 3000;
SELECT coalesce(jsonb_agg(jsonb_build_object('delivery_id', delivery_id, 'attempt', attempt, 'http_status',
           CASE WHEN attempt = 1 AND right(delivery_id::text, 1) = '0' THEN 500 ELSE 200 END)), '[]') AS results,
       coalesce(string_agg(format('claimed %s %s', delivery_id, attempt), E'\n'), '') AS told
  FROM auth_store.webhook_claim(20, '1 s', 20) \gset
\echo :told
SELECT format('%s %s -', status, delivery_id) FROM auth_store.webhook_complete_batch(:'results');
SQL
append_to_file("$dir/work.sql", $work);

for my $round (1 .. 3)
{
    my @running;
    for my $emitter (1 .. $EMITTERS)
    {
        my $name = "$round-$emitter";
        append_to_file("$dir/emit$name.sql", join '', map { "SELECT auth_store.webhook_emit('agent.created', '{}',
            'e$name-$_') \\gset\n\\echo emitted e$name-$_ -\n" } 1 .. 20000);
        push @running, start_psql("$dir/emit$name.sql", "$dir/told$round-e$emitter", "$dir/error$round-e$emitter");
    }
    push @running, start_psql("$dir/work.sql", "$dir/told$round-w$_", "$dir/error$round-w$_") for 1 .. $WORKERS;
    sleep(1.5 + rand);
    $node->stop('immediate');
    $_->finish for @running;
    for my $who ((map { "e$_" } 1 .. $EMITTERS), map { "w$_" } 1 .. $WORKERS)
    {
        like(slurp_file("$dir/error$round-$who"),
            qr/terminating connection|server closed the connection|connection to server was lost/,
            "round $round: $who was cut off by the crash");
    }
    $node->start;
    is(value($node, $db, 'SELECT DISTINCT * FROM half_done()'), '', "round $round: nothing is half done");

    value($node, $db, 'DROP TABLE IF EXISTS told; CREATE TABLE told (what text, id text, attempt int)');
    for my $file (glob "$dir/told$round-*")
    {
        my $rows = join '', map { join("\t", map { $_ eq '-' ? '\N' : $_ } split / /) . "\n" }
          grep { /^\w+ \S+ \S+$/ } split /\n/, slurp_file($file);
        append_to_file("$file.rows", $rows);
        value($node, $db, "\\copy told FROM '$file.rows'");
    }
    my %count = map { split /\|/ } split /\n/,
        value($node, $db, 'SELECT what, count(*) FROM told GROUP BY 1');
    cmp_ok($count{$_} // 0, '>', 5, "round $round: the crash came under load: $_")
      for qw(emitted claimed delivered retrying);
    is(value($node, $db, q{SELECT count(*) FROM told t WHERE what = 'emitted' AND NOT EXISTS (
        SELECT FROM auth_store.webhook_events e WHERE e.event_id = t.id)}), '0',
        "round $round: every acknowledged event is there");
    is(value($node, $db, q{SELECT count(*) FROM (SELECT FROM told WHERE what = 'claimed' GROUP BY id, attempt
        HAVING count(*) > 1) AS twice}), '0', "round $round: no attempt was given to two workers");
    is(value($node, $db, q{SELECT count(*) FROM told t WHERE what = 'claimed'
        AND NOT EXISTS (SELECT FROM auth_store.webhook_queue q WHERE q.id = t.id::uuid AND q.attempt >= t.attempt)
        AND NOT EXISTS (SELECT FROM auth_store.webhook_attempts a
                         WHERE a.delivery_id = t.id::uuid AND a.attempt >= t.attempt)}), '0',
        "round $round: every acknowledged claim counts as an attempt");
    is(value($node, $db, q{SELECT count(*) FROM told t WHERE what = 'delivered' AND (NOT EXISTS (
        SELECT FROM auth_store.webhook_attempts a WHERE a.delivery_id = t.id::uuid AND a.outcome = 'delivered')
        OR EXISTS (SELECT FROM auth_store.webhook_queue q WHERE q.id = t.id::uuid))}), '0',
        "round $round: every acknowledged delivery is over");
    is(value($node, $db, q{SELECT count(*) FROM told t WHERE what = 'retrying' AND NOT EXISTS (
        SELECT FROM auth_store.webhook_attempts a WHERE a.delivery_id = t.id::uuid AND a.outcome = 'retrying')}), '0',
        "round $round: every acknowledged failure is known");
    value($node, $db, q{SELECT pg_sleep(1.1)});    # the leases of those that were cut off
    deliver_all($node, "round $round: all is delivered in the end");
    is(value($node, $db, 'SELECT DISTINCT * FROM half_done()'), '', "round $round: each event once to each webhook");
    is(value($node, $db, 'SELECT object, problem FROM auth_store.check()'), '', "round $round: check()");
}
unlike(slurp_file($node->logfile), qr{(?:PANIC|TRAP|XX000): | leak\b}, 'no internal error in the server log');

# --- a dump and its restore -------------------------------------------------------------------------------------------

# One that waits, one that a worker has, one that is tried again, a dead letter, and one that was delivered.
value($node, $db, "SELECT auth_store.webhook_update('$second', '{\"max_attempts\": 1}'),
    auth_store.webhook_set_status('$third', 'disabled')");
emit($node, 'delivered');
my ($over) = keys %{ claimed($node, '1') };
is(complete($node, $over, 1, 200), 'delivered', 'one is delivered');
emit($node, 'again');
my ($due) = keys %{ claimed($node, '1') };
is(complete($node, $due, 1, 500), 'retrying', 'one is tried again');
value($node, $db, "UPDATE auth_store.webhook_retries SET due_at = '2020-01-01' WHERE id = '$due'");
emit($node, 'dead', 'default');
my ($dead) = grep { $_ ne $due } keys %{ claimed($node, q{2, '1 s'}) };
is(complete($node, $dead, 1, 500), 'dead', 'one is a dead letter');
ok(scalar(keys %{ claimed_in_time($node, q{1, '1 s'}) }), 'the lease of the one that is tried again has ended');
emit($node, 'leased', 'default');
my ($leased) = grep { $_ ne $due } keys %{ claimed($node, q{2, '1 hour'}) };
emit($node, 'waiting', 'default');
my $waiting = value($node, $db, "SELECT id FROM auth_store.webhook_queue WHERE attempt = 0");
value($node, $db, "UPDATE auth_store.webhook_queue SET leased_until = clock_timestamp() WHERE id = '$due'");

my $ids = q{SELECT id FROM auth_store.webhook_events UNION ALL SELECT id FROM auth_store.webhook_queue
    UNION ALL SELECT id FROM auth_store.webhook_retries UNION ALL SELECT DISTINCT delivery_id
    FROM auth_store.webhook_attempts};
my %old = map { $_ => 1 } split /\n/, value($node, $db, $ids);
$node->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/hooks.dump", $db ], 'pg_dump');
my $restored = new_server('restored');
$restored->append_conf('postgresql.conf', "auth_store.master_key_file = '" . $node->basedir . "/master.key'");
$restored->reload;
$restored->command_ok([ 'pg_restore', '--exit-on-error', '-d', $db, "$dir/hooks.dump" ], 'pg_restore');
is(differences(contents($node, $db), contents($restored, $db)), '', 'restored: every row');
is(value($restored, $db, q{SELECT object, problem FROM auth_store.check()}), '', 'restored: check()');
my $there = claimed($restored, '100');
is(join(' ', sort keys %$there), join(' ', sort $due, $waiting),
    'restored: what waits is claimed, and what is tried again; not what a worker has, nor a dead letter');
is(complete($restored, $_, $there->{$_}{attempt}, 200), 'delivered', 'restored: it is delivered') for keys %$there;
is(complete($restored, $leased, 1, 200), 'delivered', 'restored: the worker that has the lease completes');
is(value($restored, $db, "SELECT auth_store.webhook_redeliver('$dead') <> '$dead'"), 't',
    'restored: the dead letter is sent once more');
# What is over is found in the log by the index of its month.
my $read = q{SELECT sum(seq_scan) FROM pg_stat_user_tables WHERE relname ~ '^webhook_attempts_y'};
my $before = value($restored, $db, $read);
is(value($restored, $db, "SELECT auth_store.webhook_redeliver('$over') <> '$over'"), 't',
    'restored: one that was delivered is sent once more');
is(complete($restored, $over, 2, 200), 'ignored', 'restored: an attempt at it that nobody was given');
is(value($restored, $db, $read), $before, 'restored: no month of the log was read from end to end for them');
is(emit($restored, $_, 'default'), '0', "restored: the event $_ was emitted") for qw(waiting dead);
is(emit($restored, 'delivered'), '0', 'restored: the event that was delivered was emitted');
for my $where ($node, $restored)
{
    is(value($where, $db, "SELECT sum(auth_store.webhook_emit('agent.created', '{}', tenant_id => 'acme'))
        FROM generate_series(1, 500)"), '500', 'new events on ' . $where->name);
}
my @made = map { grep { !$old{$_} } split /\n/, value($_, $db, $ids) } $node, $restored;
my %unique = map { $_ => 1 } @made;
is(scalar(keys %unique), scalar(@made), 'no two of their ids are the same');
cmp_ok(scalar(@made), '>=', 2000, 'of so many');
deliver_all($restored, 'restored: all is delivered');
is(value($restored, $db, q{SELECT object, problem FROM auth_store.check()}), '', 'restored: check() to the end');
$restored->stop;

# Rows that come back without the key that opens the secrets say so, and wait.
my $keyless = new_server('keyless');
$keyless->append_conf('postgresql.conf', "auth_store.master_key_file = ''");
$keyless->reload;
$keyless->command_ok([ 'pg_restore', '--exit-on-error', '-d', $db, "$dir/hooks.dump" ], 'pg_restore without the key');
my $refused = run_sql($keyless, $db, 'SELECT auth_store.webhook_claim()');
is($refused->{state}, '55000', 'without a master key a claim is refused') or diag($refused->{out}, $refused->{err});
like($refused->{hint} // '', qr/auth_store\.master_key/, 'and says what to set');
is(emit($keyless, 'later', 'default'), '1', 'events go into the queue all the same');
$keyless->append_conf('postgresql.conf', "auth_store.master_key_file = '" . $node->basedir . "/master.key'");
$keyless->reload;
is(scalar(keys %{ claimed_in_time($keyless, '100') }), 3, 'and are delivered when the key is there');
$keyless->stop;

# --- a standby, promoted ----------------------------------------------------------------------------------------------

is(complete($node, $leased, 1, 200), 'delivered', 'the worker that has the lease completes it there too');
deliver_all($node, 'all is delivered on the primary');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
emit($node, 'before', 'default');
my ($had) = keys %{ claimed($node, q{1, '1 s'}) };
emit($node, 'behind', 'default');
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(value($standby, $db, "SELECT status FROM auth_store.webhook_list('acme')"), 'active',
    'webhooks are listed on a standby');
is(value($standby, $db, 'SELECT sum(waiting) FROM auth_store.webhook_health'), '2',
    'their health is seen there');
raises($standby, $db, "SELECT $_", '25006', "on a standby: $_")
  for 'auth_store.webhook_claim()', "auth_store.webhook_complete('$had', 1, 200)",
    qq{auth_store.webhook_complete_batch('[{"delivery_id": "$had", "attempt": 1}]')},
    q{auth_store.webhook_emit('agent.created', '{}')};
$node->stop('immediate');
$standby->promote;
my $next = claimed_in_time($standby, '1');
my $count = keys %$next;
$next = { %$next, %{ claimed_in_time($standby, '100') } } if $count == 1;
is(join(' ', map { $next->{$_}{attempt} } sort { ($a ne $had) <=> ($b ne $had) } keys %$next), '2 1',
    'promoted: what a worker had is claimed again when its lease has ended, and what waited is');
is(complete($standby, $had, 1, 200), 'ignored', 'promoted: the worker with the former lease is not heard');
is(complete($standby, $_, $next->{$_}{attempt}, 200), 'delivered', 'promoted: delivered') for keys %$next;
is(emit($standby, 'before', 'default'), '0', 'promoted: an event that was emitted before');
is(emit($standby, 'after', 'default'), '1', 'promoted: a new one');
deliver_all($standby, 'promoted: all is delivered');
is(value($standby, $db, 'SELECT object, problem FROM auth_store.check()'), '', 'promoted: check()');
$standby->stop;
done_testing();

# Counting the trail: each row once, whatever is written meanwhile, who is slow to commit, and where the server crashes.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_server('usage');
my $db = 'postgres';
my $dir = $PostgreSQL::Test::Utils::tmp_check;
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT auth_store.client_create('Usage', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'usage', scope => 'read');
SELECT auth_store.partitions_make(ARRAY(SELECT 'audit_log_y' || to_char(m, 'YYYY"m"MM')
    FROM generate_series(now() - interval '2 months', now(), '1 month') m));
-- What was counted, and what the trail says up to there: no rows where both are the same.
CREATE VIEW differs AS
WITH cursor AS (SELECT auth_store.id_time(position) AS at FROM auth_store.cleanup_cursors WHERE task = 'client_usage'),
step AS (SELECT (occurred_at AT TIME ZONE 'UTC')::date AS day, tenant_id, coalesce(client_id, '') AS client_id,
                event, success, user_id
           FROM auth_store.audit_log
          WHERE event ~ '^((code|token|grant|device)[.]|code_replay$|refresh_reuse$)'
            AND occurred_at < (SELECT at FROM cursor)),
trail AS (SELECT day, tenant_id, client_id, count(*) FILTER (WHERE event = 'token.issued' AND success) AS issued,
                 count(*) FILTER (WHERE event = 'token.refreshed' AND success) AS refreshed,
                 count(*) FILTER (WHERE NOT success) AS refused, count(DISTINCT user_id) AS users
            FROM step GROUP BY 1, 2, 3),
counted AS (SELECT day, tenant_id, client_id, tokens_issued, tokens_refreshed, refused, users
              FROM auth_store.client_usage)
(SELECT 'trail', * FROM trail EXCEPT ALL SELECT 'trail', * FROM counted)
UNION ALL (SELECT 'counted', * FROM counted EXCEPT ALL SELECT 'counted', * FROM trail);
SQL

# The past: 60,000 steps of 40 days, by 500 users.
value($node, $db, <<'SQL');
INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, tenant_id, client_id, event, from_application)
SELECT gen_random_uuid(), clock_timestamp() - n * interval '57 seconds' - interval '2 minutes', n % 10 > 0,
       md5((n * 7919 % 500)::text)::uuid, 'default', 'usage' || n % 3,
       CASE n % 4 WHEN 0 THEN 'token.refreshed' ELSE 'token.issued' END, false
  FROM generate_series(1, 60000) n;
SQL

# Without summaries, which autovacuum makes where it runs, each step would read all of that.
value($node, $db, 'SELECT auth_store.cleanup_usage(20)');
is(value($node, $db, <<'SQL'), '0', 'a step summarizes what was written last');
SELECT coalesce(sum(brin_summarize_new_values(i.indexrelid)), -1)
  FROM pg_inherits h
  JOIN pg_index i ON i.indrelid = h.inhrelid
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_am a ON a.oid = c.relam AND a.amname = 'brin'
 WHERE h.inhparent = 'auth_store.audit_log'::regclass;
SQL

# Scripts that go on until they are stopped.
my %script = (
    write => q{SELECT error FROM auth_store.token_issue('usage', auth_store.user_ensure('w' || (random() * 9)::int));},
    count => 'SELECT examined FROM auth_store.cleanup_usage(20);');
PostgreSQL::Test::Utils::append_to_file("$dir/$_.sql", "$script{$_}\n") for keys %script;

sub start
{
    my ($what, $clients, $seconds) = @_;
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
    return IPC::Run::start(
        [ $node->installed_command('pgbench'), '-n', '-c', $clients, '-T', $seconds, '-f', "$dir/$what.sql", $db ],
        '>', "$dir/$what.out", '2>', "$dir/$what.err");
}

# --- a crash in the middle -------------------------------------------------------------------------------------------

my @running = (start('write', 2, 60), start('count', 2, 60));
for (1 .. 300)
{
    last if value($node, $db, 'SELECT coalesce(sum(tokens_issued), 0) > 5000 FROM auth_store.client_usage') eq 't';
    sleep 0.1;
}
$node->stop('immediate');
$_->finish for @running;
$node->start;
my $counted = value($node, $db, 'SELECT sum(tokens_issued) FROM auth_store.client_usage');
cmp_ok($counted, '>', 0, "counted before the crash: $counted");
is(value($node, $db, 'SELECT * FROM differs'), '', 'a crash counts nothing twice, and forgets nothing');

# --- who is slow to commit -------------------------------------------------------------------------------------------

# A transaction writes its row and commits more than a minute later.
my $started = time;
my $slow = IPC::Run::start(
    [ $node->installed_command('psql'), '-XAtq', '-h', $node->host, '-p', $node->port, '-d', $db, '-c',
        "SELECT auth_store.user_ensure('slow') AS slow; BEGIN;
         SELECT error FROM auth_store.token_issue('usage', auth_store.user_ensure('slow'));
         SELECT pg_sleep(66); COMMIT" ], '>', "$dir/slow.out", '2>', "$dir/slow.err");
sleep 1;
@running = (start('write', 2, 5), start('count', 2, 5));
$_->finish for @running;
is(value($node, $db, 'SELECT * FROM differs'), '', 'two that count at once, and two that write');
sleep 64 - (time - $started);
value($node, $db, 'SELECT auth_store.cleanup_expired_data()');
is(value($node, $db, "SELECT auth_store.id_time(position) < clock_timestamp() - interval '62 seconds'
    FROM auth_store.cleanup_cursors WHERE task = 'client_usage'"), 't',
    'the counting stays behind a transaction that has written and not committed');
$slow->finish;
is(slurp_file("$dir/slow.err"), '', 'it commits');
my $issued = "SELECT tokens_issued FROM auth_store.client_usage WHERE client_id = 'usage'";
my $before = value($node, $db, $issued) || 0;
value($node, $db, 'CALL auth_store.cleanup()');
cmp_ok(value($node, $db, $issued), '>', $before, 'its row is counted then');
is(value($node, $db, 'SELECT * FROM differs'), '', 'and each once');
is(value($node, $db, "SELECT count(*) FROM auth_store.client_users c JOIN auth_store.users u ON u.id = c.user_id
    WHERE u.external_id = 'slow'"), '1', 'its user too');

# The view is what the whole trail says, the uncounted rest included.
is(value($node, $db, "SELECT (SELECT sum(tokens_issued) FROM auth_store.token_activity)
    = (SELECT count(*) FROM auth_store.audit_log WHERE event = 'token.issued' AND success
        AND occurred_at >= ((now() AT TIME ZONE 'UTC')::date - 30) AT TIME ZONE 'UTC')"), 't', 'the view misses none');

# --- what it waits for -----------------------------------------------------------------------------------------------

SKIP: {
    skip 'no background_psql in this version', 2 unless $node->can('background_psql');
    my $done = 'SELECT examined, done FROM auth_store.cleanup_usage()';
    value($node, $db, 'UPDATE auth_store.cleanup_cursors SET position = NULL; TRUNCATE auth_store.client_usage,
        auth_store.client_users, auth_store.flag_counts');
    my $session = $node->background_psql($db, on_error_stop => 1);
    $session->query_safe("BEGIN; SELECT task FROM auth_store.cleanup_cursors WHERE task = 'client_usage' FOR UPDATE");
    is(value($node, $db, $done), '0|t', 'a run that another is at does nothing');
    $session->query_safe('COMMIT');
    $session->query_safe('SET track_activities = off');
    $session->query_safe('BEGIN; CREATE TABLE written (n int)');
    is(value($node, $db, $done), '0|t', 'nor beside a session that writes and does not show since when');
    $session->query_safe('ROLLBACK');
    $session->quit;
}

# --- who has to wait for it --------------------------------------------------------------------------------------------

my $resting = IPC::Run::start(
    [ $node->installed_command('psql'), '-XAtq', '-h', $node->host, '-p', $node->port, '-d', $db,
        '-c', 'SET auth_store.cleanup_pause = 10000', '-c', 'CALL auth_store.cleanup(batch_size => 1)' ],
    '>', "$dir/resting.out", '2>', "$dir/resting.err");
my $sleeps = "FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query ~ '^CALL auth_store.cleanup'";
ok($node->poll_query_until($db, "SELECT count(*) = 1 $sleeps"), 'cleanup rests between its batches');
# It does nothing in between.
ok($node->poll_query_until($db, "SELECT count(pg_terminate_backend(pid)) = 1 $sleeps"), 'and ends when it is told to');
$resting->finish;

done_testing();

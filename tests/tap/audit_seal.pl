# The sealed trail across transactions, servers and months: what a superuser changes is found, what the store itself
# does is not, and a copy of a head proves an end that was cut off.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('audit_seal', streaming => 1);
my $db = 'postgres';
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 2');
$node->restart;
value($node, $db, 'CREATE EXTENSION auth_store');
# The data key is made before the trail is sealed: the two would be steps of one moment.
value($node, $db, 'SELECT auth_store.signing_key_create()');
install_helpers($node, $db);
# Rows of a month ago.
value($node, $db, q{SELECT auth_store.partitions_make(ARRAY['audit_log_y' ||
    to_char(now() AT TIME ZONE 'UTC' - interval '1 month', 'YYYY"m"MM')])});
value($node, $db, q{INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event, client_id, details)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '80008000' || lpad(to_hex(n), 12, '0'))
        ::uuid, at, true, 'default', 'old.step', 'client' || n % 7, CASE WHEN n % 9 = 0 THEN '{"n": 1.50}'::jsonb END
      FROM (SELECT n, date_trunc('month', now() AT TIME ZONE 'UTC' - interval '1 month') AT TIME ZONE 'UTC'
                      + n * interval '1 s' AS at FROM generate_series(1, 3000) n) s});

# findings(ARGUMENTS, on => NODE): kinds with how many of each.
sub findings
{
    my ($arguments, %how) = @_;
    return join ' ', split /\n/, value($how{on} // $node, $how{database} // $db, "SET client_min_messages = warning;
        SELECT kind || '=' || count(*) FROM auth_store.audit_verify($arguments) GROUP BY kind ORDER BY kind",
        user => $how{user} // 'auditor');
}

sub seal { value($node, $db, 'SELECT count(*) FROM auth_store.audit_seal()', user => 'cron') }
sub newest { split /\|/, value($node, $db, 'SELECT number, head FROM auth_store.audit_heads ORDER BY 1 DESC LIMIT 1') }
sub written { value($node, $db, "SELECT auth_store.audit_write('new.step')", user => 'web') }

# Test: a change of a superuser is found, and no more once it is put back.
sub shows
{
    my ($name, $change, $expected, $arguments) = @_;
    $node->safe_psql($db, 'CREATE SCHEMA kept; CREATE TABLE kept.log AS SELECT * FROM auth_store.audit_log;
        CREATE TABLE kept.leaves AS SELECT * FROM auth_store.audit_leaves;
        CREATE TABLE kept.segments AS SELECT * FROM auth_store.audit_segments');
    value($node, $db, $change);
    is(findings($arguments // ''), $expected, $name);
    $node->safe_psql($db, 'TRUNCATE auth_store.audit_log, auth_store.audit_leaves, auth_store.audit_segments;
        INSERT INTO auth_store.audit_log SELECT * FROM kept.log;
        INSERT INTO auth_store.audit_leaves SELECT * FROM kept.leaves;
        INSERT INTO auth_store.audit_segments SELECT * FROM kept.segments; SET client_min_messages = error;
        DROP SCHEMA kept CASCADE');
}

written();
is(seal(), '2', 'a segment of the month before, and one of this');
written();
is(seal(), '1', 'and another one');
is(findings(''), '', 'all is as it was sealed');
my ($number, $head) = newest();

# --- what a superuser does -------------------------------------------------------------------------------------------

my $OLD = "SELECT id FROM auth_store.audit_log WHERE event = 'old.step' ORDER BY id";
shows('a row is edited', "UPDATE auth_store.audit_log SET client_id = 'else' WHERE id = ($OLD LIMIT 1)", 'edited=1');
shows('rows are deleted', "DELETE FROM auth_store.audit_log WHERE id IN ($OLD LIMIT 3)", 'deleted=3');
shows('two rows change places', "UPDATE auth_store.audit_log a SET client_id = b.client_id, details = b.details
    FROM ($OLD LIMIT 2) x, auth_store.audit_log b WHERE a.id = x.id AND b.id IN ($OLD LIMIT 2) AND b.id <> a.id",
    'edited=2');
shows('a row is inserted', "INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event)
    SELECT gen_random_uuid(), max(occurred_at) + interval '1 s', true, 'default', 'old.step' FROM auth_store.audit_log
    WHERE event = 'old.step'", 'inserted=1');
shows('a row is inserted with the id of another', "INSERT INTO auth_store.audit_log (id, occurred_at, success,
    tenant_id, event) SELECT ($OLD LIMIT 1), max(occurred_at) + interval '1 s', true, 'default', 'old.step'
    FROM auth_store.audit_log WHERE event = 'old.step'", 'inserted=1');
shows('rows are deleted with their leaves', "DELETE FROM auth_store.audit_log WHERE id IN ($OLD LIMIT 30);
    DELETE FROM auth_store.audit_leaves l WHERE l.segment = 1 AND l.last_id = (SELECT min(m.last_id::text)::uuid
    FROM auth_store.audit_leaves m WHERE m.segment = 1)", 'leaves_altered=1');
shows('a segment is deleted with its head', "DELETE FROM auth_store.audit_leaves WHERE segment = 2;
    DELETE FROM auth_store.audit_segments WHERE number = 2;
    DELETE FROM auth_store.audit_log a USING kept.segments s
     WHERE s.number = 2 AND a.occurred_at BETWEEN s.first_at AND s.last_at", 'head_missing=1');
shows('a head is made by somebody else', "UPDATE auth_store.audit_segments SET rows = rows - 1 WHERE number = $number",
    'head_altered=1 leaves_altered=1');
my $cut = "DELETE FROM auth_store.audit_log WHERE occurred_at >= (SELECT first_at FROM auth_store.audit_segments
        WHERE number = $number);
    DELETE FROM auth_store.audit_leaves WHERE segment = $number;
    DELETE FROM auth_store.audit_segments WHERE number = $number";
shows('the end is cut off, and nothing tells', $cut, '');
shows('but a copy of its head', $cut, 'head_cut_off=1', "number => $number, head => '$head'");
shows('an older copy does not', $cut, '', 'number => 1, head => ' . value($node, $db,
    'SELECT quote_literal(head) FROM auth_store.audit_heads WHERE number = 1'));
is(findings("number => $number, head => '$head'"), '', 'all is as before, and the copy is of this chain');

for my $of ([ '3 hours', 'warn' ], [ '1 hour', 'ok' ])
{
    my ($age, $status) = @$of;
    is((split /\n/, value($node, $db, "BEGIN;
        UPDATE auth_store.audit_segments SET sealed_at = sealed_at - interval '5 h';
        INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event)
        VALUES (gen_random_uuid(), now() - interval '$age', true, 'default', 'new.step');
        SELECT status FROM auth_store.health() WHERE check_name = 'audit_seal'; ROLLBACK"))[-1], $status,
        "health() of a row that waits for $age to be sealed");
}

like(value($node, $db, "BEGIN; SET LOCAL client_min_messages = error;
    UPDATE auth_store.audit_segments SET complete_before = sealed_at - interval '3 h' WHERE number = $number;
    SELECT status, detail FROM auth_store.health() WHERE check_name = 'audit_seal'; ROLLBACK"),
    qr/^warn\|head $number .*, and rows of times since \S+Z may still come/m, 'health() of a transaction that is open');

# --- what the store does ---------------------------------------------------------------------------------------------

my $writer = $node->background_psql($db);
$writer->query_safe("BEGIN; SELECT auth_store.audit_write('open.step')");
my $later = written();
is(seal(), '1', 'a writer is open meanwhile');
is(findings(''), '', 'whose row is not missing');
$writer->query_safe('COMMIT');
is(findings(''), '', 'nor inserted');
is(seal(), '1', 'and is in the next segment');
is(value($node, $db, "SELECT s.first_at < p.last_at FROM auth_store.audit_heads s, auth_store.audit_heads p
    WHERE s.number = (SELECT max(number) FROM auth_store.audit_heads) AND p.number = s.number - 1"), 't',
    'though its time is before the last one of the segment before');
$writer->quit;
value($node, $db, "BEGIN; SELECT auth_store.audit_write('prepared.step'); PREPARE TRANSACTION 'p'");
written();
seal();
value($node, $db, "COMMIT PREPARED 'p'");
is(seal(), '1', 'a prepared transaction too');
is(findings(''), '', 'all is as it was sealed');
value($node, $db, 'VACUUM FULL auth_store.audit_log; VACUUM FREEZE auth_store.audit_leaves');
is(findings(''), '', 'and stays so where the tables are rewritten');

my $standby = PostgreSQL::Test::Cluster->new('audit_seal_standby');
$node->backup('base');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
value($node, $db, "UPDATE auth_store.audit_log SET error = 'x' WHERE id = ($OLD LIMIT 1)");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(findings('', on => $standby), 'edited=1', 'a standby verifies');
value($node, $db, "UPDATE auth_store.audit_log SET error = NULL WHERE id = ($OLD LIMIT 1)");
$standby->stop;

my $dump = $node->basedir . '/sealed.dump';
command_ok([ 'pg_dump', '-Fc', '-d', $node->connstr($db), '-f', $dump ], 'a dump');
value($node, $db, 'CREATE DATABASE restored');
command_ok([ 'pg_restore', '-d', $node->connstr('restored'), $dump ], 'is restored');
is(findings('', database => 'restored'), '', 'and is as it was sealed');

# --- keys and months -------------------------------------------------------------------------------------------------

my $keys = $node->basedir . '/master.key';
append_to_file($keys, 'second: ' . 'QUFB' x 10 . "QUE=\n");
$node->reload;
value($node, $db, 'CALL auth_store.vault_rekey()', user => 'boss');
is(value($node, $db, "SELECT count(DISTINCT k.master_key_id) || min(k.master_key_id) FROM auth_store.audit_segments s
    JOIN auth_store.vault_keys k ON k.id = s.key_id"), '1second', 'heads are sealed by the newest master key');
is(findings("number => $number, head => '$head'"), '', 'and are what they were');

my $month = value($node, $db, q{SELECT 'audit_log_y' || to_char(now() AT TIME ZONE 'UTC' - interval '1 month',
    'YYYY"m"MM')});
value($node, $db, "ALTER TABLE auth_store.$month RENAME TO other;
    UPDATE auth_store.audit_log SET error = 'x' WHERE id = ($OLD LIMIT 1)");
is(findings(''), 'edited=1', 'a month under another name');
value($node, $db, "ALTER TABLE auth_store.other RENAME TO $month;
    UPDATE auth_store.audit_log SET error = NULL WHERE id = ($OLD LIMIT 1)");
value($node, $db, "ALTER TABLE auth_store.audit_log DETACH PARTITION auth_store.$month;
    ALTER TABLE auth_store.$month SET SCHEMA public");
is(findings(''), 'month_missing=1', 'a month that somebody took away');
value($node, $db, "INSERT INTO auth_store.audit_log SELECT * FROM $month")
  if value($node, $db, "SELECT auth_store.partitions_make(ARRAY['$month'])") eq '1';
is(findings(''), '', 'and put back');
value($node, $db, "SELECT auth_store.partitions_drop('0')");
is(findings(''), '', 'a month that the store dropped is not missing');
is(value($node, $db, 'SELECT count(*) FROM auth_store.audit_leaves WHERE segment = 1'), '0', 'its leaves went too');
is(value($node, $db, 'SELECT count(*) FROM auth_store.audit_heads WHERE number = 1'), '1', 'its head did not');

done_testing();

# Each check of health() in each of its states: ok, warn, fail, with what to do where it is not ok; and the same in the
# view alerts, but for a session that is pinned to a tenant.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('health', preload => 1, streaming => 1);
my $db = 'postgres';
my $dir = $PostgreSQL::Test::Utils::tmp_check;
value($node, $db, q{CREATE EXTENSION auth_store; SELECT auth_store.tenant_create('acme');
    CREATE ROLE probe LOGIN; GRANT auth_store_monitor TO probe});

# is_now(CHECK, STATUS, NAME, LIKE): as the role of a monitoring system.
sub is_now
{
    my ($check, $status, $name, $like) = @_;
    my ($is, $told, $detail) = split /\|/, value($node, $db,
        "SELECT status, what_to_do IS NOT NULL, detail FROM auth_store.health() WHERE check_name = '$check'",
        user => 'probe');
    is($is, $status, "$check: $name: $status");
    is($told, $status eq 'ok' ? 'f' : 't', '  with what to do, where it is not ok');
    like($detail, $like, '  and how it is') if defined $like;
    my $severity = { ok => '', warn => 'warning', fail => 'critical' }->{$status};
    is(value($node, $db, "SELECT severity FROM auth_store.alerts WHERE alert = '$check'", user => 'probe'), $severity,
        '  and in alerts') if $check ne 'tables' || $status eq 'ok';
}

sub set
{
    my ($setting, $value) = @_;
    value($node, $db, "ALTER SYSTEM SET $setting = '$value'");
    value($node, $db, 'SELECT pg_reload_conf()');
    $node->poll_query_until($db, "SELECT current_setting('$setting') = '$value'") or die "$setting is not set";
}

# --- tables ----------------------------------------------------------------------------------------------------------

is_now('tables', 'ok', 'as installed', qr/^version \d+$/);
value($node, $db, q{INSERT INTO auth_store.schema_version (version, name)
    SELECT max(version) + 1, 'x' FROM auth_store.schema_version});
is_now('tables', 'fail', 'of a later version');
is(value($node, $db, 'SELECT count(*) FROM auth_store.health()'), '1', 'which is the only row then');
value($node, $db, q{DELETE FROM auth_store.schema_version WHERE name = 'x'});
is_now('tables', 'ok', 'again');

# --- partitions ------------------------------------------------------------------------------------------------------

is_now('partitions', 'ok', 'as installed');
for my $table (qw(audit_log webhook_attempts))
{
    my $next = value($node, $db, "SELECT '${table}_y' || to_char(m, 'YYYY') || 'm' || to_char(m, 'MM')
        FROM (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month') v (m)");
    value($node, $db, "SET auth_store.allow_drop = on; DROP TABLE auth_store.$next");
    is_now('partitions', 'warn', "without $table\'s next month", qr/missing: $next$/);
    value($node, $db, 'SELECT auth_store.partitions_ensure()');
    is_now('partitions', 'ok', 'made again');
}

# --- cleanup and its counting ----------------------------------------------------------------------------------------

is_now($_, 'warn', 'never run', qr/never/) for qw(cleanup counting);
value($node, $db, 'CALL auth_store.cleanup()');
is_now($_, 'ok', 'after a run') for qw(cleanup counting);
for my $of ([ '59 min', 'ok' ], [ '61 min', 'warn' ], [ '6 days 23 hours', 'warn' ], [ '7 days 1 hour', 'fail' ])
{
    value($node, $db, "UPDATE auth_store.cleanup_cursors SET updated_at = now() - interval '$of->[0]'");
    is_now('cleanup', $of->[1], "$of->[0] ago", qr/^ran \d+ s ago$/);
}
# An id of that time.
my $id = q{(lpad(to_hex((extract(epoch FROM now() - interval '%s') * 1000)::bigint), 12, '0')
    || '8000800000000000%04d')::uuid};
for my $of ([ '59 min', 'ok' ], [ '2 hours', 'warn' ])
{
    value($node, $db, sprintf("UPDATE auth_store.cleanup_cursors SET position = $id WHERE task = 'client_usage'",
        $of->[0], 1));
    is_now('counting', $of->[1], "up to $of->[0] ago");
}
value($node, $db, 'CALL auth_store.cleanup()');
is_now($_, 'ok', 'after another run') for qw(cleanup counting);

# --- the master key --------------------------------------------------------------------------------------------------

my $keys = value($node, $db, 'SHOW auth_store.master_key_file');
is_now('master_key', 'ok', 'a file with a key', qr/^1 can be read$/);
set('auth_store.master_key_file', '');
is_now('master_key', 'ok', 'none, and nothing sealed', qr/nothing is sealed/);
set('auth_store.master_key_file', "$dir/nowhere");
is_now('master_key', 'fail', 'a file that is not there');
set('auth_store.master_key_file', $keys);
value($node, $db, q{SELECT auth_store.connection_store('github', 'a', 'token')});
set('auth_store.master_key_file', '');
is_now('master_key', 'fail', 'none, and something is sealed', qr/does not open/);
my $key = slurp_file($keys);
for my $of ([ 'another', qr/needs master key "[^"]+", which is not among/, 'another: ' . $key =~ s/^.*?: *//r ],
    [ 'same', qr/does not open with master key/, $key =~ s/: *\K\S+/'A' x 43 . '='/er ])
{
    my ($name, $detail, $text) = @$of;
    open my $file, '>', "$dir/$name" or die "$name: $!";
    print $file $text;
    close $file;
    chmod 0600, "$dir/$name";
    set('auth_store.master_key_file', "$dir/$name");
    is_now('master_key', 'fail', "a file of the $name name and another key", $detail);
}
set('auth_store.master_key_file', $keys);
is_now('master_key', 'ok', 'the file again');

# --- deliveries that wait --------------------------------------------------------------------------------------------

my $hook = value($node, $db, q{SELECT webhook_id FROM auth_store.webhook_create('https://hook.example/', '{agent.*}')});
my $queue = "INSERT INTO auth_store.webhook_queue (id, webhook_id, event_id, attempt, leased_until, tenant_id)
    SELECT $id, '$hook', gen_random_uuid(), %s, %s, 'default'";
my $retry = "INSERT INTO auth_store.webhook_retries (id, webhook_id, event_id, failed_at, due_at, attempt, tenant_id)
    SELECT $id, '$hook', gen_random_uuid(), now(), now() - interval '%s', 1, 'default'";
is_now('webhooks', 'ok', 'none waits', qr/^no delivery waits/);
for my $of ([ '4 min', 'ok' ], [ '10 min', 'warn' ], [ '2 hours', 'fail' ])
{
    value($node, $db, sprintf($queue, $of->[0], 1, 0, 'NULL'));
    is_now('webhooks', $of->[1], "one was queued $of->[0] ago", qr/has waited for \d+ s$/);
    value($node, $db, 'TRUNCATE auth_store.webhook_queue');
    value($node, $db, sprintf($retry, '9 hours', 1, $of->[0]));
    is_now('webhooks', $of->[1], "one was due for a retry $of->[0] ago");
    value($node, $db, 'TRUNCATE auth_store.webhook_retries');
    value($node, $db, sprintf($queue, '9 hours', 1, 1, "now() - interval '$of->[0]'"));
    is_now('webhooks', $of->[1], "one whose lease ended $of->[0] ago");
    value($node, $db, 'TRUNCATE auth_store.webhook_queue');
}
for my $of ([ 1, "now() + interval '1 min'", 'that is being sent' ], [ 4, 'NULL', 'that came back to be tried again' ])
{
    value($node, $db, sprintf($queue, '9 hours', 1, $of->[0], $of->[1]));
    is_now('webhooks', 'ok', "one of an old event $of->[2]");
    is(value($node, $db, "SELECT value FROM auth_store.stats WHERE name = 'webhook_queue_oldest_seconds'",
        user => 'probe'), '0', '  nor is it the oldest of stats');
    value($node, $db, 'TRUNCATE auth_store.webhook_queue');
}
value($node, $db, sprintf($queue, '2 hours', 1, 0, 'NULL'));
cmp_ok(value($node, $db, "SELECT value FROM auth_store.stats WHERE name = 'webhook_queue_oldest_seconds'"), '>', 7000,
    'the oldest that nobody has claimed is');
for my $of (
    [ 'webhook_states', 'paused_until', "now() + interval '1 hour'", 'NULL', 'which wants nothing for an hour' ],
    [ 'webhook_states', 'open_until', "now() + interval '1 min'", 'NULL', 'whose circuit is open' ],
    [ 'webhooks', 'status', "'suspended'", "'active'", 'that is suspended' ],
    [ 'webhooks', 'max_per_hour', '1', 'NULL', 'that wants few an hour' ])
{
    my ($table, $column, $is, $was, $name) = @$of;
    value($node, $db, "UPDATE auth_store.$table SET $column = $is");
    is_now('webhooks', 'ok', "an old one of a webhook $name");
    value($node, $db, "UPDATE auth_store.$table SET $column = $was");
}
is_now('webhooks', 'fail', 'and of one that nothing keeps');
value($node, $db, 'TRUNCATE auth_store.webhook_queue');
is_now('webhooks', 'ok', 'and it is gone');

# --- replication -----------------------------------------------------------------------------------------------------

is_now('replication_slots', 'ok', 'there is none', qr/^0, none/);
value($node, $db, q{SELECT pg_create_physical_replication_slot('idle', true)});
is_now('replication_slots', 'ok', 'one that holds little', qr/^1, none/);
# 66 segments of 16 MB
value($node, $db, q{SELECT pg_logical_emit_message(false, 'x', 'x') FROM pg_switch_wal()}) for 1 .. 66;
is_now('replication_slots', 'warn', 'one that nobody reads', qr/more than 1 GB of WAL: idle$/);
set('max_slot_wal_keep_size', '64MB');
value($node, $db, 'CHECKPOINT');
is_now('replication_slots', 'fail', 'one whose WAL is gone', qr/lost.*: idle$/);
value($node, $db, q{SELECT pg_drop_replication_slot('idle')});
is_now('replication_slots', 'ok', 'dropped');
is_now('timeline', 'ok', 'a primary', qr/^primary on timeline 1$/);

# --- what is for nobody who is pinned, and the library ---------------------------------------------------------------

is_now('preloaded', 'ok', 'with the library preloaded');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
is_now('preloaded', 'warn', 'without');
cmp_ok(value($node, $db, 'SELECT count(*) FROM auth_store.alerts'), '>', 0, 'which a session sees');
is(value($node, $db, q{SET auth_store.tenant_id = 'acme'; SELECT count(*) FROM auth_store.alerts}), '0',
    'that is not pinned to a tenant');

done_testing();

# Each alert of the view alerts but those of health(): below its threshold it is not there, above it is, and it goes.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('alerts', preload => 1);
$node->append_conf('postgresql.conf', 'auth_store.rate_limit_slots = 256');
$node->restart;
my $db = 'postgres';
value($node, $db, q{CREATE EXTENSION auth_store; CREATE ROLE watcher LOGIN; GRANT auth_store_monitor TO watcher});
my $secret = value($node, $db, q{SELECT client_secret FROM auth_store.client_create('Web', '{https://a.example/cb}',
    client_id => 'web', rate_limit_per_hour => 10)});
my $user = value($node, $db, q{SELECT user_id FROM auth_store.user_create('ann@a.example')});
my $hook = value($node, $db, q{SELECT webhook_id FROM auth_store.webhook_create('https://hook.example/', '{agent.*}',
    max_per_hour => 10)});

# shows(ALERT, WHAT, SEVERITY, SUBJECT): the alert is there, once; without SEVERITY it is not.
sub shows
{
    my ($alert, $what, $severity, $subject) = @_;
    my $is = value($node, $db, "SELECT severity, tenant_id, subject, detail <> '', what_to_do <> ''
        FROM auth_store.alerts WHERE alert = '$alert'", user => 'watcher');
    my $wanted = defined $severity
      ? join('|', $severity, $alert eq 'rate_limit_memory' ? '' : 'default', $subject // '', 't', 't') : '';
    is($is, $wanted, "$alert: $what");
}

# --- refreshes that are refused --------------------------------------------------------------------------------------

shows('refresh_failures', 'nothing happened');
value($node, $db, q{INSERT INTO auth_store.client_usage (day, codes_issued, codes_redeemed, devices_redeemed,
    tokens_issued, tokens_refreshed, tokens_exchanged, tokens_used, revoked, refused, refresh_refused, users, tenant_id,
    client_id) VALUES ((now() AT TIME ZONE 'UTC')::date, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'default', 'web')});
for my $of ([ 0, 19, '' ], [ 18, 2, '' ], [ 90, 10, '' ], [ 17, 3, 'warning' ], [ 89, 11, 'warning' ])
{
    value($node, $db, "UPDATE auth_store.client_usage SET tokens_refreshed = $of->[0], refresh_refused = $of->[1]");
    shows('refresh_failures', "$of->[1] of " . ($of->[0] + $of->[1]), $of->[2] ? ($of->[2], 'web') : ());
}
value($node, $db, q{UPDATE auth_store.client_usage SET day = day - 1});
shows('refresh_failures', 'yesterday', 'warning', 'web');
value($node, $db, q{UPDATE auth_store.client_usage SET day = day - 1});
shows('refresh_failures', 'the day before');

# --- a copied secret -------------------------------------------------------------------------------------------------

shows('compromise', 'nothing happened');
value($node, $db, q{INSERT INTO auth_store.flag_counts (hour, last_at, steps, tenant_id, flag)
    SELECT date_trunc('hour', now()), now(), 1, 'default', 'wrong_code'});
shows('compromise', 'a wrong code is none');
for my $flag (qw(code_replay refresh_reuse passkey_clone_suspected wrong_binding jti_replay wrong_network))
{
    value($node, $db, "UPDATE auth_store.flag_counts SET flag = '$flag', hour = date_trunc('hour', now()),
        last_at = now()");
    shows('compromise', $flag, 'critical', $flag);
}
value($node, $db, q{UPDATE auth_store.flag_counts SET last_at = now() - interval '23 h 59 min',
    hour = date_trunc('hour', now() - interval '23 h 59 min')});
shows('compromise', 'a day ago, less a minute', 'critical', 'wrong_network');
value($node, $db, q{UPDATE auth_store.flag_counts SET last_at = now() - interval '24 h 1 min',
    hour = date_trunc('hour', now() - interval '24 h 1 min')});
shows('compromise', 'more than a day ago');
# What cleanup has not counted yet: a key from a network that it is not allowed from.
my $key = value($node, $db, q{SELECT api_key FROM auth_store.api_key_create('k', client_id => 'web',
    allowed_cidrs => '{10.0.0.0/8}')});
value($node, $db, "SELECT auth_store.api_key_touch('$key', ip => '192.0.2.1')");
shows('compromise', 'a key from elsewhere, at once', 'critical', 'wrong_network');
value($node, $db, q{SELECT auth_store.audit_write('x.done', flags => '{code_replay}')});
shows('compromise', 'the application has flags of its own', 'critical', 'wrong_network');

# --- what ends within a day ------------------------------------------------------------------------------------------

sub connect_until { return value($node, $db, "SELECT auth_store.connection_store('github', 'a', 'token',
    access_token_expires_at => now() + interval '$_[0]'" . ($_[1] // '') . ')'); }
shows('connections_ending', 'no connection');
connect_until('25 hours');
shows('connections_ending', 'in 25 hours');
connect_until('23 hours');
shows('connections_ending', 'in 23 hours', 'warning', 'github');
connect_until('23 hours', ", refresh_token => 'r'");
shows('connections_ending', 'which can be refreshed');
connect_until('23 hours');
value($node, $db, q{UPDATE auth_store.connections SET access_token_expires_at = now() - interval '1 s'});
shows('connections_ending', 'already over');

shows('client_secret_ending', 'it does not end');
value($node, $db, q{UPDATE auth_store.client_secrets SET expires_at = now() + interval '25 hours'});
shows('client_secret_ending', 'in 25 hours');
value($node, $db, q{UPDATE auth_store.client_secrets SET expires_at = now() + interval '23 hours'});
shows('client_secret_ending', 'in 23 hours', 'warning', 'web');
value($node, $db, q{SELECT auth_store.client_secret_rotate('web', overlap => '23 hours')});
shows('client_secret_ending', 'there is a newer one');

shows('api_keys_ending', 'it does not end');
# As if it had been made so long ago.
my $aged = q{UPDATE auth_store.api_keys SET id = (
        lpad(to_hex((extract(epoch FROM now() - interval '%s') * 1000)::bigint), 12, '0')
        || substr(replace(id::text, '-', ''), 13))::uuid,
    expires_at = now() + interval '%s', revoked_at = %s};
for my $of ([ '30 days', '25 hours', 'NULL', '' ], [ '30 days', '23 hours', 'NULL', 'warning' ],
    [ '30 days', '23 hours', 'now()', '' ], [ '3 days', '23 hours', 'NULL', '' ], [ '30 days', '-1 s', 'NULL', '' ])
{
    value($node, $db, sprintf($aged, @$of));
    shows('api_keys_ending', "made $of->[0] ago, ends in $of->[1], revoked: $of->[2]", $of->[3] || undef);
}

# --- webhooks --------------------------------------------------------------------------------------------------------

shows('webhook_failures', 'no attempt');
sub attempts
{
    my ($delivered, $failed, $ago) = @_;
    value($node, $db, "TRUNCATE auth_store.webhook_attempts;
        SELECT auth_store.partitions_make(ARRAY(SELECT 'webhook_attempts_y' || to_char(now() - interval '2 days',
            'YYYY\"m\"MM')));
        INSERT INTO auth_store.webhook_attempts (delivery_id, webhook_id, event_id, attempted_at, attempt, duration_ms,
            tenant_id, event_type, outcome, error)
        SELECT gen_random_uuid(), '$hook', gen_random_uuid(), now() - interval '$ago', 1, 1, 'default', 'agent.created',
               CASE WHEN n <= $delivered THEN 'delivered' ELSE 'retrying' END, CASE WHEN n > $delivered THEN 'no' END
          FROM generate_series(1, $delivered + $failed) n");
}
for my $of ([ 0, 9, '' ], [ 8, 2, '' ], [ 7, 3, 'warning' ])
{
    attempts(@$of[0, 1], '1 min');
    shows('webhook_failures', "$of->[1] of " . ($of->[0] + $of->[1]), $of->[2] ? ($of->[2], $hook) : ());
}
attempts(7, 3, '25 hours');
shows('webhook_failures', 'more than a day ago');
for my $of ([ 9, 'active', '' ], [ 10, 'active', 'warning' ], [ 10, 'disabled', '' ], [ 0, 'active', '' ])
{
    value($node, $db, "UPDATE auth_store.webhook_states SET failures_in_row = $of->[0];
        UPDATE auth_store.webhooks SET status = '$of->[1]'");
    shows('webhook_failures', "$of->[0] in a row, $of->[1]", $of->[2] ? ($of->[2], $hook) : ());
}

my $retry = "TRUNCATE auth_store.webhook_retries; INSERT INTO auth_store.webhook_retries (id, webhook_id, event_id,
    failed_at, due_at, attempt, tenant_id)
    SELECT gen_random_uuid(), '$hook', gen_random_uuid(), now(), %s, %s, 'default'";
shows('webhook_retries', 'none');
for my $of ([ "now() + interval '1 hour'", 3, '' ], [ "now() + interval '1 hour'", 4, 'warning' ], [ 'NULL', 10, '' ])
{
    value($node, $db, sprintf($retry, @$of));
    shows('webhook_retries', "after $of->[1], due $of->[0]", $of->[2] ? ($of->[2], $hook) : ());
}

shows('webhook_rate', 'no attempt');
for my $of ([ 8, '1 min', '' ], [ 9, '1 min', 'warning' ], [ 9, '61 min', '' ])
{
    value($node, $db, "UPDATE auth_store.webhook_states SET hour_count = $of->[0],
        hour_started_at = now() - interval '$of->[1]'");
    shows('webhook_rate', "$of->[0] of 10, since $of->[1]", $of->[2] ? ($of->[2], $hook) : ());
}

# --- limits of requests ----------------------------------------------------------------------------------------------

sub ask { value($node, $db, "SELECT auth_store.client_authenticate('web', '$secret') FROM generate_series(1, $_[0])"); }
shows('client_rate', 'no request');
ask(8);
shows('client_rate', '8 of 10');
ask(1);
shows('client_rate', '9 of 10', 'warning', 'web');
$node->restart;
shows('client_rate', 'forgotten');

shows('rate_limit_memory', 'empty');
value($node, $db, q{SELECT auth_store.rate_limit_hit('k' || n, 5, '1 hour') FROM generate_series(1, 2000) n});
shows('rate_limit_memory', 'full', 'warning');
$node->restart;
shows('rate_limit_memory', 'empty again');

done_testing();

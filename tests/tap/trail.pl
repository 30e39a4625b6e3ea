# audit_trail() finds what is rare by the indexes of each month, whatever it is asked for, also for a pinned session: it
# reads a small part of the month's pages.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Test::More;

my $node = new_server('trail', preload => 1);
my $db = 'postgres';
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT auth_store.tenant_create('rare');
INSERT INTO auth_store.audit_log (id, occurred_at, success, user_agent, user_id, tenant_id, client_id, event, error,
    flags, ip, details, from_application)
SELECT (lpad(to_hex((extract(epoch FROM s.at) * 1000)::bigint), 12, '0') || '8' || substr(md5(n::text), 1, 19))::uuid,
       s.at, n % 9001 <> 3, repeat('Mozilla ', 12),
       md5((CASE WHEN n % 9001 = 1 THEN 0 ELSE 1 + n % 40009 END)::text)::uuid,
       CASE WHEN n % 9001 IN (2, 3) THEN 'rare' ELSE 'default' END, 'client' || CASE WHEN n % 9001 = 1 THEN 0
           ELSE 1 + n % 97 END, CASE WHEN n % 9001 = 1 THEN 'rare.event' ELSE 'token.refreshed' END,
       CASE WHEN n % 9001 = 3 THEN 'invalid_grant' END,
       CASE WHEN n % 9001 = 1 THEN '{rare,wrong_secret}'::text[] WHEN n % 100 = 0 THEN '{wrong_secret}' END,
       CASE WHEN n % 9001 = 1 THEN '10.0.0.1' ELSE '192.0.2.' || n % 250 END::inet,
       CASE WHEN n % 9001 = 1 THEN '{"kind": "rare", "n": 1}'::jsonb
            WHEN n % 10 = 0 THEN jsonb_build_object('kind', 'k' || n % 7, 'n', n) END, false
  FROM generate_series(1, 80000) n
       CROSS JOIN LATERAL (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' AS from) m
       CROSS JOIN LATERAL (SELECT m.from + n * ((now() - m.from) / 80001)) s (at);
SQL
value($node, $db, 'VACUUM (ANALYZE) auth_store.audit_log');
my $pages = value($node, $db, "SELECT pg_relation_size('auth_store.audit_log_' || to_char(now() AT TIME ZONE 'UTC',
    '\"y\"YYYY\"m\"MM')) / 8192");
cmp_ok($pages, '>', 1000, 'there is a month to read');

# The first call of all finds the catalog cold.
value($node, $db, 'SELECT FROM auth_store.audit_trail()');

sub reads
{
    my ($arguments, $rows, $prelude) = @_;
    my $plan = value($node, $db, "$prelude SELECT count(*) FROM auth_store.audit_trail($arguments);
        EXPLAIN (ANALYZE, BUFFERS, COSTS off, TIMING off) SELECT * FROM auth_store.audit_trail($arguments)");
    my ($found) = $plan =~ /\A(\d+)\n/;
    my $blocks = 0;
    if ($plan =~ /^ *Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/m) { $blocks += $_ // 0 for $1, $2 }
    is($found, $rows, "$arguments: its rows");
    cmp_ok($blocks, '<', $pages / 2, "$arguments: reads a part of the month") or diag($plan);
}

for my $case (
    [ q{user_id => md5('0')::uuid}, 9 ], [ q{client_id => 'client0'}, 9 ], [ q{event => 'rare.event'}, 9 ],
    [ q{ip => '10.0.0.1'}, 9 ], [ q{flags => '{rare}'}, 9 ], [ q{flags => '{rare,wrong_secret}'}, 9 ],
    [ q{flags => '{none}'}, 0 ], [ q{details => '{"kind": "rare"}'}, 9 ], [ q{details => '{"n": 500}'}, 1 ],
    [ q{details => '{"kind": "none"}'}, 0 ], [ q{tenant_id => 'rare'}, 19 ], [ q{success => false}, 9 ],
    [ q{success => false, tenant_id => 'rare'}, 9 ], [ q{success => false, event => 'none'}, 0 ],
    [ q{tenant_id => 'none'}, 0 ],
    [ q{until => '-infinity'}, 0 ], [ q{since => 'infinity'}, 0 ])
{
    reads(@$case, '');
}
my $pin = "SET auth_store.tenant_id = 'rare';";
reads('max_rows => 1000', 19, $pin);
reads(q{tenant_id => 'rare', success => true}, 10, $pin);
reads(q{tenant_id => 'default'}, 0, $pin);
reads(q{flags => '{wrong_secret}'}, 0, $pin);
reads(q{details => '{"kind": "rare"}'}, 0, $pin);
is(value($node, $db, "$pin SELECT DISTINCT tenant_id FROM auth_store.audit_trail(max_rows => 1000)"), 'rare',
    'a pinned session has its own tenant\'s rows alone');
is(value($node, $db, 'SELECT current_user FROM auth_store.audit_trail(max_rows => 1)'), value($node, $db,
    'SELECT current_user'), 'the call leaves the session its user');

# Rows that have flags or details, or were refused, are in the indexes whether they went by the statement or not.
value($node, $db, q{SELECT count(auth_store.audit_write('of.mine', success => n % 2 = 0, flags => CASE WHEN n % 3 = 0
    THEN ARRAY['mine'] END, details => CASE WHEN n % 5 = 0 THEN '{"of": "mine"}'::jsonb END))
    FROM generate_series(1, 30) n});
is(value($node, $db, q{SET enable_seqscan = off; SELECT (SELECT count(*) FROM auth_store.audit_trail(
    success => false, event => 'of.mine')), (SELECT count(*) FROM auth_store.audit_trail(flags => '{mine}')),
    (SELECT count(*) FROM auth_store.audit_trail(details => '{"of": "mine"}'))}), '15|10|6',
    'rows that were added one by one are found');
is(value($node, $db, q{SELECT object, problem FROM auth_store.check()}), '', 'check() has nothing to say');
$node->stop;
done_testing();

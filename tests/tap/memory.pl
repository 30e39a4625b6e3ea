# What a backend keeps of the tenants has a bound in bytes: one that has served thousands of them has no more memory of
# its own than one that has served hundreds. Each tenant here is as large as thousands of ordinary ones would be. And a
# backend that gets no memory ends its statement, or itself, but no other.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc' if !-r '/proc/self/status';

my $node = new_server('memory');
my $db = 'postgres';
my ($few, $many, $megabytes) = (100, 1500, 1 << 20);
# Of each tenant some 8 kB of its issuer and some 14 kB of what its webhooks want.
value($node, $db, <<"SQL");
CREATE EXTENSION auth_store;
INSERT INTO auth_store.tenants (id, display_name, created_at, updated_at)
SELECT 'tenant' || n, 'Tenant ' || n, now(), now() FROM generate_series(1, $many) AS n;
SELECT FROM generate_series(1, $many) AS n, LATERAL auth_store.provider_set('https://as.example/tenant' || n,
    jsonb_build_object('login_url', 'https://login.example/' || repeat('x', 1800),
                       'consent_url', 'https://login.example/' || repeat('x', 1800)), 'tenant' || n) AS p;
SET session_replication_role = replica;
INSERT INTO auth_store.webhook_routes (webhook_id, tenant_id, pattern, member, value)
SELECT gen_random_uuid(), 'tenant' || n, 'agent.*', 'member' || m || repeat('y', 80), 'nobody'
  FROM generate_series(1, $many) AS n, generate_series(1, 60) AS m;
RESET session_replication_role;
VACUUM ANALYZE auth_store.issuers, auth_store.webhook_routes;
-- The resident memory that is neither shared nor of a file.
CREATE FUNCTION own() RETURNS bigint LANGUAGE sql AS \$\$
    SELECT 1024 * substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+(\\d+) kB')::bigint \$\$;
SQL

# Which call touches what is kept. A statement for each call: what one statement needs meanwhile is not kept.
my %touch = (
    'issuers'  => q{SELECT FROM auth_store.http_metadata(tenant_id => 'tenant%d');},
    'webhooks' => q{SELECT FROM auth_store.webhook_emit('agent.created', '{"id": "1"}', tenant_id => 'tenant%d');},
    'statuses' => q{SELECT FROM auth_store.jti_is_revoked('unknown', 'tenant%d');});
for my $what (sort keys %touch)
{
    my $calls = sub { join "\n", map { sprintf $touch{$what}, $_ } $_[0] .. $_[1] };
    my $printed =
      value($node, $db, join "\n", $calls->(1, $few), 'SELECT own();', $calls->($few + 1, $many), 'SELECT own();');
    my ($before, $after) = $printed =~ /^(\d+)$/mg;
    my $grown = ($after - $before) / $megabytes;
    note sprintf '%s: %.1f MB after %d tenants, %.1f MB more after %d', $what, $before / $megabytes, $few, $grown,
      $many;
    cmp_ok($grown, '<', 6, "$what: a backend that has served $many tenants has kept no more than it may");
}

# A tenant whose value was thrown out is read anew.
like(value($node, $db, join "\n", (map { "SELECT FROM auth_store.http_metadata(tenant_id => 'tenant$_');" } 1 .. $many),
        q{SELECT body::jsonb ->> 'issuer' FROM auth_store.http_metadata(tenant_id => 'tenant1')}),
    qr{^https://as\.example/tenant1$}m, 'the first is answered after many others');

# With next to no room; tests/robustness/memory.pl does it to every function.
SKIP:
{
    skip 'needs prlimit' if system('prlimit --version >/dev/null 2>&1');
    my $log = -s $node->logfile;
    my $short = 0;
    for my $call ("session_validate('asst_AaIogwQCg1uaB671QLMHw9lEie6MnN3fjt59MmTUUy12xh9tpoWW-x40f9nFEyZ1')",
        "identity_login('google', 'new')", "passkey_authenticate('{}')",
        "user_activity(gen_random_uuid(), '2020-01-01')", 'api_key_list()', 'webhook_event_type_list()',
        "jwt_verify('a.b.c')", 'check()')
    {
        my $sql = "SELECT auth_store.tenant_visible('default');\n" . narrow(64) . "SELECT * FROM auth_store.$call;";
        my $result = run_sql($node, $db, $sql);
        $short++ if ($result->{state} // '') eq '53200';
    }
    cmp_ok($short, '>', 4, 'calls without memory raise 53200');

    # What is sealed and compared may be larger than memory.
    value($node, $db, q{INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event)
        SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + n), 12, '0') || '8000'
                || lpad(to_hex(n), 16, '8'))::uuid, now(), true, 'default', 'memory.step'
          FROM generate_series(1, 500000) n});
    my $sealed = value($node, $db, "SELECT auth_store.tenant_visible('default');\n" . narrow(36 << 10)
          . 'SELECT sum(rows) >= 500000 FROM auth_store.audit_seal()');
    is($sealed =~ s/.*\n//sr, 't', 'a large trail is sealed');
    unlike(slurp_file($node->logfile, $log), qr/PANIC|terminated by signal/, 'the server has seen no backend crash');
}

$node->stop;
done_testing();

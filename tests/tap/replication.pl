# Logical replication of the whole store: the first copy, what is written after it, a month's and an hour's change, and
# the end of a tenant; with rows published as their table's and as their partition's.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my ($publisher, $subscriber) = map { new_server($_) } qw(publisher subscriber);
for my $node ($publisher, $subscriber)
{
    $node->append_conf('postgresql.conf',
        "wal_level = logical\nmax_wal_senders = 20\nmax_replication_slots = 20\nmax_logical_replication_workers = 20
max_worker_processes = 40\nmax_sync_workers_per_subscription = 4\nwal_retrieve_retry_interval = '100ms'");
    $node->restart;
}
my $major = int(value($publisher, 'postgres', 'SHOW server_version_num') / 10000);
# From 16 on a row is applied as the owner of its table, whom row-level security binds.
my $as_owner = $major >= 16 ? ', run_as_owner = true' : '';

value($publisher, 'postgres', 'CREATE DATABASE store');
value($publisher, 'store', 'CREATE EXTENSION auth_store');
my $store = populate($publisher, 'store');
value($publisher, 'store', 'CALL auth_store.cleanup()');
value($publisher, 'store', 'CREATE PUBLICATION by_root FOR ALL TABLES WITH (publish_via_partition_root = true)');
value($publisher, 'store', 'CREATE PUBLICATION by_partition FOR ALL TABLES');
value($publisher, 'store', 'CREATE PUBLICATION trail FOR TABLE auth_store.audit_log WITH (publish = insert,
    publish_via_partition_root = true)');
is(value($publisher, 'store', q{SELECT relname FROM pg_class c
    WHERE relnamespace = 'auth_store'::regnamespace AND relkind IN ('r', 'p') AND relpersistence = 'p'
    AND NOT EXISTS (SELECT FROM pg_publication_tables t
    WHERE t.pubname = 'by_partition' AND t.schemaname = 'auth_store' AND t.tablename = c.relname) AND relkind = 'r'}),
    '',
    'a publication of all tables has every table and partition');

sub names
{
    return value($publisher, 'store',
        q{SELECT array_agg(c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'r'});
}

# A fresh install with the partitions of the publisher and those of the next hours.
sub subscribe
{
    my ($database, $publication) = @_;
    my ($names, $connection) = (names(), $publisher->connstr . ' dbname=store');
    value($subscriber, 'postgres', "CREATE DATABASE $database");
    value($subscriber, $database, "CREATE EXTENSION auth_store;
        SELECT auth_store.partitions_make('$names'), auth_store.partitions_ensure(12),
        auth_store.jti_partitions_ensure()");
    value($subscriber, $database,
        "CREATE SUBSCRIPTION $database CONNECTION '$connection' PUBLICATION $publication
            WITH (slot_name = $database$as_owner)");
    ok($subscriber->poll_query_until($database, q{SELECT count(*) = 0 FROM pg_subscription_rel
        WHERE srsubstate NOT IN ('r', 's')}), "$database: the first copy");
}

# What both have, tables as a whole; the versions are each one's own, and an unlogged table is nobody's.
sub same
{
    my ($database, $name) = @_;
    $publisher->wait_for_catchup($database);
    my ($here, $there) = (contents($publisher, 'store'), contents($subscriber, $database));
    for my $rows ($here, $there)
    {
        delete @$rows{ qw(rate_limits recoveries schema_version), grep { /_y\d{4}m/ } keys %$rows };
    }
    is(differences($here, $there), '', "$database: $name");
}

# Takes partitions of the publisher away that no row is in, so that the next row makes one at run time.
sub lose_empty
{
    value($publisher, 'store', <<'SQL');
SET auth_store.allow_drop = on;
SELECT format('DROP TABLE %s', i.inhrelid::regclass) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent IN ('auth_store.claimed_jtis'::regclass, 'auth_store.revoked_jtis'::regclass,
     'auth_store.audit_log'::regclass, 'auth_store.webhook_attempts'::regclass)
   AND i.inhrelid NOT IN (SELECT tableoid FROM auth_store.claimed_jtis
                           UNION ALL SELECT tableoid FROM auth_store.revoked_jtis
                           UNION ALL SELECT tableoid FROM auth_store.audit_log
                           UNION ALL SELECT tableoid FROM auth_store.webhook_attempts) \gexec
SQL
}

my $CLAIMS = q{SELECT bool_and(auth_store.jti_claim('https://idp.example', gen_random_uuid()::text,
    clock_timestamp() + t)) FROM unnest(ARRAY['1 min', '1 hour', '110 min', '3 hours', '23 hours']::interval[]) AS t;
    SELECT bool_and(auth_store.jti_revoke(gen_random_uuid()::text, clock_timestamp() + t))
    FROM unnest(ARRAY['1 min', '1 day', '47 hours', '20 days', '300 days']::interval[]) AS t};

# --- by the root -----------------------------------------------------------------------------------------------------

subscribe('by_root', 'by_root');
same('by_root', 'every row');
is(value($subscriber, 'by_root', 'SELECT object, problem FROM auth_store.check()'), '',
    'check() of the subscriber has nothing to say');
for my $tenant (sort keys %$store)
{
    my $made = $store->{$tenant};
    is(value($subscriber, 'by_root', "SELECT (SELECT active FROM auth_store.token_introspect('$made->{access}')),
        (SELECT active FROM auth_store.token_introspect('$made->{revoked_access}')),
        auth_store.jti_is_revoked('$made->{revoked_jti}', '$tenant')"), 't|f|t', "$tenant: tokens are validated there");
    is(value($subscriber, 'by_root',
        "SELECT active FROM auth_store.jwt_verify('$made->{jwt}', 'https://api.example/$tenant')"), 't',
        "$tenant: JWTs too");
    my $documents = "SELECT (auth_store.http_jwks('$tenant')).body,
        (auth_store.http_metadata(tenant_id => '$tenant')).body";
    is(value($subscriber, 'by_root', $documents), value($publisher, 'store', $documents),
        "$tenant: keys and metadata are those of the publisher");
}

# Each kind of change: rows added, changed, deleted.
my $made = $store->{acme};
value($publisher, 'store', "SELECT error
    FROM auth_store.token_refresh('$made->{refresh}', '$made->{client}', client_secret => '$made->{secret}');
    SELECT auth_store.grant_revoke('$made->{other_grant}'); SELECT auth_store.connection_delete('$made->{connection}');
    $CLAIMS");
value($publisher, 'store', q{UPDATE auth_store.access_tokens SET expires_at = clock_timestamp()
    WHERE tenant_id = 'acme'; CALL auth_store.cleanup()});
same('by_root', 'what was written since');

# The next hour and month, made at run time by the row that needs it.
lose_empty();
is(value($publisher, 'store', $CLAIMS), "t\nt", 'JWT ids of partitions that were not there');
value($publisher, 'store', q{SELECT auth_store.audit_write('of.this.month')});
value($publisher, 'store', q{SELECT auth_store.partitions_ensure(4)});
value($publisher, 'store', q{INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id,
    event) SELECT gen_random_uuid(), clock_timestamp() + n * interval '28 days', true, 'default', 'of.a.later.month'
    FROM generate_series(1, 4) AS n});
same('by_root', 'through the change of an hour and of a month');

# One that nobody made there: replication stops at it and goes on when it is there.
value($publisher, 'store', q{SELECT auth_store.partitions_make('{audit_log_y2019m01}')});
value($publisher, 'store', q{INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event)
    VALUES (gen_random_uuid(), '2019-01-15 12:00Z', true, 'default', 'of.an.old.month')});
my $at = 0;
$subscriber->wait_for_log(qr/no partition of relation "audit_log" found for row/, $at);
succeeds($subscriber, 'by_root', q{SELECT auth_store.partitions_make('{audit_log_y2019m01}')},
    'a partition that was not made ahead');
same('by_root', 'goes on when it is there');

# The end of a tenant: rows of every table are deleted, of the partitioned ones too.
succeeds($publisher, 'store', q{SELECT auth_store.tenant_erase('acme', 'acme')},
    'tenant_erase() under a publication of all tables');
same('by_root', 'a tenant that was erased');
is(value($subscriber, 'by_root', q{SELECT (SELECT count(*) FROM auth_store.grants
    WHERE tenant_id = 'acme') + (SELECT count(*) FROM auth_store.claimed_jtis WHERE tenant_id = 'acme'),
    (SELECT string_agg(event, ',') FROM auth_store.audit_log WHERE tenant_id = 'acme')}), '0|tenant.erased',
    'is erased there');
value($subscriber, 'by_root', q{SELECT auth_store.cleanup_jtis() >= 0, auth_store.partitions_ensure(12) >= 0,
    auth_store.jti_partitions_ensure() >= 0});

# --- by the partition ------------------------------------------------------------------------------------------------

value($publisher, 'store', q{SELECT auth_store.tenant_create('initech')});
subscribe('by_partition', 'by_partition');
same('by_partition', 'every row');
value($publisher, 'store', "$CLAIMS; SELECT auth_store.audit_write('order.shipped', tenant_id => 'initech');
    SELECT auth_store.jti_revoke('x', clock_timestamp() + '1 hour', tenant_id => 'initech')");
lose_empty();
is(value($publisher, 'store', $CLAIMS), "t\nt", 'partitions made at run time');
value($subscriber, 'by_partition', "SELECT auth_store.partitions_make('" . names() . "')");
value($subscriber, 'by_partition', 'ALTER SUBSCRIPTION by_partition REFRESH PUBLICATION');
ok($subscriber->poll_query_until('by_partition',
    q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')}), 'are copied after a REFRESH');
same('by_partition', 'through an hour\'s change');
succeeds($publisher, 'store', q{SELECT auth_store.tenant_erase('initech', 'initech'),
    auth_store.tenant_erase('globex', 'globex')}, 'tenant_erase()');
same('by_partition', 'tenants that were erased');
same('by_root', 'and for the other subscriber');

# --- the trail alone -------------------------------------------------------------------------------------------------

# Into a table of one's own: nothing that is dropped or erased at the publisher goes there.
value($subscriber, 'postgres', 'CREATE DATABASE trail');
value($subscriber, 'trail', 'CREATE SCHEMA auth_store;
    CREATE TABLE auth_store.audit_log (id uuid PRIMARY KEY, occurred_at timestamptz, risk_score real, success boolean,
    user_id uuid, grant_id uuid,
    session_id uuid, tenant_id text, event text, client_id text, resource_type text, resource_id text, error text,
    flags text[], ip inet, user_agent text, details jsonb,
    called_by text, called_as text, from_application boolean, actor_id uuid)');
my $connection = $publisher->connstr . ' dbname=store';
value($subscriber, 'trail',
    "CREATE SUBSCRIPTION trail CONNECTION '$connection' PUBLICATION trail WITH (slot_name = trail)");
ok($subscriber->poll_query_until('trail',
    q{SELECT count(*) = 0 FROM pg_subscription_rel WHERE srsubstate NOT IN ('r', 's')}), 'the trail is copied');
value($publisher, 'store',
    q{SELECT auth_store.tenant_create('hooli'); SELECT auth_store.tenant_erase('hooli', 'hooli')});
value($publisher, 'store', q{SELECT auth_store.partitions_drop('0')});
$publisher->wait_for_catchup('trail');
is(value($subscriber, 'trail', q{SELECT string_agg(event, ' ' ORDER BY occurred_at) FROM auth_store.audit_log
    WHERE tenant_id = 'hooli'}), 'tenant.created tenant.erased', 'and keeps what is erased');
is(value($subscriber, 'trail', q{SELECT count(*), bool_and(called_by IS NOT NULL) FROM auth_store.audit_log
    WHERE event = 'of.an.old.month' OR event = 'audit.month_dropped'}) =~ s/\|.*//r, '2',
    'and a month that is dropped');

value($subscriber, $_, "DROP SUBSCRIPTION $_") for qw(by_root by_partition trail);
$_->stop for $publisher, $subscriber;
done_testing();

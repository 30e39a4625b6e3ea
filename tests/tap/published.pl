# Under every publication of docs/how-to/replication.md no call of the store fails, and what the calls change arrives:
# every function is called, and every table compared with its subscriber's. The recipes are run as they stand there.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Functions;
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
my %facts = table_facts();

# --- the page --------------------------------------------------------------------------------------------------------

my $page = slurp_file("$FindBin::Bin/../../docs/how-to/replication.md");
my @blocks = $page =~ /^```sql\n(.*?)^```$/msg;
sub block
{
    my ($pattern) = @_;
    my @found = grep { /$pattern/ } @blocks;
    is(scalar @found, 1, "the page has one block about $pattern");
    my $connection = $publisher->connstr . ' dbname=store';
    return $found[0] =~ s/CONNECTION '.*?'/CONNECTION '$connection'/r
        =~ s/\s+WITH \(run_as_owner = true\)/$major >= 16 ? $& : ''/er;
}
sub publishes { return value($publisher, 'store', block("CREATE PUBLICATION $_[0] ")) }

# A database of the subscriber, with what the page has before the subscription.
sub subscribes
{
    my ($name, $before, $sql) = @_;
    value($subscriber, 'postgres', "CREATE DATABASE $name TEMPLATE template0");
    value($subscriber, $name, $before) if $before ne '';
    value($subscriber, $name, $sql);
    ok($subscriber->poll_query_until($name, q{SELECT count(*) > 0 AND bool_and(srsubstate IN ('r', 's'))
        FROM pg_subscription_rel}), "$name: the first copy");
}

# The tables as a whole: the versions are each one's own.
sub same
{
    my ($name) = @_;
    $publisher->wait_for_catchup('store');
    my ($here, $there) = (contents($publisher, 'store'), contents($subscriber, 'store'));
    for my $rows ($here, $there)
    {
        delete @$rows{ qw(rate_limits recoveries schema_version), grep { /_y\d{4}m/ } keys %$rows };
    }
    is(differences($here, $there), '', $name);
    return $there;
}

# Runs calls one by one; what one of them raises does not end the others. Returns what was raised.
sub calls
{
    my ($made, @names) = @_;
    my $sql = join "\n", map { call_of($_, $made)->{sql} . ';' } @names;
    my ($status, $out, $err) = $publisher->psql('store', $sql, on_error_stop => 0,
        extra_params => [ '-v', 'VERBOSITY=verbose' ]);
    return $err;
}

# --- everything, from the first row on -------------------------------------------------------------------------------

value($publisher, 'postgres', 'CREATE DATABASE store TEMPLATE template0');
value($publisher, 'store', 'CREATE EXTENSION auth_store');
publishes($_) for qw(store validation trail registry);
value($publisher, 'store', 'CREATE PUBLICATION everything FOR ALL TABLES;
    CREATE PUBLICATION everything_by_root FOR ALL TABLES WITH (publish_via_partition_root = true)');
# The month before, of which populate() makes rows; and the leaves of this month, for audit_seal().
value($publisher, 'store', q{SELECT auth_store.partitions_make(ARRAY['webhook_attempts_'
    || to_char(now() AT TIME ZONE 'UTC' - interval '1 month', '"y"YYYY"m"MM'),
    'audit_leaves_' || to_char(now() AT TIME ZONE 'UTC', '"y"YYYY"m"MM')])});
my $partitions = value($publisher, 'store', block('partitions_make'));
subscribes('store', "CREATE EXTENSION auth_store; $partitions", block('CREATE SUBSCRIPTION store'));

my $store = populate($publisher, 'store');
my $there = same('what a call of each kind writes arrives');
my @published = grep { $facts{$_}{published} ne 'never' } sort keys %facts;
cmp_ok(scalar(grep { $there->{$_} !~ /^0 / } @published), '>=', 0.8 * @published,
    'rows of nearly every table did; what an operator fills, and what fails, comes below');

# --- the recipes -----------------------------------------------------------------------------------------------------

subscribes('validation', "CREATE EXTENSION auth_store; $partitions", block('CREATE SUBSCRIPTION store')
    =~ s/(SUBSCRIPTION|PUBLICATION) store/$1 validation/gr);
my $trail = value($publisher, 'store', block('format_type'));
subscribes('trail', $trail, block('CREATE SUBSCRIPTION trail'));
subscribes('registry', '', block('CREATE SUBSCRIPTION registry'));

my $acme = $store->{acme};
sub validated
{
    return value($subscriber, 'validation', "SELECT
        (SELECT active FROM auth_store.token_introspect('$acme->{other_access}')),
        (SELECT active FROM auth_store.token_introspect('$store->{globex}{other_access}')),
        (SELECT valid FROM auth_store.session_validate('$acme->{session}')),
        (SELECT valid FROM auth_store.api_key_verify('$acme->{api_key}', 'orders:read', '192.0.2.1')),
        (SELECT active FROM auth_store.jwt_verify('$acme->{jwt}', 'https://api.example/acme')),
        auth_store.jti_is_revoked('$acme->{revoked_jti}', 'acme'),
        auth_store.user_has_permission('$acme->{user}', 'orders:read')");
}
is(validated(), 't|f|t|t|t|t|t', 'one tenant is validated, and no other');
is(value($subscriber, 'validation', 'SELECT count(*) FILTER (WHERE email IS NOT NULL), min(tenant_id), max(tenant_id)
    FROM auth_store.users'), '0|acme|acme', 'without the addresses of its users');
value($publisher, 'store', "SELECT auth_store.grant_revoke('$acme->{other_grant}');
    SELECT auth_store.user_update('$acme->{user}', '{\"first_name\": \"Augusta\"}')");
$publisher->wait_for_catchup('validation');
is(validated(), 'f|f|t|t|t|t|t', 'a revocation arrives');

# A store of users, which knows the clients of the other.
my $web = $store->{globex};
sub logs_in
{
    my ($n) = @_;
    return value($subscriber, 'registry', <<"SQL");
SELECT auth_store.user_ensure('$n', 'globex') AS user \\gset
SELECT code FROM auth_store.code_issue('$web->{client}', :'user', code_challenge => '$web->{challenge}') \\gset
SELECT access_token, coalesce(error, 'none') AS error FROM auth_store.code_redeem(:'code', '$web->{client}',
    client_secret => '$web->{secret}', code_verifier => '$web->{verifier}') \\gset
SELECT :'error', active, user_id = :'user' FROM auth_store.token_introspect(:'access_token');
SQL
}
# Whose issuer it has, and a key of its own.
value($subscriber, 'registry', q{SELECT auth_store.signing_key_create(tenant_id => 'globex')});
is(logs_in(1), 'none|t|t', 'a store of users issues for a client of another');
is(value($subscriber, 'registry', 'SELECT object, problem FROM auth_store.check()'), '', 'check() has nothing to say');
value($publisher, 'store', q{SELECT auth_store.client_create('New', ARRAY['https://new.example/cb'],
    client_id => 'new', tenant_id => 'globex'); SELECT auth_store.tenant_set_status('globex', 'suspended')});
$publisher->wait_for_catchup('registry');
is(value($subscriber, 'registry', q{SELECT id, (SELECT status FROM auth_store.tenants WHERE id = 'globex')
    FROM auth_store.clients WHERE id = 'new' AND tenant_suspended}), 'new|suspended',
    'a new one and a suspension arrive');
value($publisher, 'store', "SELECT auth_store.tenant_set_status('globex', 'active')");
$publisher->wait_for_catchup('registry');
is(logs_in(2), 'none|t|t', 'its end too');

# --- every function --------------------------------------------------------------------------------------------------

# In this order each still has what it ends.
my @ends = qw(developer_client_delete user_set_status user_end user_erase client_delete tenant_set_status tenant_erase);
my %ends = map { $_ => 1 } @ends;
my @functions = grep { call_of($_, $acme)->{does} !~ /^(?:superuser|script|event)$/ } functions($publisher, 'store');
my @before = grep { !$ends{$_} } @functions;
my $raised = calls($acme, @before) . calls($web, reverse @before);
unlike($raised, qr/publi|replica identity|42P10/i, 'no call fails because of a publication');
cmp_ok(scalar(() = $raised =~ /^ERROR/mg), '<', 30, 'and few for another reason') or diag($raised);
same('what every function changes arrives');
value($publisher, 'store', q{UPDATE auth_store.access_tokens SET expires_at = clock_timestamp() - interval '100 days'
    WHERE tenant_id = 'default'; CALL auth_store.cleanup()});
same('what cleanup deletes too');
$raised = calls($web, grep { $_ ne 'tenant_erase' } @ends);
$raised .= calls($acme, qw(client_delete tenant_erase));
is($raised, '', 'every function that ends something');
same('what they end is ended there');

# --- what is left where ----------------------------------------------------------------------------------------------

$publisher->wait_for_catchup($_) for qw(validation trail registry);
is(value($subscriber, 'validation', q{SELECT (SELECT count(*) FROM auth_store.grants) +
    (SELECT count(*) FROM auth_store.access_tokens) + (SELECT count(*) FROM auth_store.users)}), '0',
    'of the tenant that was erased nothing is validated');
cmp_ok(value($subscriber, 'trail', 'SELECT count(*) FROM auth_store.audit_log'), '>',
    value($publisher, 'store', 'SELECT count(*) FROM auth_store.audit_log'),
    'the trail elsewhere keeps what was erased');
is(value($subscriber, 'registry', "SELECT (SELECT count(*) FROM auth_store.clients WHERE id = '$web->{client}'),
    (SELECT count(*) FROM auth_store.client_secrets WHERE client_id = '$web->{client}')"), '1|0',
    'a client that was deleted has no secret in a store of users');
succeeds($subscriber, 'registry', "SELECT auth_store.client_delete('$web->{client}')", 'which deletes it itself');
is(value($subscriber, 'registry', "SELECT (SELECT count(*) FROM auth_store.grants WHERE tenant_id = 'globex'),
    (SELECT count(*) FROM auth_store.check())"), '0|0', 'with all that it had of it');
value($publisher, 'store', q{SELECT auth_store.client_create('Newer', ARRAY['https://new.example/cb'],
    client_id => 'newer', tenant_id => 'globex')});
$publisher->wait_for_catchup('registry');
is(value($subscriber, 'registry', q{SELECT count(*) FROM auth_store.clients WHERE id = 'newer'}), '1',
    'and goes on following');

# Of a store that has no partition of JWT ids yet.
value($publisher, 'postgres', 'CREATE DATABASE bare');
value($publisher, 'bare', 'CREATE EXTENSION auth_store; CREATE PUBLICATION every FOR ALL TABLES;
    CREATE PUBLICATION of_schema FOR TABLES IN SCHEMA auth_store; CREATE PUBLICATION half FOR TABLE auth_store.grants');
is(value($publisher, 'bare', "SELECT object FROM auth_store.check() WHERE object LIKE 'publication%'"),
    'publication half', 'check() tells of a publication that has a part of what validates, and of no whole one');

value($subscriber, $_, "DROP SUBSCRIPTION $_") for qw(store validation trail registry);
$_->stop for $publisher, $subscriber;
done_testing();

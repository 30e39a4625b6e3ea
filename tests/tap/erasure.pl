# A deleted client leaves nothing, and neither does an erased user: the tables with a client_id are asked of the
# catalog, so that a new one is among them by itself, as tests/sql/tenant.sql does for tenants. populate() must have put
# a row into each, else a table that nobody empties would pass.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('erasure');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);

# rows(CLIENT): table by table, how many rows the client has. A partition counts in its parent.
sub rows {
    my ($client) = @_;
    my $out = value($node, $db, <<~SQL);
        SELECT format('SELECT %L, count(*) FROM auth_store.%I WHERE client_id = %L', c.relname, c.relname, '$client')
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'client_id' AND NOT a.attisdropped
         WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname \\gexec
        SQL
    return { map { split /\|/ } split /\n/, $out };
}

# The tables that have rows, but for these.
sub with_rows {
    my ($rows, @but) = @_;
    my %but = map { $_ => 1 } @but;
    return join ' ', grep { $rows->{$_} > 0 && !$but{$_} } sort keys %$rows;
}

my ($client, $device_client) = @{ $store->{globex} }{qw(client device_client)};
my $before = rows($client);
cmp_ok(keys %$before, '>', 8, 'tables have a client_id: ' . keys %$before);
# Device codes are another client's.
my @tables = grep { $_ ne 'device_codes' } sort keys %$before;
is(with_rows($before, 'device_codes'), "@tables", 'and a row of the client each');
value($node, $db, "SELECT auth_store.client_delete('$client')");
is(with_rows(rows($client), 'audit_log'), '', 'client_delete leaves none but the audit trail');
cmp_ok(rows($device_client)->{device_codes}, '>', 0, 'another client has device codes');
value($node, $db, "SELECT auth_store.client_delete('$device_client')");
is(with_rows(rows($device_client), 'audit_log'), '', 'and leaves none');

# --- a user -----------------------------------------------------------------------------------------------------------

# user_export() shows everything and no secret; user_erase() leaves nothing. Both go by the facts of the tables, and a
# unit test by the columns; here every table that holds something of a user must hold something of this one.
my $acme = $store->{acme};
my $user = $acme->{user};
my %facts = table_facts();
my @held = sort grep { $facts{$_}{user} ne 'none' } keys %facts;
my $needle = 'needle-of-the-user';
value($node, $db, <<~SQL);
    SELECT auth_store.user_update('$user', jsonb_build_object('email', '$needle\@acme.example',
        'external_id', '$needle-x', 'first_name', '$needle', 'last_name', '$needle',
        'metadata', jsonb_build_object('k', '$needle')));
    SELECT auth_store.user_name_add('$user', 'username', 'needle.of.the.user'),
           auth_store.user_set_status('$user', 'active', '$needle'),
           auth_store.session_create('$user', metadata => '{"k": "$needle"}', ip => '203.0.113.77',
               user_agent => '$needle'),
           auth_store.token_issue('$acme->{client}', '$user', claims => '{"k": "$needle"}', ip => '203.0.113.77'),
           auth_store.code_issue('$acme->{client}', '$user', claims => '{"k": "$needle"}',
               code_challenge => '$acme->{challenge}', user_agent => '$needle'),
           auth_store.api_key_create('$needle', '$user', metadata => '{"k": "$needle"}'),
           auth_store.connection_store('github', '$needle-x', '$needle', provider_account_id => '$needle',
               tenant_id => 'acme'),
           auth_store.connection_store('slack', '$user', '$needle', metadata => '{"k": "$needle"}',
               tenant_id => 'acme'),
           auth_store.role_assign('$store->{globex}{user}', 'user', assigned_by => '$user', tenant_id => 'globex'),
           auth_store.audit_write('order.shipped', '$user', resource_type => 'order', resource_id => '$needle',
               details => '{"k": "$needle"}', ip => '203.0.113.77', user_agent => '$needle');
    SQL
# Of tables that populate() has no row of this user in.
value($node, $db, <<~SQL);
    INSERT INTO auth_store.login_failures (id, user_id, since, expires_at, failures, locks, max_failures, tenant_id,
        kind)
    VALUES (gen_random_uuid(), '$user', now(), now() + interval '1 day', 1, 0, 5, 'acme', 'password');
    INSERT INTO auth_store.devices (id, user_id, first_seen_at, last_seen_at, tenant_id, ip, user_agent)
    VALUES (gen_random_uuid(), '$user', now(), now(), 'acme', '203.0.113.77', '$needle');
    SQL
my $export = "auth_store.user_export('$user')";
my $exported = value($node, $db, "SELECT $export");
is(value($node, $db, "SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_each($export) AS e (k, v)
    WHERE jsonb_typeof(v) = 'array' AND v <> '[]'"), "@held",
    'the user has rows in every table, and they are exported');
ok($exported =~ /\Q$needle\E/, 'the export says what was given');
ok($exported !~ /"(?:\w*digest|successor_sealed|access_token|refresh_token)":/, 'and no secret');
# A secret's text begins with its kind.
ok($exported !~ /\bas(?:at|rt|ac|st|ak|dc)_[\w-]{40}/, 'in whatever column');

# The rows in which a text occurs, by table.
sub found
{
    my ($text) = @_;
    return value($node, $db, <<~SQL) =~ s/\n/ /gr;
        SELECT format('SELECT %L, count(*) FROM auth_store.%I t WHERE t::text LIKE %L HAVING count(*) > 0', c.relname,
                c.relname, '%' || '$text' || '%')
          FROM pg_class c
         WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname \\gexec
        SQL
}
for my $text ($user, $needle, 'needle.of.the.user', '203.0.113.77')
{
    like(found($text), qr/audit_log\|/, "before: there is $text") if $text !~ /^needle[.]/;
    like(found($text), qr/user_names\|/, "before: there is $text") if $text =~ /^needle[.]/;
}
my $others = $store->{globex};
my $kept = value($node, $db, "SELECT auth_store.user_export('$others->{user}') - 'exported_at' - 'audit_log'");
my $trail = value($node, $db, 'SELECT count(*) FROM auth_store.audit_log');
my $certificate = value($node, $db, "SELECT auth_store.user_erase('$user', 'asked for', whole_trail => true)");
is(value($node, $db, "SELECT string_agg(k, ' ' ORDER BY k)
    FROM jsonb_each('$certificate'::jsonb->'tables') AS e (k, v)
    WHERE coalesce((v->>'removed')::int, (v->>'pseudonymised')::int) > 0"), "@held",
    'the certificate counts the rows of every table');
is(value($node, $db, "SELECT c->>'user_id', c->>'tenant_id', c->>'reason', (c->>'erased_at')::timestamptz > now()
    - interval '1 min' FROM CAST('$certificate' AS jsonb) c"), "$user|acme|asked for|t", 'and says whose they were');
like($certificate, qr/"mentions": 1\b/, 'one row of another user named the user');
is(found($_), '', "no table has $_ any more") for $user, $needle, 'needle.of.the.user', '203.0.113.77';
is(value($node, $db, 'SELECT count(*) FROM auth_store.audit_log'), $trail + 1, 'the trail has lost no row');
is(value($node, $db, "SELECT count(DISTINCT user_id), count(*) > 10 FROM auth_store.audit_log
    WHERE user_id = (SELECT user_id FROM auth_store.audit_log WHERE event = 'user.erased')"), '1|t',
    'and is that of one pseudonym');
is(value($node, $db, "SELECT strpos('$certificate', (SELECT user_id::text FROM auth_store.audit_log
    WHERE event = 'user.erased'))"), '0', 'which the certificate does not name');
is(value($node, $db, "SELECT auth_store.user_export('$others->{user}') - 'exported_at' - 'audit_log'"), $kept,
    'another user has lost nothing');
is(value($node, $db, "SELECT (auth_store.token_introspect('$acme->{access}')).active,
    (auth_store.session_validate('$acme->{session}')).valid, (auth_store.api_key_verify('$acme->{api_key}')).valid"),
    'f|f|f', 'nothing of the erased user works');
raises($node, $db, "SELECT auth_store.user_erase('$user')", '23503', 'the user is unknown then');
# What a step under way left behind.
value($node, $db, "INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, tenant_id, event, ip)
    VALUES (gen_random_uuid(), now(), true, '$user', 'acme', 'token.used', '203.0.113.77')");
is(value($node, $db, "SELECT auth_store.user_erase('$user')->'tables'"), '{"audit_log": {"pseudonymised": 1}}',
    'but for a row that a step under way left');
is(found($user), '', 'which is nobody\'s then');

done_testing();

# What is erased leaves nothing: tables and columns are asked of the catalog, so that a new table is among them by
# itself. populate() must have put a row into each, else a table that nobody empties would pass.
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

# rows(COLUMN, VALUE): table by table, how many rows have this value there. A partition counts in its parent.
sub rows {
    my ($column, $value) = @_;
    my $out = value($node, $db, <<~SQL);
        SELECT format('SELECT %L, count(*) FROM auth_store.%I WHERE %I = %L', c.relname, c.relname, a.attname, '$value')
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = '$column' AND NOT a.attisdropped
         WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname \\gexec
        SQL
    return { map { split /\|/ } split /\n/, $out };
}

# Those of the tables that have rows, but for these.
sub with_rows {
    my ($rows, @but) = @_;
    my %but = map { $_ => 1 } @but;
    return join ' ', grep { $rows->{$_} > 0 && !$but{$_} } sort keys %$rows;
}

# --- a client --------------------------------------------------------------------------------------------------------

my ($client, $device_client) = @{ $store->{globex} }{qw(client device_client)};
my $before = rows('client_id', $client);
cmp_ok(keys %$before, '>', 8, 'tables have a client_id: ' . keys %$before);
# Device codes are another client's.
my @tables = grep { $_ ne 'device_codes' } sort keys %$before;
is(with_rows($before, 'device_codes'), "@tables", 'and a row of the client each');
value($node, $db, "SELECT auth_store.client_delete('$client')");
is(with_rows(rows('client_id', $client), 'audit_log'), '', 'client_delete leaves none but the audit trail');
cmp_ok(rows('client_id', $device_client)->{device_codes}, '>', 0, 'another client has device codes');
value($node, $db, "SELECT auth_store.client_delete('$device_client')");
is(with_rows(rows('client_id', $device_client), 'audit_log'), '', 'and leaves none');

# --- a tenant --------------------------------------------------------------------------------------------------------

$before = rows('tenant_id', 'acme');
my $others = rows('tenant_id', 'default');
cmp_ok(keys %$before, '>', 15, 'tables have a tenant_id: ' . keys %$before);
is(with_rows($before), join(' ', sort keys %$before), 'and a row of the tenant each');
value($node, $db, "SELECT auth_store.tenant_erase('acme', 'acme')");
my $after = rows('tenant_id', 'acme');
is(with_rows($after), 'audit_log', 'tenant_erase leaves none but in the audit trail');
is($after->{audit_log}, '1', 'where one row says so');
is(value($node, $db, "SELECT count(*) FROM auth_store.tenants WHERE id = 'acme'"), '0', 'and not the tenant');
is_deeply(rows('tenant_id', 'default'), $others, 'what another tenant has is all there');

done_testing();

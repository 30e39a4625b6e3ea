# A deleted client leaves nothing: the tables with a client_id are asked of the catalog, so that a new one is among them
# by itself, as tests/sql/tenant.sql does for tenants. populate() must have put a row into each, else a table that
# nobody empties would pass.
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

done_testing();

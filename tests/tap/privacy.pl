# docs/how-to/privacy.md says of each column that may hold something of a person where it is, how long, and how it ends:
# a new column that the page does not name fails here, and so does a name of the page that is in no table any more.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

# Columns that say nothing of a person, in whatever table: names of things, words of a protocol, and what the operator
# says of the store itself.
my %NOTHING = map { $_ => 1 } qw(tenant_id client_id status client_type token_endpoint_auth_method scope grant_types
  redirect_uris redirect_uri resources resource code_challenge code_challenge_method dpop_jkt acr amr purpose key_id
  provider actor_type kind algorithm event event_type event_types flag flags resource_type outcome master_key_id prefix
  start role attestation_format transports rp_id ceremony);
my %OF_THE_STORE = map { $_ => 1 } qw(breached_passwords cleanup_cursors client_secrets clients common_passwords
  issuers providers recoveries resource_servers roles schema_version signing_keys tenant_policies tenants
  webhook_event_types webhook_routes webhooks);
my %ELSE = map { $_ => 1 } qw(audit_log.error);

my $node = new_server('privacy');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
my $page = slurp_file('docs/how-to/privacy.md');
my %says;    # table => what stands beside it
for my $line (grep { /^\|/ } split /\n/, $page)
{
    my $cell = (split /\|/, $line)[2];
    my @tables = grep { value($node, $db, "SELECT to_regclass('auth_store.$_') IS NOT NULL") eq 't' }
      $cell =~ /`([a-z_]+)`/g;
    $says{$_} .= $cell for @tables;
    my $columns = join ',', map { "'$_'" } @tables;
    for my $name ($cell =~ /`([a-z_]+)`/g)
    {
        next if grep { $_ eq $name } @tables;
        is(value($node, $db, "SELECT count(*) > 0 FROM pg_attribute a WHERE a.attname = '$name' AND attrelid IN
            (SELECT to_regclass('auth_store.' || t) FROM unnest(ARRAY[$columns]) t)"), 't', "$name is a column");
    }
}

my $columns = value($node, $db, q{SELECT c.relname, a.attname
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_type e ON e.typarray = a.atttypid
   WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     AND (coalesce(e.oid, a.atttypid)::regtype::text IN ('text', 'inet', 'cidr', 'jsonb', 'json')
          OR a.attname IN ('user_id', 'actor_id'))
   ORDER BY 1, 2});
for (split /\n/, $columns)
{
    my ($table, $column) = split /\|/;
    next if $OF_THE_STORE{$table} || $NOTHING{$column} || $ELSE{"$table.$column"};
    # Whose a row is, the table's place on the page says.
    my $named = ($says{$table} // '') =~ ($column =~ /^(user_id|actor_id)$/ ? qr/./ : qr/`$column`/);
    ok($named, "the page names $table.$column");
}

done_testing();

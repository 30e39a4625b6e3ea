# What docs/how-to/extending.md and tenant_pin.md tell a DBA to type about triggers, about foreign keys to the store,
# and about rows for a pinned role without their counts, as it is written there.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('operating');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
my $store = populate($node, $db);
my $made = $store->{acme};
value($node, $db, 'CREATE ROLE web LOGIN; GRANT auth_store_app TO web');

sub block
{
    my ($page, $pattern) = @_;
    my @found = grep { /$pattern/ } slurp_file("$FindBin::Bin/../../docs/how-to/$page") =~ /^```sql\n(.*?)^```$/msg;
    is(scalar @found, 1, "$page has one block about $pattern");
    return $found[0];
}

# --- a trigger --------------------------------------------------------------------------------------------------------

succeeds($node, $db, block('extending.md', 'CREATE TRIGGER'), 'the trigger is made');
my $user = value($node, $db, q{SELECT user_id FROM auth_store.user_create('triggered@example.com')}, user => 'web');
is(value($node, $db, 'SELECT user_id, tenant_id FROM app.profiles'), "$user|default",
    'it writes the application\'s row');
value($node, $db, q{SELECT auth_store.user_ensure('triggered')}, user => 'web', options => '-c row_security=off');
is(value($node, $db, 'SELECT count(*) FROM app.profiles'), '2', 'by every function that makes a user');
is(value($node, $db, "SELECT count(*) FROM auth_store.check()
    WHERE object = 'table users' AND problem ~ 'trigger app_profile'"), '1', 'check() lists it');
# What the page says of whose rights it has, and of the search_path.
value($node, $db, <<'SQL');
CREATE TABLE app.seen (who text, path text);
GRANT INSERT ON app.seen TO app_profiles;
CREATE FUNCTION app.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '% % %', current_user, pg_catalog.current_setting('search_path'),
pg_catalog.current_setting('row_security'); RETURN NULL; END $$;
CREATE TRIGGER look AFTER INSERT ON auth_store.users FOR EACH ROW EXECUTE FUNCTION app.look();
SQL
like(run_sql($node, $db, "SET row_security = off; SELECT auth_store.user_ensure('looked')", user => 'web')->{err},
    qr/auth_store_owner pg_catalog, pg_temp on$/m,
    'another would run as the owner, with the search_path of the function');
value($node, $db, 'DROP TRIGGER look ON auth_store.users');
raises($node, $db, 'ALTER TABLE app.profiles RENAME TO gone; SET ROLE web; SELECT auth_store.user_ensure(\'failing\')',
    '42P01', 'an error in it fails the step');
value($node, $db, 'ALTER TABLE app.gone RENAME TO profiles');
raises($node, $db,
    "CREATE TRIGGER mine AFTER INSERT ON auth_store.users FOR EACH ROW EXECUTE FUNCTION app.profile_make()", '42501',
    'nobody else may make one', user => 'web');

# --- foreign keys -----------------------------------------------------------------------------------------------------

value($node, $db, 'CREATE ROLE migrator LOGIN; CREATE SCHEMA shop AUTHORIZATION migrator');
my ($grants, $tables) = (block('extending.md', 'GRANT auth_store_admin TO migrator'),
    block('extending.md', 'CREATE TABLE shop.orders'));
raises($node, $db, $tables, '42501', 'a foreign key to the store without the grant', user => 'migrator');
succeeds($node, $db, $grants, 'the grant');
succeeds($node, $db, $tables, 'the tables refer to the store', user => 'migrator');
is(value($node, $db, "SELECT string_agg(problem, ' ') FROM auth_store.check() WHERE severity = 'problem'"), '',
    'check() has nothing against it');
{
    my $order = "INSERT INTO shop.orders VALUES ('01a1fdb7-9226-837a-a552-e7edc3fd8896', %s, 1)";
    my $profile = 'INSERT INTO shop.profiles VALUES (%s, %s)';
    raises($node, $db, sprintf($order, 'gen_random_uuid()'), '23503', 'a user that there is not', user => 'migrator');
    raises($node, $db, sprintf($profile, "'$made->{user}'", "'globex'"), '23503',
        'one of another tenant, where the tenant is in the key', user => 'migrator');
    value($node, $db, sprintf($order, "'$made->{user}'") . ';' . sprintf($profile, "'$made->{user}'", "'acme'"),
        user => 'migrator');
    raises($node, $db, 'SELECT FROM auth_store.users', '42501', 'nothing is to be read', user => 'migrator');
    my $erase = "SELECT auth_store.tenant_erase('acme', 'acme')";
    my $refused = raises($node, $db, $erase, '23503', 'an order keeps its user: erasing is refused');
    like($refused->{message}, qr/on table "orders"/, 'and says what keeps it');
    is(value($node, $db, 'SELECT count(*) FROM shop.profiles'), '1', 'nothing is erased then');
    value($node, $db, 'DELETE FROM shop.orders', user => 'migrator');
    succeeds($node, $db, $erase, 'without the order it goes');
    is(value($node, $db, 'SELECT count(*) FROM shop.profiles'), '0', 'and takes the profile with it');
}
value($node, $db, 'DROP TABLE shop.orders, shop.profiles; REVOKE auth_store_admin FROM migrator');

# The least that is enough.
value($node, $db,
    'GRANT auth_store_reader TO migrator; GRANT REFERENCES (id, tenant_id) ON auth_store.users TO migrator');
succeeds($node, $db, $tables, 'REFERENCES granted to the role itself', user => 'migrator');
succeeds($node, $db, 'SET client_min_messages = warning; SELECT auth_store.install(), auth_store.migrate()',
    'install() and migrate()');
succeeds($node, $db, 'CREATE TABLE shop.more (user_id uuid REFERENCES auth_store.users (id))', 'leave it',
    user => 'migrator');
value($node, $db, 'DROP SCHEMA shop CASCADE');

# --- rows without their counts ----------------------------------------------------------------------------------------

succeeds($node, $db, block('tenant_pin.md', 'CREATE FUNCTION tenant_reports'), 'the function is made');
is(value($node, $db, "SELECT DISTINCT tenant_id FROM tenant_reports.activity(now() - interval '1 day')",
    user => 'acme_reports'), 'acme', 'it returns the tenant\'s rows');
raises($node, $db, 'SELECT FROM auth_store.recent_activity', '42501', 'the view is not to be read',
    user => 'acme_reports');
# What the page warns of, and that the function does not do it.
value($node, $db, "CREATE ROLE acme_auditor LOGIN; GRANT auth_store_auditor TO acme_auditor;
    ALTER ROLE acme_auditor SET auth_store.tenant_id = 'acme'");
# As the rows of an index are not in the same plan on every server, the filter is all there is.
my $others = value($node, $db, "SELECT count(*) FROM auth_store.recent_activity WHERE tenant_id <> 'acme'");
cmp_ok($others, '>', 0, 'there are rows of other tenants');
my $plan = value($node, $db, "EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT * FROM auth_store.recent_activity",
    user => 'acme_auditor');
my $removed = 0;
$removed += $1 while $plan =~ /Rows Removed by Filter: (\d+)/g;
is($removed, $others, 'EXPLAIN ANALYZE of the view counts them') or diag($plan);
for my $options ('ANALYZE', 'ANALYZE, VERBOSE, BUFFERS')
{
    unlike(value($node, $db, "EXPLAIN ($options) SELECT * FROM tenant_reports.activity(now() - interval '1 day')
        WHERE user_id = '$made->{user}'", user => 'acme_reports'),
        qr/audit_log|tenant_visible/, 'a plan of the function shows nothing of what is below');
}

$node->stop;
done_testing();

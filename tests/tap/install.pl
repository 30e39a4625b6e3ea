# The extension and its tables: CREATE, install(), check(), migrate(), uninstall(), DROP, a second
# database, hostile schemas.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Test::More;

my $node = new_server('install');
my %FACTS = table_facts();
my @TABLES = sort keys %FACTS;
my @VIEWS = qw(active_clients active_webhooks_by_event alerts audit_heads client_stats failed_actions jobs progress
    provider_connections recent_activity recent_webhook_deliveries security_events stats token_activity webhook_health);

# A database of its own for each thing that is tried.
my $databases = 0;
sub database
{
    my ($sql) = @_;
    my $name = sprintf 'db%02d', ++$databases;
    value($node, 'postgres', "CREATE DATABASE $name");
    value($node, $name, $sql) if defined $sql;
    return $name;
}

sub check_of
{
    my ($database) = @_;
    return value($node, $database, "SELECT object || ': ' || problem FROM auth_store.check()");
}

my $RELATIONS = q{SELECT relname FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace};
my $MEMBERS = q{SELECT d.objid::regclass FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
       AND e.extname = 'auth_store'};
# Composite types have a pg_class entry too; they are code.
$MEMBERS .= q{ AND (SELECT relkind FROM pg_class WHERE oid = d.objid) <> 'c'};

# --- CREATE EXTENSION ------------------------------------------------------------------------------------------------

my $db = database();
value($node, $db, 'CREATE EXTENSION auth_store');
is(value($node, $db, "$RELATIONS AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"),
    join("\n", @TABLES), 'CREATE EXTENSION makes the tables');
is(value($node, $db, "$RELATIONS AND relkind = 'v' ORDER BY relname"), join("\n", @VIEWS), 'and the views');
is(value($node, $db, $MEMBERS), '', 'none of them belongs to the extension');
is(value($node, $db,
    "$RELATIONS AND relowner <> CASE relkind WHEN 'v' THEN 'auth_store_view' ELSE 'auth_store_owner' END::regrole
    AND relkind <> 'c'"), '',
    'tables belong to auth_store_owner, views to auth_store_view');
is(value($node, $db, "SELECT count(*) >= 2 FROM pg_inherits WHERE inhparent = 'auth_store.audit_log'::regclass"), 't',
    'the audit trail has partitions of this month and ahead');
is(check_of($db), '', 'check() has nothing to say');
is(value($node, $db, "SELECT rolname FROM pg_roles
    WHERE rolname LIKE 'auth\\_store\\_%' AND NOT rolcanlogin AND NOT rolsuper ORDER BY 1"),
    join("\n", map { "auth_store_$_" } qw(admin app auditor developer jobs monitor owner reader verifier view worker)),
    'the roles are there and none can log in');
my ($version, $how) = split /\|/, value($node, $db, "SELECT version, name FROM auth_store.schema_version");
is($how, 'install', 'the version of the tables is recorded');
my $later = $version + 1;
my $store = populate($node, $db);
my $made = $store->{default};
is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't', 'the store works');

# --- install() again -------------------------------------------------------------------------------------------------

my ($rows, $shape) = (contents($node, $db), shape($node, $db));
is(value($node, $db, 'SELECT auth_store.install()'), $version, 'install() may be called again');
is(value($node, $db, 'SELECT auth_store.migrate()'), $version, 'migrate() has nothing to do');
is(value($node, $db, "SELECT auth_store.migrate(to_version => $version)"), $version,
    'nor has migrate() to the same version');
is(differences($rows, contents($node, $db)), '', 'neither changes a row');
is(differences($shape, shape($node, $db)), '', 'nor an object');
raises($node, $db, "SELECT auth_store.migrate($later)", '22023', 'migrate() to a version that is not known');
raises($node, $db, 'SELECT auth_store.migrate(0)', '22023', 'migrate() to version 0');
raises($node, $db, 'SELECT auth_store.migrate(-1)', '22023', 'migrate() to a negative version');

# The owner of a database is no superuser.
value($node, $db, "CREATE ROLE landlord LOGIN; ALTER DATABASE $db OWNER TO landlord;
    GRANT USAGE ON SCHEMA auth_store TO landlord; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth_store TO landlord");
for my $call ('install()', 'migrate()', "uninstall('$db')")
{
    raises($node, $db, "SELECT auth_store.$call", '42501', "$call by somebody who is no superuser", user => 'landlord');
}
value($node, $db,
    'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth_store FROM landlord; REVOKE USAGE ON SCHEMA auth_store FROM landlord');

# --- a second database -----------------------------------------------------------------------------------------------

my $second = database('CREATE EXTENSION auth_store');
is(check_of($second), '', 'a second database of the cluster has a store of its own');
is(value($node, $second, 'SELECT count(*) FROM auth_store.clients'), '0', 'without the rows of the first');
is(value($node, $second, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 'f',
    'whose tokens it does not know');
is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't', 'the first goes on');
is(differences(shape($node, $second), shape($node, database('CREATE EXTENSION auth_store'))), '',
    'every store has the same objects');

# --- DROP EXTENSION --------------------------------------------------------------------------------------------------

raises($node, $db, 'DROP EXTENSION auth_store', '2BP01', 'DROP EXTENSION while the tables exist');
is(differences($rows, contents($node, $db)), '', 'it changed no row');
value($node, $db, 'SET client_min_messages = warning; DROP EXTENSION auth_store CASCADE');
is(differences($rows, contents($node, $db)), '', 'DROP EXTENSION CASCADE keeps every row');
value($node, $db, 'CREATE EXTENSION auth_store');
is(differences($rows, contents($node, $db)), '', 'CREATE EXTENSION adopts the tables with every row');
is(differences($shape, shape($node, $db)), '', 'and puts back what CASCADE took: views, policies, privileges');
is(value($node, $db, $MEMBERS), '', 'again no relation belongs to the extension');
is(check_of($db), '', 'check() agrees');
is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't',
    'a token of before is active');
is(value($node, $db, "SELECT error IS NULL AND refresh_token LIKE 'asrt\\_%'
    FROM auth_store.token_refresh('$made->{refresh}', '$made->{client}', client_secret => '$made->{secret}')"), 't',
        'and its family refreshes');
is(value($node, $db,
    "SET auth_store.tenant_id = 'acme'; SELECT count(DISTINCT tenant_id) FROM auth_store.recent_activity"), '1',
    'the pin works again');

# --- functions without tables, or with others ------------------------------------------------------------------------

# What an application calls, reading and writing, with and without the executor.
my @CALLS = (
    "SELECT auth_store.token_introspect('$made->{access}')",
    "SELECT auth_store.token_refresh('$made->{refresh}', 'web')",
    "SELECT auth_store.client_create('new', ARRAY['https://new.example/cb'])",
    "SELECT auth_store.user_get('$made->{user}')",
    "SELECT auth_store.audit_write('x')",
    'SELECT auth_store.partitions_ensure()',
    'SELECT auth_store.partitions_drop()',
    'SELECT auth_store.cleanup_expired_data()',
    'CALL auth_store.cleanup()');

my $bare = database('SET check_function_bodies = off; SET client_min_messages = warning; CREATE EXTENSION auth_store');
is(value($node, $bare, "$RELATIONS AND relkind <> 'c'"), '', 'as in a restore, CREATE EXTENSION makes no tables');
like(run_sql($node, database(), 'SET check_function_bodies = off; CREATE EXTENSION auth_store')->{err},
    qr/NOTICE:.*no tables made\nHINT:.*SELECT auth_store\.install\(\)/s, 'and says so');
raises($node, $bare, $_, '55000', "without tables: $_", hint => 'SELECT auth_store.install()') for @CALLS;
raises($node, $bare, 'SELECT auth_store.migrate()', '55000', 'without tables: migrate()',
    hint => 'SELECT auth_store.install()');
like(check_of($bare), qr/^table \Q$_\E: missing$/m, "check() misses $_") for @TABLES;
is(value($node, $bare, 'SELECT auth_store.install()'), $version, 'install() makes them');
is(check_of($bare), '', 'and all is well');
is(differences(shape($node, $second), shape($node, $bare)), '', 'as after CREATE EXTENSION');

# A session that has called the store before notices that its tables are gone, and that they are back.
my $uninstalled = run_sql($node, $bare,
    "SELECT active FROM auth_store.token_introspect('x'); SELECT auth_store.uninstall('$bare');
    SELECT active FROM auth_store.token_introspect('x')");
is($uninstalled->{state}, '55000', 'a session that had used the tables notices that they are gone');
is($uninstalled->{hint}, 'SELECT auth_store.install()', 'and says what to do');

value($node, $second, "INSERT INTO auth_store.schema_version (version, name) VALUES ($later, 'of a later library')");
raises($node, $second, $_, '55000', "tables of another version: $_", hint => 'SELECT auth_store.migrate()') for @CALLS;
is(run_sql($node, $second, 'SELECT auth_store.migrate()')->{state}, '22023',
    'migrate() does not know the way from a later version');
isnt(check_of($second), '', 'check() reports the other version');
value($node, $second, "DELETE FROM auth_store.schema_version WHERE version = $later");
is(check_of($second), '', 'and has nothing to say when it is gone');
succeeds($node, $second, $_, "the version is back: $_") for 'SELECT auth_store.partitions_ensure()';

# --- uninstall() -----------------------------------------------------------------------------------------------------

raises($node, $db, "SELECT auth_store.uninstall('$second')", '22023', 'uninstall() with the name of another database');
raises($node, $db, "SELECT auth_store.uninstall('')", '22023', 'uninstall() with no name');
raises($node, $db, 'SELECT auth_store.uninstall(NULL)', '22004', 'uninstall(NULL)');
cmp_ok(value($node, $db, 'SELECT count(*) FROM auth_store.clients'), '==', 9, 'all rows are there');
value($node, $db, 'CREATE TABLE public.mine (id uuid, tenant_id text,
    FOREIGN KEY (id, tenant_id) REFERENCES auth_store.users (id, tenant_id))');
raises($node, $db, "SELECT auth_store.uninstall('$db')", '2BP01',
    'uninstall() while a table of the application refers to the store');
value($node, $db, 'DROP TABLE public.mine');
value($node, $db, "SELECT auth_store.uninstall(confirm => '$db')");
is(value($node, $db, "$RELATIONS AND relkind <> 'c'"), '', 'uninstall() leaves no relation');
succeeds($node, $db, 'DROP EXTENSION auth_store', 'then DROP EXTENSION needs no CASCADE');
is(value($node, $db, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'auth_store'::regnamespace"), '0',
    'and leaves no function');
value($node, $db, 'CREATE EXTENSION auth_store');
is(check_of($db), '', 'and CREATE EXTENSION begins anew');
is(value($node, $db, 'SELECT count(*) FROM auth_store.clients'), '0', 'without rows');

# --- hostile ground --------------------------------------------------------------------------------------------------

value($node, 'postgres', 'CREATE ROLE mallory LOGIN');
raises($node, database('CREATE SCHEMA auth_store AUTHORIZATION mallory'), 'CREATE EXTENSION auth_store', '42501',
    'a schema that somebody else owns');
# Names that the store uses, made beforehand by somebody who was let into the schema.
for my $trap (
    'CREATE TABLE auth_store.clients (id text)',
    'CREATE TABLE auth_store.extra (id text)',
    'CREATE TABLE auth_store.audit_log (LIKE pg_class)',
    'CREATE VIEW auth_store.recent_activity AS SELECT 1',
    'CREATE MATERIALIZED VIEW auth_store.users AS SELECT 1',
    'CREATE SEQUENCE auth_store.users')
{
    my $name = database("CREATE SCHEMA auth_store; GRANT CREATE, USAGE ON SCHEMA auth_store TO mallory");
    value($node, $name, $trap, user => 'mallory');
    my $result = raises($node, $name, 'CREATE EXTENSION auth_store', '42501', "made by somebody else: $trap");
    is(value($node, $name, q{SELECT count(*) FROM pg_extension WHERE extname = 'auth_store'}), '0', 'nothing was made');
}
for my $trap (
    q{CREATE FUNCTION auth_store.token_introspect(token text) RETURNS boolean LANGUAGE sql AS 'SELECT true'},
    q{CREATE FUNCTION auth_store.tenant_visible(tenant_id text) RETURNS boolean LANGUAGE sql AS 'SELECT true'},
    q{CREATE TYPE auth_store.token_state AS (active boolean)})
{
    my $name = database("CREATE SCHEMA auth_store; GRANT CREATE, USAGE ON SCHEMA auth_store TO mallory");
    value($node, $name, $trap, user => 'mallory');
    ok(!run_sql($node, $name, 'CREATE EXTENSION auth_store')->{ok}, "made by somebody else: $trap");
}
my $moved = database('CREATE SCHEMA elsewhere');
ok(!run_sql($node, $moved, 'CREATE EXTENSION auth_store SCHEMA elsewhere')->{ok},
    'the schema is auth_store and no other');
value($node, $moved, 'CREATE EXTENSION auth_store');
ok(!run_sql($node, $moved, 'ALTER EXTENSION auth_store SET SCHEMA elsewhere')->{ok}, 'and stays it');
raises($node, database("GRANT CREATE ON DATABASE postgres TO mallory"), 'CREATE EXTENSION auth_store', '42501',
    'CREATE EXTENSION by somebody who is no superuser', user => 'mallory');

# --- in shared_preload_libraries -------------------------------------------------------------------------------------

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'auth_store'");
$node->restart;
my $preloaded = database('CREATE EXTENSION auth_store');
is(check_of($preloaded), '', 'the same with auth_store in shared_preload_libraries');
is(differences(shape($node, $second), shape($node, $preloaded)), '', 'the same objects');
$made = populate($node, $preloaded)->{default};
$rows = contents($node, $preloaded);
value($node, $preloaded,
    'SET client_min_messages = warning; DROP EXTENSION auth_store CASCADE; CREATE EXTENSION auth_store');
is(differences($rows, contents($node, $preloaded)), '', 'DROP CASCADE and CREATE keep every row there too');
is(check_of($preloaded), '', 'check() agrees');
is(value($node, $preloaded, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't',
    'and the store works');
raises($node,
    database('SET check_function_bodies = off; SET client_min_messages = warning; CREATE EXTENSION auth_store'),
    $CALLS[0], '55000', 'and says what it misses', hint => 'SELECT auth_store.install()');

$node->stop;
done_testing();

# The extension and its tables: CREATE, install(), check(), migrate(), uninstall(), DROP, a second database, hostile schemas.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Test::More;

my $node = new_server('install');
my @TABLES = qw(access_tokens api_keys audit_log authorization_codes claimed_jtis cleanup_cursors client_secrets clients connections
  consents device_codes grants imported_api_keys imported_refresh_tokens pushed_requests rate_limits revoked_jtis schema_version sessions
  tenants users vault_keys);
my @VIEWS = qw(failed_actions provider_connections recent_activity security_events token_activity);

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
my $VERSION = value($node, $db, 'SELECT max(version) FROM auth_store.schema_version');
my $LATER = $VERSION + 1;
is(value($node, $db, "$RELATIONS AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname"),
	join("\n", @TABLES), 'CREATE EXTENSION makes the tables');
is(value($node, $db, "$RELATIONS AND relkind = 'v' ORDER BY relname"), join("\n", @VIEWS), 'and the views');
is(value($node, $db, $MEMBERS), '', 'none of them belongs to the extension');
is(value($node, $db, "$RELATIONS AND relowner <> 'auth_store_owner'::regrole AND relkind <> 'c'"), '', 'all belong to auth_store_owner');
is(value($node, $db, "SELECT count(*) >= 2 FROM pg_inherits WHERE inhparent = 'auth_store.audit_log'::regclass"), 't',
	'the audit trail has partitions of this month and ahead');
is(check_of($db), '', 'check() has nothing to say');
is(value($node, $db, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'auth\\_store\\_%' AND NOT rolcanlogin AND NOT rolsuper ORDER BY 1"),
	join("\n", map { "auth_store_$_" } qw(admin app auditor owner reader)), 'the roles are there and none can log in');
is(value($node, $db, "SELECT version, name FROM auth_store.schema_version"), "$VERSION|install", 'the version of the tables is recorded');
my $store = populate($node, $db);
my $made = $store->{default};
is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't', 'the store works');

# --- install() again -------------------------------------------------------------------------------------------------

my ($rows, $shape) = (contents($node, $db), shape($node, $db));
is(value($node, $db, 'SELECT auth_store.install()'), $VERSION, 'install() may be called again');
is(value($node, $db, 'SELECT auth_store.migrate()'), $VERSION, 'migrate() has nothing to do');
is(value($node, $db, "SELECT auth_store.migrate(to_version => $VERSION)"), $VERSION, 'nor has migrate() to the same version');
is(differences($rows, contents($node, $db)), '', 'neither changes a row');
is(differences($shape, shape($node, $db)), '', 'nor an object');
raises($node, $db, "SELECT auth_store.migrate($LATER)", '22023', 'migrate() to a version that is not known');
raises($node, $db, 'SELECT auth_store.migrate(0)', '22023', 'migrate() to version 0');
raises($node, $db, 'SELECT auth_store.migrate(-1)', '22023', 'migrate() to a negative version');

# The owner of a database is no superuser.
value($node, $db, "CREATE ROLE landlord LOGIN; ALTER DATABASE $db OWNER TO landlord;
	GRANT USAGE ON SCHEMA auth_store TO landlord; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth_store TO landlord");
for my $call ('install()', 'migrate()', "uninstall('$db')")
{
	raises($node, $db, "SELECT auth_store.$call", '42501', "$call by somebody who is no superuser", user => 'landlord');
}
value($node, $db, 'REVOKE ALL ON ALL FUNCTIONS IN SCHEMA auth_store FROM landlord; REVOKE USAGE ON SCHEMA auth_store FROM landlord');

# --- a second database -----------------------------------------------------------------------------------------------

my $second = database('CREATE EXTENSION auth_store');
is(check_of($second), '', 'a second database of the cluster has a store of its own');
is(value($node, $second, 'SELECT count(*) FROM auth_store.clients'), '0', 'without the rows of the first');
is(value($node, $second, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 'f', 'whose tokens it does not know');
is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't', 'the first goes on');
is(differences(shape($node, $second), shape($node, database('CREATE EXTENSION auth_store'))), '', 'every store has the same objects');

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
is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't', 'a token of before is active');
is(value($node, $db, "SELECT error IS NULL AND refresh_token LIKE 'asrt\\_%'
	FROM auth_store.token_refresh('$made->{refresh}', '$made->{client}', client_secret => '$made->{secret}')"), 't', 'and its family refreshes');
is(value($node, $db, "SET auth_store.tenant_id = 'acme'; SELECT count(DISTINCT tenant_id) FROM auth_store.recent_activity"), '1',
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
raises($node, $bare, 'SELECT auth_store.migrate()', '55000', 'without tables: migrate()', hint => 'SELECT auth_store.install()');
like(check_of($bare), qr/^table \Q$_\E: missing$/m, "check() misses $_") for @TABLES;
is(value($node, $bare, 'SELECT auth_store.install()'), $VERSION, 'install() makes them');
is(check_of($bare), '', 'and all is well');
is(differences(shape($node, $second), shape($node, $bare)), '', 'as after CREATE EXTENSION');

# A session that has called the store before notices that its tables are gone, and that they are back.
my $uninstalled = run_sql($node, $bare, "SELECT active FROM auth_store.token_introspect('x'); SELECT auth_store.uninstall('$bare');
	SELECT active FROM auth_store.token_introspect('x')");
is($uninstalled->{state}, '55000', 'a session that had used the tables notices that they are gone');
is($uninstalled->{hint}, 'SELECT auth_store.install()', 'and says what to do');

value($node, $second, "INSERT INTO auth_store.schema_version (version, name) VALUES ($LATER, 'of a later library')");
raises($node, $second, $_, '55000', "tables of another version: $_", hint => 'SELECT auth_store.migrate()') for @CALLS;
is(run_sql($node, $second, 'SELECT auth_store.migrate()')->{state}, '22023', 'migrate() does not know the way from a later version');
isnt(check_of($second), '', 'check() reports the other version');
value($node, $second, "DELETE FROM auth_store.schema_version WHERE version = $LATER");
is(check_of($second), '', 'and has nothing to say when it is gone');
succeeds($node, $second, $_, "the version is back: $_") for 'SELECT auth_store.partitions_ensure()';

# --- damage ----------------------------------------------------------------------------------------------------------

# [what is done, what check() must say in exactly one row, whether install() repairs it].
my $month = value($node, $second, q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', '"audit_log_y"YYYY"m"MM')});
value($node, $second, 'CREATE ROLE stranger');
for my $damage (
	[ 'DROP POLICY tenant_pin ON auth_store.grants', qr/^table grants: .*policy/, 'repairs' ],
	[ "DROP POLICY tenant_pin ON auth_store.$month", qr/^table $month: .*policy/, 'repairs' ],
	[ 'ALTER POLICY tenant_pin ON auth_store.users USING (true)', qr/^table users: .*policy/, 'repairs' ],
	[ 'ALTER POLICY tenant_pin ON auth_store.users TO auth_store_app', qr/^table users: .*policy/, 'repairs' ],
	[ 'ALTER POLICY tenant_pin ON auth_store.users WITH CHECK (true)', qr/^table users: .*policy/, 'repairs' ],
	[ 'CREATE POLICY wide ON auth_store.users USING (true)', qr/^table users: .*wide/ ],
	[ 'ALTER TABLE auth_store.access_tokens DISABLE ROW LEVEL SECURITY', qr/^table access_tokens: .*row-level security/, 'repairs' ],
	[ 'ALTER TABLE auth_store.access_tokens NO FORCE ROW LEVEL SECURITY', qr/^table access_tokens: .*row-level security/, 'repairs' ],
	[ 'DROP INDEX auth_store.grants_user_idx', qr/^table grants: .*grants_user_idx/, 'repairs' ],
	[ 'ALTER TABLE auth_store.access_tokens DROP CONSTRAINT access_tokens_pkey', qr/^table access_tokens: .*access_tokens_pkey/ ],
	[ 'ALTER TABLE auth_store.grants DROP CONSTRAINT grants_client_fkey', qr/^table grants: .*grants_client_fkey/ ],
	[ 'ALTER TABLE auth_store.clients DROP CONSTRAINT clients_status_known', qr/^table clients: .*clients_status_known/ ],
	[ 'ALTER TABLE auth_store.clients DROP COLUMN name', qr/^table clients: .*columns/ ],
	[ 'ALTER TABLE auth_store.clients ADD COLUMN note text', qr/^table clients: .*columns/ ],
	[ 'ALTER TABLE auth_store.clients ALTER COLUMN name TYPE varchar(20)', qr/^table clients: .*columns/ ],
	[ 'ALTER TABLE auth_store.clients ALTER COLUMN name DROP NOT NULL', qr/^table clients: .*columns/ ],
	[ 'DROP TABLE auth_store.authorization_codes', qr/^table authorization_codes: missing/, 'repairs' ],
	[ 'DROP VIEW auth_store.recent_activity', qr/^view recent_activity: missing/, 'repairs' ],
	[ "ALTER TABLE auth_store.$month REPLICA IDENTITY DEFAULT", qr/^table $month: .*replica identity/ ],
	[ 'ALTER TABLE auth_store.claimed_jtis REPLICA IDENTITY NOTHING', qr/^table claimed_jtis: .*replica identity/, 'repairs' ],
	[ "DROP TABLE auth_store.$month", qr/^table audit_log: .*current month/, 'repairs' ],
	[ 'ALTER TABLE auth_store.users OWNER TO CURRENT_USER', qr/^table users: belongs to/, 'repairs' ],
	[ 'ALTER VIEW auth_store.recent_activity OWNER TO CURRENT_USER', qr/^view recent_activity: belongs to/, 'repairs' ],
	[ 'GRANT SELECT ON auth_store.client_secrets TO stranger', qr/^table client_secrets: SELECT is granted to stranger/ ],
	[ "GRANT INSERT ON auth_store.$month TO stranger", qr/^table $month: INSERT is granted to stranger/ ],
	[ 'GRANT UPDATE (status) ON auth_store.users TO stranger', qr/^table users: UPDATE.* is granted to stranger/ ],
	[ 'GRANT SELECT ON auth_store.recent_activity TO PUBLIC', qr/^view recent_activity: SELECT is granted to PUBLIC/ ],
	[ 'REVOKE SELECT ON auth_store.recent_activity FROM auth_store_auditor', qr/^view recent_activity: SELECT is not granted to auth_store_auditor/ ],
	[ 'GRANT EXECUTE ON FUNCTION auth_store.token_refresh TO PUBLIC', qr/^function auth_store\.token_refresh\(.*\): PUBLIC/ ],
	[ 'ALTER FUNCTION auth_store.token_refresh OWNER TO CURRENT_USER', qr/^function auth_store\.token_refresh\(.*\): runs as/ ],
	[ 'ALTER FUNCTION auth_store.token_refresh SET search_path = public, pg_catalog', qr/^function auth_store\.token_refresh\(.*\): .*search_path/ ],
	[ 'GRANT CREATE ON SCHEMA auth_store TO stranger', qr/^schema auth_store: .*stranger/ ],
	[ 'ALTER SCHEMA auth_store OWNER TO stranger', qr/^schema auth_store: .*stranger/ ],
	[ 'CREATE FUNCTION public.spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
	   CREATE TRIGGER spy BEFORE INSERT ON auth_store.grants FOR EACH ROW EXECUTE FUNCTION public.spy()', qr/^table grants: .*trigger spy/ ],
	[ 'CREATE RULE spy AS ON INSERT TO auth_store.grants DO ALSO NOTHING', qr/^table grants: .*rule spy/ ],
	[ "INSERT INTO auth_store.schema_version (version, name) VALUES ($LATER, 'x')", qr/^table schema_version: .*version/ ],
  )
{
	my ($sql, $expected, $repairs) = @$damage;
	my $name = $sql =~ s/\s+/ /gr;
	$name = substr($name, 0, 77) . '...' if length $name > 80;
	my $out = value($node, $second, "BEGIN; $sql; SELECT object || ': ' || problem FROM auth_store.check(); ROLLBACK");
	my @rows = split /\n/, $out;
	ok(@rows == 1 && $rows[0] =~ $expected, "check() after $name") or diag("expected one row like $expected, got: $out");
	next unless $repairs;
	my $repaired = run_sql($node, $second, "SET client_min_messages = warning; BEGIN; $sql; SELECT auth_store.install() \\g /dev/null
		SELECT object || ': ' || problem FROM auth_store.check(); ROLLBACK");
	ok($repaired->{ok} && $repaired->{out} eq '', "install() repairs it") or diag($repaired->{out}, $repaired->{err});
}
is(check_of($second), '', 'every damage was undone');
is(value($node, $second, "SELECT count(*) FROM auth_store.check() c WHERE c.hint IS NULL OR c.hint = ''"), '0', 'no hint is empty');

# --- uninstall() -----------------------------------------------------------------------------------------------------

raises($node, $db, "SELECT auth_store.uninstall('$second')", '22023', 'uninstall() with the name of another database');
raises($node, $db, "SELECT auth_store.uninstall('')", '22023', 'uninstall() with no name');
raises($node, $db, 'SELECT auth_store.uninstall(NULL)', '22004', 'uninstall(NULL)');
cmp_ok(value($node, $db, 'SELECT count(*) FROM auth_store.clients'), '==', 6, 'all rows are there');
value($node, $db, 'CREATE TABLE public.mine (id uuid, tenant_id text, FOREIGN KEY (id, tenant_id) REFERENCES auth_store.users (id, tenant_id))');
raises($node, $db, "SELECT auth_store.uninstall('$db')", '2BP01', 'uninstall() while a table of the application refers to the store');
value($node, $db, 'DROP TABLE public.mine');
value($node, $db, "SELECT auth_store.uninstall(confirm => '$db')");
is(value($node, $db, "$RELATIONS AND relkind <> 'c'"), '', 'uninstall() leaves no relation');
succeeds($node, $db, 'DROP EXTENSION auth_store', 'then DROP EXTENSION needs no CASCADE');
is(value($node, $db, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'auth_store'::regnamespace"), '0', 'and leaves no function');
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
ok(!run_sql($node, $moved, 'CREATE EXTENSION auth_store SCHEMA elsewhere')->{ok}, 'the schema is auth_store and no other');
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
value($node, $preloaded, 'SET client_min_messages = warning; DROP EXTENSION auth_store CASCADE; CREATE EXTENSION auth_store');
is(differences($rows, contents($node, $preloaded)), '', 'DROP CASCADE and CREATE keep every row there too');
is(check_of($preloaded), '', 'check() agrees');
is(value($node, $preloaded, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't', 'and the store works');
raises($node, database('SET check_function_bodies = off; SET client_min_messages = warning; CREATE EXTENSION auth_store'),
	$CALLS[0], '55000', 'and says what it misses', hint => 'SELECT auth_store.install()');

$node->stop;
done_testing();

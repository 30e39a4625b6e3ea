# ALTER EXTENSION auth_store UPDATE, from the functions of 0.1.0 to this library's, and migrate(): the database is then
# a fresh install but for its rows, and what an application has made over unchanged functions is still there.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use File::Copy qw(copy);
use Released;
use Test::More;

my $THEN = '0.1.0';
my ($node, $libraries) = server_of_now_and_then('update', $THEN);
my $now = value($node, 'postgres', q{SELECT default_version FROM pg_available_extensions WHERE name = 'auth_store'});
is(value($node, 'postgres', "SELECT path FROM pg_extension_update_paths('auth_store')
    WHERE source = '$THEN' AND target = '$now'"), "$THEN--$now", 'there is a way from a released version, in one step');

my $UPDATE = 'ALTER EXTENSION auth_store UPDATE';
my $BOTH = "BEGIN; $UPDATE; SELECT auth_store.migrate(); COMMIT";
my $databases = 0;
sub old { return restored_dump($node, sprintf('then%02d', ++$databases), $THEN, as_it_was => 1) }
sub version_of
{
    return value($node, $_[0], q{SELECT extversion FROM pg_extension WHERE extname = 'auth_store'});
}
sub findings { return value($node, $_[0], 'SELECT object, problem FROM auth_store.check()') }

# --- the catalog -----------------------------------------------------------------------------------------------------

# Before the fresh one, so that the roles of the cluster are those of then.
my $db = old();
is(version_of($db), $THEN, 'the functions are those of then');
value($node, $db, q{CREATE ROLE given; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth_store TO given;
    ALTER FUNCTION auth_store.id_time COST 77; COMMENT ON FUNCTION auth_store.id_time IS 'other'});
my $result = run_sql($node, $db, $BOTH);
ok($result->{ok}, 'the update and migrate() in one transaction') or diag($result->{err});
is(findings($db), '', 'check() finds nothing');

value($node, 'postgres', 'CREATE DATABASE fresh TEMPLATE template0');
value($node, 'fresh', 'CREATE EXTENSION auth_store; SELECT auth_store.jti_partitions_ensure()');
my $newest = value($node, 'fresh', 'SELECT max(version) FROM auth_store.schema_version');
my $fresh = catalog_of($node, 'fresh');
sub same_as_fresh
{
    my ($database, $name) = @_;
    is(differences(catalog_of($node, $database), $fresh), '', $name);
}
is(version_of($db), $now, "the version is the library's");
same_as_fresh($db, 'the catalog is that of a fresh install');
is(value($node, $db, 'SELECT auth_store.migrate(to_version => 1)'), '1', 'back to the tables of then');
is(value($node, $db, 'SELECT auth_store.migrate()'), $newest, 'and up again');
same_as_fresh($db, 'to the catalog of a fresh install');
goes_on($node, $db);
$result = run_sql($node, $db, $UPDATE);
like($result->{err}, qr/NOTICE:.*already installed/, 'there is nothing to update then');

# --- this library with the functions of then ------------------------------------------------------------------------

my $between = old();
raises($node, $between, $_, '55000', "before the update: $_", hint => $UPDATE)
  for CALLS(), 'SELECT auth_store.migrate()', 'SELECT auth_store.install()';
is(version_of($between), $THEN, 'nothing is updated');

# --- what default privileges give away, and the two statements apart -------------------------------------------------

my $apart = old();
value($node, $apart, q{ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO given;
    ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO given; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO given});
$result = run_sql($node, $apart, $UPDATE);
ok($result->{ok}, 'the update alone') or diag($result->{err});
like($result->{err}, qr/WARNING:.*of version 1, .*SELECT auth_store\.migrate\(\)/, 'says what comes next');
raises($node, $apart, $_, '55000', "until then: $_", hint => 'SELECT auth_store.migrate()') for CALLS();
is(value($node, $apart, 'SELECT auth_store.migrate()'), $newest, 'migrate()');
is(findings($apart), '', 'check() finds nothing, no privilege of another role either');

# --- what an application has made ------------------------------------------------------------------------------------

my $app = old();
my $access = issued('acme', 'access');
value($node, $app, <<"SQL");
CREATE SCHEMA app;
CREATE VIEW app.state AS SELECT * FROM auth_store.token_introspect('$access');
CREATE VIEW app.activity AS SELECT * FROM auth_store.token_activity;
CREATE FUNCTION app.whose(token text) RETURNS uuid LANGUAGE sql
    BEGIN ATOMIC SELECT s.user_id FROM auth_store.token_introspect(token) s; END;
CREATE FUNCTION app.latest(id uuid) RETURNS SETOF auth_store.session_entry LANGUAGE sql
    AS 'SELECT * FROM auth_store.session_list(id)';
CREATE TABLE app.orders (
    id        uuid DEFAULT gen_random_uuid(),
    tenant_id text,
    verifier  text,
    challenge text GENERATED ALWAYS AS (auth_store.pkce_challenge(verifier)) STORED,
    seen      auth_store.token_state);
CREATE INDEX ON app.orders (auth_store.id_time(id));
ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.orders USING (auth_store.tenant_visible(tenant_id));
INSERT INTO app.orders (verifier, seen.active, seen.claims) VALUES (repeat('x', 43), true, '{"a": 1}');
SQL
my $MADE = q{SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_depend d
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'app'::regnamespace
    UNION ALL SELECT pg_get_viewdef(v::regclass) FROM unnest('{app.state,app.activity}'::text[]) v
    UNION ALL SELECT pg_get_functiondef('app.whose'::regproc)
    UNION ALL SELECT to_jsonb(t) - 'seen' || jsonb_build_object('seen', (t.seen).claims) || to_jsonb(p) #>> '{}'
      FROM app.orders t, pg_policies p WHERE p.schemaname = 'app'
    ORDER BY 1};
my $made = value($node, $app, $MADE);
value($node, $app, <<'SQL');
CREATE VIEW app.ensured AS SELECT auth_store.user_ensure('1') AS id;
CREATE TABLE app.defaults (id uuid DEFAULT auth_store.user_ensure('1'), past auth_store.user_application[]);
CREATE TABLE app.typed OF auth_store.token_state;
CREATE VIEW app.alarms AS SELECT * FROM auth_store.security_events WHERE severity = 'critical';
SQL
my $before = contents($node, $app);
my $refused = raises($node, $app, $BOTH, '2BP01', 'objects over what the update changes',
    hint => 'In one transaction: drop them, update, and make them anew as CHANGELOG.md says.');
for my $named (
    qr/rule _RETURN on view app\.ensured depends on function user_ensure\(text,text\)/,
    qr/default value for column id of table app\.defaults depends on function user_ensure\(text,text\)/,
    qr/column past of table app\.defaults depends on type user_application\[\]/,
    qr/table app\.typed depends on type token_state/,
    qr/rule _RETURN on view app\.alarms depends on view security_events/)
{
    like($refused->{err}, $named, 'are named');
}
unlike($refused->{err}, qr/app\.(?:state|activity|whose|latest|orders)/, 'and no other');
is(version_of($app), $THEN, 'nothing is updated');
is(differences($before, contents($node, $app)), '', 'and no row changed');
value($node, $app, 'DROP VIEW app.ensured, app.alarms; DROP TABLE app.defaults, app.typed');
value($node, $app, 'CREATE FUNCTION auth_store.password_hash(password text) RETURNS text LANGUAGE sql RETURN NULL');
raises($node, $app, $BOTH, '42723', "somebody's function of the name of a new one");
value($node, $app, 'DROP FUNCTION auth_store.password_hash(text)');
value($node, $app, 'ALTER EXTENSION auth_store DROP FUNCTION auth_store.id_time(uuid)');
raises($node, $app, $BOTH, '55000', "and one that is no longer the extension's");
value($node, $app, 'ALTER EXTENSION auth_store ADD FUNCTION auth_store.id_time(uuid)');
# Twins of what the script uses, in front of all.
value($node, $app, <<'SQL');
CREATE SCHEMA evil;
CREATE FUNCTION evil.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION evil.to_regprocedure(text) RETURNS regprocedure LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION evil.concat(text, text) RETURNS text LANGUAGE sql AS 'SELECT 1 / 0';
CREATE FUNCTION evil.differ(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT (1 / 0)::boolean';
CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.differ);
CREATE OPERATOR evil.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.concat);
CREATE DOMAIN evil.text AS pg_catalog.text CHECK (false);
CREATE DOMAIN evil.jsonb AS pg_catalog.jsonb CHECK (false);
SQL
my $evil = 'CREATE TEMPORARY TABLE pg_class (oid oid); CREATE TEMPORARY TABLE grants (id uuid);
    CREATE TEMPORARY TABLE pg_depend (a int); SET search_path = evil, pg_temp, pg_catalog;';
$result = run_sql($node, $app, "$evil $BOTH");
ok($result->{ok}, 'over unchanged functions and views, and under a hostile search_path, the update goes through')
  or diag($result->{err});
value($node, $app, 'DROP SCHEMA evil CASCADE');
is(value($node, $app, $MADE), $made, 'what the application has made is as it was');
is(value($node, $app, "SELECT active, app.whose('$access') = user_id FROM app.state"), 't|t', 'and works');
is(value($node, $app, 'SELECT (seen).active, (seen).authorization_details FROM app.orders'), 't|',
    'a row of a type that got columns lacks them');
is(value($node, $app, 'SELECT count(*) > 0 FROM app.activity'), 't', 'a view over a view of the store too');
same_as_fresh($app, 'the catalog is that of a fresh install');

# --- dump and restore of what was updated ----------------------------------------------------------------------------

$node->command_ok([ 'pg_dump', '-Fc', '--no-sync', '-f', $node->basedir . '/updated.dump', $app ], 'pg_dump');
value($node, 'postgres', 'CREATE DATABASE restored TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'restored', $node->basedir . '/updated.dump' ],
    'pg_restore');
is(differences(contents($node, $app), contents($node, 'restored')), '', 'every row is there');
is(findings('restored'), '', 'check() finds nothing');
same_as_fresh('restored', 'the catalog is that of a fresh install');
goes_on($node, 'restored');

# --- which library ---------------------------------------------------------------------------------------------------

my $loaded = old();
my $file = "$libraries/auth_store.so";
rename $file, "$file.now" or die "$file: $!";
# A library without the functions of this one, as the older one that a session has loaded is.
copy("$libraries/utf8_and_win.so", $file) or die "$file: $!";
$result = run_sql($node, $loaded, "LOAD '\$libdir/auth_store';\n\\! mv '$file.now' '$file'\n$BOTH");
is($result->{state}, '55000', 'a session with an older library does not update');
like($result->{message}, qr/this session has the library of an older version loaded/, 'and says why');
is(version_of($loaded), $THEN, 'nothing is updated');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'auth_store'");
$node->restart;
$result = run_sql($node, $loaded, $BOTH);
ok($result->{ok}, 'with the library preloaded it does') or diag($result->{err});
same_as_fresh($loaded, 'the catalog is that of a fresh install');
goes_on($node, $loaded);

$node->stop;
done_testing();

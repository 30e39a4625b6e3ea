# check(): it says nothing of a fresh install and of what an administrator may do, and notes what an application may
# add. And privileges: exact, whatever default privileges there are.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Check;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_checked('check');
my $db = 'postgres';
my $major = int(value($node, $db, 'SHOW server_version_num') / 10000);
my $month = value($node, $db, q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', '"audit_log_y"YYYY"m"MM')});

# --- the shipped text ------------------------------------------------------------------------------------------------

{
    my $shape = slurp_file("$FindBin::Bin/../../sql/shape.sql");
    my $now = value($node, $db, "SET search_path = pg_catalog, pg_temp; SET TimeZone = 'UTC';
        SET DateStyle = ISO;\n$shape SELECT pg_catalog.concat_ws(E'\\t', key, part, definition) FROM fact
        GROUP BY key, part, definition ORDER BY key COLLATE \"C\", part COLLATE \"C\", definition COLLATE \"C\"");
    my %shipped = map { $_ => 1 } split /\n/, slurp_file("$FindBin::Bin/../../sql/shape.txt");
    my %now = map { $_ => 1 } split /\n/, $now;
    is(join("\n", grep { !$now{$_} } sort keys %shipped), '',
        'sql/shape.txt has nothing that a fresh install has not: else run scripts/shape');
    is(join("\n", grep { !$shipped{$_} } sort keys %now), '', 'and lacks nothing');
}
is(value($node, $db, $FOUND), '', 'check() has nothing to say of a fresh install');

# --- notes -----------------------------------------------------------------------------------------------------------

for (
    [ 'CREATE TRIGGER spy BEFORE INSERT ON auth_store.grants FOR EACH ROW EXECUTE FUNCTION app.spy()',
        'table grants: carries the trigger spy, which sees every row' ],
    [ 'ALTER TABLE auth_store.clients ADD COLUMN note text', 'table clients: carries the column note' ],
    [ 'ALTER TABLE auth_store.clients ADD COLUMN made int NOT NULL DEFAULT 1',
        'table clients: carries the column made' ],
    [ 'ALTER TABLE auth_store.clients ADD COLUMN n bigint GENERATED ALWAYS AS IDENTITY',
        'table clients: carries the column n' ],
    [ 'CREATE INDEX mine ON auth_store.grants (expires_at)', 'table grants: carries the index mine' ],
    [ "CREATE INDEX mine ON auth_store.$month (event)", "table $month: carries the index mine" ],
    [ q{ALTER TABLE auth_store.clients ADD CONSTRAINT mine CHECK (name <> '')},
        'table clients: carries the constraint mine' ],
    [ 'ALTER TABLE auth_store.users ADD CONSTRAINT mine UNIQUE (tenant_id, id)',
        'table users: carries the constraint mine' ],
    [ 'CREATE POLICY narrow ON auth_store.users AS RESTRICTIVE USING (true)',
        'table users: carries the policy narrow, which narrows' ],
    [ 'CREATE STATISTICS auth_store.mine ON user_id, client_id FROM auth_store.grants',
        'statistics object auth_store.mine: is none' ],
    [ 'ALTER TABLE auth_store.clients ADD COLUMN n bigserial', 'table clients: carries the column n' ],
    [ 'CREATE CAST (auth_store.outcome AS text) WITH INOUT', 'cast from auth_store.outcome to text: is none' ],
  )
{
    my ($sql, $expected, %how) = @$_;
    finds($node, 'note', $sql, $expected, %how);
}

# --- silence ---------------------------------------------------------------------------------------------------------

for my $sql (
    'SET quote_all_identifiers = on', q{SET DateStyle = 'German, DMY'}, 'SET IntervalStyle = iso_8601',
    q{SET TimeZone = 'Pacific/Auckland'}, 'SET row_security = off',
    'SET standard_conforming_strings = off', 'SET extra_float_digits = -15', 'SET bytea_output = escape',
    'SET transform_null_equals = on', 'SET check_function_bodies = off',
    'SET client_min_messages = error', 'SET session_replication_role = replica',
    'SET search_path = auth_store, public, pg_catalog', q{SET search_path = ''}, 'SET enable_indexscan = off',
    'GRANT auth_store_app, auth_store_admin TO app_login', 'GRANT auth_store_app TO app_login WITH ADMIN OPTION',
    'ALTER TABLE auth_store.grants SET (autovacuum_vacuum_scale_factor = 0.01, fillfactor = 70)',
    'ALTER INDEX auth_store.grants_user_idx SET (fillfactor = 70)',
    'ALTER TABLE auth_store.grants ALTER COLUMN user_id SET STATISTICS 1000',
    'ALTER TABLE auth_store.grants CLUSTER ON grants_pkey', 'CLUSTER auth_store.consents USING consents_pkey',
    'ALTER TABLE auth_store.grants ALTER COLUMN claims SET STORAGE EXTERNAL',
    'ALTER FUNCTION auth_store.token_refresh COST 10', 'ALTER FUNCTION auth_store.session_list ROWS 5',
    'COMMENT ON TABLE auth_store.grants IS NULL', 'COMMENT ON FUNCTION auth_store.token_refresh IS NULL',
    'COMMENT ON ROLE auth_store_app IS NULL',
    'GRANT auth_store_verifier TO app_login', 'GRANT auth_store_jobs, auth_store_worker TO app_login',
    'REINDEX TABLE auth_store.grants', 'ANALYZE auth_store.grants', "TRUNCATE auth_store.access_tokens",
    'CREATE STATISTICS app.mine ON user_id, client_id FROM auth_store.grants',
    'GRANT REFERENCES (id) ON auth_store.users TO stranger',
    'GRANT REFERENCES (id, tenant_id) ON auth_store.users TO stranger WITH GRANT OPTION',
    'GRANT REFERENCES (id) ON auth_store.tenants TO PUBLIC',
    'GRANT REFERENCES (id, tenant_id) ON auth_store.clients TO auth_store_app',
    'GRANT REFERENCES (id) ON auth_store.users TO auth_store_admin WITH GRANT OPTION',
    'CREATE TABLE app.orders (user_id uuid, tenant_id text,
        FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id, tenant_id))',
    'CREATE VIEW app.mine AS SELECT * FROM auth_store.recent_activity', 'CREATE TABLE app.many OF auth_store.outcome',
    'ALTER ROLE app_login SET auth_store.tenant_id = \'\'', 'ALTER ROLE auth_store_app CONNECTION LIMIT 5',
    'ALTER ROLE app_login SUPERUSER',
    'SELECT auth_store.partitions_ensure(6)', q{SELECT auth_store.jti_claim('i', 'far', clock_timestamp() + '23 hours'),
        auth_store.jti_revoke('far', clock_timestamp() + '23 hours'),
        auth_store.jti_revoke('farther', clock_timestamp() + '30 days')},
    'ALTER DEFAULT PRIVILEGES IN SCHEMA auth_store GRANT SELECT ON TABLES TO stranger', 'SELECT auth_store.install()',
    'SELECT auth_store.migrate()',
    'ALTER TABLE auth_store.users REPLICA IDENTITY FULL',
  )
{
    my $out = run_sql($node, $db, "SET client_min_messages = warning; BEGIN; $sql \\g /dev/null\n$FOUND; ROLLBACK");
    ok($out->{ok} && $out->{out} eq '', "silence: $sql") or diag($out->{out}, $out->{err});
}
for my $user ('app_login')
{
    value($node, $db, "GRANT auth_store_auditor TO $user");
    is(value($node, $db, $FOUND, user => $user), '', 'an auditor is told the same');
    my $told = value($node, $db, "INSERT INTO auth_store.schema_version (version, name)
        VALUES (99, 'x'); SET ROLE $user; $FOUND; RESET ROLE;
        DELETE FROM auth_store.schema_version WHERE version = 99");
    like($told, qr/^problem table schema_version: says version 99/, 'and of rows that he may not read');
    is(value($node, $db, "SET debug_parallel_query = on; $FOUND", user => $user), '', 'also in a parallel worker')
      if $major >= 16;
    is(value($node, $db, "SET force_parallel_mode = on; $FOUND", user => $user), '', 'also in a parallel worker')
      if $major < 16;
    is(value($node, $db, "LOAD 'auth_store'; SET auth_store.tenant_id = 'acme'; SET quote_all_identifiers = on; $FOUND;
        SHOW quote_all_identifiers"), 'on', 'a pinned session too; settings are put back');
}

# --- preloaded -------------------------------------------------------------------------------------------------------

value($node, $db, q{ALTER ROLE app_login SET auth_store.tenant_id = 'acme';
    ALTER ROLE stranger IN DATABASE template1 SET auth_store.tenant_id = 'acme'});
is(value($node, $db, $FOUND),
    'problem setting auth_store.tenant_id: pins role app_login, but auth_store is not preloaded',
    'a pin without preloading');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'auth_store'");
$node->restart;
is(value($node, $db, $FOUND), '', 'is no problem with it');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
value($node, $db, 'ALTER ROLE app_login RESET auth_store.tenant_id');

# --- default privileges ----------------------------------------------------------------------------------------------

# Whoever has anything on anything of the store: but its roles, owners and superusers, and PUBLIC's use of types.
my $OTHERS = q{
    SELECT a.object || ': ' || a.privilege_type || ' of ' ||
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
      FROM (SELECT p.oid::regprocedure::text, x.*
      FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x
          WHERE p.pronamespace = 'auth_store'::regnamespace
      UNION ALL SELECT c.oid::regclass::text, x.* FROM pg_class c, aclexplode(c.relacl) x
      WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind <> 'c'
      UNION ALL SELECT a.attrelid::regclass || '.' || a.attname, x.* FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) x
          WHERE c.relnamespace = 'auth_store'::regnamespace
      UNION ALL SELECT t.oid::regtype::text, x.* FROM pg_type t, aclexplode(t.typacl) x
      WHERE t.typnamespace = 'auth_store'::regnamespace AND x.grantee <> 0
      UNION ALL SELECT 'auth_store', x.* FROM pg_namespace n, aclexplode(n.nspacl) x
      WHERE n.nspname = 'auth_store') a (object)
     WHERE a.grantee NOT IN (SELECT oid FROM pg_roles WHERE rolsuper OR rolname LIKE 'auth\_store\_%') ORDER BY 1};
value($node, $db, 'CREATE ROLE report LOGIN; CREATE ROLE idle');
my $DEFAULTS = join '; ', map { my $role = $_; (map { "ALTER DEFAULT PRIVILEGES$role $_" } (
    'GRANT EXECUTE ON FUNCTIONS TO report WITH GRANT OPTION', 'GRANT ALL ON TABLES TO report',
    'GRANT USAGE ON SCHEMAS TO report, PUBLIC', 'GRANT USAGE ON TYPES TO report',
    'GRANT CREATE ON SCHEMAS TO auth_store_reader', 'GRANT SELECT ON TABLES TO PUBLIC, auth_store_app',
    'GRANT EXECUTE ON FUNCTIONS TO auth_store_reader, PUBLIC', 'REVOKE USAGE ON TYPES FROM PUBLIC',
    'GRANT ALL ON SEQUENCES TO report')) } ('', ' FOR ROLE auth_store_owner');
for my $when ('before CREATE EXTENSION', 'before CREATE EXTENSION, the schema there', 'in a restore')
{
    my $name = lc('d' . ($when =~ s/\W//gr));
    value($node, $db, "CREATE DATABASE $name");
    value($node, $name, $DEFAULTS);
    value($node, $name, 'CREATE SCHEMA auth_store; GRANT ALL ON SCHEMA auth_store TO idle') if $when =~ /there/;
    value($node, $name, 'SET client_min_messages = warning; '
        . ($when =~ /restore/ ? 'SET check_function_bodies = off;' : '') . 'CREATE EXTENSION auth_store');
    is(value($node, $name, $OTHERS), '', "default privileges $when: nobody else has anything");
    if ($when =~ /restore/)
    {
        like(value($node, $name, $FOUND), qr/^(problem (table|view) \w+: missing\n?)+$/,
            'and the functions, types and schema are as shipped');
        value($node, $name, 'SELECT auth_store.install()');
    }
    value($node, $name, q{SELECT auth_store.partitions_ensure(4),
        auth_store.jti_claim('i', 'j', clock_timestamp() + '1 hour'),
        auth_store.jti_revoke('j', clock_timestamp() + '1 hour')});
    is(value($node, $name, $OTHERS), '', 'nor on a partition that was made later');
    is(value($node, $name, $FOUND), '', 'and check() has nothing to say');
    is(run_sql($node, $name, q{SELECT auth_store.check()}, user => 'report')->{state}, '42501',
        'report may call nothing');
    my $dump = shape($node, $name);
    is(join("\n", grep { /^(GRANT|REVOKE) .* (report|PUBLIC)/ } sort keys %$dump), '',
        'nor does a dump grant it anything');
}
{
    # Granted afterwards: named, one by one, and taken back.
    value($node, 'dbeforecreateextension',
        q{GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA auth_store TO report WITH GRANT OPTION;
        GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA auth_store TO report;
        GRANT ALL ON ALL TABLES IN SCHEMA auth_store TO report; GRANT SELECT (id) ON auth_store.users TO idle;
        GRANT ALL ON SCHEMA auth_store TO report; GRANT USAGE ON TYPE auth_store.outcome TO report;
        SET ROLE report; GRANT EXECUTE ON FUNCTION auth_store.token_issue TO idle});
    my $named = value($node, 'dbeforecreateextension', $FOUND);
    for my $object (split /\n/,
        value($node, 'dbeforecreateextension', "SELECT DISTINCT regexp_replace(o, ': .*', '') FROM ($OTHERS) x (o)"))
    {
        my $bare = $object =~ s/^auth_store\.//r =~ s/\.id$//r;
        like($named, qr/^problem \S+ (?:auth_store\.)?\Q$bare\E: .* is granted to (report|idle)$/m,
            "check() names what was granted on $object");
    }
    like($named, qr/^problem function auth_store\.token_issue\(.*\): EXECUTE is granted to idle$/m,
        'also what the grantee granted on');
    like($named, qr/^problem table users: SELECT \(id\) is granted to idle$/m, 'and a column');
    is(value($node, 'dbeforecreateextension', "SELECT auth_store.install() \\g /dev/null\n$OTHERS"), '',
        'install() takes it all back');
    is(value($node, 'dbeforecreateextension', $FOUND), '', 'to the shipped privileges');
}

# --- the caller's settings -------------------------------------------------------------------------------------------

value($node, $db, 'CREATE DATABASE usual');
value($node, 'usual', 'CREATE EXTENSION auth_store');
my $usual = shape($node, 'usual');
my $version = value($node, 'usual', 'SELECT max(version) FROM auth_store.schema_version');
{
    my $dir = PostgreSQL::Test::Utils::tempdir;
    value($node, $db, "CREATE TABLESPACE elsewhere LOCATION '$dir'");
    for my $settings (q{SET quote_all_identifiers = on}, q{SET default_tablespace = elsewhere},
        q{SET IntervalStyle = iso_8601; SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'},
        q{SET standard_conforming_strings = off; SET transform_null_equals = on; SET array_nulls = off;
            SET bytea_output = escape; SET extra_float_digits = -15},
        q{SET session_replication_role = replica; SET row_security = off}, q{SET search_path = auth_store, public},
        q{SET search_path = ''})
    {
        value($node, $db, 'DROP DATABASE IF EXISTS odd');
        value($node, $db, 'CREATE DATABASE odd');
        succeeds($node, 'odd', "SET client_min_messages = warning; $settings; CREATE EXTENSION auth_store",
            "CREATE EXTENSION under $settings");
        is(AuthStore::differences($usual, shape($node, 'odd')), '', 'makes the same');
        is(value($node, 'odd', "$settings; $FOUND"), '', 'check() agrees');
        my $again = value($node, 'odd', "$settings; SET client_min_messages = warning;
            DROP EXTENSION auth_store CASCADE; CREATE EXTENSION auth_store; DROP INDEX auth_store.grants_user_idx;
            SET auth_store.allow_drop = on; DROP TABLE auth_store.authorization_codes;
            ALTER TABLE auth_store.users OWNER TO CURRENT_USER; SELECT auth_store.install();
                SELECT auth_store.migrate()");
        is($again, "$version\n$version", 'install() and migrate() do');
        is(AuthStore::differences($usual, shape($node, 'odd')), '', 'the same');
    }
    value($node, $db, 'DROP DATABASE odd; DROP TABLESPACE elsewhere');
}

$node->stop;
done_testing();

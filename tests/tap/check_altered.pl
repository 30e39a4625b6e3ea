# check(): it names every alteration of what the store is made of, and says what to do.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Check;
use Test::More;

my $node = new_checked('check_altered');
my $db = 'postgres';
my $major = int(value($node, $db, 'SHOW server_version_num') / 10000);
my $month = value($node, $db, q{SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', '"audit_log_y"YYYY"m"MM')});
my $claims = value($node, $db, "SELECT min(relname) FROM pg_class
    WHERE relnamespace = 'auth_store'::regnamespace AND relname ~ '^claimed_jtis_y' AND relkind = 'r'");
my @repaired = (repaired => 1);
my $refresh = 'function auth_store\.token_refresh\(.*\): ';
for (
    # the guard
    [ 'ALTER EVENT TRIGGER auth_store_guard DISABLE', 'event trigger auth_store_guard: firing is altered: disabled' ],
    # settings
    [ 'GRANT SET ON PARAMETER auth_store.tenant_id TO stranger',
        'setting auth_store.tenant_id: SET is granted to stranger' ],
    [ 'GRANT ALTER SYSTEM ON PARAMETER auth_store.audit_retention TO stranger',
        'setting auth_store.audit_retention: ALTER SYSTEM is granted to stranger' ],
    # roles
    [ 'ALTER ROLE auth_store_app LOGIN', 'role auth_store_app: attributes is altered: .* LOGIN' ],
    [ 'ALTER ROLE auth_store_owner BYPASSRLS', 'role auth_store_owner: .* BYPASSRLS' ],
    [ 'ALTER ROLE auth_store_reader SUPERUSER', 'role auth_store_reader: attributes is altered: SUPERUSER' ],
    [ 'ALTER ROLE auth_store_admin CREATEROLE', 'role auth_store_admin: .* CREATEROLE' ],
    [ 'ALTER ROLE auth_store_admin CREATEDB', 'role auth_store_admin: .* CREATEDB' ],
    [ 'ALTER ROLE auth_store_auditor REPLICATION', 'role auth_store_auditor: .* REPLICATION' ],
    [ 'ALTER ROLE auth_store_auditor INHERIT', 'role auth_store_auditor: .* INHERIT' ],
    [ 'GRANT auth_store_owner TO app_login', 'role auth_store_owner: app_login is a member' ],
    [ 'GRANT auth_store_admin TO auth_store_app', 'role auth_store_app: is a member of auth_store_admin' ],
    [ 'ALTER ROLE auth_store_jobs LOGIN', 'role auth_store_jobs: attributes is altered: .* LOGIN' ],
    [ 'GRANT auth_store_app TO auth_store_worker', 'role auth_store_worker: is a member of auth_store_app' ],
    [ 'REVOKE USAGE ON SCHEMA auth_store FROM auth_store_verifier',
        'schema auth_store: USAGE is not granted to auth_store_verifier', @repaired ],
    [ 'GRANT EXECUTE ON FUNCTION auth_store.token_issue TO auth_store_worker',
        'function auth_store\.token_issue\(.*\): EXECUTE is granted to auth_store_worker', @repaired ],
    [ 'REVOKE EXECUTE ON PROCEDURE auth_store.cleanup FROM auth_store_jobs',
        'function auth_store\.cleanup\(.*\): EXECUTE is not granted to auth_store_jobs', @repaired ],
    [ 'GRANT pg_read_all_data TO auth_store_auditor', 'role auth_store_auditor: is a member of pg_read_all_data' ],
    # functions
    [ 'ALTER FUNCTION auth_store.token_refresh SECURITY INVOKER', "${refresh}attributes is altered: .* INVOKER" ],
    [ 'ALTER FUNCTION auth_store.token_introspect VOLATILE',
        'function auth_store\.token_introspect\(.*\): attributes is altered: .*VOLATILE' ],
    [ 'ALTER FUNCTION auth_store.token_introspect SECURITY DEFINER',
        'function auth_store\.token_introspect\(.*\): attributes' ],
    [ 'ALTER FUNCTION auth_store.token_refresh STRICT', "${refresh}attributes is altered: .* STRICT" ],
    [ 'ALTER FUNCTION auth_store.token_refresh LEAKPROOF', "${refresh}attributes is altered: .* LEAKPROOF" ],
    [ 'ALTER FUNCTION auth_store.token_refresh PARALLEL SAFE', "${refresh}attributes is altered: .* PARALLEL SAFE" ],
    [ 'ALTER FUNCTION auth_store.tenant_visible NOT LEAKPROOF',
        'function auth_store\.tenant_visible\(text\): attributes' ],
    [ 'ALTER FUNCTION auth_store.token_refresh OWNER TO CURRENT_USER',
        "${refresh}belongs to a superuser, not to auth_store_owner" ],
    [ 'ALTER FUNCTION auth_store.token_introspect OWNER TO auth_store_owner',
        'function auth_store\.token_introspect\(.*\): belongs to auth_store_owner' ],
    [ 'ALTER FUNCTION auth_store.token_refresh SET search_path = public, pg_catalog',
        "${refresh}configuration is altered: search_path=public" ],
    [ 'ALTER FUNCTION auth_store.token_refresh RESET ALL', "${refresh}configuration is altered: none" ],
    [ 'ALTER FUNCTION auth_store.token_refresh SET work_mem = 64', "${refresh}configuration" ],
    [ 'ALTER PROCEDURE auth_store.cleanup SET search_path = public',
        'function auth_store\.cleanup\(.*\): configuration' ],
    [ 'GRANT EXECUTE ON FUNCTION auth_store.token_refresh TO PUBLIC', "${refresh}EXECUTE is granted to PUBLIC",
        @repaired ],
    [ 'GRANT EXECUTE ON FUNCTION auth_store.token_refresh TO stranger', "${refresh}EXECUTE is granted to stranger",
        @repaired ],
    [ 'GRANT EXECUTE ON FUNCTION auth_store.token_refresh TO auth_store_reader',
        "${refresh}EXECUTE is granted to auth_store_reader", @repaired ],
    [ 'GRANT EXECUTE ON FUNCTION auth_store.token_refresh TO auth_store_app WITH GRANT OPTION',
        "${refresh}EXECUTE WITH GRANT OPTION is granted to auth_store_app", @repaired ],
    [ 'REVOKE EXECUTE ON FUNCTION auth_store.token_refresh FROM auth_store_app',
        "${refresh}EXECUTE is not granted to auth_store_app", @repaired ],
    [ 'REVOKE EXECUTE ON FUNCTION auth_store.token_refresh FROM auth_store_owner',
        "${refresh}EXECUTE is not granted to its owner", @repaired ],
    [ q{CREATE OR REPLACE FUNCTION auth_store.pkce_verify(verifier text, challenge text,
        method text DEFAULT 'S256') RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT true'},
        'function auth_store\.pkce_verify\(.*\): body is altered' ],
    [ q{CREATE OR REPLACE FUNCTION auth_store.pkce_verify(verifier text, challenge text,
        method text DEFAULT 'S256') RETURNS boolean IMMUTABLE PARALLEL SAFE LANGUAGE internal AS 'booleq'},
        'function auth_store\.pkce_verify\(.*\): body is altered' ],
    [ q{CREATE OR REPLACE FUNCTION auth_store.pkce_verify(verifier text, challenge text,
        method text DEFAULT 'S256') RETURNS boolean IMMUTABLE PARALLEL SAFE
        LANGUAGE c AS '$libdir/auth_store', 'restoring_wrapper'},
        'function auth_store\.pkce_verify\(.*\): body is altered' ],
    [ q{CREATE OR REPLACE FUNCTION auth_store.pkce_verify(verifier text, challenge text,
        method text DEFAULT 'plain') RETURNS boolean IMMUTABLE PARALLEL SAFE
        LANGUAGE c AS '$libdir/auth_store', 'pkce_verify_wrapper'},
        'function auth_store\.pkce_verify\(.*\): signature is altered' ],
    [ q{CREATE OR REPLACE PROCEDURE auth_store.cleanup(batch_size integer DEFAULT 1000,
        max_batches integer DEFAULT 1000) LANGUAGE plpgsql AS 'BEGIN END'},
        'function auth_store\.cleanup\(integer,integer\): body is altered' ],
    [ 'ALTER EXTENSION auth_store DROP FUNCTION auth_store.pkce_verify(text, text, text)',
        'function auth_store\.pkce_verify\(.*\): belongs to no extension' ],
    [ 'ALTER EXTENSION auth_store DROP FUNCTION auth_store.pkce_verify(text, text, text);
        DROP FUNCTION auth_store.pkce_verify', 'function auth_store\.pkce_verify\(.*\): missing' ],
    [ 'ALTER FUNCTION auth_store.pkce_verify(text, text, text) RENAME TO verify',
        'function auth_store\.(pkce_verify\(.*\): missing|verify\(.*\): is none)', rows => 2 ],
    [ 'ALTER FUNCTION auth_store.pkce_verify(text, text, text) SET SCHEMA app',
        'function auth_store\.pkce_verify\(.*\): missing' ],
    [ q{CREATE FUNCTION auth_store.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'},
        'function auth_store\.mine\(\): is none of the store' ],
    [ q{CREATE FUNCTION auth_store.token_introspect(token varchar) RETURNS boolean LANGUAGE sql AS 'SELECT true'},
        'function auth_store\.token_introspect\(character varying\): is none' ],
    # other things in the schema
    [ 'CREATE OPERATOR auth_store.= (LEFTARG = text, RIGHTARG = uuid, FUNCTION = pg_catalog.num_nulls)',
        'operator .*is none', skip => 1 ],
    [ 'CREATE OPERATOR auth_store.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_catalog.texteq)',
        'operator auth_store\.===\(text,text\): is none' ],
    [ 'CREATE DOMAIN auth_store.uuid AS int', 'type auth_store\.uuid: is none' ],
    [ 'CREATE TYPE auth_store.mine AS (a int)', 'type mine: is none' ],
    [ q{CREATE TYPE auth_store.mood AS ENUM ('a')}, 'type auth_store\.mood: is none' ],
    [ 'CREATE TABLE auth_store.mine (a int)', 'table mine: is none' ],
    [ 'CREATE VIEW auth_store.mine AS SELECT 1 AS a', 'view mine: is none' ],
    [ 'CREATE MATERIALIZED VIEW auth_store.mine AS SELECT 1 AS a', 'materialized view mine: is none' ],
    [ 'CREATE SEQUENCE auth_store.mine', 'sequence mine: is none' ],
    [ 'CREATE COLLATION auth_store.mine FROM "C"', 'collation auth_store\.mine: is none' ],
    [ 'CREATE TEXT SEARCH DICTIONARY auth_store.mine (TEMPLATE = pg_catalog.simple)',
        'text search dictionary auth_store\.mine: is none' ],
    # types
    [ 'ALTER TYPE auth_store.token_state ADD ATTRIBUTE note text', 'type token_state: attributes is altered' ],
    [ 'ALTER TYPE auth_store.outcome ALTER ATTRIBUTE error TYPE varchar', 'type outcome: attributes is altered' ],
    [ 'ALTER TYPE auth_store.outcome RENAME ATTRIBUTE error TO err', 'type outcome: attributes is altered' ],
    [ 'ALTER TYPE auth_store.outcome RENAME ATTRIBUTE error TO e;
        ALTER TYPE auth_store.outcome RENAME ATTRIBUTE error_description TO error;
        ALTER TYPE auth_store.outcome RENAME ATTRIBUTE e TO error_description', 'type outcome: attributes is altered' ],
    [ 'ALTER TYPE auth_store.outcome OWNER TO stranger', 'type outcome: belongs to stranger' ],
    [ 'GRANT USAGE ON TYPE auth_store.outcome TO stranger', 'type outcome: USAGE is granted to stranger', @repaired ],
    [ 'REVOKE USAGE ON TYPE auth_store.outcome FROM PUBLIC', 'type outcome: USAGE is not granted to PUBLIC',
        @repaired ],
    # triggers, rules, inheritance
    [ 'ALTER TABLE auth_store.grants DISABLE TRIGGER ALL', 'table grants: its foreign keys are not checked' ],
    [ 'ALTER TABLE auth_store.users DISABLE TRIGGER ALL', 'table users: its foreign keys are not checked' ],
    [ 'CREATE RULE spy AS ON INSERT TO auth_store.grants DO ALSO NOTHING', 'table grants: carries the rule spy' ],
    [ "CREATE RULE spy AS ON INSERT TO auth_store.$month DO ALSO NOTHING", "table $month: carries the rule spy" ],
    [ 'CREATE RULE spy AS ON INSERT TO auth_store.recent_activity DO INSTEAD NOTHING',
        'view recent_activity: carries the rule spy' ],
    [ 'CREATE TABLE app.child () INHERITS (auth_store.grants)', 'table grants: has the child app\.child' ],
    [ 'ALTER TABLE auth_store.schema_version INHERIT app.parent', 'table schema_version: inherits from app\.parent' ],
    [ q{CREATE TABLE app.part PARTITION OF auth_store.audit_log FOR VALUES FROM ('1999-01-01') TO ('1999-02-01')},
        'table audit_log: has the child app\.part' ],
    [ 'CREATE TABLE app.part PARTITION OF auth_store.audit_log DEFAULT', 'table audit_log: has the child app\.part' ],
    [ q{CREATE TABLE auth_store.mine PARTITION OF auth_store.audit_log FOR VALUES
        FROM ('1999-01-01') TO ('1999-02-01')}, 'table (audit_log: has the child auth_store\.mine|mine: is none)',
        rows => 2 ],
    [ 'ALTER EXTENSION auth_store ADD TABLE auth_store.users', 'table users: belongs to the extension auth_store' ],
    [ 'ALTER EXTENSION auth_store ADD VIEW auth_store.recent_activity',
        'view recent_activity: belongs to the extension auth_store' ],
    # constraints and indexes
    [ 'ALTER TABLE auth_store.access_tokens DROP CONSTRAINT access_tokens_pkey;
        ALTER TABLE auth_store.access_tokens REPLICA IDENTITY FULL',
        'table access_tokens: constraint access_tokens_pkey is missing' ],
    [ 'ALTER TABLE auth_store.grants DROP CONSTRAINT grants_client_fkey',
        'table grants: constraint grants_client_fkey is missing' ],
    [ 'ALTER TABLE auth_store.clients DROP CONSTRAINT clients_status_known,
        ADD CONSTRAINT clients_status_known CHECK (true)',
        'table clients: constraint clients_status_known is altered: CHECK \(true\)' ],
    [ q{ALTER TABLE auth_store.clients DROP CONSTRAINT clients_type_known,
        ADD CONSTRAINT clients_type_known CHECK (client_type IN ('confidential', 'public')) NOT VALID},
        'table clients: constraint clients_type_known is altered: .* NOT VALID' ],
    [ 'ALTER TABLE auth_store.grants DROP CONSTRAINT grants_user_fkey,
        ADD CONSTRAINT grants_user_fkey FOREIGN KEY (user_id) REFERENCES auth_store.users (id)',
        'table grants: constraint grants_user_fkey is altered' ],
    [ 'ALTER TABLE auth_store.grants ALTER CONSTRAINT grants_user_fkey DEFERRABLE INITIALLY DEFERRED',
        'table grants: constraint grants_user_fkey is altered: .* DEFERRABLE' ],
    [ 'ALTER TABLE auth_store.grants DROP CONSTRAINT grants_user_fkey,
        ADD CONSTRAINT grants_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id,
        tenant_id) ON DELETE CASCADE',
        'table grants: constraint grants_user_fkey is altered: .* CASCADE' ],
    [ 'ALTER TABLE auth_store.consents DROP CONSTRAINT consents_key;
        CREATE INDEX consents_key ON auth_store.consents (user_id)', '.*',
        any => [ 'problem table consents: constraint consents_key is missing',
        'note table consents: carries the index consents_key' ] ],
    [ 'DROP INDEX auth_store.grants_user_idx', 'table grants: index grants_user_idx is missing', @repaired ],
    [ 'DROP INDEX auth_store.grants_user_idx; CREATE INDEX grants_user_idx ON auth_store.grants (expires_at)',
        'table grants: index grants_user_idx is altered' ],
    [ 'DROP INDEX auth_store.users_tenant_idx;
        CREATE UNIQUE INDEX users_tenant_idx ON auth_store.users (tenant_id, id)',
        'table users: index users_tenant_idx is altered' ],
    [ 'DROP INDEX auth_store.users_email_unnamed_idx;
        CREATE INDEX users_email_unnamed_idx ON auth_store.users (id) WHERE NOT email_unnamed',
        'table users: index users_email_unnamed_idx is altered' ],
    [ q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'auth_store.grants_user_idx'::regclass},
        'table grants: index grants_user_idx is altered: .*, invalid' ],
    [ q{UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'auth_store.users_id_key'::regclass},
        'table users: constraint users_id_key is altered: .* invalid' ],
    [ q{UPDATE pg_index SET indisready = false WHERE indexrelid = 'auth_store.grants_user_idx'::regclass},
        'table grants: index grants_user_idx is altered: .*, invalid' ],
    # columns
    [ 'ALTER TABLE auth_store.clients DROP COLUMN status_reason', 'table clients: column status_reason is missing' ],
    [ 'ALTER TABLE auth_store.clients ALTER COLUMN status_reason TYPE varchar(20)',
        'table clients: column status_reason is altered' ],
    [ 'ALTER TABLE auth_store.clients ALTER COLUMN name DROP NOT NULL',
        'table clients: column name is altered: text, not text NOT NULL' ],
    [ 'ALTER TABLE auth_store.clients ALTER COLUMN status_reason SET NOT NULL',
        'table clients: column status_reason is altered', empty => 'clients' ],
    [ q{ALTER TABLE auth_store.clients ALTER COLUMN status SET DEFAULT 'pending'},
        'table clients: column status is altered: .*pending' ],
    [ 'ALTER TABLE auth_store.clients ALTER COLUMN status DROP DEFAULT', 'table clients: column status is altered' ],
    [ q{ALTER TABLE auth_store.clients ALTER COLUMN name SET DEFAULT 'x'}, 'table clients: column name is altered' ],
    [ 'ALTER TABLE auth_store.consents ALTER COLUMN scope TYPE text COLLATE "POSIX"',
        'table consents: column scope is altered: .*POSIX' ],
    [ 'ALTER TABLE auth_store.clients RENAME COLUMN token_endpoint_auth_method TO title',
        'table clients: (column token_endpoint_auth_method is missing|carries the column title)', rows => 2 ],
    [ 'ALTER TABLE ONLY auth_store.audit_log ALTER COLUMN risk_score SET DEFAULT 1',
        'table audit_log: column risk_score is altered' ],
    [ "ALTER TABLE auth_store.$month ALTER COLUMN risk_score SET DEFAULT 1",
        "table $month: column risk_score is altered" ],
    [ q{ALTER TABLE auth_store.schema_version ADD COLUMN must text NOT NULL DEFAULT 'x';
        ALTER TABLE auth_store.schema_version ALTER COLUMN must DROP DEFAULT},
        'table schema_version: carries the column must, which the store gives no value' ],
    # storage, row-level security, policies
    [ 'ALTER TABLE auth_store.imported_refresh_tokens SET UNLOGGED',
        'table imported_refresh_tokens: storage is altered: unlogged' ],
    [ "ALTER TABLE auth_store.$month REPLICA IDENTITY DEFAULT",
        "table $month: replica identity is altered: too little" ],
    [ 'ALTER TABLE auth_store.claimed_jtis REPLICA IDENTITY NOTHING',
        'table claimed_jtis: replica identity is altered: too little', @repaired ],
    [ "ALTER TABLE auth_store.$month SET UNLOGGED", "table $month: storage is altered: unlogged" ],
    [ 'ALTER TABLE auth_store.access_tokens DISABLE ROW LEVEL SECURITY',
        'table access_tokens: row-level security is off', @repaired ],
    [ 'ALTER TABLE auth_store.access_tokens NO FORCE ROW LEVEL SECURITY',
        'table access_tokens: row-level security is on, not forced', @repaired ],
    [ "ALTER TABLE auth_store.$month DISABLE ROW LEVEL SECURITY", "table $month: row-level security is off",
        @repaired ],
    [ 'DROP POLICY tenant_pin ON auth_store.grants', 'table grants: policy tenant_pin is missing', @repaired ],
    [ "DROP POLICY tenant_pin ON auth_store.$month", "table $month: policy tenant_pin is missing", @repaired ],
    [ 'ALTER POLICY tenant_pin ON auth_store.users USING (true)', 'table users: policy tenant_pin is altered',
        @repaired ],
    [ 'ALTER POLICY tenant_pin ON auth_store.users TO auth_store_app', 'table users: policy tenant_pin is altered',
        @repaired ],
    [ 'ALTER POLICY tenant_pin ON auth_store.users WITH CHECK (true)', 'table users: policy tenant_pin is altered',
        @repaired ],
    [ 'CREATE POLICY wide ON auth_store.users USING (true)', 'table users: carries the policy wide, which widens' ],
    # partitions
    [ "DROP INDEX auth_store.${month}_idx", "table $month: index ${month}_idx is missing" ],
    [ "DROP INDEX auth_store.${month}_idx; CREATE INDEX ${month}_idx ON auth_store.$month (occurred_at)",
        "table $month: index ${month}_idx is altered" ],
    [ "DROP INDEX auth_store.${claims}_key", "table $claims: index ${claims}_key is missing" ],
    [ "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'auth_store.${claims}_key'::regclass",
        "table $claims: index ${claims}_key is altered: .*, invalid" ],
    [ "ALTER TABLE auth_store.audit_log DETACH PARTITION auth_store.$month;
        ALTER TABLE auth_store.audit_log ATTACH PARTITION auth_store.$month FOR VALUES
        FROM ('1999-01-01') TO ('1999-02-01')",
        "table $month: bounds is altered: FOR VALUES FROM", empty_log => 1 ],
    [ "DROP TABLE auth_store.$month", 'table audit_log: has no partition for the current month', @repaired ],
    [ "ALTER TABLE auth_store.audit_log DETACH PARTITION auth_store.$month",
        "table (audit_log: has no partition for the current month|$month: is none)", rows => 2 ],
    # owners and privileges of relations and of the schema
    [ 'ALTER TABLE auth_store.users OWNER TO CURRENT_USER', 'table users: belongs to a superuser', @repaired ],
    [ 'ALTER VIEW auth_store.recent_activity OWNER TO CURRENT_USER', 'view recent_activity: belongs to a superuser',
        @repaired ],
    [ "ALTER TABLE auth_store.$month OWNER TO stranger", "table $month: belongs to stranger" ],
    [ 'GRANT SELECT ON auth_store.client_secrets TO stranger', 'table client_secrets: SELECT is granted to stranger',
        @repaired ],
    [ "GRANT INSERT ON auth_store.$month TO stranger", "table $month: INSERT is granted to stranger", @repaired ],
    [ 'GRANT REFERENCES ON auth_store.users TO stranger', 'table users: REFERENCES is granted to stranger', @repaired ],
    [ 'GRANT REFERENCES (id, email) ON auth_store.users TO stranger',
        'table users: REFERENCES \(email\) is granted to stranger', @repaired ],
    [ 'GRANT REFERENCES (id) ON auth_store.grants TO stranger',
        'table grants: REFERENCES \(id\) is granted to stranger', @repaired ],
    [ 'GRANT REFERENCES (name) ON auth_store.clients TO PUBLIC',
        'table clients: REFERENCES \(name\) is granted to PUBLIC', @repaired ],
    [ 'GRANT REFERENCES ON auth_store.tenants TO auth_store_admin',
        'table tenants: REFERENCES is granted to auth_store_admin', @repaired ],
    [ 'REVOKE REFERENCES (id) ON auth_store.users FROM auth_store_admin',
        'table users: REFERENCES \(id\) is not granted to auth_store_admin', @repaired ],
    [ 'GRANT UPDATE (status) ON auth_store.users TO stranger', 'table users: UPDATE \(status\) is granted to stranger',
        @repaired ],
    [ 'GRANT SELECT ON auth_store.tenants TO auth_store_app', 'table tenants: SELECT is granted to auth_store_app',
        @repaired ],
    [ 'REVOKE SELECT ON auth_store.tenants FROM auth_store_owner', 'table tenants: SELECT is not granted to its owner',
        @repaired ],
    [ 'GRANT SELECT ON auth_store.recent_activity TO PUBLIC', 'view recent_activity: SELECT is granted to PUBLIC',
        @repaired ],
    [ 'GRANT SELECT (id) ON auth_store.recent_activity TO stranger',
        'view recent_activity: SELECT \(id\) is granted to stranger', @repaired ],
    [ 'REVOKE SELECT ON auth_store.recent_activity FROM auth_store_auditor',
        'view recent_activity: SELECT is not granted to auth_store_auditor', @repaired ],
    [ 'GRANT CREATE ON SCHEMA auth_store TO stranger', 'schema auth_store: CREATE is granted to stranger', @repaired ],
    [ 'GRANT USAGE ON SCHEMA auth_store TO stranger', 'schema auth_store: USAGE is granted to stranger', @repaired ],
    [ 'GRANT USAGE ON SCHEMA auth_store TO PUBLIC', 'schema auth_store: USAGE is granted to PUBLIC', @repaired ],
    [ 'REVOKE USAGE ON SCHEMA auth_store FROM auth_store_app',
        'schema auth_store: USAGE is not granted to auth_store_app', @repaired ],
    [ 'ALTER SCHEMA auth_store OWNER TO stranger', 'schema auth_store: belongs to stranger' ],
    # views
    [ 'DROP VIEW auth_store.recent_activity', 'view recent_activity: missing', @repaired ],
    [ q{DO $$ BEGIN EXECUTE 'CREATE OR REPLACE VIEW auth_store.recent_activity WITH (security_barrier = true) AS '
        || replace(pg_get_viewdef('auth_store.recent_activity'), '30 days', '1 day'); END $$},
        'view recent_activity: definition is altered', @repaired ],
    [ 'ALTER VIEW auth_store.recent_activity SET (security_invoker = true)', 'view recent_activity: options is altered',
        @repaired ],
    [ 'ALTER VIEW auth_store.recent_activity RESET (security_barrier)', 'view recent_activity: options is altered',
        @repaired ],
    # rows
    [ q{INSERT INTO auth_store.schema_version (version, name) VALUES (99, 'x')},
        'table schema_version: says version 99' ],
    [ q{INSERT INTO auth_store.schema_version (version, name) VALUES (0, 'x')},
        'table schema_version: says version 0' ],
    [ 'DELETE FROM auth_store.schema_version', q{table schema_version: the tables' version is not}, @repaired ],
    [ q{SET LOCAL session_replication_role = replica; DELETE FROM auth_store.tenants WHERE id = 'default';
        RESET session_replication_role}, 'table tenants: has no tenant default', @repaired ],
    [ 'DROP TABLE auth_store.authorization_codes', 'table authorization_codes: missing', @repaired ],
    # settings
    [ q{ALTER ROLE app_login SET auth_store.tenant_id = 'acme'},
        'setting auth_store.tenant_id: pins role app_login, but auth_store is not preloaded' ],
    [ q{ALTER ROLE app_login IN DATABASE postgres SET "Auth_Store.TENANT_ID" = 'acme'},
        'setting auth_store.tenant_id: pins role app_login in this database' ],
    [ q{ALTER DATABASE postgres SET auth_store.tenant_id = 'acme'},
        'setting auth_store.tenant_id: pins everybody in this database' ],
    [ 'ALTER ROLE app_login SET session_replication_role = replica',
        'setting session_replication_role: is replica for role app_login' ],
  )
{
    my ($sql, $expected, %how) = @$_;
    next if $how{skip};
    if ($how{any})
    {
        my @rows = split /\n/, value($node, $db, "SET client_min_messages = warning; BEGIN; $sql; $FOUND; ROLLBACK");
        is(join("\n", sort map { s/, which.*//r } @rows), join("\n", sort @{ $how{any} }), "problem: $sql");
        next;
    }
    if ($how{empty_log}) { $sql = "TRUNCATE auth_store.audit_log; $sql"; }
    if ($how{empty}) { $sql = "UPDATE auth_store.$how{empty} SET status_reason = 'x'; $sql"; }
    finds($node, 'problem', $sql, $expected, %how);
}

# The hint of a lost index puts it back, that of a partition's too.
for my $index ('grants_user_idx', "${claims}_key")
{
    my $hint = value($node, $db, "BEGIN; DROP INDEX auth_store.$index; SELECT hint FROM auth_store.check(); ROLLBACK");
    is(value($node, $db, "SET client_min_messages = warning; BEGIN; DROP INDEX auth_store.$index;
        $hint \\g /dev/null\n$FOUND; ROLLBACK"), '', "the hint mends: DROP INDEX $index");
}

# What it says of too wide a REFERENCES leaves what a foreign key needs.
for my $wide ('REFERENCES', 'REFERENCES (id, email)')
{
    my $hint = value($node, $db, "BEGIN; GRANT $wide ON auth_store.users TO stranger;
        SELECT string_agg(hint, '; ') FROM auth_store.check(); ROLLBACK");
    is(value($node, $db, "BEGIN; GRANT $wide ON auth_store.users TO stranger; $hint; $FOUND;
        SELECT has_column_privilege('stranger', 'auth_store.users', 'id', 'REFERENCES'); ROLLBACK"),
        't', "the hint leaves the key: $wide");
}
# So does install(), whatever else it takes back.
for (
    [ 'GRANT REFERENCES (id, email), SELECT ON auth_store.users TO stranger', 'stranger' ],
    [ 'GRANT REFERENCES (id) ON auth_store.users TO PUBLIC; GRANT SELECT ON auth_store.users TO PUBLIC', 'stranger' ],
    [ 'GRANT REFERENCES (id) ON auth_store.users TO stranger WITH GRANT OPTION;
        GRANT auth_store_reader TO stranger; SET ROLE stranger; GRANT REFERENCES (id) ON auth_store.users TO app_login;
        RESET ROLE; GRANT UPDATE ON auth_store.users TO stranger', 'app_login' ],
    [ 'GRANT SELECT ON auth_store.users TO auth_store_admin', 'auth_store_admin' ],
  )
{
    my ($sql, $who) = @$_;
    is(value($node, $db, "SET client_min_messages = warning; BEGIN; $sql;
        SELECT auth_store.install() \\g /dev/null\n$FOUND;
        SELECT has_column_privilege('$who', 'auth_store.users', 'id', 'REFERENCES'); ROLLBACK"),
        't', "install() leaves the key: $sql");
}

$node->stop;
done_testing();

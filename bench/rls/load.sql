-- A table of an application with 10,000 owners, a policy of each form for a role of its own, and a user who owns a
-- ten-thousandth.
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION auth_store;
SELECT client_id AS client FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public',
    client_id => 'app', scope => 'read') \gset
SELECT user_id AS owner FROM auth_store.user_create('owner@example.com') \gset
SELECT access_token AS token FROM auth_store.token_issue(:'client', :'owner') \gset
SELECT auth_store.role_create('packer', '{orders:*,users:read,reports:monthly:read,content:read}') \gset _
SELECT auth_store.role_create('clerk', '{invoices:read}', inherits => '{packer}') \gset _
SELECT auth_store.role_assign(:'owner', 'clerk') \gset _
CREATE TABLE made AS SELECT :'owner'::uuid AS owner, :'token'::text AS token;

CREATE TABLE documents AS
SELECT g AS id, CASE g % 10000 WHEN 0 THEN :'owner'::uuid ELSE md5((g % 10000)::text)::uuid END AS owner,
       'document ' || g AS title
  FROM generate_series(1, :rows) g;
CREATE INDEX documents_owner ON documents (owner);
VACUUM ANALYZE documents;
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;

-- As Supabase has it.
CREATE FUNCTION uid() RETURNS uuid STABLE LANGUAGE sql AS $$
    SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''),
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid
$$;

CREATE TABLE forms (role name, policy text);
INSERT INTO forms VALUES
    ('literal', format('owner = %L::uuid', :'owner')),
    ('once', 'owner = (SELECT auth_store.current_user_id())'),
    ('each', 'owner = auth_store.current_user_id()'),
    ('setting', 'owner = current_setting(''app.user_id'', true)::uuid'),
    ('uid', 'owner = uid()'),
    ('uid_once', 'owner = (SELECT uid())'),
    ('all', 'true'),
    ('all_each', 'CASE WHEN owner IS NOT NULL THEN true END'),
    ('permission', 'auth_store.current_has_permission(''orders:read'')'),
    ('permission_each', 'CASE WHEN owner IS NOT NULL THEN auth_store.current_has_permission(''orders:read'') END');
SELECT format('CREATE ROLE %1$I; GRANT auth_store_reader TO %1$I; GRANT SELECT ON documents TO %1$I;
    CREATE POLICY %1$I ON documents TO %1$I USING (%2$s)', role, policy) FROM forms \gexec

-- Ten thousand more users who have a role, so that tables and indexes are no single pages.
SELECT count(auth_store.role_assign((auth_store.user_create('user' || g || '@example.com')).user_id, 'packer'))
  FROM generate_series(1, 10000) g \gset _

-- What an application of its own would have for the same question: users and tenants with a status, who has which role
-- until when, what a role inherits and allows, each in its table.
CREATE TABLE plain_tenants AS SELECT id, status FROM auth_store.tenants;
ALTER TABLE plain_tenants ADD PRIMARY KEY (id);
CREATE TABLE plain_users AS SELECT id, status FROM auth_store.users;
ALTER TABLE plain_users ADD PRIMARY KEY (id);
CREATE TABLE plain_user_roles AS SELECT user_id, tenant_id, role, expires_at FROM auth_store.user_roles;
ALTER TABLE plain_user_roles ADD PRIMARY KEY (user_id, tenant_id, role);
CREATE TABLE plain_inherits AS SELECT tenant_id, name AS role, unnest(inherits) AS inherited FROM auth_store.roles;
ALTER TABLE plain_inherits ADD PRIMARY KEY (tenant_id, role, inherited);
CREATE TABLE plain_permissions AS
SELECT tenant_id, name AS role, unnest(permissions) AS permission FROM auth_store.roles;
ALTER TABLE plain_permissions ADD PRIMARY KEY (tenant_id, role, permission);
-- The same with what a role comes to, as one list that somebody keeps up to date.
CREATE TABLE plain_roles AS SELECT tenant_id, name, effective FROM auth_store.roles;
ALTER TABLE plain_roles ADD PRIMARY KEY (tenant_id, name);
VACUUM ANALYZE;

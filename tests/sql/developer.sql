-- A developer portal: users register clients and manage their own, and no others.
\i tests/sql/include/helpers.sql
SELECT auth_store.tenant_create('portal');
SELECT user_id AS ada FROM auth_store.user_create('ada@portal.example', tenant_id => 'portal') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@portal.example', tenant_id => 'portal') \gset
SELECT user_id AS gone FROM auth_store.user_create('gone@portal.example', tenant_id => 'portal') \gset
SELECT auth_store.user_set_status(:'gone', 'suspended');
\set web '{"redirect_uris": ["https://app.example/cb"], "client_name": "App", "scope": "openid secret"}'
SELECT pg_temp.raised(format('SELECT auth_store.developer_client_create(%L, %L)', :'web', :'ada'));
SELECT auth_store.provider_set('https://id.example/portal', '{"scope": "openid profile"}', 'portal');

SELECT client_id AS app, client_secret AS secret, error FROM auth_store.developer_client_create(:'web', :'ada') \gset
SELECT :'secret' ~ '^ascs_' AS secret, origin, owner_id = :'ada' AS adas, scope, grant_types
  FROM auth_store.clients WHERE id = :'app';
SELECT client_id = :'app' AS same, name, origin, owner_id = :'ada' AS adas
  FROM auth_store.developer_client_list(:'ada');
SELECT client_id FROM auth_store.developer_client_list(:'bob');
SELECT client_id = :'app' AS same FROM auth_store.client_list(owner_id => :'ada', tenant_id => 'portal');
SELECT event, error FROM pg_temp.trail();

-- What a developer gets wrong is an answer, what the application gets wrong is an error.
SELECT t.metadata, c.error, c.error_description FROM (VALUES ('{"redirect_uris": ["http://app.example/"]}'),
    ('{"redirect_uris": ["https://app.example/"], "token_endpoint_auth_method": "x"}'),
    ('{"redirect_uris": ["https://app.example/"], "scope": "secret"}'),
    ('{"redirect_uris": ["https://app.example/"], "client_name": 7}')) AS t (metadata),
    LATERAL auth_store.developer_client_create(t.metadata::jsonb, :'ada') AS c;
SELECT t.call, pg_temp.raised(format('SELECT auth_store.developer_client_' || t.call, :'app', :'bob', :'gone'))
  FROM (VALUES ('create(NULL, %2$L)'), ('create(''[]'', %2$L)'), ('create(''{}'')'), ('create(''{}'', %3$L)'),
    ('create(''{}'', gen_random_uuid())'), ('update(%1$L, ''{}'', %2$L)'), ('update(NULL, ''{}'', %2$L)'),
    ('delete(%1$L, %2$L)'), ('secret_rotate(%1$L, owner_id => %2$L)'), ('list()')) AS t (call);

-- A change leaves what it does not name, and what an administrator has set.
SELECT auth_store.client_update(:'app', '{"rate_limit_per_hour": 7}');
SELECT client_id = :'app' AS same, client_secret, error
  FROM auth_store.developer_client_update(:'app',
      '{"client_name": "App 2", "client_uri": "https://app.example"}', :'ada');
SELECT name, redirect_uris, metadata, rate_limit_per_hour, owner_id = :'ada' AS adas
  FROM auth_store.clients WHERE id = :'app';
SELECT error, error_description FROM auth_store.developer_client_update(:'app',
    '{"token_endpoint_auth_method": "none"}', :'ada');
SELECT client_id = :'app' AS same, error
  FROM auth_store.developer_client_update(:'app', '{"client_uri": null}', :'ada');
SELECT metadata FROM auth_store.clients WHERE id = :'app';
SELECT auth_store.developer_client_secret_rotate(:'app', owner_id => :'ada') AS rotated \gset
SELECT t.secret = :'rotated' AS rotated, ok FROM (VALUES (:'secret'), (:'rotated')) AS t (secret),
    LATERAL auth_store.client_authenticate(:'app', t.secret) ORDER BY 1;

-- The principal of the transaction is the owner, and nobody else can be named.
SELECT session_token FROM auth_store.session_create(:'bob') \gset
BEGIN;
SET LOCAL ROLE auth_store_developer;
SELECT ok FROM auth_store.authenticate(:'session_token');
SELECT client_id AS bobs FROM auth_store.developer_client_create(:'web') \gset
SELECT client_id = :'bobs' AS same FROM auth_store.developer_client_list();
SELECT pg_temp.raised(format('SELECT auth_store.developer_client_list(%L)', :'ada'));
COMMIT;

-- A pairwise client has subjects of its own; the salt is made with the first.
SELECT subject_salt FROM auth_store.tenants WHERE id = 'portal';
SELECT error FROM auth_store.developer_client_update(:'app', '{"subject_type": "pairwise"}', :'ada');
SELECT subject_type FROM auth_store.client_get(:'app');
SELECT length(subject_salt) FROM auth_store.tenants WHERE id = 'portal';

-- An owner who is erased leaves the client, and no contact in it.
SELECT error FROM auth_store.developer_client_update(:'app', '{"contacts": ["ada@portal.example"]}', :'ada');
SELECT jsonb_array_length(auth_store.user_export(:'ada') -> 'clients') AS exported;
SELECT auth_store.user_erase(:'ada') -> 'tables' -> 'clients' AS clients;
SELECT owner_id, metadata, status FROM auth_store.clients WHERE id = :'app';
SELECT auth_store.developer_client_delete(:'bobs', :'bob');
SELECT count(*) FROM auth_store.clients WHERE id = :'bobs';
SELECT auth_store.tenant_erase('portal', 'portal') > 0 AS erased;

-- The issuer of a tenant, its settings and its documents; resource servers.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('issuer') \gset
SELECT auth_store.tenant_create('issuer_b') \gset
SELECT count(*) AS trail FROM pg_temp.trail() \gset

-- A tenant is no provider until it has an issuer.
SELECT count(*) AS none FROM auth_store.provider_get('issuer');
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.http_metadata(tenant_id => ''issuer'')'), ('SELECT auth_store.http_jwks(''issuer'')'),
    ('SELECT auth_store.http_resource_metadata(''https://a.example'', ''issuer'')'),
    ('SELECT auth_store.provider_set(settings => ''{"require_par": true}'', tenant_id => ''issuer'')')) AS t (what);
SELECT auth_store.provider_set('https://issuer.example/acme', tenant_id => 'issuer');
SELECT issuer, created_at = updated_at AS new FROM auth_store.provider_get('issuer');
SELECT key, value FROM auth_store.provider_get('issuer'), jsonb_each(settings) ORDER BY key COLLATE "C";

-- What is not named stays; null puts the default back. The issuer can move.
SELECT auth_store.provider_set(settings => '{"paths": {"token": "/oauth/token"}, "access_token_ttl": "5 minutes",
    "registration": "open", "scope": "openid  read read", "login_url": "https://app.example/login",
    "metadata": {"x": 1}}', tenant_id => 'issuer');
SELECT auth_store.provider_set(settings => '{"registration": null, "require_par": true}', tenant_id => 'issuer');
SELECT issuer, settings -> 'paths' ->> 'token' AS token, settings -> 'paths' ->> 'jwks' AS jwks,
       settings ->> 'access_token_ttl' AS ttl, settings ->> 'registration' AS registration,
       settings ->> 'scope' AS scope, settings ->> 'require_par' AS par
  FROM auth_store.provider_get('issuer');
SELECT settings FROM auth_store.issuers WHERE tenant_id = 'issuer';
SELECT auth_store.provider_set('https://issuer.example/b', tenant_id => 'issuer');
SELECT issuer, path FROM auth_store.issuers WHERE tenant_id = 'issuer';

-- One issuer is one tenant's; a path may be of two, on hosts of their own.
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.provider_set(''https://issuer.example/b'', tenant_id => ''issuer_b'')'),
    ('SELECT auth_store.provider_set(''https://issuer-b.example/b'', tenant_id => ''issuer_b'')'),
    ('SELECT auth_store.provider_set(''https://issuer.example/b'', tenant_id => ''issuer_b'')'),
    ('SELECT auth_store.provider_set(''https://x.example'', tenant_id => ''nowhere'')')) AS t (what);
SELECT tenant_id, issuer FROM auth_store.issuer_list() WHERE tenant_id LIKE 'issuer%';
SELECT * FROM pg_temp.trail();
SELECT details FROM auth_store.audit_log WHERE event = 'tenant.provider_changed' AND tenant_id = 'issuer'
 ORDER BY occurred_at;

-- What is no issuer, and no setting.
SELECT issuer,
       pg_temp.raised(format('SELECT auth_store.provider_set(%L, tenant_id => ''issuer'')', issuer)) LIKE '22023%'
  FROM (VALUES (''), ('issuer.example'), ('http://issuer.example'), ('https://issuer.example/'),
    ('https://issuer.example?a'), ('https://issuer.example#a'), ('https://ISSUER.example'),
    ('https://u@issuer.example'), ('https://issuer.example/a/../b'), ('https://issuer.example/.well-known/x'),
    ('https://issuer.example/1/2/3/4/5')) AS t (issuer);
SELECT settings, left(pg_temp.raised(format('SELECT auth_store.provider_set(settings => %L, tenant_id => ''issuer'')',
    settings)), 100)
  FROM (VALUES ('[]'), ('null'), ('{"nothing": 1}'), ('{"paths": {"token": "token"}}'),
    ('{"paths": {"token": "/jwks"}}'), ('{"login_url": "http://app.example"}'), ('{"default_alg": "HS256"}'),
    ('{"access_token_ttl": 0}'), ('{"registration": "on"}'), ('{"registration_max_clients": 1.5}'),
    ('{"require_par": 1}'), ('{"scope": "é"}'), ('{"registration_schemes": ["file"]}'), ('{"acr_values": [1]}'),
    ('{"metadata": 7}'), ('{"profile": "fapi1"}')) AS t (settings);

-- The document: both well-known places have the same.
SELECT status, headers ->> 'content-type' AS type, headers ->> 'cache-control' AS cache, headers ? 'etag' AS etag,
       headers ? 'pragma' AS pragma, error
  FROM auth_store.http_metadata(tenant_id => 'issuer');
SELECT body = (auth_store.http_metadata('openid-configuration', 'issuer')).body AS same,
       body = (auth_store.http_metadata('oauth-authorization-server', 'issuer')).body AS still
  FROM auth_store.http_metadata(tenant_id => 'issuer');
SELECT status, error FROM auth_store.http_metadata('webfinger', 'issuer');
SELECT key, value FROM auth_store.http_metadata(tenant_id => 'issuer'), jsonb_each(body::jsonb)
 ORDER BY key COLLATE "C";
-- It follows the settings and the keys at once.
SELECT headers ->> 'etag' AS etag FROM auth_store.http_metadata(tenant_id => 'issuer') \gset
SELECT auth_store.signing_key_create('EdDSA', tenant_id => 'issuer') IS NOT NULL AS made;
SELECT auth_store.provider_set(settings => '{"profile": "fapi2", "mtls_url": "https://mtls.issuer.example"}',
    tenant_id => 'issuer');
SELECT headers ->> 'etag' <> :'etag' AS changed,
       body::jsonb -> 'id_token_signing_alg_values_supported' AS algs,
       body::jsonb -> 'token_endpoint_auth_methods_supported' AS methods,
       body::jsonb -> 'mtls_endpoint_aliases' -> 'token_endpoint' AS alias
  FROM auth_store.http_metadata(tenant_id => 'issuer');
BEGIN;
SELECT auth_store.provider_set(settings => '{"acr_values": ["a"]}', tenant_id => 'issuer');
SELECT body::jsonb -> 'acr_values_supported' AS acr FROM auth_store.http_metadata(tenant_id => 'issuer');
ROLLBACK;
SELECT body::jsonb -> 'acr_values_supported' AS acr FROM auth_store.http_metadata(tenant_id => 'issuer');

-- The keys, public parts alone.
SELECT status, headers ->> 'cache-control' AS cache, headers ? 'etag' AS etag,
       (SELECT array_agg(k ORDER BY k COLLATE "C") FROM jsonb_object_keys(body::jsonb -> 'keys' -> 0) k) AS members
  FROM auth_store.http_jwks('issuer');
SELECT body FROM auth_store.http_jwks('issuer_b');

-- Resource servers: spellings that mean the same are one.
SELECT auth_store.resource_set('https://api.issuer.example', 'read write', name => 'The API', dpop_required => true,
    metadata => '{"resource_documentation": "https://docs.example", "resource": "https://other.example"}',
    tenant_id => 'issuer');
SELECT auth_store.resource_set('HTTPS://API.issuer.example:443/', 'read', 'jwt', '5 minutes', 'ES256', 'The API',
    true, '{"resource_documentation": "https://docs.example"}', 'issuer');
SELECT uri, name, scope, access_token_format, access_token_ttl, alg, dpop_required, metadata, tenant_id
  FROM auth_store.resource_list('issuer');
SELECT status, headers ->> 'cache-control' AS cache, body
  FROM auth_store.http_resource_metadata('https://api.issuer.example/', 'issuer');
SELECT status, error FROM auth_store.http_resource_metadata('https://nothing.example/', 'issuer');
SELECT auth_store.resource_delete('https://api.issuer.example', 'issuer') AS deleted,
       auth_store.resource_delete('https://api.issuer.example', 'issuer') AS again;
SELECT what, pg_temp.raised(what) FROM (VALUES ('SELECT auth_store.resource_set(NULL)'),
    ('SELECT auth_store.resource_set(''api'')'), ('SELECT auth_store.resource_set(''https://a.example#b'')'),
    ('SELECT auth_store.resource_set(''https://a.example'', access_token_format => ''saml'')'),
    ('SELECT auth_store.resource_set(''https://a.example'', access_token_ttl => ''0'')'),
    ('SELECT auth_store.resource_set(''https://a.example'', alg => ''none'')'),
    ('SELECT auth_store.resource_set(''https://a.example'', metadata => ''[]'')'),
    ('SELECT auth_store.resource_set(''https://a.example'', tenant_id => ''nowhere'')'),
    ('SELECT auth_store.resource_delete(NULL)'), ('SELECT auth_store.resource_list(''nowhere'')'),
    ('SELECT auth_store.http_resource_metadata(NULL, ''issuer'')')) AS t (what);
SELECT * FROM pg_temp.trail() WHERE event LIKE 'resource%';

-- A reader reads all of it; a pinned session its own tenant's.
SET ROLE auth_store_reader;
SELECT issuer FROM auth_store.provider_get('issuer');
SELECT status FROM auth_store.http_metadata(tenant_id => 'issuer');
RESET ROLE;
SET auth_store.tenant_id = 'issuer_b';
SELECT issuer FROM auth_store.provider_get();
SELECT pg_temp.raised('SELECT auth_store.http_metadata(tenant_id => ''issuer'')');
RESET auth_store.tenant_id;
SELECT auth_store.tenant_erase('issuer', 'issuer') > 0 AS a, auth_store.tenant_erase('issuer_b', 'issuer_b') > 0 AS b;

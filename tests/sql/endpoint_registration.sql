-- Registration (RFC 7591), its management (RFC 7592), documents of clients, and the end of what nobody uses.
\i tests/sql/include/helpers.sql
\set ECHO none
CREATE FUNCTION pg_temp.register(body text, token text DEFAULT NULL, ip inet DEFAULT '192.0.2.1')
RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT auth_store.http_register('POST', body => convert_to(body, 'UTF8'), authorization => 'Bearer ' || token,
        ip => ip, tenant_id => 'reg')
$$;
CREATE FUNCTION pg_temp.manage(method text, client_id text, token text, body jsonb DEFAULT NULL)
RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT auth_store.http_register(method, client_id, convert_to(body::text, 'UTF8'), 'Bearer ' || token,
        tenant_id => 'reg')
$$;
-- An answer without what changes from run to run.
CREATE FUNCTION pg_temp.shown(r auth_store.http_response, OUT status int, OUT body jsonb) LANGUAGE plpgsql AS $$
DECLARE
    secret text;
BEGIN
    status := r.status;
    body := NULLIF(r.body, '')::jsonb;
    FOREACH secret IN ARRAY '{client_id,client_secret,registration_access_token,registration_client_uri,'
                            'client_id_issued_at}'::text[] LOOP
        IF body ? secret THEN body := jsonb_set(body, ARRAY[secret], '"…"'); END IF;
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.document(url text, body text, max_age int DEFAULT NULL) RETURNS auth_store.client_document
LANGUAGE sql AS $$
    SELECT auth_store.client_document_store(url, convert_to(body, 'UTF8'), max_age, 'reg')
$$;
\set ECHO all
SELECT auth_store.tenant_create('reg');
SELECT pg_temp.raised($$SELECT pg_temp.register('{}')$$);
SELECT auth_store.provider_set('https://id.example/reg', '{"scope": "openid mcp offline_access"}', 'reg');

-- The issuer takes no registrations, unless it says so.
SELECT r.status, r.body FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"]}') AS r;
SELECT auth_store.provider_set(settings => '{"registration": "open", "registration_max_per_network": 1000}',
    tenant_id => 'reg');

-- RFC 7591 section 2: the defaults. A secret is shown beside the number that clients want (section 3.2.1).
SELECT r.body AS web FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"]}') AS r \gset
SELECT :'web'::jsonb ->> 'client_id' AS id, :'web'::jsonb ->> 'registration_access_token' AS token,
       :'web'::jsonb ->> 'client_secret' AS secret \gset
SELECT :'web'::jsonb - '{client_id,client_secret,registration_access_token,registration_client_uri,'
                       'client_id_issued_at}'::text[] AS body;
SELECT :'token' ~ '^asrg_[\w-]{64}$' AS token, :'secret' ~ '^ascs_' AS secret,
       :'web'::jsonb ->> 'registration_client_uri' = 'https://id.example/reg/register/' || :'id' AS uri;
SELECT ok FROM auth_store.client_authenticate(:'id', :'secret');
SELECT origin, owner_id, registration_expires_at - created_at AS unused FROM auth_store.clients WHERE id = :'id';
SELECT event, error, flags FROM pg_temp.trail();

-- The bodies that the MCP SDKs for Python and TypeScript send.
SELECT s.* FROM pg_temp.register('{"response_types":["code"],"scope":"mcp offline_access","client_name":"Notes",
    "redirect_uris":["http://localhost:3030/cb"],"grant_types":["authorization_code","refresh_token"],
    "application_type":"native"}') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.register('{"redirect_uris":["http://localhost:8090/cb"],"client_name":"","client_uri":null,
    "token_endpoint_auth_method":"none","scope":"mcp offline_access other","contacts":null,
    "software_statement":"x","unknown":{"a":1}}') AS r, pg_temp.shown(r) AS s;

-- Every member that is known comes back by its name.
SELECT s.* FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"], "grant_types": ["authorization_code",
    "implicit"], "response_types": ["code", "id_token"], "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "1"}]}, "client_name": "All",
    "client_uri": "https://a.example", "logo_uri": "https://a.example/logo", "tos_uri": "https://a.example/tos",
    "policy_uri": "https://a.example/policy", "contacts": ["ada@example.com"], "software_id": "s",
    "software_version": "1", "subject_type": "pairwise", "id_token_signed_response_alg": "EdDSA",
    "userinfo_signed_response_alg": "ES256", "default_max_age": 60,
    "post_logout_redirect_uris": ["https://a.example/bye"], "backchannel_logout_uri": "https://a.example/logout",
    "backchannel_logout_session_required": true, "require_pushed_authorization_requests": true,
    "dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": true}') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"],
    "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"}') AS r,
    pg_temp.shown(r) AS s;

-- What does not fit is refused by its name (RFC 7591 section 3.2.2), and nothing that is sent is an error.
SELECT b AS body, r.status, r.body ->> 'error' AS error, r.body ->> 'error_description' AS description
  FROM (VALUES (''), ('[]'), ('{'), ('{}'), ('{"redirect_uris": ["https://a.example/cb"], "client_name": "\u0000"}'),
    ('{"redirect_uris": "https://a.example/cb"}'), ('{"redirect_uris": ["http://a.example/cb"]}'),
    ('{"redirect_uris": ["https://a.example/cb#x"]}'), ('{"redirect_uris": [null]}'), ('{"redirect_uris": []}'),
    ('{"redirect_uris": ["https://a.example/cb"], "grant_types": ["password"]}'),
    ('{"redirect_uris": ["https://a.example/cb"], "grant_types": ["client_credentials"]}'),
    ('{"redirect_uris": ["https://a.example/cb"], "response_types": ["token"]}'),
    ('{"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "x"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "private_key_jwt"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "tls_client_auth"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method": "client_secret_jwt"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "scope": "other"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "scope": "\""}'),
    ('{"redirect_uris": ["https://a.example/cb"], "jwks": {"keys": [{"kty": "EC", "d": "AA"}]}}'),
    ('{"redirect_uris": ["https://a.example/cb"], "jwks": {"keys": []}, "jwks_uri": "https://a.example/jwks"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "jwks_uri": "http://a.example/jwks"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "sector_identifier_uri": "https://a.example/s"}'),
    ('{"redirect_uris": ["https://a.example/cb", "https://b.example/cb"], "subject_type": "pairwise"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "id_token_signed_response_alg": "none"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "authorization_details_types": ["payment"]}'),
    ('{"redirect_uris": ["https://a.example/cb"], "client_uri": "javascript:x"}'),
    ('{"redirect_uris": ["https://a.example/cb"], "default_max_age": -1}')) AS t (b),
    LATERAL (SELECT s.* FROM pg_temp.register(b) AS a, pg_temp.shown(a) AS s) AS r;
-- At and over the bounds: 64 kB, 16 levels.
SELECT n, r.status FROM (VALUES (65536), (65537)) AS t (n), LATERAL pg_temp.register(
    rpad('{"redirect_uris": ["https://a.example/cb"]', n - 1) || '}') AS r;
SELECT n, r.status FROM (VALUES (15), (16)) AS t (n), LATERAL pg_temp.register(
    '{"redirect_uris": ["https://a.example/cb"], "x": ' || repeat('[', n) || repeat(']', n) || '}') AS r;
SELECT m AS method, id IS NOT NULL AS of_client, r.status, r.headers ->> 'allow' AS allow
  FROM (VALUES ('GET', NULL), ('POST', 'x'), ('PATCH', 'x')) AS t (m, id),
       LATERAL auth_store.http_register(m, id, tenant_id => 'reg') AS r;

-- RFC 7592 section 2.1: read with the token alone; a secret is not shown again.
SELECT s.* FROM pg_temp.manage('GET', :'id', :'token') AS r, pg_temp.shown(r) AS s;
SELECT t.what, r.status, r.headers ->> 'www-authenticate' AS challenge
  FROM (VALUES ('another token', :'id', pg_temp.altered(:'token')), ('a client secret', :'id', :'secret'),
               ('another client', 'nobody', :'token'), ('none', :'id', '')) AS t (what, client, token),
       LATERAL pg_temp.manage('GET', t.client, t.token) AS r;

-- Section 2.2: what the request leaves out is gone; what an administrator set stays.
SELECT auth_store.client_update(:'id', '{"rate_limit_per_hour": 100, "access_token_ttl": 60,
    "metadata": {"plan": "free"}}');
SELECT s.* FROM pg_temp.manage('PUT', :'id', :'token', jsonb_build_object('client_id', :'id',
    'redirect_uris', '{https://b.example/cb}'::text[], 'client_name', 'B', 'client_uri', 'https://b.example')) AS r,
    pg_temp.shown(r) AS s;
SELECT name, redirect_uris, rate_limit_per_hour, access_token_ttl, metadata FROM auth_store.clients WHERE id = :'id';
SELECT ok FROM auth_store.client_authenticate(:'id', :'secret');
SELECT s.* FROM pg_temp.manage('PUT', :'id', :'token',
    '{"client_id": "other", "redirect_uris": ["https://b.example/"]}') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.manage('PUT', :'id', :'token', jsonb_build_object('client_id', :'id', 'redirect_uris',
    '{https://b.example/cb}'::text[], 'token_endpoint_auth_method', 'none')) AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.manage('PUT', :'id', pg_temp.altered(:'token'), '{}') AS r, pg_temp.shown(r) AS s;

SELECT auth_store.signing_key_create(tenant_id => 'reg') IS NOT NULL AS key;

-- Section 2.3: nothing of the client works any more, and cleanup deletes it.
SELECT user_id FROM auth_store.user_create('reg@example.com', tenant_id => 'reg') \gset
SELECT access_token FROM auth_store.token_issue(:'id', :'user_id') \gset
SELECT r.status, r.body FROM pg_temp.manage('DELETE', :'id', :'token') AS r;
SELECT active FROM auth_store.token_introspect(:'access_token');
SELECT ok FROM auth_store.client_authenticate(:'id', :'secret');
SELECT r.status FROM pg_temp.manage('GET', :'id', :'token') AS r;
SELECT deleted > 0 AS deleted FROM auth_store.cleanup_batch('clients');
SELECT count(*) FROM auth_store.clients WHERE id = :'id';

-- With an initial access token the client belongs to the token's user, and may get tokens for itself.
SELECT auth_store.provider_set(settings => '{"registration": "token"}', tenant_id => 'reg');
SELECT r.status, r.headers ->> 'www-authenticate' AS challenge
  FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"]}') AS r;
SELECT client_id AS portal FROM auth_store.client_create('Portal', client_id => 'reg-portal', tenant_id => 'reg',
    scope => 'client:register openid') \gset
SELECT access_token AS initial FROM auth_store.token_issue('reg-portal', :'user_id', 'client:register') \gset
SELECT access_token AS narrow FROM auth_store.token_issue('reg-portal', :'user_id', 'openid') \gset
SELECT t.what, r.status, r.error FROM (VALUES ('no scope', :'narrow'), ('none', 'x')) AS t (what, token),
    LATERAL pg_temp.register('{"redirect_uris": ["https://a.example/cb"]}', t.token) AS r;
SELECT r.body AS service, r.user_id = :'user_id' AS of_user
  FROM pg_temp.register('{"grant_types": ["client_credentials"], "client_name": "Service"}', :'initial') AS r \gset
SELECT origin, owner_id = :'user_id' AS owned, registration_expires_at AS stays
  FROM auth_store.clients WHERE id = :'service'::jsonb ->> 'client_id';

-- The limits: of a network, and of the tenant; a client that is over them is told when to come back.
SELECT auth_store.provider_set(settings => '{"registration": "open", "registration_max_per_network": 2}',
    tenant_id => 'reg');
SELECT n, r.status, r.error, r.headers ? 'retry-after' AS retry
  FROM generate_series(1, 3) AS n, LATERAL pg_temp.register('{"redirect_uris": ["https://a.example/cb"]}',
      ip => ('198.51.100.' || (n - n))::inet) AS r;
SELECT auth_store.provider_set(settings => '{"registration_max_clients": 0}', tenant_id => 'reg');
SELECT r.status, r.error FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"]}', ip => '203.0.113.1') AS r;
SELECT auth_store.provider_set(settings => '{"registration_max_clients": null}', tenant_id => 'reg');

-- A stranger who is refused takes nothing of the tenant's limit from those who have a token.
SELECT auth_store.tenant_create('reg_token');
SELECT auth_store.provider_set('https://id.example/reg_token', '{"registration": "token", "scope": "openid",
    "registration_max_per_hour": 1}', 'reg_token');
SELECT client_secret AS trusted FROM auth_store.client_create('Trusted', client_id => 'reg_trusted',
    grant_types => '{client_credentials}', scope => 'client:register', tenant_id => 'reg_token') \gset
SELECT access_token AS trusted FROM auth_store.token_issue_client_credentials('reg_trusted', :'trusted') \gset
SELECT n, r.status FROM generate_series(1, 4) AS n,
    auth_store.http_register('POST', body => convert_to('{"redirect_uris": ["https://a.example/cb"]}', 'UTF8'),
        authorization => CASE WHEN n IN (2, 4) THEN 'Bearer ' || :'trusted' END, ip => '203.0.113.9',
        tenant_id => 'reg_token') AS r ORDER BY n;
SELECT auth_store.tenant_erase('reg_token', 'reg_token') IS NOT NULL AS erased;

-- What nobody has used ends; a client stays to which a user has consented.
SELECT r.body::jsonb ->> 'client_id' AS used FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"]}',
    ip => '203.0.113.2') AS r \gset
SELECT FROM auth_store.consent_record(:'user_id', :'used', 'openid');
SET ROLE auth_store_owner;
UPDATE auth_store.clients SET registration_expires_at = now() - interval '1 s'
 WHERE tenant_id = 'reg' AND registration_expires_at IS NOT NULL;
RESET ROLE;
SELECT deleted > 0 AS deleted FROM auth_store.cleanup_batch('clients');
SELECT id = :'used' AS used, registration_expires_at FROM auth_store.clients WHERE tenant_id = 'reg'
   AND origin = 'registration' AND owner_id IS NULL;

-- A FAPI 2.0 issuer has clients that keep its rules.
SELECT auth_store.provider_set(settings => '{"profile": "fapi2", "registration_max_per_network": 1000}',
    tenant_id => 'reg');
SELECT s.* FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"], "token_endpoint_auth_method":
    "client_secret_basic"}', ip => '198.18.3.1') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.register('{"redirect_uris": ["https://a.example/cb"], "jwks": {"keys": []}}',
    ip => '198.18.4.1') AS r, pg_temp.shown(r) AS s;
SELECT profile, dpop_bound, refresh_rotation FROM auth_store.clients WHERE tenant_id = 'reg' AND profile = 'fapi2';
SELECT auth_store.provider_set(settings => '{"profile": null}', tenant_id => 'reg');

-- Documents of clients whose client_id is a URL.
\set url 'https://app.example/client.json?v=1'
SELECT error FROM pg_temp.document(:'url', '{}');
SELECT auth_store.provider_set(settings => '{"metadata_documents": true}', tenant_id => 'reg');
SELECT t.body, d.error, d.error_description FROM (VALUES ('[]'), ('{}'), ('{"client_id": "https://app.example/other"}'),
    ('{"client_id": "https://app.example/client.json?v=1", "client_secret": "x"}'),
    ('{"client_id": "https://app.example/client.json?v=1", "token_endpoint_auth_method": "client_secret_basic"}'),
    ('{"client_id": "https://app.example/client.json?v=1"}'),
    ('{"client_id": "https://app.example/client.json?v=1", "redirect_uris": ["http://app.example/cb"]}'))
    AS t (body), LATERAL pg_temp.document(:'url', t.body) AS d;
SELECT n, d.error FROM (VALUES (5120), (5121)) AS t (n), LATERAL pg_temp.document('https://big.example/client',
    rpad('{"client_id": "https://big.example/client", "redirect_uris": ["https://big.example/cb"]', n - 1) || '}') AS d;
SELECT d.client_id = :'url' AS stored, d.error FROM pg_temp.document(:'url', jsonb_build_object('client_id', :'url',
    'client_name', 'App', 'redirect_uris', '{https://app.example/cb}'::text[])::text, 3600) AS d;
SELECT name, client_type, origin, grant_types, scope,
       document_expires_at - created_at BETWEEN '3599 s' AND '3601 s' AS hour
  FROM auth_store.clients WHERE id = :'url';
-- A newer document changes the client, and may make it one with a key.
SELECT d.error FROM pg_temp.document(:'url', jsonb_build_object('client_id', :'url', 'client_name', 'App 2',
    'redirect_uris', '{https://app.example/cb}'::text[], 'token_endpoint_auth_method', 'private_key_jwt',
    'jwks_uri', 'https://app.example/jwks')::text, 1) AS d;
SELECT name, client_type, token_endpoint_auth_method, jwks_uri, document_expires_at - now() < '31 s' AS soon
  FROM auth_store.clients WHERE id = :'url';
SELECT d.client_id = :'url' AS stored, d.error FROM pg_temp.document('https://app.example/jwks', '{"keys": []}') AS d;
SELECT t.body, d.error, d.error_description
  FROM (VALUES ('https://app.example/jwks', '{"keys": [{"kty": "oct", "k": "AA"}]}'),
    ('https://else.example/jwks', '{"keys": []}')) AS t (url, body), LATERAL pg_temp.document(t.url, t.body) AS d;
SELECT fetched_jwks, fetched_jwks_expires_at > now() AS current FROM auth_store.clients WHERE id = :'url';
-- What an administrator registered stays, and the client of another tenant is not taken.
SELECT FROM auth_store.client_create('Own', '{https://own.example/cb}', 'public', client_id => 'https://own.example/c',
    tenant_id => 'reg');
SELECT d.client_id, d.error FROM pg_temp.document('https://own.example/c',
    '{"client_id": "https://own.example/c", "redirect_uris": ["https://evil.example/cb"]}') AS d;
SELECT redirect_uris FROM auth_store.clients WHERE id = 'https://own.example/c';
SELECT FROM auth_store.client_create('Else', '{https://x.example/cb}', 'public', client_id => 'https://x.example/c');
SELECT d.client_id, d.error FROM pg_temp.document('https://x.example/c',
    '{"client_id": "https://x.example/c", "redirect_uris": ["https://x.example/cb"]}') AS d;
SELECT what, pg_temp.raised('SELECT auth_store.client_document_store(' || what || ', tenant_id => ''reg'')')
  FROM (VALUES ('NULL, NULL'), ('''http://a.example/c'', NULL'), ('''https://a.example/c'', NULL')) AS t (what);
SELECT auth_store.tenant_erase('reg', 'reg') > 0 AS erased;

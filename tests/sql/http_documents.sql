-- Clients that are known by what they publish at their client_id: fetched for the first request, and anew when the time
-- of the document is over.
\i tests/sql/include/helpers.sql
\i tests/sql/include/authorize.sql
SELECT auth_store.tenant_create('papers') AS tenant \gset
SELECT auth_store.provider_set('https://id.example/papers', tenant_id => :'tenant');
CREATE FUNCTION pg_temp.asked(client_id text, changes jsonb DEFAULT '{}') RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_temp.query(jsonb_build_object('response_type', 'code', 'client_id', client_id,
        'redirect_uri', 'http://127.0.0.1:4711/cb', 'scope', 'openid',
        'code_challenge', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'code_challenge_method', 'S256') || changes)
$$;
CREATE FUNCTION pg_temp.ask(client_id text) RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http_authorize('GET', pg_temp.asked(client_id), tenant_id => 'papers')
$$;
CREATE FUNCTION pg_temp.publish(url text, changes jsonb DEFAULT '{}') RETURNS auth_store.client_document
LANGUAGE sql AS $$
    SELECT * FROM auth_store.client_document_store(url, convert_to((jsonb_build_object('client_id', url,
        'client_name', 'Editor', 'redirect_uris', '{http://127.0.0.1/cb}'::text[], 'scope', 'openid') || changes)::text,
        'UTF8'), 600, 'papers')
$$;
\set url 'https://doc.example/client.json'

-- The issuer takes no such clients, unless it says so.
SELECT status, next, error, body FROM pg_temp.ask(:'url');
SELECT auth_store.provider_set(settings => '{"metadata_documents": true}', tenant_id => :'tenant');

-- An unknown client: fetch, store, and go on. What is sent where that fails is an error for a page.
SELECT status, headers, body, error, client_id, next, request FROM pg_temp.ask(:'url');
SELECT client_id, error FROM pg_temp.publish(:'url');
SELECT next, request->>'client_name' AS name, request->>'redirect_uri' AS uri FROM pg_temp.ask(:'url');
-- What can't be such a client is unknown.
SELECT id, next, error FROM (VALUES ('nobody'), ('http://app.example/c'), ('https://app.example'),
    ('https://app.example/a/../b'), ('https://app.example/c#d')) AS t (id), LATERAL pg_temp.ask(id);
-- Without a tenant it is the session's, which has no issuer.
SELECT next, error FROM auth_store.http_authorize('GET', pg_temp.asked('https://app.example/else'));

-- When its time is over it is fetched anew, and is what it says then.
UPDATE auth_store.clients SET document_expires_at = clock_timestamp() WHERE id = :'url';
SELECT next, error, request->>'url' AS url FROM pg_temp.ask(:'url');
SELECT client_id, error FROM pg_temp.publish(:'url', '{"client_name": "Painter"}');
SELECT next, request->>'client_name' AS name FROM pg_temp.ask(:'url');
-- An administrator's word stands above the document.
SELECT auth_store.client_set_status(:'url', 'suspended');
SELECT next, error FROM pg_temp.ask(:'url');

-- By http() too, and for endpoints where a client that nobody knows shows itself first.
CREATE FUNCTION pg_temp.call(method text, path text, query bytea, body bytea DEFAULT NULL, headers jsonb DEFAULT '{}')
RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http(method, '/papers' || path, query, headers, body)
$$;
SELECT status, headers->>'auth-store-fetch' AS fetch, headers->>'auth-store-tenant' AS tenant, error
  FROM pg_temp.call('POST', '/par', NULL, pg_temp.asked('https://app.example/pushes'));
SELECT error FROM pg_temp.publish('https://app.example/pushes');
SELECT status, headers ? 'auth-store-fetch' AS fetch
  FROM pg_temp.call('POST', '/par', NULL, pg_temp.asked('https://app.example/pushes'));
-- A front with pages of its own is told where what they answer is, wherever the settings have it.
SELECT auth_store.provider_set(settings => '{"paths": {"authorization": "/start", "end_session": "/bye",
    "device_verification": "/activate"}}', tenant_id => :'tenant');
SELECT path, s.status AS without, h.status, h.headers->>'auth-store-endpoint' AS endpoint,
       h.headers->>'auth-store-tenant' AS tenant
  FROM (VALUES ('/start'), ('/bye'), ('/activate'), ('/authorize'), ('/logout'), ('/device'), ('/token')) AS t (path),
       LATERAL pg_temp.call('GET', path, '') AS s,
       LATERAL pg_temp.call('GET', path, '', headers => '{"Auth-Store-Pages": "1"}') AS h;
SELECT auth_store.provider_set(settings => '{"login_url": "https://www.example/in", "consent_url":
    "https://www.example/ask"}', tenant_id => :'tenant');
SELECT status, headers->>'auth-store-fetch' AS fetch, headers->>'auth-store-tenant' AS tenant, error
  FROM pg_temp.call('GET', '/start', pg_temp.asked('https://app.example/third'));

-- prompt=create: where there is a page that makes accounts.
SELECT auth_store.provider_set(settings => '{"login_url": null, "consent_url": null}', tenant_id => :'tenant');
CREATE FUNCTION pg_temp.create(OUT next text, OUT location text, OUT create_url text, OUT advertised boolean)
LANGUAGE sql AS $$
    SELECT a.next, pg_temp.named(a.headers->>'location'), a.request->>'create_url',
           (m.body::jsonb)->'prompt_values_supported' ? 'create'
      FROM auth_store.http_authorize('GET', pg_temp.asked('https://app.example/pushes', '{"prompt": "create"}'),
               tenant_id => 'papers') AS a,
           auth_store.http_metadata('openid-configuration', 'papers') AS m
$$;
SELECT * FROM pg_temp.create();
SELECT auth_store.provider_set(settings => '{"login_url": "https://www.example/in"}', tenant_id => :'tenant');
SELECT * FROM pg_temp.create();
SELECT auth_store.provider_set(settings => '{"create_url": "https://www.example/new"}', tenant_id => :'tenant');
SELECT * FROM pg_temp.create();
SELECT auth_store.tenant_erase('papers', 'papers') > 0 AS erased;

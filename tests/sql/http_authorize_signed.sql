-- What a client signs, or has the issuer's signature on: request objects (RFC 9101), also pushed, ID tokens that come
-- back as hints, and the documents that must be fetched before.
\i tests/sql/include/helpers.sql
\i tests/sql/include/sign.sql
\i tests/sql/include/authorize.sql

SELECT auth_store.tenant_create('signed') AS tenant \gset
SELECT auth_store.provider_set('https://id.signed.example', '{"metadata_documents": true, "scope": "openid read"}',
    :'tenant');
-- A key that this test has too (PKCS #8 of RFC 5915), so that it can issue what the store does not.
SELECT auth_store.signing_key_import(translate(encode(
    '\x308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420'::bytea
    || '\x3afde7975d6c100fd89ec44f50b093173ff4ea7fd2e7a6eec0d7375703152c5fa14403420004'
    || decode(translate(jwk->>'x', '-_', '+/') || '=', 'base64')
    || decode(translate(jwk->>'y', '-_', '+/') || '=', 'base64'), 'base64'), E'\n', ''), tenant_id => :'tenant') AS kid
  FROM pg_temp.jwk('ES256') AS jwk \gset
SELECT client_secret AS secret FROM auth_store.client_create('Signed', ARRAY['https://app.example/cb'],
    client_id => 'signed', scope => 'openid read', tenant_id => :'tenant', post_logout_redirect_uris =>
    '{https://app.example/bye}', jwks => jsonb_build_object('keys', jsonb_build_array(
        pg_temp.jwk('EdDSA') || '{"kid": "ed"}', pg_temp.jwk('RS256')))) \gset
SELECT FROM auth_store.client_create('Plain', ARRAY['https://plain.example/cb'], 'public', client_id => 'signed_not',
    scope => 'openid read', tenant_id => :'tenant');
SELECT user_id AS "user" FROM auth_store.user_create('ada@signed.example', tenant_id => :'tenant') \gset
SELECT user_id AS grace FROM auth_store.user_create('grace@signed.example', tenant_id => :'tenant') \gset
SELECT session_id, session_token AS session FROM auth_store.session_create(:'user', amr => '{pwd}') \gset
SELECT session_token AS of_grace FROM auth_store.session_create(:'grace', amr => '{pwd}') \gset
SELECT c.scope, c.error FROM unnest(ARRAY[:'user', :'grace']::uuid[]) AS who,
    auth_store.consent_record(who, 'signed', 'openid read') AS c;
SELECT FROM pg_sleep(0.002);

SELECT jsonb_build_object('response_type', 'code', 'client_id', 'signed', 'redirect_uri', 'https://app.example/cb',
    'scope', 'openid read', 'state', 'in', 'code_challenge', :'challenge', 'code_challenge_method', 'S256') AS asked,
    floor(extract(epoch FROM clock_timestamp()))::bigint AS now \gset
-- The answer to a request of these parameters.
CREATE FUNCTION pg_temp.ask(parameters jsonb, session text DEFAULT NULL)
RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http_authorize('GET', pg_temp.query(jsonb_strip_nulls(parameters)), session_token =>
        session, tenant_id => 'signed')
$$;
-- Beside the object only the client is named, and a state that does not count.
CREATE FUNCTION pg_temp.ask_signed(claims jsonb, session text, header jsonb DEFAULT '{"kid": "ed"}',
    alg text DEFAULT 'EdDSA') RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT pg_temp.ask(jsonb_build_object('client_id', 'signed', 'state', 'beside', 'request',
        pg_temp.jwt(header, claims, alg)), session)
$$;

--
-- Request objects
--

-- What counts is in the object, and a document in it is one.
SELECT status, next, pg_temp.named(headers->>'location') AS location
  FROM pg_temp.ask_signed(:'asked'::jsonb || jsonb_build_object('iss', 'signed', 'aud', 'https://id.signed.example',
      'iat', :now, 'exp', :now + 60, 'nonce', 'n', 'max_age', 3600, 'claims',
      '{"id_token": {"auth_time": {"essential": true}}}'::jsonb),
      :'session', '{"kid": "ed", "typ": "oauth-authz-req+jwt"}');
SELECT nonce, claims_request, scope FROM auth_store.authorization_codes WHERE client_id = 'signed';
SELECT next, request->'max_age' AS max_age, request->>'scope' AS scope
  FROM pg_temp.ask_signed(:'asked'::jsonb || '{"max_age": 60}', NULL, '{}', 'RS256');
SELECT what, next, error, coalesce(pg_temp.named(headers->>'location'), body) AS answer
  FROM (VALUES ('another client''s', '{"client_id": "signed_not"}'::jsonb),
               ('nobody''s',         '{"client_id": null}'),
               ('its own subject',   '{"sub": "signed"}'),
               ('another issuer''s', '{"aud": "https://id.other.example"}'),
               ('expired',           jsonb_build_object('exp', :now - 120)),
               ('not valid yet',     jsonb_build_object('nbf', :now + 120)),
               ('an object in it',   '{"request_uri": "urn:x"}'),
               ('scope',             '{"scope": "admin"}'),
               ('redirect_uri',      '{"redirect_uri": "https://evil.example/"}'),
               ('prompt=none',       '{"prompt": "none", "max_age": 0}')) AS t (what, changes),
       LATERAL pg_temp.ask_signed(:'asked'::jsonb || changes, :'session');
SELECT what, next, error, body
  FROM (VALUES ('no key of this kid',   '{"kid": "x"}'::jsonb, 'EdDSA'),
               ('not its key',          '{}', 'ES256'),
               ('an assertion',         '{"typ": "client-authentication+jwt"}', 'EdDSA'),
               ('an unknown extension', '{"crit": ["x"], "x": 1}', 'EdDSA'),
               ('another algorithm',    '{"kid": "ed", "alg": "RS256"}', 'EdDSA')) AS t (what, header, alg),
       LATERAL pg_temp.ask_signed(:'asked', :'session', header, alg);
-- Another signature, none, and one of a client that has no keys.
SELECT next, error, body FROM pg_temp.ask(jsonb_build_object('client_id', 'signed', 'request',
    pg_temp.altered(pg_temp.jwt('{}', :'asked'))), :'session');
SELECT next, error, body FROM pg_temp.ask(jsonb_build_object('client_id', 'signed', 'request',
    pg_temp.base64url('{"alg":"none"}') || '.' || pg_temp.base64url(convert_to(:'asked', 'UTF8')) || '.'), :'session');
SELECT next, error, body FROM pg_temp.ask(jsonb_build_object('client_id', 'signed_not', 'request',
    pg_temp.jwt('{}', :'asked'::jsonb || '{"client_id": "signed_not"}')), :'session');
SELECT auth_store.provider_set(settings => '{"request_objects": false}', tenant_id => :'tenant');
SELECT next, error, body FROM pg_temp.ask_signed(:'asked', :'session');
SELECT auth_store.provider_set(settings => '{"request_objects": null}', tenant_id => :'tenant');

-- Pushed (RFC 9126 section 3), which is also how FAPI 2.0 has them: what is stored is what was signed.
CREATE FUNCTION pg_temp.push(claims jsonb, secret text, more jsonb DEFAULT '{}', OUT status int, OUT error text,
    OUT description text, OUT request_uri text) LANGUAGE sql AS $$
    SELECT r.status, b->>'error', b->>'error_description', b->>'request_uri'
      FROM auth_store.http_par(pg_temp.query(jsonb_build_object('client_id', 'signed', 'client_secret', secret,
               'request', pg_temp.jwt('{}', claims), 'state', 'beside') || more), tenant_id => 'signed') AS r,
           LATERAL CAST(r.body AS jsonb) AS b
$$;
SELECT status, request_uri FROM pg_temp.push(:'asked', :'secret') \gset
SELECT :status AS status;
SELECT next, pg_temp.named(headers->>'location') AS location
  FROM pg_temp.ask(jsonb_build_object('client_id', 'signed', 'request_uri', :'request_uri'), :'session');
SELECT what, status, error, description
  FROM (VALUES ('another client''s', '{"client_id": "signed_not"}'::jsonb),
               ('expired',           jsonb_build_object('exp', :now - 120)),
               ('scope',             '{"scope": "admin"}'),
               ('redirect_uri',      '{"redirect_uri": "https://evil.example/"}')) AS t (what, changes),
       LATERAL pg_temp.push(:'asked'::jsonb || changes, :'secret');
SELECT count(*) AS pushed FROM auth_store.pushed_requests WHERE client_id = 'signed';

--
-- ID tokens as hints
--

SELECT substring(headers->>'location' FROM 'code=([^&]+)') AS code FROM pg_temp.ask(:'asked', :'session') \gset
SELECT id_token FROM auth_store.code_redeem(:'code', 'signed', 'https://app.example/cb', :'verifier', :'secret') \gset
SELECT jsonb_build_object('iss', 'https://id.signed.example', 'sub', :'user', 'aud', 'signed', 'iat', :now - 90000,
    'exp', :now - 86400) AS expired, jsonb_build_object('kid', :'kid') AS header \gset
-- Of the user who is logged in; of one who is not, who may log in then. An expired one says it as well, and other JWTs
-- of the issuer do not.
SELECT what, next, error, pg_temp.named(coalesce(headers->>'location', body)) AS answer
  FROM (VALUES ('its own',           :'id_token', 'none', :'session'),
               ('of another user',   :'id_token', 'none', :'of_grace'),
               ('and may log in',    :'id_token', NULL,   :'of_grace'),
               ('expired',           pg_temp.jwt(:'header', :'expired', 'ES256'), 'none', :'session'),
               ('of no key',         pg_temp.jwt('{"kid": "x"}', :'expired', 'ES256'), 'none', :'session'),
               ('an access token',   pg_temp.jwt(:'header'::jsonb || '{"typ": "at+jwt"}', :'expired', 'ES256'), 'none',
                :'session'),
               ('a logout token',    pg_temp.jwt(:'header'::jsonb || '{"typ": "logout+jwt"}', :'expired', 'ES256'),
                'none', :'session'),
               ('another issuer''s', pg_temp.jwt(:'header', :'expired'::jsonb || '{"iss": "https://id.other.example"}',
                    'ES256'), 'none', :'session'),
               ('altered',           pg_temp.altered(:'id_token'), 'none', :'session'))
           AS t (what, hint, prompt, session),
       LATERAL pg_temp.ask(:'asked'::jsonb || jsonb_build_object('id_token_hint', hint, 'prompt', prompt), session);

-- RP-Initiated Logout section 2: the client that logged the user in needs no question.
CREATE FUNCTION pg_temp.leave(hint text, session text, more jsonb DEFAULT '{}')
RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http_end_session(pg_temp.query(jsonb_build_object('id_token_hint', hint,
        'post_logout_redirect_uri', 'https://app.example/bye', 'state', 's') || more), session, tenant_id => 'signed')
$$;
-- Of another user it is no wish of this one's; one that another client got is not this client's.
SELECT status, next, request->>'client_name' AS client FROM pg_temp.leave(:'id_token', :'of_grace');
SELECT next, error, body FROM pg_temp.leave(:'id_token', :'session', '{"client_id": "signed_not"}');
SELECT next, error, body FROM pg_temp.leave(pg_temp.altered(:'id_token'), :'session');
SELECT next, error, body
  FROM pg_temp.leave(pg_temp.jwt(:'header'::jsonb || '{"typ": "at+jwt"}', :'expired', 'ES256'), :'session');
SELECT valid FROM auth_store.session_validate(:'session');
SELECT count(*) > 0 AS before FROM pg_temp.trail();
SELECT status, next, headers->>'location' AS location, client_id, user_id = :'user' AS of_user
  FROM pg_temp.leave(:'id_token', :'session');
SELECT s.valid, g.valid AS of_grace
  FROM auth_store.session_validate(:'session') AS s, auth_store.session_validate(:'of_grace') AS g;
SELECT event, error FROM pg_temp.trail();
-- An expired one too, and the session may be another one of the user's.
SELECT session_token AS session FROM auth_store.session_create(:'user') \gset
SELECT status, next, headers->>'location' AS location
  FROM pg_temp.leave(pg_temp.jwt(:'header', :'expired', 'ES256'), :'session', '{"client_id": "signed"}');
SELECT valid FROM auth_store.session_validate(:'session');

--
-- What must be fetched first
--

SELECT session_token AS session FROM auth_store.session_create(:'user', amr => '{pwd}') \gset
SELECT FROM pg_sleep(0.002);
-- The client's keys: no answer before they are there, and none where they have expired.
SELECT auth_store.client_update('signed', '{"jwks": null, "jwks_uri": "https://app.example/jwks"}');
SELECT status, next, client_id, request FROM pg_temp.ask_signed(:'asked', :'session');
SELECT status, error, description FROM pg_temp.push(:'asked', :'secret');
SELECT r.headers->>'auth-store-fetch' AS fetch
  FROM auth_store.http_par(pg_temp.query(jsonb_build_object('client_id', 'signed', 'client_secret', :'secret',
      'request', pg_temp.jwt('{}', :'asked'))), tenant_id => 'signed') AS r;
SELECT * FROM auth_store.client_document_store('https://app.example/jwks', convert_to(jsonb_build_object('keys',
    jsonb_build_array(pg_temp.jwk('EdDSA')))::text, 'UTF8'), 60, :'tenant');
SELECT next, pg_temp.named(headers->>'location') AS location
  FROM pg_temp.ask_signed(:'asked', :'session', '{}');
SELECT next, error, body FROM pg_temp.ask_signed(:'asked', :'session', '{}', 'ES256');
UPDATE auth_store.clients SET fetched_jwks_expires_at = clock_timestamp() WHERE id = 'signed';
SELECT next, request->>'url' AS url FROM pg_temp.ask_signed(:'asked', :'session', '{}');

-- A client whose client_id is the URL of its metadata. Nobody knows it before it is fetched; afterwards it asks, and
-- when the document is too old it is fetched anew.
\set url https://mcp.example/client.json
SELECT convert_to(jsonb_build_object('client_id', :'url', 'client_name', 'MCP', 'redirect_uris',
    jsonb_build_array('https://mcp.example/cb'), 'scope', 'read')::text, 'UTF8') AS document,
    :'asked'::jsonb || jsonb_build_object('client_id', :'url', 'redirect_uri', 'https://mcp.example/cb', 'scope',
    'read') AS of_url \gset
SELECT status, next, client_id, request FROM pg_temp.ask(:'of_url', :'session');
SELECT r.status, r.error, r.headers->>'auth-store-fetch' AS fetch
  FROM auth_store.http_par(pg_temp.query(:'of_url'), tenant_id => :'tenant') AS r;
SELECT what, next, error, body
  FROM (VALUES ('no path',        '{"client_id": "https://mcp.example"}'::jsonb),
               ('not https',      '{"client_id": "http://mcp.example/client.json"}'),
               ('no URL',         '{"client_id": "mcp"}')) AS t (what, changes),
       LATERAL pg_temp.ask(:'of_url'::jsonb || changes, :'session');
SELECT * FROM auth_store.client_document_store(:'url', :'document', 60, :'tenant');
SELECT r.status, r.headers->>'auth-store-fetch' AS fetch
  FROM auth_store.http_par(pg_temp.query(:'of_url'), tenant_id => :'tenant') AS r;
SELECT next, request - 'tenant_id' - 'user_id' AS request FROM pg_temp.ask(:'of_url', :'session');
SELECT interaction_id FROM pg_temp.ask(:'of_url', :'session') \gset
UPDATE auth_store.clients SET document_expires_at = clock_timestamp() WHERE id = :'url';
SELECT next, request FROM pg_temp.ask(:'of_url', :'session');
-- The user who was asked before is not kept waiting.
SELECT next, pg_temp.named(headers->>'location') AS location
  FROM auth_store.interaction_accept(:'interaction_id', :'session');
SELECT * FROM auth_store.client_document_store(:'url', :'document', 60, :'tenant');
SELECT next, pg_temp.named(headers->>'location') AS location FROM pg_temp.ask(:'of_url', :'session');
-- Where the provider takes none, the URL is an unknown client.
SELECT auth_store.provider_set(settings => '{"metadata_documents": false}', tenant_id => :'tenant');
SELECT next, error, body
  FROM pg_temp.ask(:'of_url'::jsonb || '{"client_id": "https://mcp.example/2.json"}', :'session');
SELECT auth_store.tenant_erase('signed', 'signed') > 0 AS erased;

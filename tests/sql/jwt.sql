-- Access tokens that are JWTs (RFC 9068), and ID tokens.
\i tests/sql/include/helpers.sql

-- A part of a JWT: 1 the header, 2 the claims.
CREATE FUNCTION pg_temp.part(token text, n integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT convert_from(decode(rpad(translate(split_part(token, '.', n), '-_', '+/'),
        (length(split_part(token, '.', n)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
$$;
-- Its claims, the times as seconds from now and what differs from run to run as whether it is right.
CREATE FUNCTION pg_temp.claims(token text) RETURNS TABLE (name text, value text) LANGUAGE sql AS $$
    SELECT key, CASE
               WHEN key IN ('exp', 'iat', 'auth_time')
                   THEN (round((value #>> '{}')::numeric - EXTRACT(EPOCH FROM clock_timestamp()), -1) + 0)::text
               WHEN key IN ('jti', 'sid') THEN 'a uuid: ' || ((value #>> '{}') ~ '^[0-9a-f-]{36}$')
               WHEN key = 'sub' AND value #>> '{}' ~ '^[0-9a-f-]{36}$' THEN 'a uuid'
               WHEN key = 'at_hash' THEN length(value #>> '{}')::text
               ELSE value::text END
      FROM jsonb_each(pg_temp.part(token, 2)) ORDER BY key COLLATE "C"
$$;

SELECT auth_store.tenant_create('jwt') \gset
SELECT auth_store.provider_set('https://jwt.example', '{"access_token_ttl": 600}', 'jwt') \gset
SELECT client_secret AS secret
  FROM auth_store.client_create('JWT', ARRAY['https://jwt.example/cb'], client_id => 'jwt_web', tenant_id => 'jwt',
      scope => 'openid profile email read write',
      grant_types => '{authorization_code,refresh_token,client_credentials,'
                     'urn:ietf:params:oauth:grant-type:token-exchange}') \gset
SELECT user_id AS "user"
  FROM auth_store.user_create('ada@jwt.example', first_name => 'Ada', last_name => 'L', tenant_id => 'jwt') \gset
SELECT session_id AS session FROM auth_store.session_create(:'user') \gset

-- Opaque is the default, and without openid nobody needs a key.
SELECT left(access_token, 5) AS token, id_token FROM auth_store.token_issue('jwt_web', :'user', 'read');
SELECT pg_temp.raised(format('SELECT auth_store.token_issue(%L, %L, %L)', 'jwt_web', :'user', 'openid'));
SELECT auth_store.signing_key_create(tenant_id => 'jwt') AS kid \gset

-- The resource says it, else the client, else the issuer; one of several that wants a JWT is enough.
CREATE FUNCTION pg_temp.form(resource text[], tenant text DEFAULT 'jwt') RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN t.access_token LIKE 'eyJ%' THEN pg_temp.part(t.access_token, 1) ->> 'alg' ELSE 'opaque' END
           || ' ' || round(t.expires_in, -1)
      FROM auth_store.token_issue('jwt_web', (SELECT id FROM auth_store.users WHERE tenant_id = $2), 'read',
          resource => $1) AS t
$$;
SELECT auth_store.resource_set('https://a.example', access_token_format => 'jwt', tenant_id => 'jwt');
SELECT auth_store.resource_set('https://b.example', access_token_format => 'opaque', access_token_ttl => '2 minutes',
    tenant_id => 'jwt');
SELECT pg_temp.form(NULL) AS none, pg_temp.form('{https://c.example}') AS unknown,
       pg_temp.form('{https://A.example/}') AS jwt, pg_temp.form('{https://b.example}') AS opaque,
       pg_temp.form('{https://a.example,https://b.example}') AS both;
SELECT auth_store.client_update('jwt_web', '{"access_token_format": "jwt"}');
SELECT pg_temp.form(NULL) AS client, pg_temp.form('{https://b.example}') AS opaque;
SELECT auth_store.client_update('jwt_web', '{"access_token_format": null}');
SELECT auth_store.provider_set(settings => '{"access_token_format": "jwt"}', tenant_id => 'jwt');
SELECT pg_temp.form(NULL) AS issuer, pg_temp.form('{https://b.example}') AS opaque;
SELECT auth_store.resource_set('https://a.example', access_token_format => 'jwt', alg => 'EdDSA', tenant_id => 'jwt');
SELECT pg_temp.raised('SELECT pg_temp.form(''{https://a.example}'')');
SELECT auth_store.signing_key_create('EdDSA', tenant_id => 'jwt') IS NOT NULL AS made;
SELECT pg_temp.form('{https://a.example}') AS eddsa;

-- What they say. The application's claims stand beside the store's and never replace them.
SELECT code FROM auth_store.code_issue('jwt_web', :'user', code_challenge => :'challenge', scope => 'openid read',
    resource => '{https://r.example}', session_id => :'session', nonce => 'n-1', auth_time => clock_timestamp(),
    acr => 'urn:acr', amr => '{pwd,otp}',
    claims => '{"role": "clerk", "n": 12345678901234567890.5, "iss": "https://evil.example", "exp": 1, "nonce": "x",
        "scope": "all", "nbf": 1}') \gset
SELECT *
  FROM auth_store.code_redeem(:'code', 'jwt_web', client_secret => :'secret', code_verifier => :'verifier') \gset t_
SELECT pg_temp.part(:'t_access_token', 1) - 'kid' AS header,
       pg_temp.part(:'t_access_token', 1) ->> 'kid' = :'kid' AS kid;
SELECT * FROM pg_temp.claims(:'t_access_token');
SELECT pg_temp.part(:'t_id_token', 1) - 'kid' AS header;
SELECT * FROM pg_temp.claims(:'t_id_token');
SELECT pg_temp.part(:'t_access_token', 2) ->> 'sub' = :'user' AS sub,
       pg_temp.part(:'t_access_token', 2) ->> 'sid' = :'session' AS sid,
       pg_temp.part(:'t_id_token', 2) ->> 'at_hash' = rtrim(translate(encode(substr(sha256(
           convert_to(:'t_access_token', 'UTF8')), 1, 16), 'base64'), '+/', '-_'), '=') AS at_hash;
-- The row holds the digest of the whole text; the text is nowhere.
SELECT digest = auth_store.token_hash(:'t_access_token') AS digest, resources, scope
  FROM auth_store.access_tokens WHERE id = (pg_temp.part(:'t_access_token', 2) ->> 'jti')::uuid;

-- Whatever takes an access token takes a JWT.
SELECT active, scope, client_id, audience, jti::text = pg_temp.part(:'t_access_token', 2) ->> 'jti' AS jti
  FROM auth_store.token_introspect(:'t_access_token');
SELECT active, error FROM auth_store.token_authorize(:'t_access_token', 'read', 'https://r.example/');
SELECT active, error FROM auth_store.token_use(:'t_access_token', 'write', 'https://r.example');
SELECT ok, error FROM auth_store.authenticate(:'t_access_token', 'read');
SELECT auth_store.token_bucket(:'t_access_token') = auth_store.token_bucket(:'t_refresh_token') AS bucket;
SELECT error, left(access_token, 3) AS token, issued_token_type, id_token
  FROM auth_store.token_exchange(:'t_access_token', client_id => 'jwt_web', client_secret => :'secret');

-- Altered in any part it is nobody's.
SELECT n, (auth_store.token_introspect(altered)).active, (auth_store.jwt_verify(altered, 'https://r.example')).active
  FROM (VALUES (1, pg_temp.altered(:'t_access_token')), (2, :'t_access_token' || 'A'), (3, :'t_access_token' || '.'),
           (4, split_part(:'t_access_token', '.', 1) || '.' || split_part(:'t_access_token', '.', 2) || '.'),
           (5, 'eyJhbGciOiJub25lIn0.' || split_part(:'t_access_token', '.', 2) || '.'), (6, :'t_id_token'),
           (7, :'t_refresh_token'), (8, 'eyJ.eyJ.x'), (9, NULL)) AS t (n, altered) ORDER BY n;

-- A resource server verifies it by the keys alone, and sees an end at once.
SELECT active, client_id, user_id::text = :'user' AS "user", scope, audience, issuer, tenant_id,
       jti::text = pg_temp.part(:'t_access_token', 2) ->> 'jti' AS jti, claims ->> 'role' AS role, error
  FROM auth_store.jwt_verify(:'t_access_token', 'HTTPS://r.example:443/');
SELECT active, error, error_description FROM auth_store.jwt_verify(:'t_access_token', 'https://other.example');
SELECT active, error, error_description FROM auth_store.jwt_verify(:'t_id_token', 'jwt_web');
SELECT pg_temp.raised(format('SELECT auth_store.jwt_verify(%L, NULL)', :'t_access_token'));
BEGIN;
SELECT auth_store.jti_revoke(pg_temp.part(:'t_access_token', 2) ->> 'jti', clock_timestamp() + '1 hour',
    tenant_id => 'jwt');
SELECT active FROM auth_store.jwt_verify(:'t_access_token', 'https://r.example');
ROLLBACK;
BEGIN;
SELECT auth_store.client_set_status('jwt_web', 'suspended');
SELECT active FROM auth_store.jwt_verify(:'t_access_token', 'https://r.example');
ROLLBACK;
BEGIN;
DELETE FROM auth_store.access_tokens WHERE tenant_id = 'jwt';
SELECT active FROM auth_store.jwt_verify(:'t_access_token', 'https://r.example');
SELECT auth_store.user_set_status(:'user', 'suspended');
SELECT active FROM auth_store.jwt_verify(:'t_access_token', 'https://r.example');
ROLLBACK;
BEGIN;
SELECT auth_store.provider_set('https://moved.example', tenant_id => 'jwt');
SELECT active FROM auth_store.jwt_verify(:'t_access_token', 'https://r.example');
ROLLBACK;

-- A refresh narrows, renews the ID token without the nonce, and keeps to what the log-in was.
SELECT * FROM auth_store.token_refresh(:'t_refresh_token', 'jwt_web', :'secret', scope => 'openid') \gset r_
SELECT * FROM pg_temp.claims(:'r_access_token') WHERE name IN ('scope', 'aud', 'acr', 'role');
SELECT count(*) FILTER (WHERE name = 'nonce') AS nonces, count(*) FILTER (WHERE name = 'auth_time') AS times
  FROM pg_temp.claims(:'r_id_token');
SELECT scope, id_token FROM auth_store.token_refresh(:'r_refresh_token', 'jwt_web', :'secret', scope => 'read');

-- Bound to a key, and of a client that acts for itself.
SELECT access_token AS bound FROM auth_store.token_issue('jwt_web', :'user', 'read',
    cnf => jsonb_build_object('jkt', repeat('A', 43))) \gset
SELECT name, value FROM pg_temp.claims(:'bound') WHERE name IN ('cnf', 'aud', 'sub');
SELECT access_token AS own
  FROM auth_store.token_issue_client_credentials('jwt_web', :'secret', scope => 'read') \gset
SELECT name, value FROM pg_temp.claims(:'own') WHERE name IN ('sub', 'client_id', 'aud');
SELECT active, user_id, subject FROM auth_store.jwt_verify(:'own', 'https://jwt.example');

-- Revoked, it is inactive at once.
SELECT error FROM auth_store.token_revoke(:'own', 'jwt_web', :'secret');
SELECT active FROM auth_store.token_introspect(:'own');
SELECT active FROM auth_store.jwt_verify(:'own', 'https://jwt.example');

-- A client may want another algorithm for its ID tokens, and users by another id.
SELECT auth_store.client_update('jwt_web', '{"id_token_signed_response_alg": "EdDSA", "subject_type": "pairwise"}');
SELECT id_token AS eddsa, access_token AS pairwise FROM auth_store.token_issue('jwt_web', :'user', 'openid') \gset
SELECT pg_temp.part(:'eddsa', 1) ->> 'alg' AS alg, length(pg_temp.part(:'eddsa', 2) ->> 'at_hash') AS at_hash,
       length(pg_temp.part(:'eddsa', 2) ->> 'sub') AS sub,
       pg_temp.part(:'eddsa', 2) ->> 'sub' = pg_temp.part(:'pairwise', 2) ->> 'sub' AS same;

-- An erased user's tokens end, a claim that makes a token too long is the application's mistake.
SELECT pg_temp.raised(format('SELECT auth_store.token_issue(%L, %L, %L, claims => %L)', 'jwt_web', :'user', 'read',
    jsonb_build_object('a', repeat('x', 13000))));
SELECT auth_store.user_erase(:'user', 'asked for') IS NOT NULL AS erased;
SELECT active FROM auth_store.jwt_verify(:'t_access_token', 'https://r.example');

-- Without an issuer no JWT can be made.
SELECT auth_store.tenant_create('jwt_none') \gset
SELECT FROM auth_store.client_create('JWT', ARRAY['https://jwt.example/cb'], client_id => 'jwt_none',
    tenant_id => 'jwt_none', access_token_format => 'jwt') \gset
SELECT auth_store.user_ensure('1', 'jwt_none') AS nobody \gset
SELECT pg_temp.raised(format('SELECT auth_store.token_issue(%L, %L)', 'jwt_none', :'nobody'));
SELECT auth_store.tenant_erase('jwt', 'jwt') > 0 AS a, auth_store.tenant_erase('jwt_none', 'jwt_none') > 0 AS b;

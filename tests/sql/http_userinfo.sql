-- The userinfo endpoint, OpenID Connect Core section 5.3, as a resource of RFC 6750 and RFC 9449.
\i tests/sql/include/helpers.sql
\i tests/sql/include/sign.sql
\i tests/sql/include/http.sql

SELECT auth_store.tenant_create('userinfo');
SELECT auth_store.provider_set('https://as.example/userinfo', tenant_id => 'userinfo');
SELECT auth_store.signing_key_create('ES256', tenant_id => 'userinfo') IS NOT NULL AS made;
SELECT client_id FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], 'public',
    scope => 'openid profile email', client_id => 'userinfo_web', tenant_id => 'userinfo');
SELECT user_id FROM auth_store.user_create('ada@userinfo.example', first_name => 'Ada', last_name => 'Löwe',
    tenant_id => 'userinfo') \gset
SELECT access_token AS token FROM auth_store.token_issue('userinfo_web', :'user_id', 'openid profile email') \gset
SELECT access_token AS bare FROM auth_store.token_issue('userinfo_web', :'user_id', 'openid') \gset
SELECT access_token AS narrow FROM auth_store.token_issue('userinfo_web', :'user_id', 'email') \gset
SELECT access_token AS elsewhere FROM auth_store.token_issue('userinfo_web', :'user_id', 'openid',
    resource => ARRAY['https://api.example/']) \gset
SELECT access_token AS ours FROM auth_store.token_issue('userinfo_web', :'user_id', 'openid',
    resource => ARRAY['https://as.example/userinfo', 'https://api.example/']) \gset
SELECT access_token AS bound FROM auth_store.token_issue('userinfo_web', :'user_id', 'openid',
    cnf => jsonb_build_object('jkt', auth_store.jwk_thumbprint(pg_temp.jwk('ES256')))) \gset
SELECT access_token AS certified FROM auth_store.token_issue('userinfo_web', :'user_id', 'openid',
    cnf => jsonb_build_object('x5t#S256', pg_temp.base64url(sha256('\x3001')))) \gset
CREATE FUNCTION pg_temp.get(token text, scheme text DEFAULT 'Bearer', more jsonb DEFAULT '{}',
    method text DEFAULT 'GET', certificate bytea DEFAULT NULL) RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT auth_store.http(method, '/userinfo/userinfo', headers => jsonb_strip_nulls(
        jsonb_build_object('authorization', scheme || ' ' || token) || more), client_certificate => certificate)
$$;

-- What the scope stands for.
SELECT what, r.status, b - '{sub,updated_at}'::text[] AS body, b->>'sub' = :'user_id' AS sub, r.client_id,
       r.user_id = :'user_id' AS "user"
  FROM (VALUES ('all', :'token'), ('openid alone', :'bare'), ('for this resource too', :'ours')) AS t (what, token),
       pg_temp.get(token) AS r, LATERAL (SELECT r.body::jsonb) AS j (b);
-- Of a request without a body no type is asked, nor is one that it names looked at.
SELECT method, r.status, r.body = '' AS empty, r.headers->>'content-type' AS content_type
  FROM unnest(ARRAY['GET', 'HEAD', 'POST', 'PUT']) AS method,
       pg_temp.get(:'bare', more => '{"content-type": "application/json"}', method => method) AS r;
-- RFC 6750 section 3: the status, and what is wrong.
SELECT FROM pg_temp.trail();
SELECT what, r.status, r.headers->>'www-authenticate' AS challenge, r.body
  FROM (VALUES ('1 no token', NULL, 'Bearer', '{}'::jsonb), ('2 garbage', 'x', 'Bearer', '{}'),
               ('3 empty', '', 'Bearer', '{}'), ('4 another scheme', 'x', 'Basic', '{}'),
               ('5 no openid', :'narrow', 'Bearer', '{}'), ('6 for another resource', :'elsewhere', 'Bearer', '{}'),
               ('7 bound to a key', :'bound', 'Bearer', '{}'), ('8 to a certificate', :'certified', 'Bearer', '{}'),
               ('9 no proof', :'bound', 'DPoP', '{}')) AS t (what, token, scheme, more),
       pg_temp.get(token, scheme, more) AS r
 ORDER BY what;
SELECT * FROM pg_temp.trail();
-- Section 2.2: in the form, and in one place alone.
SELECT r.status FROM pg_temp.post('/userinfo/userinfo', jsonb_build_object('access_token', :'bare')) AS r;
SELECT r.status, r.error FROM pg_temp.post('/userinfo/userinfo', jsonb_build_object('access_token', :'bare'),
    'Bearer ' || :'bare') AS r;
-- RFC 9449 section 7: the proof is for this token, method and URL, and counts once.
CREATE FUNCTION pg_temp.proof(token text, claims jsonb DEFAULT '{}') RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.jwt(jsonb_build_object('typ', 'dpop+jwt', 'jwk', pg_temp.jwk('ES256')),
        jsonb_build_object('jti', gen_random_uuid(), 'htm', 'GET', 'htu', 'https://as.example/userinfo/userinfo',
            'iat', floor(extract(epoch FROM clock_timestamp())),
            'ath', pg_temp.base64url(sha256(convert_to(token, 'UTF8')))) || claims, 'ES256')
$$;
SELECT what, r.status, r.error
  FROM (VALUES ('right', :'bound', '{}'::jsonb), ('another method', :'bound', '{"htm": "POST"}'),
               ('another URL', :'bound', '{"htu": "https://as.example/userinfo/token"}'),
               ('another token', :'bound', '{"ath": "x"}'), ('a bearer token', :'bare', '{}'))
           AS t (what, token, claims),
       pg_temp.get(token, 'DPoP', jsonb_build_object('dpop', pg_temp.proof(token, claims))) AS r;
SELECT auth_store.provider_set(settings => '{"dpop_nonce": true}', tenant_id => 'userinfo');
SELECT n.status, n.headers->>'www-authenticate' AS challenge, r.status
  FROM pg_temp.get(:'bound', 'DPoP', jsonb_build_object('dpop', pg_temp.proof(:'bound'))) AS n,
       pg_temp.get(:'bound', 'DPoP', jsonb_build_object('dpop', pg_temp.proof(:'bound',
           jsonb_build_object('nonce', n.headers->>'dpop-nonce')))) AS r;
SELECT auth_store.provider_set(settings => '{"dpop_nonce": null}', tenant_id => 'userinfo');
-- RFC 8705 section 3.
SELECT what, r.status, r.error
  FROM (VALUES ('right', '\x3001'::bytea), ('another', '\x3002')) AS t (what, certificate),
       pg_temp.get(:'certified', certificate => certificate) AS r;
-- Section 5.3.2: signed where the client wants it.
SELECT auth_store.client_update('userinfo_web', '{"userinfo_signed_response_alg": "EdDSA"}');
SELECT r.status, r.error FROM pg_temp.get(:'bare') AS r;
SELECT auth_store.client_update('userinfo_web', '{"userinfo_signed_response_alg": "ES256"}');
SELECT r.status, r.headers->>'content-type' AS content_type, pg_temp.part(r.body, 1) - 'kid' AS header,
       pg_temp.part(r.body, 2) - '{iat,sub}'::text[] AS claims, pg_temp.part(r.body, 2)->>'sub' = :'user_id' AS sub
  FROM pg_temp.get(:'bare') AS r;
SELECT auth_store.client_update('userinfo_web', '{"userinfo_signed_response_alg": null}');
-- Pages of the client may read it; a token of another tenant is none.
SELECT r.status, r.headers->>'access-control-allow-origin' AS allowed
  FROM pg_temp.get(:'bare', more => '{"origin": "https://web.example"}') AS r;
SELECT s.status, s.body FROM auth_store.http_userinfo('Bearer ' || :'bare', tenant_id => 'userinfo') AS r,
    LATERAL (SELECT r.status, r.body::jsonb - 'sub') AS s (status, body);
SELECT pg_temp.raised('SELECT auth_store.http_userinfo(NULL, tenant_id => ''nobody'')');
-- Introspection says of the user what the token's client may know, whoever asks: the address where the scope has it,
-- and the subject of a pairwise client.
SELECT client_secret AS secret FROM auth_store.client_create('Api', client_id => 'userinfo_api', scope => 'read',
    grant_types => ARRAY['client_credentials'], tenant_id => 'userinfo') \gset
CREATE FUNCTION pg_temp.introspected(token text, secret text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT body::jsonb FROM pg_temp.post('/userinfo/introspect', jsonb_build_object('token', token),
        pg_temp.basic('userinfo_api', secret))
$$;
SELECT what, b->>'username' AS username, b->>'sub' = :'user_id' AS sub
  FROM (VALUES ('email', :'token'), ('openid alone', :'bare')) AS t (what, token),
       pg_temp.introspected(token, :'secret') AS b;
SELECT auth_store.client_update('userinfo_web', '{"subject_type": "pairwise"}');
SELECT i->>'sub' <> :'user_id' AS pairwise, i->>'sub' = r.body::jsonb->>'sub' AS as_userinfo
  FROM pg_temp.introspected(:'bare', :'secret') AS i, pg_temp.get(:'bare') AS r;
SELECT auth_store.client_update('userinfo_web', '{"subject_type": "public"}');
-- A user who may not log in any more has no token.
SELECT auth_store.user_set_status(:'user_id', 'suspended');
SELECT r.status, r.error FROM pg_temp.get(:'bare') AS r;

SELECT auth_store.tenant_erase('userinfo', 'userinfo') > 0 AS erased;

-- The token endpoint as one call: every row of the table of answers, client authentication in all its ways, the grants.
\i tests/sql/include/helpers.sql
\i tests/sql/include/sign.sql
\i tests/sql/include/http.sql

\set device_grant 'urn:ietf:params:oauth:grant-type:device_code'
\set exchange 'urn:ietf:params:oauth:grant-type:token-exchange'
\set access 'urn:ietf:params:oauth:token-type:access_token'
\set assertion 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
\set token '/http_token/token'
-- Without an issuer there is no endpoint.
SELECT pg_temp.raised($$SELECT auth_store.http_token('', tenant_id => 'nobody')$$);
SELECT auth_store.tenant_create('http_token');
SELECT pg_temp.raised($$SELECT auth_store.http_token('', tenant_id => 'http_token')$$);
SELECT auth_store.provider_set('https://as.example/http_token', tenant_id => 'http_token');
SELECT client_secret AS secret FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'],
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials', :'device_grant', :'exchange'],
    scope => 'read write', client_id => 'http+web', resources => ARRAY['https://a.example/', 'https://b.example/'],
    tenant_id => 'http_token') \gset
SELECT client_id FROM auth_store.client_create('Page', ARRAY['https://page.example/cb'], 'public',
    scope => 'read', client_id => 'http_page', tenant_id => 'http_token',
    grant_types => ARRAY['authorization_code', 'refresh_token', :'device_grant']);
SELECT client_secret AS other FROM auth_store.client_create('Elsewhere', client_id => 'http_elsewhere',
    grant_types => ARRAY['client_credentials'], scope => 'read') \gset
SELECT user_id FROM auth_store.user_create('http_token@example.com', tenant_id => 'http_token') \gset
SELECT pg_temp.basic('http+web', :'secret') AS basic \gset

--
-- Grants
--

SELECT code FROM auth_store.code_issue('http+web', :'user_id', 'https://web.example/cb', 'read write', :'challenge',
    'S256', resource => ARRAY['https://a.example/', 'https://b.example/']) \gset
SELECT FROM pg_temp.trail();
-- RFC 6749 section 5.1. A code is still good after invalid_client, and after a wrong verifier.
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', 'authorization_code', 'code', :'code',
    'redirect_uri', 'https://web.example/cb', 'code_verifier', :'verifier'),
    pg_temp.basic('http+web', 'wrong')) AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', 'authorization_code', 'code', :'code',
    'redirect_uri', 'https://web.example/cb', 'code_verifier', repeat('x', 43)), :'basic') AS r, pg_temp.shown(r) AS s;
SELECT r.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', 'authorization_code', 'code', :'code',
    'redirect_uri', 'https://web.example/cb', 'code_verifier', :'verifier', 'resource', 'https://a.example/'),
    :'basic') AS r \gset c_
SELECT s.*, :'c_client_id' AS client_id, :'c_user_id' = :'user_id' AS "user", :{?c_error} AS error
  FROM pg_temp.shown((:c_status, :'c_headers', :'c_body', NULL, NULL, NULL)) AS s;
SELECT headers FROM (SELECT :'c_headers'::jsonb) AS h (headers);
SELECT audience, client_id FROM auth_store.token_introspect(:'c_body'::jsonb->>'access_token');
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', 'refresh_token', 'scope', 'read',
    'refresh_token', :'c_body'::jsonb->>'refresh_token'), :'basic') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.post(:'token', '{"grant_type": "client_credentials"}', :'basic') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', :'exchange', 'subject_token',
    :'c_body'::jsonb->>'access_token', 'subject_token_type', :'access', 'scope', 'read'), :'basic') AS r,
    pg_temp.shown(r) AS s;
SELECT r.body AS device FROM pg_temp.post('/http_token/device_authorization', '{"client_id": "http_page"}') AS r \gset
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', :'device_grant', 'client_id', 'http_page',
    'device_code', :'device'::jsonb->>'device_code')) AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', :'device_grant', 'client_id', 'http_page',
    'device_code', :'device'::jsonb->>'device_code')) AS r, pg_temp.shown(r) AS s;
SELECT error FROM auth_store.device_approve(:'device'::jsonb->>'user_code', :'user_id');
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', :'device_grant', 'client_id', 'http_page',
    'device_code', :'device'::jsonb->>'device_code')) AS r, pg_temp.shown(r) AS s;
SELECT * FROM pg_temp.trail();
-- What is missing is invalid_request, what is unknown unsupported_grant_type.
SELECT form, s.* FROM unnest(ARRAY['{}', '{"grant_type": ""}', '{"grant_type": "password"}',
    '{"grant_type": "authorization_code"}', '{"grant_type": "authorization_code", "code": ""}',
    '{"grant_type": "refresh_token"}', '{"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}',
    '{"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}',
    '{"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token": "x"}']::jsonb[]) AS form,
    pg_temp.post(:'token', form, :'basic') AS r, pg_temp.shown(r) AS s;

--
-- Client authentication
--

-- In the header, encoded or raw; in the body; the id beside the header; a public client with an empty password.
SELECT what, r.status, r.body::jsonb->>'error' AS error, r.headers->>'www-authenticate' AS challenge
  FROM (VALUES
    ('encoded', :'basic', '{}'::jsonb),
    ('raw', pg_temp.basic('http+web', :'secret', true), '{}'),
    ('in the body', NULL, jsonb_build_object('client_id', 'http+web', 'client_secret', :'secret')),
    ('id in the body too', :'basic', '{"client_id": "http+web"}'),
    ('another id in the body', :'basic', '{"client_id": "http_page"}'),
    ('secret in both', :'basic', jsonb_build_object('client_secret', :'secret')),
    ('nobody', NULL, '{}'),
    ('unknown', pg_temp.basic('unknown', 'x'), '{}'),
    ('unknown in the body', NULL, '{"client_id": "unknown"}'),
    ('no secret', NULL, '{"client_id": "http+web"}'),
    ('empty password', pg_temp.basic('http+web', ''), '{}'),
    ('of another tenant', pg_temp.basic('http_elsewhere', :'other'), '{}'),
    ('another scheme', 'Bearer x', '{}'),
    ('no base64', 'Basic %', '{}'),
    ('latin-1', 'Basic aHR0cCt3ZWI66Q==', '{}')) AS t (what, header, more),
    pg_temp.post(:'token', '{"grant_type": "client_credentials"}'::jsonb || more, header) AS r;
-- One failure is counted for both readings, and one row told.
SELECT FROM pg_temp.trail();
SELECT status FROM pg_temp.post(:'token', '{"grant_type": "client_credentials"}',
    pg_temp.basic('http+web', 'a+b', true));
SELECT * FROM pg_temp.trail();
SELECT s.* FROM pg_temp.post(:'token', '{"grant_type": "refresh_token", "refresh_token": "x"}',
    pg_temp.basic('http_page', '')) AS r, pg_temp.shown(r) AS s;

-- private_key_jwt: RFC 7523 section 3.
SELECT client_id FROM auth_store.client_create('Signer', client_id => 'http_signer', scope => 'read',
    grant_types => ARRAY['client_credentials'], token_endpoint_auth_method => 'private_key_jwt',
    jwks => jsonb_build_object('keys', jsonb_build_array(pg_temp.jwk('EdDSA') || '{"kid": "d"}',
        pg_temp.jwk('ES256') || '{"kid": "e"}')),
    tenant_id => 'http_token');
CREATE FUNCTION pg_temp.asserted(claims jsonb DEFAULT '{}', header jsonb DEFAULT '{}', alg text DEFAULT 'EdDSA',
    form jsonb DEFAULT '{}') RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT pg_temp.post('/http_token/token', jsonb_build_object('grant_type', 'client_credentials',
        'client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        'client_assertion', pg_temp.jwt(header, jsonb_build_object('iss', 'http_signer', 'sub', 'http_signer',
            'aud', 'https://as.example/http_token', 'jti', gen_random_uuid(),
            'exp', floor(extract(epoch FROM clock_timestamp())) + 60) || claims, alg)) || form)
$$;
SELECT what, r.status, r.body::jsonb->>'error' AS error
  FROM (VALUES
    ('right', '{}'::jsonb, '{}'::jsonb, 'EdDSA', '{}'::jsonb),
    ('by its kid', '{}', '{"kid": "e"}', 'ES256', '{}'),
    ('by another name', '{}', '{"alg": "Ed25519"}', 'EdDSA', '{}'),
    ('the endpoint as aud', '{"aud": ["https://as.example/http_token/token"]}', '{}', 'EdDSA', '{}'),
    ('another aud', '{"aud": "https://as.example/"}', '{}', 'EdDSA', '{}'),
    ('the same id in the body', '{}', '{}', 'EdDSA', '{"client_id": "http_signer"}'),
    ('another id in the body', '{}', '{}', 'EdDSA', '{"client_id": "http_page"}'),
    ('a secret beside it', '{}', '{}', 'EdDSA', '{"client_secret": "s"}'),
    ('another iss', '{"iss": "http+web"}', '{}', 'EdDSA', '{}'),
    ('of a client that has none', '{"iss": "http+web", "sub": "http+web"}', '{}', 'EdDSA', '{}'),
    ('a kid of no key', '{}', '{"kid": "x"}', 'EdDSA', '{}'),
    ('another key', '{}', '{}', 'RS256', '{}'),
    ('another alg', '{}', '{"alg": "ES256"}', 'EdDSA', '{}'),
    ('none', '{}', '{"alg": "none"}', 'EdDSA', '{}'),
    ('the public key as a secret', '{}', '{"alg": "HS256"}', 'EdDSA', '{}'),
    ('crit', '{}', '{"crit": ["exp"]}', 'EdDSA', '{}'),
    ('no jti', '{"jti": null}', '{}', 'EdDSA', '{}'),
    ('no exp', '{"exp": null}', '{}', 'EdDSA', '{}'),
    ('an access token', '{}', '{"typ": "at+jwt"}', 'EdDSA', '{}'),
    ('another type', '{}', '{}', 'EdDSA', '{"client_assertion_type": "x"}'),
    ('no type', '{}', '{}', 'EdDSA', '{"client_assertion_type": ""}'),
    ('none but the type', '{}', '{}', 'EdDSA', '{"client_assertion": ""}'),
    ('no JWT', '{}', '{}', 'EdDSA', '{"client_assertion": "a.b.c"}')) AS t (what, claims, header, alg, form),
    pg_temp.asserted(claims, header, alg, form) AS r;
-- Once.
SELECT FROM pg_temp.trail();
SELECT status FROM pg_temp.asserted('{"jti": "one"}');
SELECT status, error FROM pg_temp.asserted('{"jti": "one"}');
SELECT * FROM pg_temp.trail();
-- At, and over, the bounds: 16 kB and an hour.
SELECT more, r.status FROM unnest(ARRAY[3599, 3700]) AS more, LATERAL pg_temp.asserted(jsonb_build_object('exp',
    floor(extract(epoch FROM clock_timestamp())) + more)) AS r;
SELECT size, r.status, r.body::jsonb->>'error_description' AS description
  FROM unnest(ARRAY[11900, 12300]) AS size, LATERAL pg_temp.asserted(jsonb_build_object('x', repeat('x', size))) AS r;
-- Keys that are published have to be fetched first.
SELECT client_id FROM auth_store.client_create('Publisher', client_id => 'http_publisher', scope => 'read',
    grant_types => ARRAY['client_credentials'], token_endpoint_auth_method => 'private_key_jwt',
    jwks_uri => 'https://keys.example/jwks', tenant_id => 'http_token');
SELECT s.* FROM pg_temp.asserted('{"iss": "http_publisher", "sub": "http_publisher"}') AS r, pg_temp.shown(r) AS s;

-- client_secret_jwt: with the secret, by HS256 alone.
SELECT client_secret AS shared FROM auth_store.client_create('Sharer', client_id => 'http_sharer', scope => 'read',
    grant_types => ARRAY['client_credentials'], token_endpoint_auth_method => 'client_secret_jwt',
    tenant_id => 'http_token') \gset
CREATE FUNCTION pg_temp.hmac256(key bytea, message bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    inner_key bytea := decode(repeat('36', 64), 'hex');
    outer_key bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    IF length(key) > 64 THEN key := sha256(key); END IF;
    FOR i IN 0 .. length(key) - 1 LOOP
        inner_key := set_byte(inner_key, i, get_byte(inner_key, i) # get_byte(key, i));
        outer_key := set_byte(outer_key, i, get_byte(outer_key, i) # get_byte(key, i));
    END LOOP;
    RETURN sha256(outer_key || sha256(inner_key || message));
END $$;
CREATE FUNCTION pg_temp.shared(secret text, alg text DEFAULT 'HS256') RETURNS text LANGUAGE sql AS $$
    SELECT signed || '.' || pg_temp.base64url(pg_temp.hmac256(convert_to(secret, 'UTF8'), convert_to(signed, 'UTF8')))
      FROM (SELECT pg_temp.base64url(convert_to(jsonb_build_object('alg', alg)::text, 'UTF8')) || '.' ||
                   pg_temp.base64url(convert_to(jsonb_build_object('iss', 'http_sharer', 'sub', 'http_sharer',
                       'aud', 'https://as.example/http_token', 'jti', gen_random_uuid(),
                       'exp', floor(extract(epoch FROM clock_timestamp())) + 60)::text, 'UTF8'))) AS s (signed)
$$;
SELECT what, r.status, r.error
  FROM (VALUES ('right', :'shared', 'HS256'), ('another secret', pg_temp.altered(:'shared'), 'HS256'),
               ('another alg', :'shared', 'HS384'), ('empty', '', 'HS256')) AS t (what, secret, alg),
       pg_temp.post(:'token', jsonb_build_object('grant_type', 'client_credentials', 'client_assertion_type',
           :'assertion', 'client_assertion', pg_temp.shared(secret, alg))) AS r;
-- The secret itself is not what such a client shows.
SELECT status, error FROM pg_temp.post(:'token', '{"grant_type": "client_credentials"}',
    pg_temp.basic('http_sharer', :'shared'));

-- Certificates: RFC 8705 section 2. Made with OpenSSL for CN=client.example,OU=Key A\+1,O=Example\, Inc.,C=DE.
\set ECHO none
SELECT concat('MIICJjCCAcygAwIBAgIUOmjPyt9mjEKiEoAHUofsUjTM0k4wCgYIKoZIzj0EAwIwUDELMAkGA1UEBhMCREUxFjAUBg',
    'NVBAoMDUV4YW1wbGUsIEluYy4xEDAOBgNVBAsMB0tleSBBKzExFzAVBgNVBAMMDmNsaWVudC5leGFtcGxlMCAXDTI2',
    'MTEyOTA3NDcxNFoYDzIxMjYxMTA1MDc0NzE0WjBQMQswCQYDVQQGEwJERTEWMBQGA1UECgwNRXhhbXBsZSwgSW5jLj',
    'EQMA4GA1UECwwHS2V5IEErMTEXMBUGA1UEAwwOY2xpZW50LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC',
    'AAQMACCyVoCYfHSPXRJ7zveSJeX7TlmmfZdpqHy4/1ZVRB4JQn1Oxvcq+A5h+214EgUytKbKN7DroYgB4Z2llHlGo4',
    'GBMH8wXgYDVR0RBFcwVYIOY2xpZW50LmV4YW1wbGWGF3NwaWZmZTovL2V4YW1wbGUvY2xpZW50hwTAAAIHhxAgAQ24',
    'AAAAAAAAAAAAAAAHgRJvcHNAY2xpZW50LmV4YW1wbGUwHQYDVR0OBBYEFD7PvP9WF3V3WvpD9E6AbWwdHra/MAoGCC',
    'qGSM49BAMCA0gAMEUCIQCsRBVTjh+i3UEuIA/sS18xHJaXuTwFV6JhreXYlIDOlQIgboW9fCgJOazqZ7SrzWoQWPwU',
    'Qm57TDvQ5WbVfj0P/qU=') AS certificate \gset
\set ECHO all
SELECT client_id FROM auth_store.client_create('Named', client_id => 'http_named', scope => 'read',
    grant_types => ARRAY['client_credentials'], token_endpoint_auth_method => 'tls_client_auth',
    certificate_subject => '{"tls_client_auth_san_dns": "client.example"}', tenant_id => 'http_token');
SELECT client_id FROM auth_store.client_create('Own', client_id => 'http_own', scope => 'read',
    grant_types => ARRAY['client_credentials'], token_endpoint_auth_method => 'self_signed_tls_client_auth',
    jwks => jsonb_build_object('keys', jsonb_build_array(pg_temp.jwk('ES256') || jsonb_build_object('x5c',
        ARRAY[:'certificate']))), certificate_bound => true, tenant_id => 'http_token');
SELECT client, what, r.status, r.error
  FROM (VALUES ('right', decode(:'certificate', 'base64')), ('none', NULL), ('no certificate', '\x30'),
               ('another', overlay(decode(:'certificate', 'base64') PLACING 'x' FROM position('\x82'::bytea ||
                   '\x0e'::bytea || 'client' IN decode(:'certificate', 'base64')) + 2))) AS t (what, certificate),
       unnest(ARRAY['http_named', 'http_own', 'http+web']) AS client,
       pg_temp.post(:'token', jsonb_build_object('grant_type', 'client_credentials', 'client_id', client),
           certificate => certificate) AS r
 ORDER BY client, what;
-- Tokens are bound to the certificate of a client that is registered so.
SELECT client, t.cnf - 'x5t#S256' AS cnf, t.cnf->>'x5t#S256' = pg_temp.base64url(sha256(decode(:'certificate',
    'base64'))) AS thumbprint
  FROM unnest(ARRAY['http_named', 'http_own']) AS client,
       pg_temp.post(:'token', jsonb_build_object('grant_type', 'client_credentials', 'client_id', client),
           certificate => decode(:'certificate', 'base64')) AS r,
       pg_temp.seen(r.body::jsonb->>'access_token') AS t;

--
-- Proofs: RFC 9449
--

CREATE FUNCTION pg_temp.proven(proof jsonb DEFAULT '{}', client text DEFAULT 'http_bound')
    RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT pg_temp.post('/http_token/token', '{"grant_type": "client_credentials"}',
        pg_temp.basic(client, current_setting('test.secret')),
        jsonb_build_object('dpop', pg_temp.jwt(jsonb_build_object('typ', 'dpop+jwt', 'jwk', pg_temp.jwk('ES256')),
            jsonb_build_object('jti', gen_random_uuid(), 'htm', 'POST', 'htu', 'https://as.example/http_token/token',
                'iat', floor(extract(epoch FROM clock_timestamp()))) || proof, 'ES256')))
$$;
SELECT FROM (SELECT set_config('test.secret', client_secret, false) FROM auth_store.client_create('Bound',
    client_id => 'http_bound', scope => 'read', grant_types => ARRAY['client_credentials'], dpop_bound => true,
    tenant_id => 'http_token')) AS s;
SELECT s.status, s.headers, s.body::jsonb->>'token_type' AS token_type, t.cnf = jsonb_build_object('jkt',
    auth_store.jwk_thumbprint(pg_temp.jwk('ES256'))) AS bound
  FROM pg_temp.proven() AS r, pg_temp.shown(r) AS s, pg_temp.seen(r.body::jsonb->>'access_token') AS t;
SELECT s.* FROM pg_temp.proven('{"htm": "GET"}') AS r, pg_temp.shown(r) AS s;
-- A client whose tokens are bound must bring a proof; once.
SELECT s.* FROM pg_temp.post(:'token', '{"grant_type": "client_credentials"}', pg_temp.basic('http_bound',
    current_setting('test.secret'))) AS r, pg_temp.shown(r) AS s;
SELECT status, error FROM pg_temp.proven('{"jti": "twice"}');
SELECT status, error FROM pg_temp.proven('{"jti": "twice"}');
-- Whoever does not authenticate has no proof looked at.
SELECT FROM pg_temp.trail();
SELECT status, error FROM pg_temp.proven('{"htm": "GET"}', 'unknown');
SELECT event, error FROM pg_temp.trail();
-- A nonce of the store, on every answer; the client takes it into its proof.
SELECT auth_store.provider_set(settings => '{"dpop_nonce": true}', tenant_id => 'http_token');
SELECT s.status, s.body, s.headers - 'dpop-nonce' AS headers, length(s.headers->>'dpop-nonce') AS nonce
  FROM pg_temp.proven() AS r, pg_temp.shown(r) AS s;
SELECT n.status, r.status, r.headers->>'dpop-nonce' = n.headers->>'dpop-nonce' AS same_nonce
  FROM pg_temp.post(:'token', '{}') AS n,
       pg_temp.proven(jsonb_build_object('nonce', n.headers->>'dpop-nonce')) AS r;
SELECT status, error FROM pg_temp.proven('{"nonce": "another"}');
SELECT auth_store.provider_set(settings => '{"dpop_nonce": null}', tenant_id => 'http_token');

--
-- Limits
--

SELECT client_secret AS few FROM auth_store.client_create('Few', client_id => 'http_few', scope => 'read',
    grant_types => ARRAY['client_credentials', :'device_grant'], rate_limit_per_hour => 2,
    tenant_id => 'http_token') \gset
-- 429 at the endpoint, slow_down to a device: libpq understands 200, 400 and 401 alone.
SELECT n, s.status, (s.headers->>'retry-after')::int > 0 AS retry_after, s.body::jsonb - 'access_token' AS body
  FROM generate_series(1, 3) AS n,
       pg_temp.post(:'token', '{"grant_type": "client_credentials"}', pg_temp.basic('http_few', :'few'),
           ip => '192.0.2.0'::inet + n) AS r,
       pg_temp.shown(r) AS s;
SELECT s.* FROM pg_temp.post(:'token', jsonb_build_object('grant_type', :'device_grant', 'device_code', 'x'),
    pg_temp.basic('http_few', :'few')) AS r, pg_temp.shown(r) AS s;
-- Failures are counted by network, and a network over its limit is refused before its secret is looked at.
SELECT n, r.status, r.error
  FROM generate_series(1, 3) AS n,
       pg_temp.post(:'token', '{"grant_type": "client_credentials"}', pg_temp.basic('http_few', 'wrong'),
           ip => '198.51.100.0'::inet + n) AS r;

--
-- FAPI 2.0: section 5.3.2
--

SELECT client_secret AS strict FROM auth_store.client_create('Secret', client_id => 'http_secret', scope => 'read',
    grant_types => ARRAY['client_credentials'], tenant_id => 'http_token') \gset
SELECT auth_store.client_update('http_signer',
    '{"profile": "fapi2", "dpop_bound": true, "refresh_rotation": false}');
SELECT what, r.status, r.error
  FROM (VALUES ('no proof', '{}'::jsonb), ('the endpoint as aud', '{"aud": "https://as.example/http_token/token"}'),
               ('a list as aud', '{"aud": ["https://as.example/http_token"]}')) AS t (what, claims),
       pg_temp.asserted(claims) AS r;
SELECT auth_store.provider_set(settings => '{"profile": "fapi2"}', tenant_id => 'http_token');
SELECT status, error FROM pg_temp.post(:'token', '{"grant_type": "client_credentials"}',
    pg_temp.basic('http_secret', :'strict'));
SELECT status, error FROM pg_temp.post(:'token', '{"grant_type": "client_credentials", "client_id": "http_own"}',
    certificate => decode(:'certificate', 'base64'));
SELECT status, error FROM pg_temp.post(:'token', '{"grant_type": "refresh_token", "refresh_token": "x",
    "client_id": "http_page"}');
SELECT auth_store.provider_set(settings => '{"profile": null}', tenant_id => 'http_token');

--
-- Without http()
--

SELECT s.status, s.body FROM auth_store.http_token(pg_temp.form('{"grant_type": "client_credentials"}'),
    :'basic', ip => '192.0.2.1', user_agent => 'curl', tenant_id => 'http_token') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM auth_store.http_token(NULL, tenant_id => 'http_token') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM auth_store.http_token('\xff00', tenant_id => 'http_token') AS r, pg_temp.shown(r) AS s;

SELECT auth_store.tenant_erase('http_token', 'http_token') > 0 AS erased;

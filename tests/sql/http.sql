-- Requests as they come: paths, methods, headers and bounds of http(), who may read an answer, and the endpoints beside
-- the token endpoint.
\i tests/sql/include/helpers.sql
\i tests/sql/include/sign.sql
\i tests/sql/include/http.sql

SELECT auth_store.tenant_create('http');
SELECT auth_store.provider_set('https://as.example/http', tenant_id => 'http');
SELECT client_secret AS secret FROM auth_store.client_create('Api', ARRAY['https://app.example/cb'],
    client_id => 'http_api', grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code'], scope => 'read write', tenant_id => 'http') \gset
SELECT client_id FROM auth_store.client_create('Spa', ARRAY['https://spa.example/cb', 'http://127.0.0.1:3000/cb'],
    'public', scope => 'read', client_id => 'http_spa', tenant_id => 'http');
SELECT pg_temp.basic('http_api', :'secret') AS basic \gset

--
-- Paths and methods
--

SELECT left(path, 20) AS path, left(method, 10) AS method, r.status, r.headers->>'allow' AS allow,
       r.body::jsonb->>'error' AS error
  FROM (VALUES ('GET', '/http/token'), ('HEAD', '/http/token'), ('DELETE', '/http/token'), ('post', '/http/token'),
               ('POST', '/http/nothing'), ('POST', '/http/token/'), ('POST', '/http/token?x=1'),
               ('POST', '/HTTP/token'), ('POST', '/http'),
               ('POST', 'http/token'), ('POST', '/http//token'),
               ('POST', '/http/%74oken'),
               ('POST', '/http/' || repeat('x', 2042)), ('POST', '/http/' || repeat('x', 2043)),
               ('', '/http/introspect'), (repeat('X', 9999), '/http/token')) AS t (method, path),
       auth_store.http(method, path) AS r;
SELECT r.status, r.error FROM auth_store.http(NULL, NULL) AS r;

--
-- Headers and bounds: at, and over
--

SELECT what, r.status, r.body::jsonb->>'error' AS error, r.body::jsonb->>'error_description' AS description
  FROM (VALUES
    ('no object', '[]'::jsonb, ''::text),
    ('no text', '{"authorization": 7}', ''),
    ('a list', '{"authorization": ["Basic x", "Basic y"]}', ''),
    ('a list of one', jsonb_build_object('authorization', jsonb_build_array(:'basic')),
        'grant_type=client_credentials'),
    ('null', '{"authorization": null, "dpop": []}', 'grant_type=client_credentials'),
    ('two proofs', '{"dpop": ["x", "y"]}', ''),
    ('two spellings', jsonb_build_object('authorization', :'basic', 'Authorization', :'basic'), ''),
    ('another spelling', jsonb_build_object('Authorization', :'basic'), 'grant_type=client_credentials'),
    ('deep', ('{"x": ' || repeat('[', 900) || repeat(']', 900) || '}')::jsonb, ''),
    ('64 kB', jsonb_build_object('authorization', :'basic', 'x', repeat('x', 65100)),
        'grant_type=client_credentials'),
    ('over', jsonb_build_object('authorization', :'basic', 'x', repeat('x', 65500)),
        'grant_type=client_credentials'),
    ('Basic of 4 kB', jsonb_build_object('authorization', 'Basic ' || translate(encode(convert_to('http_api:'
        || repeat('x', 3057), 'UTF8'), 'base64'), E'\n', '')), ''),
    ('over of Basic', jsonb_build_object('authorization', 'Basic ' || translate(encode(convert_to('http_api:'
        || repeat('x', 3060), 'UTF8'), 'base64'), E'\n', '')), ''),
    ('JSON', jsonb_build_object('authorization', :'basic', 'content-type', 'application/json'), '{}'),
    ('a charset', jsonb_build_object('authorization', :'basic', 'content-type',
        'Application/x-www-form-urlencoded ; charset=utf-8'), 'grant_type=client_credentials'),
    ('invalid UTF-8', jsonb_build_object('authorization', :'basic'), 'grant_type=%ff'),
    ('NUL', jsonb_build_object('authorization', :'basic'), 'grant_type=%00'),
    ('an escape cut', jsonb_build_object('authorization', :'basic'), 'grant_type=%4'),
    ('twice', jsonb_build_object('authorization', :'basic'), 'grant_type=client_credentials&grant_type='),
    ('an unknown twice', jsonb_build_object('authorization', :'basic'), 'grant_type=client_credentials&x=1&x=1'),
    ('64 parameters', jsonb_build_object('authorization', :'basic'), 'grant_type=client_credentials'
        || (SELECT string_agg('&p' || n || '=', '') FROM generate_series(2, 64) AS n)),
    ('65 parameters', jsonb_build_object('authorization', :'basic'), 'grant_type=client_credentials'
        || (SELECT string_agg('&p' || n || '=', '') FROM generate_series(2, 65) AS n)),
    ('a name of 128', jsonb_build_object('authorization', :'basic'),
        'grant_type=client_credentials&' || repeat('n', 128)),
    ('a name of 129', jsonb_build_object('authorization', :'basic'),
        'grant_type=client_credentials&' || repeat('n', 129)),
    ('16 resources', jsonb_build_object('authorization', :'basic'), 'grant_type=client_credentials'
        || (SELECT string_agg('&resource=https%3A%2F%2Fr' || n || '.example%2F', '') FROM generate_series(1, 16) AS n)),
    ('17 resources', jsonb_build_object('authorization', :'basic'), 'grant_type=client_credentials'
        || (SELECT string_agg('&resource=https%3A%2F%2Fr' || n || '.example%2F', '') FROM generate_series(1, 17) AS n)),
    ('64 kB of body', jsonb_build_object('authorization', :'basic'),
        rpad('grant_type=client_credentials&x=', 65536, 'x')),
    ('over of body', jsonb_build_object('authorization', :'basic'),
        rpad('grant_type=client_credentials&x=', 65537, 'x'))
    ) AS t (what, headers, body),
    auth_store.http('POST', '/http/token', headers => headers, body => convert_to(body, 'UTF8')) AS r;
SELECT length, r.status, r.body::jsonb->>'error_description' AS description
  FROM unnest(ARRAY[16384, 16385]) AS length,
       auth_store.http('POST', '/http/token', client_certificate => decode(repeat('30', length), 'hex')) AS r;
-- Parameters come in the body alone.
SELECT r.status, r.error FROM auth_store.http('POST', '/http/token', 'grant_type=client_credentials',
    jsonb_build_object('authorization', :'basic')) AS r;
-- NULL is an empty one.
SELECT r.status, r.error FROM auth_store.http('POST', '/http/token', NULL, NULL, NULL, NULL, NULL, NULL) AS r;
-- What goes into a header has none of a quote, a backslash or a line's end.
SELECT count(*) AS answers, bool_and(r.body::jsonb->>'error_description' ~ '^[ !#-\[\]-~]+$') AS plain
  FROM unnest(ARRAY['grant_type=%22%0d%0a', 'client_id=%22%0d%0aset-cookie:x', 'code=%5c']) AS body,
       auth_store.http('POST', '/http/token', body => convert_to(body, 'UTF8')) AS r;

--
-- Pages of other origins
--

SELECT path, s.* FROM unnest(ARRAY['/http/token', '/http/nothing']) AS path,
    auth_store.http('OPTIONS', path, headers => '{"origin": "https://any.example", "access-control-request-method":
        "POST"}') AS r, pg_temp.shown(r) AS s;
SELECT s.* FROM auth_store.http('OPTIONS', '/http/token') AS r, pg_temp.shown(r) AS s;
SELECT origin, r.status, r.headers->>'access-control-allow-origin' AS allowed, r.headers->>'vary' AS vary
  FROM unnest(ARRAY['https://spa.example', 'http://127.0.0.1:3000', 'https://app.example', 'https://evil.example',
           'null', '*', E'https://spa.example\r\nx: y']) AS origin,
       pg_temp.post('/http/token', '{"grant_type": "refresh_token", "refresh_token": "x", "client_id": "http_spa"}',
           NULL, jsonb_build_object('origin', origin)) AS r;
-- Nobody's answer is nobody's to read.
SELECT r.status, r.headers->>'access-control-allow-origin' AS allowed
  FROM pg_temp.post('/http/token', '{"client_id": "unknown"}', NULL, '{"origin": "https://spa.example"}') AS r;

--
-- Introspection: RFC 7662
--

SELECT body::jsonb->>'access_token' AS token FROM pg_temp.post('/http/token', '{"grant_type": "client_credentials",
    "scope": "read"}', :'basic') AS r \gset
SELECT FROM pg_temp.trail();
SELECT r.status, r.body::jsonb - '{exp,iat}'::text[] - 'jti' AS body
  FROM pg_temp.post('/http/introspect', jsonb_build_object('token', :'token', 'token_type_hint', 'refresh_token'),
      :'basic') AS r;
SELECT what, s.status, s.body
  FROM (VALUES ('unknown token', '{"token": "x"}'::jsonb, :'basic'), ('no token', '{}', :'basic'),
               ('nobody', jsonb_build_object('token', :'token'), NULL),
               ('a public client', jsonb_build_object('token', :'token', 'client_id', 'http_spa'), NULL))
           AS t (what, form, header),
       pg_temp.post('/http/introspect', form, header) AS r, pg_temp.shown(r) AS s;
-- A right request leaves no row.
SELECT * FROM pg_temp.trail();
-- A token of another tenant is inactive.
SELECT client_secret AS elsewhere FROM auth_store.client_create('Elsewhere', client_id => 'http_other',
    grant_types => ARRAY['client_credentials'], scope => 'read') \gset
SELECT access_token AS foreign_token FROM auth_store.token_issue_client_credentials('http_other', :'elsewhere') \gset
SELECT r.body FROM pg_temp.post('/http/introspect', jsonb_build_object('token', :'foreign_token'), :'basic') AS r;
-- RFC 9701: signed where the client wants it, and a key is there.
SELECT s.* FROM pg_temp.post('/http/introspect', '{"token": "x"}', :'basic',
    '{"accept": "application/token-introspection+jwt"}') AS r, pg_temp.shown(r) AS s;
SELECT auth_store.signing_key_create('ES256', tenant_id => 'http') IS NOT NULL AS made;
SELECT r.status, r.headers->>'content-type' AS content_type, pg_temp.part(r.body, 1) - 'kid' AS header,
       pg_temp.part(r.body, 2) - 'iat' #- '{token_introspection,jti}' #- '{token_introspection,iat}'
           #- '{token_introspection,exp}' AS claims
  FROM pg_temp.post('/http/introspect', jsonb_build_object('token', :'token'), :'basic',
           '{"accept": "application/json, application/token-introspection+jwt;q=0.9"}') AS r;

--
-- Revocation: RFC 7009
--

SELECT what, s.status, s.headers, s.body
  FROM (VALUES ('1 another client''s', jsonb_build_object('token', :'token', 'client_id', 'http_spa'), NULL),
               ('2 right', jsonb_build_object('token', :'token', 'token_type_hint', 'refresh_token'), :'basic'),
               ('3 again', jsonb_build_object('token', :'token'), :'basic'), ('4 no token', '{}', :'basic'),
               ('5 garbage', '{"token": "x", "token_type_hint": "y"}', :'basic'), ('6 nobody', '{"token": "x"}', NULL))
           AS t (what, form, header),
       pg_temp.post('/http/revoke', form, header) AS r, pg_temp.shown(r) AS s
 ORDER BY what;
SELECT active FROM auth_store.token_introspect(:'token');

--
-- Pushed requests: RFC 9126
--

SELECT r.status, r.body::jsonb - 'request_uri' AS body, r.body::jsonb->>'request_uri' AS uri
  FROM pg_temp.post('/http/par', jsonb_build_object('response_type', 'code', 'redirect_uri', 'https://app.example/cb',
      'code_challenge', :'challenge', 'code_challenge_method', 'S256', 'scope', 'read', 'state', 'a b&c', 'nonce', '',
      'resource', '["https://a.example/", "https://b.example/"]'::jsonb), :'basic') AS r \gset p_
SELECT :p_status AS status, :'p_body' AS body, :'p_uri' ~ '^urn:ietf:params:oauth:request_uri:aspr_' AS uri;
SELECT * FROM auth_store.pushed_request_consume(:'p_uri', 'http_api');
SELECT what, s.status, s.body
  FROM (VALUES ('nobody', '{"response_type": "code"}'::jsonb, NULL), ('no challenge', '{"response_type": "code",
           "redirect_uri": "https://app.example/cb"}', :'basic'), ('a reference', '{"response_type": "code",
           "request_uri": "urn:x"}', :'basic'), ('another redirect_uri', '{"response_type": "code",
           "redirect_uri": "https://x.example/"}', :'basic')) AS t (what, form, header),
       pg_temp.post('/http/par', form, header) AS r, pg_temp.shown(r) AS s;
-- RFC 9449 section 10.1: the proof's key binds the code, and dpop_jkt may say the same alone.
SELECT what, r.status, p.parameters->>'dpop_jkt' = auth_store.jwk_thumbprint(pg_temp.jwk('ES256')) AS bound, r.error
  FROM (VALUES ('a proof', '{}'::jsonb), ('both', jsonb_build_object('dpop_jkt',
           auth_store.jwk_thumbprint(pg_temp.jwk('ES256')))), ('another key', jsonb_build_object('dpop_jkt',
           auth_store.jwk_thumbprint(pg_temp.jwk('EdDSA'))))) AS t (what, more),
       pg_temp.post('/http/par', jsonb_build_object('response_type', 'code', 'redirect_uri', 'https://app.example/cb',
           'code_challenge', :'challenge', 'code_challenge_method', 'S256') || more, :'basic',
           jsonb_build_object('dpop', pg_temp.jwt(jsonb_build_object('typ', 'dpop+jwt', 'jwk', pg_temp.jwk('ES256')),
               jsonb_build_object('jti', what, 'htm', 'POST', 'htu', 'https://as.example/http/par', 'iat',
                   floor(extract(epoch FROM clock_timestamp()))), 'ES256'))) AS r,
       auth_store.pushed_request_consume(r.body::jsonb->>'request_uri', 'http_api') AS p;

--
-- Devices: RFC 8628 section 3.2
--

SELECT s.* FROM pg_temp.post('/http/device_authorization', '{"scope": "read"}', :'basic') AS r, pg_temp.shown(r) AS s;
SELECT auth_store.provider_set(settings => '{"device_url": "https://app.example/link"}', tenant_id => 'http');
SELECT r.body::jsonb->>'verification_uri' AS uri FROM pg_temp.post('/http/device_authorization', '{}', :'basic') AS r;
SELECT what, s.status, s.body
  FROM (VALUES ('nobody', '{}'::jsonb, NULL), ('not allowed', '{"client_id": "http_spa"}', NULL),
               ('too wide', '{"scope": "admin"}', :'basic')) AS t (what, form, header),
       pg_temp.post('/http/device_authorization', form, header) AS r, pg_temp.shown(r) AS s;

--
-- Each by its own function
--

SELECT name, s.status, s.body
  FROM (SELECT 'http_introspect', r FROM auth_store.http_introspect('token=x', :'basic', tenant_id => 'http') AS r
        UNION ALL
        SELECT 'http_revoke', r FROM auth_store.http_revoke('token=x', :'basic', tenant_id => 'http') AS r
        UNION ALL
        SELECT 'http_par', r FROM auth_store.http_par('x=1', :'basic', tenant_id => 'http') AS r
        UNION ALL
        SELECT 'http_device_authorization', r
          FROM auth_store.http_device_authorization('scope=read', :'basic', tenant_id => 'http') AS r) AS t (name, r),
       pg_temp.shown(r) AS s;
SELECT name, pg_temp.raised(format('SELECT auth_store.%s(NULL, tenant_id => ''nobody'')', name))
  FROM unnest(ARRAY['http_token', 'http_introspect', 'http_revoke', 'http_par', 'http_device_authorization']) AS name;

SELECT auth_store.tenant_erase('http', 'http') > 0 AS erased;

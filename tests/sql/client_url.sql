-- A client_id that is a URL: an OAuth client id metadata document's, up to 2,048 bytes, with a query.
\i tests/sql/include/helpers.sql

SELECT left(id, 40) AS id, length(id),
       pg_temp.raised(format('SELECT auth_store.client_create(%L, client_id => %L)', 'app', id))
  FROM (VALUES
    ('https://app.example/client.json'), ('https://app.example/client?id=7&v=%20a,b;c=(d)'),
    ('https://app.example:8443/' || repeat('a', 200)), ('https://[2001:db8::1]/c?d'),
    ('https://app.example/?' || repeat('a', 2048 - 21)), ('https://app.example/?' || repeat('a', 2049 - 21)),
    ('https://app.example/' || repeat('a', 1000000)),
    ('http://app.example/c?d'), ('HTTPS://app.example/c?d'), ('https://app.example/c?d#e'),
    ('https://u@app.example/c?d'), ('https://u:p@app.example/c?d'), ('https://?c'), ('https:app.example?c'),
    ('https://app.example/c?d e'), ('https://app.example/c?é'), (E'https://app.example/c?\nd'),
    ('https://app.example/c?%zz'), ('https://app.example/c?"d"'), ('https://app.example\c?d'),
    ('app://app.example/c?d'), ('app?c'), (repeat('a', 129))) AS t (id);

-- Two of the longest differ in their last byte, wherever they are named.
SELECT 'https://app.example/' || string_agg(md5(n::text), '') || repeat('b', 2048 - 20 - 1 - 62 * 32) AS stem
  FROM generate_series(1, 62) AS n \gset
SELECT client_secret AS secret, client_id = :'stem' || '1' AS same
  FROM auth_store.client_create('One', ARRAY['https://app.example/cb'], client_id => :'stem' || '1',
      scope => 'read write', rate_limit_per_hour => 100,
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code', 'urn:ietf:params:oauth:grant-type:token-exchange']) \gset
SELECT client_secret AS other FROM auth_store.client_create('Two', client_id => :'stem' || '2', scope => 'read') \gset
SELECT :'same' AS same, length(:'stem') + 1 AS length;
SELECT pg_temp.raised(format('SELECT auth_store.client_create(%L, client_id => %L)', 'again', :'stem' || '1')) AS again;
SELECT user_id FROM auth_store.user_create('url@example.com') \gset
SELECT ok, client_id = :'stem' || '1' AS same FROM auth_store.client_authenticate(:'stem' || '1', :'secret');
SELECT ok, error FROM auth_store.client_authenticate(:'stem' || '1', :'other', ip => '192.0.2.1');
SELECT request_uri, error
  FROM auth_store.pushed_request_create(:'stem' || '1', :'secret',
      parameters => jsonb_build_object('response_type', 'code', 'client_id', :'stem' || '1', 'code_challenge',
          :'challenge', 'code_challenge_method', 'S256')) \gset
SELECT parameters->>'client_id' = :'stem' || '1' AS same, error
  FROM auth_store.pushed_request_consume(:'request_uri', :'stem' || '1');
SELECT code FROM auth_store.code_issue(:'stem' || '1', :'user_id', code_challenge => :'challenge') \gset
SELECT error
  FROM auth_store.code_redeem(:'code', :'stem' || '2', client_secret => :'other', code_verifier => :'verifier');
SELECT access_token, refresh_token, client_id = :'stem' || '1' AS same
  FROM auth_store.code_redeem(:'code', :'stem' || '1', client_secret => :'secret',
      code_verifier => :'verifier') \gset u_
SELECT :'u_same' AS same, client_id = :'stem' || '1' AS introspected,
       auth_store.token_introspection(:'u_access_token')->>'client_id' = :'stem' || '1' AS document
  FROM auth_store.token_introspect(:'u_access_token');
SELECT error FROM auth_store.token_refresh(:'u_refresh_token', :'stem' || '2', :'other');
SELECT error, client_id = :'stem' || '1' AS same
  FROM auth_store.token_refresh(:'u_refresh_token', :'stem' || '1', :'secret');
SELECT error, claims->'act'->>'client_id' = :'stem' || '1' AS actor
  FROM auth_store.token_exchange(:'u_access_token',
      (SELECT access_token FROM auth_store.token_issue_client_credentials(:'stem' || '1', :'secret')), :'stem' || '1',
      :'secret');
SELECT device_code IS NOT NULL AS device_code, error FROM auth_store.device_authorize(:'stem' || '1', :'secret');
SELECT auth_store.rate_limit_reset('client:' || :'stem' || '1') AS reset;
SELECT api_key IS NOT NULL AS api_key FROM auth_store.api_key_create('key', client_id => :'stem' || '1');
SELECT name, count(*) FROM auth_store.client_get(:'stem' || '1') GROUP BY 1;
-- The trail has the whole of it.
SELECT count(DISTINCT client_id), min(length(client_id)) FROM auth_store.audit_log
 WHERE client_id LIKE 'https://app.example/' || md5('1') || '%';
SELECT auth_store.audit_write('app.seen', client_id => :'stem' || '1') IS NOT NULL AS written;
-- A text that is no client's is cut, as ever.
SELECT error FROM auth_store.client_authenticate('https://app.example/' || repeat('é', 3000), 'x');
SELECT max(length(client_id)) FROM auth_store.audit_log WHERE client_id LIKE 'https://app.example/é%';
-- A consent's key holds client_id and resource: what would not fit is an outcome.
CREATE TEMP TABLE asked AS
SELECT length, CASE WHEN length IS NOT NULL THEN ARRAY['https://r.example/' || substr(:'stem', 21, length - 18)] END
       AS resource
  FROM (VALUES (NULL), (252), (253), (2048)) t (length);
SELECT a.length, r.scope, r.error, r.error_description
  FROM asked a, auth_store.consent_record(:'user_id', :'stem' || '1', 'read', a.resource) r ORDER BY length NULLS FIRST;
SELECT a.length, c.granted, c.error
  FROM asked a, auth_store.consent_check(:'user_id', :'stem' || '1', 'read', a.resource) c ORDER BY length NULLS FIRST;
SELECT count(*) FROM auth_store.user_applications(:'user_id') WHERE client_id = :'stem' || '1';
SELECT auth_store.client_delete(:'stem' || '1');
SELECT client_id = :'stem' || '2' AS other FROM auth_store.client_get(:'stem' || '2');

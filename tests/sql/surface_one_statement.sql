-- A function that writes sees what an earlier call in the same statement did, as a statement of its own would. The
-- readers, which are STABLE, see the rows as they were when the statement began.
\i tests/sql/include/helpers.sql

SELECT auth_store.user_ensure('one_statement') AS user_id \gset
SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'one_web', scope => 'read',
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code']) \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'one_app', scope => 'read');

-- A token, by its grant, by itself (RFC 7009) and by its client. The trail has no success behind the end.
SELECT access_token, refresh_token, grant_id FROM auth_store.token_issue('one_web', :'user_id') \gset
SELECT FROM pg_temp.trail();
SELECT ended, u.active, u.error, i.active AS introspected, a.active AS authorized
  FROM auth_store.grant_revoke(:'grant_id') AS ended,
       LATERAL auth_store.token_use(CASE WHEN ended THEN :'access_token' END) AS u,
       LATERAL auth_store.token_introspect(CASE WHEN u.error IS NOT NULL THEN :'access_token' END) AS i,
       LATERAL auth_store.token_authorize(CASE WHEN u.error IS NOT NULL THEN :'access_token' END) AS a;
SELECT * FROM pg_temp.trail();
SELECT access_token FROM auth_store.token_issue('one_web', :'user_id') \gset
SELECT r.error AS revocation, u.active, u.error
  FROM auth_store.token_revoke(:'access_token', 'one_web', :'secret') AS r,
       LATERAL auth_store.token_use(CASE WHEN r.error IS NULL THEN :'access_token' END) AS u;
SELECT access_token FROM auth_store.token_issue('one_web', :'user_id') \gset
SELECT u.active, u.error
  FROM auth_store.client_set_status('one_web', 'suspended') AS s,
       LATERAL auth_store.token_use(concat(:'access_token', s::text)) AS u;
SELECT FROM auth_store.client_set_status('one_web', 'active');
-- One that was made in the statement is good.
SELECT u.active, u.error
  FROM auth_store.token_issue('one_web', :'user_id') AS t, LATERAL auth_store.token_use(t.access_token) AS u;
-- What a function in a query's list says of it, too: a call for each row, each after the last.
SELECT n, CASE WHEN n = 2 THEN auth_store.token_revoke(:'access_token', 'one_web', :'secret') IS NOT NULL
               ELSE (auth_store.token_use(:'access_token')).active END AS active
  FROM generate_series(1, 3) AS n;

-- Sessions, API keys.
SELECT session_token, session_id FROM auth_store.session_create(:'user_id') \gset
SELECT s.ended, t.valid, t.error, t.error_description
  FROM (SELECT auth_store.session_revoke(:'session_id') AS ended OFFSET 0) AS s,
       LATERAL auth_store.session_touch(CASE WHEN s.ended IS NOT NULL THEN :'session_token' END) AS t;
SELECT api_key, api_key_id FROM auth_store.api_key_create('Key', :'user_id') \gset
SELECT valid FROM auth_store.api_key_touch(:'api_key');
SELECT k.ended, t.valid, t.error
  FROM (SELECT auth_store.api_key_revoke(:'api_key_id') AS ended OFFSET 0) AS k,
       LATERAL auth_store.api_key_touch(CASE WHEN k.ended IS NOT NULL THEN :'api_key' END) AS t;

-- Client secrets, made here and imported (RFC 6749 section 2.3.1).
SELECT c.ok, c.error FROM auth_store.client_secret_rotate('one_web') AS fresh,
       LATERAL auth_store.client_authenticate('one_web', CASE WHEN fresh IS NOT NULL THEN :'secret' END) AS c;
SELECT c.ok, c.error
  FROM auth_store.client_secret_rotate('one_web') AS fresh,
       LATERAL auth_store.client_authenticate('one_web', fresh) AS c;
SELECT FROM auth_store.client_secret_import('one_web', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW');
SELECT ok FROM auth_store.client_authenticate('one_web', 'U*U');
SELECT c.ok, c.error FROM auth_store.client_secret_rotate('one_web') AS fresh,
       LATERAL auth_store.client_authenticate('one_web', CASE WHEN fresh IS NOT NULL THEN 'U*U' END) AS c;

-- Codes, refresh tokens, user codes.
SELECT code FROM auth_store.code_issue('one_app', :'user_id', code_challenge => :'challenge') \gset
SELECT a.error AS first, b.error AS second
  FROM auth_store.code_redeem(:'code', 'one_app', code_verifier => :'verifier') AS a,
       LATERAL auth_store.code_redeem(concat(:'code', a.error), 'one_app', code_verifier => :'verifier') AS b;
SELECT a.error AS first, b.refresh_token = a.refresh_token AS same_successor
  FROM auth_store.token_issue('one_app', :'user_id') AS t,
       LATERAL auth_store.token_refresh(t.refresh_token, 'one_app') AS a,
       LATERAL auth_store.token_refresh(concat(t.refresh_token, a.error), 'one_app') AS b;
SELECT client_secret_rotate AS secret FROM auth_store.client_secret_rotate('one_web') \gset
SELECT user_code FROM auth_store.device_authorize('one_web', :'secret') \gset
SELECT d.error AS denial, l.status, l.error
  FROM auth_store.device_deny(:'user_code') AS d, LATERAL auth_store.device_lookup(concat(:'user_code', d.error)) AS l;
-- A tenant that the statement has made has limits.
SELECT h.allowed
  FROM auth_store.tenant_create('one_tenant') AS t,
       LATERAL auth_store.rate_limit_hit('x', 1, '1 min', tenant_id => t) AS h;

-- Token revocation by its client, RFC 7009.
\i tests/sql/include/helpers.sql

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'revocation_web',
      scope => 'read') \gset
SELECT client_secret AS other_secret
  FROM auth_store.client_create('Other', ARRAY['https://other.example/cb'], client_id => 'revocation_other') \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'revocation_app',
      scope => 'read');
SELECT user_id FROM auth_store.user_create('revocation@example.com') \gset
SELECT access_token, refresh_token, grant_id FROM auth_store.token_issue('revocation_web', :'user_id') \gset r_
SELECT access_token FROM auth_store.token_refresh(:'r_refresh_token', 'revocation_web', :'secret') \gset s_
SELECT FROM pg_temp.trail();

-- Section 2.1: the client authenticates, and the token must be its own; nothing happens otherwise.
SELECT what, r.error, r.error_description
  FROM (VALUES
    ('no secret',                   :'r_access_token',  'revocation_web', NULL),
    ('wrong secret',                :'r_access_token',  'revocation_web', pg_temp.altered(:'secret')),
    ('unknown client',              :'r_access_token',  'revocation_nobody', :'secret'),
    ('no client',                   :'r_access_token',  NULL, NULL),
    ('another client''s token',     :'r_access_token',  'revocation_other', :'other_secret'),
    ('another client''s family',    :'r_refresh_token', 'revocation_other', :'other_secret'),
    ('another''s, a public client', :'r_refresh_token', 'revocation_app', NULL)) AS t (what, token, client, secret),
  LATERAL auth_store.token_revoke(t.token, t.client, t.secret) AS r;
SELECT * FROM pg_temp.trail();
SELECT i.active
  FROM (VALUES (:'r_access_token'), (:'s_access_token')) AS t (token),
       LATERAL auth_store.token_introspect(t.token) AS i;

-- Section 2.2: a token that is none is no error, its purpose is reached. A hint, right or wrong or unknown, changes
-- nothing (section 2.1: the search goes over all kinds).
SELECT what, r.error, r.error_description
  FROM (VALUES
    ('NULL',            NULL),
    ('empty',           ''),
    ('no token',        'x'),
    ('of 1 MB',         repeat('x', 1000000)),
    ('unknown',         'asat_' || repeat('A', 64)),
    ('wrong secret',    pg_temp.altered(:'r_access_token')),
    ('another family secret', overlay(:'r_refresh_token' PLACING repeat('A', 20) FROM 28 FOR 20)),
    ('a code',          'asac_' || repeat('A', 64))) AS t (what, token),
  LATERAL auth_store.token_revoke(t.token, 'revocation_web', :'secret', token_type_hint => 'nonsense') AS r;
SELECT * FROM pg_temp.trail();

-- An access token ends alone.
SELECT * FROM auth_store.token_revoke(:'r_access_token', 'revocation_web', :'secret',
    token_type_hint => 'refresh_token', reason => 'logout', ip => '192.0.2.1');
SELECT t.what, i.active
  FROM (VALUES (1, 'revoked', :'r_access_token'), (2, 'its sister', :'s_access_token')) AS t (n, what, token),
       LATERAL auth_store.token_introspect(t.token) AS i ORDER BY n;
SELECT revoked_at IS NULL AS grant_lives FROM auth_store.grants WHERE id = :'r_grant_id';
SELECT event, error, risk_score, flags, user_id = :'user_id' AS "user", grant_id = :'r_grant_id' AS grant_id,
       resource_type, resource_id IS NOT NULL AS resource_id, ip, details
  FROM auth_store.audit_log WHERE client_id = 'revocation_web' ORDER BY occurred_at DESC LIMIT 1;
-- Again: no error.
SELECT * FROM auth_store.token_revoke(:'r_access_token', 'revocation_web', :'secret');
SELECT FROM pg_temp.trail();

-- A refresh token ends its grant and the access tokens of it (section 2.1), also when it was rotated since.
SELECT * FROM auth_store.token_revoke(:'r_refresh_token', 'revocation_web', :'secret',
    token_type_hint => 'access_token', reason => 'logout');
SELECT active FROM auth_store.token_introspect(:'s_access_token');
SELECT error FROM auth_store.token_refresh(:'r_refresh_token', 'revocation_web', :'secret');
SELECT revoked_reason FROM auth_store.grants WHERE id = :'r_grant_id';
SELECT * FROM pg_temp.trail();
-- Again, and with the reason of the first time kept.
SELECT * FROM auth_store.token_revoke(:'r_refresh_token', 'revocation_web', :'secret', reason => 'again');
SELECT revoked_reason FROM auth_store.grants WHERE id = :'r_grant_id';

-- A public client names itself (section 5: no authentication it could do); the application may have authenticated one.
SELECT access_token, refresh_token FROM auth_store.token_issue('revocation_app', :'user_id') \gset a_
SELECT * FROM auth_store.token_revoke(:'a_refresh_token', 'revocation_app');
SELECT active FROM auth_store.token_introspect(:'a_access_token');
SELECT access_token FROM auth_store.token_issue('revocation_web', :'user_id') \gset
SELECT * FROM auth_store.token_revoke(:'access_token', 'revocation_web', client_authenticated => true);
SELECT active FROM auth_store.token_introspect(:'access_token');

-- The reason is the application's to give: 1 to 1000 characters.
SELECT FROM pg_temp.trail();
SELECT length(reason),
       pg_temp.raised(format('SELECT FROM auth_store.token_revoke(''x'', ''revocation_app'', reason => %L)', reason))
  FROM (VALUES (NULL), (''), (repeat('é', 1000)), (repeat('é', 1001))) AS t (reason);
SELECT count(*) FROM pg_temp.trail();

-- Another tenant's token is unknown, which is no error.
SELECT auth_store.tenant_create('revocation_tenant') \gset
SELECT client_id
  FROM auth_store.client_create('Theirs', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'revocation_theirs',
      tenant_id => 'revocation_tenant');
SELECT access_token FROM auth_store.token_issue('revocation_web', :'user_id') \gset
SET auth_store.tenant_id = 'revocation_tenant';
SELECT * FROM auth_store.token_revoke(:'access_token', 'revocation_theirs');
RESET auth_store.tenant_id;
SELECT active FROM auth_store.token_introspect(:'access_token');

-- What is rolled back was not revoked.
BEGIN;
SELECT * FROM auth_store.token_revoke(:'access_token', 'revocation_web', :'secret');
SELECT active FROM auth_store.token_introspect(:'access_token');
ROLLBACK;
SELECT active FROM auth_store.token_introspect(:'access_token');

BEGIN READ ONLY;
SELECT pg_temp.raised('SELECT FROM auth_store.token_revoke(''x'', ''revocation_app'')');
COMMIT;

-- Ending grants: one, those of a user, those of a client.
\i tests/sql/include/helpers.sql

SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'grant_app',
      scope => 'read');
SELECT client_id
  FROM auth_store.client_create('Two', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'grant_two',
      scope => 'read');
SELECT client_secret AS secret FROM auth_store.client_create('Machine', client_id => 'grant_machine') \gset
SELECT user_id AS ann FROM auth_store.user_create('ann.grant@example.com') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob.grant@example.com') \gset
-- Four logins: Ann's with each client, one more of hers, Bob's.
CREATE TEMP TABLE login AS
SELECT name, r.*
  FROM (VALUES ('ann app', 'grant_app', :'ann'::uuid), ('ann app again', 'grant_app', :'ann'),
      ('ann two', 'grant_two', :'ann'), ('bob app', 'grant_app', :'bob')) AS t (name, client, u),
       LATERAL auth_store.token_issue(t.client, t.u) AS r;
CREATE FUNCTION pg_temp.alive() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT name FROM pg_temp.login AS l, LATERAL auth_store.token_introspect(l.access_token) AS i WHERE i.active
     ORDER BY name COLLATE "C"
$$;
SELECT pg_temp.alive();
SELECT FROM pg_temp.trail();

-- One grant: with its access tokens, at once, and its refresh token.
SELECT grant_id, refresh_token FROM login WHERE name = 'ann app' \gset
SELECT auth_store.grant_revoke(:'grant_id', 'lost phone');
SELECT pg_temp.alive();
SELECT error FROM auth_store.token_refresh(:'refresh_token', 'grant_app');
SELECT revoked_at IS NOT NULL AS revoked, revoked_reason FROM auth_store.grants WHERE id = :'grant_id';
SELECT event, error, risk_score, user_id = :'ann' AS ann, grant_id = :'grant_id' AS grant_id, client_id, details
  FROM auth_store.audit_log WHERE event = 'grant.revoked' ORDER BY occurred_at DESC LIMIT 1;
SELECT FROM pg_temp.trail();
-- Again: it had ended, nothing to tell.
SELECT auth_store.grant_revoke(:'grant_id', 'again');
SELECT revoked_reason FROM auth_store.grants WHERE id = :'grant_id';
SELECT * FROM pg_temp.trail();

-- A user's, of one client.
SELECT auth_store.user_grants_revoke(:'ann', 'grant_two');
SELECT pg_temp.alive();
SELECT event, user_id = :'ann' AS ann, client_id, details FROM auth_store.audit_log WHERE event = 'grants.revoked'
 ORDER BY occurred_at DESC LIMIT 1;
-- A user's, all that live.
SELECT auth_store.user_grants_revoke(:'ann');
SELECT pg_temp.alive();
SELECT auth_store.user_grants_revoke(:'ann');
SELECT * FROM pg_temp.trail();
SELECT name, revoked_reason FROM login JOIN auth_store.grants g ON g.id = grant_id ORDER BY name COLLATE "C";

-- A client's, of all users and its own.
SELECT r.access_token AS machine FROM auth_store.token_issue_client_credentials('grant_machine', :'secret') AS r \gset
SELECT auth_store.client_grants_revoke('grant_app', 'breach');
SELECT pg_temp.alive();
SELECT auth_store.client_grants_revoke('grant_machine');
SELECT active FROM auth_store.token_introspect(:'machine');
SELECT event, client_id, user_id, details FROM auth_store.audit_log
 WHERE event = 'grants.revoked' AND client_id = 'grant_app' ORDER BY occurred_at DESC LIMIT 1;
-- What expired by itself is not counted.
SELECT grant_id FROM auth_store.token_issue('grant_app', :'bob') \gset
UPDATE auth_store.grants SET expires_at = clock_timestamp() WHERE id = :'grant_id';
SELECT auth_store.client_grants_revoke('grant_app');
-- It is a new login's to begin again.
SELECT access_token FROM auth_store.token_issue('grant_app', :'ann') \gset
SELECT active FROM auth_store.token_introspect(:'access_token');

-- Mistakes.
SELECT FROM pg_temp.trail();
SELECT what, pg_temp.raised('SELECT auth_store.' || call)
  FROM (VALUES
    ('no grant',            'grant_revoke(NULL)'),
    ('unknown grant',       'grant_revoke(''00000000-0000-0000-0000-000000000000'')'),
    ('empty reason',        format('grant_revoke(%L, '''')', :'grant_id')),
    ('long reason',         format('grant_revoke(%L, repeat(''x'', 1001))', :'grant_id')),
    ('no user',             'user_grants_revoke(NULL)'),
    ('unknown user',        'user_grants_revoke(''00000000-0000-0000-0000-000000000000'')'),
    ('unknown client',      format('user_grants_revoke(%L, ''grant_nobody'')', :'ann')),
    ('no client',           'client_grants_revoke(NULL)'),
    ('client unknown',      'client_grants_revoke(''grant_nobody'')'),
    ('client, long reason', 'client_grants_revoke(''grant_app'', repeat(''x'', 1001))')) AS t (what, call);
SELECT count(*) FROM pg_temp.trail();

-- Another tenant's are unknown.
SELECT auth_store.tenant_create('grant_tenant') \gset
SELECT grant_id FROM auth_store.token_issue('grant_app', :'bob') \gset
SET auth_store.tenant_id = 'grant_tenant';
SELECT pg_temp.raised(format('SELECT auth_store.grant_revoke(%L)', :'grant_id'));
SELECT pg_temp.raised(format('SELECT auth_store.user_grants_revoke(%L)', :'bob'));
SELECT pg_temp.raised('SELECT auth_store.client_grants_revoke(''grant_app'')');
RESET auth_store.tenant_id;

-- In one transaction with the application's own rows.
BEGIN;
SELECT auth_store.user_grants_revoke(:'bob');
ROLLBACK;
SELECT auth_store.user_grants_revoke(:'bob');

BEGIN READ ONLY;
SELECT pg_temp.raised(format('SELECT auth_store.grant_revoke(%L)', :'grant_id'));
SELECT pg_temp.raised(format('SELECT auth_store.user_grants_revoke(%L)', :'bob'));
SELECT pg_temp.raised('SELECT auth_store.client_grants_revoke(''grant_app'')');
COMMIT;

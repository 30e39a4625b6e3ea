-- Ids that a browser sent: whose the thing must be is part of the call, and another's is answered as
-- one that is not there.
\i tests/sql/include/helpers.sql

SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'owner_app',
      scope => 'read');
SELECT client_id FROM auth_store.client_create('Job', client_id => 'owner_job', scope => 'read');
SELECT user_id AS ann FROM auth_store.user_create('ann.owner@example.com') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob.owner@example.com') \gset
SELECT session_id AS session, session_token FROM auth_store.session_create(:'ann') \gset
SELECT session_token AS bobs_token FROM auth_store.session_create(:'bob') \gset
SELECT grant_id AS grant FROM auth_store.token_issue('owner_app', :'ann') \gset
SELECT grant_id AS own_grant
  FROM auth_store.token_issue_client_credentials('owner_job', client_authenticated => true) \gset
SELECT api_key_id AS key, api_key FROM auth_store.api_key_create('Ann''s', :'ann') \gset
SELECT api_key_id AS job_key FROM auth_store.api_key_create('Job''s', client_id => 'owner_job') \gset
SELECT auth_store.connection_store('github', '42', 'gho_a', 'ghr_a') AS connection \gset
SELECT auth_store.tenant_create('owner-co');
SELECT auth_store.connection_store('github', '42', 'gho_b', 'ghr_b', tenant_id => 'owner-co') AS of_another_tenant \gset
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();

-- Another's id, and one that nobody has, get the same answer and leave the same trace.
CREATE TEMP TABLE call AS SELECT n, call FROM (VALUES
    (1, $$session_revoke(%L, user_id => %L)$$), (2, $$grant_revoke(%L, user_id => %L)$$),
    (3, $$api_key_rotate(%L, user_id => %L)$$), (4, $$api_key_rotate(%L, '1 hour', user_id => %L)$$),
    (5, $$api_key_revoke(%L, user_id => %L)$$)) AS t (n, call);
CREATE TEMP TABLE thing AS SELECT *
  FROM (VALUES ('session_revoke', :'session'::uuid), ('grant_revoke', :'grant'), ('api_key_rotate', :'key'),
      ('api_key_revoke', :'key')) AS t (function, id);
SELECT call, pg_temp.raised(format('SELECT auth_store.' || call, id, :'bob')) AS anothers,
       pg_temp.raised(format('SELECT auth_store.' || call, id,
           :'bob')) = pg_temp.raised(format('SELECT auth_store.' || call, gen_random_uuid(), :'bob')) AS as_unknown,
       pg_temp.raised(format('SELECT auth_store.' || call, id,
           gen_random_uuid())) = pg_temp.raised(format('SELECT auth_store.' || call, gen_random_uuid(),
               :'ann')) AS of_nobody
  FROM call JOIN thing ON function = split_part(call, '(', 1) ORDER BY n;
SELECT call, pg_temp.raised('SELECT auth_store.' || format(call, :'key', :'job_key', :'own_grant', :'ann')) AS anothers
  FROM (VALUES
    (1, 'api_key_revoke(%1$L, client_id => ''owner_job'')'), (2, 'api_key_rotate(%1$L, client_id => ''owner_job'')'),
    (3, 'api_key_revoke(%2$L, user_id => %4$L)'), (4, 'api_key_rotate(%2$L, user_id => %4$L)'),
    (5, 'api_key_revoke(%2$L, client_id => ''owner_app'')'), (6, 'api_key_revoke(%2$L, client_id => '''')'),
    (7, 'api_key_revoke(%1$L, user_id => %4$L, client_id => ''owner_job'')'),
    (8, 'api_key_rotate(%1$L, user_id => %4$L, client_id => ''owner_job'')'),
    (9, 'grant_revoke(%3$L, user_id => %4$L)')) AS t (n, call) ORDER BY n;
-- Connections: an actor's id is one's within a tenant and a type.
SELECT call, pg_temp.raised('SELECT auth_store.' || format(call, :'connection', :'of_another_tenant')) AS anothers,
       pg_temp.raised('SELECT auth_store.' || format(call, gen_random_uuid(), gen_random_uuid())) AS unknown
  FROM (VALUES
    (1, 'connection_revoke(%1$L, actor_id => ''43'')'), (2, 'connection_delete(%1$L, actor_id => ''43'')'),
    (3, 'connection_delete(%1$L, actor_id => ''42'', actor_type => ''api_key'')'),
    (4, 'connection_delete(%1$L, actor_id => ''42'', tenant_id => ''owner-co'')'),
    (5, 'connection_delete(%2$L, actor_id => ''42'')'),
    (6, 'connection_revoke(%2$L, actor_id => ''42'', actor_type => ''user'')'),
    -- Half an owner is not anybody.
    (7, 'connection_delete(%1$L, actor_id => NULL, actor_type => ''user'')'),
    (8, 'connection_revoke(%1$L, tenant_id => ''default'')'), (9, 'connection_lease(%1$L, actor_type => ''user'')'),
    (10, 'connection_delete(%1$L, actor_id => ''42'', actor_type => ''users'')'),
    (11, 'connection_delete(%1$L, actor_id => '''')'),
    (12, 'connection_delete(%1$L, actor_id => ''42'', tenant_id => ''nowhere'')')) AS t (n, call) ORDER BY n;
SELECT n, granted, refresh_token, fence, retry_after, error, error_description
  FROM (VALUES (1, :'connection'::uuid, '43', NULL, NULL), (2, :'connection', '42', 'api_key', NULL),
      (3, :'of_another_tenant', '42', 'user', NULL),
    (4, gen_random_uuid(), '42', 'user', NULL)) AS t (n, id, actor_id, actor_type, tenant_id),
    LATERAL auth_store.connection_lease(id, actor_id => t.actor_id, actor_type => t.actor_type,
        tenant_id => t.tenant_id) ORDER BY n;
SELECT count(*) AS silent FROM pg_temp.trail();
-- Nothing of it has ended.
SELECT s.valid, k.valid, g.revoked_at, c.fence, c.revoked_at
  FROM auth_store.session_validate(:'session_token') AS s, auth_store.api_key_verify(:'api_key') AS k,
       auth_store.grants AS g, auth_store.connections AS c
 WHERE g.id = :'grant' AND c.id = :'connection';

-- From the session that asks, in the same statement: where it is not valid nothing is called.
SELECT auth_store.session_revoke(:'session', user_id => s.user_id) FROM auth_store.session_validate('asst_none') AS s
 WHERE s.valid;
SELECT pg_temp.raised(
    format('SELECT auth_store.session_revoke(%L, user_id => s.user_id) FROM auth_store.session_validate(%L) AS s WHERE '
           's.valid', :'session', :'bobs_token'));
SELECT count(*) AS silent FROM pg_temp.trail();

-- The owner's own.
SELECT api_key_id = :'key' AS rotated FROM auth_store.api_key_rotate(:'key', user_id => :'ann');
SELECT api_key_id = :'job_key' AS rotated FROM auth_store.api_key_rotate(:'job_key', client_id => 'owner_job');
SELECT granted, refresh_token, fence FROM auth_store.connection_lease(:'connection', actor_id => '42');
SELECT granted, refresh_token, fence
  FROM auth_store.connection_lease(:'of_another_tenant', actor_id => '42', actor_type => 'user',
      tenant_id => 'owner-co');
SELECT auth_store.api_key_revoke(:'key', user_id => :'ann') AS key,
       auth_store.api_key_revoke(:'job_key', client_id => 'owner_job') AS job_key,
       auth_store.grant_revoke(:'grant', user_id => :'ann') AS grant,
       auth_store.connection_revoke(:'connection', actor_id => '42') AS connection;
SELECT auth_store.session_revoke(:'session', user_id => s.user_id) AS session
  FROM auth_store.session_validate(:'session_token') AS s WHERE s.valid;
SELECT event FROM pg_temp.trail();
-- Again: false to the owner, unknown to another, also of what has ended.
SELECT auth_store.session_revoke(:'session', user_id => :'ann') AS session,
       auth_store.api_key_revoke(:'key', user_id => :'ann') AS key,
       auth_store.grant_revoke(:'grant', user_id => :'ann') AS grant,
       auth_store.connection_revoke(:'connection', actor_id => '42') AS connection;
SELECT call, pg_temp.raised(format('SELECT auth_store.' || call, id, :'bob')) AS anothers FROM call
  JOIN thing ON function = split_part(call, '(', 1) ORDER BY n;
SELECT pg_temp.raised(format('SELECT auth_store.api_key_rotate(%L, user_id => %L)', :'key', :'ann')) AS the_owners;
SELECT auth_store.connection_delete(:'connection', '42', 'user', 'default') IS NOT NULL AS deleted;
-- NULL is "without", an administrator's call.
SELECT auth_store.grant_revoke(:'own_grant', user_id => NULL) AS of_a_client;
SELECT auth_store.connection_revoke(:'of_another_tenant', actor_id => NULL, actor_type => NULL,
    tenant_id => NULL) AS anybodys;
SELECT auth_store.tenant_erase('owner-co', 'owner-co') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('owner-co') WHERE rows > 0;

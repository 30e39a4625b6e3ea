-- One user acts as another: who may, what the session is good for, and who the trail says it was.
\i tests/sql/include/helpers.sql
\set VERBOSITY terse

SELECT user_id AS "user" FROM auth_store.user_create('user@acts.example') \gset
SELECT user_id AS support FROM auth_store.user_create('support@acts.example') \gset
SELECT user_id AS boss FROM auth_store.user_create('boss@acts.example') \gset
SELECT client_id FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'acts_app');
SELECT auth_store.role_create('support', '{users:impersonate,orders:read}'),
       auth_store.role_create('buyer', '{orders:*}');
SELECT auth_store.role_assign(:'support', 'support'), auth_store.role_assign(:'user', 'buyer'),
       auth_store.role_assign(:'boss', 'admin');
CREATE TEMP VIEW me AS
    SELECT auth_store.current_user_id() = current_setting('test.user')::uuid AS is_user,
           auth_store.current_actor_id() = current_setting('test.support')::uuid AS by_support,
           auth_store.current_has_permission('orders:read') AS read,
           auth_store.current_has_permission('orders:buy') AS buy,
           auth_store.current_has_permission('users:impersonate') AS impersonate,
           auth_store.principal_max_age('1 h') AS fresh, auth_store.current_acr() AS acr,
           auth_store.principal_recheck() AS stands;
SELECT set_config('test.user', :'user', false) = :'user', set_config('test.support', :'support', false) = :'support';

-- Who may not: without the permission, as oneself, as one who has the permission too, an unknown actor, and where one
-- of them is not active.
SELECT n, error, error_description FROM (VALUES (1, :'user', :'user'), (2, :'user', gen_random_uuid()::text),
    (3, :'support', :'user'), (4, :'support', :'support'), (5, :'boss', :'support'), (6, :'support', :'boss'))
    v (n, u, a), auth_store.user_impersonate(u::uuid, a::uuid) ORDER BY n;
BEGIN;
SELECT auth_store.user_set_status(:'user', 'suspended') IS NOT NULL;
SELECT error, error_description FROM auth_store.user_impersonate(:'user', :'support');
ROLLBACK;
BEGIN;
SELECT auth_store.user_set_status(:'support', 'suspended') IS NOT NULL;
SELECT error, error_description FROM auth_store.user_impersonate(:'user', :'support');
ROLLBACK;
SELECT pg_temp.raised(call) FROM (VALUES
    (format('SELECT auth_store.user_impersonate(NULL, %L)', :'support')),
    (format('SELECT auth_store.user_impersonate(%L, NULL)', :'user')),
    (format('SELECT auth_store.user_impersonate(%L, %L)', gen_random_uuid(), :'support')),
    (format('SELECT auth_store.user_impersonate(%L, %L, ttl => %L)', :'user', :'support', '0')),
    (format('SELECT auth_store.user_impersonate(%L, %L, ttl => %L)', :'user', :'support', '61 min')),
    (format('SELECT auth_store.user_impersonate(%L, %L, %L)', :'user', :'support', repeat('x', 1001)))) v (call);

-- The session: the user's, with the actor, of no log-in, and of what both may.
SELECT session_id, session_token AS token, expires_at - clock_timestamp() BETWEEN '59 min' AND '1 h' AS an_hour,
       coalesce(error, 'none') AS error
  FROM auth_store.user_impersonate(:'user', :'support', 'ticket 7', ip => '192.0.2.1') \gset
SELECT :'an_hour' AS an_hour, :'error' AS error;
SELECT valid, user_id = :'user' AS is_user, actor_id = :'support' AS by_support, idle_expires_at = expires_at AS capped
  FROM auth_store.session_validate(:'token');
SELECT status, actor_id = :'support' AS by_support FROM auth_store.session_list(:'user');
BEGIN;
SELECT ok, kind, actor_id = :'support' AS by_support, auth_time, acr, amr FROM auth_store.authenticate(:'token');
SELECT * FROM me;
-- Whatever is written meanwhile has the actor, also by the application.
SELECT auth_store.user_update(:'user', '{"first_name": "New"}') IS NOT NULL,
       auth_store.audit_write('order.shown', user_id => :'user') IS NOT NULL;
SELECT event, actor_id = :'support' AS by_support FROM auth_store.recent_activity
 WHERE user_id = :'user' AND event IN ('user.updated', 'order.shown') ORDER BY occurred_at;
SELECT event, actor_id = :'support' AS by_support FROM auth_store.user_activity(:'user')
 WHERE event IN ('user.updated', 'order.shown') ORDER BY event;
ROLLBACK;
SELECT auth_store.audit_write('order.shown', user_id => :'user') IS NOT NULL;
SELECT event, actor_id FROM auth_store.user_activity(:'user') WHERE event = 'order.shown';
-- Using and rotating it make it no longer and no log-in.
SELECT session_token AS token, expires_at - clock_timestamp() < '1 h' AS no_longer
  FROM auth_store.session_rotate(:'token') \gset
UPDATE auth_store.sessions SET last_seen_at = '2000-01-01' WHERE id = :'session_id';
SELECT :'no_longer' AS no_longer, expires_at - clock_timestamp() < '1 h' AS touched,
       idle_expires_at <= expires_at AS capped
  FROM auth_store.session_touch(:'token');
BEGIN;
SELECT ok FROM auth_store.authenticate(:'token');
SELECT * FROM me;
SELECT ok, error FROM auth_store.authenticate(:'token', max_age => '1 day');
SELECT ok, error FROM auth_store.authenticate(:'token', acr_values => 'mfa');
ROLLBACK;
-- Nothing raises it: who acts has proved nothing of the user. Its token stays good.
SELECT error, error_description, session_token FROM auth_store.session_elevate(:'token', 'mfa', '{otp,mfa}');
SELECT error FROM auth_store.session_elevate(:'token');
SELECT n, error FROM (VALUES (1, 'mfa', NULL), (2, NULL, '{otp}'::text[])) v (n, acr, amr),
    LATERAL auth_store.session_rotate(:'token', acr, amr) ORDER BY n;
SELECT valid, acr, amr, auth_time FROM auth_store.session_validate(:'token');
-- No token outlives it, and it acts in no other tenant.
SELECT error, error_description FROM auth_store.token_issue('acts_app', :'user', session_id => :'session_id');
SELECT error FROM auth_store.code_issue('acts_app', :'user', session_id => :'session_id', code_challenge =>
    auth_store.pkce_challenge(repeat('a', 43)));
BEGIN;
SELECT auth_store.tenant_create('acts'), auth_store.role_assign(:'user', 'user', tenant_id => 'acts');
SELECT ok, error FROM auth_store.authenticate(:'token', tenant_id => 'acts');
ROLLBACK;
-- More rights for the user meanwhile are none for the actor; fewer for the actor count at once.
BEGIN;
SELECT auth_store.role_assign(:'user', 'admin'), ok FROM auth_store.authenticate(:'token');
SELECT * FROM me;
SELECT auth_store.role_unassign(:'support', 'support');
SELECT * FROM me;
ROLLBACK;
-- It ends with the actor.
BEGIN;
SELECT ok FROM auth_store.authenticate(:'token');
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'support';
SELECT stands FROM me;
SELECT valid, error_description FROM auth_store.session_validate(:'token');
ROLLBACK;
-- So it does with the actor's own sessions, whatever ends them, and for good.
BEGIN;
SELECT auth_store.user_sessions_revoke(:'support') AS ended;
SELECT valid, error_description FROM auth_store.session_validate(:'token');
SELECT ended_reason FROM auth_store.session_list(:'user');
ROLLBACK;
BEGIN;
SELECT error FROM auth_store.password_set(:'support', 'correct horse battery staple');
SELECT valid, error_description FROM auth_store.session_validate(:'token');
ROLLBACK;
BEGIN;
SELECT auth_store.user_set_status(:'support', 'suspended') AS suspended;
SELECT auth_store.user_set_status(:'support', 'active') AS active;
SELECT valid, error_description FROM auth_store.session_validate(:'token');
ROLLBACK;
-- It ends none of the user's own, which may be as many as they are.
SET auth_store.max_sessions_per_user = 1;
SELECT session_token AS own FROM auth_store.session_create(:'user') \gset
SELECT session_id IS NOT NULL AS acts FROM auth_store.user_impersonate(:'user', :'support', ttl => '1 min');
SELECT valid FROM auth_store.session_validate(:'own');
RESET auth_store.max_sessions_per_user;

-- A token that was exchanged names who acts (RFC 8693 section 4.1).
SELECT client_id AS server, client_secret AS secret FROM auth_store.client_create('Server', '{}', client_id =>
    'acts_server', grant_types => ARRAY['urn:ietf:params:oauth:grant-type:token-exchange', 'client_credentials'],
    scope => 'read') \gset
SELECT access_token AS users FROM auth_store.token_issue('acts_server', :'user', 'read') \gset
SELECT access_token AS supports FROM auth_store.token_issue('acts_server', :'support', 'read') \gset
SELECT access_token AS exchanged FROM auth_store.token_exchange(:'users', :'supports', :'server', :'secret') \gset
BEGIN;
SELECT ok, error FROM auth_store.authenticate(:'exchanged');
SELECT is_user, by_support, read, buy FROM me;
ROLLBACK;

SELECT event, success, error, user_id = :'user' AS "user", actor_id = :'support' AS support,
       session_id IS NOT NULL AS s, details - 'expires_at' AS details, ip
  FROM auth_store.recent_activity WHERE event IN ('user.impersonated', 'session.rotated', 'session.elevated')
 ORDER BY occurred_at;

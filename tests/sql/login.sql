-- Locks by an administrator, and the devices of a user.
\i tests/sql/include/helpers.sql

SELECT user_id AS ann FROM auth_store.user_create('ann@login.example') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@login.example') \gset

-- A user who is locked gets no session; the sessions that are there go on.
SELECT session_token AS before FROM auth_store.session_create(:'ann') \gset
SELECT auth_store.user_lock(:'ann', clock_timestamp() + '1 hour', 'asked for');
SELECT session_token, error, error_description FROM auth_store.session_create(:'ann');
SELECT valid FROM auth_store.session_validate(:'before');
SELECT error FROM auth_store.session_create(:'bob');
-- The second takes the place of the first; without a time it has no end.
SELECT auth_store.user_lock(:'ann');
SELECT locked_until, lock_reason FROM auth_store.users WHERE id = :'ann';
SELECT auth_store.user_unlock(:'ann') AS was, auth_store.user_unlock(:'ann') AS once_more;
SELECT locked_until, lock_reason FROM auth_store.users WHERE id = :'ann';
SELECT error FROM auth_store.session_create(:'ann');
-- A lock ends by itself.
SELECT auth_store.user_lock(:'ann', clock_timestamp() + '20 ms');
SELECT pg_sleep(0.03);
SELECT error FROM auth_store.session_create(:'ann');
SELECT auth_store.user_unlock(:'ann');
SELECT event, success, details ->> 'reason' AS reason, (details ->> 'locked_for')::int BETWEEN 3590 AND 3600 AS an_hour
  FROM auth_store.audit_log WHERE user_id = :'ann' AND event ~ 'lock' ORDER BY occurred_at;
SELECT call, pg_temp.raised('SELECT auth_store.' || call) FROM (VALUES
    ('user_lock(NULL)'), ('user_lock(gen_random_uuid())'), ('user_lock(gen_random_uuid(), ''epoch'')'),
    ('user_lock(gen_random_uuid(), ''-infinity'')'), ('user_unlock(NULL)'), ('user_unlock(gen_random_uuid())'))
    AS t (call);

-- Devices: none yet.
SELECT count(*) FROM auth_store.user_device_list(:'ann');
SELECT auth_store.user_device_forget(:'ann', gen_random_uuid());
SELECT call, pg_temp.raised('SELECT auth_store.' || call) FROM (VALUES
    ('user_device_list(NULL)'), ('user_device_forget(NULL, gen_random_uuid())'),
    ('user_device_forget(gen_random_uuid(), NULL)'), ('user_device_forget(gen_random_uuid(), gen_random_uuid())'))
    AS t (call);
SELECT count(*) FROM auth_store.user_device_list(gen_random_uuid());

BEGIN READ ONLY;
SELECT call, pg_temp.raised('SELECT auth_store.' || call) FROM (VALUES
    ('user_lock(gen_random_uuid())'), ('user_unlock(gen_random_uuid())'),
    ('user_device_forget(gen_random_uuid(), gen_random_uuid())')) AS t (call);
SELECT count(*) FROM auth_store.user_device_list(:'ann');
COMMIT;

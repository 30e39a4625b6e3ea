-- Users whom nobody knows yet.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('anonymous') AS tenant \gset
SELECT client_id AS app FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', scope => 'read',
    tenant_id => 'anonymous') \gset
CREATE FUNCTION pg_temp.anonymous(who uuid) RETURNS boolean LANGUAGE sql AS
    'SELECT anonymous FROM auth_store.users WHERE id = who';
SELECT auth_store.user_create_anonymous('{"cart": 7}', NULL, 'anonymous', '192.0.2.1', 'a b') AS ann \gset
SELECT status, email, external_id, metadata FROM auth_store.user_get(:'ann');
SELECT session_token AS session FROM auth_store.session_create(:'ann') \gset
SELECT access_token AS access FROM auth_store.token_issue(:'app', :'ann') \gset
-- A name or a credential makes it one like others, with all it has.
SELECT auth_store.user_update(:'ann', '{"first_name": "Ann"}');
SELECT pg_temp.anonymous(:'ann');
SELECT error FROM auth_store.user_update(:'ann', '{"email": "ann@anonymous.example"}');
SELECT pg_temp.anonymous(:'ann'), (auth_store.session_validate(:'session')).valid,
       (auth_store.token_introspect(:'access')).active, metadata FROM auth_store.user_get(:'ann');
SELECT error FROM auth_store.user_update(:'ann', '{"email": "ann2@anonymous.example"}');
CREATE TEMP TABLE made AS SELECT n, auth_store.user_create_anonymous(tenant_id => 'anonymous') AS id
  FROM generate_series(1, 7) n;
SELECT error FROM made, LATERAL auth_store.user_name_add(id, 'username', 'ann.lee') WHERE n = 1;
SELECT error FROM made, LATERAL auth_store.identity_link(id, 'google', 'anonymous') WHERE n = 2;
SELECT error FROM made, LATERAL auth_store.password_set(id, 'correct horse battery') WHERE n = 3;
SELECT n, pg_temp.anonymous(id) FROM made ORDER BY n;
-- What is refused names nobody.
SELECT error FROM made, LATERAL auth_store.user_update(id, '{"email": "ann2@anonymous.example"}') WHERE n = 4;
SELECT error FROM made, LATERAL auth_store.identity_link(id, 'google', 'anonymous') WHERE n = 4;
SELECT pg_temp.anonymous(id) FROM made WHERE n = 4;
SELECT event, details, count(*) FROM auth_store.audit_log WHERE tenant_id = 'anonymous' AND event IN ('user.created',
    'user.upgraded') GROUP BY event, details ORDER BY event, details::text COLLATE "C";

-- Cleanup: who is old enough, and has nothing that lives.
SELECT FROM made, LATERAL auth_store.session_create(id) WHERE n = 5;
SELECT FROM made, LATERAL auth_store.token_issue(:'app', id) WHERE n = 6;
SELECT FROM made, LATERAL auth_store.api_key_create('k', id) WHERE n = 7;
SELECT deleted FROM auth_store.cleanup_batch('users', 100000);
UPDATE auth_store.users SET created_at = created_at - interval '31 days' WHERE tenant_id = 'anonymous';
SELECT deleted FROM auth_store.cleanup_batch('users', 100000);
SELECT n FROM made WHERE EXISTS (SELECT FROM auth_store.users u WHERE u.id = made.id) ORDER BY n;
SELECT sessions, grants, api_keys FROM made, LATERAL auth_store.user_end(id) WHERE n > 4 ORDER BY n;
SELECT deleted, examined > 0 AS examined FROM auth_store.cleanup_batch('users', 100000);
SELECT n FROM made WHERE EXISTS (SELECT FROM auth_store.users u WHERE u.id = made.id) ORDER BY n;
SELECT event, count(*) FROM auth_store.audit_log WHERE tenant_id = 'anonymous' AND event = 'user.purged' GROUP BY event;
SELECT pg_temp.raised($$SELECT auth_store.user_create_anonymous('[]')$$),
       pg_temp.raised($$SELECT auth_store.user_create_anonymous(tenant_id => 'nowhere')$$);
SELECT auth_store.tenant_erase('anonymous', 'anonymous') > 0 AS erased;

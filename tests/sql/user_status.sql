-- What changes of a user: names, status, and lists of users.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('user-status');
SELECT client_id AS app
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', scope => 'read') \gset
SELECT user_id AS ann FROM auth_store.user_create('ann@status.example', external_id => 's-1', first_name => 'Ann',
    metadata => '{"plan": "free", "n": 1.10}') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@status.example', external_id => 's-2') \gset

-- Members that are not named stay; a new name takes the place of the former one.
SELECT auth_store.user_update(:'ann', '{"email_verified": true, "last_name": "Lee"}');
SELECT email, email_verified, external_id, first_name, last_name, metadata FROM auth_store.user_get(:'ann');
SELECT auth_store.user_update(:'ann', '{"email": "Ann@Status.example"}');
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT auth_store.user_update(:'ann', '{"email": "new@status.example", "external_id": "s-1b", "first_name": null,
    "metadata": {"plan": "paid", "n": 1.10}}');
SELECT email, email_verified, external_id, first_name, last_name, metadata, updated_at > created_at AS later
  FROM auth_store.user_get(:'ann');
SELECT kind, name FROM auth_store.user_name_list(:'ann');
SELECT count(*) FROM auth_store.user_find('ann@status.example');
SELECT auth_store.user_ensure('s-1b') = :'ann' AS same_user;
SELECT user_id IS NOT NULL AS free FROM auth_store.user_create('ann@status.example', external_id => 's-1') \gset
SELECT :'free' AS free;
SELECT auth_store.user_update(:'ann', '{"email": "verified@status.example", "email_verified": true}');
SELECT email, email_verified FROM auth_store.user_get(:'ann');
-- One of several: the oldest that is left is shown.
SELECT auth_store.user_name_add(:'ann', 'email', 'other@status.example');
SELECT auth_store.user_update(:'ann', '{"email": null}');
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT auth_store.user_update(:'ann', '{"email": null, "email_verified": true, "external_id": null}');
SELECT email, email_verified, external_id FROM auth_store.user_get(:'ann');
SELECT count(*) FROM auth_store.user_name_list(:'ann');
SELECT auth_store.user_update(:'ann', '{}');

-- An address that is another's or none is the end user's answer, and nothing has changed.
SELECT change, u.error, u.error_description FROM (VALUES
    (1, '{"email": "BOB@status.example", "first_name": "X"}'), (2, '{"email": "x", "first_name": "X"}'))
    t (n, change), LATERAL auth_store.user_update(:'ann', change::jsonb) u ORDER BY n;
SELECT first_name FROM auth_store.user_get(:'ann');
SELECT left(change, 60) AS change, pg_temp.raised(format('SELECT auth_store.user_update(%L, %L)', :'ann', change))
  FROM (VALUES (1, '{"external_id": "s-2", "email": "free@status.example"}'), (2, '{"external_id": ""}'), (3, '[]'),
    (4, '{"status": "deleted"}'), (5, '{"email": 5}'), (6, '{"email_verified": null}'), (7, '{"metadata": []}'),
    (8, '{"first_name": "' || repeat('x', 201) || '"}'), (9, '{"first_name": "a\tb"}'), (10, NULL)) t (n, change)
 ORDER BY n;
SELECT pg_temp.raised($$SELECT auth_store.user_update(gen_random_uuid(), '{}')$$);
SELECT count(*) FROM auth_store.user_names WHERE name_key = 'free@status.example';
SELECT event, error, details, count(*) FROM auth_store.audit_log WHERE user_id = :'ann' AND event = 'user.updated'
 GROUP BY event, error, details ORDER BY error COLLATE "C", details::text COLLATE "C";

-- Any status but active ends sessions and grants.
CREATE TEMP TABLE login AS SELECT status, :'bob'::uuid AS who, :'app' AS app, NULL::text AS access,
    NULL::text AS refresh, NULL::text AS session, NULL::text AS key
  FROM unnest(ARRAY['inactive', 'suspended', 'deleted']) status;
DO $$
DECLARE
    l login;
BEGIN
    FOR l IN SELECT * FROM login LOOP
        SELECT access_token, refresh_token INTO l.access, l.refresh FROM auth_store.token_issue(l.app, l.who);
        SELECT session_token INTO l.session FROM auth_store.session_create(l.who);
        SELECT api_key INTO l.key FROM auth_store.api_key_create('k', l.who);
        UPDATE login SET access = l.access, refresh = l.refresh, session = l.session, key = l.key
         WHERE login.status = l.status;
        PERFORM auth_store.user_set_status(l.who, l.status, 'because');
        RAISE NOTICE '%: %', l.status, (
            SELECT row(i.active, v.valid, k.valid, r.error, t.error, s.error)
              FROM auth_store.token_introspect(l.access) i, auth_store.session_validate(l.session) v,
                   auth_store.api_key_verify(l.key) k, auth_store.token_refresh(l.refresh, l.app) r,
                   auth_store.token_issue(l.app, l.who) t, auth_store.session_create(l.who) s);
        PERFORM auth_store.user_set_status(l.who, 'active');
    END LOOP;
END $$;
-- Active again: what has ended stays so, the keys work.
SELECT (auth_store.token_introspect(access)).active, (auth_store.session_validate(session)).valid AS session,
       (auth_store.api_key_verify(key)).valid AS key, (auth_store.token_refresh(refresh, :'app')).error
  FROM login ORDER BY status;
SELECT DISTINCT revoked_reason FROM auth_store.grants WHERE user_id = :'bob' ORDER BY 1;
SELECT status, status_reason, status_changed_at > created_at AS later, status_changed_at = updated_at AS same
  FROM auth_store.user_get(:'bob');
SELECT auth_store.user_set_status(:'bob', 'suspended', 'unpaid');
SELECT status, status_reason FROM auth_store.user_get(:'bob');
SELECT details FROM auth_store.audit_log WHERE user_id = :'bob' AND event = 'user.status_changed'
 ORDER BY occurred_at LIMIT 2;
-- A deleted user keeps the names.
SELECT auth_store.user_set_status(:'bob', 'deleted');
SELECT (auth_store.user_create('bob@status.example')).error;
SELECT auth_store.user_ensure('s-2') = :'bob' AS same_user;
-- Refresh tokens of other stores are not taken over for whoever may not refresh.
SELECT auth_store.refresh_token_import(repeat('ab', 32), :'app', :'bob') IS NULL AS not_taken;
SELECT pg_temp.raised(call) FROM (VALUES
    (1, format('SELECT auth_store.user_set_status(%L, ''gone'')', :'bob')),
    (2, format('SELECT auth_store.user_set_status(%L, NULL)', :'bob')),
    (3, 'SELECT auth_store.user_set_status(NULL, ''active'')'),
    (4, 'SELECT auth_store.user_set_status(gen_random_uuid(), ''active'')'),
    (5, format('SELECT auth_store.user_set_status(%L, ''active'', repeat(''x'', 1001))', :'bob'))) t (n, call)
 ORDER BY n;

-- Page by page, in the order of the ids.
SELECT count(*) FROM (SELECT auth_store.user_create('p' || n || '@status.example', tenant_id => 'user-status',
    id => ('00000000-0000-0000-0000-00000057a70' || n)::uuid, metadata => jsonb_build_object('plan', n % 2))
  FROM generate_series(1, 5) n) made;
SELECT email FROM auth_store.user_list(max_rows => 2, tenant_id => 'user-status');
SELECT user_id AS last FROM auth_store.user_list(max_rows => 2, tenant_id => 'user-status') OFFSET 1 \gset
SELECT email FROM auth_store.user_list(max_rows => 2, after => :'last', tenant_id => 'user-status');
SELECT email FROM auth_store.user_list(metadata => '{"plan": 0}', tenant_id => 'user-status');
SELECT auth_store.user_set_status(:'last', 'inactive');
SELECT email, status FROM auth_store.user_list('inactive', tenant_id => 'user-status');
SELECT count(*) FROM auth_store.user_list(tenant_id => 'user-status');
SELECT count(*) FROM auth_store.user_list(after => 'ffffffff-ffff-ffff-ffff-ffffffffffff');
SELECT pg_temp.raised('SELECT auth_store.user_list(' || arguments || ')') FROM (VALUES ('''gone'''),
    ('max_rows => 0'), ('max_rows => 1001'), ('metadata => ''[]'''), ('tenant_id => ''nowhere''')) t (arguments);
BEGIN READ ONLY;
SELECT count(*) FROM auth_store.user_list('inactive', tenant_id => 'user-status');
SELECT pg_temp.raised(format('SELECT auth_store.user_update(%L, ''{}'')', :'ann'));
SELECT pg_temp.raised(format('SELECT auth_store.user_set_status(%L, ''active'')', :'ann'));
COMMIT;
SELECT auth_store.tenant_erase('user-status', 'user-status') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('user-status') WHERE rows > 0;

-- Passwords: set, changed, verified, and what ends with them.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('passwords');
SELECT auth_store.tenant_policy_set('passwords', '{"password_min_score": 0}');
SELECT client_id AS app
  FROM auth_store.client_create('App', '{http://127.0.0.1/cb}', 'public', tenant_id => 'passwords') \gset
SELECT user_id AS ann, error FROM auth_store.user_create('ann@password.example', 'violet lamp 7 quarry',
    tenant_id => 'passwords') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@password.example', tenant_id => 'passwords') \gset
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT v.* FROM auth_store.password_verify(:'ann', 'violet lamp 7 quarry') v;
SELECT v.* FROM auth_store.password_verify(:'ann', 'violet lamp 7 quarrz') v;
-- The same for a user without a password, and for nobody.
SELECT v.* FROM auth_store.password_verify(:'bob', 'violet lamp 7 quarry') v;
SELECT v.* FROM auth_store.password_verify(gen_random_uuid(), 'violet lamp 7 quarry') v;
SELECT v.* FROM auth_store.password_verify(:'ann', repeat('x', 100000)) v;
SELECT * FROM pg_temp.trail();
-- What is stored: the least that is recommended, and nothing of the password.
SELECT left(hash, 31) AS costs, hash ~ 'violet' AS told, revision, must_change FROM auth_store.passwords
 WHERE user_id = :'ann';

-- RFC 8265 section 4.2.2 (OpaqueString): other spaces become U+0020, then NFC; case and white space stay.
SELECT auth_store.password_set(:'ann', E'  pa\u0308ss\u00a0wo\u0308rd ');
SELECT typed, v.ok FROM (VALUES (1, E'  p\u00e4ss w\u00f6rd '), (2, E'  pa\u0308ss wo\u0308rd '),
    (3, E'  p\u00e4ss w\u00f6rd'), (4, E'p\u00e4ss w\u00f6rd'), (5, E'  P\u00e4ss w\u00f6rd '))
    t (n, typed), LATERAL auth_store.password_verify(:'ann', typed) v ORDER BY n;
-- Lengths are of characters.
-- psql of 18 takes an invisible character for none, others do not: they are not printed.
SELECT CASE WHEN n < 11 THEN left(password, 12) END AS password, length(password), s.*
  FROM (VALUES (1, ''), (2, 'short12'), (3, 'ééééééé'),
    (4, 'xk3q9vzw'), (5, '        '), (6, repeat('a', 1024)), (7, repeat('a', 1025)), (8, repeat('🔑', 1024)),
    (9, repeat('x', 20000)), (10, E'password\n'), (11, E'pass\u200bword'), (12, E'password\u00ad'),
    (13, E'password\ue000')) t (n, password), LATERAL auth_store.password_set(:'ann', password) s ORDER BY n;
SELECT error, error_description FROM auth_store.user_create('short@password.example', 'short',
    tenant_id => 'passwords');
SELECT count(*) FROM auth_store.user_find('short@password.example', tenant_id => 'passwords');
SELECT error FROM auth_store.user_create('ANN@password.example', 'violet lamp 7 quarry', tenant_id => 'passwords');
SELECT statement, pg_temp.raised(statement) FROM (VALUES
    ('SELECT auth_store.password_set(NULL, ''x'')'), ('SELECT auth_store.password_set(gen_random_uuid(), NULL)'),
    ('SELECT auth_store.password_set(gen_random_uuid(), ''violet lamp 7 quarry'')'),
    ('SELECT auth_store.password_change(gen_random_uuid(), ''x'', ''violet lamp 7 quarry'')'),
    ('SELECT auth_store.password_change(gen_random_uuid(), NULL, ''x'')'),
    ('SELECT auth_store.password_change(gen_random_uuid(), ''x'', NULL)'),
    ('SELECT auth_store.password_verify(NULL, ''x'')'), ('SELECT auth_store.password_verify(gen_random_uuid(), NULL)'),
    ('SELECT auth_store.password_hash(NULL)'), ('SELECT auth_store.password_hash(''short'')'))
    t (statement);

-- A password that is set ends sessions, grants and codes, unless the caller says no.
CREATE FUNCTION pg_temp.log_in(who uuid, app text, OUT session uuid, OUT token text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT s.session_id INTO session FROM auth_store.session_create(who) s;
    SELECT t.access_token INTO token FROM auth_store.token_issue(app, who, session_id => session) t;
END $$;
CREATE FUNCTION pg_temp.live(who uuid, OUT sessions bigint, OUT grants bigint) LANGUAGE sql AS $$
    SELECT (SELECT count(*) FROM auth_store.sessions WHERE user_id = who AND revoked_at IS NULL),
           (SELECT count(*) FROM auth_store.grants WHERE user_id = who AND revoked_at IS NULL)
$$;
SELECT session AS one FROM pg_temp.log_in(:'ann', :'app') \gset
SELECT session AS two FROM pg_temp.log_in(:'ann', :'app') \gset
SELECT * FROM pg_temp.live(:'ann');
SELECT auth_store.password_set(:'ann', 'violet lamp 8 quarry', revoke_sessions => false);
SELECT * FROM pg_temp.live(:'ann');
-- The user's own change leaves the session that it is made in.
SELECT * FROM auth_store.password_change(:'ann', 'violet lamp 7 quarry', 'violet lamp 9 quarry', :'two');
SELECT * FROM pg_temp.live(:'ann');
SELECT * FROM auth_store.password_change(:'ann', 'violet lamp 8 quarry', 'short', :'two');
SELECT * FROM pg_temp.live(:'ann');
SELECT * FROM auth_store.password_change(:'ann', 'violet lamp 8 quarry', 'violet lamp 9 quarry', :'two');
SELECT * FROM pg_temp.live(:'ann');
SELECT id = :'two' AS kept FROM auth_store.sessions WHERE user_id = :'ann' AND revoked_at IS NULL;
SELECT error
  FROM auth_store.code_issue(:'app', :'ann', code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM');
SELECT * FROM auth_store.password_set(:'ann', 'violet lamp 10 quarry', must_change => true);
SELECT * FROM pg_temp.live(:'ann');
SELECT DISTINCT revoked_reason FROM auth_store.sessions WHERE user_id = :'ann';
SELECT ok, must_change FROM auth_store.password_verify(:'ann', 'violet lamp 10 quarry');
SELECT * FROM auth_store.password_change(:'ann', 'violet lamp 10 quarry', 'violet lamp 11 quarry');
SELECT ok, must_change FROM auth_store.password_verify(:'ann', 'violet lamp 11 quarry');
-- A user without one can't change it.
SELECT * FROM auth_store.password_change(:'bob', 'violet lamp 10 quarry', 'violet lamp 11 quarry');
SELECT event, error, details->>'by' AS by, details->'ended' AS ended, count(*) FROM auth_store.audit_log
 WHERE user_id IN (:'ann', :'bob') AND event = 'password.changed' GROUP BY 1, 2, 3, 4
 ORDER BY error COLLATE "C" NULLS FIRST, 3, 4;

-- The last passwords, where the tenant's policy says so. The present one is one of them.
SELECT auth_store.tenant_policy_set('passwords', '{"password_history": 3, "password_max_age": "1 day"}');
SELECT n, s.error FROM generate_series(21, 23) n,
    LATERAL auth_store.password_set(:'ann', 'violet lamp ' || n || ' quarry') s ORDER BY n;
SELECT n, s.error, s.error_description FROM (VALUES (23), (22), (21), (11)) t (n),
    LATERAL auth_store.password_set(:'ann', 'violet lamp ' || n || ' quarry') s;
SELECT count(*) FROM auth_store.former_passwords WHERE user_id = :'ann';
SELECT ok, must_change FROM auth_store.password_verify(:'ann', 'violet lamp 11 quarry');
UPDATE auth_store.passwords SET changed_at = changed_at - interval '1 day' WHERE user_id = :'ann';
SELECT ok, must_change FROM auth_store.password_verify(:'ann', 'violet lamp 11 quarry');
SELECT auth_store.tenant_policy_set('passwords', '{"password_history": null}');
SELECT * FROM auth_store.password_set(:'ann', 'violet lamp 21 quarry');
SELECT count(*) FROM auth_store.former_passwords WHERE user_id = :'ann';

-- Costs have floors; what has others is hashed anew when its user logs in.
SELECT name, setting, pg_temp.raised(format('SET %s = %L', name, value)) FROM pg_settings, (VALUES
    ('auth_store.password_memory', '18MB'), ('auth_store.password_memory', '1GB'), ('auth_store.password_passes', '1'),
    ('auth_store.password_lanes', '0'), ('auth_store.password_hash_wait', '2min'),
    ('auth_store.password_hashes_at_once', '-1')) t (setting_name, value)
 WHERE name = setting_name ORDER BY name, value;
SET auth_store.password_memory = '20MB';
SET auth_store.password_passes = 3;
SELECT ok FROM auth_store.password_verify(:'ann', 'violet lamp 22 quarry');
SELECT left(hash, 31) AS costs, revision FROM auth_store.passwords WHERE user_id = :'ann';
BEGIN READ ONLY;
SELECT ok FROM auth_store.password_verify(:'ann', 'violet lamp 21 quarry');
SELECT ok FROM auth_store.password_verify(:'ann', 'violet lamp 22 quarry');
COMMIT;
SELECT left(hash, 31) AS costs, revision FROM auth_store.passwords WHERE user_id = :'ann';
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT ok FROM auth_store.password_verify(:'ann', 'violet lamp 21 quarry');
SELECT left(hash, 31) AS costs, revision FROM auth_store.passwords WHERE user_id = :'ann';
SELECT ok FROM auth_store.password_verify(:'ann', 'violet lamp 21 quarry');
SELECT * FROM pg_temp.trail();
RESET auth_store.password_memory;
RESET auth_store.password_passes;
SELECT left(auth_store.password_hash('violet lamp 7 quarry'), 31) AS costs;

-- Nobody reads a hash by a view or a function, and a user who is deleted takes it along.
SELECT auth_store.tenant_erase('passwords', 'passwords') > 0 AS erased;
SELECT count(*) FROM auth_store.passwords WHERE user_id = :'ann';

-- Login sessions: tokens, ends, rotation, the cap, the list, and what ends with a session.
\i tests/sql/include/helpers.sql

SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'session_app',
      scope => 'read');
SELECT user_id AS ann FROM auth_store.user_create('ann.session@example.com') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob.session@example.com') \gset
SELECT FROM pg_temp.trail();

-- A session: an id, a token shown once, a digest kept.
SELECT session_id AS id, session_token AS token, expires_at AS ends, error
  FROM auth_store.session_create(:'ann', acr => 'pwd', amr => ARRAY['pwd'],
    metadata => '{"theme": "dark", "n": 12345678901234567890.5}', ip => '192.0.2.1',
    user_agent => repeat('a', 600)) \gset
SELECT left(:'token', 5) AS prefix, length(:'token') AS length,
       :'ends'::timestamptz - clock_timestamp() BETWEEN '29 days 23:59' AND '30 days' AS thirty_days,
       :{?error} AS failed;
SELECT digest = sha256(:'token') AS digest, user_id = :'ann' AS ann, tenant_id, idle_ttl,
       idle_expires_at - last_seen_at AS idle, length(user_agent) AS agent, ip
  FROM auth_store.sessions WHERE id = :'id';
SELECT auth_store.token_bucket(:'token') = auth_store.token_bucket((SELECT access_token
    FROM auth_store.token_issue('session_app', :'ann'))) AS in_the_users_bucket;
SELECT valid, session_id = :'id' AS id, user_id = :'ann' AS ann, tenant_id,
       created_at = auth_store.id_time(:'id') AS created, created_at - last_seen_at BETWEEN '-2 ms' AND '0' AS seen,
       expires_at = :'ends' AS ends, idle_expires_at < expires_at AS idle_first, acr, amr, metadata, error,
       error_description
  FROM auth_store.session_validate(:'token');
SELECT * FROM pg_temp.trail();

-- What is no token of a session.
SELECT what, v.*
  FROM (VALUES (1, 'NULL', NULL), (2, 'empty', ''), (3, 'altered', pg_temp.altered(:'token')),
      (4, 'cut', left(:'token', -1)), (5, 'long', :'token' || 'A'),
    (6, 'unknown', 'asst_' || repeat('A', 64)), (7, 'another kind', 'asat_' || substr(:'token', 6)),
    (8, 'a megabyte', repeat('x', 1000000))) AS t (n, what, token),
  LATERAL auth_store.session_validate(token) AS v ORDER BY n;
SELECT array_agg(a.attname ORDER BY a.attnum) AS columns FROM pg_attribute a
 WHERE a.attrelid = 'auth_store.session_state'::regclass;
SELECT array_agg(a.attname ORDER BY a.attnum) AS columns FROM pg_attribute a
 WHERE a.attrelid = 'auth_store.session_entry'::regclass;
SELECT count(*) AS none FROM pg_temp.trail();

-- A touch writes once a minute at most, and only then.
SELECT xmin AS before FROM auth_store.sessions WHERE id = :'id' \gset
SELECT valid FROM auth_store.session_touch(:'token', '192.0.2.9', 'b');
SELECT xmin = :'before' AS not_written, ip FROM auth_store.sessions WHERE id = :'id';
UPDATE auth_store.sessions
   SET last_seen_at = last_seen_at - interval '61 s', idle_expires_at = idle_expires_at - interval '61 s'
 WHERE id = :'id';
SELECT valid, clock_timestamp() - last_seen_at < '5 s' AS seen_now, idle_expires_at - last_seen_at AS idle
  FROM auth_store.session_touch(:'token', '192.0.2.9', 'b');
SELECT clock_timestamp() - last_seen_at < '5 s' AS seen_now, idle_expires_at - last_seen_at AS idle, ip, user_agent
  FROM auth_store.sessions WHERE id = :'id';
SELECT xmin AS before FROM auth_store.sessions WHERE id = :'id' \gset
SELECT valid FROM auth_store.session_touch(:'token');
SELECT xmin = :'before' AS not_written FROM auth_store.sessions WHERE id = :'id';
SELECT * FROM pg_temp.trail();
-- Another network tells something; without an address the known one stays.
UPDATE auth_store.sessions SET last_seen_at = last_seen_at - interval '2 min' WHERE id = :'id';
SELECT valid FROM auth_store.session_touch(:'token', '203.0.113.1');
UPDATE auth_store.sessions SET last_seen_at = last_seen_at - interval '2 min' WHERE id = :'id';
SELECT valid FROM auth_store.session_touch(:'token');
SELECT ip, user_agent FROM auth_store.sessions WHERE id = :'id';
SELECT * FROM pg_temp.trail();
SELECT valid, error, error_description FROM auth_store.session_touch(pg_temp.altered(:'token'));
SELECT * FROM pg_temp.trail();
-- HOT: no index is written.
SELECT count(*) AS indexes_on_what_a_touch_changes FROM pg_index i
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
 WHERE i.indrelid = 'auth_store.sessions'::regclass
   AND a.attname IN ('last_seen_at', 'idle_expires_at', 'ip', 'user_agent', 'digest', 'acr', 'amr', 'revoked_at',
       'revoked_reason');

-- Rotation: the old text is none any more, the session stays.
SELECT session_id AS rotated_id, session_token AS rotated, expires_at AS rotated_ends
  FROM auth_store.session_rotate(:'token', 'mfa', ARRAY['pwd', 'otp'], ip => '203.0.113.2') \gset
SELECT :'rotated_id' = :'id' AS same_session, :'rotated' <> :'token' AS another_token,
       :'rotated_ends' = :'ends' AS same_end;
SELECT valid, error_description FROM auth_store.session_validate(:'token');
SELECT valid, session_id = :'id' AS id, acr, amr, expires_at = :'ends' AS ends,
       created_at = auth_store.id_time(:'id') AS created
  FROM auth_store.session_validate(:'rotated');
SELECT error, error_description, session_token FROM auth_store.session_rotate(:'token');
SELECT session_token AS token FROM auth_store.session_rotate(:'rotated') \gset
SELECT valid, acr, amr FROM auth_store.session_validate(:'token');
SELECT * FROM pg_temp.trail();
SELECT session_token, error FROM auth_store.session_rotate(NULL);
SELECT session_token, error FROM auth_store.session_rotate('asst_' || repeat('A', 64));
SELECT * FROM pg_temp.trail();

-- A step-up (RFC 9470): authenticated now, methods added to those before, and a new token.
SELECT auth_time = created_at AS at_the_log_in FROM auth_store.session_validate(:'token');
SELECT session_token AS elevated, expires_at = :'ends' AS same_end
  FROM auth_store.session_elevate(:'token', 'phr', ARRAY['otp', 'hwk']) \gset
SELECT valid, session_id = :'id' AS id, acr, amr, auth_time > created_at AS anew, :'same_end' AS same_end
  FROM auth_store.session_validate(:'elevated');
SELECT valid FROM auth_store.session_validate(:'token');
SELECT error, session_token FROM auth_store.session_elevate(:'token', 'phr');
SELECT session_token AS token FROM auth_store.session_rotate(:'elevated') \gset
SELECT acr, amr, auth_time > created_at AS kept FROM auth_store.session_validate(:'token');
SELECT session_token AS token FROM auth_store.session_elevate(:'token') \gset
SELECT session_token AS token
  FROM auth_store.session_elevate(:'token', amr => ARRAY(SELECT 'm' || n FROM generate_series(1, 18) AS n)) \gset
SELECT acr, cardinality(amr) AS methods, amr[:3] AS first FROM auth_store.session_validate(:'token');
SELECT * FROM pg_temp.trail();
SELECT error FROM auth_store.session_elevate(NULL);
SELECT pg_temp.raised($$SELECT auth_store.session_elevate('x', E'\n')$$);
SELECT pg_temp.raised($$SELECT auth_store.session_elevate('x', amr => ARRAY[NULL])$$);
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();

-- Both ends.
UPDATE auth_store.sessions SET idle_expires_at = clock_timestamp() - interval '1 ms' WHERE id = :'id';
SELECT valid, session_id, error, error_description FROM auth_store.session_validate(:'token');
SELECT valid, error_description FROM auth_store.session_touch(:'token');
SELECT error, error_description FROM auth_store.session_rotate(:'token');
UPDATE auth_store.sessions SET idle_expires_at = clock_timestamp() + interval '1 day', expires_at = clock_timestamp()
 WHERE id = :'id';
SELECT valid, error_description FROM auth_store.session_validate(:'token');
SELECT status, user_agent, ended_at FROM auth_store.session_list(:'ann');
SELECT * FROM pg_temp.trail();
-- An idle end is never behind the absolute one.
SELECT session_token AS short, expires_at AS ends
  FROM auth_store.session_create(:'ann', ttl => '5 min', idle_ttl => '1 day') \gset
SELECT idle_expires_at = expires_at AS capped FROM auth_store.session_validate(:'short');
UPDATE auth_store.sessions SET last_seen_at = last_seen_at - interval '2 min' WHERE digest = sha256(:'short');
SELECT idle_expires_at = expires_at AS capped, expires_at = :'ends' AS same_end FROM auth_store.session_touch(:'short');
SELECT session_token AS defaults FROM auth_store.session_create(:'ann') \gset
SET auth_store.session_ttl = '2 h';
SET auth_store.session_idle_ttl = '3 min';
SELECT session_token AS set FROM auth_store.session_create(:'ann') \gset
RESET auth_store.session_ttl;
RESET auth_store.session_idle_ttl;
SELECT round(extract(epoch FROM expires_at - created_at)) AS ttl,
       round(extract(epoch FROM idle_expires_at - created_at)) AS idle
  FROM unnest(ARRAY[:'defaults', :'set']) AS t, auth_store.session_validate(t);

-- A user or tenant who is not active: at once, and back when they are.
UPDATE auth_store.users SET status = 'suspended' WHERE id = :'ann';
SELECT valid, error, error_description FROM auth_store.session_validate(:'defaults');
SELECT valid FROM auth_store.session_touch(:'defaults');
SELECT error FROM auth_store.session_rotate(:'defaults');
SELECT session_token, error, error_description FROM auth_store.session_create(:'ann');
UPDATE auth_store.users SET status = 'active' WHERE id = :'ann';
SELECT valid FROM auth_store.session_validate(:'defaults');
SELECT * FROM pg_temp.trail();
SELECT auth_store.tenant_create('session_tenant');
SELECT user_id AS cid FROM auth_store.user_create('cid.session@example.com', tenant_id => 'session_tenant') \gset
SELECT session_id AS cids_id, session_token AS cids FROM auth_store.session_create(:'cid') \gset
SELECT valid, tenant_id FROM auth_store.session_validate(:'cids');
SELECT auth_store.tenant_set_status('session_tenant', 'suspended');
SELECT valid, error FROM auth_store.session_validate(:'cids');
SELECT error FROM auth_store.session_create(:'cid');
SELECT auth_store.tenant_set_status('session_tenant', 'active');
SELECT valid FROM auth_store.session_validate(:'cids');

-- Ending one: with its grants, at once; not those of another session, nor those of none.
SELECT session_id AS home_id, session_token AS home
  FROM auth_store.session_create(:'bob', user_agent => 'home', ip => '192.0.2.7') \gset
SELECT session_id AS work_id, session_token AS work FROM auth_store.session_create(:'bob', user_agent => 'work') \gset
CREATE TEMP TABLE login AS
SELECT name, r.*
  FROM (VALUES ('home', :'home_id'::uuid), ('home again', :'home_id'), ('work', :'work_id'), ('none', NULL),
      ('foreign', '00000000-0000-0000-0000-00000000f00d')) AS t (name, s),
       LATERAL auth_store.token_issue('session_app', :'bob', session_id => t.s) AS r;
SELECT code AS code
  FROM auth_store.code_issue('session_app', :'bob', session_id => :'home_id', code_challenge => :'challenge') \gset
CREATE FUNCTION pg_temp.alive() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT name FROM pg_temp.login AS l, LATERAL auth_store.token_introspect(l.access_token) AS i WHERE i.active
     ORDER BY name COLLATE "C"
$$;
SELECT pg_temp.alive();
SELECT FROM pg_temp.trail();
SELECT auth_store.session_revoke(:'home_id', 'lost phone');
SELECT pg_temp.alive();
SELECT valid, error_description FROM auth_store.session_validate(:'home');
SELECT valid FROM auth_store.session_validate(:'work');
SELECT name, revoked_reason FROM login JOIN auth_store.grants g ON g.id = grant_id WHERE revoked_at IS NOT NULL
 ORDER BY name COLLATE "C";
SELECT error FROM auth_store.token_refresh((SELECT refresh_token FROM login WHERE name = 'home'), 'session_app');
SELECT event, session_id = :'home_id' AS home, user_id = :'bob' AS bob, details FROM auth_store.audit_log
 WHERE event = 'session.revoked' ORDER BY occurred_at DESC LIMIT 1;
SELECT auth_store.session_revoke(:'home_id', 'again');
SELECT error, error_description FROM auth_store.session_rotate(:'home');
SELECT * FROM pg_temp.trail();
-- Nothing is issued in it any more: no code, no redemption of one, no token.
SELECT error, error_description FROM auth_store.token_issue('session_app', :'bob', session_id => :'home_id');
SELECT code, error, error_description
  FROM auth_store.code_issue('session_app', :'bob', session_id => :'home_id', code_challenge => :'challenge');
SELECT access_token, error, error_description
  FROM auth_store.code_redeem(:'code', 'session_app', code_verifier => :'verifier');
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'session_app', code_verifier => :'verifier');
SELECT * FROM pg_temp.trail();
-- Another user's session is the program's mistake.
SELECT pg_temp.raised(format('SELECT auth_store.token_issue(''session_app'', %L, session_id => %L)', :'ann',
    :'work_id'));
SELECT pg_temp.raised(
    format('SELECT auth_store.code_issue(''session_app'', %L, session_id => %L, code_challenge => %L)', :'ann',
        :'work_id', :'challenge'));
-- What has expired by itself leaves its grants alone, gives no new ones, and can be ended with them.
UPDATE auth_store.sessions SET idle_expires_at = clock_timestamp() WHERE id = :'work_id';
SELECT pg_temp.alive();
SELECT error FROM auth_store.token_issue('session_app', :'bob', session_id => :'work_id');
SELECT auth_store.session_revoke(:'work_id');
SELECT pg_temp.alive();

-- The list.
SELECT status, created_at = auth_store.id_time(session_id) AS created, ip, user_agent, ended_at IS NOT NULL AS ended,
       ended_reason
  FROM auth_store.session_list(:'bob') ORDER BY user_agent;
SELECT count(*) FROM auth_store.session_list(gen_random_uuid());
SELECT pg_temp.raised('SELECT auth_store.session_list(NULL)');

-- All of a user's, or all but one.
SELECT session_id AS one_id, session_token AS one FROM auth_store.session_create(:'bob') \gset
SELECT session_id AS two_id, session_token AS two FROM auth_store.session_create(:'bob') \gset
SELECT access_token AS of_one FROM auth_store.token_issue('session_app', :'bob', session_id => :'one_id') \gset
SELECT access_token AS of_two FROM auth_store.token_issue('session_app', :'bob', session_id => :'two_id') \gset
SELECT FROM pg_temp.trail();
SELECT auth_store.user_sessions_revoke(:'bob', :'two_id', 'password changed');
SELECT valid FROM unnest(ARRAY[:'one', :'two']) WITH ORDINALITY AS t (token, n), auth_store.session_validate(token)
 ORDER BY n;
SELECT active
  FROM unnest(ARRAY[:'of_one', :'of_two']) WITH ORDINALITY AS t (token, n), auth_store.token_introspect(token)
 ORDER BY n;
SELECT event, session_id = :'two_id' AS except_two, details FROM auth_store.audit_log WHERE event = 'sessions.revoked'
 ORDER BY occurred_at DESC LIMIT 1;
SELECT auth_store.user_sessions_revoke(:'bob');
SELECT auth_store.user_sessions_revoke(:'bob');
SELECT valid FROM auth_store.session_validate(:'two');
SELECT active FROM auth_store.token_introspect(:'of_two');
SELECT pg_temp.alive();
SELECT * FROM pg_temp.trail();

-- The cap: the oldest ends, with its grants. What has ended or expired does not count.
SET auth_store.max_sessions_per_user = 2;
SELECT session_id AS s1 FROM auth_store.session_create(:'bob', user_agent => '1') \gset
SELECT access_token AS of_s1 FROM auth_store.token_issue('session_app', :'bob', session_id => :'s1') \gset
SELECT pg_sleep(0.002) \gset
SELECT session_id AS s2 FROM auth_store.session_create(:'bob', user_agent => '2') \gset
SELECT pg_sleep(0.002) \gset
SELECT session_id AS s3 FROM auth_store.session_create(:'bob', user_agent => '3') \gset
SELECT user_agent, status, ended_reason FROM auth_store.session_list(:'bob') WHERE session_id IN (:'s1', :'s2', :'s3');
SELECT active FROM auth_store.token_introspect(:'of_s1');
SELECT event, details FROM auth_store.audit_log WHERE session_id = :'s3';
SELECT auth_store.session_revoke(:'s3');
SELECT pg_sleep(0.002) \gset
SELECT session_id AS s4 FROM auth_store.session_create(:'bob', user_agent => '4') \gset
SELECT user_agent, status FROM auth_store.session_list(:'bob') WHERE session_id IN (:'s2', :'s4');
SET auth_store.max_sessions_per_user = 1;
SELECT pg_sleep(0.002) \gset
SELECT session_id AS s5 FROM auth_store.session_create(:'bob', user_agent => '5') \gset
SELECT user_agent FROM auth_store.session_list(:'bob') WHERE status = 'active';
SET auth_store.max_sessions_per_user = 0;
SELECT count(session_id)
  FROM generate_series(1, 60), LATERAL auth_store.session_create(:'bob', user_agent => generate_series::text);
SELECT count(*) FROM auth_store.session_list(:'bob') WHERE status = 'active';
RESET auth_store.max_sessions_per_user;
SELECT session_id IS NOT NULL AS made FROM auth_store.session_create(:'bob');
SELECT count(*) FROM auth_store.session_list(:'bob') WHERE status = 'active';
SELECT auth_store.user_sessions_revoke(:'bob');

-- Cleanup: a day after the end.
SET auth_store.tenant_id = 'session_tenant';
SELECT session_id AS gone FROM auth_store.session_create(:'cid') \gset
SELECT session_id AS idle FROM auth_store.session_create(:'cid') \gset
SELECT session_id AS ended FROM auth_store.session_create(:'cid') \gset
SELECT session_id AS recent FROM auth_store.session_create(:'cid') \gset
UPDATE auth_store.sessions SET expires_at = clock_timestamp() - interval '25 h' WHERE id = :'gone';
UPDATE auth_store.sessions SET idle_expires_at = clock_timestamp() - interval '25 h' WHERE id = :'idle';
UPDATE auth_store.sessions SET revoked_at = clock_timestamp() - interval '25 h' WHERE id = :'ended';
UPDATE auth_store.sessions SET revoked_at = clock_timestamp() - interval '23 h' WHERE id = :'recent';
SELECT deleted FROM auth_store.cleanup_batch('sessions');
SELECT session_id = :'recent' AS recent, session_id = :'cids_id' AS first, status FROM auth_store.session_list(:'cid');
SELECT pg_temp.raised(format('SELECT auth_store.session_revoke(%L)', :'gone'));

-- Another tenant's are unknown.
SELECT valid, error FROM auth_store.session_validate(:'defaults');
SELECT valid FROM auth_store.session_touch(:'defaults');
SELECT count(*) FROM auth_store.session_list(:'ann');
SELECT what, pg_temp.raised(format('SELECT auth_store.' || what, u, s))
  FROM (VALUES ('session_create(%L)', :'ann', NULL), ('session_revoke(%2$L)', :'ann', :'id'),
      ('user_sessions_revoke(%L)', :'ann', NULL)) AS t (what, u, s);
RESET auth_store.tenant_id;

-- Mistakes.
SELECT FROM pg_temp.trail();
SELECT left(what, 60) AS what, pg_temp.raised('SELECT auth_store.' || replace(what, '$ann', quote_literal(:'ann')))
  FROM (VALUES
    (1, 'session_create(NULL)'), (2, 'session_create(gen_random_uuid())'), (3, 'session_create($ann, ttl => ''0'')'),
    (4, 'session_create($ann, ttl => ''3651 d'')'),
    (5, 'session_create($ann, idle_ttl => ''119 s'')'), (6, 'session_create($ann, idle_ttl => ''-1 d'')'),
    (7, 'session_create($ann, acr => repeat(''x'', 201))'),
    (8, 'session_create($ann, amr => ARRAY[NULL])'),
    (9, 'session_create($ann, amr => array_fill(''x''::text, ARRAY[21]))'),
    (10, 'session_create($ann, metadata => ''[]'')'),
    (11, 'session_create($ann, metadata => jsonb_build_object(''a'', repeat(''x'', 70000)))'),
    (12, 'session_rotate(''x'', acr => E''\n'')'), (13, 'session_rotate(''x'', amr => ARRAY[NULL])'),
    (14, 'session_revoke(NULL)'), (15, 'session_revoke(gen_random_uuid())'),
    (16, 'session_revoke(gen_random_uuid(), '''')'),
    (18, 'user_sessions_revoke(NULL)'), (19, 'user_sessions_revoke(gen_random_uuid())'),
    (20, 'user_sessions_revoke($ann, gen_random_uuid())'),
    (21, 'user_sessions_revoke($ann, reason => repeat(''x'', 1001))'))
  AS t (n, what) ORDER BY n;
SELECT pg_temp.raised(format('SELECT auth_store.user_sessions_revoke(%L, %L)', :'bob', :'id'));
SELECT count(*) FROM pg_temp.trail();

-- In one transaction with the application's own rows; reads where nothing can be written.
BEGIN;
SELECT session_id AS undone FROM auth_store.session_create(:'ann') \gset
ROLLBACK;
SELECT pg_temp.raised(format('SELECT auth_store.session_revoke(%L)', :'undone'));
BEGIN READ ONLY;
SELECT valid FROM auth_store.session_validate(:'defaults');
SELECT count(*) > 0 AS listed FROM auth_store.session_list(:'ann');
SELECT what, pg_temp.raised(format('SELECT auth_store.' || what, x))
  FROM (VALUES ('session_create(%L)', :'ann'), ('session_touch(%L)', :'defaults'), ('session_rotate(%L)', :'defaults'),
    ('session_revoke(%L)', :'id'), ('user_sessions_revoke(%L)', :'ann')) AS t (what, x);
COMMIT;
SELECT p.proname, array_agg(r ORDER BY r) AS roles
  FROM pg_proc p,
       unnest(ARRAY['auth_store_app', 'auth_store_reader', 'auth_store_admin', 'auth_store_auditor', 'public']) AS r
 WHERE p.pronamespace = 'auth_store'::regnamespace AND p.proname ~ '^(user_)?sessions?_'
   AND has_function_privilege(r, p.oid, 'EXECUTE') GROUP BY 1 ORDER BY 1;
-- A tenant is erased with its sessions.
SELECT auth_store.tenant_erase('session_tenant', 'session_tenant') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('session_tenant') WHERE rows > 0;
SELECT valid FROM auth_store.session_validate(:'cids');

-- Logging in with a password: answers, counts, locks, known devices.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('login');
SET auth_store.tenant_id = 'login';
SELECT user_id AS ann FROM auth_store.user_create('Ann@login.example', password => 'correct horse') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@login.example', password => 'correct horse') \gset
SELECT user_id AS eve FROM auth_store.user_create('eve@login.example', password => 'correct horse') \gset
SELECT user_id AS nop FROM auth_store.user_create('nop@login.example') \gset
SELECT auth_store.user_set_status(:'eve', 'suspended');
SELECT auth_store.user_name_add(:'bob', 'username', 'Bob_42');
SELECT auth_store.user_name_add(:'bob', 'phone', '+49 30 1234567');

-- A log-in, and nothing but whether it was good and the error of one that was not.
CREATE FUNCTION pg_temp.log_in(email text, password text, ip inet DEFAULT '192.0.2.1', token text DEFAULT NULL,
    remember boolean DEFAULT false, agent text DEFAULT 'agent', kind text DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN l.ok THEN 'ok' ELSE l.error END
        || CASE WHEN l.retry_after IS NULL THEN '' ELSE ' ' || (l.retry_after + 59) / 60 || ' min' END
      FROM auth_store.user_login(email, password, token, remember, kind, ip => ip, user_agent => agent) l
$$;
CREATE FUNCTION pg_temp.wrong(email text, times integer, ip inet DEFAULT '192.0.2.1', token text DEFAULT NULL)
RETURNS TABLE (told text, n bigint) LANGUAGE sql AS $$
    SELECT t, count(*) FROM (SELECT pg_temp.log_in(email, 'wrong horse', ip, token) t
                               FROM generate_series(1, times)) AS told
     GROUP BY t ORDER BY t COLLATE "C"
$$;
-- What was counted since the last look; then it is forgotten.
CREATE FUNCTION pg_temp.counted() RETURNS TABLE (max_failures int, failures int, locks int, locked boolean)
LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM auth_store.login_failures RETURNING *)
    SELECT max_failures, failures, locks, locked_until IS NOT NULL FROM gone ORDER BY 1, 2, 3
$$;
-- Time passes for locks and counts, and limits have room again.
CREATE FUNCTION pg_temp.pass(span interval) RETURNS void LANGUAGE sql AS $$
    UPDATE auth_store.login_failures
       SET since = since - span, locked_until = locked_until - span, expires_at = expires_at - span;
    UPDATE auth_store.rate_limits SET expires_at = '2000-01-01';
$$;
SET auth_store.rate_limit_shared = off;

-- The right password, and what is said of the user.
SELECT ok, user_id = :'ann' AS ann, error, locked_until, retry_after, mfa_required, email_verified,
       must_change_password, new_device, device_id IS NOT NULL AS device, device_token
  FROM auth_store.user_login('ann@LOGIN.example', 'correct horse', ip => '192.0.2.1', user_agent => 'agent');
-- Names of every kind, in any spelling; kind says which one is meant.
SELECT pg_temp.log_in('bob_42', 'correct horse'), pg_temp.log_in('+49-30-1234567', 'correct horse'),
       pg_temp.log_in('bob_42', 'correct horse', kind => 'email'),
       pg_temp.log_in('BOB@login.example', 'correct horse', kind => 'username');
SELECT count(*) FROM pg_temp.counted();

-- One answer, one row of the trail and one count, whatever is wrong: another password, no password, an unknown name,
-- no name at all, a suspended user with the right password, a user without a password.
SELECT pg_temp.trail() \g /dev/null
SELECT count(DISTINCT l::text) AS answers, min(l.error), min(l.error_description)
  FROM (VALUES ('wrong horse'), ('correct Horse'), (''), (NULL), (repeat('x', 10000))) t (p),
    LATERAL auth_store.user_login('ann@login.example', p, ip => '198.18.7.1') l;
SELECT * FROM pg_temp.counted();
SELECT count(*), count(DISTINCT l::text) AS answers, min(l.error)
  FROM (VALUES ('nobody@login.example'), ('eve@login.example'), ('nop@login.example'), ('no name @'), (''), ('@'),
       (repeat('x', 100000)), ('a@b@login.example'), (repeat('a', 243) || '@login.example'),
       (E'ann\u212a@login.example'), (E'\u0131nn@login.example'), (E'e\u0301@login.example'))
       t (email), LATERAL auth_store.user_login(email, 'correct horse', ip => '198.18.8.1') l;
SELECT count(*), sum(failures), bool_or(locked) AS locked FROM pg_temp.counted();
SELECT event, error, count(*), array_agg(DISTINCT flags::text) AS flags, array_agg(DISTINCT details::text) AS details
  FROM (SELECT event, error, flags, details FROM auth_store.audit_log WHERE event = 'user.login_failed') AS t
 GROUP BY 1, 2;
-- Every spelling of a name is one: Kelvin's K, the forms of é.
SELECT user_id AS kim FROM auth_store.user_create(E'\u212aim\u00e9@login.example', password => 'correct horse') \gset
SELECT pg_temp.log_in(E'kime\u0301@login.example', 'correct horse'),
       pg_temp.log_in(E'KIM\u00c9@LOGIN.example', 'correct horse');

-- Five failures lock out. Whoever gives the right password is told until when, nobody else.
SELECT * FROM pg_temp.wrong('ann@login.example', 5);
SELECT pg_temp.log_in('ann@login.example', 'correct horse'), pg_temp.log_in('ann@login.example', 'wrong horse');
SELECT error, error_description, locked_until - clock_timestamp() BETWEEN '14 min' AND '15 min' AS until,
       retry_after > 840 AS wait
  FROM auth_store.user_login('ann@login.example', 'correct horse', ip => '192.0.2.99');
-- Not from elsewhere: a /24 of IPv4 and a /56 of IPv6 are one network, and IPv4 in IPv6 is IPv4.
SELECT ip, pg_temp.log_in('ann@login.example', 'correct horse', ip)
  FROM (VALUES (1, '192.0.2.200'::inet), (2, '::ffff:192.0.2.3'), (3, '192.0.3.1'), (4, '2001:db8::1'),
       (5, NULL)) t (n, ip) ORDER BY n;
-- Failures during a lock count, and begin no other one. As many again, and nothing is told even of the right password.
SELECT failures, locks FROM auth_store.login_failures WHERE max_failures = 5;
SELECT * FROM pg_temp.wrong('ann@login.example', 3);
SELECT pg_temp.log_in('ann@login.example', 'correct horse');
SELECT * FROM pg_temp.wrong('ann@login.example', 1);
-- The limit of the name as typed is told to everybody, also of a name that nobody has.
SELECT pg_temp.log_in('ann@login.example', 'correct horse'), pg_temp.log_in('ann@login.example', 'wrong horse');
SELECT * FROM pg_temp.wrong('nobody2@login.example', 12);
-- Another name of the user is not told of it, nor of the lock, but is locked out.
SELECT auth_store.user_name_add(:'ann', 'username', 'ann42');
SELECT pg_temp.log_in('ann42', 'wrong horse'), pg_temp.log_in('ann42', 'correct horse');
SELECT * FROM pg_temp.counted() WHERE locks > 0 AND failures > 9;

-- A lock ends; each further one lasts twice as long, up to a day.
UPDATE auth_store.rate_limits SET expires_at = '2000-01-01';
SELECT n, (SELECT told FROM pg_temp.wrong('ann@login.example', 5 + 0 * n)) AS wrong,
       pg_temp.log_in('ann@login.example', 'correct horse') AS locked,
       pg_temp.pass('15 min'::interval * 2 ^ least(n, 7)) IS NULL AS passed
  FROM generate_series(0, 8) n;
-- Then a good log-in forgets the failures of the network, and how many locks there were.
UPDATE auth_store.rate_limits SET expires_at = '2000-01-01';
SELECT pg_temp.log_in('ann@login.example', 'correct horse');
SELECT count(*) FILTER (WHERE max_failures = 5) AS of_network, count(*) FILTER (WHERE max_failures = 50) AS of_user
  FROM auth_store.login_failures WHERE user_id = :'ann';
SELECT * FROM pg_temp.wrong('ann@login.example', 5);
SELECT pg_temp.log_in('ann@login.example', 'correct horse');
-- A day after the last one failures are forgotten too.
SELECT pg_temp.pass('1 day 15 min');
SELECT * FROM pg_temp.wrong('ann@login.example', 4);
SELECT pg_temp.log_in('ann@login.example', 'correct horse');
SELECT * FROM pg_temp.wrong('ann@login.example', 4);
SELECT pg_temp.pass('1 day');
SELECT * FROM pg_temp.wrong('ann@login.example', 1);
SELECT failures, locks FROM pg_temp.counted() WHERE max_failures = 5;

-- A higher limit counts all networks together. A known device gets through: its failures count for itself.
UPDATE auth_store.rate_limits SET expires_at = '2000-01-01';
SELECT auth_store.tenant_policy_set('login', '{"lockout_threshold": 3, "lockout_user_threshold": 6}');
SELECT device_token AS device, device_id, new_device
  FROM auth_store.user_login('bob@login.example', 'correct horse', remember_device => true, ip => '198.51.100.1') \gset
SELECT told, sum(m) FROM (VALUES (1), (2), (3), (4), (5), (6)) h (n),
    LATERAL pg_temp.wrong('bob@login.example', 1, ('203.0.' || n || '.1')::inet) w (told, m) GROUP BY told;
SELECT pg_temp.log_in('bob@login.example', 'correct horse', '198.51.100.1') AS stranger,
       pg_temp.log_in('bob@login.example', 'correct horse', '198.51.100.1', :'device') AS known,
       pg_temp.log_in('bob@login.example', 'correct horse', '203.0.1.1', :'device') AS known_there,
       pg_temp.log_in('bob@login.example', 'correct horse', '198.51.100.1', pg_temp.altered(:'device')) AS altered;
SELECT * FROM pg_temp.wrong('bob@login.example', 3, '198.51.100.1', :'device');
SELECT pg_temp.log_in('bob@login.example', 'correct horse', '198.51.100.1', :'device');
SELECT failures, max_failures FROM pg_temp.counted() ORDER BY 2, 1;
-- Of another user the token is none.
SELECT pg_temp.log_in('ann@login.example', 'correct horse', token => :'device');
SELECT new_device, device_id = :'device_id' AS same
  FROM auth_store.user_login('ann@login.example', 'correct horse', :'device', ip => '203.0.113.1');

-- The tenant may tell the lock to everybody: before anything is hashed, also of a name that nobody has.
UPDATE auth_store.rate_limits SET expires_at = '2000-01-01';
SELECT auth_store.tenant_policy_set('login', '{"show_locked": true}');
SELECT * FROM pg_temp.wrong('ann@login.example', 5, '192.0.9.1');
SELECT * FROM pg_temp.wrong('nobody3@login.example', 5, '192.0.9.1');
SELECT auth_store.tenant_policy_set('login',
    '{"show_locked": null, "lockout_threshold": null, "lockout_user_threshold": null}');
SELECT auth_store.user_unlock(:'ann'), pg_temp.log_in('ann@login.example', 'correct horse', '192.0.9.1');

-- One network has a limit for all names together; known devices are beyond it.
SET auth_store.login_failures_per_network = 3;
SELECT pg_temp.log_in('spray' || n || '@login.example', 'wrong horse', '192.0.10.1') FROM generate_series(1, 4) n;
SELECT pg_temp.log_in('bob@login.example', 'correct horse', '192.0.10.2') LIKE 'temporarily_unavailable%' AS stranger,
       pg_temp.log_in('bob@login.example', 'correct horse', '192.0.10.2', :'device') AS known;
RESET auth_store.login_failures_per_network;

-- An administrator's lock: also for known devices, and told to who gives the right password.
SELECT auth_store.user_lock(:'bob', clock_timestamp() + '1 hour', 'asked for');
SELECT pg_temp.log_in('bob@login.example', 'correct horse', '192.0.11.1', :'device'),
       pg_temp.log_in('bob@login.example', 'wrong horse', '192.0.11.1', :'device');
SELECT auth_store.user_lock(:'bob');
SELECT error, error_description, locked_until, retry_after
  FROM auth_store.user_login('bob@login.example', 'correct horse', ip => '192.0.11.1');
SELECT auth_store.user_unlock(:'bob'), pg_temp.log_in('bob@login.example', 'correct horse', '192.0.11.1');

-- Devices: by token, or by network and user agent where none is asked for.
SELECT pg_temp.trail() \g /dev/null
SELECT user_id AS dan FROM auth_store.user_create('dan@login.example', password => 'correct horse') \gset
CREATE FUNCTION pg_temp.seen(token text, remember boolean, ip inet, agent text, OUT new boolean, OUT has_device boolean,
    OUT has_token boolean) LANGUAGE sql AS $$
    SELECT new_device, device_id IS NOT NULL, device_token IS NOT NULL
      FROM auth_store.user_login('dan@login.example', 'correct horse', token, remember, ip => ip, user_agent => agent)
$$;
SELECT n, s.* FROM (VALUES (1, false, '192.0.2.1'::inet, 'a'), (2, false, '192.0.2.9', 'a'),
    (3, false, '192.0.2.1', 'b'), (4, false, '192.0.3.1', 'a'), (5, true, '192.0.3.1', 'a'),
    (6, true, '192.0.4.1', 'c'), (7, false, '192.0.4.1', 'c'),
    (8, false, NULL, NULL), (9, false, NULL, NULL)) t (n, r, i, a), LATERAL pg_temp.seen(NULL, r, i, a) s ORDER BY n;
SELECT host(ip) AS ip, user_agent, has_token, trusted_until, last_seen_at > first_seen_at AS again
  FROM auth_store.user_device_list(:'dan') ORDER BY first_seen_at;
SELECT device_token AS token, device_id FROM auth_store.user_login('dan@login.example', 'correct horse',
    remember_device => true, ip => '192.0.5.1', user_agent => 'd') \gset
SELECT (pg_temp.seen(:'token', true, '192.0.6.1', 'e')).*;
SELECT host(ip) AS ip, user_agent FROM auth_store.user_device_list(:'dan') LIMIT 1;
SELECT auth_store.user_device_forget(:'ann', :'device_id') AS of_another,
       auth_store.user_device_forget(:'dan', :'device_id');
SELECT (pg_temp.seen(:'token', false, '192.0.6.1', 'e')).*;
-- A device is forgotten that nobody has logged in with for long.
UPDATE auth_store.devices SET last_seen_at = clock_timestamp() - '181 days'::interval WHERE user_id = :'dan';
SELECT count(*) FROM auth_store.user_device_list(:'dan');
SELECT (pg_temp.seen(NULL, false, '192.0.2.1', 'a')).*;
SELECT auth_store.cleanup_expired_data() > 0 AS cleaned;
SELECT count(*) FROM auth_store.devices WHERE user_id = :'dan';
-- At most 50 of a user: the one that was not seen for longest gives way.
INSERT INTO auth_store.devices (id, user_id, first_seen_at, last_seen_at, tenant_id, user_agent)
SELECT gen_random_uuid(), :'dan', clock_timestamp(), clock_timestamp() - n * '1 min'::interval, 'login', 'old ' || n
  FROM generate_series(1, 60) n;
SELECT (pg_temp.seen(NULL, false, '192.0.2.1', 'new')).*;
SELECT count(*), count(*) FILTER (WHERE user_agent ~ 'old') AS old FROM auth_store.devices WHERE user_id = :'dan';
SELECT count(*) FILTER (WHERE event = 'login.new_device') AS new,
       count(*) FILTER (WHERE event = 'user.logged_in') AS log_ins,
       array_agg(DISTINCT details ->> 'first') FILTER (WHERE event = 'login.new_device') AS first,
       max(risk_score) AS risk
  FROM auth_store.audit_log WHERE user_id = :'dan';

-- A password that is to be changed; one that is too old.
SELECT auth_store.password_set(:'dan', 'correct horse 2', must_change => true);
SELECT ok, must_change_password FROM auth_store.user_login('dan@login.example', 'correct horse 2');
SELECT auth_store.password_set(:'dan', 'correct horse 3');
SELECT ok, must_change_password FROM auth_store.user_login('dan@login.example', 'correct horse 3');
SELECT auth_store.tenant_policy_set('login', '{"password_max_age": "90 days"}');
SELECT ok, must_change_password FROM auth_store.user_login('dan@login.example', 'correct horse 3');
UPDATE auth_store.passwords SET changed_at = changed_at - '90 days'::interval WHERE user_id = :'dan';
SELECT ok, must_change_password FROM auth_store.user_login('dan@login.example', 'correct horse 3');

-- The old password of a change is counted with those of log-ins, and a lock is told: the user is known.
UPDATE auth_store.rate_limits SET expires_at = '2000-01-01';
SELECT c.error, c.retry_after > 840 AS wait FROM generate_series(1, 6) n,
    LATERAL auth_store.password_change(:'dan', 'wrong horse', 'correct horse ' || n, ip => '192.0.13.1') c ORDER BY n;
SELECT c.error FROM auth_store.password_change(:'dan', 'correct horse 3', 'correct horse 4', ip => '192.0.13.1') c;
SELECT pg_temp.log_in('dan@login.example', 'correct horse 3', '192.0.13.1');
SELECT failures, locks FROM auth_store.login_failures WHERE user_id = :'dan' AND max_failures = 5;
SELECT c.error FROM auth_store.password_change(:'dan', 'wrong horse', 'correct horse 4', ip => '192.0.14.1') c;
SELECT c.error FROM auth_store.password_change(:'dan', 'correct horse 3', 'correct horse 4', ip => '192.0.14.1') c;
SELECT failures, locks FROM auth_store.login_failures WHERE user_id = :'dan' AND max_failures = 5;
SELECT auth_store.user_unlock(:'dan');

-- Another tenant's user is unknown, and a tenant that is suspended lets nobody in.
RESET auth_store.tenant_id;
SELECT error FROM auth_store.user_login('ann@login.example', 'correct horse', ip => '192.0.12.1');
SELECT ok FROM auth_store.user_login('ann@login.example', 'correct horse', tenant_id => 'login', ip => '192.0.12.1');
SELECT auth_store.tenant_set_status('login', 'suspended');
SELECT error FROM auth_store.user_login('ann@login.example', 'correct horse', tenant_id => 'login', ip => '192.0.12.1');
SELECT auth_store.tenant_set_status('login', 'active');
SET auth_store.tenant_id = 'default';
SELECT pg_temp.raised($$SELECT auth_store.user_login('a', 'b', tenant_id => 'login')$$);
RESET auth_store.tenant_id;
SELECT call, pg_temp.raised('SELECT auth_store.' || call) FROM (VALUES
    ('user_login(NULL, ''x'')'), ('user_login(''x'', ''x'', tenant_id => ''nowhere'')'),
    ('user_login(''x'', ''x'', kind => ''name'')')) AS t (call);
BEGIN READ ONLY;
SELECT pg_temp.raised('SELECT auth_store.user_login(''x'', ''x'')');
COMMIT;

SELECT auth_store.tenant_erase('login', 'login') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('login') WHERE rows > 0;

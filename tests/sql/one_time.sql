-- One-time tokens: verification of an address, and numeric one-time passwords.
\i tests/sql/include/helpers.sql

SET auth_store.mail_interval = 0;
SET auth_store.mail_max_per_hour = 1000;
SET auth_store.mail_max_per_day = 10000;
SET auth_store.lockout_threshold = 100;
SET auth_store.lockout_user_threshold = 100;
SELECT auth_store.tenant_create('one-time');
SELECT user_id AS ann FROM auth_store.user_create('Ann@One.example', external_id => 'one-ann') \gset
SELECT user_id AS bob FROM auth_store.user_create('bob@one.example') \gset
SELECT count(*) >= 0 AS marked FROM pg_temp.trail();

-- To look at a token uses nothing. Mail goes to the address as it is stored, whatever was asked for.
SELECT token, mail_to, user_id = :'ann' AS anns, coalesce(error, 'none') AS error,
       expires_at - clock_timestamp() BETWEEN '59 min' AND '1 hour' AS an_hour
  FROM auth_store.email_verification_start(:'ann', 'ANN@ONE.EXAMPLE') \gset v_
SELECT :'v_token' ~ '^asot_[A-Za-z0-9_-]{64}$' AS well_formed, :'v_mail_to' AS mail_to, :'v_anns' AS anns,
       :'v_an_hour' AS an_hour, :'v_error' AS error;
SELECT purpose, user_id = :'ann' AS anns, tenant_id, email, details, expires_at > clock_timestamp() AS live, error
  FROM auth_store.one_time_show(:'v_token'), generate_series(1, 2);
SELECT auth_store.token_bucket(:'v_token') = auth_store.token_bucket(:'v_token') AS routed;
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT user_id = :'ann' AS anns, tenant_id, email, amr, error FROM auth_store.email_verification_finish(:'v_token');
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT kind, name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'ann');
-- Once.
SELECT user_id, error, error_description FROM auth_store.email_verification_finish(:'v_token');
SELECT purpose, user_id, error, error_description FROM auth_store.one_time_show(:'v_token');
SELECT * FROM pg_temp.trail();

-- A newer one ends an older one of the same address, not one of another address.
SELECT error FROM auth_store.user_name_add(:'bob', 'email', 'second@one.example');
SELECT token AS older FROM auth_store.email_verification_start(:'bob') \gset
SELECT token AS newer FROM auth_store.email_verification_start(:'bob') \gset
SELECT token AS second, mail_to FROM auth_store.email_verification_start(:'bob', 'second@one.example') \gset
SELECT error FROM auth_store.email_verification_finish(:'older');
SELECT error FROM auth_store.one_time_show(:'older');
SELECT email, error FROM auth_store.email_verification_finish(:'second');
SELECT email_verified FROM auth_store.user_get(:'bob');
SELECT email, error FROM auth_store.email_verification_finish(:'newer');
SELECT email_verified FROM auth_store.user_get(:'bob');
-- What a status says does not matter.
SELECT auth_store.user_set_status(:'bob', 'inactive');
SELECT token FROM auth_store.email_verification_start(:'bob') \gset
SELECT error FROM auth_store.email_verification_finish(:'token');
SELECT auth_store.user_set_status(:'bob', 'active');

-- No token, or one for another purpose.
SELECT n, pg_temp.raised(format('SELECT auth_store.email_verification_finish(%s)', t)) AS raised, f.error
  FROM (VALUES (1, 'NULL'), (2, ''''''), (3, quote_literal(repeat('x', 1000))), (4, '''asot_''')) v (n, t),
       LATERAL auth_store.email_verification_finish(trim(t, '''')) f ORDER BY n;
SELECT error FROM auth_store.email_verification_finish(pg_temp.altered(:'token'));
SELECT error FROM auth_store.one_time_show(NULL);
SELECT token AS magic FROM auth_store.magic_link_start('ann@one.example') \gset
SELECT error FROM auth_store.email_verification_finish(:'magic');
SELECT purpose, error FROM auth_store.one_time_show(:'magic');

-- An address that is not the user's.
SELECT n, s.error, s.error_description, s.token IS NULL AS none
  FROM (VALUES (1, 'bob@one.example'), (2, 'nobody@one.example'), (3, 'ann'), (4, '')) t (n, email),
       LATERAL auth_store.email_verification_start(:'ann', email) s ORDER BY n;
SELECT error, error_description FROM auth_store.email_verification_start(auth_store.user_ensure('one-nameless'));
SELECT pg_temp.raised(call) FROM (VALUES
    (1, 'SELECT auth_store.email_verification_start(NULL)'),
    (2, 'SELECT auth_store.email_verification_start(gen_random_uuid())')) t (n, call) ORDER BY n;
-- It was given up, spelled in another way, or is another user's by the time the mail is read.
SELECT user_id AS eve FROM auth_store.user_create('eve@one.example') \gset
SELECT token FROM auth_store.email_verification_start(:'eve') \gset
SELECT error FROM auth_store.user_update(:'eve', '{"email": "Eve@one.example"}');
SELECT error, error_description FROM auth_store.email_verification_finish(:'token');
SELECT token FROM auth_store.email_verification_start(:'eve') \gset
SELECT auth_store.user_name_remove(:'eve', 'email', 'eve@one.example');
SELECT error, error_description FROM auth_store.email_verification_finish(:'token');
SELECT error FROM auth_store.user_name_add(:'eve', 'email', 'eve@one.example');
SELECT token FROM auth_store.email_verification_start(:'eve') \gset
SELECT auth_store.user_name_remove(:'eve', 'email', 'eve@one.example');
SELECT error FROM auth_store.user_name_add(:'ann', 'email', 'eve@one.example');
SELECT error, error_description FROM auth_store.email_verification_finish(:'token');
SELECT name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'ann') WHERE kind = 'email';

-- What the application says of an address, and the address that is shown, go by the same rows.
SELECT error FROM auth_store.user_update(:'ann', '{"email_verified": false}');
SELECT name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'ann') WHERE name ILIKE 'ann@%';
SELECT error FROM auth_store.user_update(:'ann', '{"email_verified": true}');
SELECT error FROM auth_store.user_update(:'ann', '{"email": "eve@one.example"}');
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT error FROM auth_store.user_update(:'ann', '{"email": "ann@one.example", "email_verified": true}');
SELECT error FROM auth_store.user_name_add(:'ann', 'email', 'third@one.example');
SELECT auth_store.user_name_remove(:'ann', 'email', 'ann@one.example');
SELECT email, email_verified FROM auth_store.user_get(:'ann');
SELECT auth_store.user_name_remove(:'bob', 'email', 'bob@one.example');
SELECT email, email_verified FROM auth_store.user_get(:'bob');

-- It has expired; cleanup takes it a day later.
SELECT token FROM auth_store.email_verification_start(:'bob') \gset
UPDATE auth_store.one_time_tokens SET expires_at = clock_timestamp() - interval '1 second'
 WHERE user_id = :'bob' AND purpose = 'email_verification' AND used_at IS NULL;
SELECT error FROM auth_store.email_verification_finish(:'token');
SELECT purpose, error FROM auth_store.one_time_show(:'token');
SELECT count(*) > 0 AS kept FROM auth_store.cleanup_expired_data(), auth_store.one_time_tokens WHERE user_id = :'bob';
UPDATE auth_store.one_time_tokens SET expires_at = clock_timestamp() - interval '25 hours' WHERE user_id = :'bob';
SELECT auth_store.cleanup_expired_data() > 0 AS deleted;
SELECT count(*) FROM auth_store.one_time_tokens WHERE user_id = :'bob';

-- So many an hour for one address, in whatever spelling, and none for nobody's either. The trail tells it once.
SET auth_store.mail_max_per_hour = 2;
SELECT user_id AS cap FROM auth_store.user_create('cap@one.example') \gset
SELECT count(*) >= 0 AS marked FROM pg_temp.trail();
SELECT n, s.token IS NOT NULL AS made, s.error, s.retry_after BETWEEN 1 AND 1800 AS wait
  FROM generate_series(1, 2) n, LATERAL auth_store.email_verification_start(:'cap', left('CAP@one.example', n + 99)) s
 ORDER BY n;
SELECT n, s.token IS NOT NULL AS made, s.error, s.retry_after BETWEEN 1 AND 1800 AS wait
  FROM generate_series(3, 4) n, LATERAL auth_store.magic_link_start(left('cap@one.example', n + 99)) s ORDER BY n;
SELECT n, s.token IS NOT NULL AS made, s.mail_to, s.error, s.retry_after BETWEEN 1 AND 1800 AS wait
  FROM generate_series(1, 3) n, LATERAL auth_store.magic_link_start(left('uncap@one.example', n + 99)) s ORDER BY n;
SELECT event, error, flags, count(*) FROM pg_temp.trail() GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST;
SET auth_store.mail_max_per_hour = 1000;
-- A tenant's own rule; the last one of a kind is not long ago, of another kind it does not matter.
SELECT auth_store.tenant_policy_set('default', '{"mail_interval": 60, "one_time_ttl": 120}');
SELECT user_id AS gap FROM auth_store.user_create('gap@one.example') \gset
SELECT n, s.token IS NOT NULL AS made, s.expires_at - clock_timestamp() <= '2 min' AS short, s.error,
       s.retry_after BETWEEN 1 AND 60 AS wait
  FROM generate_series(1, 2) n, LATERAL auth_store.email_verification_start(:'gap', left('gap@one.example', n + 99)) s
 ORDER BY n;
SELECT mail_to, error FROM auth_store.magic_link_start('gap@one.example');
SELECT code IS NOT NULL AS made, error FROM auth_store.otp_start(:'gap', 'log in');
SELECT code IS NOT NULL AS made, error, retry_after BETWEEN 1 AND 60 AS wait
  FROM auth_store.otp_start(:'gap', 'log in');
SELECT code IS NOT NULL AS made, error FROM auth_store.otp_start(:'gap', 'transfer');
SELECT auth_store.tenant_policy_set('default', '{"mail_interval": null, "one_time_ttl": null}');

-- One-time passwords.
SELECT user_id AS ada FROM auth_store.user_create('ada@one.example') \gset
SELECT count(*) >= 0 AS marked FROM pg_temp.trail();
SELECT code, expires_at - clock_timestamp() BETWEEN '9 min' AND '10 min' AS ten_minutes,
       coalesce(error, 'none') AS error
  FROM auth_store.otp_start(:'ada', 'log in') \gset o_
SELECT :'o_code' ~ '^[0-9]{6}$' AS digits, :'o_ten_minutes' AS ten_minutes, :'o_error' AS error;
SELECT encode(digest, 'hex') <> encode(sha256(:'o_code'), 'hex') AS keyed, key_id <> '' AS key, tries, email
  FROM auth_store.one_time_tokens WHERE user_id = :'ada' AND purpose = 'otp';
-- For another purpose or another user it is no password.
SELECT error, error_description FROM auth_store.otp_verify(:'ada', 'transfer', :'o_code');
SELECT error, error_description FROM auth_store.otp_verify(:'bob', 'log in', :'o_code');
-- A text that can be no code is not counted.
SELECT n, v.error, v.error_description FROM (VALUES (1, NULL), (2, ''), (3, '12345'), (4, '12345678901'), (5, '12345a'),
    (6, U&'\FF11\FF12\FF13\FF14\FF15\FF16'), (7, repeat('1', 1000000))) t (n, code),
    LATERAL auth_store.otp_verify(:'ada', 'log in', code) v ORDER BY n;
SELECT lpad(((:'o_code'::int + 1) % 1000000)::text, 6, '0') AS wrong \gset
SELECT error, error_description FROM auth_store.otp_verify(:'ada', 'log in', :'wrong');
SELECT tries FROM auth_store.one_time_tokens WHERE user_id = :'ada' AND purpose = 'otp';
SELECT user_id = :'ada' AS adas, tenant_id, amr, error
  FROM auth_store.otp_verify(:'ada', 'log in', substr(:'o_code', 1, 3) || ' - ' || substr(:'o_code', 4));
SELECT error, error_description FROM auth_store.otp_verify(:'ada', 'log in', :'o_code');
SELECT * FROM pg_temp.trail();
-- After the last try it is dead, for the right code too.
SELECT code FROM auth_store.otp_start(:'ada', 'log in', 8) \gset
SELECT length(:'code') AS digits, lpad(((:'code'::int + 1) % 100000000)::text, 8, '0') AS wrong \gset
SELECT n, error, error_description FROM generate_series(1, 5) n,
    LATERAL auth_store.otp_verify(:'ada', 'log in', left(:'wrong', n + 9)) ORDER BY n;
SELECT error, error_description FROM auth_store.otp_verify(:'ada', 'log in', :'code');
SELECT code FROM auth_store.otp_start(:'ada', 'log in') \gset
-- The right one among the last tries works.
SELECT lpad(((:'code'::int + 1) % 1000000)::text, 6, '0') AS wrong \gset
SELECT count(error) FROM generate_series(1, 4) n,
    LATERAL auth_store.otp_verify(:'ada', 'log in', left(:'wrong', n + 9));
SELECT error FROM auth_store.otp_verify(:'ada', 'log in', :'code');
SELECT event, error, flags, count(*) FROM pg_temp.trail() GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3;
-- It has expired.
SELECT code FROM auth_store.otp_start(:'ada', 'log in') \gset
UPDATE auth_store.one_time_tokens SET expires_at = clock_timestamp() WHERE user_id = :'ada' AND subject = 'log in';
SELECT error, error_description FROM auth_store.otp_verify(:'ada', 'log in', :'code');
SELECT code FROM auth_store.otp_start(:'ada', 'log in') \gset
-- A user who is not active has none.
SELECT auth_store.user_set_status(:'ada', 'suspended');
SELECT error FROM auth_store.otp_verify(:'ada', 'log in', :'code');
SELECT code, error FROM auth_store.otp_start(:'ada', 'log in');
SELECT auth_store.user_set_status(:'ada', 'active');
-- Nor one whom an administrator has locked.
SELECT code FROM auth_store.otp_start(:'ada', 'log in') \gset
SELECT auth_store.user_lock(:'ada');
SELECT error FROM auth_store.otp_verify(:'ada', 'log in', :'code');
SELECT code, error FROM auth_store.otp_start(:'ada', 'log in');
SELECT auth_store.user_unlock(:'ada');
-- Wrong codes begin a lock, of the network they come from; what is told says nothing of the code.
SET auth_store.lockout_threshold = 3;
SET auth_store.otp_max_attempts = 10;
SELECT code FROM auth_store.otp_start(:'ada', 'log in') \gset
SELECT lpad(((:'code'::int + 1) % 1000000)::text, 6, '0') AS wrong \gset
SELECT n, v.error, v.retry_after BETWEEN 1 AND 900 AS wait FROM generate_series(1, 4) n,
    LATERAL auth_store.otp_verify(:'ada', 'log in', left(:'wrong', n + 9), ip => '192.0.2.1') v ORDER BY n;
SELECT error, retry_after > 0 AS wait FROM auth_store.otp_verify(:'ada', 'log in', :'code', ip => '192.0.2.99');
SELECT tries FROM auth_store.one_time_tokens WHERE user_id = :'ada' AND subject = 'log in';
SELECT error FROM auth_store.otp_verify(:'ada', 'log in', :'code', ip => '198.51.100.7');
SELECT event, error, flags, count(*) FROM pg_temp.trail() WHERE error = 'account_locked' GROUP BY 1, 2, 3 ORDER BY 3;
SET auth_store.lockout_threshold = 100;
RESET auth_store.otp_max_attempts;
SELECT pg_temp.raised(call) FROM (VALUES
    (1, 'SELECT auth_store.otp_start(NULL, ''x'')'),
    (2, 'SELECT auth_store.otp_start(gen_random_uuid(), ''x'')'),
    (3, 'SELECT auth_store.otp_start(gen_random_uuid(), NULL)'),
    (4, 'SELECT auth_store.otp_start(gen_random_uuid(), '''')'),
    (5, 'SELECT auth_store.otp_start(gen_random_uuid(), repeat(''x'', 64))'),
    (6, 'SELECT auth_store.otp_start(gen_random_uuid(), ''x'', 5)'),
    (7, 'SELECT auth_store.otp_start(gen_random_uuid(), ''x'', 11)'),
    (8, 'SELECT auth_store.otp_start(gen_random_uuid(), ''x'', -1)'),
    (9, 'SELECT auth_store.otp_verify(gen_random_uuid(), ''x'', ''123456'')'),
    (10, 'SELECT auth_store.otp_verify(NULL, ''x'', ''123456'')')) t (n, call) ORDER BY n;

-- A pinned session knows its own tenant's alone.
SET auth_store.tenant_id = 'one-time';
SELECT error FROM auth_store.one_time_show(:'magic');
SELECT error FROM auth_store.magic_link_finish(:'magic');
SELECT mail_to, error FROM auth_store.magic_link_start('ada@one.example');
SELECT pg_temp.raised(format($$SELECT auth_store.otp_start(%L, 'x')$$, :'ada'));
SELECT pg_temp.raised($$SELECT auth_store.magic_link_start('ada@one.example', 'default')$$);
RESET auth_store.tenant_id;
SELECT purpose FROM auth_store.one_time_show(:'magic');

-- They go with the user.
DELETE FROM auth_store.users WHERE id = :'ada';
SELECT count(*) FROM auth_store.one_time_tokens WHERE user_id = :'ada';
-- No secret in the trail.
SELECT count(*) FROM auth_store.audit_log WHERE details::text ~ 'asot_|one\.example' OR error ~ 'asot_';

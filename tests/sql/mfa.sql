-- Second factors: authenticator apps, recovery codes, the list of factors and their end.
\i tests/sql/include/helpers.sql
\i tests/sql/include/totp.sql

SELECT user_id AS ann FROM auth_store.user_create('ann@mfa.example') \gset
SELECT auth_store.user_ensure('mfa-bob') AS bob \gset
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();
-- The app of the tests has the SHA-1 of FIPS 180-4.
SELECT encode(pg_temp.sha1('abc'), 'hex') = 'a9993e364706816aba3e25717850c26c9cd0d89d' AS sha1;

-- Enrolled: a secret of 160 bits and its URI. It is no factor before its first code.
SELECT factor_id AS app, secret, otpauth_uri AS uri, error
  FROM auth_store.totp_enroll(:'ann', issuer => 'Acme & Söhne') \gset
SELECT length(:'secret') AS base32, length(pg_temp.from_base32(:'secret')) AS bytes,
       replace(:'uri', :'secret', 'SECRET') AS uri;
SELECT position(pg_temp.from_base32(:'secret') IN secret) AS plain, octet_length(secret) AS sealed,
       expires_at - created_at AS until, confirmed_at, label
  FROM auth_store.mfa_factors WHERE id = :'app';
SELECT count(*) AS factors FROM auth_store.factor_list(:'ann');
SELECT ok, error, error_description, retry_after FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret'));
-- The account's name and the issuer are the user's address and the tenant's name, where they are fit for a URI.
SELECT regexp_replace(otpauth_uri, 'secret=[A-Z2-7]{32}&', '') AS default_uri FROM auth_store.totp_enroll(:'bob') \gset
SELECT replace(:'default_uri', :'bob', 'BOB') AS uri;
SELECT auth_store.tenant_create('mfa', 'Colons: all') AS tenant \gset
SELECT user_id AS cay FROM auth_store.user_create('cay@mfa.example', tenant_id => 'mfa') \gset
SELECT regexp_replace(otpauth_uri, 'secret=[A-Z2-7]{32}&', '') AS uri FROM auth_store.totp_enroll(:'cay', 'Cay Lee+');
SELECT statement, pg_temp.raised(format('SELECT auth_store.totp_enroll(%s)', format(statement, :'ann')))
  FROM (VALUES (1, 'NULL'), (2, 'gen_random_uuid()'), (3, '%L, ''a:b'''), (4, '%L, issuer => ''a:b'''), (5, '%L, '''''),
      (6, '%L, issuer => '' '''), (7, '%L, repeat(''x'', 201)'), (8, '%L, issuer => repeat(''x'', 65)'),
      (9, E'%L, ''a\nb''')) t (n, statement) ORDER BY n;

-- A code confirms it, once; the code is used then.
SELECT pg_temp.step_begins();
SELECT ok, factor_id, error, error_description FROM auth_store.totp_confirm(:'ann', :'app', '000000x');
SELECT ok, factor_id = :'app' AS app, error
  FROM auth_store.totp_confirm(:'ann', :'app', regexp_replace(pg_temp.totp(:'secret', -1), '(...)', '\1 -'));
SELECT ok, error_description FROM auth_store.totp_confirm(:'ann', :'app', pg_temp.totp(:'secret'));
SELECT kind, label, confirmed_at IS NOT NULL AS confirmed, last_used_at = confirmed_at AS used
  FROM auth_store.factor_list(:'ann');
SELECT expires_at FROM auth_store.mfa_factors WHERE id = :'app';
SELECT ok, error_description FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret', -1));
-- The first key of the vault may be there already.
SELECT * FROM pg_temp.trail() WHERE event <> 'vault.key_created';
-- RFC 6238 section 5.2: a step is accepted once, an earlier one never after it, and a clock may be a step off.
SELECT ok, factor_id = :'app' AS app FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret'));
SELECT ok, error, error_description FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret'));
SELECT ok FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret', 2));
SELECT ok FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret', 1));
SELECT n, ok, error_description
  FROM (VALUES (-2), (-1), (0), (1)) s (n), LATERAL auth_store.totp_verify(:'ann', pg_temp.totp(:'secret', n)) v;
SELECT event, error, flags, count(*) FROM pg_temp.trail() GROUP BY 1, 2, 3 ORDER BY flags NULLS FIRST;
-- The clock went back: the last step is ahead, and no code is good before the clock is there again.
UPDATE auth_store.mfa_factors SET last_step = last_step + 100 WHERE id = :'app';
SELECT ok, error_description FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret'));
UPDATE auth_store.mfa_factors SET last_step = 0 WHERE id = :'app';
-- What is no code of 6 or 8 digits of ASCII is refused, and not counted as a guess.
SELECT count(*) AS no_codes, array_agg(DISTINCT ok), array_agg(DISTINCT error_description)
  FROM (VALUES (NULL), (''), ('12345'), ('1234567'), ('１２３４５６'), ('١٢٣٤٥٦'), ('12345x'), (repeat('1', 1000000)),
      ('123.456'), (E'\x01')) t (code), generate_series(1, 3), LATERAL auth_store.totp_verify(:'ann', code) v;
SELECT ok
  FROM auth_store.totp_verify(:'ann', ' ' || overlay(pg_temp.totp(:'secret') PLACING '- ' FROM 3 FOR 0) || E'\n');
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();

-- Of another store: any algorithm, length and period; several apps of one user.
SELECT auth_store.totp_import(:'bob', 'gezd gnbv gy3t qojq gezd-gnbv-gy3t-qojq-gezd gnbv gy3t qojq gezdg===', 'Old app',
    'SHA256', 8, 60) AS old \gset
SELECT auth_store.totp_import(:'bob', 'GEZDGNBVGY3TQOJQ') AS short \gset
SELECT ok, factor_id = :'old' AS old FROM auth_store.totp_verify(:'bob',
    pg_temp.totp('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDG', 0, 'SHA256', 8, 60));
SELECT ok, factor_id = :'short' AS short FROM auth_store.totp_verify(:'bob', pg_temp.totp('GEZDGNBVGY3TQOJQ'));
SELECT replace(label, :'bob', 'BOB') AS label, kind FROM auth_store.factor_list(:'bob');
SELECT statement, pg_temp.raised(format('SELECT auth_store.totp_import(%s)', format(statement, :'bob')))
  FROM (VALUES (1, $$NULL, 'GEZDGNBVGY3TQOJQ'$$), (2, '%L, NULL'), (3, $$gen_random_uuid(), 'GEZDGNBVGY3TQOJQ'$$),
      (4, $$%L, 'GEZDGNBVGY3TQO'$$), (5, $$%L, repeat('A', 208)$$), (6, $$%L, 'GEZDGNBVGY3TQOJ1'$$),
      (7, $$%L, 'GEZDGNBVGY3TQOJQ', 'a', 'sha1'$$), (8, $$%L, 'GEZDGNBVGY3TQOJQ', 'a', 'MD5'$$),
      (9, $$%L, 'GEZDGNBVGY3TQOJQ', 'a', digits => 7$$), (10, $$%L, 'GEZDGNBVGY3TQOJQ', 'a', period => 14$$),
      (11, $$%L, 'GEZDGNBVGY3TQOJQ', 'a', period => 301$$), (12, $$%L, 'GEZDGNBVGY3TQOJQ', ''$$),
      (13, $$%L, 'GEZDGNBVGY3TQOJQ', 'a', NULL, NULL, NULL$$)) t (n, statement) ORDER BY n;
SELECT count(auth_store.totp_import(:'bob', 'GEZDGNBVGY3TQOJQ', n::text)) AS as_many_as_there_may_be
  FROM generate_series(4, 10) AS n;
SELECT pg_temp.raised(format('SELECT auth_store.totp_import(%L, ''GEZDGNBVGY3TQOJQ'')', :'bob'));
SELECT factor_id, secret, otpauth_uri, error, error_description FROM auth_store.totp_enroll(:'bob');
-- Of several apps with one secret none accepts a code that another one has (RFC 6238 section 5.2).
SELECT pg_temp.totp('GEZDGNBVGY3TQOJQ', 1) AS once \gset
SELECT ok FROM auth_store.totp_verify(:'bob', :'once');
SELECT ok, error_description FROM auth_store.totp_verify(:'bob', :'once');
-- One that was not confirmed ends with the next enrollment, or after an hour.
SELECT factor_id AS first, secret AS first_secret FROM auth_store.totp_enroll(:'cay') \gset
SELECT factor_id AS second, secret AS second_secret FROM auth_store.totp_enroll(:'cay') \gset
SELECT ok, error_description FROM auth_store.totp_confirm(:'cay', :'first', pg_temp.totp(:'first_secret'));
UPDATE auth_store.mfa_factors SET expires_at = clock_timestamp() WHERE id = :'second';
SELECT ok, error_description FROM auth_store.totp_confirm(:'cay', :'second', pg_temp.totp(:'second_secret'));
SELECT deleted > 0 AS deleted FROM auth_store.cleanup_batch('mfa_factors');
SELECT count(*) AS left FROM auth_store.mfa_factors WHERE user_id = :'cay';
-- Another user's factor is nobody's.
SELECT factor_id AS cays, secret AS cays_secret FROM auth_store.totp_enroll(:'cay') \gset
SELECT ok, error_description FROM auth_store.totp_confirm(:'ann', :'cays', pg_temp.totp(:'cays_secret'));
SELECT ok FROM auth_store.totp_confirm(:'cay', :'cays', pg_temp.totp(:'cays_secret'));
SELECT ok FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'cays_secret', 1));
SELECT n, pg_temp.raised(format(statement, :'ann', :'cays'))
  FROM (VALUES (1, 'SELECT auth_store.factor_rename(%L, %L, ''mine'')'),
      (2, 'SELECT auth_store.factor_remove(%L, %L, true)'), (3, 'SELECT auth_store.totp_verify(NULL, ''123456'')'),
      (4, 'SELECT auth_store.totp_verify(gen_random_uuid(), ''123456'')'),
      (5, 'SELECT auth_store.totp_confirm(NULL, NULL, ''123456'')'), (6, 'SELECT auth_store.factor_list(NULL)'),
      (7, 'SELECT auth_store.factor_rename(%L, NULL, ''x'')'), (8, 'SELECT auth_store.factor_rename(%L, %L, NULL)'),
      (9, 'SELECT auth_store.factor_rename(%L, %L, '''')'), (10, 'SELECT auth_store.mfa_reset(NULL)'),
      (11, 'SELECT auth_store.mfa_reset(gen_random_uuid())')) t (n, statement) ORDER BY n;
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();

-- Too many wrong codes (RFC 4226 section 7.3): of one network, while another one still gets in.
SELECT auth_store.tenant_policy_set('mfa', '{"lockout_threshold": 3, "lockout_user_threshold": 6}');
SELECT n, ok, error, retry_after BETWEEN 1 AND 900 AS retry
  FROM generate_series(1, 5) AS n, LATERAL auth_store.totp_verify(:'cay', '000000', ip => ('192.0.2.' || n)::inet)
 ORDER BY n;
UPDATE auth_store.mfa_factors SET last_step = 0 WHERE id = :'cays';
SELECT ok, error FROM auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret'), ip => '192.0.2.99');
SELECT ok FROM auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret'), ip => '203.0.113.1');
SELECT event, error, flags, count(*) FROM pg_temp.trail() WHERE event ~ 'factor' GROUP BY 1, 2, 3
 ORDER BY flags NULLS FIRST;
SELECT kind, failures, locked_until IS NOT NULL AS locked FROM auth_store.login_failures WHERE user_id = :'cay'
 ORDER BY failures;
-- A device of the user's, by its token, gets in wherever it is, and may need no factor for a while.
SELECT 'asdt_' || translate(encode(uuid_send(id) || sha256('device'), 'base64'), E'+/\n', '-_') AS device,
       id AS device_id
  FROM (SELECT gen_random_uuid() AS id) d \gset
INSERT INTO auth_store.devices (id, user_id, first_seen_at, last_seen_at, tenant_id, digest)
VALUES (:'device_id', :'cay', clock_timestamp(), clock_timestamp(), 'mfa', sha256(:'device'::bytea));
UPDATE auth_store.mfa_factors SET last_step = 0 WHERE id = :'cays';
SELECT n, error FROM generate_series(1, 4) AS n,
       LATERAL auth_store.totp_verify(:'cay', '000000', ip => ('198.51.' || n || '.1')::inet) ORDER BY n;
SELECT ok, error FROM auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret'), ip => '198.51.9.1');
SELECT ok, error
  FROM auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret'), :'device' || 'x', ip => '198.51.9.1');
SELECT ok, trusted_until FROM auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret'), :'device');
UPDATE auth_store.mfa_factors SET last_step = 0 WHERE id = :'cays';
SELECT ok, trusted_until - clock_timestamp() BETWEEN '29 days' AND '30 days' AS trusted
  FROM auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret'), :'device', trust_device => true);
SELECT required, enrolled, enrollment_due_at, kinds, codes_left FROM auth_store.mfa_status(:'cay');
SELECT required, enrolled FROM auth_store.mfa_status(:'cay', :'device');
SELECT required, enrolled FROM auth_store.mfa_status(:'ann', :'device');
-- The trust ends by itself.
UPDATE auth_store.devices SET trusted_until = clock_timestamp() WHERE id = :'device_id';
SELECT required AS untrusted FROM auth_store.mfa_status(:'cay', :'device');
UPDATE auth_store.devices SET trusted_until = clock_timestamp() + interval '1 day' WHERE id = :'device_id';
-- A device that was not seen for auth_store.device_retention is none.
UPDATE auth_store.devices SET first_seen_at = clock_timestamp() - interval '180 days',
       last_seen_at = clock_timestamp() - interval '180 days' WHERE id = :'device_id';
SELECT required AS forgotten FROM auth_store.mfa_status(:'cay', :'device');
UPDATE auth_store.devices SET last_seen_at = clock_timestamp() WHERE id = :'device_id';
SELECT auth_store.tenant_policy_set('mfa', '{"trusted_device_ttl": 0}');
SELECT required FROM auth_store.mfa_status(:'cay', :'device');
UPDATE auth_store.mfa_factors SET last_step = 0 WHERE id = :'cays';
SELECT ok, trusted_until
  FROM auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret'), :'device', trust_device => true);
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();

-- A log-in by password says whether a factor is needed: not with the trusted device.
SELECT auth_store.password_set(:'cay', 'correct horse battery staple') IS NOT NULL AS _ \gset
SELECT auth_store.tenant_policy_set('mfa', '{"trusted_device_ttl": null}');
SELECT l.ok, l.mfa_required, l.mfa_enrollment_due_at
  FROM auth_store.user_login('cay@mfa.example', 'correct horse battery staple', tenant_id => 'mfa') l;
SELECT l.ok, l.mfa_required FROM auth_store.user_login('cay@mfa.example', 'correct horse battery staple',
    tenant_id => 'mfa', device_token => :'device') l;
-- What the tenant asks of its users: nothing, those who have a factor, or everybody, after a grace.
SELECT user_id AS dan FROM auth_store.user_create('dan@mfa.example', tenant_id => 'mfa') \gset
SELECT auth_store.tenant_policy_set('mfa', '{"mfa": "off", "trusted_device_ttl": null}');
SELECT c.required AS cay, d.required AS dan, d.enrolled, d.enrollment_due_at, d.kinds, d.codes_left
  FROM auth_store.mfa_status(:'cay') c, auth_store.mfa_status(:'dan') d;
SELECT auth_store.tenant_policy_set('mfa', '{"mfa": "optional"}');
SELECT c.required AS cay, d.required AS dan FROM auth_store.mfa_status(:'cay') c, auth_store.mfa_status(:'dan') d;
SELECT auth_store.tenant_policy_set('mfa', '{"mfa": "required", "mfa_grace": "1 week"}');
SELECT c.required AS cay, c.enrollment_due_at, d.required AS dan,
       d.enrollment_due_at - clock_timestamp() BETWEEN '6 days' AND '7 days' AS in_a_week
  FROM auth_store.mfa_status(:'cay') c, auth_store.mfa_status(:'dan') d;
SELECT auth_store.tenant_policy_set('mfa', '{"mfa_grace": 0}');
SELECT required AS dan, enrollment_due_at <= clock_timestamp() AS due FROM auth_store.mfa_status(:'dan');
SELECT auth_store.password_set(:'dan', 'correct horse battery staple') IS NOT NULL AS _ \gset
SELECT ok, mfa_required, mfa_enrollment_due_at <= clock_timestamp() AS due
  FROM auth_store.user_login('dan@mfa.example', 'correct horse battery staple', tenant_id => 'mfa');
SELECT pg_temp.raised('SELECT auth_store.mfa_status(NULL)'),
       pg_temp.raised('SELECT auth_store.mfa_status(gen_random_uuid())');
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();

-- Recovery codes: ten, each good once; a new set ends the former. No cap on wrong codes keeps a user out.
CREATE TEMP TABLE codes AS
SELECT row_number() OVER () AS n, code FROM auth_store.recovery_codes_generate(:'cay') AS code;
SELECT count(DISTINCT code), bool_and(code ~ '^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$') AS form FROM codes;
SELECT code AS one FROM codes WHERE n = 1 \gset
SELECT code AS two FROM codes WHERE n = 2 \gset
SELECT ok, codes_left, error FROM auth_store.recovery_code_use(:'cay', :'one', '198.51.100.1');
SELECT ok, codes_left, error, error_description FROM auth_store.recovery_code_use(:'cay', :'one');
SELECT ok FROM auth_store.recovery_code_use(:'ann', :'two');
SELECT ok, codes_left FROM auth_store.recovery_code_use(:'cay', ' ' || upper(replace(:'two', '-', '  ')));
SELECT count(*) AS no_codes, array_agg(DISTINCT ok), array_agg(DISTINCT error), array_agg(DISTINCT error_description)
  FROM (VALUES (NULL), (''), ('0000-0000-0000-0000'), ('x'), (repeat('0', 1000000))) t (code),
       LATERAL auth_store.recovery_code_use(:'cay', code) v;
SELECT * FROM pg_temp.trail();
SELECT code AS three FROM codes WHERE n = 3 \gset
SELECT count(*) AS new FROM auth_store.recovery_codes_generate(:'cay');
SELECT ok FROM auth_store.recovery_code_use(:'cay', :'three');
SELECT count(*) AS codes, count(used_at) AS used FROM auth_store.recovery_codes WHERE user_id = :'cay';
SELECT statement, pg_temp.raised(statement) FROM (VALUES (1, 'SELECT auth_store.recovery_codes_generate(NULL)'),
    (2, 'SELECT auth_store.recovery_codes_generate(gen_random_uuid())'),
    (3, 'SELECT auth_store.recovery_code_use(NULL, ''x'')'),
    (4, 'SELECT auth_store.recovery_code_use(gen_random_uuid(), ''x'')')) t (n, statement) ORDER BY n;
SELECT count(*) > 0 AS passed_over FROM pg_temp.trail();

-- A user or tenant that is not active.
SELECT auth_store.tenant_set_status('mfa', 'suspended');
SELECT e.error, e.secret, v.error, c.error, r.error
  FROM auth_store.totp_enroll(:'cay') e, auth_store.totp_verify(:'cay', pg_temp.totp(:'cays_secret')) v,
       auth_store.totp_confirm(:'cay', :'cays', '123456') c, auth_store.recovery_code_use(:'cay', :'three') r;
SELECT auth_store.tenant_set_status('mfa', 'active');
SELECT event, error, flags FROM pg_temp.trail() WHERE event !~ 'tenant' ORDER BY event COLLATE "C";

-- Renamed and removed. The last one goes only where the call says so, and with it the recovery codes; other sessions
-- and their grants end.
SELECT auth_store.totp_import(:'cay', 'GEZDGNBVGY3TQOJQ', 'second') AS spare \gset
SELECT auth_store.factor_rename(:'cay', :'spare', 'In the safe: spare');
SELECT label, kind FROM auth_store.factor_list(:'cay');
SELECT session_id AS mine, session_token AS mine_token FROM auth_store.session_create(:'cay') \gset
SELECT session_token AS other_token FROM auth_store.session_create(:'cay') \gset
SELECT pg_temp.raised(format('SELECT auth_store.factor_remove(%L, %L, except_session_id => gen_random_uuid())', :'cay',
    :'cays'));
SELECT error FROM auth_store.factor_remove(:'cay', :'cays', except_session_id => :'mine');
SELECT (auth_store.session_validate(:'mine_token')).valid AS mine,
       (auth_store.session_validate(:'other_token')).valid AS other;
SELECT error, error_description FROM auth_store.factor_remove(:'cay', :'spare', last => true);
SELECT auth_store.tenant_policy_set('mfa', '{"mfa": "optional"}');
SELECT error, error_description FROM auth_store.factor_remove(:'cay', :'spare');
SELECT count(*) AS trusted FROM auth_store.devices WHERE user_id = :'cay' AND trusted_until IS NOT NULL;
SELECT (auth_store.session_validate(:'mine_token')).valid AS mine, count(*) AS factors
  FROM auth_store.factor_list(:'cay');
SELECT error FROM auth_store.factor_remove(:'cay', :'spare', last => true);
SELECT (auth_store.session_validate(:'mine_token')).valid AS mine, count(*) AS factors
  FROM auth_store.factor_list(:'cay');
SELECT count(*) AS codes FROM auth_store.recovery_codes WHERE user_id = :'cay';
SELECT event, error, details FROM auth_store.audit_log
 WHERE user_id = :'cay' AND event IN ('factor.removed', 'factor.renamed') ORDER BY occurred_at;
-- A passkey is a factor too: it is listed, renamed and removed with the others, and an app is not the last beside it.
SELECT clock_timestamp() AS since, auth_store.totp_import(:'cay', 'GEZDGNBVGY3TQOJQ', 'app') AS beside \gset
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports, last_used_at)
VALUES ('00000000-0000-8000-8000-00000000000f', :'cay', 0, -7, true, false, false, gen_random_uuid(), 'mfa',
    'mfa.example', '\x01', '', 'none', '{}', '2026-01-01');
SELECT kinds, enrolled FROM auth_store.mfa_status(:'cay');
SELECT auth_store.factor_rename(:'cay', '00000000-0000-8000-8000-00000000000f', 'Key ring');
SELECT kind, label, last_used_at IS NOT NULL AS used FROM auth_store.factor_list(:'cay');
SELECT error FROM auth_store.factor_remove(:'cay', :'beside');
SELECT error FROM auth_store.factor_remove(:'cay', '00000000-0000-8000-8000-00000000000f');
SELECT error FROM auth_store.passkey_remove(:'cay', '00000000-0000-8000-8000-00000000000f');
SELECT auth_store.mfa_reset(:'cay');
SELECT count(*) AS factors FROM auth_store.factor_list(:'cay');
SELECT event, error, flags, details ->> 'kind' AS kind FROM auth_store.audit_log
 WHERE user_id = :'cay' AND event ~ '^(factor|passkey)\.re' AND occurred_at > :'since' ORDER BY occurred_at;
-- The help desk's way: everything goes, and the trail makes a note of it.
SELECT auth_store.mfa_reset(:'bob', 'lost phone, passport seen');
SELECT count(*) AS factors FROM auth_store.factor_list(:'bob');
SELECT event, risk_score, flags, details, count(*) FROM auth_store.audit_log
 WHERE user_id = :'bob' AND event = 'factor.removed' GROUP BY 1, 2, 3, 4;
SELECT auth_store.mfa_reset(:'bob');
SELECT auth_store.tenant_erase('mfa', 'mfa') > 0 AS erased;
DELETE FROM auth_store.login_failures WHERE user_id = :'ann';

-- A log-in with one factor, and the second one that is to follow.
\i tests/sql/include/helpers.sql
\i tests/sql/include/totp.sql

SELECT auth_store.tenant_create('login-mfa');
SET auth_store.tenant_id = 'login-mfa';
SELECT user_id AS ann FROM auth_store.user_create('ann@mfa.example', password => 'correct horse') \gset
\set log_in 'auth_store.user_login(''ann@mfa.example'', ''correct horse'', ip => ''192.0.2.1'''

-- Every log-in but the one with the password: by an account elsewhere, a mail, a code.
SET auth_store.mail_interval = 0;
SET auth_store.mail_max_per_hour = 1000;
SET auth_store.mail_max_per_day = 10000;
SELECT error FROM auth_store.identity_link(:'ann', 'google', 'ann');
SELECT auth_store.user_update(:'ann', '{"email_verified": true}');
SELECT set_config('test.ann', :'ann', false) = :'ann' AS known;
CREATE FUNCTION pg_temp.asked(device text DEFAULT NULL, OUT by text, OUT mfa_required boolean, OUT due text,
    OUT error text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT v.by, v.mfa_required,
           CASE WHEN v.due < clock_timestamp() THEN 'over' WHEN v.due IS NOT NULL THEN 'to come' END, v.error
      FROM (SELECT 1, 'identity', i.mfa_required, i.mfa_enrollment_due_at, i.error
              FROM auth_store.identity_login('google', 'ann', device_token => device) i
             UNION ALL
            SELECT 2, 'mail', m.mfa_required, m.mfa_enrollment_due_at, m.error
              FROM auth_store.magic_link_start('ann@mfa.example') s,
                   LATERAL auth_store.magic_link_finish(s.token, device) m
             UNION ALL
            SELECT 3, 'code', o.mfa_required, o.mfa_enrollment_due_at, o.error
              FROM auth_store.otp_start(current_setting('test.ann')::uuid, 'log in') s,
                   LATERAL auth_store.otp_verify(current_setting('test.ann')::uuid, 'log in', s.code, device) o)
           AS v (n, by, mfa_required, due, error) ORDER BY n
$$;

-- Without a factor the password is enough, unless the tenant asks for one; then there may be a grace.
SELECT ok, mfa_required, mfa_enrollment_due_at FROM :log_in);
SELECT * FROM pg_temp.asked();
SELECT auth_store.tenant_policy_set('login-mfa', '{"mfa": "required", "mfa_grace": "1 week"}');
SELECT * FROM pg_temp.asked();
SELECT ok, mfa_required, mfa_enrollment_due_at - clock_timestamp() BETWEEN '6 days' AND '7 days' AS in_a_week
  FROM :log_in);
SELECT auth_store.tenant_policy_set('login-mfa', '{"mfa_grace": 0}');
SELECT ok, mfa_required, mfa_enrollment_due_at < clock_timestamp() AS due FROM :log_in);
SELECT * FROM pg_temp.asked();
SELECT created, linked, mfa_required, mfa_enrollment_due_at < clock_timestamp() AS due
  FROM auth_store.identity_login('google', 'new', 'new@mfa.example');
SELECT auth_store.tenant_policy_set('login-mfa', '{"mfa": "optional"}');

-- With a factor: the password, a code, the session. The browser is trusted from then on.
SELECT pg_temp.step_begins();
SELECT factor_id AS app, secret FROM auth_store.totp_enroll(:'ann', issuer => 'Acme') \gset
SELECT ok, mfa_required FROM :log_in);
SELECT ok FROM auth_store.totp_confirm(:'ann', :'app', pg_temp.totp(:'secret', -1));
SELECT ok, mfa_required, mfa_enrollment_due_at, device_token AS device FROM :log_in, remember_device => true) \gset
SELECT :'ok' AS ok, :'mfa_required' AS mfa_required;
SELECT ok, mfa_required FROM :log_in, device_token => :'device');
SELECT ok FROM auth_store.totp_verify(:'ann', pg_temp.totp(:'secret'), :'device', trust_device => true);
SELECT session_token IS NOT NULL AS session FROM auth_store.session_create(:'ann', amr => '{pwd,otp}');
SELECT ok, mfa_required FROM :log_in, device_token => :'device');
SELECT * FROM pg_temp.asked(:'device');
SELECT ok, mfa_required FROM :log_in);
SELECT * FROM pg_temp.asked();
-- A password does not open what a wrong code has locked, and the other way round: they are counted apart.
SELECT error, count(*) FROM generate_series(1, 6) n,
    LATERAL auth_store.totp_verify(:'ann', left('000000' || n, 6), ip => '192.0.2.1')
 GROUP BY 1 ORDER BY 1;
SELECT ok, mfa_required FROM :log_in);
SELECT kind, failures, locks FROM auth_store.login_failures ORDER BY kind, max_failures;
SELECT details FROM auth_store.audit_log WHERE user_id = :'ann' AND event = 'user.logged_in' ORDER BY occurred_at;
SELECT auth_store.user_unlock(:'ann');
-- No factor is asked for where the tenant wants none.
SELECT auth_store.tenant_policy_set('login-mfa', '{"mfa": "off"}');
SELECT ok, mfa_required FROM :log_in);
SELECT * FROM pg_temp.asked();
-- What is no log-in says nothing of it, and one that is refused neither.
SELECT f.mfa_required, f.error FROM auth_store.email_verification_start(:'ann') s,
    LATERAL auth_store.email_verification_finish(s.token) f;
SELECT mfa_required, error FROM auth_store.otp_verify(:'ann', 'log in', '123456');
SELECT auth_store.user_lock(:'ann', 'infinity');
SELECT mfa_required, error, locked_until, retry_after FROM auth_store.identity_login('google', 'ann');
SELECT auth_store.user_lock(:'ann', clock_timestamp() + interval '1 hour');
SELECT mfa_required, error, locked_until > clock_timestamp() AS locked, retry_after BETWEEN 3500 AND 3600 AS an_hour
  FROM auth_store.identity_login('google', 'ann');
SELECT auth_store.user_unlock(:'ann');
SELECT auth_store.tenant_set_status('login-mfa', 'suspended');
SELECT mfa_required, error, error_description FROM auth_store.identity_login('google', 'ann');
SELECT error FROM auth_store.identity_login('google', 'nobody');
SELECT count(*) FROM auth_store.identity_find('google', 'nobody');
SELECT event, error, flags, details, user_id IS NOT NULL AS of_somebody, count(*) FROM auth_store.audit_log
 WHERE tenant_id = 'login-mfa' AND event = 'identity.used' GROUP BY 1, 2, 3, 4, 5
 ORDER BY error COLLATE "C", details::text COLLATE "C", of_somebody;

RESET auth_store.tenant_id;
SELECT auth_store.tenant_erase('login-mfa', 'login-mfa') > 0 AS erased;

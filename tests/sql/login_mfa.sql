-- A log-in with a password, and the second factor that is to follow.
\i tests/sql/include/helpers.sql
\i tests/sql/include/totp.sql

SELECT auth_store.tenant_create('login-mfa');
SET auth_store.tenant_id = 'login-mfa';
SELECT user_id AS ann FROM auth_store.user_create('ann@mfa.example', password => 'correct horse') \gset
\set log_in 'auth_store.user_login(''ann@mfa.example'', ''correct horse'', ip => ''192.0.2.1'''

-- Without a factor the password is enough, unless the tenant asks for one; then there may be a grace.
SELECT ok, mfa_required, mfa_enrollment_due_at FROM :log_in);
SELECT auth_store.tenant_policy_set('login-mfa', '{"mfa": "required", "mfa_grace": "1 week"}');
SELECT ok, mfa_required, mfa_enrollment_due_at - clock_timestamp() BETWEEN '6 days' AND '7 days' AS in_a_week
  FROM :log_in);
SELECT auth_store.tenant_policy_set('login-mfa', '{"mfa_grace": 0}');
SELECT ok, mfa_required, mfa_enrollment_due_at < clock_timestamp() AS due FROM :log_in);
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
SELECT ok, mfa_required FROM :log_in);
-- A password does not open what a wrong code has locked, and the other way round: they are counted apart.
SELECT error, count(*) FROM generate_series(1, 6) n,
    LATERAL auth_store.totp_verify(:'ann', left('000000' || n, 6), ip => '192.0.2.1')
 GROUP BY 1 ORDER BY 1;
SELECT ok, mfa_required FROM :log_in);
SELECT kind, failures, locks FROM auth_store.login_failures ORDER BY kind, max_failures;
SELECT details FROM auth_store.audit_log WHERE user_id = :'ann' AND event = 'user.logged_in' ORDER BY id;
SELECT auth_store.user_unlock(:'ann');
-- No factor is asked for where the tenant wants none.
SELECT auth_store.tenant_policy_set('login-mfa', '{"mfa": "off"}');
SELECT ok, mfa_required FROM :log_in);

RESET auth_store.tenant_id;
SELECT auth_store.tenant_erase('login-mfa', 'login-mfa') > 0 AS erased;

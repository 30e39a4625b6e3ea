-- The rules of tenants for log-ins: set member by member, and filled from the settings.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('policy') \gset
SELECT auth_store.tenant_create('policy_none') \gset
SELECT count(*) AS trail FROM pg_temp.trail() \gset

-- Without rules of its own a tenant has the settings'.
SELECT key, value FROM jsonb_each(to_jsonb(auth_store.tenant_policy('policy')));
SET auth_store.password_min_length = 15;
SET auth_store.mfa_required = on;
SELECT password_min_length, mfa, mfa_required_at FROM auth_store.tenant_policy('policy');

-- Its own rules stand above the settings; what is not named stays, null puts the setting back.
SELECT auth_store.tenant_policy_set('policy', '{"password_min_length": 10, "mfa": "off", "mfa_grace": "1 week",
    "lockout_duration": 60, "password_check_breached": false, "passkey_rp_id": "example.com",
    "passkey_origins": ["https://example.com", "https://login.example.com:8443"]}');
SELECT password_min_length, mfa, mfa_grace, lockout_duration, lockout_max, password_check_breached, passkey_rp_id,
       passkey_origins
  FROM auth_store.tenant_policy('policy');
SELECT auth_store.tenant_policy_set('policy', '{"password_min_length": null, "passkey_origins": null}');
SELECT password_min_length, mfa, passkey_rp_id, passkey_origins FROM auth_store.tenant_policy('policy');
SELECT password_min_length, mfa FROM auth_store.tenant_policies WHERE tenant_id = 'policy';
RESET auth_store.password_min_length;
RESET auth_store.mfa_required;
SELECT password_min_length, mfa FROM auth_store.tenant_policy('policy');
SELECT password_min_length, mfa FROM auth_store.tenant_policy('policy_none');

-- Since when a second factor is required: a change of something else keeps it.
SELECT auth_store.tenant_policy_set('policy', '{"mfa": "required"}');
SELECT mfa_required_at AS since FROM auth_store.tenant_policy('policy') \gset
SELECT auth_store.tenant_policy_set('policy', '{"mfa": "required", "mfa_grace": 0}');
SELECT mfa_required_at = :'since' AS kept, mfa_grace FROM auth_store.tenant_policy('policy');
SELECT auth_store.tenant_policy_set('policy', '{"mfa": "optional"}');
SELECT mfa_required_at FROM auth_store.tenant_policy('policy');

-- A change of nothing is one too.
SELECT auth_store.tenant_policy_set('policy', '{}');
SELECT * FROM pg_temp.trail();
SELECT DISTINCT tenant_id, resource_type, resource_id FROM auth_store.audit_log
 WHERE event = 'tenant.policy_changed' AND tenant_id = 'policy';
SELECT details FROM auth_store.audit_log WHERE event = 'tenant.policy_changed' AND tenant_id = 'policy'
 ORDER BY occurred_at;

-- No lock-out is shorter than the first, and all networks have no fewer tries than one.
SET auth_store.lockout_max = 30;
SELECT auth_store.tenant_policy_set('policy', '{"lockout_threshold": 70}');
SELECT lockout_duration, lockout_max, lockout_threshold, lockout_user_threshold
  FROM auth_store.tenant_policy('policy');
RESET auth_store.lockout_max;

SELECT changes, left(pg_temp.raised(format('SELECT auth_store.tenant_policy_set(%L, %L)', 'policy', changes)), 110)
  FROM (VALUES (NULL), ('null'), ('[]'), ('"x"'), ('{"": 1}'), ('{"password_min_len": 8}'),
    ('{"password_min_length": 7}'), ('{"password_min_length": 129}'), ('{"password_min_length": "8"}'),
    ('{"password_min_length": 8.5}'), ('{"password_min_length": 1e400}'), ('{"password_min_score": 5}'),
    ('{"password_history": 25}'), ('{"password_max_age": -1}'), ('{"password_max_age": "soon"}'),
    ('{"password_max_age": true}'), ('{"password_max_age": "100 years"}'), ('{"password_check_common": 1}'),
    ('{"lockout_threshold": 0}'), ('{"lockout_user_threshold": 69}'), ('{"lockout_max": 59}'),
    ('{"mail_max_per_hour": 10, "mail_max_per_day": 5}'), ('{"mfa": "on"}'), ('{"mfa": []}'),
    ('{"mfa_required_at": null}'), ('{"passkey_user_verification": "maybe"}'), ('{"passkey_rp_name": ""}'),
    ('{"passkey_rp_name": 7}'), ('{"passkey_rp_id": "localhost"}'), ('{"passkey_rp_id": "com"}'),
    ('{"passkey_rp_id": "Example.com"}'), ('{"passkey_rp_id": "127.0.0.1"}'), ('{"passkey_rp_id": 1}'),
    ('{"passkey_origins": "https://example.com"}'), ('{"passkey_origins": ["https://example.com/"]}'),
    ('{"passkey_origins": ["http://example.com"]}'), ('{"passkey_origins": ["http://localhost:8080"]}'),
    ('{"passkey_origins": [null]}'), ('{"tenant_id": "default"}'), ('{"updated_at": null}')) AS t (changes);
SELECT pg_temp.raised(format('SELECT auth_store.tenant_policy_set(%L, %L)', 'policy',
    jsonb_build_object('passkey_origins', array_fill('https://example.com'::text, ARRAY[21]))));
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.tenant_policy_set(NULL, ''{}'')'), ('SELECT auth_store.tenant_policy_set(''nowhere'', ''{}'')'),
    ('SELECT auth_store.tenant_policy(''nowhere'')')) AS t (what);

-- What is for developing needs its setting.
SET auth_store.passkey_allow_localhost = on;
SELECT auth_store.tenant_policy_set('policy',
    '{"passkey_rp_id": "localhost", "passkey_origins": ["http://localhost:8080", "https://example.com"]}');
SELECT pg_temp.raised(format('SELECT auth_store.tenant_policy_set(%L, %L)', 'policy',
    '{"passkey_origins": ["http://127.0.0.1:8080"]}'));
RESET auth_store.passkey_allow_localhost;

-- The bounds of the settings are those of the members.
SELECT name, pg_temp.raised(format('SET auth_store.%I = %s', name, value))
  FROM (VALUES ('password_min_length', 7), ('password_min_score', 5), ('password_history', 25),
    ('lockout_threshold', 0), ('lockout_threshold', 101), ('lockout_duration', 0), ('otp_max_attempts', 11))
       AS t (name, value);

-- A pinned session reads and changes its own tenant's alone.
SET auth_store.tenant_id = 'policy';
SELECT passkey_rp_id FROM auth_store.tenant_policy();
SELECT what, pg_temp.raised(what) FROM (VALUES ('SELECT auth_store.tenant_policy(''policy_none'')'),
    ('SELECT auth_store.tenant_policy_set(''policy_none'', ''{"mfa": "off"}'')')) AS t (what);
RESET auth_store.tenant_id;

BEGIN READ ONLY;
SELECT passkey_rp_id FROM auth_store.tenant_policy('policy');
SELECT pg_temp.raised('SELECT auth_store.tenant_policy_set(''policy'', ''{}'')');
COMMIT;
SELECT auth_store.tenant_erase('policy', 'policy') > 0 AS erased;
SELECT count(*) FROM auth_store.tenant_policies WHERE tenant_id = 'policy';
SELECT auth_store.tenant_erase('policy_none', 'policy_none') > 0 AS erased;

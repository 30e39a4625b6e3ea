COMMENT ON FUNCTION auth_store.tenant_policy IS
    'Returns the rules for log-ins that hold in a tenant: its own, and the settings of the same names where it has '
    'none. tenant_id: default the session''s. Times are seconds. Also on a standby. 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.tenant_policy COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_policy TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_policy_set IS
    'Changes the rules that a tenant has for log-ins. changes: a JSON object with any of password_min_length (8 to '
    '128 characters), password_min_score (zxcvbn, 0 to 4), password_history (0 to 24), password_max_age (0: none), '
    'password_check_common, password_check_breached, password_check_similarity, lockout_threshold, '
    'lockout_user_threshold (1 to 100), lockout_duration, lockout_max, show_locked, mfa (off, optional, required), '
    'mfa_grace, trusted_device_ttl, passkey_rp_id, passkey_rp_name, passkey_origins, passkey_user_verification '
    '(required, preferred, discouraged), passkey_allow_cross_origin, identity_link_by_email, anonymous_ttl, '
    'mail_max_per_hour, mail_max_per_day, mail_interval, otp_ttl, otp_max_attempts, one_time_ttl, invitation_ttl; '
    'another key is 22023, as is a value beyond the bounds, which are those of the setting of the same name. '
    'Times are numbers of seconds or texts of intervals; null puts back the setting''s value. '
    'The rules hold from the commit on. 23503 for an unknown tenant. Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.tenant_policy_set COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_policy_set TO auth_store_admin;

COMMENT ON FUNCTION auth_store.password_breach_prefix IS
    'Returns the SHA-1 of a password as 5 and 35 digits, in upper case, for an application that asks a service of '
    'breached passwords itself: the service is told the prefix, and the suffix is looked for in its answer. Nothing is '
    'read or kept. 22004 for NULL.';
ALTER FUNCTION auth_store.password_breach_prefix COST 100;
GRANT EXECUTE ON FUNCTION auth_store.password_breach_prefix TO auth_store_app;

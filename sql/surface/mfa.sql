COMMENT ON FUNCTION auth_store.totp_enroll IS
    E'Begins the enrollment of an authenticator app (TOTP, RFC 6238): a new secret of 160 bits, in base32 to be typed '
    'and as the otpauth URI of a QR code, both this once: the store keeps the secret sealed by the vault. It is no '
    'factor before totp_confirm() within an hour, and takes the place of one that was never confirmed. '
    'A row with error access_denied where the user or the tenant is not active, or the user has 10 apps. '
    '23503 for an unknown user, 22004 for NULL, 55000 where the vault has no master key.\n'
    'label: the account''s name in the app and of the factor, 1 to 200 characters without a colon (22023), default the '
    'user''s address. issuer: who the account is with, 1 to 64 characters without a colon, default the tenant''s '
    'display_name. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.totp_enroll COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.totp_enroll TO auth_store_app;

COMMENT ON FUNCTION auth_store.totp_confirm IS
    'Ends the enrollment of an authenticator app with its first code: from then on it is a factor. '
    'code: as of totp_verify(), with the same errors; invalid_grant also where the factor was confirmed before, or was '
    'enrolled more than an hour ago. 22004 for a NULL user_id or factor_id, 23503 for an unknown user. '
    'ip, user_agent: where the request came from, for the count of wrong codes and the audit row.';
ALTER FUNCTION auth_store.totp_confirm COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.totp_confirm TO auth_store_app;

COMMENT ON FUNCTION auth_store.totp_verify IS
    E'Whether a code is one of the user''s authenticator apps, and used by this call: no code is accepted twice, nor '
    'one of an earlier time step (RFC 6238 section 5.2). A clock may be off by a step to either side. '
    'code: 6 or 8 digits, spaces and hyphens do not count. A row with error invalid_grant for any other text, a wrong '
    'or used code and a user without an app; access_denied where the user or the tenant is not active; account_locked '
    'with retry_after after too many wrong codes from the same network, or from all together, as the tenant''s policy '
    'has it (lockout_threshold, lockout_user_threshold), and temporarily_unavailable where a network has failed too '
    'often whoever it tried. They are counted apart from wrong passwords (RFC 4226 section 7.3), and do not hinder a '
    'known device, a passkey or a recovery code.\n'
    'device_token: of the browser, as user_login() gave it: its wrong codes count for it alone. trust_device: the '
    'device then needs no second factor until trusted_until, for as long as the policy''s trusted_device_ttl; NULL '
    'where the policy trusts none or the token is no known one. '
    '23503 for an unknown user, 22004 for a NULL user_id, 55000 where the vault can''t open the secret. '
    'ip: the client''s address, for the count; without one all requests are of one network. user_agent: for the audit '
    'row.';
ALTER FUNCTION auth_store.totp_verify COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.totp_verify TO auth_store_app;

COMMENT ON FUNCTION auth_store.totp_import IS
    'Gives a user the authenticator app that another store knew; returns the id of the factor. '
    'secret: base32 of 10 to 128 bytes, of any case, with or without padding. algorithm: SHA1, SHA256 or SHA512. '
    'digits: 6 or 8. period: 15 to 300 seconds. label: 1 to 200 characters, default the user''s address. '
    '22023 for anything else, 22004 for a NULL user_id or secret, 23503 for an unknown user, 55000 where the vault has '
    'no master key, and for a user with 10 apps. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.totp_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.totp_import TO auth_store_admin;

COMMENT ON FUNCTION auth_store.recovery_codes_generate IS
    'Makes ten recovery codes of a user and returns them, this once: the store keeps digests. A former set ends. Each '
    'code is good once, in place of a second factor that the user has lost. '
    '23503 for an unknown user, 22004 for NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.recovery_codes_generate COST 10000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.recovery_codes_generate TO auth_store_app;

COMMENT ON FUNCTION auth_store.recovery_code_use IS
    'Whether a text is a recovery code of the user''s, and used by this call; codes_left says how many are left. '
    'Of two calls with one code one succeeds. code: 16 letters and digits of any case, spaces and hyphens do not '
    'count, O is 0, I and L are 1. A row with error invalid_grant for any other text and a used code, access_denied '
    'where the user or the tenant is not active. There is no cap on wrong ones: a code of 80 bits is not guessed, and '
    'nobody can keep the user from using one. 23503 for an unknown user, 22004 for a NULL user_id. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.recovery_code_use COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.recovery_code_use TO auth_store_app;

COMMENT ON FUNCTION auth_store.factor_list IS
    'The second factors of a user, of every kind, the oldest first; kind: totp or passkey. Apps that were never '
    'confirmed are none. No row for an unknown user. '
    'Read-only, also on a standby. 22004 for NULL.';
ALTER FUNCTION auth_store.factor_list COST 5000 ROWS 3;
GRANT EXECUTE ON FUNCTION auth_store.factor_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.factor_rename IS
    'Gives a factor of the user''s another label: 1 to 200 characters (22023). Its app or key shows what it showed '
    'before. 23503 for an unknown user, and for a factor that is not the user''s; 22004 for NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.factor_rename COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.factor_rename TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.factor_remove IS
    E'Removes a factor of the user''s, ends the user''s sessions with their grants, all but except_session_id, and the '
    'one-time tokens, and trusts no device any more. '
    'A row with error last_factor, and nothing has changed, where it is the user''s only one: last => true removes it '
    'all the same, and the recovery codes with it, unless the tenant''s policy requires a factor. Of two removals at '
    'once one finds its factor to be the last.\n'
    '23503 for an unknown user, and for a factor or except_session_id that is not the user''s; 22004 for a NULL '
    'user_id or factor_id. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.factor_remove COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.factor_remove TO auth_store_app;

COMMENT ON FUNCTION auth_store.mfa_reset IS
    'For the help desk: removes every factor and recovery code of a user who has lost them, and ends the user''s '
    'sessions with their grants; no device is trusted any more. Returns how many factors there were. Each leaves an '
    'audit row with the flag '
    'factor_reset. reason: at most 1000 characters, for the audit rows. 23503 for an unknown user, 22004 for a NULL '
    'user_id. ip, user_agent: where the request came from, for the audit rows.';
ALTER FUNCTION auth_store.mfa_reset COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.mfa_reset TO auth_store_admin;

COMMENT ON FUNCTION auth_store.mfa_status IS
    'Whether a user has second factors (enrolled, kinds), and whether a log-in now needs one (required), by the '
    'tenant''s policy: off asks nobody, optional those who have one, required everybody. A user who has none and needs '
    'one has until enrollment_due_at, which is mfa_grace after the registration or after the tenant began to require '
    'one; NULL where nothing is due. codes_left: how many recovery codes are unused. '
    'device_token: a device that totp_verify() has trusted needs none. Read-only, also on a standby. '
    '23503 for an unknown user, 22004 for NULL.';
ALTER FUNCTION auth_store.mfa_status COST 5000;
GRANT EXECUTE ON FUNCTION auth_store.mfa_status TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.one_time_show IS
    'What a one-time token (asot_) is good for: purpose, user_id, tenant_id, email, details and expires_at; for the '
    'page that a link in a mail opens. It uses nothing, so a program that follows the links of a mail harms nobody; '
    'the button on the page calls the function that uses the token. A row with error otherwise: invalid_grant '
    '(unknown, used before, replaced by a newer one), expired_token; with the purpose where the token was known. '
    'Read-only, also on a standby.';
ALTER FUNCTION auth_store.one_time_show COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.one_time_show TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.email_verification_start IS
    'Makes the token for the mail that asks whether an address is the user''s: token, and mail_to, the address as it '
    'is stored, to which alone it goes. It ends an earlier one for the same address and lives one_time_ttl of the '
    'tenant''s policy (1 h). email: one of the user''s addresses in any spelling; NULL for the one that is shown. '
    'Errors: invalid_request where the user has no such address, email_taken where it is another user''s, '
    'temporarily_unavailable with retry_after within mail_interval (60 s) of the last one for the address, and over '
    'mail_max_per_hour (5) or mail_max_per_day (20) of the policy. 23503 for an unknown user, 22004 for NULL. ip, '
    'user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.email_verification_start COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.email_verification_start TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.email_verification_finish IS
    'Uses the token of email_verification_start(), once: the address counts as verified from now on. It logs nobody '
    'in and ends nothing, a password from before among it: whoever has only the mail may not be who registered, so '
    'call it in a session of the user of one_time_show(), or after the password, and otherwise use '
    'magic_link_finish(). Returns user_id, tenant_id and email, or a row with error: invalid_grant (unknown, used '
    'before, replaced by a newer one, or the user has the address no longer or spells it in another way), '
    'expired_token, email_taken where the address is another user''s by now. The status of the user does not matter: '
    'an application may make users active by it. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.email_verification_finish COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.email_verification_finish TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.otp_start IS
    E'Makes a numeric one-time password for the application to send, by mail or otherwise: code, with leading zeros, '
    'and expires_at, otp_ttl of the tenant''s policy (10 min) from now. It ends an earlier one of the same purpose. '
    'purpose: what for, in the application''s words, 1 to 63 bytes (22023): a password is good for nothing else. '
    'digits: 6 to 10 (22023). A row with error otherwise: access_denied (the user or the tenant is not active, or an '
    'administrator has locked the user), temporarily_unavailable with retry_after within mail_interval (60 s) of the '
    'last one of that purpose, and over mail_max_per_hour (5) or mail_max_per_day (20) of the policy. 23503 for an '
    'unknown user, 22004 for NULL.\n'
    'Stored is HMAC-SHA-256 with the vault''s newest master key. Without one, whoever reads the table finds a '
    'password that lives by trying all digits. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.otp_start COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.otp_start TO auth_store_app;

COMMENT ON FUNCTION auth_store.otp_verify IS
    'Uses a one-time password, once. code: as typed; spaces and hyphens do not count. Returns user_id, tenant_id and '
    'amr, {otp} (RFC 8176), for session_create(). Where the code alone is the log-in, it is one factor: mfa_required '
    'as in user_login(), with mfa_enrollment_due_at; device_token: a device that totp_verify() has trusted needs none. '
    'A row with error otherwise: invalid_grant (wrong, used before, replaced, of another purpose, or dead after '
    'otp_max_attempts of the tenant''s policy (5), however many at once), '
    'expired_token, account_locked with retry_after, where wrong codes have begun a lock by lockout_threshold and '
    'lockout_user_threshold of the policy, which are counted apart from wrong passwords; temporarily_unavailable '
    'with retry_after over auth_store.login_failures_per_network; access_denied (the user or the tenant is not '
    'active, or an administrator has locked the user). A text that can be no code does not count. 23503 for an '
    'unknown user, 22004 for a user or a purpose that is NULL. ip, user_agent: where the request came from, for the '
    'audit row.';
ALTER FUNCTION auth_store.otp_verify COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.otp_verify TO auth_store_app;

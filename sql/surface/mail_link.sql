COMMENT ON FUNCTION auth_store.magic_link_start IS
    E'Makes the token for a mail with which its reader logs in: token, user_id, mail_to and expires_at, one_time_ttl '
    'of the tenant''s policy (1 h) from now. It ends an earlier one of the user. Mail it to mail_to, the address as '
    'it is stored, and to nothing that somebody typed.\n'
    'The answer for an address that may let nobody in has the same columns: a token that leads nowhere, and NULL in '
    'user_id and mail_to. Answer the browser the same in both cases, before the mail is sent. Nobody is let in by an '
    'address of a user or a tenant that is not active, of a user whom an administrator has locked, nor by an address '
    'that nobody has proved where the user has proved another. Errors: invalid_request where email is no address, '
    'temporarily_unavailable with retry_after within mail_interval (60 s) of the last one for the address, and over '
    'mail_max_per_hour (5) or mail_max_per_day (20) of the policy, also for addresses that nobody has. 22004 for '
    'NULL. tenant_id: default the session''s; 23503 where it is unknown. ip, user_agent: where the request came '
    'from, for the audit row.';
ALTER FUNCTION auth_store.magic_link_start COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.magic_link_start TO auth_store_app;

COMMENT ON FUNCTION auth_store.magic_link_finish IS
    'Uses the token of magic_link_start(), once: the user is logged in as far as this store is concerned, and the '
    'address counts as verified. Where it is the first address of the user that is proved, what was put into the '
    'account before goes, because somebody else may have registered the address: the password with the former ones, '
    'passkeys, authenticator apps, recovery codes, linked identities, devices, one-time tokens, e-mail addresses and '
    'phone numbers that nobody has proved, consents; sessions, grants, codes, API keys and connections end. Returns '
    'user_id, tenant_id, email, and amr, {otp} (RFC 8176), for session_create(). The mail is one factor: mfa_required '
    'as in user_login(), with mfa_enrollment_due_at. device_token: a device that totp_verify() has trusted needs none. '
    'A row with error otherwise: invalid_grant (unknown, used before, replaced by a newer one, or the user has the '
    'address no longer), expired_token, access_denied (the user or the tenant is not active, an administrator has '
    'locked the user, or the user has proved another address meanwhile), email_taken where the address is another '
    'user''s by now. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.magic_link_finish COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.magic_link_finish TO auth_store_app;

COMMENT ON FUNCTION auth_store.password_reset_start IS
    'Makes the token for a mail with which its reader sets a new password: as magic_link_start(), with the same '
    'columns and errors, and the same answer for an address that may let nobody in. A lock that followed from failed '
    'attempts does not keep the mail back; that of user_lock() does. ip, user_agent: where the request came from, '
    'for the audit row.';
ALTER FUNCTION auth_store.password_reset_start COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.password_reset_start TO auth_store_app;

COMMENT ON FUNCTION auth_store.password_reset_finish IS
    'Uses the token of password_reset_start() or of email_change_undo(), once: the user has the new password, and '
    'the address counts as verified. Sessions, grants, codes and one-time tokens of the user end in the same '
    'transaction, and so does every lock that followed from failed attempts; no device of the user is known any more, '
    'and second factors are still asked for. Where it is the first address of the user that is proved, they go too, '
    'with all that magic_link_finish() names. '
    'Returns user_id, tenant_id and email; then have the user log in. A row with error otherwise: invalid_grant '
    '(unknown, used before, replaced by a newer one, or the user has the address no longer), expired_token, '
    'email_taken where the address is another user''s by now, access_denied (the user or the tenant is not active, '
    'an administrator has locked the user, or the user has proved another address meanwhile), and what '
    'password_set() says of a password; then the token is good for another one. 22004 for a new_password that is '
    'NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.password_reset_finish COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.password_reset_finish TO auth_store_app;

COMMENT ON FUNCTION auth_store.email_change_start IS
    'Begins a change of the e-mail address that is shown: two tokens, one to be mailed to each address, which live '
    'one_time_ttl of the tenant''s policy (1 h). They end those of an earlier change that is not finished. Ask for '
    'the password or a second factor before. Errors: invalid_request where new_email is no address or the present '
    'one, or the user has none (see user_name_add()); email_taken where another user of the tenant has it; '
    'access_denied where the user is not active; temporarily_unavailable with retry_after as in magic_link_start(), '
    'for either address. 23503 for an unknown user, 22004 for NULL. ip, user_agent: where the request came from, for '
    'the audit row.';
ALTER FUNCTION auth_store.email_change_start COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.email_change_start TO auth_store_app;

COMMENT ON FUNCTION auth_store.email_change_confirm IS
    E'One of the two addresses agrees to the change, in either order. After the first changed is false, and nothing '
    'has changed. After the second changed is true: the user is found by the new address, which counts as verified, '
    'and no longer by the former one; sessions, grants, codes and one-time tokens of the user end in the same '
    'transaction. Mail undo_token to undo_mail_to, the former address, then: for 7 days it takes the change back, '
    'see email_change_undo().\n'
    'session_id: the session that goes on, with its grants; NULL: none. A row with error otherwise: invalid_grant '
    '(unknown, used before, replaced by a newer one, or the user shows another address by now), expired_token, '
    'email_taken where the new address is another user''s by now, access_denied where the user is not active. ip, '
    'user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.email_change_confirm COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.email_change_confirm TO auth_store_app;

COMMENT ON FUNCTION auth_store.email_change_undo IS
    'Takes back a change of address, once, with the token that was mailed to the former address, within 7 days. The '
    'user has the former address again, and nothing that came since the change began: addresses, phone numbers, '
    'passkeys, apps, recovery codes, accounts at other providers, API keys. Sessions, grants, codes and one-time '
    'tokens end, and with them what could undo a later change. Whoever had the account may know its '
    'password: have the user set a new one with reset_token, see password_reset_finish(). A row with error '
    'otherwise: invalid_grant (unknown or used before), expired_token, email_taken where the former address is '
    'another user''s by now, which leaves the token as it is. ip, user_agent: where the request came from, for the '
    'audit row.';
ALTER FUNCTION auth_store.email_change_undo COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.email_change_undo TO auth_store_app;

COMMENT ON FUNCTION auth_store.passkey_challenge IS
    E'What a browser is to be asked for, with a new challenge, good for one answer within 5 minutes: options is what '
    'PublicKeyCredential.parseCreationOptionsFromJSON() (ceremony registration) or parseRequestOptionsFromJSON() '
    '(login, step_up) takes. The relying party is that of the tenant''s policy; 55000 where it has none.\n'
    'user_id: whose passkey it is to be. Needed for registration and step_up; for a log-in NULL lets the browser offer '
    'every passkey that it has, and a user lets it offer that user''s alone: do so only where the user has already '
    'shown another factor, because the answer says whether and which passkeys the user has. '
    'A row with error access_denied where user or tenant is not active, or where the user has no passkey to answer '
    'with; 23503 for an unknown user or tenant.\n'
    'user_name, display_name: what the authenticator shows of a new passkey, 1 to 200 characters; by default the '
    'user''s e-mail address, else the external id, else the id. tenant_id: for a log-in without user_id. '
    'ip, user_agent: for the audit row; a log-in without user_id leaves none.';
ALTER FUNCTION auth_store.passkey_challenge COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.passkey_challenge TO auth_store_app;

COMMENT ON FUNCTION auth_store.passkey_register IS
    E'Stores a new passkey of a user who has logged in (Web Authentication level 3 section 7.1). '
    'credential: what PublicKeyCredential.toJSON() of navigator.credentials.create() says, at most 64 kB. The '
    'challenge is spent, whatever the answer. Attestation is not asked for and not looked at.\n'
    'A row with an error otherwise: invalid_request (malformed), invalid_grant (the challenge is unknown, spent, '
    'expired or another user''s; another origin or relying party; no user verification where the policy requires '
    'it), unsupported_algorithm, passkey_taken (registered before), access_denied (the user is not active, or has 20 '
    'passkeys). 23503 for an unknown user, 55000 where the tenant''s policy names no relying party.\n'
    'name: what the user calls it, 1 to 200 characters. challenge: the one that the application has kept of this '
    'browser, if it keeps them: the answer must be to it. ip, user_agent: for the audit row.';
ALTER FUNCTION auth_store.passkey_register COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.passkey_register TO auth_store_app;

COMMENT ON FUNCTION auth_store.passkey_authenticate IS
    E'Who answers a challenge with a passkey (Web Authentication level 3 section 7.2): user_id and tenant_id, for '
    'session_create() or a step-up, with amr (RFC 8176: hwk for a passkey of one device, swk for one that may be '
    'copied; user; mfa where the authenticator has verified its user). mfa_required, at a log-in without user_id: a '
    'passkey that has verified its user is both factors; any other is one, beside which a code or the password counts '
    'where the user has them and the policy asks for two. device_token: a device that totp_verify() has trusted needs '
    'one. '
    'credential: what PublicKeyCredential.toJSON() of navigator.credentials.get() says, at most 64 kB. The challenge '
    'is spent, whatever the answer.\n'
    'A row with ok = false otherwise: invalid_request (malformed), invalid_grant (a challenge that does not wait; '
    'another origin or relying party; no user verification where the policy requires it), invalid_credentials (a '
    'passkey that is unknown, another user''s or has not signed, with one text), access_denied (the user is not '
    'active), account_locked (by an administrator, until locked_until; a lock after failed attempts does not count). '
    'A counter that is not higher than the last is refused and recorded as passkey_clone_suspected; the passkey '
    'lives.\n'
    'ceremony: login or step_up, as asked of passkey_challenge(). user_id: who must answer; needed for step_up. '
    'challenge: the one that the application has kept of this browser, if it keeps them. tenant_id: for a log-in '
    'without user_id, as in passkey_challenge(). ip, user_agent: for the audit row. '
    '23503 for an unknown user or tenant, 55000 where the tenant''s policy names no relying party.';
ALTER FUNCTION auth_store.passkey_authenticate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.passkey_authenticate TO auth_store_app;

COMMENT ON FUNCTION auth_store.passkey_list IS
    'The passkeys of a user, the newest first. No row for an unknown user. Read-only, also on a standby. '
    '22004 for NULL.';
ALTER FUNCTION auth_store.passkey_list COST 5000 ROWS 5;
GRANT EXECUTE ON FUNCTION auth_store.passkey_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.passkey_rename IS
    'Gives a passkey of a user another name, 1 to 200 characters; returns true. 23503 where the user has no such '
    'passkey, 22004 for NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.passkey_rename COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.passkey_rename TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.passkey_remove IS
    E'Removes a passkey of a user, ends the user''s sessions with their grants, all but except_session_id, and the '
    'one-time tokens, and trusts no device any more: who removes a passkey may have lost the device. A row with error '
    'last_factor, and nothing has changed, where it is the user''s only second factor: last => true removes it all the '
    'same, and the recovery codes with it, unless the tenant''s policy requires a factor. '
    '23503 where the user has no such passkey or session, 22004 for a NULL user_id or passkey_id. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.passkey_remove COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.passkey_remove TO auth_store_app, auth_store_admin;

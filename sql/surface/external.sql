COMMENT ON FUNCTION auth_store.identity_login IS
    E'Logs a user in who has come back from another provider, in one call: the user of this account there; else, where '
    'that is asked for, the user with the address, who is linked to it; else a new user. Returns user_id, and whether '
    'the user was created and the account linked. The application has checked what the provider says '
    '(the ID token), and makes a session next.\n'
    'The account is one factor: mfa_required as in user_login(), with mfa_enrollment_due_at; then there is no session '
    'before totp_verify(), recovery_code_use() or passkey_authenticate(). device_token: a device that totp_verify() '
    'has trusted needs none.\n'
    'provider: a short name as google; before it sso: for the single sign-on of an organisation. subject: the '
    'account''s id there (OpenID Connect sub), 1 to 1024 bytes. email, email_verified: as the provider says; what is '
    'no address counts as none. profile: what else it says, a JSON object of at most 64 kB; NULL: as before. '
    'link_by_email: NULL is identity_link_by_email of tenant_policy(). It needs an address that both sides have '
    'verified, of an active user, and single sign-on on neither side; what was put into the account before the '
    'address was proved goes then, as in magic_link_finish(). '
    'Errors: email_taken where another user has the address and is not linked, access_denied where the user or the '
    'tenant is not active, account_locked where an administrator has locked the user, until locked_until. Any number '
    'of calls at once make one user. With auth_store.sharded on, the id of a new user has the bucket of the account; '
    '55000 where the account is claimed for a user of another shard, and for a new user with an address of another '
    'bucket: docs/how-to/shards_users.md has the steps. '
    'tenant_id: default the session''s; 23503 where it is unknown. '
    '22004 and 22023 for a provider or subject that is none. ip, user_agent: where the request came from, for the '
    'audit row.';
ALTER FUNCTION auth_store.identity_login COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.identity_login TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.identity_link IS
    'Lets a user, who is logged in, log in with an account at another provider too. provider, subject, email, '
    'email_verified and profile as in identity_login(). No error where the account is the user''s already: then it '
    'notes what the provider says now. Errors: identity_taken where another user of the tenant logs in with it. '
    '23503 for an unknown user. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.identity_link COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.identity_link TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.identity_unlink IS
    'Takes an account at another provider away from a user. Errors: last_credential where the user has no password '
    'and no other account to log in with, unless allow_last is true: for users who log in by something that the store '
    'does not know of. 23503 for an unknown user, or an account that is not the user''s. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.identity_unlink COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.identity_unlink TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.identity_find IS
    'The user of an account at another provider, and what the provider said last; no row where nobody logs in with it. '
    'tenant_id: default the session''s. Read-only, also on a standby. 22004 and 22023 for a provider or subject that '
    'is none.';
ALTER FUNCTION auth_store.identity_find COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.identity_find TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.identity_list IS
    'The accounts at other providers that a user logs in with, the oldest link first; no row for an unknown user. '
    'Read-only, also on a standby. 22004 for NULL.';
ALTER FUNCTION auth_store.identity_list COST 1000 ROWS 2;
GRANT EXECUTE ON FUNCTION auth_store.identity_list TO auth_store_app, auth_store_admin;

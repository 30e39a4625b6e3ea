COMMENT ON FUNCTION auth_store.invitation_create IS
    E'Makes the token (asot_) for the mail that invites somebody into a tenant with a role: token, mail_to and '
    'expires_at. It ends an earlier one for the same address. A row with error otherwise: invalid_request (no e-mail '
    'address), access_denied (the tenant is not active), temporarily_unavailable with retry_after within mail_interval '
    'of the last one for the address, and over mail_max_per_hour or mail_max_per_day of the tenant''s policy.\n'
    'role: one of the tenant''s, 23503 where unknown. tenant_id: default the session''s, 23503. expires_at: a time to '
    'come (22023), default invitation_ttl of the policy from now. invited_by: the user who invites, who gives the role '
    'then; 23503 where unknown. Whether that user may is for the application to ask. 22004 for NULL. ip, user_agent: '
    'where the request came from, for the audit row.';
ALTER FUNCTION auth_store.invitation_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.invitation_create TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.invitation_show IS
    'What an invitation is, for the page that the link in the mail opens: tenant, address, role, who invites. It uses '
    'nothing, so a program that follows the links of a mail harms nobody. A row with error otherwise: invalid_grant '
    '(unknown, used, revoked or replaced), expired_token. Read-only, also on a standby.';
ALTER FUNCTION auth_store.invitation_show COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.invitation_show TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.invitation_accept IS
    E'Uses an invitation, once: the user gets the role in the tenant, whatever tenant the user is of. Returns user_id, '
    'tenant_id and role, or a row with error: invalid_grant (unknown, used, revoked, replaced, or the tenant has the '
    'role no longer), expired_token, access_denied (the user or the tenant is not active, or the user has not proved '
    'the address that was invited).\n'
    'any_address: true lets in a user of another address too, as where whoever has the link is meant. Accepting proves '
    'no address (see email_verification_start()) and logs nobody in: user_id is who has logged in. 23503 for an '
    'unknown user, 22004 for NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.invitation_accept COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.invitation_accept TO auth_store_app;

COMMENT ON FUNCTION auth_store.invitation_list IS
    'The invitations of a tenant that wait, in the order in which they were made. after: the invitation_id that the '
    'page before ended with. max_rows: 1 to 1000 (22023), default 100. tenant_id: default the session''s; 23503 where '
    'it is unknown. Read-only, also on a standby.';
ALTER FUNCTION auth_store.invitation_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.invitation_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.invitation_revoke IS
    'Takes an invitation back; false where none of this id waits. reason: at most 1000 characters, for the audit row. '
    '22004 for NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.invitation_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.invitation_revoke TO auth_store_app, auth_store_admin;

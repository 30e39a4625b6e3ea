COMMENT ON FUNCTION auth_store.consent_record IS
    E'Remembers that a user has agreed to a scope of a client. '
    'It adds to what the user agreed to before; a scope token that is there already gets the new end. '
    'Returns the scope that was recorded, or a row with error: invalid_scope, invalid_target (more than the client '
    'may have), unauthorized_client, access_denied (client or user not active).\n'
    'scope: NULL for all of the client''s. resource: the resource indicators (RFC 8707) it is for; NULL for all. '
    'Empty ones count as NULL, as in code_issue(). expires_at: a time to come (22023), NULL: until revoked. '
    '23503 for an unknown user or client, or where they are not of one tenant; 22004 for NULL.';
ALTER FUNCTION auth_store.consent_record COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.consent_record TO auth_store_app;

COMMENT ON FUNCTION auth_store.consent_check IS
    'Whether a user has agreed to all of a scope of a client, so that the authorization endpoint need not ask; '
    'missing_scope is what to ask for. '
    'A consent without a resource is for all resources, one with a resource for that one. '
    'scope: NULL for all of the client''s, and so an empty one, as in code_issue(). '
    'A row with error invalid_scope or invalid_target where the client may not have it. '
    '23503 for an unknown user or client, 22004 for NULL. Read-only, also on a standby.';
ALTER FUNCTION auth_store.consent_check COST 5000;
GRANT EXECUTE ON FUNCTION auth_store.consent_check TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.consent_revoke IS
    'Forgets what a user has agreed to with a client, and ends the user''s grants of that client with every token of '
    'them: also those of a log-in that is under way, and codes not yet redeemed. Returns the number of grants. '
    '23503 for an unknown user or client, 22004 for NULL. reason: 1 to 1000 characters; NULL is consent_revoked. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.consent_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.consent_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_applications IS
    'The clients that a user has agreed to, or that have live grants of the user: one row a client. '
    'scope: what was agreed to and what the grants have, together. consented: whether any consent is remembered. '
    'first_granted_at, last_granted_at: of consents and live grants. '
    'last_used_at: the last log-in or refresh of a live grant. No row for an unknown user. '
    'Read-only, also on a standby. 22004 for NULL.';
ALTER FUNCTION auth_store.user_applications COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.user_applications TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.grant_revoke IS
    E'Ends a grant with every token of it; true, or false where it had ended before. '
    '23503 for an unknown grant, 22004 for NULL. reason: 1 to 1000 characters; NULL is revoked.\n'
    'user_id: whose grant it must be, for an id that a browser sent: another user''s, or one of a client in its own '
    'name, is answered as an unknown one. '
    'NULL, an explicit one too, is not compared, so the caller must see that it has one. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.grant_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.grant_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_grants_revoke IS
    'Ends the live grants of a user, of one client or, with client_id NULL, of all; returns how many. '
    'Those of a log-in that is under way are waited for and ended too, and codes not yet redeemed are withdrawn. '
    '23503 for an unknown user or client, 22004 for a NULL user_id. '
    'reason: 1 to 1000 characters, else 22023; NULL is revoked. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_grants_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_grants_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.client_grants_revoke IS
    'Ends the live grants of a client; returns how many. 23503 for an unknown client, 22004 for NULL. '
    'reason: 1 to 1000 characters, else 22023; NULL is revoked. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.client_grants_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.client_grants_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.developer_client_create IS
    'Registers a client that belongs to a user, as a developer portal does. metadata: a JSON object by the names of '
    'RFC 7591 section 2 and OpenID Connect Registration section 2, within what the issuer of the user''s tenant gives '
    'to clients: its scope, its types of authorization details, its profile. What the store does not know is dropped. '
    'Returns client_id and, where the client authenticates with one, client_secret: this once, the store keeps a '
    'digest. Or error: invalid_redirect_uri or invalid_client_metadata with the member in error_description, '
    'access_denied for more than 100 clients of a user. owner_id: the user; default the principal of the transaction, '
    'see authenticate(), and 42501 for another one than that; 22004 where there is neither, 23503 for one who is not '
    'active. 55000 where the tenant has no issuer.';
ALTER FUNCTION auth_store.developer_client_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.developer_client_create TO auth_store_developer, auth_store_admin;

COMMENT ON FUNCTION auth_store.developer_client_update IS
    'Changes a client of a user. changes: a JSON object as the metadata of developer_client_create(); a member that it '
    'lacks stays, null takes it away. What an administrator has set beside it stays too. Public and confidential are '
    'for life. Returns client_id, and client_secret where the client now needs one that it did not have; or error as '
    'developer_client_create(). owner_id: as there. 23503 for a client that is not the user''s.';
ALTER FUNCTION auth_store.developer_client_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.developer_client_update TO auth_store_developer, auth_store_admin;

COMMENT ON FUNCTION auth_store.developer_client_secret_rotate IS
    'Makes a new secret of a user''s client and returns it, this once, as client_secret_rotate(). overlap: how long '
    'the others still work, 0 (default) to 365 days. owner_id: as for developer_client_create(). 23503 for a client '
    'that is not the user''s, 55000 for one without a secret.';
ALTER FUNCTION auth_store.developer_client_secret_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.developer_client_secret_rotate TO auth_store_developer, auth_store_admin;

COMMENT ON FUNCTION auth_store.developer_client_delete IS
    'Deletes a client of a user with everything it has, as client_delete(). owner_id: as for '
    'developer_client_create(). 23503 for a client that is not the user''s. Returns true: what can''t be done is an '
    'error.';
ALTER FUNCTION auth_store.developer_client_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.developer_client_delete TO auth_store_developer, auth_store_admin;

COMMENT ON FUNCTION auth_store.developer_client_list IS
    'The clients of a user, without secrets, in the order of their ids. owner_id: as for developer_client_create(). '
    'Read-only, also on a standby.';
ALTER FUNCTION auth_store.developer_client_list COST 10000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.developer_client_list TO auth_store_developer, auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_create IS
    'Makes a tenant and returns its id. id: 1 to 63 letters, digits and . _ -, the first a letter or digit. '
    'display_name: at most 200 characters, default the id. '
    'settings: a JSON object of at most 64 kB that the application keeps with the tenant. '
    'redirect_uri_schemes: at most 50 private-use schemes without a dot, in lower case and without the colon '
    '(vscode), that redirect URIs of its clients may have; none that a browser opens itself, as http, javascript, '
    'data, file, blob, vbscript or about (22023). 23505 where it exists; 42501 in a session pinned to another tenant.';
ALTER FUNCTION auth_store.tenant_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_create TO auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_update IS
    'Changes display_name, settings and redirect_uri_schemes of a tenant; NULL leaves them. '
    'settings replaces the whole object, redirect_uri_schemes the whole list, as in tenant_create(); a redirect URI '
    'that is registered stays so. 23503 for an unknown tenant. Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.tenant_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_update TO auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_set_status IS
    'Sets a tenant active or suspended. While it is suspended no client of it works and no token or API key of it is '
    'active, from the commit on; active brings back what has not ended meanwhile. reason: at most 1000 characters. '
    '23503 for an unknown tenant, 22023 for another status. Returns true: what can''t be done is an error.';
ALTER FUNCTION auth_store.tenant_set_status COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_set_status TO auth_store_admin;

COMMENT ON FUNCTION auth_store.tenant_erase IS
    'Deletes a tenant with all it has: codes, device codes, pushed requests, sessions, consents, grants, tokens, API '
    'keys, JWT ids, connections to providers, roles, users, clients, secrets, rate limits, audit trail; leaves one '
    'audit row, tenant.erased. confirm must be the id once more (22023). '
    'The tenant default cannot be erased (55000); 23503 for an unknown one. Returns the number of rows deleted. '
    'One transaction, so for a large tenant a long one.';
ALTER FUNCTION auth_store.tenant_erase COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.tenant_erase TO auth_store_admin;

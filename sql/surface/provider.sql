COMMENT ON FUNCTION auth_store.provider_register IS
    'Registers a provider for the connections of all tenants, or changes it; all of it is replaced. aws, azure, '
    'cloudflare, gcp, github, google, microsoft, netlify, vercel and zapier are known without; registering one of them '
    'replaces what is known. name: 1 to 63 of a-z 0-9 . _ -, the first a letter or digit. display_name: NULL is the '
    'name. The endpoints: https URLs of at most 2048 bytes without user name, password and fragment. metadata: a JSON '
    'object of at most 64 kB, no secret. 22004 for a NULL name, 22023 for what does not fit, 42501 in a session pinned '
    'to one tenant.';
ALTER FUNCTION auth_store.provider_register COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.provider_register TO auth_store_admin;

COMMENT ON FUNCTION auth_store.provider_list IS
    'The providers by name: those registered, and those that every store knows. Where '
    'auth_store.allow_unknown_providers is off, connections are to these alone. Read-only, also on a standby.';
ALTER FUNCTION auth_store.provider_list COST 5000 ROWS 20;
GRANT EXECUTE ON FUNCTION auth_store.provider_list
    TO auth_store_app, auth_store_admin, auth_store_auditor, auth_store_worker;

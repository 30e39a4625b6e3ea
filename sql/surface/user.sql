COMMENT ON FUNCTION auth_store.user_create IS
    'Registers an end user. Returns user_id, or a row with error: email_taken where another user of the tenant has '
    'the address (its local part compared in NFC and lower case of Unicode, its domain in ASCII by UTS 46, whatever '
    'the collation of the database), invalid_request where it is no address. '
    'id: any uuid, default a new one; external_id: the user''s key in the application''s own table, 1 to 255 bytes; '
    '23505 where either exists. first_name, last_name: at most 200 characters. '
    'metadata: a JSON object of at most 64 kB, as jsonb, json or text (22P02 for a text that is no JSON); 22023 for a '
    'value of another type. password: not supported by this version (0A000). '
    'tenant_id: default the session''s; 23503 where it is unknown. Everything may be NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_create TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_ensure IS
    'The id of the user with this external_id, who is made where there is none: for applications with their own table '
    'of users. Any number of sessions may call it at once; all get the same id. Says nothing of the user''s status. '
    'external_id: 1 to 255 bytes (22023), 22004 for NULL. 23503 for an unknown tenant. '
    'ip, user_agent: where the request came from, for the audit row of one who is made.';
ALTER FUNCTION auth_store.user_ensure COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_ensure TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_get IS
    'The user with this id, without credentials; no row for an unknown id. Read-only, also on a standby. '
    '22004 for NULL.';
ALTER FUNCTION auth_store.user_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.user_get TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

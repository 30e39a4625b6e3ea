COMMENT ON FUNCTION auth_store.user_create IS
    'Registers an end user. Returns user_id, or a row with error: email_taken where another user of the tenant has '
    'the address (its local part compared in NFC and lower case of Unicode, its domain in ASCII by UTS 46, whatever '
    'the collation of the database), invalid_request where it is no address. '
    'id: any uuid, default a new one; external_id: the user''s key in the application''s own table, 1 to 255 bytes; '
    '23505 where either exists. Both names find the user, see user_find(). '
    'first_name, last_name: at most 200 characters. '
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

COMMENT ON FUNCTION auth_store.user_find IS
    'The user of the tenant who has this name; no row where nobody has. It is found in every spelling of the name. '
    'kind: email, external, phone or username (22023); NULL, for what a person typed: phone where it begins with +, '
    'email where it has an @, else username. tenant_id: default the session''s. Says nothing of whether the user may '
    'log in: see status. Read-only, also on a standby. 22004 for a name that is NULL.';
ALTER FUNCTION auth_store.user_find COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.user_find TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_name_add IS
    'Gives a user a name to be found by; of each kind a user may have any number. kind: email, external, phone or '
    'username (22023). name: of a phone + and 7 to 15 digits (E.164), spaces, hyphens, dots, slashes and parentheses '
    'do not count; of a username 1 to 64 letters and digits of any script with single dots, underscores and hyphens '
    'between them, compared in NFC and by case folding; of external 1 to 255 bytes, compared as given (22023); of an '
    'e-mail address as in user_create(). Errors: email_taken or name_taken where another user of the tenant has it, '
    'invalid_request where it is no name of that kind. No error where it is the user''s already. The first e-mail '
    'address and the first external key of a user are shown with the user. 23503 for an unknown user. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_name_add COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_name_add TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_name_remove IS
    'Takes a name away from a user; false where the user has no such name, in whatever spelling. It is free for '
    'others then. Where it is the e-mail address or external key that is shown with the user, the oldest other one '
    'is shown, and no address counts as verified. A user may be left without a name. kind: email, external, phone or '
    'username (22023). 23503 for an unknown user. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_name_remove COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_name_remove TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_name_list IS
    'The names of a user, by kind, the oldest first; no row for an unknown user. Read-only, also on a standby. '
    '22004 for NULL.';
ALTER FUNCTION auth_store.user_name_list COST 1000 ROWS 5;
GRANT EXECUTE ON FUNCTION auth_store.user_name_list TO auth_store_app, auth_store_admin;

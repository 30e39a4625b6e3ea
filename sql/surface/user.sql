COMMENT ON FUNCTION auth_store.user_create_anonymous IS
    'Makes a user whom nobody knows yet, for a first visit; returns the id. Sessions, grants and keys are as any '
    'user''s. The first name, password, passkey or account at a provider makes it a user like others, with the same '
    'id and all it has. Cleanup deletes an anonymous user who is older than anonymous_ttl of tenant_policy() (30 days) '
    'and has no session, grant or API key that lives. metadata: a JSON object of at most 64 kB. '
    'id: the id that the user gets; 23505 where a user has it, and 55000 for NULL where auth_store.sharded is on, '
    'because the bucket of one that is drawn may be another shard''s: user_id_new() of a random name. '
    'tenant_id: default the session''s; 23503 where it is unknown. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_create_anonymous COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_create_anonymous TO auth_store_app, auth_store_admin;

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
    'is shown. A user may be left without a name. kind: email, external, phone or username '
    '(22023). 23503 for an unknown user. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_name_remove COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_name_remove TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_name_list IS
    'The names of a user, by kind, the oldest first; no row for an unknown user. Read-only, also on a standby. '
    '22004 for NULL.';
ALTER FUNCTION auth_store.user_name_list COST 1000 ROWS 5;
GRANT EXECUTE ON FUNCTION auth_store.user_name_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_update IS
    'Changes what changes, a JSON object, names: email, email_verified (true or false), external_id, first_name, '
    'last_name, metadata (as a whole); null empties a member. Another key is refused with 22023, and so is a value out '
    'of the bounds of user_create(). A new address or external key takes the place of the one that is shown: the '
    'user gets the name, and the former one is free for others then; with null the oldest other one is shown. An '
    'address that nobody has proved is not verified unless email_verified says so. Errors: email_taken where another '
    'user of the tenant has the address, invalid_request where it is none; then nothing has changed. 23505 where '
    'another user has the external key, 23503 for an unknown user. Other names: user_name_add(). '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_update COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_update TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_set_status IS
    'Makes a user active, inactive, suspended or deleted (22023). reason: why, at most 1000 characters. '
    'With any status but active the user''s sessions and grants end in the same transaction, with their tokens and '
    'with codes that were not redeemed, and nothing more is issued; API keys do not work until the user is active '
    'again. A log-in that is under way is waited for and ended. A deleted user keeps row and names, so that nobody '
    'else gets the names. 23503 for an unknown user. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_set_status COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_set_status TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_list IS
    'The users of a tenant in the order of their ids, which is that of their making, max_rows at a time (1 to 1000), '
    'behind the user with the id after: NULL for the first page, then the last user_id of the page before. '
    'status: only users of this status (22023); metadata: only those whose metadata contains this object. '
    'tenant_id: default the session''s. Read-only, also on a standby.';
ALTER FUNCTION auth_store.user_list COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.user_list TO auth_store_admin;

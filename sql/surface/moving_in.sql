COMMENT ON FUNCTION auth_store.users_import IS
    'Moves users in from another store: an array of at most 1000 objects and 16 MB, one row each in its order, with '
    'error where one was not taken; the others are. Each object has any of id, external_id, email, email_verified, '
    'username, phone, first_name, last_name, metadata, password (an object with the arguments of password_import(): '
    'password_hash, format, normalization, pepper, parameters), must_change, totp (an object with those of '
    'totp_import(): secret, label, algorithm, digits, period), identities (an array of objects with arguments of '
    'identity_link(): provider, subject, email, email_verified) and roles (names of roles of the tenant). '
    'A user who is there already, found by external_id, or by id where there is none, keeps names and password and '
    'gets what is missing of password, totp, identities and roles: the same call can be made again. A user with an '
    'account by which another user logs in is not taken (identity_taken). error_description says what is wrong without '
    'any value. 22023 for what is no such array, 23503 for an unknown tenant. '
    'tenant_id: default the session''s. ip, user_agent: where the request came from, for the audit rows. '
    'See docs/how-to/moving_users_in.md.';
ALTER FUNCTION auth_store.users_import COST 100000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.users_import TO auth_store_admin;

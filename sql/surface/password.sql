COMMENT ON FUNCTION auth_store.password_hash IS
    'The hash of a password as a PHC string (argon2id, with the costs of auth_store.password_memory, password_passes '
    'and password_lanes), for programs that keep it themselves. The store''s own functions take the password. '
    'password: 8 to 1024 characters, at most 4096 bytes (22023); prepared by RFC 8265 (OpaqueString: NFC, spaces '
    'kept). 55000 where too many passwords are hashed at the time. No pepper goes in. Works on a standby.';
ALTER FUNCTION auth_store.password_hash COST 1000000;
GRANT EXECUTE ON FUNCTION auth_store.password_hash TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.password_set IS
    'Gives a user a password, in place of the one that the user may have. Whoever calls it has made sure of who asks: '
    'the user''s own way is password_change(). '
    'password: 8 to 1024 characters, at most 4096 bytes, no control and no invisible characters (RFC 8265, '
    'OpaqueString: compared in NFC, spaces kept); error password_rejected, with what to do in error_description, '
    'where it is none or breaks a rule of tenant_policy(), see password_check(). '
    'revoke_sessions: whether the user''s sessions and grants end in the '
    'same transaction, with their tokens and unredeemed codes (default true). must_change: whether the user must '
    'choose another one at the next log-in (default false). Error temporarily_unavailable with retry_after where too '
    'many passwords are hashed at the time, see auth_store.password_hashes_at_once. 23503 for an unknown user. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.password_set COST 1000000;
GRANT EXECUTE ON FUNCTION auth_store.password_set TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.password_change IS
    'Changes the password of a user who gives the present one, and ends the user''s sessions and grants in the same '
    'transaction, but for the session session_id and the grants that were made in it. Error invalid_grant where the '
    'old password is wrong, where the user has none, or where another call has changed it meanwhile; other errors and '
    'the new password as in password_set(). A wrong old password counts as in user_login(), for the network alone that '
    'it came from and for all together; error account_locked with retry_after after too many. '
    '23503 for an unknown user. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.password_change COST 1000000;
GRANT EXECUTE ON FUNCTION auth_store.password_change TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.password_verify IS
    'Whether a password is the user''s: ok, or error invalid_grant, also for an unknown user and for one without a '
    'password, which takes as long. It says nothing of the user''s status and counts no tries: a log-in is '
    'user_login(). must_change: whether the user has to choose another one. A right password with the hash of another '
    'store, or of other costs or another pepper than the settings say, gets a new hash in the same transaction, unless '
    'bcrypt saw only its first 72 bytes. No row is locked while it hashes. Error temporarily_unavailable with '
    'retry_after where too many passwords are hashed at the time. Works on a standby and in a read-only transaction, '
    'where it writes nothing. 22004 for NULL. ip, user_agent: where the request came from, for the audit row of a '
    'refusal.';
ALTER FUNCTION auth_store.password_verify COST 1000000;
GRANT EXECUTE ON FUNCTION auth_store.password_verify TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_create IS
    'Registers an end user. Returns user_id, or a row with error: email_taken where another user of the tenant has '
    'the address (its local part compared in NFC and lower case of Unicode, its domain in ASCII by UTS 46, whatever '
    'the collation of the database), invalid_request where it is no address. '
    'id: any uuid, default a new one; external_id: the user''s key in the application''s own table, 1 to 255 bytes; '
    '23505 where either exists. Both names find the user, see user_find(). '
    'first_name, last_name: at most 200 characters. '
    'metadata: a JSON object of at most 64 kB, as jsonb, json or text (22P02 for a text that is no JSON); 22023 for a '
    'value of another type. password: as in password_set(), with its errors; NULL: the user has none. '
    'tenant_id: default the session''s; 23503 where it is unknown. Everything may be NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_create TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.password_check IS
    'Says whether a new password would be accepted, for a form: by the rules of the tenant, see tenant_policy(), but '
    'for the user''s former passwords. user_id: whose names the password must not be like; names: at most 20 more, of '
    'at most 255 bytes each, as the form has them before the user exists. tenant_id: default the user''s, then the '
    'session''s. Returns ok, the score of zxcvbn (0 to 4), reasons (too_long, character, too_short, similar, common, '
    'breached, guessable), zxcvbn''s warning and suggestions in English, and the error that a call which sets the '
    'password would answer: password_rejected, with what to do about each reason in error_description. NULL is an '
    'empty password. Nothing is kept or recorded. 23503 for an unknown user or tenant. Also on a standby.';
ALTER FUNCTION auth_store.password_check COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.password_check TO auth_store_app;

COMMENT ON FUNCTION auth_store.password_import IS
    'Gives a user the password of which another store has this hash, so that the user logs in with the password that '
    'is there; the first log-in that is right makes a new hash (argon2id) of it. '
    'password_hash: the text as the other store keeps it, at most 16 kB; a JSON object where it keeps several columns. '
    'format: argon2, bcrypt, phc-scrypt, crypt, passlib, django, werkzeug, better-auth, lucia-legacy, wordpress, '
    'phpass, aspnet, firebase, spring, spring-pbkdf2-v5_8, spring-pbkdf2-v5_5, spring-pbkdf2, spring-scrypt, '
    'keycloak, kratos, mattermost, gitea, grafana, discourse, nextcloud, '
    'passport-local-mongoose or scram-sha-256; auto for a text that says what it is, and refuses one '
    'that several stores write, with their names in the hint. '
    'normalization: the normal form in which the other store hashes, none, NFC, NFKC or SASLprep; NULL: the one that '
    'is usual with the format. pepper: a secret of the other store, one for all its users, that is not in the text; '
    'it is kept sealed by the vault, which needs a master key then (55000). parameters: what else is not in the text, '
    'a JSON object. must_change: whether the user must choose another password (default false). '
    '22023 for a text that is no such hash, for one that costs too much to verify, and for a fast digest, with what to '
    'do about it in the hint. A user who has a password gets this one in its place, and sessions and grants end as '
    'with password_set(). 23503 for an unknown user. '
    'ip, user_agent: where the request came from, for the audit row. See docs/how-to/moving_users_in.md.';
ALTER FUNCTION auth_store.password_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.password_import TO auth_store_admin;

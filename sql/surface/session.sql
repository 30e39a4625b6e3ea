COMMENT ON FUNCTION auth_store.session_create IS
    E'Makes a session of a user who has just logged in, and returns its token, this once: the store keeps a digest. '
    'expires_at is its absolute end. A row with error access_denied where the user or the tenant is not active; '
    '23503 for an unknown user, 22004 for NULL. '
    'Where the user has auth_store.max_sessions_per_user live sessions the oldest end, with their grants.\n'
    'ttl: 1 s to 3650 d, default auth_store.session_ttl (30 d). '
    'idle_ttl: how long it lives unused, 2 min to 3650 d, default auth_store.session_idle_ttl (24 h). '
    'acr: at most 200 characters; amr: at most 20 texts of 255 bytes; metadata: a JSON object of at most 64 kB; all '
    'come back with session_validate(). ip and user_agent (cut after 512 characters) are for session_list().';
ALTER FUNCTION auth_store.session_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_create TO auth_store_app;

COMMENT ON FUNCTION auth_store.session_validate IS
    'Whether a session token is valid: its session has neither expired nor ended, and its user and tenant are active. '
    'Otherwise valid = false with error invalid_token, and everything else NULL; error_description says more to who '
    'holds the right token. expires_at is the absolute end, idle_expires_at where it ends unless it is touched. '
    'Read-only, also on a standby; it does not count as a use.';
ALTER FUNCTION auth_store.session_validate COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.session_validate TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.session_validate_many IS
    'session_validate() of many session tokens at once: a row for each element of session_tokens, in their order and '
    'with its number n, from 1 on; valid = false for an element that is NULL. '
    'At most 10,000 elements (22023); 22004 for NULL in place of the array. '
    'Read-only, also on a standby; it does not count as a use.';
ALTER FUNCTION auth_store.session_validate_many COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.session_validate_many TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.session_touch IS
    'session_validate() that counts as a use: at most once a minute it writes last_seen_at and moves the idle end '
    'ahead. So a session may end up to a minute before it has been unused for its idle_ttl. '
    'ip, user_agent: where the user is now; NULL keeps what is known. '
    'An audit row, session.touched, only where the network has changed.';
ALTER FUNCTION auth_store.session_touch COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_touch TO auth_store_app;

COMMENT ON FUNCTION auth_store.session_rotate IS
    'Replaces the token of a session, and with it what the user has proved: after a log-in, a second factor, a change '
    'of privileges. '
    'The old token is invalid from the commit on, session_id and the absolute end stay, and the idle end moves ahead. '
    'acr, amr: NULL keeps them. Of two rotations of one token one succeeds. A row with error invalid_token otherwise, '
    'or access_denied for acr or amr in a session of user_impersonate().';
ALTER FUNCTION auth_store.session_rotate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_rotate TO auth_store_app;

COMMENT ON FUNCTION auth_store.session_elevate IS
    'session_rotate() after a step-up (RFC 9470): the user of the session was authenticated again, by a password, a '
    'second factor or a passkey. auth_time becomes now, acr the given one (NULL keeps it), and the methods amr are '
    'added to those before, of which 20 are kept. The session has a new token from the commit on, as after every '
    'change of privileges; session_id and the absolute end stay. Whether the proof was good the caller must know: from '
    'totp_verify(), say. Of two step-ups with one token one succeeds. A row with error invalid_token otherwise, or '
    'access_denied for a session of user_impersonate(), whose token stays good: who acts has proved nothing of the '
    'user. acr: at most 200 characters; amr: at most 20 texts of 255 bytes (22023).';
ALTER FUNCTION auth_store.session_elevate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_elevate TO auth_store_app;

COMMENT ON FUNCTION auth_store.session_revoke IS
    E'Ends a session with every grant that was made in it; true, or false where it had ended before. '
    'A log-in to a client that is under way in it is waited for and ended too. '
    '23503 for an unknown session (one that ended more than a day ago may be), 22004 for NULL. '
    'reason: 1 to 1000 characters; NULL is revoked.\n'
    'user_id: whose session it must be, for an id that a browser sent: another user''s is answered as an unknown '
    'one, at once. NULL, an explicit one too, is not compared, so the caller must see that it has one. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.session_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.session_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_sessions_revoke IS
    'Ends the sessions of a user with every grant that was made in them, all or all but except_session_id, and those '
    'in which the user acts as another; returns how many sessions. '
    '23503 for an unknown user, and where except_session_id is no session of the user; 22004 for a NULL user_id. '
    'reason: 1 to 1000 characters; NULL is revoked. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_sessions_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_sessions_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.session_list IS
    'The sessions of a user, the newest first, with device and network of the last touch. '
    'status: active, expired (by itself) or ended (by somebody: ended_at, ended_reason); the latter two are kept for '
    'a day. No row for an unknown user. Read-only, also on a standby. 22004 for NULL.';
ALTER FUNCTION auth_store.session_list COST 5000 ROWS 50;
GRANT EXECUTE ON FUNCTION auth_store.session_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_login IS
    E'Whether this is the password of the user with this name, and what is next. ok: user_id, then mfa_required: a '
    'second factor is to be verified before session_create(), by the tenant''s policy, or to be enrolled first where '
    'the user has none: then mfa_enrollment_due_at is past. While it is ahead, the user is to enroll one until then; '
    'NULL: nothing is due. must_change_password: a new one is to be chosen; '
    'email_verified; new_device: neither device_token nor network and user agent are known. No session is made. '
    'Otherwise an error: invalid_credentials, also where nobody has the name, the user or the tenant is not active, '
    'or a lock is not told; account_locked, told to who gave the right password, to all with show_locked in the '
    'tenant''s policy: failed attempts or user_lock() keep the user out, locked_until and retry_after say for how long '
    '(retry_after NULL and locked_until infinity: until user_unlock()); temporarily_unavailable: too many failures '
    'under this name or from this network, or too many passwords are being hashed: retry_after seconds later.\n'
    'Failures are counted for the network, a /24 of IPv4 or a /56 of IPv6, and with a higher limit for all networks: '
    'lockout_threshold, lockout_user_threshold, lockout_duration and lockout_max of tenant_policy(). Without ip all '
    'networks are one. With the token of a device that the user has logged in with they count for that device alone, '
    'so that others'' failures do not lock it out. A good log-in forgets the failures of its network.\n'
    'email: the name that was typed, in any spelling. kind: email, external, phone or username (22023); NULL: phone '
    'where it begins with +, email where it has an @, else username. password: NULL and the empty text are wrong ones. '
    'device_token: from the cookie of the browser; anything else counts as none. remember_device: gives a browser '
    'without one a device_token, to be kept in a cookie as long as auth_store.device_retention. tenant_id: default the '
    'session''s; 23503 where it is unknown. 22004 for an email that is NULL. ip, user_agent: where the request came '
    'from. Call it in a transaction of its own, or commit whatever it answers: a rollback takes the count back.';
ALTER FUNCTION auth_store.user_login COST 1000000;
GRANT EXECUTE ON FUNCTION auth_store.user_login TO auth_store_app;

COMMENT ON FUNCTION auth_store.user_lock IS
    'Keeps a user from logging in until a time, NULL: until user_unlock(). No password, second factor, reset or known '
    'device gets through, and no session is made. Sessions and grants that are there go on: user_end() ends them. A '
    'log-in that is under way is waited for. A second call takes the place of the first. '
    'until: a time that is not past (22023). reason: at most 1000 characters. Returns true; 23503 for an unknown user, '
    '22004 for NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_lock COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_lock TO auth_store_admin;

COMMENT ON FUNCTION auth_store.user_unlock IS
    'Ends the lock of user_lock() and every lock that followed from failed attempts, of passwords, second factors and '
    'one-time codes, and forgets the failures; false where there was none. The limits of networks stay '
    '(auth_store.login_failures_per_network). 23503 for an unknown user, 22004 for NULL. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_unlock COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_unlock TO auth_store_admin;

COMMENT ON FUNCTION auth_store.user_device_list IS
    'The devices that a user has logged in with within auth_store.device_retention, the last one first; no row for an '
    'unknown user. has_token: whether it is a browser with a device token; otherwise it is known by network and user '
    'agent. Read-only, also on a standby. 22004 for NULL.';
ALTER FUNCTION auth_store.user_device_list COST 1000 ROWS 5;
GRANT EXECUTE ON FUNCTION auth_store.user_device_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.user_device_forget IS
    'Knows a device of a user no more: its token means nothing, and the next log-in with it is one of a new device. '
    'False where the user has no such device. Its sessions go on, see session_list(). 23503 for an unknown user, 22004 '
    'for NULL. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.user_device_forget COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_device_forget TO auth_store_app, auth_store_admin;

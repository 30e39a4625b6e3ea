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

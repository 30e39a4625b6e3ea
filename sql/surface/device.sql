COMMENT ON FUNCTION auth_store.device_authorize IS
    E'Begins the log-in of a device without a keyboard (RFC 8628 section 3.1). '
    'Returns device_code, with which the device polls; user_code, eight letters as XXXX-XXXX, which the user types '
    'elsewhere, with three more in front where auth_store.sharded is on (user_code_bucket()); '
    'expires_in, seconds both live: auth_store.device_code_ttl (15 min); interval, seconds between '
    'polls: auth_store.device_poll_interval (5 s); and the scope asked for. '
    'The verification_uri of section 3.2 is the application''s. A row with error otherwise: invalid_client, '
    'unauthorized_client (the client may not use the grant type), invalid_scope, invalid_target, '
    'temporarily_unavailable with retry_after over the client''s rate limit.\n'
    'client_secret: of a confidential client, unless client_authenticated says that the application authenticated '
    'it. scope: NULL for all of the client''s. resource: RFC 8707. '
    'An empty parameter counts as left out (RFC 6749 section 3.2).';
ALTER FUNCTION auth_store.device_authorize COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_authorize TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_lookup IS
    E'The pending request that a user code leads to, for the page that asks the user: client_id, client_name, '
    'scope, resource, status pending, expires_at. A row with error otherwise: invalid_grant (a wrong code, or with '
    'status approved or denied one that was decided before), expired_token with status expired, '
    'temporarily_unavailable with retry_after.\n'
    'user_code: in any case, with or without dashes, spaces and other marks. '
    'Wrong codes are counted (RFC 8628 section 5.1): auth_store.user_code_guesses_per_network (20) an hour from the '
    '/24 or /64 of ip, auth_store.user_code_guesses_per_tenant (3600) an hour in the tenant; who is over either '
    'learns nothing more, also not by device_approve() and device_deny(), until retry_after seconds have passed. '
    'Right codes, and texts that can be no code, do not count. So it writes: 25006 on a standby. '
    'tenant_id: default the session''s; 23503 where it is unknown.';
ALTER FUNCTION auth_store.device_lookup COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_lookup TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_approve IS
    E'The user agrees to the request with this code (RFC 8628 section 3.3). '
    'Both columns NULL on success, or a row with error: as device_lookup(), and unauthorized_client (the client is '
    'not active), access_denied (the user is not active), invalid_scope (more than was asked for), invalid_request '
    '(acr over 2048 bytes). A request is decided once: approving or denying it again is invalid_grant.\n'
    'user_id: who agrees, and whose tenant''s code it is; 22004 for NULL, 23503 for an unknown one. '
    'scope: less than was asked for; NULL for all. '
    'session_id, auth_time, acr, amr, claims: of the log-in, as in code_issue().';
ALTER FUNCTION auth_store.device_approve COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_approve TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_deny IS
    'The user refuses the request with this code: the device gets access_denied. '
    'Both columns NULL on success, or a row with error: as device_lookup(). A request is decided once. '
    'tenant_id: as in device_lookup().';
ALTER FUNCTION auth_store.device_deny COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_deny TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_redeem IS
    E'A poll of the device (RFC 8628 section 3.4): tokens, once, when the user has agreed. '
    'A row with error otherwise: authorization_pending; slow_down where the poll came before nine tenths of its '
    'interval were over, which adds 5 s to the interval for this and all later polls, up to a minute and to half '
    'of what is left of the code''s life; access_denied; expired_token; invalid_client, unauthorized_client, '
    'invalid_target; invalid_request (malformed thumbprint); invalid_grant (unknown, another client''s, redeemed '
    'before, user not active). With the first two retry_after is the interval in seconds. '
    'An approved code is redeemed at once, however early the poll.\n'
    'Of polls at the same time one gets the tokens, the others invalid_grant. '
    'A second presentation is a retry or a replay as in code_redeem(), with the same end. '
    'A poll that is answered authorization_pending writes no audit row.\n'
    'resource: fewer than granted. dpop_jkt, x5t_s256: thumbprints of the key or certificate the device proved, to '
    'which the tokens are bound (RFC 9449, RFC 8705). An empty parameter counts as left out (RFC 6749 section 3.2). '
    'Scope and resources are granted as far as the client has them now; invalid_scope or invalid_target where that '
    'is nothing, which consumes nothing.';
ALTER FUNCTION auth_store.device_redeem COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_redeem TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_approve_elsewhere IS
    E'What device_approve() does for a user who lives on another shard than the device code: to be called on the shard '
    'of user_code_bucket(). The application has looked there, by session_validate() or user_get(), that the user may '
    'agree; nothing of the user is looked at here but the tenant of one who is in this database, and session_id only '
    'when device_accept() makes the grant. '
    'The device then gets its tokens by device_hand_over() and device_accept().\n'
    'user_id: who agrees; 22004 for NULL, 23503 for one of another tenant in this database. tenant_id: whose tenant''s '
    'code it is, default the session''s; 23503 where it is unknown. '
    'The other arguments and the answers are those of device_approve(), but for access_denied.';
ALTER FUNCTION auth_store.device_approve_elsewhere COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_approve_elsewhere TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_hand_over IS
    E'A poll of the device (RFC 8628 section 3.4) where the store is spread over several databases: once the user has '
    'agreed, returns hand_over, which device_accept() on the shard of user_id turns into tokens. To be called on the '
    'shard of token_bucket() of the device code, in place of device_redeem(), with its arguments; errors are those of '
    'device_redeem() too.\n'
    'May be called again, also where the answer was lost: it gives the same again, of which device_accept() makes '
    'tokens once. So it is no end of the device code: commit it, and go on to device_accept(). Only where the code was '
    'presented to device_redeem() since, later than auth_store.code_replay_grace, it gives nothing any more '
    '(invalid_grant). '
    'hand_over holds no secret, but whoever may call device_accept() with it gets the tokens.';
ALTER FUNCTION auth_store.device_hand_over COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_hand_over TO auth_store_app;

COMMENT ON FUNCTION auth_store.device_accept IS
    E'The tokens of a device whose user is on this shard: makes the grant of what device_hand_over() gave, once. '
    'A row with error otherwise: expired_token, unauthorized_client (the client is not active, or may not use the '
    'grant type), invalid_scope and invalid_target (the client may have none of it any more; it gets what is left), '
    'invalid_grant (the user is not active, the session has ended). A second call makes nothing: it is a '
    'retry or a replay as in code_redeem(), with the same end, also when the grant is gone; until the first one has '
    'committed, it waits.\n'
    'hand_over: as it was returned; 22004 for NULL, 22023 for anything else, 23503 where the user or the client is not '
    'here (yet): the client may not have been published to this shard. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.device_accept COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.device_accept TO auth_store_app;

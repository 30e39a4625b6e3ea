COMMENT ON FUNCTION auth_store.connection_store IS
    E'Stores the tokens that another provider gave an actor, sealed (AES-256-GCM), in place of those that are '
    'there, and returns the connection''s id. One connection for each tenant, provider, actor_type and actor_id; a '
    'lease of it ends, an error and a revocation are forgotten.\n'
    'provider: a short name, 1 to 63 of a-z 0-9 . '
    '_ -, the first a letter or digit (github, google, microsoft; docs/how-to/vault.md lists them). '
    'actor_id: 1 to 255 bytes, as the application knows the actor. actor_type: user (default) or api_key. '
    'access_token, refresh_token: 1 to 65536 bytes; a NULL refresh_token keeps the one that is there (RFC 6749 '
    'section 6), unless provider_account_id says that it is another account. scope: as the provider spells it. '
    'access_token_expires_at: NULL where it does not end or nobody knows; then it is never due. '
    'provider_account_id, team_id, provider_tenant_id: 1 to 255 bytes. '
    'metadata: a JSON object of at most 64 kB, which is not sealed. '
    'NULL of any of these keeps what is there of the same account. tenant_id: default the session''s.\n'
    '22004 for a NULL provider, actor_id or access_token; 22023 for what does not fit; 23503 for an unknown tenant; '
    '55000 for a suspended one, and where the vault has no usable master key. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.connection_store COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_store TO auth_store_app;

COMMENT ON FUNCTION auth_store.connection_get IS
    E'The connection of an actor to a provider with its tokens; no row where there is none. '
    'status: valid; expiring, in the last day of the access token or, where that is shorter, the last tenth of its '
    'life; expired; error, where the last refresh failed (the access token may still be good); revoked, then '
    'without tokens. access_denied in error, without tokens, where the tenant is suspended. '
    'Read-only, also on a standby that has the master keys.\n'
    'Arguments as in connection_store(). '
    '55000 where the tokens do not open: the message says which master key is missing.';
ALTER FUNCTION auth_store.connection_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.connection_get TO auth_store_app;

COMMENT ON FUNCTION auth_store.connection_list IS
    'The connections of an actor, without their tokens, one row for each provider; status as in connection_get(). '
    'Read-only, also on a standby. 22004 for a NULL actor_id.';
ALTER FUNCTION auth_store.connection_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.connection_list TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.connection_status IS
    'What connection_get() calls status, of a connection whose access token was given at refreshed_at and ends at '
    'access_token_expires_at (NULL: never), at the time at. NULL where at, refreshed_at or failures is. '
    'For the view provider_connections.';
ALTER FUNCTION auth_store.connection_status COST 100;
GRANT EXECUTE ON FUNCTION auth_store.connection_status TO
    auth_store_owner, auth_store_app, auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.connections_due IS
    'Connections whose access token is in its last day or last tenth of life, whichever is shorter, or whose failed '
    'refresh is to be tried again, the longest due first; at most max_connections (1 to 10000). '
    'Not those without a refresh token, those that somebody has leased, nor those of a suspended tenant; what another '
    'transaction has locked is passed over (SKIP LOCKED). '
    'It leases nothing: connection_lease(connection_id, if_due => true) does. 25006 on a standby.';
ALTER FUNCTION auth_store.connections_due COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.connections_due TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_lease IS
    E'Gives the refresh token to exactly one caller until leased_until, with a number that is never given twice, '
    'fence. '
    'Commit before the provider is asked, then call connection_complete() or connection_fail() with that fence. '
    'granted = false otherwise, with error: temporarily_unavailable and in retry_after the seconds until to look '
    'again (somebody else has it, or, with if_due, its refresh is not due), invalid_grant (unknown, revoked, '
    'without a refresh token or, with if_due, with one that the provider has refused), access_denied (tenant '
    'suspended), server_error (the refresh token does not open, see vault_check(); it backs off as after '
    'connection_fail()).\n'
    'lease: 1 s to 1 h, default 1 min; longer than the provider may take, because after it another caller gets the '
    'token. '
    'if_due: only where connections_due() would name it, so that nobody refreshes what somebody has just refreshed. '
    '22004 for a NULL connection_id. actor_id, actor_type, tenant_id: whose connection it must be, as for '
    'connection_revoke(); another''s is invalid_grant as an unknown one.';
ALTER FUNCTION auth_store.connection_lease COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_lease TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_complete IS
    E'Ends the lease with this fence with what the provider gave, and returns ok = true. '
    'refresh_token, scope: NULL keeps the present one (RFC 6749 section 6). '
    'expires_at: end of the access token; NULL where it has none. '
    'While nobody else has leased it, also after leased_until. ok = false with error lease_lost where the lease is '
    'over, by another, a completion, a failure, connection_store() or connection_revoke(): nothing is changed '
    'then, and the caller''s tokens are to be thrown away.\n'
    '22004 for a NULL connection_id, fence or access_token; 22023 for a token that is empty or over 65536 bytes.';
ALTER FUNCTION auth_store.connection_complete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_complete TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_fail IS
    'Ends the lease with this fence without new tokens, and returns ok = true; retry_after: seconds until it is due '
    'again, 30 the first time, doubling to an hour. With reason invalid_grant the refresh token is dead (RFC 6749 '
    'section 5.2): retry_after is NULL, and it is not due again before connection_store(). '
    'reason: the provider''s error code or a short text of at most 1000 characters, which everybody sees who may read '
    'the view provider_connections. ok = false with error lease_lost as in connection_complete(). 22004 for NULL.';
ALTER FUNCTION auth_store.connection_fail COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_fail TO auth_store_app, auth_store_worker;

COMMENT ON FUNCTION auth_store.connection_revoke IS
    E'Ends a connection: its tokens are deleted, its row stays, with status revoked; true, or false where it was '
    'revoked before. Telling the provider (RFC 7009) is the application''s. reason: at most 1000 characters. '
    '23503 for an unknown connection, 22004 for NULL.\n'
    'actor_id, actor_type (user where NULL), tenant_id (the session''s where NULL): whose connection it must be, for '
    'an id that a browser sent: another''s is answered as an unknown one. '
    'Where all three are NULL nobody is compared; actor_type or tenant_id without actor_id is 22004, so that a '
    'missing actor_id is noticed where one of them is always passed. '
    'ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.connection_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.connection_delete IS
    'Deletes a connection with its tokens. 23503 for an unknown one, 22004 for NULL. '
    'actor_id, actor_type, tenant_id: whose it must be, as for connection_revoke(). '
    'Returns true: what can''t be done is an error. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.connection_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_delete TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.connection_import_fernet IS
    'As connection_store(), with an access_token and a refresh_token that are Fernet tokens (github.com/fernet/spec): '
    'they are decrypted and sealed, and were given, for the connection''s status, when they were encrypted. '
    'fernet_key: one key, or up to 100 separated by commas (MultiFernet); 22004 for NULL. '
    '22023 for a token that none of them opens.';
ALTER FUNCTION auth_store.connection_import_fernet COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.connection_import_fernet TO auth_store_admin;

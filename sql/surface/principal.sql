COMMENT ON FUNCTION auth_store.authenticate IS
    E'Finds out whose an access token, session token or API key is, and holds the answer until the transaction ends, '
    'for the policies of the application: current_user_id() and so on. It follows savepoints, reaches parallel '
    'workers, and survives SET ROLE; no statement sets it but this one. ok is false, with error invalid_token, '
    'insufficient_scope, access_denied or step_up_required, where the token is not good for what is needed; then '
    'nobody is behind the transaction any more, whoever was before. Writes nothing: also in a read-only transaction '
    'and on a standby. '
    'Outside of a transaction block it holds for its own statement alone.\n'
    'required_scope: tokens that must all be granted, 22023 where malformed; a session has no scope. resource, '
    'dpop_jkt, x5t_s256: as in token_authorize(). ip: as in api_key_verify(). NULL as token is one that is not '
    'good. tenant_id: the tenant to act in, default the token''s own; access_denied where the user has no role in '
    'another. max_age: how long ago the log-in may be; acr_values: which acr are enough, separated by spaces; '
    'step_up_required where the log-in is not so (RFC 9470), 22023 where malformed.';
ALTER FUNCTION auth_store.authenticate COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.authenticate TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_developer;

COMMENT ON FUNCTION auth_store.current_user_id IS
    'The user behind the transaction, as authenticate() found out; NULL where nobody is, for a client''s own token '
    'or key, and where the token had ended when the statement began.';
ALTER FUNCTION auth_store.current_user_id COST 1;
GRANT EXECUTE ON FUNCTION auth_store.current_user_id TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_tenant_id IS
    'The tenant of who is behind the transaction; NULL as for current_user_id() where nobody is.';
ALTER FUNCTION auth_store.current_tenant_id COST 1;
GRANT EXECUTE ON FUNCTION auth_store.current_tenant_id TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_client_id IS
    'The client that the token behind the transaction was issued to, or whose API key it is; NULL for a session, '
    'for a user''s key, and where nobody is.';
ALTER FUNCTION auth_store.current_client_id COST 1;
GRANT EXECUTE ON FUNCTION auth_store.current_client_id TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_session_id IS
    'The session behind the transaction, or in which the access token was issued; NULL where there is none.';
ALTER FUNCTION auth_store.current_session_id COST 1;
GRANT EXECUTE ON FUNCTION auth_store.current_session_id TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_acr IS
    'How the user behind the transaction was authenticated (OpenID Connect acr); NULL: not said, or nobody is.';
ALTER FUNCTION auth_store.current_acr COST 1;
GRANT EXECUTE ON FUNCTION auth_store.current_acr TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_amr IS
    'By which methods the user behind the transaction was authenticated (RFC 8176); NULL: not said, or nobody is.';
ALTER FUNCTION auth_store.current_amr COST 1;
GRANT EXECUTE ON FUNCTION auth_store.current_amr TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_has_scope IS
    'Whether the token behind the transaction has all of these scope tokens, an API key by its wildcards too. False '
    'for a session, which has no scope, for NULL and for an empty or malformed text, and where nobody is. The scope '
    'is what the token may; what its user may is current_has_permission().';
ALTER FUNCTION auth_store.current_has_scope COST 10;
GRANT EXECUTE ON FUNCTION auth_store.current_has_scope TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_has_permission IS
    'Whether a role of the user behind the transaction, in the tenant of the token, allows this: '
    'user_has_permission(), looked up once a statement; where another user acts, that one must have it as well. '
    'False for NULL, for a client''s own token or key, and where '
    'nobody is; 22023 for a wildcard or a malformed text. The scope of the token is not looked at: '
    'current_has_scope().';
ALTER FUNCTION auth_store.current_has_permission COST 10;
GRANT EXECUTE ON FUNCTION auth_store.current_has_permission TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.principal_max_age IS
    'Whether the user behind the transaction logged in no longer ago than this; false where it is not known when, '
    'and where nobody is. For what wants a fresh log-in (RFC 9470). 22004 for NULL, 22023 for less than 0.';
ALTER FUNCTION auth_store.principal_max_age COST 10;
GRANT EXECUTE ON FUNCTION auth_store.principal_max_age TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.principal_recheck IS
    'Whether the token behind the transaction still works: not revoked, its user, client and tenant active. It '
    'looks once a statement of the client, and sees what that statement sees: a revocation in the same statement, '
    'or function, is not seen. False where nobody is. For a long transaction, and for what must not be late.';
ALTER FUNCTION auth_store.principal_recheck COST 100;
GRANT EXECUTE ON FUNCTION auth_store.principal_recheck TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.current_actor_id IS
    'The user who acts as current_user_id(): who began the session by user_impersonate(), or whom the claim act of an '
    'exchanged token names (RFC 8693). NULL where a user acts as oneself, and where nobody is behind the transaction.';
ALTER FUNCTION auth_store.current_actor_id COST 1;
GRANT EXECUTE ON FUNCTION auth_store.current_actor_id TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.user_impersonate IS
    E'Begins a session in which actor_id acts as user_id, for support; error access_denied where the actor lacks the '
    'permission users:impersonate in the user''s tenant, where the user has it too, and where one of them is not '
    'active.\n'
    'The session ends after ttl, used or not: at most and by default auth_store.impersonation_ttl. No tokens are '
    'issued in it. It has no acr, amr and time of log-in, and session_elevate() refuses it; so principal_max_age() is '
    'false in it, and '
    'current_has_permission() is true for what both may. What is written in transactions that it is behind has the '
    'actor in the audit trail. reason: at most 1000 characters, for the audit row. 23503 for an unknown user, 22004 '
    'for NULL. ip, user_agent: where the request came from.';
ALTER FUNCTION auth_store.user_impersonate COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.user_impersonate TO auth_store_app, auth_store_admin;

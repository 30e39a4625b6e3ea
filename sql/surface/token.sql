COMMENT ON FUNCTION auth_store.token_issue IS
    E'Issues tokens for a user on the word of a trusted application, without a code. '
    'Returns a token response; a row with error where the client is not active or may not refresh '
    '(unauthorized_client), the user is not active or the session is over (access_denied), or for invalid_scope '
    'and invalid_target. 23503 for an unknown client or user; 22004 for NULL of either.\n'
    'refresh: NULL, with a refresh token where the client may have one; true, required; false, without. '
    'scope: NULL for all of the client''s. resource: RFC 8707. claims: a JSON object kept with the grant. '
    'cnf: the confirmation (RFC 7800) the tokens are bound to: jkt, x5t#S256, each a SHA-256 thumbprint in '
    'base64url, else 22023.';
ALTER FUNCTION auth_store.token_issue COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_issue TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_issue_client_credentials IS
    E'Issues an access token to a confidential client in its own name (RFC 6749 section 4.4); no refresh token. '
    'A row with error otherwise: invalid_client, unauthorized_client, invalid_scope, invalid_target.\n'
    'client_secret: unless client_authenticated says that the application authenticated the client. '
    'scope: NULL for all of the client''s. resource: RFC 8707. cnf: as for token_issue(). '
    'An empty parameter counts as left out (RFC 6749 section 3.2).';
ALTER FUNCTION auth_store.token_issue_client_credentials COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_issue_client_credentials TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_refresh IS
    E'Exchanges a refresh token for a new one and an access token (RFC 6749 section 6). '
    'The previous token gives the same successor again within the client''s grace (auth_store.refresh_grace, '
    '10 s), and one replaced before it, also within the grace, is invalid_grant and nothing else (flag '
    'refresh_retry): of two tabs one was faster. Every other use of a replaced token, and any of a time that the '
    'clock has not come to, is reuse: the family ends with its access tokens, and the audit trail says '
    'refresh_reuse at risk 1 (RFC 9700 section 4.14.2). A client with refresh_rotation = false keeps its token.\n'
    'A row with error otherwise: invalid_client, invalid_grant (unknown, expired, revoked, another client''s, '
    'wrong key), invalid_scope and invalid_target (wider than granted, or nothing of it that the client may still '
    'have), unauthorized_client.\n'
    'scope, resource: narrower for this access token only; NULL for all of the grant''s. '
    'Either way as far as the client has them now: what client_update() takes from it is not issued again, and the '
    'grant keeps it for when it is given back. '
    'dpop_jkt, x5t_s256: thumbprints of the key or certificate the sender proved (RFC 9449, RFC 8705). '
    'What is bound to a key needs one: a public client''s the same, a confidential client, which has authenticated, '
    'may have changed its key, and the new access token is bound to the new one, those before it to theirs. '
    'An empty parameter counts as left out (RFC 6749 section 3.2).';
ALTER FUNCTION auth_store.token_refresh COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_refresh TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_exchange IS
    E'Gives a client an access token of its own for the access token of somebody else that it holds (RFC 8693), no '
    'wider and no longer-lived; no refresh token. Returns a token response with issued_token_type. '
    'The new token is active only while the subject token is, with its grant and client, and so is what it is '
    'exchanged for in turn, at most five times. A row with error otherwise: invalid_client, unauthorized_client '
    '(the client is public or lacks the grant type urn:ietf:params:oauth:grant-type:token-exchange), '
    'invalid_request (a token that is not active, of another tenant, of another type or bound to a key that was '
    'not proved; an actor token of another client; an actor that the subject''s claim may_act does not name; '
    'malformed thumbprints), invalid_scope and invalid_target (wider than the subject''s or the client''s own, or '
    'nothing in common).\n'
    'subject_token: the access token of the party on whose behalf the request is made. '
    'actor_token: an access token of the calling client: its user, or the client itself, becomes the claim act, with '
    'the subject''s own act nested in it (section 4.1). NULL: impersonation, act stays as it is. '
    'scope: NULL for all of the subject''s that the client is registered for. '
    'resource, audience: the services the token is for, by URI or by name, out of the subject''s; NULL for all of '
    'those that the client may name. The three token types: urn:ietf:params:oauth:token-type:access_token or NULL. '
    'dpop_jkt, x5t_s256: thumbprints the sender proved; the new token is bound to them, and a bound subject or actor '
    'token needs its own (RFC 9449, RFC 8705). '
    'An empty parameter that is no token counts as left out (RFC 6749 section 3.2).';
ALTER FUNCTION auth_store.token_exchange COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_exchange TO auth_store_app;

COMMENT ON FUNCTION auth_store.refresh_token_import IS
    E'Takes over a refresh token of another store, of which only the digest is known, and returns the id of its '
    'grant; NULL, and nothing done, where expires_at is past, or the user is not active or the session over. '
    'The holder''s text is accepted by token_refresh() as '
    'the first token of that grant, and its first use replaces it by one of this store''s own: from then on it is '
    'a replaced refresh token like any other, with the same grace and the same end by reuse. '
    'token_revoke() takes it too. '
    'Imported again for the same client, nothing changes and the same id comes back; 23505 for another client.\n'
    'digest: SHA-256 of the text, as 64 hexadecimal digits (\\x before them or not) or as base64 or base64url. '
    'client_id: a client with the grant type refresh_token (22023). '
    'user_id: of the same tenant; 23503 for an unknown client or user. '
    'scope: NULL for all that the client is registered for; more is 22023. '
    'expires_at: the absolute end, at most 3650 days away; NULL for the client''s refresh_token_ttl from now on. '
    'Unused it ends after the client''s refresh_idle_ttl from now on. '
    'session_id, resource, auth_time, claims, cnf: as code_issue() and token_issue() take them; they are kept with '
    'the grant.';
ALTER FUNCTION auth_store.refresh_token_import COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.refresh_token_import TO auth_store_admin;

COMMENT ON FUNCTION auth_store.token_introspect IS
    'The state of an access token (RFC 7662 section 2.2), read-only, also on a standby. '
    'Always one row; active = false with all else NULL for a text that is NULL, malformed, unknown, expired or '
    'revoked, and while its grant or client is not active: it is not told which.';
ALTER FUNCTION auth_store.token_introspect COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.token_introspect TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_introspect_many IS
    'token_introspect() of many access tokens at once, for a gateway that checks in batches: a row for each element of '
    'tokens, in their order and with its number n, from 1 on; active = false for an element that is NULL. What a call '
    'costs beside the search for the rows is paid once. At most 10,000 elements (22023); 22004 for NULL in place of '
    'the array. Read-only, also on a standby.';
ALTER FUNCTION auth_store.token_introspect_many COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.token_introspect_many TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_introspection IS
    'token_introspect() as the JSON of RFC 7662 section 2.2; issuer becomes the member iss. '
    'exp and iat are seconds since 1970. The claims that were given with the log-in stand beside the store''s '
    'members, with every digit and level they had; none takes the place of active, scope, client_id, username, '
    'token_type, exp, iat, sub, aud, iss, jti, sid, tenant_id or cnf, also where the store has none of these.';
ALTER FUNCTION auth_store.token_introspection COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.token_introspection TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_introspection_record IS
    'token_introspection() for an introspection endpoint whose answers are to be told: where '
    'auth_store.audit_introspection is on, each leaves a row token.introspected, with the token''s client, user and '
    'grant, and with active and asked_by in details. Off, which is the default, it only reads, also on a standby. '
    'client_id: the resource server that asks, as the application authenticated it (RFC 7662 section 2.1); it is not '
    'checked. ip, user_agent: where the request came from.';
ALTER FUNCTION auth_store.token_introspection_record COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_introspection_record TO auth_store_app, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_authorize IS
    E'Whether an access token allows a request to a resource: token_introspect() with error invalid_token (not '
    'active, bound to a key that was not proved, or for another resource) or insufficient_scope (RFC 6750 '
    'section 3.1); active is true only without an error. Read-only, also on a standby.\n'
    'required_scope: tokens that must all be granted, 22023 where malformed. '
    'resource: must be in the token''s audience where it has one (RFC 8707). '
    'dpop_jkt, x5t_s256: thumbprints the sender proved; a bound token without its proof is refused, a DPoP proof '
    'with an unbound token too (RFC 9449 section 7.1).';
ALTER FUNCTION auth_store.token_authorize COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.token_authorize TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_authorize_many IS
    E'token_authorize() of many access tokens at once: a row for each element of tokens, in their order and with its '
    'number n, from 1 on. At most 10,000 elements (22023); 22004 for NULL in place of the array. Read-only, also on a '
    'standby.\n'
    'required_scope, resource: what each of the tokens must be good for. '
    'dpop_jkts, x5t_s256s: the thumbprints that the senders proved, one element for each token, NULL where none was; '
    'NULL for none at all, and 22023 for another number of elements.';
ALTER FUNCTION auth_store.token_authorize_many COST 10000 ROWS 100;
GRANT EXECUTE ON FUNCTION auth_store.token_authorize_many TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_use IS
    'token_authorize() with an audit row token.used, by what is committed at the call and what its transaction did '
    'before, at every isolation level. Writes, so 25006 in a read-only transaction or on a standby.';
ALTER FUNCTION auth_store.token_use COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_use TO auth_store_app, auth_store_verifier;

COMMENT ON FUNCTION auth_store.token_revoke IS
    'Ends a token at the wish of its client (RFC 7009): an access token alone, a refresh token with its whole grant. '
    'Success (error NULL) also for a text that is no live token. invalid_client where the client is not '
    'authenticated; temporarily_unavailable with retry_after over its rate limit; invalid_grant for a token of '
    'another client. token_type_hint changes nothing: a token''s text names its kind. '
    'reason: 1 to 1000 characters, else 22023; NULL is revoked.';
ALTER FUNCTION auth_store.token_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.token_revoke TO auth_store_app;

COMMENT ON FUNCTION auth_store.token_hash IS
    'SHA-256 of a token''s text: what the store keeps as digest. For correlating a leaked token with a row. '
    'NULL for NULL.';
ALTER FUNCTION auth_store.token_hash COST 100;
GRANT EXECUTE ON FUNCTION auth_store.token_hash TO auth_store_app, auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.jwt_verify IS
    E'Whether a JWT access token of the store is good at a resource (RFC 9068 section 4): signed by a key that its '
    'issuer has published, of the type at+jwt, not ended, for this audience, and not revoked by jti_revoke(). The '
    'token''s row decides too, where it is here, so that a revoked token, one of an ended grant and one of an erased '
    'user are inactive at once; without it, the client and the user must be there and active. Then active is true and '
    'the columns say what the token does; otherwise active is false with error invalid_token.\n'
    'token: NULL, an opaque token and every other text are an inactive token; token_authorize() takes both kinds. '
    'audience: the resource''s own indicator; 22004 for NULL. The caller checks the scope, and where cnf is not NULL '
    'that the sender has the key. Read-only, also on a standby.';
ALTER FUNCTION auth_store.jwt_verify COST 5000;
GRANT EXECUTE ON FUNCTION auth_store.jwt_verify TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.imported_point IS
    'Says in the database of a text''s bucket (token_bucket(), key_bucket()) where an imported refresh token or API '
    'key is: id, that of the grant or key, whose bucket leads to the other database. digest: SHA-256 of the text, '
    'as for the import. kind: refresh_token or api_key. expires_at: when cleanup deletes the pointer; NULL: never. '
    'A second call with another expires_at changes it. tenant_id: default the session''s. Returns true. 22004, '
    '22023 for wrong arguments, an id that the store has not made among them, 23503 for an unknown tenant, 23505 where '
    'the text, or the id, has another pointer.';
ALTER FUNCTION auth_store.imported_point COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.imported_point TO auth_store_admin;

COMMENT ON FUNCTION auth_store.imported_locate IS
    'The id of the grant or API key of a refresh token or key of another store, by its text: of one that is in this '
    'database, or of one that a pointer leads to, which is then asked in the database of the id''s bucket. NULL for '
    'any other text. It says nothing of whether the token or key is good.';
ALTER FUNCTION auth_store.imported_locate COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.imported_locate TO auth_store_app, auth_store_reader, auth_store_verifier,
   auth_store_admin;

COMMENT ON FUNCTION auth_store.pkce_challenge IS
    'The S256 challenge of a code verifier: base64url of its SHA-256 (RFC 7636 section 4.2). '
    'verifier: 43 to 128 unreserved characters, else 22023; 22004 for NULL.';
ALTER FUNCTION auth_store.pkce_challenge COST 100;
GRANT EXECUTE ON FUNCTION auth_store.pkce_challenge TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.pkce_verify IS
    'Whether a code verifier is the one of the challenge (RFC 7636 section 4.6). '
    'false for NULL, for a malformed verifier and for every method but S256.';
ALTER FUNCTION auth_store.pkce_verify COST 100;
GRANT EXECUTE ON FUNCTION auth_store.pkce_verify TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.code_issue IS
    E'Issues an authorization code (RFC 6749 section 4.1.2) after the user has logged in and agreed. '
    'Returns the code, its end, the granted scope and the state; or a row with error: unauthorized_client '
    '(unknown, inactive or not allowed), invalid_request (redirect_uri, PKCE, dpop_jkt, lengths), invalid_scope, '
    'invalid_target (RFC 8707), access_denied (user not active).\n'
    'client_id, user_id: who; an unknown user, or one of another tenant than the client, is 23503; a NULL user_id is '
    '22004, a NULL client_id an unknown one. redirect_uri: a registered one, exactly, but for the port of a loopback '
    'address (RFC 8252 section 7.3); NULL where only one is registered. scope: NULL for all of the client''s. '
    'code_challenge: S256 (RFC 7636), required unless the client has require_pkce = false. '
    'state, nonce, acr: at most 2048 bytes. resource: RFC 8707. '
    'auth_time, acr, amr, claims (a JSON object), nonce and session_id come back at redemption. '
    'session_id: one of the application''s own, or a session of the store: one that is over is access_denied, '
    'another user''s 23503. dpop_jkt: binds the code to a key (RFC 9449 section 10). '
    'ttl: 1 s to 10 min (22023), default auth_store.code_ttl (60 s). '
    'amr: at most 20 texts of 255 bytes; claims: at most 64 kB; auth_time: not infinite (22023). '
    'An empty parameter counts as left out (RFC 6749 section 3.1).';
ALTER FUNCTION auth_store.code_issue COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.code_issue TO auth_store_app;

COMMENT ON FUNCTION auth_store.code_redeem IS
    E'Redeems an authorization code, once, for an access token and, where the client may have one, a refresh token '
    '(RFC 6749 section 4.1.3). A row with error otherwise: invalid_client, invalid_grant (unknown, expired, '
    'another client''s, wrong redirect_uri, verifier or key, user not active, session over), invalid_request '
    '(verifier without challenge, RFC 9700; malformed dpop_jkt or x5t_s256), invalid_scope or invalid_target '
    '(nothing of it that the client may still have; a resource that was not granted). '
    'Scope and resources are granted as far as the client has them now. '
    'What is refused by the client''s present scope or resources, a wrong verifier, client or redirect_uri '
    'consumes nothing; the fifth wrong verifier ends the code.\n'
    'A second presentation is a retry while the first runs or within auth_store.code_replay_grace (0.5 s) of its '
    'end: invalid_grant, nothing else. Later it is a replay: the grant of the first use and its tokens end, and '
    'the audit trail says code_replay at risk 1.\n'
    'client_secret: of a confidential client, unless client_authenticated says that the application authenticated '
    'it. resource: fewer than granted. dpop_jkt: thumbprint of the key of a verified DPoP proof. '
    'x5t_s256: SHA-256 thumbprint of the certificate the client proved (RFC 8705). '
    'The grant with all its tokens is bound to whichever of them is given. '
    'An empty parameter counts as left out (RFC 6749 section 3.2).';
ALTER FUNCTION auth_store.code_redeem COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.code_redeem TO auth_store_app;

COMMENT ON FUNCTION auth_store.pushed_request_create IS
    E'Takes the parameters of an authorization request ahead of the browser (RFC 9126) and returns request_uri, a '
    'reference that the client''s browser brings once, and expires_in in seconds: auth_store.pushed_request_ttl '
    '(60 s). A row with error otherwise: invalid_client; invalid_request (a parameter that code_issue() would not '
    'take, no response_type, a client_id that is not the client''s, a request_uri among them, more than 64 kB); '
    'unsupported_response_type for another than code; request_not_supported for a request object; invalid_scope; '
    'invalid_target; unauthorized_client; temporarily_unavailable with retry_after over the client''s rate limit.\n'
    'client_secret: unless client_authenticated says that the application authenticated the client. '
    'parameters: a JSON object, 22004 for NULL and 22023 for anything else; each parameter of the request a string, '
    'resource also an array of strings. client_secret, client_assertion and client_assertion_type among them are '
    'never stored, nor is what is empty (RFC 6749 section 3.1); the rest is kept as it is, known or not, in the '
    'clear, until it is consumed or expires.';
ALTER FUNCTION auth_store.pushed_request_create COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.pushed_request_create TO auth_store_app;

COMMENT ON FUNCTION auth_store.pushed_request_consume IS
    'Returns the parameters behind a request_uri, once (RFC 9126 section 4), and its resource again as an array for '
    'code_issue(). A row with error otherwise: invalid_request_uri (unknown, used, expired, another client''s; those '
    'of another client or of one that is not active are not used up) or unauthorized_client (client unknown or not '
    'active). Call it when the user has agreed, or keep what it returned: a reload of the page finds it used. '
    'scope and resource come back as far as the client may still have them; invalid_scope or invalid_target where '
    'that is nothing, which consumes nothing.';
ALTER FUNCTION auth_store.pushed_request_consume COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.pushed_request_consume TO auth_store_app;

COMMENT ON FUNCTION auth_store.jti_revoke IS
    'Puts a JWT''s jti (RFC 7519 section 4.1.7) on the list of revoked ones until the token''s end; true, or false '
    'where it was on it before, or where expires_at has come: such a token needs no revocation. '
    'jti: any text; where several issuers are in use, issuer and jti in one text. '
    'expires_at: the token''s exp and the leeway of whoever checks it, at most 366 days from now (22023). '
    'reason: at most 1000 characters. tenant_id: default the session''s; 23503 where it is unknown. '
    '22004 for a NULL jti or expires_at. ip, user_agent: where the request came from, for the audit row.';
ALTER FUNCTION auth_store.jti_revoke COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.jti_revoke TO auth_store_app, auth_store_admin;

COMMENT ON FUNCTION auth_store.jti_is_revoked IS
    'Whether a jti was revoked by jti_revoke(). Read-only, also on a standby. '
    'After the end named there it becomes false, at the latest when a month has passed. '
    'tenant_id: default the session''s; 23503 where it is unknown. '
    '22004 for a NULL jti, never an answer that could be taken for "not revoked".';
ALTER FUNCTION auth_store.jti_is_revoked COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.jti_is_revoked TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.jti_claim IS
    E'Claims a JWT''s jti: true for one call and false for every other with the same tenant, issuer and jti, under '
    'any concurrency and isolation level, whatever ends they name. '
    'Against the replay of client assertions (RFC 7523 section 3). '
    'A concurrent call waits for the transaction of the first: it is false where that commits, and may be true '
    'where it rolls back.\n'
    'issuer: who vouches for the jti, as the iss of the assertion. '
    'expires_at: the end of the JWT and the leeway of whoever checks it, at most 24 hours from now (22023); false '
    'where it has come: such a JWT must be refused anyway. '
    'After that end, and at the latest a day later, the same jti can be claimed anew. '
    'tenant_id: default the session''s; 23503 where it is unknown. 22004 for any other NULL. '
    'A claim that is refused leaves an audit row; one that is granted leaves that to the step it serves. '
    'ip, user_agent: where the request came from, for that row. '
    'issued_at: when the JWT says that it was made, its iat; NULL: not known. '
    'False also where a claim may be lost: for one that was made before a recovery that recovered() names, or may '
    'be.\n'
    'Each claim holds an entry of the server''s lock table to the end of its transaction: claim one at a time, not '
    'thousands (max_locks_per_transaction).';
ALTER FUNCTION auth_store.jti_claim COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.jti_claim TO auth_store_app;

COMMENT ON FUNCTION auth_store.jti_partitions_ensure IS
    'Makes every partition of claimed_jtis and revoked_jtis that a row written within the next hours_ahead (0 to 168) '
    'can belong into, where it is missing; returns how many it made. '
    'The store makes each by itself when it is first needed: this is for a subscriber, whose rows come from '
    'elsewhere. Each partition adds to what a look-up of a JWT id costs.';
ALTER FUNCTION auth_store.jti_partitions_ensure COST 100000;
GRANT EXECUTE ON FUNCTION auth_store.jti_partitions_ensure TO auth_store_admin, auth_store_jobs;

COMMENT ON FUNCTION auth_store.jwk_thumbprint IS
    'The SHA-256 thumbprint of a public key as a JWK (RFC 7638), base64url: the jkt of RFC 9449. '
    'Types EC, OKP and RSA, whatever else the JWK holds; 22023 for another, a symmetric key among them, or a missing '
    'or malformed member; 22004 for NULL.';
ALTER FUNCTION auth_store.jwk_thumbprint COST 1000;
GRANT EXECUTE ON FUNCTION auth_store.jwk_thumbprint TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.dpop_verify IS
    E'Checks a DPoP proof as RFC 9449 section 4.3 says: its form, type, algorithm (ES256, ES384, PS256 or RS256 '
    'with 2048 to 4096 bits, and for an Ed25519 key both Ed25519, RFC 9864, and EdDSA), public key, signature, '
    'htm, htu, iat, ath and jti; and claims it, so that it is accepted once for its key and URI. '
    'Returns jkt, the thumbprint of the key, and jti; or error invalid_dpop_proof (use_dpop_nonce for the nonce), '
    'what failed in error_description, and neither.\n'
    'proof: the header DPoP; NULL is a missing one. htm, htu: method and URI of the request, 22004 for NULL; htu '
    'http or https (22023), compared without query and fragment in the normal form of RFC 3986. '
    'access_token: the token that came with it, which ath must be the hash of; whether the token is bound to the key '
    'is token_authorize()''s to say, with jkt. max_age: how long after its iat a proof lives, 1 s to 1 day (22023), '
    'default 5 minutes; a client''s clock may be a minute ahead. '
    'nonce: the one the proof must have, where the application provides nonces (RFC 9449 section 8). '
    'tenant_id: default the session''s; 23503 where it is unknown. '
    'A proof that is refused leaves an audit row; one that is accepted leaves that to the step it serves. '
    'ip, user_agent: where the request came from, for that row.';
ALTER FUNCTION auth_store.dpop_verify COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.dpop_verify TO auth_store_app;

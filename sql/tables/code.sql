-- Short-lived: no foreign key. The client and the user are looked up again at redemption, and the
-- grant it makes carries the foreign keys.
CREATE TABLE IF NOT EXISTS auth_store.authorization_codes (
    id                    uuid        NOT NULL,
    user_id               uuid        NOT NULL,
    expires_at            timestamptz NOT NULL,
    failed_verifiers      integer     NOT NULL DEFAULT 0,
    redeemed_at           timestamptz,
    grant_id              uuid,
    session_id            uuid,
    auth_time             timestamptz,
    tenant_id             text COLLATE "C" NOT NULL,
    client_id             text COLLATE "C" NOT NULL,
    digest                bytea       NOT NULL,
    scope                 text        NOT NULL,
    redirect_uri          text,
    code_challenge        text,
    code_challenge_method text,
    nonce                 text,
    dpop_jkt              text,
    resources             text[],
    acr                   text,
    amr                   text[],
    claims                jsonb,
    authorization_details jsonb,
    claims_request        jsonb,
    CONSTRAINT authorization_codes_pkey PRIMARY KEY (id, tenant_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE auth_store.authorization_codes IS
    'Authorization codes (RFC 6749 section 4.1) with their PKCE challenge (RFC 7636), as SHA-256 digests.';
COMMENT ON COLUMN auth_store.authorization_codes.redeemed_at IS
    'When the transaction that redeemed the code ended: it happens once, by one conditional UPDATE.';
COMMENT ON COLUMN auth_store.authorization_codes.grant_id IS
    'The grant of the redemption; a replay of the code ends it.';
COMMENT ON COLUMN auth_store.authorization_codes.failed_verifiers IS
    'Wrong code verifiers presented; at five the code is dead.';
COMMENT ON COLUMN auth_store.authorization_codes.id IS
    'The first 16 bytes of the code''s text; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.authorization_codes.user_id IS 'Who logged in and agreed.';
COMMENT ON COLUMN auth_store.authorization_codes.expires_at IS 'Its end, at most ten minutes after its issue.';
COMMENT ON COLUMN auth_store.authorization_codes.session_id IS 'The session of the log-in; NULL: none was named.';
COMMENT ON COLUMN auth_store.authorization_codes.auth_time IS
    'When the user logged in (OpenID Connect auth_time); NULL: not said.';
COMMENT ON COLUMN auth_store.authorization_codes.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.authorization_codes.client_id IS 'Whom it was issued to.';
COMMENT ON COLUMN auth_store.authorization_codes.digest IS 'SHA-256 of the whole text.';
COMMENT ON COLUMN auth_store.authorization_codes.scope IS 'What the user agreed to, space-separated.';
COMMENT ON COLUMN auth_store.authorization_codes.redirect_uri IS
    'Where the code was sent, to be named again at the redemption; NULL: the request named none.';
COMMENT ON COLUMN auth_store.authorization_codes.code_challenge IS
    'Of the PKCE verifier (RFC 7636); NULL: the client needs none.';
COMMENT ON COLUMN auth_store.authorization_codes.code_challenge_method IS 'S256; NULL without a challenge.';
COMMENT ON COLUMN auth_store.authorization_codes.nonce IS
    'Of the request, for the ID token (OpenID Connect); NULL: none.';
COMMENT ON COLUMN auth_store.authorization_codes.dpop_jkt IS
    'Thumbprint of the key that must redeem it (RFC 9449 section 10); NULL: any may.';
COMMENT ON COLUMN auth_store.authorization_codes.resources IS
    'Resource indicators it is good for (RFC 8707); NULL: the client''s own.';
COMMENT ON COLUMN auth_store.authorization_codes.acr IS
    'How the user was authenticated (OpenID Connect acr); NULL: not said.';
COMMENT ON COLUMN auth_store.authorization_codes.amr IS 'By which methods (RFC 8176); NULL: not said.';
COMMENT ON COLUMN auth_store.authorization_codes.claims IS
    'What the application wants back at the redemption, a JSON object; NULL: nothing.';
COMMENT ON COLUMN auth_store.authorization_codes.authorization_details IS
    'What the user agreed to in detail (RFC 9396), a JSON array; NULL: the scope says it all.';
COMMENT ON COLUMN auth_store.authorization_codes.claims_request IS
    'The parameter claims of the request (OpenID Connect Core section 5.5); NULL: it had none.';
COMMENT ON CONSTRAINT authorization_codes_pkey ON auth_store.authorization_codes IS
    'Finds the code by its first 16 bytes; no index holds a digest. Time-ordered: cleanup finds what has ended at the '
    'left edge.';

-- Short-lived: no foreign key. Consuming a request deletes its row.
CREATE TABLE IF NOT EXISTS auth_store.pushed_requests (
    id         uuid        NOT NULL,
    expires_at timestamptz NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    client_id  text COLLATE "C" NOT NULL,
    digest     bytea       NOT NULL,
    parameters jsonb       NOT NULL,
    CONSTRAINT pushed_requests_pkey PRIMARY KEY (id, tenant_id)
);
COMMENT ON TABLE auth_store.pushed_requests IS
    'Pushed authorization requests (RFC 9126); the request_uri''s secret as SHA-256 digest.';
COMMENT ON COLUMN auth_store.pushed_requests.parameters IS
    'The parameters of the authorization request, those that authenticate the client left out.';
COMMENT ON COLUMN auth_store.pushed_requests.id IS
    'The first 16 bytes of the reference in the request_uri; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.pushed_requests.expires_at IS 'Its end; from then on it is invalid_request_uri.';
COMMENT ON COLUMN auth_store.pushed_requests.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.pushed_requests.client_id IS 'Who pushed it, and alone may refer to it.';
COMMENT ON COLUMN auth_store.pushed_requests.digest IS 'SHA-256 of the reference.';
COMMENT ON CONSTRAINT pushed_requests_pkey ON auth_store.pushed_requests IS
    'Finds the request by the first 16 bytes of its reference. Time-ordered: cleanup finds what has ended at the left '
    'edge.';

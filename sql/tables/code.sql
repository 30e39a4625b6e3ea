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
    CONSTRAINT authorization_codes_pkey PRIMARY KEY (id, tenant_id)
) WITH (fillfactor = 80);
COMMENT ON TABLE auth_store.authorization_codes IS 'Authorization codes (RFC 6749 section 4.1) with their PKCE challenge (RFC 7636), as SHA-256 digests.';
COMMENT ON COLUMN auth_store.authorization_codes.redeemed_at IS 'When the transaction that redeemed the code ended: it happens once, by one conditional UPDATE.';
COMMENT ON COLUMN auth_store.authorization_codes.grant_id IS 'The grant of the redemption; a replay of the code ends it.';
COMMENT ON COLUMN auth_store.authorization_codes.failed_verifiers IS 'Wrong code verifiers presented; at five the code is dead.';

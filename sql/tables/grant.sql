-- One row per login or consent, however often its refresh token rotates. The refresh family's state
-- changes by HOT updates: no column that a rotation writes may ever be indexed.
CREATE TABLE IF NOT EXISTS auth_store.grants (
    id               uuid        NOT NULL,
    expires_at       timestamptz NOT NULL,
    rotation_count   integer     NOT NULL DEFAULT 0,
    revoked_at       timestamptz,
    idle_expires_at  timestamptz,
    rotated_at       timestamptz,
    user_id          uuid,
    session_id       uuid,
    subject_token_id uuid,
    auth_time        timestamptz,
    tenant_id        text COLLATE "C" NOT NULL,
    client_id        text COLLATE "C" NOT NULL,
    scope            text        NOT NULL,
    revoked_reason   text,
    family_digest    bytea,
    current_digest   bytea,
    previous_digest  bytea,
    successor_sealed bytea,
    network          inet,
    resources        text[],
    acr              text,
    amr              text[],
    claims           jsonb,
    cnf              jsonb,
    authorization_details jsonb,
    claims_request   jsonb,
    CONSTRAINT grants_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT grants_client_fkey FOREIGN KEY (client_id, tenant_id) REFERENCES auth_store.clients (id, tenant_id),
    CONSTRAINT grants_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id, tenant_id)
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS grants_user_idx ON auth_store.grants (user_id, tenant_id) WHERE user_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS grants_client_idx ON auth_store.grants (client_id, tenant_id);
COMMENT ON TABLE auth_store.grants IS
    'Grants: one row per login or consent, with the state of its refresh token family (RFC 6749 section 1.5, RFC 9700 '
    'section 4.14).';
COMMENT ON COLUMN auth_store.grants.id IS
    'Time-ordered: its first 48 bits are the milliseconds at which the grant was made, see id_time().';
COMMENT ON COLUMN auth_store.grants.expires_at IS 'Absolute end of the grant and of every token of it.';
COMMENT ON COLUMN auth_store.grants.idle_expires_at IS
    'The family ends here unless it is refreshed; NULL: the grant has no refresh token.';
COMMENT ON COLUMN auth_store.grants.subject_token_id IS
    'The access token that was exchanged for this grant (RFC 8693): the grant is live only while that token is.';
COMMENT ON COLUMN auth_store.grants.family_digest IS
    'SHA-256 of the family secret, the part of the refresh token that rotation keeps.';
COMMENT ON COLUMN auth_store.grants.current_digest IS 'SHA-256 of the refresh token that is current.';
COMMENT ON COLUMN auth_store.grants.previous_digest IS
    'SHA-256 of the refresh token before it; behind it, 20 bytes each, the earlier ones that were replaced within the '
    'grace too: half of the SHA-256, and the microseconds from its replacement to rotated_at.';
COMMENT ON COLUMN auth_store.grants.successor_sealed IS
    'The current rotation secret, AES-256-GCM under a key derived from the previous refresh token: only its holder '
    'can open it.';
COMMENT ON COLUMN auth_store.grants.network IS 'Address of the last use, for the flag new_network.';
COMMENT ON COLUMN auth_store.grants.cnf IS
    'Confirmation (RFC 7800): jkt (RFC 9449) or x5t#S256 (RFC 8705) of a sender-constrained grant.';
COMMENT ON COLUMN auth_store.grants.rotation_count IS 'How often its refresh token has rotated.';
COMMENT ON COLUMN auth_store.grants.revoked_at IS 'When it was ended; NULL: it was not.';
COMMENT ON COLUMN auth_store.grants.rotated_at IS 'When its refresh token last rotated; NULL: never.';
COMMENT ON COLUMN auth_store.grants.user_id IS 'Who logged in; NULL: the client itself (client credentials).';
COMMENT ON COLUMN auth_store.grants.session_id IS
    'The session it was granted in, with which it is revoked; NULL: none.';
COMMENT ON COLUMN auth_store.grants.auth_time IS 'When the user logged in; NULL: not said.';
COMMENT ON COLUMN auth_store.grants.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.grants.client_id IS 'Whom it was granted to.';
COMMENT ON COLUMN auth_store.grants.scope IS 'What was granted, space-separated; a token may have less.';
COMMENT ON COLUMN auth_store.grants.revoked_reason IS
    'Why it was ended: what the application said, or code_replay, refresh_reuse …; NULL: it was not, or nobody said.';
COMMENT ON COLUMN auth_store.grants.resources IS
    'Resource indicators it is good for (RFC 8707); NULL: the client''s own.';
COMMENT ON COLUMN auth_store.grants.acr IS 'How the user was authenticated; NULL: not said.';
COMMENT ON COLUMN auth_store.grants.amr IS 'By which methods (RFC 8176); NULL: not said.';
COMMENT ON COLUMN auth_store.grants.claims IS
    'What the application had kept with the log-in, a JSON object; NULL: nothing.';
COMMENT ON COLUMN auth_store.grants.authorization_details IS
    'What the user agreed to in detail (RFC 9396), a JSON array; NULL: the scope says it all.';
COMMENT ON COLUMN auth_store.grants.claims_request IS
    'The parameter claims of the request (OpenID Connect Core section 5.5); NULL: it had none.';
COMMENT ON CONSTRAINT grants_pkey ON auth_store.grants IS
    'Finds the family of a refresh token by the id in it. Time-ordered: new rows are added at the right edge of the '
    'index.';
COMMENT ON CONSTRAINT grants_client_fkey ON auth_store.grants IS
    'A log-in locks its client''s row by it, and so waits for a call that is ending the client''s grants.';
COMMENT ON CONSTRAINT grants_user_fkey ON auth_store.grants IS
    'A log-in locks its user''s row by it, and so waits for a call that is ending the user''s grants.';
COMMENT ON INDEX auth_store.grants_user_idx IS
    'The grants of a user, to list and to end them; covers grants_user_fkey. No column of it changes, so a rotation '
    'is a HOT update.';
COMMENT ON INDEX auth_store.grants_client_idx IS
    'The grants of a client, to end them; covers grants_client_fkey. No column of it changes, so a rotation is a HOT '
    'update.';

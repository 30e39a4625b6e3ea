-- Short-lived: no foreign key, as for authorization codes. The columns that a poll changes come first and are in no
-- index, and the pages leave room: each poll is a HOT update next to its predecessor.
CREATE TABLE IF NOT EXISTS auth_store.device_codes (
    id               uuid        NOT NULL,
    last_polled_at   timestamptz,
    slowed_at        timestamptz,
    poll_interval    integer     NOT NULL,
    expires_at       timestamptz NOT NULL,
    approved_at      timestamptz,
    denied_at        timestamptz,
    redeemed_at      timestamptz,
    grant_id         uuid,
    user_id          uuid,
    session_id       uuid,
    auth_time        timestamptz,
    tenant_id        text COLLATE "C" NOT NULL,
    client_id        text COLLATE "C" NOT NULL,
    digest           bytea       NOT NULL,
    user_code_digest bytea       NOT NULL,
    scope            text        NOT NULL,
    resources        text[],
    acr              text,
    amr              text[],
    claims           jsonb,
    CONSTRAINT device_codes_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT device_codes_user_code_key UNIQUE (user_code_digest)
) WITH (fillfactor = 60);
COMMENT ON TABLE auth_store.device_codes IS
    'Device authorization requests (RFC 8628): the device code and the user code as SHA-256 digests. A row with '
    'poll_interval 0 says that the grant of another shard''s device code was made here, and has the grant''s id, see '
    'device_accept().';
COMMENT ON COLUMN auth_store.device_codes.last_polled_at IS 'The last poll while the request was pending.';
COMMENT ON COLUMN auth_store.device_codes.slowed_at IS
    'The last poll that came too early and was answered with slow_down.';
COMMENT ON COLUMN auth_store.device_codes.poll_interval IS
    'Seconds between polls, of which a tenth is leeway; each slow_down adds 5 (RFC 8628 section 3.5), up to 60 and to '
    'half of what is left of the code''s life.';
COMMENT ON COLUMN auth_store.device_codes.user_code_digest IS
    'SHA-256 of the tenant, 0x00 and the letters of the user code: eight, or eleven where the store is spread.';
COMMENT ON COLUMN auth_store.device_codes.scope IS 'The scope asked for; from the approval on the scope granted.';
COMMENT ON COLUMN auth_store.device_codes.approved_at IS
    'When the user agreed. A request is approved or denied once, by one conditional UPDATE.';
COMMENT ON COLUMN auth_store.device_codes.redeemed_at IS
    'When the transaction that redeemed the device code ended: it happens once, by one conditional UPDATE.';
COMMENT ON COLUMN auth_store.device_codes.grant_id IS
    'The grant of the redemption; a replay of the device code ends it. NULL with redeemed_at: a replay of a code that '
    'was handed over to another shard, see device_hand_over().';
COMMENT ON COLUMN auth_store.device_codes.id IS
    'The first 16 bytes of the device code''s text; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.device_codes.expires_at IS 'The end of both codes.';
COMMENT ON COLUMN auth_store.device_codes.denied_at IS 'When the user refused; NULL: not, or not yet.';
COMMENT ON COLUMN auth_store.device_codes.user_id IS 'Who agreed; NULL: nobody yet.';
COMMENT ON COLUMN auth_store.device_codes.session_id IS 'The session in which the user agreed; NULL: none was named.';
COMMENT ON COLUMN auth_store.device_codes.auth_time IS 'When that user logged in; NULL: not said.';
COMMENT ON COLUMN auth_store.device_codes.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.device_codes.client_id IS 'The client on the device.';
COMMENT ON COLUMN auth_store.device_codes.digest IS 'SHA-256 of the device code''s whole text.';
COMMENT ON COLUMN auth_store.device_codes.resources IS
    'Resource indicators asked for (RFC 8707); NULL: the client''s own.';
COMMENT ON COLUMN auth_store.device_codes.acr IS 'How the user was authenticated; NULL: not said.';
COMMENT ON COLUMN auth_store.device_codes.amr IS 'By which methods (RFC 8176); NULL: not said.';
COMMENT ON COLUMN auth_store.device_codes.claims IS
    'What the application wants back at the redemption, a JSON object; NULL: nothing.';
COMMENT ON CONSTRAINT device_codes_pkey ON auth_store.device_codes IS
    'Finds the device code by its first 16 bytes at each poll. No column of it changes, so a poll is a HOT update.';
COMMENT ON CONSTRAINT device_codes_user_code_key ON auth_store.device_codes IS
    'Finds the request by what the user types (RFC 8628 section 3.3); no two devices wait with one user code.';

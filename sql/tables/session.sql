-- A login in the application itself. Touching one changes no column of an index: HOT updates, for which the
-- fillfactor leaves room. No CHECK, as on the other hot tables; the foreign key makes a log-in wait for a call
-- that is ending the user's sessions.
CREATE TABLE IF NOT EXISTS auth_store.sessions (
    id              uuid        NOT NULL,
    user_id         uuid        NOT NULL,
    expires_at      timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    idle_ttl        integer     NOT NULL,
    revoked_at      timestamptz,
    tenant_id       text COLLATE "C" NOT NULL,
    digest          bytea       NOT NULL,
    acr             text,
    amr             text[],
    metadata        jsonb       NOT NULL,
    revoked_reason  text,
    ip              inet,
    user_agent      text,
    actor_id        uuid,
    auth_time       timestamptz,
    CONSTRAINT sessions_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT sessions_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id, tenant_id)
) WITH (fillfactor = 80);
CREATE INDEX IF NOT EXISTS sessions_user_idx ON auth_store.sessions (user_id, tenant_id);
CREATE INDEX IF NOT EXISTS sessions_actor_idx ON auth_store.sessions (actor_id) WHERE actor_id IS NOT NULL;
COMMENT ON TABLE auth_store.sessions IS
    'Login sessions: one row per log-in of a user in the application, the token in its cookie as a SHA-256 digest.';
COMMENT ON COLUMN auth_store.sessions.id IS
    'The first 16 bytes of the token text, also after a rotation; time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.sessions.expires_at IS
    'Its absolute end, which no use puts off; idle_expires_at ends it earlier.';
COMMENT ON COLUMN auth_store.sessions.idle_expires_at IS 'The session ends here unless it is touched.';
COMMENT ON COLUMN auth_store.sessions.idle_ttl IS 'Seconds by which a touch moves idle_expires_at ahead.';
COMMENT ON COLUMN auth_store.sessions.revoked_at IS 'When somebody ended it; NULL also where it expired by itself.';
COMMENT ON COLUMN auth_store.sessions.digest IS 'SHA-256 of the token text that is valid now.';
COMMENT ON COLUMN auth_store.sessions.ip IS 'Address of the last touch that brought one.';
COMMENT ON COLUMN auth_store.sessions.user_id IS 'Who has logged in.';
COMMENT ON COLUMN auth_store.sessions.last_seen_at IS 'The last touch that was written, at most once a minute.';
COMMENT ON COLUMN auth_store.sessions.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.sessions.acr IS 'How the user was authenticated (OpenID Connect acr); NULL: not said.';
COMMENT ON COLUMN auth_store.sessions.amr IS 'By which methods (RFC 8176); NULL: not said.';
COMMENT ON COLUMN auth_store.sessions.metadata IS 'What the application keeps with it, a JSON object.';
COMMENT ON COLUMN auth_store.sessions.revoked_reason IS 'Why somebody ended it; NULL: nobody did, or did not say.';
COMMENT ON COLUMN auth_store.sessions.actor_id IS
    'The user who acts in it as the other: see user_impersonate(). NULL: it is the user''s own.';
COMMENT ON COLUMN auth_store.sessions.user_agent IS
    'The user agent of the last touch that brought one; NULL: none did.';
COMMENT ON COLUMN auth_store.sessions.auth_time IS
    'When session_elevate() last said that the user was authenticated again; NULL: not since it was made.';
COMMENT ON CONSTRAINT sessions_pkey ON auth_store.sessions IS
    'Finds the session by the first 16 bytes of its token. Time-ordered: new rows are added at the right edge of the '
    'index.';
COMMENT ON CONSTRAINT sessions_user_fkey ON auth_store.sessions IS
    'A log-in locks its user''s row by it, and so waits for a call that is ending the user''s sessions.';
COMMENT ON INDEX auth_store.sessions_user_idx IS
    'The sessions of a user, to list and to end them; covers sessions_user_fkey.';
COMMENT ON INDEX auth_store.sessions_actor_idx IS
    'The sessions in which somebody acts as another user, by who acts. Partial: hardly any are of that kind.';

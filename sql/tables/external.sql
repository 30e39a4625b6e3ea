-- What users are at other providers. The key keeps one account there from being two users here. A log-in changes no
-- column of an index: HOT updates, for which the fillfactor leaves room.
CREATE TABLE IF NOT EXISTS auth_store.identities (
    user_id        uuid        NOT NULL,
    linked_at      timestamptz NOT NULL,
    last_used_at   timestamptz,
    bucket         integer     NOT NULL,
    email_verified boolean     NOT NULL,
    tenant_id      text COLLATE "C" NOT NULL,
    provider       text COLLATE "C" NOT NULL,
    subject        text COLLATE "C" NOT NULL,
    email          text,
    profile        jsonb       NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (tenant_id, provider, subject),
    CONSTRAINT identities_user_fkey FOREIGN KEY (user_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT identities_profile_object CHECK (pg_catalog.jsonb_typeof(profile) = 'object')
) WITH (fillfactor = 90);
CREATE INDEX IF NOT EXISTS identities_user_idx ON auth_store.identities (user_id, tenant_id);
COMMENT ON TABLE auth_store.identities IS 'External identities: accounts at other providers that users log in with.';
COMMENT ON COLUMN auth_store.identities.user_id IS 'Who logs in with it.';
COMMENT ON COLUMN auth_store.identities.linked_at IS 'Since when it is the user''s.';
COMMENT ON COLUMN auth_store.identities.last_used_at IS
    'The last identity_login() with it; NULL: none since it was linked.';
COMMENT ON COLUMN auth_store.identities.bucket IS
    'The first 12 bits of SHA-256 of tenant_id, provider and subject with zero bytes between them: where a router '
    'looks for it once the store is spread over several databases.';
COMMENT ON COLUMN auth_store.identities.email_verified IS 'Whether the provider says that it has verified the address.';
COMMENT ON COLUMN auth_store.identities.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.identities.provider IS
    'The provider''s short name, as google; one that begins with sso: is the single sign-on of an organisation.';
COMMENT ON COLUMN auth_store.identities.subject IS
    'The account''s own id there (OpenID Connect sub), compared as given.';
COMMENT ON COLUMN auth_store.identities.email IS
    'The address as the provider last said it; NULL: it said none.';
COMMENT ON COLUMN auth_store.identities.profile IS 'What else the provider last said, a JSON object.';
COMMENT ON CONSTRAINT identities_pkey ON auth_store.identities IS
    'One account at a provider is one user of a tenant; the log-in finds the user by it.';
COMMENT ON CONSTRAINT identities_user_fkey ON auth_store.identities IS 'Identities go with their user.';
COMMENT ON CONSTRAINT identities_profile_object ON auth_store.identities IS
    'A JSON object: what the provider said at the last log-in.';
COMMENT ON INDEX auth_store.identities_user_idx IS 'The identities of a user; covers identities_user_fkey.';

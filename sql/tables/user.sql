CREATE TABLE IF NOT EXISTS auth_store.users (
    id             uuid        NOT NULL,
    email_verified boolean     NOT NULL DEFAULT false,
    tenant_id      text COLLATE "C" NOT NULL DEFAULT 'default',
    status         text        NOT NULL DEFAULT 'active',
    email          text,
    external_id    text COLLATE "C",
    first_name     text,
    last_name      text,
    status_reason  text,
    metadata       jsonb       NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    email_key      text COLLATE "C",
    CONSTRAINT users_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT users_id_key UNIQUE (id),
    CONSTRAINT users_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT users_status_known CHECK (status IN ('active', 'inactive', 'suspended', 'deleted')),
    CONSTRAINT users_metadata_object CHECK (pg_catalog.jsonb_typeof(metadata) = 'object'),
    CONSTRAINT users_email_key_of_email CHECK (email IS NOT NULL OR email_key IS NULL)
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_key ON auth_store.users (tenant_id, email_key)
    WHERE email_key IS NOT NULL;
-- Finds users who wait for a key; there is hardly ever one.
CREATE INDEX IF NOT EXISTS users_email_unkeyed_idx ON auth_store.users (id)
    WHERE email IS NOT NULL AND email_key IS NULL;
-- Includes users without one, so that it covers the foreign key to the tenant.
CREATE UNIQUE INDEX IF NOT EXISTS users_external_id_key ON auth_store.users (tenant_id, external_id);
COMMENT ON TABLE auth_store.users IS 'End users: resource owners (RFC 6749 section 1.1).';
COMMENT ON COLUMN auth_store.users.external_id IS
    'The user''s key in the application''s own users table, see user_ensure().';
COMMENT ON COLUMN auth_store.users.email IS 'The address as it was given: what is shown and mailed to.';
COMMENT ON COLUMN auth_store.users.email_key IS
    'What the address is compared by, the same in every database: its local part in NFC and lower case of Unicode, '
    'its domain in ASCII (UTS 46). Written by the store''s functions. '
    'NULL beside an address that is another user''s too, see check().';
COMMENT ON COLUMN auth_store.users.id IS 'Time-ordered, see id_time().';
COMMENT ON COLUMN auth_store.users.email_verified IS 'Whether the address was shown to be the user''s.';
COMMENT ON COLUMN auth_store.users.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.users.status IS
    'active, inactive, suspended or deleted; only an active one gets or uses tokens.';
COMMENT ON COLUMN auth_store.users.first_name IS 'As the user writes it; NULL: not known.';
COMMENT ON COLUMN auth_store.users.last_name IS 'As the user writes it; NULL: not known.';
COMMENT ON COLUMN auth_store.users.status_reason IS 'Why the user has that status; NULL: nobody said.';
COMMENT ON COLUMN auth_store.users.metadata IS 'What the application keeps with the user, a JSON object.';
COMMENT ON COLUMN auth_store.users.created_at IS 'When the user was registered.';
COMMENT ON COLUMN auth_store.users.updated_at IS 'When the row was last changed.';

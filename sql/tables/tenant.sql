CREATE TABLE IF NOT EXISTS auth_store.tenants (
    id            text COLLATE "C" NOT NULL,
    status        text        NOT NULL DEFAULT 'active',
    status_reason text,
    display_name  text        NOT NULL,
    settings      jsonb       NOT NULL DEFAULT '{}',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    redirect_uri_schemes text[] NOT NULL DEFAULT '{}',
    subject_salt  bytea,
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_id_shape CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'),
    CONSTRAINT tenants_status_known CHECK (status IN ('active', 'suspended')),
    CONSTRAINT tenants_settings_object CHECK (pg_catalog.jsonb_typeof(settings) = 'object'),
    CONSTRAINT tenants_subject_salt_length CHECK (pg_catalog.octet_length(subject_salt) = 32)
);
COMMENT ON TABLE auth_store.tenants IS
    'Tenants. A store with one tenant uses ''default'' and never names it; its row is made when it is first needed.';
COMMENT ON COLUMN auth_store.tenants.status IS
    'active or suspended; while suspended no client of the tenant works and no token of it is active.';
COMMENT ON COLUMN auth_store.tenants.id IS
    'Its name in every call; letters, digits, dot, dash and underscore, at most 63.';
COMMENT ON COLUMN auth_store.tenants.status_reason IS
    'Why it has its status, as tenant_set_status() was told; NULL: it was told nothing.';
COMMENT ON COLUMN auth_store.tenants.display_name IS 'What people read.';
COMMENT ON COLUMN auth_store.tenants.settings IS 'What the application keeps with it, a JSON object.';
COMMENT ON COLUMN auth_store.tenants.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.tenants.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN auth_store.tenants.redirect_uri_schemes IS
    'Private-use schemes without a dot, as vscode, that redirect URIs of its clients may have.';
COMMENT ON COLUMN auth_store.tenants.subject_salt IS
    'What makes the subjects of pairwise clients (OpenID Connect Core section 8.1) those of this tenant alone: 32 '
    'random bytes, which stay; NULL: it has had no such client.';

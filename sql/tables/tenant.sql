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
COMMENT ON COLUMN auth_store.tenants.display_name IS 'The name that people read on pages and in mails.';
COMMENT ON COLUMN auth_store.tenants.settings IS 'What the application keeps with it, a JSON object.';
COMMENT ON COLUMN auth_store.tenants.created_at IS 'When it was made.';
COMMENT ON COLUMN auth_store.tenants.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN auth_store.tenants.redirect_uri_schemes IS
    'Private-use schemes without a dot, as vscode, that redirect URIs of its clients may have.';
COMMENT ON COLUMN auth_store.tenants.subject_salt IS
    'What makes the subjects of pairwise clients (OpenID Connect Core section 8.1) those of this tenant alone: 32 '
    'random bytes, which stay; NULL: it has had no such client.';
COMMENT ON CONSTRAINT tenants_pkey ON auth_store.tenants IS
    'The name is the key: calls, settings and the rows of all other tables name a tenant by it.';
COMMENT ON CONSTRAINT tenants_id_shape ON auth_store.tenants IS
    '1 to 63 letters, digits, dots, dashes and underscores, the first a letter or digit: such a name needs no quoting '
    'in a URL, a file name or a setting.';
COMMENT ON CONSTRAINT tenants_status_known ON auth_store.tenants IS
    'A status that no function knows would be neither served nor refused.';
COMMENT ON CONSTRAINT tenants_settings_object ON auth_store.tenants IS
    'A JSON object, so that an application can add a member without a look at what is there.';
COMMENT ON CONSTRAINT tenants_subject_salt_length ON auth_store.tenants IS
    '32 bytes, as many as the SHA-256 into which they go: nobody can try subjects of pairwise clients without them.';

-- Who the store is for the clients of a tenant, and the resource servers that take its tokens. Few rows, read at every
-- request of the protocol: a backend keeps what it has read, and asks only for the revision.
CREATE TABLE IF NOT EXISTS auth_store.issuers (
    revision   uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    tenant_id  text COLLATE "C" NOT NULL,
    issuer     text COLLATE "C" NOT NULL,
    path       text COLLATE "C" NOT NULL,
    settings   jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT issuers_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT issuers_issuer_key UNIQUE (issuer),
    CONSTRAINT issuers_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT issuers_settings_object CHECK (pg_catalog.jsonb_typeof(settings) = 'object')
);
CREATE INDEX IF NOT EXISTS issuers_path_idx ON auth_store.issuers (path, tenant_id);
COMMENT ON TABLE auth_store.issuers IS
    'The issuer of each tenant that is a provider (RFC 8414), and how it answers, see provider_set().';
COMMENT ON COLUMN auth_store.issuers.revision IS 'Another one after each change.';
COMMENT ON COLUMN auth_store.issuers.created_at IS 'When the tenant became a provider.';
COMMENT ON COLUMN auth_store.issuers.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN auth_store.issuers.tenant_id IS 'The tenant whose clients it serves.';
COMMENT ON COLUMN auth_store.issuers.issuer IS 'The issuer identifier: what iss says of every token.';
COMMENT ON COLUMN auth_store.issuers.path IS 'The path of the issuer, by which a request finds its tenant.';
COMMENT ON COLUMN auth_store.issuers.settings IS 'What differs from the defaults, see provider_set().';
COMMENT ON CONSTRAINT issuers_pkey ON auth_store.issuers IS
    'A tenant is one provider: its clients, keys and tokens have one issuer.';
COMMENT ON CONSTRAINT issuers_issuer_key ON auth_store.issuers IS
    'One issuer identifier names one tenant: whoever verifies a token must not meet two sets of keys.';
COMMENT ON CONSTRAINT issuers_tenant_fkey ON auth_store.issuers IS
    'An issuer goes before its tenant does; tenant_erase() deletes it.';
COMMENT ON CONSTRAINT issuers_settings_object ON auth_store.issuers IS
    'A JSON object with the members of provider_set() that differ from the defaults.';
COMMENT ON INDEX auth_store.issuers_path_idx IS
    'Finds the tenant of a request by its path. Not unique: tenants on hosts of their own may have one path.';

CREATE TABLE IF NOT EXISTS auth_store.resource_servers (
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    access_token_ttl    integer,
    dpop_required       boolean     NOT NULL DEFAULT false,
    tenant_id           text COLLATE "C" NOT NULL,
    uri_key             text COLLATE "C" NOT NULL,
    uri                 text COLLATE "C" NOT NULL,
    name                text,
    scope               text        NOT NULL DEFAULT '',
    access_token_format text,
    alg                 text,
    metadata            jsonb       NOT NULL DEFAULT '{}',
    CONSTRAINT resource_servers_pkey PRIMARY KEY (tenant_id, uri_key),
    CONSTRAINT resource_servers_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT resource_servers_format_known CHECK (access_token_format IN ('opaque', 'jwt')),
    CONSTRAINT resource_servers_metadata_object CHECK (pg_catalog.jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE auth_store.resource_servers IS
    'Resource servers that want tokens of their own kind, or tell clients of themselves (RFC 9728), see '
    'resource_set(). A resource without a row works as well.';
COMMENT ON COLUMN auth_store.resource_servers.created_at IS 'When it was registered.';
COMMENT ON COLUMN auth_store.resource_servers.updated_at IS 'When the row was last changed.';
COMMENT ON COLUMN auth_store.resource_servers.access_token_ttl IS
    'Seconds that access tokens for it live at most; NULL: as the client and the issuer have it.';
COMMENT ON COLUMN auth_store.resource_servers.dpop_required IS
    'Whether it takes tokens only that are bound to a key (RFC 9449): its metadata say so.';
COMMENT ON COLUMN auth_store.resource_servers.tenant_id IS 'The tenant whose tokens it takes.';
COMMENT ON COLUMN auth_store.resource_servers.uri_key IS
    'The indicator in the normal form of RFC 3986 section 6.2, as far as scheme, host, port and an empty path go.';
COMMENT ON COLUMN auth_store.resource_servers.uri IS 'The resource indicator (RFC 8707) as it was given.';
COMMENT ON COLUMN auth_store.resource_servers.name IS 'What people read; NULL: nothing.';
COMMENT ON COLUMN auth_store.resource_servers.scope IS 'The scope tokens that it knows; empty: it does not say.';
COMMENT ON COLUMN auth_store.resource_servers.access_token_format IS
    'opaque or jwt: what it wants; NULL: as the client and the issuer have it.';
COMMENT ON COLUMN auth_store.resource_servers.alg IS
    'The algorithm that JWTs for it are signed with; NULL: the issuer''s.';
COMMENT ON COLUMN auth_store.resource_servers.metadata IS 'More members of its metadata document (RFC 9728).';
COMMENT ON CONSTRAINT resource_servers_pkey ON auth_store.resource_servers IS
    'One row for a resource, however its URI is spelled: the key is in the normal form.';
COMMENT ON CONSTRAINT resource_servers_tenant_fkey ON auth_store.resource_servers IS
    'A resource goes before its tenant does; tenant_erase() deletes it.';
COMMENT ON CONSTRAINT resource_servers_format_known ON auth_store.resource_servers IS
    'opaque or jwt: the store issues nothing else.';
COMMENT ON CONSTRAINT resource_servers_metadata_object ON auth_store.resource_servers IS
    'A JSON object, whose members go into the metadata document (RFC 9728) beside the store''s own.';

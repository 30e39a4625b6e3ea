-- What users have agreed to, one row per scope token: so two answers at the same time add up, and each token
-- keeps its own end.
CREATE TABLE IF NOT EXISTS auth_store.consents (
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    renewed_at timestamptz NOT NULL,
    expires_at timestamptz,
    tenant_id  text COLLATE "C" NOT NULL,
    client_id  text COLLATE "C" NOT NULL,
    resource   text COLLATE "C" NOT NULL,
    scope      text COLLATE "C" NOT NULL,
    CONSTRAINT consents_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT consents_key UNIQUE (user_id, tenant_id, client_id, resource, scope),
    CONSTRAINT consents_user_fkey FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id, tenant_id),
    CONSTRAINT consents_client_fkey FOREIGN KEY (client_id, tenant_id) REFERENCES auth_store.clients (id, tenant_id),
    CONSTRAINT consents_scope_length CHECK (pg_catalog.octet_length(scope) <= 255)
);
CREATE INDEX IF NOT EXISTS consents_client_idx ON auth_store.consents (client_id, tenant_id);
CREATE INDEX IF NOT EXISTS consents_expires_idx ON auth_store.consents (expires_at) WHERE expires_at IS NOT NULL;
COMMENT ON TABLE auth_store.consents IS
    'Consents: which user has agreed to which scope of which client, for which resource.';
COMMENT ON COLUMN auth_store.consents.id IS 'Time-ordered: when the user first agreed, see id_time().';
COMMENT ON COLUMN auth_store.consents.renewed_at IS 'When the user last agreed.';
COMMENT ON COLUMN auth_store.consents.expires_at IS 'End of the consent; NULL: until revoked.';
COMMENT ON COLUMN auth_store.consents.resource IS 'Resource indicator (RFC 8707) it was given for; empty: for all.';
COMMENT ON COLUMN auth_store.consents.scope IS
    'One scope token (RFC 6749 section 3.3); empty: the client asked for none.';
COMMENT ON COLUMN auth_store.consents.user_id IS 'Who has agreed.';
COMMENT ON COLUMN auth_store.consents.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.consents.client_id IS 'To whose access.';

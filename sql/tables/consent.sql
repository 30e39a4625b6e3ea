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
COMMENT ON COLUMN auth_store.consents.user_id IS 'The user who has agreed.';
COMMENT ON COLUMN auth_store.consents.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.consents.client_id IS 'The client that may have what the user agreed to.';
COMMENT ON CONSTRAINT consents_pkey ON auth_store.consents IS 'Names the consent; cleanup walks the table by it.';
COMMENT ON CONSTRAINT consents_key ON auth_store.consents IS
    'A user agrees to a scope token of a client at a resource once: to agree again renews the row.';
COMMENT ON CONSTRAINT consents_user_fkey ON auth_store.consents IS
    'To be deleted first: user_erase() does, so that no consent is left of a user who is gone.';
COMMENT ON CONSTRAINT consents_client_fkey ON auth_store.consents IS
    'To be deleted first: client_delete() does, so that no consent is left of a client that is gone.';
COMMENT ON CONSTRAINT consents_scope_length ON auth_store.consents IS
    'A scope token has at most 255 bytes: it is part of a key, and an index entry has a largest size.';
COMMENT ON INDEX auth_store.consents_client_idx IS
    'The consents to a client, for client_delete(); covers consents_client_fkey.';
COMMENT ON INDEX auth_store.consents_expires_idx IS 'Finds consents that are over, for cleanup.';

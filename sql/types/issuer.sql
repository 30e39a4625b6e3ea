CREATE TYPE auth_store.provider_settings AS (
    tenant_id  text,
    issuer     text,
    settings   jsonb,
    created_at timestamptz,
    updated_at timestamptz
);
COMMENT ON TYPE auth_store.provider_settings IS
    'A tenant''s issuer and its settings (RFC 8414), the defaults among them: a row of issuer_list().';

CREATE TYPE auth_store.resource_server AS (
    uri                 text,
    name                text,
    scope               text,
    access_token_format text,
    access_token_ttl    integer,
    alg                 text,
    dpop_required       boolean,
    metadata            jsonb,
    tenant_id           text,
    created_at          timestamptz,
    updated_at          timestamptz
);
COMMENT ON TYPE auth_store.resource_server IS 'A registered resource server: a row of resource_list().';

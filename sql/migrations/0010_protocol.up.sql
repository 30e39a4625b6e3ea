-- The protocol: what clients, grants and tokens need to know for OpenID Connect, JWTs and registration. The new tables
-- are made by sql/tables, which migrate() runs next.
ALTER TABLE auth_store.clients
    ADD COLUMN owner_id uuid,
    ADD COLUMN origin text COLLATE "C" NOT NULL DEFAULT 'administrator',
    ADD COLUMN jwks jsonb,
    ADD COLUMN jwks_uri text COLLATE "C",
    ADD COLUMN fetched_jwks jsonb,
    ADD COLUMN fetched_jwks_expires_at timestamptz,
    ADD COLUMN access_token_format text,
    ADD COLUMN profile text,
    ADD COLUMN require_par boolean NOT NULL DEFAULT false,
    ADD COLUMN dpop_bound boolean NOT NULL DEFAULT false,
    ADD COLUMN certificate_bound boolean NOT NULL DEFAULT false,
    ADD COLUMN certificate_subject jsonb,
    ADD COLUMN subject_type text NOT NULL DEFAULT 'public',
    ADD COLUMN id_token_signed_response_alg text,
    ADD COLUMN userinfo_signed_response_alg text,
    ADD COLUMN default_max_age integer,
    ADD COLUMN authorization_details_types text[] NOT NULL DEFAULT '{}',
    ADD COLUMN post_logout_redirect_uris text[] NOT NULL DEFAULT '{}',
    ADD COLUMN backchannel_logout_uri text,
    ADD COLUMN backchannel_logout_session_required boolean NOT NULL DEFAULT false,
    ADD COLUMN registration_digest bytea,
    ADD COLUMN registration_expires_at timestamptz,
    ADD COLUMN document_expires_at timestamptz,
    ADD CONSTRAINT clients_owner_fkey FOREIGN KEY (owner_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE SET NULL (owner_id),
    ADD CONSTRAINT clients_origin_known CHECK (origin IN ('administrator', 'developer', 'registration', 'document')),
    ADD CONSTRAINT clients_jwks_object CHECK (pg_catalog.jsonb_typeof(jwks) = 'object'),
    ADD CONSTRAINT clients_fetched_jwks_object CHECK (pg_catalog.jsonb_typeof(fetched_jwks) = 'object'),
    ADD CONSTRAINT clients_jwks_one_source CHECK (jwks IS NULL OR jwks_uri IS NULL),
    ADD CONSTRAINT clients_access_token_format_known CHECK (access_token_format IN ('opaque', 'jwt')),
    ADD CONSTRAINT clients_profile_known CHECK (profile IN ('fapi2')),
    ADD CONSTRAINT clients_certificate_subject_object CHECK (pg_catalog.jsonb_typeof(certificate_subject) = 'object'),
    ADD CONSTRAINT clients_subject_type_known CHECK (subject_type IN ('public', 'pairwise')),
    ADD CONSTRAINT clients_default_max_age_range CHECK (default_max_age >= 0),
    ADD CONSTRAINT clients_registration_digest_length CHECK (pg_catalog.octet_length(registration_digest) = 32);
ALTER TABLE auth_store.client_secrets
    ADD COLUMN key_id uuid,
    ADD COLUMN sealed bytea,
    ADD CONSTRAINT client_secrets_sealed_by_key CHECK ((key_id IS NULL) = (sealed IS NULL)),
    ADD CONSTRAINT client_secrets_sealed_digest CHECK (sealed IS NULL OR digest IS NOT NULL),
    ADD CONSTRAINT client_secrets_vault_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id);
ALTER TABLE auth_store.tenants
    ADD COLUMN subject_salt bytea,
    ADD CONSTRAINT tenants_subject_salt_length CHECK (pg_catalog.octet_length(subject_salt) = 32);
ALTER TABLE auth_store.authorization_codes ADD COLUMN authorization_details jsonb, ADD COLUMN claims_request jsonb;
ALTER TABLE auth_store.grants ADD COLUMN authorization_details jsonb, ADD COLUMN claims_request jsonb;
ALTER TABLE auth_store.webhooks ADD COLUMN logout boolean NOT NULL DEFAULT false;

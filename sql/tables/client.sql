CREATE TABLE IF NOT EXISTS auth_store.clients (
    id                         text COLLATE "C" NOT NULL,
    tenant_id                  text COLLATE "C" NOT NULL DEFAULT 'default',
    status                     text        NOT NULL DEFAULT 'active',
    tenant_suspended           boolean     NOT NULL DEFAULT false,
    client_type                text        NOT NULL,
    token_endpoint_auth_method text        NOT NULL,
    require_pkce               boolean     NOT NULL,
    refresh_rotation           boolean     NOT NULL DEFAULT true,
    access_token_ttl           integer     NOT NULL DEFAULT 3600,
    refresh_token_ttl          integer     NOT NULL DEFAULT 7776000,
    refresh_idle_ttl           integer     NOT NULL DEFAULT 2592000,
    refresh_grace              integer,
    rate_limit_per_hour        integer,
    scope                      text        NOT NULL DEFAULT '',
    grant_types                text[]      NOT NULL,
    redirect_uris              text[]      NOT NULL DEFAULT '{}',
    resources                  text[]      NOT NULL DEFAULT '{}',
    name                       text        NOT NULL,
    status_reason              text,
    metadata                   jsonb       NOT NULL DEFAULT '{}',
    created_at                 timestamptz NOT NULL,
    updated_at                 timestamptz NOT NULL,
    owner_id                   uuid,
    origin                     text COLLATE "C" NOT NULL DEFAULT 'administrator',
    jwks                       jsonb,
    jwks_uri                   text COLLATE "C",
    fetched_jwks               jsonb,
    fetched_jwks_expires_at    timestamptz,
    access_token_format        text,
    profile                    text,
    require_par                boolean     NOT NULL DEFAULT false,
    dpop_bound                 boolean     NOT NULL DEFAULT false,
    certificate_bound          boolean     NOT NULL DEFAULT false,
    certificate_subject        jsonb,
    subject_type               text        NOT NULL DEFAULT 'public',
    id_token_signed_response_alg text,
    userinfo_signed_response_alg text,
    default_max_age            integer,
    authorization_details_types text[]     NOT NULL DEFAULT '{}',
    post_logout_redirect_uris  text[]      NOT NULL DEFAULT '{}',
    backchannel_logout_uri     text,
    backchannel_logout_session_required boolean NOT NULL DEFAULT false,
    registration_digest        bytea,
    registration_expires_at    timestamptz,
    document_expires_at        timestamptz,
    CONSTRAINT clients_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT clients_id_key UNIQUE (id),
    CONSTRAINT clients_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id),
    CONSTRAINT clients_status_known CHECK (status IN ('active', 'suspended', 'revoked', 'pending')),
    CONSTRAINT clients_type_known CHECK (client_type IN ('confidential', 'public')),
    CONSTRAINT clients_access_token_ttl_range CHECK (access_token_ttl BETWEEN 1 AND 86400),
    CONSTRAINT clients_refresh_token_ttl_positive CHECK (refresh_token_ttl > 0),
    CONSTRAINT clients_refresh_idle_ttl_positive CHECK (refresh_idle_ttl > 0),
    CONSTRAINT clients_refresh_grace_range CHECK (refresh_grace BETWEEN 0 AND 300),
    CONSTRAINT clients_rate_limit_positive CHECK (rate_limit_per_hour > 0),
    CONSTRAINT clients_metadata_object CHECK (pg_catalog.jsonb_typeof(metadata) = 'object'),
    CONSTRAINT clients_owner_fkey FOREIGN KEY (owner_id, tenant_id)
        REFERENCES auth_store.users (id, tenant_id) ON DELETE SET NULL (owner_id),
    CONSTRAINT clients_origin_known CHECK (origin IN ('administrator', 'developer', 'registration', 'document')),
    CONSTRAINT clients_jwks_object CHECK (pg_catalog.jsonb_typeof(jwks) = 'object'),
    CONSTRAINT clients_fetched_jwks_object CHECK (pg_catalog.jsonb_typeof(fetched_jwks) = 'object'),
    CONSTRAINT clients_jwks_one_source CHECK (jwks IS NULL OR jwks_uri IS NULL),
    CONSTRAINT clients_access_token_format_known CHECK (access_token_format IN ('opaque', 'jwt')),
    CONSTRAINT clients_profile_known CHECK (profile IN ('fapi2')),
    CONSTRAINT clients_certificate_subject_object CHECK (pg_catalog.jsonb_typeof(certificate_subject) = 'object'),
    CONSTRAINT clients_subject_type_known CHECK (subject_type IN ('public', 'pairwise')),
    CONSTRAINT clients_default_max_age_range CHECK (default_max_age >= 0),
    CONSTRAINT clients_registration_digest_length CHECK (pg_catalog.octet_length(registration_digest) = 32)
);
CREATE INDEX IF NOT EXISTS clients_tenant_idx ON auth_store.clients (tenant_id);
CREATE INDEX IF NOT EXISTS clients_owner_idx ON auth_store.clients (owner_id, tenant_id) WHERE owner_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS clients_registered_idx ON auth_store.clients (tenant_id, origin)
    WHERE origin IN ('registration', 'document');
CREATE INDEX IF NOT EXISTS clients_unused_idx ON auth_store.clients (registration_expires_at)
    WHERE registration_expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS clients_jwks_uri_idx ON auth_store.clients (jwks_uri) WHERE jwks_uri IS NOT NULL;
COMMENT ON TABLE auth_store.clients IS
    'OAuth 2 clients (RFC 6749 section 2). Their secrets are in client_secrets, as digests.';
COMMENT ON COLUMN auth_store.clients.id IS 'The client_id of RFC 6749 section 2.2, unique over all tenants.';
COMMENT ON COLUMN auth_store.clients.tenant_suspended IS
    'Copy of the tenant''s suspension, so that validating a token reads no tenant.';
COMMENT ON COLUMN auth_store.clients.scope IS
    'Space-separated scope tokens the client may be granted; empty means none.';
COMMENT ON COLUMN auth_store.clients.access_token_ttl IS 'Seconds an access token lives, at most 86400.';
COMMENT ON COLUMN auth_store.clients.refresh_token_ttl IS
    'Seconds from the login to the absolute end of a refresh token family.';
COMMENT ON COLUMN auth_store.clients.refresh_idle_ttl IS 'Seconds an unused refresh token family lives.';
COMMENT ON COLUMN auth_store.clients.refresh_grace IS
    'Seconds in which the previous refresh token is answered with the same successor; NULL: auth_store.refresh_grace.';
COMMENT ON COLUMN auth_store.clients.refresh_rotation IS
    'false keeps the refresh token at each use; confidential or sender-constrained clients only (RFC 9700 '
    'section 4.14.2).';
COMMENT ON COLUMN auth_store.clients.resources IS
    'Resource indicators (RFC 8707) the client may name; empty means any.';
COMMENT ON COLUMN auth_store.clients.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.clients.status IS
    'active, pending, suspended or revoked; only an active one gets or uses tokens.';
COMMENT ON COLUMN auth_store.clients.client_type IS 'confidential or public (RFC 6749 section 2.1).';
COMMENT ON COLUMN auth_store.clients.token_endpoint_auth_method IS
    'How it authenticates (RFC 7591 section 2): client_secret_basic, client_secret_post, private_key_jwt, '
    'tls_client_auth, none …';
COMMENT ON COLUMN auth_store.clients.require_pkce IS
    'Whether an authorization request without a code challenge is refused.';
COMMENT ON COLUMN auth_store.clients.rate_limit_per_hour IS
    'Authenticated requests an hour, at most; NULL: any number.';
COMMENT ON COLUMN auth_store.clients.grant_types IS 'The grant types it may use (RFC 7591 section 2).';
COMMENT ON COLUMN auth_store.clients.redirect_uris IS 'The redirect URIs that it registered, compared exactly.';
COMMENT ON COLUMN auth_store.clients.name IS 'What users read when they are asked.';
COMMENT ON COLUMN auth_store.clients.status_reason IS
    'Why it has its status, as client_set_status() was told; NULL: it was told nothing.';
COMMENT ON COLUMN auth_store.clients.metadata IS 'What the application keeps with it, a JSON object.';
COMMENT ON COLUMN auth_store.clients.created_at IS 'When it was registered.';
COMMENT ON COLUMN auth_store.clients.updated_at IS 'When it was last changed.';
COMMENT ON COLUMN auth_store.clients.owner_id IS
    'The user who manages it, see developer_client_create(); NULL: administrators alone.';
COMMENT ON COLUMN auth_store.clients.origin IS
    'How it came to be: administrator, developer, registration (RFC 7591), or document: its client_id is a URL, where '
    'it publishes its metadata.';
COMMENT ON COLUMN auth_store.clients.jwks IS
    'The public keys that it registered, a JWK set (RFC 7517 section 5); NULL: none, or those at jwks_uri.';
COMMENT ON COLUMN auth_store.clients.jwks_uri IS 'Where it publishes its keys; NULL: nowhere.';
COMMENT ON COLUMN auth_store.clients.fetched_jwks IS 'The JWK set that was last fetched from jwks_uri; NULL: none was.';
COMMENT ON COLUMN auth_store.clients.fetched_jwks_expires_at IS
    'Until when it is used without fetching it anew; NULL: it was not fetched.';
COMMENT ON COLUMN auth_store.clients.access_token_format IS
    'opaque or jwt (RFC 9068), where the resource does not say; NULL: as the tenant''s issuer has it.';
COMMENT ON COLUMN auth_store.clients.profile IS
    'fapi2: the rules of the FAPI 2.0 security profile bind it; NULL: those of the tenant''s issuer.';
COMMENT ON COLUMN auth_store.clients.require_par IS
    'Whether it must push its authorization requests (RFC 9126 section 6).';
COMMENT ON COLUMN auth_store.clients.dpop_bound IS 'Whether its tokens must be bound to a key (RFC 9449 section 5.2).';
COMMENT ON COLUMN auth_store.clients.certificate_bound IS
    'Whether its tokens are bound to its certificate (RFC 8705 section 3.4).';
COMMENT ON COLUMN auth_store.clients.certificate_subject IS
    'Whom its certificate must name, one member of RFC 8705 section 2.1.2; NULL: the application verifies it.';
COMMENT ON COLUMN auth_store.clients.subject_type IS
    'public, or pairwise: it knows users by subjects of its own (OpenID Connect Core section 8).';
COMMENT ON COLUMN auth_store.clients.id_token_signed_response_alg IS
    'The algorithm of its ID tokens; NULL: that of the tenant''s issuer.';
COMMENT ON COLUMN auth_store.clients.userinfo_signed_response_alg IS
    'The algorithm of its userinfo answers; NULL: they are not signed.';
COMMENT ON COLUMN auth_store.clients.default_max_age IS
    'How many seconds ago a user may have logged in, where its request does not say; NULL: any number.';
COMMENT ON COLUMN auth_store.clients.authorization_details_types IS
    'The types of authorization details (RFC 9396 section 2) that it may ask for; empty: none.';
COMMENT ON COLUMN auth_store.clients.post_logout_redirect_uris IS
    'Where a browser may be sent after a log-out, compared exactly (OpenID Connect RP-Initiated Logout section 3).';
COMMENT ON COLUMN auth_store.clients.backchannel_logout_uri IS
    'Where logout tokens are posted to (OpenID Connect Back-Channel Logout section 2.2); NULL: nowhere.';
COMMENT ON COLUMN auth_store.clients.backchannel_logout_session_required IS
    'Whether a logout token must name the session.';
COMMENT ON COLUMN auth_store.clients.registration_digest IS
    'SHA-256 of its registration access token (RFC 7592 section 3); NULL: it has none.';
COMMENT ON COLUMN auth_store.clients.registration_expires_at IS
    'When it goes if no user has consented to it by then; NULL: it stays.';
COMMENT ON COLUMN auth_store.clients.document_expires_at IS
    'Until when its metadata document is used without fetching it anew; NULL: it has none.';
COMMENT ON CONSTRAINT clients_pkey ON auth_store.clients IS
    'Finds a client by client_id. With the tenant in it, foreign keys carry both, so that no row can name a client of '
    'another tenant.';
COMMENT ON CONSTRAINT clients_id_key ON auth_store.clients IS
    'A client_id is unique over all tenants: a request names the client before it names a tenant.';
COMMENT ON CONSTRAINT clients_tenant_fkey ON auth_store.clients IS
    'Clients go before their tenant does; tenant_erase() deletes them.';
COMMENT ON CONSTRAINT clients_status_known ON auth_store.clients IS
    'active, pending, suspended or revoked: each of them is either served or refused.';
COMMENT ON CONSTRAINT clients_type_known ON auth_store.clients IS
    'confidential or public (RFC 6749 section 2.1): a client without a secret must not pass for one that has one.';
COMMENT ON CONSTRAINT clients_access_token_ttl_range ON auth_store.clients IS
    '1 to 86,400 seconds: access tokens are revoked by their row, and a day bounds what a copy elsewhere is good for.';
COMMENT ON CONSTRAINT clients_refresh_token_ttl_positive ON auth_store.clients IS
    'Seconds from the log-in; a family that ends when it begins would be of no use.';
COMMENT ON CONSTRAINT clients_refresh_idle_ttl_positive ON auth_store.clients IS
    'Seconds from the last refresh; a family that ends at once could never be refreshed.';
COMMENT ON CONSTRAINT clients_refresh_grace_range ON auth_store.clients IS
    '0 to 300 seconds: so long the previous refresh token gets an answer, also from a thief.';
COMMENT ON CONSTRAINT clients_rate_limit_positive ON auth_store.clients IS
    'Requests an hour; a client that may do nothing is suspended, not limited to 0.';
COMMENT ON CONSTRAINT clients_metadata_object ON auth_store.clients IS
    'A JSON object, so that an application can add a member without a look at what is there.';
COMMENT ON CONSTRAINT clients_owner_fkey ON auth_store.clients IS
    'A client outlives the user who registered it, and belongs to administrators then.';
COMMENT ON CONSTRAINT clients_origin_known ON auth_store.clients IS
    'administrator, developer, registration or document: by it the client may be changed by whom, and goes unused or '
    'stays.';
COMMENT ON CONSTRAINT clients_jwks_object ON auth_store.clients IS 'A JWK set is a JSON object (RFC 7517 section 5).';
COMMENT ON CONSTRAINT clients_fetched_jwks_object ON auth_store.clients IS
    'A JWK set is a JSON object (RFC 7517 section 5); whatever else a URL answered is not kept.';
COMMENT ON CONSTRAINT clients_jwks_one_source ON auth_store.clients IS
    'Keys come by value or by reference, never both (RFC 7591 section 2): two sources could disagree.';
COMMENT ON CONSTRAINT clients_access_token_format_known ON auth_store.clients IS
    'opaque or jwt: the store issues nothing else.';
COMMENT ON CONSTRAINT clients_profile_known ON auth_store.clients IS
    'fapi2 is the only profile; NULL leaves the client to the issuer''s.';
COMMENT ON CONSTRAINT clients_certificate_subject_object ON auth_store.clients IS
    'A JSON object with one member of RFC 8705 section 2.1.2: tls_client_auth_subject_dn, …_san_dns and so on.';
COMMENT ON CONSTRAINT clients_subject_type_known ON auth_store.clients IS
    'public or pairwise (OpenID Connect Core section 8).';
COMMENT ON CONSTRAINT clients_default_max_age_range ON auth_store.clients IS
    'Seconds since the log-in; 0 asks for a log-in at each request.';
COMMENT ON CONSTRAINT clients_registration_digest_length ON auth_store.clients IS 'A SHA-256: 32 bytes.';
COMMENT ON INDEX auth_store.clients_tenant_idx IS
    'The clients of a tenant, for client_list() and tenant_erase(); covers clients_tenant_fkey.';
COMMENT ON INDEX auth_store.clients_owner_idx IS
    'The clients of a developer; covers clients_owner_fkey. Partial: most clients have no owner.';
COMMENT ON INDEX auth_store.clients_registered_idx IS
    'Counts the clients that strangers have registered, of which a tenant takes a bounded number.';
COMMENT ON INDEX auth_store.clients_unused_idx IS 'Finds registered clients that nobody has used in time, for cleanup.';
COMMENT ON INDEX auth_store.clients_jwks_uri_idx IS
    'Finds the clients of a tenant whose keys lie at a URL that was fetched: one answer serves them all.';

CREATE TABLE IF NOT EXISTS auth_store.client_secrets (
    id          uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz,
    tenant_id   text COLLATE "C" NOT NULL,
    client_id   text COLLATE "C" NOT NULL,
    digest      bytea,
    secret_hash text,
    key_id      uuid,
    sealed      bytea,
    CONSTRAINT client_secrets_pkey PRIMARY KEY (id, tenant_id),
    CONSTRAINT client_secrets_client_fkey FOREIGN KEY (client_id, tenant_id)
        REFERENCES auth_store.clients (id, tenant_id) ON DELETE CASCADE,
    CONSTRAINT client_secrets_one_form CHECK ((digest IS NULL) <> (secret_hash IS NULL)),
    CONSTRAINT client_secrets_digest_length CHECK (pg_catalog.octet_length(digest) = 32),
    CONSTRAINT client_secrets_sealed_by_key CHECK ((key_id IS NULL) = (sealed IS NULL)),
    CONSTRAINT client_secrets_sealed_digest CHECK (sealed IS NULL OR digest IS NOT NULL),
    CONSTRAINT client_secrets_vault_key_fkey FOREIGN KEY (key_id, tenant_id)
        REFERENCES auth_store.vault_keys (id, tenant_id)
);
CREATE INDEX IF NOT EXISTS client_secrets_client_idx ON auth_store.client_secrets (client_id, tenant_id);
CREATE INDEX IF NOT EXISTS client_secrets_expires_idx ON auth_store.client_secrets (expires_at)
    WHERE expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS client_secrets_vault_key_idx ON auth_store.client_secrets (key_id, tenant_id, id)
    WHERE key_id IS NOT NULL;
COMMENT ON TABLE auth_store.client_secrets IS
    'Client secrets: SHA-256 of a generated secret, or an imported argon2id or bcrypt hash.';
COMMENT ON COLUMN auth_store.client_secrets.expires_at IS 'End of the overlap after a rotation; NULL: until rotated.';
COMMENT ON COLUMN auth_store.client_secrets.id IS
    'Names the row. Time-ordered: its first 48 bits are the milliseconds at which it was made, see id_time().';
COMMENT ON COLUMN auth_store.client_secrets.created_at IS 'When it was made or imported.';
COMMENT ON COLUMN auth_store.client_secrets.tenant_id IS 'The tenant it belongs to.';
COMMENT ON COLUMN auth_store.client_secrets.client_id IS 'Whose secret it is.';
COMMENT ON COLUMN auth_store.client_secrets.digest IS
    'SHA-256 of a secret that the store generated; NULL where secret_hash is the form.';
COMMENT ON COLUMN auth_store.client_secrets.secret_hash IS
    'The argon2id or bcrypt hash of an imported secret; NULL where digest is the form.';
COMMENT ON COLUMN auth_store.client_secrets.key_id IS
    'The data key that has sealed the secret; NULL: it is not sealed.';
COMMENT ON COLUMN auth_store.client_secrets.sealed IS
    'The secret itself, sealed by the vault, of a client that signs with it (client_secret_jwt); NULL: it is not kept.';
COMMENT ON CONSTRAINT client_secrets_pkey ON auth_store.client_secrets IS
    'Names the secret; time-ordered, so that the newest one is the present one.';
COMMENT ON CONSTRAINT client_secrets_client_fkey ON auth_store.client_secrets IS 'Secrets go with their client.';
COMMENT ON CONSTRAINT client_secrets_one_form ON auth_store.client_secrets IS
    'A secret is stored in one form, a digest or a slow hash, and compared in that one.';
COMMENT ON CONSTRAINT client_secrets_digest_length ON auth_store.client_secrets IS 'A SHA-256: 32 bytes.';
COMMENT ON CONSTRAINT client_secrets_sealed_by_key ON auth_store.client_secrets IS
    'What is sealed names its data key, and only that does.';
COMMENT ON CONSTRAINT client_secrets_sealed_digest ON auth_store.client_secrets IS
    'Only a secret that the store made is sealed: of an imported hash there is nothing to seal.';
COMMENT ON CONSTRAINT client_secrets_vault_key_fkey ON auth_store.client_secrets IS
    'A data key stays as long as it opens a secret, so no sealed secret becomes unreadable.';
COMMENT ON INDEX auth_store.client_secrets_client_idx IS
    'The one to three secrets of a client, read at each authentication; covers client_secrets_client_fkey.';
COMMENT ON INDEX auth_store.client_secrets_expires_idx IS 'Finds secrets whose overlap is over, for cleanup.';
COMMENT ON INDEX auth_store.client_secrets_vault_key_idx IS
    'What a data key has sealed, in the order in which vault_rekey() walks it; covers client_secrets_vault_key_fkey.';

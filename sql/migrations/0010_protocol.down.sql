-- The way back to version 9: what the protocol's tables and columns hold is lost.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'clients';
DROP INDEX auth_store.client_secrets_vault_key_idx, auth_store.clients_registered_idx, auth_store.clients_unused_idx,
    auth_store.clients_jwks_uri_idx, auth_store.clients_owner_idx;
ALTER TABLE auth_store.client_secrets
    DROP CONSTRAINT client_secrets_vault_key_fkey,
    DROP CONSTRAINT client_secrets_sealed_by_key,
    DROP CONSTRAINT client_secrets_sealed_digest,
    DROP COLUMN key_id,
    DROP COLUMN sealed;
ALTER TABLE auth_store.clients
    DROP CONSTRAINT clients_owner_fkey,
    DROP CONSTRAINT clients_origin_known,
    DROP CONSTRAINT clients_jwks_object,
    DROP CONSTRAINT clients_fetched_jwks_object,
    DROP CONSTRAINT clients_jwks_one_source,
    DROP CONSTRAINT clients_access_token_format_known,
    DROP CONSTRAINT clients_profile_known,
    DROP CONSTRAINT clients_certificate_subject_object,
    DROP CONSTRAINT clients_subject_type_known,
    DROP CONSTRAINT clients_default_max_age_range,
    DROP CONSTRAINT clients_registration_digest_length,
    DROP COLUMN owner_id,
    DROP COLUMN origin,
    DROP COLUMN jwks,
    DROP COLUMN jwks_uri,
    DROP COLUMN fetched_jwks,
    DROP COLUMN fetched_jwks_expires_at,
    DROP COLUMN access_token_format,
    DROP COLUMN profile,
    DROP COLUMN require_par,
    DROP COLUMN dpop_bound,
    DROP COLUMN certificate_bound,
    DROP COLUMN certificate_subject,
    DROP COLUMN subject_type,
    DROP COLUMN id_token_signed_response_alg,
    DROP COLUMN userinfo_signed_response_alg,
    DROP COLUMN default_max_age,
    DROP COLUMN authorization_details_types,
    DROP COLUMN post_logout_redirect_uris,
    DROP COLUMN backchannel_logout_uri,
    DROP COLUMN backchannel_logout_session_required,
    DROP COLUMN registration_digest,
    DROP COLUMN registration_expires_at,
    DROP COLUMN document_expires_at;
DROP TABLE IF EXISTS auth_store.resource_servers;
DROP TABLE IF EXISTS auth_store.issuers;

-- What the protocol signs with: tokens that were signed verify nowhere any more.
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'signing_keys';
DROP TABLE auth_store.signing_keys;

ALTER TABLE auth_store.tenants
    DROP CONSTRAINT tenants_subject_salt_length,
    DROP COLUMN subject_salt;
DELETE FROM auth_store.cleanup_cursors WHERE pg_catalog.split_part(task, '@', 1) = 'interactions';
DROP TABLE auth_store.interactions;
ALTER TABLE auth_store.authorization_codes DROP COLUMN authorization_details, DROP COLUMN claims_request;
ALTER TABLE auth_store.grants DROP COLUMN authorization_details, DROP COLUMN claims_request;
-- Deliveries have no foreign key, and without their webhook they lead nowhere.
DELETE FROM auth_store.webhook_retries r USING auth_store.webhooks w WHERE w.id = r.webhook_id AND w.logout;
DELETE FROM auth_store.webhook_queue q USING auth_store.webhooks w WHERE w.id = q.webhook_id AND w.logout;
DELETE FROM auth_store.webhooks WHERE logout;
ALTER TABLE auth_store.webhooks DROP COLUMN logout;

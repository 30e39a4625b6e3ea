COMMENT ON FUNCTION auth_store.provider_set IS
    E'Makes a tenant a provider, or changes how it answers (RFC 8414). Returns true: what can''t be done is an error.\n'
    'issuer: an https URL of at most 255 bytes in its normal form, without query, fragment and a slash at the end, and '
    'with at most 4 segments in its path; http for the loopback interface alone. NULL keeps it. A path is how a '
    'request finds its tenant. Whoever changes it ends the trust in tokens that name the former one.\n'
    'settings: a JSON object with any of paths (an object with the paths of authorization, token, introspection, '
    'revocation, pushed_authorization_request, device_authorization, userinfo, registration, jwks, end_session and '
    'device_verification below the issuer), login_url, create_url (where an account is made, for prompt=create), '
    'consent_url, device_url, logout_url, error_url (pages of the '
    'application''s own; without, the front''s), service_documentation, op_policy_uri, op_tos_uri, default_alg (ES256, '
    'EdDSA, RS256), access_token_format (opaque, jwt), access_token_ttl (of JWTs, at most), id_token_ttl (30 seconds '
    'to 24 hours), scope (what the metadata name), default_scope (of a client that registers without), '
    'authorization_max_per_network (requests an hour that begin to wait for their user), registration (off, token: '
    'with an access token of the scope client:register, open), registration_max_clients, '
    'registration_max_per_hour, registration_max_per_network (an hour), registration_unused_ttl (1 hour to a year), '
    'registration_refresh, registration_schemes, metadata_documents, profile (fapi2), require_par, dpop_nonce, '
    'request_objects, client_secret_jwt, mtls_url, acr_values, ui_locales, authorization_details_types, metadata (more '
    'members of the metadata documents). Times are numbers of seconds or texts of '
    'intervals; null puts back the default; the rest stays. 22023 for another key and for a value that does not fit. '
    'They hold from the commit on.\n'
    'tenant_id: default the session''s. 22004 for a NULL issuer where the tenant has none, 23505 for the issuer of '
    'another tenant, 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.provider_set COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.provider_set TO auth_store_admin;

COMMENT ON FUNCTION auth_store.provider_get IS
    'Returns the issuer of a tenant and its settings, the defaults among them; no row where the tenant is no provider. '
    'tenant_id: default the session''s. Also on a standby. 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.provider_get COST 1000 ROWS 1;
GRANT EXECUTE ON FUNCTION auth_store.provider_get TO
    auth_store_app, auth_store_reader, auth_store_verifier, auth_store_admin;

COMMENT ON FUNCTION auth_store.issuer_list IS
    'The issuers by tenant, with their settings. Read-only, also on a standby.';
ALTER FUNCTION auth_store.issuer_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.issuer_list TO auth_store_admin, auth_store_auditor;

COMMENT ON FUNCTION auth_store.resource_set IS
    E'Registers a resource server, or changes it; all of it is replaced. Returns true. A resource that is not '
    'registered works too: clients may name any that theirs allow (RFC 8707).\n'
    'uri: the resource indicator; spellings that mean the same are one. scope: the scope tokens that it knows, for its '
    'metadata document (RFC 9728). access_token_format: opaque or jwt; NULL: as the client and the issuer have it. Of '
    'several resources of one token one that wants a JWT is enough, because a JWT is introspected as well. '
    'access_token_ttl: how long tokens for it live at most, 1 second to 24 hours; NULL: as the client and the issuer '
    'have it. alg: ES256, EdDSA or RS256, which signs JWTs for it; NULL: the issuer''s. name: what people read. '
    'dpop_required: whether the document says that tokens must be bound to a key (RFC 9449). metadata: more members of '
    'the document, a JSON object of at most 64 kB. tenant_id: default the session''s. 22004, 22023 for what does not '
    'fit, 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.resource_set COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.resource_set TO auth_store_admin;

COMMENT ON FUNCTION auth_store.resource_delete IS
    'Forgets a resource server; false: there was none. Tokens that were issued for it stay as they are. tenant_id: '
    'default the session''s. 22004 for NULL, 22023 for what is no resource indicator, 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.resource_delete COST 10000;
GRANT EXECUTE ON FUNCTION auth_store.resource_delete TO auth_store_admin;

COMMENT ON FUNCTION auth_store.resource_list IS
    'The registered resource servers of a tenant, by their indicator. tenant_id: default the session''s. Read-only, '
    'also on a standby. 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.resource_list COST 5000 ROWS 10;
GRANT EXECUTE ON FUNCTION auth_store.resource_list TO auth_store_app, auth_store_admin, auth_store_auditor;

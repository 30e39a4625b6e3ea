COMMENT ON FUNCTION auth_store.http_metadata IS
    'The metadata of a provider (RFC 8414, OpenID Connect Discovery), to be served at both well-known places. '
    'document: oauth-authorization-server (default) or openid-configuration, which are the same; 404 for another. '
    'Public: no authentication, cache-control and an etag. tenant_id: default the session''s. Read-only, also on a '
    'standby. 55000 where the tenant has no issuer, 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.http_metadata COST 5000;
GRANT EXECUTE ON FUNCTION auth_store.http_metadata TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.http_jwks IS
    'The public keys of a provider as a JWKS (RFC 7517 section 5): those that sign, will sign soon, or have signed '
    'what has not ended; each with kid, use and alg. Public, with cache-control and an etag. tenant_id: default the '
    'session''s. Read-only, also on a standby. 55000 where the tenant has no issuer, 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.http_jwks COST 5000;
GRANT EXECUTE ON FUNCTION auth_store.http_jwks TO auth_store_app, auth_store_reader, auth_store_verifier;

COMMENT ON FUNCTION auth_store.http_resource_metadata IS
    'The metadata of a resource server of resource_set() (RFC 9728): which issuer its tokens come from, which scopes '
    'it knows. resource: its indicator; 404 for one that is not registered, 22004 for NULL. Public, with cache-control '
    'and an etag. tenant_id: default the session''s. Read-only, also on a standby. 55000 where the tenant has no '
    'issuer, 23503 for an unknown tenant.';
ALTER FUNCTION auth_store.http_resource_metadata COST 5000;
GRANT EXECUTE ON FUNCTION auth_store.http_resource_metadata TO auth_store_app, auth_store_reader, auth_store_verifier;

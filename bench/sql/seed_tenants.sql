-- :tenants tenants, each with a client, a user, a grant and an access token.
SET session_replication_role = replica;
INSERT INTO bench.seed
SELECT :tenants, :tenants, (date_part('epoch', clock_timestamp()) * 1000)::bigint - 20 * 3600000, 19 * 3600000, 1;
INSERT INTO auth_store.tenants (id, display_name, created_at, updated_at)
SELECT 'tenant' || n, 'Tenant ' || n, clock_timestamp(), clock_timestamp() FROM generate_series(1, :tenants) n;
INSERT INTO auth_store.clients (id, tenant_id, client_type, token_endpoint_auth_method, require_pkce, scope,
    grant_types, redirect_uris, name, created_at, updated_at)
SELECT 'client' || n, 'tenant' || n, 'public', 'none', true, 'openid profile', '{authorization_code,refresh_token}',
    '{https://app.example/callback}', 'Client ' || n, clock_timestamp(), clock_timestamp()
FROM generate_series(1, :tenants) n;
INSERT INTO auth_store.users (id, tenant_id, email, email_verified, created_at, updated_at)
SELECT bench.user_id(n), 'tenant' || n, 'user' || n || '@example.test', true, clock_timestamp(), clock_timestamp()
FROM generate_series(1, :tenants) n;
INSERT INTO auth_store.grants (id, expires_at, idle_expires_at, user_id, tenant_id, client_id, scope, family_digest,
    current_digest)
SELECT bench.grant_id(s, n), clock_timestamp() + interval '90 days', clock_timestamp() + interval '30 days',
    bench.user_id(n), 'tenant' || n, 'client' || n, 'openid profile', sha256(bench.family(n)),
    bench.digest(bench.refresh_token(s, n))
FROM bench.seed s, generate_series(1, s.tokens) n;
INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
SELECT bench.access_id(s, n), bench.grant_id(s, n), clock_timestamp() + interval '23 hours', 'tenant' || n,
    bench.digest(bench.access_token(s, n))
FROM bench.seed s, generate_series(1, s.tokens) n;
CREATE TABLE bench.tenant_tokens AS
SELECT n, bench.access_token(s, n) AS token FROM bench.seed s, generate_series(1, s.tokens) n;
ALTER TABLE bench.tenant_tokens ADD PRIMARY KEY (n);

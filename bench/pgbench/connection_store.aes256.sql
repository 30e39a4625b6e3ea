-- As plain, with AES-256 and without what pgcrypto does to make a weak passphrase dearer to guess (its s2k).
\set u random(100000000001, 100000000000 + :users)
\set r random(1000000000000000, 9000000000000000000)
\set s random(8000000000000000, 9999999999999999)
WITH n AS MATERIALIZED (
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :s)::uuid AS id,
        clock_timestamp() AS at
), c AS (
    INSERT INTO bench.connections_aes256 AS c (id, fence, created_at, refreshed_at, access_token_expires_at,
        refresh_at, failures,
           tenant_id, actor_type, actor_id, provider, provider_account_id, scope, access_token, refresh_token, metadata)
    SELECT n.id, 0, n.at, n.at, n.at + interval '8 hours', n.at + interval '7 hours 12 minutes', 0, t.id, 'user',
           '01900000-0000-8000-8000-' || :u, 'github', '583231', 'repo user',
           pgp_sym_encrypt(rpad(:r, 200, 'aT4'), 'passphrase of the application',
           'cipher-algo=aes256, compress-algo=0, s2k-mode=0'),
           pgp_sym_encrypt(rpad(:r, 120, 'rT4'), 'passphrase of the application',
           'cipher-algo=aes256, compress-algo=0, s2k-mode=0'), '{}'
      FROM n, auth_store.tenants t
     WHERE t.id = 'default' AND t.status = 'active'
    ON CONFLICT (tenant_id, actor_type, actor_id, provider) DO UPDATE
       SET key_id = EXCLUDED.key_id, refreshed_at = EXCLUDED.refreshed_at,
           access_token_expires_at = EXCLUDED.access_token_expires_at, refresh_at = EXCLUDED.refresh_at,
           access_token = EXCLUDED.access_token, refresh_token = EXCLUDED.refresh_token, scope = EXCLUDED.scope,
           provider_account_id = EXCLUDED.provider_account_id, failures = 0, last_error = NULL, last_error_at = NULL,
           leased_until = NULL, revoked_at = NULL, revoked_reason = NULL
    RETURNING c.id, c.tenant_id, c.provider, c.actor_type, c.actor_id
), a AS (
    INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event, resource_type, resource_id, details)
    SELECT n.id, n.at, true, c.tenant_id, 'connection.stored', 'connection', c.id::text,
           jsonb_build_object('provider', c.provider, 'actor_type', c.actor_type, 'actor_id', c.actor_id) FROM n, c
)
SELECT id AS c1 FROM c \gset

-- The row work of both calls, a statement each, with pgcrypto's defaults.
\if :left = 0
SELECT id::text AS id FROM bench.connection_start() \gset
\set left 20
\endif
\set r random(1000000000000000, 9000000000000000000)
\set s random(8000000000000000, 9999999999999999)
\set s2 random(8000000000000000, 9999999999999999)
WITH n AS MATERIALIZED (
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :s)::uuid AS id,
        clock_timestamp() AS at
), c AS (
    UPDATE bench.connections_plain c
       SET fence = c.fence + 1, leased_until = n.at + interval '1 minute'
      FROM n, auth_store.tenants t
     WHERE c.id = :id AND c.tenant_id = 'default' AND c.revoked_at IS NULL AND c.refresh_token IS NOT NULL
       AND (c.leased_until IS NULL OR c.leased_until <= n.at) AND t.id = c.tenant_id AND t.status = 'active'
    RETURNING c.*
), a AS (
    INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event, resource_type, resource_id, details)
    SELECT n.id, n.at, true, c.tenant_id, 'connection.leased', 'connection', c.id::text,
           jsonb_build_object('fence', c.fence, 'provider', c.provider, 'actor_type', c.actor_type,
           'actor_id', c.actor_id)
      FROM n, c
)
SELECT fence, pgp_sym_decrypt(refresh_token, 'passphrase of the application') AS t, leased_until AS c1 FROM c \gset
WITH n AS MATERIALIZED (
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :s2)::uuid AS id,
        clock_timestamp() AS at
), c AS (
    UPDATE bench.connections_plain c
       SET key_id = c.key_id, refreshed_at = n.at, access_token_expires_at = n.at + interval '8 hours',
           refresh_at = n.at + interval '7 hours 12 minutes',
           access_token = pgp_sym_encrypt(rpad(:r, 200, 'aT4'), 'passphrase of the application'),
           refresh_token = pgp_sym_encrypt(rpad(:r, 120, 'rT4'), 'passphrase of the application'),
           failures = 0, last_error = NULL, last_error_at = NULL, leased_until = NULL, revoked_at = NULL,
           revoked_reason = NULL
      FROM n
     WHERE c.id = :id AND c.tenant_id = 'default' AND c.fence = :fence AND c.leased_until IS NOT NULL
    RETURNING c.id, c.tenant_id, c.fence, c.provider, c.actor_type, c.actor_id
), a AS (
    INSERT INTO auth_store.audit_log (id, occurred_at, success, tenant_id, event, resource_type, resource_id, details)
    SELECT n.id, n.at, true, c.tenant_id, 'connection.refreshed', 'connection', c.id::text,
           jsonb_build_object('fence', c.fence, 'rotated', true, 'provider', c.provider, 'actor_type', c.actor_type,
                              'actor_id', c.actor_id)
      FROM n, c
)
SELECT 'valid' AS c1, fence AS c2 FROM c \gset
\set left :left - 1

-- The row work of one rotation as one statement. Secrets are numbers here: the statement hashes them and stores digests
-- of the same size as auth_store's; the text of a token never reaches a table in either.
\if :left = 0
SELECT token AS t, id::text AS id, client AS c FROM bench.refresh_start() \gset
\set left 20
\endif
\set r random(8000000000000000, 9999999999999999)
\set s random(8000000000000000, 9999999999999999)
WITH n AS MATERIALIZED (
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :r)::uuid AS id,
           clock_timestamp() AS at
), g AS (
    UPDATE auth_store.grants g
       SET rotation_count = g.rotation_count + 1, rotated_at = n.at,
           idle_expires_at = n.at + c.refresh_idle_ttl * interval '1 second',
           previous_digest = g.current_digest, current_digest = sha256(:s),
           successor_sealed = sha256(:r) || '\x00112233445566778899aabbccddeeff00112233445566778899aabb'::bytea,
           network = '198.51.100.7'
      FROM n, auth_store.clients c
     WHERE g.id = :id AND g.tenant_id = 'default' AND g.current_digest = sha256(:t) AND g.client_id = :c
       AND g.revoked_at IS NULL AND g.expires_at > n.at AND g.idle_expires_at > n.at
       AND c.id = g.client_id AND c.tenant_id = g.tenant_id AND c.status = 'active' AND NOT c.tenant_suspended
    RETURNING g.id, g.tenant_id, g.client_id, g.user_id, g.scope, g.claims, c.access_token_ttl, n.id AS new_id, n.at
), t AS (
    INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
    SELECT g.new_id, g.id, g.at + g.access_token_ttl * interval '1 second', g.tenant_id, sha256(:r) FROM g
), a AS (
    INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, grant_id, tenant_id, event, client_id,
        ip, user_agent)
    SELECT g.new_id, g.at, true, g.user_id, g.id, g.tenant_id, 'token.refreshed', g.client_id, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4' FROM g
)
SELECT :s AS t, g.id AS c1, 'Bearer' AS c2, g.access_token_ttl AS c3, g.scope AS c4 FROM g \gset
\set left :left - 1

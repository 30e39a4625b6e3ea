\if :left = 0
SELECT 1 + (nextval('bench.classic_refresh_next') * 618033) % :tokens AS t \gset
\set c 100 + :t % 100
\set left 20
\endif
\set r random(1000000000000000, 9000000000000000000)
\set s random(1000000000000000, 9000000000000000000)
WITH old AS (
    UPDATE classic.refresh_tokens r SET used_at = clock_timestamp()
      FROM classic.clients c
     WHERE r.token_hash = sha256(:t) AND r.used_at IS NULL AND r.revoked_at IS NULL AND r.expires_at > clock_timestamp()
       AND c.id = r.client_id AND c.client_id = :c AND c.status = 'active'
    RETURNING r.client_id, r.user_id, r.family_id, r.scope, r.claims, c.client_id AS client, c.access_token_ttl,
              c.refresh_idle_ttl, clock_timestamp() AS at
), t AS (
    INSERT INTO classic.access_tokens (token_hash, client_id, user_id, family_id, scope, claims, created_at, expires_at)
    SELECT sha256(:r), client_id, user_id, family_id, scope, claims, at, at + access_token_ttl * interval '1 second'
        FROM old
), n AS (
    INSERT INTO classic.refresh_tokens (token_hash, client_id, user_id, family_id, scope, claims,
        created_at, expires_at)
    SELECT sha256(:s), client_id, user_id, family_id, scope, claims, at, at + refresh_idle_ttl * interval '1 second'
        FROM old
), a AS (
    INSERT INTO classic.audit_log (occurred_at, success, user_id, grant_id, tenant_id, event, client_id, ip, user_agent)
    SELECT at, true, bench.user_id(user_id), family_id, 'default', 'token.refreshed', client, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4' FROM old
)
SELECT :s AS t, 'Bearer' AS c2, access_token_ttl AS c3, scope AS c4 FROM old \gset
\set left :left - 1

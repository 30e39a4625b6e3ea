\set u random(1, :users)
\set c random(100, 99 + :clients)
\set r random(1000000000000000, 9000000000000000000)
\set s random(1000000000000000, 9000000000000000000)
WITH n AS MATERIALIZED (
    SELECT gen_random_uuid() AS family_id, clock_timestamp() AS at, u.id AS user_id, c.id AS client_id,
        c.client_id AS client,
           'openid profile' AS scope, c.access_token_ttl, c.refresh_idle_ttl
      FROM classic.clients c, classic.users u
     WHERE c.client_id = :c AND c.status = 'active' AND u.id = :u AND u.status = 'active'
), t AS (
    INSERT INTO classic.access_tokens (token_hash, client_id, user_id, family_id, scope, created_at, expires_at)
    SELECT sha256(:r), client_id, user_id, family_id, scope, at, at + access_token_ttl * interval '1 second' FROM n
), f AS (
    INSERT INTO classic.refresh_tokens (token_hash, client_id, user_id, family_id, scope, created_at, expires_at)
    SELECT sha256(:s), client_id, user_id, family_id, scope, at, at + refresh_idle_ttl * interval '1 second' FROM n
), a AS (
    INSERT INTO classic.audit_log (occurred_at, success, user_id, grant_id, tenant_id, event, client_id, ip, user_agent)
    SELECT at, true, bench.user_id(user_id), family_id, 'default', 'token.issued', client, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4' FROM n
)
SELECT family_id AS c1, 'Bearer' AS c2, access_token_ttl AS c3, scope AS c5 FROM n \gset

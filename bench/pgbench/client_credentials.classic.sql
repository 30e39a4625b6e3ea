\set c random(200, 299)
\set r random(1000000000000000, 9000000000000000000)
WITH n AS MATERIALIZED (
    SELECT clock_timestamp() AS at, c.id AS client_id, c.client_id AS client, 'openid profile' AS scope,
        c.access_token_ttl
      FROM classic.clients c
     WHERE c.client_id = :c AND c.status = 'active' AND c.secret_hash = sha256(('secret' || :c)::bytea)
), t AS (
    INSERT INTO classic.access_tokens (token_hash, client_id, scope, created_at, expires_at)
    SELECT sha256(:r), client_id, scope, at, at + access_token_ttl * interval '1 second' FROM n
), a AS (
    INSERT INTO classic.audit_log (occurred_at, success, tenant_id, event, client_id, ip, user_agent)
    SELECT at, true, 'default', 'token.issued', client, '198.51.100.7', 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4'
        FROM n
)
SELECT 'Bearer' AS c2, access_token_ttl AS c3, scope AS c5 FROM n \gset

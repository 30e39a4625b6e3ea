\if :left = 0
SELECT client_id AS c, secret AS s, id::text AS id FROM bench.client_secrets
    WHERE n = (SELECT 200 + floor(random() * 100)::int) \gset
\set left 50
\endif
\set r random(8000000000000000, 9999999999999999)
WITH n AS MATERIALIZED (
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :r)::uuid AS new_id,
           clock_timestamp() AS at, c.id AS client_id, c.tenant_id, 'openid profile' AS scope, c.access_token_ttl
      FROM auth_store.client_secrets s
      JOIN auth_store.clients c ON c.id = s.client_id AND c.tenant_id = s.tenant_id
     WHERE s.id = :id AND s.tenant_id = 'default' AND s.client_id = :c AND s.digest = sha256(:s)
       AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
       AND c.status = 'active' AND NOT c.tenant_suspended AND 'client_credentials' = ANY (c.grant_types)
), g AS (
    INSERT INTO auth_store.grants (id, expires_at, tenant_id, client_id, scope, network)
    SELECT new_id, at + access_token_ttl * interval '1 second', tenant_id, client_id, scope, '198.51.100.7' FROM n
), t AS (
    INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
    SELECT new_id, new_id, at + access_token_ttl * interval '1 second', tenant_id, sha256(:r) FROM n
), a AS (
    INSERT INTO auth_store.audit_log (id, occurred_at, success, grant_id, tenant_id, event, client_id, ip, user_agent)
    SELECT new_id, at, true, new_id, tenant_id, 'token.issued', client_id, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4' FROM n
)
SELECT new_id AS c1, 'Bearer' AS c2, access_token_ttl AS c3, scope AS c5 FROM n \gset
\set left :left - 1

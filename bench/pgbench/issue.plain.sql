\set u random(100000000001, 100000000000 + :users)
\set c random(100, 99 + :clients)
\set r random(8000000000000000, 9999999999999999)
\set s random(8000000000000000, 9999999999999999)
WITH n AS MATERIALIZED (
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :r)::uuid AS new_id,
           clock_timestamp() AS at, u.id AS user_id, c.id AS client_id, c.tenant_id, 'openid profile' AS scope,
           c.access_token_ttl, c.refresh_token_ttl, c.refresh_idle_ttl
      FROM auth_store.clients c, auth_store.users u
     WHERE c.id = :c AND c.tenant_id = 'default' AND c.status = 'active' AND NOT c.tenant_suspended
       AND u.id = ('01900000-0000-8000-8000-' || :u)::uuid AND u.tenant_id = c.tenant_id AND u.status = 'active'
), g AS (
    INSERT INTO auth_store.grants (id, expires_at, idle_expires_at, user_id, tenant_id, client_id, scope,
                                   family_digest, current_digest, network)
    SELECT new_id, at + refresh_token_ttl * interval '1 second', at + refresh_idle_ttl * interval '1 second', user_id,
           tenant_id, client_id, scope, sha256(:r), sha256(:s), '198.51.100.7' FROM n
), t AS (
    INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
    SELECT new_id, new_id, at + access_token_ttl * interval '1 second', tenant_id, sha256(:r) FROM n
), a AS (
    INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, grant_id, tenant_id, event, client_id,
        ip, user_agent)
    SELECT new_id, at, true, user_id, new_id, tenant_id, 'token.issued', client_id, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4' FROM n
)
SELECT new_id AS c1, 'Bearer' AS c2, access_token_ttl AS c3, scope AS c5 FROM n \gset

-- The client has hashed the verifier; the statement compares the challenge.
\if :left = 0
SELECT code AS t, id::text AS id, client AS c FROM bench.code_start() \gset
\set left 50
\endif
\set r random(8000000000000000, 9999999999999999)
\set s random(8000000000000000, 9999999999999999)
WITH n AS MATERIALIZED (
    SELECT ('0' || to_hex((date_part('epoch', clock_timestamp()) * 1000)::int8) || '8000' || :r)::uuid AS id,
           clock_timestamp() AS at
), k AS (
    UPDATE auth_store.authorization_codes k SET redeemed_at = n.at, grant_id = n.id
      FROM n, auth_store.clients c, auth_store.users u
     WHERE k.id = :id AND k.tenant_id = 'default' AND k.digest = sha256(:t) AND k.client_id = :c
       AND k.redirect_uri = 'https://app.example/callback'
       AND k.code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
       AND k.redeemed_at IS NULL AND k.expires_at > n.at AND k.failed_verifiers < 5
       AND c.id = k.client_id AND c.tenant_id = k.tenant_id AND c.status = 'active' AND NOT c.tenant_suspended
       AND u.id = k.user_id AND u.tenant_id = k.tenant_id AND u.status = 'active'
    RETURNING n.id AS new_id, n.at, k.tenant_id, k.client_id, k.user_id, k.scope, k.claims, k.session_id, k.auth_time,
              c.access_token_ttl, c.refresh_token_ttl, c.refresh_idle_ttl
), g AS (
    INSERT INTO auth_store.grants (id, expires_at, idle_expires_at, user_id, session_id, auth_time, tenant_id,
        client_id, scope,
                                   family_digest, current_digest, network, claims)
    SELECT new_id, at + refresh_token_ttl * interval '1 second', at + refresh_idle_ttl * interval '1 second', user_id,
           session_id, auth_time, tenant_id, client_id, scope, sha256(:r), sha256(:s), '198.51.100.7', claims FROM k
), t AS (
    INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
    SELECT new_id, new_id, at + access_token_ttl * interval '1 second', tenant_id, sha256(:r) FROM k
), a AS (
    INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, grant_id, tenant_id, event, client_id,
        ip, user_agent)
    SELECT new_id, at, true, user_id, new_id, tenant_id, 'code.redeemed', client_id, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4' FROM k
)
SELECT claims->>'next' AS t, claims->>'id' AS id, new_id AS c1, 'Bearer' AS c2, access_token_ttl AS c3,
    scope AS c5 FROM k \gset
\set left :left - 1

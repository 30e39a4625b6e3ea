-- The text of code n is the number n; each script run takes one.
\if :left = 0
SELECT 1 + 50 * (nextval('bench.classic_code_next') - 1) AS t \gset
\set c 100 + (:t / 50) % 100
\set left 50
\endif
\set r random(1000000000000000, 9000000000000000000)
\set s random(1000000000000000, 9000000000000000000)
WITH k AS (
    UPDATE classic.authorization_codes k SET redeemed_at = clock_timestamp()
      FROM classic.clients c, classic.users u
     WHERE k.code_hash = sha256(:t) AND k.redirect_uri = 'https://app.example/callback'
       AND k.code_challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
       AND k.redeemed_at IS NULL AND k.expires_at > clock_timestamp()
       AND c.id = k.client_id AND c.client_id = :c AND c.status = 'active' AND u.id = k.user_id AND u.status = 'active'
    RETURNING k.client_id, k.user_id, k.scope, k.claims, c.client_id AS client, c.access_token_ttl, c.refresh_idle_ttl,
              gen_random_uuid() AS family_id, clock_timestamp() AS at
), t AS (
    INSERT INTO classic.access_tokens (token_hash, client_id, user_id, family_id, scope, claims, created_at, expires_at)
    SELECT sha256(:r), client_id, user_id, family_id, scope, claims, at, at + access_token_ttl * interval '1 second'
        FROM k
), n AS (
    INSERT INTO classic.refresh_tokens (token_hash, client_id, user_id, family_id, scope, claims,
        created_at, expires_at)
    SELECT sha256(:s), client_id, user_id, family_id, scope, claims, at, at + refresh_idle_ttl * interval '1 second'
        FROM k
), a AS (
    INSERT INTO classic.audit_log (occurred_at, success, user_id, grant_id, tenant_id, event, client_id, ip, user_agent)
    SELECT at, true, bench.user_id(user_id), family_id, 'default', 'code.redeemed', client, '198.51.100.7',
        'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4' FROM k
)
SELECT family_id AS c1, 'Bearer' AS c2, access_token_ttl AS c3, scope AS c5 FROM k \gset
\set t :t + 1
\set left :left - 1

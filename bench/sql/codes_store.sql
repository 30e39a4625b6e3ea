-- Makes :codes codes to redeem, a multiple of fifty, and forgets the ones before. Issued now, for random users.
\set ON_ERROR_STOP on
SET synchronous_commit = off;
SET session_replication_role = replica;
TRUNCATE auth_store.authorization_codes, bench.code_heads;
ALTER SEQUENCE bench.code_next RESTART;
CREATE TEMP TABLE made AS
SELECT n, bench.id(ms, n, 'code' || n || 'of' || ms) AS id, (100 + ((n - 1) / 50) % 100)::text AS client,
       bench.digest('code' || n || 'of' || ms) AS secret
FROM (SELECT (date_part('epoch', clock_timestamp()) * 1000)::bigint AS ms) t, generate_series(1, :codes) n;
ALTER TABLE made ADD code text;
UPDATE made SET code = bench.text('asac_', uuid_send(id) || secret);
INSERT INTO auth_store.authorization_codes (id, user_id, expires_at, tenant_id, client_id, digest, scope, redirect_uri,
                                            code_challenge, code_challenge_method, claims)
SELECT m.id, bench.user_id(1 + (m.n * 7919) % s.users), clock_timestamp() + interval '1 hour', 'default', m.client,
    bench.digest(m.code),
       'openid profile', 'https://app.example/callback', bench.challenge(), 'S256',
       jsonb_build_object('next', coalesce(o.code, m.code), 'id', coalesce(o.id, m.id))
FROM bench.seed s, made m LEFT JOIN made o ON o.n = m.n + 1 AND o.client = m.client
ORDER BY m.n;
INSERT INTO bench.code_heads SELECT 1 + n / 50, code, id, client FROM made WHERE n % 50 = 1;
VACUUM ANALYZE auth_store.authorization_codes, bench.code_heads;

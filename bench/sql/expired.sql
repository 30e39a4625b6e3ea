-- :expired access tokens that lived for half an hour, spread evenly over the live ones in the order of the ids.
SET session_replication_role = replica;
INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
SELECT bench.id(bench.ms(s, x.live) + 1, n, 'expired' || n::text), bench.grant_id(s, x.live),
    to_timestamp(bench.ms(s, x.live) / 1000.0) + interval '30 minutes',
       'default', bench.digest('expired' || n::text)
FROM bench.seed s, generate_series(1, :expired) n, LATERAL (SELECT 1 + n * s.tokens / :expired % s.tokens AS live) x;
VACUUM ANALYZE auth_store.access_tokens;

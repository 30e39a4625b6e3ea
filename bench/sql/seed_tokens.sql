-- One live access token for each grant.
BEGIN;
TRUNCATE auth_store.access_tokens;
INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
SELECT bench.access_id(s, n), bench.grant_id(s, n), clock_timestamp() + interval '23 hours', 'default',
       CASE WHEN n % s.every = 0 THEN bench.digest(bench.access_token(s, n)) ELSE bench.digest('a' || n::text) END
FROM bench.seed s, generate_series(1, s.tokens) n;
COMMIT;

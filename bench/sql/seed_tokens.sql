-- One live access token for each grant, and the audit row that its issue wrote.
BEGIN;
TRUNCATE auth_store.access_tokens, auth_store.audit_log;
INSERT INTO auth_store.access_tokens (id, grant_id, expires_at, tenant_id, digest)
SELECT bench.access_id(s, n), bench.grant_id(s, n), clock_timestamp() + interval '23 hours', 'default',
       CASE WHEN n % s.every = 0 THEN bench.digest(bench.access_token(s, n)) ELSE bench.digest('a' || n::text) END
FROM bench.seed s, generate_series(1, s.tokens) n;

INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, grant_id, tenant_id, event, client_id,
    ip, user_agent)
SELECT bench.access_id(s, n), clock_timestamp(), true, bench.user_id(1 + n % s.users), bench.grant_id(s, n),
       'default', 'token.issued', (100 + n % 100)::text, '198.51.100.7',
       'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4'
FROM bench.seed s, generate_series(1, s.tokens) n;
COMMIT;

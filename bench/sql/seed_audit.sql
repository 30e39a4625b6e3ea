-- The audit row that the issue of each access token wrote.
BEGIN;
TRUNCATE auth_store.audit_log;
INSERT INTO auth_store.audit_log (id, occurred_at, success, user_id, grant_id, tenant_id, event, client_id,
    ip, user_agent)
SELECT bench.access_id(s, n), clock_timestamp(), true, bench.user_id(1 + n % s.users), bench.grant_id(s, n),
       'default', 'token.issued', (100 + n % 100)::text, '198.51.100.7',
       'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4'
FROM bench.seed s, generate_series(1, s.tokens) n;
COMMIT;

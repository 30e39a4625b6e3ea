-- Fills the classic tables with as many rows, clients and users as auth_store's. The text of token n is the number n in
-- decimal, so that a script can name it; its hash is as random as any.
SET session_replication_role = replica;

INSERT INTO classic.clients (id, client_id, secret_hash, scope, redirect_uris)
SELECT n, n::text, CASE WHEN n >= 200 THEN bench.digest('secret' || n) END, 'openid profile email',
    '{https://app.example/callback}'
FROM generate_series(100, 299) n;

INSERT INTO classic.users (id, email) SELECT n, 'user' || n || '@example.test'
    FROM bench.seed s, generate_series(1, s.users) n;

INSERT INTO classic.access_tokens (id, token_hash, client_id, user_id, family_id, scope, claims, created_at, expires_at)
SELECT n, bench.digest(n::text), 100 + n % 100, 1 + n % s.users, md5('family' || n)::uuid, 'openid profile', g.claims,
       clock_timestamp(), clock_timestamp() + interval '23 hours'
FROM bench.seed s, generate_series(1, s.tokens) n,
     LATERAL (SELECT jsonb_build_object('next', repeat('x', 69), 'id', md5(n::text)::uuid) AS claims) g;

INSERT INTO classic.refresh_tokens (id, token_hash, client_id, user_id, family_id, scope, created_at, expires_at)
SELECT id, token_hash, client_id, user_id, family_id, scope, created_at, created_at + interval '30 days'
FROM classic.access_tokens;

INSERT INTO classic.api_keys (key_hash, user_id, name, scope, metadata, expires_at)
SELECT bench.digest(n::text), n, 'Key of the benchmark', 'orders users',
       jsonb_build_object('next', repeat('x', 72), 'id', md5(n::text)::uuid), clock_timestamp() + interval '90 days'
FROM bench.seed s, generate_series(1, s.users) n;

INSERT INTO classic.sessions (id, token_hash, user_id, acr, amr, metadata, created_at, last_seen_at, expires_at)
SELECT n, bench.digest(n::text), n, 'pwd', '{pwd}', jsonb_build_object('next', repeat('x', 69), 'id',
    md5(n::text)::uuid),
       clock_timestamp(), clock_timestamp(), clock_timestamp() + interval '24 hours'
FROM bench.seed s, generate_series(1, s.users) n;

SELECT setval(pg_get_serial_sequence('classic.access_tokens', 'id'), max(id)),
       setval(pg_get_serial_sequence('classic.refresh_tokens', 'id'), max(id)) FROM classic.access_tokens;


INSERT INTO classic.audit_log (id, occurred_at, success, user_id, grant_id, tenant_id, event, client_id, ip, user_agent)
SELECT id, occurred_at, success, user_id, grant_id, tenant_id, event, client_id, ip, user_agent
    FROM auth_store.audit_log;

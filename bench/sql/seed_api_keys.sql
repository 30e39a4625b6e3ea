-- An API key for each user. The metadata of each names another one's text, far away, as the claims of the grants do.
BEGIN;
SET LOCAL session_replication_role = replica;
SET LOCAL auth_store.allow_drop = on;
TRUNCATE auth_store.api_keys, auth_store.imported_api_keys;
SELECT bench.indexes_take('auth_store.api_keys');
INSERT INTO auth_store.api_keys (id, expires_at, user_id, tenant_id, digest, scope, name, metadata, prefix, start)
SELECT bench.api_key_id(s, n), clock_timestamp() + interval '90 days', bench.user_id(n), 'default',
    bench.digest(bench.api_key(s, n)),
       'orders users', 'Key of the benchmark',
       jsonb_build_object('next', bench.api_key(s, x.next), 'id', bench.api_key_id(s, x.next)), 'sk_live_',
       substr(bench.api_key(s, n), 1, 20)
FROM bench.seed s, generate_series(1, s.users) n,
    LATERAL (SELECT 1 + (n + s.users * 618034 / 1000000) % s.users AS next OFFSET 0) x;
SELECT bench.indexes_give('auth_store.api_keys');
COMMIT;

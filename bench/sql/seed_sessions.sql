-- One live session for each user, made over the last hours in the order of their ids; its metadata names another
-- session's token, far away. Without WAL, as the grants.
BEGIN;
SET LOCAL session_replication_role = replica;
SET LOCAL auth_store.allow_drop = on;
TRUNCATE auth_store.sessions;
SELECT bench.indexes_take('auth_store.sessions');
INSERT INTO auth_store.sessions (id, user_id, tenant_id, digest, last_seen_at, idle_expires_at, expires_at, idle_ttl,
    acr, amr, metadata)
SELECT bench.session_id(s, n), bench.user_id(n), 'default', bench.digest(bench.session_token(s, n)), clock_timestamp(),
       clock_timestamp() + interval '24 hours', clock_timestamp() + interval '30 days', 86400, 'pwd', '{pwd}',
       jsonb_build_object('next', bench.session_token(s, x.next), 'id', bench.session_id(s, x.next))
FROM bench.seed s, generate_series(1, s.users) n,
    LATERAL (SELECT 1 + (n + s.users * 618034 / 1000000) % s.users AS next OFFSET 0) x;
SELECT bench.indexes_give('auth_store.sessions');
COMMIT;

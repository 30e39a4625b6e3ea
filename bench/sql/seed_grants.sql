-- As many live grants as bench.seed says, made over the last hours in the order of their ids. TRUNCATE first, in one
-- transaction: a table made or emptied in it is loaded without WAL.
--
-- The claims of a known row name another known one's token, far away: a script that introspects one knows the next
-- without a look-up. The rest, there are some only beyond a million rows, has claims as wide and digests of what nobody
-- presents.
BEGIN;
SET LOCAL session_replication_role = replica;
SET LOCAL auth_store.allow_drop = on;
TRUNCATE auth_store.grants;
SELECT bench.indexes_take('auth_store.grants');
INSERT INTO auth_store.grants (id, expires_at, idle_expires_at, user_id, tenant_id, client_id, scope, family_digest,
                               current_digest, claims)
SELECT bench.grant_id(s, n), clock_timestamp() + interval '90 days', clock_timestamp() + interval '30 days',
       bench.user_id(1 + n % s.users), 'default', (100 + n % 100)::text, 'openid profile', sha256(bench.family(n)),
       CASE WHEN n % s.every = 0 THEN bench.digest(bench.refresh_token(s, n)) ELSE bench.digest('r' || n::text) END,
       CASE WHEN n % s.every = 0
            THEN jsonb_build_object('next', bench.access_token(s, x.next), 'id', bench.access_id(s, x.next))
       END
FROM bench.seed s, generate_series(1, s.tokens) n,
     LATERAL (SELECT bench.known(s, n, s.tokens / s.every * 618034 / 10000000 * 10 + 2) AS next OFFSET 0) x;
SELECT bench.indexes_give('auth_store.grants');
COMMIT;

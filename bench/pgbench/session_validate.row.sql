-- The session's row alone, by its primary key: it looks at no digest, no end, no user and no tenant.
\if :left = 0
SELECT id::text AS id FROM bench.session_start() \gset
\set left 1
\endif
SELECT s.metadata->>'next' AS t, s.metadata->>'id' AS id,
       s.id AS c1, s.user_id AS c2, s.tenant_id AS c3, NULL AS c4, s.last_seen_at AS c5,
       s.expires_at AS c6, s.acr AS c7,
       s.amr AS c8, s.idle_expires_at AS c9
  FROM auth_store.sessions s
 WHERE s.id = :id AND s.tenant_id = 'default' \gset

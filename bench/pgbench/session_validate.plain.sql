-- The same rows as one join: session, user, tenant.
\if :left = 0
SELECT token AS t, id::text AS id FROM bench.session_start() \gset
\set left 1
\endif
SELECT s.metadata->>'next' AS t, s.metadata->>'id' AS id,
       s.id AS c1, s.user_id AS c2, s.tenant_id AS c3, NULL AS c4, s.last_seen_at AS c5,
       s.expires_at AS c6, s.acr AS c7,
       s.amr AS c8, s.idle_expires_at AS c9
  FROM auth_store.sessions s
  JOIN auth_store.users u ON u.id = s.user_id AND u.tenant_id = s.tenant_id
  JOIN auth_store.tenants n ON n.id = s.tenant_id
 WHERE s.id = :id AND s.tenant_id = 'default' AND s.digest = sha256(:t)
   AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp() AND s.idle_expires_at > clock_timestamp()
   AND u.status = 'active' AND n.status = 'active' \gset

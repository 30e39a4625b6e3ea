-- Without the user's name, which auth_store's answer has: less work than the call does.
\if :left = 0
SELECT token AS t, id::text AS id FROM bench.introspect_start() \gset
\set left 1
\endif
SELECT g.claims->>'next' AS t, g.claims->>'id' AS id,
       coalesce(t.scope, g.scope) AS c1, g.client_id AS c2, g.user_id AS c3, NULL AS c4, 'Bearer' AS c5, NULL AS c6,
       t.expires_at AS c7, coalesce(t.resources, g.resources) AS c8, t.id AS c9, g.id AS c10, g.session_id AS c11,
       g.tenant_id AS c12, g.cnf AS c13
  FROM auth_store.access_tokens t
  JOIN auth_store.grants g ON g.id = t.grant_id AND g.tenant_id = t.tenant_id
  JOIN auth_store.clients c ON c.id = g.client_id AND c.tenant_id = g.tenant_id
 WHERE t.id = :id AND t.tenant_id = 'default' AND t.digest = sha256(:t)
   AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
   AND g.revoked_at IS NULL AND g.expires_at > clock_timestamp()
   AND c.status = 'active' AND NOT c.tenant_suspended \gset

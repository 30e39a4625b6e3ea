-- OFFSET 0 keeps the planner from joining all of them at once, by estimates that are wrong.
-- The same rows as one join for each token: token, grant, client, and the user for the name.
SELECT CASE WHEN count(*) = :presented THEN count(i.scope) + count(i.client_id)
                 + count(i.user_id) + count(i.username) ELSE bench.fail('inactive')::bigint END AS c1
  FROM bench.presented p, LATERAL (
      SELECT coalesce(t.scope, g.scope) AS scope, g.client_id, g.user_id, u.email AS username
        FROM auth_store.access_tokens t
        JOIN auth_store.grants g ON g.id = t.grant_id AND g.tenant_id = t.tenant_id
        JOIN auth_store.clients c ON c.id = g.client_id AND c.tenant_id = g.tenant_id
        LEFT JOIN auth_store.users u ON u.id = g.user_id AND u.tenant_id = g.tenant_id
       WHERE t.id = p.access_id AND t.tenant_id = 'default' AND t.digest = sha256(p.access_token::bytea)
         AND t.revoked_at IS NULL AND t.expires_at > clock_timestamp()
         AND g.revoked_at IS NULL AND g.expires_at > clock_timestamp()
         AND c.status = 'active' AND NOT c.tenant_suspended
       OFFSET 0) i \gset

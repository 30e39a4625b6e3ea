-- OFFSET 0 keeps the planner from joining all of them at once, by estimates that are wrong.
-- The same rows as one join for each token: session, user, tenant.
SELECT CASE WHEN count(*) = :presented THEN count(i.session_id) + count(i.user_id)
                 + count(i.acr) + count(i.expires_at) ELSE bench.fail('invalid')::bigint END AS c1
  FROM bench.presented p, LATERAL (
      SELECT s.id AS session_id, s.user_id, s.acr, s.expires_at
        FROM auth_store.sessions s
        JOIN auth_store.users u ON u.id = s.user_id AND u.tenant_id = s.tenant_id
        JOIN auth_store.tenants n ON n.id = s.tenant_id
       WHERE s.id = p.session_id AND s.tenant_id = 'default' AND s.digest = sha256(p.session_token::bytea)
         AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp() AND s.idle_expires_at > clock_timestamp()
         AND u.status = 'active' AND n.status = 'active'
       OFFSET 0) i \gset

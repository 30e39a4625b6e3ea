-- OFFSET 0 keeps the planner from joining all of them at once, by estimates that are wrong.
-- The same rows as one join for each key: the key, and its owner for the status.
SELECT CASE WHEN count(*) = :presented THEN count(i.api_key_id) + count(i.user_id)
                 + count(i.scope) + count(i.expires_at) ELSE bench.fail('invalid')::bigint END AS c1
  FROM bench.presented p, LATERAL (
      SELECT k.id AS api_key_id, k.user_id, k.scope, k.expires_at
        FROM auth_store.api_keys k
        JOIN auth_store.users u ON u.id = k.user_id AND u.tenant_id = k.tenant_id
       WHERE k.id = p.api_key_id AND k.tenant_id = 'default' AND k.digest = sha256(p.api_key::bytea)
         AND k.revoked_at IS NULL AND k.expires_at > clock_timestamp() AND NOT k.tenant_suspended
         AND (k.allowed_cidrs IS NULL OR '198.51.100.7'::inet <<= ANY (k.allowed_cidrs))
         AND 'orders' = ANY (string_to_array(k.scope, ' ')) AND u.status = 'active'
       OFFSET 0) i \gset

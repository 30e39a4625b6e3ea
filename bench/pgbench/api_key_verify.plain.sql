-- The same rows as one join: the key, and its owner for the status.
\if :left = 0
SELECT key AS t, id::text AS id FROM bench.api_key_start() \gset
\set left 1
\endif
SELECT k.metadata->>'next' AS t, k.metadata->>'id' AS id,
       k.id AS c1, k.name AS c2, k.user_id AS c3, k.client_id AS c4, k.tenant_id AS c5, k.scope AS c6,
       k.expires_at AS c7
  FROM auth_store.api_keys k
  JOIN auth_store.users u ON u.id = k.user_id AND u.tenant_id = k.tenant_id
 WHERE k.id = :id AND k.tenant_id = 'default' AND k.digest = sha256(:t)
   AND k.revoked_at IS NULL AND k.expires_at > clock_timestamp() AND NOT k.tenant_suspended
   AND (k.allowed_cidrs IS NULL OR '198.51.100.7'::inet <<= ANY (k.allowed_cidrs))
   AND 'orders' = ANY (string_to_array(k.scope, ' ')) AND u.status = 'active' \gset

\set t random(1, :users)
SELECT k.metadata->>'next' AS c0, k.metadata->>'id' AS id,
       k.id AS c1, k.name AS c2, k.user_id AS c3, NULL AS c4, NULL AS c5, k.scope AS c6, k.expires_at AS c7
  FROM classic.api_keys k
  JOIN classic.users u ON u.id = k.user_id
 WHERE k.key_hash = sha256(:t) AND k.revoked_at IS NULL AND k.expires_at > clock_timestamp()
   AND 'orders' = ANY (string_to_array(k.scope, ' ')) AND u.status = 'active' \gset

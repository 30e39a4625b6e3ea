-- The key's row alone, by its primary key, without its owner: less work than the call does.
\if :left = 0
SELECT key AS t, id::text AS id FROM bench.api_key_start() \gset
\set left 1
\endif
SELECT metadata->>'next' AS t, metadata->>'id' AS id,
       id AS c1, name AS c2, user_id AS c3, client_id AS c4, tenant_id AS c5, scope AS c6, expires_at AS c7
  FROM auth_store.api_keys
 WHERE id = :id AND tenant_id = 'default' AND digest = sha256(:t)
   AND revoked_at IS NULL AND expires_at > clock_timestamp() \gset

-- The key's row alone, by its primary key: it looks at no digest, no end and no owner.
\if :left = 0
SELECT id::text AS id FROM bench.api_key_start() \gset
\set left 1
\endif
SELECT metadata->>'next' AS t, metadata->>'id' AS id,
       id AS c1, name AS c2, user_id AS c3, client_id AS c4, tenant_id AS c5, scope AS c6, expires_at AS c7
  FROM auth_store.api_keys
 WHERE id = :id AND tenant_id = 'default' \gset

-- Each answer's metadata names the next key, somewhere else in the table.
\if :left = 0
SELECT key AS t, id::text AS id FROM bench.api_key_start() \gset
\set left 1
\endif
SELECT CASE WHEN valid THEN metadata->>'next' ELSE bench.fail(error) END AS t, metadata->>'id' AS id,
       api_key_id AS c1, name AS c2, user_id AS c3, client_id AS c4, tenant_id AS c5, scope AS c6, expires_at AS c7
  FROM auth_store.api_key_verify(:t, 'orders', '198.51.100.7') \gset

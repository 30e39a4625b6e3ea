-- Each answer's metadata names the next token, somewhere else in the table.
\if :left = 0
SELECT token AS t, id::text AS id FROM bench.session_start() \gset
\set left 1
\endif
SELECT CASE WHEN valid THEN metadata->>'next' ELSE bench.fail('invalid') END AS t, metadata->>'id' AS id,
       session_id AS c1, user_id AS c2, tenant_id AS c3, created_at AS c4, last_seen_at AS c5,
       expires_at AS c6, acr AS c7,
       amr AS c8, idle_expires_at AS c9
  FROM auth_store.session_validate(:t) \gset

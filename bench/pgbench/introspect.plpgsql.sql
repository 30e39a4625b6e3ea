\set t random(1, :tokens)
SELECT CASE WHEN active THEN claims->>'next' ELSE bench.fail('inactive') END AS c0, claims->>'id' AS id,
       scope AS c1, client_id AS c2, user_id AS c3, token_type AS c5, issued_at AS c6, expires_at AS c7
  FROM classic.token_introspect(:t) \gset

-- One row by its primary key that has all of the answer's columns.
\if :left = 0
SELECT token AS t, id::text AS id FROM bench.introspect_start() \gset
\set left 1
\endif
SELECT claims->>'next' AS t, claims->>'id' AS id,
       scope AS c1, client_id AS c2, user_id AS c3, username AS c4, token_type AS c5, issued_at AS c6, expires_at AS c7,
       audience AS c8, jti AS c9, grant_id AS c10, session_id AS c11, tenant_id AS c12, cnf AS c13
  FROM bench.key_rows WHERE jti = :id \gset

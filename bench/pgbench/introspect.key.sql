-- The cheapest read there is: one row by its primary key, seven columns of it, one of which names the next.
\if :left = 0
SELECT id::text AS id FROM bench.introspect_start() \gset
\set left 1
\endif
SELECT next AS id, grant_id AS c1, client_id AS c2, user_id AS c3, expires_at AS c4, scope AS c5, tenant_id AS c6
  FROM bench.key_rows WHERE jti = :id \gset

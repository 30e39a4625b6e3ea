-- The cheapest read there is: one row of the same width by its primary key, which also names the next.
\if :left = 0
SELECT id::text AS id FROM bench.introspect_start() \gset
\set left 1
\endif
SELECT next AS id, grant_id AS c1, expires_at AS c2, revoked_at AS c3, tenant_id AS c4, scope AS c5, resources AS c6
  FROM bench.key_rows WHERE id = :id \gset

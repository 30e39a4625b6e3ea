-- The statements that put the privileges on functions, types and the schema back to exactly those of the
-- shipped shape, one a row. Comes after sql/shape.sql; $1, $2, $3 are as in sql/check.sql. Tables and views are
-- seen to by sql/ownership.sql.
, wanted AS (
    SELECT w.key, pg_catalog.substr(w.part, 15) AS grantee, w.definition
      FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]))
           w (key, part, definition)
     WHERE w.part LIKE 'privileges of %' AND w.key ~ '^(function|type|schema) '
),
found AS (
    SELECT f.object, f.target, pg_catalog.substr(f.part, 15) AS grantee, f.definition
      FROM fact f
     WHERE f.part LIKE 'privileges of %' AND EXISTS (SELECT FROM wanted w WHERE w.key = f.object)
),
target AS (
    SELECT f.object, f.target, pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(o.owner)::text) AS owner
      FROM (SELECT DISTINCT f.object, f.target FROM fact f WHERE EXISTS (SELECT FROM wanted w WHERE w.key = f.object)) f
      JOIN (SELECT r.object, r.proowner FROM routine r
            UNION ALL SELECT t.object, t.typowner FROM composite t
            UNION ALL SELECT 'schema auth_store', s.nspowner FROM schema s) o (object, owner) ON o.object = f.object
)
SELECT q.statement
  FROM (
    SELECT 1, f.object,
           pg_catalog.format('REVOKE ALL ON %s FROM %s CASCADE', f.target,
               CASE f.grantee WHEN 'its owner' THEN t.owner ELSE f.grantee END)
      FROM found f JOIN target t ON t.object = f.object
     WHERE NOT EXISTS (SELECT FROM wanted w
                        WHERE w.key = f.object AND w.grantee = f.grantee AND w.definition = f.definition)
    UNION ALL
    SELECT 2, t.object,
           pg_catalog.format('GRANT %s ON %s TO %s', w.definition, t.target,
               CASE w.grantee WHEN 'its owner' THEN t.owner ELSE w.grantee END)
      FROM wanted w JOIN target t ON t.object = w.key
     WHERE NOT EXISTS (SELECT FROM found f
                        WHERE f.object = t.object AND f.grantee = w.grantee AND f.definition = w.definition)
  ) q (step, object, statement)
 ORDER BY q.step, q.object COLLATE "C", q.statement COLLATE "C"

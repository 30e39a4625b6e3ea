-- Every object of the store, of whatever kind, in its schema or its extension, has a COMMENT that says what it is for.
SET search_path = pg_catalog, pg_temp;
CREATE TEMPORARY VIEW own AS
    WITH RECURSIVE own (classid, objid) AS (
        SELECT 'pg_namespace'::regclass::oid, 'auth_store'::regnamespace::oid
        UNION ALL
        SELECT 'pg_extension'::regclass, e.oid FROM pg_extension e WHERE e.extname = 'auth_store'
        UNION ALL
        SELECT DISTINCT 'pg_authid'::regclass::oid, a.grantee
          FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a
         WHERE n.nspname = 'auth_store' AND a.grantee <> n.nspowner
        UNION
        SELECT d.classid, d.objid
          FROM own o
          JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid
               AND (d.deptype <> 'n' OR o.classid = 'pg_namespace'::regclass)
    )
    SELECT o.classid, o.objid, i.type, i.identity,
           COALESCE(obj_description(o.objid, o.classid::regclass::text),
                    shobj_description(o.objid, o.classid::regclass::text)) AS comment
      FROM own o CROSS JOIN LATERAL pg_identify_object(o.classid, o.objid, 0) i
     -- What is part of a thing that has one: a partition is what its table is; the index of a constraint is what the
     -- constraint is; NOT NULL is said by the column.
     WHERE i.type NOT IN ('default value', 'toast table', 'rule', 'composite type')
       AND NOT EXISTS (SELECT FROM pg_class c
                        WHERE o.classid = 'pg_class'::regclass AND c.oid = o.objid AND c.relispartition)
       AND NOT EXISTS (SELECT FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
                        WHERE o.classid = 'pg_class'::regclass AND x.indexrelid = o.objid
                          AND (c.relispartition OR c.relkind = 't'
                               OR EXISTS (SELECT FROM pg_constraint n WHERE n.conindid = x.indexrelid)))
       AND NOT EXISTS (SELECT FROM pg_constraint n LEFT JOIN pg_class c ON c.oid = n.conrelid
                        WHERE o.classid = 'pg_constraint'::regclass AND n.oid = o.objid
                          AND (n.contype = 'n' OR c.relispartition))
       AND NOT EXISTS (SELECT FROM pg_trigger t
                        WHERE o.classid = 'pg_trigger'::regclass AND t.oid = o.objid AND t.tgisinternal)
       AND NOT EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
                        WHERE o.classid = 'pg_type'::regclass AND t.oid = o.objid
                          AND (t.typcategory = 'A' OR c.relkind <> 'c'));
-- The kinds there are. A kind that is new belongs here, and has its comments.
SELECT type, count(*) > 0 AS some FROM own GROUP BY type ORDER BY type COLLATE "C";
SELECT type, identity, comment FROM own WHERE COALESCE(length(comment), 0) < 20 ORDER BY 1, 2;
-- And every column of what has columns: three words at least, so that none says its own name again.
SELECT c.oid::regclass AS relation, a.attname, col_description(c.oid, a.attnum) AS comment
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
   AND NOT c.relispartition
   AND COALESCE(cardinality(regexp_split_to_array(btrim(col_description(c.oid, a.attnum)), '\s+')), 0) < 3
 ORDER BY 1, 2;
-- No two constraints of one table are explained by the same words.
SELECT comment, array_agg(identity ORDER BY identity COLLATE "C") AS of
  FROM own WHERE type = 'table constraint'
 GROUP BY comment, substring(identity FROM 'on (\S+)$') HAVING count(*) > 1 ORDER BY 2;

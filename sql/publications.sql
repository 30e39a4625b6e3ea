-- What check() says of publications: one that carries some of the tables by which tokens, sessions and keys are
-- validated ($1), and not all. Without clients or grants its subscriber takes every token for dead; without
-- revoked_jtis no JWT id for revoked. What all stores share is published without the rest.
SELECT p.pubname::pg_catalog.text,
       pg_catalog.string_agg(w.name, ', ' ORDER BY w.name) FILTER (WHERE w.published),
       pg_catalog.string_agg(w.name, ', ' ORDER BY w.name) FILTER (WHERE NOT w.published)
  FROM pg_catalog.pg_publication p
       CROSS JOIN LATERAL (
           -- A partitioned table that has no partition yet is not among the tables of a publication by partitions.
           SELECT n.name, p.puballtables
                  OR EXISTS (
                      SELECT FROM pg_catalog.pg_publication_namespace s
                       WHERE s.pnpubid OPERATOR(pg_catalog.=) p.oid
                         AND s.pnnspid OPERATOR(pg_catalog.=) pg_catalog.to_regnamespace('auth_store')::pg_catalog.oid)
                  OR EXISTS (
                      SELECT FROM pg_catalog.pg_publication_rel r
                        JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.prrelid
                       WHERE r.prpubid OPERATOR(pg_catalog.=) p.oid
                         AND c.relnamespace OPERATOR(pg_catalog.=)
                             pg_catalog.to_regnamespace('auth_store')::pg_catalog.oid
                         AND c.relname::pg_catalog.text OPERATOR(pg_catalog.=) n.name)
                  OR EXISTS (
                      SELECT FROM pg_catalog.pg_publication_tables t
                       WHERE t.pubname OPERATOR(pg_catalog.=) p.pubname
                         AND t.schemaname OPERATOR(pg_catalog.=) 'auth_store'
                         -- a partition, where the publication is not by the root
                         AND pg_catalog.regexp_replace(t.tablename, '_y[0-9]{4}m.*$', '') OPERATOR(pg_catalog.=) n.name)
             FROM pg_catalog.unnest($1::pg_catalog.text[]) n (name)) w (name, published)
 GROUP BY p.pubname
HAVING pg_catalog.bool_or(w.published AND w.name OPERATOR(pg_catalog.<>) ALL (
           '{tenants,clients,users,roles,issuers,signing_keys,resource_servers}'))
   AND pg_catalog.bool_or(NOT w.published)

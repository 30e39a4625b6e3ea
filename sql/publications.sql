-- What check() says of publications: one that carries some of the tables by which tokens, sessions and keys are
-- validated ($1), and not all. Without clients or grants its subscriber takes every token for dead; without
-- revoked_jtis no JWT id for revoked. What all stores share is published without the rest.
SELECT p.pubname::pg_catalog.text,
       pg_catalog.string_agg(w.name, ', ' ORDER BY w.name) FILTER (WHERE w.published),
       pg_catalog.string_agg(w.name, ', ' ORDER BY w.name) FILTER (WHERE NOT w.published)
  FROM pg_catalog.pg_publication p
       CROSS JOIN LATERAL (
           SELECT n.name, EXISTS (
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

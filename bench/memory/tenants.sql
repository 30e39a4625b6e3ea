-- Another tenant's token in every call.
\set n 1 + :done % :tokens
SELECT token AS t FROM bench.tenant_tokens WHERE n = :n \gset
SELECT CASE WHEN active THEN scope ELSE bench.fail('inactive') END AS c1, client_id AS c2, username AS c3,
    tenant_id AS c4
  FROM auth_store.token_introspect(:t) \gset

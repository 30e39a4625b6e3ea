SELECT CASE WHEN count(*) FILTER (WHERE i.active) = :presented THEN count(i.scope) + count(i.client_id)
                 + count(i.user_id) + count(i.username) ELSE bench.fail('inactive')::bigint END AS c1
  FROM bench.presented p, auth_store.token_introspect(p.access_token) i \gset

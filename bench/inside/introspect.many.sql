SELECT CASE WHEN count(*) FILTER (WHERE i.active) = :presented THEN count(i.scope) + count(i.client_id)
                 + count(i.user_id) + count(i.username) ELSE bench.fail('inactive')::bigint END AS c1
  FROM auth_store.token_introspect_many(ARRAY(SELECT access_token FROM bench.presented)) i \gset

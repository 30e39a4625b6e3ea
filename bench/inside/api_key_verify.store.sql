SELECT CASE WHEN count(*) FILTER (WHERE i.valid) = :presented THEN count(i.api_key_id) + count(i.user_id)
                 + count(i.scope) + count(i.expires_at) ELSE bench.fail('invalid')::bigint END AS c1
  FROM bench.presented p, auth_store.api_key_verify(p.api_key, 'orders', '198.51.100.7') i \gset

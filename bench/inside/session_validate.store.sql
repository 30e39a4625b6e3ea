SELECT CASE WHEN count(*) FILTER (WHERE i.valid) = :presented THEN count(i.session_id) + count(i.user_id)
                 + count(i.acr) + count(i.expires_at) ELSE bench.fail('invalid')::bigint END AS c1
  FROM bench.presented p, auth_store.session_validate(p.session_token) i \gset

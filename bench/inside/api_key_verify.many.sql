SELECT CASE WHEN count(*) FILTER (WHERE i.valid) = :presented THEN count(i.api_key_id) + count(i.user_id)
                 + count(i.scope) + count(i.expires_at) ELSE bench.fail('invalid')::bigint END AS c1
  FROM auth_store.api_key_verify_many(ARRAY(SELECT api_key FROM bench.presented), 'orders',
           array_fill('198.51.100.7'::inet, ARRAY[:presented::integer])) i \gset

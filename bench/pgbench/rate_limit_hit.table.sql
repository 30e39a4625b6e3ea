-- One key that everybody hits, never over its limit.
SELECT CASE WHEN allowed THEN remaining ELSE bench.fail('over the limit')::int END AS c1, retry_after AS c2,
    reset_at AS c3
  FROM auth_store.rate_limit_hit(key => 'hot', max_hits => 2000000000, period => '1 hour') \gset

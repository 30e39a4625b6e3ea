-- Twenty hits in one statement: the work of the server, most of which is a round trip when they come one by one.
SELECT CASE WHEN bool_and(allowed) THEN count(*) ELSE bench.fail('over the limit')::int END AS c1, min(remaining) AS c2,
    max(reset_at) AS c3
  FROM generate_series(1, 20) AS n,
       LATERAL auth_store.rate_limit_hit(key => 'hot', max_hits => 2000000000 - 0 * n, period => '1 hour') \gset

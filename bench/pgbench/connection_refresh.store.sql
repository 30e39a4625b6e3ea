-- The lease, which gives the refresh token, and what the provider gave for it: two transactions. A connection is
-- refreshed twenty times, then another one takes its place.
\if :left = 0
SELECT id::text AS id FROM bench.connection_start() \gset
\set left 20
\endif
\set r random(1000000000000000, 9000000000000000000)
SELECT CASE WHEN granted THEN fence ELSE bench.fail(error || ': ' || error_description)::bigint END AS fence,
    refresh_token AS t
  FROM auth_store.connection_lease(:id) \gset
SELECT CASE WHEN ok THEN status ELSE bench.fail(error || ': ' || error_description) END AS c1
  FROM auth_store.connection_complete(:id, :fence, rpad(:r, 200, 'aT4'), rpad(:r, 120, 'rT4'),
                                      clock_timestamp() + interval '8 hours') \gset
\set left :left - 1

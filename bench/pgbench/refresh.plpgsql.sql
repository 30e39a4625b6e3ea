\if :left = 0
SELECT 1 + (nextval('bench.classic_refresh_next') * 618033) % :tokens AS t \gset
\set c 100 + :t % 100
\set left 20
\endif
SELECT CASE WHEN error IS NULL THEN refresh_token ELSE bench.fail(error) END AS t,
       access_token AS c1, token_type AS c2, expires_in AS c3, scope AS c4
  FROM classic.token_refresh(:t, :c, '198.51.100.7', 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset
\set left :left - 1

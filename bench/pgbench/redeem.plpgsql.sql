\if :left = 0
SELECT 1 + 50 * (nextval('bench.classic_code_next') - 1) AS t \gset
\set c 100 + (:t / 50) % 100
\set left 50
\endif
SELECT CASE WHEN error IS NULL THEN access_token ELSE bench.fail(error) END AS c1,
       token_type AS c2, expires_in AS c3, refresh_token AS c4, scope AS c5
  FROM classic.code_redeem(:t, :c, 'https://app.example/callback', 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
                           '198.51.100.7', 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset
\set t :t + 1
\set left :left - 1

\set u random(1, :users)
\set c random(100, 99 + :clients)
SELECT CASE WHEN error IS NULL THEN access_token ELSE bench.fail(error) END AS c1,
       token_type AS c2, expires_in AS c3, refresh_token AS c4, scope AS c5
  FROM classic.token_issue(:c, :u, 'openid profile', '198.51.100.7',
                           'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset

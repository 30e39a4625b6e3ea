-- A family is rotated twenty times, then another one, far away in the table, takes its place.
\if :left = 0
SELECT token AS t, client AS c FROM bench.refresh_start() \gset
\set left 20
\endif
SELECT CASE WHEN error IS NULL THEN refresh_token ELSE bench.fail(error || ': ' || error_description) END AS t,
       access_token AS c1, token_type AS c2, expires_in AS c3, scope AS c4
  FROM auth_store.token_refresh(refresh_token => :t, client_id => :c, ip => '198.51.100.7',
      user_agent => 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset
\set left :left - 1

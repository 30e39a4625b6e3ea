-- A device polls twenty times, then another one, far away in the table, takes its place. Whatever is not a poll
-- accepted as pending ends the run.
\if :left = 0
SELECT code AS t, client AS c FROM bench.device_start() \gset
\set left 20
\endif
SELECT CASE WHEN error = 'authorization_pending' THEN error
    ELSE bench.fail(coalesce(error || ': ' || error_description, 'no')) END AS c1,
       retry_after AS c2
  FROM auth_store.device_redeem(device_code => :t, client_id => :c, ip => '198.51.100.7',
      user_agent => 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset
\set left :left - 1

-- :clients = 100 spreads the grants over a hundred clients; 1 shows what the foreign key's lock on one client row
-- costs.
\set u random(100000000001, 100000000000 + :users)
\set c random(100, 99 + :clients)
SELECT CASE WHEN error IS NULL THEN access_token ELSE bench.fail(error || ': ' || error_description) END AS c1,
       token_type AS c2, expires_in AS c3, refresh_token AS c4, scope AS c5
  FROM auth_store.token_issue(client_id => :c, user_id => ('01900000-0000-8000-8000-' || :u)::uuid,
                              scope => 'openid profile', ip => '198.51.100.7',
                              user_agent => 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset

\if :left = 0
SELECT client_id AS c, secret AS s FROM bench.client_secrets WHERE n = (SELECT 200 + floor(random() * 100)::int) \gset
\set left 50
\endif
SELECT CASE WHEN error IS NULL THEN access_token ELSE bench.fail(error || ': ' || error_description) END AS c1,
       token_type AS c2, expires_in AS c3, scope AS c5
  FROM auth_store.token_issue_client_credentials(client_id => :c, client_secret => :s, scope => 'openid profile',
                                                 ip => '198.51.100.7',
                                                 user_agent => 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset
\set left :left - 1

-- The codes were issued before the clock started. Fifty form a list: the claims of each name the next.
\if :left = 0
SELECT code AS t, id::text AS id, client AS c FROM bench.code_start() \gset
\set left 50
\endif
SELECT CASE WHEN error IS NULL THEN claims->>'next' ELSE bench.fail(error || ': ' || error_description) END AS t,
       claims->>'id' AS id, access_token AS c1, token_type AS c2, expires_in AS c3, refresh_token AS c4, scope AS c5
  FROM auth_store.code_redeem(code => :t, client_id => :c, redirect_uri => 'https://app.example/callback',
                              code_verifier => 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
                              ip => '198.51.100.7',
                              user_agent => 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4') \gset
\set left :left - 1

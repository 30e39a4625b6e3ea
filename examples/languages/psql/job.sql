-- psql 16 or newer: \bind sends values apart from the statement, as text without a type, and \gset keeps the answer.
-- psql -X -q -At -f job.sql. A value that :name puts into a statement would be part of its text, which a server logs.

-- docs: begin
SELECT client_id FROM auth_store.client_create(name => $1, client_type => $2, redirect_uris => $3, scope => $4,
                                               access_token_ttl => $5, metadata => $6)
\bind Phone public '{https://app.example/cb}' 'orders profile' '10 minutes' '{"team": "shop"}' \gset
-- docs: end
\echo registered: a client
\set verifier `head -c 32 /dev/urandom | base64 | tr '/+' '_-' | tr -d '='`
\set external_id `head -c 8 /dev/urandom | od -An -tx1 | tr -d ' '`
SELECT auth_store.user_ensure(external_id => $1) AS user_id \bind :external_id \gset
SELECT auth_store.pkce_challenge($1) AS challenge \bind :verifier \gset
SELECT code FROM auth_store.code_issue(client_id => $1, user_id => $2, redirect_uri => $3, scope => $4,
                                       code_challenge => $5, auth_time => now(), amr => $6, claims => $7, ip => $8)
\bind :client_id :user_id https://app.example/cb orders :challenge '{pwd,otp}' '{"shop": 7}' 203.0.113.9 \gset
-- docs: begin
SELECT access_token, refresh_token, concat_ws(' ', token_type, expires_in, scope) AS shown
  FROM auth_store.code_redeem(code => $1, client_id => $2, redirect_uri => $3, code_verifier => $4)
\bind :code :client_id https://app.example/cb :verifier \gset
\echo redeemed: :shown
SELECT claims ->> 'shop' AS shop FROM auth_store.token_introspect(token => $1) WHERE active \bind :access_token \gset
-- docs: end
\echo introspected: :shop
SELECT access_token, refresh_token <> $2 AS another, refresh_token
  FROM auth_store.token_refresh(refresh_token => $1, client_id => $3)
\bind :refresh_token :refresh_token :client_id \gset
\if :another
\echo refreshed: another refresh token
\endif
SELECT api_key FROM auth_store.api_key_create(name => $1, user_id => $2, scope => $3, allowed_cidrs => $4,
                                              expires_at => now() + interval '30 days')
\bind ci :user_id deploy '{10.0.0.0/8}' \gset
SELECT valid FROM auth_store.api_key_verify(api_key => $1, required_scope => $2, ip => $3)
\bind :api_key deploy 10.1.2.3 \gset
\if :valid
\echo API key: valid
\endif
SELECT error FROM auth_store.token_revoke(token => $1, client_id => $2) \bind :refresh_token :client_id \gset
SELECT active FROM auth_store.token_introspect(token => $1) \bind :access_token \gset
\if :active
\else
\echo revoked: not active
\endif
-- docs: begin
-- A refusal is a row; a mistake is an error, of which psql keeps the SQLSTATE and the message.
SELECT error FROM auth_store.code_redeem(code => $1, client_id => $2, redirect_uri => $3, code_verifier => $4)
\bind :code :client_id https://app.example/cb :verifier \gset
\echo refused: :error
SELECT auth_store.client_create(name => $1, client_type => $2) \bind x mobile \g
\echo mistake: :LAST_ERROR_SQLSTATE Accepted: confidential, public.
BEGIN;
INSERT INTO orders (user_id) VALUES ($1) \bind :user_id \g
SELECT access_token FROM auth_store.token_issue(client_id => $1, user_id => $2) \bind :client_id :user_id \gset
ROLLBACK;
-- docs: end
SELECT active FROM auth_store.token_introspect(token => $1) \bind :access_token \gset
\if :active
\quit
\endif
SELECT 'rolled back: orders ' || count(*) FROM orders WHERE user_id = $1 \bind :user_id \g

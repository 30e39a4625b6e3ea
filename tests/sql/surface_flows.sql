-- The flows that docs/explanation/pictures.md shows. scripts/pictures draws each from what this test printed: a flow
-- begins with its name, "-- A > B: text" is a message outside of the store, a statement is a call of the one who was
-- last told something, and a line with an arrow is its answer. Secrets are shown by their prefixes.
\set uri https://app.example/cb
SELECT FROM auth_store.tenant_create('flows', 'Flows');
SELECT client_id AS client
  FROM auth_store.client_create('Flows', ARRAY[:'uri'], client_type => 'public', client_id => 'flows',
    scope => 'orders', grant_types => ARRAY['authorization_code', 'refresh_token',
                                            'urn:ietf:params:oauth:grant-type:device_code'],
    tenant_id => 'flows') \gset
SELECT user_id FROM auth_store.user_create('flows@example.com', tenant_id => 'flows') \gset
SELECT pg_catalog.repeat('v', 43) AS verifier \gset
SELECT auth_store.pkce_challenge(:'verifier') AS challenge \gset
SET auth_store.code_replay_grace = 0;
SET auth_store.refresh_grace = 0;

-- flow authorization_code: an authorization code with PKCE, and its replay (RFC 6749 section 4.1, RFC 7636)
-- client > server: authorization request with code_challenge
-- server > user: log in, agree
-- user > server: yes
SELECT code, left(code, 5) || '…' AS shown
  FROM auth_store.code_issue(client_id => :'client', user_id => :'user_id', redirect_uri => :'uri', scope => 'orders',
                             code_challenge => :'challenge') \gset
\echo <- code :shown
-- server > client: redirect with the code
-- client > server: token request with code and code_verifier
SELECT access_token, refresh_token, token_type, left(access_token, 5) || '…' AS access,
       left(refresh_token, 5) || '…' AS refresh
  FROM auth_store.code_redeem(code => :'code', client_id => :'client', redirect_uri => :'uri',
                              code_verifier => :'verifier') \gset
\echo <- :token_type, access :access, refresh :refresh
-- server > client: access token, refresh token
-- client > api: request with the access token
SELECT active, scope FROM auth_store.token_authorize(token => :'access_token', required_scope => 'orders') \gset
\echo <- active :active, scope :scope
-- api > client: the answer
-- thief > server: token request with the same code
SELECT error FROM auth_store.code_redeem(code => :'code', client_id => :'client', redirect_uri => :'uri',
                                         code_verifier => :'verifier') \gset
\echo <- error :error
-- client > api: request with the access token
SELECT active, error FROM auth_store.token_authorize(token => :'access_token') \gset
\echo <- active :active, error :error

-- flow refresh: a refresh token rotates, and an older one ends its family (RFC 9700 section 4.14.2)
-- client > server: log-in
SELECT access_token, refresh_token AS refresh_1, left(access_token, 5) || '…' AS access,
       left(refresh_token, 5) || '…' AS refresh
  FROM auth_store.token_issue(client_id => :'client', user_id => :'user_id', scope => 'orders', refresh => true) \gset
\echo <- access :access, refresh :refresh 1
-- server > client: access token, refresh token 1
-- client > server: refresh token 1
SELECT access_token, refresh_token AS refresh_2, left(refresh_token, 5) || '…' AS refresh
  FROM auth_store.token_refresh(refresh_token => :'refresh_1', client_id => :'client') \gset
\echo <- access :access, refresh :refresh 2
-- server > client: access token, refresh token 2
-- thief > server: refresh token 1
SELECT error FROM auth_store.token_refresh(refresh_token => :'refresh_1', client_id => :'client') \gset
\echo <- error :error
SELECT event, risk_score AS risk FROM auth_store.recent_activity
 WHERE client_id = :'client' ORDER BY occurred_at DESC LIMIT 1 \gset
\echo <- :event, risk :risk
-- client > server: refresh token 2
SELECT error FROM auth_store.token_refresh(refresh_token => :'refresh_2', client_id => :'client') \gset
\echo <- error :error
-- client > api: request with the access token
SELECT active FROM auth_store.token_authorize(token => :'access_token') \gset
\echo <- active :active

-- flow device: a device without a keyboard (RFC 8628)
-- device > server: device authorization request
SELECT device_code, user_code, left(device_code, 5) || '…' AS shown, "interval"
  FROM auth_store.device_authorize(client_id => :'client', scope => 'orders') \gset
\echo <- device_code :shown, user_code, interval :interval
-- device > user: shows user_code
-- device > server: token request with device_code
SELECT error FROM auth_store.device_redeem(device_code => :'device_code', client_id => :'client') \gset
\echo <- error :error
-- device > server: again, too early
SELECT error FROM auth_store.device_redeem(device_code => :'device_code', client_id => :'client') \gset
\echo <- error :error
-- user > server: log-in, user_code
SELECT client_name, status FROM auth_store.device_lookup(user_code => :'user_code') \gset
\echo <- client_name :client_name, status :status
-- user > server: yes
SELECT coalesce(error, 'none') AS error
  FROM auth_store.device_approve(user_code => :'user_code', user_id => :'user_id') \gset
\echo <- error :error
UPDATE auth_store.device_codes SET last_polled_at = last_polled_at - interval '1 min' WHERE client_id = :'client';
-- device > server: token request with device_code
SELECT token_type, left(access_token, 5) || '…' AS access, left(refresh_token, 5) || '…' AS refresh
  FROM auth_store.device_redeem(device_code => :'device_code', client_id => :'client') \gset
\echo <- :token_type, access :access, refresh :refresh
-- server > device: access token, refresh token

-- flow session: a session in a cookie, from the log-in to the log-out
-- user > application: name and password
SELECT session_id, session_token AS first, left(session_token, 5) || '…' AS shown
  FROM auth_store.session_create(user_id => :'user_id', amr => ARRAY['pwd']) \gset
\echo <- session_token :shown
-- application > user: cookie
-- user > application: request with the cookie
SELECT valid FROM auth_store.session_touch(session_token => :'first') \gset
\echo <- valid :valid
-- user > application: second factor
SELECT session_token AS second, left(session_token, 5) || '…' AS shown
  FROM auth_store.session_rotate(session_token => :'first', acr => 'mfa', amr => ARRAY['pwd', 'otp']) \gset
\echo <- session_token :shown
-- application > user: another cookie
-- thief > application: request with the first cookie
SELECT valid FROM auth_store.session_validate(session_token => :'first') \gset
\echo <- valid :valid
-- user > application: log-out
SELECT session_revoke FROM auth_store.session_revoke(session_id => :'session_id', reason => 'log-out') \gset
\echo <- :session_revoke
-- user > application: request with the cookie
SELECT valid, error FROM auth_store.session_validate(session_token => :'second') \gset
\echo <- valid :valid, error :error

-- flow webhook: an event, delivered by a worker that is tried again
SET client_min_messages = error;
DELETE FROM auth_store.webhook_queue;
-- receiver > application: I want to hear of agents
SELECT webhook_id, left(secret, 6) || '…' AS shown
  FROM auth_store.webhook_create(target_url => 'https://receiver.example/hook', event_types => ARRAY['agent.*'],
                                 tenant_id => 'flows') \gset
\echo <- secret :shown
-- application > receiver: secret
-- user > application: an agent
SELECT webhook_emit FROM auth_store.webhook_emit(event_type => 'agent.created', payload => '{"agent": 7}',
                                                 event_id => 'agent-7', tenant_id => 'flows') \gset
\echo <- :webhook_emit delivery
SELECT webhook_emit FROM auth_store.webhook_emit(event_type => 'agent.created', payload => '{"agent": 7}',
                                                 event_id => 'agent-7', tenant_id => 'flows') \gset
\echo <- :webhook_emit deliveries: emitted once
-- application > worker: NOTIFY
SELECT delivery_id, attempt FROM auth_store.webhook_claim(max_deliveries => 10) \gset
\echo <- attempt :attempt, body, headers with signature
-- worker > receiver: POST
-- receiver > worker: 503
SELECT webhook_complete AS status FROM auth_store.webhook_complete(delivery_id => :'delivery_id', attempt => :attempt,
                                                                   http_status => 503) \gset
\echo <- :status
UPDATE auth_store.webhook_retries SET due_at = clock_timestamp();
-- receiver > worker: later
SELECT delivery_id, attempt FROM auth_store.webhook_claim(max_deliveries => 10) \gset
\echo <- attempt :attempt, the same webhook-id
-- worker > receiver: POST
-- receiver > worker: 204
SELECT webhook_complete AS status FROM auth_store.webhook_complete(delivery_id => :'delivery_id', attempt => :attempt,
                                                                   http_status => 204) \gset
\echo <- :status

RESET client_min_messages;
RESET auth_store.code_replay_grace;
RESET auth_store.refresh_grace;
SELECT FROM auth_store.tenant_set_status('flows', 'suspended', 'over');
SELECT FROM auth_store.tenant_erase('flows', confirm => 'flows');

-- The plan "Basic OP" of OpenID's conformance suite, case by case under the suite's names, and "Config OP".
\i tests/sql/include/helpers.sql
\i tests/sql/include/conformance.sql
\pset format unaligned
\pset tuples_only on
SET conformance.tenant = 'basic-op';
SELECT auth_store.tenant_create('basic-op');
SELECT auth_store.provider_set('https://suite.example/basic-op', tenant_id => 'basic-op', settings =>
    '{"scope": "openid profile email address phone offline_access"}');
SELECT auth_store.signing_key_create('ES256', tenant_id => 'basic-op') AS kid \gset
SELECT client_secret AS secret FROM auth_store.client_create('Suite', ARRAY['https://rp.example/cb'],
    client_id => 'basic-op', tenant_id => 'basic-op', require_pkce => false,
    scope => 'openid profile email address phone offline_access') \gset
SELECT client_secret AS secret2 FROM auth_store.client_create('Suite 2', ARRAY['https://rp.example/cb2'],
    client_id => 'basic-op-2', tenant_id => 'basic-op', require_pkce => false, scope => 'openid profile',
    token_endpoint_auth_method => 'client_secret_post') \gset
SELECT user_id AS user FROM auth_store.user_create(email => 'ada@suite.example', first_name => 'Ada',
    last_name => 'Lovelace', tenant_id => 'basic-op') \gset
SELECT session_token AS session FROM auth_store.session_create(:'user', acr => 'urn:loa:1', amr => '{pwd}') \gset
SELECT jsonb_build_object('client_id', 'basic-op', 'redirect_uri', 'https://rp.example/cb', 'response_type', 'code',
    'scope', 'openid', 'state', 's-ü', 'nonce', 'n-1') AS asked,
    pg_temp.basic('basic-op', :'secret') AS basic \gset
-- What the client gets for its code.
CREATE FUNCTION pg_temp.tokens(code text, secret text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT (pg_temp.post('/basic-op/token', jsonb_build_object('grant_type', 'authorization_code', 'code', code,
        'redirect_uri', 'https://rp.example/cb'), pg_temp.basic('basic-op', secret))).body::jsonb
$$;
-- A log-in with these parameters more: what the client holds in the end.
CREATE FUNCTION pg_temp.logged_in(more jsonb, base jsonb, session text, secret text, method text DEFAULT 'GET')
RETURNS jsonb LANGUAGE sql AS $$
    SELECT pg_temp.tokens(pg_temp.redirected(base || more, session, method)->>'code', secret)
$$;
CREATE FUNCTION pg_temp.userinfo(token text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT (pg_temp.get('/basic-op/userinfo', jsonb_build_object('authorization', 'Bearer ' || token))).body::jsonb
$$;

SELECT pg_temp.redirected(:'asked', :'session') AS back \gset
SELECT pg_temp.tokens(:'back'::jsonb->>'code', :'secret') AS got \gset
SELECT pg_temp.claims(:'got'::jsonb->>'id_token') AS id \gset
SELECT * FROM pg_temp.passes('oidcc-server',
    :'back'::jsonb->>'state' = 's-ü', :'back'::jsonb->>'iss' = 'https://suite.example/basic-op',
    :'got'::jsonb->>'token_type' = 'Bearer', (:'got'::jsonb->>'expires_in')::int > 0,
    :'id'::jsonb->>'iss' = 'https://suite.example/basic-op', :'id'::jsonb->>'sub' = :'user',
    :'id'::jsonb->>'aud' = 'basic-op', :'id'::jsonb->>'nonce' = 'n-1',
    (:'id'::jsonb->>'exp')::bigint > (:'id'::jsonb->>'iat')::bigint,
    pg_temp.part(:'got'::jsonb->>'id_token', 1)->>'kid' = :'kid',
    pg_temp.part(:'got'::jsonb->>'id_token', 1)->>'alg' = 'ES256');
SELECT * FROM pg_temp.passes('oidcc-response-type-missing',
    pg_temp.redirected(:'asked'::jsonb - 'response_type', :'session')
        @> '{"error": "invalid_request", "state": "s-ü", "iss": "https://suite.example/basic-op"}');
SELECT * FROM pg_temp.passes('oidcc-idtoken-unsigned', (pg_temp.part(:'got'::jsonb->>'id_token', 1)->>'alg') <> 'none');
SELECT * FROM pg_temp.passes('oidcc-userinfo-get', pg_temp.userinfo(:'got'::jsonb->>'access_token')->>'sub' = :'user');
SELECT * FROM pg_temp.passes('oidcc-userinfo-post-header', (SELECT body::jsonb->>'sub' = :'user'
    FROM auth_store.http('POST', '/basic-op/userinfo', headers => jsonb_build_object('authorization',
        'Bearer ' || (:'got'::jsonb->>'access_token')))));
SELECT * FROM pg_temp.passes('oidcc-userinfo-post-body', ((pg_temp.post('/basic-op/userinfo',
    jsonb_build_object('access_token', :'got'::jsonb->>'access_token'))).body::jsonb->>'sub') = :'user');
SELECT pg_temp.logged_in('{"nonce": null}', :'asked', :'session', :'secret') AS other \gset
SELECT * FROM pg_temp.passes('oidcc-ensure-request-without-nonce-succeeds-for-code-flow',
    NOT pg_temp.claims(:'other'::jsonb->>'id_token') ? 'nonce');
SELECT p.* FROM (VALUES ('profile', 'given_name'), ('email', 'email'), ('address', 'sub'), ('phone', 'sub'),
        ('profile email address phone', 'email')) AS scopes (scope, claim),
    LATERAL pg_temp.logged_in(jsonb_build_object('scope', 'openid ' || scope), :'asked', :'session', :'secret') AS got,
    LATERAL pg_temp.passes('oidcc-scope-' || CASE WHEN scope LIKE '% %' THEN 'all' ELSE scope END,
        pg_temp.userinfo(got->>'access_token') ? claim, got->>'scope' LIKE '%openid%') AS p;
SELECT pg_temp.logged_in('{"scope": "email openid"}', :'asked', :'session', :'secret') AS other \gset
SELECT * FROM pg_temp.passes('oidcc-ensure-other-scope-order-succeeds', :'other'::jsonb ? 'id_token');
SELECT p.* FROM (VALUES ('oidcc-display-page', '{"display": "page"}'::jsonb),
        ('oidcc-display-popup', '{"display": "popup"}'), ('oidcc-max-age-10000', '{"max_age": "10000"}'),
        ('oidcc-ensure-request-with-unknown-parameter-succeeds', '{"extra": "foobar"}'),
        ('oidcc-login-hint', '{"login_hint": "ada@suite.example"}'), ('oidcc-ui-locales', '{"ui_locales": "se"}'),
        ('oidcc-claims-locales', '{"claims_locales": "se"}'),
        ('oidcc-ensure-request-with-acr-values-succeeds', '{"acr_values": "urn:loa:1 2"}'),
        ('oidcc-prompt-none-logged-in', '{"prompt": "none"}')) AS cases (name, more),
    LATERAL pg_temp.logged_in(more, :'asked', :'session', :'secret') AS got,
    LATERAL pg_temp.passes(name, pg_temp.claims(got->>'id_token')->>'sub' = :'user',
        CASE name WHEN 'oidcc-max-age-10000' THEN pg_temp.claims(got->>'id_token') ? 'auth_time'
             WHEN 'oidcc-ensure-request-with-acr-values-succeeds'
             THEN pg_temp.claims(got->>'id_token')->>'acr' = 'urn:loa:1' ELSE true END) AS p;
SELECT * FROM pg_temp.passes('oidcc-prompt-none-not-logged-in',
    pg_temp.redirected(:'asked'::jsonb || '{"prompt": "none"}', NULL)->>'error' = 'login_required');

-- A user who is logged in logs in again: the second ID token is of the later log-in.
SELECT next, interaction_id
  FROM pg_temp.browse(:'asked'::jsonb || '{"prompt": "login", "max_age": "15000"}', :'session')
\gset login_
SELECT session_token AS later FROM auth_store.session_create(:'user', amr => '{pwd}') \gset
SELECT pg_temp.tokens(pg_temp.sent_back(headers->>'location')->>'code', :'secret') AS other
  FROM auth_store.interaction_accept(:'login_interaction_id', :'later') \gset
SELECT * FROM pg_temp.passes('oidcc-prompt-login', :'login_next' = 'login', (SELECT next = 'login'
    FROM auth_store.interaction_accept(:'login_interaction_id', :'session')) IS NOT TRUE,
    (pg_temp.claims(:'other'::jsonb->>'id_token')->>'auth_time')::numeric
        >= (:'id'::jsonb->>'iat')::numeric - 1);
SELECT pg_sleep(1.1) \gset _
SELECT next FROM pg_temp.browse(:'asked'::jsonb || '{"max_age": "0"}', :'session') \gset old_
SELECT * FROM pg_temp.passes('oidcc-max-age-1', :'old_next' = 'login');

-- A hint names the user: silently where that one is logged in, refused where another is.
SELECT pg_temp.logged_in(jsonb_build_object('prompt', 'none', 'id_token_hint', :'got'::jsonb->>'id_token'), :'asked',
    :'session', :'secret') AS other \gset
SELECT user_id AS stranger FROM auth_store.user_create(email => 'bob@suite.example', tenant_id => 'basic-op') \gset
SELECT session_token AS strange FROM auth_store.session_create(:'stranger') \gset
SELECT * FROM pg_temp.passes('oidcc-id-token-hint',
    pg_temp.claims(:'other'::jsonb->>'id_token')->>'sub' = :'user',
    pg_temp.redirected(:'asked'::jsonb || jsonb_build_object('prompt', 'none', 'id_token_hint',
        :'got'::jsonb->>'id_token'), :'strange')->>'error' = 'login_required');

-- Codes.
SELECT pg_temp.redirected(:'asked', :'session')->>'code' AS code \gset
SELECT pg_temp.tokens(:'code', :'secret') AS first \gset
SELECT pg_temp.tokens(:'code', :'secret') AS second \gset
SELECT * FROM pg_temp.passes('oidcc-codereuse', :'first'::jsonb ? 'access_token',
    :'second'::jsonb->>'error' = 'invalid_grant');
-- After the grace of a retry, which is half a second, the tokens of the first end.
SELECT pg_sleep(0.6) \gset _
SELECT pg_temp.tokens(:'code', :'secret') AS third \gset
SELECT * FROM pg_temp.passes('oidcc-codereuse-30seconds', :'third'::jsonb->>'error' = 'invalid_grant',
    pg_temp.userinfo(:'first'::jsonb->>'access_token')->>'error' = 'invalid_token');

-- Redirect URIs.
SELECT * FROM pg_temp.passes('oidcc-ensure-registered-redirect-uri', (SELECT next = 'page' AND status = 400
    AND NOT headers ? 'location'
    FROM pg_temp.browse(:'asked'::jsonb || '{"redirect_uri": "https://rp.example/cb?x=1"}', :'session')));
SELECT * FROM pg_temp.passes('oidcc-ensure-request-object-with-redirect-uri',
    pg_temp.redirected(:'asked'::jsonb || '{"request": "e30.e30."}', :'session')->>'error'
        IN ('invalid_request_object', 'request_not_supported'));
SELECT * FROM pg_temp.passes('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported',
    pg_temp.redirected(:'asked'::jsonb || jsonb_build_object('request',
        rtrim(encode('{"alg":"none"}', 'base64'), '=') || '.' || rtrim(encode('{}', 'base64'), '=') || '.'),
        :'session')->>'error' IN ('invalid_request_object', 'request_not_supported'));
SELECT pg_temp.logged_in('{}', :'asked', :'session', :'secret', 'POST') AS other \gset
SELECT * FROM pg_temp.passes('oidcc-ensure-post-request-succeeds', :'other'::jsonb ? 'id_token');
SELECT pg_temp.redirected(:'asked'::jsonb || '{"client_id": "basic-op-2", "redirect_uri": "https://rp.example/cb2"}',
    :'session')->>'code' AS code \gset
SELECT * FROM pg_temp.passes('oidcc-server-client-secret-post', (SELECT status = 200 AND body::jsonb ? 'id_token'
    FROM pg_temp.post('/basic-op/token', jsonb_build_object('grant_type', 'authorization_code', 'code', :'code',
        'redirect_uri', 'https://rp.example/cb2', 'client_id', 'basic-op-2', 'client_secret', :'secret2'))));
SELECT pg_temp.logged_in('{"claims": "{\"userinfo\": {\"given_name\": {\"essential\": true}}}"}', :'asked', :'session',
    :'secret') AS other \gset
SELECT * FROM pg_temp.passes('oidcc-claims-essential',
    pg_temp.userinfo(:'other'::jsonb->>'access_token')->>'given_name' = 'Ada');
SELECT pg_temp.logged_in('{"scope": "openid offline_access", "prompt": "consent"}', :'asked', :'session', :'secret')
    AS other \gset
SELECT (pg_temp.post('/basic-op/token', jsonb_build_object('grant_type', 'refresh_token', 'refresh_token',
    :'other'::jsonb->>'refresh_token'), :'basic')).body AS refreshed \gset
SELECT * FROM pg_temp.passes('oidcc-refresh-token', :'refreshed'::jsonb ? 'access_token',
    pg_temp.claims(:'refreshed'::jsonb->>'id_token')->>'sub' = :'user',
    pg_temp.claims(:'refreshed'::jsonb->>'id_token')->>'iss' = 'https://suite.example/basic-op',
    pg_temp.claims(:'refreshed'::jsonb->>'id_token')->>'auth_time'
        IS NOT DISTINCT FROM pg_temp.claims(:'other'::jsonb->>'id_token')->>'auth_time',
    (SELECT status = 400 AND body::jsonb->>'error' = 'invalid_grant' FROM pg_temp.post('/basic-op/token',
        jsonb_build_object('grant_type', 'refresh_token', 'refresh_token', :'refreshed'::jsonb->>'refresh_token',
            'client_id', 'basic-op-2', 'client_secret', :'secret2'))));
SELECT pg_temp.redirected(:'asked'::jsonb || jsonb_build_object('code_challenge', :'challenge',
    'code_challenge_method', 'S256'), :'session')->>'code' AS code \gset
SELECT * FROM pg_temp.passes('oidcc-ensure-request-with-valid-pkce-succeeds', (SELECT status = 200
    FROM pg_temp.post('/basic-op/token', jsonb_build_object('grant_type', 'authorization_code', 'code', :'code',
        'redirect_uri', 'https://rp.example/cb', 'code_verifier', :'verifier'), :'basic')));

-- Config OP.
SELECT body AS config FROM auth_store.http('GET', '/basic-op/.well-known/openid-configuration') \gset
SELECT * FROM pg_temp.passes('oidcc-discovery-endpoint-verification',
    :'config'::jsonb->>'issuer' = 'https://suite.example/basic-op',
    :'config'::jsonb ?& '{authorization_endpoint,token_endpoint,jwks_uri,userinfo_endpoint,end_session_endpoint}',
    NOT EXISTS (SELECT FROM jsonb_each(:'config') WHERE value IN ('null', '[]')),
    NOT EXISTS (SELECT FROM jsonb_each_text(:'config')
        WHERE key LIKE '%\_endpoint' AND value NOT LIKE 'https://suite.example/basic-op/%'),
    :'config'::jsonb->'response_types_supported' = '["code"]',
    :'config'::jsonb->'subject_types_supported' ? 'public',
    :'config'::jsonb->'id_token_signing_alg_values_supported' ? 'ES256',
    NOT :'config'::jsonb->'id_token_signing_alg_values_supported' ? 'none',
    :'config'::jsonb->'scopes_supported' ? 'openid',
    :'config'::jsonb->'code_challenge_methods_supported' = '["S256"]',
    :'config'::jsonb->>'authorization_response_iss_parameter_supported' = 'true');
SELECT body AS keys FROM auth_store.http('GET', '/basic-op/jwks') \gset
SELECT * FROM pg_temp.passes('oidcc-server-jwks: no private member, each key with kid, use and alg',
    jsonb_array_length(:'keys'::jsonb->'keys') = 1, NOT EXISTS (SELECT FROM jsonb_array_elements(:'keys'::jsonb->'keys')
        AS k WHERE k ?| '{d,p,q,dp,dq,qi,k}' OR NOT k ?& '{kty,kid,use,alg}'));

SELECT auth_store.tenant_erase('basic-op', 'basic-op') > 0 AS erased;

-- The plan "FAPI 2.0 Security Profile" of OpenID's conformance suite, case by case, under the suite's names where it
-- has the case: a client that authenticates by mutual TLS and whose tokens are bound to its certificate.
\i tests/sql/include/helpers.sql
\i tests/sql/include/conformance.sql
\pset format unaligned
\pset tuples_only on
SET conformance.tenant = 'fapi-op';
-- Self-signed, of CN=client-one and CN=client-two, O=Conformance, C=DE.
SELECT decode(
    'MIIBxzCCAW2gAwIBAgIUQyLJDd7ItilpB1Z50RiRsdnNSd8wCgYIKoZIzj0EAwIwODELMAkGA1UEBhMCREUxFDASBgNVBAoMC0NvbmZvcm1h'
    'bmNlMRMwEQYDVQQDDApjbGllbnQtb25lMCAXDTI2MTEyOTA4MDEyN1oYDzIxMjYxMTA1MDgwMTI3WjA4MQswCQYDVQQGEwJERTEUMBIGA1UE'
    'CgwLQ29uZm9ybWFuY2UxEzARBgNVBAMMCmNsaWVudC1vbmUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASkvvV8dLWnxlG5YTJB7WWttgW6'
    'xvUCQe8/OpZDmoZ7gWEzzvO/Orn/jhLAmRrHlkqKfytA1cXLexyhDjkgqY+0o1MwUTAdBgNVHQ4EFgQUwm2fz5M0QqeV2q4kJCljA+SYWggw'
    'HwYDVR0jBBgwFoAUwm2fz5M0QqeV2q4kJCljA+SYWggwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAoAoxmEF9HlUszkOR'
    'y4Cd8UXJ0J2dxWd0816SCrN9vLkCIEVB8xbs1zOs95CmOy/vzCDPFlMExteCBvagHsy0VrBL',
    'base64') AS one, decode(
    'MIIBxzCCAW2gAwIBAgIUSRv9ya4tEOZw+zPYrUNOtkel8QswCgYIKoZIzj0EAwIwODELMAkGA1UEBhMCREUxFDASBgNVBAoMC0NvbmZvcm1h'
    'bmNlMRMwEQYDVQQDDApjbGllbnQtdHdvMCAXDTI2MTEyOTA4MDEyN1oYDzIxMjYxMTA1MDgwMTI3WjA4MQswCQYDVQQGEwJERTEUMBIGA1UE'
    'CgwLQ29uZm9ybWFuY2UxEzARBgNVBAMMCmNsaWVudC10d28wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASkvvV8dLWnxlG5YTJB7WWttgW6'
    'xvUCQe8/OpZDmoZ7gWEzzvO/Orn/jhLAmRrHlkqKfytA1cXLexyhDjkgqY+0o1MwUTAdBgNVHQ4EFgQUwm2fz5M0QqeV2q4kJCljA+SYWggw'
    'HwYDVR0jBBgwFoAUwm2fz5M0QqeV2q4kJCljA+SYWggwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiB2DLN6vwCt3mFsAlJo'
    'ZR5CNQ41My/n1LLurV2qCbzTPQIhAIhmz2Rgdxb3DFrz+OdNldHchNgIFusQVQ8xtznFbJgx',
    'base64') AS two \gset
SELECT auth_store.tenant_create('fapi-op');
SELECT auth_store.provider_set('https://suite.example/fapi-op', tenant_id => 'fapi-op',
    settings => '{"profile": "fapi2", "mtls_url": "https://mtls.suite.example/fapi-op"}');
SELECT auth_store.signing_key_create('ES256', tenant_id => 'fapi-op') AS kid \gset
SELECT count(*) FROM (VALUES ('one'), ('two')) AS c (which),
    LATERAL auth_store.client_create('FAPI ' || which, ARRAY['https://rp.example/fapi-' || which],
        client_id => 'fapi-' || which, tenant_id => 'fapi-op', profile => 'fapi2', certificate_bound => true,
        token_endpoint_auth_method => 'tls_client_auth', scope => 'openid accounts offline_access',
        certificate_subject => jsonb_build_object('tls_client_auth_subject_dn',
            'CN=client-' || which || ',O=Conformance,C=DE'));
SELECT user_id AS user FROM auth_store.user_create(email => 'ada@fapi.example', tenant_id => 'fapi-op') \gset
SELECT session_token AS session FROM auth_store.session_create(:'user', amr => '{pwd}') \gset
SELECT jsonb_build_object('client_id', 'fapi-one', 'redirect_uri', 'https://rp.example/fapi-one', 'state', 's',
    'response_type', 'code', 'scope', 'openid accounts offline_access', 'nonce', 'n', 'code_challenge', :'challenge',
    'code_challenge_method', 'S256') AS asked,
    jsonb_build_object('client_id', 'fapi-one', 'grant_type', 'authorization_code', 'code_verifier', :'verifier',
        'redirect_uri', 'https://rp.example/fapi-one') AS redeemed \gset
SELECT set_config('conformance.one', :'one', false) AS _, set_config('conformance.two', :'two', false) AS __ \gset _
-- A pushed request: its answer, or its request_uri as a request of authorization.
CREATE FUNCTION pg_temp.push(parameters jsonb, certificate text DEFAULT 'one') RETURNS auth_store.http_response
LANGUAGE sql AS $$
    SELECT pg_temp.post('/fapi-op/par', parameters,
        certificate => nullif(current_setting('conformance.' || certificate, true), '')::bytea)
$$;
CREATE FUNCTION pg_temp.pushed(parameters jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_build_object('client_id', parameters->'client_id',
        'request_uri', (pg_temp.push(parameters)).body::jsonb->'request_uri')
$$;
CREATE FUNCTION pg_temp.redeem(code text, parameters jsonb, certificate text DEFAULT 'one')
RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT pg_temp.post('/fapi-op/token', parameters || jsonb_build_object('code', code),
        certificate => nullif(current_setting('conformance.' || certificate, true), '')::bytea)
$$;
CREATE FUNCTION pg_temp.userinfo(token text, certificate text) RETURNS auth_store.http_response LANGUAGE sql AS $$
    SELECT pg_temp.get('/fapi-op/userinfo', jsonb_build_object('authorization', 'Bearer ' || token),
        certificate => nullif(current_setting('conformance.' || certificate, true), '')::bytea)
$$;

SELECT body AS config FROM auth_store.http('GET', '/fapi-op/.well-known/openid-configuration') \gset
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-discovery-end-point-verification',
    :'config'::jsonb->>'require_pushed_authorization_requests' = 'true',
    :'config'::jsonb->>'tls_client_certificate_bound_access_tokens' = 'true',
    :'config'::jsonb->>'authorization_response_iss_parameter_supported' = 'true',
    :'config'::jsonb->'code_challenge_methods_supported' = '["S256"]',
    :'config'::jsonb->'token_endpoint_auth_methods_supported' ?| '{private_key_jwt,tls_client_auth}',
    NOT :'config'::jsonb->'token_endpoint_auth_methods_supported' ?| '{client_secret_basic,client_secret_post,none}',
    :'config'::jsonb->'mtls_endpoint_aliases'->>'token_endpoint' = 'https://mtls.suite.example/fapi-op/token');

-- The happy flow.
SELECT status, body FROM pg_temp.push(:'asked') \gset par_
SELECT status, next, interaction_id FROM pg_temp.browse(jsonb_build_object('client_id', 'fapi-one',
    'request_uri', :'par_body'::jsonb->>'request_uri'), :'session') \gset asked_
SELECT status, pg_temp.sent_back(headers->>'location') AS back
  FROM auth_store.interaction_accept(:'asked_interaction_id', :'session') \gset agreed_
SELECT status, body FROM pg_temp.redeem(:'agreed_back'::jsonb->>'code', :'redeemed') \gset got_
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-happy-flow',
    :par_status = 201, (:'par_body'::jsonb->>'expires_in')::int BETWEEN 5 AND 600, :'asked_next' = 'consent',
    :agreed_status = 303, :'agreed_back'::jsonb->>'iss' = 'https://suite.example/fapi-op',
    :'agreed_back'::jsonb->>'state' = 's', :got_status = 200, :'got_body'::jsonb->>'token_type' = 'Bearer',
    pg_temp.claims(:'got_body'::jsonb->>'id_token')->>'nonce' = 'n',
    (pg_temp.userinfo(:'got_body'::jsonb->>'access_token', 'one')).status = 200);
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-access-token-type-header-case-sensitivity',
    (SELECT status = 200 FROM pg_temp.get('/fapi-op/userinfo', jsonb_build_object('authorization',
        'bEaReR ' || (:'got_body'::jsonb->>'access_token')), :'one'::bytea)));
SELECT interaction_id FROM pg_temp.browse(pg_temp.pushed(:'asked'::jsonb || '{"prompt": "consent"}'), :'session') \gset
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-user-rejects-authentication',
    (SELECT pg_temp.sent_back(headers->>'location') @>
        '{"error": "access_denied", "state": "s", "iss": "https://suite.example/fapi-op"}'
       FROM auth_store.interaction_deny(:'interaction_id')));
SELECT p.* FROM (VALUES
        ('fapi2-security-profile-final-state-only-outside-request-object-not-used', '{}'::jsonb, 's'),
        ('fapi2-security-profile-final-ensure-authorization-request-without-state-success', '{"state": null}', NULL),
        ('fapi2-security-profile-final-ensure-authorization-request-with-64-char-nonce-success',
            jsonb_build_object('nonce', repeat('n', 64)), 's'),
        ('fapi2-security-profile-final-ensure-authorization-request-with-long-state',
            jsonb_build_object('state', repeat('s', 384)), repeat('s', 384))) AS cases (name, more, state),
    LATERAL pg_temp.redirected(pg_temp.pushed(:'asked'::jsonb || more) || '{"state": "outside"}', :'session') AS back,
    LATERAL pg_temp.passes(name, back ? 'code', back->>'state' IS NOT DISTINCT FROM state) AS p;

-- Requests that are not pushed, not of this client, too old or used.
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-par-required',
    pg_temp.redirected(:'asked', :'session')->>'error' = 'invalid_request');
SELECT pg_temp.pushed(:'asked') AS pushed \gset
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-par-attempt-to-use-request_uri-for-different-client',
    (SELECT next = 'page' OR error IS NOT NULL
       FROM pg_temp.browse(:'pushed'::jsonb || '{"client_id": "fapi-two"}', :'session')));
SELECT pg_temp.redirected(:'pushed', :'session') AS back \gset
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-par-attempt-reuse-request_uri', :'back'::jsonb ? 'code',
    NOT pg_temp.redirected(:'pushed', :'session') ? 'code');
SELECT pg_temp.pushed(:'asked') AS pushed \gset
UPDATE auth_store.pushed_requests SET expires_at = clock_timestamp() WHERE client_id = 'fapi-one';
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-par-attempt-to-use-expired-request_uri',
    NOT pg_temp.redirected(:'pushed', :'session') ? 'code');
SELECT p.* FROM (VALUES
        ('fapi2-security-profile-final-par-ensure-pkce-required', '{"code_challenge": null}'::jsonb),
        ('fapi2-security-profile-final-par-ensure-plain-pkce-rejected', '{"code_challenge_method": "plain"}'),
        ('fapi2-security-profile-final-par-authorization-request-containing-request_uri',
            '{"request_uri": "urn:ietf:params:oauth:request_uri:x"}'),
        ('fapi2-security-profile-final-ensure-redirect-uri-in-authorization-request', '{"redirect_uri": null}'),
        ('fapi2-security-profile-final-ensure-registered-redirect-uri', '{"redirect_uri": "https://rp.example/evil"}'),
        ('fapi2-security-profile-final-ensure-response-mode-query', '{"response_mode": "fragment"}'),
        ('fapi2-security-profile-final-ensure-response-type-token-fails', '{"response_type": "token"}'),
        ('fapi2-security-profile-final-ensure-response-type-code-idtoken-fails',
            '{"response_type": "code id_token"}')) AS cases (name, more),
    LATERAL pg_temp.push(:'asked'::jsonb || more) AS answer,
    LATERAL pg_temp.passes(name, answer.status = 400, answer.body::jsonb ? 'error') AS p;
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-par-incorrect-http-methods',
    (SELECT status = 405 FROM pg_temp.get('/fapi-op/par')));
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-par-ensure-client-authenticates',
    (SELECT status = 401 AND body::jsonb->>'error' = 'invalid_client' FROM pg_temp.push(:'asked', 'none')),
    (SELECT status = 401 AND body::jsonb->>'error' = 'invalid_client' FROM pg_temp.push(:'asked', 'two')));

-- Codes that do not fit.
SELECT pg_temp.redirected(pg_temp.pushed(:'asked'), :'session')->>'code' AS code \gset
SELECT p.* FROM (VALUES
        ('fapi2-security-profile-final-incorrect-pkce-code-verifier-rejected',
            jsonb_build_object('code_verifier', repeat('x', 43)), 'one'),
        ('fapi2-security-profile-final-pkce-code-verifier-missing', '{"code_verifier": null}', 'one'),
        ('fapi2-security-profile-final-ensure-client-id-in-token-endpoint', '{"client_id": null}', 'one'),
        ('fapi2-security-profile-final-ensure-mtls-holder-of-key-required', '{}', 'none'),
        ('fapi2-security-profile-final-ensure-client-authentication-of-the-other-fails', '{}', 'two'),
        ('fapi2-security-profile-final-ensure-authorization-code-is-bound-to-client', '{"client_id": "fapi-two"}',
            'two')) AS cases (name, more, certificate),
    LATERAL pg_temp.redeem(:'code', :'redeemed'::jsonb || more, certificate) AS answer,
    LATERAL pg_temp.passes(name, answer.status IN (400, 401), NOT answer.body::jsonb ? 'access_token') AS p;
SELECT body AS first FROM pg_temp.redeem(:'code', :'redeemed') \gset
SELECT pg_sleep(1.1) \gset _
SELECT body AS again FROM pg_temp.redeem(:'code', :'redeemed') \gset
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-attempt-reuse-authorization-code-after-one-second',
    :'first'::jsonb ? 'access_token', :'again'::jsonb->>'error' = 'invalid_grant',
    (pg_temp.userinfo(:'first'::jsonb->>'access_token', 'one')).status = 401);

-- Tokens are of use with their certificate only, and refresh tokens are not rotated.
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-ensure-holder-of-key-required',
    (pg_temp.userinfo(:'got_body'::jsonb->>'access_token', 'none')).status = 401,
    (pg_temp.userinfo(:'got_body'::jsonb->>'access_token', 'two')).status = 401);
SELECT body AS refreshed FROM pg_temp.post('/fapi-op/token', jsonb_build_object('client_id', 'fapi-one',
    'grant_type', 'refresh_token', 'refresh_token', :'got_body'::jsonb->>'refresh_token'), certificate => :'one') \gset
SELECT * FROM pg_temp.passes('fapi2-security-profile-final-refresh-token', :'refreshed'::jsonb ? 'access_token',
    coalesce(:'refreshed'::jsonb->>'refresh_token', :'got_body'::jsonb->>'refresh_token')
        = :'got_body'::jsonb->>'refresh_token',
    (SELECT status IN (400, 401) FROM pg_temp.post('/fapi-op/token', jsonb_build_object('client_id', 'fapi-two',
        'grant_type', 'refresh_token', 'refresh_token', :'got_body'::jsonb->>'refresh_token'), certificate => :'two')));

SELECT auth_store.tenant_erase('fapi-op', 'fapi-op') > 0 AS erased;

-- The plan "RP-Initiated Logout OP" of OpenID's conformance suite, case by case under the suite's names.
\i tests/sql/include/helpers.sql
\i tests/sql/include/conformance.sql
\pset format unaligned
\pset tuples_only on
SET conformance.tenant = 'logout-op';
SELECT auth_store.tenant_create('logout-op');
SELECT auth_store.provider_set('https://suite.example/logout-op', tenant_id => 'logout-op');
SELECT auth_store.signing_key_create('ES256', tenant_id => 'logout-op') AS kid \gset
SELECT client_secret AS secret FROM auth_store.client_create('Logout', ARRAY['https://rp.example/cb'],
    client_id => 'logout-op', tenant_id => 'logout-op', require_pkce => false, scope => 'openid offline_access',
    post_logout_redirect_uris => ARRAY['https://rp.example/bye']) \gset
SELECT user_id AS user FROM auth_store.user_create(email => 'ada@logout.example', tenant_id => 'logout-op') \gset

-- A log-in: its session, and what the client holds.
CREATE FUNCTION pg_temp.log_in(whose uuid, secret text, OUT session text, OUT got jsonb) LANGUAGE plpgsql AS $$
BEGIN
    session := (auth_store.session_create(whose)).session_token;
    got := (pg_temp.post('/logout-op/token', jsonb_build_object('grant_type', 'authorization_code',
        'redirect_uri', 'https://rp.example/cb', 'code', pg_temp.redirected('{"client_id": "logout-op",
            "scope": "openid", "redirect_uri": "https://rp.example/cb", "response_type": "code"}', session)->>'code'),
        pg_temp.basic('logout-op', secret))).body::jsonb;
END $$;
CREATE FUNCTION pg_temp.log_out(parameters jsonb, session text, confirmed boolean DEFAULT false)
RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT a FROM auth_store.http_end_session(pg_temp.form(parameters), session, confirmed,
        tenant_id => 'logout-op') AS a
$$;
CREATE FUNCTION pg_temp.is_valid(session text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN RETURN (SELECT error IS NULL FROM auth_store.session_validate(session)); END $$;

SELECT session, got->>'id_token' AS hint, got->>'access_token' AS access FROM pg_temp.log_in(:'user', :'secret') \gset
SELECT jsonb_build_object('id_token_hint', :'hint', 'post_logout_redirect_uri', 'https://rp.example/bye',
    'state', 's-ü') AS asked \gset
-- What is refused first: nobody is logged out, and nobody redirected.
SELECT p.* FROM (VALUES
        ('oidcc-rp-initiated-logout-bad-post-logout-redirect-uri',
            '{"post_logout_redirect_uri": "https://rp.example/other"}'::jsonb),
        ('oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri',
            '{"post_logout_redirect_uri": "https://rp.example/bye?x=1"}'),
        ('oidcc-rp-initiated-logout-modified-id-token-hint',
            jsonb_build_object('id_token_hint', pg_temp.altered(:'hint'))),
        ('oidcc-rp-initiated-logout-bad-id-token-hint', '{"id_token_hint": "rubbish"}')) AS cases (name, more),
    LATERAL pg_temp.log_out(:'asked'::jsonb || more, :'session') AS a,
    LATERAL pg_temp.passes(name, a.next = 'page', a.status = 400, NOT a.headers ? 'location',
        pg_temp.is_valid(:'session')) AS p;
-- Without a hint the user is asked, and then redirected where the client may have it.
SELECT p.* FROM (VALUES
        ('oidcc-rp-initiated-logout-no-id-token-hint',
            :'asked'::jsonb - 'id_token_hint' || '{"client_id": "logout-op"}'),
        ('oidcc-rp-initiated-logout-no-params', '{}'),
        ('oidcc-rp-initiated-logout-only-state', '{"state": "s"}')) AS cases (name, asked),
    LATERAL pg_temp.log_out(asked, :'session') AS a,
    LATERAL pg_temp.passes(name, a.next = 'confirm', NOT a.headers ? 'location', pg_temp.is_valid(:'session')) AS p;
SELECT p.* FROM pg_temp.log_out('{}', :'session', confirmed => true) AS a,
    LATERAL pg_temp.passes('oidcc-rp-initiated-logout-no-params, confirmed', a.next = 'page', a.status = 200) AS p;
SELECT * FROM pg_temp.passes('and the session is over', NOT pg_temp.is_valid(:'session'));

SELECT session, got->>'id_token' AS hint, got->>'access_token' AS access FROM pg_temp.log_in(:'user', :'secret') \gset
SELECT p.* FROM pg_temp.log_out(jsonb_build_object('id_token_hint', :'hint'), :'session') AS a,
    LATERAL pg_temp.passes('oidcc-rp-initiated-logout-no-post-logout-redirect-uri', a.next = 'page',
        a.status = 200) AS p;
SELECT session, got->>'id_token' AS hint FROM pg_temp.log_in(:'user', :'secret') \gset
SELECT p.*
  FROM pg_temp.log_out(:'asked'::jsonb - 'state' || jsonb_build_object('id_token_hint', :'hint'), :'session') AS a,
    LATERAL pg_temp.passes('oidcc-rp-initiated-logout-no-state', a.next = 'redirect', a.status = 303,
        a.headers->>'location' = 'https://rp.example/bye') AS p;
SELECT session, got->>'id_token' AS hint, got->>'access_token' AS access FROM pg_temp.log_in(:'user', :'secret') \gset
SELECT p.* FROM pg_temp.log_out(:'asked'::jsonb || jsonb_build_object('id_token_hint', :'hint'), :'session') AS a,
    LATERAL pg_temp.passes('oidcc-rp-initiated-logout', a.next = 'redirect', a.status = 303,
        split_part(a.headers->>'location', '?', 1) = 'https://rp.example/bye',
        pg_temp.sent_back(a.headers->>'location') = '{"state": "s-ü"}') AS p;
SELECT * FROM pg_temp.passes('and session and tokens are over', NOT pg_temp.is_valid(:'session'),
    (SELECT NOT active FROM auth_store.token_introspect(:'access')));
SELECT body AS config FROM auth_store.http('GET', '/logout-op/.well-known/openid-configuration') \gset
SELECT * FROM pg_temp.passes('oidcc-rp-initiated-logout-discovery-endpoint-verification',
    :'config'::jsonb->>'end_session_endpoint' = 'https://suite.example/logout-op/logout');

SELECT auth_store.tenant_erase('logout-op', 'logout-op') > 0 AS erased;

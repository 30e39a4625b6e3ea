-- The authorization endpoint in two steps: RFC 6749, OpenID Connect Core, RFC 9207, RFC 9126, RFC 9396.
\i tests/sql/include/helpers.sql
\i tests/sql/include/authorize.sql

SELECT auth_store.tenant_create('door') AS tenant \gset
SELECT pg_temp.raised($$SELECT auth_store.http_authorize('GET', tenant_id => 'door')$$) AS no_issuer;
SELECT auth_store.provider_set('https://id.door.example',
    '{"authorization_details_types": ["payment", "account"]}', :'tenant');
SELECT auth_store.signing_key_create(tenant_id => :'tenant') IS NOT NULL AS made;
SELECT client_secret AS secret FROM auth_store.client_create('Door', ARRAY['https://app.example/cb'],
    client_id => 'door', scope => 'openid read write', resources => ARRAY['https://a.example/', 'https://b.example/'],
    metadata => '{"logo_uri": "https://app.example/logo.png", "other": 1}', authorization_details_types => '{payment}',
    tenant_id => :'tenant') \gset
SELECT FROM auth_store.client_create('Two', ARRAY['https://two.example/1?x=y', 'https://two.example/2'], 'public',
    client_id => 'door_two', scope => 'read', tenant_id => :'tenant');
SELECT user_id AS "user" FROM auth_store.user_create('ada@door.example', tenant_id => :'tenant') \gset
SELECT session_id, session_token AS session FROM auth_store.session_create(:'user', acr => 'pwd', amr => '{pwd}') \gset
SELECT FROM pg_sleep(0.002);

-- The request, with changes; NULL leaves a parameter out.
CREATE FUNCTION pg_temp.asked(changes jsonb DEFAULT '{}') RETURNS bytea LANGUAGE sql AS $$
    SELECT pg_temp.query(jsonb_strip_nulls(jsonb_build_object('response_type', 'code', 'client_id', 'door',
        'redirect_uri', 'https://app.example/cb', 'scope', 'openid read', 'state', 'a&b="ü"',
        'code_challenge', 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', 'code_challenge_method', 'S256') || changes))
$$;
CREATE FUNCTION pg_temp.ask(changes jsonb DEFAULT '{}', session text DEFAULT NULL)
RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http_authorize('GET', pg_temp.asked(changes), session_token => session)
$$;

-- Without a session: the request waits. What the page shows.
SELECT status, headers, body, error, client_id, next, pg_temp.named(request::text) AS request
  FROM pg_temp.ask('{"login_hint": "ada", "ui_locales": "fr en", "resource": ["https://a.example/"], "foo": "bar",
      "acr_values": "mfa pwd", "claims": "{\"userinfo\": {\"email\": null}}"}');
SELECT interaction_id AS waiting FROM pg_temp.ask() \gset
-- It survives a reload, and becomes what the session makes of it.
SELECT next, request->>'user_id' AS user FROM auth_store.interaction_get(:'waiting');
SELECT next, request->>'missing_scope' AS missing, request->>'user_id' = :'user' AS of_user,
       interaction_id = :'waiting' AS same
  FROM auth_store.interaction_get(:'waiting', :'session');
SELECT next FROM auth_store.interaction_accept(:'waiting', NULL);
SELECT next FROM auth_store.interaction_accept(:'waiting', 'asst_x');

-- The decision: the code, once.
SELECT status, headers, next, user_id = :'user' AS of_user, error FROM (
    SELECT status, pg_temp.named(headers::text) AS headers, next, user_id, error
      FROM auth_store.interaction_accept(:'waiting', :'session', claims => '{"k": 1}', ip => '192.0.2.1')) AS r;
SELECT next, status, body FROM auth_store.interaction_accept(:'waiting', :'session');
SELECT next, error FROM auth_store.interaction_get(:'waiting', :'session');
SELECT next FROM auth_store.interaction_deny(:'waiting');
SELECT * FROM pg_temp.trail();
SELECT session_id = :'session_id' AS session, auth_time = auth_store.id_time(:'session_id') AS auth_time, acr, amr,
       scope, resources, claims, claims_request
  FROM auth_store.authorization_codes WHERE client_id = 'door';
SELECT scope, resource FROM auth_store.consents WHERE client_id = 'door' ORDER BY 1, 2;

-- Log-in and consent are there: no page, no row that waits. RFC 6749 section 4.1.2, RFC 9207.
SELECT count(*) AS before FROM auth_store.interactions \gset
SELECT status, next, interaction_id, pg_temp.named(headers->>'location') AS location
  FROM pg_temp.ask(session => :'session');
SELECT count(*) - :before AS more FROM auth_store.interactions;
-- The code is good, and its tokens know what was asked.
SELECT substring(headers->>'location' FROM 'code=([^&]+)') AS code
  FROM pg_temp.ask('{"nonce": "n", "claims": "{\"id_token\": {\"email\": null}}"}', :'session') \gset
SELECT error, scope, nonce, acr FROM auth_store.code_redeem(:'code', 'door', 'https://app.example/cb', :'verifier',
    :'secret');
SELECT claims_request FROM auth_store.grants WHERE client_id = 'door';
-- A POST has its parameters in the body.
SELECT status, next, pg_temp.named(headers->>'location') AS location
  FROM auth_store.http_authorize('POST', 'client_id=nobody', pg_temp.asked(), :'session');

-- response_mode=form_post.
SELECT status, headers, next, pg_temp.named(body) AS body
  FROM pg_temp.ask('{"response_mode": "form_post"}', :'session');

-- prompt, max_age, acr_values, claims, id_token_hint.
SELECT what, next, pg_temp.named(coalesce(headers->>'location', request->>'missing_scope')) AS answer
  FROM (VALUES ('none',              true,  '{"prompt": "none"}'::jsonb),
               ('none, no session',  false, '{"prompt": "none"}'),
               ('none, more scope',  true,  '{"prompt": "none", "scope": "openid write"}'),
               ('none, another acr', true,  '{"prompt": "none", "acr_values": "mfa"}'),
               ('none, too old',     true,  '{"prompt": "none", "max_age": "0"}'),
               ('none and login',    true,  '{"prompt": "none login"}'),
               ('unknown',           true,  '{"prompt": "dance"}'),
               ('login',             true,  '{"prompt": "login"}'),
               ('create',            true,  '{"prompt": "create"}'),
               ('consent',           true,  '{"prompt": "consent"}'),
               ('select_account',    true,  '{"prompt": "select_account"}'),
               ('more scope',        true,  '{"scope": "openid read write"}'),
               ('max_age',           true,  '{"max_age": "3600"}'),
               ('max_age=0',         true,  '{"max_age": "0"}'),
               ('max_age=x',         true,  '{"max_age": "x"}'),
               ('acr of the log-in', true,  '{"acr_values": "mfa pwd"}'),
               ('another acr',       true,  '{"acr_values": "mfa"}'),
               ('another user',      true,  '{"claims": "{\"id_token\": {\"sub\": {\"value\": \"x\"}}}"}'),
               ('claims',            true,  '{"claims": "x"}'),
               ('a foreign hint',    true,  '{"id_token_hint": "e30.e30.e30"}')) AS t (what, logged_in, changes),
       LATERAL pg_temp.ask(changes, CASE WHEN logged_in THEN :'session' END);

-- A log-in for the request satisfies it, once; whom another session belongs to does not.
SELECT interaction_id AS again
  FROM pg_temp.ask('{"prompt": "login", "max_age": "0", "acr_values": "mfa"}', :'session') \gset
SELECT next FROM auth_store.interaction_accept(:'again', :'session');
SELECT session_token AS other FROM auth_store.session_create(:'user') \gset
SELECT next FROM auth_store.interaction_get(:'again', :'other');
SELECT next, pg_temp.named(headers->>'location') AS location FROM auth_store.interaction_accept(:'again', :'other');
SELECT interaction_id AS bound FROM pg_temp.ask('{"prompt": "consent"}', :'other') \gset
SELECT next FROM auth_store.interaction_get(:'bound', :'session');
SELECT next FROM auth_store.interaction_get(:'bound', :'other');
-- An essential acr that the log-in for it has not is an error of the client's.
SELECT interaction_id AS essential FROM pg_temp.ask(
    '{"claims": "{\"id_token\": {\"acr\": {\"essential\": true, \"value\": \"mfa\"}}}"}') \gset
SELECT session_token AS third FROM auth_store.session_create(:'user', acr => 'pwd') \gset
SELECT next FROM auth_store.interaction_get(:'essential', :'third');
SELECT next, error, headers->>'location' AS location FROM auth_store.interaction_accept(:'essential', :'third');

-- The user agrees to less, or refuses.
SELECT interaction_id AS less FROM pg_temp.ask('{"scope": "openid write", "prompt": "consent"}', :'session') \gset
SELECT next, error, body FROM auth_store.interaction_accept(:'less', :'session', 'openid admin');
SELECT next, error, body FROM auth_store.interaction_accept(:'less', :'session', '');
SELECT next FROM auth_store.interaction_accept(:'less', :'session', 'openid');
SELECT interaction_id AS refused FROM pg_temp.ask('{"prompt": "consent"}', :'session') \gset
SELECT pg_temp.raised(format('SELECT auth_store.interaction_deny(%L, %L)', :'refused', 'no')) AS unknown_error;
SELECT status, next, error, headers->>'location' AS location FROM auth_store.interaction_deny(:'refused');
SELECT next FROM auth_store.interaction_deny(:'refused');
SELECT next, error FROM auth_store.interaction_get(NULL, :'session');
SELECT next, error FROM auth_store.interaction_accept(NULL, NULL);
-- Ten minutes.
SELECT interaction_id AS late FROM pg_temp.ask() \gset
UPDATE auth_store.interactions SET expires_at = clock_timestamp() WHERE id = :'late';
SELECT next, error FROM auth_store.interaction_get(:'late', :'session');
SELECT next, error FROM auth_store.interaction_accept(:'late', :'session');
DELETE FROM pg_temp.mark;
INSERT INTO pg_temp.mark VALUES (clock_timestamp());

-- Errors that must not go to the client, and those that do. RFC 6749 section 4.1.2.1.
SELECT what, status, next, error, coalesce(pg_temp.named(headers->>'location'), body) AS answer
  FROM (VALUES ('no client',             '{"client_id": null}'::jsonb),
               ('unknown client',        '{"client_id": "nobody"}'),
               ('another redirect_uri',  '{"redirect_uri": "https://evil.example/cb"}'),
               ('none of several',       '{"client_id": "door_two", "redirect_uri": null}'),
               ('the only one',          '{"redirect_uri": null}'),
               ('a query of its own',
                '{"client_id": "door_two", "redirect_uri": "https://two.example/1?x=y", "scope": "x"}'),
               ('no response_type',      '{"response_type": null}'),
               ('implicit',              '{"response_type": "token"}'),
               ('hybrid',                '{"response_type": "code id_token"}'),
               ('response_mode',         '{"response_mode": "fragment"}'),
               ('no challenge',          '{"code_challenge": null}'),
               ('plain',                 '{"code_challenge_method": "plain"}'),
               ('scope',                 '{"scope": "admin"}'),
               ('resource',              '{"resource": "https://c.example/"}'),
               ('dpop_jkt',              '{"dpop_jkt": "x"}'),
               ('a request object',      '{"request": "e30.e30."}'),
               ('someone''s request_uri', '{"request_uri": "https://app.example/request"}'),
               ('both',                  '{"request": "x", "request_uri": "y"}'),
               ('unknown request_uri',   '{"request_uri": "urn:ietf:params:oauth:request_uri:aspr_x"}'),
               ('CR and LF',             '{"state": "a\r\nSet-Cookie: b", "scope": "admin"}')) AS t (what, changes),
       LATERAL pg_temp.ask(changes, :'session');
SELECT status, next, error, body FROM auth_store.http_authorize('GET', 'client_id=door&client_id=door');
SELECT status, next, error, body FROM auth_store.http_authorize('GET', '\xff'::bytea);
SELECT status, next, error FROM auth_store.http_authorize('GET', NULL, tenant_id => :'tenant');
SELECT pg_temp.raised($$SELECT auth_store.http_authorize(NULL)$$) AS no_method,
       pg_temp.raised($$SELECT auth_store.http_authorize('PUT')$$) AS put;
SELECT event, error, risk, flags, count(*) FROM pg_temp.trail() GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4;

-- A state of 2048 bytes goes back, a longer one is refused without it.
SELECT length(headers->>'location') - length(repeat('x', 2048)) AS rest
  FROM pg_temp.ask(jsonb_build_object('state', repeat('x', 2048), 'prompt', 'none'));
SELECT headers->>'location' AS location FROM pg_temp.ask(jsonb_build_object('state', repeat('x', 2049)), :'session');

-- RFC 9126: a pushed request becomes the interaction, and a reload finds that.
SELECT request_uri FROM auth_store.pushed_request_create('door', :'secret', parameters => jsonb_build_object(
    'response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method', 'S256', 'scope', 'write',
    'state', 'pushed', 'redirect_uri', 'https://app.example/cb')) \gset
CREATE FUNCTION pg_temp.ask_pushed(uri text, session text DEFAULT NULL)
RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http_authorize('GET', pg_temp.query(jsonb_build_object('client_id', 'door', 'request_uri',
        uri, 'state', 'beside')), session_token => session)
$$;
SELECT interaction_id AS pushed FROM pg_temp.ask_pushed(:'request_uri') \gset
SELECT next, interaction_id = :'pushed' AS same FROM pg_temp.ask_pushed(:'request_uri');
SELECT next, interaction_id = :'pushed' AS same, request->>'scope' AS scope
  FROM pg_temp.ask_pushed(:'request_uri', :'session');
SELECT next, error FROM pg_temp.ask_pushed(pg_temp.altered(:'request_uri'), :'session');
SELECT next, error FROM auth_store.http_authorize('GET', pg_temp.query(jsonb_build_object('client_id', 'door_two',
    'request_uri', :'request_uri')));
SELECT next, pg_temp.named(headers->>'location') AS location
  FROM auth_store.interaction_accept(:'pushed', :'session');
SELECT next, error FROM pg_temp.ask_pushed(:'request_uri', :'session');
-- At once.
SELECT request_uri FROM auth_store.pushed_request_create('door', :'secret', parameters => jsonb_build_object(
    'response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method', 'S256', 'scope', 'read')) \gset
SELECT next, pg_temp.named(headers->>'location') AS location FROM pg_temp.ask_pushed(:'request_uri', :'session');
SELECT next, error FROM pg_temp.ask_pushed(:'request_uri', :'session');
SELECT auth_store.provider_set(settings => '{"require_par": true}', tenant_id => :'tenant');
SELECT next, headers->>'location' AS location FROM pg_temp.ask(session => :'session');
SELECT auth_store.provider_set(settings => '{"require_par": null, "profile": "fapi2"}', tenant_id => :'tenant');
SELECT next, headers->>'location' AS location FROM pg_temp.ask(session => :'session');
SELECT auth_store.provider_set(settings => '{"profile": null}', tenant_id => :'tenant');

-- RFC 9396: what is asked for in detail is asked each time, and comes back with the tokens.
SELECT interaction_id AS details, next, request->'authorization_details' AS details_shown
  FROM pg_temp.ask('{"authorization_details": "[{\"type\": \"payment\", \"amount\": 1}]"}', :'session') \gset
SELECT :'next' AS next, :'details_shown' AS shown;
SELECT pg_temp.raised(format($$SELECT auth_store.interaction_accept(%L, %L,
    authorization_details => '[{"type": "x"}]')$$, :'details', :'session')) AS another_type;
SELECT pg_temp.raised(format($$SELECT auth_store.interaction_accept(%L, %L, authorization_details => '{}')$$,
    :'details', :'session')) AS no_array;
SELECT substring(headers->>'location' FROM 'code=([^&]+)') AS code
  FROM auth_store.interaction_accept(:'details', :'session',
    authorization_details => '[{"type": "payment", "amount": 1, "account": "7"}]') \gset
SELECT error FROM auth_store.code_redeem(:'code', 'door', 'https://app.example/cb', :'verifier', :'secret');
SELECT authorization_details FROM auth_store.grants WHERE authorization_details IS NOT NULL;
SELECT what, next, coalesce(headers->>'location', body) AS answer
  FROM (VALUES ('of the server''s alone', '[{"type": "account"}]'), ('unknown', '[{"type": "x"}]'), ('no array', '{}'),
               ('nothing', '[]')) AS t (what, details),
       LATERAL pg_temp.ask(jsonb_build_object('authorization_details', details), :'session');
SELECT next, headers->>'location' AS location
  FROM pg_temp.ask('{"authorization_details": "[{\"type\": \"payment\"}]", "prompt": "none"}', :'session');
SELECT pg_temp.raised(format($$SELECT auth_store.code_issue('door', %L, code_challenge => %L,
    authorization_details => '[1]')$$, :'user', :'challenge')) AS code_issue;

-- Claims by name (OpenID Connect Core section 5.5): those alone that the client may have by scope, and only with what
-- the user has agreed to: the scope token that stands for them, or this request.
SELECT FROM auth_store.client_create('Named', ARRAY['https://named.example/cb'], 'public', client_id => 'door_named',
    scope => 'openid email', tenant_id => :'tenant');
CREATE FUNCTION pg_temp.ask_named(changes jsonb, session text) RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM pg_temp.ask('{"client_id": "door_named", "redirect_uri": null, "scope": "openid", "state": null,
        "claims": "{\"userinfo\": {\"email\": null, \"name\": null}, \"id_token\": {\"acr\": null}}"}' || changes,
        session)
$$;
SELECT interaction_id AS named, next, request->'claims' AS claims FROM pg_temp.ask_named('{}', :'session') \gset
SELECT :'next' AS next, :'claims' AS claims;
SELECT next FROM auth_store.interaction_accept(:'named', :'session');
SELECT next FROM pg_temp.ask_named('{"claims": null}', :'session');
SELECT next FROM pg_temp.ask_named('{}', :'session');
SELECT headers->>'location' AS location FROM pg_temp.ask_named('{"prompt": "none"}', :'session');
SELECT interaction_id AS named FROM pg_temp.ask_named('{"scope": "openid email"}', :'session') \gset
SELECT next FROM auth_store.interaction_accept(:'named', :'session', 'openid');
SELECT FROM auth_store.consent_record(:'user', 'door_named', 'email');
SELECT next FROM pg_temp.ask_named('{}', :'session');
SELECT scope, claims_request FROM auth_store.authorization_codes WHERE client_id = 'door_named' ORDER BY expires_at;

-- A client that publishes its metadata is fetched when it comes first, from a network so often.
CREATE FUNCTION pg_temp.ask_from(ip inet, changes jsonb) RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http_authorize('GET', pg_temp.asked(changes), ip => ip, tenant_id => 'door')
$$;
SELECT next, error FROM pg_temp.ask_from('192.0.2.7', '{"client_id": "https://doc.example/c"}');
SELECT auth_store.provider_set(settings => '{"metadata_documents": true, "registration_max_per_network": 2,
    "authorization_max_per_network": 2, "scope": "openid"}', tenant_id => :'tenant');
SELECT n, next, request, headers->>'auth-store-fetch' AS url, status, error, headers ? 'retry-after' AS retry
  FROM generate_series(1, 3) AS n,
       pg_temp.ask_from('192.0.2.7', jsonb_build_object('client_id', 'https://doc.example/c', 'nonce', n::text));
SELECT what, next, error
  FROM (VALUES ('no path', 'https://doc.example'), ('http', 'http://doc.example/c')) AS t (what, id),
       pg_temp.ask_from('192.0.2.8', jsonb_build_object('client_id', id));
SELECT client_id, error FROM auth_store.client_document_store('https://doc.example/c', convert_to(jsonb_build_object(
    'client_id', 'https://doc.example/c', 'redirect_uris', '{https://doc.example/cb}'::text[])::text, 'UTF8'),
    tenant_id => :'tenant');
-- What waits for a stranger is a row: a network may have so many made.
SELECT count(*) AS before FROM auth_store.interactions \gset
SELECT n, next, error, headers->>'location' AS location
  FROM generate_series(1, 3) AS n,
       pg_temp.ask_from('192.0.2.7', '{"client_id": "https://doc.example/c", "scope": "openid", "state": null,
           "redirect_uri": "https://doc.example/cb"}' || jsonb_build_object('nonce', n::text));
SELECT count(*) - :before AS more FROM auth_store.interactions;
-- The same of what a public client pushes, and of documents that other endpoints ask for.
SELECT n, par.status AS par, token.status AS token, token.headers->>'auth-store-fetch' AS fetch
  FROM generate_series(1, 3) AS n,
       auth_store.http_par(pg_temp.asked(jsonb_build_object('client_id', 'door_named', 'redirect_uri', NULL, 'scope',
           'openid', 'nonce', n::text)), ip => '198.51.100.1', tenant_id => 'door') AS par,
       auth_store.http_token(pg_temp.query(jsonb_build_object('grant_type', 'refresh_token', 'refresh_token', n::text,
           'client_id', 'https://other.example/c')), ip => '198.51.100.1', tenant_id => 'door') AS token ORDER BY n;
SELECT auth_store.provider_set(settings => '{"metadata_documents": null, "registration_max_per_network": null,
    "authorization_max_per_network": null, "scope": null}', tenant_id => :'tenant');

-- The application's own pages.
SELECT auth_store.provider_set(settings => '{"login_url": "https://www.example/in", "consent_url":
    "https://www.example/ask?a=b", "error_url": "https://www.example/oops"}', tenant_id => :'tenant');
SELECT what, status, next, pg_temp.named(headers->>'location') AS location
  FROM (VALUES ('login', false, '{}'::jsonb), ('consent', true, '{"prompt": "consent"}'),
               ('error', true, '{"redirect_uri": "https://evil.example/"}')) AS t (what, logged_in, changes),
       LATERAL pg_temp.ask(changes, CASE WHEN logged_in THEN :'session' END);
SELECT auth_store.provider_set(settings => '{"login_url": null, "consent_url": null, "error_url": null}',
    tenant_id => :'tenant');

-- Who acts as another user gets no code; nor does a user who is not active, or of another tenant.
SELECT session_token AS foreign FROM auth_store.session_create(auth_store.user_ensure('door_foreign')) \gset
SELECT next FROM pg_temp.ask(session => :'foreign');
SELECT interaction_id AS suspended FROM pg_temp.ask('{"prompt": "consent"}', :'session') \gset
SELECT auth_store.client_set_status('door', 'suspended');
SELECT next, error FROM auth_store.interaction_accept(:'suspended', :'session');
SELECT next, error FROM pg_temp.ask(session => :'session');
SELECT auth_store.client_set_status('door', 'active');
-- What the client has lost since, the client is told.
SELECT auth_store.client_update('door', '{"scope": "write"}');
SELECT next FROM auth_store.interaction_get(:'suspended', :'session');
SELECT next, headers->>'location' AS location FROM auth_store.interaction_accept(:'suspended', :'session');
SELECT auth_store.user_set_status(:'user', 'suspended');
SELECT next FROM pg_temp.ask('{"scope": "write"}', :'session');
SELECT auth_store.tenant_erase('door', 'door') > 0 AS erased;
SELECT count(*) AS interactions FROM auth_store.interactions WHERE tenant_id = 'door';

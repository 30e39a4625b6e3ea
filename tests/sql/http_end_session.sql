-- The log-out that a client asks for (OpenID Connect RP-Initiated Logout 1.0), and the page of devices (RFC 8628).
\i tests/sql/include/helpers.sql
\i tests/sql/include/authorize.sql

SELECT auth_store.tenant_create('leave') AS tenant \gset
SELECT pg_temp.raised($$SELECT auth_store.http_end_session('', tenant_id => 'leave')$$) AS no_issuer;
SELECT auth_store.provider_set('https://id.leave.example', tenant_id => :'tenant');
SELECT auth_store.signing_key_create('ES256', tenant_id => :'tenant') IS NOT NULL AS made;
SELECT FROM auth_store.client_create('Leave', ARRAY['https://app.example/cb'], 'public', client_id => 'leave',
    scope => 'openid read', post_logout_redirect_uris => '{https://app.example/bye}', tenant_id => :'tenant');
SELECT FROM auth_store.client_create('Other', ARRAY['https://other.example/cb'], 'public', client_id => 'leave_other',
    scope => 'read', tenant_id => :'tenant');
SELECT user_id AS "user" FROM auth_store.user_create('ada@leave.example', tenant_id => :'tenant') \gset
SELECT session_id, session_token AS session FROM auth_store.session_create(:'user') \gset
SELECT access_token AS token FROM auth_store.token_issue('leave', :'user', session_id => :'session_id') \gset
CREATE FUNCTION pg_temp.leave(parameters jsonb, session text, confirmed boolean DEFAULT false)
RETURNS auth_store.authorize_response LANGUAGE sql AS $$
    SELECT * FROM auth_store.http_end_session(pg_temp.query(parameters), session, confirmed, tenant_id => 'leave')
$$;
SELECT FROM pg_temp.trail();

-- A link is no wish: the user is asked.
SELECT status, next, pg_temp.named(request::text) AS request
  FROM pg_temp.leave('{"client_id": "leave", "post_logout_redirect_uri": "https://app.example/bye", "state": "s&t"}',
      :'session');
SELECT next, request - 'user_id' AS request FROM pg_temp.leave('{}', :'session');
-- What is wrong ends nothing.
SELECT what, status, next, error, body
  FROM (VALUES ('another target',
                '{"client_id": "leave", "post_logout_redirect_uri": "https://evil.example/"}'::jsonb),
               ('no client',        '{"post_logout_redirect_uri": "https://app.example/bye"}'),
               ('unknown client',   '{"client_id": "nobody"}'),
               ('a foreign hint',   '{"id_token_hint": "e30.e30.e30"}'),
               ('a long state',     jsonb_build_object('state', repeat('x', 2049)))) AS t (what, parameters),
       LATERAL pg_temp.leave(parameters, :'session', true);
SELECT next, error FROM auth_store.http_end_session('\xff', :'session', true);
SELECT valid FROM auth_store.session_validate(:'session');
-- The user has said so.
SELECT status, next, headers->>'location' AS location, user_id = :'user' AS of_user
  FROM pg_temp.leave('{"client_id": "leave", "post_logout_redirect_uri": "https://app.example/bye", "state": "s&t"}',
      :'session', true);
SELECT valid FROM auth_store.session_validate(:'session');
SELECT active FROM pg_temp.seen(:'token');
SELECT * FROM pg_temp.trail();
-- There is nothing to end.
SELECT next, headers->>'location' AS location
  FROM pg_temp.leave('{"client_id": "leave", "post_logout_redirect_uri": "https://app.example/bye"}', :'session');
SELECT next, status FROM pg_temp.leave('{}', NULL);
SELECT session_token AS session FROM auth_store.session_create(:'user') \gset
SELECT next FROM pg_temp.leave('{}', :'session', true);
SELECT valid FROM auth_store.session_validate(:'session');
-- The application's own page.
SELECT session_token AS session FROM auth_store.session_create(:'user') \gset
SELECT auth_store.provider_set(settings => '{"logout_url": "https://www.example/out?a=b"}', tenant_id => :'tenant');
SELECT status, next, headers->>'location' AS location
  FROM pg_temp.leave('{"client_id": "leave", "state": "é"}', :'session');
SELECT status, next, headers->>'location' AS location
  FROM auth_store.http_end_session(convert_to(E'x=é%0d\r\nSet-Cookie: a', 'UTF8'), :'session');

-- OpenID Connect Back-Channel Logout 1.0: the client that had a grant of the session is told, by a token of section
-- 2.4.
SELECT FROM auth_store.client_create('Told', ARRAY['https://told.example/cb'], 'public', client_id => 'leave_told',
    scope => 'openid', backchannel_logout_uri => 'https://told.example/logout', tenant_id => :'tenant');
CREATE FUNCTION pg_temp.claims(token text, n integer) RETURNS jsonb LANGUAGE sql AS $$
    SELECT convert_from(decode(rpad(translate(part, '-_', '+/'), (length(part) + 3) / 4 * 4, '='), 'base64'),
               'UTF8')::jsonb
      FROM split_part(token, '.', n) AS part
$$;
SELECT session_id, session_token AS session FROM auth_store.session_create(:'user') \gset
SELECT FROM auth_store.token_issue('leave_told', :'user', session_id => :'session_id');
SELECT FROM auth_store.token_issue('leave_told', :'user', session_id => :'session_id');
SELECT FROM auth_store.token_issue('leave', :'user', session_id => :'session_id');
SELECT next FROM auth_store.http_end_session('', :'session', true);
SELECT client_id, target_url, event_types, status, logout FROM auth_store.webhooks WHERE tenant_id = :'tenant';
SELECT count(*) AS queued FROM auth_store.webhook_queue WHERE tenant_id = :'tenant';
BEGIN;
SELECT url, headers - 'user-agent' AS headers, delivery_id, split_part(body, '=', 2) AS token,
       split_part(body, '=', 1) AS name
  FROM auth_store.webhook_claim(1000, per_webhook => 1000) WHERE url LIKE 'https://told.example/%' \gset
SELECT :'url' AS url, :'headers' AS headers, :'name' AS name;
SELECT pg_temp.claims(:'token', 1) - 'kid' AS header,
       pg_temp.claims(:'token', 2) - '{sub,sid,jti,iat,exp}'::text[] AS claims,
       c->>'sub' = :'user' AS sub, c->>'sid' = :'session_id' AS sid, c->>'jti' = :'delivery_id' AS jti,
       (c->>'exp')::bigint - (c->>'iat')::bigint AS seconds
  FROM pg_temp.claims(:'token', 2) AS c;
ROLLBACK;
-- A URI that has changed is followed; a client that wants nothing any more, or is deleted, is told nothing.
SELECT auth_store.client_update('leave_told', '{"backchannel_logout_uri": "https://told.example/2"}');
SELECT session_id FROM auth_store.session_create(:'user') \gset
SELECT FROM auth_store.token_issue('leave_told', :'user', session_id => :'session_id');
SELECT auth_store.session_revoke(:'session_id');
SELECT target_url FROM auth_store.webhooks WHERE tenant_id = :'tenant';
SELECT count(*) AS queued FROM auth_store.webhook_queue WHERE tenant_id = :'tenant';
SELECT auth_store.client_update('leave_told', '{"backchannel_logout_uri": null}');
SELECT session_id FROM auth_store.session_create(:'user') \gset
SELECT FROM auth_store.token_issue('leave_told', :'user', session_id => :'session_id');
SELECT auth_store.user_sessions_revoke(:'user') > 0 AS ended;
SELECT count(*) AS queued FROM auth_store.webhook_queue WHERE tenant_id = :'tenant';
SELECT session_token AS session FROM auth_store.session_create(:'user') \gset

-- The page of devices: only who is logged in gets to know whether a code is right.
SELECT FROM auth_store.client_create('TV', client_type => 'public', client_id => 'leave_tv',
    grant_types => '{urn:ietf:params:oauth:grant-type:device_code}', scope => 'read', tenant_id => :'tenant',
    metadata => '{"client_uri": "https://tv.example/"}');
SELECT user_code, device_code FROM auth_store.device_authorize('leave_tv') \gset
SELECT next, request FROM auth_store.http_device(:'user_code', NULL, tenant_id => :'tenant');
SELECT next, error FROM auth_store.http_device(NULL, :'session', tenant_id => :'tenant');
SELECT next, status, error, body FROM auth_store.http_device('BBBB-BBBB', :'session', tenant_id => :'tenant');
SELECT next, status, error FROM auth_store.http_device('x', :'session', tenant_id => :'tenant');
SELECT next, client_id, user_id = :'user' AS of_user,
       request - '{user_code,user_id,session_id,auth_time}'::text[] AS request,
       request->>'user_code' = :'user_code' AS code,
       (request->>'auth_time')::timestamptz <= clock_timestamp() AS auth_time
  FROM auth_store.http_device(:'user_code', :'session', tenant_id => :'tenant');
SELECT error FROM auth_store.device_approve(:'user_code', :'user');
SELECT next, error FROM auth_store.http_device(:'user_code', :'session', tenant_id => :'tenant');
SELECT auth_store.tenant_erase('leave', 'leave') > 0 AS erased;

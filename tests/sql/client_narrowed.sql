-- What is taken from a client does not go on by what it was given before: the scope (RFC 6749 section 5.2) and the
-- resources (RFC 8707 section 2) of what it refreshes or redeems are those that it has now. Nothing is used up
-- where nothing is left.
\i tests/sql/include/helpers.sql
\pset null NULL

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'narrowed',
      scope => 'read write admin', resources => ARRAY['https://a.example/', 'https://b.example/'],
    grant_types => ARRAY['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code',
        'urn:ietf:params:oauth:grant-type:token-exchange']) \gset
SELECT user_id FROM auth_store.user_create('narrowed@example.com') \gset
CREATE FUNCTION pg_temp.has(scope text, resources text[]) RETURNS boolean LANGUAGE sql AS
    $$ SELECT auth_store.client_update('narrowed', jsonb_build_object('scope', scope, 'resources', resources)) $$;
SELECT auth_store.pkce_challenge(:'verifier') = :'challenge' AS pkce;

-- Refresh: within the grant and within what the client has now. The grant keeps its own, for what is given back.
SELECT refresh_token, grant_id FROM auth_store.token_issue('narrowed', :'user_id') \gset r_
SELECT pg_temp.has('read other', ARRAY['https://B.example:443', 'https://c.example/']);
SELECT refresh_token, r.scope, audience, s.scope AS introspected
  FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret') AS r,
       pg_temp.seen(r.access_token) AS s \gset r_
SELECT :'r_scope' AS scope, :'r_introspected' AS introspected, :'r_audience' AS audience, g.scope AS of_grant,
       g.resources
  FROM auth_store.grants AS g WHERE id = :'r_grant_id';
-- Named: what was granted and is left of it; what was never granted is refused as ever.
SELECT FROM pg_temp.trail();
SELECT t.scope AS asked, t.resource, r.error, r.error_description
  FROM (VALUES (1, 'write', NULL::text[]), (2, 'other', NULL), (3, 'read other', NULL),
      (4, NULL, ARRAY['https://a.example/']), (5, NULL, ARRAY['https://c.example/'])) AS t (n, scope, resource),
  LATERAL auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret', scope => t.scope,
      resource => t.resource) AS r ORDER BY n;
SELECT refresh_token, r.scope, audience
  FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret', scope => 'read write',
      resource => ARRAY['https://b.example/', 'https://a.example/']) AS r, pg_temp.seen(r.access_token) AS s \gset r_
SELECT :'r_scope' AS scope, :'r_audience' AS audience;
SELECT error, flags FROM pg_temp.trail() WHERE event = 'token.refreshed';
-- Nothing left: an outcome, which neither uses the token up nor ends its family.
SELECT pg_temp.has('other', ARRAY['https://b.example/']);
SELECT scope, error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret');
SELECT pg_temp.has('', ARRAY['https://b.example/']);
SELECT scope, error FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret');
SELECT pg_temp.has('read', ARRAY['https://c.example/']);
SELECT scope, error, error_description FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret');
SELECT pg_temp.has('read write admin', NULL);
SELECT refresh_token, r.scope, audience
  FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret') AS r,
       pg_temp.seen(r.access_token) AS s \gset r_
SELECT :'r_scope' AS scope, :'r_audience' AS audience, revoked_at FROM auth_store.grants WHERE id = :'r_grant_id';
-- The former token within its grace, and a client that keeps its token.
SELECT pg_temp.has('read', NULL);
SELECT refresh_token AS next FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret') \gset
SELECT pg_temp.has('write', NULL);
SELECT refresh_token = :'next' AS same, scope, error
  FROM auth_store.token_refresh(:'r_refresh_token', 'narrowed', :'secret');
SELECT auth_store.client_update('narrowed', '{"refresh_rotation": false}');
SELECT refresh_token = :'next' AS same, scope, error FROM auth_store.token_refresh(:'next', 'narrowed', :'secret');
SELECT auth_store.client_update('narrowed', '{"refresh_rotation": true}');
-- A grant for any resource is for those that the client is registered for now; a grant without a
-- scope has none to lose.
SELECT pg_temp.has('read', NULL);
SELECT refresh_token FROM auth_store.token_issue('narrowed', :'user_id', scope => '') \gset a_
SELECT pg_temp.has('write', ARRAY['https://a.example/']);
SELECT r.scope, r.error, audience
  FROM auth_store.token_refresh(:'a_refresh_token', 'narrowed', :'secret') AS r, pg_temp.seen(r.access_token) AS s;

-- Codes: the log-in's grant has what is left; a code for which nothing is left is not used up.
SELECT pg_temp.has('read write', ARRAY['https://a.example/', 'https://b.example/']);
SELECT code
  FROM auth_store.code_issue('narrowed', :'user_id', code_challenge => :'challenge', scope => 'read write') \gset
SELECT pg_temp.has('admin', ARRAY['https://b.example/']);
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'narrowed', client_secret => :'secret', code_verifier => :'verifier');
SELECT pg_temp.has('read', ARRAY['https://c.example/']);
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'narrowed', client_secret => :'secret', code_verifier => :'verifier');
SELECT pg_temp.has('read', ARRAY['https://b.example/']);
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'narrowed', client_secret => :'secret', code_verifier => :'verifier',
      resource => ARRAY['https://a.example/']);
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'narrowed', client_secret => :'secret', code_verifier => :'verifier',
      resource => ARRAY['https://c.example/']);
SELECT failed_verifiers, redeemed_at FROM auth_store.authorization_codes WHERE digest = auth_store.token_hash(:'code');
SELECT r.scope, r.error, r.grant_id, audience
  FROM auth_store.code_redeem(:'code', 'narrowed', client_secret => :'secret', code_verifier => :'verifier',
      resource => ARRAY['https://a.example/', 'https://b.example']) AS r, pg_temp.seen(r.access_token) AS s \gset c_
SELECT :'c_scope' AS scope, :'c_audience' AS audience, scope AS of_grant, resources FROM auth_store.grants
 WHERE id = :'c_grant_id';

-- Devices.
SELECT pg_temp.has('read write', NULL);
SELECT device_code, user_code FROM auth_store.device_authorize('narrowed', :'secret') \gset
SELECT error FROM auth_store.device_approve(:'user_code', :'user_id');
SELECT pg_temp.has('admin', NULL);
SELECT error, error_description FROM auth_store.device_redeem(:'device_code', 'narrowed', :'secret');
SELECT pg_temp.has('write', ARRAY['https://a.example/']);
SELECT r.scope, r.error, audience
  FROM auth_store.device_redeem(:'device_code', 'narrowed', :'secret') AS r, pg_temp.seen(r.access_token) AS s;

-- Pushed requests: the user is asked for what is left, and the request stays where that is nothing.
SELECT pg_temp.has('read write', ARRAY['https://a.example/', 'https://b.example/']);
SELECT request_uri
  FROM auth_store.pushed_request_create('narrowed', :'secret',
      parameters => jsonb_build_object('response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method',
          'S256', 'scope', 'read write',
    'resource', jsonb_build_array('https://a.example/', 'https://b.example/'), 'state', 's')) \gset
SELECT pg_temp.has('admin', NULL);
SELECT parameters, resource, error, error_description
  FROM auth_store.pushed_request_consume(:'request_uri', 'narrowed');
SELECT pg_temp.has('write', ARRAY['https://c.example/']);
SELECT parameters, resource, error, error_description
  FROM auth_store.pushed_request_consume(:'request_uri', 'narrowed');
SELECT pg_temp.has('write', ARRAY['https://b.example/']);
SELECT parameters - 'code_challenge' AS parameters, resource, error
  FROM auth_store.pushed_request_consume(:'request_uri', 'narrowed');
SELECT error FROM auth_store.pushed_request_consume(:'request_uri', 'narrowed');
SELECT request_uri
  FROM auth_store.pushed_request_create('narrowed', :'secret',
      parameters => jsonb_build_object('response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method',
          'S256', 'scope', 'write  write')) \gset
SELECT parameters->>'scope' AS as_it_came, parameters ? 'resource' AS resource, error
  FROM auth_store.pushed_request_consume(:'request_uri', 'narrowed');

-- Exchange: what the client has in common with the subject, which is something.
SELECT access_token AS subject FROM auth_store.token_issue('narrowed', :'user_id') \gset
SELECT pg_temp.has('read', NULL);
SELECT scope, error, error_description
  FROM auth_store.token_exchange(:'subject', client_id => 'narrowed', client_secret => :'secret');
SELECT pg_temp.has('write', ARRAY['https://c.example/']);
SELECT scope, error, error_description
  FROM auth_store.token_exchange(:'subject', client_id => 'narrowed', client_secret => :'secret');
-- A grant type that was taken from the client redeems no code (RFC 6749 section 5.2), which is there for
-- when it is given back.
SELECT auth_store.client_update('narrowed',
    '{"grant_types": ["authorization_code", "refresh_token"], "scope": "read"}');
SELECT code AS taken FROM auth_store.code_issue('narrowed', :'user_id', code_challenge => :'challenge') \gset
SELECT auth_store.client_update('narrowed', '{"grant_types": ["client_credentials"]}');
SELECT error, error_description
  FROM auth_store.code_redeem(:'taken', 'narrowed', code_verifier => :'verifier', client_secret => :'secret');
SELECT auth_store.client_update('narrowed', '{"grant_types": ["authorization_code"]}');
SELECT error, scope
  FROM auth_store.code_redeem(:'taken', 'narrowed', code_verifier => :'verifier', client_secret => :'secret');

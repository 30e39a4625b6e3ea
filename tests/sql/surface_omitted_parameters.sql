-- Parameters without a value. RFC 6749 sections 3.1 and 3.2: "Parameters sent without a value MUST be treated as if
-- they were omitted from the request." What is left out asks for all, and proves nothing.
\i tests/sql/include/helpers.sql
\pset null NULL

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb'], client_id => 'empty_web', scope => 'read write',
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials',
        'urn:ietf:params:oauth:grant-type:token-exchange'],
    require_pkce => false) \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb', 'http://127.0.0.1/cb2'], 'public',
      client_id => 'empty_app', scope => 'read write',
    resources => ARRAY['https://a.example/', 'https://b.example/'],
    grant_types => ARRAY['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code']);
SELECT user_id FROM auth_store.user_create('empty@example.com') \gset
\set jkt 0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I

-- The authorization endpoint. An empty challenge is none: refused where the client needs one, whatever else comes.
SELECT t.what, r.code IS NOT NULL AS code, r.scope, r.state, r.error, r.error_description
  FROM (VALUES
    (1, 'all but the challenge',     'http://127.0.0.1/cb', '', :'challenge', 'S256', '', '', ARRAY['', ''], ''),
    (2, 'spaces for a scope',        'http://127.0.0.1/cb', '  ', :'challenge', 'S256', '', '', NULL, NULL),
    (3, 'the challenge',             'http://127.0.0.1/cb', '', '', 'S256', '', '', ARRAY[''], ''),
    (4, 'the challenge and method',  'http://127.0.0.1/cb', '', '', '', '', '', ARRAY[''], ''),
    (5, 'the method, which is plain then (RFC 7636 section 4.3)', 'http://127.0.0.1/cb', 'read', :'challenge', '', 's',
        'n', NULL, NULL),
    (6, 'the redirect_uri, of two',  '', 'read', :'challenge', 'S256', 's', 'n', NULL, NULL),
    (7, 'one of the resources',      'http://127.0.0.1/cb', 'read', :'challenge', 'S256', 's', 'n',
        ARRAY['', 'https://a.example/'], NULL),
    (8, 'one of them NULL',          'http://127.0.0.1/cb', 'read', :'challenge', 'S256', 's', 'n', ARRAY['', NULL],
        NULL)
  ) AS t (n, what, redirect_uri, scope, challenge, method, state, nonce, resource, jkt),
  LATERAL auth_store.code_issue('empty_app', :'user_id', t.redirect_uri, t.scope, t.challenge, t.method, t.state,
      t.nonce, t.resource, dpop_jkt => t.jkt) AS r ORDER BY n;
-- Stored as left out: no empty text is compared with anything later.
SELECT redirect_uri, code_challenge IS NULL AS no_challenge, code_challenge_method, nonce, dpop_jkt, resources, count(*)
  FROM auth_store.authorization_codes WHERE client_id = 'empty_app' GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 4, 6;

-- The token endpoint. What the code demands is demanded of an empty parameter as of none.
SELECT code
  FROM auth_store.code_issue('empty_app', :'user_id', 'http://127.0.0.1/cb', code_challenge => :'challenge',
      dpop_jkt => :'jkt') \gset
SELECT t.what, r.access_token IS NOT NULL AS access_token, r.error, r.error_description
  FROM (VALUES
    (1, 'no redirect_uri',  '', :'verifier', :'jkt', ''),
    (2, 'no code_verifier', 'http://127.0.0.1/cb', '', :'jkt', ''),
    (3, 'no dpop_jkt',      'http://127.0.0.1/cb', :'verifier', '', ''),
    (4, 'a secret where none is', 'http://127.0.0.1/cb', :'verifier', :'jkt', 'x'))
        AS t (n, what, redirect_uri, verifier, jkt, secret),
  LATERAL auth_store.code_redeem(:'code', 'empty_app', t.redirect_uri, t.verifier, t.secret, dpop_jkt => t.jkt) AS r
   ORDER BY n;
-- A verifier that is missing is no wrong one: it is not counted.
SELECT failed_verifiers FROM auth_store.authorization_codes
 WHERE id = encode(substr(decode(translate(substr(:'code', 6), '-_', '+/'), 'base64'), 1, 16), 'hex')::uuid;
SELECT r.error, r.token_type, r.scope, i.audience
  FROM auth_store.code_redeem(:'code', 'empty_app', 'http://127.0.0.1/cb', :'verifier', '', resource => ARRAY[''],
      dpop_jkt => :'jkt') AS r, pg_temp.seen(r.access_token) AS i;
-- RFC 9700 section 2.1.1: a code without a challenge, got with an empty one, takes no verifier; nor is it bound
-- by an empty thumbprint.
SELECT code FROM auth_store.code_issue('empty_web', :'user_id', '', '', '', '', dpop_jkt => '') \gset
SELECT error, error_description
  FROM auth_store.code_redeem(:'code', 'empty_web', client_secret => :'secret', code_verifier => :'verifier');
SELECT error, error_description FROM auth_store.code_redeem(:'code', 'empty_web', client_secret => '');
SELECT error, token_type, scope, refresh_token, access_token
  FROM auth_store.code_redeem(:'code', 'empty_web', '', '', :'secret', resource => ARRAY['']) \gset r_
SELECT :{?r_error} AS error, :'r_token_type' AS token_type, :'r_scope' AS scope;

-- Refresh: all of the grant's scope, not none of it.
SELECT error, scope, refresh_token, access_token
  FROM auth_store.token_refresh(:'r_refresh_token', 'empty_web', :'secret', scope => '', resource => ARRAY[''],
      dpop_jkt => '') \gset r_
SELECT :{?r_error} AS error, :'r_scope' AS scope, s.scope AS introspected
  FROM auth_store.token_introspect(:'r_access_token') AS s;
SELECT scope, error FROM auth_store.token_refresh(:'r_refresh_token', 'empty_web', :'secret', scope => ' ');
-- What is bound stays so.
SELECT refresh_token AS bound
  FROM auth_store.token_issue('empty_app', :'user_id',
      cnf => jsonb_build_object('jkt', :'jkt', 'x5t#S256', :'jkt')) \gset
SELECT error FROM auth_store.token_refresh(:'bound', 'empty_app', dpop_jkt => '', x5t_s256 => :'jkt')
UNION ALL SELECT error FROM auth_store.token_refresh(:'bound', 'empty_app', dpop_jkt => :'jkt', x5t_s256 => '')
UNION ALL SELECT error FROM auth_store.token_refresh(:'bound', 'empty_app', dpop_jkt => :'jkt', x5t_s256 => :'jkt');

-- Client credentials. An empty secret authenticates nobody.
SELECT scope, error
  FROM auth_store.token_issue_client_credentials('empty_web', :'secret', scope => '', resource => ARRAY['', '']);
SELECT error FROM auth_store.token_issue_client_credentials('empty_web', '')
UNION ALL SELECT error FROM auth_store.client_authenticate('empty_web', '')
UNION ALL SELECT error FROM auth_store.token_issue_client_credentials('', :'secret');

-- Exchange: types, actor, scope and targets.
SELECT t.n, r.scope, i.audience, r.error, r.error_description
  FROM (VALUES (1, NULL, '', '', '', '', ARRAY[''], ARRAY['']),
      (2, NULL, '', 'urn:ietf:params:oauth:token-type:access_token', '', 'read', ARRAY['https://a.example/', ''],
          ARRAY['', 'orders'])) AS t (n, actor, subject_type, actor_type, requested, scope, resource, audience),
  LATERAL auth_store.token_exchange(:'r_access_token', t.actor, 'empty_web', :'secret', scope => t.scope,
      resource => t.resource, audience => t.audience,
      requested_token_type => t.requested, subject_token_type => t.subject_type, actor_token_type => t.actor_type,
      dpop_jkt => '') AS r,
  LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
-- A token that is empty is one that is not good, as anywhere.
SELECT error, error_description FROM auth_store.token_exchange(:'r_access_token', '', 'empty_web', :'secret');

-- Devices.
SELECT device_code, user_code, scope AS device_scope, error
  FROM auth_store.device_authorize('empty_app', '', scope => '', resource => ARRAY['']) \gset
SELECT :'device_scope' AS scope, resource FROM auth_store.device_lookup(:'user_code');
SELECT error FROM auth_store.device_approve(:'user_code', :'user_id');
SELECT scope, error
  FROM auth_store.device_redeem(:'device_code', 'empty_app', '', resource => ARRAY['', ''], dpop_jkt => '');

-- Pushed requests (RFC 9126 section 2.1): what is empty is not stored.
SELECT jsonb_build_object('response_type', 'code', 'redirect_uri', 'http://127.0.0.1/cb', 'code_challenge',
    :'challenge', 'code_challenge_method', 'S256', 'scope', '', 'state', '',
    'dpop_jkt', '', 'nonce', '', 'resource', jsonb_build_array('', 'https://a.example/')) AS pushed \gset
SELECT request_uri FROM auth_store.pushed_request_create('empty_app', '', parameters => :'pushed') \gset
SELECT parameters - 'code_challenge' AS parameters, resource, error
  FROM auth_store.pushed_request_consume(:'request_uri', 'empty_app');
SELECT request_uri
  FROM auth_store.pushed_request_create('empty_app', '',
      parameters => :'pushed'::jsonb || '{"resource": [""], "scope": " "}') \gset
SELECT parameters ? 'resource' AS stored, resource, error
  FROM auth_store.pushed_request_consume(:'request_uri', 'empty_app');
SELECT t.changes, r.error, r.error_description
  FROM (VALUES ('{"code_challenge": ""}'), ('{"code_challenge_method": ""}'), ('{"redirect_uri": ""}'),
      ('{"response_type": ""}'), ('{"resource": ["", null]}')) AS t (changes),
  LATERAL auth_store.pushed_request_create('empty_app', parameters => :'pushed'::jsonb || t.changes::jsonb) AS r;

-- Consent: an empty scope is granted as all, so it takes the consent to all.
SELECT granted, missing_scope, error FROM auth_store.consent_check(:'user_id', 'empty_app', '', ARRAY['']);
SELECT scope, error FROM auth_store.consent_record(:'user_id', 'empty_app', 'read', ARRAY['', 'https://a.example/']);
SELECT granted, missing_scope FROM auth_store.consent_check(:'user_id', 'empty_app', ' ', ARRAY['https://a.example/']);

-- Revocation: an empty hint is none.
SELECT error FROM auth_store.token_revoke(:'r_access_token', 'empty_web', :'secret', token_type_hint => '');
SELECT active FROM auth_store.token_introspect(:'r_access_token');

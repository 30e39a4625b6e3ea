-- Pushed authorization requests: RFC 9126.
\i tests/sql/include/helpers.sql

SELECT client_secret AS secret
  FROM auth_store.client_create('Web', ARRAY['https://web.example/cb', 'https://web.example/cb2'],
    client_id => 'par_web', scope => 'openid read write',
    resources => ARRAY['https://a.example/', 'https://b.example/']) \gset
SELECT client_id
  FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'par_app', scope => 'read');
SELECT client_secret AS machine_secret FROM auth_store.client_create('Machine', client_id => 'par_machine') \gset
SELECT user_id FROM auth_store.user_create('par@example.com') \gset
SELECT FROM pg_temp.trail();

-- Section 2.1: the parameters of an authorization request, with some that the store does not know.
SELECT jsonb_build_object('response_type', 'code', 'client_id', 'par_web', 'redirect_uri', 'https://web.example/cb',
    'scope', 'openid read',
    'code_challenge', :'challenge', 'code_challenge_method', 'S256', 'state', 'a & b=ü', 'nonce', 'n-0S6_WzA2Mj',
    'resource', jsonb_build_array('https://a.example/', 'https://b.example/'), 'dpop_jkt',
    '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
    'prompt', 'login', 'max_age', '3600', 'acr_values', '', 'login_hint', NULL) AS parameters \gset

-- Section 2.2: the reference and its life, 60 seconds.
SELECT * FROM auth_store.pushed_request_create('par_web', :'secret', parameters => :'parameters',
    ip => '192.0.2.7') \gset
SELECT :'request_uri' LIKE 'urn:ietf:params:oauth:request_uri:aspr\_%'
       AND length(:'request_uri') = 34 + 69 AS request_uri, :expires_in AS expires_in, :{?error} AS error;
SELECT client_id, digest = auth_store.token_hash(substr(:'request_uri', 35)) AS digest,
       expires_at - clock_timestamp() BETWEEN '55 s' AND '60 s' AS a_minute,
       to_jsonb(p)::text LIKE '%' || right(:'request_uri', 43) || '%' AS holds_the_secret,
       (SELECT array_agg(k ORDER BY k COLLATE "C") FROM jsonb_object_keys(parameters) AS k) AS parameters
  FROM auth_store.pushed_requests p WHERE client_id = 'par_web';
SHOW auth_store.pushed_request_ttl;
SET auth_store.pushed_request_ttl = '5 min';
SELECT expires_in
  FROM auth_store.pushed_request_create('par_app',
      parameters => jsonb_build_object('response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method',
          'S256'));
RESET auth_store.pushed_request_ttl;
SELECT unit, min_val, max_val FROM pg_settings WHERE name = 'auth_store.pushed_request_ttl';
SELECT * FROM pg_temp.trail();

-- What authenticates the client is not stored, whoever passes it on by mistake.
SELECT request_uri AS with_secret FROM auth_store.pushed_request_create('par_web', :'secret',
    parameters => :'parameters'::jsonb
    || jsonb_build_object('client_secret', :'secret', 'client_assertion', 'eyJhbGciOi', 'client_assertion_type',
        'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')) \gset
SELECT parameters ?| ARRAY['client_secret', 'client_assertion', 'client_assertion_type'] AS stored
  FROM auth_store.pushed_requests WHERE digest = auth_store.token_hash(substr(:'with_secret', 35));

-- Section 2.3: refusals. What the authorization endpoint would refuse is refused here.
SELECT what, r.request_uri IS NOT NULL AS request_uri, r.error, r.error_description
  FROM (VALUES
    ('no secret',              'par_web', NULL,      '{}'::jsonb, NULL),
    ('wrong secret',           'par_web', 'x',       '{}', NULL),
    ('unknown client',         'par_nobody', NULL,   '{}', NULL),
    ('as it is',               'par_web', :'secret', '{}', NULL),
    ('no client_id',           'par_web', :'secret', '{}', 'client_id'),
    ('another client_id',      'par_web', :'secret', '{"client_id": "par_app"}', NULL),
    ('a request_uri',          'par_web', :'secret', '{"request_uri": "urn:ietf:params:oauth:request_uri:x"}', NULL),
    ('a request object',       'par_web', :'secret', '{"request": "eyJhbGciOi"}', NULL),
    ('no response_type',       'par_web', :'secret', '{}', 'response_type'),
    ('response_type token',    'par_web', :'secret', '{"response_type": "token"}', NULL),
    ('another redirect_uri',   'par_web', :'secret', '{"redirect_uri": "https://evil.example/"}', NULL),
    ('one of two left out',    'par_web', :'secret', '{}', 'redirect_uri'),
    ('no challenge',           'par_web', :'secret', '{}', 'code_challenge'),
    ('an empty challenge',     'par_web', :'secret', '{"code_challenge": ""}', NULL),
    ('method left out: plain (RFC 7636)', 'par_web', :'secret', '{}', 'code_challenge_method'),
    ('method plain',           'par_web', :'secret', '{"code_challenge_method": "plain"}', NULL),
    ('malformed challenge',    'par_web', :'secret', '{"code_challenge": "short"}', NULL),
    ('no thumbprint',          'par_web', :'secret', '{"dpop_jkt": "x"}', NULL),
    ('scope beyond',           'par_web', :'secret', '{"scope": "read admin"}', NULL),
    ('another resource',       'par_web', :'secret', '{"resource": "https://c.example/"}', NULL),
    ('a resource as text',     'par_web', :'secret', '{"resource": "https://a.example/"}', NULL),
    ('a resource of numbers',  'par_web', :'secret', '{"resource": [7]}', NULL),
    ('a scope of numbers',     'par_web', :'secret', '{"scope": 7}', NULL),
    ('a long state',           'par_web', :'secret', jsonb_build_object('state', repeat('s', 2049)), NULL),
    ('too large',              'par_web', :'secret', jsonb_build_object('login_hint', repeat('s', 65536)), NULL),
    ('a number too large',     'par_web', :'secret', '{"x": 1e400}', NULL),
    ('grant type not allowed', 'par_machine', :'machine_secret', '{}', 'client_id')
  ) AS t (what, client, secret, changes, without),
  LATERAL auth_store.pushed_request_create(t.client, t.secret,
      parameters => (:'parameters'::jsonb || t.changes) - coalesce(t.without, '')) AS r;
SELECT * FROM pg_temp.trail();
-- Mistakes of the calling program raise.
SELECT value, pg_temp.raised(format('SELECT FROM auth_store.pushed_request_create(''par_web'', %L, parameters => %L)',
    :'secret', value))
  FROM (VALUES (NULL), ('null'), ('[]'), ('"x"')) AS t (value);
SELECT count(*) FROM pg_temp.trail();

-- Section 4: another client, or a wrong reference, consumes nothing.
SELECT what, r.parameters, r.error, r.error_description
  FROM (VALUES
    ('another client',  :'request_uri', 'par_app'),
    ('unknown client',  :'request_uri', 'par_nobody'),
    ('no client',       :'request_uri', NULL),
    ('another one',     pg_temp.altered(:'request_uri'), 'par_web'),
    ('without the urn', substr(:'request_uri', 35), 'par_web'),
    ('cut',             left(:'request_uri', -1), 'par_web'),
    ('empty',           '', 'par_web'),
    ('none',            NULL, 'par_web')
  ) AS t (what, uri, client), LATERAL auth_store.pushed_request_consume(t.uri, t.client) AS r;
SELECT FROM auth_store.client_set_status('par_web', 'suspended');
SELECT error, error_description FROM auth_store.pushed_request_consume(:'request_uri', 'par_web');
SELECT FROM auth_store.client_set_status('par_web', 'active');
SELECT * FROM pg_temp.trail();

-- Consumed, and a code of it: code_issue() takes the parameters as they come.
SELECT p.error AS consume_error, p.parameters->>'prompt' AS prompt, p.parameters->>'max_age' AS max_age,
       p.parameters - ARRAY['code_challenge',
           'dpop_jkt'] = jsonb_strip_nulls(:'parameters'::jsonb) - ARRAY['code_challenge', 'dpop_jkt',
               'acr_values'] AS as_they_came,
       c.code, c.scope, c.state, c.error
  FROM auth_store.pushed_request_consume(:'request_uri', 'par_web', ip => '192.0.2.7', user_agent => 'browser') AS p,
       LATERAL auth_store.code_issue('par_web', :'user_id', redirect_uri => p.parameters->>'redirect_uri',
           scope => p.parameters->>'scope',
           code_challenge => p.parameters->>'code_challenge',
           code_challenge_method => p.parameters->>'code_challenge_method',
           state => p.parameters->>'state', nonce => p.parameters->>'nonce', resource => p.resource,
           dpop_jkt => p.parameters->>'dpop_jkt') AS c \gset
SELECT :{?consume_error} AS consume_error, :'prompt' AS prompt, :'max_age' AS max_age, :'as_they_came' AS as_they_came,
       :'scope' AS scope, :'state' AS state, :{?error} AS error;
SELECT access_token, error AS redeem_error, nonce, scope, token_type
  FROM auth_store.code_redeem(:'code', 'par_web', 'https://web.example/cb', :'verifier', :'secret',
    dpop_jkt => '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I') \gset t_
SELECT :{?t_redeem_error} AS error, :'t_nonce' AS nonce, :'t_scope' AS scope, :'t_token_type' AS token_type, i.audience
  FROM auth_store.token_introspect(:'t_access_token') AS i;
-- Once.
SELECT parameters, error, error_description FROM auth_store.pushed_request_consume(:'request_uri', 'par_web');
SELECT * FROM pg_temp.trail();

-- A resource that came as a text, and none.
SELECT request_uri
  FROM auth_store.pushed_request_create('par_web', :'secret',
      parameters => :'parameters'::jsonb || '{"resource": "https://a.example/"}') \gset
SELECT parameters->'resource' AS parameter, resource, error
  FROM auth_store.pushed_request_consume(:'request_uri', 'par_web');
SELECT request_uri
  FROM auth_store.pushed_request_create('par_web', :'secret', parameters => :'parameters'::jsonb - 'resource') \gset
SELECT parameters->'resource' AS parameter, resource, error
  FROM auth_store.pushed_request_consume(:'request_uri', 'par_web');

-- Section 2.2: expired ones are refused; cleanup deletes them.
SELECT request_uri FROM auth_store.pushed_request_create('par_web', :'secret', parameters => :'parameters') \gset
UPDATE auth_store.pushed_requests SET expires_at = clock_timestamp()
 WHERE digest = auth_store.token_hash(substr(:'request_uri', 35));
SELECT parameters, error, error_description FROM auth_store.pushed_request_consume(:'request_uri', 'par_web');
SELECT auth_store.cleanup_expired_data() > 0 AS cleaned;
SELECT error, error_description FROM auth_store.pushed_request_consume(:'request_uri', 'par_web');
-- A client that is deleted takes its own along, a tenant too.
SELECT FROM auth_store.client_delete('par_app');
SELECT client_id, count(*) FROM auth_store.pushed_requests WHERE client_id LIKE 'par\_%' GROUP BY 1;
SELECT auth_store.tenant_create('par_tenant') \gset
SELECT FROM auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'par_erased',
    tenant_id => 'par_tenant');
SELECT error
  FROM auth_store.pushed_request_create('par_erased',
      parameters => jsonb_build_object('response_type', 'code', 'code_challenge', :'challenge', 'code_challenge_method',
          'S256'));
SELECT auth_store.tenant_erase('par_tenant', 'par_tenant') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('par_tenant') WHERE rows > 0;

BEGIN READ ONLY;
SELECT pg_temp.raised('SELECT FROM auth_store.pushed_request_create(''par_web'', parameters => ''{}'')'),
       pg_temp.raised('SELECT FROM auth_store.pushed_request_consume(''x'', ''par_web'')');
COMMIT;

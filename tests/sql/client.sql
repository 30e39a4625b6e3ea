-- OAuth 2 clients: RFC 6749 section 2, RFC 7591 section 2.
\i tests/sql/include/helpers.sql
\set ECHO none
CREATE FUNCTION pg_temp.creating(arguments text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.raised('SELECT auth_store.client_create(name => ''app'', ' || arguments || ')')
$$;
CREATE FUNCTION pg_temp.changing(client_id text, changes text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.raised(format('SELECT auth_store.client_update(%L, %L)', client_id, changes))
$$;
\set ECHO all

-- A confidential client with redirect URIs is a web application.
SELECT client_id AS web, client_secret AS web_secret
  FROM auth_store.client_create('web', ARRAY['https://app.example/cb'], scope => ' read  write read') \gset
SELECT :'web' ~ '^[A-Za-z0-9_-]{22}$' AS generated_id, :'web_secret' ~ '^ascs_[A-Za-z0-9_-]{64}$' AS secret;
SELECT tenant_id, status, tenant_suspended, client_type, token_endpoint_auth_method AS auth_method, require_pkce,
       refresh_rotation, scope, grant_types, redirect_uris, resources, metadata
  FROM auth_store.clients WHERE id = :'web';
SELECT access_token_ttl, refresh_token_ttl, refresh_idle_ttl, refresh_grace, rate_limit_per_hour
  FROM auth_store.clients WHERE id = :'web';

-- Its id lies in the tenant's bucket: SHA-256('default') begins with 37a8.
SELECT encode(sha256('default'), 'hex') LIKE '37a8%' AS hash,
       substr(encode(decode(translate(:'web', '-_', '+/') || '==', 'base64'), 'hex'), 13, 4) AS version_and_bucket;

-- Without redirect URIs it is a service (RFC 6749 section 4.4).
SELECT client_secret IS NOT NULL AS has_secret FROM auth_store.client_create('service', client_id => 'client-service');
SELECT grant_types FROM auth_store.clients WHERE id = 'client-service';

-- A public client has no secret, and PKCE and rotation always (RFC 6749 section 2.1, RFC 9700 sections 2.1.1, 4.14.2).
SELECT * FROM auth_store.client_create('native', ARRAY['com.example.app:/cb'], 'public', client_id => 'client-native');
SELECT client_type, token_endpoint_auth_method, require_pkce, refresh_rotation, grant_types
  FROM auth_store.clients WHERE id = 'client-native';
SELECT what, pg_temp.creating($$redirect_uris => '{com.example.app:/cb}', client_type => 'public', $$ || what)
  FROM (VALUES ('require_pkce => false'), ('refresh_rotation => false'), ('grant_types => ''{client_credentials}'''),
               ('token_endpoint_auth_method => ''client_secret_basic'''),
               ('token_endpoint_auth_method => ''private_key_jwt''')
       ) AS t (what);
SELECT pg_temp.creating($$client_type => 'public'$$);
SELECT pg_temp.creating($$client_type => 'public', client_id => 'client-tv',
                          grant_types => '{urn:ietf:params:oauth:grant-type:device_code,refresh_token}'$$);

-- Who authenticates with a key or a certificate has no secret (OpenID Connect Core section 9, RFC 8705 section 2).
SELECT method, (auth_store.client_create('key',
    token_endpoint_auth_method => method)).client_secret IS NULL AS no_secret
  FROM unnest('{client_secret_basic,client_secret_post,private_key_jwt,tls_client_auth,'
              'self_signed_tls_client_auth}'::text[]) AS method;

-- Every argument arrives.
SELECT client_id FROM auth_store.client_create(
    name => 'Everything', redirect_uris => '{https://a.example/cb,http://127.0.0.1/cb}', client_type => 'confidential',
    grant_types => '{authorization_code,refresh_token,client_credentials,'
                   'urn:ietf:params:oauth:grant-type:token-exchange}',
    scope => 'openid', client_id => 'https://client.example/~all', token_endpoint_auth_method => 'client_secret_post',
    require_pkce => false, access_token_ttl => '5 minutes', refresh_token_ttl => '10 days', refresh_idle_ttl => '1 day',
    rate_limit_per_hour => 1000, resources => '{https://api.example,urn:example:api}',
    metadata => '{"big": 1e400, "digits": 12345678901234567890.123}', tenant_id => 'default', refresh_rotation => false,
    refresh_grace => '0');
SELECT name, redirect_uris, grant_types, scope, token_endpoint_auth_method AS auth_method, require_pkce,
       access_token_ttl,
       refresh_token_ttl, refresh_idle_ttl, rate_limit_per_hour, resources, metadata ->> 'digits' AS digits,
       length(metadata ->> 'big') AS big, refresh_rotation, refresh_grace
  FROM auth_store.clients WHERE id = 'https://client.example/~all';

-- An idle life longer than a short absolute one is cut by default, and refused when asked for.
SELECT client_id AS short
  FROM auth_store.client_create('short', '{https://a.example/}', refresh_token_ttl => '1 hour') \gset
SELECT refresh_token_ttl, refresh_idle_ttl FROM auth_store.clients WHERE id = :'short';
SELECT pg_temp.creating($$refresh_token_ttl => '1 hour', refresh_idle_ttl => '61 minutes'$$);

-- What does not fit is refused with what would.
SELECT pg_temp.raised($$SELECT auth_store.client_create(NULL)$$);
SELECT left(what, 60) AS what, pg_temp.creating(what)
  FROM (VALUES
    ('client_type => ''web'''), ('client_type => '''''),
    ('grant_types => ''{}'''), ('grant_types => ''{password}'''), ('grant_types => ''{implicit}'''),
    ('grant_types => ''{client_credentials,client_credentials}'''), ('grant_types => ''{NULL}'''),
    ('grant_types => ''{authorization_code}'''),
    ('redirect_uris => ''{NULL}'''), ('redirect_uris => ''{""}'''),
    ('redirect_uris => array_fill(''https://a.example/''::text, ''{51}'')'),
    ('scope => ''a"b'''), ('scope => E''a\nb'''), ('scope => repeat(''x '', 500000)'),
    ('client_id => '''''), ('client_id => ''a b'''), ('client_id => ''a"b'''), ('client_id => E''a\tb'''),
    ('client_id => ''é'''), ('client_id => repeat(''a'', 129)'), ('client_id => repeat(''a'', 1000000)'),
    ('token_endpoint_auth_method => ''none'''), ('token_endpoint_auth_method => ''x509'''),
    ('access_token_ttl => ''0'''), ('access_token_ttl => ''-1 hour'''), ('access_token_ttl => ''24:00:01'''),
    ('access_token_ttl => ''178000000 years'''),
    ('refresh_token_ttl => ''59 s'''), ('refresh_token_ttl => ''3651 days'''), ('refresh_idle_ttl => ''0'''),
    ('refresh_grace => ''301 s'''), ('refresh_grace => ''-1 s'''),
    ('rate_limit_per_hour => 0'), ('rate_limit_per_hour => -1'),
    ('resources => ''{relative}'''), ('resources => ''{https://a.example/#x}'''), ('resources => ''{NULL}'''),
    ('metadata => ''[]'''), ('metadata => ''null'''), ('metadata => ''1'''),
    ('metadata => jsonb_build_object(''a'', repeat(''x'', 70000))'),
    ('metadata => (''{"a":'' || repeat(''['', 1000) || repeat('']'', 1000) || ''}'')::jsonb'),
    ('tenant_id => ''nowhere'''), ('tenant_id => ''''')) AS t (what);
SELECT pg_temp.raised(format('SELECT auth_store.client_create(%L)', name))
  FROM (VALUES (''), ('  '), (E'a\nb'), (repeat('x', 201)), (repeat('x', 1000000))) AS t (name);
SELECT pg_temp.raised($$SELECT auth_store.client_create('again', client_id => 'client-service')$$);

-- Changes: only what is named, checked as a whole.
SELECT auth_store.client_update(:'web', '{"name": "Web", "access_token_ttl": 60, "refresh_token_ttl": "20 days",
    "refresh_idle_ttl": 86400, "refresh_grace": 5, "scope": "read", "rate_limit_per_hour": 10, "require_pkce": false,
    "resources": ["https://api.example"], "metadata": {"n": 1e400}, "token_endpoint_auth_method": "client_secret_post",
    "redirect_uris": ["https://app.example/cb", "http://localhost/cb"], "refresh_rotation": false,
    "grant_types": ["authorization_code"]}');
SELECT name, access_token_ttl, refresh_token_ttl, refresh_idle_ttl, refresh_grace, scope, rate_limit_per_hour,
       require_pkce,
       resources, length(metadata ->> 'n') AS n, token_endpoint_auth_method AS auth_method, redirect_uris,
       refresh_rotation, grant_types
  FROM auth_store.clients WHERE id = :'web';
SELECT auth_store.client_update(:'web', '{}');
SELECT auth_store.client_update(:'web', '{"access_token_ttl": null, "refresh_token_ttl": null, "refresh_idle_ttl": null,
    "refresh_grace": null, "scope": null, "rate_limit_per_hour": null, "require_pkce": null, "resources": null,
    "metadata": null, "token_endpoint_auth_method": null, "refresh_rotation": null, "grant_types": null}');
SELECT name, access_token_ttl, refresh_token_ttl, refresh_idle_ttl, refresh_grace, scope, rate_limit_per_hour,
       require_pkce,
       resources, metadata, token_endpoint_auth_method AS auth_method, redirect_uris, refresh_rotation, grant_types
  FROM auth_store.clients WHERE id = :'web';
SELECT left(changes, 60) AS changes, pg_temp.changing(:'web', changes)
  FROM (VALUES
    ('[]'), ('null'), ('"x"'), ('{"client_type": "public"}'), ('{"tenant_id": "x"}'), ('{"nonsense": 1}'),
    ('{"name": null}'), ('{"name": 1}'), ('{"name": ""}'),
    ('{"redirect_uris": null}'), ('{"redirect_uris": "https://a.example/"}'), ('{"redirect_uris": [1]}'),
    ('{"redirect_uris": ["http://a.example/"]}'), ('{"grant_types": []}'), ('{"grant_types": ["password"]}'),
    ('{"scope": ["read"]}'), ('{"token_endpoint_auth_method": "none"}'), ('{"require_pkce": "yes"}'),
    ('{"access_token_ttl": 0}'), ('{"access_token_ttl": -5}'), ('{"access_token_ttl": 1.5}'),
    ('{"access_token_ttl": 1e30}'),
    ('{"access_token_ttl": 9223372036854775807}'), ('{"access_token_ttl": "soon"}'),
    ('{"access_token_ttl": "25 hours"}'),
    ('{"access_token_ttl": true}'), ('{"access_token_ttl": 1e400}'),
    ('{"refresh_token_ttl": "1 day"}'), ('{"refresh_grace": 301}'), ('{"rate_limit_per_hour": 0}'),
    ('{"rate_limit_per_hour": 99999999999}'), ('{"resources": ["x"]}'), ('{"metadata": []}'),
    ('{"metadata": 1}')) AS t (changes);
SELECT pg_temp.changing('client-native', '{"require_pkce": false}');
SELECT pg_temp.changing('client-native', '{"refresh_rotation": false}');
SELECT pg_temp.changing('client-native', '{"token_endpoint_auth_method": "client_secret_basic"}');
SELECT pg_temp.changing('nobody', '{}');
SELECT pg_temp.changing(NULL, '{}'), pg_temp.changing(:'web', NULL);
-- None of it changed anything.
SELECT name, access_token_ttl, refresh_token_ttl, redirect_uris FROM auth_store.clients WHERE id = :'web';

-- Status: only an active client works, and its tokens follow it at once.
SELECT user_id AS ann FROM auth_store.user_create(external_id => 'client-ann') \gset
SELECT auth_store.client_update(:'web', '{"scope": "read"}');
SELECT access_token AS token FROM auth_store.token_issue(:'web', :'ann') \gset
SELECT client_id = :'web' AS client, active FROM auth_store.token_introspect(:'token');
SELECT auth_store.client_set_status(:'web', 'suspended', 'unpaid');
SELECT status, status_reason FROM auth_store.clients WHERE id = :'web';
SELECT active FROM auth_store.token_introspect(:'token');
SELECT ok, error, error_description FROM auth_store.client_authenticate(:'web', :'web_secret');
SELECT auth_store.client_set_status(:'web', 'pending');
SELECT active FROM auth_store.token_introspect(:'token');
SELECT auth_store.client_set_status(:'web', 'active');
SELECT status, status_reason FROM auth_store.clients WHERE id = :'web';
SELECT active FROM auth_store.token_introspect(:'token');
SELECT pg_temp.raised(format('SELECT auth_store.client_set_status(%L, %L, %L)', id, status, reason))
  FROM (VALUES (NULL, 'active', ''), ('nobody', 'active', ''), (:'web', NULL, ''), (:'web', 'Active', ''),
      (:'web', '', ''),
               (:'web', 'active', E'a\nb'), (:'web', 'active', repeat('x', 1001))) AS t (id, status, reason);

-- Revoked is final, and ends the grants.
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT auth_store.client_set_status(:'web', 'revoked', 'key leaked');
SELECT active FROM auth_store.token_introspect(:'token');
SELECT revoked_reason FROM auth_store.grants WHERE client_id = :'web';
SELECT auth_store.client_set_status(:'web', 'revoked', 'twice');
SELECT pg_temp.raised(format('SELECT auth_store.client_set_status(%L, %L)', :'web', 'active'));
SELECT status, status_reason FROM auth_store.clients WHERE id = :'web';
SELECT * FROM pg_temp.trail();

-- Deleting takes the secrets, codes and grants along; the audit trail stays.
SELECT auth_store.client_delete(:'web');
SELECT count(*) FROM auth_store.clients WHERE id = :'web';
SELECT count(*) FROM auth_store.client_secrets WHERE client_id = :'web';
SELECT count(*) FROM auth_store.grants WHERE client_id = :'web';
SELECT active FROM auth_store.token_introspect(:'token');
SELECT ok, error FROM auth_store.client_authenticate(:'web', :'web_secret');
SELECT event, count(*), bool_and(success) AS success FROM auth_store.audit_log
 WHERE client_id = :'web' GROUP BY event ORDER BY min(occurred_at);
SELECT pg_temp.raised(format('SELECT auth_store.client_delete(%L)', :'web'));
SELECT pg_temp.raised('SELECT auth_store.client_delete(NULL)');

-- Nothing is written in a read-only transaction.
BEGIN READ ONLY;
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.client_create(''x'')'), ('SELECT auth_store.client_update(''client-native'', ''{}'')'),
    ('SELECT auth_store.client_set_status(''client-native'', ''active'')'),
    ('SELECT auth_store.client_delete(''client-native'')')
    ) AS t (what);
COMMIT;

-- client_get: a row or none, without secrets. client_allows_redirect_uri: RFC 6749 section 4.1.2.1 sends no browser to
-- an address that is not registered; RFC 8252 section 7.3 lets the port of a loopback address vary. It fails closed.
SELECT client_id AS profiled FROM auth_store.client_create(name => 'Profiled', client_type => 'public', scope => 'read',
    redirect_uris => ARRAY['https://app.example/cb', 'http://127.0.0.1/cb'], access_token_ttl => '5 minutes') \gset
SELECT client_id = :'profiled' AS same, tenant_id, name, status, client_type, token_endpoint_auth_method, require_pkce,
       access_token_ttl, scope, grant_types, redirect_uris
  FROM auth_store.client_get(:'profiled');
SELECT count(*) FROM auth_store.client_get('nobody');
SELECT count(*) FROM auth_store.client_get(NULL);
\echo :SQLSTATE
SELECT auth_store.client_allows_redirect_uri(:'profiled', uri) AS allowed, uri
  FROM (VALUES ('https://app.example/cb'), ('https://app.example/cb/'), ('http://127.0.0.1:51004/cb'),
      ('http://127.0.0.1/other'),
               ('https://app.example/cb#x'), (''), (NULL)) AS v (uri);
SELECT auth_store.client_allows_redirect_uri('nobody', 'https://app.example/cb') AS unknown,
       auth_store.client_allows_redirect_uri(NULL, 'https://app.example/cb') AS null_client;
SELECT auth_store.client_set_status(:'profiled', 'suspended') \gset
SELECT auth_store.client_allows_redirect_uri(:'profiled', 'https://app.example/cb') AS suspended;

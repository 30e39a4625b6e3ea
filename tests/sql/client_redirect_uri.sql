-- Redirect URIs: RFC 6749 section 3.1.2, RFC 8252 sections 7 and 8, RFC 9700 section 2.1.
\i tests/sql/include/helpers.sql
\set ECHO none
CREATE FUNCTION pg_temp.registering(uri text) RETURNS text LANGUAGE sql AS $$
    SELECT pg_temp.raised(format('SELECT auth_store.client_create(%L, ARRAY[%L])', 'app', uri))
$$;
\set ECHO all

-- What may be registered: https; http to a loopback address; a private-use scheme in reverse domain order.
SELECT uri, pg_temp.registering(uri) FROM (VALUES
    ('https://client.example.com/cb'), ('https://app.example'), ('https://app.example:8443/a/b?c=d&e=%20'),
    ('https://[2001:db8::1]/cb'),
    ('http://127.0.0.1/oauth2redirect/example-provider'), ('http://127.0.0.1:51004/oauth2redirect/example-provider'),
    ('http://[::1]:61023/oauth2redirect/example-provider'), ('http://localhost:3000/cb'),
    ('com.example.app:/oauth2redirect/example-provider'), ('com.example.app://cb')) AS t (uri);

-- A fragment (RFC 6749 section 3.1.2), relative URIs, user names, patterns, characters that are none of a URI's
-- (RFC 3986 section 2), and forms that a browser reads differently.
SELECT uri, pg_temp.registering(uri) FROM (VALUES
    (''), ('cb'), ('/cb'), ('//app.example/cb'), ('https://app.example/cb#x'), ('https://app.example/cb#'),
    ('https://user@app.example/cb'), ('https://user:pw@app.example/cb'), ('https://@app.example/cb'),
    ('com.example.app://u@cb'),
    ('https://*.app.example/cb'), ('https://app.example/*'),
    ('https://app.example/a b'), (E'https://app.example/a\nb'), (E'https://app.example/\x01'),
    ('https://app.example/é'),
    ('https://app.example\@evil.example/'), ('https://app.example/%zz'), ('https://app.example/<x>'),
    ('https:///cb'), ('https:app.example/cb'), ('HTTPS://app.example/cb'), ('https://app.example:99999/cb'),
    ('https://0x7f.1/cb'), ('https://ex%61mple.com/cb'), ('https://app.example/a/../b'),
    ('https://app.example/%2e%2E/b')) AS t (uri);

-- http beyond the machine, and schemes that are nobody's (RFC 8252 sections 7.1 and 8.4).
SELECT uri, pg_temp.registering(uri) FROM (VALUES
    ('http://app.example/cb'), ('http://127.0.0.2/cb'), ('http://127.0.0.1.evil.example/cb'),
    ('http://127.0.0.1@evil.example/cb'),
    ('javascript:alert(1)'), ('data:text/html,x'), ('file:///etc/passwd'), ('myapp:/cb'), ('com..app:/cb'),
    ('urn:example:cb')) AS t (uri);
SELECT pg_temp.registering('https://app.example/' || repeat('a', 2028)),
       pg_temp.registering('https://app.example/' || repeat('a', 2029)),
       pg_temp.registering(repeat('https://app.example/', 50000));

-- Schemes without a dot are the tenant's to allow, and none that a browser runs, shows or loads itself.
SELECT pg_temp.registering('cursor://anysphere.cursor-retrieval/oauth/callback') AS before;
SELECT auth_store.tenant_create('schemes', redirect_uri_schemes => ARRAY['cursor', 'vscode']);
SELECT id, redirect_uri_schemes FROM auth_store.tenants WHERE id IN ('default', 'schemes') ORDER BY 1;
SELECT uri, pg_temp.raised(format('SELECT auth_store.client_create(%L, ARRAY[%L], %L, tenant_id => %L)', 'app', uri,
    'public', 'schemes')) FROM (VALUES
    ('cursor://anysphere.cursor-retrieval/oauth/callback'), ('vscode://vendor.extension/cb?windowId=1'), ('vscode:/cb'),
    ('windsurf://cb'), ('Cursor://cb'), ('cursor://u@cb'), ('cursor://cb#x'), ('cursor'), ('javascript:alert(1)'),
    ('http://app.example/cb')) AS t (uri);
-- Another tenant's list is not this one's.
SELECT pg_temp.registering('vscode://vendor.extension/cb') AS elsewhere;
SELECT client_id AS editor
  FROM auth_store.client_create('editor', ARRAY['vscode://vendor.extension/cb'], 'public', tenant_id => 'schemes',
      scope => 'read') \gset
SELECT uri, auth_store.client_allows_redirect_uri(:'editor', uri) AS allowed
  FROM (VALUES ('vscode://vendor.extension/cb'), ('vscode://vendor.extension/cb2'), ('VSCODE://vendor.extension/cb'),
      ('vscode://vendor.extension:1/cb')) AS t (uri);
SELECT user_id AS eve FROM auth_store.user_create(external_id => 'redirect-eve', tenant_id => 'schemes') \gset
SELECT code IS NOT NULL AS code, error
  FROM auth_store.code_issue(:'editor', :'eve', 'vscode://vendor.extension/cb', code_challenge => :'challenge');
-- Off the list, what is registered stays, and is no reason to refuse another change; a new one is refused.
SELECT auth_store.tenant_update('schemes', redirect_uri_schemes => '{cursor}');
SELECT auth_store.tenant_update('schemes', 'Schemes');
SELECT redirect_uri_schemes FROM auth_store.tenants WHERE id = 'schemes';
SELECT pg_temp.raised(format('SELECT auth_store.client_update(%L, %L)', :'editor', changes)) FROM (VALUES
    ('{"scope": "read write"}'), ('{"redirect_uris": ["vscode://vendor.extension/cb"]}'),
    ('{"redirect_uris": ["vscode://vendor.extension/cb", "vscode://vendor.extension/new"]}'),
    ('{"redirect_uris": ["cursor://cb"]}')) AS t (changes);
SELECT list, pg_temp.raised(format('SELECT auth_store.tenant_update(%L, redirect_uri_schemes => %L)', 'schemes', list))
  FROM (VALUES
    ('{javascript}'), ('{data}'), ('{file}'), ('{blob}'), ('{vbscript}'), ('{about}'), ('{http}'), ('{https}'),
    ('{view-source}'), ('{filesystem}'), ('{ws}'), ('{mailto}'), ('{cursor,javascript}'),
    ('{JavaScript}'), ('{Vscode}'), ('{vscode:}'), ('{vscode://}'), ('{""}'), ('{NULL}'), ('{1a}'), ('{é}'),
    ('{"a b"}'), ('{}')) AS t (list);
SELECT pg_temp.raised(format('SELECT auth_store.tenant_create(%L, redirect_uri_schemes => %L)', 'other',
    array_fill('a'::text, ARRAY[51])));
-- Nor does one that came into the table past the functions do anything.
UPDATE auth_store.tenants SET redirect_uri_schemes = '{javascript,http,https,data}' WHERE id = 'schemes';
SELECT uri, pg_temp.raised(format('SELECT auth_store.client_create(%L, ARRAY[%L], tenant_id => %L)', 'app', uri,
    'schemes')) FROM (VALUES
    ('javascript:alert(1)'), ('javascript://app.example/%0Aalert(1)'), ('data:text/html,x'), ('http://app.example/cb'),
    ('https:app.example/cb')) AS t (uri);

-- A presented URI is compared as a string (RFC 9700 section 2.1) with each registered one.
SELECT client_id AS client FROM auth_store.client_create('app',
    ARRAY['https://app.example/cb', 'https://app.example/other?x=1', 'com.example.app:/cb'], 'public',
    scope => 'read') \gset
SELECT user_id AS ann FROM auth_store.user_create(external_id => 'redirect-ann') \gset
SELECT uri, c.error, c.error_description
  FROM (VALUES
    (1, 'https://app.example/cb'), (2, 'https://app.example/other?x=1'), (3, 'com.example.app:/cb'),
    (4, 'https://app.example/cb/'), (5, 'https://app.example/cb?x=1'), (6, 'https://app.example/CB'),
    (7, 'https://APP.example/cb'),
    (8, 'https://app.example:443/cb'), (9, 'https://app.example/%63b'), (10, 'https://app.example/other'),
    (11, 'http://app.example/cb'),
    (12, 'https://app.example.evil.example/cb'), (13, 'https://app.example/cb#x'), (14, 'com.example.app:/cb2'),
    (15, ''),
    (16, 'javascript:alert(1)'), (17, NULL)) AS t (n, uri),
  LATERAL auth_store.code_issue(:'client', :'ann', uri, code_challenge => :'challenge',
      code_challenge_method => 'S256') AS c
 ORDER BY n;
SELECT error
  FROM auth_store.code_issue(:'client', :'ann', repeat('https://app.example/cb', 50000), code_challenge => :'challenge',
      code_challenge_method => 'S256');

-- The port of a loopback URI is free, and nothing else of it (RFC 8252 section 7.3).
SELECT client_id AS native FROM auth_store.client_create('native',
    ARRAY['http://127.0.0.1/cb', 'http://[::1]:3000/cb', 'http://localhost:3000/cb'], 'public', scope => 'read') \gset
SELECT uri, c.error
  FROM (VALUES
    (1, 'http://127.0.0.1/cb'), (2, 'http://127.0.0.1:51004/cb'), (3, 'http://127.0.0.1:1/cb'),
    (4, 'http://127.0.0.1:65535/cb'),
    (5, 'http://[::1]:51004/cb'), (6, 'http://[::1]/cb'), (7, 'http://localhost:51004/cb'),
    (8, 'http://127.0.0.1:0/cb'), (9, 'http://127.0.0.1:65536/cb'), (10, 'http://127.0.0.1:/cb'),
    (11, 'http://127.0.0.1:+80/cb'),
    (12, 'http://127.0.0.1:51004/other'), (13, 'http://127.0.0.1:51004/cb?x=1'), (14, 'http://127.0.0.1:51004/cb#x'),
    (15, 'https://127.0.0.1:51004/cb'), (16, 'http://127.0.0.2:51004/cb'), (17, 'http://127.0.0.1:80@evil.example/cb'),
    (18, 'http://127.0.0.1.evil.example:80/cb'), (19, 'http://user@127.0.0.1:80/cb'),
    (20, 'http://0.0.0.0:80/cb')) AS t (n, uri),
  LATERAL auth_store.code_issue(:'native', :'ann', uri, code_challenge => :'challenge',
      code_challenge_method => 'S256') AS c
 ORDER BY n;

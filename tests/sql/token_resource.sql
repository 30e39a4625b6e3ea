-- Resource indicators, RFC 8707: what the grant is for, and what each access token of it is.
\i tests/sql/include/helpers.sql

SELECT client_id
  FROM auth_store.client_create('Free', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'resource_free',
      scope => 'read');
SELECT client_secret AS secret
  FROM auth_store.client_create('Bound', ARRAY['https://bound.example/cb'], client_id => 'resource_bound',
      scope => 'read',
    grant_types => ARRAY['authorization_code', 'refresh_token', 'client_credentials'],
    resources => ARRAY['https://a.example/', 'https://b.example/']) \gset
SELECT user_id FROM auth_store.user_create('resource@example.com') \gset

-- Section 2: an absolute URI without a fragment, one that the client may name; it may be repeated.
SELECT t.resource, r.error, r.error_description, i.audience
  FROM (VALUES
    (1, '{https://a.example/}'::text[]),
    (2, '{https://b.example/,https://a.example/,https://b.example/}'),
    (3, '{https://a.example}'),
    (4, '{https://c.example/}'),
    (5, '{https://a.example/,https://c.example/}'),
    (6, '{https://a.example/#f}'),
    (7, '{/a}'),
    (8, '{""}'),
    (9, '{NULL}'),
    (10, '{}'),
    (11, NULL)) AS t (n, resource),
  LATERAL auth_store.token_issue('resource_bound', :'user_id', resource => t.resource) AS r,
  LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
SELECT error
  FROM auth_store.token_issue('resource_free', :'user_id',
      resource => (SELECT array_agg('urn:example:' || n) FROM generate_series(1, 21) AS n));
SELECT error
  FROM auth_store.token_issue('resource_free', :'user_id',
      resource => ARRAY['https://a.example/' || repeat('x', 2048)]);
-- RFC 3986 sections 6.2.2.1 and 6.2.3: scheme, host, port and an empty path in their normal form, whatever the client
-- writes; the token says it as the client is registered. A path that is there is compared as it is.
SELECT t.resource, r.error, i.audience
  FROM (VALUES
    (1, 'https://a.example'),
    (2, 'HTTPS://A.Example:443/'),
    (3, 'https://b.example:'),
    (4, 'https://a.example//'),
    (5, 'https://a.example/b'),
    (6, 'http://a.example/'),
    (7, 'https://a.example:8443/'),
    (8, 'https://a.example@c.example/'),
    (9, 'https:a.example')) AS t (n, resource),
  LATERAL auth_store.token_issue_client_credentials('resource_bound', :'secret',
      resource => ARRAY[t.resource, t.resource]) AS r, LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
SELECT i.audience
  FROM auth_store.token_issue('resource_bound', :'user_id',
      resource => ARRAY['https://b.example', 'https://a.example:443', 'HTTPS://b.example:443/']) AS r,
       pg_temp.seen(r.access_token) AS i;
SELECT access_token, refresh_token
  FROM auth_store.token_issue('resource_free', :'user_id',
      resource => ARRAY['https://H.example', 'https://h.example/api', 'urn:example:api']) \gset n_
SELECT t.resource, a.active, a.error
  FROM (VALUES (1, 'https://h.example/'), (2, 'HTTPS://h.example:443'), (3, 'https://h.example/api'),
      (4, 'https://h.example/api/'), (5, 'https://h.example/API'), (6, 'URN:example:api'), (7, 'urn:example:API'))
       AS t (n, resource),
    LATERAL auth_store.token_authorize(:'n_access_token', resource => t.resource) AS a ORDER BY n;
SELECT error, error_description FROM auth_store.token_use(:'n_access_token', resource => 'https://h.example/other');
SELECT t.resource, r.error, i.audience
  FROM (VALUES (1, 'https://h.example:443/'), (2, 'https://h.example/api/')) AS t (n, resource),
    LATERAL auth_store.token_refresh(:'n_refresh_token', 'resource_free', resource => ARRAY[t.resource]) AS r,
    LATERAL pg_temp.seen(r.access_token) AS i ORDER BY n;
SELECT scope FROM auth_store.consent_record(:'user_id', 'resource_free', 'read', ARRAY['https://h.example']);
SELECT t.resource, c.granted
  FROM (VALUES (1, 'HTTPS://H.example:443/'), (2, 'https://h.example/api')) AS t (n, resource),
    LATERAL auth_store.consent_check(:'user_id', 'resource_free', 'read', ARRAY[t.resource]) AS c ORDER BY n;
-- A client that is registered for some gets no token for others by naming none, at whichever endpoint.
SELECT i.audience
  FROM auth_store.token_issue_client_credentials('resource_bound', :'secret') AS r, pg_temp.seen(r.access_token) AS i;
SELECT code FROM auth_store.code_issue('resource_bound', :'user_id', code_challenge => :'challenge') \gset
SELECT access_token, refresh_token
  FROM auth_store.code_redeem(:'code', 'resource_bound', client_secret => :'secret',
      code_verifier => :'verifier') \gset r_
SELECT audience FROM auth_store.token_introspect(:'r_access_token');
SELECT error
  FROM auth_store.token_refresh(:'r_refresh_token', 'resource_bound', :'secret',
      resource => ARRAY['https://c.example/']);
SELECT active, error FROM auth_store.token_authorize(:'r_access_token', resource => 'https://c.example/');
-- One that is not may name any, and without a name its tokens are for any.
SELECT access_token, refresh_token FROM auth_store.token_issue('resource_free', :'user_id') \gset f_
SELECT i.audience, a.active
  FROM auth_store.token_introspect(:'f_access_token') AS i,
       auth_store.token_authorize(:'f_access_token', resource => 'https://c.example/') AS a;
SELECT i.audience
  FROM auth_store.token_refresh(:'f_refresh_token', 'resource_free', resource => ARRAY['https://c.example/']) AS r,
       pg_temp.seen(r.access_token) AS i;

-- Section 2.2: the access token's resources are a subset of the grant's, at the redemption and at each refresh; the
-- refresh token keeps them all.
SELECT code
  FROM auth_store.code_issue('resource_bound', :'user_id', code_challenge => :'challenge',
      resource => ARRAY['https://a.example/', 'https://b.example/']) \gset
SELECT error
  FROM auth_store.code_redeem(:'code', 'resource_bound', client_secret => :'secret', code_verifier => :'verifier',
      resource => ARRAY['https://c.example/']);
SELECT access_token, refresh_token, grant_id
  FROM auth_store.code_redeem(:'code', 'resource_bound', client_secret => :'secret', code_verifier => :'verifier',
    resource => ARRAY['https://a.example/']) \gset r_
SELECT i.audience, g.resources AS granted FROM auth_store.token_introspect(:'r_access_token') AS i
  JOIN auth_store.grants g ON g.id = i.grant_id;
SELECT access_token, refresh_token
  FROM auth_store.token_refresh(:'r_refresh_token', 'resource_bound', :'secret',
      resource => ARRAY['https://b.example/']) \gset s_
SELECT i.audience, g.resources AS granted FROM auth_store.token_introspect(:'s_access_token') AS i
  JOIN auth_store.grants g ON g.id = i.grant_id;
SELECT access_token, refresh_token
  FROM auth_store.token_refresh(:'s_refresh_token', 'resource_bound', :'secret') \gset s_
SELECT audience FROM auth_store.token_introspect(:'s_access_token');
SELECT error, error_description
  FROM auth_store.token_refresh(:'s_refresh_token', 'resource_bound', :'secret',
      resource => ARRAY['https://b.example/', 'https://c.example/']);
-- The refusal changed nothing.
SELECT rotation_count, revoked_at IS NULL AS live FROM auth_store.grants WHERE id = :'r_grant_id';
-- A client that may name more since: the grant is what it was. One that may name less: what is
-- taken from it is left out.
SELECT FROM auth_store.client_update('resource_bound', '{"resources": ["https://c.example/"]}');
SELECT error
  FROM auth_store.token_refresh(:'s_refresh_token', 'resource_bound', :'secret',
      resource => ARRAY['https://c.example/']);
SELECT r.error, i.audience
  FROM auth_store.token_refresh(:'s_refresh_token', 'resource_bound', :'secret') AS r,
       pg_temp.seen(r.access_token) AS i;
SELECT FROM auth_store.client_update('resource_bound', '{"resources": ["https://c.example/", "https://b.example/"]}');
SELECT r.error, i.audience
  FROM auth_store.token_refresh(:'s_refresh_token', 'resource_bound', :'secret') AS r,
       pg_temp.seen(r.access_token) AS i;

-- What a resource server sees: aud, a text for one and a list for several (RFC 7519 section 4.1.3).
SELECT auth_store.token_introspection(:'r_access_token')->'aud' AS one,
       auth_store.token_introspection(:'s_access_token')->'aud' AS several;
SELECT t.resource, a.active, a.error
  FROM (VALUES (1, 'https://a.example/'), (2, 'https://b.example/'), (3, 'https://a.example'), (4, ''))
       AS t (n, resource),
  LATERAL auth_store.token_authorize(:'r_access_token', resource => t.resource) AS a ORDER BY n;
SELECT event, error, flags FROM auth_store.audit_log WHERE client_id LIKE 'resource\_%' AND error IS NOT NULL
 GROUP BY 1, 2, 3 ORDER BY 1;

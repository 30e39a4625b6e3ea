-- What docs/how-to/endpoints.md promises to an application that puts the functions behind HTTP: how credentials and
-- addresses arrive, what a limit leaves as it was.
\i tests/sql/include/helpers.sql

-- Basic credentials are form-encoded (RFC 6749 section 2.3.1). Not decoded, a secret of the store's is a wrong one;
-- what the store makes has nothing that decoding would change.
SELECT client_id AS client, client_secret AS secret
  FROM auth_store.client_create('Encoding', ARRAY['https://app.example/cb'], scope => 'a') \gset
SELECT what, a.ok, a.error
  FROM (VALUES (1, 'as it is', :'secret'), (2, 'one character', replace(:'secret', '_', '%5F')),
      (3, 'in lower case', replace(:'secret', '_', '%5f')),
               (4, 'every character', (SELECT string_agg('%' || upper(encode(convert_to(c, 'UTF8'), 'hex')), '')
                                         FROM regexp_split_to_table(:'secret', '') AS c))) AS t (n, what, secret),
       LATERAL auth_store.client_authenticate(:'client', secret) AS a
 ORDER BY n;
SELECT count(*) FILTER (WHERE c.client_secret ~ '^[A-Za-z0-9_-]+$' AND c.client_id ~ '^[A-Za-z0-9_-]+$') AS plain
  FROM generate_series(1, 20) AS n, LATERAL auth_store.client_create('Encoding ' || n) AS c;
-- The header or the form: the store does not ask where it stood.
SELECT method, a.ok
  FROM (VALUES ('client_secret_basic'), ('client_secret_post')) AS m (method),
       LATERAL auth_store.client_create('Method', token_endpoint_auth_method => method) AS c,
       LATERAL auth_store.client_authenticate(c.client_id, c.client_secret) AS a
 ORDER BY method;

-- The authorization endpoint: whether to send a refusal there (RFC 6749 section 4.1.2.1); the state comes back with it.
SELECT auth_store.user_ensure('endpoints') AS user_id \gset
SELECT auth_store.client_allows_redirect_uri(:'client', uri) AS allowed, c.code IS NOT NULL AS code, c.state, c.error
  FROM (VALUES (1, 'https://app.example/cb', 'a'), (2, 'https://app.example/cb', 'b'),
      (3, 'https://evil.example/cb', 'a')) AS t (n, uri, scope),
       LATERAL auth_store.code_issue(:'client', :'user_id', uri, scope, code_challenge => :'challenge',
           state => 's' || n) AS c
 ORDER BY n;

-- A client over its limit: one error at every endpoint, seconds for Retry-After (RFC 6585 section 4),
-- and nothing is used up.
SELECT code
  FROM auth_store.code_issue(:'client', :'user_id', 'https://app.example/cb', 'a', code_challenge => :'challenge') \gset
SELECT refresh_token AS refresh, access_token AS token
  FROM auth_store.token_issue(:'client', :'user_id', scope => 'a', refresh => true) \gset
SELECT auth_store.client_update(:'client', '{"rate_limit_per_hour": 1}') \gset
SELECT ok FROM auth_store.client_authenticate(:'client', :'secret');
SELECT endpoint, error, retry_after BETWEEN 1 AND 3600 AS retry_after FROM (
    SELECT 1, 'token', r.error, r.retry_after
      FROM auth_store.code_redeem(:'code', :'client', client_secret => :'secret',
          redirect_uri => 'https://app.example/cb', code_verifier => :'verifier') AS r
    UNION ALL SELECT 2, 'refresh', r.error, r.retry_after
      FROM auth_store.token_refresh(:'refresh', :'client', client_secret => :'secret') AS r
    UNION ALL SELECT 3, 'revocation', r.error, r.retry_after
      FROM auth_store.token_revoke(:'token', :'client', client_secret => :'secret') AS r
    UNION ALL SELECT 4, 'introspection', r.error, r.retry_after
      FROM auth_store.client_authenticate(:'client', :'secret') AS r
    UNION ALL SELECT 5, 'pushed request', r.error, r.retry_after
      FROM auth_store.pushed_request_create(client_id => :'client', parameters => '{"response_type": "code"}',
          client_secret => :'secret') AS r
    ) AS t (n, endpoint, error, retry_after)
 ORDER BY n;
SELECT auth_store.client_update(:'client', '{"rate_limit_per_hour": null}') \gset
SELECT active FROM auth_store.token_introspect(:'token');
SELECT error
  FROM auth_store.code_redeem(:'code', :'client', client_secret => :'secret', redirect_uri => 'https://app.example/cb',
      code_verifier => :'verifier');
SELECT error FROM auth_store.token_refresh(:'refresh', :'client', client_secret => :'secret');

-- A limited poll of a device, which the endpoint answers as slow_down (RFC 8628 section 3.5): the request is as good as
-- before, its interval what it was, and it is redeemed when the limit allows.
SELECT client_id AS tv FROM auth_store.client_create('Television', client_type => 'public', scope => 'a',
    grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code'], rate_limit_per_hour => 2) \gset
SELECT device_code, user_code FROM auth_store.device_authorize(:'tv', scope => 'a') \gset
SELECT error, retry_after FROM auth_store.device_redeem(:'device_code', :'tv');
SELECT error, retry_after BETWEEN 1 AND 3600 AS retry_after
  FROM generate_series(1, 3), LATERAL auth_store.device_redeem(:'device_code', :'tv');
SELECT error FROM auth_store.device_approve(:'user_code', :'user_id');
SELECT error, access_token IS NULL AS none FROM auth_store.device_redeem(:'device_code', :'tv');
SELECT poll_interval, slowed_at IS NULL AS never_slowed FROM auth_store.device_codes WHERE client_id = :'tv';
SELECT auth_store.client_update(:'tv', '{"rate_limit_per_hour": null}') \gset
SELECT error, access_token IS NOT NULL AS token FROM auth_store.device_redeem(:'device_code', :'tv');

-- An address is PostgreSQL's to read: what it cannot read fails before the function runs, and leaves no row.
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT ip, pg_temp.raised(format('SELECT auth_store.client_authenticate(%L, %L, ip => %L)', :'client', :'secret', ip))
  FROM unnest(ARRAY['198.51.100.7, 203.0.113.9', '203.0.113.9:51004', '[2001:db8::1]:443', '[2001:db8::1]',
      'fe80::1%eth0', 'fe80::1%25eth0', 'unknown',
                    '', ' ', ' 203.0.113.9', '203.0.113.9 ', '203.0.113', '203.0.113.256', '/run/app.sock',
                    'localhost']) AS ip;
SELECT count(*) AS rows FROM pg_temp.trail();
-- What it reads: an IPv4 address in IPv6 form counts as the IPv4 address, and a network is one.
SELECT api_key
  FROM auth_store.api_key_create('Networks', user_id => :'user_id', allowed_cidrs => '{203.0.113.0/25}') \gset
SELECT ip, k.valid, k.error
  FROM (VALUES (1, '203.0.113.9'), (2, '::ffff:203.0.113.9'), (3, '203.0.113.0/26'), (4, '203.0.113.0/24'),
      (5, '203.0.113.9/24'), (6, NULL)) AS t (n, ip),
       LATERAL auth_store.api_key_verify(:'api_key', ip => ip::inet) AS k
 ORDER BY n;

-- Connections to other providers: stored, read, listed, refreshed under a lease, revoked, deleted.
\i tests/sql/include/helpers.sql

-- Stored: an id, what is there is sealed, and what is read is what was stored.
SELECT auth_store.connection_store('github', 'u1', 'gho_access', 'ghr_refresh', 'repo read:user',
    clock_timestamp() + interval '8 hours', provider_account_id => 'octocat', team_id => 'acme-inc',
    provider_tenant_id => 'ghe-1', metadata => '{"login": "octocat", "n": 12345678901234567890.5}') AS id \gset
SELECT connection_id = :'id' AS id, access_token, refresh_token, scope,
       access_token_expires_at - clock_timestamp() > '7 hours' AS ends, status, metadata, error
  FROM auth_store.connection_get('github', 'u1');
SELECT octet_length(access_token) - length('gho_access') AS overhead,
       octet_length(refresh_token) - length('ghr_refresh') AS of_the_other,
       position('gho_access'::bytea IN access_token) AS plain,
       key_id = (SELECT k.id FROM auth_store.vault_keys k
                  WHERE k.tenant_id = 'default' AND k.retired_at IS NULL) AS by_the_tenants_key, tenant_id, fence,
       leased_until, failures
  FROM auth_store.connections WHERE id = :'id';
SELECT array_agg(attname ORDER BY attname) AS not_compressed FROM pg_attribute
 WHERE attrelid = 'auth_store.connections'::regclass AND attstorage = 'e';
-- The first key of the vault may be there already, of which the trail tells once.
SELECT * FROM pg_temp.trail() WHERE event <> 'vault.key_created';
SELECT count(*) FROM auth_store.audit_log WHERE event = 'vault.key_created' AND tenant_id = 'default';
SELECT details FROM auth_store.audit_log WHERE resource_type = 'connection' AND resource_id = :'id';
-- No other actor, provider or kind of actor has it.
SELECT count(*) AS none
  FROM (SELECT FROM auth_store.connection_get('github', 'u2')
         UNION ALL SELECT FROM auth_store.connection_get('gitlab', 'u1')
         UNION ALL SELECT FROM auth_store.connection_get('github', 'u1', 'api_key')) x;
SELECT count(*) AS silent FROM pg_temp.trail();

-- Every documented provider has an acceptable name; others too, of the same shape.
SELECT count(auth_store.connection_store(p, 'providers', 'x')) AS stored
  FROM unnest('{vercel,netlify,aws,gcp,azure,cloudflare,zapier,github,google,microsoft,my-own.provider_2}'::text[])
       AS p;
SELECT string_agg(provider, ' ' ORDER BY n) AS of_one_actor, count(access_token_expires_at) AS ends
  FROM auth_store.connection_list('providers') WITH ORDINALITY
       AS l (a, provider, c, d, e, f, g, access_token_expires_at, h, i, j, k, m, o, p, q, r, n);
SELECT status, access_token, refresh_token FROM auth_store.connection_get('vercel', 'providers');
SELECT FROM pg_temp.trail();

-- Stored again: the same id. What nothing is said of stays, the refresh token too (RFC 6749 section 6).
SELECT auth_store.connection_store('github', 'u1', 'gho_second',
    access_token_expires_at => clock_timestamp() + interval '1 hour') = :'id' AS same;
SELECT access_token, refresh_token, scope, metadata->>'login' AS login FROM auth_store.connection_get('github', 'u1');
SELECT provider_account_id, team_id, provider_tenant_id FROM auth_store.connection_list('u1');
SELECT auth_store.connection_store('github', 'u1', 'gho_third', 'ghr_third', 'repo', provider_account_id => 'octocat',
    team_id => 'other', metadata => '{}') = :'id' AS same;
SELECT access_token, refresh_token, scope, metadata, access_token_expires_at
  FROM auth_store.connection_get('github', 'u1');
SELECT provider_account_id, team_id, provider_tenant_id FROM auth_store.connection_list('u1');
-- Of another account at the provider nothing of the first stays, its refresh token least of all.
SELECT auth_store.connection_store('github', 'u1', 'gho_fourth', provider_account_id => 'hubot') = :'id' AS same;
SELECT access_token, refresh_token, scope, metadata, access_token_expires_at
  FROM auth_store.connection_get('github', 'u1');
SELECT provider_account_id, team_id, provider_tenant_id FROM auth_store.connection_list('u1');
SELECT * FROM pg_temp.trail();

-- A token of any size and script.
SELECT auth_store.connection_store('azure', 'long', repeat('é', 32768), repeat('x', 65536)) AS long \gset
SELECT access_token = repeat('é', 32768) AND refresh_token = repeat('x', 65536) AS whole
  FROM auth_store.connection_get('azure', 'long');

-- The five statuses. A life of an hour is in its last tenth for six minutes, one of sixty days in
-- its last day for a day.
CREATE FUNCTION pg_temp.aged(life interval, age interval) RETURNS text LANGUAGE sql AS $$
    SELECT auth_store.connection_status('2030-01-01'::timestamptz + age, '2030-01-01', '2030-01-01'::timestamptz + life,
        0, NULL)
$$;
SELECT life, age, pg_temp.aged(life::interval, age::interval)
  FROM (VALUES ('1 hour', '53 min 59 s'), ('1 hour', '54 min'), ('1 hour', '59 min 59 s'), ('1 hour', '1 hour'),
    ('60 days', '58 days 23:59'), ('60 days', '59 days'), ('60 days', '60 days'), ('5 days', '4 days 11:59'),
    ('5 days', '4 days 12:00'), ('-1 s', '0 s'), ('0 s', '0 s')) AS t (life, age);
SELECT auth_store.connection_status('2030-01-01', '2020-01-01', NULL, 0, NULL) AS endless,
       auth_store.connection_status('2030-01-01', '2020-01-01', '2030-01-02', 3, NULL) AS failed,
       auth_store.connection_status('2030-01-01', '2020-01-01', NULL, 3, '2029-01-01') AS revoked,
       auth_store.connection_status(NULL, '2020-01-01', NULL, 0, NULL) AS nothing;

-- A lease: one caller has the refresh token, the others learn when to look again.
SELECT auth_store.connection_store('google', 'u1', 'ya29.first', '1//first', 'email',
    clock_timestamp() - interval '1 s') AS id \gset
SELECT FROM pg_temp.trail();
SELECT provider, actor_type, actor_id, tenant_id, scope, failures, metadata,
       access_token_expires_at < clock_timestamp() AS expired FROM auth_store.connections_due()
 WHERE connection_id = :'id';
SELECT granted, refresh_token, fence, leased_until - clock_timestamp() BETWEEN '55 s' AND '1 min' AS a_minute,
       retry_after, error
  FROM auth_store.connection_lease(:'id');
SELECT granted, refresh_token, fence, retry_after BETWEEN 55 AND 60 AS a_minute, error, error_description
  FROM auth_store.connection_lease(:'id');
SELECT count(*) AS due FROM auth_store.connections_due() WHERE connection_id = :'id';
SELECT status, refresh_token FROM auth_store.connection_get('google', 'u1');
SELECT * FROM pg_temp.trail();
SELECT count(*) AS indexes_on_what_a_lease_changes FROM pg_index i
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
 WHERE i.indrelid = 'auth_store.connections'::regclass
   AND a.attname IN ('fence', 'leased_until', 'failures', 'last_error', 'last_error_at');
-- Only the fence of that lease ends it.
SELECT * FROM auth_store.connection_complete(:'id', 0, 'ya29.forged', '1//forged');
SELECT * FROM auth_store.connection_fail(:'id', 2, 'forged');
SELECT access_token, refresh_token FROM auth_store.connection_get('google', 'u1');
SELECT ok, status, retry_after, error
  FROM auth_store.connection_complete(:'id', 1, 'ya29.second', '1//second', clock_timestamp() + interval '1 hour',
      'email profile');
SELECT access_token, refresh_token, scope, status, access_token_expires_at > clock_timestamp() AS lives
  FROM auth_store.connection_get('google', 'u1');
SELECT * FROM auth_store.connection_complete(:'id', 1, 'ya29.twice', '1//twice');
SELECT access_token FROM auth_store.connection_get('google', 'u1');
SELECT * FROM pg_temp.trail();
SELECT details - 'actor_id' - 'actor_type' AS details FROM auth_store.audit_log WHERE resource_id = :'id'
 ORDER BY occurred_at;
-- Now it is not due. Without if_due it can be leased all the same: where the provider has said that the access
-- token is none any more.
SELECT granted, retry_after BETWEEN 3235 AND 3240 AS in_54_minutes, error, error_description
  FROM auth_store.connection_lease(:'id', if_due => true);
SELECT granted, fence, refresh_token FROM auth_store.connection_lease(:'id', '1 hour');
-- A provider that keeps the refresh token says nothing of it.
SELECT ok, status FROM auth_store.connection_complete(:'id', 2, 'ya29.third');
SELECT access_token, refresh_token, scope, access_token_expires_at FROM auth_store.connection_get('google', 'u1');
-- A lease that is over is somebody else's; whoever comes late with the old fence changes nothing.
SELECT fence FROM auth_store.connection_lease(:'id', '1 s');
SELECT pg_sleep(1.05);
SELECT granted, fence FROM auth_store.connection_lease(:'id');
SELECT ok, error FROM auth_store.connection_complete(:'id', 3, 'ya29.late', '1//late');
SELECT ok, error FROM auth_store.connection_fail(:'id', 3, 'late');
-- Late, but nobody has overtaken it: what the provider gave is not lost.
UPDATE auth_store.connections SET leased_until = clock_timestamp() - interval '1 min' WHERE id = :'id';
SELECT ok, status
  FROM auth_store.connection_complete(:'id', 4, 'ya29.fourth', '1//fourth', clock_timestamp() + interval '1 hour');
SELECT access_token, refresh_token FROM auth_store.connection_get('google', 'u1');
SELECT FROM pg_temp.trail();

-- Failures back off; the status says so; a success forgets them.
UPDATE auth_store.connections SET refresh_at = clock_timestamp() WHERE id = :'id';
SELECT n, l.granted, f.ok, f.status, f.retry_after, f.error
  FROM generate_series(1, 9) AS n,
       LATERAL (SELECT * FROM auth_store.connection_lease(CASE WHEN n > 0 THEN :'id'::uuid END)) AS l,
       LATERAL (SELECT * FROM auth_store.connection_fail(:'id', l.fence, 'http 503, attempt ' || n)) AS f ORDER BY n;
SELECT status, access_token FROM auth_store.connection_get('google', 'u1');
SELECT status, failures, last_error, last_error_at IS NOT NULL AS at FROM auth_store.connection_list('u1')
 WHERE provider = 'google';
SELECT count(*) AS not_due_yet FROM auth_store.connections_due() WHERE connection_id = :'id';
SELECT granted, error FROM auth_store.connection_lease(:'id', if_due => true);
UPDATE auth_store.connections SET refresh_at = clock_timestamp() WHERE id = :'id';
SELECT failures FROM auth_store.connections_due() WHERE connection_id = :'id';
SELECT fence FROM auth_store.connection_lease(:'id', if_due => true) \gset
SELECT ok, status
  FROM auth_store.connection_complete(:'id', :fence, 'ya29.fifth', expires_at => clock_timestamp() + interval '1 hour');
SELECT failures, last_error, last_error_at FROM auth_store.connection_list('u1') WHERE provider = 'google';
-- invalid_grant (RFC 6749 section 5.2) is the end of a refresh token: nobody tries it again by himself.
SELECT fence FROM auth_store.connection_lease(:'id') \gset
SELECT ok, status, retry_after FROM auth_store.connection_fail(:'id', :fence, 'invalid_grant');
SELECT refresh_at, last_error, status FROM auth_store.provider_connections WHERE connection_id = :'id';
SELECT granted, retry_after, error FROM auth_store.connection_lease(:'id', if_due => true);
-- The user connects again: a lease under way ends, and the error is forgotten.
SELECT fence FROM auth_store.connection_lease(:'id') \gset
SELECT auth_store.connection_store('google', 'u1', 'ya29.sixth', '1//sixth') = :'id' AS same;
SELECT ok, error FROM auth_store.connection_complete(:'id', :fence, 'ya29.late');
SELECT access_token, status FROM auth_store.connection_get('google', 'u1');
SELECT event, error, count(*) FROM pg_temp.trail() GROUP BY event, error ORDER BY event, error;

-- Due, the longest first, so many and no more; not what has no refresh token, no end, or a tenant that is suspended.
SELECT auth_store.tenant_create('connected');
SELECT count(auth_store.connection_store('aws', 'due ' || n, 'x', 'y', NULL,
    '2020-01-01'::timestamptz + n * interval '1 day',
    tenant_id => CASE WHEN n % 2 = 0 THEN 'connected' ELSE 'default' END)) FROM generate_series(1, 6) AS n;
SELECT auth_store.connection_store('aws', 'no refresh token', 'x',
    access_token_expires_at => '2020-01-01') IS NOT NULL AS stored;
SELECT actor_id FROM auth_store.connections_due();
SELECT actor_id FROM auth_store.connections_due(2);
SELECT auth_store.tenant_set_status('connected', 'suspended');
SELECT actor_id FROM auth_store.connections_due(2);
SELECT actor_id FROM auth_store.connections_due(1000);
SELECT connection_id IS NOT NULL AS found, access_token, refresh_token, status, error, error_description
  FROM auth_store.connection_get('aws', 'due 2', tenant_id => 'connected');
SELECT connection_id AS suspended FROM auth_store.connection_list('due 2', tenant_id => 'connected') \gset
SELECT granted, refresh_token, error, error_description FROM auth_store.connection_lease(:'suspended');
SELECT pg_temp.raised($$SELECT auth_store.connection_store('aws', 'due 2', 'x', tenant_id => 'connected')$$);
SELECT auth_store.tenant_set_status('connected', 'active');
SELECT access_token FROM auth_store.connection_get('aws', 'due 2', tenant_id => 'connected');
SELECT granted, refresh_token FROM auth_store.connection_lease(:'suspended');

-- A lease that is refused says why.
SELECT granted, retry_after, error, error_description FROM auth_store.connection_lease(gen_random_uuid());
SELECT granted, retry_after, error, error_description
  FROM auth_store.connection_lease((SELECT connection_id FROM auth_store.connection_list('no refresh token')));
SELECT ok, status, error FROM auth_store.connection_complete(gen_random_uuid(), 1, 'x');
SELECT ok, status, error FROM auth_store.connection_fail(gen_random_uuid(), 1, 'x');

-- Revoked: the tokens are gone, the row tells of it; once. Connecting again brings it back.
SELECT FROM pg_temp.trail();
SELECT fence FROM auth_store.connection_lease(:'id') \gset
SELECT auth_store.connection_revoke(:'id', 'the user asked for it') AS first,
       auth_store.connection_revoke(:'id') AS second;
SELECT access_token, refresh_token, refresh_at, leased_until, revoked_reason FROM auth_store.connections
 WHERE id = :'id';
SELECT access_token, refresh_token, status FROM auth_store.connection_get('google', 'u1');
SELECT granted, error, error_description FROM auth_store.connection_lease(:'id');
SELECT ok, status, error FROM auth_store.connection_complete(:'id', :fence, 'x');
SELECT * FROM pg_temp.trail();
SELECT auth_store.connection_store('google', 'u1', 'ya29.seventh') = :'id' AS same;
SELECT access_token, refresh_token, status, scope FROM auth_store.connection_get('google', 'u1');
SELECT revoked_at, revoked_reason FROM auth_store.connection_list('u1') WHERE provider = 'google';
SELECT auth_store.connection_delete(:'id');
SELECT count(*) AS left_of_it FROM auth_store.connection_get('google', 'u1');
SELECT * FROM pg_temp.trail();
-- With its tenant go its connections and data keys.
SELECT auth_store.tenant_erase('connected', 'connected') > 4 AS erased;
SELECT * FROM pg_temp.tenant_rows('connected') WHERE rows > 0;

-- The view shows everything but the tokens.
SELECT array_agg(a.attname ORDER BY a.attnum) AS columns FROM pg_attribute a
 WHERE a.attrelid = 'auth_store.provider_connections'::regclass;
SET ROLE auth_store_auditor;
SELECT provider, actor_type, actor_id, status, has_refresh_token FROM auth_store.provider_connections
 WHERE actor_id = 'u1' ORDER BY provider;
SELECT pg_temp.raised('SELECT * FROM auth_store.connection_get(''github'', ''u1'')');
SELECT pg_temp.raised('SELECT access_token FROM auth_store.connections');
RESET ROLE;

-- Mistakes of the caller.
SELECT pg_temp.raised(statement) FROM unnest(ARRAY[
    $$SELECT auth_store.connection_store(NULL, 'u', 'x')$$, $$SELECT auth_store.connection_store('github', NULL, 'x')$$,
    $$SELECT auth_store.connection_store('github', 'u', NULL)$$,
    $$SELECT auth_store.connection_store('github', 'u', '')$$,
    $$SELECT auth_store.connection_store('github', 'u', 'x', '')$$,
    $$SELECT auth_store.connection_store('GitHub', 'u', 'x')$$,
    $$SELECT auth_store.connection_store('github', '', 'x')$$,
    $$SELECT auth_store.connection_store('github', 'u', 'x', actor_type => 'team')$$,
    $$SELECT auth_store.connection_store('github', 'u', repeat('x', 65537))$$,
    $$SELECT auth_store.connection_store('github', 'u', 'x', access_token_expires_at => 'infinity')$$,
    $$SELECT auth_store.connection_store('github', 'u', 'x', metadata => '[]')$$,
    $$SELECT auth_store.connection_store('github', 'u', 'x', team_id => repeat('x', 256))$$,
    $$SELECT auth_store.connection_store('github', 'u', 'x', scope => E'a\nb')$$,
    $$SELECT auth_store.connection_store('github', 'u', 'x', tenant_id => 'nobody')$$,
    $$SELECT auth_store.connection_get('github', NULL)$$,
    $$SELECT auth_store.connection_get('github', 'u', tenant_id => 'nobody')$$,
    $$SELECT auth_store.connection_list(NULL)$$,
    $$SELECT auth_store.connections_due(0)$$, $$SELECT auth_store.connection_lease(NULL)$$,
    $$SELECT auth_store.connection_lease(gen_random_uuid(), '0')$$,
    $$SELECT auth_store.connection_lease(gen_random_uuid(), '1 hour 1 s')$$,
    $$SELECT auth_store.connection_complete(NULL, 1, 'x')$$,
    $$SELECT auth_store.connection_complete(gen_random_uuid(), NULL, 'x')$$,
    $$SELECT auth_store.connection_complete(gen_random_uuid(), 1, NULL)$$,
    $$SELECT auth_store.connection_complete(gen_random_uuid(), 1, 'x', expires_at => '-infinity')$$,
    $$SELECT auth_store.connection_fail(gen_random_uuid(), 1, NULL)$$,
    $$SELECT auth_store.connection_fail(gen_random_uuid(), 1, repeat('x', 1001))$$,
    $$SELECT auth_store.connection_revoke(NULL)$$, $$SELECT auth_store.connection_revoke(gen_random_uuid())$$,
    $$SELECT auth_store.connection_delete(NULL)$$, $$SELECT auth_store.connection_delete(gen_random_uuid())$$
]) WITH ORDINALITY AS t (statement, n) ORDER BY n;

-- From a table encrypted with Fernet: decrypted, sealed, and as old as the Fernet token says.
\set key 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='
SELECT auth_store.connection_import_fernet('github', 'moved', auth_store.fernet_encrypt('gho_moved', :'key'),
    auth_store.fernet_encrypt('ghr_moved', :'key'), 'repo',
    clock_timestamp() + interval '8 hours', provider_account_id => 'octocat', metadata => '{"a": 1}',
    fernet_key => :'key') AS moved \gset
SELECT access_token, refresh_token, scope, status, metadata FROM auth_store.connection_get('github', 'moved');
SELECT clock_timestamp() - refreshed_at < '1 min' AS just_now FROM auth_store.connection_list('moved');
-- That of the specification is of 1985; of several keys any opens.
SELECT auth_store.connection_import_fernet('google', 'moved',
    'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==',
    fernet_key => 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,' || :'key') IS NOT NULL AS moved;
SELECT access_token, refresh_token FROM auth_store.connection_get('google', 'moved');
SELECT refreshed_at AT TIME ZONE 'UTC' AS refreshed_at FROM auth_store.connection_list('moved')
 WHERE provider = 'google';
SELECT event, details->>'provider' AS provider FROM auth_store.audit_log WHERE event = 'connection.imported'
 ORDER BY occurred_at;
SELECT pg_temp.raised(statement) FROM unnest(ARRAY[
    $$SELECT auth_store.connection_import_fernet('github', 'u', 'x')$$,
    $$SELECT auth_store.connection_import_fernet('github', 'u', 'x', fernet_key => 'x')$$,
    $$SELECT auth_store.connection_import_fernet('github', 'u', 'gho_not_encrypted',
        fernet_key => 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')$$,
    $$SELECT auth_store.connection_import_fernet('github', 'u', NULL,
        fernet_key => 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')$$,
    $$SELECT auth_store.connection_import_fernet('github', 'u',
        auth_store.fernet_encrypt('', 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='),
        fernet_key => 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')$$,
    $$SELECT auth_store.connection_import_fernet('github', 'u',
        auth_store.fernet_encrypt('a', 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='), 'x',
        fernet_key => 'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=')$$
]) WITH ORDINALITY AS t (statement, n) ORDER BY n;
DELETE FROM auth_store.connections WHERE tenant_id = 'default';

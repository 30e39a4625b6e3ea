-- What recovered() refuses, and which claims may be lost. The windows are long ago, so that they concern nobody's rows.
-- A fail-over is in tests/tap/recovered.pl.
\i tests/sql/include/helpers.sql
SELECT count(*) AS rows, bool_and(policy IS NULL) AS of_the_install FROM auth_store.recoveries;
SELECT status, what_to_do FROM auth_store.health() WHERE check_name = 'timeline';

SELECT pg_temp.raised($$SELECT auth_store.recovered(NULL, '2020-01-01')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', NULL)$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-02', '2020-01-01')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', 'infinity')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('-infinity', '2020-01-01')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', clock_timestamp() + '1 hour')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', '2020-01-02', 'some')$$);
SELECT pg_temp.raised($$SELECT auth_store.recovered('2020-01-01', '2020-01-02', longest_claim => '25 hours')$$);

-- A claim of a JWT that was made before the end of the window and a minute.
CREATE FUNCTION pg_temp.claim(jti text, issued timestamptz) RETURNS boolean LANGUAGE sql AS
    $$SELECT auth_store.jti_claim('recovery', jti, clock_timestamp() + '1 min', issued_at => issued)$$;
SELECT pg_temp.claim('a', '2020-01-01 12:00Z') AS before;
BEGIN;
SELECT (r).refused_until = '2020-01-02 00:01Z' AS a_minute, (r).claims_until = '2020-01-02 00:10Z' AS ten,
       (r).single_use, (r).sessions, (r).grants, (r).api_keys
  FROM (SELECT auth_store.recovered('2020-01-01 00:00Z', '2020-01-02 00:00Z', 'window', '10 min') AS r) d;
SELECT pg_temp.claim('b', '2020-01-01 12:00Z') AS within, pg_temp.claim('b', '2020-01-02 00:00:59Z') AS nearly,
       pg_temp.claim('b', '2020-01-02 00:01Z') AS after, pg_temp.claim('b', '2020-01-02 00:01Z') AS twice,
       auth_store.jti_claim('recovery', 'c', clock_timestamp() + '1 min') AS long_after;
SELECT error, flags FROM auth_store.audit_log WHERE event = 'jti.claimed' AND resource_id = 'b' ORDER BY occurred_at;
SELECT (r).fences, (r).claims_until = '2020-01-02 00:20Z' AS twenty
  FROM (SELECT auth_store.recovered('2020-01-01 00:00Z', '2020-01-02 00:00Z', longest_claim => '20 min') AS r) d;
SELECT policy, claims_until - lost_to AS longest FROM auth_store.recoveries WHERE policy IS NOT NULL;
ROLLBACK;
-- What was undone is not remembered.
SELECT pg_temp.claim('d', '2020-01-01 12:00Z') AS within;

-- Where nothing was lost, nothing changes.
BEGIN;
SELECT refused_until, claims_until, fences, single_use, sessions, grants, api_keys
  FROM auth_store.recovered('2020-01-01', '2020-01-01');
SELECT pg_temp.claim('e', '2019-01-01') AS before;
SELECT details - 'timeline' AS details FROM auth_store.audit_log WHERE event = 'store.recovered';
ROLLBACK;

-- Proofs and client assertions that were made before the end of a window and a minute may have been used in it: they
-- are refused for as long as they live, later ones are not. An assertion that does not say when it was made may be an
-- hour old.
\i tests/sql/include/sign.sql
\i tests/sql/include/http.sql
SELECT auth_store.tenant_create('recovery') AS made,
       auth_store.provider_set('https://as.example/recovery', tenant_id => 'recovery') AS set;
SELECT client_id FROM auth_store.client_create('Signer', client_id => 'recovery_signer', scope => 'read',
    grant_types => ARRAY['client_credentials'], token_endpoint_auth_method => 'private_key_jwt',
    jwks => jsonb_build_object('keys', jsonb_build_array(pg_temp.jwk('EdDSA'))), tenant_id => 'recovery');
SELECT floor(extract(epoch FROM clock_timestamp()))::bigint AS base \gset
CREATE FUNCTION pg_temp.proved(made bigint, age interval) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(p.error || ': ' || p.error_description, 'proves')
      FROM auth_store.dpop_verify(pg_temp.jwt(jsonb_build_object('typ', 'dpop+jwt', 'jwk', pg_temp.jwk('ES256')),
               jsonb_build_object('jti', gen_random_uuid(), 'htm', 'GET', 'htu', 'https://api.example/', 'iat', made),
               'ES256'), 'GET', 'https://api.example/', max_age => age, tenant_id => 'recovery') p
$$;
CREATE FUNCTION pg_temp.asserted(made bigint, ends bigint) RETURNS text LANGUAGE sql AS $$
    SELECT COALESCE(r.body::jsonb->>'error', 'authenticates')
      FROM pg_temp.post('/recovery/token', jsonb_build_object('grant_type', 'client_credentials',
               'client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', 'client_assertion',
               pg_temp.jwt('{}', jsonb_strip_nulls(jsonb_build_object('iss', 'recovery_signer',
                   'sub', 'recovery_signer', 'aud', 'https://as.example/recovery', 'jti', gen_random_uuid(),
                   'iat', made, 'exp', ends))))) r
$$;
CREATE FUNCTION pg_temp.taken(base bigint) RETURNS TABLE (made text, proof text, assertion text) LANGUAGE sql AS $$
    SELECT COALESCE(m || ' s', 'not said'), pg_temp.proved(base + m, '1 day'), pg_temp.asserted(base + m, base + 300)
      FROM unnest(ARRAY[-3000, -110, -45, -30, NULL]) m
$$;
SELECT * FROM pg_temp.taken(:base);
BEGIN;
SELECT FROM auth_store.recovered(to_timestamp(:base - 200), to_timestamp(:base - 100));
SELECT * FROM pg_temp.taken(:base);
SELECT DISTINCT event, flags FROM auth_store.audit_log WHERE tenant_id = 'recovery' AND flags IS NOT NULL ORDER BY 1;
ROLLBACK;
-- After a window that ended more than an hour before, all is taken again.
BEGIN;
SELECT FROM auth_store.recovered(to_timestamp(:base - 4200), to_timestamp(:base - 3500));
SELECT * FROM pg_temp.taken(:base);
ROLLBACK;
SELECT auth_store.tenant_erase('recovery', 'recovery') > 0 AS erased;

-- The keys that JWTs are signed with: made, imported, rotated and ended, and what of them others see.
\i tests/sql/include/helpers.sql

-- A key without its name and its times: how far it is from now, in seconds.
CREATE FUNCTION pg_temp.keys(tenant text DEFAULT NULL) RETURNS TABLE (
    alg text, state text, published integer, active integer, retired integer, removed integer) LANGUAGE sql AS $$
    SELECT l.alg, l.state, round(EXTRACT(EPOCH FROM l.published_at - now()) / 10)::int * 10,
           round(EXTRACT(EPOCH FROM l.active_from - now()) / 10)::int * 10,
           round(EXTRACT(EPOCH FROM l.retired_at - now()) / 10)::int * 10,
           round(EXTRACT(EPOCH FROM l.removed_at - now()) / 10)::int * 10
      FROM auth_store.signing_key_list(tenant) AS l
$$;
CREATE FUNCTION pg_temp.key_events() RETURNS TABLE (event text, tenant_id text, reason text, successor boolean)
    LANGUAGE sql AS $$
    SELECT a.event, a.tenant_id, a.details ->> 'reason', a.details ->> 'successor' IS NOT NULL
      FROM auth_store.audit_log a WHERE a.event LIKE 'signing\_key.%' ORDER BY 1, 3, 4
$$;

-- What other tests have sealed, and what of theirs has ended.
SELECT coalesce(sum(sealed_rows), 0) AS others FROM auth_store.vault_check() \gset
SELECT auth_store.cleanup_expired_data() >= 0 AS cleaned;
-- The first key signs at once. Its name is the thumbprint of its public key, and nothing of the private one is shown.
SELECT count(*) AS none FROM auth_store.signing_key_list();
SELECT auth_store.signing_key_create() AS first \gset
SELECT * FROM pg_temp.keys();
SELECT kid = :'first' AS named, kid = auth_store.jwk_thumbprint(public_key) AS thumbprint,
       (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(public_key) k) AS members,
       public_key ->> 'use' AS use, public_key ->> 'alg' AS alg, public_key ->> 'kty' AS kty
  FROM auth_store.signing_key_list();
SELECT length(private_key) > 100 AS sealed, kid = :'first' AS named, longest_life FROM auth_store.signing_keys;
SELECT kind, state, sealed_rows - :others AS sealed_rows FROM auth_store.vault_check();

-- The next one is published for as long as a JWKS is cached; then the first ceases to sign, and stays until the last
-- token that it signed has ended.
SELECT auth_store.signing_key_rotate() AS second \gset
SELECT * FROM pg_temp.keys();
SELECT auth_store.signing_key_rotate() = :'second' AS the_same,
       auth_store.signing_key_rotate(overlap => '2 days') = :'second' AS still;
SELECT pg_temp.raised('SELECT auth_store.signing_key_create()');
BEGIN;
SELECT auth_store.signing_key_retire(:'second') = :'first' AS first_signs_on;
SELECT * FROM pg_temp.keys();
ROLLBACK;
BEGIN;
-- Others know the key that signs: the next one takes over at once.
SELECT auth_store.signing_key_retire(:'first', 'compromised') = :'second' AS second_signs;
SELECT * FROM pg_temp.keys();
ROLLBACK;
BEGIN;
SELECT auth_store.signing_key_retire(:'first') = :'second' AS second_will_sign;
SELECT * FROM pg_temp.keys();
ROLLBACK;

-- Time goes by: the second signs, the first is there for older tokens, and then gone.
UPDATE auth_store.signing_keys SET published_at = published_at - '2 hours'::interval,
       active_from = active_from - '2 hours'::interval, retired_at = retired_at - '2 hours'::interval;
SELECT * FROM pg_temp.keys();
SELECT kid = :'second' AS second FROM auth_store.signing_key_list() WHERE state = 'active';
BEGIN;
SELECT auth_store.signing_key_retire(:'first') = :'second' AS nothing_to_do;
SELECT count(*) AS keys FROM pg_temp.keys();
SELECT auth_store.signing_key_retire(:'first', 'compromised') = :'second' AS dropped;
SELECT count(*) AS keys FROM pg_temp.keys();
ROLLBACK;
BEGIN;
-- Without a next one, one is made.
SELECT auth_store.signing_key_retire(:'second') IS NOT NULL AS third;
SELECT * FROM pg_temp.keys();
ROLLBACK;
BEGIN;
SELECT auth_store.signing_key_retire(:'second', 'compromised') IS NOT NULL AS third;
SELECT * FROM pg_temp.keys();
SELECT * FROM pg_temp.key_events();
ROLLBACK;
UPDATE auth_store.signing_keys SET published_at = published_at - '2 hours'::interval,
       active_from = active_from - '2 hours'::interval, retired_at = retired_at - '2 hours'::interval;
SELECT * FROM pg_temp.keys();
-- What else ends while this test runs is counted too, so the keys are counted by themselves.
SELECT count(*) AS before FROM auth_store.signing_keys \gset
SELECT auth_store.cleanup_expired_data() > 0 AS cleaned;
SELECT :before - count(*) AS deleted, count(*) AS rows FROM auth_store.signing_keys;

-- Algorithms have keys of their own, and so have tenants.
SELECT auth_store.signing_key_create('EdDSA', now() + '1 day'::interval) IS NOT NULL AS eddsa;
SELECT auth_store.tenant_create('other');
SELECT auth_store.signing_key_create(tenant_id => 'other') IS NOT NULL AS other;
SELECT * FROM pg_temp.keys();
SELECT * FROM pg_temp.keys('other');

-- RS256 is imported: PKCS #1 or PKCS #8, PEM or DER.
\set pem `openssl genrsa -traditional 2048 2>/dev/null`
SELECT auth_store.signing_key_import(:'pem') AS rsa \gset
SELECT alg, state FROM auth_store.signing_key_list() WHERE kid = :'rsa';
SELECT pg_temp.raised(format('SELECT auth_store.signing_key_import(%L)', :'pem'));
SELECT auth_store.signing_key_retire(:'rsa', 'compromised') IS NULL AS none_takes_over;
\set base64 `openssl genrsa -traditional 3072 2>&- | openssl rsa -traditional -outform DER 2>&- | base64 -w 0`
SELECT auth_store.signing_key_import(:'base64') AS der \gset
SELECT auth_store.signing_key_retire(:'der') IS NULL AS none_takes_over;
SELECT state FROM auth_store.signing_key_list() WHERE kid = :'der';
\set pkcs8 `openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt`
SELECT auth_store.signing_key_import(:'pkcs8', tenant_id => 'other') IS NOT NULL AS ec;
\set small `openssl genrsa -traditional 1024 2>/dev/null`
\set p384 `openssl ecparam -name secp384r1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt`
\set secret `openssl genrsa -traditional 2048 2>/dev/null | openssl pkcs8 -topk8 -passout pass:x`
SELECT n, pg_temp.raised(format('SELECT auth_store.signing_key_import(%L)', t)) ~ '^22023' AS refused
  FROM unnest(ARRAY[:'small', :'p384', :'secret', '', 'AAAA', repeat('A', 20000)]) WITH ORDINALITY u (t, n);

-- What the caller does wrong.
SELECT replace(a, :'second', '…') AS call, pg_temp.raised('SELECT auth_store.' || a) FROM unnest(ARRAY[
    'signing_key_create(''RS256'')', 'signing_key_create(''none'')', 'signing_key_create(tenant_id => ''nobody'')',
    'signing_key_create(NULL, now() + ''1 second''::interval)', 'signing_key_create(activate_at => ''infinity'')',
    'signing_key_create(''EdDSA'', ''infinity'', ''other'')',
    'signing_key_import(NULL)', 'signing_key_rotate(''RS256'')', 'signing_key_rotate(overlap => ''4 minutes'')',
    'signing_key_rotate(overlap => ''91 days'')', 'signing_key_rotate(''EdDSA'', tenant_id => ''other'')',
    'signing_key_retire(NULL)', 'signing_key_retire(''nobody'')', 'signing_key_retire(''nobody'', repeat(''x'', 1001))',
    format('signing_key_retire(%L, tenant_id => ''other'')', :'second'),
    'signing_key_list(''nobody'')', 'signing_keys_export(''other'')']) a;

-- A tenant has sixteen at most.
INSERT INTO auth_store.signing_keys
SELECT gen_random_uuid(), key_id, now(), now(), now(), 3600, tenant_id, alg, left(md5(n::text) || md5(n::text), 43),
       public_key, private_key
  FROM (SELECT * FROM auth_store.signing_keys WHERE tenant_id = 'other' LIMIT 1) k, generate_series(1, 14) n;
SELECT count(*) FROM auth_store.signing_key_list('other');
SELECT pg_temp.raised('SELECT auth_store.signing_key_create(''EdDSA'', tenant_id => ''other'')');

-- In a session pinned to a tenant there is no other.
SET auth_store.tenant_id = 'other';
SELECT count(*) AS own FROM auth_store.signing_key_list();
SELECT pg_temp.raised('SELECT auth_store.signing_key_list(''default'')');
RESET auth_store.tenant_id;

-- Keys go with their tenant.
SELECT auth_store.tenant_erase('other', 'other') IS NOT NULL AS erased;
SELECT count(*) AS of_other FROM auth_store.signing_keys WHERE tenant_id = 'other';
SELECT event, tenant_id, count(*) FROM pg_temp.key_events() GROUP BY 1, 2 ORDER BY 1, 2;

-- Arguments of any function: NULL for one that has a default is the default; what their types and names are.
\i tests/sql/include/helpers.sql

-- Every argument with a default that is not NULL itself.
CREATE TEMP TABLE argument AS
SELECT p.proname::text AS function, p.prokind, a.name, a.n, a.n > p.pronargs - p.pronargdefaults AS optional,
       pg_get_function_arg_default(p.oid, a.n::int) AS preset
  FROM pg_proc p, unnest(p.proargnames[1:p.pronargs]) WITH ORDINALITY AS a (name, n)
 WHERE p.pronamespace = 'auth_store'::regnamespace;
UPDATE argument SET preset = NULL WHERE preset ~ '^NULL\M';
SELECT count(*) > 30 AS many, count(DISTINCT function) > 25 AS of_many FROM argument WHERE preset IS NOT NULL;

-- Calls that make sense. A line counts for one function, and for one argument that is tried, where it says so.
SELECT client_secret AS secret
  FROM auth_store.client_create('Arguments', ARRAY['https://arguments.example/cb'], client_id => 'arguments_web',
      scope => 'a b',
    grant_types => '{authorization_code,refresh_token,client_credentials,urn:ietf:params:oauth:grant-type:device_code,'
                   'urn:ietf:params:oauth:grant-type:token-exchange}') \gset
SELECT auth_store.user_ensure('arguments') AS "user" \gset
SELECT session_id AS session FROM auth_store.session_create(:'user') \gset
SELECT access_token AS access, refresh_token AS refresh, grant_id AS grant
  FROM auth_store.token_issue('arguments_web', :'user', session_id => :'session') \gset
SELECT code FROM auth_store.code_issue('arguments_web', :'user', code_challenge => :'challenge') \gset
SELECT api_key_id AS key FROM auth_store.api_key_create('Arguments', :'user') \gset
SELECT device_code FROM auth_store.device_authorize('arguments_web', :'secret') \gset
SELECT auth_store.tenant_create('arguments') AS tenant \gset
SELECT auth_store.connection_store('github', 'arguments', 'x', 'y', access_token_expires_at => clock_timestamp(),
    tenant_id => :'tenant') AS connection \gset
SELECT FROM auth_store.consent_record(:'user', 'arguments_web');
SELECT auth_store.totp_import(:'user', 'GEZDGNBVGY3TQOJQ') AS factor \gset
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports)
VALUES ('00000000-0000-8000-8000-00000000000e', :'user', 0, -7, true, false, false, gen_random_uuid(), 'default',
    'arguments.example', '\x01', '', 'none', '{}');
SELECT FROM auth_store.identity_link(:'user', 'github', 'arguments');
SELECT webhook_id AS webhook
  FROM auth_store.webhook_create('https://arguments.example/hook', ARRAY['*'], client_id => 'arguments_web') \gset
SELECT auth_store.client_update('arguments_web', format('{"owner_id": "%s"}', :'user')::jsonb);
SELECT auth_store.provider_set('https://arguments.example');
DELETE FROM auth_store.signing_keys WHERE tenant_id = 'default';
SELECT auth_store.signing_key_create() AS kid \gset
CREATE TEMP TABLE sample (function text, tried text, argument text, value text);
INSERT INTO sample VALUES
    (NULL, NULL, 'client_id', quote_literal('arguments_web')), (NULL, NULL, 'user_id', quote_literal(:'user')),
    (NULL, NULL, 'session_id', quote_literal(:'session')),
    (NULL, NULL, 'kid', quote_literal(:'kid')),
    (NULL, NULL, 'grant_id', quote_literal(:'grant')), (NULL, NULL, 'code', quote_literal(:'code')),
    (NULL, NULL, 'api_key_id', quote_literal(:'key')),
    (NULL, NULL, 'refresh_token', quote_literal(:'refresh')), (NULL, NULL, 'token', quote_literal(:'access')),
    (NULL, NULL, 'device_code', quote_literal(:'device_code')),
    (NULL, NULL, 'connection_id', quote_literal(:'connection')), (NULL, NULL, 'provider', '''github'''),
    (NULL, NULL, 'factor_id', quote_literal(:'factor')), (NULL, NULL, 'webhook_id', quote_literal(:'webhook')),
    (NULL, NULL, 'target_url', '''https://arguments.example/hook'''), (NULL, NULL, 'event_types', 'ARRAY[''*'']'),
    (NULL, NULL, 'passkey_id', '''00000000-0000-8000-8000-00000000000e'''),
    (NULL, NULL, 'secret', '''GEZDGNBVGY3TQOJQ'''),
    (NULL, NULL, 'actor_id', '''arguments'''), (NULL, NULL, 'access_token', '''z'''),
    (NULL, NULL, 'name', '''Another'''), (NULL, NULL, 'task', '''sessions'''), (NULL, NULL, 'proof', '''x'''),
    (NULL, NULL, 'htm', '''POST'''),
    (NULL, NULL, 'htu', '''https://arguments.example/token'''), (NULL, NULL, 'key', 'gen_random_uuid()::text'),
    (NULL, NULL, 'max_hits', '10'), (NULL, NULL, 'purpose', '''arguments'''),
    (NULL, NULL, 'email', '''nobody@arguments.example'''), (NULL, NULL, 'password', '''zebra lampion quarz'''),
    (NULL, NULL, 'subject', '''arguments'''),
    (NULL, NULL, 'password_hash', '''$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'''),
    (NULL, NULL, 'verifier', quote_literal(:'verifier')), (NULL, NULL, 'challenge', quote_literal(:'challenge')),
    (NULL, NULL, 'subject_token', quote_literal(:'access')),
    ('resource_set', NULL, 'uri', '''https://arguments.example/'''),
    ('developer_client_secret_rotate', NULL, 'owner_id', quote_literal(:'user')),
    ('recovered', NULL, 'lost_from', '''2026-01-01'''), ('recovered', NULL, 'lost_to', '''2026-01-01'''),
    ('role_create', NULL, 'name', '''another'''),
    ('rate_limit_hit', NULL, 'period', '''1 hour'''),
    ('code_issue', NULL, 'code_challenge', quote_literal(:'challenge')),
    ('code_redeem', NULL, 'code_verifier', quote_literal(:'verifier')),
    ('connection_get', NULL, 'tenant_id', '''arguments'''), ('connection_list', NULL, 'tenant_id', '''arguments'''),
    ('connection_store', NULL, 'tenant_id', '''arguments'''),
    ('connection_import_fernet', NULL, 'tenant_id', '''arguments'''),
    ('token_exchange', NULL, 'client_id', '''arguments_web'''),
    ('token_revoke', 'reason', 'client_authenticated', 'true'),
    ('pushed_request_create', NULL, 'parameters',
        quote_literal(jsonb_build_object('response_type', 'code', 'code_challenge_method', 'S256', 'code_challenge',
            :'challenge'))),
    ('connection_import_fernet', NULL, 'access_token',
        '''gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='''),
    ('connection_import_fernet', NULL, 'fernet_key', '''cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='''),
    ('call', NULL, 'function', '''vault_check''');
CREATE FUNCTION pg_temp.call(f text, tried text, extra text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT f || '(' || coalesce(string_agg(format('%I => %s', x.name, x.value), ', ' ORDER BY x.n), '') || ')'
      FROM (SELECT a.n, a.name, CASE WHEN a.name = tried THEN extra ELSE coalesce(best.value, 'NULL') END AS value
              FROM argument a
              LEFT JOIN LATERAL (SELECT s.value, s.function FROM sample s
                                  WHERE s.argument = a.name
                                    AND (s.function = a.function AND s.tried IS NOT DISTINCT FROM $2
                                        OR s.function = a.function AND s.tried IS NULL OR s.function IS NULL)
                                  ORDER BY s.function NULLS LAST, s.tried NULLS LAST LIMIT 1) best ON true
             WHERE a.function = f AND (NOT a.optional OR best.function IS NOT NULL OR a.name = tried)) x
     WHERE x.value IS NOT NULL
$$;

-- What a call answers and writes into the audit trail, undone; what is another each time is not told: ids, tokens,
-- times but for how far off they are: from the call, or from the statement where they were before it, so that the same
-- time is as far off in two calls of it.
CREATE FUNCTION pg_temp.answer(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    start timestamptz := clock_timestamp();
    said text;
    part text;
BEGIN
    BEGIN
        EXECUTE 'SELECT jsonb_agg(to_jsonb(r)) FROM auth_store.' || call || ' r' INTO said;
        SELECT concat_ws(' | ', said,
            string_agg(concat_ws(' ', a.event, a.error, a.flags, a.details), ' | ' ORDER BY a.event, a.details::text))
          INTO said FROM auth_store.audit_log a WHERE a.occurred_at >= start;
        RAISE EXCEPTION USING ERRCODE = 'ZZUND';
    EXCEPTION
        WHEN SQLSTATE 'ZZUND' THEN NULL;
        WHEN OTHERS THEN said := 'raises ' || SQLSTATE || ' ' || SQLERRM;
    END;
    FOR part IN SELECT DISTINCT (regexp_matches(said, '\d{4}-\d\d-\d\dT[0-9:.+-]+', 'g'))[1] LOOP
        said := replace(said, part,
            'in ' || round(extract(epoch FROM part::timestamptz
                - CASE WHEN part::timestamptz < now() THEN now() ELSE start END) / 20) * 20 || ' s');
    END LOOP;
    said := regexp_replace(said, '"code": "\d+"', '"code": "digits"', 'g');
    -- More of the trail is old enough to be counted a moment later.
    said := regexp_replace(said, '"examined": \d+', '"examined": "rows"', 'g');
    IF call LIKE 'cleanup_expired_data(%' THEN
        said := regexp_replace(said, '^\[\d+\]', '[rows]');
    END IF;
    said := regexp_replace(said, 'whsec_[A-Za-z0-9+/]{43}=', 'secret', 'g');
    RETURN regexp_replace(regexp_replace(said, '[A-Z]{4}-[A-Z]{4}', 'user code', 'g'),
        '(?=[a-z_]*[A-Z0-9-])[A-Za-z0-9_-]{20,}', 'random', 'g');
END
$$;

-- Limits in shared memory are not undone with the call.
SET auth_store.mail_interval = 0;
-- PKCE's method alone is what it is: where none is named it is plain (RFC 7636 section 4.3), which is refused.
-- What needs a passkey is in passkey.sql: only an authenticator makes one.
CREATE TEMP TABLE tried AS
SELECT a.function, a.name, pg_temp.answer(pg_temp.call(a.function, a.name)) AS omitted,
       pg_temp.answer(pg_temp.call(a.function, a.name, 'NULL')) AS nothing
  FROM argument a
 WHERE a.preset IS NOT NULL AND a.prokind = 'f'
   AND (a.function, a.name) NOT IN (('code_issue', 'code_challenge_method'), ('pkce_verify', 'method'),
       ('passkey_authenticate', 'ceremony'));
-- The second of two calls may round a time otherwise: what differs is asked once more.
UPDATE tried SET omitted = pg_temp.answer(pg_temp.call(function, name)),
                 nothing = pg_temp.answer(pg_temp.call(function, name, 'NULL'))
 WHERE omitted IS DISTINCT FROM nothing;
SELECT * FROM tried WHERE omitted IS DISTINCT FROM nothing ORDER BY 1, 2;
-- Each was a call that the function takes.
SELECT function, name, omitted FROM tried WHERE omitted LIKE 'raises %' ORDER BY 1, 2;
SELECT auth_store.pkce_verify(:'verifier', :'challenge') AS omitted,
       auth_store.pkce_verify(:'verifier', :'challenge', NULL) AS nothing;
SELECT error, error_description
  FROM auth_store.code_issue('arguments_web', :'user', code_challenge => :'challenge', code_challenge_method => NULL);
-- Some in full.
SELECT function, name, nothing FROM tried
 WHERE (function, name) IN (('grant_revoke', 'reason'), ('consent_revoke', 'reason'),
     ('client_secret_rotate', 'overlap'), ('connection_lease', 'lease'),
    ('connection_get', 'actor_type'), ('client_create', 'client_type'), ('rate_limit_hit', 'cost')) ORDER BY 1;
-- Procedures, which commit.
SELECT function, name, preset FROM argument WHERE prokind = 'p' AND optional AND preset IS NULL;
SET client_min_messages = warning;
CALL auth_store.cleanup(NULL, NULL);
CALL auth_store.vault_rekey(NULL);
CALL auth_store.shard_fence(4095, 4095);
CALL auth_store.shard_forget(4095, 4095, '{}', NULL);
CALL auth_store.shard_unfence(4095, 4095);
-- An argument without a default stays what it was: NULL is a mistake, an unusable secret, or "no".
SELECT pg_temp.raised(c)
  FROM unnest(ARRAY['SELECT auth_store.grant_revoke(NULL)',
      'SELECT auth_store.connection_fail(gen_random_uuid(), 1, NULL)', 'SELECT auth_store.jti_claim(NULL, NULL, NULL)',
    'SELECT auth_store.rate_limit_hit(NULL, 1, ''1 s'')',
    'SELECT auth_store.cleanup_batch(NULL)']) WITH ORDINALITY AS t (c, n) ORDER BY n;
-- A webhook that is there gets the events of other tests.
SELECT auth_store.webhook_delete(:'webhook') AS deleted;
SELECT auth_store.tenant_erase('arguments', 'arguments') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('arguments') WHERE rows > 0;
DELETE FROM auth_store.issuers WHERE tenant_id = 'default';

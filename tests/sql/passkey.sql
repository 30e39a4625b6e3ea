-- Passkeys: challenges, registrations and log-ins with the answers of a real browser, and what each rule of Web
-- Authentication level 3 sections 7.1 and 7.2 refuses. Their challenges are those of tests/vectors/webauthn.json.
\i tests/sql/include/helpers.sql
\set vectors `cat tests/vectors/webauthn.json`
CREATE TEMP TABLE vector AS
    SELECT n, v ->> 'name' AS name, v ->> 'kind' AS kind, v -> 'response' AS response, v ->> 'challenge' AS challenge,
           v -> 'expected' AS expected, v -> 'credential' AS credential, v ->> 'user_verification' AS verification,
           v ->> 'user_handle' AS user_handle
      FROM jsonb_array_elements(:'vectors') WITH ORDINALITY AS e (v, n);
SELECT count(*), count(*) FILTER (WHERE NOT (expected ->> 'ok')::boolean) AS refused FROM vector;

CREATE FUNCTION pg_temp.bytes(base64url text) RETURNS bytea LANGUAGE sql AS $$
    SELECT decode(translate(rpad($1, (length($1) + 3) / 4 * 4, '='), '-_', '+/'), 'base64')
$$;
CREATE FUNCTION pg_temp.base64url(bytes bytea) RETURNS text LANGUAGE sql AS $$
    SELECT translate(encode($1, 'base64'), E'+/=\n', '-_')
$$;
-- Puts a challenge in its place, as passkey_challenge() does.
CREATE FUNCTION pg_temp.ask(challenge text, ceremony text, user_id uuid, tenant text DEFAULT 'passkeys',
    ends interval DEFAULT '5 min') RETURNS void LANGUAGE sql AS $$
    DELETE FROM auth_store.passkey_challenges
     WHERE id = encode(substr(pg_temp.bytes(challenge), 1, 16), 'hex')::uuid;
    INSERT INTO auth_store.passkey_challenges (id, expires_at, user_id, tenant_id, ceremony, digest)
    SELECT encode(substr(c, 1, 16), 'hex')::uuid, clock_timestamp() + ends, user_id, tenant, ceremony, sha256(c)
      FROM pg_temp.bytes(challenge) c
$$;
-- The last audit row in short.
CREATE FUNCTION pg_temp.told(after text DEFAULT NULL, OUT event text, OUT error text, OUT risk real, OUT flags text[],
    OUT details jsonb)
LANGUAGE sql AS $$
    SELECT a.event, a.error, a.risk_score, a.flags, a.details FROM auth_store.audit_log a
     WHERE a.event ~ '^(passkey|factor)' AND a.event <> 'passkey.challenged'
     ORDER BY a.occurred_at DESC, a.id DESC LIMIT 1
$$;

SET auth_store.passkey_allow_localhost = on;
SELECT auth_store.tenant_create('passkeys'), auth_store.tenant_create('passkeys_other');
-- Without a relying party there is nothing to ask for.
SELECT pg_temp.raised($$SELECT auth_store.passkey_challenge('login', tenant_id => 'passkeys')$$);
SELECT pg_temp.raised($$SELECT auth_store.passkey_authenticate('{}', tenant_id => 'passkeys')$$);
SELECT auth_store.tenant_policy_set(t, '{"passkey_rp_id": "localhost", "passkey_rp_name": "Acme",
    "passkey_origins": ["http://localhost:40953"], "passkey_user_verification": "required"}')
  FROM unnest(ARRAY['passkeys', 'passkeys_other']) t;

-- The user handle is the user's id: the users of the vectors.
CREATE TEMP TABLE owner AS
    SELECT name, encode(substr(pg_temp.bytes(user_handle), 1, 16), 'hex')::uuid AS id
      FROM vector WHERE kind = 'registration' AND n <= 27;
SELECT count(*) FROM owner, auth_store.user_create(replace(name, ' ', '_') || '@passkey.example', id => owner.id,
    tenant_id => 'passkeys') WHERE error IS NULL;
SELECT id AS ann FROM owner WHERE name = 'es256' \gset
SELECT id AS bob FROM owner WHERE name = 'eddsa' \gset
SELECT user_id AS eve FROM auth_store.user_create('eve@passkey.example', tenant_id => 'passkeys_other') \gset

-- What a browser is asked for.
SELECT options - 'challenge' - 'user' AS options, length(pg_temp.bytes(options ->> 'challenge')) AS challenge,
       pg_temp.bytes(options #>> '{user,id}') = uuid_send(:'ann') AS handle, (options -> 'user') - 'id' AS user,
       expires_at - clock_timestamp() BETWEEN '4 min 59 s' AND '5 min' AS five_minutes, error
  FROM auth_store.passkey_challenge('registration', :'ann');
SELECT (options -> 'user') - 'id' AS user
  FROM auth_store.passkey_challenge('registration', :'ann', user_name => 'ann', display_name => 'Ann Über');
SELECT options - 'challenge' AS options, error FROM auth_store.passkey_challenge('login', tenant_id => 'passkeys');
SELECT ceremony, c.* FROM (VALUES ('login'), ('step_up')) AS t (ceremony),
  LATERAL auth_store.passkey_challenge(ceremony, :'ann') AS c ORDER BY 1;
SELECT ceremony, user_id = :'ann' AS ann, count(*), bool_and(length(digest) = 32) AS digest
  FROM auth_store.passkey_challenges WHERE tenant_id = 'passkeys' GROUP BY 1, 2 ORDER BY 1;
SELECT event, error, details FROM auth_store.audit_log WHERE user_id = :'ann' AND event = 'passkey.challenged'
 ORDER BY occurred_at;
SELECT what, pg_temp.raised('SELECT auth_store.passkey_challenge(' || what || ')') FROM (VALUES ('NULL'),
    ('''signup'''), ('''registration'''), ('''step_up'''), ('''login'', gen_random_uuid()'),
    ('''login'', tenant_id => ''nowhere'''), ('''registration'', ''' || :'ann' || ''', user_name => '''''),
    ('''registration'', ''' || :'ann' || ''', display_name => E''a\tb''')) AS t (what);

-- Every registration of the vectors.
CREATE FUNCTION pg_temp.register(vector_name text, user_id uuid, verification text DEFAULT 'required')
RETURNS auth_store.passkey_registration LANGUAGE plpgsql AS $$
DECLARE
    v vector%ROWTYPE;
    answer auth_store.passkey_registration;
BEGIN
    SELECT * INTO v FROM vector WHERE name = vector_name;
    PERFORM pg_temp.ask(v.challenge, 'registration', user_id);
    PERFORM auth_store.tenant_policy_set('passkeys',
        jsonb_build_object('passkey_user_verification', verification));
    SELECT * INTO answer FROM auth_store.passkey_register(user_id, v.response, vector_name);
    PERFORM auth_store.tenant_policy_set('passkeys', '{"passkey_user_verification": "required"}');
    RETURN answer;
END $$;
SELECT v.name, r.passkey_id IS NOT NULL AS made, r.credential_id = v.response ->> 'id' AS id, r.user_verified,
       r.backup_eligible, r.backed_up, r.error, r.error_description
  FROM vector v JOIN owner o USING (name), LATERAL pg_temp.register(v.name, o.id, v.verification) r
 WHERE v.kind = 'registration' AND v.n <= 27 ORDER BY v.n;
SELECT v.name, p.algorithm = (expected ->> 'alg')::integer AS alg,
       p.sign_count = (expected ->> 'sign_count')::bigint AS n, p.aaguid = (expected ->> 'aaguid')::uuid AS aaguid,
       p.attestation_format = expected ->> 'fmt' AS fmt,
       to_jsonb(p.transports) = expected -> 'transports' AS transports,
       p.public_key = pg_temp.bytes(expected ->> 'public_key_cose') AS key
  FROM vector v JOIN auth_store.passkeys p ON p.name = v.name ORDER BY v.n;
SELECT count(*) AS challenges FROM auth_store.passkey_challenges WHERE tenant_id = 'passkeys'
   AND id IN (SELECT encode(substr(pg_temp.bytes(challenge), 1, 16), 'hex')::uuid FROM vector);
SELECT * FROM pg_temp.told();
-- Once for a relying party, whoever asks; and those that are altered.
SELECT error, error_description FROM pg_temp.register('es256', :'bob');
SELECT v.name, r.error, r.error_description, t.risk, t.flags
  FROM vector v, LATERAL pg_temp.register(v.name, :'bob', v.verification) r, LATERAL pg_temp.told(r.error) t
 WHERE v.kind = 'registration' AND v.n > 27
   -- The relying party and the origins are the tenant's here.
   AND expected ->> 'reason' NOT IN ('challenge differs', 'rpIdHash differs', 'origin differs') ORDER BY v.n;
-- The browser is told which passkeys there are, and asked for none of them again.
SELECT options -> 'excludeCredentials' AS exclude FROM auth_store.passkey_challenge('registration', :'ann');
SELECT options -> 'allowCredentials' AS allow, options ->> 'userVerification' AS verification
  FROM auth_store.passkey_challenge('step_up', :'ann');

-- Every log-in of the vectors, in order, as those of whoever comes; only U2F names no user.
CREATE FUNCTION pg_temp.login(vector_name text, user_id uuid DEFAULT NULL, ceremony text DEFAULT 'login',
    verification text DEFAULT 'required') RETURNS auth_store.passkey_login LANGUAGE plpgsql AS $$
DECLARE
    v vector%ROWTYPE;
    answer auth_store.passkey_login;
BEGIN
    SELECT * INTO v FROM vector WHERE name = vector_name;
    PERFORM pg_temp.ask(v.challenge, ceremony, user_id);
    PERFORM auth_store.tenant_policy_set('passkeys',
        jsonb_build_object('passkey_user_verification', verification));
    SELECT * INTO answer FROM auth_store.passkey_authenticate(v.response, ceremony, user_id, tenant_id => 'passkeys');
    PERFORM auth_store.tenant_policy_set('passkeys', '{"passkey_user_verification": "required"}');
    RETURN answer;
END $$;
-- Whose and how, without ids.
CREATE FUNCTION pg_temp.in_short(l auth_store.passkey_login) RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', CASE WHEN l.ok THEN 'ok' ELSE 'not' END, (SELECT o.name FROM owner o WHERE o.id = l.user_id),
        l.tenant_id, 'uv ' || l.user_verified, 'bs ' || l.backed_up, l.amr, l.error, l.error_description, l.retry_after,
        'mfa ' || l.mfa_required)
$$;
SELECT v.name, pg_temp.in_short(pg_temp.login(v.name, verification => v.verification))
  FROM (SELECT * FROM vector WHERE kind = 'authentication' AND n <= 27 ORDER BY n) v;
SELECT name, sign_count, last_used_at IS NOT NULL AS used, clone_suspected_at IS NOT NULL AS cloned
  FROM auth_store.passkeys WHERE tenant_id = 'passkeys' ORDER BY name COLLATE "C";
SELECT event, error, risk_score AS risk, flags, details, count(*), count(resource_id) AS passkeys
  FROM auth_store.audit_log WHERE tenant_id = 'passkeys' AND event LIKE 'passkey%' AND event <> 'passkey.challenged'
 GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2 NULLS FIRST, 3;
-- A second factor of a known user need not name the user: U2F. Counters go on from where they were.
UPDATE auth_store.passkeys SET sign_count = 1 WHERE tenant_id = 'passkeys';
SELECT v.name, pg_temp.in_short(pg_temp.login(v.name, o.id, 'step_up', v.verification))
  FROM (SELECT * FROM vector WHERE name IN ('es256-fido-u2f 1', 'eddsa 1', 'es256-user-handle-64 1') ORDER BY n) v
  JOIN owner o ON o.name = regexp_replace(v.name, ' 1$', '');
-- A passkey that has verified its user is two factors. Any other is one, beside which the password or an app counts.
SELECT id AS una FROM owner WHERE name = 'es256-without-uv' \gset
CREATE FUNCTION pg_temp.asks(vector_name text, user_id uuid DEFAULT NULL, OUT mfa_required boolean, OUT due boolean)
LANGUAGE sql AS $$
    UPDATE auth_store.passkeys SET sign_count = 1 WHERE tenant_id = 'passkeys';
    SELECT l.mfa_required, l.mfa_enrollment_due_at > clock_timestamp()
      FROM pg_temp.login(vector_name, user_id, verification => 'preferred') l
$$;
SELECT * FROM pg_temp.asks('es256-without-uv 2');
SELECT auth_store.tenant_policy_set('passkeys', '{"mfa": "required", "mfa_grace": "1 week"}') IS NOT NULL AS set;
SELECT * FROM pg_temp.asks('es256-without-uv 2');
SELECT * FROM pg_temp.asks('es256 1');
SELECT auth_store.tenant_policy_set('passkeys', '{"mfa_grace": 0}') IS NOT NULL AS set;
SELECT * FROM pg_temp.asks('es256-without-uv 2');
SELECT * FROM pg_temp.asks('es256 1');
SELECT auth_store.tenant_policy_set('passkeys', '{"mfa": "optional"}') IS NOT NULL AS set;
SELECT error FROM auth_store.password_set(:'una', 'violet lamp 7 quarry');
SELECT * FROM pg_temp.asks('es256-without-uv 2');
-- With a user it is the second factor itself.
SELECT * FROM pg_temp.asks('es256-without-uv 2', :'una');
SELECT auth_store.tenant_policy_set('passkeys', '{"mfa": "off"}') IS NOT NULL AS set;
SELECT * FROM pg_temp.asks('es256-without-uv 2');
SELECT auth_store.tenant_policy_set('passkeys', '{"mfa": null, "mfa_grace": null}') IS NOT NULL AS set;

-- The altered ones; the relying party and the origins are the tenant's.
UPDATE auth_store.passkeys SET sign_count = 1 WHERE tenant_id = 'passkeys';
SELECT v.name, pg_temp.in_short(l), t.event, t.risk, t.flags
  FROM (SELECT * FROM vector WHERE kind = 'authentication' AND n > 27 ORDER BY n) v,
       LATERAL pg_temp.login(v.name, NULL, 'login', v.verification) l, LATERAL pg_temp.told(l.error) t
 WHERE expected ->> 'reason' NOT IN ('challenge differs', 'rpIdHash differs', 'origin differs', 'sign count')
   AND v.name <> 'key of another credential' ORDER BY v.n;

SELECT response AS answer, challenge FROM vector WHERE name = 'es256 1' \gset
UPDATE auth_store.passkeys SET sign_count = 1, clone_suspected_at = NULL WHERE tenant_id = 'passkeys';
-- A challenge is good for one answer, of its ceremony, user and tenant, for five minutes.
SELECT pg_temp.ask(:'challenge', 'login', NULL);
SELECT pg_temp.in_short(auth_store.passkey_authenticate(:'answer', tenant_id => 'passkeys')) AS first;
SELECT pg_temp.in_short(auth_store.passkey_authenticate(:'answer', tenant_id => 'passkeys')) AS spent;
SELECT * FROM pg_temp.told();
UPDATE auth_store.passkeys SET sign_count = 1 WHERE tenant_id = 'passkeys';
CREATE FUNCTION pg_temp.refused_of(ceremony text, due uuid, tenant text, ends interval, call text, OUT answer text,
    OUT waits boolean) LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM auth_store.passkey_challenges;
    PERFORM pg_temp.ask((SELECT challenge FROM vector WHERE name = 'es256 1'), ceremony, due, tenant, ends);
    EXECUTE 'SELECT pg_temp.in_short(auth_store.passkey_authenticate($1, ' || call || '))' INTO answer
      USING (SELECT response FROM vector WHERE name = 'es256 1');
    waits := EXISTS (SELECT FROM auth_store.passkey_challenges);
END $$;
SELECT what, r.* FROM (VALUES
    (1, 'expired', 'login', NULL, 'passkeys', interval '0', 'tenant_id => ''passkeys'''),
    (2, 'of a step-up', 'step_up', :'ann'::uuid, 'passkeys', '5 min', 'tenant_id => ''passkeys'''),
    (3, 'of a registration', 'registration', :'ann', 'passkeys', '5 min', 'tenant_id => ''passkeys'''),
    (4, 'of another tenant', 'login', NULL, 'passkeys_other', '5 min', 'tenant_id => ''passkeys'''),
    (5, 'in another tenant', 'login', NULL, 'passkeys', '5 min', 'tenant_id => ''passkeys_other'''),
    (6, 'of another user', 'step_up', :'bob', 'passkeys', '5 min', '''step_up'', ''' || :'ann' || ''''),
    (7, 'another user''s credential', 'step_up', :'bob', 'passkeys', '5 min', '''step_up'', ''' || :'bob' || ''''),
    (8, 'another user''s log-in', 'login', :'bob', 'passkeys', '5 min', 'tenant_id => ''passkeys'''),
    (9, 'another tenant''s credential', 'login', NULL, 'passkeys_other', '5 min', 'tenant_id => ''passkeys_other'''),
    (10, 'not the one that was kept', 'login', NULL, 'passkeys', '5 min',
        'tenant_id => ''passkeys'', challenge => ''' || pg_temp.base64url(sha256('')) || ''''),
    (11, 'not even one', 'login', NULL, 'passkeys', '5 min', 'tenant_id => ''passkeys'', challenge => ''''')
    ) AS t (n, what, ceremony, due, tenant, ends, call),
  LATERAL pg_temp.refused_of(ceremony, due, tenant, ends, call) AS r ORDER BY n;
-- The one that was kept, and a log-in of a user who is named.
SELECT r.* FROM pg_temp.refused_of('login', :'ann', 'passkeys', '5 min', 'user_id => ''' || :'ann' || ''',
    challenge => ''' || :'challenge' || '''') AS r;

-- The tenant's relying party and origins, as they are by now.
UPDATE auth_store.passkeys SET sign_count = 1 WHERE tenant_id = 'passkeys';
CREATE FUNCTION pg_temp.under(policy jsonb, localhost boolean DEFAULT false, OUT answer text, OUT flags text[])
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('auth_store.passkey_allow_localhost', 'on', false);
    PERFORM auth_store.tenant_policy_set('passkeys', policy);
    PERFORM set_config('auth_store.passkey_allow_localhost', localhost::text, false);
    answer := pg_temp.in_short(pg_temp.login('es256 1'));
    flags := (pg_temp.told()).flags;
    PERFORM set_config('auth_store.passkey_allow_localhost', 'on', false);
    PERFORM auth_store.tenant_policy_set('passkeys', '{"passkey_rp_id": "localhost",
        "passkey_origins": ["http://localhost:40953"], "passkey_allow_cross_origin": null}');
    UPDATE auth_store.passkeys SET sign_count = 1 WHERE tenant_id = 'passkeys';
END $$;
SELECT n, u.* FROM (VALUES (1, '{"passkey_rp_id": "example.org"}', true), (2, '{"passkey_origins": []}', true),
    (3, '{"passkey_origins": ["http://localhost:40953"]}', false),
    (4, '{"passkey_origins": ["https://localhost:40953"]}', true)) AS t (n, policy, localhost),
  LATERAL pg_temp.under(policy::jsonb, localhost) AS u ORDER BY n;

-- A passkey cannot become one that may be copied; a copy of one that may is noted.
SELECT pg_temp.in_short(pg_temp.login('es256-synced (BE, BS) 1'));
UPDATE auth_store.passkeys SET sign_count = 1, backed_up = false WHERE name = 'es256-synced (BE, BS)';
SELECT pg_temp.in_short(pg_temp.login('es256-synced (BE, BS) 1'));
SELECT * FROM pg_temp.told();
SELECT backed_up FROM auth_store.passkeys WHERE name = 'es256-synced (BE, BS)';
UPDATE auth_store.passkeys SET sign_count = 1, backed_up = false, backup_eligible = false
 WHERE name = 'es256-synced (BE, BS)';
SELECT pg_temp.in_short(pg_temp.login('es256-synced (BE, BS) 1'));
SELECT * FROM pg_temp.told();
-- Counters: none at all is fine, as with synchronised passkeys; once there was one it must rise.
UPDATE auth_store.passkeys SET sign_count = 2 WHERE name = 'es256';
SELECT pg_temp.in_short(pg_temp.login('es256 1')) AS same;
SELECT * FROM pg_temp.told();
SELECT sign_count, clone_suspected_at IS NOT NULL AS cloned FROM auth_store.passkeys WHERE name = 'es256';
SELECT pg_temp.in_short(pg_temp.login('es256 2')) AS lives;

-- Users and tenants that are not active.
UPDATE auth_store.passkeys SET sign_count = 1 WHERE tenant_id = 'passkeys';
SELECT auth_store.user_set_status(:'ann', 'suspended');
SELECT pg_temp.in_short(pg_temp.login('es256 1'));
SELECT * FROM pg_temp.told();
SELECT error, error_description FROM auth_store.passkey_challenge('registration', :'ann');
SELECT error FROM auth_store.passkey_challenge('login', :'ann');
SELECT auth_store.user_set_status(:'ann', 'active');
SELECT auth_store.tenant_set_status('passkeys', 'suspended');
SELECT pg_temp.in_short(pg_temp.login('es256 1'));
SELECT error FROM auth_store.passkey_challenge('login', tenant_id => 'passkeys');
SELECT auth_store.tenant_set_status('passkeys', 'active');
SELECT pg_temp.in_short(pg_temp.login('es256 1'));

-- What is no answer.
SELECT n, pg_temp.in_short(auth_store.passkey_authenticate(c::jsonb, tenant_id => 'passkeys')) FROM (VALUES (1, NULL),
    (2, 'null'), (3, '[]'), (4, '7'), (5, '{}'), (6, '"' || repeat('x', 100000) || '"'),
    (7, '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA"}}'),
    (8, repeat('[', 500) || repeat(']', 500)), (9, '{"id": 1e999}')) AS t (n, c) ORDER BY n;
SELECT what, pg_temp.raised('SELECT auth_store.passkey_authenticate(''{}'', ' || what || ')') FROM (VALUES
    ('''registration'''), ('''signup'''), ('''step_up'''), ('user_id => gen_random_uuid()'),
    ('tenant_id => ''nowhere''')) AS t (what);
SELECT what, pg_temp.raised('SELECT auth_store.passkey_register(' || what || ')') FROM (VALUES ('NULL, ''{}'''),
    ('gen_random_uuid(), ''{}'''), ('''' || :'ann' || ''', ''{}'', ''''')) AS t (what);
SELECT error, error_description FROM auth_store.passkey_register(:'ann', NULL);

-- The user's own page.
SELECT passkey_id AS key FROM auth_store.passkey_list(:'ann') \gset
SELECT passkey_id = :'key' AS id, created_at = auth_store.id_time(:'key') AS created, name, credential_id,
       last_used_at IS NOT NULL AS used, user_verified, backup_eligible, backed_up, transports, aaguid,
       attestation_format, algorithm, rp_id, sign_count, clone_suspected_at IS NOT NULL AS cloned
  FROM auth_store.passkey_list(:'ann');
SELECT count(*) FROM auth_store.passkey_list(gen_random_uuid());
SELECT auth_store.passkey_rename(:'ann', :'key', 'Phone');
SELECT * FROM pg_temp.told();
SELECT name FROM auth_store.passkey_list(:'ann');
SELECT n, pg_temp.raised(format('SELECT auth_store.passkey_re' || call, :'ann', :'bob', :'key')) FROM (VALUES
    (1, 'name(%2$L, %3$L, ''x'')'), (2, 'name(%1$L, %3$L, NULL)'), (3, 'name(%1$L, %3$L, '''')'),
    (4, 'name(NULL, %3$L, ''x'')'), (5, 'move(%2$L, %3$L)'), (6, 'move(%1$L, NULL)'), (7, 'move(NULL, %3$L)'),
    (8, 'move(gen_random_uuid(), %3$L)')) AS t (n, call);
SELECT pg_temp.raised('SELECT auth_store.passkey_list(NULL)');
-- A removal ends the other sessions. The only factor does not go unasked.
SELECT session_id AS here FROM auth_store.session_create(:'ann') \gset
SELECT session_token AS there FROM auth_store.session_create(:'ann') \gset
SELECT error FROM auth_store.passkey_remove(:'ann', :'key', except_session_id => :'here');
SELECT * FROM auth_store.passkey_remove(:'ann', :'key', last => true, except_session_id => :'here');
SELECT * FROM pg_temp.told();
SELECT valid FROM auth_store.session_validate(:'there');
SELECT status FROM auth_store.session_list(:'ann') WHERE session_id = :'here';
SELECT count(*) FROM auth_store.passkey_list(:'ann');
SELECT error, error_description FROM auth_store.passkey_challenge('step_up', :'ann');
SELECT pg_temp.in_short(pg_temp.login('es256 1'));
-- It may be registered again, now by somebody else; at most 20 of one user.
SELECT error FROM pg_temp.register('es256', :'bob');
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports)
SELECT gen_random_uuid(), :'ann', 0, -7, true, false, false, gen_random_uuid(), 'passkeys', 'localhost',
       sha256(n::text::bytea), '', 'none', '{}' FROM generate_series(1, 20) n;
SELECT error, error_description FROM pg_temp.register('es256-credProps', :'ann');

BEGIN READ ONLY;
SELECT what, pg_temp.raised('SELECT auth_store.passkey_' || what) FROM (VALUES
    ('challenge(''login'', tenant_id => ''passkeys'')'), ('authenticate(''{}'', tenant_id => ''passkeys'')'),
    ('register(''' || :'bob' || ''', ''{}'')'), ('rename(''' || :'bob' || ''', gen_random_uuid(), ''x'')'),
    ('remove(''' || :'bob' || ''', gen_random_uuid())')) AS t (what);
SELECT count(*) > 0 AS listed FROM auth_store.passkey_list(:'bob');
COMMIT;
-- Rows that end.
SELECT pg_temp.ask(:'challenge', 'login', NULL, ends => '-1 s');
SELECT auth_store.cleanup_expired_data() > 0 AS deleted;
SELECT count(*) FROM auth_store.passkey_challenges WHERE expires_at <= clock_timestamp();

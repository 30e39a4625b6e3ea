-- Users: enough of them for grants to belong to. Passwords come later.
\i tests/sql/include/helpers.sql
\set ECHO none
-- The 12 bits after the version nibble.
CREATE FUNCTION pg_temp.bucket(id uuid) RETURNS text
    LANGUAGE sql AS $$ SELECT substr(translate(id::text, '-', ''), 14, 3) $$;
CREATE FUNCTION pg_temp.first_bits(name text) RETURNS text LANGUAGE sql AS $$
    SELECT left(encode(sha256('default'::bytea || '\x00'::bytea || convert_to(name, 'UTF8')), 'hex'), 3)
$$;
CREATE FUNCTION pg_temp.number(name text) RETURNS int LANGUAGE sql AS $$
    SELECT ('x' || lpad(pg_temp.first_bits(name), 8, '0'))::bit(32)::int
$$;
\set ECHO all

SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT user_id AS ann, error IS NULL AND error_description IS NULL AS success
  FROM auth_store.user_create('Ann@User.example', external_id => 'user-7', first_name => 'Ann', last_name => 'Ö',
                              metadata => '{"n": 12345678901234567890.5}') \gset
SELECT :'success' AS success;
SELECT tenant_id, status, status_reason, email, email_verified, external_id, first_name, last_name, metadata,
       updated_at = created_at AS fresh
  FROM auth_store.user_get(:'ann');

-- An id is a UUIDv8 of now in the bucket of the log-in name: e-mail without case, else external_id.
SELECT substr(:'ann', 15, 1) AS version,
       auth_store.id_time(:'ann') BETWEEN clock_timestamp() - interval '1 minute' AND clock_timestamp() AS now;
SELECT pg_temp.bucket(:'ann') = pg_temp.first_bits('ann@user.example') AS by_email;
SELECT pg_temp.bucket(auth_store.user_ensure('user-8')) = pg_temp.first_bits('user-8') AS by_external_id;

-- Everything may be missing, and the id may be any uuid.
SELECT user_id IS NOT NULL AS made, error FROM auth_store.user_create();
SELECT * FROM auth_store.user_create(id => '00000000-0000-0000-0000-0000000005e7');
SELECT email, external_id, first_name, metadata FROM auth_store.user_get('00000000-0000-0000-0000-0000000005e7');
SELECT error FROM auth_store.user_create(id => gen_random_uuid(), first_name => '');

-- An address that is taken is the end user's answer; other keys are the program's own.
SELECT * FROM auth_store.user_create('ANN@user.EXAMPLE');
SELECT * FROM auth_store.user_create('ann@user.example', external_id => 'user-7');
SELECT pg_temp.raised($$SELECT auth_store.user_create('other@user.example', external_id => 'user-7')$$);
SELECT pg_temp.raised(
    $$SELECT auth_store.user_create('other@user.example', id => '00000000-0000-0000-0000-0000000005e7')$$);
SELECT pg_temp.raised($$SELECT auth_store.user_create(id => '00000000-0000-0000-0000-0000000005e7')$$);
SELECT count(*) FROM auth_store.users WHERE email = 'other@user.example';
SELECT event, error, flags, count(*) FROM pg_temp.trail() GROUP BY event, error, flags ORDER BY error;
SELECT count(*) FROM auth_store.audit_log
 WHERE event = 'user.created' AND (details::text ILIKE '%user.example%' OR resource_id ILIKE '%user.example%');

-- One mailbox, however it is written: the local part in NFC and lower case of Unicode, the domain in ASCII.
CREATE TEMP TABLE mailbox (n int, key text, written text);
INSERT INTO mailbox VALUES
    (1, U&'i\0307x@key.example', U&'\0130x@key.example'), (1, NULL, U&'I\0307X@KEY.example'),
    (2, 'ix@key.example', 'IX@key.example'), (3, U&'\0131x@key.example', U&'\0131X@key.example'),
    (4, U&'ren\00e9@key.example', U&'rene\0301@key.example'), (4, NULL, U&'REN\00c9@key.example'),
    (5, 'k@key.example', U&'\212a@key.example'), (5, NULL, 'K@key.example'),
    (6, U&'\03c9@key.example', U&'\2126@key.example'), (7, U&'\03b1\03c2@key.example', U&'\0391\03a3@key.example'),
    (7, NULL, U&'\03b1\03c2@KEY.example'),
    (8, U&'stra\00dfe@key.example', U&'STRA\1e9eE@key.example'), (9, 'strasse@key.example', 'STRASSE@key.example'),
    (10, U&'\ff41@key.example', U&'\ff21@key.example'),
    (11, 'a@xn--bcher-kva.example', U&'A@B\00fccher.example'), (11, NULL, U&'a@BU\0308CHER.example'),
    (11, NULL, 'a@XN--BCHER-KVA.example'), (11, NULL, U&'a@b\00fccher\3002example'),
    (12, 'a@key.example', U&'A@\ff2b\ff25\ff39.example'), (13, 'a@-.key.example', 'A@-.KEY.example'),
    (14, 'a@xn--a.key.example', 'A@xn--A.Key.example');
SELECT n, (auth_store.user_create(written)).error FROM mailbox ORDER BY n, key;
SELECT m.n, u.email = m.written AS as_given, k.name = m.written AS name,
       pg_temp.bucket(u.id) = pg_temp.first_bits(m.key) AS bucket, k.bucket = pg_temp.number(m.key) AS of_name
  FROM mailbox m
  LEFT JOIN auth_store.user_names k ON k.kind = 'email' AND k.name_key = m.key AND k.tenant_id = 'default'
  LEFT JOIN auth_store.users u ON u.id = k.user_id
 WHERE m.key IS NOT NULL ORDER BY n;
SELECT m.n, (auth_store.user_create(m.key)).error FROM mailbox m WHERE m.key IS NOT NULL ORDER BY n;
-- A domain that would fold to thousands of characters is compared as it is.
SELECT error IS NULL AS made, user_id AS long FROM auth_store.user_create('long@' || repeat(U&'\fdfa', 80)) \gset
SELECT :'made' AS made, octet_length(name_key) < 1000 AS bounded
  FROM auth_store.user_names WHERE user_id = :'long';

-- Another tenant has its own addresses and external ids.
SELECT auth_store.tenant_create('user-tenant');
SELECT user_id IS NOT NULL AS made, error
  FROM auth_store.user_create('ann@user.example', external_id => 'user-7', tenant_id => 'user-tenant');
SELECT auth_store.user_ensure('user-8', 'user-tenant') <> auth_store.user_ensure('user-8') AS another;
SELECT pg_temp.raised(
    $$SELECT auth_store.user_create(id => '00000000-0000-0000-0000-0000000005e7', tenant_id => 'user-tenant')$$);

-- What is no address.
SELECT left(email, 30) AS email, u.user_id, u.error, u.error_description FROM (VALUES
    (1, ''), (2, '@'), (3, 'ann'), (4, 'ann@'), (5, '@user.example'), (6, 'a b@user.example'), (7, 'ann@user..example'),
    (8, 'a@b@user.example'),
    (9, E'ann\n@user.example'), (10, E'\x01@user.example'), (11, repeat('a', 65) || '@user.example'),
    (12, 'a@' || repeat('b.', 130) || 'c'),
    (13, repeat('a', 1000000)), (14, repeat('@', 1000000))) AS t (n, email),
  LATERAL auth_store.user_create(email) AS u ORDER BY n;
-- What is one.
SELECT email, u.user_id IS NOT NULL AS made, u.error FROM (VALUES
    (1, 'a@b'), (2, 'ann+tag@user.example'), (3, 'o''neil@user.example'), (4, 'ä@exämple.example'),
    (5, repeat('a', 64) || '@user.example')) AS t (n, email),
  LATERAL auth_store.user_create(email) AS u ORDER BY n;

SELECT pg_temp.raised($$SELECT auth_store.user_create('pw@user.example', 'correct horse battery staple')$$);
SELECT left(what, 50) AS what, pg_temp.raised('SELECT auth_store.user_create(' || what || ')') FROM (VALUES
    ('external_id => '''''), ('external_id => E''a\nb'''), ('external_id => repeat(''x'', 256)'),
    ('external_id => repeat(''x'', 1000000)'),
    ('first_name => repeat(''x'', 201)'), ('first_name => E''\t'''), ('last_name => repeat(''x'', 1000000)'),
    ('metadata => ''[]'''), ('metadata => ''null'''), ('metadata => jsonb_build_object(''a'', repeat(''x'', 70000))'),
    ('metadata => (''{"a":'' || repeat(''['', 1000) || repeat('']'', 1000) || ''}'')::jsonb'),
    ('tenant_id => ''nowhere'''), ('tenant_id => ''''')) AS t (what);

-- user_ensure: the same id for the same key, made once.
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT count(DISTINCT auth_store.user_ensure('user-9')) FROM generate_series(1, 5);
SELECT auth_store.user_ensure('user-7') = :'ann' AS found;
SELECT * FROM pg_temp.trail();
SELECT left(key, 20) AS key, pg_temp.raised(format('SELECT auth_store.user_ensure(%L)', key))
  FROM (VALUES (NULL), (''), (E'\x7f'), (repeat('x', 256)), (repeat('x', 1000000))) AS t (key);
SELECT pg_temp.raised('SELECT auth_store.user_ensure(''x'', ''nowhere'')');

-- user_get: a row or none.
SELECT count(*) FROM auth_store.user_get(gen_random_uuid());
SELECT pg_temp.raised('SELECT auth_store.user_get(NULL)');
SELECT array_agg(a.attname ORDER BY a.attnum) AS columns FROM pg_attribute a
 WHERE a.attrelid = 'auth_store.user_profile'::regclass;

-- Reads run where writes cannot.
BEGIN READ ONLY;
SELECT email FROM auth_store.user_get(:'ann');
SELECT what, pg_temp.raised(what)
  FROM (VALUES ('SELECT auth_store.user_create()'), ('SELECT auth_store.user_ensure(''user-7'')')) AS t (what);
COMMIT;

-- Who may call what.
SELECT r.role, f.name, has_function_privilege(r.role, f.name::regproc, 'EXECUTE') AS may
  FROM (VALUES ('auth_store_app'), ('auth_store_reader'), ('auth_store_admin'), ('auth_store_auditor'), ('pg_monitor'))
       AS r (role),
       (VALUES ('auth_store.user_create'), ('auth_store.user_get')) AS f (name)
 ORDER BY f.name, r.role;
SELECT auth_store.tenant_erase('user-tenant', 'user-tenant') > 0 AS erased;
SELECT * FROM pg_temp.tenant_rows('user-tenant') WHERE rows > 0;

-- metadata is a jsonb, a json or a text, of a program's own type, a column's, a domain's or of none.
CREATE DOMAIN pg_temp.settings AS json;
CREATE TEMP TABLE moved (n int, how json, what text);
INSERT INTO moved VALUES (1, '{"n": 1.10}', '{"n": 1.10}');
PREPARE untyped AS SELECT auth_store.user_create(external_id => $1, metadata => $2);
PREPARE as_json (text, json) AS SELECT auth_store.user_create(external_id => $1, metadata => $2);
PREPARE as_jsonb (text, jsonb) AS SELECT auth_store.user_create(external_id => $1, metadata => $2);
PREPARE as_varchar (text, varchar) AS SELECT auth_store.user_create(external_id => $1, metadata => $2);
\o /dev/null
EXECUTE untyped('json 1', '{"n": 1.10}');
EXECUTE as_json('json 2', '{"n": 1.10}');
EXECUTE as_jsonb('json 3', '{"n": 1.10}');
EXECUTE as_varchar('json 4', '{"n": 1.10}');
SELECT auth_store.user_create(external_id => 'json 5', metadata => m.how) FROM moved m;
SELECT auth_store.user_create(external_id => 'json 6', metadata => m.what) FROM moved m;
SELECT auth_store.user_create(external_id => 'json 7', metadata => m.how::pg_temp.settings) FROM moved m;
SELECT auth_store.user_create(external_id => 'json 8', metadata => to_jsonb(m) - '{how,what}'::text[] || '{"n": 1.10}')
  FROM moved m;
SELECT auth_store.user_create(external_id => 'json 9',
    metadata => json_build_object('n', 1.10, 'long', repeat('x', 60000))) FROM moved m;
DO $$
DECLARE
    how json := '{"n": 1.10}';
BEGIN
    PERFORM auth_store.user_create(external_id => 'json A', metadata => how);
END $$;
\o
SELECT metadata - 'long' AS metadata, count(*),
       string_agg(right(external_id, 1), '' ORDER BY external_id COLLATE "C") AS n FROM auth_store.users
 WHERE external_id LIKE 'json %' GROUP BY 1;
SELECT count(auth_store.user_create(external_id => 'none 1', metadata => NULL))
       + count(auth_store.user_create(external_id => 'none 2', metadata => NULL::json))
     + count(auth_store.user_create(external_id => 'none 3', metadata => NULL::text))
     + count(auth_store.user_create(external_id => 'none 4')) AS made;
SELECT metadata, count(*) FROM auth_store.users WHERE external_id LIKE 'none %' GROUP BY 1;
SELECT value, pg_temp.raised('SELECT auth_store.user_create(metadata => ' || value || ')')
  FROM unnest(ARRAY['5', 'true', 'ARRAY[''{}''::jsonb]', 'now()', '''x''::name', '''[]''::json', '''[]''::text', '''''',
    '''{"a": }''::text', '''{"a": "\u0000"}''::json', '''{"a": 1''', 'json_build_object(''a'', repeat(''x'', 70000))',
    '''null''::json']) WITH ORDINALITY AS t (value, n) ORDER BY n;

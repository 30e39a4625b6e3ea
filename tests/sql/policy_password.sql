-- What a new password must be like, as password_check() says it.
\i tests/sql/include/helpers.sql

CREATE FUNCTION pg_temp.judged(password text, tenant text DEFAULT 'policy_password', names text[] DEFAULT NULL)
RETURNS text LANGUAGE sql AS $$
    SELECT concat_ws(' ', a.ok, a.score, a.reasons)
      FROM auth_store.password_check(password, names => names, tenant_id => tenant) a
$$;
SELECT auth_store.tenant_create('policy_password') \gset

-- The whole row of one that is refused, and of one that is not.
\x on
SELECT * FROM auth_store.password_check('Password1', tenant_id => 'policy_password');
SELECT * FROM auth_store.password_check('correct horse battery staple', tenant_id => 'policy_password');
\x off

-- Characters count, not bytes; a mark counts with its letter where the two have one character. Nothing is trimmed, and
-- any kind of letter will do: NIST SP 800-63B-4 section 3.1.1.2.
SELECT what, pg_temp.judged(password) FROM (VALUES
    ('NULL', NULL), ('empty', ''), ('7 characters', 'xk3q9vz'), ('8 characters', 'xk3q9vzw'),
    ('8 characters of 3 bytes', '橋船鳥海山川森空'), ('7 letters and 3 marks', E'a\u0308b\u0308c\u0308defg'),
    ('only spaces', repeat(' ', 20)), ('spaces around', '   xk3q   '), ('1024 characters', repeat('xk3q9vzw', 128)),
    ('1025 characters', repeat('x', 1025)), ('a megabyte', repeat('x', 1000000)), ('a tab', E'xk3q\t9vzw'),
    ('an invisible character', E'xk3q\u200b9vzw'), ('letters only', 'zebra lampion quarz')) AS t (what, password);

-- Common ones are known without a table, whatever is done to their letters.
SELECT password, pg_temp.judged(password) FROM (VALUES
    ('password'), ('PASSWORD'), ('p4ssw0rd'), ('drowssap'), ('qwertyuiop'), ('12345678'), ('iloveyou')) AS t (password);
-- The table is asked for the word as it is typed, and in lower case.
INSERT INTO auth_store.common_passwords VALUES ('zebra lampion quarz'), ('Kolibri-Verein-77');
SELECT password, pg_temp.judged(password) FROM (VALUES
    ('zebra lampion quarz'), ('Zebra Lampion QUARZ'), ('Kolibri-Verein-77'), ('kolibri-verein-77')) AS t (password);
DELETE FROM auth_store.common_passwords WHERE password IN ('zebra lampion quarz', 'Kolibri-Verein-77');
SELECT pg_temp.judged('zebra lampion quarz');

-- Breached ones: the hash of the password as services of them are asked, RFC 3174's example among them.
SELECT p.password, b.* FROM (VALUES ('abc'), ('password'), (''), ('zebra lampion quarz')) AS p (password),
       auth_store.password_breach_prefix(p.password) b;
SELECT pg_temp.raised('SELECT auth_store.password_breach_prefix(NULL)');
-- The lines of a list become rows; two words here share the first six digits.
CREATE TEMP TABLE breached (hash text, count integer);
COPY breached FROM STDIN (DELIMITER ':');
F5B54B5D0C5DB6A4F2D1C0F0C64A5B2C0FE3E3B5:3
F5B54BFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF:1
\.
INSERT INTO breached SELECT b.prefix || b.suffix, 7 FROM auth_store.password_breach_prefix('zebra lampion quarz') b;
INSERT INTO breached SELECT left(hash, 6) || '0123456789' || repeat('0', 24), 1 FROM breached;
INSERT INTO auth_store.breached_passwords (prefix, suffixes)
SELECT left(hash, 6), decode(string_agg(substr(hash, 7, 10), ''), 'hex') FROM breached GROUP BY 1
ON CONFLICT (prefix) DO UPDATE SET suffixes = breached_passwords.suffixes || excluded.suffixes;
SELECT count(*), sum(octet_length(suffixes)) AS bytes FROM auth_store.breached_passwords
 WHERE prefix IN (SELECT left(hash, 6) FROM breached);
SELECT pg_temp.judged('zebra lampion quarz'), pg_temp.judged('Zebra lampion quarz');
-- A sorted list as it comes, with the line ends of another system, folded on the way as docs/how-to/password_policy.md
-- has it.
COPY auth_store.breached_passwords FROM PROGRAM $$
printf '%s:%d\r\n' 0000000000011111111112222222222333333333 1 0000000000044444444445555555555666666666 2 \
    000001FFFFFFFFFFEEEEEEEEEEDDDDDDDDDDCCCC 3 |
awk -F: '
  { p = substr($1, 1, 6) }
  p != q { if (q) print q "\t\\\\x" s; q = p; s = "" }
  { s = s substr($1, 7, 10) }
  END { if (q) print q "\t\\\\x" s }'
$$;
SELECT * FROM auth_store.breached_passwords WHERE prefix < '000002' ORDER BY 1;
DELETE FROM auth_store.breached_passwords WHERE prefix < '000002';
SELECT pg_temp.raised(format('INSERT INTO auth_store.breached_passwords VALUES (%L, %L)', prefix, suffixes))
  FROM (VALUES ('abcdef', '\x0102030405'), ('ABCDE', '\x0102030405'), ('ABCDEF', '\x01020304')) AS t (prefix, suffixes);

-- The user's own names: of the form, and of a user who is there, by which the tenant is known too.
SELECT password, pg_temp.judged(password, names => '{ada.lovelace@engines.example,Ada,Lovelace,+441234567890}')
  FROM (VALUES ('lovelace1815'), ('L0V3L4C3!!'), ('ecalevol99'), ('enginesengines'), ('441234567890'),
    ('my lovelace likes green tea at noon')) AS t (password);
SELECT user_id AS ada FROM auth_store.user_create('ada.byron@engines.example', first_name => 'Augusta',
    tenant_id => 'policy_password') \gset
SELECT error FROM auth_store.user_name_add(:'ada', 'username', 'quicksilver');
SELECT password, ok, reasons FROM (VALUES ('byron-engines'), ('Augusta1815'), ('quicksilver'), ('quarz zebra lampion'))
       AS t (password), auth_store.password_check(password, :'ada');
SELECT ok, reasons FROM auth_store.password_check('quicksilver9');

-- Each rule of a tenant can be switched off, and the score be asked for or not.
SELECT auth_store.tenant_policy_set('policy_password', '{"password_min_score": 0, "password_check_common": false,
    "password_check_breached": false, "password_check_similarity": false, "password_min_length": 12}');
SELECT password, pg_temp.judged(password, names => '{password12}')
  FROM (VALUES ('password12'), ('passwordpassword'), ('password1234'), ('zebra lampion quarz')) AS t (password);
SELECT auth_store.tenant_policy_set('policy_password', '{"password_min_score": 4, "password_min_length": null}');
SELECT password, pg_temp.judged(password)
  FROM (VALUES ('Tr0ub4dour&3'), ('correct horse battery staple')) AS t (password);

-- What does not exist, and what is no name.
SELECT what, pg_temp.raised(what) FROM (VALUES
    ('SELECT auth_store.password_check(''x'', gen_random_uuid())'),
    ('SELECT auth_store.password_check(''x'', tenant_id => ''nowhere'')'),
    ('SELECT auth_store.password_check(''x'', names => ''{NULL}'')'),
    ('SELECT auth_store.password_check(''x'', names => array_fill(''x''::text, ARRAY[21]))')) AS t (what);
SELECT pg_temp.raised(format('SELECT auth_store.password_check(%L, %L, tenant_id => %L)', 'x', :'ada', 'default'));
-- A pinned session knows the users of its tenant, and the lists that are everybody's.
SET auth_store.tenant_id = 'default';
SELECT pg_temp.raised(format('SELECT auth_store.password_check(%L, %L)', 'x', :'ada'));
SELECT reasons FROM auth_store.password_check('zebra lampion quarz');
RESET auth_store.tenant_id;
DELETE FROM auth_store.breached_passwords WHERE prefix IN (SELECT left(hash, 6) FROM breached);
SELECT auth_store.tenant_erase('policy_password', 'policy_password') > 0 AS erased;

-- Nobody but the owner reads or writes the lists.
SELECT r.rolname, t.name FROM pg_roles r,
       (VALUES ('common_passwords'), ('breached_passwords'), ('tenant_policies')) AS t (name)
 WHERE r.rolname LIKE 'auth\_store\_%' AND r.rolname <> 'auth_store_owner'
   AND has_table_privilege(r.rolname, 'auth_store.' || t.name, 'SELECT, INSERT, UPDATE, DELETE');
-- What is full of signs that may stand for letters costs not much more than other passwords, however long it is.
CREATE FUNCTION pg_temp.cost(password text) RETURNS interval LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
BEGIN
    PERFORM auth_store.password_check(password);
    RETURN clock_timestamp() - began;
END $$;
SELECT min(pg_temp.cost(letters)) * 15 > min(pg_temp.cost(signs)) AS bounded
  FROM generate_series(1, 3),
       (VALUES (repeat('abzqhkdwnv', 100), repeat('4@8({[<369&1!7|0$5+7%2', 45))) AS p (letters, signs);
SELECT score FROM auth_store.password_check(repeat('4@8({[<369&1!7|0$5+7%2', 45));

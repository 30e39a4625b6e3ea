-- Hashes of other stores: read, refused, and made anew at the first log-in. tests/tap/password_import.pl has every
-- kind.
\i tests/sql/include/helpers.sql
CREATE FUNCTION pg_temp.stored(who uuid) RETURNS text LANGUAGE sql AS
    $$ SELECT regexp_replace(regexp_replace(hash, '\$[^$]*\$[^$]*$', ''), 'pepper=.*', 'pepper')
         FROM auth_store.passwords WHERE user_id = who $$;

SELECT auth_store.user_ensure('import-ann') AS ann, auth_store.user_ensure('import-bob') AS bob \gset
-- OpenBSD's test vector of bcrypt: "U*U".
\set bcrypt '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
SELECT count(*) AS trail FROM pg_temp.trail() \gset
SELECT auth_store.password_import(:'ann', :'bcrypt');
SELECT pg_temp.stored(:'ann');
SELECT ok, error FROM auth_store.password_verify(:'ann', 'U*V');
SELECT pg_temp.stored(:'ann');
-- Verified by the other store's function, and made anew in the same transaction, short as the password is.
BEGIN;
SELECT ok, error FROM auth_store.password_verify(:'ann', 'U*U');
SELECT pg_temp.stored(:'ann');
ROLLBACK;
SELECT pg_temp.stored(:'ann');
BEGIN READ ONLY;
SELECT ok, error FROM auth_store.password_verify(:'ann', 'U*U');
COMMIT;
SELECT pg_temp.stored(:'ann');
SELECT ok, error FROM auth_store.password_verify(:'ann', 'U*U');
SELECT pg_temp.stored(:'ann');
SELECT ok, error FROM auth_store.password_verify(:'ann', 'U*U');
SELECT * FROM pg_temp.trail();
SELECT details FROM auth_store.audit_log WHERE user_id = :'ann' AND event = 'password.imported';

-- An import in place of a password ends what that one gave access to; must_change.
SELECT FROM auth_store.session_create(:'ann');
SELECT auth_store.password_import(:'ann', :'bcrypt', 'bcrypt', must_change => true);
SELECT count(*) FROM auth_store.sessions WHERE user_id = :'ann' AND revoked_at IS NULL;
SELECT ok, must_change FROM auth_store.password_verify(:'ann', 'U*U');

-- A pepper is kept once for all, sealed, and is in no text.
SELECT auth_store.password_import(:'ann', :'bcrypt', pepper => 'sea salt'),
       auth_store.password_import(:'bob', :'bcrypt', pepper => 'sea salt');
SELECT pg_temp.stored(:'ann'), count(*) AS peppers, bool_or(strpos(pepper::text, encode('sea salt', 'hex')) > 0) AS told
  FROM auth_store.password_peppers WHERE tenant_id = 'default';
SELECT ok, error FROM auth_store.password_verify(:'ann', 'U*U');
SELECT auth_store.password_import(:'bob', :'bcrypt', pepper => 'rock salt');
SELECT count(*) FROM auth_store.password_peppers WHERE tenant_id = 'default';

-- What is refused, each with what is accepted. No message has the hash in it.
SELECT n, pg_temp.raised(format('SELECT auth_store.password_import(%L, %L, %L, %L, %L, %L)', :'ann', hash, format,
        normalization, pepper, parameters)) FROM (VALUES
    (1, NULL, NULL, NULL, NULL, NULL), (2, '', NULL, NULL, NULL, NULL),
    (3, repeat('0', 64) || ':' || repeat('0', 128), NULL, NULL, NULL, NULL),
    (4, repeat('0', 96), 'auto', NULL, NULL, NULL), (5, md5('x'), NULL, NULL, NULL, NULL),
    (6, '$1$salt$hash', 'crypt', NULL, NULL, NULL), (7, '{noop}secret', 'spring', NULL, NULL, NULL),
    (8, :'bcrypt', 'Bcrypt', NULL, NULL, NULL), (9, :'bcrypt', 'django', NULL, NULL, NULL),
    (10, replace(:'bcrypt', '$05$', '$16$'), NULL, NULL, NULL, NULL), (11, :'bcrypt', NULL, 'NFD', NULL, NULL),
    (12, :'bcrypt', NULL, NULL, NULL, '[]'), (13, :'bcrypt', NULL, NULL, NULL, '{"rounds": 8}'),
    (14, '$argon2id$v=19$m=4294967295,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc', NULL, NULL,
        NULL, NULL), (15, repeat('x', 100000), 'bcrypt', NULL, NULL, NULL))
    t (n, hash, format, normalization, pepper, parameters) ORDER BY n;
SELECT pg_temp.raised(format('SELECT auth_store.password_import(gen_random_uuid(), %L)', :'bcrypt'));
SELECT pg_temp.raised(format('SELECT auth_store.password_import(NULL, %L)', :'bcrypt'));
-- A text that was changed by hand is told, not taken for a wrong password.
UPDATE auth_store.passwords SET hash = 'x' WHERE user_id = :'ann';
SELECT pg_temp.raised(format('SELECT auth_store.password_verify(%L, %L)', :'ann', 'U*U'));

-- Fernet tokens (github.com/fernet/spec), made and opened. What depends on the clock is in the library's own tests.
\i tests/sql/include/helpers.sql
\pset null NULL
\set key cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=
\set other 'QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI='
\set hello 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='
\set binary 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0OD9R7wg3CPv-q3nMKJ8pOs8dO6sqBfNE5JVybRWFyoCLjcoudHJY52DQaRNVqPU0iqQ=='
\set nul 'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0OD1oLmUjkwNLaIYxBcnQcWJbe4d_bMZ978tBf-mgHJzJr1YTsWOPDTpkPC9aCXndLog=='

-- The specification's token is of 1985: without a ttl its age does not matter.
SELECT auth_store.fernet_decrypt(:'hello', :'key') AS plain,
       auth_store.fernet_decrypt(rtrim(:'hello', '='), rtrim(:'key', '=')) AS unpadded,
       auth_store.fernet_decrypt(:'hello', :'key', '1 min') AS with_a_ttl,
       auth_store.fernet_decrypt(:'hello', :'key', '1000 years') AS with_a_long_one;

-- Its invalid ones. Two are wrong only in their time, and hold the empty text.
SELECT what, auth_store.fernet_decrypt(token, :'key'), auth_store.fernet_decrypt(token, :'key', '1 min') AS with_a_ttl
  FROM (VALUES
    ('incorrect mac',
        'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykQUFBQUFBQUFBQQ=='),
    ('too short',                   'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPA=='),
    ('invalid base64',
        '%%%%%%%%%%%%%AECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1YdykRtfsH-p1YsUD2Q=='),
    ('not a multiple of the block',
        'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPOm73QeoCk9uGib28Xe5vz6oxq5nmxbx_v7mrfyudzUm'),
    ('padding error',
        'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0ODz4LEpdELGQAad7aNEHbf-JkLPIpuiYRLQ3RtXatOYREu2FWke6CnJNYIbkuKNqOhw=='),
    ('far future',
        'gAAAAAAdwStRAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAnja1xKYyhd-Y6mSkTOyTGJmw2Xc2a6kBd-iX9b_qXQcw=='),
    ('expired',                     'gAAAAAAdwJ6xAAECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAl1-szkFVzXTuGb4hR8AKtwcaX1Yd'
                                    'ykRtfsH-p1YsUD2Q=='),
    ('incorrect iv',
        'gAAAAAAdwJ6xBQECAwQFBgcICQoLDA0OD3HkMATM5lFqGaerZ-fWPAkLhFLHpGtDBRLRTZeUfWgHSv49TF2AUEZ1TIvcZjK1zQ=='),
    ('NULL',                        NULL),
    ('empty',                       ''),
    ('a version alone',             'gA=='),
    ('padding alone',               '===='),
    ('in the other alphabet',       translate(:'hello', '-_', '+/')),
    ('a line end',                  :'hello' || E'\n'),
    ('cut',                         left(:'hello', -4)),
    ('long',                        repeat('A', 1000000))) AS t (what, token);

-- What it makes, it opens, and nobody else; the same text gives another token each time.
SELECT what, octet_length(token), token ~ '^gAAAAA[A-Za-z0-9_-]+={0,2}$' AS looks_right,
       auth_store.fernet_decrypt(token, :'key', '1 min') = text AS opens,
       auth_store.fernet_decrypt(token, :'key', '0.9 s'::interval + '1 min') = text AS whole_seconds,
       auth_store.fernet_decrypt(token, :'other') AS with_another_key
  FROM (VALUES ('empty', ''), ('short', 'hello'), ('a block less one', repeat('x', 15)), ('a block', repeat('x', 16)),
      ('not ASCII', 'Zoë 🔑'), ('long', repeat('é', 500000)),
               ('the longest', repeat('x', 16777216))) AS t (what, text),
       LATERAL (SELECT auth_store.fernet_encrypt(text, :'key')) AS m (token);
SELECT count(DISTINCT auth_store.fernet_encrypt('hello', :'key')) AS different FROM generate_series(1, 100);

-- Several keys: the first encrypts, any opens. White space around them does not count.
SELECT what, auth_store.fernet_decrypt(auth_store.fernet_encrypt('hello', made_with), opened_with)
  FROM (VALUES ('the first of two',         :'key' || ',' || :'other', :'key'),
               ('not the second',           :'key' || ',' || :'other', :'other'),
               ('opened by the second',     :'key', :'other' || ',' || :'key'),
               ('a file''s',                :'key', E' \t' || :'other' || E' ,\r\n ' || :'key' || E'\n'),
               ('opened by the hundredth',  :'key', repeat(:'other' || ',', 99) || :'key'))
                   AS t (what, made_with, opened_with);

-- Bytes that are no text the server can hold: 0xff, and a NUL; made elsewhere.
SELECT auth_store.fernet_decrypt(token, :'other')
  FROM (VALUES (:'binary'), (:'nul')) AS t (token);

-- Mistakes. None of them says what was passed in.
SELECT what, pg_temp.raised(format('SELECT auth_store.fernet_encrypt(%L, %L)', 'hello', key)) AS fernet_encrypt,
       pg_temp.raised(format('SELECT auth_store.fernet_decrypt(%L, %L)', :'hello', key)) AS fernet_decrypt
  FROM (VALUES ('NULL',                  NULL),
               ('empty',                 ''),
               ('a word',                'hello'),
               ('in hex',                repeat('0f', 32)),
               ('in the other alphabet', translate(:'key', '-_', '+/')),
               ('31 bytes',              rtrim(translate(encode(decode(repeat('fa', 31), 'hex'), 'base64'), '+/', '-_'),
                   '=')),
               ('33 bytes',              translate(encode(decode(repeat('fa', 33), 'hex'), 'base64'), '+/', '-_')),
               ('padded too far',        :'key' || '='),
               ('a trailing comma',      :'key' || ','),
               ('a bad one among them',  :'key' || ',hello,' || :'other'),
               ('101',                   repeat(:'other' || ',', 100) || :'key'),
               ('a million commas',      repeat(',', 1000000))) AS t (what, key);
-- The key is looked at even where the token would be NULL, so that a table is not taken for all bad.
SELECT pg_temp.raised($$SELECT auth_store.fernet_decrypt(NULL, 'hello')$$);
SELECT pg_temp.raised(format('SELECT auth_store.fernet_encrypt(%L, %L)', NULL, :'key'));
SELECT pg_temp.raised(format('SELECT auth_store.fernet_encrypt(repeat(%L, 16777217), %L)', 'x', :'key'));
SELECT ttl, pg_temp.raised(format('SELECT auth_store.fernet_decrypt(%L, %L, %L)', :'hello', :'key', ttl))
  FROM (VALUES ('0'), ('-1 s'), ('-1 microsecond'), ('1 day -25 hours'), ('178000000 years')) AS t (ttl);

-- What docs/how-to/migrating.md does: the rows of a table that do not open are found before anything is moved.
CREATE TEMP TABLE old (id int, token text);
INSERT INTO old
VALUES (1, :'hello'), (2, auth_store.fernet_encrypt('two', :'other')), (3, left(:'hello', 40)), (4, NULL),
    (5, auth_store.fernet_encrypt('five', :'key'));
SELECT id FROM old WHERE auth_store.fernet_decrypt(token, :'key') IS NULL ORDER BY id;
SELECT id, auth_store.fernet_decrypt(token, :'other' || ',' || :'key') FROM old ORDER BY id;

# Every hash of tests/vectors/password_hashes.json through SQL: imported with the arguments of its row, verified, and
# made anew at the first log-in that is right.
use strict;
use warnings;

use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('password_import');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
# A line a row. No text of PostgreSQL has a NUL: the library's own tests verify those rows.
my @lines = grep { /^\s*\{/ } split /\n/, slurp_file("$FindBin::Bin/../vectors/password_hashes.json");
my @rows = map { s/,?\s*$//r } grep { !/\\u0000/ } @lines;
is(@lines - @rows, 3, 'three passwords have a NUL');
value($node, $db, 'CREATE TABLE vector (n int GENERATED ALWAYS AS IDENTITY, row jsonb);'
      . join '', map { 'INSERT INTO vector (row) VALUES (' . AuthStore::quote($_) . ');' } @rows);
cmp_ok(value($node, $db, 'SELECT count(*) FROM vector'), '>=', 219, 'the file has its rows');

# What a row came to: refused, or what two log-ins said and whether the hash became this store's between them.
value($node, $db, <<'SQL');
CREATE TABLE outcome (n int, imported text, first bool, second bool, other bool, renewed bool);
CREATE FUNCTION try(v vector) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    who uuid := auth_store.user_ensure('vector-' || v.n);
    arguments jsonb := v.row->'import';
    o outcome;
BEGIN
    o.n := v.n;
    BEGIN
        PERFORM auth_store.password_import(who, v.row->>'hash', COALESCE(arguments->>'format', 'auto'),
            arguments->>'normalization', arguments->>'pepper', NULLIF(arguments->'parameters', 'null'));
        o.imported := 'ok';
    EXCEPTION WHEN invalid_parameter_value THEN
        o.imported := 'refused';
    END;
    IF o.imported = 'ok' THEN
        SELECT ok INTO o.other FROM auth_store.password_verify(who, 'not this one');
        SELECT ok INTO o.first FROM auth_store.password_verify(who, v.row->>'password');
        SELECT hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%' INTO o.renewed FROM auth_store.passwords
         WHERE user_id = who;
        IF o.renewed THEN
            SELECT ok INTO o.second FROM auth_store.password_verify(who, v.row->>'password');
        END IF;
    END IF;
    INSERT INTO outcome SELECT o.*;
END $$;
SELECT try(v) FROM vector v ORDER BY n;
SQL

# In expect, where it is there, stands what this store does otherwise than the origin.
my $EXPECTED = q{CASE WHEN row->>'expect' LIKE 'refuse import%' THEN 'refused'
    WHEN row->>'expect' LIKE 'true%' THEN 'true' WHEN row->>'expect' LIKE 'false%' THEN 'false'
    ELSE row->>'verifies' END};
is(value($node, $db, "SELECT v.n, v.row->>'program', $EXPECTED, o.* FROM vector v JOIN outcome o USING (n)
    WHERE CASE $EXPECTED WHEN 'refused' THEN o.imported <> 'refused'
          ELSE o.imported <> 'ok' OR o.first IS DISTINCT FROM ($EXPECTED)::bool END"), '',
    'each is refused, right or wrong as its row says');
is(value($node, $db, 'SELECT count(*) FROM outcome'), scalar @rows, 'all were tried');
is(value($node, $db, 'SELECT n FROM outcome WHERE other'), '', 'no hash takes another password');
is(value($node, $db, 'SELECT n FROM outcome WHERE renewed AND NOT first'), '', 'no wrong password makes a new hash');
is(value($node, $db, 'SELECT n FROM outcome WHERE renewed AND NOT second'), '', 'the new hash takes the same password');
# bcrypt that saw 72 bytes alone; a password that was right without the white space around it; those that RFC 8265 does
# not let be: the empty one, and one with a soft hyphen.
is(value($node, $db, "SELECT v.n, v.row FROM vector v JOIN outcome o USING (n) WHERE o.first AND NOT o.renewed
    AND v.row->>'password' <> '' AND v.row->>'password' !~ U&'\\00AD'
    AND NOT (length(v.row->>'password') > 64 AND v.row->>'hash' ~ '^.2[aby]')
    AND v.row->>'expect' IS DISTINCT FROM 'true: the password is tried trimmed too, as the form of log-in has it'"), '',
    'a right password makes a new hash, but where not all of it was proved');
is(value($node, $db, "SELECT o.n FROM vector v JOIN outcome o USING (n) WHERE o.renewed
    AND octet_length(v.row->>'password') > 72 AND v.row->>'hash' ~ '^.2[aby]'"), '',
    'a hash of bcrypt that saw 72 bytes stays');
cmp_ok(value($node, $db, 'SELECT count(*) FROM outcome WHERE renewed'), '>', 100, 'so it was with most');
cmp_ok(value($node, $db, 'SELECT count(*) FROM outcome WHERE first AND NOT renewed'), '>', 0, 'and not with all');
is(value($node, $db, q{SELECT count(*) FROM outcome o JOIN vector v USING (n)
    WHERE o.imported = 'ok' AND strpos(v.row::text, '"pepper"') > 0}) > 0, 1, 'some have a pepper');

$node->stop;
done_testing();

# Fernet with Python's cryptography, both ways: it opens what fernet_encrypt() makes, fernet_decrypt() opens what it
# makes, and both refuse the same.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use JSON::PP;
use Test::More;

my $python = $ENV{PYTHON} // '/usr/bin/python3';
my ($version, $error) = ('', '');
if (!eval { IPC::Run::run([ $python, '-c', 'import cryptography; print(cryptography.__version__)' ], '>', \$version,
    '2>', \$error) })
{
    die "there is no cryptography for $python (python3-cryptography)\n$error\n" if $ENV{AUTH_STORE_STRICT};
    plan skip_all => "there is no cryptography for $python (python3-cryptography)";
}
note("cryptography $version");

my $node = new_server('fernet');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');

# Runs Python with the JSON of $input in `given`; returns what it leaves in `made`.
sub python
{
    my ($input, $script) = @_;
    my ($out, $err) = ('', '');
    my $program = <<"PYTHON";
import json, sys, time
from cryptography.fernet import Fernet, MultiFernet, InvalidToken

def opened(fernet, token, **how):
    try:
        return fernet.decrypt(token.encode(), **how).decode()
    except InvalidToken:
        return None

given = json.load(sys.stdin)
$script
json.dump(made, sys.stdout)
PYTHON
    IPC::Run::run([ $python, '-c', $program ], '<', \encode_json($input), '>', \$out, '2>', \$err)
      or die "$python: $err";
    return decode_json($out);
}

# Rows as JSON, and JSON as a literal.
sub rows
{
    my ($sql) = @_;
    return decode_json(value($node, $db, "SELECT coalesce(json_agg(r), '[]') FROM ($sql) AS r"));
}
sub literal { my ($data) = @_; my $json = encode_json($data); $json =~ s/'/''/g; return "'$json'" }

my ($old, $new, $other) = @{ python([], 'made = [Fernet.generate_key().decode() for n in range(3)]') };
value($node, $db, <<'SQL');
CREATE TABLE texts (name text PRIMARY KEY, text text NOT NULL);
INSERT INTO texts
VALUES ('empty', ''), ('short', 'hello'), ('not ASCII', 'Zoë Müller 日本 🔑'), ('10 kB', repeat('0123456789', 1024)),
    ('10 kB, not ASCII', repeat('é🔑', 1707)),
    ('control characters', E'\x01\t\r\n\x7f'), ('quotes', '''"\ {}[]'), ('a megabyte', repeat('x', 1048576)),
    ('a token', 'asat_' || repeat('A', 64));
INSERT INTO texts SELECT n || ' bytes', repeat('x', n) FROM generate_series(1, 49) AS n;
SQL

# --- what the store makes ---------------------------------------------------------------------------------------------

my $made = rows("SELECT name, text, auth_store.fernet_encrypt(text, '$old') AS token,
    auth_store.fernet_encrypt(text, '$new,$old') AS of_two FROM texts ORDER BY name");
my $said = python({ old => $old, new => $new, other => $other, rows => $made }, <<'PYTHON');
old, new, other = (Fernet(given[name]) for name in ('old', 'new', 'other'))
def wrong(right):
    return [row['name'] for row in given['rows'] if not right(row)]
made = {
    'Fernet opens it': wrong(lambda row: opened(old, row['token']) == row['text']),
    'and with a ttl': wrong(lambda row: opened(old, row['token'], ttl=600) == row['text']),
    'its time is now': wrong(lambda row: abs(time.time() - old.extract_timestamp(row['token'].encode())) < 600),
    'MultiFernet opens it': wrong(lambda row: opened(MultiFernet([other, new, old]), row['token']) == row['text']),
    'another key does not': wrong(lambda row: opened(other, row['token']) is None),
    'of two keys the first encrypted': wrong(lambda row: opened(new, row['of_two']) == row['text']),
    'and the second did not': wrong(lambda row: opened(old, row['of_two']) is None),
}
PYTHON
cmp_ok(scalar @$made, '>', 50, 'the store made tokens');
is_deeply($said->{$_}, [], "made by the store: $_") for sort keys %$said;
is(scalar keys %$said, 7, 'all of that was asked');

# --- what Python makes ------------------------------------------------------------------------------------------------

my $theirs = python({ old => $old, new => $new, rows => $made }, <<'PYTHON');
old, new = Fernet(given['old']), Fernet(given['new'])
both = MultiFernet([new, old])
made = [{
    'name': row['name'],
    'token': old.encrypt(row['text'].encode()).decode(),
    'of_two': both.encrypt(row['text'].encode()).decode(),
    'rotated': both.rotate(row['token'].encode()).decode(),
} for row in given['rows']]
PYTHON
value($node, $db, 'CREATE TABLE theirs AS SELECT * FROM json_to_recordset(' . literal($theirs)
    . ') AS t (name text, token text, of_two text, rotated text)');
is(value($node, $db, 'SELECT count(*) FROM theirs JOIN texts USING (name)'), scalar @$made, 'Python made as many');
for my $case ([ 'fernet_decrypt() opens it', 'token', $old, 'text' ],
    [ 'with several keys', 'token', "$other,$new,$old", 'text' ],
    [ 'not with another', 'token', "$other,$new", 'NULL' ],
    [ "MultiFernet's", 'of_two', $new, 'text' ], [ "MultiFernet's, of the first key alone", 'of_two', $old, 'NULL' ],
    [ 'what it rotated', 'rotated', $new, 'text' ], [ 'and not with the old key', 'rotated', $old, 'NULL' ])
{
    my ($what, $column, $keys, $expected) = @$case;
    is(value($node, $db, "SELECT name FROM theirs JOIN texts USING (name)
        WHERE auth_store.fernet_decrypt($column, '$keys') IS DISTINCT FROM $expected"), '', "made by Python: $what");
    next if $expected eq 'NULL';
    is(value($node, $db, "SELECT name FROM theirs JOIN texts USING (name)
        WHERE auth_store.fernet_decrypt($column, '$keys', '10 min') IS DISTINCT FROM $expected"), '',
        "made by Python: $what, with a ttl");
}

# --- what both refuse -------------------------------------------------------------------------------------------------

# Tokens of other times, changed ones, and bytes that are no text: what Python says of each without a ttl,
# and with one of an hour.
my $odd = python({ old => $old }, <<'PYTHON');
import base64
old = Fernet(given['old'])
now = int(time.time())
tokens = {f'{seconds} s from now': old.encrypt_at_time(b'hello', now + seconds) for seconds in (-86400, -4000, -3000, 0,
    30, 600, 86400)}
tokens['of the year 5138'] = old.encrypt_at_time(b'hello', 10**11)
raw = base64.urlsafe_b64decode(old.encrypt(b'hello'))
for place in range(len(raw)):
    tokens[f'byte {place} changed'] = base64.urlsafe_b64encode(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1:])
    tokens[f'cut at {place}'] = base64.urlsafe_b64encode(raw[:place])
tokens['longer'] = base64.urlsafe_b64encode(raw + b'\0')
made = [{'name': name, 'token': token.decode(), 'text': opened(old, token.decode()),
    'in_time': opened(old, token.decode(), ttl=3600)} for name, token in tokens.items()]
PYTHON
value($node, $db, 'CREATE TABLE odd AS SELECT * FROM json_to_recordset(' . literal($odd)
    . ') AS t (name text, token text, text text, in_time text)');
is(value($node, $db, 'SELECT count(text), count(in_time), count(*) > 150 FROM odd'), '8|3|t',
    'Python opens eight without a ttl, three with one');
is(value($node, $db, "SELECT name FROM odd WHERE auth_store.fernet_decrypt(token, '$old') IS DISTINCT FROM text"), '',
    'so does the store without a ttl');
is(value($node, $db, "SELECT name FROM odd
    WHERE auth_store.fernet_decrypt(token, '$old', '1 hour') IS DISTINCT FROM in_time"), '', 'and with one');
my $bytes = python({ old => $old },
    q{made = [Fernet(given['old']).encrypt(b).decode() for b in (b'\xff', b'\xc3', b'\xed\xa0\x80', b'a\0b')]});
is(value($node, $db, 'SELECT count(*), count(auth_store.fernet_decrypt(t #>> \'{}\', \'' . $old
    . '\')) FROM json_array_elements(' . literal($bytes) . ') AS t'), '4|0', 'bytes that are no text are NULL');

# What a migration asks: which rows do not open.
is(value($node, $db, "SELECT count(*) FROM (SELECT token FROM theirs UNION ALL SELECT 'x' UNION ALL SELECT NULL) AS t
    WHERE auth_store.fernet_decrypt(token, '$new,$old') IS NULL"), '2', 'a query finds what does not open');

# Parallel workers draw ivs of their own.
value($node, $db, 'CREATE TABLE many AS SELECT n FROM generate_series(1, 20000) AS n;
    ALTER TABLE many SET (parallel_workers = 2); ANALYZE many');
my $parallel = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
    SET parallel_leader_participation = off;';
my $draw = "SELECT auth_store.fernet_encrypt(n::text, '$old') AS token FROM many";
like(value($node, $db, "$parallel EXPLAIN (COSTS off) CREATE TABLE drawn AS $draw"), qr/Gather/,
    'fernet_encrypt() runs in parallel workers');
value($node, $db, "$parallel CREATE TABLE drawn AS $draw");
is(value($node, $db, "SELECT count(*), count(DISTINCT substr(token, 13, 21)),
    count(auth_store.fernet_decrypt(token, '$old')) FROM drawn"), '20000|20000|20000', 'no two with the same iv');

$node->stop;
done_testing();

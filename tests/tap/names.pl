# Names are compared alike in every database, whatever its collation: one mailbox is one user, and a dump loads
# elsewhere. And nothing else of the store follows the order of a language.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Encode qw(encode_utf8);
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;


my $node = new_server('names');
my $icu = value($node, 'postgres', "SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'") > 0;

# The databases: in one nothing but ASCII has a lower case, in one I has another, in one aa comes after z.
my %HOW = (
    utf8 => "LOCALE 'C.UTF-8'",
    c    => "LOCALE 'C'");
if ($icu) { $HOW{$_} = "LOCALE_PROVIDER icu ICU_LOCALE '$_' LOCALE 'C.UTF-8'" for qw(tr az da en-US); }
for my $database (sort keys %HOW)
{
    value($node, 'postgres', qq{CREATE DATABASE "$database" TEMPLATE template0 ENCODING 'UTF8' $HOW{$database}});
    value($node, $database, 'CREATE EXTENSION auth_store');
}

# A statement with characters beyond ASCII, as bytes.
sub says { return value($node, $_[0], encode_utf8($_[1])) }

# Each line is one mailbox: the key, and ways to write it.
my @MAILBOXES = (
    [ 'ann@example.com', 'Ann@Example.com', 'ANN@EXAMPLE.COM', "ann\@\x{ff25}\x{ff38}ample.com" ],
    [ 'iris@example.com', 'IRIS@EXAMPLE.COM' ],
    [ "i\x{307}x\@example.com", "\x{130}x\@example.com", "I\x{307}X\@EXAMPLE.COM" ],
    [ 'ix@example.com', 'IX@example.com', 'Ix@EXAMPLE.com' ],
    [ "\x{131}x\@example.com", "\x{131}X\@example.com" ],
    [ "ren\x{e9}\@example.com", "RENE\x{301}\@example.com", "Ren\x{c9}\@example.com", "rene\x{301}\@Example.com" ],
    [ 'kelvin@example.com', "\x{212a}elvin\@example.com" ],
    [ "\x{3c9}\@example.com", "\x{3a9}\@example.com", "\x{2126}\@example.com" ],
    [ "\x{3bf}\x{3b4}\x{3c5}\x{3c3}\x{3c3}\x{3b5}\x{3c5}\x{3c2}\@example.com",
        "\x{39f}\x{394}\x{3a5}\x{3a3}\x{3a3}\x{395}\x{3a5}\x{3a3}\@example.com" ],
    [ "stra\x{df}e\@example.com", "Stra\x{df}e\@example.com", "STRA\x{1e9e}E\@example.com" ],
    [ 'strasse@example.com', 'STRASSE@example.com' ],
    [ "\x{ff41}\@example.com", "\x{ff21}\@example.com" ],
    [ 'a@example.com', 'A@example.com' ],
    [ 'a@xn--bcher-kva.example', "A\@B\x{fc}cher.example", "a\@BU\x{308}CHER.example", 'a@XN--BCHER-KVA.example' ],
    [ 'a@xn--strae-oqa.example', "a\@stra\x{df}e.example", "a\@Stra\x{df}e.Example" ],
    [ 'a@strasse.example', 'a@STRASSE.example' ],
    [ 'a@ixil.example', 'a@IXIL.example' ],
    [ 'a@_under_score.example', 'A@_UNDER_SCORE.example' ]);

for my $database (sort keys %HOW)
{
    for my $mailbox (@MAILBOXES)
    {
        my ($key, @ways) = @$mailbox;
        for my $way (@ways, $key)
        {
            my $first = $way eq $ways[0];
            is(says($database, "SELECT user_id IS NOT NULL, error FROM auth_store.user_create('$way')"),
                $first ? 't|' : 'f|email_taken',
                encode_utf8("$database: $way is " . ($first ? 'a user' : 'that user')));
        }
        # The bucket is that of the key.
        my $bucket = substr sha256_hex("default\0" . encode_utf8($key)), 0, 3;
        is(says($database, "SELECT substr(replace(u.id::text, '-', ''), 14, 3),
                n.bucket = ('x00000$bucket')::bit(32)::int, n.name_key = '$key', n.name = '$ways[0]'
            FROM auth_store.users u JOIN auth_store.user_names n ON n.user_id = u.id WHERE u.email = '$ways[0]'"),
                "$bucket|t|t|t",
                encode_utf8("$database: bucket and key of $ways[0], the address as it was given"));
    }
    is(value($node, $database, "SELECT count(*) FROM auth_store.users"), scalar(@MAILBOXES),
        "$database: as many users as mailboxes");
    # External ids are compared byte by byte.
    is(says($database, "SELECT count(DISTINCT auth_store.user_ensure(x))
        FROM (VALUES ('Ann'), ('ann'), ('\x{e9}'), ('e\x{301}'), ('\x{130}'), ('i')) v (x)"),
        '6', "$database: external ids are what they are");
    is(value($node, $database, 'SELECT object, problem FROM auth_store.check()'), '',
        "$database: check() has nothing to say");
}

# --- a dump of each loads in each -------------------------------------------------------------------------------------

my $dir = PostgreSQL::Test::Utils::tempdir;
for my $from (sort keys %HOW)
{
    $node->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/$from.dump", $from ], "pg_dump of $from");
    for my $to (grep { $_ ne $from && ($from =~ /^(c|tr|utf8)$/ || $_ eq 'c') } sort keys %HOW)
    {
        value($node, 'postgres', "CREATE DATABASE target TEMPLATE template0 ENCODING 'UTF8' $HOW{$to}");
        $node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'target', "$dir/$from.dump" ],
            "restored from $from into one like $to");
        is(differences(contents($node, $from), contents($node, 'target')), '', 'with every row');
        is(value($node, 'target', 'SELECT object, problem FROM auth_store.check()'), '',
            'and check() has nothing to say');
        is(says('target', "SELECT error FROM auth_store.user_create('I\x{307}x\@example.com')"), 'email_taken',
            'a user is the same there');
        value($node, 'postgres', 'DROP DATABASE target');
    }
}

# --- what else had an order -------------------------------------------------------------------------------------------

# No index, key or constraint of the store depends on a collation but "C".
for my $database (sort keys %HOW)
{
    is(value($node, $database, q{SELECT i.indexrelid::regclass FROM pg_index i CROSS JOIN unnest(i.indcollation) c
        WHERE i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace)
        AND c NOT IN (0, 950)}),
        '', "$database: every index is in the order of bytes");
}
is(value($node, 'utf8', q{SELECT c.conrelid::regclass, c.conname FROM pg_constraint c
    WHERE c.connamespace = 'auth_store'::regnamespace AND c.contype = 'c'
    AND pg_get_constraintdef(c.oid) ~* '(lower|upper|initcap|[^a-z]like[^a-z]|ilike|similar)'}), '',
    'no constraint asks a locale');

# The first and the last of ids that a language would put the other way round.
for my $database (sort keys %HOW)
{
    my $out = value($node, $database, <<'SQL');
SELECT client_id
  FROM auth_store.client_create('Order', client_id => 'order', client_type => 'public',
      redirect_uris => ARRAY['https://a.example/cb'], scope => 'a') \gset
SELECT auth_store.user_ensure('order') AS user \gset
SELECT grant_id AS g FROM auth_store.token_issue('order', :'user') \gset
\o /dev/null
CREATE TEMP TABLE g AS SELECT * FROM auth_store.grants WHERE id = :'g';
\o
UPDATE g SET id = 'aa000000-0000-8000-8000-000000000001';
INSERT INTO auth_store.grants SELECT * FROM g;
UPDATE g SET id = 'ab000000-0000-8000-8000-000000000001';
INSERT INTO auth_store.grants SELECT * FROM g;
DELETE FROM auth_store.grants WHERE id = :'g';
SELECT first_granted_at = auth_store.id_time('aa000000-0000-8000-8000-000000000001'),
       last_granted_at = auth_store.id_time('ab000000-0000-8000-8000-000000000001')
         FROM auth_store.user_applications(:'user');
SQL
    is($out, 't|t', "$database: first and last log-in of an application");
}

# --- from the tables of 0.1.0, where one mailbox could be two users ---------------------------------------------------

my @OLD = map { "0000000$_-0000-8000-8000-000000000000" } 1 .. 6;
value($node, 'postgres', "CREATE DATABASE old TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
value($node, 'old', 'CREATE EXTENSION auth_store');
my $fresh = shape($node, 'old');
is(value($node, 'old', 'SELECT auth_store.migrate(1)'), '1', 'migrate() goes back');
like(value($node, 'old', "SELECT pg_get_indexdef('auth_store.users_email_key'::regclass)"), qr/lower/,
    'to the index of 0.1.0');
raises($node, 'old', "SELECT auth_store.user_create('a\@b.example')", '55000',
    'the library does not work on those tables', hint => 'SELECT auth_store.migrate()');
says('old', "INSERT INTO auth_store.users (id, email, external_id, created_at, updated_at) VALUES
    ('$OLD[3]', 'ren\x{e9}\@example.com', 'late', now(), now()),
    ('$OLD[0]', 'rene\x{301}\@example.com', 'early', now(), now()),
    ('$OLD[4]', '\x{212a}\@example.com', NULL, now(), now()), ('$OLD[1]', 'K\@example.com', NULL, now(), now()),
    ('$OLD[5]', NULL, 'none', now(), now())");
says('old', "INSERT INTO auth_store.users (id, email, created_at, updated_at)
    SELECT gen_random_uuid(), 'user' || n || '\@Example.com', now(), now() FROM generate_series(1, 2500) n");
my $up = run_sql($node, 'old', 'SELECT auth_store.migrate() > 1');
is($up->{out}, 't', 'migrate() succeeds over two users with one mailbox') or diag($up->{err});
like($up->{err}, qr/NOTICE:.*address of 2 user/, 'and says how many there are');
unlike($up->{err}, qr/example\.com/, 'without an address');
is(value($node, 'old', "SELECT id FROM auth_store.users WHERE email_unnamed ORDER BY id"),
    "$OLD[3]\n$OLD[4]",
    'the one with the smaller id is found by it');
is(value($node, 'old', q{SELECT count(*) FROM auth_store.users u JOIN auth_store.user_names n ON n.user_id = u.id
        AND n.kind = 'email' AND n.name_key = lower(u.email) AND n.created_at = u.created_at
    WHERE u.email LIKE 'user%'}),
    '2500', 'all others have their key');
is(value($node, 'old', 'SELECT object, problem FROM auth_store.check() ORDER BY 1'),
    "user $OLD[3]|has the e-mail address of user $OLD[0] too and is not found by it\n"
        . "user $OLD[4]|has the e-mail address of user $OLD[1] too and is not found by it",
    'check() names them');
value($node, 'old', 'CREATE ROLE looker LOGIN; GRANT auth_store_auditor TO looker');
is(value($node, 'old', 'SELECT count(*) FROM auth_store.check()', user => 'looker'), '2',
    'also to those who may not read the table');
says('old', "SELECT auth_store.user_create('REN\x{c9}\@example.com')");
is(value($node, 'old',
    "SELECT external_id, email_unnamed FROM auth_store.users WHERE id IN ('$OLD[0]', '$OLD[3]') ORDER BY 1"),
    "early|f\nlate|t", 'they stay as they are');
is(differences($fresh, shape($node, 'old')), '', 'the objects are those of a fresh install');
# Settled by the administrator.
value($node, 'old', "UPDATE auth_store.users SET email = 'other\@example.com' WHERE id = '$OLD[3]';
    SELECT auth_store.user_name_remove('$OLD[1]', 'email', 'k\@example.com') \\g /dev/null");
is(value($node, 'old', "SELECT object || ': ' || problem FROM auth_store.check()"),
    join("\n", map { "user $_: is not found by the e-mail address" } @OLD[3, 4]), 'check() says when a key is free');
value($node, 'old', 'SELECT auth_store.migrate()');
is(value($node, 'old', 'SELECT object, problem FROM auth_store.check()'), '', 'migrate() gives the keys that are free');
is(says('old', "SELECT error FROM auth_store.user_create('k\@example.com')"), 'email_taken', 'and the user is found');
# Back: two keys that lower() of this database takes for one.
says('old', "SELECT auth_store.migrate(1); SELECT auth_store.migrate()");
is(value($node, 'old', 'SELECT object, problem FROM auth_store.check()'), '', 'down and up again');
if ($icu)
{
    my $down = run_sql($node, 'tr', 'SELECT auth_store.migrate(1)');
    is($down->{state}, '55000', 'migrate() down is refused where two users would be one') or diag($down->{err});
    unlike($down->{err}, qr/example\.com/, 'and shows no address');
}

$node->stop;
done_testing();

# docs/how-to/moving_users_in.md as it is written: its SQL blocks run, in their order, against tables of the kinds that
# it names. Afterwards every user logs in with the password of before, and running the blocks again makes nobody twice.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('moving_users_in');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');

# A hash of the vectors, by what its row has; its password is correct horse battery staple.
my @vectors = grep { /"password": "correct horse battery staple", "verifies": true/ && !/"expect": "(?!true)/ }
    split /\n/, slurp_file("$FindBin::Bin/../vectors/password_hashes.json");

sub hash_of
{
    my ($what) = @_;
    my ($row) = grep { /$what/ } @vectors or die "no vector: $what";
    $row =~ s/,\s*$//;
    return AuthStore::quote(value($node, $db, 'SELECT ' . AuthStore::quote($row) . "::jsonb->>'hash'"));
}

my $keycloak = hash_of('"format": "keycloak"');
value($node, $db, join ";\n",
    'CREATE TABLE auth_user (id int, username text, email text, first_name text, last_name text, password text,
         is_active bool)',
    "INSERT INTO auth_user VALUES (1, 'ada', 'ada\@django.example', 'Ada', '', " . hash_of('"pbkdf2_sha256\$')
      . ", true), (2, 'bob', '', '', '', '!unusable', true), (3, 'cid', '', '', '', " . hash_of('"hash": "scrypt\$')
      . ", true)",
    'CREATE TABLE "user" (id text, name text, email text, "emailVerified" bool)',
    'CREATE TABLE account ("userId" text, "providerId" text, "accountId" text, password text)',
    q{INSERT INTO "user" VALUES ('ba1', 'Ann', 'ann@better.example', true)},
    q{INSERT INTO account VALUES ('ba1', 'github', '583231', NULL), ('ba1', 'credential', 'ba1', }
      . hash_of('"format": "better-auth"')
      . ')',
    'CREATE TABLE users (id int, email text, encrypted_password text, confirmed_at timestamptz)',
    q{INSERT INTO users VALUES (1, 'dev@rails.example', } . hash_of('"pepper": "the-pepper"') . q{, now()),
        (2, 'none@rails.example', '', NULL)},
    'CREATE TABLE wp_users ("ID" int, user_login text, user_email text, user_pass text)',
    q{INSERT INTO wp_users VALUES (1, 'wendy', 'wendy@wp.example', } . hash_of('"hash": "\$wp\$') . q{),
        (2, 'paul', 'paul@wp.example', } . hash_of('"hash": "\$P\$') . q{), (3, 'old', 'old@wp.example', md5('x'))},
    'CREATE TABLE user_entity (id text, email text, email_verified bool, username text, first_name text,
         last_name text, enabled bool)',
    'CREATE TABLE credential (user_id text, type text, credential_data text, secret_data text)',
    q{INSERT INTO user_entity VALUES ('kc1', 'kim@kc.example', true, 'kim', 'Kim', NULL, true)},
    qq{INSERT INTO credential SELECT 'kc1', 'password', h->>'credentialData', h->>'secretData'
         FROM (SELECT ($keycloak)::jsonb AS h) k},
    'CREATE TABLE "AspNetUsers" ("Id" text, "Email" text, "EmailConfirmed" bool, "PasswordHash" text)',
    q{INSERT INTO "AspNetUsers" VALUES ('asp1', 'amy@asp.example', true, } . hash_of('"format": "aspnet"') . ')');

# The blocks of the page.
my @blocks = slurp_file("$FindBin::Bin/../../docs/how-to/moving_users_in.md") =~ /^```sql\n(.*?)^```/msg;
cmp_ok(scalar @blocks, '>=', 8, 'the page has blocks');
value($node, $db, $_) for @blocks;

is(value($node, $db, 'SELECT count(*) FROM moved WHERE error IS NULL'), 9, 'all were moved');
like(value($node, $db, 'SELECT source, error_description FROM moved WHERE error IS NOT NULL'),
    qr/^wordpress\|.*reset/, 'but for the one whose hash is a fast digest');
is(value($node, $db, q{SELECT m.external_id FROM moved m, LATERAL auth_store.password_verify(m.user_id,
    'correct horse battery staple') v WHERE m.error IS NULL AND NOT v.ok}), 'django-2',
    'and log in with their passwords, but for the one who had none');
is(value($node, $db, "SELECT count(*) FROM auth_store.passwords WHERE hash LIKE '%,in=%'"), 0, 'with a new hash each');
is(value($node, $db, "SELECT string_agg(email, ' ' ORDER BY email COLLATE \"C\") FROM auth_store.users
    WHERE email_verified"), 'amy@asp.example ann@better.example dev@rails.example kim@kc.example',
    'addresses are verified as they were');
is(value($node, $db, "SELECT email, created, linked, error FROM auth_store.identity_login('github', '583231') l,
    auth_store.user_get(l.user_id)"), 'ann@better.example|f|f|', 'who came by another provider comes by it again');

value($node, $db, "DELETE FROM moved");
value($node, $db, $_) for grep { !/CREATE TABLE/ } @blocks;
is(value($node, $db, 'SELECT count(*), bool_or(created) FROM moved WHERE error IS NULL'), '9|f',
    'running the blocks again makes nobody twice');

$node->stop;
done_testing();

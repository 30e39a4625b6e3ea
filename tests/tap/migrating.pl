# docs/how-to/migrating.md as it is written: its SQL blocks run, in their order, against three stores of the usual kinds
# with holders of live, expired and revoked things, and a table of other providers' tokens. Afterwards the live ones
# work for their holders, and nothing else does.
#
# A block is left out while a function that it calls is not in the store.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Digest::SHA qw(sha256_hex);
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('migrating');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');

# --- the old stores ---------------------------------------------------------------------------------------------------

# Hashes of the secrets of two clients: bcrypt of U*U and of imported-secret-of-the-needle.
value($node, $db, <<'SQL');
CREATE TABLE users (id bigint PRIMARY KEY, email text);
INSERT INTO users SELECT n, 'user' || n || '@example.com' FROM generate_series(1, 50) AS n;

-- one: hex
CREATE TABLE oauth2_clients (client_id text PRIMARY KEY, client_secret_hash text, client_name text NOT NULL,
    redirect_uris text NOT NULL, scope text NOT NULL);
CREATE TABLE oauth2_authorization_codes (code_hash char(64) PRIMARY KEY, client_id text, user_id bigint,
    redirect_uri text, scope text, expires_at timestamptz);
CREATE TABLE oauth2_refresh_tokens (id bigint GENERATED ALWAYS AS IDENTITY, token_hash char(64) UNIQUE, client_id text,
    user_id bigint, scope text,
    created_at timestamptz, expires_at timestamptz, revoked_at timestamptz);
CREATE TABLE oauth2_token_logs (id bigint GENERATED ALWAYS AS IDENTITY, event text, client_id text, user_id bigint,
    ip inet, created_at timestamptz);
INSERT INTO oauth2_clients VALUES
    ('shop', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW', 'Shop',
        'https://shop.example/cb https://shop.example/cb2', 'orders profile'),
    ('phone', NULL, 'Phone', 'com.example.phone:/cb', 'orders');
INSERT INTO oauth2_refresh_tokens (token_hash, client_id, user_id, scope, created_at, expires_at, revoked_at)
SELECT encode(sha256(convert_to('hex-' || n, 'UTF8')), 'hex'), CASE n % 2 WHEN 0 THEN 'shop' ELSE 'phone' END, n,
       'orders', now() - interval '3 days',
       now() + interval '20 days' - CASE WHEN n > 15 THEN interval '21 days' ELSE '0' END,
       CASE WHEN n BETWEEN 11 AND 15 THEN now() END
  FROM generate_series(1, 20) AS n;
INSERT INTO oauth2_authorization_codes
SELECT 'x', 'shop', 1, 'https://shop.example/cb', 'orders', now() + interval '1 min';
INSERT INTO oauth2_token_logs (event, client_id, user_id, ip, created_at)
SELECT 'refresh', 'shop', n, '192.0.2.1', now() FROM generate_series(1, 5) AS n;

-- two: base64
CREATE TABLE oauth_clients (id text PRIMARY KEY, secret text, name text, redirect_uri text, scopes text[],
    confidential boolean, revoked boolean);
CREATE TABLE oauth_tokens (id bigint GENERATED ALWAYS AS IDENTITY, client_id text, user_id bigint, scopes text[],
    access_token_hash text, access_token_expires_at timestamptz,
    refresh_token_hash text, refresh_token_expires_at timestamptz, revoked boolean, created_at timestamptz);
INSERT INTO oauth_clients VALUES
    ('portal', '$2b$04$abcdefghijklmnopqrstuuqVEyXk0KbDYiCyzr68BHvnbdPT7CSf2', 'Portal', 'https://portal.example/cb',
        '{read,write}', true, false),
    ('gone', NULL, 'Gone', 'https://gone.example/cb', '{read}', false, true);
INSERT INTO oauth_tokens (client_id, user_id, scopes, access_token_hash, access_token_expires_at, refresh_token_hash,
    refresh_token_expires_at, revoked, created_at)
SELECT 'portal', n, '{read}', encode(sha256(convert_to('access-' || n, 'UTF8')), 'base64'), now() + interval '10 min',
       CASE WHEN n < 9 THEN encode(sha256(convert_to('base64-' || n, 'UTF8')), 'base64') END, now() + interval '1 year',
       n > 5, now()
  FROM generate_series(1, 10) AS n;

-- three: bytea, and the rest
CREATE TABLE authorization_codes (code_hash bytea, user_id bigint, expires_at timestamptz);
CREATE TABLE refresh_tokens (id bigint PRIMARY KEY, token_hash bytea, user_id bigint, created_at timestamptz,
    expires_at timestamptz, revoked_at timestamptz, replaced_by bigint);
CREATE TABLE api_keys (id bigint, key_hash text, prefix text, name text, user_id bigint, scopes text[],
    expires_at timestamptz, revoked_at timestamptz);
CREATE TABLE sessions (id bigint, token_hash text, user_id bigint, expires_at timestamptz);
CREATE TABLE device_codes (code_hash bytea, user_code text, expires_at timestamptz);
CREATE TABLE revoked_tokens (jti text, expires_at timestamptz);
INSERT INTO refresh_tokens
SELECT n, sha256(convert_to('bytea-' || n, 'UTF8')), 1, now(), now() + interval '9 days', NULL,
       CASE WHEN n < 4 THEN n + 1 END
  FROM generate_series(1, 4) AS n;
INSERT INTO refresh_tokens
SELECT n, sha256(convert_to('bytea-' || n, 'UTF8')), n, now(), now() + interval '9 days', CASE WHEN n > 7 THEN now() END
  FROM generate_series(5, 9) AS n;
INSERT INTO api_keys
SELECT n, encode(sha256(convert_to('sk_live_' || n || repeat('k', 30), 'UTF8')), 'hex'), 'sk_live_' || n, 'Key ' || n,
       n, '{orders:read}',
       CASE n WHEN 2 THEN now() - interval '1 s' WHEN 4 THEN now() + interval '1 day' END, CASE n WHEN 3 THEN now() END
         FROM generate_series(1, 4) AS n;
INSERT INTO sessions
SELECT n, encode(sha256(convert_to('cookie-' || n, 'UTF8')), 'hex'), n,
       now() + CASE n WHEN 2 THEN interval '-1 s' ELSE '1 day' END
  FROM generate_series(1, 3) AS n;
INSERT INTO revoked_tokens
VALUES ('jwt-1', now() + interval '1 hour'), ('jwt-2', now() + interval '1 hour'), ('jwt-3', now() - interval '1 hour');

-- four: tokens of other providers, encrypted with Fernet under a new key and an old one; 4 and 5 do not open
CREATE SCHEMA connector;
CREATE TABLE connector.oauth_tokens (id bigint PRIMARY KEY, provider text, account_id text, user_id bigint, scope text,
    access_token text, refresh_token text, expires_at timestamptz);
INSERT INTO connector.oauth_tokens
SELECT n, 'github', 'octocat-' || n, n, 'repo user', auth_store.fernet_encrypt('gho_access-' || n, k.key),
       CASE WHEN n <> 3 THEN auth_store.fernet_encrypt('ghr_réfresh-' || n, k.key) END,
       date_trunc('second', now()) + interval '8 hours'
  FROM generate_series(1, 6) AS n,
         LATERAL (SELECT CASE WHEN n < 3 THEN 'AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI='
                              ELSE 'AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=' END) AS k (key);
UPDATE connector.oauth_tokens SET access_token = left(access_token, -8) || 'AAAAAAA=' WHERE id = 4;
UPDATE connector.oauth_tokens
   SET refresh_token = auth_store.fernet_encrypt('of a lost key', 'AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=')
 WHERE id = 5;
SQL
my @OLD = qw(oauth2_clients oauth2_authorization_codes oauth2_refresh_tokens oauth2_token_logs oauth_clients
    oauth_tokens authorization_codes refresh_tokens api_keys
  device_codes revoked_tokens connector.oauth_tokens);
sub old_rows
{
    return value($node, $db, join ' UNION ALL ',
        map { "SELECT '$_', md5(string_agg(t::text, ',' ORDER BY t::text)) FROM $_ t" } @OLD);
}
my $before = old_rows();

# --- the blocks -------------------------------------------------------------------------------------------------------

my $text = PostgreSQL::Test::Utils::slurp_file("$FindBin::Bin/../../docs/how-to/migrating.md");
my @blocks = $text =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar @blocks, '>=', 15, 'docs/how-to/migrating.md has its blocks');
my %there = map { $_ => 1 } split /\n/,
    value($node, $db, "SELECT proname FROM pg_proc WHERE pronamespace = 'auth_store'::regnamespace");

# The blocks that name a table or function; each must be there once.
sub block
{
    my ($pattern) = @_;
    my @found = grep { /$pattern/ } @blocks;
    is(scalar @found, 1, "one block is about $pattern") or return;
    return $found[0];
}

# The functions of the store that a block calls and that are not there.
sub lacking { my ($block) = @_; return grep { !$there{$_} } $block =~ /auth_store\.(\w+)\(/g }

sub run_block
{
    my ($pattern, $set) = @_;
    my $block = block($pattern);
    my @lacking = lacking($block);
    if (@lacking) { note("left out: $pattern, there is no @lacking"); return; }
    return succeeds($node, $db, ($set // '') . "\n" . $block, "the block about $pattern runs");
}

is(run_block('FROM oauth2_clients'), 'shop|t', 'clients of the first kind');
is(run_block('FROM oauth_clients'), 'portal|t', 'clients of the second kind, without the revoked one');
is(run_block("client_id => 'app', client_type"), 'app', 'the client of the third');
# Again: they are left alone.
is(run_block($_), '', 'a second run makes no client')
  for 'FROM oauth2_clients', 'FROM oauth_clients', "client_id => 'app', client_type";
is(value($node, $db, "SELECT string_agg(client_id || ' ' || client_type || ' ' || scope, ', ' ORDER BY client_id)
    FROM unnest(ARRAY['app', 'phone', 'portal', 'shop', 'gone']) AS c,
    auth_store.client_get(c)"),
    'app public read write, phone public orders, portal confidential read write, shop confidential orders profile',
    'the clients are what they were');

my %imports = ('FROM oauth2_refresh_tokens' => 10, 'FROM oauth_tokens' => 5, 'FROM refresh_tokens' => 4);
for my $pattern (sort keys %imports)
{
    is(run_block($pattern), $imports{$pattern}, "$pattern: as many as are live");
    is(run_block($pattern), $imports{$pattern}, "$pattern: a second run says the same");
}
is(value($node, $db, 'SELECT count(*), count(DISTINCT grant_id), (SELECT count(*) FROM auth_store.grants)
    FROM auth_store.imported_refresh_tokens'), '19|19|19',
    'each was imported once');
is(run_block("event = 'refresh_token.imported'"), "app|4\nphone|5\nportal|5\nshop|5", 'the trail counts them');
is(run_block('AS waiting'), "app|4|0|4\nphone|5|0|5\nportal|5|0|5\nshop|5|0|5", 'all wait for their holders');
is(value($node, $db, "SELECT count(*) FROM auth_store.users WHERE external_id ~ '^[0-9]+\$'"), '10',
    'the users who hold something are known by their own key');

# --- the holders ------------------------------------------------------------------------------------------------------

# What a legacy holder's refresh gives.
sub refresh
{
    my ($token, $client) = @_;
    my %secrets = (shop => 'U*U', portal => 'imported-secret-of-the-needle');
    my $secret = $secrets{$client} ? ", client_secret => '$secrets{$client}'" : '';
    my $out = value($node, $db, "SELECT coalesce(error, 'ok'), refresh_token, access_token
        FROM auth_store.token_refresh('$token', '$client'$secret)");
    return split /\|/, $out;
}
for my $case ([ 'hex-2', 'shop' ], [ 'hex-1', 'phone' ], [ 'base64-1', 'portal' ], [ 'bytea-4', 'app' ],
    [ 'bytea-5', 'app' ])
{
    my ($token, $client) = @$case;
    my ($said, $native, $access) = refresh($token, $client);
    is($said, 'ok', "$token of $client works for its holder");
    like($native, qr/^asrt_/, "$token: and is native from then on");
    is(value($node, $db, "SELECT active, client_id FROM auth_store.token_introspect('$access')"), "t|$client",
        "$token: its access token is active");
    is((refresh($native, $client))[0], 'ok', "$token: the native one goes on");
}
is(value($node, $db, "SELECT u.external_id || ' ' || (g.auth_time < now() - interval '2 days')
    FROM auth_store.imported_refresh_tokens i JOIN auth_store.grants g ON g.id = i.grant_id
    JOIN auth_store.users u ON u.id = g.user_id WHERE i.digest = decode('" . sha256_hex('hex-2') . "', 'hex')"),
        '2 true', 'for the same user, who logged in when he did');
for my $case ([ 'hex-12', 'shop' ], [ 'hex-16', 'shop' ], [ 'base64-6', 'portal' ], [ 'base64-9', 'portal' ],
    [ 'bytea-1', 'app' ], [ 'bytea-3', 'app' ], [ 'bytea-8', 'app' ],
    [ 'hex-4', 'phone' ], [ 'access-1', 'portal' ], [ sha256_hex('hex-4'), 'shop' ])
{
    my ($token, $client) = @$case;
    is((refresh($token, $client))[0], 'invalid_grant', "$token does not work at $client");
}
is((refresh('hex-4', 'shop'))[0], 'ok', 'and nothing of that ended what is live');
is(value($node, $db, "SELECT coalesce(error, 'ok') FROM auth_store.token_revoke('hex-6', 'shop', 'U*U')"), 'ok',
    'a client may end a token that it never used here');
is((refresh('hex-6', 'shop'))[0], 'invalid_grant', 'which has ended then');
is(run_block('AS waiting'), "app|4|2|2\nphone|5|1|4\nportal|5|1|4\nshop|5|2|2", 'the counts follow');

# --- the rest ---------------------------------------------------------------------------------------------------------

SKIP:
{
    skip 'there is no api_key_import()', 4 if lacking(block('FROM api_keys'));
    is(run_block('FROM api_keys'), '2', 'API keys: as many as are live');
    for my $case ([ 1, 't' ], [ 2, 'f' ], [ 3, 'f' ], [ 4, 't' ])
    {
        my ($n, $valid) = @$case;
        is(value($node, $db, "SELECT valid
            FROM auth_store.api_key_verify('sk_live_$n' || repeat('k', 30), 'orders:read')"), $valid,
            "API key $n: $valid");
    }
}
SKIP:
{
    skip 'there is no jti_revoke()', 2 if lacking(block('FROM revoked_tokens'));
    is(run_block('FROM revoked_tokens'), '2', 'revoked ids: as many as have not expired');
    is(value($node, $db, "SELECT auth_store.jti_is_revoked('jwt-1'), auth_store.jti_is_revoked('jwt-3'),
        auth_store.jti_is_revoked('jwt-4')"), 't|f|f', 'they are known');
}
SKIP:
{
    skip 'there is no session_create()', 4 if lacking(block('DELETE FROM sessions'));
    my $new = run_block('DELETE FROM sessions', "\\set cookie cookie-1\n");
    my ($token) = $new =~ /^(asst_[\w-]+)\|/;
    is(value($node, $db, "SELECT valid FROM auth_store.session_validate('$token')"), 't',
        'an old session was traded for a new one');
    is(run_block('DELETE FROM sessions', "\\set cookie $_\n"), '', "$_ is worth nothing") for qw(cookie-1 cookie-2
        cookie-9);
}
SKIP:
{
    skip 'there is no connection_import_fernet()', 19 if lacking(block('connection_import_fernet'));
    # Rotated: the new key first.
    my $keys = "\\set fernet_key "
        . "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=,AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=\n";
    is(run_block('AS bad_access_token', $keys), "4|github|4|t|f\n5|github|5|f|t",
        "providers' tokens: two rows do not open");
    is(run_block('connection_import_fernet', $keys), '4', 'the others are imported');
    is(run_block('connection_import_fernet', $keys), '0', 'once');
    is(run_block('AS missing', $keys), "4|github|4|t\n5|github|5|t", 'they hold what the table holds');
    is(value($node, $db, "SELECT access_token, refresh_token, scope, status
        FROM auth_store.connection_get('github', '1')"), 'gho_access-1|ghr_réfresh-1|repo user|valid', 'one of them');
    is(value($node, $db, "SELECT refresh_token IS NULL FROM auth_store.connection_get('github', '3')"), 't',
        'one without a refresh token');
    # psql ends, and the transaction with it
    is(run_block('UPDATE connector', "$keys BEGIN;\n"), '', 'the way back runs');
}

is(old_rows(), $before, 'the import changed nothing in the old tables');
is(value($node, $db, 'SELECT * FROM auth_store.check()'), '', 'check() has nothing to say');
# No block of the page was forgotten here.
is(scalar(@blocks), 15, 'all blocks were run');

$node->stop;
done_testing();

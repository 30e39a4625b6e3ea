# Signing keys while they are in use: rotated again and again while eight clients get tokens and verify them with the
# JWKS that they fetched as late as they may; restored by a dump, and read on a standby.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $CLIENTS = 8;
my $node = new_server('signing_key', streaming => 1);
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
$node->append_conf('postgresql.conf', 'auth_store.jwks_max_age = 1');
$node->reload;
value($node, $db, <<'SQL');
SELECT auth_store.provider_set('https://id.example') AS _, auth_store.signing_key_create() AS _ \gset _
SELECT client_id, client_secret FROM auth_store.client_create('machine', client_id => 'machine', scope => 'orders',
    grant_types => '{client_credentials}', access_token_format => 'jwt') \gset
CREATE TABLE machine AS SELECT :'client_secret' AS secret;
-- A client's life for some seconds: a new token must verify with the keys fetched up to a second ago, and an older one
-- with those of now.
CREATE PROCEDURE live(seconds double precision) LANGUAGE plpgsql AS $$
DECLARE
    until timestamptz := clock_timestamp() + make_interval(secs => seconds);
    fetched_at timestamptz := '-infinity';
    keys text[];
    token text;
    older text;
    kid text;
    count integer := 0;
BEGIN
    WHILE clock_timestamp() < until LOOP
        IF clock_timestamp() >= fetched_at + '1 second' THEN
            fetched_at := clock_timestamp();
            SELECT array_agg(k ->> 'kid') INTO keys
              FROM jsonb_array_elements((SELECT body::jsonb -> 'keys' FROM auth_store.http_jwks())) k;
            older := coalesce(older, token);
        END IF;
        SELECT access_token INTO token
          FROM auth_store.token_issue_client_credentials('machine', (SELECT secret FROM machine));
        COMMIT;
        kid := convert_from(decode(rpad(translate(split_part(token, '.', 1), '-_', '+/'),
            (length(split_part(token, '.', 1)) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb ->> 'kid';
        -- A client that was held up looks again before it refuses: its keys are older than it lets them be.
        IF NOT kid = ANY (keys) AND clock_timestamp() < fetched_at + interval '1 second' THEN
            RAISE 'key % is not among %', kid, keys;
        END IF;
        IF NOT (SELECT bool_and(active)
                  FROM unnest(ARRAY[token, older]) t, auth_store.jwt_verify(t, 'https://id.example')
                 WHERE t IS NOT NULL) THEN
            RAISE 'a token is refused';
        END IF;
        count := count + 1;
        COMMIT;
    END LOOP;
    RAISE NOTICE 'verified %', count;
END $$;
SQL

my @clients = map {
    my ($out, $err) = ('', '');
    my @psql = ('psql', '-XAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), '-c', 'CALL live(8)');
    my $run = IPC::Run::start(\@psql,
        '<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
    { run => $run, err => \$err };
} 1 .. $CLIENTS;
for (1 .. 5)
{
    value($node, $db, "SELECT auth_store.signing_key_rotate(overlap => '1 second'); SELECT pg_sleep(1.2)");
}
for my $n (1 .. $CLIENTS)
{
    my $client = $clients[ $n - 1 ];
    ok($client->{run}->finish, "client $n has verified every token") or diag(${ $client->{err} });
    like(${ $client->{err} }, qr/verified [1-9]/, "client $n had some");
}
is(value($node, $db, 'SELECT count(*) FROM auth_store.signing_key_list()'), '6', 'five rotations');
is(value($node, $db, "SELECT count(DISTINCT kid) FROM auth_store.signing_key_list() WHERE state = 'active'"), '1',
    'one key signs');

# --- a standby verifies, a restored dump signs with the same keys -----------------------------------------------------

my $token = value($node, $db, "SELECT access_token FROM machine,
    auth_store.token_issue_client_credentials('machine', secret)");
my $verify = "SELECT active FROM auth_store.jwt_verify('$token', 'https://id.example')";
my $jwks = 'SELECT body FROM auth_store.http_jwks()';
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('signing_key_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(value($standby, $db, $jwks), value($node, $db, $jwks), 'the standby has the same JWKS');
is(value($standby, $db, $verify), 't', 'and verifies with it');

value($node, 'template1', 'CREATE DATABASE restored');
my $dump = $node->basedir . '/store.sql';
command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr($db) ], 'pg_dump');
unlike(slurp_file($dump), qr/PRIVATE KEY/, 'the dump has the keys sealed');
command_ok([ 'psql', '-Xqv', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'restored');
is(value($node, 'restored', $jwks), value($node, $db, $jwks), 'the restored store has the same JWKS');
is(value($node, 'restored', "SELECT length(access_token) > 300 FROM machine,
    auth_store.token_issue_client_credentials('machine', secret)"), 't', 'and signs');

# Without the master key nothing is signed, and what is published stays so.
unlink $node->basedir . '/master.key';
$node->reload;
is(value($node, $db, "SELECT pg_sleep(0.5), count(*) > 0 FROM auth_store.signing_key_list()"), '|t', 'keys are listed');
is(value($node, $db, $verify), 't', 'and verify');
raises($node, $db, "SELECT * FROM machine, auth_store.token_issue_client_credentials('machine', secret)", '55000',
    'nothing is signed without the master key');
done_testing();

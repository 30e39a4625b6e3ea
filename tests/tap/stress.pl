# Many connections at the same code and the same refresh token, at READ COMMITTED: one winner, no lost or doubled step,
# and never an error that is not an outcome.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $CLIENTS = 32;
my $ROUNDS = 30;

my $node = new_server('stress', preload => 1);
# What is tried here is order, not time: a slow machine must not turn a retry into a replay.
$node->append_conf('postgresql.conf', "auth_store.code_replay_grace = '60s'\nauth_store.refresh_grace = '300s'");
$node->restart;
my $db = 'postgres';
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT auth_store.client_create('Stress', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'stress',
    scope => 'read');
SELECT auth_store.client_create('Strict', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'strict',
    scope => 'read', refresh_grace => '0');
CREATE TABLE given (n int PRIMARY KEY, token text, grant_id uuid);
CREATE TABLE answer (n int, connection int, outcome text, access_token text, refresh_token text);
SQL

# Runs a script on that many connections at once, each so many times. In it, :n counts a connection's runs from 1.
sub pgbench
{
    my ($name, $script, $times, @scripts) = @_;
    my $file = "$PostgreSQL::Test::Utils::tmp_check/$name.sql";
    PostgreSQL::Test::Utils::append_to_file($file, "\\set n :n + 1\n$script\n");
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
    my ($out, $err) = ('', '');
    my $ok = IPC::Run::run([ $node->installed_command('pgbench'), qw(--no-vacuum --protocol=prepared --jobs=2),
            "--client=$CLIENTS", "--transactions=$times", '--define=n=0', '--file', $file, @scripts, $db ],
        '>', \$out, '2>', \$err);
    ok($ok && $err !~ /ERROR|FATAL|aborted/, "$name: $CLIENTS connections, $times times each, no error") or diag($err);
    like($out, qr/number of transactions actually processed: (\d+)\/\1\b/, "$name: all of them ran");
}

# --- one code ---------------------------------------------------------------------------------------------------------

my $PKCE = "code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'";
value($node, $db, "INSERT INTO given (n, token) SELECT n, code
    FROM generate_series(1, $ROUNDS) AS n, LATERAL auth_store.code_issue('stress',
    auth_store.user_ensure(n::text), $PKCE, ttl => '10 min')");
pgbench('redeem', "INSERT INTO answer SELECT :n::int, :client_id::int, coalesce(error, 'ok'), access_token,
    refresh_token FROM auth_store.code_redeem(
    (SELECT token FROM given WHERE n = :n::int), 'stress', code_verifier => '$AuthStore::VERIFIER');", $ROUNDS);
is(value($node, $db, "SELECT DISTINCT count(*), count(*) FILTER (WHERE outcome = 'ok'),
    count(*) FILTER (WHERE outcome = 'invalid_grant'),
    count(access_token), count(refresh_token) FROM answer GROUP BY n"), join('|', $CLIENTS, 1, $CLIENTS - 1, 1, 1),
    'each code was redeemed by exactly one, the others were told invalid_grant');
is(value($node, $db, "SELECT count(*), count(revoked_at), count(DISTINCT user_id) FROM auth_store.grants"),
    "$ROUNDS|0|$ROUNDS",
    'each code made one grant, and none was revoked as if it were replayed');
is(value($node, $db, "SELECT count(*) FROM auth_store.access_tokens"), $ROUNDS, 'and one access token');
is(value($node, $db,
    "SELECT count(*) FROM answer, LATERAL auth_store.token_introspect(access_token) AS i WHERE i.active"), $ROUNDS,
    'which is active');
is(value($node, $db,
    "SELECT flags, count(*) FROM auth_store.audit_log WHERE event = 'code.redeemed' GROUP BY flags ORDER BY 2"),
    "|$ROUNDS\n{code_retry}|" . $ROUNDS * ($CLIENTS - 1), 'the audit trail says who won and who came second');

# --- one refresh token ------------------------------------------------------------------------------------------------

value($node, $db, "UPDATE given SET token = refresh_token FROM answer WHERE answer.n = given.n AND outcome = 'ok'");
my $refresh = "INSERT INTO answer SELECT :n::int, :client_id::int, coalesce(error, 'ok'), access_token, refresh_token
    FROM auth_store.token_refresh(
    (SELECT token FROM given WHERE n = :n::int), 'stress');";
for my $generation (1 .. 3)
{
    value($node, $db, 'TRUNCATE answer');
    pgbench("refresh $generation", $refresh, $ROUNDS);
    is(value($node, $db, "SELECT DISTINCT count(*), count(*) FILTER (WHERE outcome = 'ok'),
        count(DISTINCT refresh_token), count(DISTINCT access_token) FROM answer GROUP BY n"),
        "$CLIENTS|$CLIENTS|1|$CLIENTS", 'within the grace all get the same successor, and each its own access token');
    is(value($node, $db, "SELECT DISTINCT rotation_count, revoked_at IS NULL FROM auth_store.grants"), "$generation|t",
        'each family moved on exactly once');
    is(value($node, $db, "SELECT count(*) FROM given JOIN answer USING (n) WHERE given.token = answer.refresh_token"),
        0, 'to another token');
    value($node, $db, "UPDATE given SET token = (SELECT min(refresh_token) FROM answer WHERE answer.n = given.n)");
}
is(value($node, $db, "SELECT count(*) FROM answer, LATERAL auth_store.token_introspect(access_token) AS i
    WHERE i.active"), $ROUNDS * $CLIENTS,
    'every access token that was given out is active');

# Without a grace: the first wins, every other is a reuse, and the family is dead.
value($node, $db, "TRUNCATE answer; DELETE FROM given;
    INSERT INTO given SELECT n, refresh_token, grant_id FROM generate_series(1, $ROUNDS) AS n,
    LATERAL auth_store.token_issue('strict', auth_store.user_ensure(n::text))");
pgbench('strict', $refresh =~ s/'stress'/'strict'/r, $ROUNDS);
is(value($node, $db, "SELECT DISTINCT count(*) FILTER (WHERE outcome = 'ok'),
    count(*) FILTER (WHERE outcome = 'invalid_grant') FROM answer GROUP BY n"),
    join('|', 1, $CLIENTS - 1), 'without a grace exactly one gets a successor');
is(value($node, $db, "SELECT DISTINCT rotation_count, revoked_reason FROM auth_store.grants
    WHERE client_id = 'strict'"), '1|refresh_reuse',
    'and the reuse ends the family');
is(value($node, $db, "SELECT count(*), count(DISTINCT grant_id) FROM auth_store.audit_log
    WHERE event = 'refresh_reuse' AND risk_score = 1"), "$ROUNDS|$ROUNDS",
    'which the audit trail says once for each');
is(value($node, $db,
    "SELECT count(*) FROM answer, LATERAL auth_store.token_introspect(access_token) AS i WHERE i.active"), 0,
    'and no access token of it is active');

# --- chains -----------------------------------------------------------------------------------------------------------

# Each connection refreshes its own family again and again; every fifth answer is lost, and the client tries again with
# what it has. Nobody is ever called a thief.
my $LENGTH = 60;
value($node, $db,
    "DELETE FROM given; INSERT INTO given SELECT n, refresh_token, grant_id FROM generate_series(0, $CLIENTS - 1) AS n,
    LATERAL auth_store.token_issue('stress', auth_store.user_ensure('chain ' || n));
    ALTER TABLE given ADD lost int NOT NULL DEFAULT 0, ADD refused int NOT NULL DEFAULT 0");
pgbench('chain', "\\set lost random(1, 5)
    UPDATE given SET token = CASE WHEN :lost::int = 1 OR r.error IS NOT NULL THEN token ELSE r.refresh_token END,
        lost = lost + (:lost::int = 1)::int, refused = refused + (r.error IS NOT NULL)::int
      FROM auth_store.token_refresh((SELECT token FROM given WHERE n = :client_id::int), 'stress') AS r
      WHERE n = :client_id::int;", $LENGTH);
is(value($node, $db, 'SELECT sum(refused) FROM given'), 0, 'chains with lost answers: no refresh was refused');
is(value($node, $db, 'SELECT count(*) FROM given JOIN auth_store.grants g ON g.id = grant_id WHERE revoked_at IS NULL'),
    $CLIENTS, 'no family was ended');
# A lost answer that follows a kept one moved the family on; lost ones in a row only once.
is(value($node, $db, "SELECT count(*) FROM given JOIN auth_store.grants g ON g.id = grant_id
    WHERE rotation_count NOT BETWEEN $LENGTH - lost AND $LENGTH - lost + 1"), 0,
    'each family moved on once for each answer that was kept, and the one under way');
is(value($node, $db, "SELECT count(*) FROM auth_store.access_tokens t JOIN given USING (grant_id)"),
    $CLIENTS * ($LENGTH + 1), 'each call made one access token');

# --- everything at once -----------------------------------------------------------------------------------------------

# Log-ins, refreshes, introspection, revocations by token, grant, user and client, cleanup and partitions over few
# users: nothing waits in a circle, and at the end no token of an ended grant is active.
value($node, $db, "TRUNCATE answer; DELETE FROM given;
    INSERT INTO given SELECT n, refresh_token, grant_id FROM generate_series(1, 8) AS n,
    LATERAL auth_store.token_issue('stress', auth_store.user_ensure('mixed ' || n % 4))");
my %mixed = (
    'login@4' => "UPDATE given SET token = refresh_token, grant_id = r.grant_id
        FROM auth_store.token_issue('stress', auth_store.user_ensure('mixed ' || :user::int)) AS r
                    WHERE n = :who::int; INSERT INTO answer SELECT 0, 0, 'ok', access_token
                    FROM auth_store.token_issue('stress', auth_store.user_ensure('mixed ' || :user::int));",
    'refresh@8' => "INSERT INTO answer SELECT :who::int, 0, coalesce(error, 'ok'), access_token
        FROM auth_store.token_refresh((SELECT token FROM given WHERE n = :who::int), 'stress');",
    'introspect@8' => "SELECT active
        FROM auth_store.token_introspect((SELECT access_token FROM answer WHERE n = :who::int LIMIT 1));",
    'by_token@1' => "SELECT error
        FROM auth_store.token_revoke((SELECT token FROM given WHERE n = :who::int), 'stress');",
    'by_grant@1' => "SELECT auth_store.grant_revoke((SELECT grant_id FROM given WHERE n = :who::int));",
    'by_user@2' => "SELECT auth_store.user_grants_revoke(auth_store.user_ensure('mixed ' || :user::int));",
    'by_client@2' => "SELECT auth_store.client_grants_revoke('stress');",
    'cleanup@1' => "SELECT auth_store.cleanup_expired_data();",
    'ensure@1' => "SELECT auth_store.partitions_ensure(:user::int);");
my @scripts;
for my $name (sort keys %mixed)
{
    my ($plain, $weight) = split /@/, $name;
    my $file = "$PostgreSQL::Test::Utils::tmp_check/mixed_$plain.sql";
    PostgreSQL::Test::Utils::append_to_file($file, "\\set who random(1, 8)\n\\set user random(0, 3)\n$mixed{$name}\n");
    push @scripts, '--file', "$file\@$weight";
}
pgbench('everything', 'SELECT 1;', 60, @scripts);
is(value($node, $db, "SELECT count(*) FROM auth_store.grants g JOIN auth_store.access_tokens t ON t.grant_id = g.id
    JOIN answer a ON auth_store.token_hash(a.access_token) = t.digest,
    LATERAL auth_store.token_introspect(a.access_token) AS i
    WHERE i.active <> (g.revoked_at IS NULL)"), 0, 'a token is active exactly while its grant is');
cmp_ok(value($node, $db, "SELECT count(*) FROM auth_store.grants WHERE revoked_at IS NOT NULL"), '>', 0,
    'grants were ended meanwhile');
is(value($node, $db, 'SELECT * FROM auth_store.check()'), '', 'check() has nothing to say');
my $log = PostgreSQL::Test::Utils::slurp_file($node->logfile);
unlike($log, qr{deadlock detected|(?:PANIC|XX000): | leak\b|could not serialize},
    'no deadlock, no internal error, no leak in the server log');

$node->stop;
done_testing();

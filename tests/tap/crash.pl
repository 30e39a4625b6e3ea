# Crashes, timeouts and cancellations: what was acknowledged is there and works, and nothing is ever half done.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

my $node = new_server('crash');
# Time is not what is tried here. Data are synchronous as by default: an acknowledged commit is in the WAL.
$node->append_conf('postgresql.conf', <<'CONF');
auth_store.code_replay_grace = '60s'
auth_store.refresh_grace = '300s'
checkpoint_timeout = 30s
CONF
$node->restart;
my $db = 'postgres';
my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $VERIFY = "code_verifier => '$AuthStore::VERIFIER'";
my $PKCE = "code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', ttl => '10 min'";

value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT auth_store.client_create('Crash', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'crash', scope => 'read');
CREATE TABLE acked (worker int, n int, what text, grant_id uuid, code text, access_token text, refresh_token text);
-- What must hold between the tables whenever nobody is writing: one row for each thing that is not so.
CREATE FUNCTION half_done() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'redeemed code without its grant' FROM auth_store.authorization_codes c
      LEFT JOIN auth_store.grants g ON g.id = c.grant_id
     WHERE c.redeemed_at IS NOT NULL AND g.id IS NULL
    UNION ALL SELECT 'grant of two codes' FROM auth_store.authorization_codes WHERE grant_id IS NOT NULL
     GROUP BY grant_id HAVING count(*) > 1
    UNION ALL SELECT 'code with a grant, not redeemed' FROM auth_store.authorization_codes
     WHERE (redeemed_at IS NULL) <> (grant_id IS NULL)
    UNION ALL SELECT 'access token without its grant' FROM auth_store.access_tokens t
      LEFT JOIN auth_store.grants g ON g.id = t.grant_id WHERE g.id IS NULL
    UNION ALL SELECT 'not one access token for each step of a grant' FROM auth_store.grants g
     WHERE (SELECT count(*) FROM auth_store.access_tokens t WHERE t.grant_id = g.id) <> 1 + g.rotation_count
    UNION ALL SELECT 'rotated family without its predecessor' FROM auth_store.grants
     WHERE rotation_count > 0 AND num_nulls(previous_digest, successor_sealed, rotated_at) > 0
    UNION ALL SELECT 'not one audit row for each code' WHERE
        (SELECT count(*) FROM auth_store.authorization_codes) <> (SELECT count(*) FROM auth_store.audit_log
            WHERE event = 'code.issued' AND success)
    UNION ALL SELECT 'not one audit row for each redemption' FROM auth_store.grants g
      JOIN auth_store.authorization_codes c ON c.grant_id = g.id
     WHERE (SELECT count(*) FROM auth_store.audit_log a
             WHERE a.grant_id = g.id AND a.event = 'code.redeemed' AND a.success) <> 1
    UNION ALL SELECT 'not one audit row for each refresh' FROM auth_store.grants g
     WHERE (SELECT count(*) FROM auth_store.audit_log a
             WHERE a.grant_id = g.id AND a.event = 'token.refreshed' AND a.success) <> g.rotation_count
    UNION ALL SELECT 'not one audit row for each end' FROM auth_store.grants g
     WHERE (SELECT count(*) FROM auth_store.audit_log a
             WHERE a.grant_id = g.id
               AND a.event IN ('grant.revoked', 'token.revoked')) <> (g.revoked_at IS NOT NULL)::int
$$;
SQL
my $amcheck = value($node, $db, "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'");
value($node, $db, 'CREATE EXTENSION amcheck') if $amcheck;

# --- immediate stop under load ----------------------------------------------------------------------------------------

my $WORKERS = 6;

# One worker's life: logs in, refreshes three times, ends every second grant, and writes down what
# the server acknowledged.
sub work
{
    my ($worker) = @_;
    my $once = <<"SQL";
SELECT code FROM auth_store.code_issue('crash', auth_store.user_ensure('worker $worker'), $PKCE) \\gset
\\echo issued - :code - -
SELECT access_token, refresh_token, grant_id FROM auth_store.code_redeem(:'code', 'crash', $VERIFY) \\gset
\\echo redeemed :grant_id :code :access_token :refresh_token
SQL
    $once .= <<"SQL" x 3;
SELECT access_token, refresh_token FROM auth_store.token_refresh(:'refresh_token', 'crash') \\gset
\\echo refreshed :grant_id - :access_token :refresh_token
SQL
    my $end = <<"SQL";
SELECT auth_store.grant_revoke(:'grant_id', 'end') AS ended \\gset
\\echo ended :grant_id - - -
SQL
    my $life = $once . $once . $end;
    return $life x 2000;
}

for my $worker (1 .. $WORKERS)
{
    PostgreSQL::Test::Utils::append_to_file("$dir/worker$worker.sql", work($worker));
}

for my $round (1 .. 3)
{
    value($node, $db, 'TRUNCATE acked');
    my @running;
    for my $worker (1 .. $WORKERS)
    {
        local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
        push @running, IPC::Run::start(
            [ $node->installed_command('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/worker$worker.sql", $db ],
            '>', "$dir/acked$worker", '2>', "$dir/error$worker");
    }
    sleep(1 + rand);
    $node->stop('immediate');
    $_->finish for @running;
    for my $worker (1 .. $WORKERS)
    {
        like(PostgreSQL::Test::Utils::slurp_file("$dir/error$worker"),
            qr/terminating connection|server closed the connection|connection to server was lost/,
            "round $round: worker $worker was cut off by the stop");
    }
    $node->start;
    is(value($node, $db, 'SELECT DISTINCT * FROM half_done()'), '', "round $round: nothing is half done");

    for my $worker (1 .. $WORKERS)
    {
        my ($n, $lines) = (0, '');
        for (split /\n/, PostgreSQL::Test::Utils::slurp_file("$dir/acked$worker"))
        {
            die "worker $worker wrote: $_"
              unless /^(?:issued|redeemed|refreshed|ended)(?: (?:-|as\w\w_[\w-]+|[0-9a-f-]{36})){4}$/;
            $lines .= join("\t", $worker, ++$n, map { $_ eq '-' ? '\N' : $_ } split / /) . "\n";
        }
        PostgreSQL::Test::Utils::append_to_file("$dir/rows.$round.$worker", $lines);
        value($node, $db, "\\copy acked FROM '$dir/rows.$round.$worker'");
    }
    cmp_ok(value($node, $db, "SELECT count(*) FROM acked"), '>', 50 * $WORKERS,
        "round $round: the stop came under load");
    value($node, $db, "DROP TABLE IF EXISTS lives; CREATE TABLE lives AS
        SELECT DISTINCT ON (grant_id) grant_id, refresh_token,
        EXISTS (SELECT FROM acked e WHERE e.grant_id = a.grant_id AND e.what = 'ended') AS ended
          FROM acked a WHERE refresh_token IS NOT NULL ORDER BY grant_id, n DESC");
    is(value($node, $db, "SELECT count(*) FROM acked a
        LEFT JOIN auth_store.authorization_codes c ON c.digest = auth_store.token_hash(a.code)
        WHERE code IS NOT NULL AND (c.id IS NULL OR a.grant_id IS DISTINCT FROM c.grant_id AND what = 'redeemed')"), 0,
        "round $round: every acknowledged code is there, and every redeemed one with the grant it made");
    # Nobody but the worker ends its grants. An end that was committed and not acknowledged is no surprise.
    is(value($node, $db, "SELECT count(*) FROM acked a JOIN lives l USING (grant_id)
        JOIN auth_store.grants g ON g.id = grant_id, LATERAL auth_store.token_introspect(a.access_token) AS i
        WHERE access_token IS NOT NULL AND i.active = ended AND (ended OR revoked_at IS NULL)"), 0,
        "round $round: every acknowledged access token is active until its grant's acknowledged end");
    cmp_ok(value($node, $db, "SELECT count(*) FROM lives l JOIN auth_store.grants g ON g.id = grant_id
        WHERE (revoked_at IS NOT NULL) <> ended"), '<=', $WORKERS,
        "round $round: an end without its acknowledgement is the last of a worker at most");
    is(value($node, $db, "SELECT count(*) FROM lives l JOIN auth_store.grants g ON g.id = grant_id
        WHERE ended AND revoked_at IS NULL"), 0,
        "round $round: every acknowledged end is one");
    is(value($node, $db, "SELECT count(*) FROM acked a, LATERAL auth_store.code_redeem(a.code, 'crash', $VERIFY) AS r
        WHERE what = 'redeemed' AND r.error IS NULL"), 0,
        "round $round: no code that was redeemed can be redeemed again");
    value($node, $db, "CREATE TABLE IF NOT EXISTS late (redeemable bool, outcome text); TRUNCATE late; INSERT INTO late
        SELECT c.redeemed_at IS NULL, coalesce(r.error, 'ok') FROM acked a
        JOIN auth_store.authorization_codes c ON c.digest = auth_store.token_hash(a.code),
               LATERAL auth_store.code_redeem(a.code, 'crash', $VERIFY) AS r
         WHERE what = 'issued' AND NOT EXISTS (SELECT FROM acked b WHERE b.code = a.code AND b.what = 'redeemed')");
    is(value($node, $db, "SELECT count(*) FROM late WHERE (outcome = 'ok') <> redeemable"), 0,
        "round $round: a code under way at the stop is redeemed, or can be");
    is(value($node, $db, "SELECT count(*) FROM lives l, LATERAL auth_store.token_refresh(l.refresh_token, 'crash') AS r
        WHERE NOT ended AND r.error IS NOT NULL
        AND (SELECT revoked_at IS NULL FROM auth_store.grants g WHERE g.id = l.grant_id)"), 0,
        "round $round: the last acknowledged refresh token of every living grant works");
    is(value($node, $db, 'SELECT * FROM auth_store.check()'), '', "round $round: check() has nothing to say");
    # The refreshes above have given some access tokens beyond one for each rotation; the next round counts anew.
    value($node, $db,
        'TRUNCATE auth_store.authorization_codes, auth_store.grants, auth_store.access_tokens, auth_store.audit_log');
}
SKIP:
{
    skip 'amcheck is not available on this server', 1 unless $amcheck;
    is(value($node, $db, "SELECT count(*) FROM pg_class c
        JOIN pg_am a ON a.oid = relam, LATERAL (SELECT bt_index_check(c.oid, true)) AS checked
        WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'i' AND amname = 'btree'") > 5, 1,
            'the indexes agree with their tables');
}

# --- timeouts and cancellations ---------------------------------------------------------------------------------------

# Every write of a row takes a few milliseconds while test.slow is on, so that an interruption comes in the middle.
value($node, $db, <<'SQL');
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('test.slow', true) = 'on' THEN PERFORM pg_sleep(0.004); END IF;
    RETURN COALESCE(NEW, OLD);
END $$;
SELECT format('CREATE TRIGGER slow BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION slow()',
    c.oid::regclass)
  FROM pg_class c
   WHERE relnamespace = 'auth_store'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition \gexec
CREATE FUNCTION fingerprint() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    name regclass;
    rows text;
    found text := '';
BEGIN
    FOR name IN SELECT c.oid FROM pg_class c WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'r'
     ORDER BY relname LOOP
        EXECUTE format('SELECT count(*) || '' '' || sum(hashtextextended(t::text, 0)) FROM %s t', name) INTO rows;
        found := found || name || ' ' || coalesce(rows, '') || ' ';
    END LOOP;
    RETURN md5(found);
END $$;
CREATE TABLE attempt (name text, way text, state text, unchanged boolean);
SQL
my $user = value($node, $db, "SELECT user_id FROM auth_store.user_create('crash\@example.com')");
my $secret = value($node, $db, "SELECT client_secret FROM auth_store.client_create('Machine', client_id => 'machine')");
value($node, $db, "SELECT auth_store.client_create('Rotated', client_id => 'rotated')");
my $login = "SELECT access_token, refresh_token, grant_id FROM auth_store.token_issue('crash', '$user') \\gset\n";
my $code = "SELECT code FROM auth_store.code_issue('crash', '$user', $PKCE) \\gset\n";
# name => what comes before, the statement. One that writes at least one row.
my %steps = (
    code_issue    => [ '', "auth_store.code_issue('crash', '$user', $PKCE)" ],
    code_redeem   => [ $code, "auth_store.code_redeem(:'code', 'crash', $VERIFY)" ],
    wrong_verifier => [ $code, "auth_store.code_redeem(:'code', 'crash', code_verifier => repeat('x', 43))" ],
    code_replay   => [ $code . "SELECT grant_id
        FROM auth_store.code_redeem(:'code', 'crash', $VERIFY) \\gset\nSET auth_store.code_replay_grace = 0;\n",
        "auth_store.code_redeem(:'code', 'crash', $VERIFY)" ],
    token_issue   => [ '', "auth_store.token_issue('crash', '$user')" ],
    token_issue_client_credentials => [ '', "auth_store.token_issue_client_credentials('machine', '$secret')" ],
    token_refresh => [ $login, "auth_store.token_refresh(:'refresh_token', 'crash')" ],
    refresh_reuse => [ $login
        . "SELECT FROM auth_store.token_refresh(:'refresh_token', 'crash');\nSET auth_store.refresh_grace = 0;\n",
        "auth_store.token_refresh(:'refresh_token', 'crash')" ],
    token_use     => [ $login, "auth_store.token_use(:'access_token')" ],
    token_revoke  => [ $login, "auth_store.token_revoke(:'refresh_token', 'crash')" ],
    access_token_revoke => [ $login, "auth_store.token_revoke(:'access_token', 'crash')" ],
    grant_revoke  => [ $login, "auth_store.grant_revoke(:'grant_id')" ],
    user_grants_revoke => [ $login x 3, "auth_store.user_grants_revoke('$user')" ],
    client_grants_revoke => [ $login x 3, "auth_store.client_grants_revoke('crash')" ],
    client_create => [ '', "auth_store.client_create('Another', ARRAY['https://a.example/cb'])" ],
    client_secret_rotate => [ '', "auth_store.client_secret_rotate('rotated')" ],
    client_set_status => [ '', "auth_store.client_set_status('crash', 'active')" ],
    user_create   => [ '', 'auth_store.user_create()' ],
    tenant_create => [ "SELECT 't' || gen_random_uuid() AS tenant \\gset\n", "auth_store.tenant_create(:'tenant')" ],
    audit_write   => [ '', "auth_store.audit_write('crash.test')" ]);

# The script of one attempt. The statement after the step takes the cancellation that came too late for it.
sub attempt
{
    my ($name, $way, $timeout) = @_;
    my ($before, $call) = @{ $steps{$name} };
    return <<"SQL";
$before
SELECT fingerprint() AS before \\gset
SET test.slow = on;
SET statement_timeout = $timeout;
SELECT FROM $call; -- the step
\\set state :SQLSTATE
RESET ALL; -- on a busy machine the timeout may hit this too
RESET ALL;
RESET ALL;
SELECT 1 AS guard; -- takes a late cancellation
INSERT INTO attempt SELECT '$name', '$way', :'state', fingerprint() = :'before';
SQL
}

my $script = '';
for my $name (sort keys %steps)
{
    $script .= attempt($name, 'timeout', $_) for (2, 3, 5, 7, 9, 11, 13, 15, 17, 19, 22, 25, 30, 0);
}
$node->psql($db, $script, on_error_stop => 0);
# Somebody else cancels, at any moment of the step.
$script = '';
for my $name (sort keys %steps) { $script .= attempt($name, 'cancel', 0) x 8; }
PostgreSQL::Test::Utils::append_to_file("$dir/cancel.sql", <<'SQL');
SET application_name = 'canceller';
DO $$
BEGIN
    LOOP
        PERFORM pg_stat_clear_snapshot();
        PERFORM pg_cancel_backend(pid) FROM pg_stat_activity
          WHERE query LIKE 'SELECT FROM auth_store.%' AND state = 'active'
             AND clock_timestamp() - query_start > random() * interval '60 ms';
        PERFORM pg_sleep(0.002);
    END LOOP;
END $$;
SQL
my $canceller;
{
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
    $canceller = IPC::Run::start([ $node->installed_command('psql'), '-XAtq', '-f', "$dir/cancel.sql", $db ], '>',
        \my $out, '2>', \my $err);
}
$node->psql($db, $script, on_error_stop => 0);
value($node, $db, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'canceller'");
$canceller->finish;

for my $name (sort keys %steps)
{
    is(value($node, $db, "SELECT count(*) FROM attempt WHERE name = '$name' AND unchanged <> (state = '57014')"), 0,
        "$name, interrupted: it did all or nothing")
      or diag(value($node, $db, "SELECT * FROM attempt WHERE name = '$name'"));
}
is(value($node, $db, "SELECT DISTINCT state FROM attempt ORDER BY 1"), "00000\n57014",
    'each attempt ended well or by the interruption');
for my $way ('timeout', 'cancel')
{
    for my $state ('57014', '00000')
    {
        cmp_ok(value($node, $db, "SELECT count(DISTINCT name) FROM attempt WHERE way = '$way' AND state = '$state'"),
            '>=', keys(%steps) / 2,
            "$way: most functions were " . ($state eq '00000' ? 'let through' : 'hit') . ' at least once')
          or diag(value($node, $db,
              "SELECT name, state, count(*) FROM attempt WHERE way = '$way' GROUP BY 1, 2 ORDER BY 1, 2"));
    }
}
value($node, $db, <<'SQL');
SELECT format('DROP TRIGGER slow ON %s', tgrelid::regclass) FROM pg_trigger
 WHERE tgname = 'slow' AND tgparentid = 0 \gexec
SQL
is(value($node, $db, 'SELECT * FROM auth_store.check()'), '', 'check() has nothing to say');
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr{(?:PANIC|TRAP|XX000): | leak\b},
    'no internal error and no leak in the server log');

$node->stop;
done_testing();

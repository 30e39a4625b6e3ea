# A fail-over that lost commits, and a dump that is restored on another server: health() tells, the newest refresh token
# of a lost commit goes on where its number proves it, a stolen one does not, what was claimed in the window is refused,
# and recovered() ends what an operator wants to end.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('primary', streaming => 1, preload => 1);
my $db = 'postgres';
# The grace is in nobody's way.
$primary->append_conf('postgresql.conf', 'auth_store.refresh_grace = 0');
$primary->reload;
value($primary, $db, 'CREATE EXTENSION auth_store');
install_helpers($primary, $db);
my ($user) = value($primary, $db, "SELECT user_id FROM auth_store.user_create('ada\@example.com')");
value($primary, $db, "SELECT auth_store.client_create('App', '{https://app.example/cb}', client_id => 'app',
    client_type => 'public', scope => 'orders')");

# --- what there is before --------------------------------------------------------------------------------------------

sub issued { return value($_[0], $db, "SELECT refresh_token FROM auth_store.token_issue('app', '$user')") }

# The refresh token that comes for this one, or the error.
sub refreshed
{
    my ($node, $token, $grace) = @_;
    return value($node, $db, ($grace ? "SET auth_store.refresh_grace = $grace;" : '')
        . "SELECT COALESCE(refresh_token, error) FROM auth_store.token_refresh('$token', 'app')");
}

# The flags and the risk of the last step of a token's family, and whether the family has ended.
sub last_step
{
    my ($node, $token) = @_;
    return value($node, $db, qq{
        WITH family AS (SELECT encode(substr(decode(translate(rpad(substr('$token', 6), 88, '='), '-_', '+/'),
                                                    'base64'), 1, 16), 'hex')::uuid AS id)
        SELECT concat_ws(' ', a.event, a.flags::text, a.risk_score, g.revoked_reason)
          FROM family f JOIN auth_store.grants g USING (id) JOIN auth_store.audit_log a ON a.grant_id = f.id
         ORDER BY a.id DESC LIMIT 1});
}

sub has_key
{
    my ($node, $file) = @_;
    value($node, $db, "ALTER SYSTEM SET auth_store.master_key_file = '$file'");
    value($node, $db, 'SELECT pg_reload_conf()');
    $node->poll_query_until($db, "SELECT current_setting('auth_store.master_key_file') = '$file'") or die;
}

my $file = $primary->basedir . '/master.key';
my %known;    # family => the token that is current when the standby is cut off
my %older;    # and the one before
for my $family (qw(newest stolen fork idle))
{
    $older{$family} = issued($primary);
    $known{$family} = refreshed($primary, $older{$family});
}
# Tokens without a number, as those of before and of a store without a master key.
has_key($primary, '');
$known{plain} = refreshed($primary, $older{plain} = issued($primary));
$known{reused} = refreshed($primary, $older{reused} = issued($primary));
has_key($primary, $file);
is(length $known{newest}, length $known{plain}, 'a number makes a refresh token no longer');
my ($key, $session, $connection) = split /\|/, value($primary, $db, qq{
    SELECT (SELECT api_key FROM auth_store.api_key_create('Key', '$user')),
           (SELECT session_token FROM auth_store.session_create('$user')),
           auth_store.connection_store('github', '$user', 'access', 'refresh')});
my $reset = value($primary, $db, "SELECT token FROM auth_store.password_reset_start('ada\@example.com')");

sub timeline
{
    my ($node) = @_;
    return value($node, $db, "SELECT concat_ws(' ', h.status, h.detail, a.severity) FROM auth_store.health() h
        LEFT JOIN auth_store.alerts a ON a.alert = h.check_name WHERE h.check_name = 'timeline'");
}

is(timeline($primary), 'ok primary on timeline 1', 'an install knows its timeline');

# --- a fail-over that loses commits ----------------------------------------------------------------------------------

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
like(timeline($standby), qr/^ok standby on timeline 1$/, 'a standby is content');
$standby->safe_psql($db, "ALTER SYSTEM SET primary_conninfo = ''");
$standby->reload;
$standby->poll_query_until($db, 'SELECT count(*) = 0 FROM pg_stat_wal_receiver') or die 'still streaming';

my $from = value($primary, $db, 'SELECT clock_timestamp()');
my %lost = map { $_ => refreshed($primary, $known{$_}) } qw(newest fork);
has_key($primary, '');
$lost{plain} = refreshed($primary, $known{plain});
has_key($primary, $file);
$lost{newest} = refreshed($primary, $lost{newest}) for 1 .. 2;
is(value($primary, $db, "SELECT auth_store.jti_claim('https://idp.example', 'j', clock_timestamp() + '5 min')"), 't',
    'an id is claimed in the window');
value($primary, $db, "SELECT fence FROM auth_store.connection_lease('$connection')");
my $to = value($primary, $db, 'SELECT clock_timestamp()');
$primary->stop('immediate');
$standby->promote;
$standby->poll_query_until($db, 'SELECT NOT pg_is_in_recovery()') or die 'not promoted';
my $node = $standby;

like(timeline($node), qr/^warn primary on timeline 2 of server \d+, and the store knows of timeline 1: .* warning$/,
    'after the fail-over the store tells of it');

# Nobody has told the store, and nobody is logged out.
my $next = refreshed($node, $lost{newest});
like($next, qr/^asrt_/, 'the newest token of a lost commit goes on');
is(last_step($node, $next), 'token.refreshed {refresh_recovered} 0.3', '  and the trail says so');
is(refreshed($node, $lost{newest}, 60), $next, '  a repeat within the grace has the same successor');
like(my $after = refreshed($node, $next), qr/^asrt_/, '  and the family goes on');
is(refreshed($node, $known{newest}), 'invalid_grant', '  but the token that was current before');
is(last_step($node, $after), 'refresh_reuse {refresh_reuse} 1 refresh_reuse', '  is reuse, and ends the family');
is(refreshed($node, $older{stolen}), 'invalid_grant', 'a stolen older one');
is(last_step($node, $older{stolen}), 'refresh_reuse {refresh_reuse} 1 refresh_reuse', '  is reuse as ever');
like(refreshed($node, $known{fork}), qr/^asrt_/, 'where a thief comes first with the token that is current again');
is(refreshed($node, $lost{fork}), 'invalid_grant', '  the owner is refused');
is(last_step($node, $lost{fork}), 'refresh_reuse {refresh_reuse} 1 refresh_reuse', '  and the thief is found out');
is(refreshed($node, $lost{plain}), 'invalid_grant', 'a token without a number proves nothing');
is(last_step($node, $lost{plain}), 'token.refreshed {refresh_lost} 0.5 refresh_lost', '  which is told apart');
is(refreshed($node, $older{reused}), 'invalid_grant', 'one that is known to be replaced');
is(last_step($node, $older{reused}), 'refresh_reuse {refresh_reuse} 1 refresh_reuse', '  is reuse without a number');

# --- recovered() -----------------------------------------------------------------------------------------------------

my $idle = refreshed($node, $known{idle});
my $made = issued($node);
value($node, $db, "SELECT auth_store.session_create('$user')");
raises($node, $db, "SELECT auth_store.recovered('$from', '$to')", '42501', 'recovered() by the application',
    user => 'web');
raises($node, $db, "SELECT auth_store.recovered('$to', '$from')", '22023', '  a window that ends before it begins');
raises($node, $db, "SELECT auth_store.recovered('$from', '$to', 'some')", '22023', '  another policy');
raises($node, $db, "SELECT auth_store.recovered('$from', now() + '1 h')", '22023', '  a window in the future');
raises($node, $db, "SELECT auth_store.recovered('-infinity', '$to')", '22023', '  an infinite one');
raises($node, $db, "SELECT auth_store.recovered(NULL, '$to')", '22004', '  none');
raises($node, $db, "SET auth_store.tenant_id = 'default'; SELECT auth_store.recovered('$from', '$to')", '42501',
    '  in a pinned session');
my $done = 'timeline, refused_until = lost_to + interval \'1 min\', claims_until = lost_to + interval \'24 h\', fences,
    single_use, sessions, grants, api_keys';
sub recovered
{
    my ($policy) = @_;
    return value($node, $db, "SELECT $done FROM (SELECT timestamptz '$to' AS lost_to) l,
        auth_store.recovered('$from', lost_to, '$policy')", user => 'boss');
}
is(recovered('keep'), '2|t|t|1|1|0|0|0', 'it does what the window needs, and ends nothing that lives');
is(recovered('keep'), '2|t|t|0|0|0|0|0', '  once');
is(timeline($node), 'ok primary on timeline 2', '  and health() is content');
is(value($node, $db, "SELECT error FROM auth_store.password_reset_finish('$reset', 'quartz lantern 1')"),
    'invalid_grant', 'a one-time token that may have been used is not good any more');
cmp_ok(value($node, $db, "SELECT fence FROM auth_store.connection_lease('$connection')"), '>', 1_000_000,
    'fences jump over those of the window');
my $claim = "SELECT auth_store.jti_claim('https://idp.example', 'j', clock_timestamp() + '5 min'";
is(value($node, $db, "$claim)"), 'f', 'an id that was claimed in the window is not claimed again');
is(value($node, $db, "$claim, issued_at => '$to')"), 'f', '  nor one that was made in it');
is(value($node, $db, "$claim, issued_at => clock_timestamp() + '1 min')"), 't', '  one of a later JWT is');
is(value($node, $db, q{SELECT flags::text || risk_score FROM auth_store.audit_log WHERE event = 'jti.claimed'
    ORDER BY id DESC LIMIT 1}), '{expired_token}0.1', '  which is no replay to the trail');

is(recovered('window') =~ s/^2\|t\|t\|0\|0\|//r, '1|1|1', 'by the policy window what was live in it ends');
is(value($node, $db, "SELECT valid FROM auth_store.session_validate('$session')"), 'f', '  a session');
is(value($node, $db, "SELECT valid FROM auth_store.api_key_verify('$key')"), 'f', '  a key');
is(refreshed($node, $idle), 'invalid_grant', '  a grant');
like($made = refreshed($node, $made), qr/^asrt_/, '  but not what was made after it');
is(recovered('all') =~ s/^2\|t\|t\|0\|0\|//r, '1|1|0', 'by the policy all that too');
is(refreshed($node, $made), 'invalid_grant', '  it has ended');
is(value($node, $db, "SELECT count(*), min(details->>'policy') FROM auth_store.audit_log
    WHERE event = 'store.recovered' AND details->>'policy' = 'all'"), '1|all', '  and the trail says so');

# A token of a copy that has the same master key, and of a time in which nothing was lost.
my $copied = issued($node);
$node->backup('copy');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'copy');
$copy->append_conf('postgresql.conf', "archive_mode = off");
$copy->start;
my $forged = $copied;
$forged = refreshed($copy, $forged) for 1 .. 3;
value($node, $db, "UPDATE auth_store.recoveries SET lost_from = lost_from - interval '1 day',
    lost_to = lost_to - interval '1 day' WHERE policy = 'all'");
is(refreshed($node, $forged), 'invalid_grant', 'a newer token of a copy is no lost one');
is(last_step($node, $copied), 'refresh_reuse {refresh_reuse} 1 refresh_reuse', '  it is reuse');
$copy->stop;

# --- a dump on another server ----------------------------------------------------------------------------------------

my $other = new_server('other');
my $dump = $PostgreSQL::Test::Utils::tmp_check . '/recovered.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, '-d', $node->connstr($db) ], 'a dump');
$other->command_ok([ 'pg_restore', '--exit-on-error', '-d', $other->connstr($db), $dump ], '  is restored');
like(timeline($other), qr/^warn primary on timeline 1 of server (\d+), and the store knows of server (?!\1)\d+: /,
    '  on another server, and the store tells of it');
is(value($other, $db, 'SELECT fences, single_use, refused_until FROM auth_store.recovered(now(), now())'), '0|0|',
    '  where nothing was lost, nothing changes');
is(timeline($other), 'ok primary on timeline 1', '  and health() is content');

value($other, 'postgres', 'CREATE DATABASE rows');
value($other, 'rows', 'CREATE EXTENSION auth_store');
$other->command_ok([ 'pg_dump', '-Fc', '--data-only', '-t', 'auth_store.recoveries', '-f', $dump, '-d',
    $other->connstr($db) ], 'the rows of a dump');
value($other, 'rows', q{UPDATE auth_store.recoveries SET acknowledged_at = acknowledged_at + '1 min'});
$other->command_ok([ 'pg_restore', '-d', $other->connstr('rows'), $dump ], '  are restored beside those of an install');
like(value($other, 'rows', q{SELECT detail FROM auth_store.health() WHERE check_name = 'timeline'}),
    qr/^primary on timeline 1 of server \d+, and the store has rows of a dump: /, '  and the store tells of it');

done_testing();

# One-time passwords, where one session and a key are not enough: codes tried from 16 connections at once are counted
# each, and without a master key they are made and verified all the same.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('one_time');
my $db = 'postgres';
$node->append_conf('postgresql.conf', "auth_store.lockout_threshold = 100\nauth_store.lockout_user_threshold = 100\n"
    . 'auth_store.mail_interval = 0');
$node->reload;
value($node, $db, 'CREATE EXTENSION auth_store');
my $user = value($node, $db, "SELECT user_id FROM auth_store.user_create('ada\@example.com')");

sub code_of { return value($node, $db, "SELECT code FROM auth_store.otp_start('$user', 'x')") }
sub wrong { return sprintf '%06d', ($_[0] + 1) % 1_000_000 }

# 16 clients, each with one code, at the same time.
sub at_once
{
    my ($code) = @_;
    my $script = $node->basedir . '/try.sql';
    open my $file, '>', $script or die $!;
    print $file "SELECT auth_store.otp_verify('$user', 'x', '$code');\n";
    close $file;
    my $before = value($node, $db, 'SELECT count(*) FROM auth_store.audit_log');
    my $ok = IPC::Run::run([ $node->installed_command('pgbench'), qw(--no-vacuum --jobs=2 --client=16 --transactions=1),
        '--file', $script, '--host', $node->host, '--port', $node->port, $db ], '>', \my $out, '2>', \my $err);
    ok($ok, 'from 16 connections') or diag($err);
    return value($node, $db, "SELECT string_agg(f || ' ' || n, ', ' ORDER BY f) FROM (
        SELECT coalesce(array_to_string(flags, '+'), 'none') AS f, count(*) AS n
          FROM (SELECT * FROM auth_store.audit_log ORDER BY occurred_at OFFSET $before) a GROUP BY 1) t");
}

my $code = code_of();
is(at_once(wrong($code)), 'too_many_failures 11, too_many_failures+wrong_code 1, wrong_code 4',
    'five codes are compared and no more');
is(value($node, $db, "SELECT tries FROM auth_store.one_time_tokens WHERE user_id = '$user'"), '5', 'five are counted');
is(value($node, $db, "SELECT error FROM auth_store.otp_verify('$user', 'x', '$code')"), 'invalid_grant',
    'and the right one is refused');
$code = code_of();
is(at_once($code), 'code_retry 15, none 1', 'the right one from all of them is accepted once');

# The key that a password was made with is known by its name; without any key a password is bound to its row.
is(value($node, $db, "SELECT key_id IS NOT NULL FROM auth_store.one_time_tokens WHERE user_id = '$user'"), 't',
    'it is keyed');
$code = code_of();
$node->append_conf('postgresql.conf', "auth_store.master_key_file = ''");
$node->reload;
is(value($node, $db, "SELECT error FROM auth_store.otp_verify('$user', 'x', '$code')"), 'invalid_grant',
    'without its key it is refused');
$code = code_of();
is(value($node, $db, "SELECT key_id IS NULL FROM auth_store.one_time_tokens WHERE user_id = '$user'"), 't',
    'one made without a key has none');
is(value($node, $db, "SELECT error FROM auth_store.otp_verify('$user', 'x', '" . wrong($code) . "')"), 'invalid_grant',
    'a wrong one is refused');
is(value($node, $db, "SELECT coalesce(error, 'right') FROM auth_store.otp_verify('$user', 'x', '$code')"), 'right',
    'and the right one accepted');

$node->stop;
done_testing();

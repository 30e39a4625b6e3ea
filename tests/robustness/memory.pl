# Backends that get no more memory: every function with little room to grow, and with large arguments. What ends in an
# error of the server (53200) leaves its session usable; a session that ends takes no other one along.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Functions;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs prlimit' if system('prlimit --version >/dev/null 2>&1');

my @ROOM = size([ 64, 1024 ], [ 0, 64, 256, 1024, 2048, 4096, 8192, 16384 ])->@*;     # kB
my $node = server('memory', settings => [ 'fsync = off' ]);
my $db = 'postgres';
store($node, $db);
my $made = populate($node, $db);

my (%seen, %ended);
# one(NAME, ROOM, STATEMENT, what comes before): how it ended, and whether the session goes on where it was an error.
sub one
{
    my ($name, $room, $sql, $before) = @_;
    my ($status, $out, $err) = $node->psql($db, ($before // '') . narrow($room) . <<"SQL", on_error_stop => 0);
BEGIN;
$sql;
\\set state :SQLSTATE
\\! prlimit --pid \$PID --as=unlimited:
ROLLBACK;
\\echo ended :state
SELECT 'goes on';
SQL
    my ($state) = $out =~ /^ended (\w+)$/m;
    if (!defined $state || $err =~ /server closed the connection|terminating connection/)
    {
        $ended{$name}++;
        ok(0, "$name with $room kB: the session ends with 53200") if $err !~ /FATAL: +out of memory/;
        return;
    }
    $seen{$state}++;
    ok(0, "$name with $room kB: the session goes on") if $out !~ /^goes on$/m;
}

# What commits cannot be undone; the others are for the install script and for triggers.
my @names = grep { !/^(?:install|uninstall|migrate)$/
      && call_of($_, $made->{acme})->{does} !~ /^(?:commits|event|script)$/ } functions($node, $db);
for my $room (@ROOM)
{
    one($_, $room, call_of($_, $made->{acme})->{sql}, "SELECT auth_store.tenant_visible('acme');\n") for @names;
    # A document and a text that are larger than what is left.
    for my $size (100_000, 10_000_000)
    {
        one('a large text', $room, "SELECT auth_store.token_introspect(repeat('x', $size))");
        one('a large document', $room, "SELECT auth_store.client_create('large', metadata =>
            jsonb_build_object('a', repeat('x', $size)))");
        one('a large body', $room, "SELECT auth_store.http_token(convert_to(repeat('a=b&', $size / 4), 'UTF8'))");
        one('many tokens', $room, "SELECT count(*) FROM auth_store.token_introspect_many(
            (SELECT array_agg('asat_' || md5(n::text)) FROM generate_series(1, $size / 100) AS n))");
    }
}
note join ', ', map { "$_: $seen{$_}" } sort keys %seen;
note 'sessions that ended: ', join ', ', map { "$_ ($ended{$_})" } sort keys %ended;
cmp_ok($seen{53200} // 0, '>', 0, 'memory was short');
# 58P01: the library itself could not be loaded.
is(join(' ', grep { !/^(00000|53200|58P01|22023|23503|23505|55000|42501|0A000|22P05|54000)$/ } sort keys %seen), '',
    'nothing but out of memory and the SQLSTATEs of the contract');
my ($calls, $ends) = (0, 0);
$calls += $_ for values %seen;
$ends += $_ for values %ended;
cmp_ok($ends, '<', ($calls + $ends) / 50, "$ends of " . ($calls + $ends) . ' calls ended the session');
sound($node, $db, 'after all');
quiet_log($node, 'after all');
$node->stop;
done_testing();

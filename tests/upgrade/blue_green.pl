# The move to another server by logical replication, as docs/how-to/blue_green.md has it, and back, block by block, with
# clients that refresh tokens and write rows of the application in the same transaction: nothing is lost and nothing is
# there twice. GREEN may name the programs of another major for the second server; tests/upgrade/run does.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../tap";
use AuthStore;
use IPC::Run;
use JSON::PP qw(decode_json encode_json);
use PostgreSQL::Test::Utils;
use Test::More;
use Works;

my $python = $ENV{PYTHON} // '/usr/bin/python3';
plan skip_all => 'no psycopg' if system("'$python' -c 'import psycopg' 2>/dev/null");

my $blue = new_server('blue');
my $green = new_server('green', install_path => $ENV{GREEN}, preload => 1);
# The page has the master keys and the settings on both.
my ($keys) = map { $_->basedir . '/master.key' } $blue;
$green->append_conf('postgresql.conf', "auth_store.master_key_file = '$keys'");
for my $node ($blue, $green)
{
    $node->append_conf('postgresql.conf', "wal_level = logical\nmax_wal_senders = 20\nmax_replication_slots = 20
max_logical_replication_workers = 20\nmax_worker_processes = 40\nmax_sync_workers_per_subscription = 8
wal_retrieve_retry_interval = '100ms'");
    $node->restart;
}
my %major = map { $_->name => int(value($_, 'postgres', 'SHOW server_version_num') / 10000) } $blue, $green;
note("from PostgreSQL $major{blue} to $major{green}");

# --- the page --------------------------------------------------------------------------------------------------------

my %server = (blue => $blue, green => $green);
my $page = slurp_file("$FindBin::Bin/../../docs/how-to/blue_green.md");
my @blocks = $page =~ /^( *```(?:sql|sh)\n.*?^ *```)$/msg;

# Runs the next block of the page, which is to be about PATTERN. Returns what it prints.
sub next_block
{
    my ($pattern, $name) = @_;
    my $block = shift @blocks;
    like($block, qr/$pattern/, "the page goes on with $name");
    my ($language, $text) = $block =~ /```(sql|sh)\n(.*)^ *```\z/ms;
    return run_sh($text, $name) if $language eq 'sh';
    my ($where) = $text =~ /^ *-- on (blue|green)/ or die "where: $text";
    for my $other (qw(blue green))
    {
        my $address = sprintf 'host=%s port=%d', $server{$other}->host, $server{$other}->port;
        $text =~ s/host=$other\.example/$address/g;
    }
    if ($major{$where} < 16) { $text =~ s/\n *WITH \(run_as_owner = true\)// }
    else { $text =~ s/WITH \(copy_data = false/$&, run_as_owner = true/ }
    return succeeds($server{$where}, 'app', $text, $name);
}

sub run_sh
{
    my ($text, $name) = @_;
    my $address = join ' ', map { sprintf "%s='-h %s -p %d'", $_, $server{$_}->host, $server{$_}->port } qw(blue green);
    $text =~ s/^blue=.*$/$address/m or die "no servers: $text";
    local $ENV{PATH} = ($ENV{GREEN} ? "$ENV{GREEN}/bin:" : '') . $ENV{PATH};
    my ($out, $err) = ('', '');
    my $ok = IPC::Run::run([ 'sh', '-euc', $text ], '>', \$out, '2>', \$err);
    # The bootstrap superuser is there already, the store leaves its tables to the definitions that follow, and a minor
    # before November 2026 does not know a property that later ones write.
    $err =~ s/^ERROR:\s+(?:role\s"\w+"\salready\sexists|unrecognized\sparameter\s"pg_attver")\n
              |^NOTICE:.*no[ ]tables[ ]made\nHINT:.*\n//mgx;
    ok($ok && $err eq '', $name) or diag($err);
    return $out;
}

# --- blue, in use ----------------------------------------------------------------------------------------------------

value($blue, 'postgres', 'CREATE DATABASE app');
value($blue, 'app', 'CREATE EXTENSION auth_store');
my $store = populate($blue, 'app');
my $CLIENTS = 4;
my %setup = (users => []);
@setup{qw(client secret)} = split /\|/, value($blue, 'app', <<'SQL');
SELECT client_id, client_secret FROM auth_store.client_create('Load', ARRAY['https://load.example/cb'],
    scope => 'orders');
SQL
push @{ $setup{users} }, value($blue, 'app', "SELECT auth_store.user_ensure('load $_')") for 1 .. $CLIENTS;
value($blue, 'app', <<'SQL');
CREATE ROLE web LOGIN;
GRANT auth_store_app TO web;
ALTER DATABASE app SET auth_store.audit_retention = '300d';
CREATE TABLE public.orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, client int NOT NULL, n int NOT NULL);
CREATE TABLE public.notes (note text);
GRANT SELECT, INSERT ON public.orders TO web;
SQL

my $place = $blue->basedir . '/place';
sub use_server
{
    my ($node) = @_;
    my $text = $node ? sprintf("host=%s port=%d dbname=app user=web", $node->host, $node->port) : '';
    open my $file, '>', "$place.new" or die "$place: $!";
    print $file $text;
    close $file;
    rename "$place.new", $place or die "$place: $!";
}
use_server($blue);
my ($said, $complaints) = ('', '');
my $clients = IPC::Run::start([ $python, "$FindBin::Bin/switched_clients.py", $place, encode_json(\%setup) ],
    '>', \$said, '2>', \$complaints);
sub rows_on { return value($_[0], 'app', 'SELECT count(*) FROM public.orders') }
sub goes_on_at
{
    my ($node, $name) = @_;
    my $before = rows_on($node);
    ok($node->poll_query_until('app', "SELECT count(*) > $before + 40 FROM public.orders"), $name);
}
# Every table of the store, and the application's, there and here. A counter of rate_limits is one server's.
sub same
{
    my ($name) = @_;
    my ($here, $there) = map { contents($_, 'app') } $blue, $green;
    for my $rows ($here, $there)
    {
        delete @$rows{ qw(rate_limits recoveries schema_version), grep { /_y\d{4}m/ } keys %$rows };
    }
    is(differences($here, $there), '', $name);
    my $orders = 'SELECT count(*), sum(id), md5(string_agg(o::text, $$,$$ ORDER BY id)) FROM public.orders o';
    is(value($green, 'app', $orders), value($blue, 'app', $orders), "$name: the application's rows too");
}
sub timeline { return value($_[0], 'app', q{SELECT status FROM auth_store.health() WHERE check_name = 'timeline'}) }
goes_on_at($blue, 'clients are at work on blue');

# --- following -------------------------------------------------------------------------------------------------------

next_block('CREATE ROLE replicator', 'the role of the replication');
is(next_block('lacks_an_identity', 'tables without an identity'), 'notes',
    'finds the one of the application, and none of the store');
value($blue, 'app', 'ALTER TABLE notes REPLICA IDENTITY FULL');
next_block('CREATE PUBLICATION blue', 'the publication');
succeeds($blue, 'app', q{INSERT INTO notes VALUES ('a'); UPDATE notes SET note = 'b'}, 'which lets that table be');
next_block('pg_dumpall', 'roles and definitions');
next_block('CREATE SUBSCRIPTION green', 'the subscription');
my $copying = shift @blocks;
like($copying, qr/pg_subscription_rel/, 'the page shows what is being copied');
my ($query) = $copying =~ /^(SELECT.*?);$/ms;
ok($green->poll_query_until('app', "SELECT NOT EXISTS ($query)"), 'all is copied');
is(next_block('vault_check', 'check() and the master keys'), '', 'have nothing to say');
is(timeline($green), 'ok', 'health() of green is content while it follows');
like(next_block('AS behind', 'how far green is behind'), qr/^t\|/, 'it is connected');
goes_on_at($blue, 'the clients go on meanwhile');

# --- the switch ------------------------------------------------------------------------------------------------------

like(next_block('CONNECTION LIMIT 0', 'the fence'), qr/\A\d+\z/, 'no transaction waits');
raises($blue, 'app', 'SELECT 1', '', 'nobody gets in', user => 'web');
my $last = rows_on($blue);
next_block('confirmed_flush_lsn', 'the last change');
is(rows_on($blue), $last, 'nothing was written since the fence');
same('green has all of it');
next_block('pg_sequences', 'sequences');
next_block('DROP SUBSCRIPTION green', 'the subscription ends');
next_block('CREATE SUBSCRIPTION blue', 'the way back');
use_server($green);
next_block('refresh_grace', 'the grace of those whose answer was lost');
goes_on_at($green, 'the clients go on at green');
value($green, 'app', 'CALL auth_store.cleanup(); SELECT auth_store.cleanup_usage()');
is(next_block('health', 'check() and health() of green'), '', 'have nothing to say');
is(value($green, 'app', 'SHOW auth_store.audit_retention'), '300d', 'the settings of the database came along');
value($green, 'app', q{INSERT INTO notes VALUES ('c')});
goes_on_at($green, 'so that there is something to bring back');

# --- and back --------------------------------------------------------------------------------------------------------

# The switch once more, with the names changed.
my ($FENCE, $LAST) = map { my $pattern = $_; (grep { /$pattern/ } $page =~ /^```sql\n(.*?)^```$/msg)[0] }
    'CONNECTION LIMIT 0', 'pg_current_wal_insert_lsn';
my ($SEQUENCES) = grep { /pg_sequences/ } $page =~ /^```sh\n(.*?)^```$/msg;
sub turned { return $_[0] =~ s/\b(blue|green)\b/$1 eq 'blue' ? 'green' : 'blue'/ger }
succeeds($green, 'app', turned($FENCE), 'the fence around green');
succeeds($green, 'app', turned($LAST), 'the last change there');
same('blue has all of it');
@server{qw(blue green)} = @server{qw(green blue)};
run_sh($SEQUENCES, 'its sequences');
@server{qw(blue green)} = @server{qw(green blue)};
is(timeline($blue), 'ok', 'health() of blue is content while it follows');
next_block('CONNECTION LIMIT -1', 'blue is opened');
is(timeline($blue), 'ok', 'and when it is in use again');
use_server($blue);
goes_on_at($blue, 'the clients go on at blue');
value($green, 'app', q{SELECT pg_drop_replication_slot('blue')});
like(shift @blocks, qr/DROP SUBSCRIPTION blue/, 'the page ends the way back');
next_block('DROP PUBLICATION green', 'and the publication');
is(scalar @blocks, 0, 'which is the end of the page');

# --- what the clients have seen --------------------------------------------------------------------------------------

use_server(undef);
$clients->finish;
is($complaints, '', 'the clients ended well');
my $found = decode_json($said);
my (@lost, @refused, %errors);
my %rows;
$rows{$_}++ for split /\n/, value($blue, 'app', q{SELECT client || ' ' || n FROM public.orders});
for my $client (0 .. $CLIENTS - 1)
{
    push @refused, $found->[$client]{refused} if $found->[$client]{refused};
    push @lost, grep { !$rows{$_} } map { "$client $_" } @{ $found->[$client]{acknowledged} // [] };
    $errors{$_} += $found->[$client]{errors}{$_} for keys %{ $found->[$client]{errors} // {} };
    is(value($blue, 'app', "SELECT active FROM auth_store.token_introspect('$found->[$client]{access_token}')"), 't',
        "client $client: its last token is active");
}
is("@refused", '', 'no refresh was refused');
is("@lost", '', 'no row that was acknowledged is lost');
is(join(' ', grep { $rows{$_} > 1 } keys %rows), '', 'and none is there twice');
is(value($blue, 'app', "SELECT count(*), count(*) FILTER (WHERE revoked_at IS NULL) FROM auth_store.grants
    WHERE client_id = '$setup{client}'"), "$CLIENTS|$CLIENTS", 'each has one family, which lives');
note("$errors{$_} x $_") for sort keys %errors;
works($blue, 'app', $store, 'what was there before');

$_->stop for $blue, $green;
done_testing();

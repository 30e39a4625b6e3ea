# Two servers whose buckets move from one to the other by the scripts of shard_move_sql(), and what is asked of both.
package Moving;

use strict;
use warnings;
use Exporter 'import';
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

our @EXPORT = qw(new_pair $one $two %node $dir $made $first $last $range part moves refused rows same_rows count_of
  name_that user_that claims held marks row_of insert_like);

our ($one, $two, %node, $dir, $made, $first, $last, $range);
my (%dsn, @moving);

# The servers, with the same clients; all buckets are on the first.
sub new_pair
{
    ($one, $two) = map { new_server($_) } qw(one two);
    for my $node ($one, $two)
    {
        $node->append_conf('postgresql.conf', "wal_level = logical\nmax_wal_senders = 30\nmax_replication_slots = 30
            max_logical_replication_workers = 20\nmax_worker_processes = 40\nmax_sync_workers_per_subscription = 4
            wal_retrieve_retry_interval = '50ms'\nauth_store.sharded = on");
        $node->restart;
        value($node, 'postgres', 'CREATE DATABASE store TEMPLATE template0');
    }
    $dir = $PostgreSQL::Test::Utils::tmp_check;
    %node = (one => $one, two => $two);
    %dsn = map { $_ => $node{$_}->connstr . ' dbname=store' } keys %node;

    # What both have: the master key, and what the first publishes.
    my $key = slurp_file($one->basedir . '/master.key');
    open my $file, '>', $two->basedir . '/master.key' or die $!;
    print $file $key;
    close $file;
    value($one, 'store', 'CREATE EXTENSION auth_store');
    $made = populate($one, 'store');
    value($one, 'store', "SELECT auth_store.connection_store('slack', '$made->{acme}{user}', 'of the vault',
        tenant_id => 'acme')");
    value($one, 'store', q{CREATE PUBLICATION registry
            FOR TABLE auth_store.tenants, auth_store.clients, auth_store.roles WITH (publish = 'insert, update');
        CREATE PUBLICATION registry_details FOR TABLE auth_store.client_secrets, auth_store.tenant_policies});
    my $as_owner = value($two, 'store', 'SHOW server_version_num') >= 160000 ? 'WITH (run_as_owner = true)' : '';
    value($two, 'store', 'CREATE EXTENSION auth_store');
    value($two, 'store',
        "CREATE SUBSCRIPTION registry CONNECTION '$dsn{one}' PUBLICATION registry, registry_details $as_owner");
    ok($two->poll_query_until('store', q{SELECT count(*) > 0 AND bool_and(srsubstate = 'r') FROM pg_subscription_rel}),
        'both have the same clients');

    # All buckets are on the first server. The first of the users decides which 256 move.
    my $bucket = value($one, 'store', "SELECT auth_store.id_bucket('$made->{acme}{user}')");
    ($first, $last) = (int($bucket / 256) * 256, int($bucket / 256) * 256 + 255);
    $range = "auth_store.shard_range($first, $last)";
    @moving = map { [ split /\|/, $_, 2 ] } split /\n/, value($one, 'store',
        q{SELECT table_name, format(buckets[1], '') FROM auth_store.shard_tables() WHERE buckets <> '{}'});
}

sub without
{
    my ($from, $to) = @_;
    return join ', ', map { "$_->[0]-$_->[1]" } grep { $_->[0] <= $_->[1] } [ 0, $from - 1 ], [ $to + 1, 4095 ];
}

# A part of the move, as psql runs it.
sub part
{
    my ($part, %how) = @_;
    my ($from, $to) = ($how{from} // 'one', $how{to} // 'two');
    my ($source, $target) = $from eq 'one' ? ('0-4095', '') : ("$first-$last", without($first, $last));
    my $script = value($one, 'store', "SELECT auth_store.shard_move_sql($first, $last, '$dsn{$from}', '$dsn{$to}',
        '$source', '$target', '$part')");
    append_to_file("$dir/$part.sql", $script);
    my ($out, $err, $begun) = ('', '', time);
    my $ok = IPC::Run::run([ 'psql', '-X', '-d', $dsn{$from}, '-f', '-' ], '<', \$script, '>', \$out, '2>', \$err);
    note(sprintf '%s: %.1f s', $part, time - $begun);
    return { ok => $ok, err => $err };
}

sub moves
{
    my ($part, $name, %how) = @_;
    my $done = part($part, %how);
    ok($done->{ok}, $name) or diag($done->{err});
}

sub refused
{
    my ($part, $pattern, $name, %how) = @_;
    my $done = part($part, %how);
    ok(!$done->{ok} && $done->{err} =~ $pattern, $name) or diag($done->{err});
}

# Of each table that moves, and of users by their id, a fingerprint of the rows of these buckets, or of all others.
sub rows
{
    my ($node, $of) = @_;
    my $not = $of eq 'others' ? 'NOT' : '';
    my $sql = join ' UNION ALL ', map { "SELECT '$_->[0]', count(*),
        coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM auth_store.$_->[0] t
        WHERE $not coalesce(auth_store.shard_range($first, $last) @> ($_->[1]), false)" } @moving;
    return { map { my ($table, @rest) = split /\|/; ($table => join ' ', @rest) }
          split /\n/, value($node, 'store', $sql) };
}

sub same_rows
{
    my ($is, $should, $name) = @_;
    my $text = sub { my ($rows) = @_; join "\n", map { "$_: $rows->{$_}" } sort keys %$rows };
    is($text->($is), $text->($should), $name);
}
sub count_of { my ($rows) = @_; my $n = 0; $n += (split / /, $_)[0] for values %$rows; return $n }

# A name whose own bucket moves, or stays.
sub name_that
{
    my ($moves, $prefix) = @_;
    return value($one, 'store', "SELECT '$prefix' || n FROM generate_series(1, 100000) n
        WHERE $range @> auth_store.user_bucket('acme', '$prefix' || n, 'username') = $moves LIMIT 1");
}
# A user who moves or stays, found by an external id of the same bucket, and by a name.
sub user_that
{
    my ($node, $moves, $name) = @_;
    my $user = value($node, 'store', "SELECT auth_store.user_ensure('for $name ' || n, 'acme')
        FROM generate_series(1, 100000) n
        WHERE $range @> auth_store.user_bucket('acme', 'for $name ' || n, 'external') = $moves LIMIT 1");
    value($node, 'store', "SELECT error FROM auth_store.user_name_add('$user', 'username', '$name')");
    return $user;
}
# On a server that does not have the user.
sub claims
{
    my ($node, $user, $name) = @_;
    is(value($node, 'store', "SELECT claimed FROM auth_store.user_name_confirm('$user', 'username', '$name', 'acme')"),
        't', "$name is claimed");
}
# Whose a name is there: by a row of the user's own, and by a claim.
sub held
{
    my ($node, $name) = @_;
    return join ' and ', split /\n/, value($node, 'store', "SELECT 'name of ' || user_id FROM auth_store.user_names
        WHERE tenant_id = 'acme' AND kind = 'username' AND name_key = '$name'
        UNION ALL SELECT 'claim of ' || user_id FROM auth_store.user_name_claims
        WHERE user_id = auth_store.user_locate('$name', 'username', 'acme') AND kind = 'username' ORDER BY 1");
}

# What a move makes and takes away again.
sub marks
{
    my ($node) = @_;
    return join "\n", sort grep { /^CREATE TRIGGER|REPLICA IDENTITY/ && !/_y\d{4}/ } keys %{ shape($node, 'store') };
}

# A row of the first server, and one that is like it but for this.
sub insert_like
{
    my ($node, $table, $row, %with) = @_;
    my $with = join ', ', map { "'$_', $with{$_}" } keys %with;
    value($node, 'store', "INSERT INTO auth_store.$table SELECT (jsonb_populate_record(NULL::auth_store.$table,
        \$row\$$row\$row\$::jsonb || jsonb_build_object($with))).*");
}
sub row_of { my ($from) = @_; return value($one, 'store', "SELECT to_jsonb(t) FROM auth_store.$from LIMIT 1") }

1;

# The store's schema in the search_path of a database, as docs/how-to/install.md has it: what works without naming the
# schema, for whom, and that nothing misbehaves by it.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('search_path');
my $db = 'app';
value($node, 'postgres', "CREATE DATABASE $db");
# The statement as it is documented.
my ($statement) =
    slurp_file("$FindBin::Bin/../../docs/how-to/install.md") =~ /^(ALTER DATABASE \w+ SET search_path = .*;)/m;
like($statement, qr/auth_store/, 'install.md has the statement');
$statement =~ s/DATABASE \w+/DATABASE $db/;
value($node, $db, $statement);
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);
my $made = $store->{default};

for my $user (undef, 'boss')
{
    my $who = $user // 'a superuser';
    my @as = defined $user ? (user => $user) : ();
    like(value($node, $db, 'SELECT cleanup_expired_data();', @as), qr/^\d+$/, "$who: SELECT cleanup_expired_data();");
    succeeds($node, $db, 'SET client_min_messages = warning; CALL cleanup()', "$who: CALL cleanup()", @as);
    like(value($node, $db, '\dt', @as), qr/^auth_store\|grants\|(partitioned )?table\|auth_store_owner$/m,
        "$who: \\dt lists the tables");
    like(value($node, $db, '\dv', @as), qr/^auth_store\|recent_activity\|view\|/m, "$who: \\dv the views");
    like(value($node, $db, '\df token_refresh', @as), qr/^auth_store\|token_refresh\|/m, "$who: \\df the functions");
    cmp_ok(value($node, $db, q{SELECT pg_total_relation_size('grants')}, @as), '>', 0, "$who: the size of a table");
    like(value($node, $db, q{SELECT pg_size_pretty(pg_table_size('access_tokens')),
        pg_size_pretty(pg_indexes_size('access_tokens'))}, @as), qr/kB/, "$who: and of its indexes");
    cmp_ok(value($node, $db, q{SELECT count(*) FROM pg_stat_user_indexes WHERE relid = 'grants'::regclass}, @as), '==',
        3, "$who: the use of its indexes");
    cmp_ok(value($node, $db, q{SELECT n_live_tup >= 0 FROM pg_stat_user_tables WHERE relname = 'grants'}, @as), 'eq',
        't', "$who: its statistics");
    like(value($node, $db, 'SELECT count(*) FROM recent_activity', @as), qr/^\d+$/, "$who: a view");
    is(value($node, $db, 'SELECT count(*) FROM auth_store.check()', @as), '0', "$who: check() has nothing to say");
}
is(value($node, $db, q{SELECT active FROM token_introspect('} . $made->{access} . q{')}, user => 'web'), 't',
    'an application may leave the schema out too');
is(run_sql($node, $db, 'SELECT * FROM grants', user => 'boss')->{state}, '42501',
    'a table stays closed to the administrator');
is(run_sql($node, $db, 'SELECT cleanup_expired_data()', user => 'nobody')->{state}, '42883',
    'who has no role of the store does not even see its functions');

# The application's own names come first, its tables are made in its own schema, and the store is
# not led astray by them.
value($node, $db, 'CREATE TABLE users (id int); CREATE TABLE mine (id int)');
is(value($node, $db, q{SELECT relnamespace::regnamespace FROM pg_class
    WHERE oid IN ('users'::regclass, 'mine'::regclass) GROUP BY 1}), 'public', 'CREATE TABLE makes tables in public');
is(value($node, $db, 'SELECT count(*) FROM users'), '0', 'whose names come first');
is(value($node, $db, q{SELECT email FROM user_get('} . $made->{user} . q{')}), 'ada@default.example',
    'the store finds its own');
my $version = value($node, $db, 'SELECT max(version) FROM auth_store.schema_version');
is(value($node, $db, 'SELECT install(), migrate()'), "$version|$version", 'install() and migrate() too');
is(value($node, $db, 'SELECT count(*) FROM auth_store.check()'), '0', 'check() agrees');

# A dump carries the setting with --create only.
my $rows = contents($node, $db);
my $dir = PostgreSQL::Test::Utils::tempdir;
$node->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/app.dump", $db ], 'pg_dump');
value($node, 'postgres', 'CREATE DATABASE again TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'again', "$dir/app.dump" ],
    'pg_restore into another database');
is(differences($rows, contents($node, 'again')), '', 'has every row');
is(value($node, 'again', 'SHOW search_path'), '"$user", public', 'but not the search_path');
value($node, 'postgres', "ALTER DATABASE $db RENAME TO former");
$node->command_ok([ 'pg_restore', '--exit-on-error', '--create', '-d', 'postgres', "$dir/app.dump" ],
    'pg_restore --create');
like(value($node, $db, 'SHOW search_path'), qr/auth_store/, 'brings it');
is(differences($rows, contents($node, $db)), '', 'with every row');
is(value($node, $db, 'SELECT count(*) FROM auth_store.check()'), '0', 'and check() has nothing to say');

$node->stop;
done_testing();

# The script of a router runs, and runs again, without PL/Proxy: a language that can answer nothing stands for it. What
# the router has of its own does its work: the library's functions, the map, health() and check() where no shard
# answers. tests/shards/test_router.py has PL/Proxy and shards.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('router', preload => 1);
value($node, 'postgres', 'CREATE DATABASE shard');
value($node, 'shard', q{CREATE EXTENSION auth_store;
    CREATE ROLE web LOGIN; GRANT auth_store_app TO web;
    CREATE ROLE "Acme's" LOGIN; GRANT web TO "Acme's"; ALTER ROLE "Acme's" SET auth_store.tenant_id = 'it''s \\acme';
    CREATE ROLE "a$$b" LOGIN; GRANT auth_store_auditor TO "a$$b"; ALTER ROLE "a$$b" SET auth_store.tenant_id = 'a$$b'});
my $shards = q{'{"a": "host=/nowhere dbname=a", "b": "host=/nowhere dbname=b"}'};
value($node, 'shard', q{CREATE ROLE guest; GRANT EXECUTE ON FUNCTION auth_store.user_list TO guest});
my $made = value($node, 'shard', "SELECT auth_store.router_sql('auth', $shards)");
unlike($made, qr/guest/, 'a role that need not be there on the router gets nothing there');
# From files: a psql that ends at the first error does not read the rest.
sub in_file
{
    my ($name, $text) = @_;
    my $file = $node->basedir . "/$name.sql";
    append_to_file($file, $text);
    return "\\i $file";
}

# --- where it may run ------------------------------------------------------------------------------------------------

raises($node, 'shard', in_file('made', $made), '55000', 'a shard is no router');
value($node, 'postgres', 'CREATE DATABASE router');
# A pin of another database's, on the server that gets a router.
value($node, 'postgres', q{ALTER ROLE "Acme's" SET auth_store.tenant_id = 'b';
    ALTER ROLE web SET auth_store.tenant_id = 'c'});
ok($made =~ s/^CREATE EXTENSION IF NOT EXISTS plproxy .*\n//m, 'it makes PL/Proxy');
my $script = in_file('script', $made);
value($node, 'router', 'CREATE LANGUAGE plproxy HANDLER plpgsql_call_handler; CREATE FOREIGN DATA WRAPPER plproxy');
succeeds($node, 'router', $script, 'the script runs');
sub made { value($node, 'router', q{
    SELECT (SELECT count(*) FROM pg_proc WHERE pronamespace IN ('auth_store'::regnamespace,
                'auth_store_router'::regnamespace)),
           (SELECT count(*) FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace),
           (SELECT md5(srvoptions::text) FROM pg_foreign_server), (SELECT count(*) FROM pg_user_mappings)}) }
my $before = made();
succeeds($node, 'router', $script, '  and again');
is(made(), $before, '  with the same result');
value($node, 'router', q{CREATE VIEW mine AS SELECT auth_store.token_hash('a')});
raises($node, 'router', $script, '2BP01', '  but not away what an application has made');
value($node, 'router', 'DROP VIEW mine');
# A word of SQL as the cluster's name, and a part of the template as a shard's.
value($node, 'postgres', 'CREATE DATABASE word');
my $word = value($node, 'shard', q{SELECT auth_store.router_sql('user', '{"{cluster}": "host=/nowhere dbname=a"}')});
$word =~ s/^CREATE EXTENSION IF NOT EXISTS plproxy .*\n//m;
value($node, 'word', 'CREATE LANGUAGE plproxy HANDLER plpgsql_call_handler; CREATE FOREIGN DATA WRAPPER plproxy');
succeeds($node, 'word', in_file('word', $word), 'a cluster whose name is a word of SQL');
is(value($node, 'word', 'SELECT auth_store_router.map()'), '[[0, "{cluster}"]]', '  and a shard of any name');

# --- the library -----------------------------------------------------------------------------------------------------

# A role without any privilege routes, by the same buckets as a shard.
my $library = q{SELECT auth_store.token_bucket('asat_' || repeat('a', 64)), auth_store.token_hash('a'),
    auth_store.pkce_challenge(repeat('a', 43)), (auth_store.password_breach_prefix('password')).*,
    auth_store.jwk_thumbprint('{"kty": "RSA", "n": "AQ", "e": "AQAB"}')};
value($node, 'postgres', 'CREATE ROLE nobody LOGIN');
is(value($node, 'router', $library, user => 'nobody'), value($node, 'shard', $library),
    'what the library computes is the same on the router');
raises($node, 'router', q{SELECT * FROM auth_store.token_introspect('a')}, '42501', 'all else is for its roles',
    user => 'nobody');
raises($node, 'router', 'SELECT connection FROM auth_store_router.shards', '42501', '  so are the connections',
    user => 'nobody');

# --- the map ---------------------------------------------------------------------------------------------------------

sub buckets { value($node, 'router', q{
    SELECT string_agg(format('%s %s', s.shard, s.buckets), ', ' ORDER BY number) FROM auth_store_router.shards s}) }
# What PL/Proxy has for some partitions.
sub partitions { value($node, 'router', q{
    SELECT string_agg(substring(o.option_value FROM '(.) options=-cDateStyle=ISO$'), '' ORDER BY p.n)
    FROM pg_foreign_server f CROSS JOIN pg_options_to_table(f.srvoptions) o
    JOIN unnest(ARRAY[0, 15, 16, 31, 32, 2047, 2048, 4095, 4096, 4097, 4098]) WITH ORDINALITY p (partition, n)
      ON o.option_name = 'p' || p.partition}) }
is(buckets(), 'a {[0,2048)}, b {[2048,4096)}', 'two equal parts');
is(partitions(), 'aaaaaabbab', '  of which PL/Proxy knows, and of each shard by its number');
is(value($node, 'router', q{SELECT auth_store_router.move(16, 31, 'b')}), '16', 'buckets move');
is(partitions(), 'aabbaabbab', '  for PL/Proxy too');
is(value($node, 'router', 'SELECT auth_store_router.map()'), '[[0, "a"], [16, "b"], [32, "a"], [2048, "b"]]',
    '  and for clients');
is(value($node, 'router', q{SELECT auth_store_router.shard_set('c', 'host=/nowhere dbname=c')}), '2', 'a new shard');
is(partitions(), 'aabbaabbabc', '  which has a number and no bucket');
value($node, 'router', q{SELECT auth_store_router.move(2048, 4095, 'c');
    SELECT auth_store_router.shard_set('b', 'host=/nowhere dbname=B')});
is(partitions(), 'aaBBaaccaBc', 'a shard that is elsewhere');
succeeds($node, 'router', $script, 'the script runs');
is(partitions(), 'aaBBaaccaBc', '  and keeps the map');
raises($node, 'router', "SELECT auth_store_router.shard_drop('$_')", '55000', "$_ has buckets") for 'a', 'b';
value($node, 'router', q{SELECT auth_store_router.move(16, 31, 'a'); SELECT auth_store_router.shard_drop('b')});
is(partitions(), 'aaaaaaccacc', 'a shard leaves');
is(value($node, 'router', 'SELECT auth_store_router.names()'), '{a,c}', '  and is asked nothing any more');
raises($node, 'router', q{SELECT auth_store_router.shard_drop('b')}, '22023', '  nor there');
is(value($node, 'router', q{SELECT auth_store_router.shard_set('b', 'host=/nowhere dbname=B')}), '1',
    '  and comes back');
value($node, 'router', q{SELECT auth_store_router.move(16, 31, 'b')});
is(partitions(), 'aaBBaaccaBc', '  with its buckets');
raises($node, 'router', q{SELECT auth_store_router.move(0, 1, 'd')}, '22023', 'a shard that is none');
raises($node, 'router', q{SELECT auth_store_router.move(4095, 4096, 'a')}, '22023', 'a bucket that is none');
raises($node, 'router', q{SELECT auth_store_router.move(1, 0, 'a')}, '22023', 'no bucket');
raises($node, 'router', qq{SELECT auth_store_router.shard_set('b', 'host=a $_=b')}, '22023', "a connection with $_")
    for 'user', 'password', 'sslpassword', 'PASSWORD';
raises($node, 'router', "SELECT auth_store_router.shard_set('b', $_)", '22023', "a connection $_")
    for q{'postgresql://postgres:secret@h/d'}, q{'dbname=postgresql://postgres:secret@h/d'}, q{'h'}, 'NULL';
raises($node, 'router', q{SELECT auth_store_router.move(0, 1, 'a')}, '42501', 'a role that may not', user => 'web');

# --- who comes as whom -----------------------------------------------------------------------------------------------

is(value($node, 'router', q{SELECT string_agg(format('%s %s', usename, umoptions), ', ' ORDER BY usename COLLATE "C")
    FROM pg_user_mappings WHERE usename IN ('web', 'Acme''s')}), "Acme's {user=Acme's}, web {user=web}",
    'each role that logs in is itself on the shards');
is(value($node, 'router', q{SHOW auth_store.tenant_id}, user => "Acme's"), "it's \\acme", '  with its pin');
is(value($node, 'router', q{SHOW auth_store.tenant_id}, user => 'a$$b'), 'a$$b', '  whatever is in it');
is(join(' ', map { value($node, 'postgres', q{SHOW auth_store.tenant_id}, user => $_) } "Acme's", 'web'), 'b c',
    '  and the pins of other databases stay');
raises($node, 'router', $_, '42501', "  and stays itself: @{[/^\w+/g]}", user => 'web')
    for q{ALTER USER MAPPING FOR web SERVER auth OPTIONS (SET user 'Acme''s')},
        q{CREATE USER MAPPING FOR CURRENT_USER SERVER auth OPTIONS (user 'Acme''s')},
        q{DROP USER MAPPING FOR web SERVER auth}, q{DROP OWNED BY web};
is(value($node, 'router', q{SELECT auth_store_router.at(7)}, user => 'web'), '7', 'who has logged in is served');
raises($node, 'router', q{SET ROLE web; SELECT auth_store_router.at(7)}, '42501', '  no other one', user => "Acme's",
    hint => 'A router is called as the role that has logged in: not after SET ROLE, nor in a SECURITY DEFINER function '
      . 'of another role.');

# --- where no shard answers ------------------------------------------------------------------------------------------

is(value($node, 'router',
        q{SELECT string_agg(concat_ws(' ', shard, check_name, status), ', ') FROM auth_store.health()}),
    'a answers fail, b answers fail, c answers fail, versions fail', 'health() says so of each');
is(value($node, 'router', q{SELECT string_agg(concat_ws(' ', shard, object, severity), ', ') FROM auth_store.check()}),
    'router shard problem, a shard problem, b shard problem, c shard problem', 'check() too');
is(value($node, 'router', q{SELECT count(*) FROM auth_store.check() WHERE problem ~ 'permission denied'},
        user => 'a$$b'), '0', '  and whoever may ask');
my $failed = run_sql($node, 'router', 'SELECT * FROM auth_store.migrate()');
like($failed->{message}, qr/^shard a: /, 'migrate() names the shard');

done_testing();

# From the tables of 0.1.0 to those of this library and back: no row is lost, what was issued before goes on, and the
# tables are then those of a fresh install.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Released;
use Test::More;

my $node = server_of_now('upgrade', '0.1.0');
my $newest = 0;
my @CALLS = CALLS();

my $databases = 0;
sub restored { return restored_dump($node, sprintf('old%02d', ++$databases), '0.1.0') }

# The objects but for the partitions, and those as one of each kind.
sub objects
{
    my ($shape) = @_;
    my %found;
    for my $statement (keys %$shape)
    {
        # what restores bring along from the dump of the schema itself
        next if $statement
            =~ /\A\s*(?:CREATE SCHEMA auth_store|ALTER SCHEMA auth_store OWNER|COMMENT ON EXTENSION|CREATE EXTENSION)/;
        # From 18 on these have names, which a restored partition takes after itself and a fresh one after its table.
        $statement =~ s/CONSTRAINT \w+_not_null (?=NOT NULL)//g;
        $found{$statement} = 1;
    }
    return one_of_each(\%found);
}

# A column may be described better than it was.
sub without_comments
{
    my ($shape) = @_;
    return { map { $_ => 1 } grep { !/\A\s*COMMENT ON (?:COLUMN|CONSTRAINT|INDEX|TABLE)/ } keys %$shape };
}

value($node, 'postgres', 'CREATE DATABASE fresh TEMPLATE template0');
value($node, 'fresh', 'CREATE EXTENSION auth_store');
$newest = value($node, 'fresh', 'SELECT max(version) FROM auth_store.schema_version');
cmp_ok($newest, '>=', 2, 'this library has tables of another version than 0.1.0');
# JWT ids of now: a fresh install has no partition for them.
value($node, 'fresh', 'SELECT auth_store.jti_partitions_ensure()');
my $fresh = objects(shape($node, 'fresh'));

# --- up, down and up again -------------------------------------------------------------------------------------------

my $db = restored();
my $before = contents($node, $db);
raises($node, $db, $_, '55000', "tables of 0.1.0: $_", hint => 'SELECT auth_store.migrate()') for @CALLS;
my $installed = run_sql($node, $db, 'SELECT auth_store.install()');
is($installed->{out}, '1', 'install() leaves them as they are') or diag($installed->{err});
like($installed->{err}, qr/WARNING:.*of version 1, .*SELECT auth_store\.migrate\(\)/, 'and says what to do');
is(differences($before, contents($node, $db)), '', 'no row has changed');
my $shape = shape($node, $db);
raises($node, $db, $_, '55000', "after install(): $_", hint => 'SELECT auth_store.migrate()') for @CALLS;
like(value($node, $db, q{SELECT string_agg(object || ': ' || problem, ', ') FROM auth_store.check()}),
    qr/table schema_version: the tables' version is not/, 'check() says so');

is(value($node, $db, 'SELECT auth_store.migrate()'), $newest, 'migrate()');
my $after = contents($node, $db);
is(value($node, $db, 'SELECT object, problem FROM auth_store.check()'), '', 'check() has nothing to say');
is(differences(objects(shape($node, $db)), $fresh), '', 'the tables are those of a fresh install');
is(value($node, $db, 'SELECT count(*), count(called_by), count(from_application)
    FROM auth_store.audit_log') =~ s/\|.*//r, $before->{audit_log} =~ s/ .*//r, 'the trail has its rows');
is(join(' ', map { $_ . ' ' . ($after->{$_} // '') =~ s/ .*//r } grep { $_ ne 'schema_version' } sort keys %$before),
    join(' ', map { $_ . ' ' . $before->{$_} =~ s/ .*//r } grep { $_ ne 'schema_version' } sort keys %$before),
    'as has every table');

is(value($node, $db, 'SELECT auth_store.migrate(to_version => 1)'), '1', 'back to the tables of 0.1.0');
is(differences(without_comments($shape), without_comments(shape($node, $db))), '',
    'which they are again, but for comments');
is(differences($before, contents($node, $db)), '', 'with every row as it was');
raises($node, $db, $_, '55000', "back at version 1: $_", hint => 'SELECT auth_store.migrate()') for @CALLS;
is(value($node, $db, 'SELECT auth_store.migrate()'), $newest, 'and up again');
is(differences(objects(shape($node, $db)), $fresh), '', 'to the tables of a fresh install');
is(value($node, $db, 'SELECT auth_store.install()'), $newest, 'install() finds nothing to do');
is(differences(objects(shape($node, $db)), $fresh), '', 'and changes nothing');

# One version at a time comes to the same.
my $stepwise = restored();
is(value($node, $stepwise, "SELECT auth_store.migrate($_)"), $_, "to version $_") for 2 .. $newest;
is(differences(objects(shape($node, $stepwise)), $fresh), '', 'step by step');

# A client was told of a log-out, by a webhook of a kind that version 9 has not.
is(value($node, $stepwise, <<'SQL'), '1', 'a client is told of the end of a session');
SELECT FROM auth_store.tenant_create('told');
SELECT FROM auth_store.provider_set('https://id.told.example', tenant_id => 'told');
SELECT FROM auth_store.client_create('Told', ARRAY['https://told.example/cb'], 'public', client_id => 'told',
    backchannel_logout_uri => 'https://told.example/logout', tenant_id => 'told');
SELECT user_id AS "user" FROM auth_store.user_create('ada@told.example', tenant_id => 'told') \gset
SELECT session_id FROM auth_store.session_create(:'user') \gset
SELECT FROM auth_store.token_issue('told', :'user', session_id => :'session_id');
SELECT FROM auth_store.session_revoke(:'session_id');
SELECT count(*) FROM auth_store.webhooks w JOIN auth_store.webhook_queue q ON q.webhook_id = w.id WHERE logout;
SQL
is(value($node, $stepwise, 'SELECT auth_store.migrate(to_version => 9)'), '9', 'back to version 9');
is(value($node, $stepwise, q{SELECT (SELECT count(*) FROM auth_store.webhooks WHERE tenant_id = 'told'),
    (SELECT count(*) FROM auth_store.webhook_states WHERE tenant_id = 'told'),
    (SELECT count(*) FROM auth_store.webhook_queue WHERE tenant_id = 'told')}), '0|0|0',
    'that webhook is gone, with what waited for it');
is(value($node, $stepwise, 'SELECT auth_store.migrate()'), $newest, 'and up again');
is(differences(objects(shape($node, $stepwise)), $fresh), '', 'to the tables of a fresh install');
is(value($node, $stepwise, q{SELECT auth_store.tenant_erase('told', 'told') > 0}), 't', 'the tenant can be erased');

# --- what was issued before ------------------------------------------------------------------------------------------

goes_on($node, $_) for $db, $stepwise;

# --- with the extension made anew over the tables --------------------------------------------------------------------

my $anew = restored();
value($node, $anew, 'SET client_min_messages = warning; DROP EXTENSION auth_store CASCADE');
$before = contents($node, $anew);
my $created = run_sql($node, $anew, 'CREATE EXTENSION auth_store');
ok($created->{ok}, 'CREATE EXTENSION over tables of 0.1.0') or diag($created->{err});
is(differences($before, contents($node, $anew)), '', 'keeps every row');
raises($node, $anew, $_, '55000', "and: $_", hint => 'SELECT auth_store.migrate()') for @CALLS;
is(value($node, $anew, 'SELECT auth_store.migrate()'), $newest, 'migrate()');
is(differences(objects(shape($node, $anew)), $fresh), '', 'makes them those of a fresh install');
goes_on($node, $anew);

# The schema alone: its version is not in a row then.
my $bare = restored();
value($node, $bare, 'DELETE FROM auth_store.schema_version');
raises($node, $bare, $CALLS[0], '55000', 'tables without a version', hint => 'SELECT auth_store.install()');
is(value($node, $bare, 'SELECT auth_store.install()'), '1', 'install() knows them as those of 0.1.0');
is(value($node, $bare, 'SELECT auth_store.migrate()'), $newest, 'so migrate() brings them here');
is(differences(objects(shape($node, $bare)), $fresh), '', 'step by step');
value($node, $bare, 'DELETE FROM auth_store.schema_version');
raises($node, $bare, $CALLS[0], '55000', 'the tables of this library without a version',
    hint => 'SELECT auth_store.install()');
is(value($node, $bare, 'SELECT auth_store.install()'), $newest, 'install() knows them too');
goes_on($node, $bare);

$node->stop;
done_testing();

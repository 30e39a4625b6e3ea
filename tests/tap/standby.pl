# A streaming standby: every function that reads works, every function that writes says 25006 there and in a read-only
# transaction; after a promotion the tokens go on.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Functions;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = new_server('primary', streaming => 1);
my $db = 'postgres';
value($primary, $db, 'CREATE EXTENSION auth_store');
install_helpers($primary, $db);
my $store = populate($primary, $db);
my $made = $store->{acme};
value($primary, $db, "CREATE ROLE pinned LOGIN; GRANT auth_store_reader, auth_store_auditor TO pinned;
    ALTER ROLE pinned SET auth_store.tenant_id = 'acme'");
my @functions = functions($primary, $db);
my @views = split /\n/, value($primary, $db,
    "SELECT relname FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'v' ORDER BY 1");

$primary->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->start;
sub catch_up { $primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert')) }
catch_up();
is(value($standby, $db, 'SELECT pg_is_in_recovery()'), 't', 'the standby is one');

# What docs/reference says of each function.
my %told = slurp_file("$FindBin::Bin/../../docs/reference/README.md") =~ /^\| \[(\w+)\]\(.* \| ([^|]+) \|$/mg;
is(join(' ', sort keys %told), join(' ', @functions), 'docs/reference says of every function whether it works here');

sub as_login
{
    my ($name) = @_;
    my ($role) = @{ call_of($name, $made)->{roles} };
    my ($login) = grep { ($AuthStore::LOGINS{$_} // '') eq 'auth_store_' . ($role // '') } sort keys %AuthStore::LOGINS;
    return $login;    # nobody's: the superuser's
}

# --- each function, where nothing can be written ---------------------------------------------------------------------

for my $where ([ 'on the standby', $standby, '' ],
    [ 'in a read-only transaction', $primary, 'SET default_transaction_read_only = on;' ])
{
    my ($place, $node, $prelude) = @$where;
    for my $name (@functions)
    {
        my $call = call_of($name, $made);
        next if $call->{does} eq 'event';
        my $result = run_sql($node, $db, "$prelude $call->{sql}", user => as_login($name));
        is($result->{ok} ? 'works' : 'is refused', $told{$name} =~ /^(?:yes|as the)/ ? 'works' : 'is refused',
            "$place: $name: docs/reference says so");
        if ($call->{does} =~ /^(?:reads|holds|draws|passes|script)$/)
        {
            ok($result->{ok}, "$place: $name works") or diag($result->{err});
            # What draws is never the same, and two say how it is with the standby.
            next if $call->{does} eq 'draws' || $name =~ /^(?:health|replica_lag)$/;
            my $on_primary = run_sql($primary, $db, $call->{sql}, user => as_login($name));
            is($result->{out}, $on_primary->{out}, "$place: $name answers as it does on the primary");
        }
        else
        {
            is($result->{ok} ? 'ok' : $result->{state}, '25006', "$place: $name is refused") or diag($result->{err});
        }
    }
    for my $view (@views)
    {
        # What the views show of the last minutes is the same on both.
        is(value($node, $db, "$prelude SELECT count(*) FROM auth_store.$view", user => 'auditor'),
            value($primary, $db, "SELECT count(*) FROM auth_store.$view", user => 'auditor'),
            "$place: view $view");
    }
}
# Nothing was written by what was refused. A first call in a session may find itself on a standby, too.
catch_up();
{
    my ($there, $here) = (contents($primary, $db), contents($standby, $db));
    like(delete $there->{rate_limits}, qr/^[1-9]/, 'rate limits are on the primary alone');
    is(differences($there, $here), '', 'both have the same rows otherwise');
}
is(value($standby, $db, q{SELECT object, problem FROM auth_store.check()
    WHERE object <> 'setting auth_store.tenant_id'}), '', 'check() on the standby has nothing to say');
my $begin = 'BEGIN TRANSACTION READ ONLY;';
raises($primary, $db, "$begin SELECT auth_store.token_refresh('$made->{refresh}', '$made->{client}',
    client_secret => '$made->{secret}')", '25006', 'BEGIN READ ONLY: token_refresh()');
raises($primary, $db, "$begin SELECT auth_store.token_use('$made->{access}')", '25006', 'BEGIN READ ONLY: token_use()');
is(value($primary, $db, "$begin SELECT active FROM auth_store.token_introspect('$made->{access}'); COMMIT",
    user => 'replica'), 't', 'BEGIN READ ONLY: token_introspect()');
is(value($primary, $db, "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
    SELECT active FROM auth_store.token_introspect('$made->{access}'); COMMIT"), 't',
    'SERIALIZABLE READ ONLY DEFERRABLE too');
is(value($standby, $db, "BEGIN ISOLATION LEVEL REPEATABLE READ;
    SELECT active FROM auth_store.token_introspect('$made->{access}'); COMMIT"), 't',
    'and REPEATABLE READ on the standby');

# --- what the standby says of tokens ---------------------------------------------------------------------------------

for my $case ([ 'its own', $made->{api_key}, 't' ], [ 'one of another store', 'foreign-key-of-acme', 't' ],
    [ 'the one before the rotation', $made->{first_api_key}, 't' ], [ 'none', 'x', 'f' ])
{
    my ($what, $key, $valid) = @$case;
    is(value($standby, $db, "SELECT valid FROM auth_store.api_key_verify('$key', ip => '192.0.2.1')",
        user => 'replica'), $valid, "an API key verified on the standby: $what");
}
for my $case (
    [ 'a live one', $made->{access}, 't' ],
    [ 'a revoked one', $made->{revoked_access}, 'f' ],
    [ 'none at all', 'x', 'f' ])
{
    my ($what, $token, $active) = @$case;
    is(value($standby, $db, "SELECT active FROM auth_store.token_introspect('$token')", user => 'replica'), $active,
        "introspected on the standby: $what");
}
is(value($standby, $db, "SELECT error FROM auth_store.token_authorize('$made->{access}', 'admin')", user => 'replica'),
    'insufficient_scope', 'token_authorize() decides there');
is(value($standby, $db, "SELECT DISTINCT tenant_id FROM auth_store.recent_activity", user => 'pinned'), 'acme',
    'the pin holds there, in a view');
is(value($standby, $db, "SELECT active FROM auth_store.token_introspect('$store->{globex}{access}')", user => 'pinned'),
    'f', 'and in a function');

is(value($standby, $db, "SELECT access_token, refresh_token, status
    FROM auth_store.connection_get('github', '1', tenant_id => 'acme')", user => 'web'),
    'gho_access-of-acme|ghr_refresh-of-acme|valid', 'a connection opens there, by the same master key');

is(value($standby, $db, "SELECT webhook_id = '$made->{webhook}', status FROM auth_store.webhook_list('acme')",
    user => 'web'), 't|active', 'webhooks are listed there');

# What a provider answers there, where nothing is written: as the primary does.
{
    my $post = sub { "body => convert_to('$_[0]&client_id=$made->{client}&client_secret=$made->{secret}', 'UTF8')" };
    my $bearer = "headers => '{\"authorization\": \"Bearer $made->{access}\"}'";
    for my $case (
        [ 'metadata', "'GET', '/.well-known/oauth-authorization-server/acme'", '"issuer":"https://id.example/acme"' ],
        [ 'jwks', "'GET', '/acme/jwks'", "\"kid\":\"$made->{signing_key}\"" ],
        [ 'userinfo', "'GET', '/acme/userinfo', $bearer", "\"sub\":\"$made->{user}\"" ],
        [ 'introspection', "'POST', '/acme/introspect', " . $post->("token=$made->{access}"), '"active": true' ],
        [ 'introspection of a JWT', "'POST', '/acme/introspect', " . $post->("token=$made->{jwt}"), '"active": true' ])
    {
        my ($what, $arguments, $said) = @$case;
        my $ask = "SELECT r.status, r.body FROM auth_store.http($arguments) AS r";
        my $answer = value($standby, $db, $ask, user => 'web');
        like($answer, qr/^200\|.*\Q$said\E/, "http(): $what on the standby");
        is($answer, value($primary, $db, $ask, user => 'web'), "http(): $what as on the primary");
    }
    raises($standby, $db, "SELECT auth_store.http('POST', '/acme/token', "
        . $post->('grant_type=client_credentials') . ')', '25006', 'http(): no token is issued there', user => 'web');
    # A key and an issuer that were changed are known there at once.
    my $jwt = "SELECT active FROM auth_store.jwt_verify('$made->{jwt}', 'https://api.example/acme')";
    is(value($standby, $db, $jwt, user => 'replica'), 't', 'a JWT is verified there');
    my $kid = value($primary, $db, "SELECT auth_store.signing_key_rotate(tenant_id => 'acme')");
    catch_up();
    like(value($standby, $db, q{SELECT body FROM auth_store.http_jwks('acme')}, user => 'replica'), qr/"\Q$kid\E"/,
        'the next key is in the JWKS there');
}

# A session that stays connected sees what happens on the primary.
my $issued = value($primary, $db,
    "SELECT access_token FROM auth_store.token_issue('$made->{client}', '$made->{user}')");
catch_up();
is(value($standby, $db, "SELECT active FROM auth_store.token_introspect('$issued')"), 't', 'a token issued since');
value($primary, $db, "SELECT auth_store.client_set_status('$made->{client}', 'suspended')");
catch_up();
is(value($standby, $db, "SELECT active FROM auth_store.token_introspect('$issued')"), 'f',
    'whose client was suspended since');
value($primary, $db, "SELECT auth_store.client_set_status('$made->{client}', 'active')");
my $visit = value($primary, $db, "SELECT session_token FROM auth_store.session_create('$made->{user}')");
catch_up();
is(value($standby, $db, "SELECT valid FROM auth_store.session_validate('$visit')", user => 'replica'), 't',
    'a session made since');
for my $status (qw(suspended active))
{
    value($primary, $db, "UPDATE auth_store.users SET status = '$status' WHERE id = '$made->{user}'");
    catch_up();
    is(value($standby, $db, "SELECT valid FROM auth_store.session_validate('$visit')", user => 'replica'),
        $status eq 'active' ? 't' : 'f', "whose user is $status");
}
value($primary, $db, "SELECT auth_store.user_sessions_revoke('$made->{user}')");
catch_up();
is(value($standby, $db, "SELECT valid FROM auth_store.session_validate('$visit')", user => 'replica'), 'f',
    'and that was ended since');
value($primary, $db, "SELECT auth_store.token_revoke('$issued', '$made->{client}', '$made->{secret}')");
catch_up();
is(value($standby, $db, "SELECT active FROM auth_store.token_introspect('$issued')"), 'f',
    'and that was revoked since');

# Indexes are made anew on the primary while a transaction on the standby, which knows the old ones, is between two
# calls. psql's own commands wait in it; they name no table.
{
    my $there = sprintf "%s -X -q -A -t -h %s -p %s -U postgres -d %s", $primary->installed_command('psql'),
        $primary->host, $primary->port, $db;
    my $made = value($primary, $db,
        "SELECT access_token FROM auth_store.token_issue('$made->{client}', '$made->{user}')");
    value($primary, $db, "SELECT auth_store.jti_revoke('reindexed', clock_timestamp() + '1 hour')");
    catch_up();
    for my $case (
        [ "active FROM auth_store.token_introspect('$made')", 'access_tokens', 'grants', 'clients', 'users',
            'tenants' ],
        [ "auth_store.jti_is_revoked('reindexed')", 'revoked_jtis' ])
    {
        my ($ask, @tables) = @$case;
        for my $table (@tables)
        {
            my $out = value($standby, $db, <<"SQL", user => 'replica');
SELECT $ask;
BEGIN;
SELECT 1;
\\! $there -c 'REINDEX TABLE CONCURRENTLY auth_store.$table'
\\set reached `$there -c 'SELECT pg_current_wal_insert_lsn()'`
SELECT set_config('test.reached', :'reached', true) IS NULL;
DO \$\$ BEGIN WHILE pg_last_wal_replay_lsn() < current_setting('test.reached')::pg_lsn LOOP PERFORM pg_sleep(0.01);
END LOOP; END \$\$;
SELECT $ask;
COMMIT;
SQL
            is($out, "t\n1\nf\nt", "a transaction on the standby goes on after REINDEX CONCURRENTLY of $table");
        }
    }
}

# The tables go and come back: a session on the standby that has called the store before follows. It waits on the
# standby while the primary changes; psql's \! runs in between.
{
    value($primary, $db, 'CREATE DATABASE other');
    value($primary, 'other', 'CREATE EXTENSION auth_store');
    catch_up();
    my $session = $standby->background_psql('other', on_error_stop => 0)
      if $standby->can('background_psql') && eval { require PostgreSQL::Test::BackgroundPsql; 1 };
  SKIP:
    {
        skip 'no background psql in this PostgreSQL\'s test modules', 3 unless ref $session && $session->can('query');
        my $ask = "SELECT active FROM auth_store.token_introspect('x')";
        is($session->query($ask), 'f', 'a session on the standby');
        value($primary, 'other', "SELECT auth_store.uninstall('other')");
        catch_up();
        is($session->query("$ask\n\\gset\nSELECT :'SQLSTATE'") =~ s/\s//gr, '55000',
            'notices that the tables are gone');
        value($primary, 'other', 'SELECT auth_store.install()');
        catch_up();
        is($session->query($ask), 'f', 'and that they are back');
        $session->quit;
    }
    raises($standby, 'other', 'SELECT auth_store.install()', '25006', 'install() on a standby');
}
# Without tables, a call says so on a standby too: the hint is for the primary.
value($primary, $db, 'CREATE DATABASE bare');
value($primary, 'bare',
    'SET client_min_messages = warning; SET check_function_bodies = off; CREATE EXTENSION auth_store');
catch_up();
raises($standby, 'bare', "SELECT auth_store.token_introspect('x')", '55000', 'without tables on the standby',
    hint => 'SELECT auth_store.install()');

# --- promotion -------------------------------------------------------------------------------------------------------

catch_up();
$primary->stop('immediate');
$standby->promote;
for my $tenant (sort keys %$store)
{
    my $of = $store->{$tenant};
    my $credentials = "'$of->{client}', client_secret => '$of->{secret}'";
    is(value($standby, $db, "SELECT active FROM auth_store.token_introspect('$of->{access}')"), 't',
        "promoted: $tenant: a token of before is active");
    my $next = value($standby, $db,
        "SELECT refresh_token FROM auth_store.token_refresh('$of->{refresh}', $credentials)", user => 'web');
    like($next, qr/^asrt_/, "promoted: $tenant: its family refreshes");
    like(value($standby, $db, "SELECT refresh_token FROM auth_store.token_refresh('$next', $credentials)",
        user => 'web'), qr/^asrt_/, "promoted: $tenant: and goes on");
    is(value($standby, $db, "SELECT error IS NULL
        FROM auth_store.code_redeem('$of->{code}', $credentials, code_verifier => '$of->{verifier}')", user => 'web'),
        't', "promoted: $tenant: a code of before is redeemed");
    is(value($standby, $db, "SET auth_store.code_replay_grace = 0;
        SELECT error FROM auth_store.code_redeem('$of->{used_code}', $credentials,
        code_verifier => '$of->{verifier}')"), 'invalid_grant', "promoted: $tenant: one redeemed before is not");
    is(value($standby, $db, "SELECT active FROM auth_store.token_introspect('$of->{access}')"), 'f',
        "promoted: $tenant: and its replay ended the grant");
}
is(value($standby, $db, q{SELECT object, problem FROM auth_store.check()
    WHERE object <> 'setting auth_store.tenant_id'}), '', 'promoted: check() has nothing to say');
$standby->stop;
done_testing();

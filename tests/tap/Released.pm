# What tests/upgrade has of a released version: its database, what was issued there, and a server that knows its script.
package Released;

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use FindBin;
use Exporter 'import';
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(server_of_now server_of_now_and_then restored_dump one_of_each catalog_of issued goes_on CALLS);

my $FOLDER = "$FindBin::Bin/../upgrade";

# Of each tenant, what was issued and made: { tenant => { name => value } }.
my %store;
for (split /\n/, slurp_file("$FOLDER/0.1.0.secrets"))
{
    my ($tenant, $name, $value) = /^([^.]+)\.([^=]+)=(.*)$/ or next;
    $store{$tenant}{$name} = $value;
}

# issued(TENANT, NAME): one of these.
sub issued { return $store{ $_[0] }{ $_[1] } // die "no @_" }

# What the application calls, reading and writing.
sub CALLS
{
    my $made = $store{acme};
    return (
        "SELECT auth_store.token_introspect('$made->{access}')",
        "SELECT auth_store.token_refresh('$made->{refresh}', '$made->{client}', client_secret => '$made->{secret}')",
        q{SELECT auth_store.audit_write('x')},
        'SELECT auth_store.partitions_ensure()',
        'CALL auth_store.cleanup()');
}

sub configured
{
    my ($what) = @_;
    my ($out) = run_command([ $ENV{PG_CONFIG}, $what ]);
    return $out;
}

# The server's programs in a folder of their own, so that what is put beside its extensions is there for one test only.
# It finds its files by the way from its program to them. Returns where programs, extensions and libraries are.
sub programs_apart
{
    my ($folder) = @_;
    my ($programs, $shared, $libraries) = map { configured($_) } qw(--bindir --sharedir --pkglibdir);
    make_path(map { "$folder$_" } $programs, "$shared/extension", $libraries);
    # initdb and pg_ctl look for the server beside themselves, by their real path.
    my %moves = map { $_ => 1 } qw(postgres initdb pg_ctl);
    for my $file (glob("$programs/* $libraries/* $shared/* $shared/extension/*"))
    {
        my ($name) = $file =~ m{([^/]+)\z};
        if ($moves{$name})
        {
            copy($file, "$folder$file") or die "$file: $!";
            chmod 0755, "$folder$file";
        }
        elsif ($name ne 'extension') { symlink $file, "$folder$file" or die "$folder$file: $!" }
    }
    return ("$folder$programs", "$folder$shared/extension", "$folder$libraries");
}

# A server with this library, whose vault has the released version's master key too, as the newest but one: what it
# sealed still opens.
sub server_of_now
{
    my ($name, $version, %how) = @_;
    my $node = new_server($name, %how);
    my $keys = $node->basedir . '/master.key';
    my $present = slurp_file($keys);
    open my $file, '>', $keys or die "$keys: $!";
    print $file slurp_file("$FOLDER/$version.key") =~ s/\s*\z/\n/r, $present =~ s/^first:/newest:/mr;
    close $file;
    $node->restart;
    value($node, 'postgres', q{SELECT 'CREATE ROLE postgres SUPERUSER LOGIN'
        WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'postgres') \gexec});
    return $node;
}

# The same, where CREATE EXTENSION … VERSION makes the released version's functions too. Returns the server and its
# folder of libraries.
sub server_of_now_and_then
{
    my ($name, $version, %how) = @_;
    my ($programs, $extensions, $libraries) = programs_apart("$ENV{TESTDATADIR}/programs_$name");
    copy("$FOLDER/auth_store--$version.sql", $extensions) or die "$version: $!";
    return (server_of_now($name, $version, %how, install_path => $programs =~ s{/bin\z}{}r), $libraries);
}

# Test: the dump of a released version restores, with this library's functions or, where told so, with its own.
sub restored_dump
{
    my ($node, $database, $version, %how) = @_;
    value($node, 'postgres', "CREATE DATABASE $database TEMPLATE template0");
    my $dump = slurp_file("$FOLDER/$version.sql");
    $dump =~ s/(?<=WITH SCHEMA auth_store)(?=;)/ VERSION '$version'/ or die 'no CREATE EXTENSION' if $how{as_it_was};
    my $result = run_sql($node, $database, $dump);
    ok($result->{ok}, "$database: the dump of $version is restored" . ($how{as_it_was} ? '' : ' under this code'))
      or diag($result->{err});
    return $database;
}

# Partitions by one of each kind, because their names tell the time at which they were made.
sub one_of_each
{
    my ($facts) = @_;
    my %found;
    for my $fact (keys %$facts)
    {
        $fact =~ s/_y\d{4}m\d\d(?:d\d\d)?(?:h\d\d)?/_PERIOD/g
          and $fact =~ s/'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d\d'/BOUND/g;
        # From 18 on these have names, which a restored partition takes after itself and a fresh one after its table.
        $fact =~ s/\b\w+_not_null\d*\b/NOT_NULL/g;
        $found{$fact} = 1;
    }
    return \%found;
}

# All that the catalog says of the store: { fact => 1 }.
sub catalog_of
{
    my ($node, $database) = @_;
    my $facts = value($node, $database, slurp_file("$FOLDER/catalog.sql"));
    return one_of_each({ map { $_ => 1 } split /\n/, $facts });
}

# Tests: what a released version issued goes on.
sub goes_on
{
    my ($node, $database) = @_;
    for my $tenant (sort keys %store)
    {
        my $made = $store{$tenant};
        my $credentials = "'$made->{client}', client_secret => '$made->{secret}'";
        my $result = run_sql($node, $database, <<"SQL");
SELECT 'live', active, user_id = '$made->{user}', tenant_id FROM auth_store.token_introspect('$made->{access}');
SELECT 'revoked', active FROM auth_store.token_introspect('$made->{revoked_access}');
SELECT 'session', v.valid, e.valid
  FROM auth_store.session_validate('$made->{session}') v, auth_store.session_validate('$made->{ended_session}') e;
SELECT 'key', valid FROM auth_store.api_key_verify('$made->{api_key}', 'orders:read', '192.0.2.1');
SELECT 'client key', valid FROM auth_store.api_key_verify('$made->{client_api_key}');
SELECT 'connection', access_token, refresh_token FROM auth_store.connection_get('github', '1', tenant_id => '$tenant');
SELECT 'lease', error FROM auth_store.connection_complete('$made->{leased_connection}', $made->{fence}, 'new');
SELECT 'exchanged', active FROM auth_store.token_introspect('$made->{exchanged_access}');
SELECT 'legacy', error, refresh_token LIKE 'asrt\\_%'
  FROM auth_store.token_refresh('$made->{legacy_refresh}', $credentials);
SELECT 'refresh', error, refresh_token LIKE 'asrt\\_%', grant_id = '$made->{grant}'
  FROM auth_store.token_refresh('$made->{refresh}', $credentials);
SELECT 'code', error, access_token LIKE 'asat\\_%'
  FROM auth_store.code_redeem('$made->{code}', $credentials, code_verifier => '$made->{verifier}');
SELECT 'replay', error
  FROM auth_store.code_redeem('$made->{used_code}', $credentials, code_verifier => '$made->{verifier}');
SELECT 'audit', from_application, called_by = session_user FROM auth_store.security_events
 WHERE tenant_id = '$tenant' AND flags \@> '{code_replay}';
SQL
        is($result->{out},
            <<"OUT" =~ s/\n\z//r, "$database: $tenant: what was issued before goes on") or diag($result->{err});
live|t|t|$tenant
revoked|f
session|t|f
key|t
client key|t
connection|gho_access-of-$tenant|ghr_refresh-of-$tenant
lease|
exchanged|t
legacy||t
refresh||t|t
code||t
replay|invalid_grant
audit|f|t
OUT
    }
    succeeds($node, $database, 'CALL auth_store.cleanup(); SELECT auth_store.partitions_drop()', "$database: cleanup");
    is(value($node, $database, 'SELECT object, problem FROM auth_store.check()'), '', "$database: check()");
}

1;

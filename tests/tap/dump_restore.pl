# pg_dump and back in every mode: no row is lost, the objects are the same, tokens issued before go on after.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use File::Copy qw(copy);
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;
use Works;

my $source = new_server('source');
value($source, 'postgres', 'CREATE DATABASE store');
value($source, 'store', 'CREATE EXTENSION auth_store');
my $store = populate($source, 'store');
# What an application has beside the store: its own table that refers to ours, and a login with a role and a pin.
value($source, 'store', <<'SQL');
CREATE TABLE public.orders (id int PRIMARY KEY, user_id uuid NOT NULL, tenant_id text NOT NULL,
    FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id, tenant_id));
INSERT INTO public.orders SELECT row_number() OVER (ORDER BY id), id, tenant_id FROM auth_store.users
 WHERE tenant_id = 'acme';
CREATE ROLE web LOGIN;
GRANT auth_store_app, auth_store_auditor TO web;
ALTER ROLE web SET auth_store.tenant_id = 'acme';
SQL
my $version = value($source, 'store', 'SELECT max(version) FROM auth_store.schema_version');
my $rows = contents($source, 'store');
my $shape = shape($source, 'store');
cmp_ok(scalar(grep { !/^0 / } values %$rows), '>', 7, 'there is something to lose');

my $dir = PostgreSQL::Test::Utils::tempdir;
my ($plain, $clean, $custom, $directory, $globals) = map { "$dir/$_" } qw(plain.sql clean.sql custom.dump directory
    globals.sql);
$source->command_ok([ 'pg_dump', '--no-sync', '-f', $plain, 'store' ], 'pg_dump, plain');
$source->command_ok([ 'pg_dump', '--no-sync', '--clean', '--if-exists', '-f', $clean, 'store' ],
    'pg_dump, plain, --clean');
$source->command_ok([ 'pg_dump', '--no-sync', '--no-owner', '-f', "$dir/no_owner.sql", 'store' ],
    'pg_dump, plain, --no-owner');
$source->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', $custom, 'store' ], 'pg_dump -Fc');
$source->command_ok([ 'pg_dump', '--no-sync', '-Fd', '-j4', '-f', $directory, 'store' ], 'pg_dump -Fd -j4');
$source->command_ok([ 'pg_dumpall', '--no-sync', '--globals-only', '-f', $globals ], 'pg_dumpall --globals-only');
unlike(slurp_file($plain), qr/pg_extension_config_dump|ALTER EXTENSION/, 'the tables are no members of the extension');

# The role a DBA makes for backups: it reads everything, past row-level security, and owns nothing.
value($source, 'store', 'CREATE ROLE backup LOGIN BYPASSRLS; GRANT pg_read_all_data TO backup');
$source->command_ok([ 'pg_dump', '--no-sync', '-U', 'backup', '-Fc', '-f', "$dir/backup.dump", 'store' ],
    'pg_dump by a backup role');
# Without BYPASSRLS a dump must fail rather than lose what a pin would hide.
value($source, 'store', 'CREATE ROLE feeble LOGIN; GRANT pg_read_all_data TO feeble');
$source->command_fails_like([ 'pg_dump', '--no-sync', '-U', 'feeble', '-Fc', '-f', "$dir/feeble.dump", 'store' ],
    qr/row-level security/, 'a role that row-level security binds gets no partial dump');
# A pin on the dumping role hides nothing either: superusers pass row-level security.
value($source, 'store', "ALTER ROLE backup SET auth_store.tenant_id = 'acme'");
$source->command_ok([ 'pg_dump', '--no-sync', '-U', 'backup', '-Fc', '-f', "$dir/pinned.dump", 'store' ],
    'pg_dump by a pinned backup role');

# --- the matrix ------------------------------------------------------------------------------------------------------

# A cluster that never saw the store: the first restore must bring the roles by itself.
my $target = new_server('target');
# The master keys are in no dump: whoever restores one brings them, or no signing key opens.
bring_keys($target);
my $restores = 0;

sub bring_keys
{
    my ($node) = @_;
    my ($from, $to) = map { $_->basedir . '/master.key' } $source, $node;
    copy($from, $to) or die "$to: $!";
    $node->reload;
}

sub restore_command
{
    my ($database, @command) = @_;
    my ($program, @rest) = @command;
    my ($out, $err) = ('', '');
    local %ENV = (%ENV, PGHOST => $target->host, PGPORT => $target->port);
    my @full = ($target->installed_command($program), ($program eq 'psql' ? ('-X', '-q', '-v', 'ON_ERROR_STOP=1') : ()),
        '-d', $database, @rest);
    my $ok = IPC::Run::run(\@full, '>', \$out, '2>', \$err);
    return ($ok, $err);
}

# What must hold in a restored database. Each restore has its own copy of every token, so each can refresh and replay.
sub holds
{
    my ($node, $database, $name) = @_;
    is(differences($rows, contents($node, $database)), '', "$name: every row of every table");
    is(differences($shape, shape($node, $database)), '', "$name: every object, owner and privilege");
    # but that the pin wants the library preloaded
    is(value($node, $database, "SELECT object, problem FROM auth_store.check()
        WHERE object <> 'setting auth_store.tenant_id'"), '', "$name: check() has nothing to say");
    is(value($node, $database, "SELECT active FROM auth_store.token_introspect('$store->{acme}{access}')",
        user => 'web'), 't',
        "$name: the application may call it");
    works($node, $database, $store, $name);
}

sub restored
{
    my ($name, %how) = @_;
    my $database = sprintf 'restored%02d', ++$restores;
    value($target, 'postgres', "CREATE DATABASE $database TEMPLATE template0");
    $how{before}->($database) if $how{before};
    my ($ok, $err) = restore_command($database, @{ $how{command} });
    ok($ok, "$name: succeeds") or diag($err);
    # Memberships are the cluster's, not in the dump of a database.
    value($target, 'postgres', 'GRANT auth_store_app TO web');
    like($err, qr/no tables made/, "$name: CREATE EXTENSION left the tables to the dump") if $how{notice};
    $how{after}->($database) if $how{after};
    holds($target, $database, $name);
    return $database;
}

# --no-owner leaves the tables to the restoring superuser. The store refuses to work on them until install() has
# repaired owners and privileges, and says so.
sub no_owner
{
    my ($database) = @_;
    is(value($target, $database, "SELECT count(*) FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace
        AND relkind IN ('r', 'p', 'v') AND relowner IN ('auth_store_owner'::regrole, 'auth_store_view'::regrole)"), '0',
            'after --no-owner no table is the owner\'s');
    my $made = $store->{default};
    for my $call ("auth_store.token_introspect('$made->{access}')",
        "auth_store.token_refresh('$made->{refresh}', '$made->{client}')")
    {
        raises($target, $database, "SELECT $call", '55000', "after --no-owner: $call",
            hint => 'SELECT auth_store.install()');
    }
    isnt(value($target, $database, 'SELECT object, problem FROM auth_store.check()'), '', 'check() reports it');
    like(value($target, $database, 'SELECT auth_store.install()'), qr/^\d+$/, 'install() repairs it');
    # The application's own table is not the store's to repair.
}

# The application's login is not in the dump of one database.
value($target, 'postgres', 'CREATE ROLE web LOGIN; CREATE ROLE backup; CREATE ROLE feeble');
is(value($target, 'postgres', "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'auth\\_store\\_%'"), '0',
    'a cluster without the store\'s roles');

restored('plain, psql', command => [ 'psql', '-f', $plain ], notice => 1);
restored('plain, psql --single-transaction', command => [ 'psql', '--single-transaction', '-f', $plain ]);
restored('plain, --no-owner', command => [ 'psql', '-f', "$dir/no_owner.sql" ], after => \&no_owner);
restored('-Fc', command => [ 'pg_restore', $custom ]);
restored('-Fc, -j4', command => [ 'pg_restore', '-j4', $custom ]);
restored('-Fc, --single-transaction', command => [ 'pg_restore', '--single-transaction', $custom ]);
restored('-Fc, --exit-on-error', command => [ 'pg_restore', '--exit-on-error', $custom ]);
restored('-Fc, --no-owner', command => [ 'pg_restore', '--exit-on-error', '--no-owner', $custom ], after => \&no_owner);
restored('-Fc, -j4, --no-owner', command => [ 'pg_restore', '--exit-on-error', '-j4', '--no-owner', $custom ],
    after => \&no_owner);
restored('-Fc, --no-owner --no-privileges',
    command => [ 'pg_restore', '--exit-on-error', '--no-owner', '--no-privileges', $custom ],
    after => \&no_owner);
restored('-Fd, -j4', command => [ 'pg_restore', '--exit-on-error', '-j4', $directory ]);
restored('-Fc of a backup role', command => [ 'pg_restore', '--exit-on-error', "$dir/backup.dump" ]);
restored('-Fc of a pinned backup role', command => [ 'pg_restore', '--exit-on-error', "$dir/pinned.dump" ]);
restored('-Fc, schema and rows apart',
    before => sub { my ($ok, $err) = restore_command($_[0], 'pg_restore', '--exit-on-error', '--schema-only', $custom);
        ok($ok, 'schema first') or diag($err) },
    command => [ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', $custom ]);

# Over an install that is in use and holds other rows.
my $occupied = sub {
    my ($database) = @_;
    value($target, $database, 'CREATE EXTENSION auth_store');
    value($target, $database,
        "SELECT auth_store.tenant_create('initech'); SELECT auth_store.user_create('other\@example.com')");
};
restored('plain, --clean --if-exists over an install', command => [ 'psql', '-f', $clean ], before => $occupied);
restored('plain, --clean --if-exists over nothing', command => [ 'psql', '-f', $clean ]);
restored('-Fc, --clean --if-exists over an install', before => $occupied,
    command => [ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', $custom ]);
restored('-Fc, --clean --if-exists --single-transaction over an install', before => $occupied,
    command => [ 'pg_restore', '--single-transaction', '--clean', '--if-exists', $custom ]);
restored('-Fc, --clean --if-exists -j4 over an install', before => $occupied,
    command => [ 'pg_restore', '--exit-on-error', '-j4', '--clean', '--if-exists', $custom ]);
restored('-Fc, --clean --if-exists over itself',
    command => [ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', $custom ],
    before => sub { my ($ok, $err) = restore_command($_[0], 'pg_restore', '--exit-on-error', $custom);
        ok($ok, 'a first restore') or diag($err) });
# A database whose install dropped its extension, rows kept: the dump brings both.
restored('-Fc, --clean --if-exists over tables without the extension', before => sub {
        $occupied->($_[0]);
        value($target, $_[0], 'SET client_min_messages = warning; DROP EXTENSION auth_store CASCADE');
    }, command => [ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', $custom ]);

# --- the rows alone, into a fresh install ----------------------------------------------------------------------------

my ($data, $data_custom, $data_directory) = ("$dir/data.sql", "$dir/data.dump", "$dir/data");
$source->command_ok([ 'pg_dump', '--no-sync', '--data-only', '-f', $data, 'store' ], 'pg_dump --data-only, plain');
$source->command_ok([ 'pg_dump', '--no-sync', '--data-only', '-Fc', '-f', $data_custom, 'store' ],
    'pg_dump --data-only -Fc');
$source->command_ok([ 'pg_dump', '--no-sync', '--data-only', '--load-via-partition-root', '-Fd', '-j4', '-f',
    $data_directory, 'store' ],
    'pg_dump --data-only -Fd -j4 --load-via-partition-root');
$source->command_ok([ 'pg_dump', '--no-sync', '--data-only', '--disable-triggers', '--inserts', '-f',
    "$dir/inserts.sql", 'store' ], 'pg_dump --data-only --inserts --disable-triggers');
$source->command_ok([ 'pg_dump', '--no-sync', '--data-only', '-n', 'auth_store', '-f', "$dir/schema_data.sql",
    'store' ], 'pg_dump --data-only -n auth_store');
$source->command_ok([ 'pg_dump', '--no-sync', '--schema-only', '-f', "$dir/schema.sql", 'store' ],
    'pg_dump --schema-only');

# The partitions that a dump has rows of, as docs/how-to/backup.md reads them out of it.
my ($partition) = slurp_file("$FindBin::Bin/../../docs/how-to/backup.md") =~ /^ *partition='(.+)'$/m;
sub partitions_of
{
    my ($dump) = @_;
    my $list = '';
    if ($dump =~ /\.sql$/) { $list = slurp_file($dump) }
    else { IPC::Run::run([ $source->installed_command('pg_restore'), '-l', $dump ], '>', \$list)
      or die "pg_restore -l $dump" }
    my %names;
    $names{$&} = 1 while $list =~ /\b$partition\b/g;
    return join ',', sort keys %names;
}

# A fresh install with the application's own table.
sub fresh
{
    my ($dump) = @_;
    my $names = partitions_of($dump);
    return sub {
        my ($database) = @_;
        value($target, $database, 'CREATE EXTENSION auth_store;
            CREATE TABLE public.orders (id int PRIMARY KEY, user_id uuid NOT NULL, tenant_id text NOT NULL,
            FOREIGN KEY (user_id, tenant_id) REFERENCES auth_store.users (id, tenant_id))');
        value($target, $database, "SELECT auth_store.partitions_make(string_to_array('$names', ','))");
    };
}

# The install has its own row there, and the dump another.
my $with_version = $rows;
sub rows_alone
{
    my ($name, $dump, @command) = @_;
    restored($name, before => fresh($dump), command => \@command, after => sub {
        my ($database) = @_;
        is(value($target, $database, 'SELECT count(*), max(version) FROM auth_store.schema_version'), "2|$version",
            "$name: a row of schema_version more");
        $rows = { %$with_version };
        $rows->{$_} = contents($target, $database)->{$_} for qw(schema_version recoveries);
    });
    $rows = $with_version;
}
like(partitions_of($data), qr/claimed_jtis_y\d+m\d\dd\d\dh\d\d.*webhook_attempts_y\d+m\d\d/,
    'the dump has partitions that a fresh install has not');
rows_alone('rows alone, psql', $data, 'psql', '-f', $data);
rows_alone('rows alone, psql --single-transaction', $data, 'psql', '--single-transaction', '-f', $data);
rows_alone('rows alone, INSERTs without triggers', "$dir/inserts.sql", 'psql', '-f', "$dir/inserts.sql");
rows_alone('rows alone, pg_restore', $data_custom, 'pg_restore', '--exit-on-error', $data_custom);
rows_alone('rows alone, pg_restore --disable-triggers', $data_custom, 'pg_restore', '--exit-on-error',
    '--disable-triggers', $data_custom);
rows_alone('rows alone, pg_restore --single-transaction', $data_custom, 'pg_restore', '--single-transaction',
    $data_custom);
rows_alone('rows alone, -Fd -j4 by the root', $custom, 'pg_restore', '--exit-on-error', '--disable-triggers', '-j4',
    $data_directory);
rows_alone('rows alone out of a whole dump', $custom, 'pg_restore', '--exit-on-error', '--data-only',
    '--disable-triggers', $custom);
rows_alone('rows alone out of a whole dump, --section=data -j4', $custom, 'pg_restore', '--exit-on-error',
    '--section=data', '--disable-triggers', '-j4', $custom);
{
    # The store alone: the application's rows stay behind.
    value($target, 'postgres', 'CREATE DATABASE store_alone TEMPLATE template0');
    fresh("$dir/schema_data.sql")->('store_alone');
    my ($ok, $err) = restore_command('store_alone', 'psql', '-f', "$dir/schema_data.sql");
    ok($ok, 'rows of the schema alone') or diag($err);
    my $found = contents($target, 'store_alone');
    my %own = (schema_version => '', recoveries => '');
    is(differences({ %$rows, %own }, { %$found, %own }), '', 'every row of every table');
    works($target, 'store_alone', $store, 'rows of the schema alone');
}
restored('the schema, then the rows, plain', before => sub { my ($ok, $err) = restore_command($_[0], 'psql', '-f',
    "$dir/schema.sql"); ok($ok, 'schema first') or diag($err) },
    command => [ 'psql', '-f', $data ]);
restored('section by section', command => [ 'pg_restore', '--exit-on-error', '--section=post-data', $custom ],
    before => sub {
    for my $section (qw(pre-data data)) { my ($ok, $err) = restore_command($_[0], 'pg_restore', '--exit-on-error',
        "--section=$section", $custom); ok($ok, $section) or diag($err) } });

# The schema alone: what is missing is said, install() puts it there, and the store works.
{
    value($target, 'postgres', 'CREATE DATABASE schema_alone TEMPLATE template0');
    my ($ok, $err) = restore_command('schema_alone', 'psql', '-f', "$dir/schema.sql");
    ok($ok, 'the schema alone') or diag($err);
    raises($target, 'schema_alone', "SELECT auth_store.$_", '55000', "without rows: $_",
        hint => 'SELECT auth_store.install()')
      for "token_introspect('x')", q{user_ensure('1')};
    is(value($target, 'schema_alone', 'SELECT auth_store.install()'), $version, 'install()');
    is(value($target, 'schema_alone', 'SELECT object, problem FROM auth_store.check()'), '',
        'check() has nothing to say');
    my $made = populate($target, 'schema_alone');
    is(value($target, 'schema_alone', "SELECT active FROM auth_store.token_introspect('$made->{default}{access}')"),
        't', 'and the store works');
    # A fresh install does without its default tenant until something needs it.
    value($target, 'postgres', 'CREATE DATABASE empty TEMPLATE template0');
    value($target, 'empty', 'CREATE EXTENSION auth_store');
    is(value($target, 'empty', 'SELECT (SELECT count(*) FROM auth_store.tenants),
        (SELECT count(*) FROM auth_store.cleanup_cursors)'), '0|0', 'a fresh install has no rows');
    is(value($target, 'empty', "SELECT auth_store.jti_is_revoked('x'),
        (SELECT count(*) FROM auth_store.api_key_list())"), 'f|0', 'it can be read');
    is(value($target, 'empty', 'SELECT count(*) FROM auth_store.tenants'), '0', 'which adds none');
    raises($target, 'empty', q{SELECT auth_store.tenant_create('default')}, '23505',
        'the default tenant is there, for all that');
    succeeds($target, 'empty', q{SELECT auth_store.tenant_set_status('default', 'suspended')}, 'and can be suspended');
    is(value($target, 'empty', 'SELECT id, status FROM auth_store.tenants'), 'default|suspended', 'in its row');
    is(value($target, 'empty', q{SELECT client_id, (SELECT tenant_suspended FROM auth_store.clients)
        FROM auth_store.client_create('c', ARRAY['https://c.example/cb'], client_id => 'c')}) =~ s/\|.*//r,
        'c', 'a client of it');
    is(value($target, 'empty', 'SELECT tenant_suspended FROM auth_store.clients'), 't', 'is suspended too');
}

# --- a dump of what was restored, and with the library preloaded -----------------------------------------------------

value($target, 'postgres', 'CREATE DATABASE again TEMPLATE template0');
value($target, 'postgres', 'CREATE DATABASE once TEMPLATE template0');
{
    my ($ok, $err) = restore_command('once', 'pg_restore', '--exit-on-error', $custom);
    $target->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/again.dump", 'once' ],
        'pg_dump of what was restored');
    ($ok, $err) = restore_command('again', 'pg_restore', '--exit-on-error', "$dir/again.dump");
    ok($ok, 'and its restore') or diag($err);
    holds($target, 'again', 'the second generation');
}
$target->append_conf('postgresql.conf', "shared_preload_libraries = 'auth_store'");
$target->restart;
restored('preloaded: plain', command => [ 'psql', '-f', $plain ], notice => 1);
restored('preloaded: -Fc, -j4', command => [ 'pg_restore', '--exit-on-error', '-j4', $custom ]);
restored('preloaded: -Fc, --clean --if-exists over an install', before => $occupied,
    command => [ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', $custom ]);
$target->stop;

# --- the whole cluster -----------------------------------------------------------------------------------------------

my $whole = new_server('whole');
bring_keys($whole);
$source->command_ok([ 'pg_dumpall', '--no-sync', '-f', "$dir/all.sql" ], 'pg_dumpall');
{
    # The bootstrap superuser is there already; that one statement fails in every restore of a pg_dumpall.
    my $sql = slurp_file("$dir/all.sql");
    my $superuser = value($source, 'postgres', 'SELECT current_user');
    $sql =~ s/^CREATE ROLE "?\Q$superuser\E"?;$//m;
    my $result = run_sql($whole, 'postgres', $sql);
    ok($result->{ok}, 'restored') or diag($result->{err});
}
is(value($whole, 'postgres', "SELECT rolname, rolcanlogin, rolsuper, rolinherit, rolbypassrls FROM pg_roles
        WHERE rolname LIKE 'auth\\_store\\_%' ORDER BY 1"),
    value($source, 'postgres', "SELECT rolname, rolcanlogin, rolsuper, rolinherit, rolbypassrls FROM pg_roles
        WHERE rolname LIKE 'auth\\_store\\_%' ORDER BY 1"), 'pg_dumpall brings the roles as they were');
is(value($whole, 'store', 'SELECT user_id IS NOT NULL, active FROM auth_store.token_introspect('
    . "'$store->{acme}{access}')", user => 'web'),
    't|t', 'the application\'s login has its role');
is(value($whole, 'store', 'SELECT active FROM auth_store.token_introspect(' . "'$store->{globex}{access}')",
    user => 'web'),
    'f', 'and its pin');
holds($whole, 'store', 'pg_dumpall');
$whole->stop;

# Reading a dump took nothing from its source.
is(differences($rows, contents($source, 'store')), '', 'the source has all its rows');
$source->stop;
done_testing();

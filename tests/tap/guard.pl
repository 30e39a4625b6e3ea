# The guard: no command drops a table or view of the store, a column or a foreign key, in no session and by no cascade,
# unless a superuser says that it is meant; restores, the store's own functions and its removal go on working.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $HINT = qr/docs\/how-to\/migration_tools\.md.*uninstall\(\).*SET auth_store\.allow_drop = on/;

for my $preload (0, 1)
{
    my $node = new_server("guard$preload", preload => $preload);
    my $db = 'postgres';
    my $how = $preload ? 'preloaded' : 'not preloaded';
    # Not by the first superuser, whose objects nothing drops.
    value($node, $db, 'CREATE ROLE installer SUPERUSER LOGIN; CREATE DATABASE store');
    value($node, 'store', 'CREATE EXTENSION auth_store', user => 'installer');
    $db = 'store';
    install_helpers($node, $db);
    my $made = populate($node, $db)->{acme};
    my $rows = contents($node, $db);
    my @tables = split /\n/, value($node, $db,
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p')
        ORDER BY 1");
    cmp_ok(scalar @tables, '>', 25, "$how: there are tables and partitions");

    # Each in a session that has not called the store before.
    my $refused = sub {
        my ($sql, %more) = @_;
        my $result = raises($node, $db, $sql, '55000', "$how: $sql", %more);
        like($result->{hint} // '', $HINT, 'with what to do') or diag($result->{err});
    };
    $refused->("DROP TABLE auth_store.$_ CASCADE") for @tables;
    for my $table ($preload ? 'users' : grep { !/_y2/ } @tables)
    {
        my ($first, $last) = split /\n/, value($node, $db,
            "SELECT attname FROM pg_attribute
            WHERE attrelid = 'auth_store.$table'::regclass AND attnum > 0 AND NOT attisdropped
            AND attnum IN (1, (SELECT max(attnum) FROM pg_attribute WHERE attrelid = 'auth_store.$table'::regclass))
            ORDER BY attnum");
        next if value($node, $db, "SELECT relkind FROM pg_class WHERE oid = 'auth_store.$table'::regclass") eq 'p'
            && $first =~ /occurred_at|expires_at/;
        $refused->("ALTER TABLE auth_store.$table DROP COLUMN " . ($last // $first) . ' CASCADE');
    }
    # MikroORM begins with the views and the foreign keys, each by itself.
    $refused->("DROP VIEW auth_store.$_ CASCADE")
      for split /\n/,
    value($node, $db, "SELECT relname FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'v'");
    $refused->($_) for split /\n/,
        value($node, $db, "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname)
        FROM pg_constraint WHERE contype = 'f' AND connamespace = 'auth_store'::regnamespace");
    my ($month) = grep { /^audit_log_y/ } @tables;
    value($node, $db, 'CREATE TABLE public.users (id int); CREATE SCHEMA app; CREATE DOMAIN app.name AS text');
    for my $sql ('DROP TABLE IF EXISTS "auth_store"."users" CASCADE',
        'DROP TABLE public.users, auth_store.users, auth_store.tenants CASCADE',
        'SET search_path = auth_store; DROP TABLE tenants CASCADE', 'DROP SCHEMA auth_store CASCADE',
        'DROP SCHEMA app, auth_store CASCADE', 'DROP OWNED BY installer CASCADE',
        'ALTER TABLE auth_store.users ADD COLUMN note text, DROP COLUMN email CASCADE',
        'ALTER TABLE auth_store.audit_log DROP COLUMN details CASCADE',
        q{DO $$ BEGIN EXECUTE 'DROP TABLE auth_store.users CASCADE'; END $$},
        'BEGIN; ALTER TABLE auth_store.clients ALTER COLUMN status_reason TYPE app.name; '
          . 'DROP DOMAIN app.name CASCADE; COMMIT',
        q{SELECT active FROM auth_store.token_introspect('x'); DROP TABLE auth_store.users CASCADE},
        'BEGIN; DROP TABLE public.users; DROP TABLE auth_store.users CASCADE; COMMIT',
        'BEGIN; SELECT auth_store.install(); DROP TABLE auth_store.users CASCADE; COMMIT',
        'CREATE TEMP TABLE t (); DROP TABLE t; DROP TABLE auth_store.users CASCADE',
        "BEGIN; SELECT auth_store.partitions_drop('0'); SAVEPOINT a; DROP TABLE auth_store.$month; COMMIT")
    {
        $refused->($sql);
    }
    my $owned = run_sql($node, $db, 'DROP OWNED BY auth_store_owner CASCADE');
    ok(!$owned->{ok}, "$how: DROP OWNED BY auth_store_owner: $owned->{state}");
    is(AuthStore::differences($rows, contents($node, $db)), '', "$how: not a row is gone");
    is(value($node, $db, "SELECT string_agg(object || problem, ' ') FROM auth_store.check()"), '', 'nor anything else');

    # What is not the store's.
    for my $sql ('DROP TABLE public.users', 'CREATE TABLE auth_store.mine (id int, b int);
        ALTER TABLE auth_store.mine DROP COLUMN b; DROP TABLE auth_store.mine',
        'ALTER TABLE auth_store.users ADD COLUMN note text; ALTER TABLE auth_store.users DROP COLUMN note',
        'CREATE INDEX mine ON auth_store.users (created_at); DROP INDEX auth_store.mine',
        'ALTER TABLE auth_store.users DROP CONSTRAINT users_status_known',
        'ALTER TABLE auth_store.users ADD CONSTRAINT mine FOREIGN KEY (tenant_id) REFERENCES auth_store.tenants (id);
            ALTER TABLE auth_store.users DROP CONSTRAINT mine',
        'CREATE TABLE public.t (id uuid REFERENCES auth_store.users (id));
            ALTER TABLE public.t DROP CONSTRAINT t_id_fkey; DROP TABLE public.t',
        'CREATE VIEW auth_store.mine AS SELECT 1 AS a; DROP VIEW auth_store.mine',
        'DROP INDEX auth_store.grants_user_idx',
        'REINDEX TABLE auth_store.users', 'CLUSTER auth_store.consents USING consents_pkey',
        'ALTER TABLE auth_store.users ALTER COLUMN first_name TYPE varchar(300)',
        "ALTER TABLE auth_store.audit_log DETACH PARTITION auth_store.$month;
            ALTER TABLE auth_store.$month RENAME TO kept; DROP TABLE auth_store.kept",
        'TRUNCATE auth_store.access_tokens',
        'DROP SCHEMA app CASCADE',
        'CREATE TEMP TABLE users (id int); ALTER TABLE users DROP COLUMN id; DROP TABLE users')
    {
        succeeds($node, $db, "BEGIN; $sql; ROLLBACK", "$how: $sql");
    }

    # The setting.
    succeeds($node, $db, 'SET auth_store.allow_drop = on; BEGIN; DROP TABLE auth_store.authorization_codes;
        ALTER TABLE auth_store.users DROP COLUMN first_name; ROLLBACK', "$how: a superuser who means it");
    succeeds($node, $db, 'BEGIN; DROP SCHEMA auth_store CASCADE; ROLLBACK', "$how: by the options of the connection",
        options => '-c auth_store.allow_drop=on');
    $refused->('BEGIN; SET LOCAL auth_store.allow_drop = on; COMMIT; DROP TABLE auth_store.authorization_codes');
    value($node, $db, 'CREATE ROLE mallory LOGIN; GRANT auth_store_owner TO mallory');
    my $mallory = run_sql($node, $db, 'SET ROLE auth_store_owner; SET auth_store.allow_drop = on;
        DROP TABLE auth_store.authorization_codes', user => 'mallory');
    ok(!$mallory->{ok}, "$how: nobody else lifts it: $mallory->{state}");
    raises($node, $db, 'SET ROLE auth_store_owner; DROP TABLE auth_store.authorization_codes', '55000',
        "$how: the owner's members are refused too", user => 'mallory');
    my $by_option = run_sql($node, $db, 'SET ROLE auth_store_owner; DROP TABLE auth_store.authorization_codes',
        user => 'mallory', options => '-c auth_store.allow_drop=on');
    ok(!$by_option->{ok}, "$how: nor by an option");
    raises($node, $db, 'SET ROLE auth_store_owner; SET check_function_bodies = off;
        DROP TABLE auth_store.authorization_codes', '55000', "$how: nor by what a restore says", user => 'mallory');
    raises($node, $db, 'SET ROLE auth_store_owner; RESET ROLE; SET auth_store.allow_drop = on;
        DROP TABLE auth_store.authorization_codes', '42501', 'nor by what the owner can', user => 'web');
    value($node, $db, 'DROP ROLE mallory');
    is(value($node, $db, q{SELECT to_regclass('auth_store.authorization_codes')}), 'auth_store.authorization_codes',
        'it is there');
    # What breaks the guard itself stops nobody's DDL, nor what mends it or takes the store away.
    for my $broken ('REVOKE USAGE ON SCHEMA auth_store FROM auth_store_owner',
        'REVOKE EXECUTE ON FUNCTION auth_store.guard_tables FROM auth_store_owner',
        'ALTER SCHEMA auth_store RENAME TO elsewhere')
    {
        for my $next ('CREATE TABLE public.anybodys (n int); DROP TABLE public.anybodys',
            'DROP EXTENSION auth_store CASCADE')
        {
            my $result = run_sql($node, $db, "BEGIN; $broken; $next; ROLLBACK");
            ok($result->{ok}, "$how: $broken; $next") or diag($result->{err});
            like($result->{err}, qr/WARNING: .*nothing guards the tables/, 'with a warning');
        }
    }
    value($node, $db, 'ALTER DATABASE store SET auth_store.allow_drop = on');
    is(value($node, $db, q{SELECT severity || ' ' || object FROM auth_store.check()}),
        'note setting auth_store.allow_drop', 'check() notes that it is lifted');
    value($node, $db, 'ALTER DATABASE store RESET auth_store.allow_drop');
    for ([ 'ALTER EVENT TRIGGER auth_store_guard DISABLE', 'firing' ],
        [ 'ALTER EVENT TRIGGER auth_store_guard ENABLE REPLICA', 'firing' ],
        [ 'ALTER EXTENSION auth_store DROP EVENT TRIGGER auth_store_guard', 'belongs to no extension' ],
        [ 'ALTER EXTENSION auth_store DROP EVENT TRIGGER auth_store_guard; DROP EVENT TRIGGER auth_store_guard',
            'missing' ])
    {
        my ($sql, $problem) = @$_;
        like(value($node, $db, "BEGIN; $sql; SELECT severity || ' ' || object || ' ' || problem FROM auth_store.check();
            ROLLBACK"), qr/^problem event trigger auth_store_guard .*$problem/, "$how: check() after $sql");
    }
    raises($node, $db, 'DROP EVENT TRIGGER auth_store_guard', '2BP01',
        'the event trigger goes with the extension only');

    # The store's own.
    succeeds($node, $db, "SET client_min_messages = warning; SELECT auth_store.migrate(1); SELECT auth_store.migrate();
        SELECT auth_store.install()", "$how: migrations drop columns");
    value($node, $db,
        q{SELECT auth_store.partitions_make('{audit_log_y2020m01,audit_log_y2020m02,audit_log_y2020m03,
            claimed_jtis_y2020m01d01h00,revoked_jtis_y2020m01d01}')});
    is(value($node, $db, q{SELECT auth_store.partitions_drop(clock_timestamp() - '2020-02-01 00:00+00')}), '1',
        "$how: partitions_drop()");
    is(value($node, $db, 'SELECT auth_store.cleanup_audit(), auth_store.cleanup_jtis()', user => 'cron'), '2|2',
        'and cleanup drop months and days');
    $refused->('SELECT auth_store.cleanup_audit(); DROP TABLE auth_store.users CASCADE');

    # A restore over what is there.
    $rows = contents($node, $db);
    my $dir = PostgreSQL::Test::Utils::tempdir;
    $node->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/store.dump", $db ], 'a dump');
    $node->command_ok([ 'pg_dump', '--no-sync', '--clean', '--if-exists', '-f', "$dir/store.sql", $db ],
        'one that cleans');
    $node->command_ok([ 'pg_restore', '--clean', '--if-exists', '--exit-on-error', '-d', $db, "$dir/store.dump" ],
        "$how: pg_restore --clean");
    is(AuthStore::differences($rows, contents($node, $db)), '', 'has every row');
    $node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-1', '-d', $db, '-f', "$dir/store.sql" ],
        "$how: the plain one, too");
    is(AuthStore::differences($rows, contents($node, $db)), '', 'has every row');
    $refused->('DROP TABLE auth_store.users CASCADE');

    # What was documented before.
    value($node, $db,
        'SET client_min_messages = warning; DROP EXTENSION auth_store CASCADE; CREATE EXTENSION auth_store');
    is(AuthStore::differences($rows, contents($node, $db)), '',
        "$how: DROP EXTENSION CASCADE and CREATE EXTENSION keep every row");
    $refused->('DROP TABLE auth_store.users CASCADE');
    succeeds($node, $db, "SET client_min_messages = warning; BEGIN; $_; DROP SCHEMA auth_store CASCADE; ROLLBACK",
        "$how: after $_ nothing is guarded")
      for 'DROP EXTENSION auth_store CASCADE',
          'DROP TABLE IF EXISTS nothing; DROP EXTENSION auth_store CASCADE; DROP TABLE auth_store.users CASCADE';
    # A server that has lost the library's files.
    my $lost = q{UPDATE pg_catalog.pg_proc SET probin = '/nonexistent/auth_store'
        WHERE oid = 'auth_store.guard_tables(text)'::regprocedure};
    my $without = run_sql($node, $db, "SET client_min_messages = warning; BEGIN; $lost; CREATE TABLE public.t ();
        DROP TABLE public.t; DROP EXTENSION auth_store CASCADE; ROLLBACK");
    ok($without->{ok}, "$how: without the library DDL goes on, and DROP EXTENSION") or diag($without->{err});
    like($without->{err}, qr/WARNING: .*nothing guards the tables/, 'with a warning');
    value($node, $db, "SELECT auth_store.uninstall('store'); DROP EXTENSION auth_store; DROP SCHEMA auth_store");
    is(value($node, $db, "SELECT count(*) FROM pg_event_trigger"), '0',
        "$how: uninstalled as documented, nothing is left");
    $node->stop;
}

done_testing();

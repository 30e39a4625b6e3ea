# row_security = off, as pg_dump and pg_restore have it: functions set what they need for themselves, the views answer,
# a materialized view over them is full after a restore; and what holds the tenant pin in the views holds.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Functions;
use PostgreSQL::Test::Utils;
use IPC::Run;
use Test::More;

my $node = new_server('row_security');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);
my $made = $store->{acme};
my @VIEWS = qw(failed_actions provider_connections recent_activity security_events token_activity);
value($node, $db, <<'SQL');
CREATE ROLE pinned LOGIN;
GRANT auth_store_app, auth_store_admin, auth_store_auditor TO pinned;
ALTER ROLE pinned SET auth_store.tenant_id = 'acme';
GRANT CREATE ON DATABASE postgres TO pinned;
CREATE ROLE reports LOGIN;
GRANT auth_store_app, auth_store_admin, auth_store_auditor TO reports;
CREATE SCHEMA app AUTHORIZATION reports;
SQL

# --- functions --------------------------------------------------------------------------------------------------------

# As a superuser, whom no policy binds but whose functions run as the owner, and as logins, one of them pinned.
for my $name (functions($node, $db))
{
    my $call = call_of($name, $made);
    next if $call->{does} =~ /^(commits|event)$/;
    my $roles = join ' ', @{ $call->{roles} };
    my @users = grep { !defined $_ || $_ ne 'pinned' || $roles =~ /app|admin|auditor/ } (undef, 'pinned');
    @users = (undef) if $call->{does} =~ /^(superuser|script)$/;
    for my $user (@users)
    {
        my %how = defined $user ? (user => $user) : ();
        # A call of a pinned login names no other tenant; one that makes a tenant is none of its.
        my $on = value($node, $db, 'SELECT test.attempt(' . AuthStore::quote($call->{sql}) . ')', %how);
        my $off = value($node, $db,
            'SET row_security = off; SELECT test.attempt(' . AuthStore::quote($call->{sql}) . ')', %how);
        is($off, $on, "$name, row_security off, " . ($user // 'superuser'));
    }
}
for my $call ('CALL auth_store.cleanup()', 'CALL auth_store.vault_rekey()')
{
    succeeds($node, $db, "SET row_security = off; $call", $call);
}
# The setting is the session's own again, also where the function failed; and pins hold under it.
is(value($node, $db, q{SET row_security = off; SELECT active FROM auth_store.token_introspect('x');
    SELECT auth_store.user_ensure('rs') IS NOT NULL;
    SELECT test.attempt('SELECT auth_store.tenant_create(NULL)'); SHOW row_security}), "f\nt\n22004\noff",
        'the session keeps its setting');
is(value($node, $db, "SET row_security = off; SELECT count(*) FROM auth_store.session_list('$store->{globex}{user}')",
    user => 'pinned'), '0',
    'a pinned login sees nobody else\'s sessions');
is(value($node, $db, "SET row_security = off; SELECT count(*) > 0 FROM auth_store.session_list('$made->{user}')",
    user => 'pinned'), 't', 'but its own');
# On and off in turn, with the plans a session keeps.
is(value($node, $db, "SELECT auth_store.user_ensure('turn') IS NOT NULL; SET row_security = off;
    SELECT auth_store.user_ensure('turn2') IS NOT NULL;
    SET row_security = on; SELECT auth_store.user_ensure('turn3') IS NOT NULL; SET row_security = off;
    SELECT auth_store.user_ensure('turn4') IS NOT NULL",
    user => 'pinned'), "t\nt\nt\nt", 'whichever way it changes in a session');
is(value($node, $db, "SELECT DISTINCT tenant_id FROM auth_store.users WHERE external_id LIKE 'turn%'"), 'acme',
    'always in the tenant of the pin');
# Work that waits for the end of the transaction, and foreign keys.
succeeds($node, $db, "SET row_security = off; BEGIN;
    SELECT error FROM auth_store.code_redeem('$made->{code}', '$made->{client}', client_secret => '$made->{secret}',
    code_verifier => '$made->{verifier}'); COMMIT", 'a redemption, whose end waits for the commit');

# --- views ------------------------------------------------------------------------------------------------------------

for my $view (@VIEWS)
{
    for my $off ('', 'SET row_security = off; ')
    {
        my $name = "$view" . ($off ? ', row_security off' : '');
        is(value($node, $db, "${off}SELECT string_agg(DISTINCT tenant_id, ' ' ORDER BY tenant_id)
            FROM auth_store.$view", user => 'auditor'),
            'acme default globex', "$name: an auditor sees all");
        is(value($node, $db, "${off}SELECT string_agg(DISTINCT tenant_id, ' ' ORDER BY tenant_id)
            FROM auth_store.$view", user => 'pinned'),
            'acme', "$name: a pinned one its tenant");
        is(value($node, $db, "SET auth_store.tenant_id = 'globex';
            ${off}SELECT string_agg(DISTINCT tenant_id, ' ' ORDER BY tenant_id) FROM auth_store.$view"),
            'globex', "$name: so does a superuser who pins himself");
        is(value($node, $db, "${off}SELECT count(*) FROM (SELECT tenant_id FROM auth_store.$view OFFSET 0) s
            WHERE tenant_id <> 'acme'", user => 'pinned'),
            '0', "$name: in a subquery");
        is(value($node, $db, "${off}SELECT count(*) FROM (VALUES ('acme'), ('globex'), ('default')) v (t)
            WHERE EXISTS (SELECT FROM auth_store.$view x WHERE x.tenant_id = v.t)", user => 'pinned'), '1',
                "$name: in a join");
    }
}

# Functions of the pinned login's own, cheaper than anything, are not shown a row of another tenant.
value($node, $db, <<'SQL', user => 'pinned');
CREATE SCHEMA mine;
CREATE FUNCTION mine.tells(what text) RETURNS boolean
    LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'told %', what; RETURN true; END $$;
CREATE FUNCTION mine.is(a text, b text) RETURNS boolean
    LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'told %', a; RETURN a = b; END $$;
CREATE OPERATOR mine.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.is);
CREATE VIEW mine.over AS SELECT * FROM auth_store.recent_activity WHERE mine.tells(tenant_id);
SQL
for my $view (@VIEWS)
{
    for my $off ('', 'SET row_security = off; ')
    {
        for my $query ("SELECT count(*) FROM auth_store.$view WHERE mine.tells(tenant_id)",
            "SELECT count(*) FROM auth_store.$view WHERE tenant_id OPERATOR(mine.===) 'globex'",
            "SELECT mine.tells(tenant_id) FROM auth_store.$view",
            "SELECT count(*) FROM auth_store.$view a
                JOIN auth_store.recent_activity b ON mine.tells(a.tenant_id) AND mine.tells(b.tenant_id)",
            "SELECT count(*) FROM auth_store.$view v
                WHERE EXISTS (SELECT FROM (VALUES (1)) x WHERE mine.tells(v.tenant_id))",
            "SELECT count(*) FILTER (WHERE mine.tells(tenant_id)) FROM auth_store.$view",
            "SELECT CASE WHEN mine.tells(tenant_id) THEN 1 END FROM auth_store.$view ORDER BY mine.tells(tenant_id)",
            'SELECT count(*) FROM mine.over')
        {
            my $result = run_sql($node, $db, $off . $query, user => 'pinned');
            my %told = map { $_ => 1 } $result->{err} =~ /told (\w+)/g;
            is(join(' ', $result->{ok}, sort keys %told), '1 acme', "$off$query");
        }
    }
}
# The pin doesn't cost the use of an index, nor the pruning of months.
value($node, $db, "SELECT auth_store.partitions_ensure(6)");
like(value($node, $db, "EXPLAIN (COSTS off) SELECT * FROM auth_store.recent_activity
    WHERE user_id = '$made->{user}' AND occurred_at > now() - interval '1 hour'",
    options => '-c enable_seqscan=off'), qr/Index Cond: .*user_id = /, 'a user\'s steps are found by the index');

# --- the role of the views --------------------------------------------------------------------------------------------

is(value($node, $db, "SELECT rolcanlogin, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls
    FROM pg_roles WHERE rolname = 'auth_store_view'"),
    'f|f|f|f|f|f|t', 'the role that owns the views can nothing but pass row-level security');
is(value($node, $db, "SELECT count(*) FROM pg_auth_members WHERE 'auth_store_view'::regrole IN (roleid, member)"), '0',
    'is nobody\'s and nobody is it');
# The heads and roots of the sealed trail are there to be shown.
is(value($node, $db, q{SELECT c.relname || '.' || a.attname FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p')
      AND has_column_privilege('auth_store_view', c.oid, a.attnum, 'SELECT')
      AND c.relname NOT IN ('audit_log', 'audit_segments') AND a.atttypid = 'bytea'::regtype}),
    'connections.refresh_token',
          'it reads no secret, but whether there is a refresh token');
is(value($node, $db,
    q{SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p')
    AND (has_table_privilege('auth_store_view', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
         OR has_any_column_privilege('auth_store_view', c.oid, 'INSERT, UPDATE, REFERENCES'))}), '',
             'columns are all it has');
for my $case (
    [ 'ALTER VIEW auth_store.recent_activity RESET (security_barrier)',
        qr/^view recent_activity: options is altered: none, not security_barrier=true/m ],
    [ 'GRANT auth_store_view TO reports',
        qr/^role auth_store_view: reports is a member: it reads what no tenant pin hides/m ],
    [ 'ALTER ROLE auth_store_view NOBYPASSRLS',
        qr/^role auth_store_view: attributes is altered: .*NOBYPASSRLS, not /m ],
    [ 'ALTER VIEW auth_store.recent_activity OWNER TO auth_store_owner',
        qr/^view recent_activity: belongs to auth_store_owner/m ])
{
    my ($fault, $problem) = @$case;
    value($node, $db, $fault);
    like(value($node, $db, "SELECT object || ': ' || problem FROM auth_store.check()"), $problem,
        "check() reports $fault");
    value($node, $db, 'REVOKE auth_store_view FROM reports') if $fault =~ /^GRANT/;
    value($node, $db, 'SELECT auth_store.install()');
    is(value($node, $db, "SELECT object || ': ' || problem FROM auth_store.check() WHERE object NOT LIKE 'setting %'"),
        '', 'and install() mends it');
}

# --- a restore --------------------------------------------------------------------------------------------------------

my %MATERIALIZED = (
    (map { $_ => "SELECT * FROM auth_store.$_" } @VIEWS),
    joined       => 'SELECT a.id, c.provider FROM auth_store.recent_activity a
        LEFT JOIN auth_store.provider_connections c USING (tenant_id)',
    sessions     => "SELECT * FROM auth_store.session_list('$made->{user}')",
    applications => "SELECT * FROM auth_store.user_applications('$made->{user}')",
    keys         => "SELECT * FROM auth_store.api_key_list('$made->{user}')",
    connections  => "SELECT * FROM auth_store.connection_list('1', tenant_id => 'acme')",
    tokens       => "SELECT active FROM auth_store.token_introspect('$made->{other_access}')",
    vault        => 'SELECT * FROM auth_store.vault_check()',
    checked      => 'SELECT count(*) AS problems FROM auth_store.check()');
for my $name (sort keys %MATERIALIZED)
{
    value($node, $db, "CREATE MATERIALIZED VIEW app.$name AS $MATERIALIZED{$name}", user => 'reports');
    value($node, $db, "CREATE MATERIALIZED VIEW app.${name}_of_superuser AS $MATERIALIZED{$name}");
}
my $COUNTS = join ' UNION ALL ', map { "SELECT '$_', count(*) FROM app.$_
    UNION ALL SELECT '${_} of a superuser', count(*) FROM app.${_}_of_superuser" } sort keys %MATERIALIZED;
my $counts = value($node, $db, $COUNTS);
unlike($counts, qr/^(?!vault).*\|0$/m, 'there is something in each');

my $dir = PostgreSQL::Test::Utils::tempdir;
$node->command_ok([ 'pg_dump', '--no-sync', '-Fc', '-f', "$dir/dump", $db ], 'pg_dump -Fc');
$node->command_ok([ 'pg_dump', '--no-sync', '-f', "$dir/plain.sql", $db ], 'pg_dump, plain');
for my $how ([ 'pg_restore', '--exit-on-error', "$dir/dump" ], [ 'pg_restore', '--exit-on-error', '-j4', "$dir/dump" ],
    [ 'pg_restore', '--exit-on-error', '--use-set-session-authorization', "$dir/dump" ],
    [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$dir/plain.sql" ])
{
    my ($program, @options) = @$how;
    value($node, 'template1', 'CREATE DATABASE restored TEMPLATE template0');
    # In that mode the owners of other things need what a database gives them.
    value($node, 'restored', 'GRANT CREATE ON DATABASE restored TO pinned, reports');
    $node->command_ok([ $program, '-d', 'restored', @options ], "@$how");
    is(value($node, 'restored', $COUNTS), $counts, 'the materialized views are full');
    is(value($node, 'restored', q{SELECT object, problem FROM auth_store.check() WHERE object NOT LIKE 'setting %'}),
        '', 'check() has nothing to say');
    value($node, 'template1', 'DROP DATABASE restored');
}
succeeds($node, $db, "SET row_security = off; REFRESH MATERIALIZED VIEW app.$_", "REFRESH $_", user => 'reports')
  for sort keys %MATERIALIZED;

$node->stop;
done_testing();

# Partitions that can't be made, and where they are made: what a database's tablespace or an event trigger does to them
# must not reach the requests.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('partitions');
mkdir $node->basedir . "/$_" or die $! for qw(fast slow);
for my $space (qw(fast slow))
{
    my $location = $node->basedir . "/$space";
    value($node, 'postgres', "CREATE TABLESPACE $space LOCATION '$location'");
}

# Takes the partitions of a table away, those that begin after the present period or all; no event trigger sees it.
sub lose
{
    my ($database, $table, $which) = @_;
    my $from = $which eq 'ahead' ? "> '${table}_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', '\"y\"YYYY\"m\"MM')"
        : "<> ''";
    value($node, $database, <<"SQL");
SET session_replication_role = replica;
DO \$\$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'auth_store.$table'::regclass AND c.relname $from
    LOOP EXECUTE format('DROP TABLE %s', part); END LOOP;
END \$\$;
SQL
}

sub partitions
{
    my ($database, $table) = @_;
    return value($node, $database, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'auth_store.$table'::regclass");
}

my $CLAIM = q{SELECT auth_store.jti_claim('https://idp.example', gen_random_uuid()::text, clock_timestamp() + '1 min')};
my $REVOKE = q{SELECT auth_store.jti_revoke(gen_random_uuid()::text, clock_timestamp() + '1 min')};

# --- tablespaces -----------------------------------------------------------------------------------------------------

# Set for the database after the store was made, which is in the database's own.
value($node, 'postgres', 'CREATE DATABASE later');
value($node, 'later', 'CREATE EXTENSION auth_store');
install_helpers($node, 'later');
value($node, 'postgres',
    'ALTER DATABASE later SET default_tablespace = fast; ALTER DATABASE later SET quote_all_identifiers = on');
lose('later', 'audit_log', 'ahead');
succeeds($node, 'later', q{SELECT auth_store.audit_write('a.step')},
    'a step with a default_tablespace that the owner may not use', user => 'web');
is(partitions('later', 'audit_log'), '2', 'it made the next month');
lose('later', 'audit_log', 'all');
succeeds($node, 'later', q{SELECT auth_store.audit_write('a.step')}, 'and the month itself', user => 'web');
is(value($node, 'later', $_, user => 'web'), 't', 'JWT ids') for $CLAIM, $REVOKE;
succeeds($node, 'later', 'SELECT auth_store.partitions_ensure(4), auth_store.jti_partitions_ensure(3);
    CALL auth_store.cleanup()', 'all that makes partitions', user => 'boss');
is(value($node, 'later',
    q{SELECT count(*) FROM pg_class WHERE relnamespace = 'auth_store'::regnamespace AND reltablespace <> 0}), '0',
    'and every partition and index is where its parent is');

# Set before: then the parents are there, and the owner has to be allowed.
value($node, 'postgres', 'CREATE DATABASE before');
value($node, 'postgres', 'ALTER DATABASE before SET default_tablespace = fast');
value($node, 'before', 'CREATE EXTENSION auth_store');
value($node, 'before', 'SET default_tablespace = slow; ALTER TABLE auth_store.revoked_jtis SET TABLESPACE slow;
    SELECT auth_store.install()');
lose('before', 'audit_log', 'all');
succeeds($node, 'before', q{SELECT auth_store.audit_write('a.step')}, 'a step of a store in a tablespace',
    user => 'web');
is(value($node, 'before', $_, user => 'web', options => '-c default_tablespace=pg_default'), 't',
    'JWT ids in tablespaces') for $CLAIM, $REVOKE;
is(value($node, 'before',
    q{SELECT DISTINCT i.inhparent::regclass || ' ' || (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace)
    FROM pg_inherits i JOIN pg_index x ON x.indrelid = i.inhrelid JOIN pg_class c ON c.oid IN (i.inhrelid, x.indexrelid)
    ORDER BY 1}),
    join("\n", map { "auth_store.$_" } 'audit_log fast', 'claimed_jtis fast', 'revoked_jtis slow',
        'webhook_attempts fast'),
    'each partition is where its parent is, with its index');
# A privilege on a tablespace is in the dump of the cluster only.
value($node, 'before', 'REVOKE CREATE ON TABLESPACE fast FROM auth_store_owner');
lose('before', 'audit_log', 'all');
my $at = -s $node->logfile;
succeeds($node, 'before', q{SELECT auth_store.audit_write('a.step')}, 'a step when that was taken away', user => 'web');
like(slurp_file($node->logfile, $at), qr/GRANT CREATE ON TABLESPACE fast TO auth_store_owner/,
    'the log says what is missing');

# --- an event trigger that runs with the caller's rights -------------------------------------------------------------

my $db = 'watched';
value($node, 'postgres', "CREATE DATABASE $db");
value($node, $db, 'CREATE EXTENSION auth_store');
my $old = 'audit_log_y2020m01';
value($node, $db, "SELECT auth_store.partitions_make(ARRAY['$old', 'claimed_jtis_y2020m01d01h00'])");
value($node, $db, <<'SQL');
CREATE TABLE public.ddl_log (tag text, at timestamptz);
CREATE FUNCTION public.log_ddl() RETURNS event_trigger
    LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.ddl_log VALUES (tg_tag, clock_timestamp()); END $$;
CREATE EVENT TRIGGER log_ddl ON ddl_command_end EXECUTE FUNCTION public.log_ddl();
CREATE EVENT TRIGGER log_drop ON sql_drop EXECUTE FUNCTION public.log_ddl();
SQL
lose($db, 'audit_log', 'ahead');
# JWT ids have their partition of now, and no other.
value($node, $db, "SET session_replication_role = replica; $CLAIM; $REVOKE");
lose($db, 'audit_log', 'ahead');
value($node, $db,
    q{SET session_replication_role = replica; SELECT format('DROP TABLE %s', i.inhrelid::regclass) FROM pg_inherits i
    WHERE i.inhparent = 'auth_store.claimed_jtis'::regclass AND i.inhrelid::regclass::text !~ 'y2020'
      AND i.inhrelid NOT IN (SELECT tableoid FROM auth_store.claimed_jtis) \gexec});
$at = -s $node->logfile;
my $result = run_sql($node, $db,
    q{SELECT auth_store.audit_write('a.step') IS NOT NULL; SELECT auth_store.audit_write('another.step') IS NOT NULL;
    BEGIN; SELECT auth_store.audit_write('a.third') IS NOT NULL; COMMIT}, user => 'web');
is($result->{out}, "t\nt\nt", 'steps whose next month can not be made') or diag($result->{err});
is($result->{err}, '', 'and tell the application nothing');
is(value($node, $db, q{SELECT count(*) FROM auth_store.audit_log WHERE event IN ('a.step', 'another.step', 'a.third')}),
    '3', 'they are in the trail');
my @said = slurp_file($node->logfile, $at) =~ /(partition auth_store\.audit_log_y\S+ could not be made ahead: .*)/g;
is(scalar @said, 1, 'the log says so once a session');
like($said[0] // '', qr/permission denied for table ddl_log/, 'and why');
is(value($node, $db, "$CLAIM;", user => 'web'), 't', 'a claim whose next hour can not be made');
is(partitions($db, 'audit_log'), '2', 'no month was made');
# A cancel is no failure to make one.
value($node, $db, q{CREATE FUNCTION public.dawdle() RETURNS event_trigger
    LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_catalog.pg_sleep(60); END $$;
    SET session_replication_role = replica; ALTER EVENT TRIGGER log_ddl DISABLE;
    CREATE EVENT TRIGGER dawdle ON ddl_command_end EXECUTE FUNCTION public.dawdle()});
raises($node, $db, q{SET statement_timeout = '300ms'; SELECT auth_store.audit_write('a.step')}, '57014',
    'a statement that is cancelled while it makes one', user => 'web');
value($node, $db, 'DROP EVENT TRIGGER dawdle; ALTER EVENT TRIGGER log_ddl ENABLE');
# A relation that only has the next month's name.
value($node, $db, q{SELECT set_config('session_replication_role', 'replica', false)}
    . q{\; SELECT format('CREATE TABLE auth_store.audit_log_%s ()',
    to_char(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + interval '1 month', '"y"YYYY"m"MM')) \gexec});
succeeds($node, $db, q{SELECT auth_store.audit_write('a.step')}, 'a step when the next month\'s name is taken',
    user => 'web');
value($node, $db, q{SET session_replication_role = replica; SELECT format('DROP TABLE auth_store.audit_log_%s',
    to_char(date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + interval '1 month', '"y"YYYY"m"MM')) \gexec});

# Cleanup goes on with its other work, and says what it could not do; what is asked for by name says the error.
value($node, $db, q{SELECT auth_store.tenant_create('initech')});
value($node, $db, q{INSERT INTO auth_store.access_tokens (id, grant_id, tenant_id, digest, expires_at)
    SELECT '01900000-0000-8000-8000-000000000001', gen_random_uuid(), 'initech', sha256('x'),
    clock_timestamp() - interval '1 hour'});
$result = run_sql($node, $db, 'CALL auth_store.cleanup()', user => 'boss');
ok($result->{ok}, 'cleanup()') or diag($result->{err});
like($result->{err}, qr/WARNING:.*months ahead .* could not be made: permission denied/, 'warns of the months ahead');
like($result->{err},
    qr/WARNING:.*1 partition\(s\) of auth_store\.audit_log could not be dropped; auth_store\.$old: permission denied/,
    'and of the old one');
like($result->{err}, qr/WARNING:.*1 partition\(s\) of auth_store\.claimed_jtis could not be dropped/,
    'and of the JWT ids');
is(value($node, $db, q{SELECT count(*) FROM auth_store.access_tokens WHERE tenant_id = 'initech'}), '0',
    'and does its other work');
$result = run_sql($node, $db, 'SELECT auth_store.cleanup_expired_data() >= 0', user => 'boss');
is($result->{out}, 't', 'cleanup_expired_data()') or diag($result->{err});
raises($node, $db, 'SELECT auth_store.partitions_ensure()', '42501', 'partitions_ensure()', user => 'boss');
raises($node, $db, 'SELECT auth_store.partitions_drop()', '42501', 'partitions_drop()', user => 'boss');
raises($node, $db, 'SELECT auth_store.jti_partitions_ensure()', '42501', 'jti_partitions_ensure()', user => 'boss');
is(value($node, $db, "SELECT to_regclass('auth_store.$old') IS NOT NULL"), 't', 'the old month is there');

# The present one is needed: then the error says what to do.
lose($db, 'audit_log', 'all');
$result = raises($node, $db, q{SELECT auth_store.audit_write('a.step')}, '42501',
    'a step whose own month can not be made', user => 'web');
like($result->{message},
    qr/^partition auth_store\.audit_log_y\d+m\d+ could not be made: permission denied for table ddl_log$/, 'names it');
like($result->{hint} // '', qr/event trigger.*how-to\/operations\.md.*partitions_ensure\(\)/, 'and says what to do');
succeeds($node, $db, 'SET session_replication_role = replica;
    SELECT auth_store.partitions_ensure(), auth_store.jti_partitions_ensure()', 'which a superuser can');
succeeds($node, $db, q{SELECT auth_store.audit_write('a.step')}, 'and the steps go on', user => 'web');
is(value($node, $db, $_, user => 'web'), 't', 'JWT ids too') for $CLAIM, $REVOKE;

# As the documentation has it.
value($node, $db, 'ALTER FUNCTION public.log_ddl() SECURITY DEFINER SET search_path = pg_catalog, pg_temp');
lose($db, 'audit_log', 'all');
succeeds($node, $db, q{SELECT auth_store.audit_write('a.step')}, 'with an event trigger that runs as its owner',
    user => 'web');
is(partitions($db, 'audit_log'), '2', 'this month and the next are made');
succeeds($node, $db, 'CALL auth_store.cleanup()', 'and cleanup warns of nothing', user => 'boss');
is(value($node, $db, 'SELECT object, problem FROM auth_store.check()'), '', 'check() has nothing to say');

$node->stop;
done_testing();

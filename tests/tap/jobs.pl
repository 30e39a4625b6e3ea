# The store's jobs with the real pg_cron: scheduled as a role of its own, one of them run, ended; and what is said where
# pg_cron is absent, in another database, on a standby, or closed to the caller.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# --- without pg_cron --------------------------------------------------------------------------------------------------

my $node = new_server('jobs', streaming => 1);
my $db = 'store';
value($node, 'postgres', 'CREATE DATABASE store');
value($node, $db, 'CREATE EXTENSION auth_store; CREATE ROLE auth_jobs LOGIN; GRANT auth_store_jobs TO auth_jobs;
    CREATE ROLE auditor LOGIN; GRANT auth_store_auditor TO auditor');

sub scheduled
{
    my ($call, %how) = @_;
    my $result = run_sql($how{node} // $node, $how{db} // $db,
        "SELECT done, name, statement FROM auth_store.$call ORDER BY name", user => $how{user});
    ok($result->{ok}, $call) or diag($result->{err});
    return $result;
}

my $result = scheduled('jobs_schedule()', user => 'auth_jobs');
like($result->{err}, qr/NOTICE: .*there is no pg_cron in this database/, 'a NOTICE says that pg_cron is absent');
my $statement = q{SELECT cron.schedule_in_database('auth_store_cleanup@store', '*/5 * * * *', }
    . q{'CALL auth_store.cleanup()', 'store', 'auth_jobs')};
like($result->{out}, qr/^f\|auth_store_cleanup\@store\|\Q$statement\E$/m, 'and the statements to run');
is(() = $result->{out} =~ /^f/mg, 4, 'of four jobs');
like(scheduled('jobs_unschedule()', user => 'auth_jobs')->{err}, qr/NOTICE: .*nothing is unscheduled/,
    'nothing is unscheduled either');
is(value($node, $db, 'SELECT count(*), count(active) FROM auth_store.jobs', user => 'auditor'), '4|0',
    'the view has the jobs, and that their state is not known');
raises($node, $db, q{SELECT auth_store.jobs_schedule('nobody at all')}, '22023', 'a role that there is not');

# --- with it ----------------------------------------------------------------------------------------------------------

if (!-e $node->config_data('--sharedir') . '/extension/pg_cron.control')
{
    diag('NOT RUN: the tests with pg_cron itself; install postgresql-NN-cron');
    $node->stop;
    done_testing();
    exit;
}
# Workers of the server itself, so that no connection needs a password.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'
cron.database_name = 'store'
cron.use_background_workers = on
max_worker_processes = 20");
$node->restart;
value($node, $db, 'CREATE EXTENSION pg_cron');
value($node, 'postgres', 'CREATE EXTENSION auth_store');

$result = scheduled('jobs_schedule()', user => 'auth_jobs');
like($result->{err}, qr/NOTICE: .*auth_jobs lacks USAGE on the schema cron/, 'a role without USAGE is told');
is(value($node, $db, 'SELECT count(*) FROM cron.job'), '0', 'and nothing is scheduled');
value($node, $db, 'GRANT USAGE ON SCHEMA cron TO auth_jobs');
$result = scheduled('jobs_schedule()', user => 'auth_jobs');
is($result->{err}, '', 'with it, nothing is to be said');
is(() = $result->{out} =~ /^t/mg, 4, 'four jobs are scheduled');
scheduled('jobs_schedule()', user => 'auth_jobs');
my $jobs = "SELECT string_agg(DISTINCT jobname, ' '), count(*), string_agg(DISTINCT username, ' '),
    string_agg(DISTINCT database, ' ') FROM cron.job";
my $names = join(' ', map { "auth_store_$_\@store" } qw(cleanup history partitions seal));
is(value($node, $db, $jobs), "$names|4|auth_jobs|store", 'once each, as the caller');
is(value($node, $db, q{SELECT schedule, active, last_status IS NULL, run_as,
        next_run_at > clock_timestamp() AND next_run_at <= clock_timestamp() + interval '5 min'
        AND extract(minute FROM next_run_at)::int % 5 = 0
    FROM auth_store.job_list() WHERE name ~ 'cleanup'}, user => 'auth_jobs'), '*/5 * * * *|t|t|auth_jobs|t',
    'the list has them, and when the next run is');

# A job that runs, and one that fails.
value($node, $db, q{UPDATE cron.job SET schedule = '* * * * *' WHERE jobname ~ 'cleanup|partitions'});
value($node, $db, q{UPDATE cron.job SET command = 'SELECT 1/0' WHERE jobname ~ 'partitions'});
ok($node->poll_query_until($db, q{SELECT count(*) = 2 FROM auth_store.jobs
        WHERE last_status IN ('succeeded', 'failed')}), 'two jobs ran');
is(value($node, $db, q{SELECT split_part(name, '@', 1), last_status, last_run_at > clock_timestamp() - interval '3 min'
    FROM auth_store.jobs WHERE last_status IS NOT NULL ORDER BY name}),
    "auth_store_cleanup|succeeded|t\nauth_store_partitions|failed|t", 'the view has how they ended');
cmp_ok(value($node, $db, 'SELECT count(*) FROM auth_store.cleanup_cursors'), '>', 0, 'cleanup did its work');
value($node, $db, q{UPDATE cron.job SET active = false WHERE jobname ~ 'cleanup'});
is(value($node, $db, q{SELECT active, next_run_at IS NULL FROM auth_store.jobs WHERE name ~ 'cleanup'}), 'f|t',
    'a job that is paused has no next run');
# The job's command, with an old run and a new one.
value($node, $db, q{UPDATE cron.job_run_details SET start_time = start_time - interval '15 days'
    WHERE jobid = (SELECT jobid FROM cron.job WHERE jobname ~ 'cleanup')});
my $history = value($node, $db, q{SELECT command FROM auth_store.job_plan() WHERE name ~ 'history'});
value($node, $db, $history, user => 'auth_jobs');
is(value($node, $db, q{SELECT string_agg(DISTINCT split_part(j.jobname, '@', 1), ' ')
    FROM cron.job_run_details d JOIN cron.job j USING (jobid)}), 'auth_store_partitions', 'old runs are forgotten');

# Whose they are.
is(value($node, $db, q{SELECT count(*) FROM auth_store.jobs WHERE active IS NULL}, user => 'auditor'), '4',
    'a role without USAGE sees no state');
$result = scheduled("jobs_schedule('auth_jobs')");
is(value($node, $db, $jobs), "$names|4|auth_jobs|store", 'a superuser schedules for another role');
value($node, $db, 'CREATE ROLE other LOGIN; GRANT auth_store_jobs TO other; GRANT USAGE ON SCHEMA cron TO other');
like(scheduled("jobs_schedule('auth_jobs')", user => 'other')->{err}, qr/NOTICE: .*other may schedule as itself only/,
    'nobody else does');
is(scheduled('jobs_unschedule()', user => 'other')->{out}, '', 'nor ends another\'s');

# From another database of the server: the statements that are printed work where they are to be run.
$result = run_sql($node, 'postgres', "SELECT statement FROM auth_store.jobs_schedule('auth_jobs')");
like($result->{err}, qr/NOTICE: .*pg_cron lives in the database store/, 'another database is told where');
value($node, $db, join(';', split /\n/, $result->{out}));
is(value($node, $db, q{SELECT string_agg(database, ' ' ORDER BY jobname) FROM cron.job WHERE jobname ~ '@postgres$'}),
    'postgres store postgres postgres', 'the statements schedule there; the history is where pg_cron is');
$result = run_sql($node, 'postgres', 'SELECT statement FROM auth_store.jobs_unschedule()');
value($node, $db, join(';', split /\n/, $result->{out}));
is(value($node, $db, $jobs), "$names|4|auth_jobs|store", 'and end those alone');

# --- a standby --------------------------------------------------------------------------------------------------------

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('jobs_standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
like(scheduled('jobs_schedule()', node => $standby)->{err}, qr/NOTICE: .*this is a standby/, 'a standby is told so');
is(value($standby, $db, 'SELECT count(*) FROM auth_store.jobs WHERE active'), '3', 'and shows the jobs');
$standby->stop;

is(() = scheduled('jobs_unschedule()', user => 'auth_jobs')->{out} =~ /^t/mg, 4, 'whose they are ends them');
is(value($node, $db, 'SELECT count(*) FROM cron.job'), '0', 'all');

$node->stop;
done_testing();

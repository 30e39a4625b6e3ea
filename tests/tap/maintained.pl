# A DBA's ordinary maintenance while clients refresh, introspect and ask for revoked ids: tables rewritten, indexes made
# anew, with whatever locks that takes. No call takes a live token for dead, or a revoked id for good.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('maintained');
my $db = 'postgres';
value($node, $db, <<'SQL');
CREATE EXTENSION auth_store;
SELECT FROM auth_store.client_create('Maintained', ARRAY['http://127.0.0.1/cb'], 'public', scope => 'read',
    client_id => 'c');
SELECT auth_store.user_ensure('1') AS user \gset
CREATE TABLE kept AS SELECT n, t.access_token, t.refresh_token
  FROM generate_series(1, 100) n, auth_store.token_issue('c', :'user', CASE WHEN n > 0 THEN 'read' END) t;
SELECT auth_store.jti_revoke('revoked', clock_timestamp() + '1 hour');
CREATE FUNCTION probe(which int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    answer record;
BEGIN
    SELECT i.active INTO answer FROM kept, auth_store.token_introspect(access_token) i WHERE n = which;
    ASSERT answer.active, 'a live token is not active';
    ASSERT auth_store.jti_is_revoked('revoked'), 'a revoked id is not';
    SELECT error, refresh_token INTO answer
      FROM auth_store.token_refresh((SELECT refresh_token FROM kept WHERE n = which FOR UPDATE), 'c');
    ASSERT answer.error IS NULL, answer.error;
    UPDATE kept SET refresh_token = answer.refresh_token WHERE n = which;
END $$;
SQL
my $dir = PostgreSQL::Test::Utils::tempdir;
append_to_file("$dir/alone.sql", "\\set n random(1, 100)\nSELECT probe(:n);\n");
append_to_file("$dir/within.sql",
    "\\set n random(1, 100)\nBEGIN;\nSELECT 1;\nSELECT probe(:n);\nSELECT pg_sleep(0.001);\n"
    . "SELECT probe(:n);\nCOMMIT;\n");
my ($out, $err) = ('', '');
my $clients = IPC::Run::start([ $node->installed_command('pgbench'), '-n', '-M', 'prepared', '-c', '3', '-t', '1000',
    '-h', $node->host, '-p', $node->port,
    '-U', 'postgres', '-f', "$dir/alone.sql", '-f', "$dir/within.sql", $db ], '>', \$out, '2>', \$err);
my $rounds = 0;
while ($clients->pumpable && $rounds < 50)
{
    $clients->pump_nb;
    for my $sql (
        "ALTER TABLE auth_store.revoked_jtis ALTER reason TYPE text USING reason || ''",
        'ALTER TABLE auth_store.grants ALTER rotation_count TYPE integer USING rotation_count + 0',
        'VACUUM FULL auth_store.access_tokens',
        'REINDEX TABLE CONCURRENTLY auth_store.grants',
        'REINDEX TABLE CONCURRENTLY auth_store.revoked_jtis',
        'REINDEX INDEX auth_store.clients_id_key',
        'CLUSTER auth_store.users USING users_pkey',
        'ALTER TABLE auth_store.schema_version ADD COLUMN extra int;
            ALTER TABLE auth_store.schema_version DROP COLUMN extra')
    {
        my $result = run_sql($node, $db, $sql);
        fail("$sql: $result->{err}") unless $result->{ok};
    }
    $rounds++;
}
$clients->finish;
cmp_ok($rounds, '>', 0, 'tables were rewritten meanwhile');
note("$rounds rounds\n$out");
is($err =~ /ERROR.*/ ? $& : '', '', 'no call failed or gave a wrong answer');
like($out, qr{number of transactions actually processed: 3000/3000}, 'all were made');
$node->stop;
done_testing();

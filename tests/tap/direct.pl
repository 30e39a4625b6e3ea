# Rows that are added and changed without the executor: whatever somebody puts on their tables is honoured in a session
# that has written there before, and counters, indexes, foreign keys and the log are as after the statements.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('direct');
$node->append_conf('postgresql.conf', "wal_level = logical\nautovacuum = off");
$node->restart;
my $db = 'postgres';
my $PKCE = "code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'";
value($node, $db, <<"SQL");
CREATE EXTENSION auth_store;
SELECT auth_store.client_create('Direct', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'direct',
    scope => 'read');
CREATE TABLE seen (what text);
GRANT INSERT ON seen TO PUBLIC;
CREATE TABLE known (id uuid PRIMARY KEY);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS \$\$
BEGIN
    INSERT INTO seen VALUES (TG_TABLE_NAME || ' ' || lower(TG_OP));
    RETURN NEW;
END \$\$;
CREATE FUNCTION someone() RETURNS uuid LANGUAGE sql AS \$\$ SELECT auth_store.user_ensure(gen_random_uuid()::text) \$\$;
CREATE FUNCTION code() RETURNS text LANGUAGE sql AS
\$\$ SELECT code FROM auth_store.code_issue('direct', someone(), $PKCE) \$\$;
-- One log-in: a code that is redeemed, two refreshes of what it gave, and a row of the application's own.
CREATE FUNCTION log_in() RETURNS uuid LANGUAGE plpgsql AS \$\$
DECLARE
    answer auth_store.token_response;
    number int;
BEGIN
    answer = auth_store.code_redeem(code(), 'direct', code_verifier => '$AuthStore::VERIFIER', ip => '192.0.2.1');
    FOR number IN 1 .. 2 LOOP
        answer = auth_store.token_refresh(answer.refresh_token, 'direct', ip => '192.0.2.1');
    END LOOP;
    PERFORM auth_store.audit_write('direct.done', details => '{"n": 1}', flags => ARRAY['mine'], success => false);
    IF answer.error IS NOT NULL THEN
        RAISE '%', answer.error;
    END IF;
    RETURN answer.grant_id;
END \$\$;
SQL

# In a session that has logged in before, another one runs the DDL; then the session logs in once more, and looks. The
# DDL is taken back afterwards.
my $connection = $node->connstr($db);
sub altered
{
    my ($name, $ddl, $undo, $look) = @_;
    # A command of psql is one line.
    my $line = $ddl =~ s/\s+/ /gr;
    my $result = run_sql($node, $db, "SELECT FROM log_in(); SELECT FROM log_in(); TRUNCATE seen;
\\! psql -X -q -v ON_ERROR_STOP=1 -d \"$connection\" -c \"$line\"
SELECT log_in() AS id \\gset
$look;
");
    # What logged in before has printed lines without columns.
    $result->{out} =~ s/\A\n+//;
    value($node, $db, $undo);
    return $result;
}

sub honours
{
    my ($name, $ddl, $undo, $look, $expected) = @_;
    my $result = altered($name, $ddl, $undo, $look);
    is($result->{ok} ? $result->{out} : "$result->{state} $result->{message}", $expected, $name)
      or diag($result->{err});
}

sub refuses
{
    my ($name, $ddl, $undo, $state) = @_;
    my $result = altered($name, $ddl, $undo, 'SELECT');
    is($result->{ok} ? 'ok' : $result->{state}, $state, $name) or diag($result->{err} // '');
}

my $SEEN = "SELECT string_agg(what || ' ' || n, ', ' ORDER BY what)
    FROM (SELECT what, count(*) AS n FROM seen GROUP BY what) AS s";
for my $table (qw(grants access_tokens authorization_codes audit_log))
{
    my %expected = (grants => 'grants insert 1, grants update 2', access_tokens => 'access_tokens insert 3',
        authorization_codes => 'authorization_codes insert 1, authorization_codes update 1');
    for my $when ('BEFORE', 'AFTER')
    {
        my $result = altered("$when $table", "CREATE TRIGGER note $when INSERT OR UPDATE ON auth_store.$table
            FOR EACH ROW EXECUTE FUNCTION note()", "DROP TRIGGER note ON auth_store.$table", $SEEN);
        like($result->{out}, $table eq 'audit_log' ? qr/\Aaudit_log_y\d{4}m\d\d insert 6\z/ : qr/\A$expected{$table}\z/,
            "a trigger $when each row of $table sees all of them") or diag($result->{err});
    }
    my $result = altered("statement $table", "CREATE TRIGGER note AFTER INSERT OR UPDATE ON auth_store.$table
        FOR EACH STATEMENT EXECUTE FUNCTION note()", "DROP TRIGGER note ON auth_store.$table", $SEEN);
    is($result->{out}, $expected{$table} // 'audit_log insert 6', "and one of the statements into $table")
      or diag($result->{err});
}
honours('a rule on what is added is followed',
    'CREATE RULE note AS ON INSERT TO auth_store.access_tokens DO ALSO INSERT INTO public.seen VALUES (NEW.tenant_id)',
    'DROP RULE note ON auth_store.access_tokens', $SEEN, 'default 3');
honours('a rule on what is changed is followed',
    'CREATE RULE note AS ON UPDATE TO auth_store.grants DO ALSO INSERT INTO public.seen VALUES (NEW.tenant_id)',
    'DROP RULE note ON auth_store.grants', $SEEN, 'default 2');
refuses('a CHECK on what is added holds', 'ALTER TABLE auth_store.grants ADD CONSTRAINT mine CHECK (acr IS NOT NULL)
    NOT VALID', 'ALTER TABLE auth_store.grants DROP CONSTRAINT mine', '23514');
refuses('a CHECK on what is changed holds', 'ALTER TABLE auth_store.grants ADD CONSTRAINT mine
    CHECK (rotation_count < 2) NOT VALID', 'ALTER TABLE auth_store.grants DROP CONSTRAINT mine', '23514');
refuses('a column that must not be NULL now must not be',
    'DELETE FROM auth_store.access_tokens; ALTER TABLE auth_store.access_tokens ALTER cnf SET NOT NULL',
    'ALTER TABLE auth_store.access_tokens ALTER cnf DROP NOT NULL', '23502');
honours('a new column gets its default', "ALTER TABLE auth_store.grants ADD mine text DEFAULT 'yes'",
    'ALTER TABLE auth_store.grants DROP mine', "SELECT mine, rotation_count FROM auth_store.grants WHERE id = :'id'",
    'yes|2');
honours('a generated column follows what it is made of',
    'ALTER TABLE auth_store.grants ADD mine int GENERATED ALWAYS AS (rotation_count * 10) STORED',
    'ALTER TABLE auth_store.grants DROP mine', "SELECT mine FROM auth_store.grants WHERE id = :'id'", '20');
honours('a dropped column is no obstacle', 'ALTER TABLE auth_store.grants ADD mine int; ALTER TABLE auth_store.grants
    DROP mine', 'SELECT', "SELECT rotation_count FROM auth_store.grants WHERE id = :'id'", '2');
refuses('a foreign key of somebody else is checked',
    'ALTER TABLE auth_store.grants ADD CONSTRAINT mine FOREIGN KEY (id) REFERENCES public.known NOT VALID',
    'ALTER TABLE auth_store.grants DROP CONSTRAINT mine', '23503');
refuses('one with other columns of the table that is held too',
    "CREATE UNIQUE INDEX mine ON auth_store.users (external_id, tenant_id);
     ALTER TABLE auth_store.grants ADD CONSTRAINT mine FOREIGN KEY (scope, tenant_id)
     REFERENCES auth_store.users (external_id, tenant_id) NOT VALID",
    'ALTER TABLE auth_store.grants DROP CONSTRAINT mine; DROP INDEX auth_store.mine', '23503');

# --- indexes ----------------------------------------------------------------------------------------------------------

my $amcheck = value($node, $db, "SELECT count(*) FROM pg_available_extensions WHERE name = 'amcheck'");
value($node, $db, 'CREATE EXTENSION amcheck') if $amcheck;
sub sound
{
    my ($name) = @_;
  SKIP: {
        skip 'amcheck is not available on this server', 1 unless $amcheck;
        my $found = run_sql($node, $db, "SELECT c.relname, h.msg FROM pg_class c, LATERAL verify_heapam(c.oid) AS h
            WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'r';
            SELECT FROM (SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
             WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'i' AND a.amname = 'btree') AS b
             WHERE false");
        is($found->{ok} ? $found->{out} : $found->{message}, '', "$name: every row has its entries, and no other");
    }
}
for my $index ('(current_digest)', '(tenant_id, idle_expires_at) INCLUDE (network)', '((rotation_count + 1))',
    '(id) WHERE rotation_count > 1', '(network) WHERE NOT (network IS NULL)', 'USING hash (current_digest)',
    'USING brin (rotated_at)', '(scope) WHERE rotated_at IS NOT NULL')
{
    my $result = altered($index, "CREATE INDEX mine ON auth_store.grants $index", 'SELECT',
        "SELECT rotation_count FROM auth_store.grants WHERE id = :'id'");
    is($result->{out}, 2, "an index on $index") or diag($result->{err});
    sound("an index on $index");
    value($node, $db, 'DROP INDEX auth_store.mine');
}
# A family that is refreshed until its page is full, in one transaction, so that nothing can be pruned.
value($node, $db, <<'SQL');
DO $$
DECLARE
    token text = (SELECT refresh_token FROM auth_store.token_issue('direct', someone()));
BEGIN
    FOR number IN 1 .. 100 LOOP
        token = (SELECT refresh_token FROM auth_store.token_refresh(token, 'direct'));
    END LOOP;
END $$
SQL
is(value($node, $db, "SET enable_seqscan = off; SET enable_bitmapscan = off;
    SELECT count(*) FROM auth_store.grants
     WHERE client_id = 'direct' AND tenant_id = 'default' AND rotation_count = 100"),
    1, 'a row that moved to another page is found by its other indexes');
sound('after rows have moved');

# --- counters ---------------------------------------------------------------------------------------------------------

my $COUNTS = "SELECT n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del FROM pg_stat_xact_user_tables
    WHERE schemaname = 'auth_store' AND relname =";
my $SCANS = "SELECT coalesce(sum(pg_stat_get_xact_numscans(c.oid)), 0) FROM pg_class c
    WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relname = 'clients_pkey'";
my $counted = value($node, $db, "SELECT FROM log_in(); SELECT FROM log_in(); SELECT FROM pg_stat_force_next_flush();
    BEGIN; SELECT FROM log_in();
    $COUNTS 'grants'; $COUNTS 'access_tokens'; $COUNTS 'authorization_codes'; $SCANS;
    SELECT pg_stat_get_xact_numscans('auth_store.authorization_codes_pkey'::regclass),
        pg_stat_get_xact_numscans('auth_store.grants_pkey'::regclass); COMMIT") =~ s/\A\n+//r;
is($counted, "1|2|2|0\n3|0|0|0\n1|1|1|0\n0\n1|2",
    'rows are counted as added and changed, and no row was looked up a second time for a statement or a foreign key')
  or diag($counted);

# --- the log ----------------------------------------------------------------------------------------------------------

my $plugin = run_sql($node, $db, "SELECT FROM pg_create_logical_replication_slot('direct', 'test_decoding')");
SKIP: {
    skip 'test_decoding is not available on this server', 3 unless $plugin->{ok};
    my $decoded = "SELECT count(*) FROM log_in();
        SELECT regexp_replace(data, '^table auth_store.(\\w+): (\\w+): (old-key)?.*', '\\1 \\2 \\3')
          FROM pg_logical_slot_get_changes('direct', NULL, NULL, 'include-xids', '0')
         WHERE data ~ '^table auth_store.(grants|authorization_codes)'";
    is(value($node, $db, $decoded), "1\nauthorization_codes INSERT \nauthorization_codes UPDATE \ngrants INSERT \n"
        . "grants UPDATE \ngrants UPDATE ", 'each change is in the log, without the key, which is the same');
    value($node, $db, 'ALTER TABLE auth_store.grants REPLICA IDENTITY FULL');
    is(value($node, $db, $decoded), "1\nauthorization_codes INSERT \nauthorization_codes UPDATE \ngrants INSERT \n"
        . "grants UPDATE old-key\ngrants UPDATE old-key", 'with the former row, where the table says so');
    value($node, $db, "SELECT pg_drop_replication_slot('direct')");
}
refuses('what is published without an identity is not changed', 'ALTER TABLE auth_store.grants REPLICA IDENTITY NOTHING;
    CREATE PUBLICATION mine FOR TABLE auth_store.grants', 'DROP PUBLICATION IF EXISTS mine;
    ALTER TABLE auth_store.grants REPLICA IDENTITY DEFAULT', '55000');

# --- other isolation levels -------------------------------------------------------------------------------------------

for my $level ('REPEATABLE READ', 'SERIALIZABLE')
{
    is(value($node, $db, "SELECT FROM log_in(); SELECT FROM log_in(); BEGIN ISOLATION LEVEL $level;
        SELECT log_in() AS id \\gset
        SELECT rotation_count FROM auth_store.grants WHERE id = :'id'; COMMIT") =~ s/\A\n+//r, 2,
        "the same at $level");
}
is(value($node, $db, "SELECT count(*) FROM auth_store.grants g WHERE NOT EXISTS (SELECT FROM auth_store.clients c
    WHERE (c.id, c.tenant_id) = (g.client_id, g.tenant_id)) OR g.user_id IS NOT NULL AND NOT EXISTS
    (SELECT FROM auth_store.users u WHERE (u.id, u.tenant_id) = (g.user_id, g.tenant_id))"), 0,
    'every grant refers to a client and a user who are there');
is(value($node, $db, 'SELECT * FROM auth_store.check()'), '', 'check() has nothing to say');
$node->stop;
done_testing();

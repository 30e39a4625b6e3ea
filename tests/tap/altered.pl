# A column that somebody has altered: whatever type each column of the store gets, whatever function is called then, the
# server goes on, and no call takes a value for one of another type.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Functions;
use Test::More;

my $node = new_server('altered');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);
my $made = $store->{acme};
my $started = value($node, $db, 'SELECT pg_postmaster_start_time()');

# Each function once; not those that drop or make the tables.
my @calls = map { { name => $_, %{ call_of($_, $made) } } } functions($node, $db);
@calls = grep { $_->{does} =~ /^(?:reads|holds|writes|passes)$/
    && $_->{name} !~ /^(?:check|partitions_\w+|vault_check)$/ && $_->{sql} !~ /^CALL/ } @calls;
cmp_ok(scalar(@calls), '>', 60, 'there are functions to call');

# alter(table, column, type, value) makes it that, with all that would be in the way dropped; the caller rolls back.
value($node, $db, <<'SQL');
CREATE PROCEDURE test.alter(relation regclass, name name, type text, value text) LANGUAGE plpgsql AS $$
DECLARE
    item record;
BEGIN
    SET LOCAL client_min_messages = warning;
    FOR item IN SELECT oid::regclass AS view FROM pg_class
     WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'v' LOOP
        EXECUTE format('DROP VIEW %s', item.view);
    END LOOP;
    FOR item IN SELECT polname, polrelid::regclass AS rel FROM pg_policy WHERE polrelid IN
        (SELECT relation UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = relation) LOOP
        EXECUTE format('DROP POLICY %I ON %s', item.polname, item.rel);
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', item.rel);   -- which shows no row without a policy
    END LOOP;
    FOR item IN SELECT conname, conrelid::regclass AS rel FROM pg_constraint
                 WHERE (conrelid = relation AND contype IN ('f', 'c')) OR confrelid = relation LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', item.rel, item.conname);
    END LOOP;
    FOR item IN SELECT c.oid::regclass AS index FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                 WHERE (i.indrelid = relation
                        OR i.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = relation))
                   AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR NOT i.indisunique) LOOP
        EXECUTE format('DROP INDEX %s', item.index);
    END LOOP;
    EXECUTE format('ALTER TABLE %s ALTER %I DROP DEFAULT', relation, name);
    IF NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
                    WHERE i.indrelid = relation AND i.indisprimary AND a.attname = name) THEN
        EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', relation, name);
    END IF;
    EXECUTE format('ALTER TABLE %s ALTER %I TYPE %s USING %s', relation, name, type, value);
END $$;
-- How each function ends: 'ok' or an SQLSTATE, each undone.
CREATE FUNCTION test.ends(statements text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    state     text;
    states    text[] = '{}';
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        state = test.attempt(statement);
        states = CASE WHEN state = ANY (states) THEN states ELSE states || state END;
    END LOOP;
    RETURN array_to_string(ARRAY(SELECT unnest(states) ORDER BY 1), ' ');
END $$;
SQL

sub run_altered
{
    my ($table, $column, $type, $value, @sql) = @_;
    my $list = join ', ', map { my $s = $_; $s =~ s/'/''/g; "E'" . ($s =~ s/\\/\\\\/gr) . "'" } @sql;
    return run_sql($node, $db, "BEGIN; SET LOCAL auth_store.allow_drop = on;
        CALL test.alter('auth_store.$table', '$column', '$type', \$v\$$value\$v\$); SELECT test.ends(ARRAY[$list]);
        ROLLBACK");
}

# Every column of every table, as a type that its values would be pointers, lengths or garbage of.
my @columns = map { [ split /\|/ ] } split /\n/, value($node, $db, <<'SQL');
SELECT c.relname, a.attname, a.atttypid::regtype
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
   -- A partition key can't be altered.
   AND NOT EXISTS (SELECT FROM pg_partitioned_table p WHERE p.partrelid = c.oid AND a.attnum = ANY (p.partattrs))
 ORDER BY 1, 2
SQL
cmp_ok(scalar(@columns), '>', 200, 'there are columns to alter');
my @hot = grep {
    $_->{name} =~ /^(?:token_introspect|token_refresh|token_authorize|token_exchange|refresh_token_import|code_redeem
        |session_validate|session_list|api_key_verify|api_key_list|client_authenticate|client_get|user_get|user_ensure
        |connection_get|connection_list|connection_lease|jti_is_revoked|jti_claim|consent_check|device_redeem
        |device_lookup|pushed_request_consume|user_applications|rate_limit_hit|audit_write|cleanup_batch
        |tenant_update)$/x } @calls;
for (@columns)
{
    my ($table, $column, $type) = @$_;
    my ($as, $value) = $type =~ /^(?:integer|bigint|boolean|real|smallint|uuid|timestamp)/
        ? ('text', "coalesce($column\::text, '') || repeat('x', 1000)") : ('integer', '(random() * 2e9)::int');
    my $result = run_altered($table, $column, $as, $value, map { $_->{sql} } @hot);
    my $states = $result->{out} // '';
    # 42…: the server's own word of a statement that no longer fits.
    ok($result->{ok} && $states ne '' && $states !~ /\bXX000\b/
        && $states !~ /\b(?!ok\b|55000\b|42\w{3}\b|2[23]\w{3}\b|25006\b|40001\b)\w+/, "$table.$column as $as: $states")
      or diag($result->{err} // '');
}
# The report: a look-up names what is wrong, and what to do.
my $scope = run_sql($node, $db, "BEGIN; SET LOCAL auth_store.allow_drop = on;
    CALL test.alter('auth_store.grants', 'scope', 'integer', '5');
    SELECT active FROM auth_store.token_introspect('$made->{access}')");
is($scope->{state}, '55000', 'a grant with another type of scope is no grant');
like($scope->{message}, qr/a column that is integer where text is expected/, 'the message says what it is');
is($scope->{hint}, 'SELECT * FROM auth_store.check()', 'and the hint who knows more');
my $key = run_sql($node, $db, "BEGIN; SET LOCAL auth_store.allow_drop = on;
    CALL test.alter('auth_store.grants', 'id', 'text', 'id::text');
    SELECT active FROM auth_store.token_introspect('$made->{access}')");
is($key->{state}, '55000', 'an index of another type is not searched');
like($key->{message}, qr/the key of grants_pkey/, 'and the message names it');
# In a session that has the old types in its plans, in another transaction.
for my $call (
    grep { $_->{name} =~ /^(?:token_introspect|session_validate|session_list|api_key_verify|connection_get)$/ } @calls)
{
    my $result = run_sql($node, $db, "$call->{sql}; BEGIN; SET LOCAL auth_store.allow_drop = on;
        CALL test.alter('auth_store.users', 'status', 'integer', '5');
        CALL test.alter('auth_store.grants', 'claims', 'integer', '5');
        CALL test.alter('auth_store.sessions', 'metadata', 'integer', '5');
        CALL test.alter('auth_store.api_keys', 'allowed_cidrs', 'integer', '5');
            CALL test.alter('auth_store.connections', 'access_token', 'integer', '5'); $call->{sql}");
    is($result->{ok} ? 'ok' : $result->{state}, '55000', "$call->{name} with what it knew of before");
}
# A table that was made a partitioned one has no rows of its own, and its index no pages.
for my $table (qw(grants access_tokens clients users sessions tenants api_keys))
{
    my $key = value($node, $db, "SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = 'auth_store.$table'::regclass AND contype = 'p'");
    my ($name, $definition) = split / /, $key, 2;
    my $make = "BEGIN; SET LOCAL client_min_messages = error; SET LOCAL auth_store.allow_drop = on;
        CREATE TABLE public.copy AS SELECT * FROM auth_store.$table; DROP TABLE auth_store.$table CASCADE;
        CREATE TABLE auth_store.$table (LIKE public.copy) PARTITION BY HASH (id);
        ALTER TABLE auth_store.$table OWNER TO auth_store_owner;
        CREATE TABLE auth_store.${table}_0 PARTITION OF auth_store.$table FOR VALUES WITH (MODULUS 1, REMAINDER 0);
        INSERT INTO auth_store.$table SELECT * FROM public.copy;
        ALTER TABLE auth_store.$table ADD CONSTRAINT $name $definition;"
            . ($table eq 'clients' ? 'ALTER TABLE auth_store.clients ADD CONSTRAINT clients_id_key UNIQUE (id);' : '')
      . ($table eq 'users' ? 'ALTER TABLE auth_store.users ADD CONSTRAINT users_id_key UNIQUE (id);' : '');
    for my $call (grep {
        $_->{name} =~ /^(?:token_introspect|token_refresh|token_issue|session_validate|session_create|api_key_verify
            |user_ensure|user_get|client_get)$/x } @calls)
    {
        my $result = run_sql($node, $db, "$make $call->{sql}");
        my $state = $result->{ok} ? 'ok' : $result->{state};
        like($state, qr/\A(?:ok|55000|42\w{3}|23503)\z/, "$table partitioned, $call->{name}: $state")
          or diag($result->{err});
    }
}
# Other collations and operator classes of a key's index.
my $icu = value($node, $db, "SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'") > 0;
for my $index ($icu ? '(id COLLATE "en-x-icu")' : (), '(id text_pattern_ops)', '(lower(id))', '(tenant_id)')
{
    my $result = run_sql($node, $db, "BEGIN; ALTER TABLE auth_store.clients DROP CONSTRAINT clients_id_key;
        CREATE UNIQUE INDEX clients_id_key ON auth_store.clients $index;
        SELECT count(*) FROM auth_store.client_get('$made->{client}')");
    like($result->{ok} ? "ok $result->{out}" : $result->{state}, qr/\A(?:55000|23505)\z/,
        "an index on $index is not taken for the key");
}
# A value is missing where its table did not allow it: no such row would be the wrong answer.
my $lacking = run_sql($node, $db, "BEGIN; SET LOCAL auth_store.allow_drop = on;
    ALTER TABLE auth_store.grants ALTER scope DROP NOT NULL; UPDATE auth_store.grants SET scope = NULL;
    SELECT active FROM auth_store.token_introspect('$made->{access}')");
is($lacking->{state}, '55000', 'a grant without a scope is no missing grant');
like($lacking->{message}, qr/a row of grants lacks a value that it must have/, 'the message says so');
# A result of which two attributes of one type have changed their names is an error, not swapped answers; before the
# first call of a session as well as after one.
my $swap = join ';', map { "ALTER TYPE auth_store.token_state RENAME ATTRIBUTE $_" } ('scope TO s', 'username TO scope',
    's TO username');
my $introspect = "SELECT active FROM auth_store.token_introspect('$made->{access}')";
for my $first ('', "$introspect;")
{
    my $swapped = run_sql($node, $db, "$first BEGIN; $swap; $introspect");
    is($swapped->{ok} ? 'ok' : $swapped->{state}, '55000', 'swapped attributes' . ($first ? ' after a call' : ''));
    like($swapped->{message}, qr/the SQL definition of this function is not the one of the loaded library/,
        'the message says so');
}
is(value($node, $db, 'SELECT pg_postmaster_start_time()'), $started, 'the server never went down');
is(value($node, $db, "SELECT active FROM auth_store.token_introspect('$made->{access}')"), 't', 'and all was undone');
$node->stop;
done_testing();

# Who is behind a transaction, in sessions of real log-ins: forged by no means that a session or its administrator has,
# and what an application builds on it: see docs/how-to/row_level_security.md.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Test::More;

my $node = new_server('principal');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);
my ($acme, $globex) = @{$store}{qw(acme globex)};
my $PARALLEL = 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
    SET max_parallel_workers_per_gather = 2;';

# --- the application's schema ----------------------------------------------------------------------------------------

# Documents of two tenants. web is plain PostgreSQL's log-in; authenticator, anon and authenticated are PostgREST's.
value($node, $db, <<'SQL');
CREATE ROLE authenticator LOGIN NOINHERIT;
CREATE ROLE anon;
CREATE ROLE authenticated;
GRANT anon, authenticated TO authenticator;
GRANT auth_store_reader TO anon, authenticated;
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO web, anon, authenticated;
CREATE TABLE app.documents (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id text NOT NULL DEFAULT auth_store.current_tenant_id(),
    owner     uuid NOT NULL DEFAULT auth_store.current_user_id(),
    title     text NOT NULL);
CREATE INDEX ON app.documents (owner);
ALTER TABLE app.documents ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.documents
    USING (tenant_id = (SELECT auth_store.current_tenant_id()) AND owner = (SELECT auth_store.current_user_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON app.documents TO web, authenticated;
SQL
value($node, $db, "INSERT INTO app.documents (tenant_id, owner, title)
    SELECT '$_->{tenant}', '$_->{user}', 'of $_->{tenant}' FROM generate_series(1, 3)")
  for $acme, $globex;
value($node, $db, q{INSERT INTO app.documents (tenant_id, owner, title)
    SELECT 'default', gen_random_uuid(), 'x' FROM generate_series(1, 20000)});
value($node, $db, 'ANALYZE app.documents');

# What a log-in reads in a transaction that begins so.
sub titles
{
    my ($begin) = @_;
    my $result = run_sql($node, $db, "BEGIN;\n$begin \\g /dev/null
SELECT title, count(*) FROM app.documents GROUP BY 1;\nCOMMIT", user => 'web');
    return $result->{ok} ? $result->{out} : $result->{err};
}

# --- forged by no session --------------------------------------------------------------------------------------------

my $forged = value($node, $db, "BEGIN; SELECT auth_store.authenticate('$globex->{session}') \\g /dev/null
SELECT current_setting('auth_store.principal'); COMMIT");
like($forged, qr/\{/, 'what a superuser sees of it');
my $literal = AuthStore::quote($forged);
is(titles("SELECT auth_store.authenticate('$acme->{session}')"), 'of acme|3',
    'who is authenticated reads the own rows');
is(titles('SELECT 1'), '', 'and nobody none');
for my $loaded (0, 1)
{
    my $first = $loaded ? 'SELECT auth_store.current_user_id();' : '';
    my $when = $loaded ? 'after' : 'before';
    for my $forge ("SET auth_store.principal = $literal",
        "SELECT set_config('auth_store.principal', $literal, false)",
        'RESET auth_store.principal', 'SET auth_store.principal TO DEFAULT')
    {
        my $seen = run_sql($node, $db, "\\set ON_ERROR_STOP off\n$first $forge;
SELECT coalesce(auth_store.current_user_id()::text, 'nobody'), count(*) FROM app.documents;", user => 'web');
        like($seen->{out}, qr/^nobody\|0\z/m, "$forge, $when the library is loaded") or diag($seen->{err});
    }
}
raises($node, $db, 'SELECT auth_store.current_user_id()', '42501', 'in the options of a connection', user => 'web',
    options => '-c auth_store.principal=x');
for my $how ("ALTER ROLE web SET auth_store.principal = $literal",
    "ALTER DATABASE $db SET auth_store.principal = $literal")
{
    # The library is not loaded in that session, so that the server can't ask it.
    value($node, $db, $how);
    is(titles('SELECT 1'), '', "$how: nobody");
    is(titles("SELECT auth_store.authenticate('$acme->{session}')"), 'of acme|3', 'and the right one afterwards');
    value($node, $db, $how =~ s/SET auth.*/RESET auth_store.principal/r);
    raises($node, $db, "SELECT auth_store.current_user_id(); $how", '42501', "$how, once it is loaded");
}
raises($node, $db, "GRANT SET ON PARAMETER auth_store.principal TO web; SET ROLE web;
    SELECT auth_store.current_user_id(); SET auth_store.principal = $literal", '42501', 'GRANT SET ON PARAMETER');
value($node, $db, 'REVOKE SET ON PARAMETER auth_store.principal FROM web');
raises($node, $db, 'SELECT auth_store.current_user_id(); SHOW auth_store.principal', '42501', 'nor shown',
    user => 'web');
is(value($node, $db, "BEGIN; SELECT auth_store.authenticate('$acme->{session}') \\g /dev/null
COMMIT; DISCARD ALL; SELECT count(*) FROM app.documents", user => 'web'), '0', 'DISCARD ALL');

# --- hostile users ---------------------------------------------------------------------------------------------------

my $begin = "BEGIN; SELECT auth_store.authenticate('$acme->{session}') \\g /dev/null\n";
raises($node, $db, "$begin INSERT INTO app.documents (tenant_id, title) VALUES ('globex', 'x')", '42501',
    'a row into another tenant', user => 'web');
raises($node, $db, "$begin INSERT INTO app.documents (owner, title) VALUES ('$globex->{user}', 'x')", '42501',
    'or for another user', user => 'web');
raises($node, $db, "$begin UPDATE app.documents SET tenant_id = 'globex'", '42501', 'or moved there', user => 'web');
is(value($node, $db, "$begin WITH d AS (DELETE FROM app.documents RETURNING 1) SELECT count(*) FROM d; ROLLBACK",
    user => 'web'), '3', 'what can be deleted is the own');
is(value($node, $db, "$begin INSERT INTO app.documents (title) VALUES ('new') RETURNING tenant_id, owner; ROLLBACK",
    user => 'web'), "acme|$acme->{user}", 'a new row is the user\'s by itself');
# A function that tells what it is shown, and says that it costs nothing, is shown no other row.
my $leak = run_sql($node, $db, "CREATE FUNCTION pg_temp.leak(t text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
    AS 'BEGIN RAISE NOTICE ''%'', t; RETURN true; END';
    $begin SELECT count(*) FROM app.documents WHERE pg_temp.leak(title); COMMIT", user => 'web');
is($leak->{out}, '3', 'a function in the condition runs');
unlike($leak->{err}, qr/of globex/, 'on the own rows alone');
# Whoever revokes a token in the transaction: the next statement's recheck knows.
value($node, $db,
    'CREATE POLICY fresh ON app.documents AS RESTRICTIVE USING ((SELECT auth_store.principal_recheck()))');
is(value($node, $db, "BEGIN; SELECT auth_store.authenticate('$globex->{session}') \\g /dev/null
SELECT count(*) FROM app.documents; SELECT auth_store.session_revoke('$globex->{session_id}') \\g /dev/null
SELECT count(*) FROM app.documents; ROLLBACK", user => 'web'), "3\n0", 'principal_recheck() in a policy');
value($node, $db, 'DROP POLICY fresh ON app.documents');

# --- plans -----------------------------------------------------------------------------------------------------------

sub plan
{
    my ($policy, $settings) = @_;
    value($node, $db, "ALTER POLICY own ON app.documents USING ($policy)");
    return value($node, $db,
        "$PARALLEL $settings $begin EXPLAIN (COSTS OFF) SELECT count(*) FROM app.documents; COMMIT", user => 'web');
}
my ($once, $each) = ('owner = (SELECT auth_store.current_user_id())', 'owner = auth_store.current_user_id()');
my $no_index = 'SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off;';
like(plan($each, ''), qr/Index Cond: \(owner = auth_store\.current_user_id\(\)\)/, 'by the index, a row at a time');
like(plan($once, ''), qr/InitPlan.*Index Cond/s, 'by the index, once a statement');
like(plan($once, $no_index), qr/InitPlan.*Parallel Seq Scan/s, 'once a statement, and then in parallel');
for my $form ($each, $once, "$each AND auth_store.current_has_permission('orders:read')")
{
    like(plan($form, $no_index), qr/Parallel Seq Scan/, "$form: in parallel");
    is(value($node, $db, "$PARALLEL $no_index $begin SELECT count(*) FROM app.documents; COMMIT", user => 'web'), '3',
        'with the right answer');
    is(value($node, $db, "$PARALLEL $no_index SELECT count(*) FROM app.documents", user => 'web'), '0',
        'and none for nobody');
}
my $force = value($node, $db, 'SHOW server_version_num') < 160000 ? 'force_parallel_mode' : 'debug_parallel_query';
is(value($node, $db, "SET $force = on; $begin SELECT auth_store.current_user_id(), auth_store.current_tenant_id(),
    auth_store.principal_recheck(); COMMIT", user => 'web'),
    "$acme->{user}|acme|t", "$force: a worker has the leader's");
value($node, $db, "ALTER POLICY own ON app.documents
    USING (tenant_id = (SELECT auth_store.current_tenant_id()) AND $once)");

# --- PostgREST and Supabase ------------------------------------------------------------------------------------------

# As in the page: the function that PostgREST calls before each request, in the request's transaction, as anon.
value($node, $db, <<'SQL');
CREATE FUNCTION app.pre_request() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    header text := current_setting('request.headers', true)::json ->> 'authorization';
BEGIN
    IF header IS NULL THEN
        RETURN;
    END IF;
    IF NOT (SELECT a.ok FROM auth_store.authenticate(regexp_replace(header, '^bearer +', '', 'i')) a) THEN
        RAISE SQLSTATE 'PT401' USING MESSAGE = 'the token is not active';
    END IF;
    PERFORM set_config('role', 'authenticated', true);
END $$;
GRANT EXECUTE ON FUNCTION app.pre_request() TO anon;
CREATE SCHEMA auth;
GRANT USAGE ON SCHEMA auth TO anon, authenticated;
CREATE FUNCTION auth.uid() RETURNS uuid STABLE PARALLEL SAFE LANGUAGE sql AS 'SELECT auth_store.current_user_id()';
SQL

# The statements of PostgREST 12, in its order.
sub request
{
    my ($token, $query, $mode) = @_;
    my $headers = defined $token ? qq({"authorization": "Bearer $token"}) : '{}';
    return run_sql($node, $db, 'BEGIN ISOLATION LEVEL READ COMMITTED ' . ($mode // 'READ ONLY') . ";
        SELECT set_config('search_path', '\"app\", \"public\"', true), set_config('role', 'anon', true),
            set_config('request.jwt.claims', '{\"role\":\"anon\"}', true), set_config('request.method', 'GET', true),
            set_config('request.path', '/documents', true), set_config('request.headers', '$headers', true),
            set_config('request.cookies', '{}', true) \\g /dev/null
SELECT \"app\".\"pre_request\"() \\g /dev/null\n$query;\nCOMMIT", user => 'authenticator');
}
my $read = q{WITH pgrst_source AS (SELECT "app"."documents"."title" FROM "app"."documents")
    SELECT coalesce(json_agg(_postgrest_t), '[]')::text
      FROM (SELECT * FROM pgrst_source ORDER BY 1 LIMIT 1) _postgrest_t};
is(request($acme->{access}, $read)->{out}, '[{"title":"of acme"}]',
    'PostgREST: an access token reads its user\'s rows');
is(request($acme->{session}, "$read; SELECT current_user, session_user")->{out},
    "[{\"title\":\"of acme\"}]\nauthenticated|authenticator", 'a session too, as the role authenticated');
is(request($globex->{other_access}, $read)->{state}, 'PT401', 'a token that is bound to a key is refused without it');
is(request('nonsense', $read)->{state}, 'PT401', 'and one that is none');
is(request(undef, $read)->{state}, '42501', 'without a token it is anon, who may not read');
is(request($acme->{access},
    "INSERT INTO documents (title) VALUES ('posted') RETURNING owner = auth_store.current_user_id()",
    'READ WRITE')->{out}, 't', 'writing is the same');
value($node, $db, 'ALTER POLICY own ON app.documents USING (owner = (SELECT auth.uid()))');
is(request($acme->{access}, $read)->{out}, '[{"title":"of acme"}]', 'Supabase: a policy by auth.uid()');

# --- Hasura ----------------------------------------------------------------------------------------------------------

value($node, $db, <<'SQL');
CREATE ROLE hasura LOGIN;
GRANT auth_store_reader TO hasura;
GRANT USAGE ON SCHEMA app, auth TO hasura;
GRANT SELECT ON app.documents TO hasura;
CREATE FUNCTION app.my_documents(hasura_session json) RETURNS SETOF app.documents LANGUAGE plpgsql AS $$
BEGIN
    PERFORM auth_store.authenticate(hasura_session ->> 'x-hasura-session-token');
    RETURN QUERY SELECT * FROM app.documents;
END $$;
SQL
my $hasura = sub {
    my ($token) = @_;
    my $session = qq({"x-hasura-role": "user", "x-hasura-session-token": "$token"});
    return value($node, $db, qq(SELECT coalesce(json_agg("root"), '[]')
        FROM (SELECT DISTINCT "title" FROM "app"."my_documents"(('$session')::json) AS "_0"
               WHERE "title" LIKE 'of %') AS "root"), user => 'hasura');
};
is($hasura->($acme->{session}), '[{"title":"of acme"}]', 'Hasura: a function that gets the session\'s variables');
is($hasura->('nonsense'), '[]', 'and nothing for a token that is none');
is(value($node, $db, 'SELECT count(*) FROM app.documents', user => 'hasura'), '0',
    'in the next statement nobody is behind it');

$node->stop;
done_testing();

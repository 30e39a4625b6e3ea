# Who may do what, and the rules that every object of the catalog keeps.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Expired;
use Functions;
use Test::More;

my $node = new_server('privileges');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);
my $made = $store->{acme};
my @functions = functions($node, $db);
my $FUNCTION = q{FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    AND e.extname = 'auth_store'};
my $RELATION = q{FROM pg_class c WHERE c.relnamespace = 'auth_store'::regnamespace};

# Test: a query that names offenders names none.
sub none
{
    my ($sql, $name) = @_;
    is(value($node, $db, $sql), '', $name);
}

# --- functions -------------------------------------------------------------------------------------------------------

cmp_ok(scalar(@functions), '>', 40, 'there are functions');
none("SELECT p.proname $FUNCTION AND coalesce(length(obj_description(p.oid, 'pg_proc')), 0) < 30",
    'every function has a COMMENT that says something');
none("SELECT p.proname $FUNCTION
    AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)",
    'PUBLIC may execute none');
none("SELECT p.proname, p.proconfig $FUNCTION AND p.prosecdef
    AND p.proconfig IS DISTINCT FROM '{\"search_path=pg_catalog, pg_temp\"}'",
    'every definer function pins search_path to pg_catalog and pg_temp, in that order, and sets nothing else');
none("SELECT p.proname, p.proconfig $FUNCTION AND NOT p.prosecdef
    AND p.proconfig <> '{\"search_path=pg_catalog, pg_temp\"}'",
    'no other function pins anything else');
none("SELECT p.proname, p.proowner::regrole $FUNCTION AND p.prosecdef AND p.proowner <> 'auth_store_owner'::regrole",
    'every definer function runs as auth_store_owner');
none("SELECT p.proname $FUNCTION AND p.proisstrict AND p.pronargs > 0",
    'no function is STRICT: a check of NULL must not answer NULL');
none("SELECT p.proname $FUNCTION AND p.proleakproof AND p.proname <> 'tenant_visible'",
    'no function but the policies\' own is LEAKPROOF');
none("SELECT c.oid::regclass $RELATION AND c.relkind NOT IN ('r', 'p', 'v', 'i', 'c', 't')",
    'the schema holds tables, views, indexes and types only');
none("SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'auth_store'::regnamespace GROUP BY 1 HAVING count(*) > 1",
    'no function has a second form: values without a type could not choose between them');
none("SELECT p.proname $FUNCTION AND p.prokind = 'f' AND p.prorettype = 'void'::regtype",
    'no function returns void, which not every driver can read');
none("SELECT p.proname $FUNCTION AND 'real'::regtype::oid = ANY (p.proargtypes::oid[] || p.prorettype)",
    'a fraction is double precision');
none("SELECT p.proname $FUNCTION AND p.proargtypes::oid[] && '{cidr,cidr[]}'::regtype[]::oid[]",
    'a network is an inet');
none("SELECT p.proname $FUNCTION AND p.proretset = false AND p.prorettype = 'bigint'::regtype
    AND p.proname ~ '^(user|session|consent|api_key|device)_'",
    'what one user has is counted as integer');
none("SELECT p.proname $FUNCTION
    AND EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type y ON y.oid = a WHERE y.typtype = 'p')
    AND p.proname <> 'user_create'", 'an argument has a type of its own, which a driver that asks is told');
none("SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'auth_store'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_depend d
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')",
    'every function of the schema belongs to the extension');
# IMMUTABLE would give one user the rows of another from a kept plan, VOLATILE no index, and not safe no parallel scan.
none("SELECT p.proname $FUNCTION AND p.proname ~ '^(current|principal)_'
    AND (p.provolatile, p.proparallel, p.prosecdef) <> ('s', 's', false)",
    'what policies ask is STABLE, PARALLEL SAFE and run as whoever asks');
my %marks = (reads => 's or i, s', draws => 'v, s', holds => 'v, u', passes => 'v, u', writes => 'v, u',
    superuser => 'v, u', commits => 'v, u', script => 's or i, r', event => 'v, u');
for my $name (@functions)
{
    my $mark = value($node, $db,
        "SELECT CASE WHEN provolatile = 'v' THEN 'v' ELSE 's or i' END || ', ' || proparallel::text
        FROM pg_proc WHERE pronamespace = 'auth_store'::regnamespace AND proname = '$name'");
    is($mark, $marks{ call_of($name, $made)->{does} }, "$name: volatility and parallel safety");
}

# Each login with one role of the store, and one without any, by each function.
for my $login (sort keys %AuthStore::LOGINS)
{
    my $role = ($AuthStore::LOGINS{$login} // '') =~ s/^auth_store_//r;
    for my $name (@functions)
    {
        my $call = call_of($name, $made);
        my $may = grep { $_ eq $role } @{ $call->{roles} };
        my $got;
        if ($call->{does} eq 'commits')
        {
            my $result = run_sql($node, $db, $call->{sql}, user => $login);
            $got = $result->{ok} ? 'ok' : $result->{state};
        }
        else { $got = value($node, $db, "SELECT test.attempt(" . AuthStore::quote($call->{sql}) . ')', user => $login) }
        is($got, $may ? 'ok' : '42501', "$login" . ($may ? ' may call ' : ' may not call ') . $name);
    }
}

# The new ones are made of the old: what a resource server may is a part of what an API server may, and so on.
none("SELECT p.proname $FUNCTION AND has_function_privilege('auth_store_reader', p.oid, 'EXECUTE')
    AND NOT has_function_privilege('auth_store_verifier', p.oid, 'EXECUTE')", 'a verifier may whatever a reader may');
is(value($node, $db, "SELECT string_agg(p.proname, ' ' ORDER BY p.proname) $FUNCTION
    AND has_function_privilege('auth_store_verifier', p.oid, 'EXECUTE')
    AND NOT has_function_privilege('auth_store_reader', p.oid, 'EXECUTE')"),
    'api_key_touch rate_limit_hit token_introspection_record token_use', 'and these');
none("SELECT p.proname $FUNCTION AND has_function_privilege('auth_store_worker', p.oid, 'EXECUTE')
    AND NOT has_function_privilege('auth_store_app', p.oid, 'EXECUTE')
    AND p.proname NOT IN ('webhook_claim', 'webhook_complete', 'webhook_complete_batch')",
    'a worker nothing that an application may not, but deliver');
none("SELECT p.proname $FUNCTION AND has_function_privilege('auth_store_jobs', p.oid, 'EXECUTE')
    AND NOT has_function_privilege('auth_store_admin', p.oid, 'EXECUTE')",
    'a scheduler nothing that an administrator may not');
none("SELECT p.proname $FUNCTION AND has_function_privilege('auth_store_monitor', p.oid, 'EXECUTE')
    AND (p.provolatile = 'v' OR NOT has_function_privilege('auth_store_auditor', p.oid, 'EXECUTE'))",
    'a monitor nothing that an auditor may not, nor what writes');
none("SELECT p.proname $FUNCTION AND has_function_privilege('auth_store_developer', p.oid, 'EXECUTE')
    AND p.proname !~ '^developer_client_|^(authenticate|id_time|tenant_visible)\$'", 'a portal nothing else');
is(value($node, $db, "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) $RELATION
    AND has_any_column_privilege('auth_store_monitor', c.oid, 'SELECT')"), 'alerts jobs progress stats',
    'and of views these');
none("SELECT r.rolname, p.proname FROM pg_roles r, pg_proc p WHERE p.pronamespace = 'auth_store'::regnamespace
    AND r.rolname IN ('auth_store_reader', 'auth_store_verifier', 'auth_store_worker', 'auth_store_jobs')
    AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
    AND p.proname ~ 'issue|redeem|refresh|exchange|_create|_store\$|_get\$|_rotate|import|client_authenticate|erase'
    AND p.proname NOT IN ('client_get', 'imported_locate', 'provider_get', 'user_get')",
    'and none of them mints, opens or takes over a token');

# --- tables and views ------------------------------------------------------------------------------------------------

none("SELECT c.relname, c.relowner::regrole $RELATION AND c.relkind NOT IN ('c', 'v')
    AND c.relowner <> 'auth_store_owner'::regrole", 'auth_store_owner owns every table');
none("SELECT c.relname, c.relowner::regrole $RELATION AND c.relkind = 'v' AND c.relowner <> 'auth_store_view'::regrole",
    'auth_store_view owns every view');
# Who may do what to tables and views, as tests/privileges.txt says: the roles of the store, and the logins with one.
{
    my %holders;
    push @{ $holders{ $AuthStore::LOGINS{$_} // '' } }, $_ for keys %AuthStore::LOGINS;
    my @expected;
    for (grep { $_->[0] =~ /^(?:table|view)$/ } privileges())
    {
        my ($kind, $object, $role, $privilege) = @$_;
        push @expected, map { "$object: $_ $privilege" } $role, @{ $holders{$role} // [] };
    }
    cmp_ok(scalar(@expected), '>', 20, 'there are privileges on tables and views');
    is(value($node, $db, q{
        WITH held AS (
            SELECT c.oid, c.relname, r.oid AS role, r.rolname
              FROM pg_class c JOIN pg_roles r ON NOT r.rolsuper AND r.oid <> c.relowner AND r.rolname NOT LIKE 'pg\_%'
             WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p', 'v'))
        SELECT line FROM (
            SELECT h.relname || ': ' || h.rolname || ' ' || x.privilege
              FROM held h
              CROSS JOIN unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) x (privilege)
             WHERE has_table_privilege(h.role, h.oid, x.privilege)
            UNION ALL
            SELECT h.relname || '.' || a.attname || ': ' || h.rolname || ' ' || x.privilege
              FROM held h
              JOIN pg_attribute a ON a.attrelid = h.oid AND a.attnum > 0 AND NOT a.attisdropped
              CROSS JOIN unnest('{SELECT,INSERT,UPDATE,REFERENCES}'::text[]) x (privilege)
             WHERE has_column_privilege(h.role, h.oid, a.attnum, x.privilege)
               AND NOT has_table_privilege(h.role, h.oid, x.privilege)) f (line)
         ORDER BY line COLLATE "C"}), join("\n", sort @expected), 'nobody but the owners has another one');
}
for my $login (sort keys %AuthStore::LOGINS)
{
    for my $statement ('SELECT * FROM auth_store.access_tokens', 'SELECT id FROM auth_store.clients',
        'DELETE FROM auth_store.grants',
        'INSERT INTO auth_store.audit_log SELECT', 'UPDATE auth_store.users SET status = status',
        'TRUNCATE auth_store.audit_log',
        'CREATE TABLE auth_store.mine ()', 'DROP TABLE auth_store.users',
        'ALTER TABLE auth_store.users DISABLE ROW LEVEL SECURITY',
        'SET ROLE auth_store_owner', 'DROP FUNCTION auth_store.token_introspect',
        "LOCK TABLE auth_store.users IN ACCESS SHARE MODE", 'SELECT * FROM auth_store.schema_version')
    {
        is(value($node, $db, 'SELECT test.attempt(' . AuthStore::quote($statement) . ')', user => $login), '42501',
            "$login: $statement");
    }
    for my $view (qw(recent_activity failed_actions security_events token_activity provider_connections active_clients
        client_stats stats alerts jobs active_webhooks_by_event webhook_health recent_webhook_deliveries audit_heads))
    {
        my $may = $login =~ /^(boss|auditor)$/ || $login eq 'monitor' && $view =~ /^(stats|alerts|jobs)$/;
        my $reads = $may ? 'ok' : '42501';
        is(value($node, $db, 'SELECT test.attempt(' . AuthStore::quote("SELECT * FROM auth_store.$view") . ')',
            user => $login), $reads, "$login: view $view: $reads");
    }
}
none("SELECT rolname FROM pg_roles WHERE rolname LIKE 'auth\\_store\\_%'
    AND (rolcanlogin OR rolsuper OR rolbypassrls AND rolname <> 'auth_store_view' OR rolcreaterole OR rolcreatedb
    OR rolreplication)",
    'no role of the store can log in or has an attribute, but the views\' owner');
none("SELECT m.member::regrole FROM pg_auth_members m WHERE m.roleid = 'auth_store_owner'::regrole",
    'nobody is a member of auth_store_owner');
none("SELECT m.roleid::regrole FROM pg_auth_members m WHERE m.member::regrole::text LIKE 'auth\\_store\\_%'",
    'no role of the store is a member of another');
is(value($node, $db, q{
    SELECT g.rolname || ' ' || a.privilege_type
      FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) a JOIN pg_roles g ON g.oid = a.grantee
     WHERE n.nspname = 'auth_store' AND a.grantee <> n.nspowner
     ORDER BY (g.rolname || ' ' || a.privilege_type) COLLATE "C"}),
    join("\n", sort map { "$_->[2] $_->[3]" } grep { $_->[0] eq 'schema' } privileges()),
    'only the owners may create in the schema, only the roles use it');
none("SELECT a.privilege_type FROM pg_namespace n, aclexplode(n.nspacl) a
    WHERE n.nspname = 'auth_store' AND a.grantee = 0",
    'and PUBLIC nothing');

# What a view shows has no column for a secret, and no digest in any.
none("SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
      AND (a.attname ~ 'digest|hash|secret|sealed|password|challenge|verifier' OR a.atttypid = 'bytea'::regtype)",
          'no view has a column for a digest or secret');
{
    my @views = split /\n/, value($node, $db, "SELECT c.relname $RELATION AND c.relkind = 'v'");
    my $text = join "\n",
        map { value($node, $db, "SELECT row_to_json(v) FROM auth_store.$_ v", user => 'auditor') } @views;
    like($text, qr/token\.refreshed/, 'the views show what happened');
    my @digests = split /\n/, value($node, $db, q{
        SELECT encode(digest, e)
        FROM (SELECT digest FROM auth_store.access_tokens UNION SELECT digest FROM auth_store.authorization_codes
            UNION SELECT digest FROM auth_store.sessions
            UNION SELECT digest FROM auth_store.client_secrets UNION SELECT digest FROM auth_store.api_keys
            UNION SELECT digest FROM auth_store.imported_api_keys UNION SELECT family_digest FROM auth_store.grants
            UNION SELECT current_digest FROM auth_store.grants UNION SELECT previous_digest FROM auth_store.grants) d,
            unnest('{hex,base64}'::text[]) e WHERE digest IS NOT NULL});
    my @secrets = map { my $m = $_; map { $m->{$_} } qw(secret access first_refresh refresh code used_code
        machine_access api_key client_api_key session first_session) } values %$store;
    cmp_ok(scalar(@digests), '>', 40, 'there are digests');
    is(join(' ', grep { index($text, $_) >= 0 } @digests, @secrets), '', 'no view shows a digest or a secret');
}

# --- keys, indexes, partitions ---------------------------------------------------------------------------------------

# An index on the columns of the key, the first ones in any order; a partial one serves where it leaves
# out only NULLs of them.
none(q{SELECT k.conrelid::regclass, k.conname FROM pg_constraint k
    WHERE k.contype = 'f' AND k.connamespace = 'auth_store'::regnamespace AND k.conparentid = 0
      AND NOT EXISTS (SELECT FROM pg_index i
        WHERE i.indrelid = k.conrelid AND i.indisvalid AND i.indnkeyatts >= cardinality(k.conkey)
          AND (SELECT array_agg(a ORDER BY a) FROM unnest(k.conkey) a)
            = (SELECT array_agg(a ORDER BY a) FROM unnest((i.indkey::int2[])[0:cardinality(k.conkey) - 1]) a)
          AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) IN
            (SELECT format('(%I IS NOT NULL)', a.attname) FROM pg_attribute a
            WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))))},
    'an index covers the columns of every foreign key');
cmp_ok(value($node, $db, q{SELECT count(*) FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'auth_store'::regnamespace}), '>=', 5, 'of which there are some');
none("SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p')
    AND (a.attidentity <> '' OR a.attgenerated <> '')", 'no table has an identity column');
none("SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relkind = 'p' AND c.relnamespace = 'auth_store'::regnamespace", 'no partitioned parent has an index');
none("SELECT k.conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE c.relkind = 'p' AND c.relnamespace = 'auth_store'::regnamespace AND k.contype NOT IN ('c', 'n')", 'or a key');
none("SELECT partdefid::regclass FROM pg_partitioned_table WHERE partdefid <> 0", 'or a DEFAULT partition');
none("SELECT c.relname $RELATION AND c.relispartition AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid)",
    'every partition has its own index');
none("SET TimeZone = 'UTC';
    SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) $RELATION AND c.relispartition AND c.relkind = 'r'
    AND pg_get_expr(c.relpartbound, c.oid)
        !~ '^FOR VALUES FROM \\(''\\d{4}-\\d\\d-01 00:00:00\\+00''\\) TO \\(''\\d{4}-\\d\\d-01 00:00:00\\+00''\\)\$'
    AND c.relname !~ '_jtis_'", 'every partition of the audit trail is a month in UTC');
none(q{SET TimeZone = 'UTC'; SELECT c.relname, b.bounds
    FROM pg_class c CROSS JOIN LATERAL (SELECT regexp_matches(pg_get_expr(c.relpartbound, c.oid),
    '''([^'']*)''.*''([^'']*)''')) b (bounds)
       CROSS JOIN LATERAL (SELECT c.relname ~ '^claimed') h (hourly)
    WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relispartition AND c.relname ~ '_jtis_' AND NOT (
       b.bounds[2]::timestamptz - b.bounds[1]::timestamptz = CASE WHEN hourly THEN '1 hour'::interval ELSE '1 day' END
       AND c.relname ~ ('_jtis_' || to_char(b.bounds[1]::timestamptz, '"y"YYYY"m"MM"d"DD' ||
       CASE WHEN hourly THEN '"h"HH24' ELSE '' END) || '$'))},
    'every one of JWT ids is an hour or a day in UTC');

# --- row-level security ----------------------------------------------------------------------------------------------

my $TENANT = q{(SELECT count(*) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname =
    CASE c.relname WHEN 'tenants' THEN 'id' ELSE 'tenant_id' END)};
is(value($node, $db, "SELECT string_agg(c.relname, ' ' ORDER BY c.relname) $RELATION AND c.relkind IN ('r', 'p')
    AND $TENANT = 0"),
    'audit_leaves breached_passwords cleanup_cursors common_passwords providers recoveries schema_version'
        . ' webhook_event_types',
    'every table but these eight has a column for the tenant');
none("SELECT c.relname $RELATION AND c.relkind IN ('r', 'p') AND $TENANT = 1 AND c.relname <> 'audit_segments'
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    'row-level security is enabled and forced on each of them but the segments, and on every partition');
none(q{SELECT c.relname, count(p.oid) FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
       AND p.polname = 'tenant_pin' AND p.polpermissive AND p.polcmd = '*' AND p.polroles = '{0}'
       AND p.polwithcheck IS NULL
       AND pg_get_expr(p.polqual, p.polrelid) = CASE c.relname WHEN 'tenants' THEN 'auth_store.tenant_visible(id)'
       ELSE 'auth_store.tenant_visible(tenant_id)' END
    WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p')
    AND c.relname NOT IN ('audit_leaves', 'audit_segments', 'breached_passwords', 'cleanup_cursors',
        'common_passwords', 'providers', 'recoveries', 'schema_version', 'webhook_event_types')
    GROUP BY c.oid HAVING count(p.oid) <> 1}, 'with the policy tenant_pin, for all commands and all roles');
none("SELECT polname, polrelid::regclass FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
    WHERE c.relnamespace = 'auth_store'::regnamespace AND p.polname <> 'tenant_pin'", 'and no other policy');
none("SELECT c.relname $RELATION AND c.relkind = 'v' AND 'security_invoker=true' = ANY (coalesce(c.reloptions, '{}'))",
    'views read with their owner\'s rights, whom the policies bind');

# --- what expires is cleaned up --------------------------------------------------------------------------------------

{
    my %expired = expired($store->{default}{user});
    # A connection outlives its access token and every lease, a user every lock, a webhook its pauses, and a delivery
    # its lease. What was lost is remembered. An event and its deliveries end by the time in their ids.
    my @expiring = sort qw(signing_keys webhook_events webhook_queue webhook_retries), split /\n/,
        value($node, $db, "SELECT DISTINCT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'auth_store'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attname ~ 'expires_at\$|_until\$' AND c.relname NOT IN ('connections', 'recoveries', 'users',
            'webhook_states', 'webhook_queue')");
    is("@expiring", join(' ', sort keys %expired), 'the tables whose rows expire');
    # The partitions of JWT ids are dropped instead.
    my %facts = table_facts();
    # Rows that end by their age have no time of expiry: tests/sql/usage.sql ends some.
    my @ended = grep { $facts{$_}{ended} eq 'cleanup' && $_ ne 'client_users' } sort keys %facts;
    # A client that nobody used ends as one that is deleted does: tests/sql/endpoint_registration.sql.
    is(join(' ', @ended),
        join(' ', grep { !/_jtis$|^clients$/ } sort keys %expired), 'are those that the library walks');
    for my $call ('SELECT auth_store.cleanup_expired_data()', 'CALL auth_store.cleanup()')
    {
        # Some last less than this test.
        value($node, $db, "UPDATE auth_store.$_ SET expires_at = expires_at + interval '1 day'")
          for qw(interactions passkey_challenges rate_limits);
        value($node, $db, $_) for values %expired;
        my $before = contents($node, $db);
        succeeds($node, $db, "SET client_min_messages = warning; $call", $call, user => 'boss');
        my $after = contents($node, $db);
        for my $table (@expiring)
        {
            my ($had, $has) = map { (split / /, $_->{$table})[0] } $before, $after;
            is($has, $had - 1, "$call deletes what has expired in $table and nothing else");
        }
    }
}

$node->stop;
done_testing();

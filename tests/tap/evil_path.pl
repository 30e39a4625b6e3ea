# Attacks by search_path and temporary objects: every call of every role answers as without them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Functions;
use Test::More;

my $node = new_server('evil_path');
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
install_helpers($node, $db);
my $store = populate($node, $db);
my $made = $store->{acme};
my @functions = functions($node, $db);

# A schema in which every function and operator of pg_catalog has a twin that fails, and every type a
# twin that nothing can be.
value($node, $db, <<'SQL');
SET client_min_messages = warning;
CREATE SCHEMA evil;
GRANT USAGE, CREATE ON SCHEMA evil TO PUBLIC;
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT p.oid, p.proname, pg_get_function_identity_arguments(p.oid) AS arguments,
               format_type(p.prorettype, NULL) AS result
          FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
           AND NOT EXISTS (SELECT FROM unnest(p.proargtypes || p.prorettype) t JOIN pg_type y ON y.oid = t
                            WHERE y.typtype = 'p')
           AND p.proargmodes IS NULL
    LOOP
        BEGIN
            EXECUTE format(
                $f$CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''evil''; END'$f$,
                item.proname, item.arguments, item.result);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    FOR item IN
        SELECT o.oprname, format_type(o.oprleft, NULL) AS l, format_type(o.oprright, NULL) AS r, p.proname, o.oprleft
          FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode
         WHERE o.oprnamespace = 'pg_catalog'::regnamespace
    LOOP
        BEGIN
            EXECUTE format('CREATE OPERATOR evil.%s (%s RIGHTARG = %s, FUNCTION = evil.%I)', item.oprname,
                CASE item.oprleft WHEN 0 THEN '' ELSE 'LEFTARG = ' || item.l || ',' END, item.r, item.proname);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    FOREACH item.proname IN ARRAY ARRAY['text', 'uuid', 'jsonb', 'timestamptz', 'int4', 'int8', 'bool', 'float4',
        'bytea', 'inet', 'regclass', 'name']
    LOOP
        EXECUTE format('CREATE DOMAIN evil.%I AS pg_catalog.%1$I CHECK (false)', item.proname);
    END LOOP;
    -- and every table of the store, empty
    FOR item IN SELECT relname FROM pg_class
     WHERE relnamespace = 'auth_store'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
        EXECUTE format('CREATE TABLE evil.%I AS SELECT * FROM auth_store.%1$I WHERE false', item.relname);
        EXECUTE format('GRANT ALL ON evil.%I TO PUBLIC', item.relname);
    END LOOP;
END
$$;
SQL
cmp_ok(value($node, $db, "SELECT count(*) FROM pg_operator WHERE oprnamespace = 'evil'::regnamespace"), '>', 500,
    'the trap has operators');
is(run_sql($node, $db, 'SET search_path = evil, pg_catalog; SELECT 1 = 1')->{message}, 'evil',
    'and bites what names no schema');
is(run_sql($node, $db, "SET search_path = evil, pg_catalog; SELECT lower('A'::pg_catalog.text)")->{message}, 'evil',
    'in function calls too');

for my $path ('evil, pg_temp, pg_catalog, public', 'pg_temp, evil, auth_store, pg_catalog')
{
    # Temporary tables of the same names, which come first whatever the path says, filled with what would help a thief.
    my $prelude = <<"SQL";
CREATE TEMP TABLE access_tokens AS SELECT * FROM evil.access_tokens;
CREATE TEMP TABLE grants AS SELECT * FROM evil.grants;
CREATE TEMP TABLE clients AS SELECT * FROM evil.clients;
CREATE TEMP TABLE tenants AS SELECT * FROM evil.tenants;
CREATE TEMP TABLE users AS SELECT * FROM evil.users;
CREATE TEMP TABLE audit_log AS SELECT * FROM evil.audit_log;
CREATE TEMP TABLE schema_version AS SELECT * FROM evil.schema_version;
CREATE TYPE pg_temp.text AS (a int);
CREATE TYPE pg_temp.uuid AS (a int);
CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ''-infinity''::timestamptz';
SET search_path = $path;
SQL
    for my $login (undef, 'web', 'boss', 'replica', 'auditor')
    {
        my $role = defined $login ? $AuthStore::LOGINS{$login} =~ s/^auth_store_//r : '';
        my $who = $login // 'a superuser';
        my $script = $prelude;
        for my $name (@functions)
        {
            my $call = call_of($name, $made);
            next if $call->{does} eq 'event';
            next unless !defined $login || grep { $_ eq $role } @{ $call->{roles} };
            $script .= $call->{does} eq 'commits' ? "$call->{sql};\n"
                : "BEGIN;\n$call->{sql} \\g /dev/null\nROLLBACK;\n";
        }
        if ($who !~ /web|replica/) { $script .= "SELECT * FROM auth_store.$_ \\g /dev/null\n" for qw(recent_activity
            failed_actions security_events token_activity provider_connections active_clients client_stats stats alerts
            active_webhooks_by_event webhook_health recent_webhook_deliveries jobs audit_heads) }
        my $result = run_sql($node, $db, "SET client_min_messages = warning;\n$script");
        $result = run_sql($node, $db, "SET client_min_messages = warning;\n$script", user => $login) if defined $login;
        ok($result->{ok}, "every call of $who under search_path = $path") or diag($result->{err});
    }
    # The answers are the same, not only given.
    my $questions = <<"SQL";
SELECT i.active, i.client_id, i.user_id, i.scope FROM auth_store.token_introspect('$made->{access}') i;
SELECT i.active FROM auth_store.token_introspect('$made->{revoked_access}') i;
SELECT i.active FROM auth_store.token_introspect('asat_forged') i;
SELECT a.ok, a.error FROM auth_store.client_authenticate('$made->{client}', '$made->{secret}') a;
SELECT a.ok, a.error FROM auth_store.client_authenticate('$made->{client}', 'wrong') a;
SELECT auth_store.pkce_verify('$made->{verifier}', '$made->{challenge}');
SELECT u.email FROM auth_store.user_get('$made->{user}') u;
SELECT t.error FROM auth_store.token_refresh('$made->{first_refresh}', 'unknown') t;
SQL
    is(value($node, $db, $prelude . $questions, user => 'web'), value($node, $db, $questions, user => 'web'),
        "the answers are the same under $path");
}

# A thief's own row for a token: temporary tables that look like ours, with a digest of his choice.
{
    my $forged = 'asat_' . 'A' x 64;
    my $result = value($node, $db, <<"SQL", user => 'web');
CREATE TEMP TABLE access_tokens (id uuid, tenant_id text, grant_id uuid, expires_at timestamptz, revoked_at timestamptz,
    digest bytea, scope text, resources text[], PRIMARY KEY (id, tenant_id));
INSERT INTO access_tokens
VALUES ('00000000-0000-0000-0000-000000000000', 'default', '$made->{grant}', 'infinity', NULL, sha256('$forged'),
    'admin', NULL);
SELECT active FROM auth_store.token_introspect('$forged');
SET search_path = pg_temp, auth_store, pg_catalog;
SELECT active FROM auth_store.token_introspect('$forged');
SELECT error FROM auth_store.token_authorize('$forged', 'admin');
SELECT error FROM auth_store.token_use('$forged', 'admin');
SQL
    is($result, "f\nf\ninvalid_token\ninvalid_token", 'a temporary table forges no token');
}
# What is done at the commit, for a transaction that took long, is done under the functions' path, not the session's.
{
    my $code = value($node, $db, "SELECT code
        FROM auth_store.code_issue('$made->{client}', '$made->{user}', code_challenge => '$made->{challenge}')");
    my $result = run_sql($node, $db, <<"SQL", user => 'web');
SET search_path = evil, pg_catalog;
BEGIN;
SELECT FROM auth_store.code_redeem('$code', '$made->{client}', client_secret => '$made->{secret}',
    code_verifier => '$made->{verifier}');
SELECT FROM pg_catalog.pg_sleep(0.2);
COMMIT;
SQL
    ok($result->{ok}, 'a commit under an evil search_path') or diag($result->{err});
    is(value($node, $db, "SELECT count(*) FROM auth_store.authorization_codes
        WHERE digest = auth_store.token_hash('$code')
        AND redeemed_at > auth_store.id_time(grant_id) + interval '100 ms'"), '1',
        'which had something to do');
}
# A superuser whose path leads to the trap repairs and checks all the same.
succeeds($node, $db, 'SET client_min_messages = warning; SET search_path = evil, pg_catalog;
    SELECT auth_store.install(); SELECT * FROM auth_store.check()', 'install() and check() under an evil search_path');
raises($node, $db, 'SET search_path = evil, pg_catalog; DROP EXTENSION auth_store', '2BP01',
    'the extension stays where it is');
value($node, $db, 'CREATE DATABASE trap');
value($node, 'trap',
    q{CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''evil''; END';
    CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = pg_catalog.nameeqtext);
    CREATE DOMAIN public.uuid AS int; CREATE DOMAIN public.jsonb AS int});
succeeds($node, 'trap', 'SET search_path = public, pg_catalog; CREATE EXTENSION auth_store;
    SELECT * FROM auth_store.check()', 'CREATE EXTENSION under an evil search_path');
is(value($node, 'trap',
    "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'auth_store'::regnamespace AND t.typnamespace = 'public'::regnamespace"), '0',
        'takes no type from it');

$node->stop;
done_testing();

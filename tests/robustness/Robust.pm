# What the tests of robustness share: their size, a load, and what must hold of a store whenever nobody writes.
package Robust;

use strict;
use warnings;

use AuthStore;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(size server store load sound quiet_log);

# size(SMALL, FULL): the second with FULL=1.
sub size { return $ENV{FULL} ? $_[1] : $_[0]; }

# server(NAME, preload => 1, settings => [ lines of postgresql.conf ]): one that logs errors alone, with all about them.
sub server
{
    my ($name, %how) = @_;
    my $node = new_server($name, %how);
    $node->append_conf('postgresql.conf', join "\n", 'log_statement = none', 'log_error_verbosity = verbose',
        @{ $how{settings} // [] }, '');
    $node->restart;
    return $node;
}

my $PKCE = "code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', ttl => '10 min'";

# A flow of an application: a log-in with its code, a refresh, a session, an API key, a delivery, and their ends.
my $FLOW = <<"SQL";
\\set worker random(1, 500)
SELECT user_id FROM auth_store.user_ensure(concat('load ', :worker::text)) AS user_id \\gset
SELECT code FROM auth_store.code_issue('load', :user_id, $PKCE) \\gset
SELECT access_token, refresh_token, grant_id
  FROM auth_store.code_redeem(:code, 'load', code_verifier => '$AuthStore::VERIFIER') \\gset
SELECT active FROM auth_store.token_introspect(:access_token) \\gset
SELECT refresh_token FROM auth_store.token_refresh(:refresh_token, 'load') \\gset
SELECT session_token FROM auth_store.session_create(:user_id) \\gset
SELECT valid FROM auth_store.session_touch(:session_token) \\gset
SELECT api_key, api_key_id FROM auth_store.api_key_create('load', :user_id) \\gset
SELECT valid FROM auth_store.api_key_verify(:api_key) \\gset
SELECT auth_store.jti_revoke(:grant_id::text, clock_timestamp() + '1 hour', 'load') AS done \\gset
SELECT auth_store.webhook_emit('load.made', jsonb_build_object('grant', :grant_id::text)) AS done \\gset
SELECT auth_store.grant_revoke(:grant_id::uuid) AS done \\gset
SELECT auth_store.api_key_revoke(:api_key_id) AS done \\gset
SQL

# store(NODE, DATABASE): a store with a client for the load, and one row for each thing that is not so in half_done().
sub store
{
    my ($node, $database) = @_;
    value($node, $database, <<'SQL');
CREATE EXTENSION auth_store;
CREATE EXTENSION IF NOT EXISTS amcheck;
SELECT auth_store.client_create('Load', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'load',
    scope => 'read');
SELECT auth_store.webhook_event_type_register('load.made', sample => '{"grant": "1"}');
SELECT auth_store.webhook_create('https://hooks.example/load', ARRAY['load.*']);
CREATE FUNCTION half_done() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'redeemed code without its grant' FROM auth_store.authorization_codes c
      LEFT JOIN auth_store.grants g ON g.id = c.grant_id
     WHERE c.redeemed_at IS NOT NULL AND g.id IS NULL
    UNION ALL SELECT 'code with a grant, not redeemed' FROM auth_store.authorization_codes
     WHERE (redeemed_at IS NULL) <> (grant_id IS NULL)
    UNION ALL SELECT 'grant of two codes' FROM auth_store.authorization_codes WHERE grant_id IS NOT NULL
     GROUP BY grant_id HAVING count(*) > 1
    UNION ALL SELECT 'access token of a user without its grant' FROM auth_store.access_tokens t
      LEFT JOIN auth_store.grants g ON g.id = t.grant_id WHERE g.id IS NULL
    UNION ALL SELECT 'not one access token for each step of a grant' FROM auth_store.grants g
      LEFT JOIN (SELECT grant_id, count(*) AS n FROM auth_store.access_tokens GROUP BY 1) t ON t.grant_id = g.id
     WHERE client_id = 'load' AND coalesce(n, 0) <> 1 + g.rotation_count
    UNION ALL SELECT 'not one audit row for each refresh, or for the end, of a grant' FROM auth_store.grants g
      LEFT JOIN (SELECT grant_id, count(*) FILTER (WHERE event = 'token.refreshed' AND success) AS refreshed,
                        count(*) FILTER (WHERE event = 'grant.revoked') AS revoked
                   FROM auth_store.audit_log GROUP BY 1) a ON a.grant_id = g.id
     WHERE client_id = 'load' AND (coalesce(refreshed, 0) <> g.rotation_count
                                   OR coalesce(revoked, 0) <> (g.revoked_at IS NOT NULL)::int)
    UNION ALL SELECT 'not one audit row for each API key' FROM auth_store.api_keys k
      LEFT JOIN (SELECT resource_id::text AS id, count(*) AS n FROM auth_store.audit_log
                  WHERE event = 'api_key.created' GROUP BY 1) a ON a.id = k.id::text
     WHERE name = 'load' AND coalesce(n, 0) <> 1
$$;
-- Each foreign key by itself: 'table constraint' of one that does not hold.
CREATE FUNCTION broken_keys() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    key record;
BEGIN
    FOR key IN SELECT conrelid::regclass AS of_table, conname, oid FROM pg_constraint
                WHERE contype = 'f' AND connamespace = 'auth_store'::regnamespace AND conparentid = 0
    LOOP
        UPDATE pg_constraint SET convalidated = false WHERE oid = key.oid;
        BEGIN
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', key.of_table, key.conname);
        EXCEPTION WHEN foreign_key_violation THEN
            RETURN NEXT key.of_table || ' ' || key.conname;
        END;
    END LOOP;
END
$$;
SQL
}

# load(NODE, DATABASE, CLIENTS, options of pgbench): the flow, in the background: { run, out, err }.
sub load
{
    my ($node, $database, $clients, @options) = @_;
    my $file = "$PostgreSQL::Test::Utils::tmp_check/flow.sql";
    append_to_file($file, $FLOW) if !-e $file;
    my ($out, $err) = ('', '');
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port);
    my @pgbench = ($node->installed_command('pgbench'), qw(--no-vacuum --jobs=2 --protocol=prepared),
        "--client=$clients", '--file', $file, @options, $database);
    my $run = IPC::Run::start(\@pgbench, '>', \$out, '2>', \$err);
    return { run => $run, out => \$out, err => \$err };
}

# Tests: nothing is half done, no key points nowhere, tables and indexes agree, and check() has no problem.
sub sound
{
    my ($node, $database, $when) = @_;
    is(value($node, $database, 'SELECT half, count(*) FROM half_done() AS half GROUP BY 1'), '',
        "$when: nothing is half done");
    is(value($node, $database, "SET allow_system_table_mods = on; SELECT * FROM broken_keys()"), '',
        "$when: every reference leads somewhere");
    is(value($node, $database, <<'SQL'), '', "$when: tables are sound, and indexes agree with them");
SELECT c.relname, v.* FROM pg_class c, LATERAL verify_heapam(c.oid) AS v
 WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'r' AND relpersistence = 'p';
DO $$
DECLARE
    index regclass;
BEGIN
    FOR index IN SELECT c.oid FROM pg_class c JOIN pg_am a ON a.oid = relam JOIN pg_index i ON i.indexrelid = c.oid
                  WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'i' AND amname = 'btree' AND indisvalid
    LOOP
        PERFORM bt_index_parent_check(index, true);
    END LOOP;
END
$$;
SQL
    is(value($node, $database, "SELECT * FROM auth_store.check() WHERE severity = 'problem'"), '',
        "$when: check() has no problem");
}

# Test: the server's log has no internal error, no panic, no leak, and no crash, but crashes => 1 where some are meant,
# and lines that are known.
sub quiet_log
{
    my ($node, $name, %how) = @_;
    my $bad = qr/TRAP|XX000| leak\b|panicked at/;
    $bad = qr/$bad|PANIC|was terminated by signal/ if !$how{crashes};
    my $known = $how{known} // qr/(?!)/;
    my @lines = grep { /$bad/ && !/$known/ } split /\n/, slurp_file($node->logfile);
    splice @lines, 20 if @lines > 20;
    is(join("\n", @lines), '', "$name: the server's log is quiet");
}

1;

# A hundred thousand tenants, each with a client, a user, a grant with its tokens, and a webhook: what is called for one
# of them costs what it costs among few, and what walks all of them comes to its end in bounded memory.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $TENANTS = size(2_000, 100_000);
my $node = server('tenants', preload => 1, settings => [ 'fsync = off', 'full_page_writes = off',
        "max_wal_size = '4GB'", "shared_buffers = '512MB'" ]);
my $db = 'postgres';
store($node, $db);

# timed(WHAT, STATEMENTS): what they print; the time is a note.
sub timed
{
    my ($what, $sql) = @_;
    my $begun = time;
    my $out = value($node, $db, $sql);
    note sprintf '%s: %.1f s', $what, time - $begun;
    return $out;
}

timed("$TENANTS tenants made", <<"SQL");
CREATE TABLE made (n int PRIMARY KEY, tenant_id text, client_id text, user_id uuid, access_token text);
CREATE PROCEDURE make(times int) LANGUAGE plpgsql AS \$\$
DECLARE
    tenant text;
    person uuid;
    issued record;
BEGIN
    FOR n IN 1 .. times LOOP
        tenant := 'tenant-' || n;
        PERFORM auth_store.tenant_create(tenant);
        PERFORM auth_store.client_create('Client', ARRAY['https://' || tenant || '.example/cb'], 'public',
            client_id => tenant, scope => 'read', tenant_id => tenant);
        SELECT user_id INTO person FROM auth_store.user_create('ada\@' || tenant || '.example', tenant_id => tenant);
        SELECT access_token INTO issued FROM auth_store.token_issue(tenant, person);
        IF n % 10 = 0 THEN
            PERFORM auth_store.webhook_create('https://hooks.example/' || tenant, ARRAY['load.*'], tenant_id => tenant);
            PERFORM auth_store.webhook_emit('load.made', '{}', tenant_id => tenant);
        END IF;
        INSERT INTO made VALUES (n, tenant, tenant, person, issued.access_token);
        IF n % 500 = 0 THEN COMMIT; END IF;
    END LOOP;
END
\$\$;
CALL make($TENANTS);
VACUUM ANALYZE;
SQL
is(value($node, $db, "SELECT count(*) FROM auth_store.tenants WHERE id LIKE 'tenant-%'"), $TENANTS, 'they are there');

# One session that serves all of them.
my ($before, $active, $after) = split /\n/, timed('a call for each in one session', <<"SQL");
CREATE FUNCTION own() RETURNS bigint LANGUAGE sql AS
    \$\$ SELECT substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\\s+(\\d+) kB')::bigint \$\$;
SELECT own();
SELECT count(*) FROM made, LATERAL auth_store.token_introspect(access_token) AS i
 WHERE i.active AND i.tenant_id = made.tenant_id;
SELECT own();
SQL
is($active, $TENANTS, 'each token is active, in its tenant');
cmp_ok(($after - $before) / 1024, '<', 64, sprintf 'the session has grown by %.1f MB', ($after - $before) / 1024);

is(timed('check', "SELECT * FROM auth_store.check() WHERE severity = 'problem'"), '', 'check() has no problem');
timed('health', 'SELECT * FROM auth_store.health()');
timed('views', <<'SQL');
SELECT format('SELECT count(*) FROM auth_store.%I', relname) FROM pg_class
 WHERE relnamespace = 'auth_store'::regnamespace AND relkind = 'v' ORDER BY relname \gexec
SQL
my $claimed = timed('webhooks claimed by turns', <<'SQL');
CREATE TABLE claimed (tenant_id text);
CREATE PROCEDURE claim_all() LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        INSERT INTO claimed SELECT d.tenant_id FROM auth_store.webhook_claim(100) AS c
          JOIN auth_store.webhooks d ON d.id = c.webhook_id;
        EXIT WHEN NOT FOUND;
        COMMIT;
    END LOOP;
END
$$;
CALL claim_all();
SELECT count(DISTINCT tenant_id) FROM claimed;
SQL
is($claimed, int($TENANTS / 10), 'each tenant with a webhook had its turn');
timed('ended', "UPDATE auth_store.access_tokens SET expires_at = now() - interval '2 days'
    WHERE tenant_id LIKE 'tenant-%'");
timed('cleanup', 'CALL auth_store.cleanup()');
timed('one erased', "SELECT auth_store.tenant_erase('tenant-7', 'tenant-7')");
is(value($node, $db, "SELECT count(*) FROM auth_store.users WHERE tenant_id = 'tenant-7'"), 0, 'a tenant is erased');
sound($node, $db, 'after all');
quiet_log($node, 'after all');
$node->stop;
done_testing();

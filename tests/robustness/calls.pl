# A session that makes a million calls keeps no more memory than after its first thousands: each function that an
# application calls with every request, in a backend of its own, and a flow of many functions.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin, "$FindBin::Bin/../tap";
use AuthStore;
use Robust;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'needs /proc' if !-r '/proc/self/status';

my $CALLS = size(20_000, 1_000_000);
my $WARM = $CALLS / 10;
my $MEGABYTES = 1;

my $node = server('calls', preload => 1, settings => [ 'fsync = off', 'full_page_writes = off', "max_wal_size = '4GB'",
        'autovacuum_naptime = 5' ]);
my $db = 'postgres';
store($node, $db);
my $made = populate($node, $db)->{default};
value($node, $db, <<'SQL');
-- The resident memory that is neither shared nor of a file.
CREATE FUNCTION own() RETURNS bigint LANGUAGE sql AS $$
    SELECT 1024 * substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+) kB')::bigint $$;
-- Calls as an application makes them, one statement each, a hundred to a transaction.
CREATE PROCEDURE repeat_call(call text, times int) LANGUAGE plpgsql AS $$
BEGIN
    FOR n IN 1 .. times LOOP
        EXECUTE call;
        IF n % 100 = 0 THEN COMMIT; END IF;
    END LOOP;
    COMMIT;
END
$$;
SQL
my %calls = (
    token_introspect => q{SELECT active FROM auth_store.token_introspect({access})},
    token_authorize => q{SELECT error FROM auth_store.token_authorize({access}, 'orders')},
    session_validate => q{SELECT valid FROM auth_store.session_validate({session})},
    session_touch => q{SELECT valid FROM auth_store.session_touch({session})},
    api_key_verify => q{SELECT valid FROM auth_store.api_key_verify({api_key}, ip => '192.0.2.1')},
    jti_is_revoked => q{SELECT auth_store.jti_is_revoked({revoked_jti})},
    jwt_verify => q{SELECT active FROM auth_store.jwt_verify({jwt}, 'https://api.example/default')},
    rate_limit_hit => q{SELECT allowed FROM auth_store.rate_limit_hit('calls', 10, '1 s')},
    user_has_permission => q{SELECT auth_store.user_has_permission({user}, 'orders:read')},
    authenticate => q{SELECT error FROM auth_store.authenticate({access})},
    http_jwks => q{SELECT status FROM auth_store.http_jwks({tenant})},
    token_issue => q{SELECT error FROM auth_store.token_issue({client}, {user})},
    refused => q{SELECT error
        FROM auth_store.code_redeem('asac_none', {client}, {secret}, code_verifier => {verifier})},
    audit_write => q{SELECT auth_store.audit_write('report.exported', details => '{"n": 1}')},
    webhook_emit => q{SELECT auth_store.webhook_emit('load.made', '{"n": 1}')});
for my $name (sort keys %calls)
{
    my $call = $calls{$name} =~ s/\{(\w+)\}/AuthStore::quote($made->{$1} \/\/ die $1)/ger;
    $call = AuthStore::quote($call);
    my ($before, $after) = split /\n/, value($node, $db, "CALL repeat_call($call, $WARM);\nSELECT own();
        CALL repeat_call($call, $CALLS - $WARM);\nSELECT own()");
    my $grown = ($after - $before) / (1 << 20);
    note sprintf '%s: %.1f MB after %d calls, %.2f MB more after %d', $name, $before / (1 << 20), $WARM, $grown, $CALLS;
    cmp_ok($grown, '<', $MEGABYTES, "$name: $CALLS calls in a session");
}

# The same through the protocol: prepared statements that live as long as the session.
my $flows = $CALLS / 20;
{
    my $load = load($node, $db, 1, "--transactions=$flows");
    $load->{run}->finish;
    like(${ $load->{out} }, qr{actually processed: $flows/$flows\b}, "$flows flows in a session")
      or diag(${ $load->{err} });
}
sound($node, $db, 'after all');
quiet_log($node, 'after all');
$node->stop;
done_testing();

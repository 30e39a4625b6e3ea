# What a session keeps to read by (kernel/server/reader.rs, remembered.rs): it is as good as new after an error, a
# promotion and a million calls, and the server's statistics count what is searched.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('kept', streaming => 1);
my $db = 'postgres';
value($node, $db, q{CREATE EXTENSION auth_store;
    SELECT auth_store.client_create('Kept', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'kept',
        scope => 'read');
    SELECT auth_store.user_ensure('someone');
    CREATE TABLE tokens AS SELECT n, t.access_token AS token, t.grant_id FROM generate_series(1, 200) n,
        LATERAL auth_store.token_issue('kept', auth_store.user_ensure('someone'),
            claims => jsonb_build_object('n', n)) t;
    CREATE TABLE sessions AS SELECT n, s.session_token AS token FROM generate_series(1, 20) n,
        LATERAL auth_store.session_create(auth_store.user_ensure('someone'),
            metadata => jsonb_build_object('n', n)) s;
    -- Beside the row: too long for it, and not to be compressed.
    CREATE TABLE large AS SELECT t.access_token AS token, c.claims FROM (SELECT jsonb_build_object('large',
            string_agg(sha256(n::text::bytea)::text, '')) AS claims FROM generate_series(1, 200) n) c,
        LATERAL auth_store.token_issue('kept', auth_store.user_ensure('someone'), claims => c.claims) t});
my ($one) = split /\n/, value($node, $db, 'SELECT token FROM tokens WHERE n = 1');

# --- a value beside its row, found by the index and where it was -----------------------------------------------------

is(value($node, $db, q{SELECT bool_and(i.claims = l.claims) FROM generate_series(1, 3) n, large l,
    LATERAL auth_store.token_introspect(l.token || left(n::text, 0)) i}), 't', 'large claims come as they are');

# --- statistics ------------------------------------------------------------------------------------------------------

sub scans
{
    return value($node, $db, q{SELECT string_agg(idx_scan::text, ' ' ORDER BY indexrelname)
        FROM pg_stat_all_indexes WHERE indexrelname IN ('access_tokens_pkey', 'grants_pkey', 'sessions_pkey')});
}
my @before = split / /, scans();
value($node, $db, q{SELECT count(*) FROM tokens, auth_store.token_introspect(token);
    SELECT count(*) FROM sessions, auth_store.session_validate(token); SELECT pg_stat_force_next_flush()});
my @after = split / /, scans();
is(join(' ', map { $after[$_] - $before[$_] } 0 .. 2), '200 200 20', 'each search of an index counts once');
is(value($node, $db, q{SELECT count(*) FROM tokens, auth_store.token_introspect(token) i WHERE i.active}), '200',
    'and all are found');

# --- memory ----------------------------------------------------------------------------------------------------------

my $memory = q{SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'auth_store%'};
my $round = q{SELECT count(*) FROM generate_series(1, 50), LATERAL (SELECT * FROM tokens,
    auth_store.token_introspect(token)) t};
my ($first, $last) = (split /\n/, value($node, $db, "$round; $memory; $round; $round; $memory"))[1, 4];
is($last, $first, 'the memory stays as it is');
cmp_ok($last, '<', 1_000_000, 'and is little');

# --- an error in the middle of a search ------------------------------------------------------------------------------

my $file = $node->data_dir . '/' . value($node, $db, q{SELECT pg_relation_filepath('auth_store.grants_pkey')});
value($node, $db, 'CHECKPOINT');
$node->stop;
my $good = slurp_file($file);
open(my $spoiled, '+<', $file) or die "$file: $!";
binmode $spoiled;
seek($spoiled, 8192 + 1000, 0);
print $spoiled "\xff" x 100;
close $spoiled;
append_to_file("$file.good", $good);
$node->start;
my $look = "SELECT active FROM auth_store.token_introspect('$one')";
my $healed = run_sql($node, $db, "\\set ON_ERROR_STOP 0\n$look;\n$look;
\\! cat '$file.good' > '$file'
$look;\n$look;");
is($healed->{out}, "t\nt", 'the session goes on with a search of its own after the error');
is($healed->{state}, 'XX001', 'which was that of a page that cannot be read');
unlink "$file.good";

# --- a promotion -----------------------------------------------------------------------------------------------------

$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('promoted');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
my $promoted = value($standby, $db, "$look;\n$look;\nSELECT pg_promote();\n$look;
    SELECT auth_store.grant_revoke(grant_id) FROM tokens WHERE n = 1;\n$look;
    SELECT count(*) FROM tokens, auth_store.token_introspect(token) i WHERE i.active");
is($promoted, "t\nt\nt\nt\nt\nf\n199", 'a session of before the promotion reads on, and sees what ends');
$standby->stop;
$node->stop;
done_testing();

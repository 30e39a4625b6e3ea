# Buckets move from one server to another by the scripts of shard_move_sql(), under the load of clients that follow the
# map: nothing is lost and nothing is there twice. What a name leads to, a move that is cancelled half way, servers that
# restart in it, and what the scripts refuse.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Moving;
use PostgreSQL::Test::Utils;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

new_pair();

# --- what is refused -------------------------------------------------------------------------------------------------

raises($one, 'store', "SELECT auth_store.shard_move_sql($first, $last, 'x', 'y', '0-4095', '', 'all')", '22023',
    'another part');
raises($one, 'store', "SELECT auth_store.shard_move_sql($first, 4096, 'x', 'y', '0-4095', '', 'copy')", '22023',
    'a bucket that there is not');
raises($one, 'store', "SELECT auth_store.shard_move_sql($first, $last, E'x\\n\\\\! ls', 'y', '0-4095', '', 'copy')",
    '22023', 'a connection string of two lines');
raises($one, 'store', "CALL auth_store.shard_forget($first, $last, '{}')", '55000', 'buckets that live here');
raises($one, 'store', "CALL auth_store.shard_forget($first, $last, '{[0,4095]}')", '22023', 'buckets that stay');
refused('switch', qr/there is no copy/, 'a switch before the copy');
moves('cancel', 'a cancel before the copy has nothing to do');
refused('forget', qr/are not fenced at the source/, 'what was not switched is not forgotten');

# --- half way and back -----------------------------------------------------------------------------------------------

# What has ended, and what is sealed in a tenant that seals nothing at the target.
value($one, 'store', "UPDATE auth_store.access_tokens t SET expires_at = now() - interval '1 day'
    FROM auth_store.grants g WHERE g.id = t.grant_id AND g.user_id = '$made->{acme}{user}'");
my $sealed = value($one, 'store', "SELECT auth_store.user_ensure('sealed ' || n, 'globex')
    FROM generate_series(1, 100000) n
    WHERE $range @> auth_store.user_bucket('globex', 'sealed ' || n, 'external') LIMIT 1");
value($one, 'store', "SELECT auth_store.connection_store('slack', '$sealed', 'of globex', tenant_id => 'globex')");
my $ended = "SELECT count(*) FROM auth_store.access_tokens
    WHERE $range @> auth_store.id_bucket(id) AND expires_at < now()";
cmp_ok(value($one, 'store', $ended), '>', 1, 'tokens have ended');
# Rows that move, for others to collide with.
my $mover = $made->{acme}{user};
my ($passkey, $device) = (row_of("passkeys t WHERE user_id = '$mover'"),
    row_of('device_codes t ORDER BY user_id IS NOT NULL'));
insert_like($one, 'passkeys', $passkey, id => "'$mover'", credential_id => q{'\x0102'});
insert_like($one, 'device_codes', $device, id => "'$mover'", user_code_digest => 'sha256($$collides$$)');
my ($marks, $before) = (marks($one), rows($one, 'moving'));
my $others = rows($one, 'others');
cmp_ok(count_of($before), '>', 15, 'there is much to move');
my $stays = user_that($two, 'false', my $known_there = name_that('true', 'there'));
# Each has a key of its own that seals for the tenant.
value($two, 'store', "SELECT auth_store.connection_store('slack', '$stays', 'of the target', tenant_id => 'acme')");
my $seals = "SELECT id FROM auth_store.vault_keys WHERE tenant_id = 'acme' AND retired_at IS NULL";
my $own_key = value($two, 'store', $seals);
isnt($own_key, value($one, 'store', $seals), 'both sides seal with a key of their own');
value($two, 'store', "SELECT auth_store.token_issue('$made->{acme}{client}', '$stays')");
# An account of a user who stays, with a bucket that moves.
sub account_that_moves
{
    my ($node, $user) = @_;
    my $subject = value($one, 'store', "SELECT n FROM generate_series(1, 100000) n
        WHERE $range @> auth_store.user_bucket('acme', 'google $user' || n, 'identity') LIMIT 1");
    value($node, 'store', "SELECT error FROM auth_store.identity_link('$user', 'google', '$user$subject')");
    return "'google', '$user$subject'";
}
sub logs_in
{
    my ($node, $user, $account, $name) = @_;
    is(value($node, 'store', "SELECT user_id FROM auth_store.identity_login($account, tenant_id => 'acme')"), $user,
        "$name logs in with an account whose bucket moves");
    raises($node, 'store', "SELECT auth_store.identity_unlink('$user', $account, allow_last => true)", '55006',
        'and keeps it');
}
my $account = account_that_moves($two, $stays);

# A credential of somebody else, which each database has for itself.
insert_like($two, 'passkeys', $passkey, id => "'$stays'", user_id => "'$stays'", credential_id => q{'\x0102'});
refused('copy', qr/passkeys: $mover of user $mover at the source, $stays at the target/, 'a credential on both sides');
value($two, 'store', "DELETE FROM auth_store.passkeys WHERE id = '$stays'");
# A copy that does not end.
insert_like($two, 'device_codes', $device, id => "'$stays'", user_id => 'NULL',
    user_code_digest => 'sha256($$collides$$)');
refused('copy', qr/the target cannot take the rows\nDETAIL:  Not copied: [^\n]*device_codes/, 'a row that collides');
refused('switch', qr/not all tables are copied\nDETAIL:  Not copied: [^\n]*device_codes/, 'a switch half way');
is(value($one, 'store', 'SELECT auth_store.shard_fenced()'), '{}', 'fences nothing at the source');
value($two, 'store', "CALL auth_store.shard_unfence($first, $last)");
value($one, 'store', "CALL auth_store.shard_fence($first, $last)");
refused('forget', qr/not all tables are copied/, 'nothing is forgotten half way');
same_rows(rows($one, 'moving'), $before, 'all is at the source');
value($one, 'store', "CALL auth_store.shard_unfence($first, $last)");
refused('cancel', qr/CALL auth_store.shard_fence\(\) at the target/, 'what nothing fences at the target');
value($two, 'store', "CALL auth_store.shard_fence($first, $last)");
refused('copy', qr/a copy of these buckets was begun\nHINT:  Run the part cancel/, 'a second copy over the first');
moves('cancel', 'the copy is cancelled');
moves('cancel', 'and once more');
value($two, 'store', "DELETE FROM auth_store.device_codes WHERE id = '$stays'");
my $two_before = contents($two, 'store');
moves('copy', 'a copy');
same_rows(rows($two, 'moving'), $before, 'has the rows of these buckets');
is(value($two, 'store', $seals), $own_key, 'keys that arrive seal nothing at the target');
raises($two, 'store', 'CALL auth_store.vault_rekey()', '55000', 'nor is one deleted before what it opens arrives');
raises($two, 'store', "INSERT INTO auth_store.users SELECT * FROM auth_store.users
    WHERE id = '$made->{acme}{user}'", '55006', 'nobody else writes rows of these buckets there');
raises($two, 'store', "SELECT auth_store.user_grants_revoke('$made->{acme}{user}')", '55006', 'or changes them');
raises($two, 'store', "SELECT auth_store.client_delete('$made->{acme}{client}')", '55006', 'or what they refer to');
raises($two, 'store', "SELECT auth_store.client_grants_revoke('$made->{acme}{client}')", '55006',
    'or grants of a client that arrive');
logs_in($two, $stays, $account, 'who stays at the target');
value($two, 'store', 'CALL auth_store.cleanup()');
same_rows(rows($two, 'moving'), $before, 'nor does cleanup() delete what arrives');
raises($two, 'store', "UPDATE auth_store.user_names SET user_id = '$mover' WHERE user_id = '$stays'", '55006',
    'a name that moves stays with its user');
my $checked = run_sql($two, 'store', 'SELECT object, problem FROM auth_store.check()')->{out};
like($checked, qr/^buckets \{\[$first,\d+\)\}\|are fenced/m, 'check() says that buckets are fenced');
unlike($checked, qr/auth_store_fence|auth_store_arrival/, 'and nothing of each trigger');
refused('copy', qr/a copy of these buckets was begun/, 'a second copy over a whole one');
$two->restart;
moves('cancel', 'the copy is cancelled');
same_rows(rows($one, 'moving'), $before, 'the rows are where they were');
is(count_of(rows($two, 'moving')), 0, 'nothing of these buckets is left at the target');
# JWT ids, and the keys, harm nobody. Somebody has logged in above, and cleanup() was there.
my $two_after = contents($two, 'store');
for my $of ($two_before, $two_after)
{
    delete @$of{ grep { /^(?:claimed_jtis|revoked_jtis|vault_keys|password_peppers)/
        || /^(?:identities|cleanup_cursors|audit_log.*)$/ } keys %$of };
}
is(differences($two_before, $two_after), '', 'and nothing else is');
is(marks($_), $marks, 'nor a trigger') for $one, $two;
is(value($two, 'store', "SELECT (auth_store.identity_unlink('$stays', $account, allow_last => true)).error"), '',
    'who stays can change accounts again');
is(value($one, 'store', 'SELECT (SELECT count(*) FROM pg_replication_slots WHERE slot_name ~ $$^auth_store$$)
    + (SELECT count(*) FROM pg_publication WHERE pubname ~ $$^auth_store$$)'), '0', 'nor a slot or publication');

# --- under load ------------------------------------------------------------------------------------------------------

# Which server has these buckets; all others stay with the first.
my $map = "$dir/map";
sub flip { my ($name) = @_; append_to_file("$map.new", $name); rename "$map.new", $map or die $! }
flip('one');
sub home { my ($moves) = @_; return $node{ $moves ? slurp_file($map) : 'one' } }

# A call for a user, repeated by the map of the moment until no fence refuses it.
sub follows
{
    my ($moves, $sql) = @_;
    for (1 .. 2000)
    {
        my $result = run_sql(home($moves), 'store', $sql);
        return $result->{out} if $result->{ok};
        return "$result->{state}: $result->{message}" if $result->{state} ne '55006' && $result->{state} ne '';
        sleep 0.02;
    }
    return 'was refused for too long';
}

my $tv = $made->{acme}{device_client};
my $clients = 3;
# Four users a client, of whom two move. They refresh their tokens until the end, and each round a user is new.
sub client
{
    my ($n) = @_;
    my @users;
    for my $k (0 .. 3)
    {
        my $moves = $k % 2;
        my $id = value($one, 'store', "SELECT n FROM generate_series(1, 100000) n WHERE $range @>
            auth_store.user_bucket('acme', '$n/$k/' || n, 'external') = ${\($moves ? 'true' : 'false')} LIMIT 1");
        my ($grant, $token) = split /\|/, value($one, 'store', "SELECT grant_id, refresh_token
            FROM auth_store.token_issue('$tv', auth_store.user_ensure('$n/$k/$id', 'acme'), refresh => true)");
        push @users, { moves => $moves, grant => $grant, token => $token, count => 0 };
    }
    append_to_file("$dir/ready", '.');
    my ($problem, $round, @new) = ('', 0);
    until (-e "$dir/enough")
    {
        $round++;
        for my $user (@users)
        {
            my $out = follows($user->{moves}, "SELECT coalesce(error, 'none'), refresh_token, access_token
                FROM auth_store.token_refresh('$user->{token}', '$tv')");
            my ($error, $token, $access) = split /\|/, $out;
            if ($error ne 'none') { $problem .= "refresh: $out\n"; last }
            @$user{qw(token access)} = ($token, $access);
            $user->{count}++;
        }
        my $name = "new/$n/$round";
        my $moves = value($one, 'store', "SELECT $range @> auth_store.user_bucket('acme', '$name', 'external')") eq 't';
        my $out = follows($moves, "SELECT auth_store.user_ensure('$name', 'acme')");
        if ($out =~ /^[0-9a-f-]{36}$/) { push @new, "$name $moves $out" } else { $problem .= "$name: $out\n" }
    }
    append_to_file("$dir/client.$n", join "\n", $problem eq '' ? 'well' : $problem,
        (map { "user $_->{moves} $_->{grant} $_->{count} $_->{token} $_->{access}" } @users), map { "new $_" } @new);
}

my @pids;
for my $n (1 .. $clients)
{
    my $pid = fork // die $!;
    if (!$pid) { eval { client($n) }; append_to_file("$dir/client.$n", $@) if $@; POSIX::_exit(0) }
    push @pids, $pid;
}
sleep 0.05 until -e "$dir/ready" && length(slurp_file("$dir/ready")) == $clients;

# Names: of users who move, with their own buckets and without, and of users who stay on either side, with names that
# move.
my $known = user_that($one, 'true', my $known_name = name_that('true', 'known'));
my $left = user_that($one, 'true', my $left_name = name_that('false', 'left'));
my $keeps = user_that($one, 'false', my $kept_name = name_that('true', 'kept'));
claims($one, $stays, $known_there);
my $kept_account = account_that_moves($one, $keeps);
# Of users who are erased at the target, before the source forgets and after.
my $soon = user_that($one, 'true', my $soon_name = name_that('false', 'soon'));
my $later = user_that($one, 'true', my $later_name = name_that('false', 'later'));
# A client whose owner moves.
value($one, 'store', "UPDATE auth_store.clients SET owner_id = '$known' WHERE id = '$made->{acme}{client}'");
# A device code of the client's own bucket, used by a user who moves.
value($one, 'store', "UPDATE auth_store.device_codes SET user_id = '$later' WHERE id = (SELECT min(id::text)::uuid
    FROM auth_store.device_codes WHERE NOT $range @> auth_store.id_bucket(id))");
my $devices = "SELECT count(*) FROM auth_store.device_codes WHERE user_id = '$later'";

moves('copy', 'a copy under load');
$one->reload;
sleep 1;
moves('switch', 'the switch');
sleep 0.3;
flip('two');
sleep 1;
append_to_file("$dir/enough", '.');
waitpid $_, 0 for @pids;

raises($one, 'store', "UPDATE auth_store.users SET first_name = 'x' WHERE id = '$made->{acme}{user}'", '55006',
    'who has an old map is refused at the source',
    hint => 'Look the bucket up in the map again; until it names another shard, wait and repeat the call');
raises($one, 'store', "SELECT auth_store.client_grants_revoke('$made->{acme}{client}')", '55006',
    'so are calls for all users, which would be lost');
logs_in($one, $keeps, $kept_account, 'who stays at the source');
raises($one, 'store', 'CALL auth_store.vault_rekey()', '55000', 'and what would seal rows anew');
my $left_there = rows($one, 'moving');
value($one, 'store', 'CALL auth_store.cleanup()');
same_rows(rows($one, 'moving'), $left_there, 'but cleanup() goes on without them');
same_rows({ passwords => rows($two, 'moving')->{passwords} }, { passwords => rows($one, 'moving')->{passwords} },
    'a table that nobody wrote to is the same on both');

my ($rotated, $made_anew) = (0, 0);
for my $n (1 .. $clients)
{
    my ($how, @lines) = split /\n/, slurp_file("$dir/client.$n");
    is($how, 'well', "client $n met nothing but fences");
    for (@lines)
    {
        my ($kind, @of) = split / /;
        if ($kind eq 'user')
        {
            my ($moves, $grant, $count, $token, $access) = @of;
            my $node = $moves ? $two : $one;
            is(value($node, 'store', "SELECT g.rotation_count,
                (SELECT active FROM auth_store.token_introspect('$access')),
                (SELECT count(*) FROM auth_store.access_tokens a WHERE a.grant_id = g.id)
                FROM auth_store.grants g WHERE g.id = '$grant'"), "$count|t|" . ($count + 1),
                "client $n: each refresh of a user counted once, and gave a token that is there");
            $rotated += $count;
            next;
        }
        my ($name, $moves, $user) = @of;
        my $found = "SELECT user_id FROM auth_store.user_find('$name', kind => 'external', tenant_id => 'acme')";
        my @found = map { value($_, 'store', $found) } $moves ? ($two, $one) : ($one, $two);
        is($found[0], $user, "$name is the user that was made") if $found[0] ne $user;
        is($found[1], '', "$name is nowhere else") if !$moves && $found[1] ne '';
        $made_anew++;
    }
}
cmp_ok($rotated, '>', 4 * $clients, "$rotated tokens were refreshed meanwhile");
cmp_ok($made_anew, '>', $clients, "$made_anew users were new");

# --- forgotten at the source -----------------------------------------------------------------------------------------

my $there = rows($two, 'moving');
raises($one, 'store', "CALL auth_store.shard_forget($first, $last, '{}')", '55000', 'while they are published');
value($two, 'store', "SELECT auth_store.user_erase('$soon')");
$there = rows($two, 'moving');
is(value($one, 'store', "SELECT auth_store.user_name_release('$soon', 'username', '$soon_name', 'acme')"), 't',
    'the name of a user who is gone is released');
moves('forget', 'the source forgets');
same_rows(rows($two, 'moving'), $there, 'and the target nothing');
is(held($one, $soon_name), '', 'nobody has the name of who was erased');
is(held($one, $later_name), "claim of $later", 'another one is claimed');
is(value($one, 'store', $devices), '1', 'so is the device that was used');
value($two, 'store', "SELECT auth_store.user_erase('$later')");
value($one, 'store', "SELECT auth_store.user_erase('$later')");
is(held($one, $later_name), '', 'until the user is erased there too');
is(value($one, 'store', $devices), '0', 'nothing of the device is left either');
is(value($one, 'store', "SELECT count(*) FROM auth_store.clients c WHERE owner_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM auth_store.users u WHERE u.id = c.owner_id)"), '0',
    'no client has an owner who is gone');
is(count_of(rows($one, 'moving')), 0, 'all of these buckets');
is(held($two, $known_name), "name of $known", 'a name that moved with its user');
is(held($one, $known_name), '', 'is not at the source');
is(held($two, $left_name), "name of $left", 'a user who moved has the name');
is(held($one, $left_name), "claim of $left", 'which is looked up at the source, where a claim leads to the user');
is(held($two, $kept_name), "claim of $keeps", 'a name that moved leads to the user who stayed');
is(held($one, $kept_name), "name of $keeps", 'who keeps it');
is(held($two, $known_there), "claim of $stays and name of $stays", 'a name that moved to its user');
is(held($one, $known_there), '', 'is not at the source');
is(value($two, 'store', "SELECT error FROM auth_store.user_name_add(auth_store.user_ensure('other', 'acme'), 'username',
    '$kept_name')"), 'name_taken', 'nobody else gets a name that moved');
is($_->[1]{out}, '', "$_->[0]: check() has nothing to say")
  for map { [ $_, run_sql($node{$_}, 'store', 'SELECT object, problem FROM auth_store.check()') ] } qw(one two);
is(value($one, 'store', "SELECT (SELECT count(*) FROM auth_store.audit_log WHERE user_id = '$made->{acme}{user}') > 0"),
    't', 'what has happened there stays in its trail');
is(marks($one), $marks, 'the source has neither a fence nor whole identities');
is(value($two, 'store', "SELECT access_token FROM auth_store.connection_get('slack', '$made->{acme}{user}', 'user',
    'acme')"), 'of the vault', 'what the vault sealed opens at the target');
value($two, 'store', 'CALL auth_store.vault_rekey()');
is(value($two, 'store', q{SELECT (SELECT count(*) FROM auth_store.vault_keys WHERE retired_at IS NOT NULL)
    + (SELECT count(*) FROM auth_store.vault_check() WHERE NOT readable)}), '0', 'and is sealed by its own keys');
is(value($two, 'store', "SELECT access_token FROM auth_store.connection_get('slack', '$sealed', 'user', 'globex')"),
    'of globex', 'of which each tenant gets one');
value($two, 'store', 'CALL auth_store.cleanup()');
is(value($two, 'store', $ended), '0', 'cleanup() at the target deletes what has ended');
$there = rows($two, 'moving');

# --- and back --------------------------------------------------------------------------------------------------------

my $new_there = rows($two, 'others');
moves($_, "$_ of the way back", from => 'two', to => 'one') for qw(copy switch forget);
same_rows(rows($one, 'moving'), $there, 'all is at the first server again');
is(count_of(rows($two, 'moving')), 0, 'and nothing at the second');
is(held($one, $left_name), "claim of $left and name of $left", 'name and user are together again');
is(held($one, $kept_name), "claim of $keeps and name of $keeps", 'and so are these');
is(held($two, $_), '', 'and nothing of it at the second') for $left_name, $kept_name;
my $claim_all = "SELECT auth_store.shard_names_claim('{[0,4096)}', '{[0,4096)}')";
cmp_ok(value($one, 'store', $claim_all), '>', 5, 'names are claimed');
is(value($one, 'store', $claim_all), '0', 'once, so that the second time has little to do');

# --- a trigger that has only the name ---------------------------------------------------------------------------------

value($one, 'store', q{CREATE FUNCTION public.looks_on() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER auth_store_arrival BEFORE INSERT ON auth_store.users
        FOR EACH ROW EXECUTE FUNCTION public.looks_on()});
is(value($one, 'store', q{SELECT object FROM auth_store.check() WHERE problem ~ 'trigger auth_store_arrival'}),
    'table users', 'check() tells of it');

# --- health ----------------------------------------------------------------------------------------------------------

my $health = q{SELECT status, detail ~ '^the publisher was heard' FROM auth_store.health()
    WHERE check_name = 'subscription registry'};
is(value($two, 'store', $health), 'ok|t', 'health() has a row for a subscription');
value($two, 'store', 'ALTER SUBSCRIPTION registry DISABLE');
is(value($two, 'store', $health), 'fail|f', 'which says that it is disabled');
is(value($one, 'store', q{SELECT count(*) FROM auth_store.health() WHERE check_name ~ '^subscription'}), '0',
    'and none where there is none');
value($two, 'store', 'DROP SUBSCRIPTION registry');
$_->stop for $one, $two;
done_testing();

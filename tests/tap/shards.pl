# The store over two databases, as docs/how-to/shards_users.md says: one user for all names, though two sign up at once,
# also where one of them gives up in the middle; a name is changed; a user is erased; a device logs a user of the other
# shard in. Each shard is a database here.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('shards');
$node->append_conf('postgresql.conf', 'auth_store.sharded = on');
$node->restart;
# Even buckets live on one shard, odd ones on the other.
my @shards = qw(even odd);
for my $shard (@shards)
{
    value($node, 'postgres', "CREATE DATABASE $shard TEMPLATE template0 ENCODING 'UTF8'");
    value($node, $shard, 'CREATE EXTENSION auth_store');
    value($node, $shard, "SELECT FROM auth_store.client_create('TV', client_id => 'tv', client_type => 'public',
        grant_types => ARRAY['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'])");
}

# What a client of a shard does: the shard of a bucket, and a call there.
sub shard_of { my ($bucket) = @_; return $shards[ $bucket % 2 ] }
sub bucket { my ($call) = @_; return value($node, 'even', "SELECT auth_store.$call") }
sub of_name { my ($kind, $name) = @_; return shard_of(bucket("user_bucket('default', '$name', '$kind')")) }
sub of_id { my ($id) = @_; return shard_of(bucket("id_bucket('$id')")) }
sub on { my ($shard, $call) = @_; return value($node, $shard, "SELECT $call") }

# A name of this kind whose shard is this.
my $numbers = 0;
sub name_on
{
    my ($kind, $shard) = @_;
    my $odd = $shard eq 'odd' ? 1 : 0;
    my ($before, $behind) = ($kind eq 'identity' ? 'google ' : '', $kind eq 'email' ? '@example.com' : '');
    my $name = value($node, 'even', "SELECT n.n || ' ' || n.name FROM (SELECT n, '${before}n' || n || '$behind' AS name
        FROM generate_series($numbers + 1, $numbers + 100) n) n
        WHERE auth_store.user_bucket('default', n.name, '$kind') % 2 = $odd ORDER BY n.n LIMIT 1");
    ($numbers, $name) = split / /, $name, 2;
    return $name;
}

# The steps of a sign-up by an address and a user name, in the order of the page.
sub begin
{
    my ($email, $username) = @_;
    return { email => $email, username => $username, id => bucket("user_id_new('$email', 'email')") };
}

sub claim
{
    my ($user) = @_;
    return on(of_name(username => $user->{username}),
        "claimed FROM auth_store.user_name_claim('$user->{id}', 'username', '$user->{username}')");
}

sub create
{
    my ($user) = @_;
    my $shard = of_name(email => $user->{email});
    my $error = on($shard, "error FROM auth_store.user_create('$user->{email}', id => '$user->{id}')");
    return $error || on($shard, "error FROM auth_store.user_name_add('$user->{id}', 'username', '$user->{username}')");
}

sub confirm
{
    my ($id) = @_;
    my @claimed;
    for my $line (split /\n/, on(of_id($id), "kind, name FROM auth_store.user_claims('$id')"))
    {
        my ($kind, $name) = split /\|/, $line;
        push @claimed,
            on(of_name($kind, $name), "claimed FROM auth_store.user_name_confirm('$id', '$kind', '$name')");
    }
    return "@claimed";
}

sub give_up
{
    my ($user) = @_;
    return on(of_name(username => $user->{username}),
        "auth_store.user_name_release('$user->{id}', 'username', '$user->{username}')");
}

sub locate { my ($kind, $name) = @_; return on(of_name($kind, $name), "auth_store.user_locate('$name', '$kind')") }

# What is in all shards, of users with these names: ids, and claims that lead nowhere.
sub users
{
    return join ' ', sort map { split /\n/, on($_, "u.id FROM auth_store.users u") } @shards;
}
sub dangling
{
    my @ids = map { split /\n/, on($_, 'id FROM auth_store.users') } @shards;
    my %there = map { $_ => 1 } @ids;
    my @claimed = map { split /\n/, on($_, 'user_id FROM auth_store.user_name_claims') } @shards;
    return join ' ', grep { !$there{$_} } @claimed;
}

# --- the same user twice at once -------------------------------------------------------------------------------------

my ($email, $username) = (name_on(email => 'even'), name_on(username => 'odd'));
my ($one, $two) = (begin($email, $username), begin($email, $username));
isnt($one->{id}, $two->{id}, 'two sign-ups have ids of their own');
is(of_id($one->{id}), 'even', 'on the shard of the address');
is(claim($one), 't', 'the first one claims the user name on the other shard');
is(claim($two), 'f', 'the second one is refused');
is(create($one), '', 'the first one is made');
is(create($two), 'email_taken', 'and the second one is refused, had it gone on');
is(give_up($two), 'f', 'it has nothing to give up');
is(locate(username => $username), '', 'nobody is found by the user name yet');
is(confirm($one->{id}), 't', 'the claim is confirmed');
is(locate(username => $username), $one->{id}, 'and the user found by it');
is(locate(email => $email), $one->{id}, 'and by the address');
is(users(), $one->{id}, 'there is one user');

# --- twice at once by two names, each with another first name --------------------------------------------------------

# One signs up by an address, the other by an account with the same address, and each begins with what it knows.
my ($mail, $account) = (name_on(email => 'even'), name_on(identity => 'odd'));
my $by_mail = bucket("user_id_new('$mail', 'email')");
my $by_account = bucket("user_id_new('$account', 'identity')");
is(on('odd', "claimed FROM auth_store.user_name_claim('$by_mail', 'identity', '$account')"), 't',
    'one claims the account');
is(on('even', "claimed FROM auth_store.user_name_claim('$by_account', 'email', '$mail')"), 't',
    'the other one the address');
is(on('even', "error FROM auth_store.user_create('$mail', id => '$by_mail')"), 'email_taken', 'so neither is made');
is(on('odd', "error FROM auth_store.user_create(NULL, id => '$by_account')"), '', 'the user without a name is');
my ($provider, $subject) = split / /, $account;
is(on('odd', "error FROM auth_store.identity_link('$by_account', '$provider', '$subject')"), 'identity_taken',
    'but does not get the account');
on('odd', "FROM auth_store.user_erase('$by_account')");
is(on('even', "auth_store.user_name_release('$by_account', 'email', '$mail')"), 't', 'one gives up');
is(on('even', "error FROM auth_store.user_create('$mail', id => '$by_mail')"), '', 'and the other one is made');
is(on('even', "error FROM auth_store.identity_link('$by_mail', '$provider', '$subject')"), '', 'with the account');
is(confirm($by_mail), 't', 'and confirms it');
is(locate(identity => $account), $by_mail, 'which leads to the user');
is(dangling(), '', 'no claim leads to nobody');

# --- given up in the middle ------------------------------------------------------------------------------------------

my $lost = begin(name_on(email => 'odd'), name_on(username => 'even'));
is(claim($lost), 't', 'a sign-up claims a name, and is never heard of again');
is(dangling(), $lost->{id}, 'its claim leads to nobody');
my $next = begin($lost->{email}, $lost->{username});
is(claim($next), 'f', 'and keeps others off');
value($node, 'even', "UPDATE auth_store.user_name_claims SET pending_until = now() WHERE user_id = '$lost->{id}'");
value($node, 'even', 'SELECT auth_store.cleanup_expired_data()');
is(dangling(), '', 'until it lapses, and cleanup deletes it');
is(claim($next) . create($next) . confirm($next->{id}), 'tt', 'then the name is free');
# Made, but not confirmed.
my $crashed = begin(name_on(email => 'odd'), name_on(username => 'even'));
is(claim($crashed) . create($crashed), 't', 'another one is made, and the program ends before it confirms');
value($node, 'even', "UPDATE auth_store.user_name_claims SET pending_until = now() WHERE user_id = '$crashed->{id}'");
value($node, 'even', 'SELECT auth_store.cleanup_expired_data()');
is(locate(email => $crashed->{email}), $crashed->{id}, 'the next try finds the user by the first name');
is(confirm($crashed->{id}), 't', 'and confirms the others');
is(locate(username => $crashed->{username}), $crashed->{id}, 'as if nothing had happened');

# --- another address -------------------------------------------------------------------------------------------------

my $other = name_on(email => 'odd');
my $id = $one->{id};
is(on('odd', "claimed FROM auth_store.user_name_claim('$id', 'email', '$other')"), 't', 'another address is claimed');
is(on('even', "error FROM auth_store.user_update('$id', '{\"email\": \"$other\"}')"), '', 'given to the user');
is(confirm($id), 't t', 'and confirmed');
is(locate(email => $other), $id, 'the user is found by it, and keeps the id');
is(locate(email => $email), '', 'and by the former one no longer');
is(on('even', "error FROM auth_store.user_create('$email')"), '', 'which is free');
is(on('odd', "error FROM auth_store.user_create('$other')"), 'email_taken', 'the new one is not');

# --- the end of a user -----------------------------------------------------------------------------------------------

on($_, "auth_store.user_name_release('$id', NULL, NULL)") for @shards;
is(on('even', "auth_store.user_erase('$id') ->> 'user_id'"), $id, 'the user is erased');
is(locate(email => $other) . locate(username => $username), '', 'found by no name');
is(on('odd', "error FROM auth_store.user_create('$other')"), '', 'and the names are free');
is(dangling(), '', 'no claim leads to nobody');

# --- a log-in by a provider ------------------------------------------------------------------------------------------

my ($own, $known) = (name_on(identity => 'odd'), name_on(identity => 'odd'));
my ($far, $near) = (name_on(email => 'even'), name_on(email => 'odd'));
sub login
{
    my ($account, $address, $what) = @_;
    my ($provider, $subject) = split / /, $account;
    return "$what FROM auth_store.identity_login('$provider', '$subject', '$address', true, link_by_email => true)";
}
# On the shard of the account nobody is made with an address of another bucket, though both may be here today.
for my $address ($far, $near)
{
    raises($node, 'odd', 'SELECT ' . login($own, $address, 'user_id'), '55000', "an address elsewhere: $address",
        hint => "ask user_locate(email, 'email') on the shard of the address, user_name_claim() the account for that "
            . "user or for a new one's id, and go on at that user's shard");
}
is(locate(email => $far) . locate(identity => $own), '', 'both are nobody\'s');
my $new = bucket("user_id_new('$far', 'email')");
is(on('odd', "claimed FROM auth_store.user_name_claim('$new', 'identity', '$own')"), 't', 'the account is claimed');
($provider, $subject) = split / /, $own;
is(value($node, 'even', "BEGIN; SELECT error FROM auth_store.user_create('$far', id => '$new');
    SELECT token FROM auth_store.email_verification_start('$new', '$far') \\gset
    SELECT error FROM auth_store.email_verification_finish(:'token');
    SELECT error FROM auth_store.identity_link('$new', '$provider', '$subject'); COMMIT"), "\n\n", 'the user is made');
is(confirm($new), 't', 'and the claim confirmed');
is(locate(identity => $own), $new, 'the account leads to the user');
is(on('even', login($own, $far, 'user_id, created')), "$new|f", 'who logs in there');
raises($node, 'odd', 'SELECT ' . login($own, $far, 'user_id'), '55000', 'and nowhere else',
    hint => "ask user_locate() for the user, and call this on the user's shard");
# Another account of the same address is linked on the shard of the user.
is(locate(identity => $known) . ' ' . locate(email => $far), " $new", 'the address is known');
is(on('odd', "claimed FROM auth_store.user_name_claim('$new', 'identity', '$known')"), 't', 'an account is claimed');
is(on('even', login($known, $far, 'user_id, created, linked')), "$new|f|t", 'and linked by the address');
is(confirm($new), 't t', 'and confirmed');
is(locate(identity => $known), $new, 'it leads to the user');
is(dangling(), '', 'no claim leads to nobody');

# --- a device --------------------------------------------------------------------------------------------------------

my $home = shard_of(bucket("client_bucket('tv')"));
my ($away) = grep { $_ ne $home } @shards;
my $watcher = begin(name_on(email => $away), name_on(username => $home));
is(create($watcher), '', 'a user lives on the shard that the device code is not on');
my ($device_code, $user_code) = split /\|/, on($home, "device_code, user_code FROM auth_store.device_authorize('tv')");
is(shard_of(bucket("user_code_bucket('$user_code')")), $home, 'the user code leads to its shard');
my $poll = "FROM auth_store.device_hand_over('$device_code', 'tv')";
is(on($home, "error $poll"), 'authorization_pending', 'the device polls');
my $session = on($away, "session_id FROM auth_store.session_create('$watcher->{id}')");
is(on($home, "error FROM auth_store.device_approve_elsewhere('$user_code', '$watcher->{id}', '$session')"), '',
    'the user agrees');
my $hand_over = on($home, "hand_over $poll");
my $user_id = on($home, "user_id $poll");
is(of_id($user_id), $away, 'the next poll leads to the shard of the user');
is(on($home, "hand_over $poll"), $hand_over, 'again, where the answer was lost');
my $token = on($away, "access_token FROM auth_store.device_accept('$hand_over')");
is(on($away, "user_id FROM auth_store.token_introspect('$token')"), $watcher->{id}, 'which gives tokens');
is(shard_of(bucket("token_bucket('$token')")), $away, 'that lead to the shard of the user');
value($node, $away, "SET auth_store.code_replay_grace = 0; SELECT error FROM auth_store.device_accept('$hand_over')");
is(on($away, "active FROM auth_store.token_introspect('$token')"), 'f', 'a replay ends them');
is(on($away, "auth_store.id_bucket(id) FROM auth_store.device_codes"), bucket("id_bucket('$watcher->{id}')"),
    'what says that the code was accepted is in the bucket of the user');
is(on($_, 'count(*) FROM auth_store.check()'), 0, "check() on $_") for @shards;

$node->stop;
done_testing();

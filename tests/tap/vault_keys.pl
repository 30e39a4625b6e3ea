# Master keys: where they come from, what is refused and how it is said, when they are read, and
# who sees anything of them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_server('vault_keys');
my $db = 'postgres';
my $keys = $node->basedir . '/master.key';
my $good = slurp_file($keys);
my ($first) = $good =~ /^first: (.*)$/m;
value($node, $db, 'CREATE EXTENSION auth_store');
value($node, $db,
    q{CREATE ROLE web LOGIN; GRANT auth_store_app TO web; CREATE ROLE boss LOGIN; GRANT auth_store_admin TO boss});
my $get = "SELECT access_token || refresh_token FROM auth_store.connection_get('github', 'u')";
my $store = sub { my ($actor) = @_;
    "SELECT auth_store.connection_store('github', '$actor', 'access', 'refresh') IS NOT NULL" };
value($node, $db, $store->('u'), user => 'web');
is(value($node, $db, $get, user => 'web'), 'accessrefresh', 'a connection is stored and read');

sub write_keys
{
    my ($text, $mode) = @_;
    unlink $keys;
    append_to_file($keys, $text);
    chmod $mode // 0600, $keys or die "$keys: $!";
}
sub line { my ($id, $byte) = @_; return "$id: " . encode_base64(chr($byte) x 32, '') . "\n"; }

# Settings of the server's configuration: name => value, or undef to take it out.
sub configure
{
    my (%settings) = @_;
    for (sort keys %settings)
    {
        value($node, $db, defined $settings{$_}
            ? "LOAD 'auth_store'; ALTER SYSTEM SET auth_store.$_ = " . AuthStore::quote($settings{$_})
            : "ALTER SYSTEM RESET auth_store.$_");
    }
    $node->reload;
    sleep 0.3;
}

# Test: reading and storing are refused with an error of the contract that says this, shows no key and names no file.
sub refused
{
    my ($name, $says, $hint) = @_;
    for my $sql ($get, $store->('u'), "SELECT auth_store.webhook_create('https://hooks.example/', ARRAY['*'])")
    {
        my $result = run_sql($node, $db, $sql, user => 'web');
        is($result->{ok} ? 'ok' : $result->{state}, '55000', "$name: refused") or diag($result->{err});
        like($result->{message} // '', $says, "$name: says why");
        like($result->{hint} // '', $hint // qr/operator must mend it/, "$name: and what to do");
        unlike($result->{err}, qr/\Q$first\E|[A-Za-z0-9+\/]{30}|master\.key/, "$name: shows nothing of the keys");
    }
}

# --- the file --------------------------------------------------------------------------------------------------------

my $names = qr/the file that auth_store.master_key_file names is unusable: /;
for my $mode (0640, 0604, 0620, 0610, 0666)
{
    write_keys($good, $mode);
    refused(sprintf('mode %04o', $mode),
        qr/${names}it is accessible to group or others; its mode must be 0600 or 0400/);
}
write_keys($good, 0400);
is(value($node, $db, $get, user => 'web'), 'accessrefresh', 'mode 0400 is as good as 0600');
unlink $keys;
refused('no file', qr/${names}No such file or directory/);
mkdir $keys, 0700;
refused('a directory', qr/${names}it is no regular file/);
rmdir $keys;
system_or_bail('mkfifo', '-m', '0600', $keys);
refused('a pipe that nobody writes to', qr/${names}it is no regular file/);
for my $case (
    [ 'empty', '', qr/the vault has no master key/, qr/vault_key_generate/ ],
    [ 'only comments', "# nothing\n\n", qr/the vault has no master key/, qr/vault_key_generate/ ],
    [ 'a key without a name', "$first\n", qr/line 1 is not "key_id: base64 of 32 bytes"/ ],
    [ 'a truncated key', "first: " . substr($first, 0, 40) . "\n", qr/line 1 is not/ ],
    [ 'a longer key', 'first: ' . encode_base64('x' x 48, '') . "\n", qr/line 1 is not/ ],
    [ 'the second line', $good . "second: $first$first\n", qr/line 2 is not/ ],
    [ 'a name twice', $good . $good, qr/line 2 has the key_id of another line/ ],
    [ 'binary', join('', map { chr } 0 .. 255), qr/line 1 is not/ ],
    [ 'larger than it may be', "# $first\n" x 1500, qr/larger than 65536 bytes/ ])
{
    my ($name, $text, $says, $hint) = @$case;
    write_keys($text);
    refused($name, $says, $hint);
}
write_keys(line('first', 1));
refused('another key of that name', qr/a data key of the vault does not open with master key "first"/, qr/vault_check/);
is(value($node, $db, 'SELECT kind, state, connections FROM auth_store.vault_check() WHERE NOT readable',
    user => 'boss'),
    'data key|does not open with its master key|1', 'and vault_check() says what it would have opened');
write_keys(line('other', 1));
refused('another key', qr/the vault needs master key "first", which is not among the master keys/,
    qr/Put its line back and reload/);
is(value($node, $db, 'SELECT kind, id, state, readable, data_keys, connections FROM auth_store.vault_check()',
    user => 'boss') =~ s/data key\|[-0-9a-f]{36}/data key|<id>/r,
    "master key|other|seals|t|0|0\nmaster key|first|missing|f|1|1\ndata key|<id>|its master key is missing|f||1",
    'and vault_check() which is missing');
write_keys("# of old\r\n\r\n   first :   $first  \r\n");
is(value($node, $db, $get, user => 'web'), 'accessrefresh',
    'spaces, comments and line ends of another system do not matter');

# In the data directory every base backup would take it along.
for my $where ($node->data_dir . '/master.key', 'master.key', $node->data_dir . '/base/../master.key')
{
    my $there = $node->data_dir . '/master.key';
    append_to_file($there, $good) unless -e $there;
    chmod 0600, $there;
    configure(master_key_file => $where);
    refused("in the data directory, as $where", qr/${names}it is in the data directory/);
}
symlink $node->data_dir . '/master.key', $node->basedir . '/link.key';
configure(master_key_file => $node->basedir . '/link.key');
refused('through a link into it', qr/${names}it is in the data directory/);
unlink $node->data_dir . '/master.key', $node->basedir . '/link.key';

# --- the command -----------------------------------------------------------------------------------------------------

write_keys($good);
configure(master_key_file => $keys, master_key_command => "cat $keys");
refused('file and command', qr/are both set/);
configure(master_key_file => '', master_key_command => "cat '$keys' && exit 0");
is(value($node, $db, $get, user => 'web'), 'accessrefresh', 'a command gives the keys');
my $gave = qr/the command in auth_store.master_key_command gave no keys: /;
for my $case ([ 'fails', "cat '$keys'; exit 3", qr/${gave}it failed: exit status: 3/ ],
    [ 'is not there', '/no/such/program', qr/${gave}it failed: exit status: 127/ ],
    [ 'is killed', 'kill -9 $$', qr/${gave}it failed: signal: 9/ ],
    [ 'writes no end', 'yes', qr/${gave}it wrote more than 65536 bytes/ ],
    [ 'writes nonsense', 'echo nonsense', qr/the master keys are malformed: line 1 is not/ ],
    [ 'complains', "echo 'kms: denied' >&2; exit 1", qr/${gave}it failed/ ])
{
    my ($name, $command, $says) = @$case;
    configure(master_key_command => $command);
    refused("a command that $name", $says);
}
like(slurp_file($node->logfile), qr/^kms: denied$/m, 'what it complains of is in the server log');
configure(master_key_command => 'true');
refused('a command that writes nothing', qr/the vault has no master key/, qr/vault_key_generate/);
# A wait for it can be cancelled, and then it is over.
configure(master_key_command => "exec sleep 4711");
for my $settings ("SET statement_timeout = '300ms'", "SET lock_timeout = '1s'; SET statement_timeout = '1s'")
{
    my $started = time;
    is(run_sql($node, $db, "$settings; $get", user => 'web')->{state}, '57014',
        'a command that hangs: the wait is cancelled');
    cmp_ok(time - $started, '<', 10, 'soon');
}
sleep 0.2;
sub sleeping
{
    my ($n) = @_;
    return scalar grep { (eval { slurp_file($_) } // '') =~ m{\bsleep\x{0}$n\x{0}} } glob('/proc/[0-9]*/cmdline');
}
SKIP:
{
    skip 'no /proc here', 2 unless -e '/proc/self/cmdline';
    is(sleeping(4711), 0, 'and the command is ended');
    my $sleep = IPC::Run::start([ 'sleep', '4712' ]);
    sleep 0.2;
    is(sleeping(4712), 1, 'which would be seen');
    $sleep->kill_kill;
}
configure(master_key_command => undef, master_key_file => '');
refused('neither', qr/the vault has no master key/,
    qr/auth_store.master_key_file or auth_store.master_key_command.*vault_key_generate/);
configure(master_key_file => $keys);
is(value($node, $db, $get, user => 'web'), 'accessrefresh', 'all is well again');

# --- who sees what ---------------------------------------------------------------------------------------------------

raises($node, $db, "LOAD 'auth_store'; ALTER SYSTEM SET auth_store.master_key_file = 'x'", '42501',
    'nobody but a superuser sets it', user => 'boss');
raises($node, $db, "LOAD 'auth_store'; SHOW auth_store.master_key_command", '42501', 'or sees which it is',
    user => 'boss');
raises($node, $db, "SELECT $_ FROM auth_store.vault_keys", '42501', "nobody reads $_", user => 'boss') for qw(wrapped
    master_key_id);
{
    my $made = value($node, $db, 'SELECT auth_store.vault_key_generate()', user => 'boss');
    my ($id, $key) = $made =~ /^(\S+): (\S+)$/m;
    write_keys("$good$made\n");
    is(value($node, $db, "SELECT id, state FROM auth_store.vault_check() WHERE kind = 'master key'"),
        "$id|seals\nfirst|needed", 'what vault_key_generate() gives is a line for the file');
    is(value($node, $db, $get, user => 'web'), 'accessrefresh', 'the older key opens as before');
    my $dump = `pg_dump -h @{[ $node->host ]} -p @{[ $node->port ]} $db`;
    like($dump, qr/COPY auth_store.vault_keys/, 'a dump has the wrapped keys');
    is(join(' ', grep { index($dump, $_) >= 0 } $first, $key), '', 'and no master key');
    write_keys($good);
}

# --- when they are read ----------------------------------------------------------------------------------------------

# psql's \! changes the file while the session goes on.
{
    my $second = line('second', 2);
    my $script = "$get;\n\\! printf '%s\\n' '" . ($second =~ s/\n//r) . "' >> $keys\n";
    my $states = "SELECT string_agg(id || ' ' || state, ', ') FROM auth_store.vault_check() WHERE kind = 'master key'";
    is(value($node, $db, "$script$states; SELECT pg_reload_conf(); SELECT pg_sleep(0.3);\n$states"),
        "accessrefresh\nfirst seals\nt\n\nsecond seals, first needed",
        'a session reads the file at its first use, and again after a reload');
    # Another session seals with the new key; one that has not read it yet finds it by its name, without a reload.
    write_keys($good);
    my $sealing = "SELECT auth_store.connection_store('github', 'v', 'new', 'new')";
    $script .= "\\! psql -X -q -c \"$sealing\" >/dev/null\nSELECT pg_sleep(5.1);\n";
    local @ENV{qw(PGHOST PGPORT PGDATABASE)} = ($node->host, $node->port, $db);
    is(value($node, $db, "$script SELECT access_token FROM auth_store.connection_get('github', 'v')"),
        "accessrefresh\n\nnew", 'a key that somebody else uses already is read when it is met');
    is(value($node, $db, "SELECT master_key_id, retired_at IS NULL FROM auth_store.vault_keys ORDER BY 2"),
        "first|f\nsecond|t", 'the newest seals from then on');
    # Lost again: what it sealed does not open, what the first sealed does, and nothing new is sealed with less.
    write_keys($good);
    is(value($node, $db, $get, user => 'web'), 'accessrefresh', 'without it, what the older key sealed opens');
    like(run_sql($node, $db, "SELECT * FROM auth_store.connection_get('github', 'v')", user => 'web')->{message},
        qr/needs master key "second"/, 'and what it sealed does not');
    like(run_sql($node, $db, $store->('w'), user => 'web')->{message}, qr/needs master key "second"/,
        'nothing is sealed with an older one');
    is(run_sql($node, $db, 'CALL auth_store.vault_rekey()', user => 'boss')->{ok}, 1, 'until vault_rekey() says so');
    is(value($node, $db, $store->('w'), user => 'web'), 't', 'then it is');
    is(value($node, $db, $get, user => 'web'), 'accessrefresh', 'and all that opened does');
    # Files of two servers whose keys were given each other's names.
    write_keys("second: $first\n" . (line('first', 2)));
    like(run_sql($node, $db, $get, user => 'web')->{message}, qr/does not open with master key "first"/,
        'swapped keys open nothing');
    is(value($node, $db, "SELECT count(*) FROM auth_store.vault_check() WHERE kind = 'connection'"), '0', 'not one');
    write_keys($good . line('second', 2));
    is(value($node, $db, 'SELECT count(*) FROM auth_store.vault_check() WHERE NOT readable'), '0',
        'with both in their places everything opens');
}

# --- peppers of passwords --------------------------------------------------------------------------------------------

{
    my $first_is = "SELECT state, data_keys, sealed_rows FROM auth_store.vault_check() WHERE id = 'first'";
    my $verify = sub { my ($user, $typed) = @_;
        "SELECT ok FROM auth_store.password_verify('$user', '$typed')" };
    # Two keys, of which the first is the newest for now.
    write_keys(line('second', 2) . $good);
    configure(password_pepper => 'on');
    value($node, $db, q{SELECT auth_store.tenant_policy_set('default', '{"password_history": 2}')}, user => 'boss');
    value($node, $db, 'CALL auth_store.vault_rekey()', user => 'boss');
    my $user = value($node, $db,
        q{SELECT user_id FROM auth_store.user_create('pepper@example.com', 'quartz lantern 1')}, user => 'web');
    is(value($node, $db, "SELECT error FROM auth_store.password_set('$user', 'quartz lantern 2')", user => 'web'), '',
        'a password with a pepper takes the place of another');
    like(value($node, $db, "SELECT hash FROM auth_store.passwords WHERE user_id = '$user'"), qr/,pepper=first\$/,
        'it names the master key');
    write_keys($good . line('second', 2));
    $node->reload;
    sleep 0.3;
    value($node, $db, 'CALL auth_store.vault_rekey()', user => 'boss');
    is(value($node, $db, $first_is), 'needed|0|2',
        'after rekeying the old key is needed for it and the former one, and for nothing else');
    is(value($node, $db, $verify->($user, 'quartz lantern 1'), user => 'web'), 'f', 'the former one is wrong');
    is(value($node, $db, $verify->($user, 'quartz lantern 2'), user => 'web'), 't', 'the password is right');
    like(value($node, $db, "SELECT hash FROM auth_store.passwords WHERE user_id = '$user'"), qr/,pepper=second\$/,
        'and has a pepper of the new key from then on');
    is(value($node, $db, $first_is), 'needed|0|1', 'the old key is needed for the former one');
    like(value($node, $db, "SELECT error FROM auth_store.password_set('$user', 'quartz lantern 1')", user => 'web'),
        qr/password_rejected/, 'which is known with the pepper of its key');
    value($node, $db, "SELECT auth_store.password_set('$user', 'quartz lantern 3')", user => 'web');
    is(value($node, $db, $first_is), 'not needed|0|0', 'and for nothing once that is forgotten');
    # Without the key that is needed nobody logs in with less.
    write_keys($good);
    like(run_sql($node, $db, $verify->($user, 'quartz lantern 3'), user => 'web')->{message} // '',
        qr/needs master key "second"/, 'without its key a password is not compared');
    configure(password_pepper => undef);
    write_keys($good . line('second', 2));
}
unlike(slurp_file($node->logfile), qr/\Q$first\E|XX000|PANIC|terminated by signal/,
    'no key in the server log, and no internal error');

$node->stop;
done_testing();

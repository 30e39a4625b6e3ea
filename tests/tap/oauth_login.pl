# PostgreSQL 18 takes the store's tokens for log-ins: psql shows a code, the user enters it, and is in, with an access
# token that this very database issued. The server, psql and libpq are the real ones, and so is the HTTP between them.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use IO::Socket::INET;
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('oauth_login');
my $db = 'postgres';
my $version = value($node, $db, "SELECT current_setting('server_version_num')::integer / 10000");
if ($version < 18)
{
    plan skip_all => "NOT RUN: PostgreSQL $version has no oauth in pg_hba.conf, 18 has";
}
value($node, $db, 'CREATE EXTENSION auth_store; GRANT auth_store_app TO CURRENT_USER');

# --- a front: each request is one call of http() ----------------------------------------------------------------------

my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16, ReuseAddr => 1) or die "no port: $!";
my $issuer = 'http://127.0.0.1:' . $listener->sockport;

sub answer
{
    my ($client) = @_;
    my $line = <$client> // return;
    my ($method, $target) = $line =~ m{^(\S+) (\S+) HTTP/1\.1\r\n$} or return;
    my %headers;
    while (defined(my $header = <$client>))
    {
        last if $header eq "\r\n";
        $headers{ lc $1 } = $2 if $header =~ /^([^:]+): *(.*?)\r\n$/;
    }
    read($client, my $body, $headers{'content-length'} // 0);
    my ($path, $query) = split /\?/, $target, 2;
    my $call = sprintf "SELECT to_jsonb(r) FROM auth_store.http(%s, %s, '\\x%s', %s, '\\x%s', '127.0.0.1') r",
        map({ "convert_from('\\x" . unpack('H*', $_) . "', 'UTF8')" } $method, $path), unpack('H*', $query // ''),
        "convert_from('\\x" . unpack('H*', JSON::PP::encode_json(\%headers)) . "', 'UTF8')::jsonb",
        unpack('H*', $body // '');
    my $said = JSON::PP::decode_json(value($node, $db, $call));
    my $text = $said->{body} // '';
    utf8::encode($text);
    print $client "HTTP/1.1 $said->{status} Answer\r\n",
        map({ "$_: $said->{headers}{$_}\r\n" } sort keys %{ $said->{headers} // {} }),
        'content-length: ', length $text, "\r\nconnection: close\r\n\r\n", $text;
}
my $front = fork() // die "no process: $!";
if (!$front)
{
    while (my $client = $listener->accept) { answer($client); close $client; }
    POSIX::_exit(0);
}
close $listener;
END { kill 'TERM', $front if $front }

# --- the store: an issuer that signs, a client for psql, a user -------------------------------------------------------

my $keys = $node->basedir . '/oauth_keys.json';
my $user = value($node, $db, <<SQL);
SELECT auth_store.provider_set('$issuer', '{"scope": "db other"}') AS _, auth_store.signing_key_create() AS _ \\gset _
SELECT client_id FROM auth_store.client_create('psql', client_type => 'public', client_id => 'psql',
    scope => 'db other', grant_types => '{urn:ietf:params:oauth:grant-type:device_code}', access_token_format => 'jwt',
    access_token_ttl => '5 minutes') \\gset _
CREATE ROLE ada LOGIN;
SELECT user_id FROM auth_store.user_create('ada\@example.com');
SQL

sub write_keys
{
    my ($text) = @_;
    open my $file, '>', "$keys.new" or die "$keys: $!";
    print $file $text;
    close $file;
    chmod 0644, "$keys.new";
    rename "$keys.new", $keys or die "$keys: $!";
}
write_keys(value($node, $db, 'SELECT auth_store.signing_keys_export()'));
$node->append_conf('postgresql.conf', <<CONF);
oauth_validator_libraries = 'auth_store'
auth_store.oauth_keys_file = '$keys'
auth_store.oauth_scope = 'db'
auth_store.device_poll_interval = 1
CONF
my $hba = $node->data_dir . '/pg_hba.conf';
my $rest = slurp_file($hba);
sub let_in
{
    my ($scope) = @_;
    open my $file, '>', $hba or die "$hba: $!";
    print $file qq{local all ada oauth issuer="$issuer" scope="$scope" map="people"\n$rest};
    close $file;
}
let_in('db');
append_to_file($node->data_dir . '/pg_ident.conf', "people $user ada\n");
$node->restart;

# --- psql ----------------------------------------------------------------------------------------------------------------

# Logs in as a role, and has the user decide what psql asks for: approve or deny. Returns what psql printed.
sub log_in
{
    my ($decision) = @_;
    local $ENV{PGOAUTHDEBUG} = 'UNSAFE';    # the front here speaks HTTP without TLS
    my $connect = $node->connstr($db) . " user=ada oauth_issuer=$issuer oauth_client_id=psql";
    my ($out, $err) = ('', '');
    my $timer = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);
    my $psql = IPC::Run::start([ 'psql', '-XAt', '-d', $connect, '-c', 'SELECT current_user, system_user' ],
        '<', \undef, '>', \$out, '2>', \$err, $timer);
    $psql->pump until $err =~ /code: *(\S+)/ || !$psql->pumpable;
    if ($err =~ /code: *(\S+)/)
    {
        my $call = $decision eq 'approve' ? "device_approve('$1', '$user', scope => NULL)" : "device_deny('$1')";
        is(value($node, $db, "SELECT error FROM auth_store.$call"), '', "the user enters the code: $decision");
    }
    $psql->finish;
    return $out . $err;
}

my $said = log_in('approve');
if ($said =~ /no OAuth flows are available|libpq-oauth/)
{
    plan skip_all => 'NOT RUN: libpq has no OAuth module here (Debian: libpq-oauth)';
}
like($said, qr/^ada\|oauth:\Q$user\E$/m, 'psql is in, as the role that the user is');
like(log_in('deny'), qr/access_denied|denied/, 'a user who says no is not');

# What the server asks of a token.
my $offset = -s $node->logfile;
sub refused
{
    my ($why, $name) = @_;
    my $said = log_in('approve');
    unlike($said, qr/^ada\|/m, "$name: psql is not in");
    $offset = $node->wait_for_log($why, $offset);
    pass("$name: the log says why");
}
$node->append_conf('postgresql.conf', q{auth_store.oauth_scope = 'other'});
$node->reload;
refused(qr/refuses an OAuth token: it lacks auth_store\.oauth_scope/, 'another scope');
$node->append_conf('postgresql.conf', qq{auth_store.oauth_scope = 'db'\nauth_store.oauth_audience = 'urn:other'});
$node->reload;
refused(qr/refuses an OAuth token: aud is not/, 'for another server');
$node->append_conf('postgresql.conf', q{auth_store.oauth_audience = ''});
$node->reload;
chmod 0666, $keys;
refused(qr/cannot validate OAuth tokens: .* group or others may write it/, 'keys that anybody may write');
chmod 0644, $keys;
# A key that signs by now, and is not in the file yet; then it is.
value($node, $db, q{SELECT auth_store.signing_key_retire(kid, 'compromised')
    FROM auth_store.signing_key_list() WHERE state = 'active'});
refused(qr/refuses an OAuth token: no key fits kid and alg/, 'a key that the file lacks');
write_keys(value($node, $db, 'SELECT auth_store.signing_keys_export()'));
like(log_in('approve'), qr/^ada\|oauth:/m, 'a file that was written anew is read at the next log-in');
unlike(slurp_file($node->logfile), qr/eyJ[A-Za-z0-9_-]{20}/, 'no token is in the log');
done_testing();

# Perl's DBI with DBD::Pg: array references are arrays; everything else is text without a type.
use v5.30;
use warnings;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64url);

# docs: begin
use DBI;
use JSON::PP;

# pg_server_prepare is on by default; off, DBD::Pg writes the values, so the secrets, into the statement's text.
my $db = DBI->connect('dbi:Pg:', '', '', { RaiseError => 1, PrintError => 0, AutoCommit => 1 });

# The row of auth_store.function(). The names are the program's own, never input; the values are bind parameters.
sub call
{
    my ($function, %arguments) = @_;
    my @names = sort keys %arguments;
    my $list = join ', ', map { qq("$_" => ?) } @names;
    return $db->selectrow_hashref("SELECT * FROM auth_store.$function($list)", {}, @arguments{@names});
}

my $client = call(client_create => name => 'Phone', client_type => 'public',
    redirect_uris => ['https://app.example/cb'], scope => 'orders profile', access_token_ttl => '10 minutes',
    metadata => encode_json({ team => 'shop' }));
# docs: end
sub must { shift or die 'not as it should be' }
sub random_bytes { open my $random, '<:raw', '/dev/urandom' or die; read $random, my $bytes, shift; return $bytes }

say 'registered: a client';
my $user_id = call(user_ensure => external_id => unpack 'H*', random_bytes(8))->{user_ensure};
my $verifier = encode_base64url(random_bytes(32));
my $code = call(code_issue => client_id => $client->{client_id}, user_id => $user_id,
    redirect_uri => 'https://app.example/cb', scope => 'orders', code_challenge => encode_base64url(sha256($verifier)),
    auth_time => '2026-01-01T00:00:00Z', amr => ['pwd', 'otp'], claims => encode_json({ shop => 7 }),
    ip => '203.0.113.9', user_agent => undef)->{code};
my %redeem = (code => $code, client_id => $client->{client_id}, redirect_uri => 'https://app.example/cb',
    code_verifier => $verifier);
my $first = call(code_redeem => %redeem);
say "redeemed: $first->{token_type} $first->{expires_in} $first->{scope}";
my $state = call(token_introspect => token => $first->{access_token});
must $state->{active} && $state->{user_id} eq $user_id && $state->{expires_at} gt $state->{issued_at};
# docs: begin
say 'introspected: ', decode_json($state->{claims})->{shop};    # jsonb and timestamps come back as text
# docs: end
my $second = call(token_refresh => refresh_token => $first->{refresh_token}, client_id => $client->{client_id});
must !defined $second->{error} && $second->{refresh_token} ne $first->{refresh_token};
say 'refreshed: another refresh token';
my $key = call(api_key_create => name => 'ci', user_id => $user_id, scope => 'deploy', allowed_cidrs => ['10.0.0.0/8'],
    expires_at => '2099-01-01T00:00:00Z')->{api_key};
must call(api_key_verify => api_key => $key, required_scope => 'deploy', ip => '10.1.2.3')->{valid};
say 'API key: valid';
call(token_revoke => token => $second->{refresh_token}, client_id => $client->{client_id});
must !call(token_introspect => token => $second->{access_token})->{active};
say 'revoked: not active';

# docs: begin
say 'refused: ', call(code_redeem => %redeem)->{error};
eval { call(client_create => name => 'x', client_type => 'mobile') }
    or say 'mistake: ', $db->state, ' ', $db->pg_error_field('pg_diag_message_hint');
my $token;
eval {
    $db->begin_work;
    $db->do('INSERT INTO orders (user_id) VALUES (?)', {}, $user_id);
    $token = call(token_issue => client_id => $client->{client_id}, user_id => $user_id)->{access_token};
    die "the order failed\n";
} or $db->rollback;
# docs: end
must !call(token_introspect => token => $token)->{active};
say 'rolled back: orders ', $db->selectrow_array('SELECT count(*) FROM orders WHERE user_id = ?', {}, $user_id);

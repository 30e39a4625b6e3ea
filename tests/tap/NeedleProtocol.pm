# What tests/tap/needle.pl says to the endpoints of the protocol: headers and forms that hold secrets, and bodies that
# hold what is issued.
package NeedleProtocol;

use strict;
use warnings;

use Exporter 'import';
use MIME::Base64 qw(encode_base64);
use Needle;
use Test::More;

our @EXPORT = qw(say_to_endpoints);

# say_to_endpoints(HOW): HOW has say, which calls a function with the mark of the client and returns its row, and run,
# for what holds no secret; session, the token of a user's session; client_secret, verifier and challenge. Calls that
# write to a table of the protocol, with a secret each.
sub say_to_endpoints
{
    my ($how) = @_;
    my ($say, $run) = @{$how}{qw(say run)};
    $run->(q{SELECT auth_store.provider_set('https://needle.example',
        '{"client_secret_jwt": true, "registration": "open"}'), auth_store.signing_key_create()});
    # A key that another program made: its seed behind the head of PKCS #8 (RFC 8410 section 7).
    my $seed = secret('signing key, seed' => join '', map { chr int rand 256 } 1 .. 32);
    my $der = encode_base64(pack('H*', '302e020100300506032b657004220420') . $seed, '');
    like($say->(signing_key => "signing_key_import('" . secret('signing key, DER' => $der) . "')"), qr/^[\w-]{43}$/,
        'a signing key was imported');
    my $basic = secret(Basic => encode_base64("needle:$how->{client_secret}", ''));
    # An endpoint's answer to a body. Tokens that are JWTs, and those of registrations, are secrets too.
    my $post = sub {
        my ($path, $body, $type, $who) = @_;
        my $out = $say->($path => "http('POST', '$path', headers => jsonb_strip_nulls(jsonb_build_object("
            . "'authorization', nullif('" . ($who // "Basic $basic") . "', ''), 'content-type', '"
            . ($type // 'application/x-www-form-urlencoded') . "')), body => '$body')");
        secret("$path, $1" => $2) while $out =~ /"(\w*_token)": ?"(ey[\w.-]+|asrg_[\w-]+)"/g;
        secret("$path, secret" => $1) if $out =~ /"client_secret": ?"([^"]+)"/;
        return $out;
    };
    my $issued = sub { my ($out, $name) = @_; $out =~ /"$name": ?"([^"]+)"/ ? $1 : die "no $name in: $out" };

    my $asked = "client_id=needle&response_type=code&scope=read%20openid&redirect_uri=https://needle.example/cb"
      . "&code_challenge=$how->{challenge}&code_challenge_method=S256";
    my $request_uri = $issued->($post->('/par', $asked), 'request_uri');
    secret('pushed by http()', $request_uri =~ s/.*://r);
    my $waits = $say->(asked => "http_authorize('GET', 'client_id=needle&request_uri=$request_uri', "
        . "session_token => '$how->{session}')");
    my ($id) = $waits =~ /\|consent\|([0-9a-f-]{36})\|/;
    $waits = $say->(agreed => "interaction_accept('$id', '$how->{session}')") if defined $id;
    my ($code) = $waits =~ /\b(asac_[\w-]+)/ or die "no code in: $waits";
    my $redeem = "grant_type=authorization_code&code=$code&code_verifier=$how->{verifier}"
      . "&redirect_uri=https://needle.example/cb";
    my $got = $post->('/token', $redeem);
    like($got, qr/^200\|/, 'a code was redeemed by http()');
    my ($access, $refresh, $id_token) = map { $issued->($got, $_) } qw(access_token refresh_token id_token);
    my $bearer = sub { my ($method, $path, $token, $rest) = @_;
        $say->("$method $path" => "http('$method', '$path', headers => jsonb_build_object('authorization', "
            . "'Bearer $token')" . ($rest // '') . ')') };
    like($bearer->(GET => '/userinfo', $access), qr/^200\|/, 'the user was asked for');
    like($bearer->(GET => '/userinfo', secret('no token' => 'asat_' . 'zYx2' x 16)), qr/^401\|/, 'and by a stranger');
    like($post->('/token', "grant_type=refresh_token&refresh_token=$refresh"), qr/^200\|/, 'and its token refreshed');
    like($post->('/introspect', "token=$access"), qr/"active": ?true/, 'and introspected');
    like($post->('/revoke', "token=$access"), qr/^200\|/, 'and revoked');
    like($post->('/token', $redeem =~ s/code=asac/code=asxx/r), qr/invalid_grant/, 'a wrong code was refused');
    like($post->('/token', 'grant_type=' . secret('a grant type', 'not-a-grant-type-of-anybody')),
        qr/unsupported_grant_type/, 'and a text that is no grant type');
    like($post->('/token',
        'grant_type=client_credentials&client_secret=' . secret('given twice', 'ascs_' . 'Tw1c' x 16)),
        qr/invalid_request/, 'and a client that authenticates twice');
    # A client that registers itself, and one whose secret signs, of which the store keeps a sealed copy.
    my $client = '"redirect_uris": ["https://needle.example/own"]';
    my $registered = $post->('/register', "{$client}", 'application/json', '');
    like($registered, qr/^201\|/, 'a client registered itself');
    my ($own, $manages) = map { $issued->($registered, $_) } qw(client_id registration_access_token);
    like($bearer->(GET => "/register/$own", $manages), qr/^200\|/, 'and read what it is');
    like($bearer->(PUT => "/register/$own", $manages, qq(, body => '{"client_id": "$own", $client}')), qr/^200\|/,
        'changed it');
    like($bearer->(DELETE => "/register/$own", $manages), qr/^204\|/, 'and withdrew');
    my $signs = $say->(signs => q{client_create('Signs', ARRAY['https://needle.example/cb'], client_id => 'signs',
        token_endpoint_auth_method => 'client_secret_jwt')});
    secret('a secret that signs' => $signs =~ /\b(ascs_[\w-]+)/ ? $1 : die "no secret in $signs");
    # The page of a device, and a browser that leaves.
    $say->(device => "http_device('" . user_code('typed by nobody', 'ZXQW-KJVR') . "', '$how->{session}')");
    like($say->(left => "http_end_session('id_token_hint=$id_token', '$how->{session}')"), qr/^\d+\|/,
        'a session ended');
    return ("http_authorize('GET', '$asked&prompt=consent', session_token => '$how->{session}')",
        "signing_key_import('$der')", 'signing_key_create()',
        q{client_secret_rotate('signs', '1 day')});
}

1;

# A software authenticator and the browser before it (Web Authentication level 3 sections 5 and 6): makes passkeys
# and answers challenges, by the program openssl. What it says can be changed for one answer, to say what no honest one
# says.
package Authenticator;

use strict;
use warnings;

use Digest::SHA qw(sha256);
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);

# The flags of section 6.1.
my %FLAG = (up => 1, uv => 4, be => 8, bs => 16, at => 64, ed => 128);

my %ALGORITHM = (es256 => -7, eddsa => -8, rs256 => -257);
my %GENERATE = (
    es256 => [ qw(-algorithm EC -pkeyopt ec_paramgen_curve:P-256) ],
    eddsa => [ qw(-algorithm ED25519) ],
    rs256 => [ qw(-algorithm RSA -pkeyopt rsa_keygen_bits:2048) ]);

# new(origin, algorithm => es256, flags => [up uv], counts => whether it has a counter, folder => for its key).
sub new
{
    my ($class, $origin, %more) = @_;
    my $self = bless { origin => $origin, algorithm => 'es256', flags => [qw(up uv)], counts => 1, %more }, $class;
    $self->{folder} //= tempdir(CLEANUP => 1);
    $self->{key} = "$self->{folder}/key.pem";
    command('genpkey', @{ $GENERATE{ $self->{algorithm} } }, '-out', $self->{key});
    $self->{id} = random();
    $self->{count} = 0;
    return $self;
}

# The answer of navigator.credentials.create() to passkey_challenge('registration'), as JSON.
sub create
{
    my ($self, $options, %said) = @_;
    $options = decode_json($options);
    $self->{rp} = $options->{rp}{id};
    $self->{user} = $options->{user}{id};
    my $attested = ("\x00" x 16) . pack('n', length $self->{id}) . $self->{id} . ($said{key} // $self->public_key);
    my $data = $self->data({ flags => [ @{ $self->{flags} }, 'at' ], %said }) . $attested;
    return $self->answer('webauthn.create', $options, \%said,
        attestationObject => encode_base64url(
            "\xa3" . text('fmt') . text('none') . text('attStmt') . "\xa0" . text('authData') . bytes($data)),
        transports => ['internal']);
}

# That of navigator.credentials.get() to passkey_challenge('login') or 'step_up'.
sub get
{
    my ($self, $options, %said) = @_;
    $options = decode_json($options);
    my $data = $self->data(\%said);
    my $handle = exists $said{user} ? $said{user} : $self->{user};
    my $answer = decode_json($self->answer('webauthn.get', $options, \%said));
    my $client = decode_base64url($answer->{response}{clientDataJSON});
    $answer->{response}{authenticatorData} = encode_base64url($data);
    $answer->{response}{signature} = encode_base64url($self->sign($data . sha256($client)));
    $answer->{response}{userHandle} = $handle if defined $handle;
    return encode_json($answer);
}

sub answer
{
    my ($self, $type, $options, $said, %response) = @_;
    my $client = encode_json({
        type => $said->{type} // $type,
        challenge => $options->{challenge},
        origin => $said->{origin} // $self->{origin},
        crossOrigin => $said->{cross_origin} ? JSON::PP::true : JSON::PP::false });
    my $id = encode_base64url($said->{id} // $self->{id});
    return encode_json({
        id => $id, rawId => $id, type => 'public-key', clientExtensionResults => {},
        response => { clientDataJSON => encode_base64url($client), %response } });
}

# Authenticator data without a credential.
sub data
{
    my ($self, $said) = @_;
    my $flags = 0;
    $flags |= $FLAG{$_} for @{ $said->{flags} // $self->{flags} };
    my $count = $said->{count} // ($self->{counts} ? ++$self->{count} : 0);
    return sha256($said->{rp} // $self->{rp}) . pack('CN', $flags, $count);
}

sub sign
{
    my ($self, $message) = @_;
    my ($in, $out) = map { "$self->{folder}/$_" } qw(message signature);
    spew($in, $message);
    if ($self->{algorithm} eq 'eddsa')
    {
        command('pkeyutl', '-sign', '-rawin', '-inkey', $self->{key}, '-in', $in, '-out', $out);
    }
    else
    {
        command('dgst', '-sha256', '-sign', $self->{key}, '-out', $out, $in);
    }
    return slurp($out);
}

# The public key as a COSE_Key (RFC 9052 section 7), cut out of the DER, where it comes last.
sub public_key
{
    my ($self) = @_;
    my $out = "$self->{folder}/public";
    command('pkey', '-in', $self->{key}, '-pubout', '-outform', 'DER', '-out', $out);
    my $der = slurp($out);
    my $algorithm = $self->{algorithm};
    my $head = number(3) . number($ALGORITHM{$algorithm});
    if ($algorithm eq 'es256')
    {
        return "\xa5" . number(1) . number(2) . $head . number(-1) . number(1)
            . number(-2) . bytes(substr $der, -64, 32) . number(-3) . bytes(substr $der, -32);
    }
    return "\xa4" . number(1) . number(1) . $head . number(-1) . number(6) . number(-2) . bytes(substr $der, -32)
        if $algorithm eq 'eddsa';
    # Behind the modulus of 256 bytes: the exponent 65537 as an INTEGER of 3 bytes.
    return "\xa4" . number(1) . number(3) . $head . number(-1) . bytes(substr $der, -261, 256)
        . number(-2) . bytes(substr $der, -3);
}

# CBOR (RFC 8949).
sub head
{
    my ($kind, $n) = @_;
    return pack('C', $kind << 5 | $n) if $n < 24;
    return pack('CC', $kind << 5 | 24, $n) if $n < 256;
    return pack('Cn', $kind << 5 | 25, $n);
}

sub number { return $_[0] < 0 ? head(1, -1 - $_[0]) : head(0, $_[0]); }
sub bytes { return head(2, length $_[0]) . $_[0]; }
sub text { return head(3, length $_[0]) . $_[0]; }

sub random
{
    open my $file, '<:raw', '/dev/urandom' or die "urandom: $!";
    read($file, my $bytes, 32) == 32 or die "urandom: $!";
    return $bytes;
}

sub command
{
    my @command = ('openssl', @_);
    open my $pipe, '-|', 'sh', '-c', '"$@" 2>&1', 'sh', @command or die "openssl: $!";
    my $said = do { local $/; <$pipe> };
    close $pipe or die "@command: $said";
    return;
}

sub slurp
{
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$file>;
}

sub spew
{
    my ($path, $bytes) = @_;
    open my $file, '>:raw', $path or die "$path: $!";
    print {$file} $bytes;
    close $file or die "$path: $!";
    return;
}

1;

# The secrets that tests/tap/needle.pl looks for, in every form in which a log or a file could hold them.
package Needle;

use strict;
use warnings;

use Exporter 'import';
use MIME::Base64 qw(encode_base64 decode_base64);

our @EXPORT = qw(secret user_code found_in entry_of);

# name => { text: as the holder knows it, forms: { name => bytes } }
my %secrets;
# A pattern of all forms, until there is another secret: one pass over a line instead of a thousand. Over a whole file
# of the server it takes longer than they do.
my $any;
my $LINE = 1_000_000;

# A secret text of our own, or one that the store made: then its parts behind the id are secret too, in every encoding.
sub secret
{
    my ($name, $text) = @_;
    die "no secret for $name" unless defined $text && length $text >= 10;
    my %forms = (text => $text, tail => substr($text, -24));
    my @parts = ($text);
    if ($text =~ /^(?:as(at|ac|cs|st|dc|pr|rt|ak|rg)|sk_live)_([\w-]+)$/)
    {
        my $bytes = decode_base64(($2 =~ tr{-_}{+/}r) . '==');
        # id(16) ‖ secret(32), or id(16) ‖ family(16) ‖ rotation(32)
        push @parts, ($1 // '') eq 'rt' ? (substr($bytes, 16, 16), substr($bytes, 32)) : substr($bytes, 16);
        die "$name has an odd length" unless length $bytes == (($1 // '') eq 'rt' ? 64 : 48);
    }
    for my $n (0 .. $#parts)
    {
        my $bytes = $parts[$n];
        $forms{"part $n"} = $bytes;
        $forms{"part $n in hex"} = unpack 'H*', $bytes;
        $forms{"part $n in HEX"} = uc unpack 'H*', $bytes;
        $forms{"part $n in base64"} = encode_base64($bytes, '') =~ s/=*$//r;
        # as a query tree prints a constant
        $forms{"part $n as numbers"} = join ' ', unpack 'c*', $bytes;
    }
    $secrets{$name} = { text => $text, forms => \%forms };
    $any = undef;
    return $text;
}

# A user code is short, and typed in many ways.
sub user_code
{
    my ($name, $text) = @_;
    my $bare = $text =~ tr/-//dr;
    die "no user code for $name" unless $bare =~ /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/;
    $any = undef;
    $secrets{$name} = { text => $text,
        forms => { shown => $text, bare => $bare, 'in lower case' => lc $text, 'bare in lower case' => lc $bare } };
    return $text;
}

# The names of the secrets, with their forms, that are in a text.
sub found_in
{
    my ($text) = @_;
    if (!defined $any)
    {
        my $all = join '|', map { quotemeta } map { values %{ $_->{forms} } } values %secrets;
        $any = qr/$all/;
    }
    return if length $text < $LINE && $text !~ $any;
    my @found;
    for my $name (sort keys %secrets)
    {
        my $forms = $secrets{$name}{forms};
        push @found, map { "$name ($_)" } grep { index($text, $forms->{$_}) >= 0 } sort keys %$forms;
    }
    return @found;
}

# An entry of the server's jsonlog: { field => bytes }; undef where the line is none. JSON::PP takes a minute for a log.
my %ESCAPED = (n => "\n", t => "\t", r => "\r", b => "\b", f => "\f");

sub entry_of
{
    my ($line) = @_;
    return undef unless $line =~ /^\{.*\}$/s;
    my %entry;
    while ($line =~ /"(\w+)":(?:"([^"\\]*+(?:\\.[^"\\]*+)*+)"|([\d-]+))/g)
    {
        my ($field, $value) = ($1, $2 // $3);
        $value =~ s{\\(?:u([0-9a-f]{4})|(.))}{defined $1 ? chr hex $1 : $ESCAPED{$2} // $2}ge;
        $entry{$field} = $value;
    }
    return \%entry;
}

1;

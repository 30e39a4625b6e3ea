use strict;
use warnings;
use DBI;
my $cured = grep { $_ eq 'cured' } @ARGV;
my $db = DBI->connect('dbi:Pg:', '', '',
    { RaiseError => 1, PrintError => 0, ShowErrorStatement => !$cured, pg_server_prepare => $cured ? 1 : 0 });
my $statement = $db->prepare('SELECT * FROM auth_store.client_create(name => ?, client_type => ?)');
eval { $statement->execute($ENV{SECRET}, 'mobile') };
print $@;

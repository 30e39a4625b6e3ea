# What the tests of check() share: a server to alter, and what check() says of an alteration.
package Check;

use strict;
use warnings;

use Exporter 'import';
use AuthStore;
use Test::More;

our @EXPORT = qw($FOUND new_checked finds);

our $FOUND = "SELECT severity || ' ' || object || ': ' || problem ||
    CASE WHEN coalesce(hint, '') = '' THEN ' NO HINT' ELSE '' END FROM auth_store.check()";

# A running server with a store that has something in it, and what an application may have beside it.
sub new_checked
{
    my ($name) = @_;
    my $node = new_server($name);
    value($node, 'postgres', 'CREATE EXTENSION auth_store');
    populate($node, 'postgres');
    # Makes a month of leaves.
    value($node, 'postgres', 'SELECT auth_store.audit_seal()');
    value($node, 'postgres', 'CREATE ROLE stranger; CREATE ROLE app_login LOGIN; CREATE SCHEMA app;
        CREATE TABLE app.parent (version integer NOT NULL, name text NOT NULL, applied_at timestamptz NOT NULL);
        CREATE FUNCTION app.spy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$');
    return $node;
}

# Test: what check() says of an alteration, in a transaction that is undone. Every row must match the pattern, and there
# must be as many as given (1).
sub finds
{
    my ($node, $severity, $sql, $expected, %how) = @_;
    my $name = $sql =~ s/\s+/ /gr;
    $name = substr($name, 0, 97) . '...' if length $name > 100;
    my $checked = run_sql($node, 'postgres', "SET client_min_messages = warning; SET auth_store.allow_drop = on; BEGIN;
        $sql; SET LOCAL search_path = public; $FOUND; ROLLBACK");
    my @rows = split /\n/, $checked->{out};
    my $wanted = $how{rows} // 1;
    ok($checked->{ok} && @rows == $wanted && !(grep { $_ !~ /^$severity $expected/ || /NO HINT/ } @rows),
        "$severity: $name")
      or diag("expected $wanted like $expected, got:\n$checked->{out}$checked->{err}");
    return unless $how{repaired};
    my $result = run_sql($node, 'postgres', "SET client_min_messages = warning; SET auth_store.allow_drop = on; BEGIN;
        $sql; SELECT auth_store.install() \\g /dev/null
        $FOUND; ROLLBACK");
    ok($result->{ok} && $result->{out} eq '', "install() mends: $name") or diag($result->{out}, $result->{err});
}

1;

# What the tests of the tenant pin share: a server with logins that are pinned and not, and what a session of them sees.
package Pin;

use strict;
use warnings;

use Exporter 'import';
use AuthStore;

our @EXPORT = qw(new_pinned sees @views $ALL);

our @views = qw(recent_activity failed_actions security_events token_activity provider_connections client_stats);
# How often a session that sees a tenant sees it: in each view, by its token twice, its user and its client.
our $ALL = scalar(@views) + 4;
my ($node, $SEES);
my $db = 'postgres';

# A running server, and what populate() made on it.
sub new_pinned
{
    my ($name) = @_;
    $node = new_server($name);
    value($node, $db, 'CREATE EXTENSION auth_store');
    install_helpers($node, $db);
    my $store = populate($node, $db);
    value($node, $db, <<'SQL');
CREATE ROLE pinned LOGIN;
GRANT auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor, auth_store_worker TO pinned;
ALTER ROLE pinned SET auth_store.tenant_id = 'acme';
CREATE ROLE lost LOGIN;
GRANT auth_store_app, auth_store_admin TO lost;
ALTER ROLE lost SET auth_store.tenant_id = 'no such tenant';
CREATE ROLE free LOGIN;
GRANT auth_store_app, auth_store_reader, auth_store_admin, auth_store_auditor TO free;
CREATE ROLE chief SUPERUSER LOGIN;
GRANT CREATE, USAGE ON SCHEMA public TO pinned;
SQL
    # Functions of an application that run as a role without a pin: the session's pin holds in them, also where
    # one makes the first call.
    value($node, $db, <<'SQL');
CREATE SCHEMA app;
GRANT USAGE ON SCHEMA app TO pinned;
CREATE FUNCTION app.rows() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT DISTINCT tenant_id FROM auth_store.recent_activity';
CREATE FUNCTION app.rows_plpgsql() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN RETURN QUERY SELECT DISTINCT tenant_id FROM auth_store.recent_activity; END';
CREATE FUNCTION app.users(VARIADIC ids uuid[]) RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
    AS 'BEGIN RETURN QUERY SELECT u.tenant_id FROM unnest(ids) i, auth_store.user_get(i) u; END';
ALTER FUNCTION app.rows() OWNER TO free;
ALTER FUNCTION app.rows_plpgsql() OWNER TO free;
ALTER FUNCTION app.users(uuid[]) OWNER TO free;
SQL
    $SEES = join "\n", map { "SELECT 'view', tenant_id FROM auth_store.$_ GROUP BY 2;" } @views;
    for my $made (@$store{qw(acme globex default)})
    {
        $SEES .= "SELECT 'token', tenant_id FROM auth_store.token_introspect('$made->{access}') WHERE active;\n"
          . "SELECT 'user', tenant_id FROM auth_store.user_get('$made->{user}');\n"
          . "SELECT 'json', '$made->{tenant}'
              WHERE auth_store.token_introspection('$made->{access}') ->> 'active' = 'true';\n"
          . "SELECT 'client', tenant_id FROM auth_store.client_authenticate('$made->{client}', '$made->{secret}')
              WHERE ok;\n";
    }
    return ($node, $store);
}

# What a session sees: the tenants in each view, whose tokens are active, whose users are there.
sub sees
{
    my ($prelude, %how) = @_;
    my ($out, $err) = ('', '');
    local $ENV{PGOPTIONS} = $how{options} if defined $how{options};
    # Errors of the prelude are what it is about; it goes on after them.
    $node->psql($db, "$prelude\n;\\echo prelude\n$SEES", extra_params => [ '-U', $how{user} // 'pinned' ],
        stdout => \$out, stderr => \$err, on_error_stop => 0);
    $out =~ s/\A.*?^prelude$//ms;
    my %tenants;
    # The login that is pinned to no tenant leaves rows of that name in the audit trail; only a login
    # without a pin sees them.
    /^(?:view|token|user|json|client)\|(.+)$/ and $1 ne 'no such tenant' and $tenants{$1}++ for split /\n/, $out;
    return (join(' ', map { "$_:$tenants{$_}" } sort keys %tenants), $err);
}

1;

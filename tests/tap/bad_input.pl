# Every function with every kind of nonsense in every argument: an outcome row, or an error that says what is wrong with
# an SQLSTATE of the contract; never an internal one, never with a secret in it, and the server stays up.
#
# The calls are made from the catalog: a function that is new is tried as soon as it exists.
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_server('bad_input');
$node->append_conf('postgresql.conf', "log_statement = none\nlog_min_error_statement = panic\nmax_stack_depth = 2MB");
$node->restart;
my $db = 'postgres';
value($node, $db, 'CREATE EXTENSION auth_store');
my $store = populate($node, $db);
value($node, $db, qq{ALTER DATABASE $db SET auth_store.sharded = on});
value($node, $db, q{SELECT auth_store.provider_set(settings => '{"registration": "open", "client_secret_jwt": true}')});
my ($ours, $theirs) = @{$store}{qw(default acme)};
my $NEEDLE = 'needle-in-an-argument-that-must-not-come-back';

# What the contract (and, for what PostgreSQL itself finds in it, the server) may answer.
my %ALLOWED = map { $_ => 1 } qw(22023 22004 23503 23505 55000 42501 25006 0A000);
# The codes of the RFCs, and the store's own.
my %CODES = map { $_ => 1 } qw(invalid_request invalid_client invalid_grant unauthorized_client invalid_scope
    access_denied
  invalid_target invalid_token insufficient_scope invalid_dpop_proof use_dpop_nonce temporarily_unavailable
      authorization_pending slow_down expired_token
  invalid_request_uri request_not_supported unsupported_response_type temporarily_unavailable email_taken identity_taken
  last_credential lease_lost invalid_request_object invalid_authorization_details login_required consent_required
      interaction_required account_selection_required unmet_authentication_requirements
      server_error invalid_credentials account_locked passkey_taken unsupported_algorithm password_rejected
      step_up_required last_factor not_found invalid_redirect_uri invalid_client_metadata unsupported_grant_type);

# --- the nonsense, as SQL expressions ---------------------------------------------------------------------------------

sub literal { my ($text) = @_; $text =~ s/'/''/g; return "'$text'"; }

my @tokens = map { my $made = $_; map { $made->{$_} } qw(access refresh first_refresh code used_code secret
    revoked_access machine_access api_key session ended_session device_code waiting_device_code request_uri
    magic_link undo jwt) } $ours,
$theirs;
my %VALUES = (
    text => [
        'NULL', "''", "' '", "repeat('x', 1000000)", "repeat('é', 500000)", "repeat(' ', 1000000)",
        "repeat('a ', 500000)",
        "'asat_' || repeat('!', 64)", "'asat_' || repeat('A', 64)", "'asrt_' || repeat('A', 86)",
        "'asac_' || repeat('_', 64)", "'ascs_' || repeat('-', 64)",
        "'xxxx_' || repeat('A', 64)", "'asat_'", "'asrt_' || repeat('A', 1000000)",
        (map { literal($_) } @tokens),
        (map { "left(" . literal($_) . ', -1)' } @tokens[ 0, 1, 3, 8 ]), (map { literal("$_=") } @tokens[ 0, 1, 3, 8 ]),
        "E'\\x01\\x02\\x1b[31m\\x7f'", "E'a\\nb\\tc\\r'", "E'\\u202eabc'", "E'\\U0001F511 \\u00df'",
        "'%s%n%1\$s {} \\ \" '' `'",
        literal($NEEDLE), literal($theirs->{client}), literal('acme'), "'default'", "'nobody'", "'active'", "'*'",
        literal('$argon2id$v=19$m=4294967295,t=4294967295,p=4294967295$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo'),
        literal('$2b$31$' . 'a' x 53), literal('$2y$' . 'x' x 500),
        "'http://127.0.0.1:99999999/'", "'javascript:alert(1)'", "'-1'", "'2024-02-30'" ],
    bytea => [ 'NULL', "''", "'\\x00'", "'\\xff00c328'", "'\\x3082ffff'", "convert_to(repeat('x', 1000000), 'UTF8')",
        "convert_to(repeat('a=b&', 100000), 'UTF8')", "convert_to(repeat('[', 60000), 'UTF8')", "'{}'", "'[]'",
        "'%'", "'a=1&a=2'", "'client_id=%00'", "convert_to(" . literal("client_id=$NEEDLE&token=$NEEDLE") . ", 'UTF8')",
        map { "convert_to(" . literal("grant_type=refresh_token&refresh_token=$_&token=$_") . ", 'UTF8')" }
            @tokens[ 0, 1 ] ],
    uuid => [ 'NULL', "'00000000-0000-0000-0000-000000000000'", "'ffffffff-ffff-ffff-ffff-ffffffffffff'",
        'gen_random_uuid()',
        map { literal($theirs->{$_}) } qw(user grant session_id) ],
    interval => [ 'NULL', "'0'", "'1 microsecond'", "'-1 second'", "'-178000000 years'", "'178000000 years'",
        "'2147483647 days'", "'-2147483648 days'",
        "'2147483647 months 2147483647 days 2562047788 hours'",
        "'-2147483648 months -2147483648 days -2562047788 hours'", "'0.999999 s'", "'1 month -30 days'" ],
    integer => [ 'NULL', 0, -1, 2147483647, -2147483648 ],
    bigint => [ 'NULL', 0, -1, 9223372036854775807, "'-9223372036854775808'" ],
    real => [ 'NULL', "'NaN'", "'Infinity'", "'-Infinity'", -1, 1.01, "'1e-45'" ],
    'double precision' => [ 'NULL', "'NaN'", "'Infinity'", "'-Infinity'", -1 ],
    boolean => [ 'NULL', 'true', 'false' ],
    int4multirange => [ 'NULL', "'{}'", "'{(,)}'", "'{[-5,-1],[4096,5000]}'" ],
    jsonb => [ 'NULL', "'null'", "'[]'", "'0'", "'\"x\"'", "'true'", "'{}'", "'{\"a\": 1e400}'", "'{\"a\": -1e131071}'",
        "(repeat('[', 5000) || repeat(']', 5000))::jsonb",
        "(repeat('{\"a\":', 3000) || '1' || repeat('}', 3000))::jsonb", "jsonb_build_object('a', repeat('x', 1000000))",
        "jsonb_build_object(repeat('k', 100000), 1)",
        "'{\"\": null, \"\\u0001\": \"\\u202e\", \"jkt\": 7, \"name\": 5, \"scope\": [null], \"redirect_uris\": \"x\", "
            . "\"access_token_ttl\": \"-1 year\"}'",
        "jsonb_build_object('jkt', " . literal($NEEDLE) . ')', "jsonb_build_object('name', NULL)",
        "jsonb_build_object('refresh_grace', 'x')",
        "jsonb_build_object('metadata', (repeat('[', 3000) || repeat(']', 3000))::jsonb)" ],
    'text[]' => [ 'NULL', "'{}'", 'ARRAY[NULL]', "ARRAY['']", "array_fill('x'::text, ARRAY[100000])",
        "ARRAY[repeat('x', 1000000)]", "'{{a,b},{c,d}}'", "'[5:6]={a,b}'",
        'ARRAY[' . literal($NEEDLE) . ', NULL]', "ARRAY[E'\\x01', E'\\n']",
        "ARRAY['https://a.example/#f', 'a b', 'http://[::1', '//x']" ],
    'inet[]' => [ 'NULL', "'{}'", 'ARRAY[NULL]::inet[]', 'ARRAY[NULL]::cidr[]', "'{10.0.0.1/8}'", "'{::1/0}'",
        "'{0.0.0.0/0,::/0}'", "'{{10.0.0.0/8,192.0.2.0/24},{::1/128,::/0}}'", "'[5:6]={10.0.0.0/8,::/0}'",
        "array_fill('10.0.0.0/8'::cidr, ARRAY[100000])", "'{10.0.0.1/32,NULL}'" ],
    inet => [ 'NULL', "'0.0.0.0/0'", "'::/0'", "'255.255.255.255'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'",
        "'10.0.0.1/8'" ],
    'timestamp with time zone' => [ 'NULL', "'infinity'", "'-infinity'", "'4713-01-01 00:00:00 BC'",
        "'294276-12-31 23:59:59+00'", "'epoch'" ]);

# What an argument of that name is when another one is the nonsense; by type where the name says nothing.
my %SENSE = (
    client_id => literal($ours->{client}), client_secret => literal($ours->{secret}), user_id => literal($ours->{user}),
    grant_id => literal($ours->{grant}),
    code => literal($ours->{code}), code_verifier => literal($ours->{verifier}),
    code_challenge => literal($ours->{challenge}), verifier => literal($ours->{verifier}),
    challenge => literal($ours->{challenge}), refresh_token => literal($ours->{refresh}),
    token => literal($ours->{access}), name => "'Sense'", reason => "'sense'",
    role => "'clerk'", permission => "'orders:read'",
    redirect_uris => "ARRAY['https://sense.example/cb']", status => "'active'", changes => "'{\"name\": \"Sense\"}'",
    event => "'sense.made'", kind => "'username'", external_id => "'sense'",
    secret_hash => literal('$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'), task => "'grants'",
    email => "'sense\@example.com'", password => "'quartz lantern 42'", old_password => "'quartz lantern 1'",
    new_email => "'sense\@changed.example'", purpose => "'log in'",
    new_password => "'quartz lantern 42'", format => "'bcrypt'", normalization => "'NFC'", pepper => "'quartz'",
    password_hash => literal('$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'),
    api_key => literal($ours->{api_key}), api_key_id => literal($ours->{api_key_id}),
    digest => literal($ours->{new_digest}),
    until => "clock_timestamp() + '1 day'::interval",
    session_token => literal($ours->{session}), session_id => literal($ours->{session_id}),
    except_session_id => literal($ours->{session_id}),
    expires_at => "clock_timestamp() + interval '1 day'", device_code => literal($ours->{waiting_device_code}),
    user_code => literal($ours->{user_code}), request_uri => literal($ours->{request_uri}),
    parameters => "'{\"response_type\": \"code\", \"code_challenge_method\": \"S256\"}' || "
        . "jsonb_build_object('code_challenge', " . literal($ours->{challenge}) . "::text)",
    subject_token => literal($ours->{access}), digest => "repeat('0f', 32)",
    confirm => "'no'", tenant_id => "'default'", expires_at => "clock_timestamp() + '1 min'::interval", htm => "'POST'",
    htu => "'https://as.example/token'",
    jwk => literal('{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'),
    key => "'sense'", max_hits => 3,
    provider => "'github'", actor_id => "'1'", actor_type => "'user'", access_token => "'sense'",
    connection_id => literal($ours->{leased_connection}), fence => $ours->{fence},
    factor_id => literal($ours->{factor}), secret => "'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'", algorithm => "'SHA1'",
    label => "'sense'", digits => 6,
    interaction_id => literal($ours->{interaction}), error => "'access_denied'", query => "'client_id=x'",
    method => "'POST'", path => "'/default/token'", body => "'grant_type=client_credentials'", headers => "'{}'",
    authorization => "'Basic ' || encode(" . literal("$ours->{client}:$ours->{secret}") . "::bytea, 'base64')",
    webhook_id => literal($ours->{webhook}), target_url => "'https://hooks.example/sense'", event_types => "'{*}'",
    delivery_id => literal($ours->{delivery}), http_status => 200,
    event_type => "'agent.created'", max_attempts => 3, max_per_hour => 3,
    fernet_key => "'cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4='");
# The same by function, where a name means another thing.
# An address makes a user where it has the bucket of the account.
my %SENSE_IN = ('rate_limit_hit.period' => "'1 minute'", 'tenant_create.id' => "'fresh'",
    'identity_login.email' => 'NULL', 'user_create_anonymous.id' => 'gen_random_uuid()',
    'tenant_update.id' => "'acme'", 'tenant_set_status.id' => "'acme'", 'tenant_erase.id' => "'acme'",
    'tenant_policy_set.changes' => "'{\"mfa_grace\": \"1 day\"}'",
    'passkey_challenge.ceremony' => "'registration'", 'passkey_authenticate.ceremony' => "'login'",
    'passkey_rename.passkey_id' => literal($ours->{passkey}), 'passkey_remove.passkey_id' => literal($ours->{passkey}),
    'password_reset_finish.token' => literal($ours->{reset}), 'one_time_show.token' => literal($ours->{magic_link}),
    'magic_link_finish.token' => literal($ours->{magic_link}),
    'email_verification_finish.token' => literal($ours->{verification}), 'otp_verify.code' => literal($ours->{otp}),
    'email_change_confirm.token' => literal($ours->{change}), 'email_change_undo.token' => literal($ours->{undo}),
    'email_verification_start.email' => 'NULL', 'otp_start.digits' => 6, 'otp_start.purpose' => "'sense'",
    'call.function' => "'token_introspect'", 'webhook_emit.event_type' => "'agent.created'",
    'webhook_emit.user_id' => 'NULL', 'webhook_event_type_register.name' => "'sense.made'",
    'role_create.name' => "'sense'", 'role_update.name' => "'clerk'", 'role_delete.name' => "'clerk'",
    map({ ("$_.token" => literal($ours->{invitation})) } qw(invitation_show invitation_accept)),
    'invitation_accept.any_address' => 'true', 'invitation_revoke.invitation_id' => literal($ours->{invitation_id}),
    'invitation_create.email' => "'sense\@example.com'", 'user_impersonate.actor_id' => literal($ours->{support}),
    'call.arguments' => "jsonb_build_object('token', " . literal($ours->{access}) . '::text)',
    'client_create.client_id' => "'sense'", 'tenant_visible.tenant_id' => "'default'",
    # A hash for each nonsense of another argument would take a minute; user_login() and password_set() have theirs.
    'user_create.password' => undef,
    'compliance_report.from' => "'2020-01-01'", 'compliance_report.to' => "'2100-01-01'",
    'provider_register.name' => "'sense'", 'provider_set.issuer' => "'https://sense.example'",
    'jwt_verify.token' => literal($ours->{jwt}), 'jwt_verify.audience' => "'https://api.example/default'",
    'http_resource_metadata.resource' => "'https://api.example/default'",
    'resource_set.access_token_format' => "'jwt'", 'resource_set.alg' => "'ES256'",
    map({ ("$_.uri" => "'https://sense.example/'") } qw(resource_set resource_delete)),
    'webhook_update.changes' => "'{\"max_attempts\": 5}'",
    'password_import.parameters' => 'NULL',
    'user_create.id' => 'gen_random_uuid()', 'identity_unlink.provider' => "'google'",
    'identity_unlink.subject' => "'1'", 'user_end.what' => "'{sessions,api_keys}'",
    'client_document_store.url' => "'https://sense.example/jwks'", 'client_document_store.body' => "'{\"keys\": []}'",
    'developer_client_create.metadata' => "'{\"redirect_uris\": [\"https://sense.example/cb\"]}'",
    map({ ("developer_client_$_.client_id" => literal($ours->{owned}), "developer_client_$_.owner_id" =>
        literal($ours->{user})) } qw(create update delete list secret_rotate)),
    'http_register.body' => "'{\"redirect_uris\": [\"https://sense.example/cb\"]}'",
    'http_register.client_id' => 'NULL', 'http_register.authorization' => 'NULL',
    'recovered.policy' => "'keep'", 'recovered.longest_claim' => "'1 hour'",
    'progress_begin.command' => "'cleanup'", 'progress_add.rows' => 1, 'progress_add.phase' => "'rows'",
    'progress_add.step' => 1, 'progress_add.steps' => 2,
    'signing_key_retire.kid' => literal($ours->{signing_key}),
    # RFC 8410 section 10.3.
    'signing_key_import.pem' => "'MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC'",
    'password_import.parameters' => 'NULL', 'users_import.users' => "'[{\"external_id\": \"sense\"}]'",
    'device_accept.hand_over' => "jsonb_build_object('device_id', " . literal($ours->{user}) . "::text, 'grant_id', "
        . literal($ours->{user}) . "::text, 'tenant_id', 'default', 'client_id', " . literal($ours->{client})
        . "::text, 'user_id', " . literal($ours->{user}) . "::text, 'scope', '', 'expires_at', "
        . "(1000000 * extract(epoch FROM clock_timestamp() - '1999-12-31 23:50+00'::timestamptz))::bigint)",
    'imported_point.digest' => "repeat('5e', 32)", 'imported_point.id' => "auth_store.user_id_new('sense')",
    'imported_point.kind' => "'api_key'",
    'shard_move_sql.first_bucket' => 0, 'shard_move_sql.last_bucket' => 255, 'shard_move_sql.source' => "'service=one'",
    'shard_move_sql.target' => "'service=two'", 'shard_move_sql.source_buckets' => "'0-4095'",
    'shard_move_sql.target_buckets' => "''", 'shard_move_sql.part' => "'copy'",
    'shard_names_claim.users' => "'{[1,4096)}'", 'shard_names_claim.names' => "'{[0,1)}'",
    'router_sql.cluster' => "'sense'", 'router_sql.shards' => "'{\"a\": \"host=a\"}'",
    map({ ("router_sql.$_" => 'NULL') } qw(map registry)),
    'user_update.changes' => "'{\"first_name\": \"Sense\"}'",
    'connection_import_fernet.access_token' =>
        "'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA=='",
    'connection_import_fernet.refresh_token' => 'NULL', 'api_key_create.client_id' => 'NULL',
    'api_key_import.client_id' => 'NULL', 'api_key_list.client_id' => 'NULL', 'api_key_revoke.client_id' => 'NULL',
    'api_key_rotate.client_id' => 'NULL', 'webhook_delete.target_url' => 'NULL',
    'webhook_delete.tenant_id' => 'NULL',
    'webhook_set_status.backlog' => "'skip'", map({ ("$_.tenant_id" => 'NULL') } qw(webhook_create webhook_list)),
    'webhook_complete_batch.results' => "'[]'", 'totp_import.period' => 30,
    'recovery_code_use.code' => literal($ours->{recovery_code}),
    map { ("$_.client_id" => literal($ours->{device_client})) } qw(device_authorize device_redeem
        device_hand_over));
my %SENSE_OF_TYPE = (text => "'sense'", uuid => literal($ours->{user}), interval => "'1 minute'", integer => 1,
    int4multirange => "'{}'",
    bigint => 1, real => '0.5', boolean => 'false',
    jsonb => "'{}'", 'text[]' => "'{}'", inet => "'192.0.2.1'", 'inet[]' => "'{}'",
    'timestamp with time zone' => 'clock_timestamp()', 'double precision' => '0.5');

# --- the calls, from the catalog --------------------------------------------------------------------------------------

# One call: what it answers, undone. found: 'ok', or the SQLSTATE; said: what an error says; error:
# the column of that name.
value($node, $db, <<'SQL');
CREATE TABLE tried (n int GENERATED ALWAYS AS IDENTITY, function text, argument text, value text, found text, said text,
    error text, description text);
CREATE FUNCTION try(function text, argument text, value text, call text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    answer jsonb;
    code text; message text; detail text; hint text; context text;
BEGIN
    BEGIN
        EXECUTE call INTO answer;
        RAISE EXCEPTION USING ERRCODE = 'ZZUND';
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT;
    END;
    IF code = 'ZZUND' THEN
        INSERT INTO tried (function, argument, value, found, error, description)
        VALUES (function, argument, value, 'ok', CASE jsonb_typeof(answer) WHEN 'object' THEN answer->>'error' END,
                CASE jsonb_typeof(answer) WHEN 'object' THEN answer->>'error_description' END);
    ELSE
        INSERT INTO tried (function, argument, value, found, said)
        VALUES (function, argument, value, code, concat_ws(E'\n', message, detail, hint));
    END IF;
    RETURN true;
END $$;
SQL
my @functions;
for (split /\n/, value($node, $db, <<'SQL'))
SELECT p.proname, p.prokind, a.n, a.name, replace(format_type(a.type, NULL), 'anycompatible', 'jsonb'),
       a.n > p.pronargs - p.pronargdefaults
  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'auth_store'
    JOIN pg_proc p ON p.oid = d.objid
  LEFT JOIN LATERAL unnest(p.proargtypes::oid[], p.proargnames) WITH ORDINALITY
         AS a (type, name, n) ON a.type IS NOT NULL
 WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
   AND p.prorettype <> ALL ('{trigger,event_trigger}'::regtype[])
 ORDER BY p.proname COLLATE "C", a.n
SQL
{
    my ($function, $kind, $n, $name, $type, $optional) = split /\|/, $_, -1;
    push @functions, { name => $function, kind => $kind, arguments => [] }
      if !@functions || $functions[-1]{name} ne $function;
    push @{ $functions[-1]{arguments} }, { name => $name, type => $type, optional => $optional eq 't' } if length $n;
}
cmp_ok(scalar @functions, '>', 40, 'the catalog names the functions');

# What an argument is when it makes sense; undef where it may be left out and nothing is known of its name.
sub sense
{
    my ($function, $argument) = @_;
    my $here = "$function->{name}.$argument->{name}";
    return $SENSE_IN{$here} if exists $SENSE_IN{$here};
    return $SENSE{ $argument->{name} }
      // ($argument->{optional} ? undef : $SENSE_OF_TYPE{ $argument->{type} } // 'NULL');
}

# The calls of a function: each argument with each nonsense, the others with sense, or left out where they may be.
sub calls
{
    my ($function) = @_;
    my @arguments = @{ $function->{arguments} };
    my $call = sub {
        my %values = @_;
        my $list = join ', ', map { exists $values{ $_->{name} } ? "\"$_->{name}\" => ($values{$_->{name}})::$_->{type}"
            : () } @arguments;
        return "$function->{name}($list)";
    };
    my %needed;
    for my $argument (@arguments)
    {
        my $sense = sense($function, $argument);
        $needed{ $argument->{name} } = $sense if defined $sense;
    }
    my @calls = ([ '(sense)', '', $call->(%needed) ]);
    for my $argument (@arguments)
    {
        my $values = $VALUES{ $argument->{type} };
        ok($values, "there is nonsense of type $argument->{type}") unless $values;
        push @calls, map { [ $argument->{name}, $_, $call->(%needed, $argument->{name} => $_) ] } @{ $values // [] };
    }
    # All NULL, and all of it nonsense at once.
    push @calls, [ '(all)', 'NULL', $call->(map { $_->{name} => 'NULL' } @arguments) ] if @arguments;
    for my $n (0 .. 40)
    {
        push @calls, [ '(all)', "no. $n",
            $call->(map { my $v = $VALUES{ $_->{type} } // ['NULL']; $_->{name} => $v->[ $n % @$v ] } @arguments) ]
          if @arguments > 1;
    }
    return @calls;
}

my $dir = $PostgreSQL::Test::Utils::tmp_check;
my $pid = value($node, $db, 'SELECT pg_postmaster_start_time()');

# Tries all of them with these settings of the session, and looks at the answers.
sub try_all
{
    my ($how, $settings) = @_;
    value($node, $db, 'TRUNCATE tried RESTART IDENTITY');
    for my $function (@functions)
    {
        my $script = $settings;
        my @tries;
        for my $try (calls($function))
        {
            my ($argument, $value, $call) = @$try;
            # A procedure that commits can't be undone, and so not be caught: psql tells what becomes of it.
            if ($function->{kind} eq 'p')
            {
                $script .= "CALL auth_store.$call;\n\\set said :LAST_ERROR_MESSAGE\n\\set state :SQLSTATE
                    INSERT INTO tried (function, argument, value, found, said)
                    VALUES ('$function->{name}', '$argument', " . literal($value) . ",
                        replace(:'state', '00000', 'ok'), CASE :'state' WHEN '00000' THEN NULL ELSE :'said' END);\n";
                next;
            }
            push @tries, join ', ', map { literal($_) } $function->{name}, $argument, substr($value, 0, 100),
                "SELECT to_jsonb(r) FROM auth_store.$call AS r LIMIT 1";
        }
        # One statement for all of a function: some hundred round trips and commits would take longer than the calls.
        $script .= "SELECT count(try(function, argument, value, call)) FROM (VALUES\n("
            . join("),\n(", @tries) . ")) AS tries (function, argument, value, call);\n" if @tries;
        PostgreSQL::Test::Utils::append_to_file("$dir/$how.sql", $script);
        my $expected = @tries + (() = $script =~ /^CALL/mg);
        my ($status, $out, $err) = $node->psql($db, $script, on_error_stop => 0);
        is(value($node, $db, "SELECT count(*) FROM tried WHERE function = '$function->{name}'"), $expected,
            "$how: $function->{name}: every one of $expected calls came back")
          or diag(substr $err, 0, 2000);
    }
    my $of = "SELECT DISTINCT function, argument, left(value, 60), found, left(said, 200) FROM tried";
    my $list = join ', ', map { "'$_'" } 'ok', sort keys %ALLOWED;
    is(value($node, $db, "$of WHERE found NOT IN ($list) ORDER BY 1, 2"), '',
        "$how: every error has an SQLSTATE of the contract");
    my $codes = join ', ', map { "'$_'" } sort keys %CODES;
    is(value($node, $db, "SELECT DISTINCT function, argument, left(value, 60), error FROM tried
        WHERE error NOT IN ($codes) ORDER BY 1"), '', "$how: every outcome has a code of the RFCs");
    my $secrets = join ', ', map { literal($_) } $NEEDLE, @tokens;
    is(value($node, $db,
        "$of, unnest(ARRAY[$secrets]) AS secret WHERE strpos(concat_ws(' ', said, description), secret) > 0"), '',
        "$how: no message holds what was passed in");
    is(value($node, $db,
        "$of WHERE length(said) > CASE function WHEN 'call' THEN 6000 ELSE 1000 END OR length(description) > 300"), '',
        "$how: messages are short");
    is(value($node, $db, "$of WHERE said ~ '[[:cntrl:]]' AND said !~ '^[^\\x01-\\x09\\x0b-\\x1f\\x7f]*\$'"), '',
        "$how: and hold no control characters");
    # RFC 6749 section 5.2: the characters of error_description.
    is(value($node, $db, "SELECT DISTINCT description FROM tried
        WHERE description !~ '^[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*\$'"), '',
        "$how: an error_description has the RFC's characters");
    is(value($node, $db, 'SELECT pg_postmaster_start_time()'), $pid, "$how: the server stayed up");
}

# The cleanup, which commits, would delete what ends while a slow machine tries all this.
value($node, $db, "UPDATE auth_store.$_ SET expires_at = expires_at + interval '1 day'")
  for qw(access_tokens authorization_codes device_codes interactions one_time_tokens pushed_requests);
my $before = contents($node, $db);
try_all('as it is', '');
cmp_ok(value($node, $db, "SELECT count(*) FROM tried WHERE found = 'ok'"), '>', 1000, 'many of them are outcomes');
cmp_ok(value($node, $db, "SELECT count(*) FROM tried WHERE found <> 'ok'"), '>', 500, 'and many are errors');
is(value($node, $db, "SELECT DISTINCT function FROM tried WHERE argument = '(sense)' AND found <> 'ok' ORDER BY 1"),
    "shard_forget\ntenant_erase\nuninstall",
    'what makes sense is accepted, but for the confirmations that are none and buckets that live here');
# A NULL, empty, malformed or foreign secret is an unusable one, not an error.
is(value($node, $db, "SELECT DISTINCT function, argument, found FROM tried WHERE found <> 'ok'
    AND (function, argument) IN (('code_redeem', 'code'), ('code_redeem', 'code_verifier'),
    ('token_refresh', 'refresh_token'), ('token_introspect', 'token'),
         ('token_introspection', 'token'), ('token_authorize', 'token'), ('token_use', 'token'),
         ('token_revoke', 'token'), ('token_bucket', 'token'), ('token_hash', 'token'), ('api_key_verify', 'api_key'),
             ('api_key_touch', 'api_key'),
         ('session_validate', 'session_token'), ('session_touch', 'session_token'), ('session_rotate', 'session_token'),
         ('session_elevate', 'session_token'),
         ('pkce_verify', 'verifier'), ('client_authenticate', 'client_secret'), ('code_redeem', 'client_secret'),
         ('token_refresh', 'client_id'),
         ('device_redeem', 'device_code'), ('device_hand_over', 'device_code'),
         ('device_lookup', 'user_code'), ('device_approve', 'user_code'),
         ('device_deny', 'user_code'), ('pushed_request_consume', 'request_uri'),
         ('token_exchange', 'subject_token'), ('token_exchange', 'actor_token'), ('token_exchange', 'client_secret'),
         ('fernet_decrypt', 'token'))"), '', 'no unusable secret is an error');
# Another tenant's session knows none of ours.
try_all('pinned', "SET auth_store.tenant_id = 'globex';\n");
is(value($node, $db, "SELECT DISTINCT function, argument, found, error FROM tried
    WHERE function IN ('code_redeem', 'token_refresh', 'token_exchange', 'token_issue',
    'token_issue_client_credentials', 'device_redeem', 'pushed_request_consume')
    AND found = 'ok' AND error IS NULL"), '', 'a session pinned to a third tenant gets no token of the others');
# Nothing was written by what failed or was undone; but the cleanup commits, deletes limits, challenges and counts whose
# time is over meanwhile, and has rows of its own in the trail.
my $after = contents($node, $db);
my $cleaned = qr/^(?:audit_log|cleanup_cursors|rate_limits|passkey_challenges|client_usage|flag_counts)/;
delete @{$_}{ grep { /$cleaned/ } keys %$_ } for $before, $after;
is(differences($before, $after), '', 'the tables are as before');
is(value($node, $db, 'SELECT * FROM auth_store.check()'), '', 'check() has nothing to say');

# In a database of another encoding a byte could be no character: the store is not installed there.
for my $encoding ('SQL_ASCII', 'LATIN1')
{
    value($node, $db,
        "CREATE DATABASE \"$encoding\" ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    raises($node, $encoding, 'CREATE EXTENSION auth_store', '0A000', "encoding $encoding");
}
unlike(PostgreSQL::Test::Utils::slurp_file($node->logfile), qr{(?:PANIC|TRAP|XX000): |terminated by signal| leak\b},
    'no internal error in the server log');

$node->stop;
done_testing();

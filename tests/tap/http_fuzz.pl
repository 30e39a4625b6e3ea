# Mutated requests at every endpoint: each has an answer. No request of a stranger raises an error, and none is answered
# with the provider's fault. AUTH_STORE_FUZZ says how many; a failure names the seed and the request.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use JSON::PP qw(encode_json);
use MIME::Base64 qw(encode_base64url);
use Test::More;

my $count = $ENV{AUTH_STORE_FUZZ} // 5000;
my $seed = $ENV{AUTH_STORE_FUZZ_SEED} // 0.5;
my $node = new_server('http_fuzz');
my $database = 'postgres';
value($node, $database, 'CREATE EXTENSION auth_store');
my $ours = populate($node, $database)->{default};

value($node, $database, <<'SQL');
SELECT auth_store.provider_set('https://default.example', '{"login_url": "https://app.example/login",
    "consent_url": "https://app.example/consent", "logout_url": "https://app.example/logout", "dpop_nonce": true,
    "registration": "open", "registration_max_per_hour": 1000000, "registration_max_per_network": 1000000,
    "registration_max_clients": 1000000, "client_secret_jwt": true, "request_objects": true,
    "metadata_documents": true, "authorization_details_types": ["payment"]}');
CREATE TABLE answered (place text, status int, error text);
CREATE TABLE failed (n int, state text, message text, request text);
-- A text with a piece removed, doubled, or replaced by what a parser may trip over.
CREATE FUNCTION mutated(text bytea) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    nasty bytea[] := ARRAY['\x00', '\xff', '\xc3', '\x5c']::bytea[] || ARRAY(SELECT convert_to(piece, 'UTF8')
        FROM unnest(ARRAY['%', '%4', '%00', '%ff', '+', '&', '=', '&&', '&=', '&resource=', '"', '..', '.', '{', '}',
            '[', ']', 'null', '-1', '1e999', repeat('x', 3000), repeat('&a=b', 70), repeat('%41', 400), E'\r\n', '😀',
            '&client_id=', '&grant_type=', '&scope=a b', '&request_uri=urn:x', '&request=a.b.c', ' ', ':', '/', '//',
            '&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=',
            'eyJhbGciOiJub25lIn0.e30.', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ3ZWItZGVmYXVsdCJ9.AAAA', 'asat_', 'asrt_',
            'asac_', '/../', '?', '#', '&prompt=none', '&claims={"id_token":{}}',
            '&authorization_details=[{"type":1}]']) AS piece);
    at int;
    len int;
BEGIN
    FOR step IN 1 .. 1 + floor(random() * 3) LOOP
        at := 1 + floor(random() * length(text));
        len := floor(random() * 12);
        CASE floor(random() * 5)
            WHEN 0 THEN text := substring(text FROM 1 FOR at - 1) || substring(text FROM at + len);
            WHEN 1 THEN text := substring(text FROM 1 FOR at) || substring(text FROM greatest(at - len, 1));
            WHEN 2 THEN text := overlay(text PLACING nasty[1 + floor(random() * array_length(nasty, 1))]
                                        FROM at FOR len);
            WHEN 3 THEN text := overlay(text PLACING nasty[1 + floor(random() * array_length(nasty, 1))]
                                        FROM at FOR 0);
            ELSE IF length(text) >= at THEN
                     text := set_byte(text, at - 1, floor(random() * 256)::int);
                 END IF;
        END CASE;
    END LOOP;
    RETURN substring(text FROM 1 FOR 70000);
END $$;
-- The same for what SQL has as text.
CREATE FUNCTION mutated_text(value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN convert_from(mutated(convert_to(value, 'UTF8')), 'UTF8');
EXCEPTION WHEN OTHERS THEN
    RETURN reverse(value);
END $$;
-- Asks what `asked` holds, most of it mutated: {place, path, method, body, type, authorization}.
CREATE PROCEDURE fuzz(requests int, seed float8, asked jsonb, sessions text[], INOUT tried int DEFAULT 0)
LANGUAGE plpgsql AS $$
DECLARE
    methods text[] := ARRAY['POST', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', ''];
    proof text := 'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7fX0.e30.AAAA';
    one jsonb;
    path text;
    method text;
    form bytea;
    headers jsonb;
    who text;
    answer auth_store.http_response;
    state text;
    said text;
BEGIN
    PERFORM setseed(seed);
    FOR n IN 1 .. requests LOOP
        one := asked->floor(random() * jsonb_array_length(asked))::int;
        path := one->>'path';
        method := one->>'method';
        form := convert_to(coalesce(one->>'body', ''), 'UTF8');
        who := one->>'authorization';
        IF random() < 0.8 AND length(form) > 0 THEN form := mutated(form); END IF;
        IF random() < 0.1 THEN path := mutated_text(path); END IF;
        IF random() < 0.1 THEN method := methods[1 + floor(random() * array_length(methods, 1))]; END IF;
        IF random() < 0.1 THEN
            who := CASE floor(random() * 3)
                WHEN 0 THEN 'Basic d2ViLWRlZmF1bHQ6eA==' WHEN 1 THEN 'Bearer asat_x' ELSE 'DPoP asat_x' END;
        END IF;
        IF random() < 0.3 THEN who := mutated_text(who); END IF;
        headers := jsonb_build_object('origin', 'https://default.example', 'accept', 'application/json',
            'content-type', one->'type', 'authorization', who);
        IF random() < 0.1 THEN headers := headers - 'content-type'; END IF;
        IF random() < 0.1 THEN
            headers := headers || jsonb_build_object('accept', 'application/token-introspection+jwt');
        END IF;
        IF random() < 0.1 THEN headers := headers || jsonb_build_object('dpop', mutated_text(proof)); END IF;
        IF random() < 0.02 THEN headers := jsonb_build_object('authorization', jsonb_build_array(1, 'x')); END IF;
        IF random() < 0.02 THEN headers := '[]'; END IF;
        headers := jsonb_strip_nulls(headers);
        BEGIN
            answer := auth_store.http(method, path, form, headers, form, '192.0.2.1',
                CASE WHEN random() < 0.1 THEN mutated('\x30820226308201cca003020102') END,
                CASE WHEN random() < 0.1 THEN mutated_text(sessions[1])
                     ELSE sessions[1 + floor(random() * array_length(sessions, 1))] END);
            IF answer.status IS NULL OR answer.status NOT BETWEEN 200 AND 499
               OR (answer.body LIKE '{%' AND answer.body::jsonb IS NULL) THEN
                INSERT INTO failed VALUES (n, 'status ' || answer.status, answer.body,
                    concat_ws(' ', method, path, headers, encode(form, 'escape')));
            END IF;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, said = MESSAGE_TEXT;
            INSERT INTO failed VALUES (n, state, said, concat_ws(' ', method, path, headers, encode(form, 'escape')));
            CONTINUE;
        END;
        INSERT INTO answered VALUES (one->>'place', answer.status, answer.error);
        IF n % 1000 = 0 THEN COMMIT; END IF;
        tried := n;
    END LOOP;
END $$;
SQL

my ($client, $form) = ("client_id=$ours->{client}&client_secret=$ours->{secret}", 'application/x-www-form-urlencoded');
my $asked = "response_type=code&code_challenge_method=S256&code_challenge=$ours->{challenge}&state=x"
  . '&redirect_uri=https%3A%2F%2Fdefault.example%2Fcb';
my $assertion = 'client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer'
  . '&client_assertion=' . jwt('{"alg":"HS256","typ":"JWT"}', qq({"iss":"$ours->{owned}","sub":"$ours->{owned}",)
      . '"aud":"https://default.example","exp":' . (time + 3000) . ',"jti":"j"}');
my $registration = '{"redirect_uris": ["https://a.example/cb"], "client_name": "\u00fc", "scope": "openid orders",'
  . ' "grant_types": ["authorization_code", "refresh_token"], "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519",'
  . ' "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "use": "sig"}]},'
  . ' "token_endpoint_auth_method": "private_key_jwt", "contacts": ["a@a.example"], "application_type": "web"}';
my $registered = value($node, $database, "SELECT body FROM auth_store.http('POST', '/register',
    headers => '{\"content-type\": \"application/json\"}', body => convert_to('$registration', 'UTF8'))");
my ($made, $manages) = map { $registered =~ /"$_": ?"([^"]+)"/ ? $1 : die "no $_ in $registered" }
  qw(client_id registration_access_token);
my ($person, $id_token) = split /\|/, value($node, $database, "SELECT access_token, id_token
    FROM auth_store.token_issue('$ours->{client}', '$ours->{user}', 'openid orders')");
value($node, $database, "SELECT auth_store.client_update('$ours->{client}',
    '{\"post_logout_redirect_uris\": [\"https://default.example/bye\"]}')");
# place, path, method, body, type, authorization
my @asked = map { my %one; @one{qw(place path method body type authorization)} = @$_; \%one } (
    (map { [ token => '/token', POST => $_, $form ] }
        "grant_type=authorization_code&code=$ours->{code}&$client&code_verifier=$ours->{verifier}",
        "grant_type=refresh_token&refresh_token=$ours->{refresh}&$client",
        "grant_type=client_credentials&scope=openid&$client", "grant_type=client_credentials&$assertion",
        'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code'
            . "&device_code=$ours->{waiting_device_code}&client_id=$ours->{device_client}",
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=$ours->{access}"
            . "&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token&$client"),
    (map { [ introspect => '/introspect', POST => "token=$_&$client", $form ] } $ours->{access}, $ours->{jwt}),
    [ revoke => '/revoke', POST => "token=$ours->{machine_access}&$client", $form ],
    (map { [ par => '/par', POST => "$asked&scope=openid&$_", $form ] } $client,
        "$client&authorization_details=" . '[{"type":"payment","locations":["https://api.example/default"]}]'
            . '&claims={"userinfo":{"name":null},"id_token":{"acr":{"values":["x"]}}}&resource=https://api.example/'),
    [ device_authorization => '/device_authorization', POST => "client_id=$ours->{device_client}&scope=orders",
        $form ],
    [ userinfo => '/userinfo', GET => undef, undef, "Bearer $person" ],
    [ userinfo => '/userinfo', GET => undef, undef, "DPoP $ours->{other_access}" ],
    [ userinfo => '/userinfo', POST => "access_token=$person", $form ],
    [ registration => '/register', POST => $registration, 'application/json' ],
    [ configuration => "/register/$made", GET => undef, undef, "Bearer $manages" ],
    [ configuration => "/register/$made", PUT => $registration =~ s/\{/{"client_id": "$made", /r, 'application/json',
        "Bearer $manages" ],
    [ configuration => '/register/of-nobody', DELETE => undef, undef, "Bearer $manages" ],
    (map { [ authorization => '/authorize', GET => "client_id=$ours->{client}&$_" ] } "$asked&scope=openid",
        "$asked&scope=openid+orders&prompt=consent&max_age=10&login_hint=ada&nonce=n&ui_locales=de&acr_values=x",
        "$asked&response_mode=form_post&id_token_hint=$id_token&prompt=none", "request_uri=$ours->{request_uri}",
        'request=' . jwt('{"alg":"ES256","typ":"oauth-authz-req+jwt"}', '{"response_type":"code"}')),
    [ authorization => '/authorize', POST => "client_id=$ours->{client}&$asked", $form ],
    [ authorization => '/authorize', GET => "client_id=https%3A%2F%2Fclients.example%2Fone&$asked" ],
    (map { [ end_session => '/logout', $_ => "id_token_hint=$id_token&client_id=$ours->{client}&state=x"
        . '&post_logout_redirect_uri=https%3A%2F%2Fdefault.example%2Fbye', $_ eq 'POST' ? $form : undef ] }
        qw(GET POST)),
    (map { [ document => $_, 'GET' ] } qw(/jwks /.well-known/openid-configuration
        /.well-known/oauth-authorization-server /.well-known/oauth-protected-resource/default)));

# jwt(HEADER, CLAIMS): with a signature that nobody made.
sub jwt { return join '.', (map { encode_base64url($_) } @_), 'A' x 86 }

my $json = encode_json(\@asked);
is(value($node, $database, "CALL fuzz($count, $seed, \$json\$$json\$json\$,
    '{$ours->{session},$ours->{ended_session}}')"), $count, "$count requests were made");
is(value($node, $database, 'SELECT n, state, message, left(request, 2000) FROM failed ORDER BY n LIMIT 5'), '',
    "each had an answer (seed $seed)");
# It is no test if everything is refused at the door.
cmp_ok(value($node, $database, 'SELECT count(DISTINCT error) FROM answered'), '>', 12, 'of many kinds');
is(value($node, $database, "SELECT string_agg(place, ' ' ORDER BY place) FROM (SELECT place FROM answered
    GROUP BY place HAVING count(*) FILTER (WHERE status < 400) > count(*) / 50) AS good"),
    join(' ', sort keys %{ { map { $_->{place} => 1 } @asked } }), 'some are right at each endpoint');
$node->stop;
done_testing();

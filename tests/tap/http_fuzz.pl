# Mutated requests at every endpoint: each has an answer. No request of a stranger raises an error, and none is answered
# with the provider's fault. AUTH_STORE_FUZZ says how many; a failure names the seed and the request.

use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use AuthStore;
use Test::More;

my $count = $ENV{AUTH_STORE_FUZZ} // 5000;
my $seed = $ENV{AUTH_STORE_FUZZ_SEED} // 0.5;
my $node = new_server('http_fuzz');
my $database = 'postgres';
value($node, $database, 'CREATE EXTENSION auth_store');
my $ours = populate($node, $database)->{default};

value($node, $database, <<'SQL');
SELECT auth_store.signing_key_create('ES256');
SELECT auth_store.provider_set(settings => '{"login_url": "https://app.example/login", "dpop_nonce": true,
    "consent_url": "https://app.example/consent", "logout_url": "https://app.example/logout"}');
CREATE TABLE answered (status int, error text, requests bigint);
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
CREATE PROCEDURE fuzz(requests int, seed float8, forms jsonb, INOUT tried int DEFAULT 0) LANGUAGE plpgsql AS $$
DECLARE
    paths text[] := ARRAY['/token', '/token', '/token', '/introspect', '/revoke', '/par', '/device_authorization',
        '/userinfo', '/register', '/authorize', '/logout', '/jwks', '/.well-known/openid-configuration',
        '/.well-known/oauth-authorization-server', '/.well-known/oauth-protected-resource'];
    methods text[] := ARRAY['POST', 'POST', 'POST', 'POST', 'POST', 'GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', ''];
    path text;
    method text;
    form bytea;
    headers jsonb;
    answer auth_store.http_response;
    state text;
    said text;
BEGIN
    PERFORM setseed(seed);
    FOR n IN 1 .. requests LOOP
        path := paths[1 + floor(random() * array_length(paths, 1))];
        method := methods[1 + floor(random() * array_length(methods, 1))];
        form := convert_to(forms->>floor(random() * jsonb_array_length(forms))::int, 'UTF8');
        IF random() < 0.9 THEN form := mutated(form); END IF;
        IF random() < 0.1 THEN path := mutated_text(path); END IF;
        headers := jsonb_build_object('origin', 'https://default.example', 'accept', 'application/json');
        IF random() < 0.5 THEN
            headers := headers || jsonb_build_object('content-type', 'application/x-www-form-urlencoded');
        END IF;
        IF random() < 0.4 THEN
            headers := headers || jsonb_build_object('authorization',
                CASE WHEN random() < 0.5 THEN mutated_text('Basic d2ViLWRlZmF1bHQ6eA==')
                     WHEN random() < 0.5 THEN mutated_text('Bearer asat_x') ELSE mutated_text('DPoP asat_x') END);
        END IF;
        IF random() < 0.2 THEN
            headers := headers || jsonb_build_object('dpop',
                mutated_text('eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7fX0.e30.AAAA'));
        END IF;
        IF random() < 0.02 THEN headers := jsonb_build_object('authorization', jsonb_build_array(1, 'x')); END IF;
        IF random() < 0.02 THEN headers := '[]'; END IF;
        BEGIN
            answer := auth_store.http(method, path, form, headers, form, '192.0.2.1',
                CASE WHEN random() < 0.1 THEN mutated('\x30820226308201cca003020102') END,
                CASE WHEN random() < 0.3 THEN mutated_text('asst_x') END);
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
        INSERT INTO answered VALUES (answer.status, answer.error, 1);
        IF n % 1000 = 0 THEN COMMIT; END IF;
        tried := n;
    END LOOP;
END $$;
SQL

my @forms = (
    "grant_type=authorization_code&code=$ours->{code}&client_id=$ours->{client}&client_secret=$ours->{secret}"
        . "&code_verifier=$ours->{verifier}",
    "grant_type=refresh_token&refresh_token=$ours->{refresh}&client_id=$ours->{client}&client_secret=$ours->{secret}",
    "grant_type=client_credentials&scope=openid&client_id=$ours->{client}&client_secret=$ours->{secret}",
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=$ours->{waiting_device_code}"
        . "&client_id=$ours->{device_client}",
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=$ours->{access}"
        . '&subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token'
        . "&client_id=$ours->{client}&client_secret=$ours->{secret}",
    "token=$ours->{access}&client_id=$ours->{client}&client_secret=$ours->{secret}",
    "response_type=code&client_id=$ours->{client}&client_secret=$ours->{secret}&code_challenge_method=S256"
        . "&code_challenge=$ours->{challenge}&redirect_uri=https%3A%2F%2Fdefault.example%2Fcb&state=x&scope=openid",
    "client_id=$ours->{device_client}&scope=orders", '{"redirect_uris": ["https://a.example/cb"]}');
my $forms = '[' . join(',', map { '"' . s/(["\\])/\\$1/gr . '"' } @forms) . ']';
is(value($node, $database, "CALL fuzz($count, $seed, \$forms\$$forms\$forms\$)"), $count, "$count requests were made");
is(value($node, $database, 'SELECT n, state, message, left(request, 2000) FROM failed ORDER BY n LIMIT 5'), '',
    "each had an answer (seed $seed)");
# It is no test if everything is refused at the door.
cmp_ok(value($node, $database, 'SELECT count(DISTINCT error) FROM answered'), '>', 7, 'of many kinds');
cmp_ok(value($node, $database, 'SELECT count(*) FROM answered WHERE status BETWEEN 200 AND 303'), '>', $count / 100,
    'some are right');
$node->stop;
done_testing();

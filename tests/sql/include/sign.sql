\set ECHO none
-- Signing in SQL, with keys of this test alone. The nonces of the signatures are fixed, which gives such a key away.
CREATE FUNCTION pg_temp.number(bytes bytea) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    n numeric := 0;
BEGIN
    FOR i IN 0 .. length(bytes) - 1 LOOP n := n * 256 + get_byte(bytes, i); END LOOP;
    RETURN n;
END $$;
CREATE FUNCTION pg_temp.bytes(n numeric, size int) RETURNS bytea LANGUAGE plpgsql AS $$
DECLARE
    hex text := '';
BEGIN
    FOR i IN 1 .. size LOOP
        hex := lpad(to_hex((n % 256)::int), 2, '0') || hex;
        n := div(n, 256);
    END LOOP;
    RETURN decode(hex, 'hex');
END $$;
CREATE FUNCTION pg_temp.hex(digits text) RETURNS numeric
    LANGUAGE sql AS $$ SELECT pg_temp.number(decode(digits, 'hex')) $$;
CREATE FUNCTION pg_temp.reversed(b bytea) RETURNS bytea LANGUAGE sql AS $$
    SELECT decode(string_agg(lpad(to_hex(get_byte(b, i)), 2, '0'), '' ORDER BY i DESC), 'hex')
      FROM generate_series(0, length(b) - 1) AS i
$$;
CREATE FUNCTION pg_temp.base64url(b bytea) RETURNS text
    LANGUAGE sql AS $$ SELECT translate(encode(b, 'base64'), E'+/=\n', '-_') $$;
CREATE FUNCTION pg_temp.power(base numeric, exponent numeric, modulus numeric) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    result numeric := 1;
BEGIN
    WHILE exponent > 0 LOOP
        IF exponent % 2 = 1 THEN result := result * base % modulus; END IF;
        base := base * base % modulus;
        exponent := div(exponent, 2);
    END LOOP;
    RETURN result;
END $$;
CREATE FUNCTION pg_temp.sign(alg text, message bytea) RETURNS bytea LANGUAGE sql AS $$
    SELECT CASE alg
        WHEN 'ES256' THEN (
            SELECT decode(r, 'hex')
                   || pg_temp.bytes(
                       pg_temp.hex('67a5fe0ef8bf007e1364bd572c37322305d6a09f3d90deb8474a6129fcd5bf10')
                     * (pg_temp.number(sha256(message))
                        + pg_temp.hex(r)
                          * pg_temp.hex('3afde7975d6c100fd89ec44f50b093173ff4ea7fd2e7a6eec0d7375703152c5f'))
                     % pg_temp.hex('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'), 32)
              FROM (VALUES ('c2ee1051e7bc803d11eeb39a54b189544eed4921cb4f9e4d0ac78c43756ba327')) AS k (r))
        WHEN 'EdDSA' THEN (
            SELECT r
                   || pg_temp.reversed(pg_temp.bytes(
                       (pg_temp.hex('07e1d102eeff4907ab58050c74044e2776df9cb02c1921e7ea1d98d9f33e40d7')
                        + pg_temp.number(pg_temp.reversed(sha512(r || a || message)))
                          * pg_temp.hex('0ca5cea7d2c8a7faec15968fec79cfa0f33c31dc158948e7581a2469d348c1f6'))
                     % pg_temp.hex('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed'), 32))
              FROM (VALUES ('\x0dd0c50aa4d92b61ce2cbba693f45d82087b08326da62480ccd27258d38043d8'::bytea,
                            '\x5e7831d2fc2b28fb5c2d8331bbc6d33a4faed2ea2d3d08e65c907ee69759d913'::bytea)) AS k (r, a))
        WHEN 'RS256' THEN (
            SELECT pg_temp.bytes(pg_temp.power(
                pg_temp.number('\x0001' || decode(repeat('ff', 202), 'hex')
                               || '\x003031300d060960864801650304020105000420' || sha256(message)),
                pg_temp.hex(d), pg_temp.hex(n)), 256)
              FROM (VALUES ('e1d23d0424f650a0b7b26b65472c49335a1639831087865b8dd7ec95d5ee38f47b5c79b7fe46437273659d7d2d'
                            '16733496dbe6e279db45fb7f0448a675f1aa57825c52b3a451380e39c9a2654df29bed451bea3a6ef677a7fbac'
                            '30da706f782695bba4544f367c36e0d0380f35611b42706489d658debca2903a59e84c9e399a1c21adeaccce50'
                            'b468d752cd07a5527b8d7e3e82c2485d1b5ca7eb11c1228281a14f1122096e990b182acbb8b5738cb691b63490'
                            '8451c721a68ee979ede98b2652e62a12fcd774a5c206676b4d7affcf6537a8e35a7a63b52b5d75d5d51a4bcd3e'
                            '3bc17e36c53f38f820fd6de61f4e9c4fa37da384e0da38992b7395ddfab35b',
                            '551f6ae0a50e345660e860934cc0e4d6f69e6a0f7dab9879ea7dfa3080f3cb845cfbfee5dc739ff90486c956e6'
                            '2810454298a1efbcff6ae1e27f3ae384921423e87fe4acd2c3cadd91eaefcc4015b3b13cdbc8ef3de4aa362828'
                            '4042171fedaa9dc69dab2a30dfa1d01cad050e9a0c2c7f3166c3e5bc105f36fec7e548fc5bb986939db4413ec0'
                            '7f6162efba0fb7e5b7af996a0a19394d5d8c3988e0b52f42cee0f9b3d73dbae146b20c42d5611ed568a9438358'
                            'fe8c8b166e0afa4fb5a67f08842876595b09170ac795f93f67c225142f77fdf2313f7f86cc10a85bf2c88b2d0e'
                            '2091fcb1e8e470d582900de28389e2af7563d209cf88adb6d40ea51d1d3801')) AS k (n, d))
    END
$$;
CREATE FUNCTION pg_temp.jwk(alg text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT CASE alg
        WHEN 'ES256' THEN '{"kty": "EC", "crv": "P-256", "x": "dqVi_bU6ajsbT65LxKEXkGBXvyVQEzW0HJ3Mlt8L3O8", "y": '
                          '"JSMRYcZ5NLzAPElD4SeQLUlPiyiExTQYnukfGe1Qta8"}'::jsonb
        WHEN 'EdDSA' THEN '{"kty": "OKP", "crv": "Ed25519", "x": "Xngx0vwrKPtcLYMxu8bTOk-u0uotPQjmXJB-5pdZ2RM"}'
        WHEN 'RS256' THEN '{"kty": "RSA", "e": "AQAB", "n": '
                          '"4dI9BCT2UKC3smtlRyxJM1oWOYMQh4ZbjdfsldXuOPR7XHm3_kZDcnNlnX0tFnM0ltvm4nnbRft_BEimdfGqV4JcUrO'
                          'kUTgOOcmiZU3ym-1FG-o6bvZ3p_usMNpwb3gmlbukVE82fDbg0DgPNWEbQnBkidZY3ryikDpZ6EyeOZocIa3qzM5QtGj'
                          'XUs0HpVJ7jX4-gsJIXRtcp-sRwSKCgaFPESIJbpkLGCrLuLVzjLaRtjSQhFHHIaaO6Xnt6YsmUuYqEvzXdKXCBmdrTXr'
                          '_z2U3qONaemO1K1111dUaS80-O8F-NsU_OPgg_W3mH06cT6N9o4Tg2jiZK3OV3fqzWw"}'
    END
$$;
-- A JWT of these claims.
CREATE FUNCTION pg_temp.jwt(header jsonb, claims jsonb, alg text DEFAULT 'EdDSA') RETURNS text LANGUAGE sql AS $$
    SELECT signed || '.' || pg_temp.base64url(pg_temp.sign(alg, convert_to(signed, 'UTF8')))
      FROM (SELECT pg_temp.base64url(convert_to(jsonb_strip_nulls(jsonb_build_object('alg', alg) || header)::text,
                       'UTF8')) || '.' ||
                   pg_temp.base64url(convert_to(jsonb_strip_nulls(claims)::text, 'UTF8'))) AS s (signed)
$$;

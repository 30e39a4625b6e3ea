\set ECHO none
-- An authenticator app in SQL (RFC 4226 section 5.3), for the tests: the server has SHA-256, and SHA-1 is made here
-- (FIPS 180-4 section 6.1).
CREATE FUNCTION pg_temp.rotated(word bigint, bits int) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    SELECT ((word << bits) | (word >> (32 - bits))) & 4294967295
$$;
CREATE FUNCTION pg_temp.sha1(message bytea) RETURNS bytea IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    padded bytea := message || '\x80' || decode(repeat('00', (119 - length(message) % 64) % 64), 'hex')
                    || int8send(length(message) * 8);
    state bigint[] := '{1732584193,4023233417,2562383102,271733878,3285377520}';
    now bigint[];
    words bigint[];
    f bigint;
    k bigint;
BEGIN
    FOR block IN 0 .. length(padded) / 64 - 1 LOOP
        FOR t IN 0 .. 79 LOOP
            IF t < 16 THEN
                words[t] := ('x' || encode(substr(padded, block * 64 + t * 4 + 1, 4), 'hex'))::bit(32)::bigint;
            ELSE
                words[t] := pg_temp.rotated(words[t - 3] # words[t - 8] # words[t - 14] # words[t - 16], 1);
            END IF;
        END LOOP;
        now := state;
        FOR t IN 0 .. 79 LOOP
            CASE t / 20
                WHEN 0 THEN f := (now[2] & now[3]) | (~now[2] & 4294967295 & now[4]); k := 1518500249;
                WHEN 1 THEN f := now[2] # now[3] # now[4]; k := 1859775393;
                WHEN 2 THEN f := (now[2] & now[3]) | (now[2] & now[4]) | (now[3] & now[4]); k := 2400959708;
                ELSE f := now[2] # now[3] # now[4]; k := 3395469782;
            END CASE;
            now := ARRAY[(pg_temp.rotated(now[1], 5) + f + now[5] + k + words[t]) & 4294967295, now[1],
                         pg_temp.rotated(now[2], 30), now[3], now[4]];
        END LOOP;
        state := (SELECT array_agg((s + n) & 4294967295 ORDER BY i)
                    FROM unnest(state, now) WITH ORDINALITY AS u (s, n, i));
    END LOOP;
    RETURN (SELECT string_agg(substr(int8send(s), 5), ''::bytea ORDER BY i)
              FROM unnest(state) WITH ORDINALITY AS u (s, i));
END $$;
CREATE FUNCTION pg_temp.xored(key bytea, pad int) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$
    SELECT string_agg(set_byte('\x00', 0, (CASE WHEN n < length(key) THEN get_byte(key, n) ELSE 0 END) # pad),
                      ''::bytea ORDER BY n)
      FROM generate_series(0, 63) AS n
$$;
CREATE FUNCTION pg_temp.from_base32(text text) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$
    SELECT string_agg(set_byte('\x00', 0, substr(bits, n * 8 + 1, 8)::bit(8)::int), ''::bytea ORDER BY n)
      FROM (SELECT string_agg((position(letter IN 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567') - 1)::bit(5)::text, ''
                              ORDER BY i) AS bits
              FROM regexp_split_to_table(text, '') WITH ORDINALITY AS l (letter, i)) AS b,
           generate_series(0, length(bits) / 8 - 1) AS n
$$;
-- The code of a secret so many steps from now.
CREATE FUNCTION pg_temp.totp(secret text, steps int DEFAULT 0, algorithm text DEFAULT 'SHA1', digits int DEFAULT 6,
    period int DEFAULT 30) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    key bytea := pg_temp.from_base32(secret);
    counter bytea := int8send(floor(extract(epoch FROM clock_timestamp()) / period)::bigint + steps);
    tag bytea;
    at int;
BEGIN
    IF algorithm = 'SHA1' THEN
        tag := pg_temp.sha1(pg_temp.xored(key, 92) || pg_temp.sha1(pg_temp.xored(key, 54) || counter));
    ELSE
        tag := sha256(pg_temp.xored(key, 92) || sha256(pg_temp.xored(key, 54) || counter));
    END IF;
    at := get_byte(tag, length(tag) - 1) & 15;
    RETURN lpad(((('x' || encode(substr(tag, at + 1, 4), 'hex'))::bit(32)::bigint & 2147483647)
                 % (10 ^ digits)::bigint)::text, digits, '0');
END $$;
-- Waits for the beginning of a step, so that what follows is of one step.
CREATE FUNCTION pg_temp.step_begins(period int DEFAULT 30) RETURNS void LANGUAGE sql AS $$
    SELECT pg_sleep(CASE WHEN left_of < 12 THEN left_of + 0.05 ELSE 0 END)
      FROM (SELECT period - extract(epoch FROM clock_timestamp()) % period AS left_of) AS s
$$;
\set ECHO all

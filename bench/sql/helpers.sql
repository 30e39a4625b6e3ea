-- What seeds and scripts share. Everything is a function of a row's number, so that a script can name the token of row
-- n without a table of plaintexts.
CREATE SCHEMA bench;

-- How many rows there are and when the first of them was made. The scripts know the tokens of rows every, 2 * every, …
CREATE TABLE bench.seed (tokens bigint NOT NULL, users bigint NOT NULL, base_ms bigint NOT NULL,
    span_ms bigint NOT NULL,
                         every bigint NOT NULL);

-- Ends a script: an outcome with an error must never count as work done.
CREATE FUNCTION bench.fail(what text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'benchmark: refused: %', what; END $$;

-- A time-ordered id: UUIDv8 = 48-bit milliseconds, bucket, 62 bits that `what` decides.
CREATE FUNCTION bench.id(ms bigint, bucket bigint, what text) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (lpad(to_hex(ms), 12, '0') || '8' || lpad(to_hex(bucket & 4095), 3, '0')
           || '9' || substr(md5(what), 1, 15))::uuid $$;

-- When row n of the seed was made.
CREATE FUNCTION bench.ms(s bench.seed, n bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT s.base_ms + (n * (s.span_ms::float8 / s.tokens))::bigint $$;

CREATE FUNCTION bench.text(prefix text, bytes bytea) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT prefix || translate(encode(bytes, 'base64'), E'+/=\n', '-_') $$;

CREATE FUNCTION bench.digest(what text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT sha256(what::bytea) $$;

CREATE FUNCTION bench.user_id(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT ('01900000-0000-8000-8000-' || (100000000000 + n)::text)::uuid $$;

CREATE FUNCTION bench.access_id(s bench.seed, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.id(bench.ms(s, n), n, 'access' || n::text) $$;

CREATE FUNCTION bench.access_token(s bench.seed, n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.text('asat_', uuid_send(bench.access_id(s, n)) || bench.digest('access' || n::text)) $$;

CREATE FUNCTION bench.grant_id(s bench.seed, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.id(bench.ms(s, n), n, 'grant' || n::text) $$;

CREATE FUNCTION bench.family(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT substr(bench.digest('family' || n::text), 1, 16) $$;

CREATE FUNCTION bench.refresh_token(s bench.seed, n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.text('asrt_', uuid_send(bench.grant_id(s, n)) || bench.family(n) ||
bench.digest('rotation' || n::text)) $$;

CREATE FUNCTION bench.api_key_id(s bench.seed, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.id(bench.ms(s, n), n, 'api key' || n::text) $$;

CREATE FUNCTION bench.api_key(s bench.seed, n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.text('sk_live_', uuid_send(bench.api_key_id(s, n)) || bench.digest('api key' || n::text)) $$;

-- The known row that is `steps` known rows after row n, in a round.
CREATE FUNCTION bench.known(s bench.seed, n bigint, steps bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (1 + (n / s.every + steps) % (s.tokens / s.every)) * s.every $$;

CREATE FUNCTION bench.session_id(s bench.seed, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.id(s.base_ms + (n * (s.span_ms::float8 / s.users))::bigint, n, 'session' || n::text) $$;

CREATE FUNCTION bench.session_token(s bench.seed, n bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT bench.text('asst_', uuid_send(bench.session_id(s, n)) || bench.digest('session' || n::text)) $$;

-- PKCE (RFC 7636 appendix B): one verifier for all codes of the benchmark.
CREATE FUNCTION bench.verifier() RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk' $$;
CREATE FUNCTION bench.challenge() RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' $$;

-- Where a script begins: a random access token or API key; a random session; the next unused family.
CREATE FUNCTION bench.introspect_start(OUT token text, OUT id uuid) LANGUAGE sql VOLATILE AS
$$ SELECT bench.access_token(s, n), bench.access_id(s, n)
     FROM bench.seed s, LATERAL (SELECT bench.known(s, 0, floor(random() * s.tokens)::bigint) AS n) r $$;

CREATE FUNCTION bench.api_key_start(OUT key text, OUT id uuid) LANGUAGE sql VOLATILE AS
$$ SELECT bench.api_key(s, n), bench.api_key_id(s, n)
     FROM bench.seed s, LATERAL (SELECT 1 + floor(random() * s.users)::bigint AS n) r $$;

CREATE FUNCTION bench.session_start(OUT token text, OUT id uuid) LANGUAGE sql VOLATILE AS
$$ SELECT bench.session_token(s, n), bench.session_id(s, n)
     FROM bench.seed s, LATERAL (SELECT 1 + floor(random() * s.users)::bigint AS n) r $$;

CREATE SEQUENCE bench.refresh_next;
CREATE FUNCTION bench.refresh_start(OUT token text, OUT id uuid, OUT client text) LANGUAGE sql VOLATILE AS
$$ SELECT bench.refresh_token(s, n), bench.grant_id(s, n), (100 + n % 100)::text
     FROM bench.seed s, LATERAL (SELECT bench.known(s, 0, nextval('bench.refresh_next') * 618033) AS n) r $$;

-- Codes that wait to be redeemed, in lists of fifty: each one's claims name the next. `run` keeps a later set apart.
CREATE UNLOGGED TABLE bench.code_heads (n bigint PRIMARY KEY, code text NOT NULL, id uuid NOT NULL,
    client text NOT NULL);
CREATE SEQUENCE bench.code_next;
CREATE FUNCTION bench.code_start(OUT code text, OUT id uuid, OUT client text) LANGUAGE sql VOLATILE AS
$$ SELECT h.code, h.id, h.client FROM (SELECT nextval('bench.code_next') AS n) k
JOIN bench.code_heads h ON h.n = k.n $$;

CREATE SEQUENCE bench.classic_refresh_next;
CREATE SEQUENCE bench.classic_code_next;

-- What the backend that calls it has used so far: the processor's time and memory of its own.
CREATE FUNCTION bench.probe(OUT ns bigint, OUT kb bigint) LANGUAGE sql VOLATILE SECURITY DEFINER AS
$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::bigint,
          substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s+(\d+)')::bigint $$;
CREATE UNLOGGED TABLE bench.probed (ns bigint NOT NULL, grown_kb bigint NOT NULL, kb bigint NOT NULL);

-- A table is loaded without the indexes that no constraint needs, which are built at the end, as pg_restore does it.
CREATE TABLE bench.indexes (relation regclass NOT NULL, definition text NOT NULL);
CREATE FUNCTION bench.indexes_take(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT i.indexrelid::regclass AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
                  WHERE i.indrelid = relation
                    AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid) LOOP
        INSERT INTO bench.indexes VALUES (relation, found.definition);
        EXECUTE format('DROP INDEX %s', found.name);
    END LOOP;
END $$;
CREATE FUNCTION bench.indexes_give(wanted regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    found record;
BEGIN
    FOR found IN DELETE FROM bench.indexes WHERE relation = wanted RETURNING definition LOOP
        EXECUTE found.definition;
    END LOOP;
END $$;

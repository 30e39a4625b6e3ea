-- What both databases have: a client, and a procedure that says how long a refresh takes.
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION auth_store;
SELECT auth_store.client_create('App', ARRAY['http://127.0.0.1/cb'], 'public', client_id => 'app') \gset _
CREATE TABLE made AS SELECT user_id FROM auth_store.user_create('user@example.com');
CREATE TABLE taken (kind text, value float);

-- Microseconds of a refresh, the median of so many; each in a transaction of its own, fifty to a family.
CREATE PROCEDURE refreshes(calls int, INOUT micros float DEFAULT NULL) LANGUAGE plpgsql AS $$
DECLARE
    token text;
    refused text;
    began timestamptz;
    times float[] := '{}';
BEGIN
    FOR n IN -100 .. calls - 1 LOOP
        IF n % 50 = 0 THEN
            token := (auth_store.token_issue('app', (SELECT user_id FROM made))).refresh_token;
        END IF;
        COMMIT;
        began := clock_timestamp();
        SELECT t.refresh_token, t.error INTO token, refused FROM auth_store.token_refresh(token, 'app') t;
        IF n >= 0 THEN
            times := times || extract(epoch FROM clock_timestamp() - began)::float * 1e6;
        END IF;
        IF token IS NULL THEN
            RAISE EXCEPTION 'refused: %', refused;
        END IF;
        COMMIT;
    END LOOP;
    micros := percentile_cont(0.5) WITHIN GROUP (ORDER BY t) FROM unnest(times) t;
END $$;

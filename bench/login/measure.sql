-- Kinds of attempts in turn, so that a busy machine slows all of them, and the medians.
SET client_min_messages = warning;
CREATE EXTENSION auth_store;
-- Nobody is locked out, and every attempt is examined.
SET auth_store.lockout_threshold = 100;
SET auth_store.login_failures_per_network = 1000000;
SELECT auth_store.user_create('known@login.example', password => 'correct horse') \g /dev/null
CREATE TABLE attempt (
    what text PRIMARY KEY, call text, taken float[] DEFAULT '{}', buffers bigint DEFAULT 0, wal bigint DEFAULT 0);
INSERT INTO attempt VALUES
    ('hash', $$auth_store.password_hash('correct horse')$$),
    ('verify', $$auth_store.password_verify(u, 'correct horse')$$),
    ('good', $$auth_store.user_login('known@login.example', 'correct horse', ip => ip, user_agent => 'bench')$$),
    ('wrong', $$auth_store.user_login('known@login.example', 'wrong horse', ip => ip)$$),
    ('unknown', $$auth_store.user_login('unknown@login.example', 'wrong horse', ip => ip)$$),
    -- A text that is longer than any password is not hashed; all the rest is done.
    ('wrong without a hash', $$auth_store.user_login('known@login.example', repeat('x', 100000), ip => ip)$$),
    ('unknown without a hash', $$auth_store.user_login('unknown@login.example', repeat('x', 100000), ip => ip)$$);
CREATE PROCEDURE measure(calls int) LANGUAGE plpgsql AS $$
DECLARE
    a attempt;
    began timestamptz;
    lsn pg_lsn;
    plan json;
    who uuid := (SELECT user_id FROM auth_store.user_find('known@login.example'));
BEGIN
    FOR n IN -5 .. calls LOOP
        FOR a IN SELECT * FROM attempt ORDER BY what LOOP
            lsn := pg_current_wal_insert_lsn();
            began := clock_timestamp();
            EXECUTE format('SELECT %s FROM (SELECT $1 AS u, $2 AS ip) AS s', a.call)
                USING who, ('10.' || (n + 10) / 50 % 250 || '.' || (n + 10) % 250 || '.1')::inet;
            IF n > 0 THEN
                UPDATE attempt SET taken = taken || extract(epoch FROM clock_timestamp() - began)::float * 1e6,
                       wal = wal + (pg_current_wal_insert_lsn() - lsn)::bigint
                 WHERE what = a.what;
            END IF;
            COMMIT;
            -- Each kind begins as the others.
            DELETE FROM auth_store.login_failures;
            DELETE FROM auth_store.rate_limits;
            COMMIT;
        END LOOP;
    END LOOP;
END $$;
CALL measure(:calls);
CREATE VIEW median AS
    SELECT what, percentile_cont(0.5) WITHIN GROUP (ORDER BY t) AS us,
           percentile_cont(0.25) WITHIN GROUP (ORDER BY t) AS quarter, wal / cardinality(taken) AS wal
      FROM attempt, unnest(taken) t GROUP BY what, wal, taken;
SELECT format('%-24s %9s us, a quarter below %6s, %7s bytes of WAL', what, round(us),
              round(quarter), wal)
  FROM median ORDER BY us DESC;
CREATE FUNCTION us(text) RETURNS float LANGUAGE sql AS 'SELECT us FROM median WHERE what = $1';
CREATE FUNCTION quarter(text) RETURNS float LANGUAGE sql AS 'SELECT quarter FROM median WHERE what = $1';
SELECT format('unknown / wrong: %s (0.95 to 1.05)', round((us('unknown') / us('wrong'))::numeric, 3));
-- A difference of two kinds is small beside what a busy machine does to both: the quicker quarter of each counts.
SELECT format('beside the hash, of a wrong password: %s %% of it (at most 3)',
              round((100 * (quarter('wrong') / quarter('verify') - 1))::numeric, 2));
SELECT format('beside the hash, of a log-in: %s %% of it (at most 3)',
              round((100 * (quarter('good') / quarter('verify') - 1))::numeric, 2));

SET jit = off;
SET enable_seqscan = off;
SELECT count(:call) FROM generate_series(1, 200) AS n \g /dev/null
CREATE FUNCTION pg_temp.measure(what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT json) '
                   'SELECT count(%s) FROM generate_series(1001, 11000) AS n', what) INTO plan;
    RETURN format('%s buffers  %s us  %s',
                  round((plan->0->'Plan'->>'Shared Hit Blocks')::numeric / 10000
                        + (plan->0->'Plan'->>'Shared Read Blocks')::numeric / 10000, 2),
                  round((plan->0->>'Execution Time')::numeric / 10, 2),
                  left(regexp_replace(what, '\s+', ' ', 'g'), 60));
END $$;
SELECT pg_temp.measure(:'call');

-- The application's log-in: what design and README tell a DBA to grant, and the benchmark's own helpers.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bench_app') THEN
        CREATE ROLE bench_app LOGIN;
    END IF;
END $$;
GRANT auth_store_app, auth_store_admin TO bench_app;
GRANT SET ON PARAMETER auth_store.rate_limit_shared TO bench_app; -- the table's form of rate limits is measured too
GRANT USAGE ON SCHEMA bench, auth_store TO bench_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bench TO bench_app;
GRANT SELECT ON ALL TABLES IN SCHEMA bench TO bench_app;
GRANT INSERT ON bench.probed TO bench_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA bench TO bench_app;

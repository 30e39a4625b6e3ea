-- So many rows as the store writes them, sealed, and how long a verification takes beside a query that makes a digest
-- of each row's text. Each in turns; the least time of all rounds, since whatever else the machine does only adds.
\set QUIET on
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;
TRUNCATE auth_store.audit_log, auth_store.audit_leaves, auth_store.audit_segments, taken;
SELECT count(auth_store.audit_write('order.paid', gen_random_uuid(), client_id => 'app', resource_type => 'order',
           resource_id => n::text, details => '{"amount": 1290}', ip => '198.51.100.7',
           user_agent => 'Mozilla/5.0 (X11; Linux x86_64) ExampleApp/2.4'))
  FROM generate_series(1, :rows) n \gset _
VACUUM ANALYZE auth_store.audit_log;
DO $$
DECLARE
    began timestamptz := clock_timestamp();
    sealed float := sum(rows) FROM auth_store.audit_seal();
BEGIN
    INSERT INTO taken VALUES ('sealed', sealed / extract(epoch FROM clock_timestamp() - began));
END $$;
CREATE PROCEDURE verified() LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := clock_timestamp();
    rows float := count(*) FROM auth_store.audit_log;
    altered bigint;
BEGIN
    began := clock_timestamp();
    SELECT count(*) INTO altered FROM auth_store.audit_verify();
    INSERT INTO taken VALUES ('verified', rows / extract(epoch FROM clock_timestamp() - began));
    IF altered > 0 THEN
        RAISE EXCEPTION '% findings in a trail that nobody has altered', altered;
    END IF;
    began := clock_timestamp();
    PERFORM count(sha256(convert_to(l::text, 'UTF8'))) FROM auth_store.audit_log l;
    INSERT INTO taken VALUES ('hashed', rows / extract(epoch FROM clock_timestamp() - began));
END $$;
SELECT 'CALL verified()' FROM generate_series(1, :rounds) \gexec
SELECT format('audit_seal: %s rows a second', round((SELECT value FROM taken WHERE kind = 'sealed')));
SELECT format('audit_verify: %s rows a second, %s x as fast as a digest of each row''s text', round(verified),
              round((verified / hashed)::numeric, 2))
  FROM (SELECT max(value) FILTER (WHERE kind = 'verified'), max(value) FILTER (WHERE kind = 'hashed') FROM taken)
       s (verified, hashed);

-- Devices that wait for their users, one for ten grants. Their interval is 0 seconds, so that each poll is in time
-- however soon it comes: what a poll costs is the same, and none is answered with slow_down.
SET session_replication_role = replica;
CREATE UNLOGGED TABLE bench.devices (n bigint PRIMARY KEY, code text NOT NULL, id uuid NOT NULL, client text NOT NULL);
INSERT INTO bench.devices
SELECT n, bench.text('asdc_', uuid_send(i.id) || bench.digest('device' || n)), i.id, (100 + n % 100)::text
FROM bench.seed s, generate_series(1, greatest(1000, s.tokens / 10)) n,
     LATERAL (SELECT bench.id(bench.ms(s, n * 10), n, 'device' || n) AS id) i;
INSERT INTO auth_store.device_codes (id, poll_interval, expires_at, tenant_id, client_id, digest,
    user_code_digest, scope)
SELECT id, 0, clock_timestamp() + interval '23 hours', 'default', client, bench.digest(code),
    bench.digest('user code' || n), 'openid profile'
FROM bench.devices ORDER BY n;

-- A constant for the scripts: pgbench takes the colons in it for variables.
CREATE FUNCTION bench.device_grant() RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT 'urn:ietf:params:oauth:grant-type:device_code' $$;

-- Where a script begins: the next device, far away from the last one.
CREATE SEQUENCE bench.device_next;
CREATE FUNCTION bench.device_start(OUT n bigint, OUT code text, OUT id uuid, OUT client text) LANGUAGE sql VOLATILE AS
$$ SELECT d.n, d.code, d.id, d.client
     FROM (SELECT 1 + nextval('bench.device_next') * 618033 % greatest(1000, s.tokens / 10) AS n FROM bench.seed s) k
     JOIN bench.devices d ON d.n = k.n $$;

-- :rows live revocations and claims, ending within a day, as JWTs do, and the same in plain tables.
CREATE EXTENSION auth_store;
-- The partitions of every end there will be.
SELECT FROM generate_series(0, 24) AS h, LATERAL auth_store.jti_revoke('warm' || h,
    clock_timestamp() + '5 min' + h * interval '58 min') AS r;
SELECT FROM generate_series(0, 24) AS h, LATERAL auth_store.jti_claim('warm', h::text,
    clock_timestamp() + '5 min' + h * interval '58 min') AS c;
SET work_mem = '1GB';
INSERT INTO auth_store.revoked_jtis (jti_hash, expires_at, revoked_at, tenant_id)
SELECT h, t + '1 min' + random() * interval '20 hours', t, 'default'
  FROM (SELECT encode(substr(sha256(convert_to('revoked', 'UTF8') || '\x00' || convert_to('default', 'UTF8') ||
      '\x00' || convert_to('jti' || n, 'UTF8') || '\x00'), 1, 16), 'hex')::uuid AS h
          FROM generate_series(0, :rows - 1) AS n ORDER BY 1) AS s, clock_timestamp() AS t;
INSERT INTO auth_store.claimed_jtis (jti_hash, expires_at, tenant_id)
SELECT h, t + '90 min', 'default'
  FROM (SELECT encode(substr(sha256(convert_to('claimed' || n, 'UTF8')), 1, 16), 'hex')::uuid AS h
      FROM generate_series(1, :rows) AS n ORDER BY 1) AS s, clock_timestamp() AS t;
CREATE TABLE plain_revoked (tenant_id text COLLATE "C" NOT NULL, jti text COLLATE "C" NOT NULL,
    expires_at timestamptz NOT NULL);
INSERT INTO plain_revoked SELECT 'default', 'jti' || n, clock_timestamp() + '10 hours'
    FROM generate_series(0, :rows - 1) AS n ORDER BY 2;
ALTER TABLE plain_revoked ADD PRIMARY KEY (tenant_id, jti);
CREATE TABLE plain_claimed (tenant_id text COLLATE "C" NOT NULL, issuer text COLLATE "C" NOT NULL,
    jti text COLLATE "C" NOT NULL, expires_at timestamptz NOT NULL);
INSERT INTO plain_claimed SELECT 'default', 'https://idp.example', gen_random_uuid(), clock_timestamp() + '5 min'
    FROM generate_series(1, :rows);
ALTER TABLE plain_claimed ADD PRIMARY KEY (tenant_id, issuer, jti);
VACUUM (ANALYZE, FREEZE);
CHECKPOINT;

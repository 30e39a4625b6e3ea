CREATE OR REPLACE VIEW auth_store.audit_heads WITH (security_barrier = true) AS
SELECT s.number, s.sealed_at AS closed_at, s.first_at, s.last_at, s.rows, pg_catalog.encode(s.root, 'hex') AS root,
       pg_catalog.encode(s.head, 'hex') AS head, s.complete_before
  FROM auth_store.audit_segments s
 WHERE auth_store.tenant_visible(NULL);
COMMENT ON VIEW auth_store.audit_heads IS
    'The segments of the audit trail that audit_seal() has closed. Keep the newest number and head where nobody who '
    'changes this database can change them: audit_verify() compares the trail with them.';
COMMENT ON COLUMN auth_store.audit_heads.number IS 'Its place in the chain, from 1 on, without gaps.';
COMMENT ON COLUMN auth_store.audit_heads.closed_at IS 'When it was closed.';
COMMENT ON COLUMN auth_store.audit_heads.first_at IS 'The earliest time of its rows, which are all of one month.';
COMMENT ON COLUMN auth_store.audit_heads.last_at IS 'The latest time of its rows.';
COMMENT ON COLUMN auth_store.audit_heads.rows IS 'How many rows it has.';
COMMENT ON COLUMN auth_store.audit_heads.root IS 'The root of its Merkle tree (RFC 6962), in hexadecimal digits.';
COMMENT ON COLUMN auth_store.audit_heads.head IS
    'The SHA-256, in hexadecimal digits, over what the segment says and the head before it.';
COMMENT ON COLUMN auth_store.audit_heads.complete_before IS
    'Every row of an earlier time is in this segment or in one before it; -infinity: that was not known.';

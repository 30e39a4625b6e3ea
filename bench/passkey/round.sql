-- One round: a new passkey with its answers, and each kind of calls.
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports)
VALUES (gen_random_uuid(), :'user', 0, -7, true, false, false, gen_random_uuid(), 'default', 'example.com', :'id',
    :'key', 'none', '{}');
INSERT INTO auth_store.passkey_challenges (id, expires_at, tenant_id, ceremony, digest)
SELECT left(challenge, 32)::uuid, 'infinity'::timestamptz, 'default', 'login', sha256(decode(challenge, 'hex'))
  FROM answer
UNION ALL
SELECT spare_id(n), 'infinity', 'default', 'login', sha256(spare(n)) FROM answer;
VACUUM ANALYZE;
CALL measure() \gset
DELETE FROM auth_store.passkeys WHERE credential_id = :'id';
SELECT array_to_string(:'seconds'::float[], ' ');

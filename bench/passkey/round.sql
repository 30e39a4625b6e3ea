-- One round: a new passkey with its answers, and both kinds of calls. Each says what it took.
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports)
VALUES (gen_random_uuid(), :'user', 0, -7, true, false, false, gen_random_uuid(), 'default', 'example.com', :'id',
    :'key', 'none', '{}');
INSERT INTO auth_store.passkey_challenges (id, expires_at, tenant_id, ceremony, digest)
SELECT left(challenge, 32)::uuid, 'infinity', 'default', 'login', sha256(decode(challenge, 'hex')) FROM answer;
VACUUM ANALYZE;
CALL authenticate();
CALL plain();

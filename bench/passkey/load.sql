CREATE EXTENSION auth_store;
SELECT auth_store.tenant_policy_set('default', '{"passkey_rp_id": "example.com",
    "passkey_origins": ["https://login.example.com"], "passkey_user_verification": "required"}');
CREATE TABLE answer (n integer GENERATED ALWAYS AS IDENTITY, challenge text, answer jsonb);

-- The n-th challenge that nobody answers, and its id.
CREATE FUNCTION spare(n integer) RETURNS bytea IMMUTABLE LANGUAGE sql AS $$ SELECT sha256(int4send(n)) $$;
CREATE FUNCTION spare_id(n integer) RETURNS uuid IMMUTABLE LANGUAGE sql AS
    $$ SELECT encode(substr(sha256(int4send(n)), 1, 16), 'hex')::uuid $$;

-- Seconds of one call, of each kind: ten calls of one kind, then ten of the next, so that a busy machine slows all of
-- them, and the least of all tens counts. Each call commits, so that the rows it has left behind can be cleared away.
CREATE PROCEDURE measure(INOUT seconds float[] DEFAULT '{1,1,1}') LANGUAGE plpgsql AS $$
DECLARE
    answers jsonb[] := (SELECT array_agg(answer ORDER BY n) FROM answer);
    key auth_store.passkeys;
    seen auth_store.passkeys;
    good boolean;
    spares bytea[];
    ids uuid[];
    began timestamptz;
    taken float;
BEGIN
    SELECT * INTO key FROM auth_store.passkeys WHERE length(credential_id) = 32;
    SELECT array_agg(spare(n) ORDER BY n), array_agg(spare_id(n) ORDER BY n) INTO spares, ids FROM answer;
    FOR ten IN 1 .. array_length(answers, 1) / 10 LOOP
        FOR kind IN 1 .. 3 LOOP
            COMMIT;
            began := clock_timestamp();
            FOR i IN ten * 10 - 9 .. ten * 10 LOOP
                IF kind = 1 THEN
                    SELECT ok INTO good FROM auth_store.passkey_authenticate(answers[i]);
                ELSIF kind = 2 THEN
                    UPDATE auth_store.passkeys SET sign_count = 0, backed_up = false, last_used_at = clock_timestamp()
                     WHERE id = key.id AND tenant_id = 'default' AND sign_count = 0;
                    good := FOUND;
                ELSE
                    -- The row work of the call, by a superuser, past row-level security.
                    DELETE FROM auth_store.passkey_challenges
                     WHERE id = ids[i] AND digest = sha256(spares[i]) AND tenant_id = 'default'
                       AND ceremony = 'login' AND expires_at > clock_timestamp();
                    IF NOT FOUND THEN RAISE EXCEPTION 'no challenge'; END IF;
                    SELECT p.* INTO seen
                      FROM auth_store.tenant_policies o
                      JOIN auth_store.tenants t ON t.id = o.tenant_id AND t.status = 'active'
                      JOIN auth_store.passkeys p ON p.rp_id = o.passkey_rp_id AND p.tenant_id = o.tenant_id
                      JOIN auth_store.users u ON u.id = p.user_id AND u.status = 'active' AND u.locked_until IS NULL
                     WHERE o.tenant_id = 'default' AND p.credential_id = key.credential_id;
                    UPDATE auth_store.passkeys SET sign_count = 0, backed_up = false, last_used_at = clock_timestamp()
                     WHERE id = seen.id AND tenant_id = 'default' AND sign_count = 0;
                    INSERT INTO auth_store.audit_log (id, occurred_at, risk_score, success, user_id, tenant_id, event,
                           resource_type, resource_id, details, called_by)
                    VALUES (ids[i], clock_timestamp(), 0, true, seen.user_id, 'default', 'passkey.authenticated',
                            'passkey', seen.id, '{"ceremony": "login"}', session_user);
                    good := FOUND;
                END IF;
                IF good IS NOT TRUE THEN RAISE EXCEPTION 'refused'; END IF;
                COMMIT;
            END LOOP;
            taken := extract(epoch FROM clock_timestamp() - began) / 10;
            seconds[kind] := LEAST(seconds[kind], taken);
        END LOOP;
    END LOOP;
END $$;

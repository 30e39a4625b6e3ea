CREATE EXTENSION auth_store;
SELECT auth_store.tenant_policy_set('default', '{"passkey_rp_id": "example.com",
    "passkey_origins": ["https://login.example.com"], "passkey_user_verification": "required"}');
CREATE TABLE answer (n integer GENERATED ALWAYS AS IDENTITY, challenge text, answer jsonb);

-- Seconds of one call: each commits, so that the rows it has left behind can be cleared away.
CREATE PROCEDURE authenticate() LANGUAGE plpgsql AS $$
DECLARE
    answers jsonb[] := (SELECT array_agg(answer ORDER BY n) FROM answer);
    began timestamptz;
    good boolean;
BEGIN
    COMMIT;
    began := clock_timestamp();
    FOR i IN 1 .. array_length(answers, 1) LOOP
        SELECT ok INTO good FROM auth_store.passkey_authenticate(answers[i]);
        IF good IS NOT TRUE THEN RAISE EXCEPTION 'refused'; END IF;
        COMMIT;
    END LOOP;
    RAISE INFO 'call %', EXTRACT(epoch FROM clock_timestamp() - began) / array_length(answers, 1);
END $$;

CREATE PROCEDURE plain() LANGUAGE plpgsql AS $$
DECLARE
    key uuid := (SELECT id FROM auth_store.passkeys ORDER BY id DESC LIMIT 1);
    calls integer := (SELECT count(*) FROM answer);
    began timestamptz;
BEGIN
    COMMIT;
    began := clock_timestamp();
    FOR i IN 1 .. calls LOOP
        UPDATE auth_store.passkeys SET sign_count = 0, backed_up = false, last_used_at = clock_timestamp()
         WHERE id = key AND tenant_id = 'default' AND sign_count = 0;
        COMMIT;
    END LOOP;
    RAISE INFO 'update %', EXTRACT(epoch FROM clock_timestamp() - began) / calls;
END $$;

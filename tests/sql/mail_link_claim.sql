-- Accounts that somebody registered beforehand with the address of another: the five ways of Sudhodanan and Paverd,
-- "Pre-hijacked accounts" (USENIX Security 2022), section 4. At the first proof of an address all that was there goes.
\i tests/sql/include/helpers.sql

SELECT auth_store.tenant_create('claim') AS tenant \gset
SET auth_store.tenant_id = 'claim';
SELECT auth_store.tenant_policy_set('claim', '{"mail_interval": 0, "mail_max_per_hour": 1000,
    "mail_max_per_day": 1000, "identity_link_by_email": true}') IS NOT NULL AS set;
SELECT client_id AS app
  FROM auth_store.client_create('App', ARRAY['https://app.example/cb'], 'public', scope => 'read') \gset
-- One of everything that lets somebody in, or keeps somebody in, put there by a stranger.
CREATE FUNCTION pg_temp.fill(who uuid, app text) RETURNS TABLE (session text, key text, refresh text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count(*) FROM auth_store.recovery_codes_generate(who);
    PERFORM auth_store.password_set(who, 'of a stranger 1'),
            auth_store.totp_import(who, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'),
            auth_store.identity_link(who, 'github', who::text),
            auth_store.user_name_add(who, 'phone', '+4930' || right(translate(who::text, 'abcdef-', '123456'), 10)),
            auth_store.user_name_add(who, 'email', 'thief-' || who || '@evil.example'),
            auth_store.user_name_add(who, 'username', 'u-' || left(who::text, 30)),
            auth_store.user_name_add(who, 'external', 'x-' || who),
            auth_store.connection_store('slack', who::text, 'x'),
            auth_store.consent_record(who, app, 'read'),
            auth_store.code_issue(app, who, code_challenge => 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'),
            auth_store.email_change_start(who, 'later-' || who || '@evil.example');
    SELECT s.session_token INTO session FROM auth_store.session_create(who) s;
    SELECT t.refresh_token INTO refresh FROM auth_store.token_issue(app, who) t;
    SELECT k.api_key INTO key FROM auth_store.api_key_create('k', who) k;
    INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up,
           aaguid, tenant_id, rp_id, credential_id, public_key, attestation_format, transports, name)
    SELECT v.api_key_id, who, 0, -7, true, true, true, '00000000-0000-0000-0000-000000000000', 'claim',
           'claim.example', decode(replace(v.api_key_id::text, '-', ''), 'hex'), '\x00', 'none', '{}', 'of a stranger'
      FROM auth_store.api_key_verify(key) v;
    PERFORM auth_store.user_login('u-' || left(who::text, 30), 'of a stranger 1', remember_device => true,
        kind => 'username');
    RETURN NEXT;
END $$;
CREATE FUNCTION pg_temp.has(who uuid) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(what || ' ' || n, ', ' ORDER BY what COLLATE "C") FROM (VALUES
        ('apps', (SELECT count(*) FROM auth_store.mfa_factors WHERE user_id = who)),
        ('codes', (SELECT count(*) FROM auth_store.recovery_codes WHERE user_id = who)),
        ('connections', (SELECT count(*) FROM auth_store.connections
                          WHERE actor_id = who::text AND revoked_at IS NULL)),
        ('consents', (SELECT count(*) FROM auth_store.consents WHERE user_id = who)),
        ('devices', (SELECT count(*) FROM auth_store.devices WHERE user_id = who)),
        ('emails', (SELECT count(*) FROM auth_store.user_names WHERE user_id = who AND kind = 'email')),
        ('grants', (SELECT count(*) FROM auth_store.grants WHERE user_id = who AND revoked_at IS NULL)),
        ('identities', (SELECT count(*) FROM auth_store.identities WHERE user_id = who)),
        ('keys', (SELECT count(*) FROM auth_store.api_keys WHERE user_id = who AND revoked_at IS NULL)),
        ('names', (SELECT count(*) FROM auth_store.user_names
                    WHERE user_id = who AND kind IN ('external', 'username'))),
        ('passkeys', (SELECT count(*) FROM auth_store.passkeys WHERE user_id = who)),
        ('passwords', (SELECT count(*) FROM auth_store.passwords WHERE user_id = who)),
        ('phones', (SELECT count(*) FROM auth_store.user_names WHERE user_id = who AND kind = 'phone')),
        ('sessions', (SELECT count(*) FROM auth_store.sessions WHERE user_id = who AND revoked_at IS NULL)),
        ('tokens', (SELECT count(*) FROM auth_store.one_time_tokens WHERE user_id = who AND used_at IS NULL)))
        v (what, n) WHERE n > 0
$$;
CREATE FUNCTION pg_temp.claimed(who uuid) RETURNS SETOF jsonb LANGUAGE sql AS $$
    SELECT details FROM auth_store.audit_log WHERE event = 'user.claimed' AND user_id = who ORDER BY occurred_at
$$;

-- By a magic link.
SELECT user_id AS ann FROM auth_store.user_create('ann@claim.example') \gset
SELECT * FROM pg_temp.fill(:'ann', :'app') \gset
SELECT pg_temp.has(:'ann');
SELECT token FROM auth_store.magic_link_start('ann@claim.example') \gset
SELECT user_id = :'ann' AS anns, error FROM auth_store.magic_link_finish(:'token');
SELECT pg_temp.has(:'ann');
SELECT pg_temp.claimed(:'ann');
SELECT (auth_store.session_validate(:'session')).valid AS session, (auth_store.api_key_verify(:'key')).valid AS key,
       (auth_store.token_refresh(:'refresh', :'app')).error AS refresh, mfa.enrolled
  FROM auth_store.mfa_status(:'ann') mfa;
-- A second one ends nothing.
SELECT session FROM pg_temp.fill(:'ann', :'app') \gset
SELECT token FROM auth_store.magic_link_start('ann@claim.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT (auth_store.session_validate(:'session')).valid AS session, pg_temp.has(:'ann');
SELECT count(*) FROM pg_temp.claimed(:'ann');

-- By a reset: the new password stays.
SELECT user_id AS bob FROM auth_store.user_create('bob@claim.example') \gset
SELECT * FROM pg_temp.fill(:'bob', :'app') \gset
SELECT token FROM auth_store.password_reset_start('bob@claim.example') \gset
SELECT error FROM auth_store.password_reset_finish(:'token', 'of the owner 1');
SELECT pg_temp.has(:'bob');
SELECT ok, mfa_required, error FROM auth_store.user_login('bob@claim.example', 'of the owner 1');
SELECT details FROM pg_temp.claimed(:'bob') details;
-- A second one keeps the factors, and ends the rest of the access as ever.
SELECT * FROM pg_temp.fill(:'bob', :'app') \gset
SELECT token FROM auth_store.password_reset_start('bob@claim.example') \gset
SELECT error FROM auth_store.password_reset_finish(:'token', 'of the owner 2');
SELECT pg_temp.has(:'bob');

-- By a provider that has verified the address, and one that has not (section 4.5): the stranger's account there is
-- another's.
SELECT user_id AS cat, created FROM auth_store.identity_login('sloppy', 'stranger', 'cat@claim.example', false) \gset
SELECT token FROM auth_store.magic_link_start('cat@claim.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT created, user_id = :'cat' AS cats, error
  FROM auth_store.identity_login('sloppy', 'stranger', 'cat@claim.example');
-- By the address at a provider (section 4.1), when it was proved by a mail that logs nobody in: what came before goes.
SELECT user_id AS dan FROM auth_store.user_create('dan@claim.example') \gset
SELECT * FROM pg_temp.fill(:'dan', :'app') \gset
SELECT linked, error FROM auth_store.identity_login('google', 'dan', 'dan@claim.example', true);
SELECT token FROM auth_store.email_verification_start(:'dan') \gset
SELECT error FROM auth_store.email_verification_finish(:'token');
-- Whoever verifies is the one who registered: nothing goes.
SELECT pg_temp.has(:'dan');
SELECT linked, error FROM auth_store.identity_login('google', 'dan', 'dan@claim.example', true);
SELECT pg_temp.has(:'dan');
SELECT (auth_store.session_validate(:'session')).valid AS session, (auth_store.api_key_verify(:'key')).valid AS key;
SELECT details FROM pg_temp.claimed(:'dan') details;
-- What came after the proof stays, at a second link.
SELECT session FROM pg_temp.fill(:'dan', :'app') \gset
SELECT linked, error FROM auth_store.identity_login('gitlab', 'dan', 'dan@claim.example', true);
SELECT (auth_store.session_validate(:'session')).valid AS session, pg_temp.has(:'dan');

-- A session alone, of the anonymous user that the stranger was (section 4.2), ends too: by the link and by the mail.
SELECT auth_store.user_create_anonymous() AS eve \gset
SELECT session_token AS session FROM auth_store.session_create(:'eve') \gset
SELECT error FROM auth_store.user_update(:'eve', '{"email": "eve@claim.example"}');
SELECT token FROM auth_store.email_verification_start(:'eve') \gset
SELECT error FROM auth_store.email_verification_finish(:'token');
SELECT linked FROM auth_store.identity_login('google', 'eve', 'eve@claim.example', true);
SELECT (auth_store.session_validate(:'session')).valid AS session;
SELECT auth_store.user_create_anonymous() AS fay \gset
SELECT session_token AS session FROM auth_store.session_create(:'fay') \gset
SELECT error FROM auth_store.user_update(:'fay', '{"email": "fay@claim.example"}');
SELECT token FROM auth_store.magic_link_start('fay@claim.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT (auth_store.session_validate(:'session')).valid AS session;

-- The stranger's own address beside it (section 4.3): it is shown no longer, and lets nobody in by a mail from before.
SELECT user_id AS gil FROM auth_store.user_create('thief@evil.example') \gset
SELECT error FROM auth_store.user_name_add(:'gil', 'email', 'gil@claim.example');
SELECT token AS thief FROM auth_store.magic_link_start('thief@evil.example') \gset
SELECT token FROM auth_store.magic_link_start('gil@claim.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT email, email_verified FROM auth_store.user_get(:'gil');
SELECT kind, name FROM auth_store.user_name_list(:'gil');
SELECT error FROM auth_store.magic_link_finish(:'thief');
-- Nor where the address was proved by a mail that leaves the others.
SELECT user_id AS hal FROM auth_store.user_create('hal@claim.example') \gset
SELECT error FROM auth_store.user_name_add(:'hal', 'email', 'thief2@evil.example');
SELECT token AS magic FROM auth_store.magic_link_start('thief2@evil.example') \gset
SELECT token AS reset FROM auth_store.password_reset_start('thief2@evil.example') \gset
SELECT token FROM auth_store.email_verification_start(:'hal') \gset
SELECT error FROM auth_store.email_verification_finish(:'token');
SELECT error, error_description FROM auth_store.magic_link_finish(:'magic');
SELECT error, error_description FROM auth_store.password_reset_finish(:'reset', 'of a thief 1');
SELECT name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'hal');

-- A change of the address that is not finished (section 4.4), and one that could be taken back.
SELECT user_id AS ida FROM auth_store.user_create('ida@claim.example') \gset
SELECT old_token, new_token FROM auth_store.email_change_start(:'ida', 'thief3@evil.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'new_token');
SELECT token FROM auth_store.magic_link_start('ida@claim.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT changed, error FROM auth_store.email_change_confirm(:'old_token');
SELECT user_id AS joe FROM auth_store.user_create('thief4@evil.example') \gset
SELECT old_token, new_token FROM auth_store.email_change_start(:'joe', 'thief5@evil.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'new_token');
SELECT changed, undo_token FROM auth_store.email_change_confirm(:'old_token') \gset
SELECT error FROM auth_store.user_update(:'joe', '{"email": "joe@claim.example"}');
SELECT token FROM auth_store.magic_link_start('joe@claim.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT error FROM auth_store.email_change_undo(:'undo_token');
-- An account without anything has nothing to tell of.
SELECT user_id AS kai FROM auth_store.user_create('kai@claim.example') \gset
SELECT token FROM auth_store.magic_link_start('kai@claim.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT count(*) FROM pg_temp.claimed(:'kai');
RESET auth_store.tenant_id;
SELECT auth_store.tenant_erase('claim', 'claim') > 0 AS erased;

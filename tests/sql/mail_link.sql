-- Magic links, and changes of the address.
\i tests/sql/include/helpers.sql

SET auth_store.mail_interval = 0;
SET auth_store.mail_max_per_hour = 1000;
SET auth_store.mail_max_per_day = 10000;
SELECT auth_store.tenant_create('mail-link');
SELECT user_id AS ann FROM auth_store.user_create('Ann@Link.example') \gset
SELECT count(*) >= 0 AS marked FROM pg_temp.trail();

-- A magic link goes to the stored address, proves it, and works once.
SELECT token, mail_to, user_id = :'ann' AS anns, coalesce(error, 'none') AS error,
       expires_at - clock_timestamp() BETWEEN '59 min' AND '1 hour' AS an_hour
  FROM auth_store.magic_link_start('ANN@LINK.EXAMPLE') \gset m_
SELECT :'m_mail_to' AS mail_to, :'m_anns' AS anns, :'m_an_hour' AS an_hour, :'m_error' AS error;
SELECT purpose, email, error FROM auth_store.one_time_show(:'m_token');
SELECT user_id = :'ann' AS anns, tenant_id, email, amr, error FROM auth_store.magic_link_finish(:'m_token');
SELECT email_verified FROM auth_store.user_get(:'ann');
SELECT user_id, amr, error FROM auth_store.magic_link_finish(:'m_token');
SELECT * FROM pg_temp.trail();
-- A newer one ends the older one.
SELECT token AS older FROM auth_store.magic_link_start('ann@link.example') \gset
SELECT token AS newer FROM auth_store.magic_link_start('ann@link.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'older');
SELECT error FROM auth_store.magic_link_finish(:'newer');

-- Who gets none is answered as everybody is: with a token, which leads nowhere.
SELECT user_id AS bob FROM auth_store.user_create('bob@link.example') \gset
SELECT auth_store.user_set_status(:'bob', 'suspended');
SELECT user_id AS sue FROM auth_store.user_create('sue@link.example', tenant_id => 'mail-link') \gset
SELECT auth_store.tenant_set_status('mail-link', 'suspended');
SELECT error FROM auth_store.user_name_add(:'ann', 'email', 'unproved@link.example');
SELECT count(*) >= 0 AS marked FROM pg_temp.trail();
SELECT t.email, s.token ~ '^asot_.{64}$' AS token, s.user_id, s.mail_to, s.expires_at > clock_timestamp() AS ends,
       s.error, f.error AS finished
  FROM (VALUES (1, 'nobody@link.example', NULL), (2, 'bob@link.example', NULL), (3, 'sue@link.example', 'mail-link'),
               (4, 'sue@link.example', NULL), (5, 'unproved@link.example', NULL)) t (n, email, tenant),
       LATERAL auth_store.magic_link_start(t.email, tenant) s, LATERAL auth_store.magic_link_finish(s.token) f
 ORDER BY n;
SELECT event, error, count(*) FROM pg_temp.trail() GROUP BY 1, 2 ORDER BY 1, 2 NULLS FIRST;
SELECT error, error_description FROM auth_store.magic_link_start('bob');
SELECT pg_temp.raised('SELECT auth_store.magic_link_start(NULL)'),
       pg_temp.raised('SELECT auth_store.magic_link_start(''a@b'', ''nowhere'')');
SELECT auth_store.tenant_set_status('mail-link', 'active');
-- Of a user who has proved none, an unproved one gets it.
SELECT mail_to FROM auth_store.magic_link_start('sue@link.example', 'mail-link');
-- The user, the address or the tenant is not what it was when the mail was sent.
SELECT token FROM auth_store.magic_link_start('sue@link.example', 'mail-link') \gset
SELECT auth_store.user_set_status(:'sue', 'inactive');
SELECT error, error_description FROM auth_store.magic_link_finish(:'token');
SELECT auth_store.user_set_status(:'sue', 'active');
SELECT token FROM auth_store.magic_link_start('sue@link.example', 'mail-link') \gset
SELECT auth_store.tenant_set_status('mail-link', 'suspended');
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT auth_store.tenant_set_status('mail-link', 'active');
SELECT auth_store.user_lock(:'sue');
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT mail_to FROM auth_store.magic_link_start('sue@link.example', 'mail-link');
SELECT auth_store.user_unlock(:'sue');
SELECT error FROM auth_store.user_update(:'sue', '{"email": "sue@new.example"}');
SELECT error, error_description FROM auth_store.magic_link_finish(:'token');
SELECT error FROM auth_store.magic_link_finish(:'token');

-- A password that was set before any address was proved goes with the first magic link: somebody else may have set it.
SELECT user_id AS pre FROM auth_store.user_create('pre@link.example', 'quartz lantern 11') \gset
SELECT session_token FROM auth_store.session_create(:'pre') \gset
SELECT token FROM auth_store.magic_link_start('pre@link.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT valid FROM auth_store.session_validate(:'session_token');
SELECT error FROM auth_store.password_verify(:'pre', 'quartz lantern 11');
SELECT error FROM auth_store.password_set(:'pre', 'quartz lantern 12');
SELECT token FROM auth_store.magic_link_start('pre@link.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT error FROM auth_store.password_verify(:'pre', 'quartz lantern 12');
-- The former ones go too, so that those that follow are kept.
SET auth_store.password_history = 3;
SELECT user_id AS was FROM auth_store.user_create('was@link.example', 'quartz lantern 13') \gset
SELECT error FROM auth_store.password_set(:'was', 'quartz lantern 14');
SELECT token FROM auth_store.magic_link_start('was@link.example') \gset
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT count(*) AS former FROM auth_store.former_passwords WHERE user_id = :'was';
SELECT n, s.error FROM (VALUES (15), (16), (15)) t (n),
    LATERAL auth_store.password_set(:'was', 'quartz lantern ' || n) s;
RESET auth_store.password_history;

-- A reset of the password: it ends what the former one gave access to, and gets through a lock of failed attempts.
SELECT user_id AS rob FROM auth_store.user_create('Rob@link.example', 'quartz lantern 21') \gset
SELECT session_token FROM auth_store.session_create(:'rob') \gset
SELECT code FROM auth_store.otp_start(:'rob', 'log in') \gset
SELECT lpad(((:'code'::int + 1) % 1000000)::text, 6, '0') AS wrong \gset
SELECT n, v.error FROM generate_series(1, 5) n,
    LATERAL auth_store.otp_verify(:'rob', 'log in', left(:'wrong', n + 9)) v ORDER BY n;
SELECT token AS magic FROM auth_store.magic_link_start('rob@link.example') \gset
SELECT count(*) >= 0 AS marked FROM pg_temp.trail();
SELECT token, mail_to FROM auth_store.password_reset_start('ROB@link.example') \gset
SELECT :'mail_to' AS mail_to;
SELECT purpose, email FROM auth_store.one_time_show(:'token');
-- A password that can be none leaves the token as it is.
SELECT error, error_description FROM auth_store.password_reset_finish(:'token', 'short');
SELECT pg_temp.raised(format('SELECT auth_store.password_reset_finish(%L, NULL)', :'token'));
SELECT user_id = :'rob' AS robs, tenant_id, email, amr, error
  FROM auth_store.password_reset_finish(:'token', 'quartz lantern 22');
SELECT error FROM auth_store.password_reset_finish(:'token', 'quartz lantern 23');
SELECT error FROM auth_store.password_verify(:'rob', 'quartz lantern 21');
SELECT error FROM auth_store.password_verify(:'rob', 'quartz lantern 22');
SELECT valid FROM auth_store.session_validate(:'session_token');
SELECT error FROM auth_store.magic_link_finish(:'magic');
SELECT email_verified FROM auth_store.user_get(:'rob');
SELECT code FROM auth_store.otp_start(:'rob', 'log in') \gset
SELECT error FROM auth_store.otp_verify(:'rob', 'log in', :'code');
SELECT event, error, details FROM auth_store.audit_log WHERE user_id = :'rob' AND event LIKE 'password.%'
 ORDER BY occurred_at;
-- Whoever has none, or another token, sets none; nor is a lock of an administrator got through.
SELECT token ~ '^asot_' AS token, user_id, mail_to, error FROM auth_store.password_reset_start('nobody@link.example');
SELECT token AS magic FROM auth_store.magic_link_start('rob@link.example') \gset
SELECT error FROM auth_store.password_reset_finish(:'magic', 'quartz lantern 24');
SELECT error FROM auth_store.password_reset_finish(NULL, 'quartz lantern 24');
SELECT token FROM auth_store.password_reset_start('rob@link.example') \gset
SELECT auth_store.user_lock(:'rob');
SELECT error FROM auth_store.password_reset_finish(:'token', 'quartz lantern 24');
SELECT mail_to FROM auth_store.password_reset_start('rob@link.example');
SELECT auth_store.user_unlock(:'rob');
-- A change of the password, or of the status, ends what was mailed.
SELECT token FROM auth_store.password_reset_start('rob@link.example') \gset
SELECT error FROM auth_store.password_change(:'rob', 'quartz lantern 22', 'quartz lantern 25');
SELECT error FROM auth_store.password_reset_finish(:'token', 'quartz lantern 26');
SELECT token FROM auth_store.password_reset_start('rob@link.example') \gset
SELECT auth_store.user_set_status(:'rob', 'suspended'), auth_store.user_set_status(:'rob', 'active');
SELECT error FROM auth_store.password_reset_finish(:'token', 'quartz lantern 26');

-- A change of the address: both sides agree, in either order.
SELECT user_id AS kim FROM auth_store.user_create('Kim@link.example') \gset
SELECT session_id AS kept, session_token FROM auth_store.session_create(:'kim') \gset
SELECT session_token AS other_session FROM auth_store.session_create(:'kim') \gset
SELECT token AS magic FROM auth_store.magic_link_start('kim@link.example') \gset
SELECT count(*) >= 0 AS marked FROM pg_temp.trail();
SELECT old_token, old_mail_to, new_token, new_mail_to, coalesce(error, 'none') AS error
  FROM auth_store.email_change_start(:'kim', 'Kim@New.example') \gset c_
SELECT :'c_old_mail_to' AS old, :'c_new_mail_to' AS new, :'c_error' AS error;
SELECT purpose, email, details, error FROM auth_store.one_time_show(:'c_old_token')
 UNION ALL SELECT purpose, email, details, error FROM auth_store.one_time_show(:'c_new_token') ORDER BY purpose DESC;
SELECT changed, email, undo_token, error FROM auth_store.email_change_confirm(:'c_new_token', :'kept');
SELECT email, email_verified FROM auth_store.user_get(:'kim');
SELECT changed, error FROM auth_store.email_change_confirm(:'c_new_token', :'kept');
SELECT changed, email, user_id = :'kim' AS kims, tenant_id, undo_token, undo_mail_to,
       undo_expires_at - clock_timestamp() > '6 days 23 hours' AS a_week, coalesce(error, 'none') AS error
  FROM auth_store.email_change_confirm(:'c_old_token', :'kept') \gset d_
SELECT :'d_changed' AS changed, :'d_email' AS email, :'d_kims' AS kims, :'d_tenant_id' AS tenant,
       :'d_undo_mail_to' AS undo_mail_to, :'d_a_week' AS a_week, :'d_error' AS error;
SELECT email, email_verified FROM auth_store.user_get(:'kim');
SELECT kind, name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'kim');
-- Other sessions and one-time tokens have ended.
SELECT kept.valid AS kept, other.valid AS other
  FROM auth_store.session_validate(:'session_token') kept, auth_store.session_validate(:'other_session') other;
SELECT error FROM auth_store.magic_link_finish(:'magic');
SELECT * FROM pg_temp.trail();
SELECT details FROM auth_store.audit_log WHERE event = 'email.changed' AND user_id = :'kim';
-- The other order.
SELECT old_token, new_token FROM auth_store.email_change_start(:'kim', 'kim@third.example') \gset
SELECT changed, email FROM auth_store.email_change_confirm(:'old_token');
SELECT changed, email, undo_token AS second_undo FROM auth_store.email_change_confirm(:'new_token') \gset
SELECT :'changed' AS changed, :'email' AS email;
SELECT valid FROM auth_store.session_validate(:'session_token');

-- The first address takes it all back, also after a second change. What could undo that one ends.
SELECT error FROM auth_store.user_name_add(:'kim', 'email', 'thief@link.example');
SELECT session_token FROM auth_store.session_create(:'kim') \gset
-- What the thief has put there to come in by later.
SELECT error FROM auth_store.user_name_add(:'kim', 'phone', '+14155550100');
SELECT error FROM auth_store.identity_link(:'kim', 'github', 'thief');
SELECT api_key FROM auth_store.api_key_create('thief', :'kim') \gset
SELECT count(*) FROM auth_store.recovery_codes_generate(:'kim');
SELECT error FROM auth_store.identity_link(:'kim', 'google', 'kim');
UPDATE auth_store.identities SET linked_at = '2026-01-01' WHERE user_id = :'kim' AND subject = 'kim';
INSERT INTO auth_store.passkeys (id, user_id, sign_count, algorithm, user_verified, backup_eligible, backed_up, aaguid,
       tenant_id, rp_id, credential_id, public_key, attestation_format, transports, name)
SELECT id, :'kim', 0, -7, true, false, false, id, 'default', 'link.example', name::bytea, '', 'none', '{}', name
  FROM (SELECT id, 'a thief''s' FROM auth_store.api_keys WHERE user_id = :'kim'
         UNION ALL SELECT '00000000-0000-8000-8000-0000000000c0', 'Kim''s') p (id, name);
SELECT purpose, email, details FROM auth_store.one_time_show(:'d_undo_token');
SELECT token AS magic FROM auth_store.magic_link_start('kim@third.example') \gset
SELECT user_id = :'kim' AS kims, tenant_id, email, reset_token, coalesce(error, 'none') AS error
  FROM auth_store.email_change_undo(:'d_undo_token') \gset u_
SELECT :'u_kims' AS kims, :'u_tenant_id' AS tenant, :'u_email' AS email, :'u_error' AS error;
SELECT purpose, email, user_id = :'kim' AS kims FROM auth_store.one_time_show(:'u_reset_token');
SELECT email, email_verified FROM auth_store.user_get(:'kim');
SELECT kind, name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'kim');
SELECT valid FROM auth_store.session_validate(:'session_token');
SELECT valid FROM auth_store.api_key_verify(:'api_key');
SELECT subject FROM auth_store.identity_list(:'kim');
SELECT kind, label FROM auth_store.factor_list(:'kim');
SELECT count(*) AS codes FROM auth_store.recovery_codes WHERE user_id = :'kim';
SELECT error FROM auth_store.password_reset_finish(:'u_reset_token', 'quartz lantern 31');
SELECT error FROM auth_store.magic_link_finish(:'magic');
SELECT error FROM auth_store.email_change_undo(:'second_undo');
SELECT error FROM auth_store.email_change_undo(:'d_undo_token');
SELECT event, error, details FROM auth_store.audit_log WHERE event = 'email.change_undone' AND user_id = :'kim'
 ORDER BY occurred_at;

-- A newer change ends the older one, whatever was confirmed of it.
SELECT old_token AS o1, new_token AS n1 FROM auth_store.email_change_start(:'kim', 'kim@a.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'o1');
SELECT old_token AS o2, new_token AS n2 FROM auth_store.email_change_start(:'kim', 'kim@b.example') \gset
SELECT changed, error FROM auth_store.email_change_confirm(:'n1');
SELECT changed FROM auth_store.email_change_confirm(:'n2');
-- The address is another user's meanwhile, or another one is shown.
SELECT user_id AS tim FROM auth_store.user_create('kim@b.example') \gset
SELECT changed, error FROM auth_store.email_change_confirm(:'o2');
SELECT u.email, o.error FROM auth_store.user_get(:'kim') u, auth_store.one_time_show(:'o2') o;
SELECT old_token, new_token FROM auth_store.email_change_start(:'kim', 'kim@c.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'new_token');
SELECT error FROM auth_store.user_update(:'kim', '{"email": "kim@d.example"}');
SELECT changed, error, error_description FROM auth_store.email_change_confirm(:'old_token');
-- The former address is another user's: the token stays.
SELECT old_token, new_token FROM auth_store.email_change_start(:'kim', 'kim@e.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'new_token');
SELECT changed, undo_token FROM auth_store.email_change_confirm(:'old_token') \gset
SELECT error FROM auth_store.user_update(:'tim', '{"email": "kim@d.example"}');
SELECT error FROM auth_store.email_change_undo(:'undo_token');
SELECT error FROM auth_store.user_update(:'tim', '{"email": "tim@link.example"}');
SELECT email, error FROM auth_store.email_change_undo(:'undo_token');
-- Another spelling of the address is another mailbox.
SELECT old_token, new_token FROM auth_store.email_change_start(:'kim', 'KIM@d.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'new_token');
SELECT changed, email, undo_token FROM auth_store.email_change_confirm(:'old_token') \gset
SELECT :'changed' AS changed, name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'kim');
SELECT email, error FROM auth_store.email_change_undo(:'undo_token');
SELECT name, verified_at IS NOT NULL AS verified FROM auth_store.user_name_list(:'kim');
-- A user who is not active changes nothing.
SELECT old_token, new_token FROM auth_store.email_change_start(:'kim', 'kim@f.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'new_token');
SELECT auth_store.user_set_status(:'kim', 'suspended');
SELECT error FROM auth_store.email_change_confirm(:'old_token');
SELECT error FROM auth_store.email_change_start(:'kim', 'kim@g.example');
SELECT auth_store.user_set_status(:'kim', 'active');
SELECT changed, error FROM auth_store.email_change_confirm(:'old_token');
SELECT old_token, new_token FROM auth_store.email_change_start(:'kim', 'kim@f.example') \gset
SELECT changed FROM auth_store.email_change_confirm(:'new_token');
SELECT changed, error FROM auth_store.email_change_confirm(:'old_token');
-- What is refused at once.
SELECT email, s.error, s.error_description
  FROM (VALUES (1, 'kim'), (2, 'kim@f.example'), (3, 'tim@link.example'), (4, '')) t (n, email),
       LATERAL auth_store.email_change_start(:'kim', email) s ORDER BY n;
SELECT auth_store.user_ensure('link-nameless') AS nameless \gset
SELECT error, error_description FROM auth_store.email_change_start(:'nameless', 'a@b.example');
SELECT n, c.error AS confirmed, u.error AS undone
  FROM (VALUES (1, NULL), (2, ''), (3, repeat('x', 1000000))) t (n, token),
    LATERAL auth_store.email_change_confirm(token) c, LATERAL auth_store.email_change_undo(token) u ORDER BY n;
SELECT error FROM auth_store.email_change_confirm(:'u_reset_token');
SELECT pg_temp.raised(call) FROM (VALUES
    (1, 'SELECT auth_store.email_change_start(NULL, ''a@b.example'')'),
    (2, 'SELECT auth_store.email_change_start(gen_random_uuid(), NULL)'),
    (3, 'SELECT auth_store.email_change_start(gen_random_uuid(), ''a@b.example'')')) t (n, call) ORDER BY n;
-- A token of one tenant is none of another.
SELECT token FROM auth_store.magic_link_start('kim@f.example') \gset
SET auth_store.tenant_id = 'mail-link';
SELECT error FROM auth_store.magic_link_finish(:'token');
SELECT error FROM auth_store.email_change_confirm(:'token');
RESET auth_store.tenant_id;
SELECT error FROM auth_store.magic_link_finish(:'token');

//! The names of the store's own events. No application writes one: `audit_write()` refuses them.

/// Every event that the store records, in order. The comment above each says when; `scripts/reference` prints both.
pub const NAMES: [&str; 158] = [
    // api_key_create()
    "api_key.created",
    // a batch of cleanup that deleted API keys some time after their end
    "api_key.expired",
    // api_key_import()
    "api_key.imported",
    // api_key_revoke()
    "api_key.revoked",
    // api_key_rotate()
    "api_key.rotated",
    // api_key_touch(): each refusal, of those by the rate limit one a minute, and of the uses that succeed those that
    // it notes in last_used_at, one a minute; a row for each would make every request a write
    "api_key.used",
    // a month of the trail that partitions_drop() or cleanup dropped: resource_id is its name, details has from,
    // until, older_than_seconds, estimated_rows (as the last VACUUM or ANALYZE had them; null: neither ever ran) and
    // bytes. In the tenant default: a month belongs to all
    "audit.month_dropped",
    // audit_seal() that has sealed something: resource_id is the number of the last segment, details has segments,
    // rows, number and head, in hexadecimal digits. In the tenant default: the trail is sealed for all
    "audit.sealed",
    // interaction_accept() that ends in an error for the client
    "authorization.accepted",
    // interaction_deny(), with what the client is told in error
    "authorization.denied",
    // http_authorize() of a request that waits for its user, or is refused. A request with prompt=none that would need
    // a page leaves no row: clients ask so again and again
    "authorization.requested",
    // client_authenticate()
    "client.authenticated",
    // client_create()
    "client.created",
    // client_delete()
    "client.deleted",
    // client_secret_import()
    "client.secret_imported",
    // client_secret_rotate()
    "client.secret_rotated",
    // client_set_status()
    "client.status_changed",
    // client_update()
    "client.updated",
    // a batch of cleanup that deleted client secrets of ended overlaps
    "client_secret.expired",
    // a batch of cleanup that deleted codes, also redeemed ones
    "code.expired",
    // code_issue(), http_authorize() and interaction_accept()
    "code.issued",
    // code_redeem()
    "code.redeemed",
    // code_redeem(), device_redeem() or device_accept() with a code that was redeemed before: the grant of the first
    // redemption is revoked
    "code_replay",
    // connection_delete()
    "connection.deleted",
    // connection_import_fernet()
    "connection.imported",
    // connection_lease() that is granted; one that is not leaves no row
    "connection.leased",
    // connection_fail(), and connection_lease() of a token that does not open, with fence and reason in details.
    // lease_lost as in connection.refreshed
    "connection.refresh_failed",
    // connection_complete(), with the fence in details and whether the refresh token is a new one (rotated). lease_lost
    // in error: the fence was old, newest_fence in details is the present one; no flag, since an overtaken worker is
    // not an attack
    "connection.refreshed",
    // connection_revoke()
    "connection.revoked",
    // connection_store()
    "connection.stored",
    // a batch of cleanup that deleted consents which had an end
    "consent.expired",
    // consent_record(), and interaction_accept() of a user who was asked
    "consent.recorded",
    // consent_revoke()
    "consent.revoked",
    // device_approve() and device_approve_elsewhere(); of refusals over the cap on wrong user codes one a minute for
    // each network
    "device.approved",
    // device_deny(); of refusals over the cap on wrong user codes one a minute for each network
    "device.denied",
    // device_hand_over() the first time that it gives something, and its refusals but authorization_pending; the grant
    // is the one that the user's shard makes
    "device.handed_over",
    // device_lookup(); of refusals over the cap on wrong user codes one a minute for each network
    "device.looked_up",
    // device_redeem() and device_accept(); a poll that is answered authorization_pending leaves no row
    "device.redeemed",
    // device_authorize()
    "device.requested",
    // a batch of cleanup that deleted device codes
    "device_code.expired",
    // dpop_verify() that is refused, with the description in details; for one that is accepted, the step it serves
    // leaves the row
    "dpop.verified",
    // email_change_confirm() of the first address, and a refused one of either
    "email.change_confirmed",
    // email_change_start(); of refusals by the limit for a recipient one a minute
    "email.change_started",
    // email_change_undo(); what ended, and how many addresses were taken away, is in details
    "email.change_undone",
    // email_change_confirm() of the second address: the change is made; what ended is in details
    "email.changed",
    // email_verification_start(); of refusals by the limit for a recipient one a minute
    "email.verification_started",
    // email_verification_finish()
    "email.verified",
    // totp_confirm(), totp_import() and passkey_register(); details has the kind. A refusal is totp_confirm()'s
    "factor.added",
    // totp_enroll(): it is no factor before totp_confirm()
    "factor.enrolled",
    // factor_remove(), passkey_remove(), and mfa_reset() for each factor; details has the kind and what ended
    "factor.removed",
    // factor_rename()
    "factor.renamed",
    // totp_verify(); of refusals during a lock one a minute for each network
    "factor.used",
    // a batch of cleanup that deleted grants some time after their end; details has rows, how many. This and the
    // other .expired: one row a batch, in the tenant of a pinned session, else in default
    "grant.expired",
    // grant_revoke()
    "grant.revoked",
    // user_grants_revoke(), client_grants_revoke(), and where a client's end revokes its grants; how many is in
    // details
    "grants.revoked",
    // identity_link(), and identity_login() where it links; details has the provider, and by what: call, email or
    // creation
    "identity.linked",
    // identity_unlink(); details has the provider, and whether it was the last way to log in
    "identity.unlinked",
    // identity_login() with an account that was linked before
    "identity.used",
    // invitation_accept(), also where it is refused; resource_id is the invitation, details has the role
    "invitation.accepted",
    // invitation_create(), also where it is refused; of refusals by the limit for a recipient one a minute; details has
    // the role and invited_by
    "invitation.created",
    // invitation_revoke() of an invitation that waited
    "invitation.revoked",
    // jti_claim() that is refused; for one that is granted, the step it serves leaves the row
    "jti.claimed",
    // jti_revoke()
    "jti.revoked",
    // user_device_forget(); resource_id is the device
    "login.device_forgotten",
    // user_login() from a network and with a user agent that the user never logged in with, beside user.logged_in;
    // details has whether it is the first log-in of the user at all
    "login.new_device",
    // magic_link_start(), also for an address that may let nobody in: access_denied in error, which the answer does not
    // tell; of refusals by the limit for a recipient one a minute
    "magic_link.created",
    // magic_link_finish()
    "magic_link.used",
    // member_remove() of a user who was a member; details has the reason and the roles
    "member.removed",
    // a batch of cleanup that deleted one-time tokens, also used ones
    "one_time_token.expired",
    // otp_start(); one that comes too soon after another leaves no row, and of refusals by the limit for a user one a
    // minute is told
    "otp.created",
    // otp_verify(); of refusals by the cap on wrong codes one a minute
    "otp.verified",
    // passkey_authenticate(); backed_up in details where that has changed
    "passkey.authenticated",
    // passkey_challenge() for a user; for a log-in of whoever comes it leaves no row
    "passkey.challenged",
    // passkey_rename()
    "passkey.renamed",
    // passkey_authenticate() with a counter that is not higher than the last: a copy of the authenticator may have
    // signed. The passkey lives
    "passkey_clone_suspected",
    // password_set(), password_change() and the end of a reset: by in details says which of them (administrator, user,
    // reset), ended what ended with the former password
    "password.changed",
    // password_import(); format in details is the argument, ended what ended with a former password
    "password.imported",
    // a log-in or password_verify() whose right password had the hash of another store, or other costs or another
    // pepper than the settings say: it has a new one
    "password.rehashed",
    // password_reset_start(), as magic_link.created
    "password.reset_started",
    // password_verify() that is refused; one that is not leaves no row
    "password.verified",
    // provider_register()
    "provider.registered",
    // pushed_request_consume()
    "pushed_request.consumed",
    // pushed_request_create()
    "pushed_request.created",
    // a batch of cleanup that deleted pushed requests
    "pushed_request.expired",
    // recovery_code_use(); how many are left is in details
    "recovery_code.used",
    // recovery_codes_generate()
    "recovery_codes.generated",
    // token_refresh() with a refresh token that rotation had replaced: the grant is revoked
    "refresh_reuse",
    // a batch of cleanup that deleted imported refresh tokens
    "refresh_token.expired",
    // refresh_token_import()
    "refresh_token.imported",
    // resource_delete() of a resource server that there was
    "resource_server.deleted",
    // resource_set()
    "resource_server.set",
    // role_assign(), also where it gives a role that the user has a new end; details has assigned_by, expires_at as
    // seconds since 1970, and renewed
    "role.assigned",
    // role_create()
    "role.created",
    // role_delete(); how many users it was taken from is in details
    "role.deleted",
    // a batch of cleanup that deleted roles of users which had an end
    "role.expired",
    // role_unassign() of a role that the user had
    "role.unassigned",
    // role_update(), with what has changed in details
    "role.updated",
    // session_create(); how many sessions the cap ended, with how many grants, is in details
    "session.created",
    // session_elevate()
    "session.elevated",
    // a batch of cleanup that deleted sessions
    "session.expired",
    // no row: the type of what the worker posts to a client whose user has logged out (OpenID Connect Back-Channel
    // Logout), which no application emits
    "session.logged_out",
    // session_revoke()
    "session.revoked",
    // session_rotate()
    "session.rotated",
    // session_touch() that wrote and found another network; other touches leave no row
    "session.touched",
    // user_sessions_revoke(); session_id is the one that was left
    "sessions.revoked",
    // signing_key_create() and signing_key_rotate() that made a key, and signing_key_retire() where one takes over that
    // it has to make; when it begins to sign is in details (active_from)
    "signing_key.created",
    // a batch of cleanup that deleted signing keys whose last tokens have ended
    "signing_key.expired",
    // signing_key_import(); details as in signing_key.created
    "signing_key.imported",
    // signing_key_retire(); details has the reason and the successor's kid
    "signing_key.retired",
    // recovered(), with lost_from, lost_to, policy and what ended in details. In the tenant default: it is of all
    "store.recovered",
    // tenant_create()
    "tenant.created",
    // tenant_erase(); details has how many rows, of sealed ones how many of each month (sealed), and what the steps of
    // its erased users said of rows of other tenants (erasures)
    "tenant.erased",
    // tenant_policy_set(), with the names of what changed in details
    "tenant.policy_changed",
    // provider_set(), with the names of what changed in details
    "tenant.provider_changed",
    // tenant_set_status()
    "tenant.status_changed",
    // tenant_update()
    "tenant.updated",
    // token_exchange(); the grant is the new one, the subject's is in details. A refusal names the subject's
    "token.exchanged",
    // a batch of cleanup that deleted access tokens
    "token.expired",
    // token_introspection_record() where auth_store.audit_introspection is on
    "token.introspected",
    // token_issue(), token_issue_client_credentials()
    "token.issued",
    // token_refresh()
    "token.refreshed",
    // token_revoke()
    "token.revoked",
    // token_use()
    "token.used",
    // the first proof of an address by magic_link_finish() or password_reset_finish(), or identity_login() that links
    // by the address: what had been put into the account before has ended. by in details says which of them
    // (magic_link, reset, identity), dropped and ended count what
    "user.claimed",
    // user_create(), and user_ensure() where it makes the user
    "user.created",
    // user_end(); how many codes, sessions, grants, API keys and connections it ended is in details
    "user.ended",
    // user_erase(); the user is the pseudonym that the user's earlier rows have by now, details has the reason and how
    // many rows of which table were removed or made those of the pseudonym, and of sealed rows how many of each month
    // (sealed)
    "user.erased",
    // user_export(); details has how many bytes the document has
    "user.exported",
    // user_impersonate(), also where it is refused; details has the reason, expires_at as seconds since 1970
    "user.impersonated",
    // users_import() for each user that it took, beside the rows of what came with the user; created in details
    "user.imported",
    // user_lock(); details has the reason and for how many seconds, null without an end
    "user.locked",
    // user_login() that succeeded; resource_id is the device, details has whether a second factor is to follow
    "user.logged_in",
    // user_login() that was refused, alike whether there is such a user or not; details has how many failures there
    // were from the network, and for how many seconds they lock the user out. Of refusals over a limit one a minute
    "user.login_failed",
    // user_name_add(); details has the kind of the name, not the name
    "user.name_added",
    // user_name_claim() and user_name_confirm() where they changed something or were refused; details has the kind of
    // the name, not the name. The user lives on another shard
    "user.name_claimed",
    // user_name_release() of a claim; details has the kind of the name, not the name
    "user.name_released",
    // user_name_remove(); details has the kind of the name, not the name
    "user.name_removed",
    // cleanup of an anonymous user whom nobody uses any more
    "user.purged",
    // user_set_status(); how many codes, sessions and grants it ended is in details
    "user.status_changed",
    // user_unlock() that ended a lock or forgot failures
    "user.unlocked",
    // user_update(); the names of what was to change are in details
    "user.updated",
    // an anonymous user got a name or a credential; details says by what: email, external, phone, username, identity,
    // password or passkey
    "user.upgraded",
    // a data key of a tenant was made: at the first connection and after a change of the master key
    "vault.key_created",
    // a data key of a tenant was deleted by vault_rekey(), because nothing needs it
    "vault.key_deleted",
    // vault_rekey(), one for each batch and data key: how many rows were sealed anew, how many do not open
    "vault.rekeyed",
    // webhook_create()
    "webhook.created",
    // webhook_delete(), and an answer 410 to a webhook that is deleted by it (reason gone): deliveries is the number of
    // those that were not made
    "webhook.deleted",
    // a receiver's answer 410 (reason gone) or its header webhook-delivery: disable (reason receiver) to a webhook that
    // was not disabled
    "webhook.disabled",
    // a batch of cleanup that deleted webhooks after their end
    "webhook.expired",
    // webhook_complete() of a failed attempt, once half of auth_store.webhook_failing_days has passed since the first
    // failure after the last success; failing_since (seconds since 1970) and last_error are in details
    "webhook.failing",
    // webhook_own_events_set(); details has enabled
    "webhook.own_events_switched",
    // webhook_redeliver(), with the ids of both deliveries in details; webhooks_redrive() that found any: the filter
    // and how many are in details, a row for each tenant
    "webhook.redriven",
    // webhook_secret_rotate()
    "webhook.secret_rotated",
    // webhook_set_status(): skipped is the number of deliveries that backlog => 'skip' deleted
    "webhook.status_changed",
    // webhook_complete() of a failed attempt after all of auth_store.webhook_failing_days; details as of
    // webhook.failing
    "webhook.suspended",
    // webhook_test()
    "webhook.tested",
    // webhook_update()
    "webhook.updated",
    // webhook_event_type_register(); resource_id is the name. In the tenant default: a type belongs to all
    "webhook_type.registered",
];

/// True if a name is one of the store's, or looks like one: the case of letters and white space around it do not count.
pub fn is_own(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    NAMES.binary_search(&name.as_str()).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{NAMES, is_own};
    use std::path::Path;

    #[test]
    fn a_name_is_known_in_every_spelling_that_reads_alike() {
        for name in ["refresh_reuse", "Refresh_Reuse", " code.redeemed", "TENANT.ERASED\u{a0}"] {
            assert!(is_own(name), "{name}");
        }
        for name in ["order.shipped", "user.login", "refresh_reuse_", "code", "code."] {
            assert!(!is_own(name), "{name}");
        }
    }

    #[test]
    fn the_names_are_in_order() {
        assert!(NAMES.is_sorted_by(|one, other| one < other));
    }

    /// Every text in this library's sources that has the form of an event's name is in the list, and every name in the
    /// list is in the sources.
    #[test]
    fn the_list_has_every_event_of_the_source() {
        let mut source = String::new();
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
        let families: Vec<_> = NAMES.iter().filter_map(|name| name.split_once('.')).map(|(f, _)| f).collect();
        for text in source.split('"') {
            let Some((family, rest)) = text.split_once('.') else { continue };
            let word =
                |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            if word(rest) && families.contains(&family) {
                assert!(NAMES.contains(&text), "{text} is not in the list");
            }
        }
        for name in NAMES {
            assert!(source.contains(&format!("\"{name}\"")), "nothing records {name}");
        }
    }

    fn read(directory: &Path, source: &mut String) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, source);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("trail/names.rs") {
                source.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
}

//! The names of the store's own events. No application writes one: `audit_write()` refuses them.

/// Every event that the store records, in order.
pub const NAMES: [&str; 57] = [
    "api_key.created",
    "api_key.imported",
    "api_key.revoked",
    "api_key.rotated",
    "api_key.used",
    "audit.month_dropped",
    "client.authenticated",
    "client.created",
    "client.deleted",
    "client.secret_imported",
    "client.secret_rotated",
    "client.status_changed",
    "client.updated",
    "code.issued",
    "code.redeemed",
    "code_replay",
    "connection.deleted",
    "connection.imported",
    "connection.leased",
    "connection.refresh_failed",
    "connection.refreshed",
    "connection.revoked",
    "connection.stored",
    "consent.recorded",
    "consent.revoked",
    "device.approved",
    "device.denied",
    "device.looked_up",
    "device.redeemed",
    "device.requested",
    "dpop.verified",
    "grant.revoked",
    "grants.revoked",
    "jti.claimed",
    "jti.revoked",
    "pushed_request.consumed",
    "pushed_request.created",
    "refresh_reuse",
    "refresh_token.imported",
    "session.created",
    "session.revoked",
    "session.rotated",
    "session.touched",
    "sessions.revoked",
    "tenant.created",
    "tenant.erased",
    "tenant.status_changed",
    "tenant.updated",
    "token.exchanged",
    "token.issued",
    "token.refreshed",
    "token.revoked",
    "token.used",
    "user.created",
    "vault.key_created",
    "vault.key_deleted",
    "vault.rekeyed",
];

/// Whether a name is one of the store's, or would be taken for one: whatever the case of its letters and the white
/// space around it.
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

    /// Every text of this library that has the form of an event's name is in the list, and the other way round.
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

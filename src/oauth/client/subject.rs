//! What a client knows a user by: `sub` (OpenID Connect Core section 8).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::identity::tenant::salt;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::id::Id;
use crate::oauth::client::Client;
use crate::rfc::choice::SubjectType;
use crate::rfc::redirect_uri;

/// The subject of a user for a client: the user's id, or for a pairwise client another one for each host.
pub fn of(snapshot: &Snapshot, client: &Client, user_id: Id) -> Result<String, Mistake> {
    if client.subject_type == SubjectType::Public {
        return Ok(user_id.to_string());
    }
    let salt = salt::find(snapshot, &client.tenant_id)?
        .ok_or_else(|| Mistake::TypeDiffers("the tenant of a pairwise client has no subject_salt".into()))?;
    let sector = redirect_uri::host_of_all(&client.redirect_uris).unwrap_or_else(|| client.id.clone());
    Ok(pairwise(&sector, user_id, &salt))
}

/// The second method of OpenID Connect Core section 8.1. No host has a NUL in it.
fn pairwise(sector: &str, user_id: Id, salt: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [sector.as_bytes(), &[0], user_id.bytes(), salt] {
        hash.update(part);
    }
    URL_SAFE_NO_PAD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::pairwise;
    use crate::kernel::value::id::Id;

    #[test]
    fn a_subject_is_of_one_user_sector_and_tenant() {
        let (one, other) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
        let subject = pairwise("a.example", one, &[7; 32]);
        assert_eq!(subject, pairwise("a.example", one, &[7; 32]));
        assert_eq!(subject.len(), 43);
        assert_ne!(subject, pairwise("b.example", one, &[7; 32]));
        assert_ne!(subject, pairwise("a.example", other, &[7; 32]));
        assert_ne!(subject, pairwise("a.example", one, &[8; 32]));
    }
}

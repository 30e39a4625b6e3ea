//! Signatures as Standard Webhooks has them: HMAC-SHA256 of id, time and body, one by each live secret of the webhook.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use crate::kernel::outcome::{self, Answer, Mistake};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::vault::key::{self, DataKey, SealPlace, Unreadable, master};

row! {
    struct Sealed in webhook_secrets {
        id: Id,
        key_id: Id,
        expires_at: Option<Timestamp>,
        tenant_id: String,
        secret: Vec<u8>,
    }
}

static OF_WEBHOOK: Lookup<Sealed> = Lookup::by(c"webhook_secrets_webhook_idx");

/// A delivery is signed with so many secrets at most.
const MAX_LIVE: usize = 3;

/// The live secrets of a webhook, the newest first.
pub struct Signer(Vec<hmac::Key>);

impl Signer {
    /// The header `webhook-signature`.
    pub fn sign(&self, delivery_id: &str, seconds: i64, body: &str) -> String {
        let signatures = self.0.iter().map(|key| {
            let mut context = hmac::Context::with_key(key);
            context.update(format!("{delivery_id}.{seconds}.").as_bytes());
            context.update(body.as_bytes());
            format!("v1,{}", STANDARD.encode(context.sign()))
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

/// The vault's data keys that a claim has opened.
pub type DataKeys = HashMap<Id, DataKey>;

/// The signer of a webhook; None, with a warning, if it has no secret that opens: then nothing can be sent to it. Where
/// the vault has no master key at all, that is a mistake.
pub fn of(
    now: Timestamp,
    snapshot: &Snapshot,
    webhook_id: Id,
    tenant_id: &str,
    keys: &mut DataKeys,
) -> Result<Option<Signer>, Mistake> {
    let mut sealed = OF_WEBHOOK.all_by(snapshot, [Key::Id(webhook_id), Key::Text(tenant_id)])?;
    sealed.retain(|sealed| sealed.expires_at.is_none_or(|end| now < end));
    sealed.sort_by_key(|sealed| std::cmp::Reverse(sealed.id));
    let mut opened = Vec::new();
    let mut closed = None;
    for sealed in sealed.into_iter().take(MAX_LIVE) {
        match open(now, snapshot, &sealed, keys)? {
            Ok(key) => opened.push(key),
            Err(unreadable) => closed = Some(unreadable),
        }
    }
    if let Some(unreadable) = closed {
        if !master::is_configured() {
            return Err(unreadable.into());
        }
        let why = Mistake::from(unreadable).with_hint();
        outcome::warning(&format!("auth_store: a secret of webhook {webhook_id} does not open: {why}"));
    }
    Ok((!opened.is_empty()).then_some(Signer(opened)))
}

fn open(
    now: Timestamp,
    snapshot: &Snapshot,
    sealed: &Sealed,
    keys: &mut DataKeys,
) -> Answer<hmac::Key, Unreadable> {
    let key = match keys.entry(sealed.key_id) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => match key::open(now, snapshot, sealed.key_id, &sealed.tenant_id)? {
            Ok(key) => place.insert(key),
            Err(unreadable) => return Ok(Err(unreadable)),
        },
    };
    let place = SealPlace { table: "webhook_secrets", row: sealed.id, column: "secret" };
    Ok(key.open(place, &sealed.secret).map(|secret| hmac::Key::new(hmac::HMAC_SHA256, &secret)))
}

#[cfg(test)]
mod tests {
    use super::Signer;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ring::hmac;

    fn signer(secrets: &[&str]) -> Signer {
        let key = |secret: &&str| {
            let bytes = STANDARD.decode(secret).unwrap_or_default();
            hmac::Key::new(hmac::HMAC_SHA256, &bytes)
        };
        Signer(secrets.iter().map(key).collect())
    }

    /// The vector of the libraries of Standard Webhooks (Python, JavaScript, Rust: test "sign").
    #[test]
    fn a_signature_is_that_of_the_published_vector() {
        let header = signer(&["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(header, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn several_secrets_sign_with_spaces_between() {
        let header = signer(&["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "AAAA"]).sign("id", 1, "{}");
        let parts: Vec<_> = header.split(' ').collect();
        assert!(parts.len() == 2 && parts[0] != parts[1]);
        assert!(parts.iter().all(|part| part.starts_with("v1,") && part.len() == 3 + 44));
    }
}

//! Many API keys in one call, as a gateway has them that checks in batches: the same answers as one by one, with two
//! searches for all of them in place of two look-ups for each. Keys of other stores are looked up one by one.

use pgrx::Array;
use pgrx::prelude::*;

use crate::api_key::verify::{
    ApiKey, ApiKeyState, BY_ID, KeyVerdict, imported, is_readable, judge, required,
};
use crate::identity::user;
use crate::kernel::crypto::token_text;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::many::{self, Answered};
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Inet, Inets};
use crate::oauth::client;

composite! {
    /// The state of one of many API keys.
    pub struct NthApiKeyState = "auth_store.nth_api_key_state" {
        pub n: i32,
        pub state: ApiKeyState,
    }
}

#[pg_extern(stable, parallel_safe)]
fn api_key_verify_many(
    api_keys: Option<Array<'_, &str>>,
    required_scope: default!(Option<&str>, "NULL"),
    ips: default!(Option<Inets>, "NULL"),
) -> SetOfIterator<'static, NthApiKeyState> {
    let now = clock::now();
    let run = || {
        let texts = many::elements(api_keys.as_ref(), "api_keys")?;
        let addresses = many::beside(ips.map(Inets::elements), texts.len(), "ips")?;
        let verdicts = verify_each(&Snapshot::reading(), now, &texts, required_scope, &addresses)?;
        let state =
            |(n, verdict): (usize, KeyVerdict)| NthApiKeyState { n: many::number(n), state: verdict.into() };
        Ok::<Vec<_>, Mistake>(verdicts.into_iter().enumerate().map(state).collect())
    };
    SetOfIterator::new(run().or_raise())
}

/// As `verify()`, of each of these texts with the address beside it.
fn verify_each(
    snapshot: &Snapshot,
    now: Timestamp,
    texts: &[Option<&str>],
    required_scope: Option<&str>,
    addresses: &[Option<Inet>],
) -> Result<Vec<KeyVerdict>, Mistake> {
    let required = required(required_scope)?;
    let texts: Vec<_> = texts.iter().map(|text| text.unwrap_or_default()).collect();
    let keys = find_each(snapshot, &texts)?;
    // A user who is not asked about, because the key has ended, does not matter.
    let ids: Vec<Option<Id>> = keys.iter().map(|key| key.as_ref()?.user_id).collect();
    let users = user::active_each(snapshot, &ids)?;
    let mut usable = Answered::default();
    let mut verdicts = Vec::with_capacity(texts.len());
    for (((text, key), user), address) in texts.into_iter().zip(keys).zip(users).zip(addresses) {
        verdicts.push(match key {
            None => KeyVerdict::unknown(text),
            Some(key) => {
                let is_usable = |id: &str| usable.of(id, |id| client::is_usable(snapshot, id));
                let live = key.live_by(now, |_| Ok(user), is_usable)?;
                judge(key, live, required.as_ref(), address.as_ref())
            }
        });
    }
    Ok(verdicts)
}

/// The keys with these texts, live or not.
fn find_each(snapshot: &Snapshot, texts: &[&str]) -> Result<Vec<Option<ApiKey>>, Mistake> {
    let read = |text: &&str| is_readable(text).then(|| token_text::parse_api_key(text)).flatten();
    let presented: Vec<_> = texts.iter().map(read).collect();
    let ids: Vec<_> = presented.iter().map(|one| one.as_ref().map(|one| one.id)).collect();
    let found = BY_ID.find_some(snapshot, &ids)?;
    let mut keys = Vec::with_capacity(texts.len());
    for ((text, presented), found) in texts.iter().zip(presented).zip(found) {
        keys.push(match (presented, found) {
            (Some(presented), Some(key)) => key.presented(&presented.digest),
            (Some(presented), None) => imported(snapshot, &presented.digest)?,
            (None, _) if is_readable(text) => imported(snapshot, &token_text::digest(text))?,
            (None, _) => None,
        });
    }
    Ok(keys)
}

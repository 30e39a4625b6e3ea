//! Connections from a table whose tokens are encrypted with Fernet.

use pgrx::prelude::*;
use zeroize::Zeroizing;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::jsonb::Jsonb;
use crate::vault::connection;
use crate::vault::connection::account::{Account, Actor, Tokens};
use crate::vault::fernet::KeyRing;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn connection_import_fernet(
    provider: Option<&str>,
    actor_id: Option<&str>,
    access_token: Option<&str>,
    refresh_token: default!(Option<&str>, "NULL"),
    scope: default!(Option<&str>, "NULL"),
    access_token_expires_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    actor_type: default!(Option<&str>, "'user'"),
    provider_account_id: default!(Option<&str>, "NULL"),
    team_id: default!(Option<&str>, "NULL"),
    provider_tenant_id: default!(Option<&str>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    fernet_key: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let now = clock::now();
    let run = || {
        let keys = KeyRing::given(fernet_key)?;
        let actor = Actor::check(provider, actor_type, actor_id)?;
        let (access_token, since) =
            decrypt(&keys, now, given(access_token, "access_token")?, "access_token")?;
        let refresh_token = match refresh_token {
            Some(token) => Some(decrypt(&keys, now, token, "refresh_token")?.0),
            None => None,
        };
        let end = (access_token_expires_at.map(Timestamp::from), "access_token_expires_at");
        let refresh_token = refresh_token.as_ref().map(|text| text.as_str());
        let tokens = Tokens::check(Some(&access_token), refresh_token, scope, end, since)?;
        let account = Account::check(provider_account_id, team_id, provider_tenant_id, metadata)?;
        connection::store(now, "connection.imported", &actor, tokens, &account, tenant_id, None)
    };
    run().or_raise().into()
}

/// A token's text, and when it was encrypted: not long after the provider gave it.
fn decrypt(
    keys: &KeyRing,
    now: Timestamp,
    token: &str,
    argument: &'static str,
) -> Result<(Zeroizing<String>, Timestamp), Mistake> {
    let opened = keys.open(token, now, None);
    let text = opened.as_ref().and_then(|opened| Some((opened.text()?, opened.created_at)));
    let (text, since) = text.ok_or(Mistake::invalid(
        argument,
        "a Fernet token of a text that fernet_key opens; WHERE auth_store.fernet_decrypt(...) IS NULL finds the others",
    ))?;
    Ok((Zeroizing::new(text.to_owned()), since.min(now)))
}

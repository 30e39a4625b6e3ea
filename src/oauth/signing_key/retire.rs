//! The end of a key: withdrawn in time, so that no token is refused for it, or dropped at once, because others know it.

use pgrx::prelude::*;
use serde_json::json;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::oauth::signing_key::make::{self, Begin, New, record, resolve};
use crate::oauth::signing_key::{JWKS_MAX_AGE, SigningKeyRow, State, lock_update};
use crate::rfc::jose::alg::Alg;

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn signing_key_retire(
    kid: Option<&str>,
    reason: default!(Option<&str>, "'withdrawn'"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> Option<String> {
    let run = || {
        let kid = given(kid, "kid")?;
        let reason = argument::optional_reason(reason)?.unwrap_or("withdrawn");
        end(clock::now(), &resolve(tenant_id)?, kid, reason)
    };
    run().or_raise()
}

/// Whether a key ends because others know it. It is one word in whatever letters: a key that stays for a misspelling
/// would be the worse mistake.
fn is_compromised(reason: &str) -> bool {
    reason.trim().eq_ignore_ascii_case("compromised")
}

row! {
    struct Of {
        alg: Alg,
    }
}

static ALG_OF: Statement<Of> =
    Statement::latest(c"SELECT {columns} FROM auth_store.signing_keys WHERE tenant_id = $1 AND kid = $2");

static DELETE: Statement =
    Statement::latest(c"DELETE FROM auth_store.signing_keys WHERE id = $1 AND tenant_id = $2");

static BEGIN: Statement = Statement::latest(
    c"UPDATE auth_store.signing_keys SET active_from = $3, published_at = LEAST(published_at, $3)
       WHERE id = $1 AND tenant_id = $2",
);

static STAY: Statement = Statement::latest(
    c"UPDATE auth_store.signing_keys SET retired_at = NULL WHERE id = $1 AND tenant_id = $2",
);

const UNKNOWN: Mistake = Mistake::Unknown { what: "signing key", argument: "kid" };

/// Ends a key, and returns the name of the one that signs, or will, in its stead; None: there is none.
fn end(now: Timestamp, tenant_id: &str, kid: &str, reason: &str) -> Result<Option<String>, Mistake> {
    let (alg, compromised) =
        (ALG_OF.one(&params![tenant_id, kid])?.ok_or(UNKNOWN)?.alg, is_compromised(reason));
    let keys = lock_update(tenant_id, alg)?;
    let key = keys.iter().find(|key| key.kid == kid).ok_or(UNKNOWN)?;
    let of_state = |state| keys.iter().find(|key| key.state(now) == state);
    let successor = match key.state(now) {
        State::Next => {
            // It has signed nothing, and the one before it signs on.
            drop_key(key, tenant_id)?;
            let former = of_state(State::Active);
            if let Some(former) = former {
                STAY.run(&params![former.id, tenant_id])?;
            }
            former.map(|key| key.kid.clone())
        }
        State::Active => replace(now, tenant_id, key, of_state(State::Next), compromised)?,
        State::Retired | State::Gone => {
            if compromised {
                drop_key(key, tenant_id)?;
            }
            of_state(State::Active).map(|key| key.kid.clone())
        }
    };
    let details = json!({ "alg": alg.as_str(), "reason": reason, "successor": successor });
    record(now, tenant_id, "signing_key.retired", kid, details)?;
    Ok(successor)
}

fn drop_key(key: &SigningKeyRow, tenant_id: &str) -> Result<(), Mistake> {
    DELETE.exactly_one(&params![key.id, tenant_id])
}

/// Puts another key in the place of the one that signs: the next one, or a new one. A key that is withdrawn signs until
/// the other one is known; one that is compromised, not once more.
fn replace(
    now: Timestamp,
    tenant_id: &str,
    key: &SigningKeyRow,
    next: Option<&SigningKeyRow>,
    compromised: bool,
) -> Result<Option<String>, Mistake> {
    let made = matches!(key.alg, Alg::Es256 | Alg::EdDsa);
    let new = |begin| New { alg: key.alg, pkcs8: None, begin }.make(now, tenant_id);
    match (compromised, next) {
        (false, Some(next)) => Ok(Some(next.kid.clone())),
        (false, None) if made => new(Begin::After(JWKS_MAX_AGE.get().into())).map(Some),
        (false, None) => {
            make::retire(key.id, tenant_id, now)?;
            Ok(None)
        }
        (true, Some(next)) => {
            drop_key(key, tenant_id)?;
            BEGIN.run(&params![next.id, tenant_id, now])?;
            Ok(Some(next.kid.clone()))
        }
        (true, None) => {
            drop_key(key, tenant_id)?;
            if made { new(Begin::Now).map(Some) } else { Ok(None) }
        }
    }
}

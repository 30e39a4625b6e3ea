//! The end of a key: withdrawn in time, so that no token is refused for it, or dropped at once, because others know it.

use pgrx::prelude::*;
use serde_json::json;

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::oauth::signing_key::make::{self, Begin, New, record, resolve};
use crate::oauth::signing_key::{JWKS_MAX_AGE, SigningKeyRow, State};
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
        let reason = match reason.unwrap_or("withdrawn") {
            "withdrawn" => Reason::Withdrawn,
            "compromised" => Reason::Compromised,
            _ => return Err(Mistake::one_of("reason", &["withdrawn", "compromised"])),
        };
        end(clock::now(), &resolve(tenant_id)?, kid, reason)
    };
    run().or_raise()
}

/// Why a key ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Withdrawn,
    Compromised,
}

row! {
    struct Of {
        alg: Alg,
    }
}

static ALG_OF: Statement<Of> =
    Statement::latest(c"SELECT {columns} FROM auth_store.signing_keys WHERE tenant_id = $1 AND kid = $2");

static LOCK: Statement<SigningKeyRow> = Statement::latest(
    c"SELECT {columns} FROM auth_store.signing_keys WHERE tenant_id = $1 AND alg = $2 ORDER BY id FOR UPDATE",
);

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
fn end(now: Timestamp, tenant_id: &str, kid: &str, reason: Reason) -> Result<Option<String>, Mistake> {
    let alg = ALG_OF.one(&params![tenant_id, kid])?.ok_or(UNKNOWN)?.alg;
    let keys = LOCK.all(&params![tenant_id, alg.as_str()])?;
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
        State::Active => replace(now, tenant_id, key, of_state(State::Next), reason)?,
        State::Retired | State::Gone => {
            if reason == Reason::Compromised {
                drop_key(key, tenant_id)?;
            }
            of_state(State::Active).map(|key| key.kid.clone())
        }
    };
    let word = if reason == Reason::Compromised { "compromised" } else { "withdrawn" };
    let details = json!({ "alg": alg.as_str(), "reason": word, "successor": successor });
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
    reason: Reason,
) -> Result<Option<String>, Mistake> {
    let made = matches!(key.alg, Alg::Es256 | Alg::EdDsa);
    let new = |begin| New { alg: key.alg, pkcs8: None, begin }.make(now, tenant_id);
    match (reason, next) {
        (Reason::Withdrawn, Some(next)) => Ok(Some(next.kid.clone())),
        (Reason::Withdrawn, None) if made => new(Begin::After(JWKS_MAX_AGE.get().into())).map(Some),
        (Reason::Withdrawn, None) => {
            make::retire(key.id, tenant_id, now)?;
            Ok(None)
        }
        (Reason::Compromised, Some(next)) => {
            drop_key(key, tenant_id)?;
            BEGIN.run(&params![next.id, tenant_id, now])?;
            Ok(Some(next.kid.clone()))
        }
        (Reason::Compromised, None) => {
            drop_key(key, tenant_id)?;
            if made { new(Begin::Now).map(Some) } else { Ok(None) }
        }
    }
}

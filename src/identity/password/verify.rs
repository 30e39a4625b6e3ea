//! Whether a password is the user's. Nothing is locked meanwhile, and whoever has no password costs the same work.

use pgrx::prelude::*;

use crate::identity::password::pepper;
use crate::identity::password::{Stored, cost, find};
use crate::identity::policy::{self, Policy};
use crate::identity::user;
use crate::kernel::crypto::password::{self, Needed, Password, Typed, Verdict};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::slot::Slot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::state;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event};

composite! {
    /// What password_verify() returns.
    pub struct PasswordVerdict = "auth_store.password_verdict" {
        pub ok: Option<bool>,
        pub must_change: Option<bool>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn password_verify(
    user_id: Option<pgrx::Uuid>,
    password: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> PasswordVerdict {
    let context = Context { ip, user_agent };
    match answer(clock::now(), user_id.map(Id::from), password, &context).or_raise() {
        Ok(must_change) => {
            PasswordVerdict { ok: Some(true), must_change: Some(must_change), ..PasswordVerdict::default() }
        }
        Err(refusal) => PasswordVerdict { ok: Some(false), ..PasswordVerdict::refused(&refusal) },
    }
}

/// The answer to a wrong password, and to any password of somebody who has none.
pub const WRONG: Refusal = Refusal::new(ErrorCode::InvalidGrant, "the password is wrong");

fn answer(
    now: Timestamp,
    user_id: Option<Id>,
    password: Option<&str>,
    context: &Context<'_>,
) -> Answer<bool> {
    let id = given(user_id, "user_id")?;
    let password = given(password, "password")?;
    let verdict = match verify(now, Some(id), password)?.and_then(|right| right.ok_or(WRONG)) {
        Ok(right) if right.renewed.is_some() && !right.renew_held(now)? => Err(WRONG),
        verdict => verdict,
    };
    match verdict {
        Ok(right) => {
            let policy = policy::of(&Snapshot::reading(), &right.stored.tenant_id)?;
            Ok(Ok(right.must_change(now, &policy)))
        }
        Err(refusal) => {
            if state::writable().is_ok()
                && let Some(user) = user::find(&Snapshot::writing()?, id)?
            {
                record(now, id, &user.tenant_id, &refusal, context)?;
            }
            Ok(Err(refusal))
        }
    }
}

fn record(
    now: Timestamp,
    id: Id,
    tenant_id: &str,
    refusal: &Refusal,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event: "password.verified",
            tenant_id,
            user_id: Some(id),
            error: Some(refusal.code),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}

/// A password that was right.
pub struct Right {
    user_id: Id,
    /// What is stored of it.
    pub stored: Stored,
    /// The hash that is to take the place of the stored one.
    renewed: Option<String>,
}

/// Whether this is the password of a user; None for a wrong one, and where there is no such user or the user has no
/// password, which takes as long. A refusal where too many others hash. Locks nothing and writes nothing. A log-in
/// that comes of it calls [`Right::renew`].
pub fn verify(now: Timestamp, user_id: Option<Id>, password: &str) -> Answer<Option<Right>> {
    let snapshot = Snapshot::reading();
    let stored = user_id.map(|id| find(&snapshot, id)).transpose()?.flatten();
    // Longer than any password, and so nobody's.
    let Some(typed) = Typed::new(password) else { return Ok(Ok(None)) };
    let turn = match cost::turn() {
        Ok(turn) => turn,
        Err(busy) => return Ok(Err(busy)),
    };
    let (Some(stored), Some(user_id)) = (stored, user_id) else {
        password::verify(&typed, &password::decoy(cost::present()), None)?;
        return Ok(Ok(None));
    };
    let verdict = compare(now, &stored.hash, &typed)?;
    if verdict == Verdict::Wrong {
        return Ok(Ok(None));
    }
    let renewed = if verdict == Verdict::Right { renewed(&turn, &stored.hash, &typed)? } else { None };
    Ok(Ok(Some(Right { user_id, stored, renewed })))
}

/// What a stored hash says of what was typed.
pub fn compare(now: Timestamp, stored: &str, typed: &Typed) -> Result<Verdict, Mistake> {
    match password::needed_pepper(stored)? {
        Needed::Nothing => password::verify(typed, stored, None),
        Needed::Own(name) => {
            let pepper = cost::own_pepper_of(now, &name)?;
            password::verify(typed, stored, Some(pepper.as_ref()))
        }
        Needed::Imported(name) => {
            let pepper = pepper::find(now, &name)?;
            password::verify(typed, stored, Some(&pepper))
        }
    }
}

/// The hash that is to take the place of one that is another store's, or of other costs or another pepper. None if it
/// may stay, if this call cannot write, or if no two devices would type the password alike.
fn renewed(turn: &Slot, stored: &str, typed: &Typed) -> Result<Option<String>, Mistake> {
    if state::writable().is_err() {
        return Ok(None);
    }
    let pepper = cost::own_pepper()?;
    if !password::is_obsolete(stored, cost::present(), pepper.as_ref().map(|pepper| pepper.name.as_str())) {
        return Ok(None);
    }
    let Some(password) = Password::kept(typed) else { return Ok(None) };
    cost::hash(turn, &password, pepper.as_ref()).map(Some)
}

static RENEW: Statement = Statement::write(
    c"UPDATE auth_store.passwords SET hash = $4
       WHERE user_id = $1 AND tenant_id = $2 AND revision = $3 AND hash = $5",
);

impl Right {
    /// Whether the user has to choose another password: it was set so, or is older than the policy allows.
    pub fn must_change(&self, now: Timestamp, policy: &Policy) -> bool {
        policy::password::must_change(now, policy, self.stored.must_change, self.stored.changed_at)
    }

    /// Puts the new hash in the place of the old one, if it is due and nobody has changed either meanwhile. Returns
    /// whether it still is the password, after whatever was waited for. The caller has locked the user at least as
    /// [`user::lock_key_share`] does, and can write.
    pub fn renew(&self, now: Timestamp) -> Result<bool, Mistake> {
        let Stored { tenant_id, hash, revision, .. } = &self.stored;
        if let Some(renewed) = &self.renewed {
            let params =
                params![self.user_id, tenant_id.as_str(), *revision, renewed.as_str(), hash.as_str()];
            if RENEW.run(&params)? == 1 {
                let event = "password.rehashed";
                let user_id = Some(self.user_id);
                trail::record(now, &Event { event, tenant_id, user_id, ..Event::default() })?;
                return Ok(true);
            }
        }
        let present = find(&Snapshot::latest(), self.user_id)?;
        Ok(present.is_some_and(|present| present.version() == self.stored.version()))
    }

    /// The same with the user's row held.
    fn renew_held(&self, now: Timestamp) -> Result<bool, Mistake> {
        Ok(user::lock_key_share(self.user_id, &self.stored.tenant_id, None)? && self.renew(now)?)
    }
}

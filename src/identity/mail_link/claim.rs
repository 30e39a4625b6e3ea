//! The first proof that an address is the user's. Until then anybody may have registered with it, put something into
//! the account and waited for the owner of the address (account pre-hijacking: Sudhodanan and Paverd, USENIX Security
//! 2022). So whoever is let in by that proof alone has the account without what was put into it before.
//!
//! Lock order: codes, the user, the user's names and what lets the user in, sessions, grants, consents, API keys,
//! connections.

use serde_json::json;

use crate::api_key;
use crate::identity::external::link;
use crate::identity::login::devices;
use crate::identity::mfa::{factor, last};
use crate::identity::one_time::{self, OneTimeToken, verification};
use crate::identity::passkey::manage;
use crate::identity::password::set;
use crate::identity::session;
use crate::identity::user::name::{Kind, Name};
use crate::identity::user::names;
use crate::identity::user::verified::{self, Proof};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::oauth::consent;
use crate::oauth::consent::access::{Ended, actors, end_shut_out};
use crate::oauth::grant::of_user;
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event};
use crate::vault::connection::end::revoke_by_actors;

/// An account, and by what somebody claims it.
pub struct Claim<'a> {
    pub user_id: Id,
    pub tenant_id: &'a str,
    /// What the trail calls it.
    pub by: &'a str,
    pub context: &'a Context<'a>,
}

/// Why what was there ends.
const ENDED_BY: &str = "user_claimed";

impl Claim<'_> {
    /// Lets a user in who is locked and active, by the token of a mail to this address. If that is the first proof of
    /// any address, what was there ends; returns how much access then. `codes`: as for [`Claim::prove`].
    pub fn enter(
        &self,
        now: Timestamp,
        token: &OneTimeToken,
        email: &str,
        codes: Option<u64>,
    ) -> Answer<Option<Ended>, Refused> {
        if let Err(refused) = self.may_enter(email)? {
            return Ok(Err(refused));
        }
        if let Err(refused) = token.consume(now)? {
            return Ok(Err(refused));
        }
        self.prove(now, email, codes)
    }

    /// Whether a mail to this address may let in: only one that was proved, where the user has proved any.
    fn may_enter(&self, email: &str) -> Answer<(), Refused> {
        let Some(name) = Name::read(Kind::Email, email) else { return Ok(Ok(())) };
        let mailbox = verified::mailbox(&Snapshot::latest(), self.tenant_id, &name)?;
        let unproved = mailbox.is_some_and(|mailbox| {
            mailbox.user_id == self.user_id && mailbox.name == email && mailbox.verified_at.is_none()
        });
        if unproved && verified::has_any(self.user_id, self.tenant_id)? {
            let refusal = Refusal::new(ErrorCode::AccessDenied, "the user has proved another address");
            return Ok(Err(Refused { refusal, flags: &[] }));
        }
        Ok(Ok(()))
    }

    /// Notes that a user who is locked has proved an address by a mail that lets in. If it is the first proof, what was
    /// there ends; returns how much access then. `codes`: how many of them were withdrawn when the user was shut out;
    /// None: the user was not.
    fn prove(&self, now: Timestamp, email: &str, codes: Option<u64>) -> Answer<Option<Ended>, Refused> {
        let first = !verified::has_any(self.user_id, self.tenant_id)?;
        let proof = verified::prove(now, self.user_id, self.tenant_id, email)?;
        if let Err(refused) = verification::proved(proof) {
            return Ok(Err(refused));
        }
        if !(first && proof == Proof::First) {
            return Ok(Ok(None));
        }
        // Without codes, the user has had a proved address until after the caller looked.
        self.drop_before(now, None, codes.ok_or(Mistake::Changed)?).map(|ended| Ok(Some(ended)))
    }

    /// Ends what was put into the account before a time, or until now, and then all access: whoever had it may have
    /// come by what was put there. The user is shut out, which has withdrawn so many codes. Returns what has ended.
    pub fn drop_before(
        &self,
        now: Timestamp,
        before: Option<Timestamp>,
        codes: u64,
    ) -> Result<Ended, Mistake> {
        let (id, tenant_id) = (self.user_id, self.tenant_id);
        let password = set::drop_before(before, id, tenant_id)?;
        let passkeys = manage::drop_before(before, id, tenant_id)?;
        let apps = factor::drop_before(before, id, tenant_id)?;
        let identities = link::drop_before(before, id, tenant_id)?;
        let names = names::drop_unproved(now, before, id, tenant_id)?;
        let dropped = password || passkeys + apps + identities + names > 0;
        if let Some(before) = before
            && !dropped
            && !session::revoke::lives_since_before(before, id, tenant_id)?
            && !of_user::lives_since_before(before, id)?
            && !api_key::revoke::lives_since_before(before, id, tenant_id)?
        {
            return Ok(Ended { codes, ..Ended::default() });
        }
        last::delete_codes(id, tenant_id)?;
        let devices = devices::forget(id, tenant_id)?;
        let tokens = one_time::end_all(id, tenant_id)?
            + if before.is_none() { one_time::end_undo(id, tenant_id, None)? } else { 0 };
        let ended = end_shut_out(now, id, tenant_id, codes, None, ENDED_BY)?;
        let consents = consent::revoke_all(id, tenant_id)?;
        let keys = api_key::revoke::revoke_by_user(now, id, tenant_id, ENDED_BY)?;
        let connections = revoke_by_actors(now, tenant_id, actors(id, tenant_id)?, ENDED_BY)?;
        let others = devices + tokens + ended.codes + ended.sessions + ended.grants + consents + keys;
        if !dropped && others + connections == 0 {
            return Ok(ended);
        }
        let mut counts = ended.details();
        counts["consents"] = consents.into();
        counts["api_keys"] = keys.into();
        counts["connections"] = connections.into();
        let dropped = json!({
            "password": password, "passkeys": passkeys, "apps": apps, "identities": identities, "names": names,
            "devices": devices, "one_time_tokens": tokens
        });
        trail::record(
            now,
            &Event {
                event: "user.claimed",
                tenant_id,
                user_id: Some(id),
                context: Some(self.context),
                details: Some(json!({ "by": self.by, "dropped": dropped, "ended": counts })),
                ..Event::default()
            },
        )?;
        Ok(ended)
    }
}

//! Many sessions in one call, as a gateway has them that checks in batches: the same answers as one by one, with two
//! searches for all of them in place of two look-ups for each.

use pgrx::Array;
use pgrx::prelude::*;

use crate::identity::session::{BY_ID, Examined, Session, SessionState, Unusable, may_act, unended};
use crate::identity::{tenant, user};
use crate::kernel::crypto::token_text::{self, Kind};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::many::{self, Answered};
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::value::clock::{self, Timestamp};

composite! {
    /// The state of one of many sessions.
    pub struct NthSessionState = "auth_store.nth_session_state" {
        pub n: i32,
        pub state: SessionState,
    }
}

#[pg_extern(stable, parallel_safe)]
fn session_validate_many(session_tokens: Option<Array<'_, &str>>) -> SetOfIterator<'static, NthSessionState> {
    let now = clock::now();
    let run = || {
        let texts = many::elements(session_tokens.as_ref(), "session_tokens")?;
        let examined = examine_each(now, &Snapshot::reading(), &texts)?.into_iter().enumerate();
        Ok::<Vec<_>, Mistake>(
            examined.map(|(n, one)| NthSessionState { n: many::number(n), state: one.into() }).collect(),
        )
    };
    SetOfIterator::new(run().or_raise())
}

/// As `examine()`, of each of these texts, for a call that only reads.
fn examine_each(
    now: Timestamp,
    snapshot: &Snapshot,
    texts: &[Option<&str>],
) -> Result<Vec<Result<Examined, Unusable>>, Mistake> {
    let presented: Vec<_> = texts.iter().map(|text| token_text::parse(Kind::Session, *text)).collect();
    let ids: Vec<_> = presented.iter().map(|one| one.as_ref().map(|one| one.id)).collect();
    let found = BY_ID.find_some(snapshot, &ids)?;
    let session = |(presented, found): (_, Option<Session>)| {
        let Some(token_text::Presented { digest, .. }) = presented else {
            return Ok(Err(Unusable::unknown(&[])));
        };
        unended(now, found.filter(|session| token_text::digest_matches(&digest, &session.digest)))
    };
    let sessions: Vec<_> = presented.into_iter().zip(found).map(session).collect::<Result<_, Mistake>>()?;
    let ids: Vec<_> = sessions.iter().map(|one| one.as_ref().ok().map(|one| one.user_id)).collect();
    let users = user::active_each(snapshot, &ids)?;
    let mut tenants = Answered::default();
    let mut examine = |(session, user): (Result<Session, Unusable>, Option<user::Standing>)| {
        let session = match session {
            Ok(session) => session,
            Err(unusable) => return Ok(Err(unusable)),
        };
        let active = user.is_some()
            && may_act(snapshot, session.actor_id)?
            && tenants.of(&session.tenant_id, |id| tenant::is_active(snapshot, id))?;
        Examined::of(session, user.filter(|_| active))
    };
    sessions.into_iter().zip(users).map(&mut examine).collect()
}

//! Many access tokens in one call, as a gateway has them that checks in batches: the same answers as one by one, with
//! three searches for all of them in place of three look-ups for each.

use pgrx::Array;
use pgrx::prelude::*;

use crate::identity::user::{self, ShownNames};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::many;
use crate::kernel::server::rows::SetOfIterator;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::oauth::token::introspect::{Need, Shown, TokenAuthorization, TokenState, TokenVerdict, judge};
use crate::oauth::token::standing::{Active, active_each};
use crate::rfc::binding::Proof;
use crate::rfc::scope::Scope;

composite! {
    /// The state of one of many access tokens.
    pub struct NthTokenState = "auth_store.nth_token_state" {
        pub n: i32,
        pub state: TokenState,
    }
}

composite! {
    /// The answer to a resource server about one of many access tokens.
    pub struct NthTokenAuthorization = "auth_store.nth_token_authorization" {
        pub n: i32,
        pub authorization: TokenAuthorization,
    }
}

#[pg_extern(stable, parallel_safe)]
fn token_introspect_many(tokens: Option<Array<'_, &str>>) -> SetOfIterator<'static, NthTokenState> {
    let now = clock::now();
    let states = many::elements(tokens.as_ref(), "tokens")
        .and_then(|texts| introspect_each(&Snapshot::reading(), now, &texts));
    SetOfIterator::new(states.or_raise())
}

#[pg_extern(stable, parallel_safe)]
fn token_authorize_many(
    tokens: Option<Array<'_, &str>>,
    required_scope: default!(Option<&str>, "NULL"),
    resource: default!(Option<&str>, "NULL"),
    dpop_jkts: default!(Option<Array<'_, &str>>, "NULL"),
    x5t_s256s: default!(Option<Array<'_, &str>>, "NULL"),
) -> SetOfIterator<'static, NthTokenAuthorization> {
    let now = clock::now();
    let run = || {
        let texts = many::elements(tokens.as_ref(), "tokens")?;
        let jkts =
            many::beside(dpop_jkts.as_ref().map(|all| all.iter().collect()), texts.len(), "dpop_jkts")?;
        let x5ts =
            many::beside(x5t_s256s.as_ref().map(|all| all.iter().collect()), texts.len(), "x5t_s256s")?;
        let proofs = jkts.into_iter().zip(x5ts).map(|(dpop_jkt, x5t_s256)| Proof { dpop_jkt, x5t_s256 });
        let need = |proof| Need { required_scope, resource, proof };
        let required = need(Proof::default()).scope()?;
        authorize_each(&Snapshot::reading(), now, &texts, proofs.map(need), required.as_ref())
    };
    SetOfIterator::new(run().or_raise())
}

fn introspect_each(
    snapshot: &Snapshot,
    now: Timestamp,
    texts: &[Option<&str>],
) -> Result<Vec<NthTokenState>, Mistake> {
    let active = active_each(snapshot, now, texts)?;
    let users: Vec<_> = active.iter().map(|active| active.as_ref()?.grant.user_id).collect();
    let names = user::shown_names_each(snapshot, &users)?;
    let state = |active: Option<Active>, names: Option<ShownNames>| {
        active.map(|active| Shown::of(active, names)).unwrap_or_default().state
    };
    let states = active.into_iter().zip(names).enumerate();
    Ok(states
        .map(|(n, (active, names))| NthTokenState { n: many::number(n), state: state(active, names) })
        .collect())
}

/// `needs` are as many as the texts; `required` is the scope that all of them require.
fn authorize_each<'a>(
    snapshot: &Snapshot,
    now: Timestamp,
    texts: &[Option<&str>],
    needs: impl Iterator<Item = Need<'a>>,
    required: Option<&Scope<'_>>,
) -> Result<Vec<NthTokenAuthorization>, Mistake> {
    let verdict = |(active, need): (Option<Active>, Need<'_>)| {
        active.map_or_else(TokenVerdict::not_active, |active| judge(active, &need, required))
    };
    let active = active_each(snapshot, now, texts)?;
    let verdicts: Vec<_> = active.into_iter().zip(needs).map(verdict).collect();
    let users: Vec<Option<Id>> = verdicts.iter().map(TokenVerdict::shown_user).collect();
    let names = user::shown_names_each(snapshot, &users)?;
    let answer = |(n, (verdict, names)): (usize, (TokenVerdict, Option<ShownNames>))| NthTokenAuthorization {
        n: many::number(n),
        authorization: verdict.answer_with(names),
    };
    Ok(verdicts.into_iter().zip(names).enumerate().map(answer).collect())
}

//! Looking at a token: for the page that a link in a mail opens, with a button that uses it.

use pgrx::prelude::*;

use crate::identity::one_time::{self, Purpose, RefusedToken};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

composite! {
    /// What one_time_show() returns.
    pub struct OneTimeView = "auth_store.one_time_view" {
        pub purpose: Option<&'static str>,
        pub user_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub email: Option<String>,
        pub details: Option<Jsonb>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(stable, parallel_safe)]
fn one_time_show(token: Option<&str>) -> OneTimeView {
    show(clock::now(), token).or_raise()
}

fn show(now: Timestamp, text: Option<&str>) -> Result<OneTimeView, Mistake> {
    Ok(match one_time::find(now, &Snapshot::reading(), &Purpose::ALL, text)? {
        Ok(token) => OneTimeView {
            purpose: Some(token.purpose.as_str()),
            user_id: token.user_id,
            tenant_id: Some(token.tenant_id),
            email: token.email,
            details: Some(token.details),
            expires_at: Some(token.expires_at),
            ..OneTimeView::default()
        },
        Err(RefusedToken { refused, token }) => OneTimeView {
            purpose: token.map(|token| token.purpose.as_str()),
            ..OneTimeView::refused(&refused.refusal)
        },
    })
}

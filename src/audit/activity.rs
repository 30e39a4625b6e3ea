//! What happened to one user, for that user's own page.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::trail::of_user::{self, Step};

composite! {
    /// A row of user_activity().
    pub struct ActivityEntry = "auth_store.activity_entry" {
        pub activity_id: Option<Id>,
        pub step: Step,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_activity(
    user_id: Option<pgrx::Uuid>,
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    before: default!(Option<pgrx::Uuid>, "NULL"),
    max_rows: default!(Option<i32>, "50"),
) -> SetOfIterator<'static, ActivityEntry> {
    let now = clock::now();
    let since = since.map(Timestamp::from);
    SetOfIterator::new(page(now, user_id.map(Id::from), since, before.map(Id::from), max_rows).or_raise())
}

/// How far back a call goes that does not say: 30 days, in seconds.
const SINCE: i64 = 30 * 86_400;

fn page(
    now: Timestamp,
    user_id: Option<Id>,
    since: Option<Timestamp>,
    before: Option<Id>,
    max_rows: Option<i32>,
) -> Result<Vec<ActivityEntry>, Mistake> {
    let id = given(user_id, "user_id")?;
    let max_rows = argument::max_rows(max_rows, 50)?;
    let since = since.unwrap_or(now.plus_seconds(-SINCE));
    let Some(user) = user::find(&Snapshot::reading(), id)? else { return Ok(Vec::new()) };
    let steps = of_user::steps(id, &user.tenant_id, since, before, max_rows)?;
    Ok(steps.into_iter().map(|(id, step)| ActivityEntry { activity_id: Some(id), step }).collect())
}

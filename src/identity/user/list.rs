//! The users of a tenant, page by page.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::identity::user::{self, Profile, UserProfile};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_list(
    status: default!(Option<&str>, "NULL"),
    metadata: default!(Option<Jsonb>, "NULL"),
    after: default!(Option<pgrx::Uuid>, "NULL"),
    max_rows: default!(Option<i32>, "100"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, UserProfile> {
    SetOfIterator::new(page(status, metadata, after.map(Id::from), max_rows, tenant_id).or_raise())
}

row! {
    struct Listed {
        id: Id,
        profile: Profile,
    }
}

// In the order of the ids, which is that of the making: a page begins behind the last id of the one before, whatever
// was made or deleted meanwhile.
static PAGE: Statement<Listed> = Statement::read(
    c"SELECT {columns} FROM auth_store.users
       WHERE tenant_id = $1 AND ($2 IS NULL OR status = $2) AND ($3 IS NULL OR metadata @> $3)
         AND ($4 IS NULL OR id > $4)
       ORDER BY id LIMIT $5",
);

fn page(
    status: Option<&str>,
    metadata: Option<Jsonb>,
    after: Option<Id>,
    max_rows: Option<i32>,
    tenant_id: Option<&str>,
) -> Result<Vec<UserProfile>, Mistake> {
    status.map(user::check_status).transpose()?;
    argument::object(metadata.as_ref(), "metadata")?;
    let max_rows = argument::max_rows(max_rows, 100)?;
    let tenant_id = tenant::resolve(&Snapshot::reading(), tenant_id)?;
    let users = PAGE.all(&params![tenant_id, status, metadata, after, max_rows])?;
    Ok(users.into_iter().map(|user| UserProfile { user_id: Some(user.id), profile: user.profile }).collect())
}

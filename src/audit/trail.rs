//! The whole trail for an auditor, by what a row is about.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::search::{self, Found, Search};

composite! {
    /// A row of audit_trail().
    pub struct AuditEntry = "auth_store.audit_entry" {
        pub found: Found,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn audit_trail(
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    client_id: default!(Option<&str>, "NULL"),
    event: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    since: default!(Option<TimestampWithTimeZone>, "NULL"),
    until: default!(Option<TimestampWithTimeZone>, "NULL"),
    success: default!(Option<bool>, "NULL"),
    flags: default!(Option<Vec<Option<String>>>, "NULL"),
    details: default!(Option<Jsonb>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
    max_rows: default!(Option<i32>, "100"),
    before: default!(Option<pgrx::Uuid>, "NULL"),
) -> SetOfIterator<'static, AuditEntry> {
    let now = clock::now();
    let search = || -> Result<Vec<Found>, Mistake> {
        argument::object(details.as_ref(), "details")?;
        let asked = Search {
            user_id: user_id.map(Id::from),
            client_id,
            event,
            ip,
            since: since.map(Timestamp::from),
            until: until.map(Timestamp::from),
            success,
            flags: argument::list(flags, "flags")?,
            details,
            tenant_id,
            before: before.map(Id::from),
            max_rows: argument::max_rows(max_rows, 100)?,
        };
        search::search(now, asked)
    };
    SetOfIterator::new(search().or_raise().into_iter().map(|found| AuditEntry { found }).collect::<Vec<_>>())
}

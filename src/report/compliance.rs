//! What an audit asks of a period, in one document. The statement is sql/compliance.sql.

use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{params, read_once};
use crate::kernel::server::version;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::grant;
use crate::trail;

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn compliance_report(
    from: Option<TimestampWithTimeZone>,
    to: Option<TimestampWithTimeZone>,
    tenant_id: default!(Option<&str>, "NULL"),
) -> Option<Jsonb> {
    report(clock::now(), from.map(Timestamp::from), to.map(Timestamp::from), tenant_id).or_raise()
}

fn report(
    now: Timestamp,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    tenant_id: Option<&str>,
) -> Result<Option<Jsonb>, Mistake> {
    version::ensure_ready()?;
    let (from, to) = (given(from, "from")?, given(to, "to")?);
    if from >= to || !from.is_finite() || !to.is_finite() {
        return Err(Mistake::invalid("to", "a time after from; neither may be infinite"));
    }
    let tenant_id = tenant_id.map(|_| tenant::resolve(&Snapshot::reading(), tenant_id)).transpose()?;
    let grants_kept = grant::retention::RETENTION.in_seconds();
    let trail_kept = trail::retention::kept_for()?;
    let params = params![now, from, to, tenant_id, trail_kept, grants_kept];
    Ok(read_once::<Jsonb>(include_str!("../../sql/compliance.sql"), &params)?.into_iter().next())
}

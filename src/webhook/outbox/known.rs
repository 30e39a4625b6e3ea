//! What a backend remembers of the tenants: which events their webhooks want. A tenant without a webhook costs a step
//! of the store one look-up in memory.

use std::cell::Cell;
use std::rc::Rc;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::cache::Cache;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::pin;
use crate::kernel::value::clock::Timestamp;
use crate::webhook::outbox::CHANGED;
use crate::webhook::outbox::route::{self, Routes};
use crate::webhook::outbox::switch;

/// What a tenant's webhooks want.
pub struct Wanted {
    /// Whether the store's own steps are events, and some webhook may want one.
    pub own_events: bool,
    pub routes: Routes,
}

#[derive(Clone)]
struct Known {
    wanted: Rc<Wanted>,
    until: Timestamp,
}

static TENANTS: Cache<Known> = Cache::new();

/// Of which moment the tenants are known.
static MOMENT: BackendCell<Cell<(u32, u32)>> = BackendCell::new(Cell::new((0, 0)));

/// Rows that came without a signal, from a restore or from a publisher, are seen after so many seconds.
const MAX_AGE: i64 = 60;

/// What the tenant's webhooks want.
pub fn wanted(now: Timestamp, tenant_id: &str) -> Result<Rc<Wanted>, Mistake> {
    if MOMENT.get() == CHANGED.moment()
        && let Some(known) = TENANTS.get(tenant_id)
        && now < known.until
    {
        return Ok(known.wanted);
    }
    read(now, tenant_id)
}

#[cold]
fn read(now: Timestamp, tenant_id: &str) -> Result<Rc<Wanted>, Mistake> {
    CHANGED.listen()?;
    let moment = CHANGED.moment();
    let snapshot = Snapshot::latest();
    let routes = route::of_tenant(&snapshot, tenant_id)?;
    let own_events = !routes.is_empty() && switch::own_events(&snapshot, tenant_id)?;
    let wanted = Rc::new(Wanted { own_events, routes });
    // A session that is pinned to another tenant sees no row of this one.
    if pin::tenant().is_none_or(|pin| pin == tenant_id) {
        if MOMENT.replace(moment) != moment {
            TENANTS.clear();
        }
        let known = Known { wanted: Rc::clone(&wanted), until: now.plus_seconds(MAX_AGE) };
        TENANTS.keep(tenant_id, known, size_of::<Wanted>() + wanted.routes.bytes());
    }
    Ok(wanted)
}

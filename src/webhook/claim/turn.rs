//! Whose turn it is: the tenants one after the other, and of each tenant one webhook after the other. A claim goes on
//! where the last one stopped, so that nobody waits because others have much.
//!
//! Where that was is in memory that all backends share, if the library is preloaded; otherwise each backend has its
//! own. It is a hint: whoever loses it begins at the beginning.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::identity::tenant;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::cell::BackendCell;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::shmem::Segment;
use crate::kernel::server::{pin, state};
use crate::kernel::value::id::Id;

/// The name of a place: a digest of the database and of what is walked there.
type Name = [u8; 16];
const MAX_PLACE: usize = 63;

/// The start of a tenant's id, or a webhook's id.
#[derive(Clone, Copy)]
struct Place {
    name: Name,
    length: u8,
    bytes: [u8; MAX_PLACE],
}

const NOWHERE: Place = Place { name: [0; 16], length: 0, bytes: [0; MAX_PLACE] };
const PLACES: usize = 2048;
const LOCKS: usize = 16;

static SEGMENT: Segment<(), Place> =
    Segment::new(c"auth_store_webhook_turns", LOCKS, || PLACES, || Ok(()), NOWHERE);

static OWN: BackendCell<RefCell<Option<HashMap<Name, Place>>>> = BackendCell::new(RefCell::new(None));

/// Asks the server for the memory. Called once, when the library is loaded.
pub fn reserve() {
    SEGMENT.reserve();
}

/// What is walked: the tenants, or the webhooks of a tenant.
fn name(tenant_id: Option<&str>) -> (Name, u64) {
    let digest = Sha256::new_with_prefix(state::database().to_u32().to_be_bytes())
        .chain_update([u8::from(tenant_id.is_some())])
        .chain_update(tenant_id.unwrap_or_default())
        .finalize();
    let (mut name, mut number) = ([0; 16], [0; 8]);
    name.copy_from_slice(&digest[..16]);
    number.copy_from_slice(&digest[16..24]);
    (name, u64::from_be_bytes(number))
}

/// Where the last walk stopped; empty: at the beginning.
fn stopped(tenant_id: Option<&str>) -> Vec<u8> {
    let (name, number) = name(tenant_id);
    let place = match SEGMENT.mapped() {
        Some(places) => Some(places.read(number, |place| *place)),
        None => OWN.borrow().as_ref().and_then(|places| places.get(&name).copied()),
    };
    let place = place.filter(|place| place.name == name);
    place.and_then(|place| Some(place.bytes.get(..usize::from(place.length))?.to_vec())).unwrap_or_default()
}

/// Notes where a walk has come to.
fn stop(tenant_id: Option<&str>, at: &[u8]) {
    let (name, number) = name(tenant_id);
    let length = at.len().min(MAX_PLACE);
    let mut place = Place { name, length: length as u8, ..NOWHERE };
    place.bytes[..length].copy_from_slice(&at[..length]);
    if let Some(places) = SEGMENT.mapped() {
        places.change(number, |known| *known = place);
        return;
    }
    let mut own = OWN.borrow_mut();
    let places = own.get_or_insert_default();
    if places.len() >= PLACES {
        places.clear();
    }
    places.insert(name, place);
}

row! {
    struct Next in webhook_queue {
        webhook_id: Id,
        tenant_id: String,
    }
}

static NEXT_TENANT: Lookup<Next> = Lookup::by(c"webhook_queue_webhook_idx");
static NEXT_WEBHOOK: Lookup<Next> = Lookup::by(c"webhook_queue_webhook_idx");

const START: Id = Id::from_bytes([0; 16]);

/// A walk around a circle: from where the last one stopped to the end, and from the beginning to there.
struct Circle<T> {
    start: T,
    at: T,
    wrapped: bool,
    over: bool,
}

impl<T: Clone + PartialOrd + Default> Circle<T> {
    fn from(start: T) -> Self {
        Self { at: start.clone(), start, wrapped: false, over: false }
    }

    /// The next one, by `behind`, which finds the first behind another; None when the walk is over.
    fn next(&mut self, behind: impl Fn(&T) -> Result<Option<T>, Mistake>) -> Result<Option<T>, Mistake> {
        while !self.over {
            match behind(&self.at)? {
                Some(next) if !self.wrapped || next <= self.start => {
                    self.at = next.clone();
                    return Ok(Some(next));
                }
                None if !self.wrapped => (self.wrapped, self.at) = (true, T::default()),
                _ => self.over = true,
            }
        }
        Ok(None)
    }
}

/// The webhooks of a tenant, in their turn.
struct Webhooks {
    tenant_id: String,
    circle: Circle<WebhookId>,
}

#[derive(Clone, PartialEq, PartialOrd)]
struct WebhookId(Id);

impl Default for WebhookId {
    fn default() -> Self {
        Self(START)
    }
}

/// The webhooks that have deliveries in the queue, in their turn: one of each tenant, then another one of each.
pub struct Turns<'a> {
    snapshot: &'a Snapshot,
    tenants: Circle<String>,
    /// The tenants that had a turn and may have another one.
    waiting: VecDeque<Webhooks>,
    /// How many times it looks yet.
    left: usize,
}

/// The webhooks that one claim looks at, at most.
const LOOKS: usize = 500;

impl<'a> Turns<'a> {
    /// From where the last claim stopped. A session that is pinned to a tenant has that tenant alone.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        let mut tenants = Circle::from(String::from_utf8_lossy(&stopped(None)).into_owned());
        tenants.over = pin::tenant().is_some();
        let waiting = pin::tenant().map(Webhooks::of).into_iter().collect();
        Self { snapshot, tenants, waiting, left: LOOKS }
    }

    /// The next webhook, with its tenant; None when all had their turn, or enough were looked at.
    pub fn next(&mut self) -> Result<Option<(String, Id)>, Mistake> {
        while self.left > 0 {
            self.left -= 1;
            let mut webhooks = match self.next_tenant()? {
                Some(tenant_id) => {
                    stop(None, tenant_id.as_bytes());
                    // Nothing is done for a suspended tenant.
                    if !tenant::is_active(self.snapshot, &tenant_id)? {
                        continue;
                    }
                    Webhooks::of(&tenant_id)
                }
                None => match self.waiting.pop_front() {
                    Some(webhooks) => webhooks,
                    None => return Ok(None),
                },
            };
            if let Some(webhook_id) = webhooks.next(self.snapshot)? {
                let tenant_id = webhooks.tenant_id.clone();
                self.waiting.push_back(webhooks);
                return Ok(Some((tenant_id, webhook_id)));
            }
        }
        Ok(None)
    }

    fn next_tenant(&mut self) -> Result<Option<String>, Mistake> {
        let snapshot = self.snapshot;
        self.tenants.next(|at| {
            let found = NEXT_TENANT.behind(snapshot, [Key::Text(at)], 1, |_| true)?;
            Ok(found.into_iter().next().map(|next| next.tenant_id))
        })
    }
}

impl Webhooks {
    fn of(tenant_id: &str) -> Self {
        let start = stopped(Some(tenant_id)).try_into().map_or(START, Id::from_bytes);
        Self { tenant_id: tenant_id.to_owned(), circle: Circle::from(WebhookId(start)) }
    }

    fn next(&mut self, snapshot: &Snapshot) -> Result<Option<Id>, Mistake> {
        let tenant_id = self.tenant_id.as_str();
        let found = self.circle.next(|at| {
            let keys = [Key::Text(tenant_id), Key::Id(at.0)];
            let found = NEXT_WEBHOOK.behind(snapshot, keys, 1, |_| true)?;
            Ok(found.into_iter().next().map(|next| WebhookId(next.webhook_id)))
        })?;
        if let Some(WebhookId(webhook_id)) = &found {
            stop(Some(tenant_id), webhook_id.bytes());
        }
        Ok(found.map(|found| found.0))
    }
}

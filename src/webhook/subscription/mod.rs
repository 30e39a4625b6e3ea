//! Subscriptions: who wants which events, and where they are sent.

pub mod changes;
pub mod end;
pub mod new;
pub mod read;
pub mod status;
pub mod trial;
pub mod url;

use crate::kernel::outcome::{Mistake, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Param, Statement, params};
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::argument;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::{self, Context, Event};
use crate::webhook::event_type;
use crate::webhook::outbox::route;
use crate::webhook::state;

/// The facts of the table `webhooks`. A subscription with an end ends. Its state goes along, whose lock a completion
/// may hold while it waits for that of another: the next run deletes what is locked now.
pub static TABLE: Table = Table {
    name: "webhooks",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(
            sparse "auth_store.webhooks",
            "expires_at <= $3
             AND (EXISTS (SELECT FROM auth_store.webhook_states s
                           WHERE s.webhook_id = webhooks.id AND s.tenant_id = webhooks.tenant_id
                             FOR UPDATE SKIP LOCKED)
                  OR NOT EXISTS (SELECT FROM auth_store.webhook_states s
                                  WHERE s.webhook_id = webhooks.id AND s.tenant_id = webhooks.tenant_id))"
        ),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "webhooks", "tenant_id")),
    of_client: Rows::Cascade,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

/// Whether a webhook gets events, and whether they are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It gets them, and they are sent.
    Active,
    /// It gets none, and nothing is sent.
    Disabled,
    /// It gets them, and they wait.
    Suspended,
}

impl Status {
    /// Its word in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Suspended => "suspended",
        }
    }
}

impl Word for Status {
    fn of(word: &str) -> Option<Self> {
        [Self::Active, Self::Disabled, Self::Suspended].into_iter().find(|status| status.as_str() == word)
    }
}

/// How often a delivery is tried where its webhook does not say.
pub const MAX_ATTEMPTS: i32 = 10;

const MAX_TYPES: usize = 100;

row! {
    /// What the owner of a webhook chooses.
    #[derive(Clone)]
    pub struct Chosen in webhooks {
        /// Where deliveries go.
        pub target_url: String,
        /// Which events it wants.
        pub event_types: Vec<String>,
        /// What the payload must contain; None: nothing in particular.
        pub filters: Option<Jsonb>,
        /// After how many attempts a delivery is a dead letter.
        pub max_attempts: i32,
        /// How many attempts are made in an hour; None: any number.
        pub max_per_hour: Option<i32>,
        /// Whether a delivery waits for those before it.
        pub in_order: bool,
        /// Whether an answer 410 deletes it.
        pub deleted_when_gone: bool,
        /// When it ends by itself; None: it does not.
        pub expires_at: Option<Timestamp>,
        /// The application's own.
        pub metadata: Jsonb,
    }
}

impl Chosen {
    /// Refuses what is not accepted. A target and an end that the webhook has already stay, whatever a setting or the
    /// clock says by now.
    pub fn check(&mut self, now: Timestamp, former: Option<&Self>) -> Result<(), Mistake> {
        if former.is_none_or(|former| former.target_url != self.target_url) {
            url::check(&self.target_url)?;
        }
        self.check_event_types()?;
        argument::object(self.filters.as_ref(), "filters")?;
        if !(1..=100).contains(&self.max_attempts) {
            return Err(Mistake::invalid("max_attempts", "1 to 100"));
        }
        if self.max_per_hour.is_some_and(|limit| limit < 1) {
            return Err(Mistake::invalid("max_per_hour", "1 or more"));
        }
        let moved = former.is_none_or(|former| former.expires_at != self.expires_at);
        if moved && self.expires_at.is_some_and(|end| end <= now) {
            return Err(Mistake::invalid("expires_at", "a time to come"));
        }
        argument::object(Some(&self.metadata), "metadata")
    }

    /// Keeps one of those that are there twice.
    fn check_event_types(&mut self) -> Result<(), Mistake> {
        let mut kept: Vec<String> = Vec::new();
        for pattern in std::mem::take(&mut self.event_types) {
            if !kept.contains(&pattern) {
                kept.push(pattern);
            }
            if kept.len() > MAX_TYPES {
                break;
            }
        }
        if !(1..=MAX_TYPES).contains(&kept.len()) || !kept.iter().all(|pattern| route::is_pattern(pattern)) {
            return Err(Mistake::invalid(
                "event_types",
                "1 to 100 event types of at most 100 characters: agent.created, agent.* for all that begin so, * for \
                 all",
            ));
        }
        let snapshot = Snapshot::writing()?;
        for name in kept.iter().filter(|pattern| !pattern.ends_with('*')) {
            if !event_type::exists(&snapshot, name)? {
                return Err(event_type::unknown("event_types"));
            }
        }
        self.event_types = kept;
        Ok(())
    }

    /// The values of the columns, in the order of the statements.
    pub fn columns(&self) -> [Param; 9] {
        params![
            self.target_url.as_str(),
            self.event_types.clone(),
            self.filters.clone(),
            self.max_attempts,
            self.max_per_hour,
            self.in_order,
            self.deleted_when_gone,
            self.expires_at,
            self.metadata.clone(),
        ]
    }
}

row! {
    /// A webhook's row, locked.
    pub struct Webhook in webhooks {
        /// Its id.
        pub id: Id,
        /// Whose it is.
        pub tenant_id: String,
        /// The client whose it is, if it is a client's.
        pub client_id: Option<String>,
        /// Whether it gets events.
        pub status: Status,
        /// What its owner has chosen.
        pub chosen: Chosen,
    }
}

row! {
    struct Owned in webhooks {
        tenant_id: String,
        client_id: Option<String>,
    }
}

static OWNED: Lookup<Owned> = Lookup::by(c"webhooks_pkey");

/// There is no such webhook, or it is another client's.
pub const UNKNOWN: Mistake = Mistake::Unknown { what: "webhook", argument: "webhook_id" };

/// The webhook that an argument names, and the client whose it must be; where none is given, any client's or nobody's.
#[derive(Clone, Copy)]
pub struct Named<'a> {
    webhook_id: Option<Id>,
    client_id: Option<&'a str>,
}

impl<'a> Named<'a> {
    /// The arguments `webhook_id` and `client_id`.
    pub fn new(webhook_id: Option<pgrx::Uuid>, client_id: Option<&'a str>) -> Self {
        Self { webhook_id: webhook_id.map(Id::from), client_id }
    }

    /// Its id and its tenant, neither of which ever changes. Another client's is answered as unknown, without waiting
    /// for its lock.
    pub fn find(self) -> Result<Option<(Id, String)>, Mistake> {
        let id = given(self.webhook_id, "webhook_id")?;
        let found = OWNED.find(&Snapshot::writing()?, Key::Id(id))?;
        let found = found.filter(|found| argument::is_of(found.client_id.as_deref(), self.client_id));
        Ok(found.map(|found| (id, found.tenant_id)))
    }

    /// Locks it; 23503 if there is none.
    pub fn lock_no_key_update(self) -> Result<Webhook, Mistake> {
        let (id, tenant_id) = self.find()?.ok_or(UNKNOWN)?;
        LOCK_NO_KEY_UPDATE.one(&params![id, tenant_id])?.ok_or(UNKNOWN)
    }
}

static LOCK_NO_KEY_UPDATE: Statement<Webhook> = Statement::latest(
    c"SELECT {columns} FROM auth_store.webhooks WHERE id = $1 AND tenant_id = $2 FOR NO KEY UPDATE",
);

impl Webhook {
    /// Writes the audit row of a step with it.
    pub fn record(
        &self,
        now: Timestamp,
        event: &str,
        details: serde_json::Value,
        context: Option<&Context<'_>>,
    ) -> Result<(), Mistake> {
        let of = (self.tenant_id.as_str(), self.client_id.as_deref());
        record(now, event, self.id, of, details, context)
    }
}

/// Writes the audit row of a step with a webhook of this tenant and client.
fn record(
    now: Timestamp,
    event: &str,
    id: Id,
    (tenant_id, client_id): (&str, Option<&str>),
    details: serde_json::Value,
    context: Option<&Context<'_>>,
) -> Result<(), Mistake> {
    let id = id.to_string();
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            client_id,
            resource_type: Some("webhook"),
            resource_id: Some(&id),
            context,
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}

static LOCK_UPDATE: Statement<Webhook> = Statement::latest(
    c"SELECT {columns} FROM auth_store.webhooks WHERE id = $1 AND tenant_id = $2 FOR UPDATE",
);

/// Locks a webhook so that it can be deleted; None if it is gone.
pub fn lock_update(id: Id, tenant_id: &str) -> Result<Option<Webhook>, Mistake> {
    LOCK_UPDATE.one(&params![id, tenant_id])
}

static LOCK_UPDATE_BY_TENANT: Statement<Id> =
    Statement::latest(c"SELECT id FROM auth_store.webhooks WHERE tenant_id = $1 ORDER BY id FOR UPDATE");

static LOCK_UPDATE_BY_CLIENT: Statement<Id> =
    Statement::latest(c"SELECT id FROM auth_store.webhooks WHERE client_id = $1 ORDER BY id FOR UPDATE");

/// Locks the webhooks of a tenant with their states, so that none of its deliveries is completed any more.
pub fn lock_update_by_tenant(tenant_id: &str) -> Result<(), Mistake> {
    state::lock_no_key_update(LOCK_UPDATE_BY_TENANT.all(&params![tenant_id])?).map(|_| ())
}

/// The same of a client.
pub fn lock_update_by_client(client_id: &str) -> Result<(), Mistake> {
    state::lock_no_key_update(LOCK_UPDATE_BY_CLIENT.all(&params![client_id])?).map(|_| ())
}

static FIND: Lookup<Webhook> = Lookup::by(c"webhooks_pkey");

/// A webhook as it is now.
pub fn find(id: Id) -> Result<Option<Webhook>, Mistake> {
    FIND.find(&Snapshot::writing()?, Key::Id(id))
}

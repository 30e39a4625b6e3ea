//! Deliveries that are sent once more because somebody asks: a new delivery each, of the same event, that names the one
//! it repeats. So nothing that a worker says of the former delivery changes the new one.

use std::collections::BTreeMap;

use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Param, Statement, by_index, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::kernel::value::member;
use crate::trail::{self, Context, Event};
use crate::webhook::attempt;
use crate::webhook::outbox::queue;
use crate::webhook::subscription::{Named, Status};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_redeliver(
    delivery_id: Option<pgrx::Uuid>,
    client_id: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> pgrx::Uuid {
    let run = || {
        let delivery_id = given(delivery_id, "delivery_id")?.into();
        redeliver(clock::now(), delivery_id, client_id, &Context { ip, user_agent })
    };
    run().or_raise().into()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhooks_redrive(
    filter: Option<Jsonb>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> i64 {
    let run = || {
        let filter = Filter::read(&given(filter, "filter")?)?;
        redrive(clock::now(), &filter, &Context { ip, user_agent })
    };
    run().or_raise()
}

row! {
    /// A delivery that was made, or is to be made.
    struct Known {
        id: Id,
        webhook_id: Id,
        event_id: Id,
        tenant_id: String,
    }
}

static KNOWN: Statement<Known> = Statement::write(
    c"(SELECT id, webhook_id, event_id, tenant_id FROM auth_store.webhook_queue WHERE id = $1)
      UNION ALL
      (SELECT id, webhook_id, event_id, tenant_id FROM auth_store.webhook_retries WHERE id = $1)",
);

static LOGGED: Statement<Known> = Statement::write(
    c"SELECT delivery_id AS id, webhook_id, event_id, tenant_id FROM auth_store.webhook_attempts
       WHERE delivery_id = $1 AND attempted_at >= $2 LIMIT 1",
);

/// A delivery that waits, or one that is in the log of attempts.
fn known(delivery_id: Id) -> Result<Known, Mistake> {
    let waiting = by_index(|| KNOWN.one(&params![delivery_id]))?;
    let logged = || attempt::by_time(|| LOGGED.one(&params![delivery_id, delivery_id.time()]));
    waiting.map_or_else(logged, |known| Ok(Some(known)))?.ok_or(UNKNOWN)
}

static FORGET_DEAD: Statement =
    Statement::write(c"DELETE FROM auth_store.webhook_retries WHERE id = $1 AND due_at IS NULL");

row! {
    struct Kept in webhook_events {}
}

static KEPT: Lookup<Kept> = Lookup::by(c"webhook_events_pkey");

const UNKNOWN: Mistake = Mistake::Unknown { what: "delivery", argument: "delivery_id" };

fn redeliver(
    now: Timestamp,
    delivery_id: Id,
    client_id: Option<&str>,
    context: &Context<'_>,
) -> Result<Id, Mistake> {
    let known = known(delivery_id)?;
    let named = Named::new(Some(known.webhook_id.into()), client_id);
    named.find()?.ok_or(UNKNOWN)?;
    let webhook = named.lock_no_key_update()?;
    if webhook.status == Status::Disabled || webhook.chosen.expires_at.is_some_and(|end| end <= now) {
        return Err(Mistake::WrongState {
            message: "the webhook of the delivery is disabled or has expired".into(),
            hint: "SELECT auth_store.webhook_set_status(webhook_id, 'active') lets it get deliveries.".into(),
        });
    }
    let tenant_id = known.tenant_id.as_str();
    let keys = [Key::Id(known.event_id), Key::Text(tenant_id)];
    if KEPT.find_by(&Snapshot::writing()?, keys)?.is_none() {
        return Err(Mistake::WrongState {
            message: "the event of the delivery is no longer kept".into(),
            hint: "auth_store.webhook_retention says how long events are kept.".into(),
        });
    }
    FORGET_DEAD.run(&params![delivery_id])?;
    let id = queue::add(now, known.webhook_id, tenant_id, known.event_id, Some(delivery_id))?;
    queue::wake();
    let details = json!({ "delivery_id": delivery_id.to_string(), "redelivery_id": id.to_string() });
    webhook.record(now, "webhook.redriven", details, Some(context))?;
    Ok(id)
}

/// Which deliveries are sent once more.
struct Filter {
    tenant_id: Option<String>,
    webhook_id: Option<Id>,
    event_type: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Those that were delivered; false: dead letters.
    delivered: bool,
}

const MEMBERS: &str = "an object with some of webhook_id, event_type, since, until, status and tenant_id";

impl Filter {
    fn read(filter: &Jsonb) -> Result<Self, Mistake> {
        let accepted = || Mistake::invalid("filter", MEMBERS);
        let Some(Value::Object(mut members)) = filter.parse() else { return Err(accepted()) };
        let mut member = |name: &str| members.remove(name).unwrap_or_default();
        let (webhook_id, since, until) = (member("webhook_id"), member("since"), member("until"));
        let (event_type, tenant_id, status) = (member("event_type"), member("tenant_id"), member("status"));
        if !members.is_empty() {
            return Err(accepted());
        }
        let webhook_id = match member::text(&webhook_id, "webhook_id")? {
            Some(text) => Some(Id::parse(text).ok_or(Mistake::invalid("webhook_id", "the text of a uuid"))?),
            None => None,
        };
        let delivered = match member::text(&status, "status")?.unwrap_or("dead") {
            "dead" => false,
            "delivered" => true,
            _ => return Err(Mistake::one_of("status", &["dead", "delivered"])),
        };
        let filter = Self {
            tenant_id: member::text(&tenant_id, "tenant_id")?.map(str::to_owned),
            webhook_id,
            event_type: member::text(&event_type, "event_type")?.map(str::to_owned),
            since: member::time(&since, "since")?,
            until: member::time(&until, "until")?,
            delivered,
        };
        if delivered && filter.since.is_none() {
            return Err(Mistake::invalid("since", "a time, with the status delivered"));
        }
        Ok(filter)
    }

    fn params(&self, more: impl IntoIterator<Item = Param>) -> Vec<Param> {
        let mut all = Vec::from(params![
            self.tenant_id.as_deref(),
            self.webhook_id,
            self.event_type.as_deref(),
            self.since,
            self.until,
        ]);
        all.extend(more);
        all
    }
}

const PAGE: i32 = 1000;

// Only where the event is kept and the webhook gets deliveries. What another transaction has locked, it redrives or
// deletes.
static TAKE_DEAD: Statement<Known> = Statement::write(
    c"WITH dead AS MATERIALIZED (
          SELECT r.ctid
            FROM auth_store.webhook_retries r
            JOIN auth_store.webhook_events e ON e.id = r.event_id AND e.tenant_id = r.tenant_id
            JOIN auth_store.webhooks w ON w.id = r.webhook_id AND w.tenant_id = r.tenant_id
           WHERE r.due_at IS NULL AND w.status <> 'disabled'
             AND ($1 IS NULL OR r.tenant_id = $1) AND ($2 IS NULL OR r.webhook_id = $2)
             AND ($3 IS NULL OR e.event_type = $3)
             AND ($4 IS NULL OR r.failed_at >= $4) AND ($5 IS NULL OR r.failed_at < $5)
             AND r.id > $6
           ORDER BY r.id LIMIT $7 FOR UPDATE OF r SKIP LOCKED
      )
      DELETE FROM auth_store.webhook_retries WHERE ctid = ANY (ARRAY(SELECT d.ctid FROM dead d))
      RETURNING {columns}",
);

static DELIVERED: Statement<Known> = Statement::write(
    c"SELECT a.delivery_id AS id, a.webhook_id, a.event_id, a.tenant_id
        FROM auth_store.webhook_attempts a
        JOIN auth_store.webhook_events e ON e.id = a.event_id AND e.tenant_id = a.tenant_id
        JOIN auth_store.webhooks w ON w.id = a.webhook_id AND w.tenant_id = a.tenant_id
       WHERE a.outcome = 'delivered' AND w.status <> 'disabled'
         AND ($1 IS NULL OR a.tenant_id = $1) AND ($2 IS NULL OR a.webhook_id = $2)
         AND ($3 IS NULL OR a.event_type = $3)
         AND a.attempted_at >= $4 AND ($5 IS NULL OR a.attempted_at < $5)
       ORDER BY a.delivery_id LIMIT $6",
);

/// The most deliveries that one call repeats of those that were delivered.
const MAX_DELIVERED: i32 = 100_000;

fn redrive(now: Timestamp, filter: &Filter, context: &Context<'_>) -> Result<i64, Mistake> {
    let mut of_tenants = BTreeMap::new();
    let mut total: i64 = 0;
    let mut after = Id::from_bytes([0; 16]);
    loop {
        pgrx::check_for_interrupts!();
        let mut page = if filter.delivered {
            delivered(filter)?
        } else {
            TAKE_DEAD.all(&filter.params(params![after, PAGE]))?
        };
        page.sort_by_key(|known| known.id);
        for known in &page {
            queue::add(now, known.webhook_id, &known.tenant_id, known.event_id, Some(known.id))?;
            *of_tenants.entry(known.tenant_id.clone()).or_insert(0_i64) += 1;
            (after, total) = (known.id, total + 1);
        }
        if filter.delivered || page.is_empty() {
            break;
        }
    }
    if total > 0 {
        queue::wake();
    }
    for (tenant_id, count) in of_tenants {
        record(now, filter, &tenant_id, count, context)?;
    }
    Ok(total)
}

fn delivered(filter: &Filter) -> Result<Vec<Known>, Mistake> {
    let found = DELIVERED.all(&filter.params(params![MAX_DELIVERED + 1]))?;
    if found.len() > usize::try_from(MAX_DELIVERED).unwrap_or(0) {
        return Err(Mistake::Failed {
            code: PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            message: "the filter names more than 100000 deliveries".into(),
            hint: Some("Redrive them in several calls, each with its own since and until.".into()),
        });
    }
    Ok(found)
}

fn record(
    now: Timestamp,
    filter: &Filter,
    tenant_id: &str,
    count: i64,
    context: &Context<'_>,
) -> Result<(), Mistake> {
    let webhook_id = filter.webhook_id.map(|id| id.to_string());
    trail::record(
        now,
        &Event {
            event: "webhook.redriven",
            tenant_id,
            resource_type: Some("webhook"),
            resource_id: webhook_id.as_deref(),
            context: Some(context),
            details: Some(json!({
                "status": if filter.delivered { "delivered" } else { "dead" },
                "event_type": filter.event_type,
                "since": filter.since.map(Timestamp::unix_seconds),
                "until": filter.until.map(Timestamp::unix_seconds),
                "deliveries": count,
            })),
            ..Event::default()
        },
    )?;
    Ok(())
}

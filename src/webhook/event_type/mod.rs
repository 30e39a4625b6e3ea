//! The types of events: the application's and the store's own. Those that every store has need no row; a row is made
//! where a type is registered.

mod bounds;
mod built_in;
pub mod schema;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::pin;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::{self, names};
use crate::webhook::event_type::built_in::{BUILT_IN, OWN_CATEGORY, OWN_DESCRIPTION, OWN_SAMPLE, first_word};
use crate::webhook::event_type::schema::Schema;
use crate::webhook::outbox::route;

composite! {
    /// A row of webhook_event_type_list().
    pub struct EventType = "auth_store.webhook_event_type" {
        pub shown: Shown,
        pub own: bool,
    }
}

row! {
    /// What is shown of a type.
    pub struct Shown in webhook_event_types {
        name: Option<String>,
        category: Option<String>,
        description: Option<String>,
        schema: Option<Jsonb>,
        sample: Option<Jsonb>,
        created_at: Option<Timestamp>,
        updated_at: Option<Timestamp>,
    }
    returned
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_event_type_register(
    name: Option<&str>,
    category: default!(Option<&str>, "NULL"),
    description: default!(Option<&str>, "NULL"),
    schema: default!(Option<Jsonb>, "NULL"),
    sample: default!(Option<Jsonb>, "NULL"),
) -> bool {
    register(clock::now(), name, category, description, schema, sample).or_raise();
    true
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn webhook_event_type_list() -> SetOfIterator<'static, EventType> {
    SetOfIterator::new(list().or_raise())
}

/// The facts of the table `webhook_event_types`.
pub static TABLE: Table = Table {
    name: "webhook_event_types",
    key: &["name"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

/// The mistake of an argument that names no type.
pub fn unknown(argument: &str) -> Mistake {
    Mistake::Failed {
        code: PgSqlErrorCode::ERRCODE_FOREIGN_KEY_VIOLATION,
        message: format!("event type named by argument \"{argument}\" does not exist"),
        hint: Some(
            "SELECT auth_store.webhook_event_type_register('name'), or see auth_store.webhook_event_type_list()"
                .into(),
        ),
    }
}

row! {
    struct Registered in webhook_event_types {
        updated_at: Timestamp,
    }
}

static BY_NAME: Lookup<Registered> = Lookup::by(c"webhook_event_types_pkey").shared();

row! {
    struct Checked in webhook_event_types {
        updated_at: Timestamp,
        schema: Option<Jsonb>,
    }
}

static SCHEMA: Lookup<Checked> = Lookup::by(c"webhook_event_types_pkey").shared();

row! {
    struct Sampled in webhook_event_types {
        sample: Option<Jsonb>,
    }
}

static SAMPLE: Lookup<Sampled> = Lookup::by(c"webhook_event_types_pkey").shared();

fn built_in(name: &str) -> Option<&'static built_in::BuiltIn> {
    BUILT_IN.iter().find(|built_in| built_in.name == name)
}

/// Whether there is such a type, of the application's or the store's own.
pub fn exists(snapshot: &Snapshot, name: &str) -> Result<bool, Mistake> {
    Ok(names::is_own(name) || built_in(name).is_some() || BY_NAME.find(snapshot, Key::Text(name))?.is_some())
}

/// A payload as an example; None if there is no such type.
pub fn sample(snapshot: &Snapshot, name: &str) -> Result<Option<Jsonb>, Mistake> {
    if let Some(registered) = SAMPLE.find(snapshot, Key::Text(name))? {
        return Ok(Some(registered.sample.unwrap_or_else(Jsonb::empty_object)));
    }
    let shipped = if names::is_own(name) { Some(OWN_SAMPLE) } else { built_in(name).map(|one| one.sample) };
    Ok(shipped.and_then(Jsonb::read))
}

/// What a payload of an application's event of this type must fit, if the type says so.
pub fn schema_of(snapshot: &Snapshot, name: &str) -> Result<Option<Schema>, Mistake> {
    if names::is_own(name) {
        return Err(Mistake::invalid(
            "event_type",
            "a type of the application's own, none of the store's events",
        ));
    }
    match BY_NAME.find(snapshot, Key::Text(name))? {
        Some(Registered { updated_at }) => schema::kept(name, updated_at, || {
            Ok(SCHEMA.find(snapshot, Key::Text(name))?.map(|row| (row.updated_at, row.schema)))
        }),
        None if built_in(name).is_some() => Ok(None),
        None => Err(unknown("event_type")),
    }
}

static REGISTER: Statement = Statement::write(
    c"INSERT INTO auth_store.webhook_event_types AS t
        (name, category, description, schema, sample, created_at, updated_at)
      VALUES ($1, $2, $3, $4, $5, $6, $6)
      ON CONFLICT (name) DO UPDATE
         SET category = excluded.category, description = excluded.description, schema = excluded.schema,
             sample = excluded.sample,
             updated_at = greatest(excluded.updated_at, t.updated_at + '1 microsecond'::interval)",
);

fn register(
    now: Timestamp,
    name: Option<&str>,
    category: Option<&str>,
    description: Option<&str>,
    schema: Option<Jsonb>,
    sample: Option<Jsonb>,
) -> Result<(), Mistake> {
    let _ = Snapshot::writing()?;
    let name = given(name, "name")?;
    if pin::tenant().is_some() {
        return Err(Mistake::NotAllowed(
            "event types belong to all tenants, and the session is pinned to one".into(),
        ));
    }
    if !route::is_name(name) || names::is_own(name) {
        return Err(Mistake::invalid(
            "name",
            "1 to 100 bytes: words of a-z, 0-9 and underscores with dots between them, \
             and none of the names of the store's own events",
        ));
    }
    let category = argument::line(category.unwrap_or_else(|| first_word(name)), "category")?;
    let description = argument::optional_reason(description)
        .map_err(|_| Mistake::invalid("description", "at most 1000 characters, no control characters"))?
        .unwrap_or_default();
    argument::object(schema.as_ref(), "schema")?;
    let compiled = schema.as_ref().map(|schema| Schema::compile(name, schema)).transpose()?;
    if let Some(sample) = &sample {
        check_payload(sample, "sample", argument::MAX_DOCUMENT)?;
        compiled.as_ref().map_or(Ok(()), |schema| schema.check(sample, "sample"))?;
    }
    REGISTER.exactly_one(&params![name, category, description, schema, sample, now])?;
    trail::record(
        now,
        &trail::Event {
            event: "webhook_type.registered",
            tenant_id: tenant::DEFAULT,
            resource_type: Some("webhook_event_type"),
            resource_id: Some(name),
            ..trail::Event::default()
        },
    )?;
    Ok(())
}

/// The shape that a payload has.
pub fn check_payload(payload: &Jsonb, argument: &'static str, max_bytes: usize) -> Result<(), Mistake> {
    if (payload.is_object() || payload.is_array_of_objects()) && payload.size() <= max_bytes {
        return Ok(());
    }
    let accepted = format!("a JSON object, or an array of at least one, of at most {} kB", max_bytes / 1024);
    Err(Mistake::InvalidArgument { argument, accepted: accepted.into() })
}

static ALL: Statement<Shown> = Statement::read(c"SELECT {columns} FROM auth_store.webhook_event_types");

/// Every type by its name.
fn list() -> Result<Vec<EventType>, Mistake> {
    let mut types: Vec<_> =
        ALL.all(&params![])?.into_iter().map(|shown| EventType { shown, own: false }).collect();
    let registered: Vec<_> = types.iter().filter_map(|one| one.shown.name.clone()).collect();
    let shipped = BUILT_IN.iter().map(|one| (one.name, one.category(), one.description, one.sample, false));
    let own = names::NAMES.iter().map(|name| (*name, OWN_CATEGORY, OWN_DESCRIPTION, OWN_SAMPLE, true));
    let rest = shipped.chain(own).filter(|one| !registered.iter().any(|name| name == one.0));
    types.extend(rest.map(|(name, category, description, sample, own)| EventType {
        shown: Shown {
            name: Some(name.to_owned()),
            category: Some(category.to_owned()),
            description: Some(description.to_owned()),
            sample: Jsonb::read(sample),
            ..Shown::default()
        },
        own,
    }));
    types.sort_by(|one, other| one.shown.name.cmp(&other.shown.name));
    Ok(types)
}

//! Cleanup: walks every table of expiring rows in the time order of its ids, a bounded number of rows at a time, and
//! drops the partitions of JWT ids that have ended and the audit trail's old months, which it has counted before. Each
//! domain decides itself which of its rows have expired.

use pgrx::prelude::*;
use serde_json::json;

use crate::audit::partitions;
use crate::audit::seal::chunk;
use crate::identity::login::{devices, failures};
use crate::identity::{mfa, one_time, passkey, role, session, tenant, user};
use crate::kernel::outcome::{self, Mistake, OrRaise, given};
use crate::kernel::server::batch::Batch;
use crate::kernel::server::composite::composite;
use crate::kernel::server::progress::Progress;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::Table;
use crate::kernel::server::{catalog, pin, sharded, state, transaction, version};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::lifecycle::{client_end, cursors, user_erase};
use crate::oauth::client::{self, secret};
use crate::oauth::code::{self, pushed};
use crate::oauth::proof::jti;
use crate::oauth::token::{self, imported, pointer};
use crate::oauth::{consent, device, grant, interaction, signing_key};
use crate::trail::usage::{self, roll_up};
use crate::trail::{self, Event, months};
use crate::webhook::{self, outbox};
use crate::{api_key, limit};

/// How long the procedure `cleanup` rests after each batch, in percent of the batch's time: the procedure reads it.
pub static PAUSE: Setting<i32> = Setting::number(
    c"auth_store.cleanup_pause",
    200,
    0..=10_000,
    c"How long cleanup() rests after each batch, in percent of the time that the batch took.",
    c"With 200 it is at work for a third of the time. It never rests for more than 10 seconds. 0: not at all.",
);

extension_sql_file!(
    "../../sql/procedures/maintenance.sql",
    name = "maintenance",
    requires = [cleanup_batch, cleanup_tasks, cleanup_jtis, cleanup_usage, cleanup_audit]
);

composite! {
    /// How far one task of a cleanup has come.
    pub struct CleanupProgress = "auth_store.cleanup_progress" {
        pub deleted: i64,
        pub examined: i64,
        pub pass_start: Option<Id>,
        pub wrapped: bool,
        pub done: bool,
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cleanup_expired_data(
    batch_size: default!(Option<i32>, 1000),
    max_batches: default!(Option<i32>, 1000),
) -> i64 {
    expire_all(clock::now(), batch_size, max_batches).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cleanup_batch(
    task: Option<&str>,
    batch_size: default!(Option<i32>, 1000),
    pass_start: default!(Option<pgrx::Uuid>, "NULL"),
    wrapped: default!(Option<bool>, "NULL"),
) -> CleanupProgress {
    let now = clock::now();
    let run = || {
        let task = task_named(given(task, "task")?)?;
        let size = within(batch_size.unwrap_or(BATCH_SIZE), 1..=MAX_BATCH_SIZE, "batch_size")?;
        let pass = wrapped.map(|wrapped| Pass { start: pass_start.map(Id::from), wrapped });
        step(now, task, size, pass, &Progress::of(PROCEDURE))
    };
    run().or_raise()
}

#[pg_extern(immutable, parallel_safe)]
fn cleanup_tasks() -> Vec<&'static str> {
    TASKS.iter().map(|task| task.table.name).collect()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cleanup_jtis() -> i32 {
    expired_jtis(clock::now(), &Progress::of(PROCEDURE)).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cleanup_audit() -> i32 {
    months(clock::now(), &Progress::of(PROCEDURE)).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn partitions_make(names: Option<Vec<Option<String>>>) -> i32 {
    named_partitions(names).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn cleanup_usage(batch_size: default!(Option<i32>, 1000)) -> CleanupProgress {
    let now = clock::now();
    let run = || {
        let size = within(batch_size.unwrap_or(BATCH_SIZE), 1..=MAX_BATCH_SIZE, "batch_size")?;
        count(now, size, &Progress::of(PROCEDURE))
    };
    run().or_raise()
}

/// A table whose rows end.
struct Task {
    table: &'static Table,
    ends: Ends,
    /// What the trail gets for a batch that deleted rows; None: nothing, since nobody asks when they went.
    event: Option<&'static str>,
}

/// What ends a row. No pointer to a function: a unit test that walks the tasks would need the server to link.
enum Ends {
    /// The table says itself which of its rows have ended.
    Alone,
    /// The same of access tokens, which are many, and on which nothing depends.
    Tokens,
    /// The same of grants, which are many, and of which few end at a time.
    Grants,
    /// Of the users the anonymous ones end, with all they have.
    Anonymous,
    /// Of the clients the registered ones end that nobody uses, with all they have.
    Unused,
}

impl Task {
    const fn of(table: &'static Table) -> Self {
        Self { table, ends: Ends::Alone, event: None }
    }

    const fn told(self, event: &'static str) -> Self {
        Self { event: Some(event), ..self }
    }

    /// Ends those among so many rows behind an id.
    fn batch(&self, now: Timestamp, after: Option<Id>, size: i32) -> Result<Batch, Mistake> {
        match self.ends {
            Ends::Alone => self.table.cleanup(now, after, size),
            Ends::Tokens => match token::sweep(now, after, size)? {
                Some(batch) => Ok(batch),
                None => self.table.cleanup(now, after, size),
            },
            Ends::Grants => match grant::live_batch(now, after, size)? {
                Some(batch) => Ok(batch),
                None => self.table.cleanup(now, after, size),
            },
            // These end with rows of many tables, all of them or none.
            Ends::Unused | Ends::Anonymous if sharded::is_fenced()? => {
                Ok(Batch { deleted: 0, examined: 0, last: None })
            }
            Ends::Unused => client_end::purge_unused(now, size),
            Ends::Anonymous => user_erase::purge_anonymous(now, after, size),
        }
    }
}

/// They are walked in any order: a batch passes over rows that others have locked.
static TASKS: [Task; 29] = [
    Task { table: &grant::TABLE, ends: Ends::Grants, event: Some("grant.expired") },
    Task::of(&imported::TABLE).told("refresh_token.expired"),
    Task::of(&pointer::TABLE),
    Task::of(&code::TABLE).told("code.expired"),
    Task::of(&pushed::TABLE).told("pushed_request.expired"),
    Task::of(&device::TABLE).told("device_code.expired"),
    Task::of(&interaction::TABLE),
    Task::of(&passkey::challenge::TABLE),
    Task { table: &token::TABLE, ends: Ends::Tokens, event: Some("token.expired") },
    Task::of(&session::TABLE).told("session.expired"),
    Task::of(&role::assign::TABLE).told("role.expired"),
    Task::of(&consent::TABLE).told("consent.expired"),
    Task { table: &user::TABLE, ends: Ends::Anonymous, event: None },
    Task { table: &client::TABLE, ends: Ends::Unused, event: None },
    Task::of(&secret::TABLE).told("client_secret.expired"),
    Task::of(&signing_key::TABLE).told("signing_key.expired"),
    Task::of(&api_key::TABLE).told("api_key.expired"),
    Task::of(&devices::TABLE),
    Task::of(&failures::TABLE),
    Task::of(&user::elsewhere::TABLE),
    Task::of(&one_time::TABLE).told("one_time_token.expired"),
    Task::of(&mfa::TABLE),
    Task::of(&webhook::subscription::TABLE).told("webhook.expired"),
    Task::of(&webhook::secret::TABLE),
    Task::of(&outbox::event::TABLE),
    Task::of(&outbox::queue::TABLE),
    Task::of(&webhook::retry::TABLE),
    Task::of(&usage::USERS_TABLE),
    Task::of(&limit::table::TABLE),
];

/// The procedure of which a batch may be a part.
const PROCEDURE: &str = "cleanup";

/// What a cleanup does: the tasks, JWT ids, the counting and the months of the trail.
const STEPS: usize = TASKS.len() + 3;

/// Shows that a task begins, and about how many rows it and those after it have.
fn show_task(task: &Task, progress: &Progress) {
    if !progress.is_shown() {
        return;
    }
    let number = TASKS.iter().position(|one| std::ptr::eq(one, task)).unwrap_or(0);
    progress.step(task.table.name, number + 1, STEPS);
    progress.expect(TASKS.iter().skip(number).filter_map(|task| task.table.estimated_rows()).sum());
}

/// The defaults of the arguments batch_size and max_batches.
const BATCH_SIZE: i32 = 1000;
const BATCHES: i32 = 1000;
const MAX_BATCH_SIZE: i32 = 100_000;
const MAX_BATCHES: i32 = 1_000_000;

/// The task of this name: it is called like its table.
fn task_named(name: &str) -> Result<&'static Task, Mistake> {
    TASKS.iter().find(|task| task.table.name == name).ok_or_else(|| {
        let names = cleanup_tasks();
        let (last, others) = names.split_last().unwrap_or((&"", &[]));
        Mistake::InvalidArgument {
            argument: "task",
            accepted: format!("{} or {last}", others.join(", ")).into(),
        }
    })
}

/// The task's row in `cleanup_cursors`. A session pinned to a tenant walks that tenant's rows alone, and must not
/// move the cursor past the others'.
fn cursor(table: &Table) -> String {
    match pin::tenant() {
        None => table.name.to_string(),
        Some(tenant) => format!("{}@{tenant}", table.name),
    }
}

/// One pass over a table: from wherever the last run stopped to the end, then from the beginning to
/// there.
#[derive(Clone, Copy)]
struct Pass {
    start: Option<Id>,
    wrapped: bool,
}

impl Pass {
    /// Where the walk goes on after a batch that ended at `last`, and whether the pass is complete.
    fn advance(&mut self, last: Option<Id>) -> bool {
        match (last, self.start) {
            (None, start) => {
                let complete = self.wrapped || start.is_none();
                self.wrapped = true;
                complete
            }
            (Some(last), Some(start)) => self.wrapped && last >= start,
            (Some(_), None) => false,
        }
    }
}

static LOCK_CURSOR: Statement<Option<Id>> = Statement::write(
    c"SELECT position FROM auth_store.cleanup_cursors WHERE task = $1 FOR UPDATE SKIP LOCKED",
);

// ON CONFLICT alone would wait for the run that has moved the cursor and not committed yet.
static ADD_CURSOR: Statement = Statement::write(
    c"INSERT INTO auth_store.cleanup_cursors (task, updated_at)
      SELECT $1, $2 WHERE NOT EXISTS (SELECT FROM auth_store.cleanup_cursors WHERE task = $1)
      ON CONFLICT (task) DO NOTHING",
);

static MOVE_CURSOR: Statement =
    Statement::write(c"UPDATE auth_store.cleanup_cursors SET position = $2, updated_at = $3 WHERE task = $1");

/// One batch of a task. If another run is at the same task, this call returns at once: the other run does the work.
fn step(
    now: Timestamp,
    task: &Task,
    size: i32,
    pass: Option<Pass>,
    progress: &Progress,
) -> Result<CleanupProgress, Mistake> {
    let cursor = cursor(task.table);
    let Some(position) = lock_cursor(now, &cursor)? else {
        return Ok(CleanupProgress { done: true, ..CleanupProgress::default() });
    };
    // On a standby the lock was refused: there an unlogged table has no size.
    if pass.is_none() {
        show_task(task, progress);
    }
    let mut pass = pass.unwrap_or(Pass { start: position, wrapped: false });
    let batch = sharded::passing_fenced(|| task.batch(now, position, size))?;
    MOVE_CURSOR.run(&params![cursor.as_str(), batch.last, now])?;
    if let (Some(event), 1..) = (task.event, batch.deleted) {
        record_expired(now, event, task.table, batch.deleted)?;
    }
    progress.add(batch.examined);
    let done = pass.advance(batch.last);
    Ok(CleanupProgress {
        deleted: batch.deleted,
        examined: batch.examined,
        pass_start: pass.start,
        wrapped: pass.wrapped,
        done,
    })
}

fn record_expired(now: Timestamp, event: &str, table: &Table, rows: i64) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event,
            tenant_id: tenant::own(),
            resource_type: Some("table"),
            resource_id: Some(table.name),
            details: Some(json!({ "rows": rows })),
            ..Event::default()
        },
    )?;
    Ok(())
}

/// The cursor's position, locked until the end of the transaction; None where another run holds it.
fn lock_cursor(now: Timestamp, cursor: &str) -> Result<Option<Option<Id>>, Mistake> {
    let lock = || LOCK_CURSOR.one(&params![cursor]);
    if let Some(position) = lock()? {
        return Ok(Some(position));
    }
    // The row is locked or missing. One run adds a missing row, and other runs do not wait for that run's transaction.
    if !catalog::lock_share_update_exclusive(c"cleanup_cursors", false)
        || ADD_CURSOR.run(&params![cursor, now])? == 0
    {
        return Ok(None);
    }
    lock()
}

/// All tasks in the caller's transaction; returns how many rows were deleted.
fn expire_all(now: Timestamp, batch_size: Option<i32>, max_batches: Option<i32>) -> Result<i64, Mistake> {
    let size = within(batch_size.unwrap_or(BATCH_SIZE), 1..=MAX_BATCH_SIZE, "batch_size")?;
    let batches = within(max_batches.unwrap_or(BATCHES), 1..=MAX_BATCHES, "max_batches")?;
    let shown = Progress::begin("cleanup_expired_data", None);
    let mut deleted = 0;
    for task in &TASKS {
        let mut pass = None;
        for _ in 0..batches {
            pgrx::check_for_interrupts!();
            let progress = step(now, task, size, pass, &shown)?;
            deleted += progress.deleted;
            if progress.done {
                break;
            }
            pass = Some(Pass { start: progress.pass_start, wrapped: progress.wrapped });
        }
    }
    expired_jtis(now, &shown)?;
    for _ in 0..batches {
        pgrx::check_for_interrupts!();
        let progress = count(now, size, &shown)?;
        deleted += progress.deleted;
        if progress.done {
            break;
        }
    }
    months(now, &shown)?;
    Ok(deleted)
}

/// Drops the partitions of JWT ids that have ended; returns how many. A session pinned to one tenant leaves
/// them alone: they belong to all.
fn expired_jtis(now: Timestamp, progress: &Progress) -> Result<i32, Mistake> {
    version::ensure_ready()?;
    state::writable()?;
    progress.step("claimed_jtis", TASKS.len() + 1, STEPS);
    if pin::tenant().is_some() {
        return Ok(0);
    }
    jti::drop_expired(now)
}

/// One step of the counting of the trail. A session pinned to one tenant leaves it alone: the trail belongs to all.
fn count(now: Timestamp, size: i32, progress: &Progress) -> Result<CleanupProgress, Mistake> {
    version::ensure_ready()?;
    state::writable()?;
    let nothing = CleanupProgress { done: true, ..CleanupProgress::default() };
    if pin::tenant().is_some() {
        return Ok(nothing);
    }
    let Some(position) = lock_cursor(now, cursors::USAGE)? else { return Ok(nothing) };
    progress.step("client_usage", TASKS.len() + 2, STEPS);
    progress.expect_any();
    let Some(counted) = roll_up::step(now, position, size)? else { return Ok(nothing) };
    progress.add(counted.examined);
    MOVE_CURSOR.run(&params![cursors::USAGE, Some(counted.position), now])?;
    Ok(CleanupProgress {
        deleted: counted.deleted,
        examined: counted.examined,
        done: counted.done,
        ..CleanupProgress::default()
    })
}

const MAX_PARTITIONS: usize = 10_000;

/// Makes the named partitions that are missing and returns how many: before rows of a dump or of a publisher arrive.
fn named_partitions(names: Option<Vec<Option<String>>>) -> Result<i32, Mistake> {
    let names = argument::list(names, "names")?;
    let names = given(names, "names")?;
    let accepted = || Mistake::invalid("names", "at most 10000 names of partitions, as audit_log_y2026m11");
    if names.len() > MAX_PARTITIONS {
        return Err(accepted());
    }
    version::ensure_ready()?;
    state::writable()?;
    let names: Vec<_> = names.iter().map(|name| name.strip_prefix("auth_store.").unwrap_or(name)).collect();
    let known = |name: &&str| {
        months::names(name) || jti::names(name) || webhook::attempt::names(name) || chunk::names(name)
    };
    if !names.iter().all(known) {
        return Err(accepted());
    }
    let _shown = Progress::begin("partitions_make", None);
    Ok(months::ensure_named(&names)?
        + jti::ensure_named(&names)?
        + webhook::attempt::ensure_named(&names)?
        + chunk::ensure_named(&names)?)
}

/// Makes the audit trail's months ahead and drops those past the retention; returns how many were dropped. Warns of a
/// partition that can't be made or dropped now, and leaves it to the next run. A session pinned to one tenant leaves
/// them alone: they belong to all.
fn months(now: Timestamp, progress: &Progress) -> Result<i32, Mistake> {
    if pin::tenant().is_some() {
        return Ok(0);
    }
    version::ensure_ready()?;
    state::writable()?;
    progress.step(trail::TABLE.name, STEPS, STEPS);
    if let Err(mistake) = transaction::attempt(|| partitions::ensure_ahead(now)) {
        outcome::warning(&format!(
            "auth_store: the months ahead of the audit trail could not be made: {}",
            mistake.message()
        ));
    }
    webhook::attempt::drop_old(now)?;
    partitions::drop_older(now, None, true)
}

fn within(value: i32, bounds: std::ops::RangeInclusive<i32>, argument: &'static str) -> Result<i32, Mistake> {
    if bounds.contains(&value) {
        return Ok(value);
    }
    let accepted = format!("{} to {}", bounds.start(), bounds.end());
    Err(Mistake::InvalidArgument { argument, accepted: accepted.into() })
}

#[cfg(test)]
mod tests {
    use super::{Pass, TASKS, cleanup_tasks, task_named};
    use crate::kernel::value::id::Id;
    use crate::lifecycle::tables;

    fn id(n: u8) -> Id {
        Id::from_bytes([n; 16])
    }

    #[test]
    fn a_pass_from_the_beginning_ends_at_the_end() {
        let mut pass = Pass { start: None, wrapped: false };
        assert!(!pass.advance(Some(id(1))));
        assert!(!pass.advance(Some(id(9))));
        assert!(pass.advance(None));
    }

    #[test]
    fn a_pass_from_the_middle_ends_where_it_began() {
        let mut pass = Pass { start: Some(id(5)), wrapped: false };
        assert!(!pass.advance(Some(id(7))));
        assert!(!pass.advance(None));
        assert!(!pass.advance(Some(id(3))));
        assert!(pass.advance(Some(id(6))));
    }

    #[test]
    fn a_table_that_shrank_ends_the_pass_at_its_end() {
        let mut pass = Pass { start: Some(id(5)), wrapped: false };
        assert!(!pass.advance(None));
        assert!(pass.advance(None));
    }

    #[test]
    fn tasks_are_known_by_their_table() {
        for task in &TASKS {
            assert!(task_named(task.table.name).is_ok_and(|known| std::ptr::eq(known, task)));
        }
        assert!(task_named("tenants").is_err());
    }

    #[test]
    fn every_table_whose_rows_end_is_walked() {
        let walked = cleanup_tasks();
        for table in tables::all() {
            // Of the users the anonymous ones end, of the clients the unused ones.
            let ends = table.ended.is_some() || ["users", "clients"].contains(&table.name);
            assert_eq!(ends, walked.contains(&table.name), "{}", table.name);
        }
    }
}

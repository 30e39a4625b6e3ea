//! How a webhook's receiver has answered, and what follows from it: pauses, the circuit, the hourly limit, and the
//! suspension of a webhook that fails for days.

use std::collections::HashMap;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::change::Change;
use crate::kernel::server::hold::Place;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, by_index, params};
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

/// How long a webhook may fail.
pub static FAILING_DAYS: Setting<i32> = Setting::number(
    c"auth_store.webhook_failing_days",
    5,
    1..=365,
    c"After how many days of nothing but failures a webhook is suspended.",
    c"At half of them the event webhook.failing is recorded.",
);

/// The facts of the table `webhook_states`.
pub static TABLE: Table = Table {
    name: "webhook_states",
    key: &["webhook_id", "tenant_id"],
    ended: None,
    of_tenant: Rows::Cascade,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Stays,
    restored: true,
};

row! {
    /// A webhook's state.
    #[derive(Clone, Default)]
    pub struct State in webhook_states {
        pub paused_until: Option<Timestamp>,
        pub open_until: Option<Timestamp>,
        pub failing_since: Option<Timestamp>,
        pub warned_at: Option<Timestamp>,
        pub last_success_at: Option<Timestamp>,
        pub last_failure_at: Option<Timestamp>,
        pub hour_started_at: Option<Timestamp>,
        pub success_count: i64,
        pub failure_count: i64,
        pub lost_count: i64,
        pub failures_in_row: i32,
        pub hour_count: i32,
        pub last_error: Option<String>,
    }
}

row! {
    struct Keyed in webhook_states {
        webhook_id: Id,
        state: State,
    }
}

/// One attempt that is over.
pub struct Noted {
    /// Whether it delivered.
    pub delivered: bool,
    /// Until when the lease was, by which a probe is known.
    pub leased_until: Option<Timestamp>,
    /// Until when the receiver wants nothing more.
    pub pause: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What days of failures lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failing {
    /// Half of the days are over.
    Warned,
    /// All of them are.
    Suspended,
}

/// Failures in a row that open the circuit.
const FAILURES: i32 = 5;
/// Seconds for which it is open the first time, and at most.
const OPEN: i64 = 30;
const MAX_OPEN: i64 = 15 * 60;
const HOUR: i64 = 3600 * 1_000_000;
const DAY: i64 = 86_400;

impl State {
    /// Takes an attempt into account. While the circuit is open, the probe alone says something new of the receiver:
    /// what else fails then was sent before. A claim leases a probe for just as long as it keeps the circuit shut.
    pub fn note(&mut self, now: Timestamp, attempt: &Noted) {
        self.paused_until = self.paused_until.max(attempt.pause);
        if attempt.delivered {
            self.success_count += 1;
            self.last_success_at = Some(now);
            self.failures_in_row = 0;
            (self.open_until, self.failing_since, self.warned_at) = (None, None, None);
            return;
        }
        self.failure_count += 1;
        self.last_failure_at = Some(now);
        self.last_error.clone_from(&attempt.error);
        self.failing_since = self.failing_since.or(Some(now));
        if self.open_until.is_none() || self.open_until == attempt.leased_until {
            self.failures_in_row = self.failures_in_row.saturating_add(1);
            let doubled = u32::try_from(self.failures_in_row.saturating_sub(FAILURES)).ok();
            self.open_until = doubled.map(|times| {
                let seconds = OPEN.checked_shl(times.min(16)).unwrap_or(MAX_OPEN);
                now.plus_seconds(seconds.min(MAX_OPEN))
            });
        }
    }

    /// What the failures lead to now, if there are enough of them: a single one of long ago says little.
    pub fn failing(&mut self, now: Timestamp, days: i32) -> Option<Failing> {
        let since = self.failing_since.filter(|_| self.failures_in_row >= FAILURES)?;
        let half = i64::from(days) * DAY / 2 * 1_000_000;
        match now.micros_since(since) {
            failing if failing >= 2 * half => Some(Failing::Suspended),
            failing if failing >= half && self.warned_at.is_none() => {
                self.warned_at = Some(now);
                Some(Failing::Warned)
            }
            _ => None,
        }
    }

    /// Whether the failures may be old enough to suspend the webhook.
    pub fn is_failing_long(&self, now: Timestamp, days: i32) -> bool {
        let micros = i64::from(days) * DAY * 1_000_000;
        self.failing_since.is_some_and(|since| now.micros_since(since) >= micros)
    }

    /// Whether nothing may be sent now.
    pub fn is_shut(&self, now: Timestamp) -> bool {
        self.paused_until.max(self.open_until).is_some_and(|until| until > now)
    }

    /// Whether the next delivery is a probe.
    pub fn is_probed(&self, now: Timestamp) -> bool {
        self.open_until.is_some_and(|until| until <= now)
    }

    /// How many more attempts this hour may have, of so many.
    pub fn rest_of_hour(&self, now: Timestamp, max_per_hour: i32) -> i32 {
        let counted = if self.is_within_hour(now) { self.hour_count } else { 0 };
        max_per_hour.saturating_sub(counted).max(0)
    }

    /// Counts attempts that begin.
    pub fn begin(&mut self, now: Timestamp, attempts: i32) {
        if !self.is_within_hour(now) {
            (self.hour_started_at, self.hour_count) = (Some(now), 0);
        }
        self.hour_count = self.hour_count.saturating_add(attempts);
    }

    fn is_within_hour(&self, now: Timestamp) -> bool {
        self.hour_started_at.is_some_and(|start| (0..HOUR).contains(&now.micros_since(start)))
    }
}

static INSERT: Statement =
    Statement::write(c"INSERT INTO auth_store.webhook_states (webhook_id, tenant_id) VALUES ($1, $2)");

/// The state of a new webhook.
pub fn insert(webhook_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    INSERT.exactly_one(&params![webhook_id, tenant_id])
}

static FORGIVE: Statement = Statement::latest(
    c"UPDATE auth_store.webhook_states
         SET paused_until = NULL, open_until = NULL, failing_since = NULL, warned_at = NULL, failures_in_row = 0
       WHERE webhook_id = $1 AND tenant_id = $2",
);

/// Lets nothing follow from the failures up to now, because somebody has mended the receiver or named another.
pub fn forgive(webhook_id: Id, tenant_id: &str) -> Result<(), Mistake> {
    FORGIVE.run(&params![webhook_id, tenant_id])?;
    Ok(())
}

static BY_WEBHOOK: Lookup<State> = Lookup::by(c"webhook_states_pkey");

/// The state of a webhook; a new one where it has none yet.
pub fn find(snapshot: &Snapshot, webhook_id: Id) -> Result<State, Mistake> {
    Ok(BY_WEBHOOK.find(snapshot, Key::Id(webhook_id))?.unwrap_or_default())
}

static LOCK: Statement<Keyed> = Statement::write(
    c"SELECT {columns} FROM auth_store.webhook_states WHERE webhook_id = ANY ($1)
       ORDER BY webhook_id FOR NO KEY UPDATE",
);

/// Locks the states of webhooks; without those whose webhook is gone.
pub fn lock_no_key_update(webhooks: Vec<Id>) -> Result<HashMap<Id, State>, Mistake> {
    let found = by_index(|| LOCK.all(&params![webhooks]))?;
    Ok(found.into_iter().map(|Keyed { webhook_id, state }| (webhook_id, state)).collect())
}

static LOCK_FREE: Statement<Keyed> = Statement::write(
    c"SELECT {columns} FROM auth_store.webhook_states
       WHERE webhook_id = $1 AND tenant_id = $2 FOR NO KEY UPDATE SKIP LOCKED",
);

/// Locks the state of a webhook unless another transaction has locked it: then None, without waiting.
pub fn lock_if_free(webhook_id: Id, tenant_id: &str) -> Result<Option<State>, Mistake> {
    let found = by_index(|| LOCK_FREE.one(&params![webhook_id, tenant_id]))?;
    Ok(found.map(|found| found.state))
}

static STORE: Statement = Statement::write(
    c"UPDATE auth_store.webhook_states s
         SET paused_until = n.paused_until, open_until = n.open_until, failing_since = n.failing_since,
             warned_at = n.warned_at, last_success_at = n.last_success_at, last_failure_at = n.last_failure_at,
             hour_started_at = n.hour_started_at, success_count = n.success_count, failure_count = n.failure_count,
             lost_count = n.lost_count, failures_in_row = n.failures_in_row, hour_count = n.hour_count,
             last_error = n.last_error
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             AS n (webhook_id, paused_until, open_until, failing_since, warned_at, last_success_at, last_failure_at,
                   hour_started_at, success_count, failure_count, lost_count, failures_in_row, hour_count,
                   last_error)
       WHERE s.webhook_id = n.webhook_id",
);

static COLUMNS: Change<13> = Change::new(
    c"webhook_states",
    [
        c"paused_until",
        c"open_until",
        c"failing_since",
        c"warned_at",
        c"last_success_at",
        c"last_failure_at",
        c"hour_started_at",
        c"success_count",
        c"failure_count",
        c"lost_count",
        c"failures_in_row",
        c"hour_count",
        c"last_error",
    ],
);

row! {
    struct Seen in webhook_states {
        place: Place,
    }
}

static PLACE: Lookup<Seen> = Lookup::by(c"webhook_states_pkey");

/// Stores states whose rows are locked.
pub fn store(states: &HashMap<Id, State>) -> Result<(), Mistake> {
    if states.is_empty() {
        return Ok(());
    }
    let mut rest: Vec<_> = states.iter().collect();
    if let Some(rows) = COLUMNS.open()? {
        let snapshot = Snapshot::latest();
        rest.clear();
        for (id, state) in states {
            let stored = PLACE.find(&snapshot, Key::Id(*id))?.is_some_and(|seen| {
                let values = params![
                    state.paused_until,
                    state.open_until,
                    state.failing_since,
                    state.warned_at,
                    state.last_success_at,
                    state.last_failure_at,
                    state.hour_started_at,
                    state.success_count,
                    state.failure_count,
                    state.lost_count,
                    state.failures_in_row,
                    state.hour_count,
                    state.last_error.as_deref(),
                ];
                rows.set_locked(seen.place, &values)
            });
            if !stored {
                rest.push((id, state));
            }
        }
        rows.close();
    }
    if rest.is_empty() { Ok(()) } else { store_by_statement(&rest) }
}

/// The same where the rows can't be changed in their places.
fn store_by_statement(states: &[(&Id, &State)]) -> Result<(), Mistake> {
    fn column<T>(states: &[(&Id, &State)], of: impl Fn(&State) -> T) -> Vec<T> {
        states.iter().map(|(_, state)| of(state)).collect()
    }
    by_index(|| {
        STORE.run(&params![
            states.iter().map(|(id, _)| **id).collect::<Vec<_>>(),
            column(states, |state| state.paused_until),
            column(states, |state| state.open_until),
            column(states, |state| state.failing_since),
            column(states, |state| state.warned_at),
            column(states, |state| state.last_success_at),
            column(states, |state| state.last_failure_at),
            column(states, |state| state.hour_started_at),
            column(states, |state| state.success_count),
            column(states, |state| state.failure_count),
            column(states, |state| state.lost_count),
            column(states, |state| state.failures_in_row),
            column(states, |state| state.hour_count),
            column(states, |state| state.last_error.clone()),
        ])
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Failing, Noted, State};
    use crate::kernel::value::clock::Timestamp;

    const NOW: Timestamp = Timestamp::from_micros(753_315_200_000_000);

    fn failed(leased_until: Option<Timestamp>) -> Noted {
        Noted { delivered: false, leased_until, pause: None, error: Some("500".into()) }
    }

    fn delivered() -> Noted {
        Noted { delivered: true, leased_until: None, pause: None, error: None }
    }

    fn open(state: &State, now: Timestamp) -> Option<i64> {
        state.open_until.map(|until| until.micros_since(now) / 1_000_000)
    }

    #[test]
    fn five_failures_open_the_circuit_and_a_success_closes_it() {
        let mut state = State::default();
        for _ in 0..4 {
            state.note(NOW, &failed(None));
            assert_eq!(open(&state, NOW), None);
        }
        state.note(NOW, &failed(None));
        assert_eq!(open(&state, NOW), Some(30));
        assert!(state.is_shut(NOW) && !state.is_probed(NOW));
        let later = NOW.plus_seconds(30);
        assert!(!state.is_shut(later) && state.is_probed(later));
        state.note(NOW, &delivered());
        assert!((state.failures_in_row, open(&state, NOW), state.failing_since) == (0, None, None));
        assert_eq!((state.success_count, state.failure_count), (1, 5));
    }

    #[test]
    fn each_failed_probe_doubles_the_time_to_a_quarter_of_an_hour() {
        let mut state = State::default();
        (0..5).for_each(|_| state.note(NOW, &failed(None)));
        let mut times = Vec::new();
        let mut now = NOW;
        for _ in 0..7 {
            now = now.plus_seconds(1000);
            // As a claim does.
            state.open_until = Some(now.plus_seconds(60));
            let probe = failed(state.open_until);
            // What was sent before says nothing.
            state.note(now, &failed(Some(now.plus_seconds(59))));
            state.note(now, &probe);
            times.push(open(&state, now));
        }
        assert_eq!(times, [60, 120, 240, 480, 900, 900, 900].map(Some));
        state.failures_in_row = i32::MAX;
        state.note(now, &failed(state.open_until));
        assert_eq!(open(&state, now), Some(900));
    }

    #[test]
    fn a_success_lifts_no_pause_and_a_shorter_pause_no_longer_one() {
        let mut state = State::default();
        let pause = |seconds: i64| Noted { pause: Some(NOW.plus_seconds(seconds)), ..failed(None) };
        state.note(NOW, &pause(60));
        state.note(NOW, &pause(30));
        state.note(NOW, &delivered());
        assert!(state.is_shut(NOW.plus_seconds(59)) && !state.is_shut(NOW.plus_seconds(60)));
    }

    #[test]
    fn an_hour_has_its_attempts() {
        let mut state = State::default();
        assert_eq!(state.rest_of_hour(NOW, 10), 10);
        state.begin(NOW, 7);
        assert_eq!(state.rest_of_hour(NOW.plus_seconds(3599), 10), 3);
        state.begin(NOW.plus_seconds(3599), 5);
        assert_eq!(state.rest_of_hour(NOW.plus_seconds(3599), 10), 0);
        assert_eq!(state.rest_of_hour(NOW.plus_seconds(3600), 10), 10);
        // The clock was set back.
        assert_eq!(state.rest_of_hour(NOW.plus_seconds(-1), 10), 10);
    }

    #[test]
    fn days_of_failures_warn_and_then_suspend() {
        let mut state = State::default();
        (0..4).for_each(|_| state.note(NOW, &failed(None)));
        let at = |hours: i64| NOW.plus_seconds(hours * 3600);
        assert_eq!(state.failing(at(200), 5), None);
        state.note(NOW, &failed(None));
        assert_eq!(state.failing(at(59), 5), None);
        assert_eq!(state.failing(at(60), 5), Some(Failing::Warned));
        assert_eq!(state.failing(at(61), 5), None);
        assert_eq!(state.failing(at(120), 5), Some(Failing::Suspended));
        state.note(NOW, &delivered());
        assert_eq!(state.failing(at(120), 5), None);
    }
}

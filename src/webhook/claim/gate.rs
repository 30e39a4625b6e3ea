//! Whether a webhook may be sent to now, and how much.

use std::collections::HashSet;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::webhook::claim::lease::{self, Queued};
use crate::webhook::retry;
use crate::webhook::state::{self, State};
use crate::webhook::subscription::Status;

row! {
    /// Where deliveries go.
    pub struct Target in webhooks {
        pub expires_at: Option<Timestamp>,
        pub max_attempts: i32,
        pub max_per_hour: Option<i32>,
        pub in_order: bool,
        pub status: Status,
        pub target_url: String,
        /// Whether it gets logout tokens.
        pub logout: bool,
    }
}

static TARGET: Lookup<Target> = Lookup::by(c"webhooks_pkey").remembered();

/// A webhook to which something may be sent.
pub struct Open {
    pub target: Target,
    /// How many deliveries.
    pub most: usize,
    /// The only one, where they go in order.
    pub only: Option<Queued>,
    /// Its state, locked, where the claim changes it.
    pub state: Option<State>,
}

/// What a claim does with a webhook.
pub enum Gate {
    /// There is no such webhook.
    Gone,
    /// Nothing.
    Shut,
    /// It sends.
    Open(Box<Open>),
}

/// The hosts that are to get nothing now, because the worker is sending enough to them.
pub struct Busy(HashSet<String>);

impl Busy {
    /// The argument `busy_hosts`: names or addresses, with or without a port.
    pub fn new(hosts: Vec<String>) -> Self {
        Self(hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect())
    }

    fn has(&self, url: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let Ok(url) = url::Url::parse(url) else { return false };
        let Some(host) = url.host_str() else { return false };
        let port = url.port_or_known_default().unwrap_or_default();
        self.0.contains(host) || self.0.contains(&format!("{host}:{port}"))
    }
}

/// Looks at a webhook. What others must not decide at the same time, it decides under the lock of the webhook's state,
/// and without waiting: another claim that holds the lock has the webhook.
pub fn of(
    now: Timestamp,
    snapshot: &Snapshot,
    (tenant_id, webhook_id): (&str, Id),
    most: usize,
    busy: &Busy,
) -> Result<Gate, Mistake> {
    let Some(target) = TARGET.find_by(snapshot, [Key::Id(webhook_id), Key::Text(tenant_id)])? else {
        return Ok(Gate::Gone);
    };
    let over = target.expires_at.is_some_and(|end| end <= now);
    if target.status != Status::Active || over || busy.has(&target.target_url) {
        return Ok(Gate::Shut);
    }
    let state = state::find(snapshot, webhook_id)?;
    if state.is_shut(now) {
        return Ok(Gate::Shut);
    }
    if !(target.in_order || target.max_per_hour.is_some() || state.is_probed(now)) {
        return Ok(Gate::Open(Box::new(Open { target, most, only: None, state: None })));
    }
    let Some(state) = state::lock_if_free(webhook_id, tenant_id)? else { return Ok(Gate::Shut) };
    let single = target.in_order || state.is_probed(now);
    let rest = target.max_per_hour.map_or(i32::MAX, |max| state.rest_of_hour(now, max));
    let most = most.min(usize::try_from(rest).unwrap_or(0)).min(if single { 1 } else { usize::MAX });
    if most == 0 || state.is_shut(now) {
        return Ok(Gate::Shut);
    }
    let mut only = None;
    if target.in_order {
        only = next_in_order(now, tenant_id, webhook_id)?;
        if only.is_none() {
            return Ok(Gate::Shut);
        }
    }
    Ok(Gate::Open(Box::new(Open { target, most, only, state: Some(state) })))
}

/// The oldest delivery of a webhook whose deliveries go in order; None if it is being sent, or if one waits to be tried
/// again. The webhook's state is locked, so that no other claim can begin one meanwhile.
fn next_in_order(now: Timestamp, tenant_id: &str, webhook_id: Id) -> Result<Option<Queued>, Mistake> {
    if retry::waits(tenant_id, webhook_id)? {
        return Ok(None);
    }
    // After that: what another claim has moved from the retries to the queue meanwhile is seen there.
    Ok(lease::oldest(&Snapshot::latest(), tenant_id, webhook_id)?.filter(|queued| queued.is_free(now)))
}

#[cfg(test)]
mod tests {
    use super::Busy;

    #[test]
    fn a_host_is_busy_by_its_name_or_with_its_port() {
        let busy = Busy::new(vec!["Hooks.Example".into(), "other.example:8443".into(), "[::1]".into()]);
        for url in ["https://hooks.example/a", "https://hooks.example:8443", "http://[::1]:80/"] {
            assert!(busy.has(url), "{url}");
        }
        assert!(busy.has("https://other.example:8443/") && !busy.has("https://other.example/"));
        assert!(!busy.has("https://a.hooks.example/") && !busy.has("garbage"));
        assert!(Busy::new(vec!["other.example:443".into()]).has("https://OTHER.example/"));
        assert!(!Busy::new(vec![]).has("https://hooks.example/"));
    }
}

//! The applications of a user: the clients that the user has agreed to, or that have live grants.

use std::collections::BTreeMap;

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;

use crate::identity::user;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::oauth::grant::of_user;
use crate::oauth::{client, consent};

composite! {
    /// A row of user_applications().
    pub struct Application = "auth_store.user_application" {
        pub client_id: Option<String>,
        pub name: Option<String>,
        pub scope: Option<String>,
        pub consented: bool,
        pub first_granted_at: Option<Timestamp>,
        pub last_granted_at: Option<Timestamp>,
        pub last_used_at: Option<Timestamp>,
        pub live_grants: i32,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn user_applications(user_id: Option<pgrx::Uuid>) -> SetOfIterator<'static, Application> {
    let now = clock::now();
    let found = given(user_id, "user_id").and_then(|user_id| applications(now, user_id.into()));
    SetOfIterator::new(found.or_raise())
}

fn applications(now: Timestamp, user_id: Id) -> Result<Vec<Application>, Mistake> {
    let snapshot = Snapshot::reading();
    let Some(user) = user::find(&snapshot, user_id)? else { return Ok(Vec::new()) };
    let mut found: BTreeMap<String, (Application, Vec<String>)> = BTreeMap::new();
    for holding in of_user::holdings(now, user_id)? {
        let application = Application {
            first_granted_at: Some(holding.first.time()),
            last_granted_at: Some(holding.last.time()),
            last_used_at: Some(holding.last_used_at()),
            live_grants: holding.live,
            ..Application::default()
        };
        found.insert(holding.client_id, (application, holding.scopes));
    }
    for consent in consent::live(now, user_id, &user.tenant_id, None)? {
        let (application, scopes) = found.entry(consent.client_id).or_default();
        application.consented = true;
        let first = consent.id.time();
        let first = application.first_granted_at.map_or(first, |at| at.min(first));
        let last = application.last_granted_at.map_or(consent.renewed_at, |at| at.max(consent.renewed_at));
        application.first_granted_at = Some(first);
        application.last_granted_at = Some(last);
        scopes.push(consent.scope);
    }
    let mut applications = Vec::with_capacity(found.len());
    for (client_id, (application, scopes)) in found {
        applications.push(Application {
            name: client::name(&snapshot, &client_id)?,
            client_id: Some(client_id),
            scope: Some(union(&scopes)),
            ..application
        });
    }
    Ok(applications)
}

/// The tokens of all the scopes, each once, in order.
fn union(scopes: &[String]) -> String {
    let mut all: Vec<_> =
        scopes.iter().flat_map(|scope| consent::tokens(scope)).filter(|t| !t.is_empty()).collect();
    all.sort_unstable();
    all.dedup();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::union;

    #[test]
    fn scopes_add_up() {
        assert_eq!(union(&["b a".into(), String::new(), "a c".into()]), "a b c");
    }
}

//! What a form may say of a new password before it is sent.

use pgrx::prelude::*;

use crate::identity::policy::password::{Fault, Verdict, judge, score};
use crate::identity::user::{self, names};
use crate::identity::{policy, tenant};
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::argument;
use crate::kernel::value::id::Id;

composite! {
    /// What password_check() returns.
    pub struct PasswordAdvice = "auth_store.password_advice" {
        pub ok: bool,
        pub score: Option<i32>,
        pub reasons: Vec<String>,
        pub warning: Option<String>,
        pub suggestions: Vec<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
}

#[pg_extern(stable, parallel_safe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn password_check(
    password: Option<&str>,
    user_id: default!(Option<pgrx::Uuid>, "NULL"),
    names: default!(Option<Vec<Option<String>>>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> PasswordAdvice {
    let names = argument::texts(names, "names").or_raise().unwrap_or_default();
    advice(password.unwrap_or_default(), user_id.map(Id::from), names, tenant_id).or_raise()
}

fn advice(
    password: &str,
    user_id: Option<Id>,
    mut names: Vec<String>,
    tenant_id: Option<&str>,
) -> Result<PasswordAdvice, Mistake> {
    let snapshot = Snapshot::reading();
    let tenant_id = match user_id {
        Some(id) => {
            let own = user::find(&snapshot, id)?.ok_or(user::UNKNOWN)?.tenant_id;
            if tenant_id.is_some_and(|named| named != own) {
                return Err(user::UNKNOWN);
            }
            names.extend(names::all_of(id, &own)?);
            own
        }
        None => tenant::resolve(&snapshot, tenant_id)?,
    };
    let policy = policy::of(&snapshot, &tenant_id)?;
    let verdict = judge(&snapshot, &policy, &names, password)?;
    let refusal = verdict.accepted.is_none().then(|| verdict.refusal(&policy));
    let Verdict { faults, entropy, .. } = verdict;
    let feedback = entropy.as_ref().and_then(|entropy| entropy.feedback());
    Ok(PasswordAdvice {
        ok: refusal.is_none(),
        score: entropy.as_ref().map(score),
        reasons: faults.into_iter().map(Fault::as_str).map(str::to_owned).collect(),
        warning: feedback.and_then(|feedback| feedback.warning()).map(|warning| warning.to_string()),
        suggestions: feedback.into_iter().flat_map(|f| f.suggestions()).map(ToString::to_string).collect(),
        error: refusal.as_ref().and_then(|refusal| refusal.error()),
        error_description: refusal.and_then(|refusal| refusal.error_description()),
    })
}

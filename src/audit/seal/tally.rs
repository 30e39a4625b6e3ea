//! How many leaves erasures have marked. Each erasure says it in its step, which is sealed itself, so whoever marks
//! another leaf by hand needs another step.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::audit::seal::leaf::Salt;
use crate::kernel::outcome::Mistake;
use crate::kernel::server::catalog;
use crate::kernel::server::columns::terminated;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::calendar::Slot;
use crate::kernel::value::id::Id;

/// What tells of which tenant a row was.
pub fn removed_mark(tenant_id: &str) -> Salt {
    let digest = Sha256::digest(tenant_id);
    digest.first_chunk().copied().unwrap_or_default()
}

/// Numbers of leaves by what marks them and the month of their segment: by a pseudonym, or by that of a tenant.
#[derive(Default)]
pub struct Tally {
    counted: BTreeMap<(Salt, i64), (Slot, i64)>,
}

impl Tally {
    /// Counts one with this mark, in a segment of this month.
    pub fn add(&mut self, mark: Salt, month: Slot) {
        self.counted.entry((mark, month.number())).or_insert((month, 0)).1 += 1;
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counted.is_empty()
    }

    /// What a step says of these leaves: their number by the names of the months.
    pub fn told(&self) -> Value {
        self.counted.values().map(|(month, count)| (month.name(), json!(count))).collect()
    }

    /// The marks and months of which there are more leaves than steps say, with both numbers.
    pub fn more_than(&self, recorded: &Recorded) -> Vec<(Salt, Slot, i64, i64)> {
        let all = self.counted.iter().map(|((mark, _), (month, count))| {
            let said = recorded.get(&(*mark, month.name())).copied().unwrap_or(0);
            (*mark, *month, *count, said)
        });
        all.filter(|(_, _, count, said)| count > said).collect()
    }
}

/// Numbers of leaves by mark and month's name, as steps say them.
pub type Recorded = HashMap<(Salt, String), i64>;

fn sum(rows: impl IntoIterator<Item = (Option<Salt>, String, String)>) -> Recorded {
    let mut recorded = Recorded::new();
    for (mark, month, count) in rows {
        if let (Some(mark), Ok(count)) = (mark, count.parse::<u32>()) {
            *recorded.entry((mark, month)).or_default() += i64::from(count);
        }
    }
    recorded
}

/// SQL for what the store's steps of an event say of sealed rows: who they were of, the month and how many.
macro_rules! said_of_sealed {
    ($who:literal, $event:literal) => {
        concat!(
            "SELECT a.",
            $who,
            ", m.key, m.value
               FROM auth_store.audit_log a, jsonb_each_text(CASE jsonb_typeof(a.details->'sealed')
                                                                 WHEN 'object' THEN a.details->'sealed' END) m
              WHERE a.event = '",
            $event,
            "' AND a.from_application IS NOT TRUE AND a.occurred_at >= '-infinity'
                AND a.",
            $who,
            " IS NOT NULL AND m.value IS NOT NULL"
        )
    };
}

// The step of a user may have gone with the tenant, where rows of others are the pseudonym's: then that of the tenant
// has what it said of them.
static USERS: Statement<(String, String, String)> = Statement::read(terminated(concat!(
    said_of_sealed!("user_id::text", "user.erased"),
    " UNION ALL
      SELECT u.key, m.key, m.value
        FROM auth_store.audit_log a, jsonb_each(CASE jsonb_typeof(a.details->'erasures')
                                                     WHEN 'object' THEN a.details->'erasures' END) u,
             jsonb_each_text(CASE jsonb_typeof(u.value) WHEN 'object' THEN u.value END) m
       WHERE a.event = 'tenant.erased' AND a.from_application IS NOT TRUE
         AND m.value IS NOT NULL AND a.occurred_at >= '-infinity'\0"
)));

static USERS_OF_TENANT: Statement<(String, String, String)> = Statement::latest(terminated(concat!(
    said_of_sealed!("user_id::text", "user.erased"),
    " AND a.tenant_id = $1\0"
)));

static TENANTS: Statement<(String, String, String)> =
    Statement::read(terminated(concat!(said_of_sealed!("tenant_id", "tenant.erased"), "\0")));

/// What the steps say of erased users.
pub fn of_users() -> Result<Recorded, Mistake> {
    Ok(by_pseudonym(USERS.all(&[])?))
}

fn by_pseudonym(rows: Vec<(String, String, String)>) -> Recorded {
    let mark = |text: &str| Id::parse(text).map(|id| *id.bytes());
    sum(rows.into_iter().map(|(user, month, count)| (mark(&user), month, count)))
}

/// What the steps say of erased tenants.
pub fn of_tenants() -> Result<Recorded, Mistake> {
    Ok(sum(TENANTS.all(&[])?.into_iter().map(|(tenant, month, n)| (Some(removed_mark(&tenant)), month, n))))
}

/// What is left of the steps of a tenant's erased users when the tenant's rows go: what they say of the rows of others.
#[derive(Default)]
pub struct Leftover {
    recorded: Recorded,
}

impl Leftover {
    pub fn of_tenant(tenant_id: &str) -> Result<Self, Mistake> {
        Ok(Self { recorded: by_pseudonym(USERS_OF_TENANT.all(&params![tenant_id])?) })
    }

    /// A row of the tenant that was this pseudonym's goes.
    pub fn remove(&mut self, mark: Salt, month: Slot) {
        if let Some(count) = self.recorded.get_mut(&(mark, month.name())) {
            *count -= 1;
        }
    }

    /// As the step of the tenant says it; None if nothing is left. Months that were dropped have no leaves.
    pub fn told(self) -> Option<Value> {
        let mut users = BTreeMap::<String, BTreeMap<String, i64>>::new();
        for ((mark, month), count) in self.recorded.into_iter().filter(|(_, count)| *count > 0) {
            if is_there(&month) {
                users.entry(Id::from_bytes(mark).to_string()).or_default().insert(month, count);
            }
        }
        (!users.is_empty()).then(|| json!(users))
    }
}

/// What the partition of a month of the trail is called.
pub fn name_of(month: &str) -> String {
    format!("audit_log_{month}")
}

/// Whether a month of the trail is there, by its name.
pub fn is_there(month: &str) -> bool {
    std::ffi::CString::new(name_of(month)).is_ok_and(|name| catalog::untracked(&name).is_some())
}

#[cfg(test)]
mod tests {
    use super::{Tally, sum};
    use crate::kernel::value::calendar::{Period, Slot};
    use crate::kernel::value::clock::Timestamp;

    #[test]
    fn more_leaves_than_steps_say_are_found() {
        let month = Slot::of(Period::Month, Timestamp::from_unix_millis(1_796_000_000_000));
        let mut tally = Tally::default();
        tally.add([1; 16], month);
        tally.add([1; 16], month);
        assert_eq!(tally.told(), serde_json::json!({ month.name(): 2 }));
        tally.add([2; 16], month);
        let row = |mark, count: &str| (Some([mark; 16]), month.name(), count.to_owned());
        assert!(tally.more_than(&sum([row(1, "1"), row(1, "1"), row(2, "1")])).is_empty());
        assert_eq!(tally.more_than(&sum([row(1, "1"), row(2, "1")])), [([1; 16], month, 2, 1)]);
        assert_eq!(tally.more_than(&sum([row(1, "-9"), row(1, "x"), row(2, "4294967296")])).len(), 2);
    }
}

//! Partitions that are made: for a row that needs one now, and ahead.

use std::ffi::CStr;

use pgrx::pg_sys::errcodes::PgSqlErrorCode;

use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::partition::{Partitions, State};
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::{catalog, progress, state, transaction, version};
use crate::kernel::value::calendar::Slot;
use crate::kernel::value::clock::{self, Timestamp};

/// Seconds until a backend tries again to make a partition ahead after a failure.
const RETRY_AFTER: i64 = 300;

/// Where a partition and its index are made.
struct Place {
    method: String,
    tablespace: String,
}

impl Partitions {
    /// Makes the partition of this moment if it is missing; returns when that partition begins. With `and_next` it also
    /// makes the following partition, unless another session is making it: so the first row of a period finds its
    /// partition made long before, and no call waited for it. A failure to make the following partition fails no call.
    pub fn ensure(&self, at: Timestamp, and_next: bool) -> Result<i64, Mistake> {
        version::ensure_ready()?;
        let slot = self.slot(at);
        if !self.has(slot)? {
            transaction::attempt(|| self.make(&[slot], true))
                .map_err(|mistake| self.not_made(slot, mistake))?;
        }
        if and_next && !self.has(slot.plus(1))? {
            self.make_ahead(slot.plus(1));
        }
        Ok(slot.start().micros())
    }

    /// Makes a partition that nobody needs yet. On failure the server's log says so, and this backend does not try
    /// again for a while.
    fn make_ahead(&self, slot: Slot) {
        let now = clock::now();
        if self.failed.get().is_some_and(|(number, until)| number == slot.number() && now < until) {
            return;
        }
        if let Err(mistake) = transaction::attempt(|| self.make(&[slot], false)) {
            self.failed.set(Some((slot.number(), now.plus_seconds(RETRY_AFTER))));
            outcome::log(format!(
                "auth_store: partition auth_store.{} could not be made ahead: {}",
                self.name_of(slot),
                mistake.message()
            ));
        }
    }

    /// The server's error about a partition that a row needs now.
    fn not_made(&self, slot: Slot, mistake: Mistake) -> Mistake {
        match mistake {
            // The caller should try again: the partition itself is in order.
            Mistake::Failed {
                code:
                    PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE
                    | PgSqlErrorCode::ERRCODE_T_R_DEADLOCK_DETECTED
                    | PgSqlErrorCode::ERRCODE_T_R_SERIALIZATION_FAILURE,
                ..
            } => mistake,
            Mistake::Failed { code, message, hint } => Mistake::Failed {
                code,
                message: format!("partition auth_store.{} could not be made: {message}", self.name_of(slot)),
                // The owner lacks a privilege, for example in an event trigger.
                hint: hint.or_else(|| {
                    (code == PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE).then(|| HOW_TO_MAKE.to_owned())
                }),
            },
            other => other,
        }
    }

    /// Makes the missing ones of this moment's partition and the next `ahead`; returns how many. Does not check the
    /// version of the tables, because `install()` calls it too.
    pub fn ensure_ahead(&self, now: Timestamp, ahead: i32) -> Result<i32, Mistake> {
        let slots: Vec<_> = (0..=i64::from(ahead)).map(|n| self.slot(now).plus(n)).collect();
        self.make(&slots, true)
    }

    /// Makes the missing partitions of these moments and of all periods between the first two; returns how many.
    pub fn ensure_all(
        &self,
        from: Timestamp,
        until: Timestamp,
        others: &[Timestamp],
    ) -> Result<i32, Mistake> {
        let (first, last) = (self.slot(from), self.slot(until));
        let mut slots: Vec<_> =
            (0..=last.number().saturating_sub(first.number())).map(|n| first.plus(n)).collect();
        slots.extend(others.iter().map(|at| self.slot(*at)).filter(|slot| slot.number() > last.number()));
        slots.dedup();
        self.make(&slots, true)
    }

    /// Makes the named partitions that belong to this table and are missing; returns how many.
    pub fn ensure_named(&self, names: &[&str]) -> Result<i32, Mistake> {
        let slots: Vec<_> = names.iter().filter_map(|name| self.slot_named(name)).collect();
        self.make(&slots, true)
    }

    fn make(&self, slots: &[Slot], wait: bool) -> Result<i32, Mistake> {
        state::writable()?;
        let mut missing = Vec::new();
        for slot in slots {
            if !self.has(*slot)? {
                missing.push(*slot);
            }
        }
        if missing.is_empty() || !catalog::lock_share_update_exclusive(self.table, wait) {
            return Ok(0);
        }
        let place = self.place()?;
        let mut made = 0;
        for slot in missing {
            match self.state(slot)? {
                // by another session, whose lock this one waited for
                State::Attached => {}
                State::Absent => {
                    let _phase = progress::phase(&self.name_of(slot));
                    let ddl = self.ddl(slot, &place);
                    spi::with_settings(DDL_SETTINGS, || spi::run_long_script(&ddl, progress::show_again))?;
                    made += 1;
                }
                State::Foreign => {
                    let (name, table) = (self.name_of(slot), self.name());
                    return Err(Mistake::WrongState {
                        message: format!("auth_store.{name} is no partition of auth_store.{table}").into(),
                        hint: "Attach it, or rename it: the store needs the name for the period".into(),
                    });
                }
            }
        }
        Ok(made)
    }

    /// The parent determines where its partitions are: the access method and tablespace of CREATE TABLE, and of its
    /// index. If the owner may not use that tablespace, the partition is made in the database's own, because without a
    /// partition the row would be lost.
    fn place(&self) -> Result<Place, Mistake> {
        let found = spi::run_once::<(Option<String>, Option<String>, Option<bool>)>(
            "SELECT COALESCE(pg_catalog.quote_ident(a.amname), 'heap'), pg_catalog.quote_ident(t.spcname),
                    pg_catalog.has_tablespace_privilege(t.oid, 'CREATE')
               FROM pg_catalog.pg_class c
               LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
               LEFT JOIN pg_catalog.pg_tablespace t ON t.oid = c.reltablespace
              WHERE c.oid = ('auth_store.' || $1)::pg_catalog.regclass",
            &params![self.name()],
        )?;
        let (method, tablespace, allowed) = found.into_iter().next().unwrap_or_default();
        let tablespace = match (tablespace, allowed) {
            (Some(name), Some(true)) => format!(" TABLESPACE {name}"),
            (Some(name), _) => {
                outcome::log(format!(
                    "auth_store: partitions of auth_store.{} are made outside of tablespace {name}: \
                     GRANT CREATE ON TABLESPACE {name} TO auth_store_owner",
                    self.name()
                ));
                String::new()
            }
            (None, _) => String::new(),
        };
        Ok(Place { method: method.unwrap_or_else(|| "heap".to_owned()), tablespace })
    }

    /// Made as a table of its own first and attached last: CREATE TABLE … PARTITION OF would lock the parent against
    /// every writer.
    fn ddl(&self, slot: Slot, place: &Place) -> String {
        DDL.replace("{policy}", if self.pinned { POLICY } else { "" })
            .replace("{index}", self.index)
            .replace("{method}", &place.method)
            .replace("{tablespace}", &place.tablespace)
            .replace("{table}", self.name())
            .replace("{name}", &self.name_of(slot))
            .replace("{from}", &slot.bound())
            .replace("{until}", &slot.plus(1).bound())
    }
}

const HOW_TO_MAKE: &str = "An event trigger runs as auth_store_owner there: see Partitions in \
    docs/how-to/operations.md. SELECT auth_store.partitions_ensure(), auth_store.jti_partitions_ensure() \
    makes what is missing";

/// The settings of a session, a role or a database must not decide where a partition goes. The statement for its index
/// names a tablespace only if the parent does.
const DDL_SETTINGS: &[(&CStr, &CStr)] =
    &[(c"default_tablespace", c""), (c"default_table_access_method", c"heap")];

/// A deletion is replicated by the whole row: the parents have no key, and a partition must agree with its root
/// (publish_via_partition_root). Rows are only deleted with their tenant.
const DDL: &str = "
CREATE TABLE auth_store.{name}
    (LIKE auth_store.{table} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS INCLUDING STORAGE
          INCLUDING COMPRESSION)
    USING {method}{tablespace};
ALTER TABLE auth_store.{name} REPLICA IDENTITY FULL;
ALTER TABLE auth_store.{name} OWNER TO auth_store_owner;
DO $$
DECLARE
    other text;
BEGIN
    FOR other IN
        SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC'
                             ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)::text) END
          FROM pg_catalog.pg_class c CROSS JOIN pg_catalog.aclexplode(c.relacl) a
         WHERE c.oid = 'auth_store.{name}'::pg_catalog.regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON TABLE auth_store.{name} FROM %s CASCADE', other);
    END LOOP;
END $$;
GRANT ALL ON TABLE auth_store.{name} TO auth_store_owner;
{index};
{policy}ALTER TABLE auth_store.{table} ATTACH PARTITION auth_store.{name} FOR VALUES FROM ('{from}') TO ('{until}');
";

const POLICY: &str = "\
ALTER TABLE auth_store.{name} ENABLE ROW LEVEL SECURITY;
ALTER TABLE auth_store.{name} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_pin ON auth_store.{name} USING (auth_store.tenant_visible(tenant_id));
COMMENT ON POLICY tenant_pin ON auth_store.{name} IS
    'While auth_store.tenant_id is set, a session sees the rows of that tenant only, and writes no others.';
";

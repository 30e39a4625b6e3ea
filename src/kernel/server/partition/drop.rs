//! Partitions that are dropped: what has expired costs no deleted rows.

use crate::kernel::outcome::{self, Mistake};
use crate::kernel::server::partition::{Partitions, State};
use crate::kernel::server::spi::{self, params};
use crate::kernel::server::{progress, transaction};
use crate::kernel::value::clock::Timestamp;

/// A partition that was dropped.
pub struct Dropped {
    /// Its name.
    pub name: String,
    /// Its bounds.
    pub from: String,
    /// The first moment that was not in it.
    pub until: String,
    /// How many rows it had, by the last VACUUM or ANALYZE; None if neither ever ran.
    pub rows: Option<i64>,
    /// Its size with its index.
    pub bytes: i64,
}

impl Partitions {
    /// Drops the partitions that ended at `cutoff` or before; returns them. A partition that can't be dropped fails the
    /// call or, if `patient`, is left to the next run with a warning.
    pub fn drop_before(&self, cutoff: Timestamp, patient: bool) -> Result<Vec<Dropped>, Mistake> {
        let found = spi::run_once::<(String, f64, i64)>(
            "SELECT c.relname::text, c.reltuples::double precision, pg_catalog.pg_total_relation_size(c.oid)
               FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
              WHERE i.inhparent = ('auth_store.' || $1)::pg_catalog.regclass
              ORDER BY c.relname",
            &params![self.name()],
        )?;
        let (mut dropped, mut failures) = (Vec::new(), Vec::new());
        for (name, tuples, bytes) in found {
            let Some(slot) = self.slot_named(&name) else { continue };
            if slot.plus(1).start() > cutoff {
                continue;
            }
            pgrx::check_for_interrupts!();
            let _phase = progress::phase(&name);
            let script = DETACH_AND_DROP.replace("{table}", self.name()).replace("{name}", &name);
            if !patient {
                spi::run_script(&script)?;
            } else if let Err(mistake) = transaction::attempt(|| spi::run_script(&script)) {
                failures.push((name, mistake.message()));
                continue;
            }
            if matches!(self.state(slot)?, State::Absent) {
                // Negative if the rows were never counted.
                let rows = (tuples >= 0.0).then_some(tuples as i64);
                dropped.push(Dropped { name, from: slot.bound(), until: slot.plus(1).bound(), rows, bytes });
            } else {
                outcome::notice(&format!("auth_store.{name} is in use and stays until the next run"));
            }
        }
        if let Some((name, message)) = failures.first() {
            outcome::warning(&format!(
                "auth_store: {} partition(s) of auth_store.{} could not be dropped; auth_store.{name}: {message}",
                failures.len(),
                self.name()
            ));
        }
        Ok(dropped)
    }
}

/// DETACH takes an ACCESS EXCLUSIVE lock on the parent: while it waits for a long query, every step of the store would
/// queue behind it. So it waits for a fifth of a second at most, five times.
const DETACH_AND_DROP: &str = "
DO $$
DECLARE
    waits constant text := pg_catalog.current_setting('lock_timeout');
BEGIN
    FOR attempt IN 1 .. 5 LOOP
        BEGIN
            PERFORM pg_catalog.set_config('lock_timeout', '200ms', true);
            ALTER TABLE auth_store.{table} DETACH PARTITION auth_store.{name};
            DROP TABLE auth_store.{name};
            PERFORM pg_catalog.set_config('lock_timeout', waits, true);
            RETURN;
        EXCEPTION
            WHEN lock_not_available THEN
                PERFORM pg_catalog.pg_sleep(0.1);
            WHEN object_in_use OR dependent_objects_still_exist THEN
                RETURN; -- a cursor of this session reads it, or somebody built a view on it
        END;
    END LOOP;
END
$$";

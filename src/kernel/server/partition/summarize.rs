//! Summaries in BRIN indexes of what was written last.

use std::ffi::CString;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::catalog;
use crate::kernel::server::partition::Partitions;
use crate::kernel::server::spi::{self, params};
use crate::kernel::value::clock::Timestamp;

impl Partitions {
    /// Has the BRIN index of the partition of this moment say what was written last. Autovacuum does the same where it
    /// runs; until then whoever reads a span of time reads all of that too. While VACUUM or DDL is at the partition,
    /// nothing is done, and nobody waits.
    pub fn summarize(&self, at: Timestamp) -> Result<(), Mistake> {
        let name = self.name_of(self.slot(at));
        let Ok(table) = CString::new(name.as_str()) else { return Ok(()) };
        if catalog::lock_share_update_exclusive(&table, false) {
            spi::run_once::<i32>(
                "SELECT pg_catalog.brin_summarize_new_values(i.oid)
                   FROM pg_catalog.pg_class t
                   JOIN pg_catalog.pg_index x ON x.indrelid = t.oid AND x.indisvalid
                   JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
                   JOIN pg_catalog.pg_am a ON a.oid = i.relam AND a.amname = 'brin'
                  WHERE t.oid = pg_catalog.to_regclass('auth_store.' || $1)
                    AND pg_catalog.pg_has_role(t.relowner, 'USAGE')",
                &params![name],
            )?;
        }
        Ok(())
    }
}

//! Registrations that nobody has used: they end after a time, so that what strangers register does not stay for ever.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::Timestamp;

row! {
    /// A client that was to be used by now.
    pub struct Due {
        pub id: String,
        /// Whether it has ended its registration itself.
        pub revoked: bool,
    }
}

static DUE: Statement<Due> = Statement::write(
    c"SELECT id, status = 'revoked' AS revoked FROM auth_store.clients
       WHERE registration_expires_at <= $1 ORDER BY registration_expires_at, id LIMIT $2",
);

/// The clients whose time has come, at most so many.
pub fn due(now: Timestamp, size: i32) -> Result<Vec<Due>, Mistake> {
    DUE.all(&params![now, size])
}

static LOCK_DUE: Statement = Statement::latest(
    c"SELECT true FROM auth_store.clients WHERE id = $1 AND registration_expires_at <= $2 FOR UPDATE SKIP LOCKED",
);

/// Locks the client's row against everything that would refer to the client; false if it is not due any more, or if
/// somebody holds it.
pub fn lock_due(now: Timestamp, client_id: &str) -> Result<bool, Mistake> {
    Ok(LOCK_DUE.run(&params![client_id, now])? == 1)
}

static KEEP: Statement =
    Statement::write(c"UPDATE auth_store.clients SET registration_expires_at = NULL WHERE id = $1");

/// Lets a client stay that is used.
pub fn keep(client_id: &str) -> Result<(), Mistake> {
    KEEP.run(&params![client_id])?;
    Ok(())
}

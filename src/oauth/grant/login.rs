//! How the user of a grant logged in.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

row! {
    /// When and by what means, as far as the application said.
    pub struct Login in grants {
        pub auth_time: Option<Timestamp>,
        pub acr: Option<String>,
        pub amr: Option<Vec<String>>,
    }
}

static LOGIN: Lookup<Login> = Lookup::by(c"grants_pkey");

/// The log-in that a grant comes from.
pub fn find(snapshot: &Snapshot, grant_id: Id) -> Result<Option<Login>, Mistake> {
    LOGIN.find(snapshot, Key::Id(grant_id))
}

//! Why a new grant has nobody to refer to.

use crate::identity::user;
use crate::kernel::outcome::Mistake;
use crate::oauth::client;

/// Why a new grant has nobody to refer to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    Client,
    User,
    /// The user is there, and not active any more.
    UserInactive,
}

impl Gone {
    /// Where the caller named it.
    pub fn mistake(self) -> Mistake {
        match self {
            Self::Client => client::UNKNOWN,
            Self::User => user::UNKNOWN,
            Self::UserInactive => Mistake::WrongState {
                message: "the user is not active".into(),
                hint: "SELECT auth_store.user_set_status(…, 'active')".into(),
            },
        }
    }
}

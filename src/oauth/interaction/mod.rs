//! Interactions: authorization requests that wait for their user, who has to log in or to be asked. A row is made by
//! the authorization endpoint, survives a reload of the page, and is deleted by the decision.

use crate::kernel::crypto::token_text::{self, Digest, Presented};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::append::Append;
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;

/// Seconds that a user has for it.
pub const TTL: i64 = 600;

row! {
    /// A request that waits.
    pub struct Interaction in interactions {
        pub id: Id,
        pub tenant_id: String,
        pub client_id: String,
        pub expires_at: Timestamp,
        /// The session in which the user was to be asked; None: there was none that would do.
        pub session_id: Option<Id>,
        /// The user of that session.
        pub user_id: Option<Id>,
        /// Of the reference, where the request was pushed.
        digest: Option<Digest>,
        pub parameters: Jsonb,
    }
}

impl Interaction {
    /// When the authorization endpoint was asked, to the millisecond, as the id of a session says when it began.
    pub fn begun_at(&self) -> Timestamp {
        begun(self.expires_at.plus_seconds(-TTL))
    }

    /// True if its time is up.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }
}

/// A time to the millisecond.
pub fn begun(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_millis(at.unix_millis())
}

/// The facts of the table `interactions`.
pub static TABLE: Table = Table {
    name: "interactions",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.interactions", "expires_at <= $3"),
        times: |now| Vec::from(params![now]),
    }),
    of_tenant: Rows::Deleted(delete_by!("interactions", "tenant_id")),
    of_client: Rows::Deleted(delete_by!("interactions", "client_id")),
    of_user: Some(OfUser {
        by: By::User,
        erased: Some(delete_by!(latest "interactions", "user_id")),
        exported: exported!(
            "interactions",
            "user_id = $1",
            "id, expires_at, session_id, user_id, tenant_id, client_id, parameters",
            withheld "digest"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

static BY_ID: Lookup<Interaction> = Lookup::by(c"interactions_pkey");

static INSERT: Append = Append::new(
    "interactions",
    &[c"id", c"expires_at", c"session_id", c"user_id", c"tenant_id", c"client_id", c"digest", c"parameters"],
);

/// The one-time step: the call whose DELETE finds the request has decided it.
static DECIDE: Statement = Statement::write(
    c"DELETE FROM auth_store.interactions WHERE id = $1 AND tenant_id = $2 AND expires_at > $3",
);

/// The request with this id, over or not.
pub fn find(snapshot: &Snapshot, id: Id) -> Result<Option<Interaction>, Mistake> {
    BY_ID.find(snapshot, Key::Id(id))
}

/// The request that was made of a pushed one, if the reference's secret is right.
pub fn find_pushed(snapshot: &Snapshot, presented: &Presented) -> Result<Option<Interaction>, Mistake> {
    let matches = |one: &Interaction| {
        one.digest.is_some_and(|digest| token_text::digest_matches(&presented.digest, &digest))
    };
    Ok(find(snapshot, presented.id)?.filter(matches))
}

/// A request that begins to wait.
pub struct NewInteraction<'a> {
    /// Of a pushed request, the id that it had.
    pub id: Id,
    pub tenant_id: &'a str,
    pub client_id: &'a str,
    /// The session, with its user.
    pub session: Option<(Id, Id)>,
    /// Of the reference to a pushed request.
    pub digest: Option<Digest>,
    pub parameters: Jsonb,
}

/// Stores a request.
pub fn insert(now: Timestamp, new: NewInteraction<'_>) -> Result<(), Mistake> {
    let (session_id, user_id) = new.session.unzip();
    let row = params![
        new.id,
        now.plus_seconds(TTL),
        session_id,
        user_id,
        new.tenant_id,
        new.client_id,
        new.digest.as_ref().map(<[u8; 32]>::as_slice),
        new.parameters,
    ];
    INSERT.run(0, &row)
}

/// Takes the request out of the wait; false where it was decided or its time came in between.
pub fn decide(now: Timestamp, interaction: &Interaction) -> Result<bool, Mistake> {
    Ok(DECIDE.run(&params![interaction.id, interaction.tenant_id.as_str(), now])? == 1)
}

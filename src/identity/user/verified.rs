//! Which e-mail addresses of users were proved, and when: a mail to the address came back with what it carried. A proof
//! is of one spelling, because two spellings of one name may be two mailboxes.
//!
//! Lock order: the user, then the name.

use crate::identity::user::name::{Kind, Name};
use crate::identity::user::{self, names};
use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::Address;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;

row! {
    /// An address, as mail is sent to it.
    pub struct Mailbox in user_names {
        /// Whose it is.
        pub user_id: Id,
        /// As it was given.
        pub name: String,
        /// When it was proved.
        pub verified_at: Option<Timestamp>,
    }
}

static MAILBOX: Lookup<Mailbox> = Lookup::by(c"user_names_pkey");

/// The mailbox of this name.
pub fn mailbox(snapshot: &Snapshot, tenant_id: &str, name: &Name<'_>) -> Result<Option<Mailbox>, Mistake> {
    MAILBOX.find_by(snapshot, [Key::Text(tenant_id), Key::Text(Kind::Email.as_str()), Key::Text(&name.key)])
}

static HAS_ANY: Statement<bool> = Statement::write(
    c"SELECT EXISTS (SELECT FROM auth_store.user_names
                      WHERE user_id = $1 AND tenant_id = $2 AND kind = 'email' AND verified_at IS NOT NULL)",
);

/// Whether any address of the user was proved.
pub fn has_any(user_id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(HAS_ANY.one(&params![user_id, tenant_id])?.unwrap_or(false))
}

row! {
    struct Kept in user_names {
        name_key: String,
        verified_at: Option<Timestamp>,
    }
}

static OF_USER: Statement<Kept> = Statement::latest(
    c"SELECT name_key, verified_at FROM auth_store.user_names
       WHERE user_id = $1 AND tenant_id = $2 AND kind = 'email' ORDER BY name_key",
);

/// The addresses of a user.
pub fn addresses(user_id: Id, tenant_id: &str) -> Result<Vec<Address>, Mistake> {
    let kept = OF_USER.all(&params![user_id, tenant_id])?;
    let address = |kept: Kept| Address { key: kept.name_key, proved: kept.verified_at.is_some() };
    Ok(kept.into_iter().map(address).collect())
}

static IS_FIRST: Statement<bool> = Statement::latest(
    c"SELECT NOT EXISTS (SELECT FROM auth_store.user_names
                          WHERE user_id = $1 AND tenant_id = $2 AND kind = 'email' AND verified_at < $3)",
);

/// Whether no address of the user was proved before this time.
pub fn is_first(user_id: Id, tenant_id: &str, verified_at: Timestamp) -> Result<bool, Mistake> {
    Ok(IS_FIRST.one(&params![user_id, tenant_id, verified_at])?.unwrap_or(false))
}

static PROVE: Statement<bool> = Statement::write(
    c"UPDATE auth_store.user_names SET verified_at = COALESCE(verified_at, $5)
       WHERE tenant_id = $1 AND kind = 'email' AND name_key = $2 AND user_id = $3 AND name = $4
      RETURNING verified_at = $5",
);

// Of the address that is shown the user's own row says it too.
static SHOW: Statement = Statement::write(
    c"UPDATE auth_store.users SET email_verified = true, updated_at = $4
       WHERE id = $1 AND tenant_id = $2 AND email = $3 AND NOT email_verified AND NOT email_unnamed",
);

/// What a proof of an address came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Nobody had proved the address before.
    First,
    /// It was proved before.
    Again,
    /// Another user has the address by now.
    Taken,
    /// The user has the address no longer, or spells it in another way.
    Gone,
}

/// Notes that a user who is locked has proved an address, in this spelling.
pub fn prove(now: Timestamp, user_id: Id, tenant_id: &str, email: &str) -> Result<Proof, Mistake> {
    let Some(name) = Name::read(Kind::Email, email) else { return Ok(Proof::Gone) };
    let Some(first) = PROVE.one(&params![tenant_id, &*name.key, user_id, email, now])? else {
        let owner = names::find(&Snapshot::latest(), tenant_id, &name)?;
        return Ok(if owner.is_some_and(|owner| owner != user_id) { Proof::Taken } else { Proof::Gone });
    };
    SHOW.run(&params![user_id, tenant_id, email, now])?;
    Ok(if first { Proof::First } else { Proof::Again })
}

static SET: Statement = Statement::write(
    c"UPDATE auth_store.user_names SET verified_at = CASE WHEN $5 THEN COALESCE(verified_at, $6) END
       WHERE tenant_id = $1 AND kind = 'email' AND name_key = $2 AND user_id = $3 AND name = $4",
);

/// Notes that an address of a user who is locked is proved or not, because the application says so.
pub fn set(now: Timestamp, user_id: Id, tenant_id: &str, email: &str, verified: bool) -> Result<(), Mistake> {
    if let Some(name) = Name::read(Kind::Email, email) {
        SET.run(&params![tenant_id, &*name.key, user_id, email, verified, now])?;
    }
    Ok(())
}

/// The address that is shown of a user.
pub fn shown(snapshot: &Snapshot, user_id: Id) -> Result<Option<String>, Mistake> {
    Ok(user::shown_names(snapshot, user_id)?.and_then(|shown| shown.email))
}

static SHOW_ANOTHER: Statement = Statement::write(
    c"UPDATE auth_store.users SET email = $3, email_verified = true, email_unnamed = false, updated_at = $4
       WHERE id = $1 AND tenant_id = $2",
);

/// Shows another address of a user who is locked, which the user has proved, in place of the one that is shown, which
/// goes; false if another user has it.
pub fn show_another(now: Timestamp, user_id: Id, tenant_id: &str, email: &str) -> Result<bool, Mistake> {
    let former = shown(&Snapshot::writing()?, user_id)?;
    let name = Name::read(Kind::Email, email);
    if names::replace(now, user_id, tenant_id, Kind::Email, former.as_deref(), name)?.is_err() {
        return Ok(false);
    }
    SHOW_ANOTHER.run(&params![user_id, tenant_id, email, now])?;
    prove(now, user_id, tenant_id, email)?;
    Ok(true)
}

static TAKE_AWAY: Statement = Statement::latest(
    c"DELETE FROM auth_store.user_names
       WHERE user_id = $1 AND tenant_id = $2 AND kind IN ('email', 'phone') AND created_at >= $3 AND name <> $4",
);

/// Takes away the addresses and phone numbers, but one, that a user who is locked has got since a time; returns how
/// many.
pub fn take_away_since(since: Timestamp, user_id: Id, tenant_id: &str, but: &str) -> Result<u64, Mistake> {
    TAKE_AWAY.run(&params![user_id, tenant_id, since, but])
}

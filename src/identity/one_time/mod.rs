//! One-time tokens: what a mail carries to a user and brings back once, each for one purpose. This file has the table,
//! and the steps that all purposes share: making, finding, using, ending.
//!
//! To look at a token uses nothing (`one_time/show.rs`): programs that scan mail follow every link in it.
//!
//! Lock order: the user, then tokens.

pub mod invited;
pub mod otp;
pub mod recipient;
pub mod show;
pub mod verification;

use crate::identity::tenant;
use crate::kernel::crypto::token_text::{self, Digest, Kind, Minted};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, Refusal};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::composite::composite;
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::table::{By, Ended, Moves, OfUser, Published, Rows, Table, delete_by, exported};
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::refused::{Refused, invalid_grant};
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// A token that is to be mailed.
    pub struct OneTimeStart = "auth_store.one_time_start" {
        pub token: Option<String>,
        pub user_id: Option<Id>,
        pub mail_to: Option<String>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

composite! {
    /// What the use of a token or of a one-time password comes to.
    pub struct OneTimeUse = "auth_store.one_time_use" {
        pub user_id: Option<Id>,
        pub tenant_id: Option<String>,
        pub email: Option<String>,
        pub amr: Option<Vec<String>>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
        pub mfa_required: Option<bool>,
        pub mfa_enrollment_due_at: Option<Timestamp>,
    }
    refused { error, error_description, retry_after }
}

impl OneTimeUse {
    /// The use of a token that was mailed.
    pub fn of(token: OneTimeToken) -> Self {
        Self {
            user_id: token.user_id,
            tenant_id: Some(token.tenant_id),
            email: token.email,
            ..Self::default()
        }
    }
}

/// What a token is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The new address of a change agrees.
    EmailChangeNew,
    /// The present address of a change agrees.
    EmailChangeOld,
    /// The former address takes a change back.
    EmailUndo,
    /// The address is the user's.
    EmailVerification,
    /// Somebody may become a member of the tenant.
    Invitation,
    /// The user logs in.
    MagicLink,
    /// The user types a one-time password.
    Otp,
    /// The user sets a new password.
    PasswordReset,
}

impl Purpose {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::EmailChangeNew,
        Self::EmailChangeOld,
        Self::EmailUndo,
        Self::EmailVerification,
        Self::Invitation,
        Self::MagicLink,
        Self::Otp,
        Self::PasswordReset,
    ];

    /// The purpose as the column `purpose` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EmailChangeNew => "email_change_new",
            Self::EmailChangeOld => "email_change_old",
            Self::EmailUndo => "email_undo",
            Self::EmailVerification => "email_verification",
            Self::Invitation => "invitation",
            Self::MagicLink => "magic_link",
            Self::Otp => "otp",
            Self::PasswordReset => "password_reset",
        }
    }
}

impl Word for Purpose {
    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

row! {
    /// A token's row.
    pub struct OneTimeToken in one_time_tokens {
        digest: Digest,
        pub id: Id,
        pub tenant_id: String,
        pub purpose: Purpose,
        pub user_id: Option<Id>,
        pub email: Option<String>,
        pub details: Jsonb,
        pub expires_at: Timestamp,
        used_at: Option<Timestamp>,
    }
}

/// The facts of the table `one_time_tokens`.
pub static TABLE: Table = Table {
    name: "one_time_tokens",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!("auth_store.one_time_tokens", "expires_at <= $3"),
        times: |now| Vec::from(params![now.plus_seconds(-TOLD_AFTER_EXPIRY)]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "one_time_tokens", "tenant_id")),
    of_client: Rows::None,
    // An invitation has no user: it is about whoever has the address.
    of_user: Some(OfUser {
        by: By::UserOrAddress,
        erased: Some(Statement::latest(
            c"DELETE FROM auth_store.one_time_tokens
               WHERE (id, tenant_id) IN (
                     SELECT id, tenant_id FROM auth_store.one_time_tokens WHERE user_id = $1
                      UNION ALL
                     SELECT id, tenant_id FROM auth_store.one_time_tokens
                      WHERE user_id IS NULL AND purpose = 'invitation' AND subject = ANY ($3)
                        AND (tenant_id = $2 OR subject = ANY ($4)))",
        )),
        exported: exported!(
            "one_time_tokens",
            "user_id = $1 OR user_id IS NULL AND purpose = 'invitation' AND subject = ANY ($3)
                AND (tenant_id = $2 OR subject = ANY ($4))",
            "id, created_at, expires_at, used_at, user_id, tries, tenant_id, purpose, subject, email, details",
            withheld "digest, key_id"
        ),
    }),
    published: Published::TakeOver,
    moves: Moves::ById,
    restored: true,
};

/// Seconds in a day: so long who opens an old mail is told that the token has expired.
const TOLD_AFTER_EXPIRY: i64 = 86_400;

/// A token before it is stored.
pub struct NewToken<'a> {
    /// What it is good for.
    pub purpose: Purpose,
    /// Whose tenant.
    pub tenant_id: &'a str,
    /// Whom it is for. The caller holds the user's row.
    pub user_id: Option<Id>,
    /// What tells several of one purpose apart. At most a name's key.
    pub subject: &'a str,
    /// Where it is mailed to.
    pub email: Option<&'a str>,
    /// What else its purpose needs.
    pub details: Jsonb,
    /// When it ends.
    pub expires_at: Timestamp,
}

static STORE: Statement = Statement::write(
    c"INSERT INTO auth_store.one_time_tokens
             (id, created_at, expires_at, user_id, tenant_id, purpose, subject, digest, key_id, email, details)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
      ON CONFLICT ON CONSTRAINT one_time_tokens_subject_key DO UPDATE
         SET id = EXCLUDED.id, created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at, used_at = NULL,
             tries = 0, digest = EXCLUDED.digest, key_id = EXCLUDED.key_id, email = EXCLUDED.email,
             details = EXCLUDED.details",
);

/// Makes a token, which ends the one of the same user, purpose and subject.
pub fn issue(now: Timestamp, new: NewToken<'_>) -> Result<Minted, Mistake> {
    let bucket = match new.user_id {
        Some(user_id) => user_id.bucket(),
        None => Bucket::of(&[new.tenant_id, new.subject]),
    };
    let minted = token_text::mint(Kind::OneTime, now, bucket)?;
    store(now, new, minted.id, &minted.digest, None)?;
    Ok(minted)
}

/// Stores a token's row.
fn store(
    now: Timestamp,
    new: NewToken<'_>,
    id: Id,
    digest: &Digest,
    key_id: Option<&str>,
) -> Result<(), Mistake> {
    STORE.exactly_one(&params![
        id,
        now,
        new.expires_at,
        new.user_id,
        new.tenant_id,
        new.purpose.as_str(),
        new.subject,
        digest.as_slice(),
        key_id,
        new.email,
        new.details,
    ])
}

static BY_ID: Lookup<OneTimeToken> = Lookup::by(c"one_time_tokens_pkey");

const NOT_VALID: &str = "the token is not valid";

/// The refusal of a token whose row says what no token of its purpose says.
pub fn not_valid() -> Refused {
    invalid_grant(NOT_VALID, &[])
}

/// The live token of one of these purposes that is presented. Refused, with the token if its secret is right: it was
/// used before or has expired.
pub fn find(
    now: Timestamp,
    snapshot: &Snapshot,
    purposes: &[Purpose],
    text: Option<&str>,
) -> Result<Result<OneTimeToken, RefusedToken>, Mistake> {
    let Some(presented) = token_text::parse(Kind::OneTime, text) else {
        return Ok(Err(RefusedToken { refused: not_valid(), token: None }));
    };
    let found = BY_ID.find(snapshot, Key::Id(presented.id))?;
    let token = found.filter(|token| {
        token_text::digest_matches(&presented.digest, &token.digest) && purposes.contains(&token.purpose)
    });
    Ok(match token {
        None => Err(RefusedToken { refused: invalid_grant(NOT_VALID, &[Flag::UnknownToken]), token: None }),
        Some(token) => match token.refused(now) {
            Some(refused) => Err(token.unusable(refused)),
            None => Ok(token),
        },
    })
}

/// A token that is of no use.
pub struct RefusedToken {
    /// Why.
    pub refused: Refused,
    /// The token, if its secret is right.
    pub token: Option<Box<OneTimeToken>>,
}

static USE: Statement = Statement::write(
    c"UPDATE auth_store.one_time_tokens SET used_at = $3
       WHERE id = $1 AND tenant_id = $2 AND used_at IS NULL AND expires_at > $3",
);

impl OneTimeToken {
    fn refused(&self, now: Timestamp) -> Option<Refused> {
        if self.used_at.is_some() {
            Some(used())
        } else if now >= self.expires_at {
            Some(Refused {
                refusal: Refusal::new(ErrorCode::ExpiredToken, "the token has expired"),
                flags: &[Flag::ExpiredToken],
            })
        } else {
            None
        }
    }

    /// The token, which is of no use.
    pub fn unusable(self, refused: Refused) -> RefusedToken {
        RefusedToken { refused, token: Some(Box::new(self)) }
    }

    /// The one-time step: the call whose UPDATE finds the token unused has used it. The caller has locked the user.
    /// Refused where the token was used, replaced or ended while this call waited for the user.
    pub fn consume(&self, now: Timestamp) -> Result<Result<(), Refused>, Mistake> {
        Ok(if mark_used(now, self.id, &self.tenant_id)? { Ok(()) } else { Err(used()) })
    }
}

/// False where the token was used, replaced or ended meanwhile, or has expired.
fn mark_used(now: Timestamp, id: Id, tenant_id: &str) -> Result<bool, Mistake> {
    Ok(USE.run(&params![id, tenant_id, now])? == 1)
}

fn used() -> Refused {
    invalid_grant("the token was used before, or a newer one has ended it", &[Flag::CodeRetry])
}

// What takes a change of address back stays: who has got hold of the account must not be able to end it.
static END_ALL: Statement = Statement::latest(
    c"DELETE FROM auth_store.one_time_tokens
       WHERE user_id = $1 AND tenant_id = $2 AND used_at IS NULL AND purpose <> 'email_undo'",
);

/// Ends the unused tokens and one-time passwords of a user who is locked, but not those that take a change of address
/// back; returns how many.
pub fn end_all(user_id: Id, tenant_id: &str) -> Result<u64, Mistake> {
    END_ALL.run(&params![user_id, tenant_id])
}

static END_BEFORE: Statement = Statement::latest(
    c"WITH open AS (SELECT id, tenant_id FROM auth_store.one_time_tokens
                     WHERE id < $1 AND used_at IS NULL
                       AND purpose <> ALL ('{email_undo,invitation}') ORDER BY id FOR UPDATE)
      DELETE FROM auth_store.one_time_tokens d USING open WHERE d.id = open.id AND d.tenant_id = open.tenant_id",
);

/// Deletes the unused tokens with an id before this one, but not invitations nor those that take a change of address
/// back; returns how many.
pub fn end_before(before: Id) -> Result<u64, Mistake> {
    END_BEFORE.run(&params![before])
}

static END_UNDO: Statement = Statement::latest(
    c"DELETE FROM auth_store.one_time_tokens
       WHERE user_id = $1 AND tenant_id = $2 AND purpose = 'email_undo' AND ($3 IS NULL OR id > $3)",
);

/// Ends what takes back changes of the address, all of them or those after the one that a token of this id has taken
/// back; returns how many.
pub fn end_undo(user_id: Id, tenant_id: &str, after: Option<Id>) -> Result<u64, Mistake> {
    END_UNDO.run(&params![user_id, tenant_id, after])
}

static WAS_USED: Statement<bool> = Statement::latest(
    c"SELECT used_at IS NOT NULL FROM auth_store.one_time_tokens
       WHERE user_id = $1 AND tenant_id = $2 AND purpose = $3 AND subject = ''",
);

/// Whether the newest token of a user and a purpose that has no subject was used.
pub fn was_used(user_id: Id, tenant_id: &str, purpose: Purpose) -> Result<bool, Mistake> {
    Ok(WAS_USED.one(&params![user_id, tenant_id, purpose.as_str()])?.unwrap_or(false))
}

/// A step with a token.
pub struct Step<'a> {
    /// The event's name.
    pub event: &'static str,
    /// Where the request came from.
    pub context: &'a Context<'a>,
}

impl Step<'_> {
    /// Writes the row of a step, about this user.
    pub fn record(
        &self,
        now: Timestamp,
        tenant_id: &str,
        user_id: Option<Id>,
        refused: Option<&Refused>,
    ) -> Result<(), Mistake> {
        let event = Event {
            event: self.event,
            tenant_id,
            user_id,
            error: refused.map(|refused| refused.refusal.code),
            flags: refused.map_or(&[], |refused| refused.flags),
            context: Some(self.context),
            ..Event::default()
        };
        trail::record(now, &event).map(|_| ())
    }

    /// Does with a token that was mailed to a user what it is good for: `work` uses it, for this user by this address.
    /// Where it is refused, the trail says so.
    pub fn with_token<T>(
        &self,
        now: Timestamp,
        purpose: Purpose,
        text: Option<&str>,
        work: impl FnOnce(&OneTimeToken, Id, &str) -> Answer<T, Refused>,
    ) -> Answer<(OneTimeToken, T)> {
        let outcome = match find(now, &Snapshot::writing()?, &[purpose], text)? {
            Ok(token) => {
                let done = match (token.user_id, &token.email) {
                    (Some(user_id), Some(email)) => work(&token, user_id, email)?,
                    _ => Err(not_valid()),
                };
                match done {
                    Ok(done) => Ok((token, done)),
                    Err(refused) => Err(token.unusable(refused)),
                }
            }
            Err(unusable) => Err(unusable),
        };
        self.answer(now, outcome)
    }

    /// The outcome of a step. Where it was refused, the trail says so.
    pub fn answer<T>(&self, now: Timestamp, outcome: Result<T, RefusedToken>) -> Answer<T> {
        let RefusedToken { refused, token } = match outcome {
            Ok(done) => return Ok(Ok(done)),
            Err(unusable) => unusable,
        };
        let tenant_id = token.as_ref().map_or_else(tenant::own, |token| &token.tenant_id);
        self.record(now, tenant_id, token.as_ref().and_then(|token| token.user_id), Some(&refused))?;
        Ok(Err(refused.refusal))
    }

    /// Writes the row of a step that was done.
    pub fn done(&self, now: Timestamp, token: &OneTimeToken) -> Result<(), Mistake> {
        self.record(now, &token.tenant_id, token.user_id, None)
    }
}

#[cfg(test)]
mod tests {
    use super::Purpose;
    use crate::kernel::server::datum::Word;

    #[test]
    fn a_purpose_is_known_by_its_name_and_the_table_knows_it() {
        let table = include_str!("../../../sql/tables/one_time.sql");
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::of(purpose.as_str()), Some(purpose));
            assert!(table.contains(&format!("'{}'", purpose.as_str())), "{purpose:?}");
        }
        assert!(Purpose::ALL.is_sorted_by_key(|purpose| purpose.as_str()));
        assert_eq!(Purpose::of("magic"), None);
    }
}

//! What to think of a refresh token of a family that is neither its current one nor one that was replaced lately, where
//! the server may have lost commits.
//!
//! A token that proves by its number that it is newer than the current one was made by the store in a commit that is
//! gone. That alone does not let it in: a copy of the database with the same master key, for tests or from a backup,
//! makes such tokens too, from a stolen one that is still current there. So it must be of a time in which the server
//! may have lost commits.

use crate::kernel::crypto::token_text::{Digest, RefreshToken};
use crate::kernel::outcome::Mistake;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::grant::{Family, Grant, replaced};
use crate::oauth::token::refresh::number::{self, Number};
use crate::recovery;

/// Where a token comes from that the store does not know.
pub enum Origin {
    /// It was made in a commit that is lost, with this number.
    Newer(i32),
    /// It may have been.
    Unproven,
    /// It was replaced.
    Replaced,
}

/// The origin of a token of this family.
pub fn origin(
    now: Timestamp,
    grant: &Grant,
    family: &Family,
    token: &RefreshToken,
    whole: &Digest,
) -> Result<Origin, Mistake> {
    let is_last = || family.previous_digest.as_ref().is_some_and(|stored| replaced::is_last(whole, stored));
    Ok(match number::of(now, token) {
        Some(Number { number, made_at }) if number > family.rotation_count => {
            if recovery::may_be_lost(made_at)? { Origin::Newer(number) } else { Origin::Replaced }
        }
        Some(_) => Origin::Replaced,
        None if is_last() => Origin::Replaced,
        // What was refreshed after the commits that are lost has its present token from after them.
        None if recovery::may_be_lost_between(family.rotated_at.unwrap_or(grant.id.time()), now)? => {
            Origin::Unproven
        }
        None => Origin::Replaced,
    })
}

//! Passwords that are known from breaches: asked of a table that the operator loads, or by the application of a service
//! that is told the first five digits of a hash only.
//!
//! A row has all hashes with the same first 24 bits, five bytes of each: a billion hashes are 17 million rows of 300
//! bytes, a tenth of what a row for each would take. 64 bits of a hash are enough: beside a billion hashes one password
//! in ten billion is taken for breached that is not.

use pgrx::prelude::*;
use ring::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, digest};

use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::composite::{WipedText, composite};
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::table::{Moves, Published, Rows, Table};
use zeroize::Zeroizing;

composite! {
    /// What password_breach_prefix() returns.
    pub struct BreachPrefix = "auth_store.breach_prefix" {
        pub prefix: Option<String>,
        pub suffix: Option<WipedText>,
    }
}

#[pg_extern(immutable, parallel_safe)]
fn password_breach_prefix(password: Option<&str>) -> BreachPrefix {
    let hash = hexadecimal(&sha1(given(password, "password").or_raise()));
    let (prefix, suffix) = hash.split_at_checked(PREFIX).unwrap_or_default();
    BreachPrefix {
        prefix: Some(prefix.to_owned()),
        suffix: Some(WipedText(Zeroizing::new(suffix.to_owned()))),
    }
}

/// The facts of the table `breached_passwords`.
pub static TABLE: Table = Table {
    name: "breached_passwords",
    key: &["prefix"],
    ended: None,
    of_tenant: Rows::None,
    of_client: Rows::None,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

/// How many digits of a hash a service is told.
const PREFIX: usize = 5;
/// How many digits of a hash a row is found by.
const KEY: usize = 6;
/// How many bytes of a hash follow in the row.
const SUFFIX: usize = 5;

row! {
    struct Range in breached_passwords {
        suffixes: Vec<u8>,
    }
}

static RANGE: Lookup<Range> = Lookup::by(c"breached_passwords_pkey").shared();

/// Whether the table has the password.
pub fn has(snapshot: &Snapshot, password: &str) -> Result<bool, Mistake> {
    let hash = sha1(password);
    let digits = hexadecimal(&hash);
    let Some(range) = RANGE.find(snapshot, Key::Text(digits.get(..KEY).unwrap_or_default()))? else {
        return Ok(false);
    };
    let suffix = hash.as_ref().get(KEY / 2..KEY / 2 + SUFFIX);
    Ok(range.suffixes.chunks_exact(SUFFIX).any(|stored| Some(stored) == suffix))
}

/// The hash that the lists have. It protects nothing: the lists are of passwords that everybody knows.
fn sha1(password: &str) -> Digest {
    digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes())
}

fn hexadecimal(hash: &Digest) -> Zeroizing<String> {
    Zeroizing::new(hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect())
}

#[cfg(test)]
mod tests {
    use super::{hexadecimal, sha1};

    /// FIPS 180-4's example, and the most common password of all lists.
    #[test]
    fn a_hash_is_that_of_the_lists() {
        assert_eq!(hexadecimal(&sha1("abc")).as_str(), "A9993E364706816ABA3E25717850C26C9CD0D89D");
        assert_eq!(hexadecimal(&sha1("123456")).as_str(), "7C4A8D09CA3762AF61E59520943DC26494F8941B");
    }
}

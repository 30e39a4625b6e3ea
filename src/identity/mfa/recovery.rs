//! Recovery codes: ten of a user, each good once, for whoever has lost the second factors. 80 random bits each, in
//! Crockford's base32: nobody guesses one, and a digest of it is as good as none to whoever reads the table.

use pgrx::iter::SetOfIterator;
use pgrx::prelude::*;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::identity::mfa::{self, last};
use crate::identity::user;
use crate::kernel::crypto::token_text::{Digest, digest_matches};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Id, random};
use crate::kernel::value::inet::Inet;
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// What recovery_code_use() returns.
    pub struct RecoveryVerdict = "auth_store.recovery_verdict" {
        pub ok: bool,
        pub codes_left: Option<i32>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
    }
    refused { error, error_description }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn recovery_codes_generate(
    user_id: Option<pgrx::Uuid>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> SetOfIterator<'static, String> {
    let codes = given(user_id, "user_id")
        .and_then(|user_id| generate(clock::now(), user_id.into(), &Context { ip, user_agent }));
    SetOfIterator::new(codes.or_raise().into_iter().map(|code| code.to_string()))
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn recovery_code_use(
    user_id: Option<pgrx::Uuid>,
    code: Option<&str>,
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> RecoveryVerdict {
    let used = given(user_id, "user_id")
        .and_then(|user_id| use_code(clock::now(), user_id.into(), code, &Context { ip, user_agent }));
    match used.or_raise() {
        Ok(left) => RecoveryVerdict { ok: true, codes_left: Some(left), ..RecoveryVerdict::default() },
        Err(refusal) => RecoveryVerdict::refused(&refusal),
    }
}

const CODES: usize = 10;
/// The letters of a code; each has five bits.
const LENGTH: usize = 16;
/// Letters between two hyphens of a code as it is shown.
const GROUP: usize = 4;
/// The longest text that is looked at, in bytes.
const MAX_TEXT: usize = 64;

/// Crockford's base32 in small letters: without i, l, o and u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A recovery code in its normal form: its letters alone.
struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    fn draw() -> Result<Self, Mistake> {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        random(bytes.as_mut())?;
        let mut letters = Zeroizing::new(String::with_capacity(LENGTH));
        letters.extend(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])));
        Ok(Self(letters))
    }

    /// Reads what a user typed: any case, with or without hyphens and spaces; o is 0, i and l are 1. None if that
    /// cannot be a code.
    fn read(text: Option<&str>) -> Option<Self> {
        let text = text.filter(|text| text.len() <= MAX_TEXT)?;
        let mut letters = Zeroizing::new(String::with_capacity(LENGTH));
        for letter in text.chars().filter(|letter| !letter.is_whitespace() && *letter != '-') {
            let letter = match letter.to_ascii_lowercase() {
                'o' => '0',
                'i' | 'l' => '1',
                letter => letter,
            };
            let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || letters.len() == LENGTH {
                return None;
            }
            letters.push(letter);
        }
        (letters.len() == LENGTH).then_some(Self(letters))
    }

    /// What the user is shown: xxxx-xxxx-xxxx-xxxx.
    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH + LENGTH / GROUP));
        for (n, letter) in self.0.chars().enumerate() {
            if n > 0 && n.is_multiple_of(GROUP) {
                text.push('-');
            }
            text.push(letter);
        }
        text
    }

    /// The digest of the code in the row with this id.
    fn digest(&self, id: Id) -> Digest {
        Sha256::new().chain_update(id.bytes()).chain_update(self.0.as_bytes()).finalize().into()
    }
}

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.recovery_codes (id, user_id, created_at, tenant_id, digest)
      VALUES ($1, $2, $3, $4, $5)",
);

/// Makes a new set. The user's row is locked, so that of two sets that are made at once one is left.
fn generate(now: Timestamp, user_id: Id, context: &Context<'_>) -> Result<Vec<Zeroizing<String>>, Mistake> {
    let tenant_id = user::tenant_of(user_id)?;
    user::lock_no_key_update(user_id, &tenant_id)?.ok_or(user::UNKNOWN)?;
    last::delete_codes(user_id, &tenant_id)?;
    let mut texts = Vec::with_capacity(CODES);
    for _ in 0..CODES {
        let (id, code) = (Id::mint(now, user_id.bucket())?, RecoveryCode::draw()?);
        let digest = code.digest(id);
        INSERT.exactly_one(&params![id, user_id, now, tenant_id.as_str(), digest.as_slice()])?;
        texts.push(code.text());
    }
    trail::record(
        now,
        &Event {
            event: "recovery_codes.generated",
            tenant_id: &tenant_id,
            user_id: Some(user_id),
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(texts)
}

row! {
    struct Stored {
        id: Id,
        digest: Digest,
        used_at: Option<Timestamp>,
    }
}

static OF_USER: Statement<Stored> = Statement::write(
    c"SELECT id, digest, used_at FROM auth_store.recovery_codes WHERE user_id = $1 AND tenant_id = $2",
);

/// The one-time step: the call whose UPDATE finds the code unused has used it.
static USE: Statement = Statement::write(
    c"UPDATE auth_store.recovery_codes SET used_at = $3 WHERE id = $1 AND tenant_id = $2 AND used_at IS NULL",
);

static COUNT_LEFT: Statement<i64> = Statement::latest(
    c"SELECT count(*) FROM auth_store.recovery_codes
       WHERE user_id = $1 AND tenant_id = $2 AND used_at IS NULL",
);

const NOT_VALID: Refusal = Refusal::new(ErrorCode::InvalidGrant, "the code is not valid");

/// How many codes are left after one was used.
fn use_code(now: Timestamp, user_id: Id, text: Option<&str>, context: &Context<'_>) -> Answer<i32> {
    let (tenant_id, active) = mfa::standing(user_id)?;
    let event = || Event {
        event: "recovery_code.used",
        tenant_id: &tenant_id,
        user_id: Some(user_id),
        context: Some(context),
        ..Event::default()
    };
    let refuse = |refusal: Refusal, flags: &[Flag]| {
        trail::record(now, &Event { error: Some(refusal.code), flags, ..event() })?;
        Ok(Err(refusal))
    };
    if !active {
        return refuse(mfa::INACTIVE, &[Flag::InactiveUser]);
    }
    let Some(code) = RecoveryCode::read(text) else { return refuse(NOT_VALID, &[]) };
    let stored = OF_USER.all(&params![user_id, tenant_id.as_str()])?;
    let mut found = None;
    for row in stored {
        if digest_matches(&code.digest(row.id), &row.digest) {
            found = Some(row);
        }
    }
    let used_before = found.as_ref().is_some_and(|row| row.used_at.is_some());
    if let Some(row) = found.filter(|row| row.used_at.is_none())
        && USE.run(&params![row.id, tenant_id.as_str(), now])? == 1
    {
        let left = COUNT_LEFT.one(&params![user_id, tenant_id.as_str()])?.unwrap_or(0);
        let left = i32::try_from(left).unwrap_or(i32::MAX);
        trail::record(now, &Event { details: Some(json!({ "codes_left": left })), ..event() })?;
        return Ok(Ok(left));
    }
    refuse(NOT_VALID, if used_before { &[Flag::CodeRetry] } else { &[Flag::UnknownToken] })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{ALPHABET, RecoveryCode};
    use crate::kernel::value::id::Id;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<String> {
        RecoveryCode::read(Some(text)).map(|code| code.text().to_string())
    }

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let shown = "0123-4567-89ab-cdef";
        for text in [
            shown,
            "0123456789abcdef",
            " 0123 4567 89AB CDEF\n",
            "O123-4567-89ab-cdef",
            "oi23-4567-89ab-cdef",
            "0l23-4567-89ab-cdef",
        ] {
            assert_eq!(read(text).unwrap(), shown, "{text:?}");
        }
        for text in
            ["", "0123-4567-89ab-cde", "0123-4567-89ab-cdef0", "u123-4567-89ab-cdef", "０123-4567-89ab-cdef"]
        {
            assert!(read(text).is_none(), "{text:?}");
        }
        assert!(RecoveryCode::read(None).is_none());
    }

    #[test]
    fn drawn_codes_have_every_letter() {
        let drawn: String = (0..200).map(|_| RecoveryCode::draw().unwrap().text().to_string()).collect();
        assert!(ALPHABET.iter().all(|letter| drawn.contains(char::from(*letter))));
        assert_eq!(drawn.len(), 200 * 19);
    }

    #[test]
    fn a_digest_is_of_the_row_and_the_code() {
        let code = |text| RecoveryCode::read(Some(text)).unwrap();
        let (a, b) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
        let digest = code("0123456789abcdef").digest(a);
        assert!(digest == code("O123-4567-89AB-CDEF").digest(a));
        assert!(digest != code("0123456789abcdef").digest(b));
        assert!(digest != code("0123456789abcdeg").digest(a));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}") {
            let _ = read(&text);
        }
    }
}

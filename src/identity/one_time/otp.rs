//! Numeric one-time passwords: what a user reads in a message and types on a page.
//!
//! Few digits can all be tried by whoever reads the table, so what is stored is keyed with the vault's master key,
//! where there is one, and bound to its row.
//!
//! Of one password only so many codes are tried, each counted by one UPDATE that holds the row. Wrong codes of all
//! passwords of a user are counted as every failed attempt to log in, see `login/attempt.rs`.
//!
//! Lock order: the user, the token, then the counts of failures.

use hmac::{Hmac, Mac};
use pgrx::prelude::*;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::identity::login::attempt::{Attempt, Kind, Whom};
use crate::identity::mfa;
use crate::identity::one_time::recipient::{self, OverLimit, inactive, may_enter};
use crate::identity::one_time::{self, NewToken, OneTimeUse, Purpose, Step};
use crate::identity::policy::{self, Policy};
use crate::identity::user;
use crate::kernel::crypto::token_text::{Digest, digest_matches};
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise, Refusal, given};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::argument;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Id, random};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::trail::refused::{Refused, invalid_grant};
use crate::trail::{Context, Flag};
use crate::vault::key::master;

composite! {
    /// A one-time password that is to be sent.
    pub struct OneTimePassword = "auth_store.one_time_password" {
        pub code: Option<String>,
        pub expires_at: Option<Timestamp>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn otp_start(
    user_id: Option<pgrx::Uuid>,
    purpose: Option<&str>,
    digits: default!(Option<i32>, "6"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimePassword {
    start(clock::now(), user_id.map(Id::from), purpose, digits, &Context { ip, user_agent }).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn otp_verify(
    user_id: Option<pgrx::Uuid>,
    purpose: Option<&str>,
    code: Option<&str>,
    device_token: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> OneTimeUse {
    let context = Context { ip, user_agent };
    verify(clock::now(), user_id.map(Id::from), purpose, code, device_token, &context).or_raise()
}

/// Whose password, and what for.
struct Subject<'a> {
    user_id: Id,
    tenant_id: String,
    active: bool,
    policy: Policy,
    purpose: &'a str,
}

/// The longest text that is read as a code, in bytes.
const MAX_TEXT: usize = 64;
/// The longest purpose, in bytes.
const MAX_PURPOSE: usize = 63;

impl<'a> Subject<'a> {
    fn of(now: Timestamp, user_id: Option<Id>, purpose: Option<&'a str>) -> Result<Self, Mistake> {
        let user_id = given(user_id, "user_id")?;
        let purpose = argument::line(given(purpose, "purpose")?, "purpose")?;
        if purpose.len() > MAX_PURPOSE {
            return Err(Mistake::invalid("purpose", "1 to 63 bytes, no control characters"));
        }
        let snapshot = Snapshot::writing()?;
        let user = user::find(&snapshot, user_id)?.ok_or(user::UNKNOWN)?;
        let active = may_enter(now, &snapshot, user_id, &user.tenant_id)?;
        let policy = policy::of(&Snapshot::deciding()?, &user.tenant_id)?;
        Ok(Self { user_id, tenant_id: user.tenant_id, active, policy, purpose })
    }
}

fn start(
    now: Timestamp,
    user_id: Option<Id>,
    purpose: Option<&str>,
    digits: Option<i32>,
    context: &Context<'_>,
) -> Result<OneTimePassword, Mistake> {
    let digits = usize::try_from(digits.unwrap_or(6)).ok().filter(|digits| (6..=10).contains(digits));
    let digits = digits.ok_or(Mistake::invalid("digits", "6 to 10"))?;
    let subject = Subject::of(now, user_id, purpose)?;
    let step = Step { event: "otp.created", context };
    let told = |refused| step.record(now, &subject.tenant_id, Some(subject.user_id), refused);
    if !subject.active {
        told(Some(&inactive()))?;
        return Ok(OneTimePassword::refused(&inactive().refusal));
    }
    let kind = format!("otp:{}", subject.purpose);
    let recipient = subject.user_id.to_string();
    let over = recipient::count(now, &subject.policy, &subject.tenant_id, &kind, &recipient)?;
    if let Some(OverLimit { refused, is_told }) = over {
        if is_told {
            told(Some(&refused))?;
        }
        return Ok(OneTimePassword::refused(&refused.refusal));
    }
    if !user::lock_key_share(subject.user_id, &subject.tenant_id, None)? {
        return Err(user::UNKNOWN);
    }
    let (id, code) = (Id::mint(now, subject.user_id.bucket())?, draw(digits)?);
    let key = if master::is_configured() { Some(master::newest()?) } else { None };
    let digest = digest_of(key.as_ref().map_or(&[], |key| key.bytes().as_slice()), id, &code);
    let expires_at = now.plus_seconds(subject.policy.otp_ttl);
    let new = NewToken {
        purpose: Purpose::Otp,
        tenant_id: &subject.tenant_id,
        user_id: Some(subject.user_id),
        subject: subject.purpose,
        email: None,
        details: Jsonb::empty_object(),
        expires_at,
    };
    let key_id = key.as_ref().map(|key| key.id.as_str());
    one_time::store(now, new, id, &digest, key_id)?;
    told(None)?;
    Ok(OneTimePassword {
        code: Some(code.to_string()),
        expires_at: Some(expires_at),
        ..OneTimePassword::default()
    })
}

/// So many digits, each as likely as another.
fn draw(digits: usize) -> Result<Zeroizing<String>, Mistake> {
    // A multiple of ten: with the bytes below it each digit is equally likely.
    const FAIR: u8 = 250;
    let mut code = Zeroizing::new(String::with_capacity(digits));
    while code.len() < digits {
        let mut bytes = Zeroizing::new([0; 16]);
        random(bytes.as_mut())?;
        let fair = bytes.iter().filter(|byte| **byte < FAIR);
        for byte in fair.take(digits - code.len()) {
            code.push(char::from(b'0' + byte % 10));
        }
    }
    Ok(code)
}

/// What a user typed: digits of ASCII, with spaces and hyphens between them. None if that cannot be a code.
fn read(text: Option<&str>) -> Option<Zeroizing<String>> {
    let text = text.filter(|text| text.len() <= MAX_TEXT)?;
    let mut code = Zeroizing::new(String::with_capacity(text.len()));
    for character in text.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        if !character.is_ascii_digit() {
            return None;
        }
        code.push(character);
    }
    (6..=10).contains(&code.len()).then_some(code)
}

/// What the table keeps of a code.
fn digest_of(key: &[u8], id: Id, code: &str) -> Digest {
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(key);
    // A key of HMAC has any length.
    mac.map_or([0; 32], |mac| {
        mac.chain_update(b"auth_store otp\0")
            .chain_update(id.bytes())
            .chain_update(code)
            .finalize()
            .into_bytes()
            .into()
    })
}

row! {
    /// A password of which a code is tried.
    struct Tried {
        id: Id,
        digest: Digest,
        key_id: Option<String>,
        tries: i32,
    }
}

// Each try is counted before it is compared, and holds the row until the transaction ends: of many at once as many are
// compared as are left.
static TRY: Statement<Tried> = Statement::write(
    c"UPDATE auth_store.one_time_tokens SET tries = tries + 1
       WHERE user_id = $1 AND tenant_id = $2 AND purpose = 'otp' AND subject = $3 AND used_at IS NULL
         AND expires_at > $4 AND tries < $5
      RETURNING {columns}",
);

fn verify(
    now: Timestamp,
    user_id: Option<Id>,
    purpose: Option<&str>,
    code: Option<&str>,
    device_token: Option<&str>,
    context: &Context<'_>,
) -> Result<OneTimeUse, Mistake> {
    let subject = Subject::of(now, user_id, purpose)?;
    let step = Step { event: "otp.verified", context };
    let told = |refused| step.record(now, &subject.tenant_id, Some(subject.user_id), refused);
    let decided = decide(now, &subject, read(code), context)?;
    match decided {
        Ok(()) => {
            told(None)?;
            // The code is one factor.
            let demand = mfa::demand_from(now, subject.user_id, &subject.tenant_id, device_token)?;
            Ok(OneTimeUse {
                user_id: Some(subject.user_id),
                amr: Some(vec!["otp".into()]),
                mfa_required: Some(demand.is_required(now)),
                mfa_enrollment_due_at: demand.due_at(),
                tenant_id: Some(subject.tenant_id),
                ..OneTimeUse::default()
            })
        }
        Err(OverLimit { refused, is_told }) => {
            if is_told {
                told(Some(&refused))?;
            }
            Ok(OneTimeUse::refused(&refused.refusal))
        }
    }
}

fn decide(
    now: Timestamp,
    subject: &Subject<'_>,
    code: Option<Zeroizing<String>>,
    context: &Context<'_>,
) -> Result<Result<(), OverLimit>, Mistake> {
    let refuse = |refused| Ok(Err(OverLimit { refused, is_told: true }));
    let Some(code) = code else { return refuse(invalid_grant("this is no one-time password", &[])) };
    if !subject.active {
        return refuse(inactive());
    }
    let whom = Whom::User(subject.user_id);
    let attempt = Attempt::new(Kind::OneTime, &subject.tenant_id, &subject.policy, &whom, None, context);
    if let Err(refusal) = attempt.begin(now)? {
        let refused = Refused { refusal, flags: &[Flag::LockedOut] };
        return Ok(Err(OverLimit { refused, is_told: attempt.audit_due(now)? }));
    }
    let key = params![
        subject.user_id,
        subject.tenant_id.as_str(),
        subject.purpose,
        now,
        subject.policy.otp_max_attempts
    ];
    let Some(tried) = TRY.one(&key)? else { return refuse(why_not(now, subject)?) };
    if !is_right(now, &tried, &code)? {
        let wrong = Refusal::new(ErrorCode::InvalidGrant, "the one-time password is wrong");
        let failure = attempt.fail(now)?;
        let flags: &[Flag] = match failure.flag {
            None if tried.tries < subject.policy.otp_max_attempts => &[Flag::WrongCode],
            Some(Flag::LockedOut) => &[Flag::LockedOut, Flag::WrongCode],
            _ => &[Flag::TooManyFailures, Flag::WrongCode],
        };
        return refuse(Refused { refusal: failure.refusal(now, wrong), flags });
    }
    if let Err(lock) = attempt.pass(now)? {
        return refuse(Refused { refusal: lock.refusal(now), flags: &[Flag::LockedOut] });
    }
    match one_time::mark_used(now, tried.id, &subject.tenant_id)? {
        true => Ok(Ok(())),
        false => refuse(invalid_grant(NONE, &[])),
    }
}

const NONE: &str = "there is no one-time password";

row! {
    struct Untried {
        used: bool,
        ended: bool,
    }
}

static UNTRIED: Statement<Untried> = Statement::latest(
    c"SELECT used_at IS NOT NULL AS used, expires_at <= $4 AS ended FROM auth_store.one_time_tokens
       WHERE user_id = $1 AND tenant_id = $2 AND purpose = 'otp' AND subject = $3",
);

/// Why no code can be tried.
fn why_not(now: Timestamp, subject: &Subject<'_>) -> Result<Refused, Mistake> {
    let key = params![subject.user_id, subject.tenant_id.as_str(), subject.purpose, now];
    Ok(match UNTRIED.one(&key)? {
        None => invalid_grant(NONE, &[]),
        Some(Untried { used: true, .. }) => {
            invalid_grant("the one-time password was used before", &[Flag::CodeRetry])
        }
        Some(Untried { ended: true, .. }) => Refused {
            refusal: Refusal::new(ErrorCode::ExpiredToken, "the one-time password has expired"),
            flags: &[Flag::ExpiredToken],
        },
        Some(_) => invalid_grant(
            "too many codes were tried of this one-time password: it is dead",
            &[Flag::TooManyFailures],
        ),
    })
}

/// A password whose key is gone cannot be right.
fn is_right(now: Timestamp, tried: &Tried, code: &str) -> Result<bool, Mistake> {
    let key = match &tried.key_id {
        None => None,
        Some(key_id) => match master::find(now, key_id)? {
            None => return Ok(false),
            key => key,
        },
    };
    let digest = digest_of(key.as_ref().map_or(&[], |key| key.bytes().as_slice()), tried.id, code);
    Ok(digest_matches(&digest, &tried.digest))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{digest_of, draw, read};
    use crate::kernel::value::id::Id;
    use proptest::prelude::*;

    fn typed(text: &str) -> Option<String> {
        read(Some(text)).map(|code| code.to_string())
    }

    #[test]
    fn spaces_and_hyphens_do_not_count() {
        for text in ["123456", " 123 456\n", "123-456", "1 2 3 4 5 6", "123\u{a0}456"] {
            assert_eq!(typed(text).as_deref(), Some("123456"), "{text:?}");
        }
        for text in
            ["", "12345", "12345678901", "12345a", "１２３４５６", "+123456", "123.456", "\u{661}23456"]
        {
            assert_eq!(typed(text), None, "{text:?}");
        }
        assert_eq!(typed(&format!("{}123456", " ".repeat(59))), None);
        assert!(read(None).is_none());
    }

    #[test]
    fn a_code_has_as_many_digits_as_asked_for_and_each_of_them() {
        for digits in 6..=10 {
            let code = draw(digits).unwrap();
            assert_eq!(typed(&code).as_deref(), Some(code.as_str()));
            assert_eq!(code.len(), digits);
        }
        let drawn: String = (0..200).map(|_| draw(10).unwrap().to_string()).collect();
        assert!(('0'..='9').all(|digit| drawn.contains(digit)));
    }

    /// RFC 4231 section 4.3 is the same HMAC: here it is bound to key, row and digits.
    #[test]
    fn a_digest_is_of_the_key_the_row_and_the_digits() {
        let (one, other) = (Id::from_bytes([1; 16]), Id::from_bytes([2; 16]));
        let digest = digest_of(b"key", one, "123456");
        assert!(digest == digest_of(b"key", one, "123456") && digest != [0; 32]);
        assert!(digest != digest_of(b"kez", one, "123456"));
        assert!(digest != digest_of(&[], one, "123456"));
        assert!(digest != digest_of(b"key", other, "123456"));
        assert!(digest != digest_of(b"key", one, "123457"));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(text in "\\PC{0,80}") {
            let _ = read(Some(&text));
        }
    }
}

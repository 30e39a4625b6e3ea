//! Whether an API key allows a request. `api_key_verify` reads two rows by index (the key and its owner) and
//! writes nothing; `api_key_touch` also counts the key's rate limit and notes its use.

pub mod many;

use pgrx::prelude::*;

use crate::api_key::import;
use crate::identity::{tenant, user};
use crate::kernel::crypto::token_text::{self, Digest};
use crate::kernel::outcome::{Answer, ErrorCode, Mistake, OrRaise};
use crate::kernel::server::composite::composite;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::version;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::{Cidrs, Inet};
use crate::kernel::value::jsonb::Jsonb;
use crate::limit;
use crate::oauth::client;
use crate::rfc::scope::{self, Scope};
use crate::trail::{self, Context, Event, Flag};

composite! {
    /// A key's state, and why it does not suffice. If the key is not active, all columns except `valid` and the error
    /// are NULL.
    pub struct ApiKeyState = "auth_store.api_key_state" {
        pub valid: bool,
        pub api_key_id: Option<Id>,
        pub name: Option<String>,
        pub user_id: Option<Id>,
        pub client_id: Option<String>,
        pub tenant_id: Option<String>,
        pub scope: Option<String>,
        pub expires_at: Option<Timestamp>,
        pub metadata: Option<Jsonb>,
        pub error: Option<&'static str>,
        pub error_description: Option<&'static str>,
    }
}

composite! {
    /// The same after a use that counts.
    pub struct ApiKeyUse = "auth_store.api_key_use" {
        pub state: ApiKeyState,
        pub retry_after: Option<i32>,
        pub external_id: Option<String>,
    }
}

#[pg_extern(stable, parallel_safe)]
fn api_key_verify(
    api_key: Option<&str>,
    required_scope: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
) -> ApiKeyState {
    let now = clock::now();
    verify(&Snapshot::reading(), now, api_key, required_scope, ip.as_ref()).map(ApiKeyState::from).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn api_key_touch(
    api_key: Option<&str>,
    required_scope: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ApiKeyUse {
    let now = clock::now();
    touch(now, api_key, required_scope, &Context { ip, user_agent }).or_raise()
}

row! {
    /// A key's row, as far as verification needs it.
    struct ApiKey in api_keys {
        id: Id,
        digest: Digest,
        previous_digest: Option<Digest>,
        /// The end of the overlap; once [`ApiKey::presented`] has seen the text, None for the present one.
        previous_expires_at: Option<Timestamp>,
        tenant_id: String,
        tenant_suspended: bool,
        user_id: Option<Id>,
        client_id: Option<String>,
        name: String,
        scope: String,
        metadata: Jsonb,
        allowed_cidrs: Option<Cidrs>,
        rate_limit_per_hour: Option<i32>,
        last_used_at: Option<Timestamp>,
        expires_at: Option<Timestamp>,
        revoked_at: Option<Timestamp>,
    }
}

static BY_ID: Lookup<ApiKey> = Lookup::by(c"api_keys_pkey").remembered();

impl ApiKey {
    /// The key, if the digest is its present one or the one before.
    fn presented(mut self, digest: &Digest) -> Option<Self> {
        if token_text::digest_matches(digest, &self.digest) {
            self.previous_expires_at = None;
            return Some(self);
        }
        let replaced = self.previous_digest.is_some_and(|former| token_text::digest_matches(digest, &former));
        (replaced && self.previous_expires_at.is_some()).then_some(self)
    }

    /// The application's key of the user whose the key is, or why the key does not work at all, for the audit trail.
    fn live(&self, snapshot: &Snapshot, now: Timestamp) -> Answer<Option<String>, &'static [Flag]> {
        self.live_by(now, |id| user::active(snapshot, id), |client_id| client::is_usable(snapshot, client_id))
    }

    /// The same where `active_user` finds the user, and `is_usable` says whether the client works.
    fn live_by(
        &self,
        now: Timestamp,
        active_user: impl FnOnce(Id) -> Result<Option<user::Standing>, Mistake>,
        is_usable: impl FnOnce(&str) -> Result<bool, Mistake>,
    ) -> Answer<Option<String>, &'static [Flag]> {
        let past = |end: Option<Timestamp>| end.is_some_and(|end| now >= end);
        if self.revoked_at.is_some() {
            return Ok(Err(&[Flag::RevokedToken]));
        }
        if past(self.expires_at) || past(self.previous_expires_at) {
            return Ok(Err(&[Flag::ExpiredToken]));
        }
        let mut external_id = None;
        if let Some(user_id) = self.user_id {
            match active_user(user_id)? {
                Some(user) => external_id = user.external_id,
                None => return Ok(Err(&[Flag::InactiveUser])),
            }
        }
        let client = match &self.client_id {
            Some(client_id) => is_usable(client_id)?,
            None => true,
        };
        Ok(if client && !self.tenant_suspended { Ok(external_id) } else { Err(&[Flag::InactiveClient]) })
    }

    fn allows(&self, address: Option<&Inet>) -> bool {
        match (&self.allowed_cidrs, address) {
            (None, _) => true,
            (Some(networks), Some(address)) => networks.contain(address),
            (Some(_), None) => false,
        }
    }
}

/// Whether a text may be a key's.
fn is_readable(text: &str) -> bool {
    !text.is_empty() && text.len() <= token_text::MAX_TEXT
}

/// The key with this text, live or not. A text that names no row here may be one of another store.
fn find(snapshot: &Snapshot, text: &str) -> Result<Option<ApiKey>, Mistake> {
    if !is_readable(text) {
        version::ensure_ready()?;
        return Ok(None);
    }
    match token_text::parse_api_key(text) {
        None => imported(snapshot, &token_text::digest(text)),
        Some(key) => match BY_ID.find(snapshot, Key::Id(key.id))? {
            Some(found) => Ok(found.presented(&key.digest)),
            None => imported(snapshot, &key.digest),
        },
    }
}

/// The key of another store whose text has this digest.
fn imported(snapshot: &Snapshot, digest: &Digest) -> Result<Option<ApiKey>, Mistake> {
    match import::find(snapshot, digest)? {
        Some(id) => Ok(BY_ID.find(snapshot, Key::Id(id))?.and_then(|key| key.presented(digest))),
        None => Ok(None),
    }
}

/// The answer to the question whether the key allows the request.
pub struct KeyVerdict {
    /// The key, if the text is right.
    key: Option<ApiKey>,
    external_id: Option<String>,
    pub refusal: Option<(ErrorCode, &'static str)>,
    flags: &'static [Flag],
}

impl KeyVerdict {
    fn inactive(key: Option<ApiKey>, flags: &'static [Flag]) -> Self {
        let refusal = Some((ErrorCode::InvalidToken, "the API key is not active"));
        Self { key, external_id: None, refusal, flags }
    }

    fn unknown(text: &str) -> Self {
        let formed = token_text::parse_api_key(text).is_some();
        Self::inactive(None, if formed { &[Flag::UnknownToken] } else { &[] })
    }

    /// When the text that was presented ends, with its key or, after a rotation, before.
    pub fn ends(&self) -> Option<Timestamp> {
        let key = self.key.as_ref()?;
        [key.expires_at, key.previous_expires_at].into_iter().flatten().min()
    }
}

/// Whether the key with this id works: for what was found out by its text before.
pub fn is_active(snapshot: &Snapshot, now: Timestamp, id: Id) -> Result<bool, Mistake> {
    let Some(key) = BY_ID.find(snapshot, Key::Id(id))? else { return Ok(false) };
    Ok(ApiKey { previous_expires_at: None, ..key }.live(snapshot, now)?.is_ok())
}

/// Whether a key works, and is good for what is asked.
pub fn verify(
    snapshot: &Snapshot,
    now: Timestamp,
    text: Option<&str>,
    required_scope: Option<&str>,
    address: Option<&Inet>,
) -> Result<KeyVerdict, Mistake> {
    let required = required(required_scope)?;
    let text = text.unwrap_or_default();
    let Some(key) = find(snapshot, text)? else { return Ok(KeyVerdict::unknown(text)) };
    let live = key.live(snapshot, now)?;
    Ok(judge(key, live, required.as_ref(), address))
}

/// The scope that is required; None: none is.
fn required(text: Option<&str>) -> Result<Option<Scope<'_>>, Mistake> {
    let accepted =
        Mistake::invalid("required_scope", "scope tokens of RFC 6749 section 3.3 without an asterisk");
    let scope = |text| scope::parse(text).filter(|scope| !scope.has_asterisk()).ok_or(accepted);
    text.map(scope).transpose()
}

/// Whether a key, of which it is known whether it works at all, is good for what is asked.
fn judge(
    key: ApiKey,
    live: Result<Option<String>, &'static [Flag]>,
    required: Option<&Scope<'_>>,
    address: Option<&Inet>,
) -> KeyVerdict {
    let external_id = match live {
        Ok(external_id) => external_id,
        Err(flags) => return KeyVerdict::inactive(Some(key), flags),
    };
    let enough =
        required.is_none_or(|required| scope::parse(&key.scope).is_some_and(|scope| scope.covers(required)));
    let (refusal, flags): (_, &[Flag]) = if !key.allows(address) {
        let refusal = (ErrorCode::AccessDenied, "the API key is not allowed from this address");
        (Some(refusal), &[Flag::WrongNetwork])
    } else if !enough {
        (Some((ErrorCode::InsufficientScope, "the API key lacks a required scope")), &[])
    } else {
        (None, &[])
    };
    KeyVerdict { key: Some(key), external_id, refusal, flags }
}

/// Seconds between two writes of a key's last use.
const USE_INTERVAL: i64 = 60;

// Never waits: the holder of the row's lock is noting a use, or changing the key, which the next use will see.
static MARK_USED: Statement = Statement::write(
    c"WITH due AS (SELECT id, tenant_id FROM auth_store.api_keys
                    WHERE id = $1 AND tenant_id = $2 AND revoked_at IS NULL
                      AND (last_used_at IS NULL OR last_used_at <= $5)
                      FOR NO KEY UPDATE SKIP LOCKED)
      UPDATE auth_store.api_keys k SET last_used_at = $3, last_used_ip = $4
        FROM due
       WHERE k.id = due.id AND k.tenant_id = due.tenant_id AND k.revoked_at IS NULL
         AND (k.last_used_at IS NULL OR k.last_used_at <= $5)",
);

fn touch(
    now: Timestamp,
    text: Option<&str>,
    required_scope: Option<&str>,
    context: &Context<'_>,
) -> Result<ApiKeyUse, Mistake> {
    let snapshot = Snapshot::deciding()?;
    let mut verdict = verify(&snapshot, now, text, required_scope, context.ip.as_ref())?;
    drop(snapshot);
    let mut retry_after = None;
    let mut told = true;
    if let (Some(key), None) = (&verdict.key, verdict.refusal) {
        match over_limit(now, key)? {
            Some(wait) => {
                verdict.refusal =
                    Some((ErrorCode::TemporarilyUnavailable, "the rate limit of the API key is used up"));
                verdict.flags = &[Flag::RateLimited];
                retry_after = Some(wait);
                told = limit::audit_due(now, &key.tenant_id, &limit_key(key))?;
            }
            None => told = mark_used(now, key, context)?,
        }
    }
    if told {
        record(now, &verdict, context)?;
    }
    let external_id = verdict.external_id.take();
    Ok(ApiKeyUse { state: verdict.into(), retry_after, external_id })
}

/// Counts a use of the key; the seconds to wait where its limit is used up.
fn over_limit(now: Timestamp, key: &ApiKey) -> Result<Option<i32>, Mistake> {
    let Some(per_hour) = key.rate_limit_per_hour else { return Ok(None) };
    let hit = limit::hit(now, &key.tenant_id, &limit_key(key), per_hour, limit::HOUR, 1)?;
    Ok((!hit.allowed).then_some(hit.retry_after))
}

fn limit_key(key: &ApiKey) -> String {
    format!("api_key:{}", key.id)
}

/// Notes the use of a key, unless one was noted within the last minute.
fn mark_used(now: Timestamp, key: &ApiKey, context: &Context<'_>) -> Result<bool, Mistake> {
    let before = now.plus_seconds(-USE_INTERVAL);
    if key.last_used_at.is_some_and(|last| last > before) {
        return Ok(false);
    }
    let rows = MARK_USED.run(&params![key.id, key.tenant_id.as_str(), now, context.ip.clone(), before])?;
    Ok(rows == 1)
}

/// The audit row of a refusal, or of the use that was noted.
fn record(now: Timestamp, verdict: &KeyVerdict, context: &Context<'_>) -> Result<(), Mistake> {
    let key = verdict.key.as_ref();
    let id = key.map(|key| key.id.to_string());
    trail::record(
        now,
        &Event {
            event: "api_key.used",
            tenant_id: key.map_or(tenant::own(), |key| &key.tenant_id),
            client_id: key.and_then(|key| key.client_id.as_deref()),
            user_id: key.and_then(|key| key.user_id),
            resource_type: id.as_ref().map(|_| "api_key"),
            resource_id: id.as_deref(),
            error: verdict.refusal.map(|(code, _)| code),
            flags: verdict.flags,
            context: Some(context),
            ..Event::default()
        },
    )?;
    Ok(())
}

impl From<KeyVerdict> for ApiKeyState {
    fn from(verdict: KeyVerdict) -> Self {
        let answer = match (verdict.refusal, verdict.key) {
            // A token or key that is not active for the caller shows nothing of itself.
            (Some((ErrorCode::InvalidToken, _)), _) | (_, None) => Self::default(),
            (refusal, Some(key)) => Self {
                valid: refusal.is_none(),
                api_key_id: Some(key.id),
                name: Some(key.name),
                user_id: key.user_id,
                client_id: key.client_id,
                tenant_id: Some(key.tenant_id),
                scope: Some(key.scope),
                expires_at: key.expires_at,
                metadata: Some(key.metadata),
                error: None,
                error_description: None,
            },
        };
        let (code, description) = verdict.refusal.unzip();
        Self { error: code.map(ErrorCode::as_str), error_description: description, ..answer }
    }
}

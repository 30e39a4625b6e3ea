//! Client secrets and the authentication of clients (RFC 6749 section 2.3).
//!
//! A generated secret is found by the id it carries and compared by digest. Imported ones are hashes of
//! another store, verified in Rust.

use pgrx::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

use crate::identity::tenant;
use crate::kernel::crypto::password::secret_hash;
use crate::kernel::crypto::token_text::{self, Digest, Kind};
use crate::kernel::outcome::{Answer, Mistake, OrRaise, given};
use crate::kernel::server::batch::delete_ended;
use crate::kernel::server::composite::composite;
use crate::kernel::server::datum::Word;
use crate::kernel::server::lookup::{Key, Lookup, Snapshot};
use crate::kernel::server::row::row;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::state;
use crate::kernel::server::table::{Ended, Moves, Published, Rows, Table, delete_by};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::inet::Inet;
use crate::kernel::value::interval;
use crate::oauth::client::authenticate::refused::{FAILED, RefusedClient, conclude, tell};
use crate::oauth::client::metadata::AuthMethod;
use crate::oauth::client::{self, Client};
use crate::rfc::parameter;
use crate::trail::refused::Refused;
use crate::trail::{self, Context, Event, Flag};
use crate::vault::holder::{Holder, holder};
use crate::vault::key::{self, DataKey, SealPlace};

composite! {
    /// What client_authenticate() returns.
    pub struct ClientAuthentication = "auth_store.client_authentication" {
        pub ok: Option<bool>,
        pub client_id: Option<String>,
        pub tenant_id: Option<String>,
        pub error: Option<&'static str>,
        pub error_description: Option<String>,
        pub retry_after: Option<i32>,
    }
    refused { error, error_description, retry_after }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_authenticate(
    client_id: Option<&str>,
    client_secret: default!(Option<&str>, "NULL"),
    ip: default!(Option<Inet>, "NULL"),
    user_agent: default!(Option<&str>, "NULL"),
) -> ClientAuthentication {
    let credentials = Credentials::new(client_id, client_secret, None);
    match log_in(clock::now(), &credentials, &Context { ip, user_agent }).or_raise() {
        Ok(client) => ClientAuthentication {
            ok: Some(true),
            client_id: Some(client.id),
            tenant_id: Some(client.tenant_id),
            ..ClientAuthentication::default()
        },
        Err(refusal) => ClientAuthentication { ok: Some(false), ..ClientAuthentication::refused(&refusal) },
    }
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_secret_rotate(client_id: Option<&str>, overlap: default!(Option<Interval>, "'0'")) -> String {
    rotate(clock::now(), client_id, overlap).or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn client_secret_import(client_id: Option<&str>, secret_hash: Option<&str>) -> bool {
    import(clock::now(), client_id, secret_hash).or_raise();
    true
}

/// What a request says about its sender.
pub struct Credentials<'a> {
    /// The client_id.
    pub client_id: Option<&'a str>,
    /// The client_secret.
    pub secret: Option<&'a str>,
    /// Whether the application has authenticated the client itself.
    pub authenticated: bool,
}

impl<'a> Credentials<'a> {
    /// The arguments `client_id`, `client_secret` and `client_authenticated` of a function; NULL for the last is
    /// false. An empty secret is the same as none (RFC 6749 section 2.3.1).
    pub fn new(client_id: Option<&'a str>, secret: Option<&'a str>, authenticated: Option<bool>) -> Self {
        Self { client_id, secret: parameter::value(secret), authenticated: authenticated == Some(true) }
    }
}

/// The answer to a client that was deleted while its request was under way.
pub fn unknown() -> Refused {
    Refused { refusal: FAILED, flags: &[Flag::UnknownClient] }
}

fn authenticate(
    snapshot: &Snapshot,
    now: Timestamp,
    credentials: &Credentials<'_>,
    context: &Context<'_>,
) -> Answer<Client, RefusedClient> {
    let found = match credentials.client_id {
        Some(client_id) => snapshot.newest(|snapshot| client::find(snapshot, client_id))?,
        None => None,
    };
    let Some(client) = found else { return Ok(Err(RefusedClient::unknown(tenant::own()))) };
    let tries_secret = !credentials.authenticated && credentials.secret.is_some();
    if tries_secret && let Some(refused) = RefusedClient::of_network(now, &client, context)? {
        return Ok(Err(refused));
    }
    let authentic = is_authentic(snapshot, now, &client, credentials)?;
    let failed: &[Flag] = &[Flag::WrongSecret];
    conclude(now, client, if authentic { Ok(()) } else { Err(failed) }, context)
}

fn is_authentic(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
    credentials: &Credentials<'_>,
) -> Result<bool, Mistake> {
    match credentials.secret {
        _ if credentials.authenticated => Ok(true),
        None => Ok(!client.is_confidential()),
        Some(secret) if client.token_endpoint_auth_method.uses_secret() => {
            secret_matches(snapshot, now, client, secret)
        }
        Some(_) => Ok(false),
    }
}

/// The facts of the table `client_secrets`.
pub static TABLE: Table = Table {
    name: "client_secrets",
    key: &["id", "tenant_id"],
    ended: Some(Ended {
        statement: delete_ended!(sparse "auth_store.client_secrets", "expires_at <= $3"),
        times: |now| Vec::from(params![now.plus_seconds(-KEPT_AFTER_EXPIRY)]),
    }),
    of_tenant: Rows::Deleted(delete_by!(latest "client_secrets", "tenant_id")),
    of_client: Rows::Cascade,
    of_user: None,
    published: Published::TakeOver,
    moves: Moves::Shared,
    restored: true,
};

row! {
    struct Secret in client_secrets {
        client_id: String,
        digest: Option<Digest>,
        expires_at: Option<Timestamp>,
    }
}

static SECRET: Lookup<Secret> = Lookup::by(c"client_secrets_pkey");

/// Whether the text is one of the client's secrets.
pub(super) fn secret_matches(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
    text: &str,
) -> Result<bool, Mistake> {
    if let Some(presented) = token_text::parse(Kind::ClientSecret, Some(text)) {
        // A secret that has ended or was withdrawn since the transaction began no longer works.
        let newer = if state::has_one_snapshot() { Some(Snapshot::deciding()?) } else { None };
        let snapshot = newer.as_ref().unwrap_or(snapshot);
        let matches = SECRET.find(snapshot, Key::Id(presented.id))?.is_some_and(|secret| {
            secret.digest.is_some_and(|digest| token_text::digest_matches(&presented.digest, &digest))
                && secret.client_id == client.id
                && secret.expires_at.is_none_or(|end| now < end)
        });
        if matches {
            return Ok(true);
        }
    }
    imported_matches(now, client, text)
}

row! {
    struct Imported {
        digest: Option<Vec<u8>>,
        secret_hash: Option<String>,
    }
}

// A secret that came as its SHA-256 has an id that its text does not say, so all live ones of the client are compared.
static IMPORTED: Statement<Imported> = Statement::latest(
    c"SELECT {columns} FROM auth_store.client_secrets
       WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
);

fn imported_matches(now: Timestamp, client: &Client, text: &str) -> Result<bool, Mistake> {
    if text.len() > token_text::MAX_TEXT {
        return Ok(false);
    }
    let secrets = IMPORTED.all(&params![client.id.as_str(), now])?;
    let presented = token_text::digest(text);
    let is = |digest: &Vec<u8>| token_text::digest_matches(&presented, digest);
    if secrets.iter().filter_map(|secret| secret.digest.as_ref()).any(is) {
        return Ok(true);
    }
    for hash in secrets.iter().filter_map(|secret| secret.secret_hash.as_ref()) {
        // Each computation takes long, so look for a cancellation before it.
        pgrx::check_for_interrupts!();
        if secret_hash::verify(text, hash)? {
            return Ok(true);
        }
    }
    pgrx::check_for_interrupts!();
    Ok(false)
}

fn log_in(now: Timestamp, credentials: &Credentials<'_>, context: &Context<'_>) -> Answer<Client> {
    let client = match admit(&Snapshot::deciding()?, now, AUTHENTICATED, credentials, context)? {
        Ok(client) => client,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let event = Event { tenant_id: &client.tenant_id, ..step(AUTHENTICATED, credentials, context) };
    trail::record(now, &event)?;
    Ok(Ok(client))
}

/// The event of an authentication that is a step of its own.
pub const AUTHENTICATED: &str = "client.authenticated";

/// Identifies the client, checks its secret, and counts the request if the client has a limit. On failure writes the
/// audit row of the step that fails with it.
pub fn admit(
    snapshot: &Snapshot,
    now: Timestamp,
    event: &str,
    credentials: &Credentials<'_>,
    context: &Context<'_>,
) -> Answer<Client> {
    match authenticate(snapshot, now, credentials, context)? {
        Ok(client) => Ok(Ok(client)),
        Err(denied) => tell(now, denied, step(event, credentials, context)).map(Err),
    }
}

fn step<'a>(event: &'a str, credentials: &Credentials<'a>, context: &'a Context<'a>) -> Event<'a> {
    Event { event, client_id: credentials.client_id, context: Some(context), ..Event::default() }
}

/// How many secrets of a client work at a time: each costs one more comparison, and is one more to lose.
const MAX_LIVE: i64 = 5;

const MAX_OVERLAP: i64 = 365 * 86_400;

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.client_secrets (id, created_at, tenant_id, client_id, digest, secret_hash, key_id, sealed)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

/// What keeps the secrets of a client that has some.
pub struct Keeper {
    /// The data key that seals a copy, for a client that signs with its secret.
    key: Option<DataKey>,
}

impl Keeper {
    /// Of a client that authenticates so; None if it has no secret. Call it before the client's row is locked: a data
    /// key may have to be made.
    pub fn of(now: Timestamp, tenant_id: &str, method: AuthMethod) -> Result<Option<Self>, Mistake> {
        let key = if method.is_sealed() { Some(key::current(now, tenant_id)?) } else { None };
        Ok(method.has_secret().then_some(Self { key }))
    }

    /// The same of a client that is to authenticate by the method of this name; None: as it does.
    pub fn named(
        now: Timestamp,
        tenant_id: &str,
        client_id: &str,
        method: Option<&str>,
    ) -> Result<Option<Self>, Mistake> {
        let method = match method {
            Some(name) => AuthMethod::of(name),
            None => client::find(&Snapshot::writing()?, client_id)?
                .map(|client| client.token_endpoint_auth_method),
        };
        method.map_or(Ok(None), |method| Self::of(now, tenant_id, method))
    }

    /// Makes a secret of a client, whose row is locked or new, and returns its text.
    pub fn add(self, now: Timestamp, tenant_id: &str, client_id: &str) -> Result<String, Mistake> {
        let mut minted = token_text::mint(Kind::ClientSecret, now, Bucket::of(&[client_id]))?;
        let (mut key, mut sealed) = (self.key, None);
        if let Some(key) = &mut key {
            while !key::lock_key_share(key)? {
                // Rekeying has just deleted it.
                *key = key::current(now, tenant_id)?;
                pgrx::check_for_interrupts!();
            }
            sealed = Some(key.seal(place(minted.id), minted.text.as_bytes())?);
        }
        INSERT.exactly_one(&params![
            minted.id,
            now,
            tenant_id,
            client_id,
            minted.digest.as_slice(),
            None::<&str>,
            key.map(|key| key.id),
            sealed
        ])?;
        Ok(std::mem::take(&mut *minted.text))
    }
}

/// The sealed column, as its values are bound to it.
const SEALED: &str = "sealed";

/// The sealed values of the table `client_secrets`.
pub static HOLDER: Holder = holder!("client_secrets", "client secret", "sealed");

fn place(id: Id) -> SealPlace {
    SealPlace { table: TABLE.name, row: id, column: SEALED }
}

row! {
    struct SealedSecret in client_secrets {
        id: Id,
        expires_at: Option<Timestamp>,
        key_id: Option<Id>,
        sealed: Option<Vec<u8>>,
    }
}

static SEALED_SECRETS: Lookup<SealedSecret> = Lookup::by(c"client_secrets_client_idx");

/// The live secrets that a client signs its assertions with. An unreadable one is a mistake: the vault's operator must
/// know.
pub fn signing(
    snapshot: &Snapshot,
    now: Timestamp,
    client: &Client,
) -> Result<Vec<Zeroizing<Vec<u8>>>, Mistake> {
    let mut texts = Vec::new();
    for secret in SEALED_SECRETS.all_by(snapshot, [Key::Text(&client.id)])? {
        if secret.expires_at.is_some_and(|end| end <= now) {
            continue;
        }
        if let (Some(key_id), Some(sealed)) = (secret.key_id, secret.sealed) {
            let key = key::open(now, snapshot, key_id, &client.tenant_id)??;
            texts.push(key.open(place(secret.id), &sealed)?);
        }
    }
    Ok(texts)
}

static RETIRE: Statement = Statement::write(
    c"UPDATE auth_store.client_secrets
         SET expires_at = $2
       WHERE client_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
);
static SWEEP: Statement =
    Statement::write(c"DELETE FROM auth_store.client_secrets WHERE client_id = $1 AND expires_at <= $2");
static COUNT: Statement<i64> =
    Statement::write(c"SELECT pg_catalog.count(*) FROM auth_store.client_secrets WHERE client_id = $1");

/// Makes a secret of a client, whose row is locked, in the place of all others.
pub fn replace(now: Timestamp, tenant_id: &str, client_id: &str, keeper: Keeper) -> Result<String, Mistake> {
    RETIRE.run(&params![client_id, now])?;
    SWEEP.run(&params![client_id, now])?;
    keeper.add(now, tenant_id, client_id)
}

/// Makes a secret of a client and returns it; the others end after the overlap.
pub fn rotate(now: Timestamp, client_id: Option<&str>, overlap: Option<Interval>) -> Result<String, Mistake> {
    let client_id = given(client_id, "client_id")?;
    let overlap = interval::seconds(overlap, 0, 0..=MAX_OVERLAP, "overlap", "0 to 365 days")?;
    let keeper = keeper_of(now, client_id)?;
    let tenant_id = lock_secrets(client_id, AuthMethod::has_secret)?;
    RETIRE.run(&params![client_id, now.plus_seconds(overlap)])?;
    check_room(now, client_id)?;
    let text = keeper.add(now, &tenant_id, client_id)?;
    let details = json!({ "overlap_seconds": overlap });
    client::record(now, "client.secret_rotated", &tenant_id, client_id, details)?;
    Ok(text)
}

fn import(now: Timestamp, client_id: Option<&str>, hash: Option<&str>) -> Result<(), Mistake> {
    let client_id = given(client_id, "client_id")?;
    let hash = given(hash, "secret_hash")?;
    let digest = token_text::read_digest(hash);
    let hash = if digest.is_some() { None } else { Some(hash) };
    hash.map_or(Ok(()), secret_hash::check)?;
    let tenant_id = lock_secrets(client_id, AuthMethod::uses_secret)?;
    check_room(now, client_id)?;
    let id = Id::mint(now, Bucket::of(&[client_id]))?;
    let (none, digest) = (None::<&[u8]>, digest.as_ref().map(|digest| digest.as_slice()));
    INSERT.exactly_one(&params![id, now, tenant_id.as_str(), client_id, digest, hash, None::<Id>, none])?;
    client::record(now, "client.secret_imported", &tenant_id, client_id, json!({}))
}

/// What keeps the client's secrets as it authenticates now.
fn keeper_of(now: Timestamp, client_id: &str) -> Result<Keeper, Mistake> {
    let client = client::find(&Snapshot::writing()?, client_id)?.ok_or(client::UNKNOWN)?;
    Keeper::of(now, &client.tenant_id, client.token_endpoint_auth_method)?.ok_or_else(without_secret)
}

/// The client's tenant, its row locked against another change of its secrets; the client must authenticate in a way
/// that is `fit`.
fn lock_secrets(client_id: &str, fit: fn(AuthMethod) -> bool) -> Result<String, Mistake> {
    let client = client::lock_metadata(client_id)?;
    if fit(client.metadata.token_endpoint_auth_method) { Ok(client.tenant_id) } else { Err(without_secret()) }
}

fn without_secret() -> Mistake {
    Mistake::WrongState {
        message: "the client does not authenticate with a secret".into(),
        hint: "Its token_endpoint_auth_method must be client_secret_basic or client_secret_post.".into(),
    }
}

/// Removes expired secrets and refuses one more than [`MAX_LIVE`].
fn check_room(now: Timestamp, client_id: &str) -> Result<(), Mistake> {
    SWEEP.run(&params![client_id, now])?;
    let live = COUNT.one(&params![client_id])?.unwrap_or(0);
    if live < MAX_LIVE {
        return Ok(());
    }
    Err(Mistake::WrongState {
        message: format!("the client has {MAX_LIVE} live secrets").into(),
        hint: "SELECT auth_store.client_secret_rotate(client_id) ends them at once.".into(),
    })
}

/// Seconds in a day.
const KEPT_AFTER_EXPIRY: i64 = 86_400;

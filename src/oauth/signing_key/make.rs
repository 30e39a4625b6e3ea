//! New keys: made, or imported. The first of an algorithm signs at once; each further one is published first, for as
//! long as a JWKS may be cached, and then follows the one before it.

use pgrx::datum::TimestampWithTimeZone;
use pgrx::prelude::*;
use serde_json::json;
use zeroize::Zeroizing;

use crate::identity::tenant;
use crate::kernel::outcome::{Mistake, OrRaise, given};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::value::calendar::rfc3339;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::{Bucket, Id};
use crate::kernel::value::interval;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::signing_key::{JWKS_MAX_AGE, LEEWAY, LIFE_STEP, PRIVATE_KEY, SigningKeyRow, lock_update};
use crate::rfc::jose::alg::Alg;
use crate::rfc::jose::private;
use crate::rfc::jose::sign::{SigningKey, generate};
use crate::trail::{self, Event};
use crate::vault::key::{self, SealPlace};

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn signing_key_create(
    alg: default!(Option<&str>, "'ES256'"),
    activate_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> String {
    let run = || {
        let alg = of_generated(alg)?;
        let new = New { alg, pkcs8: None, begin: Begin::Asked(activate_at.map(Timestamp::from)) };
        new.make(clock::now(), &resolve(tenant_id)?)
    };
    run().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn signing_key_import(
    pem: Option<&str>,
    activate_at: default!(Option<TimestampWithTimeZone>, "NULL"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> String {
    let run = || {
        const ACCEPTED: &str = "a private key of RSA (2048 to 4096 bits), P-256 or Ed25519 that is not encrypted: \
                                PEM, or DER in base64; PKCS #8 or, of RSA, PKCS #1";
        let pkcs8 = private::read(given(pem, "pem")?).ok_or(Mistake::invalid("pem", ACCEPTED))?;
        let alg = SigningKey::of(&pkcs8).ok_or(Mistake::invalid("pem", ACCEPTED))?.alg();
        let begin = Begin::Asked(activate_at.map(Timestamp::from));
        New { alg, pkcs8: Some(pkcs8), begin }.make(clock::now(), &resolve(tenant_id)?)
    };
    run().or_raise()
}

#[pg_extern(volatile, parallel_unsafe, security_definer)]
#[search_path(pg_catalog, pg_temp)]
fn signing_key_rotate(
    alg: default!(Option<&str>, "'ES256'"),
    overlap: default!(Option<Interval>, "'1 hour'"),
    tenant_id: default!(Option<&str>, "NULL"),
) -> String {
    let run = || {
        let (alg, shortest) = (of_generated(alg)?, i64::from(JWKS_MAX_AGE.get()));
        let accepted = "auth_store.jwks_max_age to 90 days";
        let overlap =
            interval::seconds(overlap, OVERLAP.max(shortest), shortest..=MAX_OVERLAP, "overlap", accepted)?;
        New { alg, pkcs8: None, begin: Begin::After(overlap) }.make(clock::now(), &resolve(tenant_id)?)
    };
    run().or_raise()
}

const OVERLAP: i64 = 3600;
const MAX_OVERLAP: i64 = 90 * 86_400;

/// How many keys a tenant has at most: each is in every JWKS, and a verifier may try all of them.
const MAX_KEYS: i64 = 16;

/// The algorithm of a key that is made; NULL is ES256.
fn of_generated(alg: Option<&str>) -> Result<Alg, Mistake> {
    match Alg::parse(alg.unwrap_or("ES256")) {
        Some(alg @ (Alg::Es256 | Alg::EdDsa)) => Ok(alg),
        _ => Err(Mistake::invalid("alg", "ES256 or EdDSA; a key for RS256 is imported")),
    }
}

/// The tenant that an argument means, for a step that writes.
pub(super) fn resolve(tenant_id: Option<&str>) -> Result<String, Mistake> {
    tenant::resolve(&Snapshot::writing()?, tenant_id)
}

/// A key that is to be.
pub(super) struct New {
    pub alg: Alg,
    /// Imported; None: it is made.
    pub pkcs8: Option<Zeroizing<Vec<u8>>>,
    pub begin: Begin,
}

/// When a new key begins to sign.
#[derive(Clone, Copy)]
pub(super) enum Begin {
    /// At this time, or as soon as may be.
    Asked(Option<Timestamp>),
    /// So many seconds from now, behind a key that is there; where one follows that already, nothing is made.
    After(i64),
    /// Now: nobody else signs.
    Now,
}

static COUNT: Statement<i64> = Statement::latest(
    c"SELECT count(*) FROM auth_store.signing_keys
       WHERE tenant_id = $1
         AND (retired_at + make_interval(secs => longest_life + $3) > $2 OR retired_at IS NULL)",
);

static RETIRE: Statement =
    Statement::latest(c"UPDATE auth_store.signing_keys SET retired_at = $3 WHERE id = $1 AND tenant_id = $2");

static INSERT: Statement = Statement::write(
    c"INSERT INTO auth_store.signing_keys
        (id, key_id, published_at, active_from, longest_life, tenant_id, alg, kid, public_key, private_key)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
      ON CONFLICT DO NOTHING",
);

static HAS: Statement<bool> =
    Statement::latest(c"SELECT true FROM auth_store.signing_keys WHERE tenant_id = $1 AND kid = $2");

/// Has a key that is locked cease to sign at this time.
pub(super) fn retire(id: Id, tenant_id: &str, at: Timestamp) -> Result<(), Mistake> {
    RETIRE.run(&params![id, tenant_id, at])?;
    Ok(())
}

impl New {
    /// Makes the key, and returns its name, or that of the key that follows already.
    pub fn make(&self, now: Timestamp, tenant_id: &str) -> Result<String, Mistake> {
        // Before anything is locked: a data key may have to be made.
        let mut data_key = key::current(now, tenant_id)?;
        if !tenant::lock_key_share(tenant_id)? {
            return Err(tenant::UNKNOWN_ID);
        }
        let pkcs8 = match &self.pkcs8 {
            Some(pkcs8) => pkcs8.clone(),
            None => generate(self.alg)?.ok_or(Mistake::NoRandomness)?,
        };
        let opened = SigningKey::open(self.alg, &pkcs8).ok_or(Mistake::NoRandomness)?;
        let public = opened.public_jwk().as_ref().and_then(Jsonb::of).ok_or(Mistake::NoRandomness)?;
        loop {
            let keys = lock_update(tenant_id, self.alg)?;
            let last = keys.iter().find(|key| key.retired_at.is_none());
            let begin = match (last, self.begin) {
                (Some(last), Begin::After(_)) if last.active_from > now => return Ok(last.kid.clone()),
                (last, begin) => begin.decide(now, last)?,
            };
            if COUNT.one(&params![tenant_id, now, LEEWAY])?.unwrap_or(0) >= MAX_KEYS {
                return Err(Mistake::WrongState {
                    message: "the tenant has 16 signing keys, which is as many as there may be".into(),
                    hint: "Retired keys go when the last token that they signed has ended; see \
                           auth_store.signing_key_list()."
                        .into(),
                });
            }
            if let Some(last) = last {
                retire(last.id, tenant_id, begin)?;
            }
            while !key::lock_key_share(&data_key)? {
                // Rekeying has just deleted it.
                data_key = key::current(now, tenant_id)?;
                pgrx::check_for_interrupts!();
            }
            let id = Id::mint(now, Bucket::of(&[tenant_id]))?;
            let place = SealPlace { table: "signing_keys", row: id, column: PRIVATE_KEY };
            let (alg, kid) = (self.alg.as_str(), opened.kid());
            let sealed = data_key.seal(place, &pkcs8)?;
            let life = i32::try_from(LIFE_STEP).unwrap_or(0);
            let row = params![id, data_key.id, now, begin, life, tenant_id, alg, kid, public.clone(), sealed];
            if INSERT.run(&row)? == 1 {
                let event = if self.pkcs8.is_some() { "signing_key.imported" } else { "signing_key.created" };
                record(now, tenant_id, event, kid, json!({ "alg": alg, "active_from": rfc3339(begin) }))?;
                return Ok(kid.to_owned());
            }
            if HAS.one(&params![tenant_id, kid])?.is_some() {
                return Err(Mistake::Duplicate { what: "signing key", argument: "pem" });
            }
            // Another transaction has made the first key of the algorithm just now.
            pgrx::check_for_interrupts!();
        }
    }
}

impl Begin {
    fn decide(self, now: Timestamp, last: Option<&SigningKeyRow>) -> Result<Timestamp, Mistake> {
        let earliest = now.plus_seconds(JWKS_MAX_AGE.get());
        match (self, last) {
            (Self::Now, _) => Ok(now),
            (Self::Asked(Some(at)), _) if !at.is_finite() => {
                Err(Mistake::invalid("activate_at", "a finite time"))
            }
            (Self::Asked(at), None) => Ok(at.unwrap_or(now).max(now)),
            (Self::Asked(_), Some(last)) if last.active_from > now => Err(Mistake::WrongState {
                message: "the tenant has a next signing key of this algorithm, which does not sign yet"
                    .into(),
                hint: "Wait until it does, or withdraw it with auth_store.signing_key_retire().".into(),
            }),
            (Self::Asked(None), Some(_)) => Ok(earliest),
            (Self::Asked(Some(at)), Some(_)) if at >= earliest => Ok(at),
            (Self::Asked(Some(_)), Some(_)) => Err(Mistake::invalid(
                "activate_at",
                "a time that is as far ahead as auth_store.jwks_max_age says: verifiers that have the JWKS of before \
                 would refuse what the key signs",
            )),
            (Self::After(seconds), Some(_)) => Ok(now.plus_seconds(seconds)),
            (Self::After(_), None) => Err(Mistake::WrongState {
                message: "the tenant has no signing key of this algorithm to rotate".into(),
                hint: "SELECT auth_store.signing_key_create() makes the first.".into(),
            }),
        }
    }
}

/// Writes the audit row of a step with a key.
pub(super) fn record(
    now: Timestamp,
    tenant_id: &str,
    event: &str,
    kid: &str,
    details: serde_json::Value,
) -> Result<(), Mistake> {
    trail::record(
        now,
        &Event {
            event,
            tenant_id,
            resource_type: Some("signing_key"),
            resource_id: Some(kid),
            details: Some(details),
            ..Event::default()
        },
    )?;
    Ok(())
}

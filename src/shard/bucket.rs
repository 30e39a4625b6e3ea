//! The bucket, 0 to 4095, of whatever a call names its rows by. A router has these functions from the library alone:
//! they read no table and no setting, and answer every text, so that routing itself never fails. What cannot be read is
//! in bucket 0: any shard can refuse it.

use pgrx::prelude::*;

use crate::identity::tenant;
use crate::kernel::crypto::token_text;
use crate::kernel::value::id::{Bucket, Id};
use crate::oauth::device::user_code::UserCode;
use crate::oauth::proof::dpop;
use crate::oauth::token::jwt;
use crate::shard::names::Claimed;

/// The longest text that leads anywhere, in bytes: that of a token which is a JWT.
const MAX_TEXT: usize = jwt::MAX_TEXT;

#[pg_extern(immutable, parallel_safe)]
pub fn token_bucket(token: Option<&str>) -> i32 {
    number(of_secret(token))
}

#[pg_extern(immutable, parallel_safe)]
fn key_bucket(api_key: Option<&str>) -> i32 {
    number(of_secret(api_key))
}

#[pg_extern(immutable, parallel_safe)]
fn id_bucket(id: Option<pgrx::Uuid>) -> i32 {
    number(id.map(|id| Id::from(id).bucket()))
}

#[pg_extern(immutable, parallel_safe)]
fn user_bucket(tenant_id: Option<&str>, name: Option<&str>, kind: default!(Option<&str>, "NULL")) -> i32 {
    number(of_name(tenant_id, name, kind))
}

#[pg_extern(immutable, parallel_safe)]
pub fn client_bucket(client_id: Option<&str>) -> i32 {
    number(text(client_id).map(|client_id| Bucket::of(&[client_id])))
}

#[pg_extern(immutable, parallel_safe)]
fn actor_bucket(tenant_id: Option<&str>, actor_id: Option<&str>) -> i32 {
    number(text(actor_id).map(|actor_id| Bucket::of_actor(of_tenant(tenant_id), actor_id)))
}

#[pg_extern(immutable, parallel_safe)]
fn user_code_bucket(user_code: Option<&str>) -> i32 {
    number(UserCode::parse(user_code, true).and_then(|code| code.bucket()))
}

#[pg_extern(immutable, parallel_safe)]
fn claim_bucket(issuer: Option<&str>, jti: Option<&str>) -> i32 {
    number(text(issuer).zip(text(jti)).map(|(issuer, jti)| Bucket::of(&[issuer, jti])))
}

#[pg_extern(immutable, parallel_safe)]
fn dpop_bucket(proof: Option<&str>) -> i32 {
    number(proof.and_then(dpop::jti_named).map(|jti| Bucket::of(&[&jti])))
}

#[pg_extern(immutable, parallel_safe)]
fn text_bucket(text: Option<&str>) -> i32 {
    number(self::text(text).map(|text| Bucket::of(&[text])))
}

/// The answer of a router's function.
fn number(bucket: Option<Bucket>) -> i32 {
    bucket.map_or(0, Bucket::number)
}

/// A text that may lead somewhere.
fn text(text: Option<&str>) -> Option<&str> {
    text.filter(|text| (1..=MAX_TEXT).contains(&text.len()))
}

/// The tenant that a call without one means, unless the session is pinned to another.
fn of_tenant(tenant_id: Option<&str>) -> &str {
    tenant_id.unwrap_or(tenant::DEFAULT)
}

/// A secret of the store carries its row's id. Any other text is found by its digest, where it was imported.
fn of_secret(secret: Option<&str>) -> Option<Bucket> {
    let secret = text(secret)?;
    let by_jti = || jwt::presented(secret).map(|presented| presented.id).filter(Id::is_own);
    Some(match token_text::id_of(secret).or_else(by_jti) {
        Some(id) => id.bucket(),
        None => Bucket::of(&[secret]),
    })
}

fn of_name(tenant_id: Option<&str>, name: Option<&str>, kind: Option<&str>) -> Option<Bucket> {
    Some(Claimed::read(text(name)?, kind)?.bucket(of_tenant(tenant_id)))
}

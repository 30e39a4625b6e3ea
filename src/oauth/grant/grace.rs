//! How long the refresh token before the current one still works, and what a replaced one is taken for.

use crate::kernel::crypto::token_text::Digest;
use crate::kernel::server::settings::Setting;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::Client;
use crate::oauth::grant::{Family, replaced};

/// How a token that is no longer current was replaced.
pub enum Replacement {
    /// By the current one, whose grace still runs.
    WithinGrace,
    /// By one that was replaced too, all within the grace.
    Superseded,
    /// Longer ago, or it never was a token.
    Over,
}

/// How the token with this digest, which is not current, was replaced.
pub fn replacement(now: Timestamp, family: &Family, client: &Client, token: &Digest) -> Replacement {
    let grace = micros(client);
    let (Some(stored), Some(rotated_at)) = (&family.previous_digest, family.rotated_at) else {
        return Replacement::Over;
    };
    // All were replaced at the last rotation or before it.
    if !Timestamp::is_within(now, rotated_at, grace) {
        Replacement::Over
    } else if replaced::is_last(token, stored) {
        Replacement::WithinGrace
    } else {
        match replaced::age(token, stored) {
            Some(age) if now.micros_since(rotated_at.plus_micros(-age)) < grace => Replacement::Superseded,
            _ => Replacement::Over,
        }
    }
}

/// How long the previous token still works, where the client has no grace of its own.
pub static GRACE: Setting<i32> = Setting::seconds(
    c"auth_store.refresh_grace",
    10,
    0..=300,
    c"How long after a rotation the previous refresh token is answered with the same successor.",
    c"Clients can have their own. 0 is strict: the second use is a reuse.",
);

/// For how long a replaced token does not count as stolen.
pub fn micros(client: &Client) -> i64 {
    client.refresh_grace.map_or_else(|| GRACE.in_seconds(), i64::from).saturating_mul(1_000_000)
}

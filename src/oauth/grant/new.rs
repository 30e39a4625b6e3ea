//! A new grant, with the first state of its family.

use crate::identity::user::{self, Held};
use crate::kernel::crypto::token_text::{self, Digest, RefreshToken};
use crate::kernel::outcome::Answer;
use crate::kernel::server::append::{Append, Reference};
use crate::kernel::server::hold::Place;
use crate::kernel::server::spi::params;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::kernel::value::inet::Inet;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client;
use crate::oauth::grant::gone::Gone;

/// The first refresh state of a grant.
pub struct NewFamily {
    /// SHA-256 of the family secret.
    pub digest: Digest,
    /// SHA-256 of the first refresh token.
    pub current: Digest,
    /// The end of the family while unused.
    pub idle_expires_at: Timestamp,
}

impl NewFamily {
    /// The family that begins with this token.
    pub fn of(token: &RefreshToken, idle_expires_at: Timestamp) -> Self {
        Self { digest: token.family_digest(), current: token_text::digest(&token.text()), idle_expires_at }
    }
}

/// What a new grant is made of.
pub struct NewGrant<'a> {
    pub id: Id,
    pub tenant_id: &'a str,
    pub client_id: &'a str,
    pub user_id: Option<Id>,
    /// Where client and user were found.
    pub client_place: Option<Place>,
    pub user_place: Option<Place>,
    pub session_id: Option<Id>,
    pub scope: &'a str,
    pub expires_at: Timestamp,
    /// The access token that this grant was exchanged for (RFC 8693): the grant lives no longer than that token.
    pub subject_token_id: Option<Id>,
    pub family: Option<NewFamily>,
    pub resources: Option<Vec<String>>,
    pub auth_time: Option<Timestamp>,
    pub acr: Option<&'a str>,
    pub amr: Option<Vec<String>>,
    pub claims: Option<Jsonb>,
    pub cnf: Option<Jsonb>,
    pub network: Option<Inet>,
    /// RFC 9396
    pub authorization_details: Option<Jsonb>,
    /// OpenID Connect Core section 5.5
    pub claims_request: Option<Jsonb>,
}

static INSERT: Append = Append::new(
    "grants",
    &[
        c"id",
        c"tenant_id",
        c"client_id",
        c"user_id",
        c"session_id",
        c"scope",
        c"expires_at",
        c"idle_expires_at",
        c"family_digest",
        c"current_digest",
        c"resources",
        c"auth_time",
        c"acr",
        c"amr",
        c"claims",
        c"cnf",
        c"network",
        c"subject_token_id",
        c"authorization_details",
        c"claims_request",
        c"rotation_count",
    ],
)
.referring(&[
    Reference { columns: [c"client_id", c"tenant_id"], to: client::REFERRED },
    Reference { columns: [c"user_id", c"tenant_id"], to: user::REFERRED },
]);

/// Stores a new grant, unless its client or user was deleted, or the user's status changed, since the caller looked.
/// Both are locked first, in the order of the locks and as the foreign keys would lock them, because a foreign key
/// could only raise.
pub fn insert(new: NewGrant<'_>) -> Answer<(), Gone> {
    if !client::lock_key_share(new.client_id, new.tenant_id, new.client_place)? {
        return Ok(Err(Gone::Client));
    }
    if let Some(user_id) = new.user_id {
        match user::lock_for_login(user_id, new.tenant_id, new.user_place)? {
            Held::Active => {}
            Held::Inactive => return Ok(Err(Gone::UserInactive)),
            Held::Gone => return Ok(Err(Gone::User)),
        }
    }
    let family = new.family.as_ref();
    let row = params![
        new.id,
        new.tenant_id,
        new.client_id,
        new.user_id,
        new.session_id,
        new.scope,
        new.expires_at,
        family.map(|family| family.idle_expires_at),
        family.map(|family| family.digest.as_slice()),
        family.map(|family| family.current.as_slice()),
        new.resources,
        new.auth_time,
        new.acr,
        new.amr,
        new.claims,
        new.cnf,
        new.network,
        new.subject_token_id,
        new.authorization_details,
        new.claims_request,
        0,
    ];
    INSERT.run(0, &row)?;
    Ok(Ok(()))
}

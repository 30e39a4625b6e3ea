//! Whether an access token is live: the rows that decide it.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::many::Answered;
use crate::kernel::server::version;
use crate::kernel::value::clock::Timestamp;
use crate::kernel::value::id::Id;
use crate::oauth::client;
use crate::oauth::grant::{self, GrantState};
use crate::oauth::token::{self, AccessToken};

/// How many exchanges may lie between a token and its log-in: each costs introspection three look-ups.
pub const MAX_EXCHANGES: usize = 5;

/// An active access token with its grant and client.
pub struct Active {
    /// The token.
    pub token: AccessToken,
    /// Its grant.
    pub grant: GrantState,
    /// How many exchanges it comes from (RFC 8693).
    pub exchanges: usize,
}

impl Active {
    /// What it is granted.
    pub fn scope(&self) -> &str {
        self.token.scope.as_deref().unwrap_or(&self.grant.scope)
    }

    /// What it is for; None: for any resource.
    pub fn resources(&self) -> Option<&[String]> {
        self.token.resources.as_deref().or(self.grant.resources.as_deref())
    }
}

/// The active token of this text; None for every other text. An exchanged token is active only while the token it was
/// exchanged for is.
pub fn active(snapshot: &Snapshot, now: Timestamp, text: Option<&str>) -> Result<Option<Active>, Mistake> {
    let Some(presented) = token::presented(text) else {
        version::ensure_ready()?;
        return Ok(None);
    };
    match token::find(snapshot, &presented)? {
        Some(token) => stands(snapshot, now, token),
        None => Ok(None),
    }
}

/// As [`active`], of each of these texts.
pub fn active_each(
    snapshot: &Snapshot,
    now: Timestamp,
    texts: &[Option<&str>],
) -> Result<Vec<Option<Active>>, Mistake> {
    let presented: Vec<_> = texts.iter().map(|text| token::presented(*text)).collect();
    let mut tokens = token::find_each(snapshot, &presented)?;
    for token in &mut tokens {
        token.take_if(|token| !is_live(now, token));
    }
    let ids: Vec<_> = tokens.iter().map(|token| token.as_ref().map(|token| token.grant_id)).collect();
    let grants = grant::find_states(snapshot, &ids)?;
    let mut usable = Answered::default();
    let mut stand = |(token, grant): (Option<AccessToken>, Option<GrantState>)| {
        let (Some(token), Some(grant)) = (token, grant) else { return Ok(None) };
        let mut is_usable = |client: &str| usable.of(client, |client| client::is_usable(snapshot, client));
        if lives(now, &grant) && is_usable(&grant.client_id)? {
            with_subjects(snapshot, now, token, grant)
        } else {
            Ok(None)
        }
    };
    tokens.into_iter().zip(grants).map(&mut stand).collect()
}

/// Whether the token with this id is active: for what was found out by its text before.
pub fn is_active(snapshot: &Snapshot, now: Timestamp, id: Id) -> Result<bool, Mistake> {
    match token::find_by_id(snapshot, id)? {
        Some(token) => Ok(stands(snapshot, now, token)?.is_some()),
        None => Ok(false),
    }
}

fn stands(snapshot: &Snapshot, now: Timestamp, token: AccessToken) -> Result<Option<Active>, Mistake> {
    match live_grant(snapshot, now, &token)? {
        Some(grant) => with_subjects(snapshot, now, token, grant),
        None => Ok(None),
    }
}

/// The token, which is live with its grant and client, if all that it was exchanged for is live too.
fn with_subjects(
    snapshot: &Snapshot,
    now: Timestamp,
    mut token: AccessToken,
    mut grant: GrantState,
) -> Result<Option<Active>, Mistake> {
    // The key of a client that has changed its own since the log-in.
    grant.cnf = token.cnf.take().or(grant.cnf);
    let (mut exchanges, mut subject) = (0, grant.subject_token_id);
    while let Some(id) = subject {
        exchanges += 1;
        let Some(token) = token::find_by_id(snapshot, id)? else { return Ok(None) };
        match live_grant(snapshot, now, &token)? {
            Some(grant) if exchanges <= MAX_EXCHANGES => subject = grant.subject_token_id,
            _ => return Ok(None),
        }
    }
    Ok(Some(Active { token, grant, exchanges }))
}

/// The grant of a token, if the token, the grant and its client are all live.
fn live_grant(
    snapshot: &Snapshot,
    now: Timestamp,
    token: &AccessToken,
) -> Result<Option<GrantState>, Mistake> {
    if !is_live(now, token) {
        return Ok(None);
    }
    let Some(grant) = grant::find_state(snapshot, token.grant_id)? else { return Ok(None) };
    let live = lives(now, &grant) && client::is_usable(snapshot, &grant.client_id)?;
    Ok(live.then_some(grant))
}

/// Whether the token itself has neither ended nor been revoked.
fn is_live(now: Timestamp, token: &AccessToken) -> bool {
    token.revoked_at.is_none() && now < token.expires_at
}

/// Whether the grant itself has neither ended nor been revoked.
fn lives(now: Timestamp, grant: &GrantState) -> bool {
    grant.revoked_at.is_none() && now < grant.expires_at
}

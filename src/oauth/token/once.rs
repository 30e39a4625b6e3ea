//! The common half of what is redeemed once: of an authorization code and of a device code.

use crate::kernel::outcome::Mistake;
use crate::kernel::server::settings::Setting;
use crate::kernel::server::spi::{Statement, params};
use crate::kernel::server::{state, transaction};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::id::Id;
use crate::oauth::client::{Client, secret};
use crate::oauth::grant::{self, Gone};
use crate::oauth::token::issue::EndedMeanwhile;
use crate::oauth::token::{TokenResponse, refuse};
use crate::rfc::{resource, scope};
use crate::trail::refused::{Refused, invalid_grant};
use crate::trail::{Event, Flag};

/// What a code, or device code, is redeemed for.
pub struct Granted {
    pub scope: String,
    pub resources: Option<Vec<String>>,
    /// The resources of the access token, if they are fewer.
    pub token_resources: Option<Vec<String>>,
}

impl Granted {
    /// What the user agreed to, as far as the client may have it now, with the resources that the request names. If
    /// nothing is left, the code is not used up: the client may get its scope back in time.
    pub fn of(
        client: &Client,
        scope: &str,
        resources: Option<&Vec<String>>,
        requested: Option<Vec<Option<String>>>,
    ) -> Result<Self, Refused> {
        let agreed = resources.map_or(&[][..], Vec::as_slice);
        let named = resource::granted(requested, agreed)
            .map_err(|refusal| Refused { refusal, flags: &[Flag::TargetWidening] })?;
        let left = || {
            let token_resources =
                named.map(|named| resource::left(Some(named), &client.resources)).transpose()?;
            Ok(Self {
                scope: scope::left(scope.to_owned(), &client.scope)?,
                resources: resource::left(resources.cloned(), &client.resources)?,
                token_resources: token_resources.flatten(),
            })
        };
        left().map_err(|refusal| Refused { refusal, flags: &[] })
    }
}

/// A code that a running transaction redeems.
pub struct Redemption {
    /// Sets the time of $2 to the code $1 of the tenant $3 and the grant $4.
    pub ended: &'static Statement,
    /// The code.
    pub code_id: Id,
    /// Its tenant.
    pub tenant_id: String,
    /// What it was redeemed for.
    pub grant_id: Id,
}

/// How long a redeemed code is kept after its end, in seconds, so that a replay of it is recognised: a day.
pub const REPLAY_WATCH: i64 = 86_400;

/// Microseconds: a transaction that ends sooner after its redemption does not write the time anew.
const SHORT: i64 = 100_000;

impl Redemption {
    /// The grace of a code runs from the end of the redeeming transaction and not from the call: a client whose first
    /// request took long retries only when that request has ended. So a long transaction writes the time again when it
    /// ends.
    pub fn note_end(self, redeemed_at: Timestamp) {
        transaction::before_end(move || {
            let now = clock::now();
            if now.micros_since(redeemed_at) > SHORT && state::writable().is_ok() {
                self.ended.run(&params![self.code_id, now, self.tenant_id, self.grant_id])?;
            }
            Ok(())
        });
    }
}

/// The session that a code was made in is over.
pub fn session_ended() -> Refused {
    invalid_grant("the session has ended", &[Flag::EndedSession])
}

/// The user of a code may not log in any more.
pub fn user_inactive() -> Refused {
    invalid_grant("the user is not active", &[Flag::InactiveUser])
}

/// The answer to a code, or device code, that was redeemed and gave nothing, because something ended meanwhile.
pub fn refuse_ended(
    now: Timestamp,
    event: &mut Event<'_>,
    ended: EndedMeanwhile,
) -> Result<TokenResponse, Mistake> {
    let refused = match ended {
        EndedMeanwhile::Session => session_ended(),
        EndedMeanwhile::Gone(Gone::Client) => secret::unknown(),
        EndedMeanwhile::Gone(Gone::User | Gone::UserInactive) => user_inactive(),
    };
    if ended != EndedMeanwhile::Session {
        event.grant_id = None;
    }
    refuse(now, event, &refused)
}

/// How long after a redemption a second presentation is a retry. Below a second: FAPI's conformance test presents a
/// code again after one, and wants its tokens gone.
pub static REPLAY_GRACE: Setting<i32> = Setting::milliseconds(
    c"auth_store.code_replay_grace",
    500,
    0..=60_000,
    c"How long after the redemption of a code a second presentation counts as a retry.",
    c"Later it is a replay and ends the grant of the first use (RFC 6749 section 4.1.2). What comes while the first \
      runs is a retry whatever this is. FAPI's conformance test replays after 1 s.",
);

/// Whether a presentation now is a client's retry after a redemption then.
pub fn is_retry(now: Timestamp, redeemed_at: Timestamp) -> bool {
    Timestamp::is_within(now, redeemed_at, REPLAY_GRACE.in_micros())
}

/// The refusal of a replay.
pub fn replayed() -> Refused {
    invalid_grant("the code was redeemed before", &[Flag::CodeReplay])
}

/// A code, or device code, that was redeemed before. Within the grace this is a client's retry. Later it is a replay,
/// which ends the grant of the first use with all its tokens (RFC 6749 section 4.1.2).
pub fn replay(
    now: Timestamp,
    redeemed_at: Option<Timestamp>,
    grant_id: Option<Id>,
    event: &Event<'_>,
) -> Result<TokenResponse, Mistake> {
    let (Some(redeemed_at), Some(grant_id)) = (redeemed_at, grant_id) else {
        return refuse(now, event, &invalid_grant("the code is not valid", &[]));
    };
    if is_retry(now, redeemed_at) {
        return refuse(now, event, &invalid_grant("the code was redeemed a moment ago", &[Flag::CodeRetry]));
    }
    grant::revoke(now, grant_id, event.tenant_id, "code_replay")?;
    let event = Event { event: "code_replay", grant_id: Some(grant_id), details: None, ..*event };
    refuse(now, &event, &replayed())
}

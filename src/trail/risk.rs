//! How suspicious a step is: a fixed risk for each flag, the highest of them for the step.

/// A reason to look at a step. `scripts/reference` prints the comment above each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flag {
    /// A code presented again after its redemption: it was stolen, or the client is broken (RFC 6749 section 4.1.2).
    CodeReplay,
    /// A replaced refresh token presented again: two hold the same token (RFC 9700 section 4.14.2).
    RefreshReuse,
    /// A passkey's counter that is not higher than the last: a copy of the authenticator has signed, then or now (Web
    /// Authentication level 3 section 6.1.1).
    PasskeyCloneSuspected,
    /// The proof of possession names another key than the one the code or token is bound to (RFC 9449, RFC 8705), or a
    /// passkey says of itself what it did not say at its registration.
    WrongBinding,
    /// A code that is dead because of wrong verifiers, or the failed attempt to log in that began a lock.
    TooManyFailures,
    /// A code or token of another client (RFC 6749 section 10.5), or a subject token that another actor may exchange
    /// (RFC 8693 section 4.4).
    WrongClient,
    /// A client assertion or DPoP proof presented again: somebody saw it, or the client is broken (RFC 7523 section
    /// 3, RFC 9449 section 11.1).
    JtiReplay,
    /// The code verifier does not match its challenge (RFC 7636 section 4.6).
    WrongVerifier,
    /// A passkey's answer that was made on another origin or for another relying party: a page that imitates the
    /// tenant's (Web Authentication level 3 section 13.4.9).
    WrongOrigin,
    /// An API key from an address that it is not allowed from: the key is in the wrong hands.
    WrongNetwork,
    /// Wrong client authentication (RFC 6749 section 2.3.1), a wrong code of a user's second factor, or a passkey that
    /// has not signed or is another user's.
    WrongSecret,
    /// Not the registered redirect URI, or not the one of the authorization request (RFC 6749 section 4.1.3).
    WrongRedirectUri,
    /// A refresh token of a revoked grant, a revoked API key.
    RevokedToken,
    /// More scope than was granted or than the client may have (RFC 6749 section 6).
    ScopeWidening,
    /// A resource outside those granted (RFC 8707 section 2.2).
    TargetWidening,
    /// A refresh token that is not known, of a family that was live when commits were lost: the store may have made it
    /// in one of them, or it was replaced long ago and is stolen. The family ends.
    RefreshLost,
    /// An attempt to log in while too many failures, or an administrator, keep everybody from it who is where it came
    /// from.
    LockedOut,
    /// A help desk has removed the second factors of a user: whoever talked it into that gets in with the password.
    FactorReset,
    /// No such client.
    UnknownClient,
    /// A client that is suspended, revoked or pending, or whose tenant is suspended.
    InactiveClient,
    /// A user who is not active, or whose tenant is suspended.
    InactiveUser,
    /// A log-in under a name that nobody has.
    UnknownUser,
    /// The token of a session that somebody ended, or a code or token asked for in a session that is over.
    EndedSession,
    /// Well formed, and not in the store: a token, a code, a user code, a passkey or a challenge.
    UnknownToken,
    /// Not the user's password.
    WrongPassword,
    /// A log-in from a network and with a user agent that the user never logged in with; also on log-ins that succeed.
    NewDevice,
    /// A wrong one-time password: mistyped or guessed.
    WrongCode,
    /// Another network than at the grant's or session's last use: another /24 of IPv4 or /48 of IPv6; also on steps
    /// that succeed.
    NewNetwork,
    /// A refresh token of a lost commit, which proves by its number that it is newer than what the store knows: its
    /// family goes on from there; on steps that succeed.
    RefreshRecovered,
    /// A refresh token that was replaced more than once, all within auth_store.refresh_grace: two tabs of one
    /// application, or a thief who was quick.
    RefreshRetry,
    /// The client, or a network that fails to authenticate as it, is over the client's rate_limit_per_hour, an API
    /// key is over its own, or there were too many wrong codes, messages or failed attempts to log in; one row a minute
    /// for each client, key, recipient or network, not one for each refusal.
    RateLimited,
    /// A code, refresh token, API key, session or JWT id past its end, the text of an API key past its overlap.
    ExpiredToken,
    /// A code presented twice within auth_store.code_replay_grace.
    CodeRetry,
}

impl Flag {
    /// Every flag, the riskiest first.
    pub const ALL: [Self; 33] = [
        Self::CodeReplay,
        Self::RefreshReuse,
        Self::PasskeyCloneSuspected,
        Self::WrongBinding,
        Self::TooManyFailures,
        Self::WrongClient,
        Self::JtiReplay,
        Self::WrongVerifier,
        Self::WrongOrigin,
        Self::WrongNetwork,
        Self::WrongSecret,
        Self::WrongRedirectUri,
        Self::RevokedToken,
        Self::ScopeWidening,
        Self::TargetWidening,
        Self::RefreshLost,
        Self::LockedOut,
        Self::FactorReset,
        Self::UnknownClient,
        Self::InactiveClient,
        Self::InactiveUser,
        Self::UnknownUser,
        Self::EndedSession,
        Self::UnknownToken,
        Self::WrongPassword,
        Self::NewDevice,
        Self::WrongCode,
        Self::NewNetwork,
        Self::RefreshRecovered,
        Self::RefreshRetry,
        Self::RateLimited,
        Self::ExpiredToken,
        Self::CodeRetry,
    ];

    /// The flag as the column `flags` shows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CodeReplay => "code_replay",
            Self::RefreshReuse => "refresh_reuse",
            Self::PasskeyCloneSuspected => "passkey_clone_suspected",
            Self::WrongBinding => "wrong_binding",
            Self::TooManyFailures => "too_many_failures",
            Self::WrongClient => "wrong_client",
            Self::JtiReplay => "jti_replay",
            Self::WrongVerifier => "wrong_verifier",
            Self::WrongOrigin => "wrong_origin",
            Self::WrongNetwork => "wrong_network",
            Self::WrongSecret => "wrong_secret",
            Self::WrongRedirectUri => "wrong_redirect_uri",
            Self::RevokedToken => "revoked_token",
            Self::ScopeWidening => "scope_widening",
            Self::TargetWidening => "target_widening",
            Self::RefreshLost => "refresh_lost",
            Self::LockedOut => "locked_out",
            Self::FactorReset => "factor_reset",
            Self::UnknownClient => "unknown_client",
            Self::InactiveClient => "inactive_client",
            Self::InactiveUser => "inactive_user",
            Self::UnknownUser => "unknown_user",
            Self::EndedSession => "ended_session",
            Self::UnknownToken => "unknown_token",
            Self::WrongPassword => "wrong_password",
            Self::NewDevice => "new_device",
            Self::WrongCode => "wrong_code",
            Self::NewNetwork => "new_network",
            Self::RefreshRecovered => "refresh_recovered",
            Self::RefreshRetry => "refresh_retry",
            Self::RateLimited => "rate_limited",
            Self::ExpiredToken => "expired_token",
            Self::CodeRetry => "code_retry",
        }
    }

    /// The flag of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|flag| flag.as_str() == name)
    }

    /// Its risk, 0 to 1.
    pub const fn risk(self) -> f32 {
        match self {
            Self::CodeReplay | Self::RefreshReuse | Self::PasskeyCloneSuspected => 1.0,
            Self::WrongBinding | Self::TooManyFailures => 0.9,
            Self::WrongClient | Self::JtiReplay => 0.8,
            Self::WrongVerifier | Self::WrongOrigin | Self::WrongNetwork => 0.7,
            Self::WrongSecret | Self::WrongRedirectUri => 0.6,
            Self::RevokedToken
            | Self::ScopeWidening
            | Self::TargetWidening
            | Self::RefreshLost
            | Self::LockedOut
            | Self::FactorReset => 0.5,
            Self::UnknownClient
            | Self::InactiveClient
            | Self::InactiveUser
            | Self::UnknownUser
            | Self::EndedSession => 0.4,
            Self::UnknownToken
            | Self::WrongPassword
            | Self::NewDevice
            | Self::WrongCode
            | Self::NewNetwork
            | Self::RefreshRecovered
            | Self::RefreshRetry => 0.3,
            Self::RateLimited => 0.2,
            Self::ExpiredToken | Self::CodeRetry => 0.1,
        }
    }
}

/// The risk of a step with these flags: the highest of the flags' risks, 0 without a flag.
pub fn of(flags: &[Flag]) -> f32 {
    flags.iter().map(|flag| flag.risk()).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::{Flag, of};

    #[test]
    fn the_highest_flag_decides() {
        assert_eq!(of(&[]), 0.0);
        assert_eq!(of(&[Flag::NewNetwork]), 0.3);
        assert_eq!(of(&[Flag::NewNetwork, Flag::CodeReplay, Flag::WrongSecret]), 1.0);
    }

    #[test]
    fn every_flag_has_its_own_name_and_a_risk_in_order() {
        for (n, flag) in Flag::ALL.into_iter().enumerate() {
            assert_eq!(Flag::from_name(flag.as_str()), Some(flag));
            assert!(flag.risk() > 0.0 && flag.risk() <= 1.0);
            assert!(n == 0 || Flag::ALL[n - 1].risk() >= flag.risk(), "{flag:?}");
        }
        assert_eq!(Flag::from_name("code replay"), None);
    }
}

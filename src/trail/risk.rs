//! How suspicious a step is: a fixed risk for each flag, the highest of them for the step.
//! `docs/audit.md` says why each has its value.

/// A reason to look at a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flag {
    /// An authorization code was presented again after its redemption (RFC 6749 section 4.1.2).
    CodeReplay,
    /// A refresh token that rotation had replaced was presented again (RFC 9700 section 4.14.2).
    RefreshReuse,
    /// The proof of possession names another key than the one bound (RFC 9449, RFC 8705).
    WrongBinding,
    /// So many wrong verifiers that the code is dead.
    TooManyFailures,
    /// The code or token was issued to another client (RFC 6749 section 10.5).
    WrongClient,
    /// A JWT id was presented again: of a client assertion (RFC 7523) or a DPoP proof (RFC 9449).
    JtiReplay,
    /// The code verifier does not match its challenge (RFC 7636 section 4.6).
    WrongVerifier,
    /// An API key from outside of the networks it is allowed from.
    WrongNetwork,
    /// The client secret is wrong (RFC 6749 section 2.3.1).
    WrongSecret,
    /// Another redirect URI than at the authorization request (RFC 6749 section 4.1.3).
    WrongRedirectUri,
    /// A token of a revoked grant, or itself revoked.
    RevokedToken,
    /// More scope than was granted (RFC 6749 section 6).
    ScopeWidening,
    /// A resource outside those granted (RFC 8707 section 2.2).
    TargetWidening,
    /// No such client.
    UnknownClient,
    /// The client, or its tenant, is suspended, revoked or pending.
    InactiveClient,
    /// The user, or the user's tenant, is not active.
    InactiveUser,
    /// A session that somebody ended, or tokens asked for in one that is over.
    EndedSession,
    /// A well-formed code or token that the store does not know.
    UnknownToken,
    /// Another network than at the grant's last use.
    NewNetwork,
    /// A refresh token that was replaced more than once within the time in which the last replacement is a retry.
    RefreshRetry,
    /// A client, a network or an API key over its rate limit, or a network over the cap on wrong user codes; at most
    /// one row a minute says so.
    RateLimited,
    /// A code or token past its end.
    ExpiredToken,
    /// A code presented twice within the time in which that is a retry.
    CodeRetry,
}

impl Flag {
    /// Every flag, the riskiest first.
    pub const ALL: [Self; 23] = [
        Self::CodeReplay,
        Self::RefreshReuse,
        Self::WrongBinding,
        Self::TooManyFailures,
        Self::WrongClient,
        Self::JtiReplay,
        Self::WrongVerifier,
        Self::WrongNetwork,
        Self::WrongSecret,
        Self::WrongRedirectUri,
        Self::RevokedToken,
        Self::ScopeWidening,
        Self::TargetWidening,
        Self::UnknownClient,
        Self::InactiveClient,
        Self::InactiveUser,
        Self::EndedSession,
        Self::UnknownToken,
        Self::NewNetwork,
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
            Self::WrongBinding => "wrong_binding",
            Self::TooManyFailures => "too_many_failures",
            Self::WrongClient => "wrong_client",
            Self::JtiReplay => "jti_replay",
            Self::WrongVerifier => "wrong_verifier",
            Self::WrongNetwork => "wrong_network",
            Self::WrongSecret => "wrong_secret",
            Self::WrongRedirectUri => "wrong_redirect_uri",
            Self::RevokedToken => "revoked_token",
            Self::ScopeWidening => "scope_widening",
            Self::TargetWidening => "target_widening",
            Self::UnknownClient => "unknown_client",
            Self::InactiveClient => "inactive_client",
            Self::InactiveUser => "inactive_user",
            Self::EndedSession => "ended_session",
            Self::UnknownToken => "unknown_token",
            Self::NewNetwork => "new_network",
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
            Self::CodeReplay | Self::RefreshReuse => 1.0,
            Self::WrongBinding | Self::TooManyFailures => 0.9,
            Self::WrongClient | Self::JtiReplay => 0.8,
            Self::WrongVerifier | Self::WrongNetwork => 0.7,
            Self::WrongSecret | Self::WrongRedirectUri => 0.6,
            Self::RevokedToken | Self::ScopeWidening | Self::TargetWidening => 0.5,
            Self::UnknownClient | Self::InactiveClient | Self::InactiveUser | Self::EndedSession => 0.4,
            Self::UnknownToken | Self::NewNetwork | Self::RefreshRetry => 0.3,
            Self::RateLimited => 0.2,
            Self::ExpiredToken | Self::CodeRetry => 0.1,
        }
    }
}

/// The risk of a step with these flags: the highest of theirs, 0 without any.
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

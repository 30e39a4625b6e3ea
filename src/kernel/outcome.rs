//! Outcomes and mistakes.
//!
//! A [`Refusal`] says what a client or an end user did wrong. It comes back as a row, so that the revocation, the
//! counter and the audit row that go with it commit. A [`Mistake`] says what the calling program did wrong. It is
//! raised, and the call writes nothing. Only this file raises.

use std::borrow::Cow;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

/// An error code of the RFCs, as the column `error` shows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorCode {
    /// RFC 6749 section 5.2
    InvalidRequest,
    /// RFC 6749 section 5.2
    InvalidClient,
    /// RFC 6749 section 5.2
    InvalidGrant,
    /// RFC 6749 section 5.2
    UnauthorizedClient,
    /// RFC 6749 section 5.2
    UnsupportedGrantType,
    /// RFC 6749 section 5.2
    InvalidScope,
    /// RFC 6749 section 4.1.2.1
    AccessDenied,
    /// RFC 6749 section 4.1.2.1
    UnsupportedResponseType,
    /// RFC 8707 section 2
    InvalidTarget,
    /// RFC 6750 section 3.1
    InvalidToken,
    /// RFC 6750 section 3.1
    InsufficientScope,
    /// RFC 8628 section 3.5
    AuthorizationPending,
    /// RFC 8628 section 3.5
    SlowDown,
    /// RFC 8628 section 3.5
    ExpiredToken,
    /// RFC 9449 section 5
    InvalidDpopProof,
    /// RFC 9449 section 8
    UseDpopNonce,
    /// OpenID Connect Core section 3.1.2.6
    InvalidRequestUri,
    /// OpenID Connect Core section 3.1.2.6
    RequestNotSupported,
    /// OpenID Connect Core section 3.1.2.6, RFC 9101 section 7
    InvalidRequestObject,
    /// OpenID Connect Core section 3.1.2.6: no page may be shown, and the user has to log in
    LoginRequired,
    /// OpenID Connect Core section 3.1.2.6: no page may be shown, and the user has to be asked
    ConsentRequired,
    /// OpenID Connect Core section 3.1.2.6: no page may be shown, and the user has to do something else
    InteractionRequired,
    /// OpenID Connect Core section 3.1.2.6: no page may be shown, and the user has to choose
    AccountSelectionRequired,
    /// RFC 9470 section 5: the user has logged in in another way than the request asks for
    UnmetAuthenticationRequirements,
    /// RFC 9396 section 5
    InvalidAuthorizationDetails,
    /// RFC 7591 section 3.2.2
    InvalidRedirectUri,
    /// RFC 7591 section 3.2.2
    InvalidClientMetadata,
    /// RFC 6749 section 4.1.2.1: a rate limit is used up; retry_after says for how long
    TemporarilyUnavailable,
    /// RFC 6749 section 4.1.2.1
    ServerError,
    /// Of this store: the log-in is too old or of the wrong kind; RFC 9470 section 3 says it to a client as
    /// insufficient_user_authentication
    StepUpRequired,
    /// Of this store: another user of the tenant has the address
    EmailTaken,
    /// Of this store: another user of the tenant has the name
    NameTaken,
    /// Of this store: somebody has registered the passkey before
    PasskeyTaken,
    /// Of this store: a passkey's key is of an algorithm that was not offered
    UnsupportedAlgorithm,
    /// Of this store: another user of the tenant logs in with the account of a provider
    IdentityTaken,
    /// Of this store: the user could not log in any more
    LastCredential,
    /// Of this store: the lease with this fence is over
    LeaseLost,
    /// Of this store: nobody who may log in has this name and this password
    InvalidCredentials,
    /// Of this store: too many failed attempts, or an administrator has locked the user; locked_until says until when
    AccountLocked,
    /// Of this store: a new password breaks a rule of the tenant; error_description says what to do
    PasswordRejected,
    /// Of this store: it is the user's only second factor
    LastFactor,
}

impl ErrorCode {
    /// The code as the RFC spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidTarget => "invalid_target",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RequestNotSupported => "request_not_supported",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::InteractionRequired => "interaction_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidAuthorizationDetails => "invalid_authorization_details",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
            Self::StepUpRequired => "step_up_required",
            Self::EmailTaken => "email_taken",
            Self::NameTaken => "name_taken",
            Self::PasskeyTaken => "passkey_taken",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::IdentityTaken => "identity_taken",
            Self::LastCredential => "last_credential",
            Self::LeaseLost => "lease_lost",
            Self::InvalidCredentials => "invalid_credentials",
            Self::AccountLocked => "account_locked",
            Self::PasswordRejected => "password_rejected",
            Self::LastFactor => "last_factor",
        }
    }
}

/// The outcome of a step: a value, or a refusal, which becomes a row; or a mistake, which is raised.
pub type Answer<T, R = Refusal> = Result<Result<T, R>, Mistake>;

/// An outcome of the protocol other than success: the columns `error` and `error_description`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The RFC's code.
    pub code: ErrorCode,
    /// For the developer of the client. It never says more than the client may know.
    pub description: Cow<'static, str>,
    /// Seconds after which the same request may succeed: the column `retry_after`.
    pub retry_after: Option<i32>,
}

impl Refusal {
    /// A refusal with a fixed description.
    pub const fn new(code: ErrorCode, description: &'static str) -> Self {
        Self { code, description: Cow::Borrowed(description), retry_after: None }
    }

    /// The refusal of a request over a rate limit, with the seconds to wait.
    pub fn over_limit(description: &'static str, retry_after: i32) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(ErrorCode::TemporarilyUnavailable, description) }
    }

    /// The column `error`.
    pub fn error(&self) -> Option<&'static str> {
        Some(self.code.as_str())
    }

    /// The column `error_description`.
    pub fn error_description(&self) -> Option<String> {
        Some(self.description.to_string())
    }

    /// The column `retry_after`.
    pub fn retry_after(&self) -> Option<i32> {
        self.retry_after
    }
}

/// What the calling program did wrong, or what the database lacks.
#[derive(Debug)]
pub enum Mistake {
    /// 22004: an argument that must be given is NULL.
    NullArgument(&'static str),
    /// 22023: the argument's value is not acceptable.
    InvalidArgument {
        /// The argument's name in SQL.
        argument: &'static str,
        /// What is accepted, for the hint.
        accepted: Cow<'static, str>,
    },
    /// 23503: an administrative call names something that does not exist.
    Unknown {
        /// What it is: tenant, client, user, grant …
        what: &'static str,
        /// The argument that named it.
        argument: &'static str,
    },
    /// 23505: it exists already.
    Duplicate {
        /// What it is.
        what: &'static str,
        /// The argument that collides.
        argument: &'static str,
    },
    /// 55000: an object is in a state that does not allow the call.
    WrongState {
        /// What is wrong.
        message: Cow<'static, str>,
        /// What to do.
        hint: Cow<'static, str>,
    },
    /// 42501: the caller may not do this.
    NotAllowed(Cow<'static, str>),
    /// 55000: the tables are not there, or not ours.
    NotInstalled(Cow<'static, str>),
    /// 55000: the tables have another version than the library.
    WrongVersion,
    /// 0A000: not in this version.
    NotSupported(&'static str),
    /// 25006: the transaction or the server is read-only.
    ReadOnly,
    /// 53200: a hash needs more memory than there is.
    OutOfMemory,
    /// 58000: the operating system gave no randomness.
    NoRandomness,
    /// 55000: the function's SQL definition is not the library's.
    DefinitionDiffers,
    /// 55000: a table or index differs from what the library reads; says in what.
    TypeDiffers(Cow<'static, str>),
    /// 40001: a table was rewritten after the transaction's only snapshot was taken.
    Changed,
    /// An error of the server with its own SQLSTATE, to which the store adds a hint.
    Failed {
        /// The server's SQLSTATE.
        code: PgSqlErrorCode,
        /// What the server said, and about what.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
}

impl Mistake {
    /// [`Mistake::InvalidArgument`] with a fixed text.
    pub const fn invalid(argument: &'static str, accepted: &'static str) -> Self {
        Self::InvalidArgument { argument, accepted: Cow::Borrowed(accepted) }
    }

    /// An argument that must be one of these words.
    pub fn one_of(argument: &'static str, words: &[&str]) -> Self {
        Self::InvalidArgument { argument, accepted: words.join(", ").into() }
    }

    /// What is wrong, for a message about something else.
    pub fn message(&self) -> String {
        self.report().message().to_owned()
    }

    /// The same with what to do about it.
    pub fn with_hint(&self) -> String {
        let report = self.report();
        match report.hint() {
            Some(hint) => format!("{}: {hint}", report.message()),
            None => report.message().to_owned(),
        }
    }

    fn report(&self) -> ErrorReport {
        use PgSqlErrorCode as E;
        let new = |code, message: String| ErrorReport::new(code, message, "auth_store");
        let state = |message: &str, hint: &str| {
            new(E::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message.to_owned()).set_hint(hint.to_owned())
        };
        match self {
            Self::NullArgument(argument) => new(
                E::ERRCODE_NULL_VALUE_NOT_ALLOWED,
                format!("argument \"{argument}\" must not be NULL"),
            ),
            Self::InvalidArgument { argument, accepted } => new(
                E::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("invalid value for argument \"{argument}\""),
            )
            .set_hint(format!("Accepted: {accepted}.")),
            Self::Unknown { what, argument } => new(
                E::ERRCODE_FOREIGN_KEY_VIOLATION,
                format!("{what} named by argument \"{argument}\" does not exist"),
            ),
            Self::Duplicate { what, argument } => new(
                E::ERRCODE_UNIQUE_VIOLATION,
                format!("{what} with this \"{argument}\" exists already"),
            ),
            Self::WrongState { message, hint } => state(message, hint),
            Self::NotAllowed(message) => {
                new(E::ERRCODE_INSUFFICIENT_PRIVILEGE, message.to_string())
            }
            Self::NotInstalled(message) => state(message, "SELECT auth_store.install()"),
            Self::WrongVersion => state(
                "the tables of auth_store have another version than its library",
                "SELECT auth_store.migrate()",
            ),
            Self::NotSupported(message) => {
                new(E::ERRCODE_FEATURE_NOT_SUPPORTED, (*message).to_string())
            }
            Self::ReadOnly => new(
                E::ERRCODE_READ_ONLY_SQL_TRANSACTION,
                "this function of auth_store writes and cannot run in a read-only transaction or on a standby".into(),
            ),
            Self::OutOfMemory => new(
                E::ERRCODE_OUT_OF_MEMORY,
                "not enough memory to verify a secret's hash".into(),
            ),
            Self::NoRandomness => new(
                E::ERRCODE_SYSTEM_ERROR,
                "the operating system's random generator gave no bytes".into(),
            ),
            Self::DefinitionDiffers => state(
                "the SQL definition of this function is not the one of the loaded library",
                "ALTER EXTENSION auth_store UPDATE",
            ),
            Self::TypeDiffers(what) => state(
                &format!("the tables of auth_store were altered: {what}"),
                "SELECT * FROM auth_store.check()",
            ),
            Self::Changed => new(
                E::ERRCODE_T_R_SERIALIZATION_FAILURE,
                "could not serialize access due to a concurrent change of the tables of auth_store".into(),
            )
            .set_hint("Retry the transaction"),
            Self::Failed { code, message, hint: None } => new(*code, message.clone()),
            Self::Failed { code, message, hint: Some(hint) } => {
                new(*code, message.clone()).set_hint(hint.clone())
            }
        }
    }
}

/// The end of a SQL function: its value, or the error raised.
pub trait OrRaise<T> {
    /// Returns the value or raises the mistake with its SQLSTATE.
    fn or_raise(self) -> T;
}

impl<T> OrRaise<T> for Result<T, Mistake> {
    fn or_raise(self) -> T {
        match self {
            Ok(value) => value,
            Err(mistake) => {
                mistake.report().report(PgLogLevel::ERROR);
                unreachable!("report at level ERROR does not return")
            }
        }
    }
}

/// An argument that must not be NULL.
pub fn given<T>(value: Option<T>, argument: &'static str) -> Result<T, Mistake> {
    value.ok_or(Mistake::NullArgument(argument))
}

/// Ends a session that may not go on: 42501.
pub fn end_session(message: String) {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, message, "auth_store")
        .report(PgLogLevel::FATAL);
}

/// Tells the caller something without failing.
pub fn notice(message: &str) {
    pgrx::notice!("{message}");
}

/// Warns the caller without failing.
pub fn warning(message: &str) {
    pgrx::warning!("{message}");
}

/// Tells the server's log, not the caller.
pub fn log(message: String) {
    ErrorReport::new(PgSqlErrorCode::ERRCODE_WARNING, message, "auth_store")
        .report(PgLogLevel::LOG_SERVER_ONLY);
}

#[cfg(test)]
mod tests {
    use super::ErrorCode;

    /// RFC 6749 section 5.2: error characters are %x20-21 / %x23-5B / %x5D-7E.
    #[test]
    fn codes_use_the_characters_of_rfc_6749() {
        for code in [
            ErrorCode::InvalidRequest,
            ErrorCode::InvalidClient,
            ErrorCode::InvalidGrant,
            ErrorCode::InsufficientScope,
        ] {
            assert!(code.as_str().bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }
}

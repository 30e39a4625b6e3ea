//! The grant types: which parameters each has, and which domain function answers it.

use crate::endpoint::request::form::Form;
use crate::endpoint::request::proof::Held;
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::{Client, secret};
use crate::oauth::code::redeem::{self, RedeemRequest};
use crate::oauth::device;
use crate::oauth::device::redeem::DeviceTokenRequest;
use crate::oauth::token::TokenResponse;
use crate::oauth::token::exchange::{self, ExchangeRequest};
use crate::oauth::token::issue::{self, IssueRequest};
use crate::oauth::token::refresh::{self, RefreshRequest};
use crate::rfc::parameter;
use crate::trail::Context;

/// What is asked for at the token endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// RFC 6749 section 4.1.3
    Code,
    /// RFC 6749 section 6
    Refresh,
    /// RFC 6749 section 4.4.2
    ClientCredentials,
    /// RFC 8628 section 3.4
    Device,
    /// RFC 8693 section 2.1
    Exchange,
    /// A grant type that the store does not have.
    Unknown,
    /// None.
    Nothing,
}

impl Asked {
    /// By the parameter `grant_type`.
    pub fn of(grant_type: Option<&str>) -> Self {
        match grant_type {
            Some("authorization_code") => Self::Code,
            Some("refresh_token") => Self::Refresh,
            Some("client_credentials") => Self::ClientCredentials,
            Some(device::GRANT_TYPE) => Self::Device,
            Some(exchange::GRANT_TYPE) => Self::Exchange,
            Some(_) => Self::Unknown,
            None => Self::Nothing,
        }
    }

    /// The event that a request leaves in the audit trail if its client is refused.
    pub fn event(self) -> &'static str {
        match self {
            Self::Code => redeem::REDEEMED,
            Self::Refresh => refresh::REFRESHED,
            Self::ClientCredentials => issue::ISSUED,
            Self::Device => device::redeem::REDEEMED,
            Self::Exchange => exchange::EXCHANGED,
            Self::Unknown | Self::Nothing => secret::AUTHENTICATED,
        }
    }
}

/// The domain function's answer to a client that has authenticated.
pub fn answer(
    now: Timestamp,
    snapshot: Snapshot,
    asked: Asked,
    form: &Form<'_>,
    client: &Client,
    held: &Held,
    context: &Context<'_>,
) -> Result<TokenResponse, Mistake> {
    let proof = held.binding(client);
    let (resource, scope) = (form.all("resource"), parameter::scope(form.get("scope")));
    let missing =
        |description| Ok(TokenResponse::refused(&Refusal::new(ErrorCode::InvalidRequest, description)));
    match asked {
        Asked::Nothing => missing("grant_type is missing"),
        Asked::Unknown => {
            let description = "the grant type is not one of this server";
            Ok(TokenResponse::refused(&Refusal::new(ErrorCode::UnsupportedGrantType, description)))
        }
        Asked::Code => {
            let Some(code) = form.get("code") else { return missing("code is missing") };
            let redemption = RedeemRequest {
                code: Some(code),
                redirect_uri: form.get("redirect_uri"),
                code_verifier: form.get("code_verifier"),
                resource,
                proof,
            };
            redeem::redeem_by(now, snapshot, client, redemption, context)
        }
        Asked::Refresh => {
            let Some(token) = form.get("refresh_token") else { return missing("refresh_token is missing") };
            let request = RefreshRequest { scope, resource, proof: held.proof() };
            refresh::refresh_by(now, snapshot, Some(token), client, &request, context)
        }
        Asked::ClientCredentials => {
            drop(snapshot);
            let request = IssueRequest {
                scope,
                refresh: Some(false),
                resource,
                cnf: proof.confirmation(),
                ..IssueRequest::default()
            };
            issue::issue_to_client(now, client, request, context)
        }
        Asked::Device => {
            let Some(code) = form.get("device_code") else { return missing("device_code is missing") };
            let request = DeviceTokenRequest { resource, proof };
            device::redeem::redeem_by(now, snapshot, Some(code), client, request, context)
        }
        Asked::Exchange => {
            let Some(subject) = form.get("subject_token") else { return missing("subject_token is missing") };
            if form.get("subject_token_type").is_none() {
                return missing("subject_token_type is missing");
            }
            let request = ExchangeRequest {
                subject_token: Some(subject),
                actor_token: form.get("actor_token"),
                types: ["subject_token_type", "actor_token_type", "requested_token_type"]
                    .map(|name| form.get(name)),
                scope,
                resource,
                audience: form.all("audience"),
                proof,
            };
            exchange::exchange_by(now, snapshot, client, request, context)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn an_event_is_of_its_grant() {
        for (grant_type, event) in [
            (Some("authorization_code"), "code.redeemed"),
            (Some("refresh_token"), "token.refreshed"),
            (Some("client_credentials"), "token.issued"),
            (Some("urn:ietf:params:oauth:grant-type:device_code"), "device.redeemed"),
            (Some("urn:ietf:params:oauth:grant-type:token-exchange"), "token.exchanged"),
            (Some("password"), "client.authenticated"),
            (None, "client.authenticated"),
        ] {
            assert_eq!(Asked::of(grant_type).event(), event);
        }
    }
}

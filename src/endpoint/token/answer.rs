//! The answer of the token endpoint (RFC 6749 sections 5.1 and 5.2), so that every client reads it: no member is null
//! or empty, numbers are integers, the scope is always there.

use crate::endpoint::response::{Response, Teller};
use crate::kernel::outcome::ErrorCode;
use crate::kernel::value::json::Object;
use crate::oauth::token::TokenResponse;

/// The response of a domain function's answer.
pub fn of(answer: TokenResponse, teller: Teller<'_>) -> Response {
    let Some(access_token) = answer.access_token.as_deref() else { return refused(&answer, teller) };
    let long = [answer.scope.as_ref(), answer.id_token.as_ref()].into_iter().flatten().map(String::len);
    let room = 256 + access_token.len() + long.sum::<usize>();
    let mut body = Object::with_capacity(room);
    body.text("access_token", access_token)
        .some_text("token_type", answer.token_type)
        .some_number("expires_in", answer.expires_in.map(i64::from))
        .some_text("refresh_token", answer.refresh_token.as_deref())
        .text("scope", answer.scope.as_deref().unwrap_or_default())
        .some_text("id_token", answer.id_token.as_deref())
        .some_text("issued_token_type", answer.issued_token_type);
    if let Some(details) = &answer.authorization_details {
        body.json("authorization_details", &details.text());
    }
    Response::json(200, body.end()).of_user(answer.user_id)
}

fn refused(answer: &TokenResponse, teller: Teller<'_>) -> Response {
    let code = answer.error.unwrap_or(ErrorCode::ServerError.as_str());
    let description = answer.error_description.as_deref().unwrap_or_default();
    Response::refused(code, description, answer.retry_after, teller)
}

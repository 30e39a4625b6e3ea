//! What a client is told of its registration (RFC 7591 section 3.2.1): no member is null or empty.

use crate::kernel::value::json::Object;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::metadata::ClientMetadata;
use crate::oauth::client::registered::terms::SHOWN;

/// The metadata of a client by the names of the registry (RFC 7591 section 4.1).
pub fn of(client_id: &str, client: &ClientMetadata) -> Object {
    let protocol = &client.protocol;
    let by_code = client.grant_types.iter().any(|name| name == "authorization_code");
    let response_types: &[&str] = if by_code { &["code"] } else { &[] };
    let mut object = Object::with_capacity(1024);
    object
        .text("client_id", client_id)
        .text("client_name", &client.name)
        .texts("redirect_uris", &client.redirect_uris)
        .texts("grant_types", &client.grant_types)
        .texts("response_types", response_types)
        .text("token_endpoint_auth_method", client.token_endpoint_auth_method.as_str())
        .text("subject_type", protocol.subject_type.as_str())
        .some_text("scope", Some(client.scope.as_str()).filter(|scope| !scope.is_empty()))
        .some_text("jwks_uri", protocol.jwks_uri.as_deref())
        .some_text("id_token_signed_response_alg", protocol.id_token_signed_response_alg.as_deref())
        .some_text("userinfo_signed_response_alg", protocol.userinfo_signed_response_alg.as_deref())
        .some_number("default_max_age", protocol.default_max_age.map(i64::from))
        .some_text("backchannel_logout_uri", protocol.backchannel_logout_uri.as_deref());
    for (name, value) in [
        ("require_pushed_authorization_requests", protocol.require_par),
        ("dpop_bound_access_tokens", protocol.dpop_bound),
        ("tls_client_certificate_bound_access_tokens", protocol.certificate_bound),
        ("backchannel_logout_session_required", protocol.backchannel_logout_session_required),
    ] {
        if value {
            object.flag(name, true);
        }
    }
    for (name, values) in [
        ("post_logout_redirect_uris", &protocol.post_logout_redirect_uris),
        ("authorization_details_types", &protocol.authorization_details_types),
    ] {
        if !values.is_empty() {
            object.texts(name, values);
        }
    }
    if let Some(jwks) = &protocol.jwks {
        object.json("jwks", &jwks.text());
    }
    for (name, value) in protocol.certificate_subject.iter().flat_map(Jsonb::texts) {
        object.text(name, value);
    }
    for name in SHOWN {
        if let Some(value) = client.metadata.get(name) {
            object.json(name, &value.text());
        }
    }
    object
}

//! The metadata document of a resource server (RFC 9728 section 2): where a client gets a token for it. Pure.

use serde_json::Value;

use crate::endpoint::response::DPOP_ALGS;
use crate::kernel::value::json::Object;
use crate::oauth::issuer::Issuer;
use crate::oauth::issuer::resource_server::Described;

/// The document of a resource server that takes the tokens of this issuer.
pub fn of(issuer: &Issuer, server: &Described) -> String {
    let mut document = Object::with_capacity(1024);
    document
        .text("resource", &server.uri)
        .texts("authorization_servers", &[&issuer.issuer])
        .texts("bearer_methods_supported", &["header"])
        .texts("dpop_signing_alg_values_supported", &DPOP_ALGS)
        .some_text("resource_name", server.name.as_deref());
    let scope: Vec<_> = server.scope.split(' ').filter(|token| !token.is_empty()).collect();
    if !scope.is_empty() {
        document.texts("scopes_supported", &scope);
    }
    if server.dpop_required {
        document.flag("dpop_bound_access_tokens_required", true);
    }
    if issuer.settings.mtls_url.is_some() {
        document.flag("tls_client_certificate_bound_access_tokens", true);
    }
    if !issuer.settings.authorization_details_types.is_empty() {
        let types = &issuer.settings.authorization_details_types;
        document.texts("authorization_details_types_supported", types);
    }
    let own = [
        "resource",
        "authorization_servers",
        "bearer_methods_supported",
        "dpop_signing_alg_values_supported",
        "resource_name",
        "scopes_supported",
        "dpop_bound_access_tokens_required",
        "tls_client_certificate_bound_access_tokens",
        "authorization_details_types_supported",
    ];
    if let Some(Value::Object(more)) = server.metadata.parse() {
        for (name, value) in
            more.iter().filter(|(name, value)| !own.contains(&name.as_str()) && !value.is_null())
        {
            document.json(name, &value.to_string());
        }
    }
    document.end()
}

//! The metadata document of an issuer (RFC 8414 section 2, OpenID Connect Discovery section 3). Pure.

use crate::endpoint::response::DPOP_ALGS;
use crate::kernel::value::json::Object;
use crate::oauth::issuer::Issuer;
use crate::oauth::issuer::settings::Settings;
use crate::oauth::token::jwt::person;
use crate::rfc::choice::Registration;
use crate::rfc::jose::alg::Alg;

const GRANT_TYPES: [&str; 5] = [
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

/// Of the ID token itself; [`person::names`] has those of the user.
const CLAIMS: [&str; 8] = ["sub", "iss", "aud", "exp", "iat", "auth_time", "acr", "amr"];

/// The last one only where there is a page for it.
const PROMPTS: [&str; 5] = ["none", "login", "consent", "select_account", "create"];

/// The document of an issuer that signs by these algorithms. No member is null or empty that need not be there: some
/// clients read null as a value.
pub fn of(issuer: &Issuer, algs: &[Alg]) -> String {
    let settings = &issuer.settings;
    let algs: Vec<_> = algs.iter().map(|alg| alg.as_str()).collect();
    let mut document = Object::with_capacity(4096);
    document.text("issuer", &issuer.issuer);
    endpoints(&mut document, issuer);
    let prompts = if settings.create_page().is_some() { &PROMPTS[..] } else { &PROMPTS[..4] };
    let scope: Vec<_> = settings.scope.split(' ').filter(|token| !token.is_empty()).collect();
    document
        .texts("scopes_supported", &scope)
        .texts("response_types_supported", &["code"])
        .texts("response_modes_supported", &["query", "form_post"])
        .texts("grant_types_supported", &GRANT_TYPES)
        .texts("subject_types_supported", &["public", "pairwise"])
        .texts("id_token_signing_alg_values_supported", &algs)
        .texts("introspection_signing_alg_values_supported", &algs)
        .texts("code_challenge_methods_supported", &["S256"])
        .texts("prompt_values_supported", prompts)
        .texts("dpop_signing_alg_values_supported", &DPOP_ALGS)
        .flag("authorization_response_iss_parameter_supported", true)
        .flag("claims_parameter_supported", true)
        .texts("claims_supported", &CLAIMS.into_iter().chain(person::names()).collect::<Vec<_>>())
        .flag("request_parameter_supported", settings.request_objects)
        // Only what was pushed is named by a URI: the store fetches nothing.
        .flag("request_uri_parameter_supported", false)
        .flag("require_pushed_authorization_requests", settings.require_par || settings.is_fapi2())
        .flag("backchannel_logout_supported", true)
        .flag("backchannel_logout_session_supported", true);
    authentication(&mut document, settings);
    if settings.request_objects {
        document.texts("request_object_signing_alg_values_supported", verified(settings));
    }
    if settings.metadata_documents {
        document.flag("client_id_metadata_document_supported", true);
    }
    for (name, values) in [
        ("acr_values_supported", &settings.acr_values),
        ("ui_locales_supported", &settings.ui_locales),
        ("authorization_details_types_supported", &settings.authorization_details_types),
    ] {
        if !values.is_empty() {
            document.texts(name, values);
        }
    }
    document
        .some_text("service_documentation", settings.service_documentation.as_deref())
        .some_text("op_policy_uri", settings.op_policy_uri.as_deref())
        .some_text("op_tos_uri", settings.op_tos_uri.as_deref());
    with_more(document, issuer)
}

fn endpoints(document: &mut Object, issuer: &Issuer) {
    let paths = &issuer.settings.paths;
    document
        .text("authorization_endpoint", &issuer.url(&paths.authorization))
        .text("jwks_uri", &issuer.url(&paths.jwks))
        .text("end_session_endpoint", &issuer.url(&paths.end_session));
    let of_clients = [
        ("token_endpoint", &paths.token),
        ("userinfo_endpoint", &paths.userinfo),
        ("introspection_endpoint", &paths.introspection),
        ("revocation_endpoint", &paths.revocation),
        ("pushed_authorization_request_endpoint", &paths.pushed_authorization_request),
        ("device_authorization_endpoint", &paths.device_authorization),
    ];
    for (name, path) in of_clients {
        document.text(name, &issuer.url(path));
    }
    if issuer.settings.registration != Registration::Off {
        document.text("registration_endpoint", &issuer.url(&paths.registration));
    }
    let Some(base) = &issuer.settings.mtls_url else { return };
    document.flag("tls_client_certificate_bound_access_tokens", true);
    if *base != issuer.issuer {
        let mut aliases = Object::new();
        for (name, path) in of_clients {
            aliases.text(name, &format!("{}{path}", base.trim_end_matches('/')));
        }
        document.json("mtls_endpoint_aliases", &aliases.end());
    }
}

/// How clients authenticate. With a secret, or without, none does under FAPI 2.0 (Security Profile section 5.3.2.1).
fn authentication(document: &mut Object, settings: &Settings) {
    let secret: &[&str] =
        if settings.is_fapi2() { &[] } else { &["client_secret_basic", "client_secret_post"] };
    let mut methods = secret.to_vec();
    methods.push("private_key_jwt");
    if settings.client_secret_jwt && !settings.is_fapi2() {
        methods.push("client_secret_jwt");
    }
    if settings.mtls_url.is_some() {
        methods.extend(["tls_client_auth", "self_signed_tls_client_auth"]);
    }
    let mut algs = verified(settings).to_vec();
    if methods.contains(&"client_secret_jwt") {
        algs.push("HS256");
    }
    document
        .texts("introspection_endpoint_auth_methods_supported", &methods)
        .texts("introspection_endpoint_auth_signing_alg_values_supported", &algs);
    if !settings.is_fapi2() {
        methods.push("none");
    }
    for (endpoint, algorithms) in [
        ("token_endpoint_auth_methods_supported", "token_endpoint_auth_signing_alg_values_supported"),
        (
            "revocation_endpoint_auth_methods_supported",
            "revocation_endpoint_auth_signing_alg_values_supported",
        ),
    ] {
        document.texts(endpoint, &methods).texts(algorithms, &algs);
    }
}

/// The algorithms of assertions and request objects. FAPI 2.0 has no RS256 (Security Profile section 5.4.1).
fn verified(settings: &Settings) -> &'static [&'static str] {
    if settings.is_fapi2() { &["ES256", "EdDSA", "Ed25519", "PS256"] } else { &Alg::VERIFIED }
}

/// The text with the members that the operator adds; none replaces one of the store's.
fn with_more(document: Object, issuer: &Issuer) -> String {
    let text = document.end();
    let more = &issuer.settings.metadata;
    let Ok(serde_json::Value::Object(own)) = serde_json::from_str(&text) else { return text };
    let mut whole = Object::with_capacity(text.len() + 256);
    whole.members(&text);
    for (name, value) in more.iter().filter(|(name, value)| !own.contains_key(*name) && !value.is_null()) {
        whole.json(name, &value.to_string());
    }
    whole.end()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::of;
    use crate::kernel::value::id::Id;
    use crate::oauth::issuer::Issuer;
    use crate::oauth::issuer::settings::Settings;
    use crate::rfc::jose::alg::Alg;
    use serde_json::{Value, json};

    fn document(settings: Value) -> Value {
        let issuer = Issuer {
            tenant_id: "default".into(),
            issuer: "https://id.example/acme".into(),
            path: "/acme".into(),
            settings: Settings::of(settings.as_object().unwrap().clone()).unwrap(),
            revision: Id::from_bytes([0; 16]),
        };
        serde_json::from_str(&of(&issuer, &[Alg::Es256, Alg::EdDsa])).unwrap()
    }

    #[test]
    fn what_clients_need_is_there() {
        let document = document(json!({}));
        for (name, value) in [
            ("issuer", json!("https://id.example/acme")),
            ("token_endpoint", json!("https://id.example/acme/token")),
            ("response_types_supported", json!(["code"])),
            ("code_challenge_methods_supported", json!(["S256"])),
            ("id_token_signing_alg_values_supported", json!(["ES256", "EdDSA"])),
            ("authorization_response_iss_parameter_supported", json!(true)),
            ("request_uri_parameter_supported", json!(false)),
            ("require_pushed_authorization_requests", json!(false)),
        ] {
            assert_eq!(document[name], value, "{name}");
        }
        let members = document.as_object().unwrap();
        assert!(members.values().all(|value| !value.is_null() && *value != json!("")));
        for absent in ["registration_endpoint", "mtls_endpoint_aliases", "acr_values_supported"] {
            assert!(!members.contains_key(absent), "{absent}");
        }
    }

    #[test]
    fn what_is_set_is_said() {
        let document = document(json!({
            "registration": "open", "mtls_url": "https://mtls.example", "acr_values": ["urn:x"],
            "metadata_documents": true, "profile": "fapi2",
            "metadata": {"issuer": "https://evil.example", "x": [1], "y": null},
        }));
        assert_eq!(document["registration_endpoint"], "https://id.example/acme/register");
        assert_eq!(document["mtls_endpoint_aliases"]["token_endpoint"], "https://mtls.example/token");
        assert_eq!(document["require_pushed_authorization_requests"], true);
        assert_eq!(document["client_id_metadata_document_supported"], true);
        assert_eq!(
            document["token_endpoint_auth_methods_supported"],
            json!(["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"])
        );
        assert_eq!((&document["issuer"], &document["x"]), (&json!("https://id.example/acme"), &json!([1])));
        assert!(document.get("y").is_none());
    }
}

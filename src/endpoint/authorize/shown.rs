//! What a page shows of a request: who asks for what, and how the user has to log in.

use serde_json::{Map, Value};

use crate::endpoint::authorize::case::Case;
use crate::endpoint::authorize::request::wishes::words;
use crate::kernel::value::id::Id;
use crate::kernel::value::jsonb::Jsonb;
use crate::oauth::client::page::Page;

/// Members of the client's metadata that a page may show (RFC 7591 section 2).
const OF_CLIENT: [&str; 5] = ["client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts"];

/// The column `request`. What there is nothing of is left out.
pub fn request(case: &Case, user_id: Option<Id>, missing: &[String]) -> Option<Jsonb> {
    let asked = &case.asked;
    let mut shown = of_client(&case.page);
    let mut show = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            shown.insert(name.to_owned(), value);
        }
    };
    let text = |name: &str| asked.text(name).map(Value::from);
    let list = |texts: Vec<String>| (!texts.is_empty()).then(|| Value::from(texts));
    let word_list = |name: &str| list(words(asked.text(name)).map(str::to_owned).collect());
    show("tenant_id", Some(case.client.tenant_id.as_str().into()));
    show("client_id", Some(case.client.id.as_str().into()));
    show("client_name", Some(case.page.name.as_str().into()));
    show("redirect_uri", asked.redirect_uri(&case.client).map(Value::from));
    show("scope", Some(case.scope.as_str().into()));
    show("missing_scope", Some(missing.join(" ").into()));
    show("resource", case.resources.clone().and_then(list));
    show("authorization_details", case.details.clone());
    show("prompt", word_list("prompt"));
    show("max_age", case.wishes.max_age.map(Value::from));
    show("acr_values", list(case.wishes.acr_values.clone()));
    show("login_hint", text("login_hint"));
    show("ui_locales", word_list("ui_locales"));
    show("display", text("display"));
    show("claims", case.wishes.claims.clone());
    show("create_url", case.issuer.settings.create_page().map(Value::from));
    show("user_id", user_id.map(|id| id.to_string().into()));
    Jsonb::of(&Value::Object(shown))
}

/// What the client says of itself.
pub fn of_client(page: &Page) -> Map<String, Value> {
    let member = |name: &&str| Some(((*name).to_owned(), page.metadata.get(name)?.parse()?));
    OF_CLIENT.iter().filter_map(member).collect()
}

//! Asking the user whether a client may have what it asks for.

use serde_json::Value;

use super::login::Way;
use super::{Page, Visit, html, problem, show, token, uuid};
use crate::answer::Answer;
use crate::flow::{self, Asked, Given};
use crate::pages::Html;
use crate::store::Failure;

/// What scope tokens of OpenID Connect (Core sections 5.4 and 11) mean to people. Others are shown as they are.
const MEANINGS: [(&str, &str); 6] = [
    ("openid", "know who you are"),
    ("profile", "see your name and profile"),
    ("email", "see your e-mail address"),
    ("phone", "see your telephone number"),
    ("address", "see your postal address"),
    ("offline_access", "have access while you are away"),
];

/// The page, and the decision.
pub async fn consent(visit: &Visit<'_>) -> Result<Answer, Failure> {
    let Some(id) = uuid(visit, "interaction") else {
        return Ok(problem(
            400,
            "There is nothing to decide here. Go back to the application and begin anew.",
        ));
    };
    if visit.is_post() && visit.form.get("decision") == Some("deny") {
        return decide(visit, "interaction_deny", id, None).await;
    }
    let step = flow::waiting(visit.front, id, visit.session_token).await?;
    match step.next.as_str() {
        // Nothing is left to ask: as the authorization endpoint, which answers a GET in such a case too.
        "accept" => decide(visit, "interaction_accept", id, None).await,
        "consent" => match &step.asked {
            Some(asked) if visit.is_post() && visit.form.get("decision") == Some("accept") => {
                let scope = agreed(asked, &visit.form.all("scope").collect::<Vec<_>>());
                decide(visit, "interaction_accept", id, Some(&scope)).await
            }
            Some(asked) => Ok(page(visit, id, asked)),
            None => Ok(flow::next(visit.front, step)),
        },
        _ => Ok(flow::next(visit.front, step)),
    }
}

async fn decide(visit: &Visit<'_>, function: &str, id: &str, scope: Option<&str>) -> Result<Answer, Failure> {
    let mut arguments = vec![
        ("interaction_id", "uuid", Given::Text(Some(id))),
        ("ip", "inet", Given::Text(Some(&visit.caller.ip_text))),
        ("user_agent", "text", Given::Text(visit.caller.user_agent.as_deref())),
    ];
    if function == "interaction_accept" {
        arguments.push(("session_token", "text", Given::Text(visit.session_token)));
        arguments.push(("scope", "text", Given::Text(scope)));
    }
    Ok(flow::next(visit.front, flow::step(visit.front, function, &arguments).await?))
}

/// What the user agreed to: what was ticked of what is missing, and what was agreed to before.
fn agreed(asked: &Asked, ticked: &[&str]) -> String {
    let missing: Vec<&str> = words(asked, "missing_scope");
    let is_agreed = |word: &&str| *word == "openid" || !missing.contains(word) || ticked.contains(word);
    words(asked, "scope").into_iter().filter(is_agreed).collect::<Vec<_>>().join(" ")
}

fn words<'a>(asked: &'a Asked, name: &str) -> Vec<&'a str> {
    asked.get(name).unwrap_or("").split(' ').filter(|word| !word.is_empty()).collect()
}

/// What a scope token means.
fn meaning(word: &str) -> &str {
    MEANINGS.iter().find(|(known, _)| *known == word).map_or(word, |(_, meaning)| meaning)
}

fn page(visit: &Visit<'_>, id: &str, asked: &Asked) -> Answer {
    let missing = words(asked, "missing_scope");
    // With everything agreed to before, the question is about all of it.
    let questions = if missing.is_empty() { words(asked, "scope") } else { missing };
    let boxes: Vec<Html> = questions
        .iter()
        .map(|word| {
            // Without it the client has asked for nothing of OpenID Connect.
            let fixed = (*word == "openid").then(|| html!(" disabled"));
            html!(
                "<p><input type=\"checkbox\" id=\"scope {}\" name=\"scope\" value=\"{}\" checked{}> \
                 <label class=\"inline\" for=\"scope {}\">{}</label></p>",
                word,
                word,
                fixed,
                word,
                meaning(word)
            )
        })
        .collect();
    let boxes =
        (!boxes.is_empty()).then(|| html!("<fieldset><legend>It wants to</legend>{}</fieldset>", boxes));
    let other = Way { interaction: Some(id.to_owned()), is_again: true, ..Way::to("/account") };
    let main = html!(
        "<p><strong>{}</strong> asks for access to your account.</p>{}\
         <form method=\"post\" action=\"/consent\">{}<input type=\"hidden\" name=\"interaction\" value=\"{}\">{}{}{}{}\
         <button class=\"main\" name=\"decision\" value=\"accept\">Allow</button>\
         <button name=\"decision\" value=\"deny\">Deny</button></form>\
         <p><a href=\"/login{}\">Use another account</a></p>",
        asked.client_name(),
        about(asked),
        token(visit),
        id,
        boxes,
        named(asked),
        places(asked),
        details(asked),
        other.query(),
    );
    show(Page { title: "Allow access?", main, targets: asked.targets(), ..Page::default() })
}

/// What the client says of itself, as links that tell it nothing of where they were followed from.
pub fn about(asked: &Asked) -> Option<Html> {
    let links: Vec<Html> = [("client_uri", "Website"), ("policy_uri", "Privacy"), ("tos_uri", "Terms")]
        .into_iter()
        .filter_map(|(name, label)| {
            let uri = asked.get(name).filter(|uri| uri.starts_with("https://"))?;
            Some(html!("<a href=\"{}\" rel=\"noreferrer nofollow\" target=\"_blank\">{}</a> ", uri, label))
        })
        .collect();
    // Anybody can call a client anything; where it lives is the harder thing to make up.
    let host = url::Url::parse(asked.get("redirect_uri").unwrap_or("")).ok();
    let host = host
        .as_ref()
        .and_then(|url| url.host_str())
        .map(|host| html!("<p class=\"hint\">You go on to <strong>{}</strong>.</p>", host));
    (!links.is_empty() || host.is_some()).then(|| html!("{}<p>{}</p>", host, links))
}

/// Claims that are asked for by name (OpenID Connect Core section 5.5), but for those that say how the user logged in.
fn named(asked: &Asked) -> Option<Html> {
    let claims = asked.value("claims")?;
    let of = |place| claims.get(place).and_then(Value::as_object).into_iter().flat_map(|named| named.keys());
    let mut names: Vec<&str> = of("userinfo").chain(of("id_token")).map(String::as_str).collect();
    names.retain(|name| !matches!(*name, "sub" | "acr" | "amr" | "auth_time"));
    names.sort_unstable();
    names.dedup();
    let items: Vec<Html> = names.iter().map(|name| html!("<li>{}</li>", name)).collect();
    (!items.is_empty()).then(|| html!("<p>and to know</p><ul>{}</ul>", items))
}

fn places(asked: &Asked) -> Option<Html> {
    let places = asked.list("resource");
    let items: Vec<Html> = places.iter().map(|place| html!("<li>{}</li>", place)).collect();
    (!items.is_empty()).then(|| html!("<p>at</p><ul>{}</ul>", items))
}

/// Authorization details (RFC 9396), as they are: what they mean the application knows.
fn details(asked: &Asked) -> Option<Html> {
    let details = asked.value("authorization_details")?;
    let text = serde_json::to_string_pretty(details).ok()?;
    Some(html!("<p>In detail:</p><pre>{}</pre>", text))
}

/// The scope of a request for people.
pub fn meanings(asked: &Asked) -> Html {
    let items: Vec<Html> =
        words(asked, "scope").iter().map(|word| html!("<li>{}</li>", meaning(word))).collect();
    html!("<ul>{}</ul>", items)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{agreed, meaning};
    use crate::flow::asked_for_tests;

    #[test]
    fn only_what_is_missing_can_be_left_out() {
        let asked = asked_for_tests(json!({ "scope": "openid a b c", "missing_scope": "openid b c" }));
        assert_eq!(agreed(&asked, &["c", "d"]), "openid a c");
        assert_eq!(agreed(&asked, &[]), "openid a");
    }

    #[test]
    fn a_scope_without_a_meaning_is_itself() {
        assert_eq!((meaning("email"), meaning("orders:read")), ("see your e-mail address", "orders:read"));
    }
}

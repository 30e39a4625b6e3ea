//! The way of an answer to the client: in the query of its redirect URI, or as a form that the browser posts there.
//! Pure.

use url::form_urlencoded;

/// How the client wants its answer (OAuth 2.0 Multiple Response Types, Form Post Response Mode).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// In the query of the redirect URI
    #[default]
    Query,
    /// In the body of a POST
    FormPost,
}

impl Mode {
    /// The mode of this name; None: the store has none of it.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// A redirect URI with parameters added to its query. The registered part stays as it is; what is added is
/// percent-encoded ASCII, so that no text of a request ends the header.
pub fn location(redirect_uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut location = String::from(redirect_uri);
    for (name, value) in parameters {
        location.push(if location.contains('?') { '&' } else { '?' });
        location.extend(form_urlencoded::byte_serialize(name.as_bytes()));
        location.push('=');
        location.extend(form_urlencoded::byte_serialize(value.as_bytes()));
    }
    location
}

/// The script of the page that posts the form.
const SUBMIT: &str = "document.forms[0].submit()";

/// What the page of [`form_post`] may do: run that script, by its digest, and nothing else.
pub const FORM_POST_POLICY: &str = "default-src 'none'; \
     script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; \
     base-uri 'none'; frame-ancestors 'none'";

/// A page that posts the parameters to the redirect URI: by itself, or where no script runs by its button.
pub fn form_post(redirect_uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Continue</title></head>\n<body>\
         <form method=\"post\" action=\"",
    );
    escape(redirect_uri, &mut page);
    page.push_str("\">\n");
    for (name, value) in parameters {
        page.push_str("<input type=\"hidden\" name=\"");
        escape(name, &mut page);
        page.push_str("\" value=\"");
        escape(value, &mut page);
        page.push_str("\">\n");
    }
    page.push_str("<button>Continue</button></form>\n<script>");
    page.push_str(SUBMIT);
    page.push_str("</script></body></html>\n");
    page
}

/// Adds a text of an attribute in double quotes.
fn escape(text: &str, page: &mut String) {
    for character in text.chars() {
        match character {
            '&' => page.push_str("&amp;"),
            '<' => page.push_str("&lt;"),
            '>' => page.push_str("&gt;"),
            '"' => page.push_str("&quot;"),
            '\'' => page.push_str("&#39;"),
            other => page.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FORM_POST_POLICY, Mode, SUBMIT, form_post, location};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use ring::digest::{SHA256, digest};

    /// RFC 6749 section 3.1.2: a query of the registered URI is retained.
    #[test]
    fn a_query_that_is_there_stays() {
        let parameters = [("code", "a b"), ("state", "1")];
        assert_eq!(location("https://a.example/cb", &parameters), "https://a.example/cb?code=a+b&state=1");
        assert_eq!(
            location("https://a.example/cb?x=y", &parameters),
            "https://a.example/cb?x=y&code=a+b&state=1"
        );
        assert_eq!(location("com.example.app:/cb", &[]), "com.example.app:/cb");
    }

    #[test]
    fn a_location_is_one_line_of_ascii() {
        let text = location("https://a.example/cb", &[("state", "é\r\nSet-Cookie: a=b;\0 %0d\"<")]);
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        assert_eq!(text, "https://a.example/cb?state=%C3%A9%0D%0ASet-Cookie%3A+a%3Db%3B%00+%250d%22%3C");
    }

    #[test]
    fn a_page_says_nothing_but_its_fields() {
        let page = form_post("https://a.example/cb?a=1&b=2", &[("state", "\"><script>alert('1')</script>")]);
        assert!(page.contains("action=\"https://a.example/cb?a=1&amp;b=2\""));
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\""));
        assert_eq!(page.matches("<script>").count(), 1);
    }

    #[test]
    fn the_policy_allows_the_page_its_script() {
        let script = STANDARD.encode(digest(&SHA256, SUBMIT.as_bytes()));
        assert!(FORM_POST_POLICY.contains(&format!("script-src 'sha256-{script}'")), "{script}");
    }

    #[test]
    fn fragment_is_no_mode_of_codes() {
        assert_eq!(Mode::of("query"), Some(Mode::Query));
        assert_eq!(Mode::of("form_post"), Some(Mode::FormPost));
        assert!(Mode::of("fragment").is_none() && Mode::of("query.jwt").is_none());
    }
}

//! Which client sent a request (RFC 6749 section 2.3): what the header and the form say of it, and whether it is true.

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Caller, basic, limit};
use crate::endpoint::response::{Response, Teller};
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::Client;
use crate::oauth::client::authenticate::assertion::{self, Assertion};
use crate::oauth::client::authenticate::{self, Denied, Evidence, Presented, Reading};
use crate::rfc::choice::SecurityProfile;

/// The client that a request was authenticated as, or the answer to a request of nobody. On failure writes the audit
/// row of the step that fails with it. `path` is the endpoint's below the issuer.
pub fn authenticate(
    snapshot: &Snapshot,
    now: Timestamp,
    event: &str,
    path: &str,
    form: &Form<'_>,
    caller: &Caller<'_>,
    teller: Teller<'_>,
) -> Result<Result<Client, Response>, Mistake> {
    let header = match caller.authorization.map(basic::read) {
        Some(None) => return Ok(Err(Response::refusal(&UNREADABLE, teller))),
        Some(Some(readings)) => readings,
        None => Vec::new(),
    };
    let assertion = match assertion(form) {
        Ok(assertion) => assertion,
        Err(refusal) => return Ok(Err(Response::refusal(&refusal, teller))),
    };
    let readings = match readings(&header, assertion.as_ref(), form) {
        Ok(readings) => readings,
        Err(refusal) => return Ok(Err(Response::refusal(&refusal, teller))),
    };
    let issuer = caller.issuer;
    let presented = Presented {
        tenant_id: &issuer.tenant_id,
        readings: &readings,
        certificate: caller.certificate,
        issuer: &issuer.issuer,
        endpoint: if assertion.is_some() { &caller.url(path) } else { "" },
        fapi2: issuer.settings.profile == Some(SecurityProfile::Fapi2),
        documents: issuer.settings.metadata_documents,
    };
    let admitted = authenticate::admit(snapshot, now, event, &presented, &caller.context)?;
    let Denied { refusal, fetch } = match admitted {
        Ok(client) => return Ok(Ok(client)),
        Err(denied) => denied,
    };
    let response = Response::refusal(&refusal, teller);
    let Some(url) = fetch else { return Ok(Err(response)) };
    // On a standby nothing is counted, and no document stored.
    let over = match snapshot.writes() {
        false => None,
        true if readings.iter().any(|reading| reading.client_id == url) => {
            limit::over_documents(now, issuer, &caller.context)?
        }
        true => limit::over_waiting(now, issuer, &caller.context)?,
    };
    Ok(Err(match over {
        Some(refusal) => Response::refusal(&refusal, teller),
        None => response.fetching(&url, &issuer.tenant_id),
    }))
}

/// The parameters of RFC 7521 section 4.2.
fn assertion<'a>(form: &'a Form<'_>) -> Result<Option<Assertion<'a>>, Refusal> {
    let invalid = |description| Err(Refusal::new(ErrorCode::InvalidRequest, description));
    match (form.get("client_assertion_type"), form.get("client_assertion")) {
        (None, None) => Ok(None),
        (Some(assertion::TYPE), Some(text)) => match Assertion::read(text) {
            Some(assertion) => Ok(Some(assertion)),
            None => Err(Refusal::new(
                ErrorCode::InvalidClient,
                "client_assertion is no signed JWT of at most 16 kB",
            )),
        },
        (_, None) => invalid("client_assertion is missing"),
        (..) => invalid("client_assertion_type must be that of RFC 7523 section 2.2"),
    }
}

const UNREADABLE: Refusal =
    Refusal::new(ErrorCode::InvalidClient, "the Authorization header is not one of a client");

const SEVERAL: Refusal =
    Refusal::new(ErrorCode::InvalidRequest, "the request authenticates its client in more than one way");

/// What the request says of its client. RFC 6749 section 2.3: by one method alone.
fn readings<'a>(
    header: &'a [basic::Reading],
    assertion: Option<&'a Assertion<'a>>,
    form: &'a Form<'_>,
) -> Result<Vec<Reading<'a>>, Refusal> {
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    let in_header = header.iter().any(|reading| reading.secret.is_some());
    if usize::from(in_header) + usize::from(secret.is_some()) + usize::from(assertion.is_some()) > 1 {
        return Err(SEVERAL);
    }
    let of_form = match (secret, assertion) {
        (Some(secret), _) => Evidence::Secret(secret),
        (None, Some(assertion)) => Evidence::Assertion(assertion),
        (None, None) => Evidence::Nothing,
    };
    // RFC 7521 section 4.2: the assertion names the client, which client_id may repeat.
    let named = match (id, assertion.map(|assertion| assertion.client_id())) {
        (Some(id), Some(sub)) if sub != Some(id) => return Err(DIFFERS),
        (Some(id), _) => Some(id),
        (None, sub) => sub.flatten(),
    };
    if header.is_empty() {
        let client_id = named
            .ok_or(Refusal::new(ErrorCode::InvalidClient, "the request does not say which client sent it"))?;
        return Ok(vec![Reading { client_id, evidence: of_form }]);
    }
    // PyPI's mcp names the client in the body too.
    if named.is_some_and(|id| header.iter().all(|reading| reading.id != id)) {
        return Err(DIFFERS);
    }
    // A header with an empty password only names the client, as requests-oauthlib and libpq do.
    let of_header = |reading: &'a basic::Reading| Reading {
        client_id: &reading.id,
        evidence: reading.secret.as_ref().map_or(of_form, |secret| Evidence::Secret(secret)),
    };
    Ok(header.iter().map(of_header).collect())
}

const DIFFERS: Refusal = Refusal::new(
    ErrorCode::InvalidRequest,
    "client_id differs from the client that the request authenticates",
);

#[cfg(test)]
mod tests {
    use super::{Form, assertion, basic, readings};
    use crate::kernel::outcome::ErrorCode;
    use crate::oauth::client::authenticate::Evidence;
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    /// The ids with the evidence for each, or the error.
    fn read(header: Option<&str>, body: &str) -> Result<Vec<String>, ErrorCode> {
        let text = header.map(|text| format!("Basic {}", STANDARD.encode(text)));
        let header = text.and_then(|text| basic::read(&text)).unwrap_or_default();
        let form = Form::read(body.as_bytes()).map_err(|_| ErrorCode::ServerError)?;
        let shown = |evidence: Evidence<'_>| match evidence {
            Evidence::Nothing => "-".to_owned(),
            Evidence::Secret(secret) => secret.to_owned(),
            Evidence::Assertion(_) => "jwt".to_owned(),
        };
        let assertion = assertion(&form).map_err(|refusal| refusal.code)?;
        let found = readings(&header, assertion.as_ref(), &form).map_err(|refusal| refusal.code)?;
        Ok(found.iter().map(|one| format!("{} {}", one.client_id, shown(one.evidence))).collect())
    }

    /// RFC 6749 sections 2.3.1 and 3.2.1.
    #[test]
    fn a_client_is_named_once() {
        let ok = |texts: &[&str]| Ok(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(read(None, "client_id=c"), ok(&["c -"]));
        assert_eq!(read(None, "client_id=c&client_secret=s"), ok(&["c s"]));
        assert_eq!(read(None, "client_id=c&client_secret="), ok(&["c -"]));
        assert_eq!(read(Some("c:s"), ""), ok(&["c s"]));
        assert_eq!(read(Some("c:"), ""), ok(&["c -"]));
        assert_eq!(read(Some("c:"), "client_secret=s"), ok(&["c s"]));
        assert_eq!(read(Some("c%20d:s"), "client_id=c+d"), ok(&["c d s", "c%20d s"]));
        assert_eq!(read(Some("c:s"), "client_id=c"), ok(&["c s"]));
        assert_eq!(read(None, ""), Err(ErrorCode::InvalidClient));
        assert_eq!(read(None, "client_id="), Err(ErrorCode::InvalidClient));
        assert_eq!(read(Some("c:s"), "client_id=d"), Err(ErrorCode::InvalidRequest));
        assert_eq!(read(Some("c:s"), "client_secret=s"), Err(ErrorCode::InvalidRequest));
    }

    /// RFC 7521 section 4.2, RFC 7523 section 2.2.
    #[test]
    fn an_assertion_names_its_client() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let jwt = format!("{}.{}.AA", part(r#"{"alg":"ES256"}"#), part(r#"{"sub":"c"}"#));
        let form = |more: &str| {
            let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
            format!("client_assertion_type={kind}&client_assertion={jwt}{more}")
        };
        let ok = Ok(vec!["c jwt".to_owned()]);
        assert_eq!(read(None, &form("")), ok);
        assert_eq!(read(None, &form("&client_id=c")), ok);
        assert_eq!(read(Some("c:"), &form("")), ok);
        for (header, more) in
            [(None, "&client_id=d"), (None, "&client_secret=s"), (Some("c:s"), ""), (Some("d:"), "")]
        {
            assert_eq!(read(header, &form(more)), Err(ErrorCode::InvalidRequest), "{more}");
        }
        assert_eq!(read(None, &format!("client_assertion={jwt}")), Err(ErrorCode::InvalidRequest));
        assert_eq!(read(None, "client_assertion_type=x&client_id=c"), Err(ErrorCode::InvalidRequest));
        let garbage = form("").replace(&jwt, "x");
        assert_eq!(read(None, &garbage), Err(ErrorCode::InvalidClient));
        let large = form("").replace(&jwt, &format!("{jwt}{}", "A".repeat(16_384)));
        assert_eq!(read(None, &large), Err(ErrorCode::InvalidClient));
    }
}

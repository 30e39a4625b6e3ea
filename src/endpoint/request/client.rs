//! Which client sent a request (RFC 6749 section 2.3): what the header and the form say of it, and whether it is true.

use crate::endpoint::request::form::Form;
use crate::endpoint::request::{Caller, basic};
use crate::endpoint::response::{Response, Teller};
use crate::kernel::outcome::{ErrorCode, Mistake, Refusal};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::value::clock::Timestamp;
use crate::oauth::client::Client;
use crate::oauth::client::authenticate::{self, Evidence, Presented, Reading};

/// The client that a request was authenticated as, or the answer to a request of nobody. On failure writes the audit row
/// of the step that fails with it.
pub fn authenticate(
    snapshot: &Snapshot,
    now: Timestamp,
    event: &str,
    form: &Form<'_>,
    caller: &Caller<'_>,
    teller: Teller<'_>,
) -> Result<Result<Client, Response>, Mistake> {
    let header = match caller.authorization.map(basic::read) {
        Some(None) => return Ok(Err(Response::refusal(&UNREADABLE, teller))),
        Some(Some(readings)) => readings,
        None => Vec::new(),
    };
    let readings = match readings(&header, form) {
        Ok(readings) => readings,
        Err(refusal) => return Ok(Err(Response::refusal(&refusal, teller))),
    };
    let presented = Presented { tenant_id: &caller.issuer.tenant_id, readings: &readings };
    let admitted = authenticate::admit(snapshot, now, event, &presented, &caller.context)?;
    Ok(admitted.map_err(|refusal| Response::refusal(&refusal, teller)))
}

const UNREADABLE: Refusal =
    Refusal::new(ErrorCode::InvalidClient, "the Authorization header is not one of a client");

const SEVERAL: Refusal =
    Refusal::new(ErrorCode::InvalidRequest, "the request authenticates its client in more than one way");

/// What the request says of its client. RFC 6749 section 2.3: by one method alone.
fn readings<'a>(header: &'a [basic::Reading], form: &'a Form<'_>) -> Result<Vec<Reading<'a>>, Refusal> {
    let (id, secret) = (form.get("client_id"), form.get("client_secret"));
    if header.is_empty() {
        let client_id = id
            .ok_or(Refusal::new(ErrorCode::InvalidClient, "the request does not say which client sent it"))?;
        return Ok(vec![Reading { client_id, evidence: secret.map_or(Evidence::Nothing, Evidence::Secret) }]);
    }
    // PyPI's mcp names the client in the body too.
    if id.is_some_and(|id| header.iter().all(|reading| reading.id != id)) {
        let description = "client_id differs from the client of the Authorization header";
        return Err(Refusal::new(ErrorCode::InvalidRequest, description));
    }
    let of_header = |reading: &'a basic::Reading| match &reading.secret {
        Some(_) if secret.is_some() => Err(SEVERAL),
        Some(secret) => Ok(Reading { client_id: &reading.id, evidence: Evidence::Secret(secret) }),
        // A header with an empty password only names the client, as requests-oauthlib and libpq do.
        None => {
            let evidence = secret.map_or(Evidence::Nothing, Evidence::Secret);
            Ok(Reading { client_id: &reading.id, evidence })
        }
    };
    header.iter().map(of_header).collect()
}

#[cfg(test)]
mod tests {
    use super::{Form, basic, readings};
    use crate::kernel::outcome::ErrorCode;
    use crate::oauth::client::authenticate::Evidence;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    /// The ids with the evidence for each, or the error.
    fn read(header: Option<&str>, body: &str) -> Result<Vec<String>, ErrorCode> {
        let text = header.map(|text| format!("Basic {}", STANDARD.encode(text)));
        let header = text.and_then(|text| basic::read(&text)).unwrap_or_default();
        let form = Form::read(body.as_bytes()).map_err(|_| ErrorCode::ServerError)?;
        let shown = |evidence: Evidence<'_>| match evidence {
            Evidence::Nothing => "-".to_owned(),
            Evidence::Secret(secret) => secret.to_owned(),
        };
        let found = readings(&header, &form).map_err(|refusal| refusal.code)?;
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
}

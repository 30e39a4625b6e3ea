//! What is common to the requests of clients: where they come from, who sent them, and what they prove.

pub mod basic;
pub mod client;
pub mod form;
pub mod headers;
pub mod limit;
pub mod nonce;
pub mod proof;

use std::rc::Rc;

use crate::endpoint::response::{HttpResponse, Response, Teller};
use crate::identity::tenant;
use crate::kernel::outcome::{ErrorCode, Mistake, OrRaise};
use crate::kernel::server::lookup::Snapshot;
use crate::kernel::server::state;
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::inet::Inet;
use crate::oauth::issuer::{self, Issuer};
use crate::trail::Context;

/// What comes with a request beside its parameters.
pub struct Caller<'a> {
    /// Whose endpoint it was sent to.
    pub issuer: &'a Issuer,
    /// The header `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header `DPoP` (RFC 9449 section 4.1).
    pub dpop: Option<&'a str>,
    /// The certificate that the client proved in its TLS handshake, DER (RFC 8705).
    pub certificate: Option<&'a [u8]>,
    /// The address and the user agent, for the audit trail.
    pub context: Context<'a>,
}

impl Caller<'_> {
    /// The realm of a challenge to a client that sent a header (RFC 6749 section 5.2).
    pub fn realm(&self) -> Option<&str> {
        self.authorization.map(|_| self.issuer.issuer.as_str())
    }

    /// How an error is told to a client.
    pub fn teller(&self) -> Teller<'_> {
        Teller::Client { realm: self.realm() }
    }

    /// The URL that the request was sent to: at the host for certificates where it came with one (RFC 8705 section 5).
    pub fn url(&self, path: &str) -> String {
        match (&self.issuer.settings.mtls_url, self.certificate) {
            (Some(base), Some(_)) => format!("{base}{path}"),
            _ => self.issuer.url(path),
        }
    }

    /// The refusal of a request that cannot be read.
    pub fn malformed(&self, description: &str) -> Response {
        Response::refused(ErrorCode::InvalidRequest.as_str(), description, None, self.teller())
    }

    /// With what every answer at the issuer's endpoints has: a nonce, where proofs need one (RFC 9449 section 8.2).
    pub fn finish(&self, now: Timestamp, response: Response) -> Result<Response, Mistake> {
        if !self.issuer.settings.dpop_nonce {
            return Ok(response);
        }
        let [current, _] = nonce::accepted(now, &self.issuer.tenant_id)?;
        Ok(response.with_header("dpop-nonce", current))
    }
}

/// The arguments that functions of endpoints have beside what is theirs.
pub struct Arguments<'a> {
    pub authorization: Option<&'a str>,
    pub dpop: Option<&'a str>,
    pub ip: Option<Inet>,
    pub user_agent: Option<&'a str>,
    pub client_certificate: Option<&'a [u8]>,
    pub tenant_id: Option<&'a str>,
}

impl Arguments<'_> {
    /// What the endpoint of the tenant's issuer answers. `snapshot` has the rows of that issuer.
    pub fn respond(
        self,
        snapshot: fn() -> Result<Snapshot, Mistake>,
        answer: impl FnOnce(Timestamp, &Caller<'_>) -> Result<Response, Mistake>,
    ) -> HttpResponse {
        let now = clock::now();
        let respond = || {
            let issuer = issuer_of(&snapshot()?, self.tenant_id)?;
            let caller = Caller {
                issuer: &issuer,
                authorization: self.authorization,
                dpop: self.dpop,
                certificate: self.client_certificate,
                context: Context { ip: self.ip, user_agent: self.user_agent },
            };
            answer(now, &caller)
        };
        respond().or_raise().into()
    }
}

/// The issuer of the argument `tenant_id`.
pub fn issuer_of(snapshot: &Snapshot, tenant_id: Option<&str>) -> Result<Rc<Issuer>, Mistake> {
    if let Some(issuer) = issuer::of_tenant(snapshot, tenant_id.unwrap_or_else(tenant::own))? {
        return Ok(issuer);
    }
    tenant::resolve(snapshot, tenant_id)?;
    Err(issuer::missing())
}

/// The rows that a request sees which writes only if something is wrong: on a standby it reads.
pub fn reading() -> Result<Snapshot, Mistake> {
    if state::writable().is_ok() { Snapshot::writing() } else { Ok(Snapshot::reading()) }
}

//! What an access token is going to be: opaque or a JWT, for how long, and what signs it. The resource says it, else
//! the client, else the issuer.

use std::rc::Rc;

use crate::kernel::outcome::Mistake;
use crate::kernel::server::lookup::Snapshot;
use crate::oauth::client::Client;
use crate::oauth::issuer::resource_server::{self, ResourceServer};
use crate::oauth::issuer::{self, Issuer};
use crate::rfc::choice::TokenFormat;
use crate::rfc::jose::alg::Alg;

/// The form of an access token.
pub struct Form {
    /// The tenant's issuer; None: the tenant is no provider.
    pub issuer: Option<Rc<Issuer>>,
    /// How it is made, if it is a JWT.
    pub jwt: Option<Jwt>,
    /// How long it lives at most, in seconds.
    pub ttl: i32,
}

/// How a JWT is made.
pub struct Jwt {
    /// Who issues it.
    pub issuer: Rc<Issuer>,
    /// What signs it; None: the first of the tenant's algorithms.
    pub alg: Option<Alg>,
}

impl Form {
    /// The form of a client's access token for these resources. Of several one that wants a JWT is enough, because a
    /// JWT is introspected as well; the shortest life holds.
    pub fn of(snapshot: &Snapshot, client: &Client, resources: Option<&[String]>) -> Result<Self, Mistake> {
        let issuer = issuer::of_tenant(snapshot, &client.tenant_id)?;
        let mut servers = Vec::new();
        for uri in resources.unwrap_or_default() {
            servers.extend(resource_server::find(snapshot, &client.tenant_id, uri)?);
        }
        let (format, alg) = wanted(&servers);
        let format = format.or(client.access_token_format);
        let shortest = servers.iter().filter_map(|server| server.access_token_ttl).min();
        let ttl = shortest.map_or(client.access_token_ttl, |ttl| ttl.min(client.access_token_ttl));
        match (issuer, format) {
            (None, Some(TokenFormat::Jwt)) => Err(issuer::missing()),
            (Some(issuer), format)
                if format.unwrap_or(issuer.settings.access_token_format) == TokenFormat::Jwt =>
            {
                let ttl = ttl.min(issuer.settings.access_token_ttl);
                let alg = alg.or(issuer.settings.default_alg());
                Ok(Self { issuer: Some(Rc::clone(&issuer)), jwt: Some(Jwt { issuer, alg }), ttl })
            }
            (issuer, _) => Ok(Self { issuer, jwt: None, ttl }),
        }
    }
}

/// What resource servers want together, and the algorithm of the first that wants one.
fn wanted(servers: &[ResourceServer]) -> (Option<TokenFormat>, Option<Alg>) {
    let says = |format| servers.iter().any(|server| server.access_token_format == Some(format));
    let format = [TokenFormat::Jwt, TokenFormat::Opaque].into_iter().find(|format| says(*format));
    (format, servers.iter().filter_map(|server| server.alg.as_deref()).find_map(Alg::parse))
}

#[cfg(test)]
mod tests {
    use super::{ResourceServer, wanted};
    use crate::rfc::choice::TokenFormat;
    use crate::rfc::jose::alg::Alg;

    #[test]
    fn one_that_wants_a_jwt_is_enough() {
        let server = |access_token_format, alg: Option<&str>| ResourceServer {
            access_token_format,
            access_token_ttl: None,
            alg: alg.map(str::to_owned),
        };
        let (jwt, opaque) = (Some(TokenFormat::Jwt), Some(TokenFormat::Opaque));
        assert_eq!(wanted(&[]), (None, None));
        assert_eq!(wanted(&[server(None, None)]), (None, None));
        assert_eq!(wanted(&[server(opaque, None), server(None, None)]), (opaque, None));
        let both = [server(opaque, None), server(jwt, Some("EdDSA")), server(jwt, Some("RS256"))];
        assert_eq!(wanted(&both), (jwt, Some(Alg::EdDsa)));
    }
}

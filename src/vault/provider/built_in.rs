//! The providers that every store knows, without a row: an application that does without them is not in their way.

/// A provider. Its endpoints are those of its own documentation; where they depend on the account, such as on a region,
/// there is none. Vercel's is that of its integrations: Sign in with Vercel has others.
pub struct BuiltIn {
    pub name: &'static str,
    pub display_name: &'static str,
    pub authorization_endpoint: Option<&'static str>,
    pub token_endpoint: Option<&'static str>,
    pub revocation_endpoint: Option<&'static str>,
}

/// In the order of their names.
pub const BUILT_IN: [BuiltIn; 10] = [
    BuiltIn {
        name: "aws",
        display_name: "Amazon Web Services",
        authorization_endpoint: None,
        token_endpoint: None,
        revocation_endpoint: None,
    },
    BuiltIn {
        name: "azure",
        display_name: "Microsoft Azure",
        authorization_endpoint: Some("https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize"),
        token_endpoint: Some("https://login.microsoftonline.com/organizations/oauth2/v2.0/token"),
        revocation_endpoint: None,
    },
    BuiltIn {
        name: "cloudflare",
        display_name: "Cloudflare",
        authorization_endpoint: Some("https://dash.cloudflare.com/oauth2/auth"),
        token_endpoint: Some("https://dash.cloudflare.com/oauth2/token"),
        revocation_endpoint: Some("https://dash.cloudflare.com/oauth2/revoke"),
    },
    BuiltIn {
        name: "gcp",
        display_name: "Google Cloud",
        authorization_endpoint: Some("https://accounts.google.com/o/oauth2/v2/auth"),
        token_endpoint: Some("https://oauth2.googleapis.com/token"),
        revocation_endpoint: Some("https://oauth2.googleapis.com/revoke"),
    },
    BuiltIn {
        name: "github",
        display_name: "GitHub",
        authorization_endpoint: Some("https://github.com/login/oauth/authorize"),
        token_endpoint: Some("https://github.com/login/oauth/access_token"),
        revocation_endpoint: None,
    },
    BuiltIn {
        name: "google",
        display_name: "Google",
        authorization_endpoint: Some("https://accounts.google.com/o/oauth2/v2/auth"),
        token_endpoint: Some("https://oauth2.googleapis.com/token"),
        revocation_endpoint: Some("https://oauth2.googleapis.com/revoke"),
    },
    BuiltIn {
        name: "microsoft",
        display_name: "Microsoft",
        authorization_endpoint: Some("https://login.microsoftonline.com/common/oauth2/v2.0/authorize"),
        token_endpoint: Some("https://login.microsoftonline.com/common/oauth2/v2.0/token"),
        revocation_endpoint: None,
    },
    BuiltIn {
        name: "netlify",
        display_name: "Netlify",
        authorization_endpoint: Some("https://app.netlify.com/authorize"),
        token_endpoint: Some("https://api.netlify.com/oauth/token"),
        revocation_endpoint: None,
    },
    BuiltIn {
        name: "vercel",
        display_name: "Vercel",
        authorization_endpoint: None,
        token_endpoint: Some("https://api.vercel.com/v2/oauth/access_token"),
        revocation_endpoint: None,
    },
    BuiltIn {
        name: "zapier",
        display_name: "Zapier",
        authorization_endpoint: Some("https://api.zapier.com/v2/authorize"),
        token_endpoint: Some("https://zapier.com/oauth/token/"),
        revocation_endpoint: None,
    },
];

#[cfg(test)]
mod tests {
    use super::BUILT_IN;
    use crate::vault::connection::account::is_provider;
    use crate::vault::provider::is_endpoint;

    #[test]
    fn every_provider_has_a_name_of_its_own_and_endpoints() {
        assert!(BUILT_IN.is_sorted_by(|one, other| one.name < other.name));
        for built_in in BUILT_IN {
            assert!(is_provider(built_in.name), "{}", built_in.name);
            let urls =
                [built_in.authorization_endpoint, built_in.token_endpoint, built_in.revocation_endpoint];
            assert!(urls.into_iter().flatten().all(is_endpoint), "{}", built_in.name);
        }
    }
}

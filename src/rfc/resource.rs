//! Resource indicators (RFC 8707): where a token may be used.

use url::Url;

use crate::kernel::outcome::{ErrorCode, Refusal};

const MAX_RESOURCES: usize = 20;

/// Whether a text is a resource indicator: an absolute URI without a fragment (section 2).
pub fn is_indicator(text: &str) -> bool {
    text.len() <= 2048
        && !text.contains('#')
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && Url::parse(text).is_ok()
}

/// True if two indicators mean the same resource: equal in the normal form of RFC 3986 section 6.2 as far as scheme,
/// host, port and an empty path go. `https://h`, `https://h/` and `HTTPS://H:443` are the same. Other paths, queries,
/// and the name of a service, which is not a URI, are compared as they are.
pub fn same(one: &str, other: &str) -> bool {
    one == other || Parts::of(one).zip(Parts::of(other)).is_some_and(|(one, other)| one.equal(&other))
}

/// The parts that decide whether two URIs mean the same resource.
struct Parts<'a> {
    scheme: &'a str,
    /// User name and password as they are, host, and the port where it is not the scheme's.
    authority: Option<(Option<&'a str>, &'a str, &'a str)>,
    /// Path and query; after an authority without the first slash, so that `/` equals an empty path.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(uri: &'a str) -> Option<Self> {
        let (scheme, rest) = uri.split_once(':')?;
        let Some(rest) = rest.strip_prefix("//") else {
            return Some(Self { scheme, authority: None, rest });
        };
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (place, ""),
        };
        let usual = |usual: &str| scheme.eq_ignore_ascii_case(usual);
        let port = match port {
            "443" if usual("https") || usual("wss") => "",
            "80" if usual("http") || usual("ws") => "",
            port => port,
        };
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        Some(Self { scheme, authority: Some((user, host, port)), rest })
    }

    fn equal(&self, other: &Self) -> bool {
        let authorities = match (self.authority, other.authority) {
            (Some((user, host, port)), Some((other_user, other_host, other_port))) => {
                user == other_user && host.eq_ignore_ascii_case(other_host) && port == other_port
            }
            (None, None) => true,
            _ => false,
        };
        authorities && self.scheme.eq_ignore_ascii_case(other.scheme) && self.rest == other.rest
    }
}

/// The indicator as a key: two have one if [`same`] says that they mean the same resource.
pub fn normal(indicator: &str) -> String {
    let Some(Parts { scheme, authority, rest }) = Parts::of(indicator) else { return indicator.to_owned() };
    let scheme = scheme.to_ascii_lowercase();
    let Some((user, host, port)) = authority else { return format!("{scheme}:{rest}") };
    let user = user.map(|user| format!("{user}@")).unwrap_or_default();
    let port = if port.is_empty() { String::new() } else { format!(":{port}") };
    format!("{scheme}://{user}{}{port}/{rest}", host.to_ascii_lowercase())
}

/// The member of a list that means the same as this indicator, as the list spells it.
fn find<'a>(list: &'a [String], indicator: &str) -> Option<&'a String> {
    list.iter().find(|known| same(known, indicator))
}

/// What is left of granted resources (None: any) now that the client may use those it is `registered` for (empty: any).
/// A client does not keep by an earlier grant what it has lost.
pub fn left(granted: Option<Vec<String>>, registered: &[String]) -> Result<Option<Vec<String>>, Refusal> {
    if registered.is_empty() {
        return Ok(granted);
    }
    let Some(mut granted) = granted else { return Ok(Some(registered.to_vec())) };
    granted.retain(|name| find(registered, name).is_some());
    if granted.is_empty() {
        let description = "the client may use none of the resources any more";
        return Err(Refusal::new(ErrorCode::InvalidTarget, description));
    }
    Ok(Some(granted))
}

/// What is left for another token of a grant: of what the request `named`, otherwise of all that was `granted`. None:
/// as much as the grant has.
pub fn left_of_grant(
    named: Option<Vec<String>>,
    granted: Option<&[String]>,
    registered: &[String],
) -> Result<Option<Vec<String>>, Refusal> {
    if named.is_some() || registered.is_empty() {
        return left(named, registered);
    }
    // Almost always true, and then nothing is copied.
    if granted.is_some_and(|granted| granted.iter().all(|name| find(registered, name).is_some())) {
        return Ok(None);
    }
    left(granted.map(<[_]>::to_vec), registered)
}

/// The resources of a new grant: those of the request, or all that the client is registered for if the request names
/// none (RFC 8707 section 2: a predefined default). None: the grant is for any.
pub fn of_grant(
    requested: Option<Vec<Option<String>>>,
    registered: &[String],
) -> Result<Option<Vec<String>>, Refusal> {
    let named = granted(requested, registered)?;
    Ok(named.or_else(|| (!registered.is_empty()).then(|| registered.to_vec())))
}

/// The resources of an exchanged token (RFC 8693 section 2.1): those that `resource` and `audience` name, each
/// within the `subject`'s own and what the client is `registered` for; without a name, all of the subject's
/// that the client may have. None: any.
pub fn exchanged(
    resource: Option<Vec<Option<String>>>,
    audience: Option<Vec<Option<String>>>,
    subject: Option<&[String]>,
    registered: &[String],
) -> Result<Option<Vec<String>>, Refusal> {
    let refuse = |description| Err(Refusal::new(ErrorCode::InvalidTarget, description));
    // As the subject spells it, otherwise as the client is registered.
    let within = |name: &String| {
        let of_client = if registered.is_empty() { Some(name) } else { find(registered, name) };
        let of_subject = subject.map_or(of_client, |subject| find(subject, name));
        of_client.and(of_subject).cloned()
    };
    let mut targets = granted(resource, &[])?.unwrap_or_default();
    for name in audience.unwrap_or_default() {
        match name.filter(|name| is_audience(name)) {
            Some(name) if find(&targets, &name).is_none() => targets.push(name),
            Some(_) => {}
            None => return refuse("an audience is 1 to 2048 bytes without control characters"),
        }
        if targets.len() > MAX_RESOURCES {
            return refuse("more than 20 resources");
        }
    }
    if !targets.is_empty() {
        let all: Option<Vec<_>> = targets.iter().map(within).collect();
        return all.map_or_else(|| refuse("the resource was not granted"), |all| Ok(Some(all)));
    }
    let Some(subject) = subject else { return of_grant(None, registered) };
    let common: Vec<_> = subject.iter().filter_map(within).collect();
    if common.is_empty() {
        refuse("the client may not use the subject's resources")
    } else {
        Ok(Some(common))
    }
}

/// Whether a text may be the logical name of a service (RFC 8693 section 2.1).
fn is_audience(name: &str) -> bool {
    (1..=2048).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// The resources of a request, if each is an indicator and among `allowed`, where an empty `allowed` allows any. None
/// for a request that names none. The result has the spelling of `allowed`, so that a resource server finds the same
/// text in every token.
pub fn granted(
    requested: Option<Vec<Option<String>>>,
    allowed: &[String],
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(requested) = requested.filter(|list| !list.is_empty()) else { return Ok(None) };
    if requested.len() > MAX_RESOURCES {
        return Err(Refusal::new(ErrorCode::InvalidTarget, "more than 20 resources"));
    }
    let mut resources: Vec<String> = Vec::with_capacity(requested.len());
    for resource in requested {
        let Some(resource) = resource.filter(|text| is_indicator(text)) else {
            return Err(Refusal::new(
                ErrorCode::InvalidTarget,
                "a resource is an absolute URI without a fragment",
            ));
        };
        let resource = match find(allowed, &resource) {
            Some(known) => known.clone(),
            None if allowed.is_empty() => resource,
            None => return Err(Refusal::new(ErrorCode::InvalidTarget, "the resource was not granted")),
        };
        if find(&resources, &resource).is_none() {
            resources.push(resource);
        }
    }
    Ok(Some(resources))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{exchanged, granted, is_indicator, left, left_of_grant, of_grant, same};
    use crate::kernel::outcome::ErrorCode;
    use proptest::prelude::*;

    /// RFC 8707 section 2.
    #[test]
    fn an_indicator_is_absolute_and_has_no_fragment() {
        assert!(is_indicator("https://api.example.com/app/"));
        assert!(is_indicator("urn:example:api"));
        assert!(!is_indicator("https://api.example.com/#x"));
        assert!(!is_indicator("/app"));
        assert!(!is_indicator(""));
        assert!(!is_indicator("https://api.example.com/a b"));
    }

    /// RFC 3986 sections 6.2.2.1 and 6.2.3.
    #[test]
    fn scheme_host_port_and_an_empty_path_are_compared_in_their_normal_form() {
        for (one, other) in [
            ("https://h.example", "https://h.example/"),
            ("https://h.example", "HTTPS://H.Example:443/"),
            ("https://h.example:443", "https://h.example:"),
            ("http://h.example:80/a", "HTTP://H.EXAMPLE/a"),
            ("https://h.example:8443", "https://H.example:8443/"),
            ("https://h.example?q=A", "https://h.example/?q=A"),
            ("https://[2001:DB8::1]:443", "https://[2001:db8::1]/"),
            ("wss://h.example:443/a", "wss://h.example/a"),
            ("URN:example:api", "urn:example:api"),
            ("app://Api", "APP://api/"),
            ("https://User@H.example", "https://User@h.example/"),
        ] {
            assert!(same(one, other) && same(other, one), "{one} {other}");
        }
        for (one, other) in [
            ("https://h.example/a", "https://h.example/a/"),
            ("https://h.example/a", "https://h.example/A"),
            ("https://h.example/a", "https://h.example/%61"),
            ("https://h.example/a", "https://h.example/b/../a"),
            ("https://h.example/", "https://h.example//"),
            ("https://h.example/?q=a", "https://h.example/?q=A"),
            ("https://h.example/?", "https://h.example/"),
            ("https://h.example", "http://h.example"),
            ("https://h.example", "https://h.example:80"),
            ("http://h.example", "http://h.example:443"),
            ("https://h.example", "https://h.example:8443"),
            ("https://h.example", "https://h.example.evil.example"),
            ("https://h.example", "https://h.example@evil.example"),
            ("https://h.example", "https://user@h.example"),
            ("https://User@h.example", "https://user@h.example"),
            ("https://h.example", "https://h.example\\@evil.example"),
            ("https://h.example", "https:h.example"),
            ("https://h.example", "https:/h.example"),
            ("https://h.example", "https:///h.example"),
            ("urn:example:api", "urn:Example:api"),
            ("urn:example:api", "urn:example:api/"),
            ("orders", "Orders"),
            ("orders", "orders/"),
            ("", "https://h.example"),
        ] {
            assert!(!same(one, other) && !same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn a_resource_is_named_as_it_is_registered() {
        let registered = ["https://a.example/".to_string(), "https://b.example".to_string()];
        let names = |names: &[&str]| Some(names.iter().map(|name| Some((*name).to_string())).collect());
        let asked =
            names(&["HTTPS://B.example/", "https://a.example:443", "https://a.example", "https://b.example"]);
        let got = of_grant(asked, &registered).unwrap().unwrap();
        assert_eq!(got, ["https://b.example", "https://a.example/"]);
        let subject = ["https://A.example".to_string()];
        let got = exchanged(
            names(&["https://a.example/"]),
            names(&["https://a.example"]),
            Some(&subject),
            &registered,
        );
        assert_eq!(got.unwrap().unwrap(), subject);
        assert_eq!(exchanged(None, None, Some(&subject), &registered).unwrap().unwrap(), subject);
        let free = granted(names(&["https://c.example", "https://C.example:443/"]), &[]).unwrap().unwrap();
        assert_eq!(free, ["https://c.example"]);
    }

    proptest! {
        #[test]
        fn to_be_one_goes_both_ways_and_through_what_is_parsed(
            a in "https?://[aA@:/?#.]{1,6}", b in "https?://[aA@:/?#.]{1,6}"
        ) {
            prop_assert!(same(&a, &a));
            prop_assert_eq!(same(&a, &b), same(&b, &a));
            // Indicators that are equal here are equal for a parser that reads them as a browser does.
            if let (true, Ok(a), Ok(b)) = (same(&a, &b), url::Url::parse(&a), url::Url::parse(&b)) {
                prop_assert_eq!(a, b);
            }
            if [&a, &b].into_iter().all(|uri| is_indicator(uri)) {
                prop_assert_eq!(same(&a, &b), super::normal(&a) == super::normal(&b));
            }
        }
    }

    #[test]
    fn what_is_taken_from_a_client_is_not_granted_again() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect::<Vec<_>>();
        let (a, b) = ("https://a.example/", "https://b.example/");
        let (both, one) = (list(&[a, b]), list(&["https://A.example"]));
        assert_eq!(left(Some(both.clone()), &[]).unwrap().unwrap(), both);
        assert_eq!(left(Some(both.clone()), &one).unwrap().unwrap(), list(&[a]));
        assert_eq!(left(None, &one).unwrap().unwrap(), one);
        assert!(left(None, &[]).unwrap().is_none());
        assert_eq!(left(Some(list(&[b])), &one).unwrap_err().code, ErrorCode::InvalidTarget);

        assert!(left_of_grant(None, Some(&both), &both).unwrap().is_none());
        assert!(left_of_grant(None, Some(&both), &[]).unwrap().is_none());
        assert!(left_of_grant(None, None, &[]).unwrap().is_none());
        assert_eq!(left_of_grant(None, None, &one).unwrap().unwrap(), one);
        assert_eq!(left_of_grant(None, Some(&both), &one).unwrap().unwrap(), list(&[a]));
        assert_eq!(left_of_grant(Some(list(&[b])), Some(&both), &both).unwrap().unwrap(), list(&[b]));
        assert_eq!(left_of_grant(Some(both.clone()), Some(&both), &one).unwrap().unwrap(), list(&[a]));
        assert!(left_of_grant(Some(list(&[b])), Some(&both), &one).is_err());
        assert!(left_of_grant(None, Some(&list(&[b])), &one).is_err());
    }

    #[test]
    fn what_was_not_granted_is_an_invalid_target() {
        let request = |uri: &str| Some(vec![Some(uri.to_string())]);
        let allowed = ["https://a.example/".to_string()];
        assert_eq!(granted(request("https://a.example/"), &allowed).unwrap().unwrap().len(), 1);
        assert_eq!(
            granted(request("https://b.example/"), &allowed).unwrap_err().code,
            ErrorCode::InvalidTarget
        );
        assert_eq!(granted(Some(vec![None]), &[]).unwrap_err().code, ErrorCode::InvalidTarget);
        assert!(granted(None, &allowed).unwrap().is_none());
        assert!(granted(Some(vec![]), &allowed).unwrap().is_none());
    }

    #[test]
    fn a_grant_without_a_name_is_for_what_the_client_is_registered_for() {
        let registered = ["https://a.example/".to_string(), "https://b.example/".to_string()];
        assert_eq!(of_grant(None, &registered).unwrap().unwrap(), registered);
        assert!(of_grant(None, &[]).unwrap().is_none());
        let one = of_grant(Some(vec![Some(registered[0].clone())]), &registered).unwrap().unwrap();
        assert_eq!(one, registered[..1]);
    }

    #[test]
    fn an_exchanged_token_is_for_nothing_that_the_subject_was_not_for() {
        fn list(names: &[&str]) -> Vec<String> {
            names.iter().map(|name| (*name).to_string()).collect()
        }
        fn names(names: &[&str]) -> Option<Vec<Option<String>>> {
            Some(list(names).into_iter().map(Some).collect())
        }
        let (a, b, c) = ("https://a.example/", "https://b.example/", "orders");
        let subject = list(&[a, b, c]);
        let go = |resource, audience, registered: &[String]| {
            exchanged(resource, audience, Some(&subject), registered)
        };
        assert_eq!(go(names(&[a]), names(&[c, a]), &[]).unwrap().unwrap(), list(&[a, c]));
        assert_eq!(go(None, None, &[]).unwrap().unwrap(), subject);
        assert_eq!(go(None, None, &list(&[b, "https://d.example/"])).unwrap().unwrap(), list(&[b]));
        for refused in [
            go(names(&["https://d.example/"]), None, &[]),
            go(None, names(&["billing"]), &[]),
            go(None, names(&[""]), &[]),
            go(None, Some(vec![None]), &[]),
            go(names(&[a]), None, &list(&[b])),
            go(None, None, &list(&["https://d.example/"])),
        ] {
            assert_eq!(refused.unwrap_err().code, ErrorCode::InvalidTarget);
        }
        assert!(exchanged(None, None, None, &[]).unwrap().is_none());
        assert_eq!(exchanged(None, None, None, &list(&[b])).unwrap().unwrap(), list(&[b]));
        assert_eq!(exchanged(names(&[a]), None, None, &[]).unwrap().unwrap(), list(&[a]));
    }
}

//! Resource indicators (RFC 8707): where a token may be used.

use url::Url;

use crate::kernel::outcome::{Code, Refusal};

const MAX_RESOURCES: usize = 20;

/// Whether a text is a resource indicator: an absolute URI without a fragment (section 2).
pub fn is_indicator(text: &str) -> bool {
    text.len() <= 2048
        && !text.contains('#')
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && Url::parse(text).is_ok()
}

/// The resources of a new grant: those of the request, or all that the client is registered for, where it
/// names none (RFC 8707 section 2: a predefined default). None: the grant is for any.
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
    let refuse = |description| Err(Refusal::new(Code::InvalidTarget, description));
    let within = |name: &String| {
        subject.is_none_or(|subject| subject.contains(name))
            && (registered.is_empty() || registered.contains(name))
    };
    let mut targets = granted(resource, &[])?.unwrap_or_default();
    for name in audience.unwrap_or_default() {
        match name.filter(|name| is_audience(name)) {
            Some(name) if !targets.contains(&name) => targets.push(name),
            Some(_) => {}
            None => return refuse("an audience is 1 to 2048 bytes without control characters"),
        }
        if targets.len() > MAX_RESOURCES {
            return refuse("more than 20 resources");
        }
    }
    if !targets.is_empty() {
        let all = targets.iter().all(within);
        return if all { Ok(Some(targets)) } else { refuse("the resource was not granted") };
    }
    let Some(subject) = subject else { return of_grant(None, registered) };
    let common: Vec<_> = subject.iter().filter(|name| within(name)).cloned().collect();
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

/// The resources of a request, if each is an indicator and among `allowed`, where an empty `allowed`
/// allows any. None for a request that names none.
pub fn granted(
    requested: Option<Vec<Option<String>>>,
    allowed: &[String],
) -> Result<Option<Vec<String>>, Refusal> {
    let Some(requested) = requested.filter(|list| !list.is_empty()) else { return Ok(None) };
    if requested.len() > MAX_RESOURCES {
        return Err(Refusal::new(Code::InvalidTarget, "more than 20 resources"));
    }
    let mut resources: Vec<String> = Vec::with_capacity(requested.len());
    for resource in requested {
        let Some(resource) = resource.filter(|text| is_indicator(text)) else {
            return Err(Refusal::new(
                Code::InvalidTarget,
                "a resource is an absolute URI without a fragment",
            ));
        };
        if !allowed.is_empty() && !allowed.contains(&resource) {
            return Err(Refusal::new(Code::InvalidTarget, "the resource was not granted"));
        }
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    Ok(Some(resources))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{exchanged, granted, is_indicator, of_grant};
    use crate::kernel::outcome::Code;

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

    #[test]
    fn what_was_not_granted_is_an_invalid_target() {
        let request = |uri: &str| Some(vec![Some(uri.to_string())]);
        let allowed = ["https://a.example/".to_string()];
        assert_eq!(granted(request("https://a.example/"), &allowed).unwrap().unwrap().len(), 1);
        assert_eq!(granted(request("https://b.example/"), &allowed).unwrap_err().code, Code::InvalidTarget);
        assert_eq!(granted(Some(vec![None]), &[]).unwrap_err().code, Code::InvalidTarget);
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
            assert_eq!(refused.unwrap_err().code, Code::InvalidTarget);
        }
        assert!(exchanged(None, None, None, &[]).unwrap().is_none());
        assert_eq!(exchanged(None, None, None, &list(&[b])).unwrap().unwrap(), list(&[b]));
        assert_eq!(exchanged(names(&[a]), None, None, &[]).unwrap().unwrap(), list(&[a]));
    }
}

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
    use super::{granted, is_indicator};
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
}

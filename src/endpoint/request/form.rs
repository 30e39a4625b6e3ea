//! A request's parameters as a form (RFC 6749 appendix B), from a body or a query, within bounds: nothing here
//! allocates or loops by the sender's wish.

use std::ops::Deref;

use zeroize::Zeroizing;

use crate::rfc::parameter;

/// The largest form, in bytes.
pub const MAX_FORM: usize = 65_536;
/// The most parameters.
const MAX_PARAMETERS: usize = 64;
/// The longest name, in bytes.
const MAX_NAME: usize = 128;
/// How often a parameter may come that may come several times.
const MAX_REPEATS: usize = 16;

/// The parameters that may come more than once (RFC 8707 section 2, RFC 8693 section 2.1).
const REPEATED: [&str; 2] = ["resource", "audience"];

/// Why a form cannot be read: the description of an `invalid_request`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Malformed {
    /// It has more bytes than [`MAX_FORM`].
    TooLarge,
    /// It has more parameters than [`MAX_PARAMETERS`].
    TooMany,
    /// A name has more bytes than [`MAX_NAME`].
    LongName,
    /// A parameter comes twice.
    Repeated,
    /// A percent sign without two hexadecimal digits, or what is no text: invalid UTF-8, or a NUL.
    NoText,
}

impl Malformed {
    /// For the developer of the client.
    pub const fn description(self) -> &'static str {
        match self {
            Self::TooLarge => "the request has more than 64 kB",
            Self::TooMany => "the request has more than 64 parameters",
            Self::LongName => "the name of a parameter has more than 128 bytes",
            Self::Repeated => "a parameter comes more often than it may",
            Self::NoText => "the parameters are not form-encoded UTF-8 text",
        }
    }
}

/// A name or value: where it lies in the request, or decoded, and then wiped at the end, because it may be a secret.
enum Text<'a> {
    Plain(&'a str),
    Decoded(Zeroizing<String>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Decoded(text) => text,
        }
    }
}

/// The parameters of a request.
pub struct Form<'a>(Vec<(Text<'a>, Text<'a>)>);

impl<'a> Form<'a> {
    /// Reads the bytes of a body or query.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_FORM {
            return Err(Malformed::TooLarge);
        }
        let mut form: Vec<(Text<'a>, Text<'a>)> = Vec::new();
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            if form.len() == MAX_PARAMETERS {
                return Err(Malformed::TooMany);
            }
            let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let (name, value) = pair.split_at(equals);
            // Each byte of a name takes at most three.
            if name.len() > 3 * MAX_NAME {
                return Err(Malformed::LongName);
            }
            let name = decoded(name)?;
            if name.len() > MAX_NAME {
                return Err(Malformed::LongName);
            }
            let before = form.iter().filter(|(known, _)| **known == *name).count();
            if before >= if REPEATED.contains(&&*name) { MAX_REPEATS } else { 1 } {
                return Err(Malformed::Repeated);
            }
            form.push((name, decoded(value.get(1..).unwrap_or_default())?));
        }
        Ok(Self(form))
    }

    /// The value of a parameter; None where it is left out or empty (RFC 6749 section 3.1).
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| **known == *name)?;
        parameter::value(Some(value))
    }

    /// The values of a parameter that may come more than once, as functions take it.
    pub fn all(&self, name: &str) -> Option<Vec<Option<String>>> {
        let values = self.0.iter().filter(|(known, _)| **known == *name);
        let list: Vec<_> = values.map(|(_, value)| Some((**value).to_owned())).collect();
        parameter::values((!list.is_empty()).then_some(list))
    }

    /// Every parameter with its value, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn decoded(bytes: &[u8]) -> Result<Text<'_>, Malformed> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+' | 0)) {
        return std::str::from_utf8(bytes).map(Text::Plain).map_err(|_| Malformed::NoText);
    }
    let bytes = unescaped(bytes).filter(|bytes| !bytes.contains(&0)).ok_or(Malformed::NoText)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Text::Decoded(Zeroizing::new(text))),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Malformed::NoText)
        }
    }
}

/// The bytes that a form-encoded text stands for; None where a percent sign is not followed by two digits.
pub fn unescaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        out.push(match first {
            b'+' => b' ',
            b'%' => {
                let (digits, behind) = behind.split_at_checked(2)?;
                rest = behind;
                digits.iter().try_fold(0, |byte, digit| {
                    Some(byte * 16 + u8::try_from(char::from(*digit).to_digit(16)?).ok()?)
                })?
            }
            other => *other,
        });
    }
    Some(out)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Form, MAX_FORM, Malformed};
    use proptest::prelude::*;

    fn refused(bytes: &[u8]) -> Option<Malformed> {
        Form::read(bytes).err()
    }

    #[test]
    fn names_and_values_are_decoded() {
        let form = Form::read(b"a=1&b=x%20y+z&c=%C3%A9&d&e=&%66=g=h&&").unwrap();
        let all: Vec<_> = form.iter().collect();
        assert_eq!(all, [("a", "1"), ("b", "x y z"), ("c", "\u{e9}"), ("d", ""), ("e", ""), ("f", "g=h")]);
        assert_eq!(form.get("b"), Some("x y z"));
        assert!(form.get("e").is_none() && form.get("g").is_none());
        assert!(Form::read(b"").unwrap().iter().next().is_none());
    }

    /// RFC 6749 section 3.1: parameters MUST NOT be included more than once, but for those of RFC 8707 and RFC 8693.
    #[test]
    fn a_parameter_comes_once_but_for_two() {
        assert_eq!(refused(b"a=1&a=1"), Some(Malformed::Repeated));
        assert_eq!(refused(b"a=&%61="), Some(Malformed::Repeated));
        let some = |name: &str, count| [name, "=r&"].concat().repeat(count);
        for name in ["resource", "audience"] {
            let sixteen = some(name, 16);
            assert_eq!(Form::read(sixteen.as_bytes()).unwrap().all(name).unwrap().len(), 16);
            assert_eq!(refused(some(name, 17).as_bytes()), Some(Malformed::Repeated));
        }
        assert!(Form::read(b"resource=&resource=").unwrap().all("resource").is_none());
        assert!(Form::read(b"").unwrap().all("resource").is_none());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for bytes in [
            &b"a=%"[..],
            b"a=%4",
            b"a=%zz",
            b"a=%+1",
            b"a=%00",
            b"a=\0",
            b"a=\xff",
            b"a=%ff",
            b"%c3=1",
            b"a=%C3+",
        ] {
            assert_eq!(refused(bytes), Some(Malformed::NoText), "{bytes:?}");
        }
    }

    /// Each bound at and over it.
    #[test]
    fn a_form_is_bounded() {
        let many = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert!(refused(many(64).as_bytes()).is_none());
        assert_eq!(refused(many(65).as_bytes()), Some(Malformed::TooMany));
        assert!(refused(["n".repeat(128), "=1".into()].concat().as_bytes()).is_none());
        assert!(refused(["%61".repeat(128), "=1".into()].concat().as_bytes()).is_none());
        for name in ["n".repeat(129), "%61".repeat(129), "%61".repeat(5000)] {
            assert_eq!(refused([&name, "=1"].concat().as_bytes()), Some(Malformed::LongName));
        }
        let full = |bytes: usize| ["a=", &"x".repeat(bytes - 2)].concat();
        assert!(refused(full(MAX_FORM - 1).as_bytes()).is_none());
        assert!(refused(full(MAX_FORM).as_bytes()).is_none());
        assert_eq!(refused(full(MAX_FORM + 1).as_bytes()), Some(Malformed::TooLarge));
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_back(name in "[a-z]{1,9}", value: String) {
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            let body = format!("{name}={encoded}");
            match Form::read(body.as_bytes()) {
                Ok(form) => prop_assert_eq!(form.iter().next(), Some((name.as_str(), value.as_str()))),
                Err(error) => prop_assert!(error == Malformed::NoText && value.contains('\0')),
            }
        }

        #[test]
        fn bytes_never_fail_otherwise(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(form) = Form::read(&bytes) {
                prop_assert!(form.iter().count() <= 64);
                prop_assert!(form.iter().all(|(name, value)| !name.contains('\0') && !value.contains('\0')));
            }
        }
    }
}

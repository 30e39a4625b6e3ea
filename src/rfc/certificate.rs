//! Whom an X.509 certificate names (RFC 5280), for a client that authenticates by it (RFC 8705 section 2.1.2). Whether
//! to trust the certificate was for the TLS server to decide.

use std::net::IpAddr;

/// A certificate, as far as it is read.
pub struct Certificate<'a> {
    /// The contents of `subject`.
    subject: &'a [u8],
    /// The contents of the extensions.
    extensions: &'a [u8],
}

/// Whom a client's certificate must name, and by what.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject<'a> {
    /// The distinguished name, as a text of RFC 4514.
    Dn(&'a str),
    /// A DNS name of subjectAltName.
    Dns(&'a str),
    /// A URI of subjectAltName.
    Uri(&'a str),
    /// An address of subjectAltName.
    Ip(&'a str),
    /// A mail address of subjectAltName.
    Email(&'a str),
}

impl<'a> Subject<'a> {
    /// By the member of a client's metadata (RFC 8705 section 2.1.2); None for any other member.
    pub fn of(member: &str, value: &'a str) -> Option<Self> {
        Some(match member {
            "tls_client_auth_subject_dn" => Self::Dn(value),
            "tls_client_auth_san_dns" => Self::Dns(value),
            "tls_client_auth_san_uri" => Self::Uri(value),
            "tls_client_auth_san_ip" => Self::Ip(value),
            "tls_client_auth_san_email" => Self::Email(value),
            _ => return None,
        })
    }
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// Of a certificate: the version and the extensions; of a name: mail, DNS, URI and address.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const RFC822: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;
/// 2.5.29.17
const SUBJECT_ALT_NAME: [u8; 3] = [0x55, 0x1d, 0x11];
/// More relative names, or alternative ones, than a certificate of use has.
const MAX_NAMES: usize = 100;

impl<'a> Certificate<'a> {
    /// Reads a certificate in DER; None where it is none.
    pub fn read(der: &'a [u8]) -> Option<Self> {
        let mut outer = Der(der);
        let mut tbs = Der(Der(outer.tagged(SEQUENCE)?).tagged(SEQUENCE)?);
        outer.is_empty().then_some(())?;
        if tbs.tag() == Some(VERSION) {
            tbs.tagged(VERSION)?;
        }
        tbs.tagged(INTEGER)?;
        // The algorithm, the issuer and the validity.
        tbs.tagged(SEQUENCE)?;
        tbs.tagged(SEQUENCE)?;
        tbs.tagged(SEQUENCE)?;
        let subject = tbs.tagged(SEQUENCE)?;
        // The public key.
        tbs.tagged(SEQUENCE)?;
        let mut extensions: &[u8] = &[];
        for (tag, contents) in tbs.by_ref() {
            if tag == EXTENSIONS {
                extensions = Der(contents).tagged(SEQUENCE)?;
            }
        }
        tbs.is_empty().then_some(Self { subject, extensions })
    }

    /// Whether it names this subject.
    pub fn names(&self, subject: Subject<'_>) -> bool {
        let same = |tag, is: &dyn Fn(&str) -> bool| {
            self.alternatives(tag).any(|name| std::str::from_utf8(name).is_ok_and(is))
        };
        match subject {
            Subject::Dn(text) => {
                matches!((dn(self.subject), parse_dn(text)), (Some(own), Some(wanted)) if own == wanted)
            }
            Subject::Dns(name) => same(DNS, &|own| own.eq_ignore_ascii_case(name)),
            Subject::Uri(uri) => same(URI, &|own| own == uri),
            Subject::Email(address) => same(RFC822, &|own| own == address),
            Subject::Ip(address) => {
                let bytes = match address.parse() {
                    Ok(IpAddr::V4(address)) => address.octets().to_vec(),
                    Ok(IpAddr::V6(address)) => address.octets().to_vec(),
                    Err(_) => return false,
                };
                self.alternatives(IP).any(|own| own == bytes)
            }
        }
    }

    /// The names of this kind in subjectAltName (RFC 5280 section 4.2.1.6).
    fn alternatives(&self, tag: u8) -> impl Iterator<Item = &'a [u8]> {
        let names = Der(self.extensions).find_map(|(_, extension)| {
            let mut parts = Der(extension);
            (parts.tagged(OID)? == SUBJECT_ALT_NAME).then_some(())?;
            // Behind it whether it is critical, which has a default.
            let (_, value) = parts.find(|(tag, _)| *tag == OCTET_STRING)?;
            Der(value).tagged(SEQUENCE)
        });
        let own = Der(names.unwrap_or_default()).take(MAX_NAMES);
        Iterator::filter(own, move |(own, _)| *own == tag).map(|(_, name)| name)
    }
}

/// Values one after the other, each with its tag (X.690 section 8.1).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The contents of the next value, which must have this tag.
    fn tagged(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, contents)| contents)
    }
}

impl<'a> Iterator for Der<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.0.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(*first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((*tag, contents))
    }
}

/// A distinguished name: relative names, each of attributes in order, type (a dotted OID) and value.
type Dn = Vec<Vec<(String, String)>>;

/// The attribute types of RFC 4514 section 3, and those of names that OpenSSL prints.
const TYPES: [(&str, &str); 11] = [
    ("CN", "2.5.4.3"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("C", "2.5.4.6"),
    ("STREET", "2.5.4.9"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("serialNumber", "2.5.4.5"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

/// A subject's name. RFC 4514 section 2.1: the text begins with the last relative name.
fn dn(subject: &[u8]) -> Option<Dn> {
    let mut names = Vec::new();
    let mut all = Der(subject);
    while !all.is_empty() {
        let mut set = Der(all.tagged(SET)?);
        let mut attributes = Vec::new();
        while !set.is_empty() {
            let mut pair = Der(set.tagged(SEQUENCE)?);
            let name = dotted(pair.tagged(OID)?)?;
            let (tag, value) = pair.next()?;
            attributes.push((name, text(tag, value)?));
        }
        attributes.sort();
        names.push(attributes);
        (names.len() <= MAX_NAMES).then_some(())?;
    }
    names.reverse();
    (!names.is_empty()).then_some(names)
}

/// A string of X.520: UTF8String, NumericString, PrintableString, T61String as latin-1, IA5String, BMPString.
fn text(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        0x0c | 0x12 | 0x13 | 0x16 => std::str::from_utf8(value).ok().map(str::to_owned),
        0x14 => Some(value.iter().map(|byte| char::from(*byte)).collect()),
        0x1e => {
            let (units, rest) = value.as_chunks::<2>();
            let units: Vec<_> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            rest.is_empty().then(|| String::from_utf16(&units).ok())?
        }
        _ => None,
    }
}

/// An OID in dotted form (X.690 section 8.19).
fn dotted(bytes: &[u8]) -> Option<String> {
    let (mut arcs, mut arc) = (Vec::new(), 0_u64);
    for byte in bytes {
        arc = arc.checked_mul(128)? + u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    let first = *arcs.first()?;
    let head = (first / 40).min(2);
    *arcs.first_mut()? = first - head * 40;
    (arc == 0).then_some(())?;
    let rest: Vec<_> = arcs.iter().map(u64::to_string).collect();
    Some(format!("{head}.{}", rest.join(".")))
}

/// The text of a distinguished name (RFC 4514 section 3); spaces around its separators do not count (RFC 4517).
fn parse_dn(text: &str) -> Option<Dn> {
    let (mut names, mut attributes) = (Vec::new(), Vec::new());
    let mut rest = text;
    loop {
        let (name, behind) = rest.split_once('=')?;
        let (value, separator, behind) = parse_value(behind)?;
        attributes.push((type_of(name.trim())?, value));
        if separator != Some('+') {
            attributes.sort();
            names.push(std::mem::take(&mut attributes));
        }
        match separator {
            Some(_) => rest = behind,
            None => return Some(names),
        }
    }
}

fn type_of(name: &str) -> Option<String> {
    let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let is_oid = name.contains('.') && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    known.map(|(_, oid)| (*oid).to_owned()).or_else(|| is_oid.then(|| name.to_owned()))
}

/// A value without its escapes, the separator behind it, and what comes behind that.
fn parse_value(text: &str) -> Option<(String, Option<char>, &str)> {
    let (mut value, mut kept, mut chars) = (Vec::new(), 0, text.trim_start_matches(' ').chars());
    let separator = loop {
        match chars.next() {
            None => break None,
            Some(c @ (',' | ';' | '+')) => break Some(c),
            Some('\\') => {
                let c = chars.next()?;
                match c.to_digit(16) {
                    Some(high) => value.push(u8::try_from(high * 16 + chars.next()?.to_digit(16)?).ok()?),
                    None => value.push(u8::try_from(c).ok().filter(u8::is_ascii)?),
                }
                // An escaped space at the end is one of the value.
                kept = value.len();
            }
            Some(c) => value.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    };
    while value.len() > kept && value.last() == Some(&b' ') {
        value.pop();
    }
    Some((String::from_utf8(value).ok()?, separator, chars.as_str()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Certificate, Subject, dotted, parse_dn};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    /// Made with OpenSSL 3.0 for CN=client.example,OU=Key A\+1,O=Example\, Inc.,C=DE and one alternative name of each
    /// kind.
    const MADE: &str = "MIICJjCCAcygAwIBAgIUOmjPyt9mjEKiEoAHUofsUjTM0k4wCgYIKoZIzj0EAwIwUDELMAkGA1UEBhMCREUxFjAUBgNVBAoMDUV4\
        YW1wbGUsIEluYy4xEDAOBgNVBAsMB0tleSBBKzExFzAVBgNVBAMMDmNsaWVudC5leGFtcGxlMCAXDTI2MTEyOTA3NDcxNFoYDzIx\
        MjYxMTA1MDc0NzE0WjBQMQswCQYDVQQGEwJERTEWMBQGA1UECgwNRXhhbXBsZSwgSW5jLjEQMA4GA1UECwwHS2V5IEErMTEXMBUG\
        A1UEAwwOY2xpZW50LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQMACCyVoCYfHSPXRJ7zveSJeX7TlmmfZdpqHy4\
        /1ZVRB4JQn1Oxvcq+A5h+214EgUytKbKN7DroYgB4Z2llHlGo4GBMH8wXgYDVR0RBFcwVYIOY2xpZW50LmV4YW1wbGWGF3NwaWZm\
        ZTovL2V4YW1wbGUvY2xpZW50hwTAAAIHhxAgAQ24AAAAAAAAAAAAAAAHgRJvcHNAY2xpZW50LmV4YW1wbGUwHQYDVR0OBBYEFD7P\
        vP9WF3V3WvpD9E6AbWwdHra/MAoGCCqGSM49BAMCA0gAMEUCIQCsRBVTjh+i3UEuIA/sS18xHJaXuTwFV6JhreXYlIDOlQIgboW9\
        fCgJOazqZ7SrzWoQWPwUQm57TDvQ5WbVfj0P/qU=";

    #[test]
    fn a_certificate_names_its_subject() {
        let der = STANDARD.decode(MADE).unwrap();
        let certificate = Certificate::read(&der).unwrap();
        for (subject, is) in [
            // As OpenSSL prints it with -nameopt RFC2253, and in other writings of the same.
            (Subject::Dn("CN=client.example,OU=Key A\\+1,O=Example\\, Inc.,C=DE"), true),
            (Subject::Dn("cn = client.example , OU=Key A\\2b1,2.5.4.10=Example\\2C Inc.,C=DE"), true),
            (Subject::Dn("CN=client.example,OU=Key A\\+1,O=Example\\, Inc."), false),
            (Subject::Dn("C=DE,O=Example\\, Inc.,OU=Key A\\+1,CN=client.example"), false),
            (Subject::Dn("CN=Client.example,OU=Key A\\+1,O=Example\\, Inc.,C=DE"), false),
            (Subject::Dn(""), false),
            (Subject::Dns("CLIENT.example"), true),
            (Subject::Dns("CLIENT.example"), true),
            (Subject::Dns("example"), false),
            (Subject::Uri("spiffe://example/client"), true),
            (Subject::Uri("spiffe://example/Client"), false),
            (Subject::Ip("192.0.2.7"), true),
            (Subject::Ip("2001:0db8:0:0::7"), true),
            (Subject::Ip("192.0.2.8"), false),
            (Subject::Ip("CLIENT.example"), false),
            (Subject::Email("ops@client.example"), true),
            (Subject::Email("CLIENT.example"), false),
        ] {
            assert_eq!(certificate.names(subject), is, "{subject:?}");
        }
        assert!(Certificate::read(&der[..der.len() - 1]).is_none());
        assert!(Certificate::read(&[&der[..], &[0]].concat()).is_none());
    }

    #[test]
    fn names_are_read_as_rfc_4514_has_them() {
        let attribute = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let read = |text| parse_dn(text).unwrap();
        assert_eq!(
            read("CN=Steve Kille,O=Isode"),
            [vec![attribute("2.5.4.3", "Steve Kille")], vec![attribute("2.5.4.10", "Isode")]]
        );
        assert_eq!(
            read("OU=Sales+CN=J.  Smith")[0],
            [attribute("2.5.4.11", "Sales"), attribute("2.5.4.3", "J.  Smith")]
        );
        assert_eq!(read("CN=Lu\\C4\\8Di\\C4\\87")[0], [attribute("2.5.4.3", "Lu\u{10d}i\u{107}")]);
        assert_eq!(read("CN=a\\ ")[0], [attribute("2.5.4.3", "a ")]);
        for wrong in ["", "CN", "XX=1", "CN=\\", "CN=\\4", "CN=\\ff", "CN=a,", "=a"] {
            assert!(parse_dn(wrong).is_none(), "{wrong}");
        }
        assert_eq!(
            dotted(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01]).unwrap(),
            "1.2.840.113549.1.9.1"
        );
        assert!(dotted(&[]).is_none() && dotted(&[0x2a, 0x86]).is_none() && dotted(&[0xff; 20]).is_none());
    }

    proptest! {
        /// Neither garbage nor a certificate with a changed byte does more than not be read.
        #[test]
        fn nothing_fails_otherwise(
            bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..500_usize, byte: u8, text: String
        ) {
            let mut der = STANDARD.decode(MADE).unwrap();
            der[at] = byte;
            for der in [bytes, der] {
                if let Some(certificate) = Certificate::read(&der) {
                    for member in ["subject_dn", "san_dns", "san_uri", "san_ip", "san_email"] {
                        let subject = Subject::of(&format!("tls_client_auth_{member}"), &text);
                        prop_assert!(!certificate.names(subject.unwrap()) || text.len() > 5);
                    }
                }
            }
        }
    }
}

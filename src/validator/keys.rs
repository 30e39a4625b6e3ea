//! The file with the keys, as signing_keys_export() has it: the issuer, and its JWKS.

use std::ffi::{CStr, OsStr};
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde_json::Value;

use crate::rfc::jose::jwk::{Jwk, parse_set};
use crate::rfc::json;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// Whose tokens are taken.
pub struct Keys {
    pub issuer: String,
    pub keys: Vec<Jwk>,
}

/// Reads the file anew, because a log-in is rare, and keys may have changed since the last. Err: why it is unusable.
pub fn read(path: &CStr) -> Result<Keys, String> {
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    // Opening a pipe must not wait for its writer.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = file.map_err(|error| error.to_string())?;
    // The metadata of the open file, not of a file that took its place.
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".into());
    }
    if metadata.mode() & 0o022 != 0 {
        return Err("group or others may write it: whoever can, can log in as anybody".into());
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    parse(&text).ok_or_else(|| "it is not what signing_keys_export() returns".into())
}

fn parse(text: &[u8]) -> Option<Keys> {
    let document = json::object(text)?;
    let issuer = document.get("issuer")?.as_str().filter(|issuer| !issuer.is_empty())?.to_owned();
    let keys = parse_set(&Value::Object(document)).ok()?;
    (!keys.is_empty()).then_some(Keys { issuer, keys })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{parse, read};
    use crate::rfc::jose::alg::Alg;
    use crate::rfc::jose::sign::{SigningKey, generate};
    use std::ffi::CString;
    use std::fs::{self, Permissions};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::PermissionsExt;

    fn document() -> String {
        let key = SigningKey::open(Alg::Es256, &generate(Alg::Es256).unwrap().unwrap()).unwrap();
        format!(r#"{{"issuer":"https://id.example","keys":[{}]}}"#, key.public_jwk().unwrap())
    }

    #[test]
    fn a_document_has_an_issuer_and_keys() {
        let keys = parse(document().as_bytes()).unwrap();
        assert_eq!((keys.issuer.as_str(), keys.keys.len()), ("https://id.example", 1));
        for text in
            ["", "{}", r#"{"issuer":"i"}"#, r#"{"issuer":"i","keys":[]}"#, r#"{"issuer":"","keys":[]}"#, "[]"]
        {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
        assert!(parse(document().replace("https://id.example", "").as_bytes()).is_none());
    }

    #[test]
    fn a_file_that_others_may_write_is_not_read() {
        let path = std::env::temp_dir().join(format!("auth_store_keys_{}", std::process::id()));
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        assert!(read(&name).is_err());
        fs::write(&path, document()).unwrap();
        for (mode, good) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&name).is_ok(), good, "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, format!("{}{}", document(), " ".repeat(70_000))).unwrap();
        assert!(read(&name).is_err());
        fs::remove_file(&path).unwrap();
        assert!(read(c"/dev/null").is_err());
    }
}

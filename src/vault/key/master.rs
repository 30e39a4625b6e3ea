//! Master keys: they wrap the vault's data keys. They come from a file or a command that only the server's operator
//! names, and are not in the database. They are read at the first use and again after a reload of the configuration.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString, OsStr};
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pgrx::prelude::*;
use zeroize::Zeroizing;

use crate::kernel::crypto::seal;
use crate::kernel::outcome::{Mistake, OrRaise};
use crate::kernel::server::locked::{KEY_LEN, LockedKey};
use crate::kernel::server::settings::Setting;
use crate::kernel::server::{command, state};
use crate::kernel::value::clock::{self, Timestamp};
use crate::kernel::value::hex::hex;
use crate::kernel::value::id::random;

#[pg_extern(volatile, parallel_safe)]
fn vault_key_generate() -> String {
    generate(clock::now()).or_raise()
}

/// A master key.
pub struct MasterKey {
    /// Its name in the file, by which the data keys refer to it.
    pub id: String,
    key: LockedKey,
    /// What numbers refresh tokens, see `oauth/token/refresh/number.rs`.
    numbering: LockedKey,
}

impl MasterKey {
    /// The key.
    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        self.key.bytes()
    }

    /// The key made from it under which refresh tokens have their number.
    pub fn numbering(&self) -> &[u8; KEY_LEN] {
        self.numbering.bytes()
    }

    fn new(id: String, key: &mut [u8; KEY_LEN]) -> Result<Self, Mistake> {
        let mut numbering = seal::derive(key, b"auth_store refresh number").ok_or(Mistake::OutOfMemory)?;
        Ok(Self { id, numbering: LockedKey::take(&mut numbering)?, key: LockedKey::take(key)? })
    }
}

/// The path of the file with the keys. In the server's configuration alone, as the command: a reload of it is what has
/// the keys read again.
pub static FILE: Setting<Option<CString>> = Setting::text(
    c"auth_store.master_key_file",
    c"The file with the vault's master keys.",
    c"Lines of key_id: base64, the last of which seals. Of mode 0600, owned by the server's user, outside of the data \
      directory.",
)
.of_configuration();

/// The command that prints the keys.
pub static COMMAND: Setting<Option<CString>> = Setting::text(
    c"auth_store.master_key_command",
    c"The command that writes the vault's master keys to its standard output.",
    c"As in auth_store.master_key_file, for a key management service; run by the server's user in a shell.",
)
.of_configuration();

/// The largest file, or output of a command.
const MAX_BYTES: usize = 64 * 1024;
const MAX_ID: usize = 63;
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// Seconds until an unknown key's name leads to another reading.
const REREAD_AFTER: i64 = 5;
/// Seconds until keys that could not be read are tried again by what goes on without them.
const RETRY_AFTER: i64 = 60;

struct Known {
    /// The load of the server's configuration that the keys belong to.
    configuration: Timestamp,
    read_at: Timestamp,
    /// The newest last.
    keys: Vec<Rc<MasterKey>>,
}

thread_local! {
    // A backend is one thread.
    static KNOWN: RefCell<Option<Known>> = const { RefCell::new(None) };
    /// When the keys could not be read, and the load of the configuration that named them.
    static FAILED: Cell<Option<(Timestamp, Timestamp)>> = const { Cell::new(None) };
}

/// The key that seals: the last of the file.
pub fn newest() -> Result<Rc<MasterKey>, Mistake> {
    known(|known| known.keys.last().cloned())?.ok_or_else(none)
}

/// The key of this name; None if there is no such key. An unknown name makes the backend read the keys again: another
/// backend may have sealed with a key that was added since.
pub fn find(now: Timestamp, id: &str) -> Result<Option<Rc<MasterKey>>, Mistake> {
    if !is_configured() {
        return Ok(None);
    }
    let by_id = |known: &Known| known.keys.iter().find(|key| key.id == id).cloned();
    if let Some(key) = known(by_id)? {
        return Ok(Some(key));
    }
    if known(|known| now.micros_since(known.read_at) < REREAD_AFTER * 1_000_000)? {
        return Ok(None);
    }
    forget();
    known(by_id)
}

/// All keys, the newest last, for what goes on without them: none where they cannot be read, and for some seconds after
/// that nobody tries.
pub fn every(now: Timestamp) -> Vec<Rc<MasterKey>> {
    readable(now, |known| known.keys.clone()).unwrap_or_default()
}

/// The key that seals, likewise.
pub fn newest_readable(now: Timestamp) -> Option<Rc<MasterKey>> {
    readable(now, |known| known.keys.last().cloned()).flatten()
}

fn readable<T>(now: Timestamp, look: impl FnOnce(&Known) -> T) -> Option<T> {
    if !is_configured() || failed_lately(now) {
        return None;
    }
    let found = known(look).ok();
    if found.is_none() {
        FAILED.set(Some((state::reloaded_at(), now)));
    }
    found
}

fn failed_lately(now: Timestamp) -> bool {
    FAILED.get().is_some_and(|(configuration, at)| {
        configuration == state::reloaded_at() && Timestamp::is_within(now, at, RETRY_AFTER * 1_000_000)
    })
}

/// The names of all keys, the newest last; empty if none is configured.
pub fn names() -> Result<Vec<String>, Mistake> {
    if !is_configured() {
        return Ok(Vec::new());
    }
    known(|known| known.keys.iter().map(|key| key.id.clone()).collect())
}

/// Whether there are any to be read.
pub fn is_configured() -> bool {
    FILE.get().is_some() || COMMAND.get().is_some()
}

fn forget() {
    KNOWN.with_borrow_mut(|known| *known = None);
}

fn known<T>(look: impl FnOnce(&Known) -> T) -> Result<T, Mistake> {
    let configuration = state::reloaded_at();
    let fresh =
        KNOWN.with_borrow(|known| known.as_ref().is_some_and(|known| known.configuration == configuration));
    if !fresh {
        forget();
        // Not within a borrow: the command waits, and can be cancelled.
        let keys = read()?;
        KNOWN.with_borrow_mut(|known| *known = Some(Known { configuration, read_at: clock::now(), keys }));
    }
    KNOWN.with_borrow(|known| known.as_ref().map(look)).ok_or_else(none)
}

/// There is no master key.
pub fn none() -> Mistake {
    Mistake::WrongState {
        message: "the vault has no master key".into(),
        hint: "Set auth_store.master_key_file or auth_store.master_key_command; \
               SELECT auth_store.vault_key_generate() makes a key."
            .into(),
    }
}

fn unusable(message: String) -> Mistake {
    Mistake::WrongState {
        message: message.into(),
        hint: "The server's operator must mend it and reload the configuration.".into(),
    }
}

fn read() -> Result<Vec<Rc<MasterKey>>, Mistake> {
    let text = match (FILE.get(), COMMAND.get()) {
        (None, None) => return Err(none()),
        (Some(_), Some(_)) => {
            return Err(unusable(
                "auth_store.master_key_file and auth_store.master_key_command are both set".into(),
            ));
        }
        (Some(file), None) => read_file(file).map_err(|why| {
            unusable(format!("the file that auth_store.master_key_file names is unusable: {why}"))
        })?,
        (None, Some(line)) => line
            .to_str()
            .map_err(|_| "it is not UTF-8".to_string())
            .and_then(|line| command::output(line, MAX_BYTES, COMMAND_TIMEOUT))
            .map_err(|why| {
                unusable(format!("the command in auth_store.master_key_command gave no keys: {why}"))
            })?,
    };
    let keys = parse(&text).map_err(|why| unusable(format!("the master keys are malformed: {why}")))?;
    if keys.is_empty() { Err(none()) } else { Ok(keys) }
}

fn read_file(path: &CStr) -> Result<Zeroizing<Vec<u8>>, String> {
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    // Opening a pipe must not wait for its writer.
    let mut file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .map_err(|error| error.to_string())?;
    // The metadata of the open file, not of a file that took its place.
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is no regular file".into());
    }
    if metadata.mode() & 0o077 != 0 {
        return Err("it is accessible to group or others; its mode must be 0600 or 0400".into());
    }
    let within = |directory: &CStr| {
        let directory = Path::new(OsStr::from_bytes(directory.to_bytes()));
        Some(path.canonicalize().ok()?.starts_with(directory.canonicalize().ok()?))
    };
    if within(state::data_directory()) != Some(false) {
        return Err("it is in the data directory, where every base backup would take it along".into());
    }
    // Allocated in full at once: a vector that grows leaves copies behind.
    let mut text = Zeroizing::new(vec![0; MAX_BYTES + 1]);
    let mut filled = 0;
    loop {
        let room = text.get_mut(filled..).filter(|room| !room.is_empty());
        let Some(room) = room else { return Err(format!("it is larger than {MAX_BYTES} bytes")) };
        match file.read(room).map_err(|error| error.to_string())? {
            0 => break,
            count => filled += count,
        }
    }
    text.truncate(filled);
    Ok(text)
}

/// The keys of lines `key_id: base64`; skips empty lines and those that begin with #. Err: what is wrong, without any
/// part of a key.
fn parse(text: &[u8]) -> Result<Vec<Rc<MasterKey>>, String> {
    let mut keys: Vec<Rc<MasterKey>> = Vec::new();
    for (n, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let (id, mut key) = parse_line(line)
            .ok_or_else(|| format!("line {} is not \"key_id: base64 of 32 bytes\"", n + 1))?;
        if keys.iter().any(|known| known.id == id) {
            return Err(format!("line {} has the key_id of another line", n + 1));
        }
        let key = MasterKey::new(id, &mut key).map_err(|_| "there is not enough memory".to_string())?;
        keys.push(Rc::new(key));
    }
    Ok(keys)
}

fn parse_line(line: &[u8]) -> Option<(String, Zeroizing<[u8; KEY_LEN]>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (id, encoded) = line.split_at_checked(colon)?;
    let id = std::str::from_utf8(id.trim_ascii()).ok()?;
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !(1..=MAX_ID).contains(&id.len()) || !id.bytes().all(legal) {
        return None;
    }
    let mut key = Zeroizing::new([0; KEY_LEN]);
    // Three bytes from each four characters, so one more than the key has.
    let mut decoded = Zeroizing::new([0; KEY_LEN + 1]);
    let length = STANDARD.decode_slice(encoded.get(1..)?.trim_ascii(), decoded.as_mut()).ok()?;
    key.copy_from_slice(decoded.get(..length)?.get(..KEY_LEN).filter(|_| length == KEY_LEN)?);
    Some((id.to_owned(), key))
}

fn generate(now: Timestamp) -> Result<String, Mistake> {
    let (mut name, mut key) = ([0; 4], Zeroizing::new([0; KEY_LEN]));
    random(&mut name)?;
    random(key.as_mut())?;
    let id = hex(&name);
    let line = Zeroizing::new(STANDARD.encode(key.as_ref()));
    Ok(format!(
        "# A master key of auth_store's vault. Append these lines to the file that auth_store.master_key_file names\n\
         # (mode 0600, owned by the server's user, outside of the data directory) on the primary and every standby,\n\
         # then SELECT pg_reload_conf(); the last key seals from then on. CALL auth_store.vault_rekey() moves what is\n\
         # sealed to it. Keep the older keys until SELECT * FROM auth_store.vault_check() says that nothing needs\n\
         # them. Keep a copy apart from the database's backups: without it they open for nobody.\n\
         {}-{id}: {}",
        now.unix_seconds(),
        line.as_str()
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{generate, parse};
    use crate::kernel::value::clock::Timestamp;

    const A: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const B: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

    #[test]
    fn the_last_line_is_the_newest() {
        let keys = parse(format!("# old\n a.1-x : {A} \r\n\n  # new\nb:{B}").as_bytes()).unwrap();
        let names: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
        assert_eq!(names, ["a.1-x", "b"]);
        assert_eq!(keys[0].bytes()[..3], [0, 1, 2]);
        assert_eq!(keys[1].bytes()[31], 0x3f);
        assert!(parse(b"# nothing\n\n").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let long = "k".repeat(64);
        for (bad, line) in [
            (format!("a: {}", &A[1..]), 1),
            (format!("\na: {A}A"), 2),
            (format!("a: {}", &A[..43]), 1),
            ("a: ".into(), 1),
            ("a".into(), 1),
            (format!(": {A}"), 1),
            (format!("a b: {A}"), 1),
            (format!("é: {A}"), 1),
            (format!("{long}: {A}"), 1),
            (format!("a: {}", A.replace('A', "-")), 1),
            (format!("a: {A} {A}"), 1),
            (format!("a: {A}\n#\na: {B}"), 3),
            (A.into(), 1),
        ] {
            let why = parse(bad.as_bytes()).err().unwrap();
            assert!(why.starts_with(&format!("line {line} ")), "{why}");
            assert!(!why.contains("AAEC"), "{why}");
        }
        assert!(parse(&[b"a: ".as_slice(), &[0xff; 44]].concat()).is_err());
    }

    #[test]
    fn a_generated_key_is_one_that_is_read() {
        let one = generate(Timestamp::from_micros(0)).unwrap();
        let keys = parse(one.as_bytes()).unwrap();
        assert_eq!(keys.len(), 1);
        assert!(keys[0].id.starts_with("946684800-"));
        assert!(one != generate(Timestamp::from_micros(0)).unwrap());
    }
}

//! What a hash costs, how many are computed at a time, and the pepper of this store.

use std::sync::OnceLock;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::kernel::crypto::password::{self, Cost, Password, Pepper};
use crate::kernel::crypto::seal;
use crate::kernel::outcome::{Mistake, Refusal};
use crate::kernel::server::settings::Setting;
use crate::kernel::server::slot::Slot;
use crate::kernel::server::spi::Statement;
use crate::kernel::value::clock::Timestamp;
use crate::vault::holder::Derived;
use crate::vault::key::{Unreadable, master};

/// Memory of argon2id. The least of each of these is what OWASP's password storage cheat sheet recommends; the most of
/// all together takes seconds.
pub static MEMORY: Setting<i32> = Setting::kilobytes(
    c"auth_store.password_memory",
    19 * 1024,
    19 * 1024..=128 * 1024,
    c"Memory that the hash of a password takes (argon2id).",
    c"A stored hash of another cost is made anew at the next log-in.",
);

/// Passes of argon2id.
pub static PASSES: Setting<i32> = Setting::number(
    c"auth_store.password_passes",
    2,
    2..=8,
    c"How often the hash of a password goes over its memory (argon2id).",
    c"Each takes as long as the first.",
);

/// Lanes of argon2id.
pub static LANES: Setting<i32> = Setting::number(
    c"auth_store.password_lanes",
    1,
    1..=4,
    c"How many lanes the memory of a password's hash is divided into (argon2id).",
    c"The store computes them one after the other; only an attacker gains from more.",
);

/// The cap on hashes.
pub static AT_ONCE: Setting<i32> = Setting::number(
    c"auth_store.password_hashes_at_once",
    0,
    0..=1024,
    c"How many passwords are hashed at a time, in all sessions of the server together.",
    c"0: as many as the machine has processors.",
);

/// How long a call waits for its turn.
pub static WAIT: Setting<i32> = Setting::milliseconds(
    c"auth_store.password_hash_wait",
    5000,
    0..=60_000,
    c"How long a call waits until it may hash a password.",
    c"After that it answers temporarily_unavailable with retry_after.",
);

/// Whether hashes have a pepper.
pub static PEPPER: Setting<bool> = Setting::switch(
    c"auth_store.password_pepper",
    false,
    c"Makes the hashes of passwords depend on the newest master key of the vault.",
    c"A stored hash names its master key, and is made anew with the newest one at the next log-in. Until then \
      vault_check() counts it as needing the older one, without which its user cannot log in.",
);

/// The present costs.
pub fn present() -> Cost {
    let number = |setting: &Setting<i32>| setting.get().unsigned_abs();
    Cost { memory: number(&MEMORY), passes: number(&PASSES), lanes: number(&LANES) }
}

/// A turn to hash, until it is dropped. No lock may be held that another log-in waits for.
pub fn turn() -> Result<Slot, Refusal> {
    static PROCESSORS: OnceLock<u32> = OnceLock::new();
    let count = match AT_ONCE.get().unsigned_abs() {
        0 => *PROCESSORS.get_or_init(|| {
            std::thread::available_parallelism().ok().and_then(|n| u32::try_from(n.get()).ok()).unwrap_or(1)
        }),
        count => count,
    };
    let wait = Duration::from_millis(u64::from(WAIT.get().unsigned_abs()));
    Slot::take(count, wait).ok_or_else(|| Refusal::over_limit("too many passwords are being verified", 1))
}

/// How many hashes have a pepper of which master key, former ones among them. Those of another store have `in`.
pub static PEPPERED: Statement<Derived> = Statement::read(
    c"SELECT master_key_id, count(*) AS rows
        FROM (SELECT hash FROM auth_store.passwords UNION ALL SELECT hash FROM auth_store.former_passwords) h
       CROSS JOIN LATERAL substring(split_part(hash, '$', 4), '(?:^|,)pepper=([^,]+)') AS p (master_key_id)
       WHERE master_key_id IS NOT NULL AND split_part(hash, '$', 4) !~ '(^|,)in='
       GROUP BY master_key_id",
);

/// A pepper that the store makes from a master key.
pub struct OwnPepper {
    /// The name of the master key.
    pub name: String,
    /// What goes into the hash.
    pub secret: Zeroizing<[u8; 32]>,
}

/// The pepper for new hashes; None where they have none.
pub fn own_pepper() -> Result<Option<OwnPepper>, Mistake> {
    if !PEPPER.get() {
        return Ok(None);
    }
    let master = master::newest()?;
    Ok(Some(OwnPepper { name: master.id.clone(), secret: derive(master.bytes())? }))
}

/// The pepper that a stored hash names.
pub fn own_pepper_of(now: Timestamp, name: &str) -> Result<Zeroizing<[u8; 32]>, Mistake> {
    match master::find(now, name)? {
        Some(master) => derive(master.bytes()),
        None => Err(Unreadable::NoMasterKey(name.to_owned()).into()),
    }
}

fn derive(master: &[u8]) -> Result<Zeroizing<[u8; 32]>, Mistake> {
    seal::derive(master, b"auth_store password pepper").ok_or(Mistake::OutOfMemory)
}

/// Hashes a password with the present costs.
pub fn hash(_turn: &Slot, password: &Password, pepper: Option<&OwnPepper>) -> Result<String, Mistake> {
    let pepper = pepper.map(|pepper| Pepper { name: &pepper.name, secret: pepper.secret.as_ref() });
    password::make(password, present(), pepper)
}

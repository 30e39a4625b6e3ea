//! The vault: other providers' tokens, sealed before any statement sees them.
//!
//! A value is sealed under its tenant's data key, which is wrapped by a master key from outside of the database. Each
//! is bound to its place: tenant, table, row, column and key. Lock order: tenant, connection, data key.

pub mod check;
pub mod connection;
pub mod fernet;
pub mod holder;
pub mod key;
pub mod provider;

/// Where a sealed value belongs, so that it opens nowhere else: its parts, each behind its length.
fn place(parts: &[&[u8]]) -> Vec<u8> {
    let mut place = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        place.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        place.extend_from_slice(part);
    }
    place
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn two_places_never_read_the_same() {
        assert_ne!(place(&[b"a", b"bc"]), place(&[b"ab", b"c"]));
        assert_ne!(place(&[b"a", b""]), place(&[b"", b"a"]));
        assert_eq!(place(&[b"a"]), [0, 0, 0, 1, b'a']);
    }
}

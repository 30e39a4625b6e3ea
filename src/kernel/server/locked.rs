//! A key that must stay in memory: on a page of its own, which goes neither to swap nor to a core file, and is wiped
//! before it is given back.

#![allow(unsafe_code)]

use zeroize::Zeroize;

use crate::kernel::outcome::Mistake;

/// The length of a key of AES-256.
pub const KEY_LEN: usize = 32;

/// Such a key.
pub struct LockedKey(*mut [u8; KEY_LEN]);

impl LockedKey {
    /// Moves a key there; the source is wiped.
    pub fn take(source: &mut [u8; KEY_LEN]) -> Result<Self, Mistake> {
        // SAFETY: a new mapping of at least a page, aligned to one, that nothing else knows. If the system does not
        // allow the lock (RLIMIT_MEMLOCK), the page works without it.
        let key = unsafe {
            let page = libc::mmap(
                std::ptr::null_mut(),
                KEY_LEN,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if page == libc::MAP_FAILED {
                return Err(Mistake::OutOfMemory);
            }
            #[cfg(target_os = "linux")]
            libc::madvise(page, KEY_LEN, libc::MADV_DONTDUMP);
            #[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
            libc::madvise(page, KEY_LEN, libc::MADV_NOCORE);
            libc::mlock(page, KEY_LEN);
            let key = page.cast::<[u8; KEY_LEN]>();
            *key = *source;
            Self(key)
        };
        source.zeroize();
        Ok(key)
    }

    /// The key.
    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        // SAFETY: mapped in take() until it is dropped.
        unsafe { &*self.0 }
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        // SAFETY: mapped in take(), and not used any more.
        unsafe {
            (*self.0).zeroize();
            libc::munmap(self.0.cast(), KEY_LEN);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::LockedKey;

    #[test]
    fn the_source_is_wiped() {
        let mut source = [7; 32];
        let key = LockedKey::take(&mut source).unwrap();
        assert_eq!(source, [0; 32]);
        assert_eq!(key.bytes(), &[7; 32]);
    }
}

//! Keys that must stay in memory: each on pages of its own, which go neither to swap nor to a core file, and are wiped
//! before they are given back.

#![allow(unsafe_code)]

use std::ops::Deref;
use std::ptr::NonNull;

use zeroize::Zeroize;

use crate::kernel::outcome::Mistake;

/// A value on such pages: all of it but what it keeps elsewhere.
pub struct Locked<T>(NonNull<T>);

impl<T> Locked<T> {
    /// Moves a value there. What is left of it in the place that it comes from is the caller's to wipe.
    pub fn new(value: T) -> Result<Self, Mistake> {
        const { assert!(size_of::<T>() > 0 && align_of::<T>() <= 4096) };
        // SAFETY: a new mapping of at least a page, aligned to one, that nothing else knows. If the system does not
        // allow the lock (RLIMIT_MEMLOCK), the pages work without it.
        unsafe {
            let page = libc::mmap(
                std::ptr::null_mut(),
                size_of::<T>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if page == libc::MAP_FAILED {
                return Err(Mistake::OutOfMemory);
            }
            let place = NonNull::new(page.cast::<T>()).ok_or(Mistake::OutOfMemory)?;
            #[cfg(target_os = "linux")]
            libc::madvise(page, size_of::<T>(), libc::MADV_DONTDUMP);
            #[cfg(any(target_os = "freebsd", target_os = "dragonfly"))]
            libc::madvise(page, size_of::<T>(), libc::MADV_NOCORE);
            libc::mlock(page, size_of::<T>());
            place.write(value);
            Ok(Self(place))
        }
    }
}

impl<T> Deref for Locked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: mapped and written in new() until it is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Drop for Locked<T> {
    fn drop(&mut self) {
        // SAFETY: mapped and written in new(), and not used any more. The bytes are wiped after the value has given
        // back what it keeps elsewhere.
        unsafe {
            self.0.drop_in_place();
            std::slice::from_raw_parts_mut(self.0.as_ptr().cast::<u8>(), size_of::<T>()).zeroize();
            libc::munmap(self.0.as_ptr().cast(), size_of::<T>());
        }
    }
}

/// The length of a key of AES-256.
pub const KEY_LEN: usize = 32;

/// Such a key.
pub struct LockedKey(Locked<[u8; KEY_LEN]>);

impl LockedKey {
    /// Moves a key there; the source is wiped.
    pub fn take(source: &mut [u8; KEY_LEN]) -> Result<Self, Mistake> {
        let key = Locked::new(*source);
        source.zeroize();
        Ok(Self(key?))
    }

    /// The key.
    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Locked, LockedKey};
    use std::rc::Rc;

    #[test]
    fn what_a_value_keeps_elsewhere_is_given_back() {
        let kept = Rc::new(());
        let locked = Locked::new((7_u64, Rc::clone(&kept))).unwrap();
        assert_eq!(((*locked).0, Rc::strong_count(&kept)), (7, 2));
        drop(locked);
        assert_eq!(Rc::strong_count(&kept), 1);
    }

    #[test]
    fn the_source_is_wiped() {
        let mut source = [7; 32];
        let key = LockedKey::take(&mut source).unwrap();
        assert_eq!(source, [0; 32]);
        assert_eq!(key.bytes(), &[7; 32]);
    }
}

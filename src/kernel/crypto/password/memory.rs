//! The memory that argon2 fills, straight from the operating system: it holds what follows from a password, stays out
//! of core files, and goes back as a whole, so that nobody sees it again before it is cleared.

#![allow(unsafe_code)]

use argon2::Block;

use crate::kernel::outcome::Mistake;

/// Blocks of 1 KiB, all zero at first.
pub struct Memory {
    blocks: *mut Block,
    count: usize,
    /// The length of the mapping.
    bytes: usize,
}

/// What most processors have as the larger size of a page.
const LARGE_PAGE: usize = 2 << 20;

impl Memory {
    /// So many blocks. If the machine has less memory, this is an error and does not end the session.
    pub fn new(count: usize) -> Result<Self, Mistake> {
        let bytes = count.checked_mul(Block::SIZE).filter(|bytes| *bytes > 0).ok_or(Mistake::OutOfMemory)?;
        // What is left over from whole large pages would be in small ones.
        let page = if bytes < LARGE_PAGE { 1 } else { LARGE_PAGE };
        let bytes = bytes.checked_next_multiple_of(page).ok_or(Mistake::OutOfMemory)?;
        // SAFETY: a new mapping that nothing else knows.
        let blocks = unsafe {
            let mapped = libc::mmap(
                std::ptr::null_mut(),
                bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            );
            if mapped == libc::MAP_FAILED {
                return Err(Mistake::OutOfMemory);
            }
            // In large pages, where the system has any: small ones make 4,864 faults of 19 MiB, which take two thirds
            // of the hash's own time.
            #[cfg(target_os = "linux")]
            for advice in [libc::MADV_DONTDUMP, libc::MADV_HUGEPAGE] {
                libc::madvise(mapped, bytes, advice);
            }
            mapped.cast()
        };
        Ok(Self { blocks, count, bytes })
    }
}

impl AsMut<[Block]> for Memory {
    fn as_mut(&mut self) -> &mut [Block] {
        // SAFETY: mapped in new() until it is dropped, aligned to a page; the system has cleared it, and a block of
        // zeros is a block.
        unsafe { std::slice::from_raw_parts_mut(self.blocks, self.count) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: mapped in new(), and not used any more.
        unsafe { libc::munmap(self.blocks.cast(), self.bytes) };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Memory;

    #[test]
    fn it_is_there_and_empty() {
        let mut memory = Memory::new(19).unwrap();
        assert_eq!(memory.as_mut().len(), 19);
        assert!(memory.as_mut().iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
        assert!(Memory::new(0).is_err());
        assert!(Memory::new(usize::MAX / 2048).is_err());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn it_is_in_large_pages_and_in_no_core_file() {
        let mut memory = Memory::new(19 * 1024).unwrap();
        let address = memory.as_mut().as_ptr().addr();
        assert_eq!((memory.bytes, memory.count), (20 << 20, 19 << 10));
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut is_here = false;
        let mut flags = "";
        for line in maps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let number = |text| usize::from_str_radix(text, 16).ok();
            if let Some((from, to)) = range.and_then(|(from, to)| number(from).zip(number(to))) {
                is_here = (from..to).contains(&address);
            } else if is_here && let Some(of_mapping) = line.strip_prefix("VmFlags:") {
                flags = of_mapping;
            }
        }
        assert!(flags.contains(" dd"), "{flags}");
        let has_large_pages = std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists();
        assert_eq!(flags.contains(" hg"), has_large_pages, "{flags}");
    }
}

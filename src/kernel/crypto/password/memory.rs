//! The memory that argon2 fills, straight from the operating system: it holds what follows from a password, stays out
//! of core files, and goes back as a whole, so that nobody sees it again before it is cleared.

#![allow(unsafe_code)]

use argon2::Block;

use crate::kernel::outcome::Mistake;

/// Blocks of 1 KiB, all zero at first.
pub struct Memory {
    blocks: *mut Block,
    count: usize,
}

impl Memory {
    /// So many blocks. If the machine has less memory, this is an error and does not end the server.
    pub fn new(count: usize) -> Result<Self, Mistake> {
        let bytes = count.checked_mul(Block::SIZE).filter(|bytes| *bytes > 0).ok_or(Mistake::OutOfMemory)?;
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
            #[cfg(target_os = "linux")]
            libc::madvise(mapped, bytes, libc::MADV_DONTDUMP);
            mapped.cast()
        };
        Ok(Self { blocks, count })
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
        unsafe { libc::munmap(self.blocks.cast(), self.count * Block::SIZE) };
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
}

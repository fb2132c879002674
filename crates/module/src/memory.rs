//! Memory for keys: locked in RAM, left out of core dumps, between pages that cannot be touched, wiped when a key is dropped.
//!
//! The only file of this crate with `unsafe` code. A key is never copied out of here but into the cryptographic library's own
//! objects, which wipe themselves.

#![expect(unsafe_code, reason = "the system calls on memory have no safe form")]

use module_api::wipe;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mlock, mmap_anonymous, mprotect, munmap,
};
use std::ffi::c_void;
use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest secret in bytes.
pub const LONGEST_SECRET: usize = 64;

/// A fixed number of places for secrets, all in one locked mapping.
pub struct Arena {
    mapping: NonNull<c_void>,
    mapping_length: usize,
    free: Mutex<Vec<NonNull<u8>>>,
}

// SAFETY: the mapping belongs to the arena alone, and a place in it is handed out to one `Secret` at a time (the list of free
// places is behind a mutex), so threads never have the same bytes.
// JUSTIFICATION: raw pointers are neither `Send` nor `Sync` by themselves; every work thread keeps its secrets in the one arena.
unsafe impl Send for Arena {}
// SAFETY: as above.
// JUSTIFICATION: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Maps and locks room for that many secrets. An error if the memory cannot be locked.
    pub fn new(places: usize) -> io::Result<Arc<Self>> {
        let page = rustix::param::page_size();
        let data_length = places.max(1).saturating_mul(LONGEST_SECRET).next_multiple_of(page);
        let mapping_length = data_length.saturating_add(page.saturating_mul(2));
        // SAFETY: a new anonymous mapping wherever the kernel likes touches no memory that exists.
        // JUSTIFICATION: an allocator gives no pages of its own, which locking and guarding take.
        let mapping = unsafe {
            mmap_anonymous(std::ptr::null_mut(), mapping_length, ProtFlags::empty(), MapFlags::PRIVATE)
        }?;
        let mapping = NonNull::new(mapping).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut arena = Self { mapping, mapping_length, free: Mutex::new(Vec::new()) };
        let free = protect(mapping, page, data_length)?;
        arena.free = Mutex::new(free);
        Ok(Arc::new(arena))
    }

    /// A secret of that many zero bytes; an error if the arena is full or the length is over [`LONGEST_SECRET`].
    pub fn secret(self: &Arc<Self>, length: usize) -> io::Result<Secret> {
        if length > LONGEST_SECRET {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let place = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        Ok(Secret { place: place.ok_or(io::ErrorKind::OutOfMemory)?, length, arena: Arc::clone(self) })
    }
}

/// Opens all but the first and the last page, locks them, keeps them out of core dumps and children, and cuts them into places.
fn protect(mapping: NonNull<c_void>, page: usize, data_length: usize) -> io::Result<Vec<NonNull<u8>>> {
    // SAFETY: the mapping is one page longer at both ends, so its second page is within it.
    // JUSTIFICATION: the guard pages on both sides take an address in the mapping's middle.
    let data = unsafe { mapping.byte_add(page) };
    // SAFETY: the range is the mapping's inner pages, to which there is no reference yet.
    // JUSTIFICATION: protection, locking and advice take addresses and have no safe form.
    unsafe {
        mprotect(data.as_ptr(), data_length, MprotectFlags::READ | MprotectFlags::WRITE)?;
        mlock(data.as_ptr(), data_length)?;
        madvise(data.as_ptr(), data_length, Advice::LinuxDontDump)?;
        madvise(data.as_ptr(), data_length, Advice::LinuxWipeOnFork)?;
    }
    let place = |at: usize| {
        // SAFETY: `at` is below the length of the data pages.
        // JUSTIFICATION: places are found by their offset.
        unsafe { data.cast::<u8>().byte_add(at) }
    };
    Ok((0..data_length).step_by(LONGEST_SECRET).map(place).collect())
}

impl Drop for Arena {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `new` with this length; every `Secret` holds the arena, so there are none any more.
        // JUSTIFICATION: what was mapped by hand is unmapped by hand.
        let _ = unsafe { munmap(self.mapping.as_ptr(), self.mapping_length) };
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Arena({} bytes)", self.mapping_length)
    }
}

/// A secret in its place; never shown, copied or compared. Wiped when it is dropped.
pub struct Secret {
    place: NonNull<u8>,
    length: usize,
    arena: Arc<Arena>,
}

// SAFETY: the place belongs to this value alone until it is dropped, and the arena that it lies in may be shared.
// JUSTIFICATION: raw pointers are neither `Send` nor `Sync` by themselves; the domain key is read by every work thread.
unsafe impl Send for Secret {}
// SAFETY: a shared `Secret` gives only shared bytes.
// JUSTIFICATION: as above.
unsafe impl Sync for Secret {}

impl Secret {
    /// The bytes, for the narrowest expression that needs them.
    #[must_use]
    pub const fn bytes(&self) -> &[u8] {
        // SAFETY: the place has `LONGEST_SECRET` initialised bytes, `length` is no more, and it is this value's alone; the
        // borrow of `self` keeps it from being written or dropped.
        // JUSTIFICATION: the bytes are in a mapping that the compiler does not know.
        unsafe { slice::from_raw_parts(self.place.as_ptr(), self.length) }
    }

    /// The arena that it lies in.
    #[must_use]
    pub const fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// The bytes, to fill them.
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and the borrow is exclusive.
        // JUSTIFICATION: as in `bytes`.
        unsafe { slice::from_raw_parts_mut(self.place.as_ptr(), self.length) }
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(self.bytes_mut());
        self.arena.free.lock().unwrap_or_else(PoisonError::into_inner).push(self.place);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_zero_apart_from_each_other_and_wiped_before_they_are_used_again() {
        let arena = Arena::new(1).unwrap();
        let mut secrets = Vec::new();
        while let Ok(mut secret) = arena.secret(LONGEST_SECRET) {
            assert!(secret.bytes().iter().all(|&byte| byte == 0));
            secret.bytes_mut().fill(0xaa);
            secrets.push(secret);
        }
        assert_eq!(secrets.len(), rustix::param::page_size() / LONGEST_SECRET);
        assert!(secrets.iter().all(|secret| secret.bytes() == [0xaa; LONGEST_SECRET]));
        secrets.pop();
        assert_eq!(arena.secret(LONGEST_SECRET).unwrap().bytes(), [0; LONGEST_SECRET]);
    }

    #[test]
    fn a_secret_that_does_not_fit_is_refused() {
        assert!(Arena::new(1).unwrap().secret(LONGEST_SECRET + 1).is_err());
    }

    #[test]
    fn the_data_pages_are_locked_guarded_and_left_out_of_dumps() {
        let arena = Arena::new(1).unwrap();
        let secret = arena.secret(1).unwrap();
        let address = secret.place.as_ptr().addr();
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let (before, data, after) = mappings_around(&maps, address);
        assert!(before.contains("---p") && after.contains("---p"), "{before}\n{after}");
        let flags = data.lines().find(|line| line.starts_with("VmFlags")).unwrap();
        for flag in ["lo", "dd", "wf"] {
            assert!(flags.split_whitespace().any(|is| is == flag), "{flag} not in {flags}");
        }
    }

    /// The filter's condition on memory that could be executed: this program again as a child, which tries to have some.
    #[test]
    fn under_the_filter_memory_cannot_be_made_executable() {
        use std::os::unix::process::ExitStatusExt;
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "memory::tests::act_out_executable_memory", "--include-ignored"])
            .env(CHILD, "1");
        assert_eq!(child.output().unwrap().status.signal(), Some(rustix::process::Signal::SYS.as_raw()));
    }

    #[test]
    #[ignore = "is run by the test above, as a child"]
    fn act_out_executable_memory() {
        if std::env::var_os(CHILD).is_none() {
            return;
        }
        let secret = Arena::new(1).unwrap().secret(1).unwrap();
        let page = NonNull::new(secret.arena.mapping.as_ptr()).unwrap();
        crate::sandbox::close().unwrap();
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: the guard page is nobody's to read, write or run.
        // JUSTIFICATION: there is no safe call that asks for executable memory.
        let _ = unsafe { mprotect(page.as_ptr(), rustix::param::page_size(), flags) };
        std::process::exit(42);
    }

    const CHILD: &str = "CARDEA_MEMORY_CHILD";

    fn mappings_around(maps: &str, address: usize) -> (&str, String, &str) {
        let lines: Vec<&str> = maps.lines().collect();
        let range = |line: &str| {
            let (from, to) = line.split(' ').next()?.split_once('-')?;
            Some((usize::from_str_radix(from, 16).ok()?, usize::from_str_radix(to, 16).ok()?))
        };
        let heads: Vec<usize> = (0..lines.len()).filter(|&at| range(lines[at]).is_some()).collect();
        let at = heads.iter().position(|&head| {
            let (from, to) = range(lines[head]).unwrap();
            (from..to).contains(&address)
        });
        let at = at.unwrap();
        (lines[heads[at - 1]], lines[heads[at]..heads[at + 1]].join("\n"), lines[heads[at + 1]])
    }
}

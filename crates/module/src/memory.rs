//! Memory for keys: locked in RAM, left out of core dumps, between pages that cannot be touched, wiped when a key is dropped.
//!
//! One of the two files of this crate with `unsafe` code. A key is never copied out of here but into the cryptographic library's own
//! objects. Those lie on its heap: it wipes whatever it frees, and they are locked if all memory of the process is.

#![expect(unsafe_code, reason = "the system calls on memory have no safe form")]

use frames::wipe;
use rustix::mm::{
    Advice, MapFlags, MprotectFlags, ProtFlags, madvise, mlock, mmap_anonymous, mprotect, munmap,
};
use std::ffi::c_void;
use std::fmt;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

/// The longest secret in bytes: more than the expanded private key of ML-KEM-1024.
pub const LONGEST_SECRET: usize = 3584;

/// A fixed number of places for secrets, all in one locked mapping: many short ones, and a few long ones for what is only passing
/// through, such as a private key that is being parsed.
pub struct Arena {
    mapping: NonNull<c_void>,
    mapping_length: usize,
    free: Mutex<Free>,
}

/// The places that nobody has.
#[derive(Default)]
struct Free {
    short: Vec<NonNull<u8>>,
    long: Vec<NonNull<u8>>,
}

impl Free {
    /// The places for secrets of that length.
    const fn fitting(&mut self, length: usize) -> &mut Vec<NonNull<u8>> {
        if length <= SHORT { &mut self.short } else { &mut self.long }
    }
}

// SAFETY: the mapping belongs to the arena alone, and a place in it is handed out to one `Secret` at a time (the list of free
// places is behind a mutex), so threads never have the same bytes.
// JUSTIFICATION: raw pointers are neither `Send` nor `Sync` by themselves; every work thread keeps its secrets in the one arena.
unsafe impl Send for Arena {}
// SAFETY: as above.
// JUSTIFICATION: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Maps and locks room for that many secrets of up to 64 bytes, and for a few long ones.
    pub fn new(places: usize) -> io::Result<Arc<Self>> {
        Self::with_long(places, LONG_PLACES)
    }

    /// Maps and locks room for so many secrets of up to 64 bytes and so many of up to [`LONGEST_SECRET`]. An error if the memory
    /// cannot be locked.
    pub fn with_long(places: usize, long_places: usize) -> io::Result<Arc<Self>> {
        let page = rustix::param::page_size();
        let short_length = places.max(1).saturating_mul(SHORT).next_multiple_of(page);
        let long_length = long_places.saturating_mul(LONGEST_SECRET).next_multiple_of(page);
        let data_length = short_length.saturating_add(long_length);
        let mapping_length = data_length.saturating_add(page.saturating_mul(2));
        // SAFETY: a new anonymous mapping wherever the kernel likes touches no memory that exists.
        // JUSTIFICATION: an allocator gives no pages of its own, which locking and guarding take.
        let mapping = unsafe {
            mmap_anonymous(std::ptr::null_mut(), mapping_length, ProtFlags::empty(), MapFlags::PRIVATE)
        }?;
        let mapping = NonNull::new(mapping).ok_or(io::ErrorKind::OutOfMemory)?;
        let mut arena = Self { mapping, mapping_length, free: Mutex::default() };
        let data = protect(mapping, page, data_length)?;
        let long = cut(data, short_length..data_length, LONGEST_SECRET);
        arena.free = Mutex::new(Free { short: cut(data, 0..short_length, SHORT), long });
        Ok(Arc::new(arena))
    }

    /// A secret of that many zero bytes; an error if the arena is full or the length is over [`LONGEST_SECRET`].
    pub fn secret(self: &Arc<Self>, length: usize) -> io::Result<Secret> {
        if length > LONGEST_SECRET {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let place = self.free.lock().unwrap_or_else(PoisonError::into_inner).fitting(length).pop();
        Ok(Secret { place: place.ok_or(io::ErrorKind::OutOfMemory)?, length, arena: Arc::clone(self) })
    }

    /// A secret with those bytes; errors as for [`Arena::secret`].
    pub fn keep(self: &Arc<Self>, bytes: &[u8]) -> io::Result<Secret> {
        let mut secret = self.secret(bytes.len())?;
        secret.bytes_mut().copy_from_slice(bytes);
        Ok(secret)
    }
}

/// Opens all but the first and the last page, locks them, keeps them out of core dumps and children; returns where they begin.
fn protect(mapping: NonNull<c_void>, page: usize, data_length: usize) -> io::Result<NonNull<c_void>> {
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
    Ok(data)
}

/// Cuts a range of the data pages into places of that size; what is left over at its end is no place.
fn cut(data: NonNull<c_void>, range: Range<usize>, size: usize) -> Vec<NonNull<u8>> {
    let place = |at: usize| {
        // SAFETY: `at` is below the length of the data pages.
        // JUSTIFICATION: places are found by their offset.
        unsafe { data.cast::<u8>().byte_add(at) }
    };
    let end = range.end;
    range.step_by(size).filter(|at| at.saturating_add(size) <= end).map(place).collect()
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
        // SAFETY: the place has as many initialised bytes as the arena gives to secrets of this length, and it is this value's alone; the
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
        self.arena.free.lock().unwrap_or_else(PoisonError::into_inner).fitting(self.length).push(self.place);
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.length)
    }
}

/// The longest secret that takes a short place: nearly all keys.
const SHORT: usize = 64;
/// As many long places as an arena has if nobody says.
const LONG_PLACES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_zero_apart_from_each_other_and_wiped_before_they_are_used_again() {
        for (length, places) in [(SHORT, rustix::param::page_size() / SHORT), (LONGEST_SECRET, 8)] {
            let arena = Arena::new(1).unwrap();
            let mut secrets = Vec::new();
            while let Ok(mut secret) = arena.secret(length) {
                assert!(secret.bytes().iter().all(|&byte| byte == 0));
                secret.bytes_mut().fill(u8::try_from(secrets.len()).unwrap());
                secrets.push(secret);
            }
            assert_eq!(secrets.len(), places);
            let as_filled =
                |(at, secret): (usize, &Secret)| secret.bytes().iter().all(|&byte| usize::from(byte) == at);
            assert!(secrets.iter().enumerate().all(as_filled));
            secrets.pop();
            assert!(arena.secret(length).unwrap().bytes().iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn long_secrets_take_no_short_places_nor_short_ones_long_places() {
        let arena = Arena::with_long(1, 1).unwrap();
        let long = arena.secret(SHORT + 1).unwrap();
        assert!(arena.secret(SHORT + 1).is_err());
        let short: Vec<Secret> = std::iter::from_fn(|| arena.secret(SHORT).ok()).collect();
        assert_eq!(short.len(), rustix::param::page_size() / SHORT);
        drop(long);
        assert!(arena.secret(SHORT).is_err());
        assert!(arena.secret(LONGEST_SECRET).is_ok());
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

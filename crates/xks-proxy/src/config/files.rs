//! The files that a configuration names: read whole, within bounds, and with what tells whether they were changed since.

use jiff::Timestamp;
use rustix::process::geteuid;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is different when a file is another, or has been written or given away since. Of what a link leads to, not of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// That of the file as it is now; `None` if there is none that can be looked at.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        path.metadata().ok().as_ref().map(Self::in_metadata)
    }

    /// When the file was written last.
    #[must_use]
    pub fn written(&self) -> Timestamp {
        let (seconds, nanoseconds) = self.modified;
        Timestamp::new(seconds, i32::try_from(nanoseconds).unwrap_or_default()).unwrap_or_default()
    }

    fn in_metadata(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Files that were looked at, each as it was then; without a stamp those that are not there.
pub type Files = Vec<(PathBuf, Option<Stamp>)>;

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("`{}` cannot be read: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("`{}` is no regular file", .path.display())]
    NotAFile { path: PathBuf },
    #[error("`{}` is open to others (mode {mode:04o}): run `chmod {right:o} {}`", .path.display(), .path.display())]
    Open { path: PathBuf, mode: u32, right: u32 },
    #[error("`{}` is empty", .path.display())]
    Empty { path: PathBuf },
    #[error("`{}` is longer than {LONGEST} bytes", .path.display())]
    TooLong { path: PathBuf },
}

/// What is in a file, and its stamp from before it was read.
pub(super) fn read(path: &Path) -> (Result<Vec<u8>, Unreadable>, Option<Stamp>) {
    let stamp = Stamp::of(path);
    (contents(path, |_| Ok(())).map(|mut contents| std::mem::take(&mut *contents)), stamp)
}

/// The same of a file that nobody else may read.
pub(super) fn read_private(path: &Path) -> (Result<Zeroizing<Vec<u8>>, Unreadable>, Option<Stamp>) {
    let stamp = Stamp::of(path);
    let is_private = |metadata: &Metadata| {
        let (mode, right) = (metadata.mode() & 0o7777, right_mode(metadata.uid(), geteuid().as_raw()));
        let is_private = is_private(mode, right);
        is_private.then_some(()).ok_or_else(|| Unreadable::Open { path: path.to_owned(), mode, right })
    };
    (contents(path, is_private), stamp)
}

/// What the mode of a file of a secret is to be. One of root's that is not read as root, as in Kubernetes, is read by way of its group.
const fn right_mode(owner: u32, reader: u32) -> u32 {
    if owner == ROOT && reader != ROOT { 0o640 } else { 0o600 }
}

/// Whether nobody may do with it what that mode does not let them, but its owner.
const fn is_private(mode: u32, right: u32) -> bool {
    mode & !right & 0o077 == 0
}

fn contents(
    path: &Path,
    check: impl FnOnce(&Metadata) -> Result<(), Unreadable>,
) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let path = || path.to_owned();
    let failed = |source| Unreadable::Io { path: path(), source };
    // Asked before it is opened: to open a pipe is to wait for whoever writes into it.
    if !path().metadata().map_err(failed)?.is_file() {
        return Err(Unreadable::NotAFile { path: path() });
    }
    let file = File::open(path()).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    check(&metadata)?;
    // Of its full length at once, so that no shorter copy of a secret is left where the buffer was before it grew.
    let room = usize::try_from(metadata.len().min(LONGEST)).unwrap_or_default().saturating_add(1);
    let mut contents = Zeroizing::new(Vec::with_capacity(room));
    file.take(LONGEST.saturating_add(1)).read_to_end(&mut contents).map_err(failed)?;
    match contents.len() {
        0 => Err(Unreadable::Empty { path: path() }),
        length if length as u64 > LONGEST => Err(Unreadable::TooLong { path: path() }),
        _ => Ok(contents),
    }
}

/// More than any chain of certificates or policy is long.
const LONGEST: u64 = 1 << 20;

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_for_its_owner_and_one_of_roots_for_its_group_too() {
        for mode in [0o600, 0o400, 0o700] {
            assert!(is_private(mode, right_mode(1000, 1000)) && is_private(mode, right_mode(ROOT, ROOT)));
        }
        for mode in [0o640, 0o604, 0o620, 0o610, 0o601, 0o602, 0o666] {
            assert!(!is_private(mode, right_mode(1000, 1000)), "{mode:o}");
            assert!(!is_private(mode, right_mode(ROOT, ROOT)), "{mode:o}");
        }
        assert!(is_private(0o440, right_mode(ROOT, 1000)) && is_private(0o640, right_mode(ROOT, 1000)));
        for mode in [0o644, 0o660, 0o444, 0o650] {
            assert!(!is_private(mode, right_mode(ROOT, 1000)), "{mode:o}");
        }
    }
}

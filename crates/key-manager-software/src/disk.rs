//! Files that nobody but their owner may read: read with care, replaced whole or not at all, by one writer at a time.

use crate::Error;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What is in a file that belongs to this user and that nobody else can read. The vector never grows, so that no copy is left behind.
pub fn read_private(path: &Path, longest: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|error| Error::at("open", path)(error.into()))?);
    let status = file.metadata().map_err(Error::at("read", path))?;
    let mode = status.permissions().mode() & 0o7777;
    if !status.is_file() {
        return Err(Error::at("read", path)(io::Error::other("it is no regular file")));
    }
    if mode & 0o077 != 0 {
        return Err(Error::TooOpen { file: path.to_owned(), mode });
    }
    if status.uid() != rustix::process::geteuid().as_raw() {
        return Err(Error::Foreign { file: path.to_owned(), owner: status.uid() });
    }
    let length = usize::try_from(status.len()).ok().filter(|length| *length <= longest);
    let length = length.ok_or_else(|| Error::TooLong(path.to_owned()))?;
    let mut content = Zeroizing::new(Vec::with_capacity(length.saturating_add(SPARE)));
    let most = status.len();
    file.take(most).read_to_end(&mut content).map_err(Error::at("read", path))?;
    Ok(content)
}

/// Puts that content in the place of what is there: afterwards, and after a crash at any time, the file is the old one or the new one,
/// and once this returns it is the new one. The caller holds the [`Lock`].
pub fn replace(path: &Path, content: &[u8]) -> Result<(), Error> {
    let new = beside(path, ".new");
    // What a crash has left behind.
    remove_if_there(&new)?;
    write_new(&new, content)?;
    fs::rename(&new, path).map_err(Error::at("replace", path))?;
    sync_folder(path)
}

/// Writes a file that is not there yet: afterwards, and after a crash at any time, it is there whole or not at all.
pub fn create(path: &Path, content: &[u8]) -> Result<(), Error> {
    let new = beside(path, ".new");
    remove_if_there(&new)?;
    write_new(&new, content)?;
    // Unlike a renaming, it takes nobody's place.
    let linked = fs::hard_link(&new, path);
    remove_if_there(&new)?;
    linked.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::Exists(path.to_owned()),
        _ => Error::at("create", path)(source),
    })?;
    sync_folder(path)
}

fn write_new(path: &Path, content: &[u8]) -> Result<(), Error> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = opened.map_err(Error::at("create", path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(Error::at("write", path))
}

fn remove_if_there(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::at("remove", path)(error)),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::at("sync", folder))
}

/// The right to change a store: one process has it, until it is dropped or that process ends. It is of a file beside the store's, which
/// is itself replaced.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Waits until nobody else has it.
    pub fn take(store: &Path) -> Result<Self, Error> {
        let path = beside(store, ".lock");
        let opened = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(Error::at("create", &path))?;
        file.lock().map_err(Error::at("lock", &path))?;
        Ok(Self { _file: file })
    }
}

/// What tells one content of a file from another, without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    inode: u64,
    length: u64,
    changed: (i64, i64),
    modified: (i64, i64),
}

impl Mark {
    /// Of the file as it is now; `None` if it cannot be seen.
    pub fn of(path: &Path) -> Option<Self> {
        let status = fs::metadata(path).ok()?;
        Some(Self {
            inode: status.ino(),
            length: status.len(),
            changed: (status.ctime(), status.ctime_nsec()),
            modified: (status.mtime(), status.mtime_nsec()),
        })
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// So that a read that reaches the end needs no further room.
const SPARE: usize = 64;

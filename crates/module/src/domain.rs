//! The domain key: it seals every token. At rest it is a file, sealed by a [`Seal`]; in the module it is in locked memory.

use crate::algorithms::{kdf, random};
use crate::memory::{Arena, Secret};
use crate::seal::{KeyFile, Seal};
use module_api::Refusal;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags, fsync, open, renameat_with, statat, unlink};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// The domain key in the clear.
pub struct Domain {
    key: Secret,
    id: [u8; 16],
}

impl Domain {
    /// Reads the domain key. With `initialise` a file that is missing is made, but never a seal key for a domain key that exists.
    pub fn load(
        seal_file: &Path,
        domain_file: &Path,
        initialise: bool,
        arena: &Arc<Arena>,
    ) -> Result<Self, DomainError> {
        let make_seal = initialise && !exists(seal_file)? && !exists(domain_file)?;
        let seal =
            if make_seal { KeyFile::create(seal_file, arena)? } else { KeyFile::read(seal_file, arena)? };
        if initialise && !exists(domain_file)? {
            return Self::create(&seal, domain_file, arena);
        }
        Self::read(&seal, domain_file)
    }

    fn create(seal: &impl Seal, file: &Path, arena: &Arc<Arena>) -> Result<Self, DomainError> {
        let mut key = arena.secret(KEY).map_err(DomainError::Memory)?;
        random::fill(key.bytes_mut())?;
        write_new(file, &[MAGIC, &seal.seal(&key)?].concat())?;
        Self::with_key(key)
    }

    fn read(seal: &impl Seal, file: &Path) -> Result<Self, DomainError> {
        let content = read_private(file, LONGEST_FILE)?;
        let damaged = || DomainError::Damaged { file: file.to_owned() };
        let sealed = content.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let key = seal.unseal(sealed)?.filter(|key| key.bytes().len() == KEY).ok_or_else(damaged)?;
        Self::with_key(key)
    }

    /// The domain with that key. Its id is KDF(domain key, "cardea domain key id v1"), so it tells nothing of the key.
    pub fn with_key(key: Secret) -> Result<Self, DomainError> {
        let mut id = [0; 16];
        kdf::derive(key.bytes(), ID_LABEL, &[], &mut id)?;
        Ok(Self { key, id })
    }

    /// Which domain key it is.
    #[must_use]
    pub const fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// What everything sealed under the domain key begins with: version, kind, and which domain key, of which there can be several
    /// once they are rotated.
    pub(crate) fn header(&self, kind: Kind) -> [u8; 18] {
        let mut header = [0; 18];
        let (fixed, id) = header.split_at_mut(2);
        fixed.copy_from_slice(&[SEALED_VERSION, kind.byte()]);
        id.copy_from_slice(&self.id);
        header
    }

    pub(crate) const fn key(&self) -> &Secret {
        &self.key
    }

    pub(crate) const fn arena(&self) -> &Arc<Arena> {
        self.key.arena()
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Domain")
    }
}

/// What is sealed under the domain key. One kind never opens as another: the byte is authenticated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    AuthorizationMessage,
    CredentialToken,
    ImportToken,
    KeyStoreCredential,
    KeyStoreFile,
    KeyToken,
    Session,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::KeyToken => 1,
            Self::CredentialToken => 2,
            Self::Session => 3,
            Self::AuthorizationMessage => 4,
            Self::ImportToken => 5,
            Self::KeyStoreCredential => 6,
            Self::KeyStoreFile => 7,
        }
    }
}

/// Writes a file that does not exist yet, readable for its owner only. It is there whole and durable, or not at all.
pub(crate) fn write_new(file: &Path, content: &[u8]) -> Result<(), DomainError> {
    let failed = |source: io::Error| DomainError::Unwritable { file: file.to_owned(), source };
    let directory = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut unfinished = file.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    write_durably(&unfinished, content).map_err(failed)?;
    if let Err(error) = renameat_with(CWD, &unfinished, CWD, file, RenameFlags::NOREPLACE) {
        // A key that nobody will use is not left lying about.
        let _ = unlink(&unfinished);
        return Err(failed(error.into()));
    }
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
}

fn write_durably(file: &Path, content: &[u8]) -> io::Result<()> {
    // What a crash left behind was never in use.
    match unlink(file) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => (),
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut open = File::from(open(file, flags, Mode::RUSR | Mode::WUSR)?);
    open.write_all(content)?;
    fsync(&open)?;
    Ok(())
}

/// Reads a file that only its owner may read, and that belongs to us.
pub(crate) fn read_private(file: &Path, longest: u64) -> Result<Zeroizing<Vec<u8>>, DomainError> {
    let failed = |source: io::Error| DomainError::Unreadable { file: file.to_owned(), source };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = File::from(open(file, flags, Mode::empty()).map_err(|error| failed(error.into()))?);
    let status = rustix::fs::fstat(&open).map_err(|error| failed(error.into()))?;
    let mode = status.st_mode & 0o7777;
    if mode & 0o077 != 0 {
        return Err(DomainError::TooOpen { file: file.to_owned(), mode });
    }
    if status.st_uid != rustix::process::geteuid().as_raw() {
        return Err(DomainError::Foreign { file: file.to_owned(), owner: status.st_uid });
    }
    // Room for one byte more than may be there, so that the vector never grows and leaves a copy behind.
    let mut content =
        Zeroizing::new(Vec::with_capacity(usize::try_from(longest).unwrap_or(0).saturating_add(64)));
    open.take(longest.saturating_add(1)).read_to_end(&mut content).map_err(failed)?;
    let too_long = u64::try_from(content.len()).is_ok_and(|length| length > longest);
    if too_long { Err(DomainError::Damaged { file: file.to_owned() }) } else { Ok(content) }
}

fn exists(file: &Path) -> Result<bool, DomainError> {
    match statat(CWD, file, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(rustix::io::Errno::NOENT) => Ok(false),
        Err(error) => Err(DomainError::Unreadable { file: file.to_owned(), source: error.into() }),
    }
}

/// Why there is no domain key.
#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Cryptography,
    /// The file is damaged, or was sealed by another seal key.
    #[error("`{}` is damaged or does not belong to this seal key", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
    },
    /// The file belongs to somebody else.
    #[error("`{}` belongs to user {owner}, not to the user that the security module runs as", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// There is no locked memory.
    #[error("memory for keys cannot be locked, for which a limit of 8 MiB is enough (`ulimit -l`): {0}")]
    Memory(io::Error),
    /// Others may read the file.
    #[error("`{}` has mode {mode:04o}: nobody but its owner may have any right on it, chmod it to 0600", file.display())]
    TooOpen {
        /// The file.
        file: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file cannot be read.
    #[error("`{}` cannot be read: {source}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("`{}` cannot be written: {source}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<Refusal> for DomainError {
    fn from(_: Refusal) -> Self {
        Self::Cryptography
    }
}

const KEY: usize = 32;
const SEALED_VERSION: u8 = 1;
const MAGIC: &[u8] = b"CRDDOM\x00\x01";
const LONGEST_FILE: u64 = 4096;
const ID_LABEL: &str = "cardea domain key id v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{bytes, documented, hex};
    use std::fs;

    fn written(directory: &Path, name: &str) -> PathBuf {
        let file = directory.join(name);
        write_new(&file, &bytes(&documented(name))).unwrap();
        file
    }

    /// `docs/formats.md`, files. A change here means that no module starts on the files that it has.
    #[test]
    fn the_files_of_the_format_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let files = ["seal key file", "domain key file"].map(|name| written(directory.path(), name));
        let domain = Domain::load(&files[0], &files[1], false, &Arena::new(8).unwrap()).unwrap();
        assert_eq!(hex(domain.key().bytes()), documented("domain key"));
        assert_eq!(hex(domain.id()), documented("domain key id"));
    }

    #[test]
    fn what_is_written_on_the_first_start_is_read_on_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let (seal, domain) = (directory.path().join("seal"), directory.path().join("domain"));
        let arena = Arena::new(8).unwrap();
        let made = Domain::load(&seal, &domain, true, &arena).unwrap();
        for initialise in [true, false] {
            let read = Domain::load(&seal, &domain, initialise, &arena).unwrap();
            assert_eq!(read.key().bytes(), made.key().bytes());
        }
        let sealed = fs::read(&domain).unwrap();
        assert!(!sealed.windows(16).any(|part| made.key().bytes().starts_with(part)), "in the clear");
    }

    #[test]
    fn a_file_that_exists_is_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        write_new(&file, b"first").unwrap();
        assert!(matches!(write_new(&file, b"second"), Err(DomainError::Unwritable { .. })));
        assert_eq!(fs::read(&file).unwrap(), b"first");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "the unfinished one is gone");
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        write_new(&file, b"content").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(read_private(&file, 100).is_ok());
        assert!(matches!(read_private(&link, 100), Err(DomainError::Unreadable { .. })));
        assert!(matches!(read_private(&file, 6), Err(DomainError::Damaged { .. })));
    }
}

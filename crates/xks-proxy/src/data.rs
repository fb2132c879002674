//! The proxy's data directory: the audit journal, and a lock that one process at a time has.

use crate::config::Config;
use crate::error::ProxyError;
use audit::{Journal, Options};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The open journal, and that it is ours alone.
#[derive(Debug)]
pub(crate) struct Data {
    journal: Journal,
    // INVARIANT: let go last, when nothing of ours works on the directory any more.
    lock: File,
}

impl Data {
    /// Opens what a configuration names, and makes what is not there.
    pub(crate) fn open(config: &Config) -> Result<Self, ProxyError> {
        let audit = config.data.join(AUDIT);
        make_private(&audit)?;
        let lock = lock(&config.data)?;
        let journal = Journal::open(&audit, Options { segment_bytes: config.audit.segment_bytes })?;
        Ok(Self { journal, lock })
    }

    /// The journal.
    pub(crate) const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Waits until all that was appended is on the disk.
    pub(crate) fn close(self) {
        let Self { journal, lock } = self;
        journal.close();
        drop(lock);
    }
}

fn make_private(directory: &Path) -> Result<(), ProxyError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(ProxyError::file("make the directory", directory))
}

fn lock(data: &Path) -> Result<File, ProxyError> {
    let path = data.join(LOCK);
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = file.map_err(ProxyError::file("open", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(ProxyError::DataInUse(data.to_owned())),
        Err(error) => Err(ProxyError::file("lock", &path)(error.into())),
    }
}

/// Below the data directory.
const AUDIT: &str = "audit";
const LOCK: &str = "lock";

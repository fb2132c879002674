//! The lock that lets one process write: the system's lock on a file, which ends with the process however it ends.
//!
//! The number in the file is only for the message to whoever comes second. It is never believed for anything else.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process;

use crate::StorageError;

/// The directory is ours for as long as this lives.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a directory, or says who has it.
    pub(super) fn take(directory: &Path) -> Result<Self, StorageError> {
        let path = directory.join(NAME);
        let failed = |source: io::Error| StorageError::File { path: path.clone(), source };
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            // A full disk must not keep a store from being opened only because the message would lack a number.
            Ok(()) => drop(sign(&mut file)),
            Err(TryLockError::WouldBlock) => {
                return Err(StorageError::Locked { path: directory.to_owned(), pid: holder(&path) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        Ok(Self { _file: file })
    }
}

fn sign(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", process::id())
}

fn holder(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

const NAME: &str = "lock";

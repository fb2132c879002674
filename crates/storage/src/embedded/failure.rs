//! What an error of SQLite means for a caller.

use std::sync::Arc;

use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::{Error, ErrorCode};

use crate::StorageError;

/// An error after which nothing is changed.
pub(super) fn failed(error: Error) -> StorageError {
    let shared_memory = error.sqlite_error().is_some_and(|said| said.extended_code == SQLITE_IOERR_SHMSIZE);
    if is_full(&error) || shared_memory {
        return StorageError::Full;
    }
    StorageError::Engine { source: Arc::new(error) }
}

/// Whether there was no room to write. SQLite says so before the last page of a transaction is written, so such a
/// transaction is certainly not made.
pub(super) fn is_full(error: &Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

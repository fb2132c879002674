//! The one error of this crate.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;

use crate::Revision;

/// Why a store did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// A watch wants to begin at a revision that the store has not reached: the caller remembers another store.
    #[error("the store has not reached revision {asked}: it is at {newest}")]
    Ahead {
        /// The revision asked for.
        asked: Revision,
        /// The revision of the last commit.
        newest: Revision,
    },
    /// A commit names the same key in two changes.
    #[error("a commit changes the key `{}` twice", .key.escape_ascii())]
    ChangedTwice {
        /// The key.
        key: Bytes,
    },
    /// The store is closed or its engine has ended.
    #[error("the store is closed")]
    Closed,
    /// The store no longer knows every commit that the watch wants.
    #[error("the store remembers the commits after revision {oldest} only")]
    Compacted {
        /// The oldest revision from which a watch may begin.
        oldest: Revision,
    },
    /// What is stored under this key is not what was written.
    #[error("the entry of the key `{}` is damaged", .key.escape_ascii())]
    Damaged {
        /// The key asked for, or the key as it is stored.
        key: Bytes,
    },
    /// What is stored of this commit for watches is not what was written, or is not there.
    #[error("the record of the commit {revision} is damaged")]
    DamagedCommit {
        /// The commit.
        revision: Revision,
    },
    /// A key of no bytes.
    #[error("a key must not be empty")]
    EmptyKey,
    /// The engine failed; nothing was changed.
    #[error("the storage engine failed")]
    Engine {
        /// What the engine said.
        source: Arc<dyn Error + Send + Sync>,
    },
    /// A snapshot was held for so long that it kept the store from giving space back, and was ended.
    #[error("the snapshot was held too long and has expired")]
    Expired,
    /// A file or directory of the store cannot be used.
    #[error("cannot use `{}`", .path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is a database, but not a store of ours.
    #[error("`{}` is not a store of Cardea", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// No room; nothing was changed.
    #[error("no space is left for the store")]
    Full,
    /// Values that are no more are still seen by a snapshot or a reader, so they cannot be removed yet.
    #[error("values that are no more are still being read")]
    Held,
    /// Another process, or another part of this one, has the store open.
    #[error("the store in `{}` is in use{}", .path.display(), by(*.pid))]
    Locked {
        /// The store's directory.
        path: PathBuf,
        /// The process that has it open, if it is known.
        pid: Option<u32>,
    },
    /// A newer release has written the store.
    #[error("the store in `{}` has format {found}; this release knows formats up to {known}", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this release knows.
        known: u32,
    },
    /// More than a commit, a key or a value may have.
    #[error("{what} has {found} and may have at most {most}")]
    TooLarge {
        /// What is too large, and in which unit.
        what: &'static str,
        /// How large it is.
        found: usize,
        /// How large it may be.
        most: usize,
    },
    /// The engine failed in the middle of a commit, and whether it is made cannot be told.
    #[error("the storage engine failed and whether the commit is made is not known")]
    Undetermined {
        /// What the engine said.
        source: Arc<dyn Error + Send + Sync>,
    },
}

fn by(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" by process {pid}")).unwrap_or_default()
}

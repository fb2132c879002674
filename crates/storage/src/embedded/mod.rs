//! The engine inside our own process: one SQLite file, one thread that writes, a few that read beside it.
//!
//! SQLite is used as an ordered map (`entry`) with a table of the latest commits (`commits`), from which watches are
//! served. The file outlives releases: what is in it is said by [`schema`] and [`commits`], and a change of it needs a new
//! schema version. No caller's thread ever waits for the disk: every verb is carried out by a thread of ours.

mod checksum;
mod commits;
mod entries;
mod failure;
mod lock;
mod readers;
mod residue;
mod schema;
mod snapshots;
mod watcher;
mod writer;

use std::path::Path;
use std::time::Duration;

use self::lock::Lock;
use self::readers::Readers;
use self::residue::Residue;
use self::snapshots::{Held, Snapshots};
use self::watcher::Watcher;
use self::writer::Writer;
use crate::{
    Answer, Change, Commit, Condition, Entry, Revision, Snapshot, Storage, StorageError, Versioned, Watch,
    limits,
};

/// The embedded engine, open. Dropping it waits for the commits that are under way.
#[derive(Debug)]
pub struct Embedded {
    // INVARIANT: dropped in this order. The writer's connection is the last to close, which folds the log into the
    // file, and the lock is let go when nothing of ours is open any more.
    readers: Readers,
    writer: Writer,
    _lock: Lock,
}

/// What can be chosen about the embedded engine.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many of the latest commits a watch can reach back; at least one.
    pub retained_commits: u64,
    /// How many threads read; at least one.
    pub readers: usize,
    /// How many bytes the write-ahead log may grow to for the sake of a snapshot before snapshots expire.
    pub snapshot_log_bytes: u64,
    /// How old a snapshot may become before [`Storage::shred`] makes it expire.
    pub snapshot_age: Duration,
}

impl Embedded {
    /// Opens the store in a directory, and makes both if they are not there. Takes milliseconds however much is in it.
    ///
    /// # Errors
    /// [`StorageError::Locked`] if anyone has it open; [`StorageError::Newer`] or [`StorageError::Foreign`] if it is
    /// not a store that this release can read; whatever else the file system says.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, StorageError> {
        let file = schema::make_files(directory)?;
        let lock = Lock::take(directory)?;
        let residue = Residue::of(&file)?;
        let connection = schema::open_for_writing(&file)?;
        let snapshots = Snapshots::new(file.clone());
        let readers = Readers::start(&file, options.readers.max(1))?;
        let writer = Writer::start(residue, connection, snapshots, options)?;
        Ok(Self { readers, writer, _lock: lock })
    }

    /// Finishes what is under way, folds the log into the file and lets go of the directory.
    ///
    /// # Errors
    /// What went wrong on the way; nothing that was committed is lost by it.
    pub fn close(mut self) -> Result<(), StorageError> {
        self.readers.close();
        self.writer.close()
    }
}

impl Storage for Embedded {
    fn get<'a>(&'a self, key: &'a [u8]) -> Answer<'a, Option<Versioned>> {
        let key = key.to_vec();
        Box::pin(self.readers.ask(move |connection| entries::find(connection, &key)))
    }

    fn scan<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> Answer<'a, Vec<Entry>> {
        let (prefix, after) = (prefix.to_vec(), after.map(<[u8]>::to_vec));
        Box::pin(
            self.readers.ask(move |connection| {
                entries::scan(connection, &prefix, after.as_deref(), limit, usize::MAX)
            }),
        )
    }

    fn commit(&self, conditions: Vec<Condition>, changes: Vec<Change>) -> Answer<'_, Commit> {
        Box::pin(async move {
            limits::check(&conditions, &changes)?;
            self.writer.commit(conditions, changes).await
        })
    }

    fn watch(&self, from: Revision) -> Answer<'_, Watch> {
        Box::pin(async move {
            let watcher = Watcher::start(self.readers.pool(), self.writer.newest(), from).await?;
            Ok(Box::new(watcher) as Watch)
        })
    }

    fn snapshot(&self) -> Answer<'_, Snapshot> {
        Box::pin(async move {
            let held = Held::take(self.readers.pool(), self.writer.snapshots()).await?;
            Ok(Box::new(held) as Snapshot)
        })
    }

    fn shred(&self) -> Answer<'_, ()> {
        Box::pin(self.writer.shred())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            retained_commits: 10_000,
            readers: 2,
            snapshot_log_bytes: 256 << 20,
            snapshot_age: Duration::from_secs(60 * 60),
        }
    }
}

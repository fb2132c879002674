//! Snapshots: each a connection of its own that stays in one read transaction.
//!
//! SQLite cannot give the space of its log back while someone reads an old view. So the log may grow to a bound for the
//! sake of snapshots, and then the writer ends them: a slow reader never fills the disk.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::Connection;

use super::commits::Reach;
use super::failure::failed;
use super::readers::Pool;
use super::{entries, schema};
use crate::{Answer, Entry, Revision, StorageError, View};

/// Those that are open.
#[derive(Debug)]
pub(super) struct Snapshots {
    file: PathBuf,
    open: Mutex<Vec<Begun>>,
}

/// One of them, as it is known here.
#[derive(Debug)]
struct Begun {
    at: Instant,
    slot: Weak<Slot>,
}

/// One of them, as its reader holds it.
pub(super) struct Held {
    pool: Pool,
    slot: Arc<Slot>,
    revision: Revision,
    last: Option<Bytes>,
}

/// The connection, until the writer takes it away.
type Slot = Mutex<Option<Connection>>;

impl Snapshots {
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, open: Mutex::default() }
    }

    /// Ends all of them. Waits for the pieces that are just being read.
    pub(super) fn expire(&self) {
        self.expire_from(Duration::ZERO);
    }

    /// Ends those that are of this age or older, and says whether others are left.
    pub(super) fn expire_from(&self, age: Duration) -> bool {
        let mut open = lock(&self.open);
        for slot in
            open.extract_if(.., |begun| begun.at.elapsed() >= age).filter_map(|old| old.slot.upgrade())
        {
            drop(lock(&slot).take());
        }
        open.retain(|begun| begun.slot.strong_count() > 0);
        !open.is_empty()
    }

    fn begin(&self) -> Result<(Arc<Slot>, Revision), StorageError> {
        let connection = schema::open_for_reading(&self.file)?;
        connection.execute_batch("BEGIN").map_err(failed)?;
        let revision = Reach::of(&connection)?.newest;
        let slot = Arc::new(Mutex::new(Some(connection)));
        let mut open = lock(&self.open);
        open.retain(|begun| begun.slot.strong_count() > 0);
        open.push(Begun { at: Instant::now(), slot: Arc::downgrade(&slot) });
        Ok((slot, revision))
    }
}

impl Held {
    /// Takes a snapshot of the store as it is now.
    pub(super) async fn take(pool: Pool, snapshots: Arc<Snapshots>) -> Result<Self, StorageError> {
        let (slot, revision) = pool.clone().ask(move |_| snapshots.begin()).await?;
        Ok(Self { pool, slot, revision, last: None })
    }
}

impl View for Held {
    fn revision(&self) -> Revision {
        self.revision
    }

    fn next(&mut self, limit: usize) -> Answer<'_, Vec<Entry>> {
        Box::pin(async move {
            let (slot, last) = (Arc::clone(&self.slot), self.last.clone());
            let read = move |_: &Connection| match lock(&slot).as_ref() {
                Some(connection) => entries::scan(connection, b"", last.as_deref(), limit, AT_ONCE_BYTES),
                None => Err(StorageError::Expired),
            };
            let entries = self.pool.clone().ask(read).await?;
            self.last = entries.last().map(|entry| entry.key.clone()).or(self.last.take());
            Ok(entries)
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many bytes of entries one piece has before it ends.
const AT_ONCE_BYTES: usize = 1 << 20;

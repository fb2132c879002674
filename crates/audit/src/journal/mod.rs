//! The journal: records in order, chained, each on the disk before its append resolves. `format` has the layout of the files.
//!
//! One thread writes; workers hand it what they collected ([`Appender`]). Another thread prepares the next segment. If the disk
//! refuses, appends fail and [`Journal::healthy`] says so until it takes them again; no record is left out of the chain or written
//! twice. That only one process at a time opens a directory is the caller's business.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};

mod appender;
mod block;
mod format;
mod recovery;
mod segment;
mod spare;
mod walk;
mod writer;

pub use appender::Appender;
pub use format::{Chain, Head};
pub use walk::{Flaw, FlawKind};

pub(crate) use segment::list;
pub(crate) use walk::{Walked, walk};

use crate::JournalError;
use appender::Worker;
use segment::{Medium, Segment};
use spare::Spare;
use writer::Writer;

/// What can be chosen when a journal is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The length of a segment file; at least 64 KiB, rounded up to whole pages. A record may be a quarter as long, up to 512 KiB.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 32 * 1024 * 1024 }
    }
}

/// An open journal. Dropping it is closing it.
#[derive(Debug)]
pub struct Journal {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    opened_at: Head,
}

impl Journal {
    /// Opens the journal in a directory, and begins one if there is none. A batch that a crash tore is dropped; damage is an error.
    pub fn open(directory: &Path, options: Options) -> Result<Self, JournalError> {
        let length = options.segment_bytes.max(SHORTEST_SEGMENT).next_multiple_of(PAGE);
        let medium = Arc::new(Medium::open(directory)?);
        let shared = Arc::new(Shared::new(length));
        let (segment, head) = newest_segment(&medium, &shared.spare, directory)?;
        let mut journal = Self { shared, threads: Vec::new(), opened_at: head };
        journal.start(medium, segment).map_err(JournalError::io("start the threads of", directory))?;
        Ok(journal)
    }

    /// An appender for one more worker.
    #[must_use]
    pub fn appender(&self) -> Appender {
        Appender::new(Arc::clone(&self.shared))
    }

    /// Whether a record could be appended now. Says no early enough that calls in flight still find room.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.shared.healthy()
    }

    /// Where the journal stood when it was opened.
    #[must_use]
    pub const fn opened_at(&self) -> Head {
        self.opened_at
    }

    /// Waits until everything handed over is on the disk or has failed. Later appends fail.
    pub fn close(self) {
        drop(self);
    }

    fn start(&mut self, medium: Arc<Medium>, segment: Segment) -> std::io::Result<()> {
        let writer = Writer::new(Arc::clone(&self.shared), Arc::clone(&medium), segment, self.opened_at);
        let writer = thread::Builder::new().name("journal".into()).spawn(move || writer.run())?;
        let _ = self.shared.writer.set(writer.thread().clone());
        self.threads.push(writer);
        let shared = Arc::clone(&self.shared);
        let prepare = move || shared.spare.keep_ready(&medium, || shared.wake_writer());
        self.threads.push(thread::Builder::new().name("journal-spare".into()).spawn(prepare)?);
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.wake_writer();
        for thread in self.threads.drain(..) {
            // The writer is the first to end; only then may there be no more spares. A thread that panicked has said so.
            let _ = thread.join();
            self.shared.spare.stop();
        }
    }
}

fn newest_segment(medium: &Medium, spare: &Spare, directory: &Path) -> Result<(Segment, Head), JournalError> {
    let Some((first, path)) = list(directory)?.pop() else {
        let mut segment = spare.make(medium)?;
        medium.place(&mut segment, Head::GENESIS)?;
        return Ok((segment, Head::GENESIS));
    };
    let found = recovery::recover(path, first)?;
    // A segment made for another alignment is not written on.
    let end = if found.block == medium.block() { found.end } else { found.length };
    Ok((medium.reopen(found.path, found.length, end)?, found.head))
}

/// What the journal's threads and the workers share.
#[derive(Debug)]
struct Shared {
    workers: Mutex<Vec<Arc<Worker>>>,
    writer: OnceLock<Thread>,
    closing: AtomicBool,
    /// The number of the last record that is on the disk.
    newest: AtomicU64,
    health: Health,
    spare: Spare,
    longest_record: usize,
    longest_batch: usize,
    /// The room in the last segment that is kept for calls in flight.
    reserve: u64,
}

impl Shared {
    fn new(segment_length: u64) -> Self {
        let part = |divisor: u64, most: usize| {
            usize::try_from(segment_length / divisor).map_or(most, |length| length.min(most))
        };
        Self {
            workers: Mutex::default(),
            writer: OnceLock::new(),
            closing: AtomicBool::new(false),
            newest: AtomicU64::new(0),
            health: Health::default(),
            spare: Spare::new(segment_length),
            longest_record: part(4, LONGEST_RECORD),
            longest_batch: part(2, LONGEST_BATCH),
            reserve: segment_length / 8,
        }
    }

    fn healthy(&self) -> bool {
        let broken = self.health.broken.load(Ordering::Relaxed);
        let low = self.health.low.load(Ordering::Relaxed);
        !broken && (!low || !self.spare.failing())
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Arc<Worker>>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_writer(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    fn closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Lets no worker hand over anything more; says whether nothing waits.
    fn close_workers(&self) -> bool {
        let workers = self.workers();
        workers.iter().for_each(|worker| worker.close());
        workers.iter().all(|worker| worker.is_empty())
    }
}

/// What stands in the way of an append.
#[derive(Debug, Default)]
struct Health {
    /// The last write failed and nothing was written since.
    broken: AtomicBool,
    /// The active segment has little room left.
    low: AtomicBool,
}

impl Health {
    fn set_broken(&self, broken: bool) {
        self.broken.store(broken, Ordering::Relaxed);
    }

    fn set_low(&self, low: bool) {
        self.low.store(low, Ordering::Relaxed);
    }
}

const SHORTEST_SEGMENT: u64 = 64 * 1024;
const LONGEST_RECORD: usize = 512 * 1024;
const LONGEST_BATCH: usize = 1024 * 1024;
const PAGE: u64 = 4096;

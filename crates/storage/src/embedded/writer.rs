//! The thread that writes: takes all the commits that are waiting into one transaction, so that they share one `fsync`,
//! and answers each when the transaction is durable. It folds the log into the file, and shreds.
//!
//! It must never answer before that, and must never go on after a failed transaction without knowing what became of it.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use super::commits::{self, Reach};
use super::failure::{failed, is_full};
use super::residue::Residue;
use super::snapshots::Snapshots;
use super::{Options, entries, schema};
use crate::{Change, Changed, Commit, Condition, Revision, StorageError, limits};

/// The thread, and the way to it.
#[derive(Debug)]
pub(super) struct Writer {
    tasks: Option<mpsc::Sender<Task>>,
    newest: watch::Receiver<Revision>,
    snapshots: Arc<Snapshots>,
    thread: Option<JoinHandle<Result<(), StorageError>>>,
}

enum Task {
    Commit(Request),
    Shred(oneshot::Sender<Result<(), StorageError>>),
}

struct Request {
    conditions: Vec<Condition>,
    changes: Vec<Change>,
    answer: oneshot::Sender<Outcome>,
}

type Outcome = Result<Commit, StorageError>;

impl Writer {
    /// Starts the thread.
    pub(super) fn start(
        residue: Residue,
        connection: Connection,
        snapshots: Snapshots,
        options: &Options,
    ) -> Result<Self, StorageError> {
        // INVARIANT: arguments are dropped from the last to the first, so the connection before the file that `residue` holds open.
        let Reach { oldest, newest } = Reach::of(&connection)?;
        let snapshots = Arc::new(snapshots);
        let (tasks, waiting) = mpsc::channel(QUEUED);
        let (announce, announced) = watch::channel(newest);
        let scribe = Scribe {
            connection,
            residue,
            newest,
            oldest,
            unsettled: false,
            cramped: false,
            shredded: false,
            announce,
            snapshots: Arc::clone(&snapshots),
            retained: options.retained_commits.max(1),
            log_pages: options.snapshot_log_bytes / schema::PAGE_BYTES,
            snapshot_age: options.snapshot_age,
        };
        let thread = thread::Builder::new().name("storage-writer".to_owned());
        let thread = thread.spawn(move || scribe.work(waiting));
        let thread = thread.map_err(|source| StorageError::Engine { source: Arc::new(source) })?;
        Ok(Self { tasks: Some(tasks), newest: announced, snapshots, thread: Some(thread) })
    }

    /// Has a commit made.
    pub(super) async fn commit(&self, conditions: Vec<Condition>, changes: Vec<Change>) -> Outcome {
        let (answer, answered) = oneshot::channel();
        self.give(Task::Commit(Request { conditions, changes, answer })).await?;
        answered.await.unwrap_or(Err(StorageError::Closed))
    }

    /// Has everything removed that is left of values that are no more.
    pub(super) async fn shred(&self) -> Result<(), StorageError> {
        let (answer, answered) = oneshot::channel();
        self.give(Task::Shred(answer)).await?;
        answered.await.unwrap_or(Err(StorageError::Closed))
    }

    async fn give(&self, task: Task) -> Result<(), StorageError> {
        let tasks = self.tasks.as_ref().ok_or(StorageError::Closed)?;
        tasks.send(task).await.map_err(|_| StorageError::Closed)
    }

    /// The revision of the last commit, as it grows.
    pub(super) fn newest(&self) -> watch::Receiver<Revision> {
        self.newest.clone()
    }

    /// The snapshots that the thread ends when they hold too much.
    pub(super) fn snapshots(&self) -> Arc<Snapshots> {
        Arc::clone(&self.snapshots)
    }

    /// Ends the thread when it has made the commits that are waiting.
    pub(super) fn close(&mut self) -> Result<(), StorageError> {
        self.tasks = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(StorageError::Closed),
            None => Ok(()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever wants to know calls `close`. What was answered is durable either way.
        drop(self.close());
    }
}

/// What the thread holds.
struct Scribe {
    // INVARIANT: the connection is closed before the file that `residue` holds open.
    connection: Connection,
    residue: Residue,
    newest: Revision,
    /// The table of commits holds those after this one.
    oldest: Revision,
    /// Whether a transaction ended so badly that traces of it may be in the log.
    unsettled: bool,
    /// Whether the disk was full: folding the log makes its space free for the next transaction.
    cramped: bool,
    /// Whether nothing can be left of values that are no more: nothing was written since it was removed.
    shredded: bool,
    announce: watch::Sender<Revision>,
    snapshots: Arc<Snapshots>,
    retained: u64,
    log_pages: u64,
    snapshot_age: Duration,
}

/// A transaction before its end.
struct Draft {
    outcomes: Vec<Outcome>,
    newest: Revision,
    oldest: Revision,
}

/// A transaction that failed.
enum Failure {
    Undetermined(rusqlite::Error),
    Undone(StorageError),
}

impl Scribe {
    fn work(mut self, mut waiting: mpsc::Receiver<Task>) -> Result<(), StorageError> {
        let mut next = None;
        while let Some(task) = next.take().or_else(|| waiting.blocking_recv()) {
            match task {
                Task::Commit(first) => {
                    let batch;
                    (batch, next) = gather(first, &mut waiting);
                    self.serve(batch);
                    self.fold_log();
                }
                Task::Shred(answer) => drop(answer.send(self.shred())),
            }
        }
        self.end()
    }

    /// Makes a batch of commits and answers them. If the batch fails for one of them, each has a try of its own.
    fn serve(&mut self, batch: Vec<Request>) {
        match self.write(&batch) {
            Ok(outcomes) => {
                for (request, outcome) in batch.into_iter().zip(outcomes) {
                    request.reply(outcome);
                }
            }
            Err(Failure::Undetermined(source)) => {
                let source = Arc::new(source);
                for request in batch {
                    request.reply(Err(StorageError::Undetermined { source: source.clone() }));
                }
            }
            Err(Failure::Undone(error)) => self.deny(batch, error),
        }
    }

    fn deny(&mut self, mut batch: Vec<Request>, error: StorageError) {
        self.cramped |= matches!(error, StorageError::Full);
        match batch.pop() {
            Some(only) if batch.is_empty() => only.reply(Err(error)),
            last => batch.into_iter().chain(last).for_each(|request| self.serve(vec![request])),
        }
    }

    fn write(&mut self, batch: &[Request]) -> Result<Vec<Outcome>, Failure> {
        self.shredded = false;
        self.settle().map_err(Failure::Undone)?;
        let draft = self.draft(batch).inspect_err(|_| self.roll_back()).map_err(Failure::Undone)?;
        if draft.newest == self.newest {
            self.roll_back();
            return Ok(draft.outcomes);
        }
        self.connection.execute_batch("COMMIT").map_err(|error| self.explain(error))?;
        (self.newest, self.oldest) = (draft.newest, draft.oldest);
        self.announce.send_replace(draft.newest);
        Ok(draft.outcomes)
    }

    /// Everything of a transaction but its end.
    fn draft(&self, batch: &[Request]) -> Result<Draft, StorageError> {
        self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
        let mut draft = Draft { outcomes: Vec::new(), newest: self.newest, oldest: self.oldest };
        for request in batch {
            let outcome = self.decide(request, &mut draft)?;
            draft.outcomes.push(outcome);
        }
        let reach = draft.newest.0.saturating_sub(self.retained);
        if reach > draft.oldest.0 {
            draft.oldest = Revision(reach.min(draft.oldest.0.saturating_add(FORGOTTEN_AT_ONCE)));
            commits::forget(&self.connection, draft.oldest).map_err(failed)?;
        }
        Ok(draft)
    }

    // INVARIANT: nothing is changed before all conditions are known to hold. So a conflict, or a damaged entry under a
    // condition, concerns its own commit only and leaves nothing to undo.
    fn decide(&self, request: &Request, draft: &mut Draft) -> Result<Outcome, StorageError> {
        match self.unmet(&request.conditions) {
            Ok(None) => self.make(&request.changes, draft).map(Ok).map_err(failed),
            Ok(Some(key)) => Ok(Ok(Commit::Conflict(key))),
            Err(damaged @ StorageError::Damaged { .. }) => Ok(Err(damaged)),
            Err(error) => Err(error),
        }
    }

    fn unmet(&self, conditions: &[Condition]) -> Result<Option<Bytes>, StorageError> {
        for condition in conditions {
            let found = entries::find(&self.connection, condition.key())?.map(|found| found.revision);
            let holds = match condition {
                Condition::Absent(_) => found.is_none(),
                Condition::At(_, revision) => found == Some(*revision),
            };
            if !holds {
                return Ok(Some(condition.key().clone()));
            }
        }
        Ok(None)
    }

    fn make(&self, changes: &[Change], draft: &mut Draft) -> Result<Commit, rusqlite::Error> {
        let revision = Revision(draft.newest.0.saturating_add(1));
        let mut made = Vec::new();
        for change in changes {
            let effective = match change {
                Change::Delete { key } => entries::delete(&self.connection, key)?,
                Change::Put { key, value } => {
                    entries::put(&self.connection, key, value, revision).map(|()| true)?
                }
            };
            made.extend(effective.then(|| Changed::from(change)));
        }
        if !made.is_empty() {
            commits::add(&self.connection, revision, made.into_iter())?;
            draft.newest = revision;
        }
        Ok(Commit::Done(draft.newest))
    }

    /// What a failed COMMIT means. SQLite has undone it for itself, but all of it may have reached the log before the
    /// failure, and would be found there by a restart. What is written next takes its place; until then it is unsettled.
    fn explain(&mut self, error: rusqlite::Error) -> Failure {
        self.roll_back();
        if is_full(&error) {
            return Failure::Undone(failed(error));
        }
        self.unsettled = true;
        match self.settle() {
            Ok(()) => Failure::Undone(failed(error)),
            Err(_) => Failure::Undetermined(error),
        }
    }

    /// Overwrites what a failed transaction may have left in the log.
    fn settle(&mut self) -> Result<(), StorageError> {
        if self.unsettled {
            self.roll_back();
            schema::touch(&self.connection).map_err(failed)?;
            self.unsettled = !self.connection.is_autocommit();
        }
        Ok(())
    }

    /// Undoes the transaction, unless SQLite has already done it because of an error.
    fn roll_back(&mut self) {
        if !self.connection.is_autocommit() && self.connection.execute_batch("ROLLBACK").is_err() {
            self.unsettled = true;
        }
    }

    /// Folds the log into the file once it is long. When that fails, nothing is lost and the next batch tries again.
    fn fold_log(&mut self) {
        let pages = self.checkpoint("NOOP").map_or(0, |log| log.pages);
        if pages > self.log_pages {
            self.snapshots.expire();
        }
        if pages > FOLDED_PAGES || self.cramped {
            self.cramped = false;
            // While somebody reads what is old, a part stays in the log, and the log goes on.
            if self.checkpoint("PASSIVE").is_ok_and(|log| log.is_folded) {
                // Where this fails, it knows what is left to do, and `shred` says so.
                drop(self.residue.wipe());
            }
        }
    }

    /// Removes what is left of values that are no more, unless someone still sees them.
    fn shred(&mut self) -> Result<(), StorageError> {
        if self.shredded {
            return Ok(());
        }
        self.settle()?;
        if self.snapshots.expire_from(self.snapshot_age) {
            return Err(StorageError::Held);
        }
        self.connection.busy_timeout(SHREDDING_PATIENCE).map_err(failed)?;
        let emptied = self.empty_log();
        self.connection.busy_timeout(schema::PATIENCE).map_err(failed)?;
        self.shredded = emptied.is_ok();
        emptied
    }

    /// Folds all of the log into the file and cuts it off.
    // INVARIANT: gaps are wiped while the log still says of which pages, and the log is cut off when they are.
    fn empty_log(&mut self) -> Result<(), StorageError> {
        self.fold_all("FULL")?;
        self.residue.wipe()?;
        self.fold_all("TRUNCATE")
    }

    fn fold_all(&self, mode: &str) -> Result<(), StorageError> {
        let log = self.checkpoint(mode).map_err(failed)?;
        if log.is_folded { Ok(()) } else { Err(StorageError::Held) }
    }

    /// Has SQLite work on the log.
    fn checkpoint(&self, mode: &str) -> Result<Log, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
        let (is_busy, pages, folded): (bool, i64, i64) =
            statement.query_row((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Log { is_folded: !is_busy && folded == pages, pages: u64::try_from(pages).unwrap_or_default() })
    }

    fn end(mut self) -> Result<(), StorageError> {
        self.snapshots.expire();
        match self.empty_log() {
            // Another process still reads; what is left is done when the store is opened again.
            Err(StorageError::Held) => {}
            emptied => {
                emptied?;
                schema::remove_log_on_close(&self.connection).map_err(failed)?;
            }
        }
        self.connection.close().map_err(|(_, error)| failed(error))
    }
}

/// What SQLite says of the log.
struct Log {
    /// Whether all of it is in the file: nobody who reads stood in the way.
    is_folded: bool,
    /// How many pages are in it.
    pages: u64,
}

impl Request {
    /// Answers, if anyone still waits.
    fn reply(self, outcome: Outcome) {
        drop(self.answer.send(outcome));
    }

    fn bytes(&self) -> usize {
        limits::bytes(&self.conditions, &self.changes)
    }
}

/// What is waiting now. Never waits for more: under load, the next batch gathers while this one is being written.
/// Gives what comes next too, if it is something else.
fn gather(first: Request, waiting: &mut mpsc::Receiver<Task>) -> (Vec<Request>, Option<Task>) {
    let mut bytes = first.bytes();
    let mut batch = vec![first];
    while batch.len() < BATCH_REQUESTS
        && bytes < BATCH_BYTES
        && let Ok(task) = waiting.try_recv()
    {
        match task {
            Task::Commit(request) => {
                bytes += request.bytes();
                batch.push(request);
            }
            other @ Task::Shred(_) => return (batch, Some(other)),
        }
    }
    (batch, None)
}

/// How many commits may wait in the queue; the next ones wait for a place in it.
const QUEUED: usize = 1024;

const BATCH_REQUESTS: usize = 256;

const BATCH_BYTES: usize = 4 << 20;

/// How many old commits go with one transaction: more than come with it, so that the table shrinks to its size even if
/// it was much longer before, and few enough that nobody waits for it.
const FORGOTTEN_AT_ONCE: u64 = 1024;

/// How long shredding waits for those who are reading an entry; commits wait with it.
const SHREDDING_PATIENCE: Duration = Duration::from_millis(250);

/// The length of the log, in pages, from which it is folded into the file: 8 MiB.
const FOLDED_PAGES: u64 = 1024;

//! The threads that read, each with a connection of its own, and the queue that they share.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::schema;
use crate::StorageError;

/// The threads. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Readers {
    pool: Pool,
    threads: Vec<JoinHandle<()>>,
}

/// The way to ask the threads something; once they have ended, every question is refused.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Queue>);

struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

impl Readers {
    /// Starts the threads.
    pub(super) fn start(file: &Path, threads: usize) -> Result<Self, StorageError> {
        let mut readers = Self { pool: Pool(Arc::new(Queue::new())), threads: Vec::new() };
        for _ in 0..threads {
            let connection = schema::open_for_reading(file)?;
            let queue = readers.pool.0.clone();
            let thread = thread::Builder::new().name("storage-reader".to_owned());
            let thread = thread.spawn(move || work(&queue, &connection));
            let failed = |source| StorageError::Engine { source: Arc::new(source) };
            readers.threads.push(thread.map_err(failed)?);
        }
        Ok(readers)
    }

    /// The way to ask them.
    pub(super) fn pool(&self) -> Pool {
        self.pool.clone()
    }

    /// Has a thread do this.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StorageError>> + Send + 'static {
        self.pool().ask(job)
    }

    /// Ends the threads when they have done what they are doing; refuses what is waiting.
    pub(super) fn close(&mut self) {
        self.pool.0.close();
        for thread in self.threads.drain(..) {
            // A thread that panicked has closed the queue; there is no more to say about it.
            drop(thread.join());
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.close();
    }
}

impl Pool {
    /// Has a thread do this. It is not done if nobody waits for it any more.
    pub(super) async fn ask<T: Send + 'static>(
        self,
        job: impl FnOnce(&Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = oneshot::channel();
        self.0.push(Box::new(move |connection| {
            if !answer.is_closed() {
                drop(answer.send(job(connection)));
            }
        }));
        // The queue drops a job, and with it the sender, only when it is closed.
        answered.await.unwrap_or(Err(StorageError::Closed))
    }
}

impl Queue {
    fn new() -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new() }
    }

    fn push(&self, job: Job) {
        let mut waiting = self.lock();
        if !waiting.closed {
            waiting.jobs.push_back(job);
            drop(waiting);
            self.changed.notify_one();
        }
    }

    fn pop(&self) -> Option<Job> {
        let mut waiting = self.lock();
        while waiting.jobs.is_empty() && !waiting.closed {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.jobs.pop_front()
    }

    fn close(&self) {
        *self.lock() = Waiting { jobs: VecDeque::new(), closed: true };
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Queue").finish_non_exhaustive()
    }
}

fn work(queue: &Queue, connection: &Connection) {
    let _closing = CloseAtEnd(queue);
    while let Some(job) = queue.pop() {
        job(connection);
    }
}

/// A thread that ends, even by a panic, closes the queue: questions are then refused and never wait for nobody.
struct CloseAtEnd<'a>(&'a Queue);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

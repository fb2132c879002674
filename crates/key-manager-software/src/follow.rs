//! Following the key store file: what changes in it is served without a restart, and what is wrong with it is kept out.
//!
//! What is served is never older than what was: a file of a lower generation, or of another store, waits for a restart.

use crate::disk::Mark;
use crate::store::Content;
use crate::{Error, KeyStore};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What is served, and whether it is what the file holds.
#[derive(Debug)]
pub struct Followed {
    /// Written only for as long as a pointer takes, when the file has changed.
    content: RwLock<Arc<Content>>,
    is_current: AtomicBool,
}

impl Followed {
    /// What is served.
    pub fn content(&self) -> Arc<Content> {
        Arc::clone(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether that is what the file holds.
    pub fn is_current(&self) -> bool {
        self.is_current.load(Ordering::Relaxed)
    }
}

/// The thread that looks at the file. It ends when this is dropped.
#[derive(Debug)]
pub struct Follower {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    /// Reads the store and follows its file from then on.
    pub fn start(store: KeyStore) -> Result<(Arc<Followed>, Self), Error> {
        // Seen first: what is changed while it is read is seen to have changed.
        let mark = Mark::of(store.file());
        let content = Arc::new(store.read()?);
        tracing::info!(file = %store.file().display(), generation = content.generation(), "the key store is open");
        let followed =
            Arc::new(Followed { content: RwLock::new(content), is_current: AtomicBool::new(true) });
        let mut eye = Eye { store, followed: Arc::clone(&followed), mark, wrong: None };
        let (end, ended) = channel();
        let life = move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK_EVERY) {
                eye.look();
            }
        };
        let thread = thread::Builder::new().name("key store".to_owned()).spawn(life);
        let thread =
            thread.map_err(|error| Error::Protector { protector: "thread", reason: error.to_string() })?;
        Ok((followed, Self { end: Some(end), thread: Some(thread) }))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        drop(self.end.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that follows the key store failed");
        }
    }
}

/// What looks at the file.
struct Eye {
    store: KeyStore,
    followed: Arc<Followed>,
    mark: Option<Mark>,
    wrong: Option<Wrong>,
}

/// Why the file is not served as it is.
struct Wrong {
    message: String,
    /// A protector may come back, and a passphrase be put right, without a change of this file.
    try_again: Instant,
}

impl Eye {
    fn look(&mut self) {
        let mark = Mark::of(self.store.file());
        let is_due = self.wrong.as_ref().is_some_and(|wrong| Instant::now() >= wrong.try_again);
        if mark == self.mark && !is_due {
            return;
        }
        self.mark = mark;
        match self.read() {
            Ok(content) => self.take(content),
            Err(error) => self.keep_out(&error),
        }
    }

    fn read(&self) -> Result<Content, Error> {
        let served = self.followed.content();
        let content = self.store.read()?;
        let what = if content.store() != served.store() {
            "another key store"
        } else if content.generation() < served.generation() {
            "an older state of the key store"
        } else {
            return Ok(content);
        };
        Err(Error::Other { file: self.store.file().to_owned(), what })
    }

    fn take(&mut self, content: Content) {
        let (generation, before) = (content.generation(), self.followed.content().generation());
        *self.followed.content.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(content);
        self.followed.is_current.store(true, Ordering::Relaxed);
        if self.wrong.take().is_some() || generation != before {
            let file = self.store.file().display();
            tracing::info!(%file, generation, "the key store is served as its file is now");
        }
    }

    /// One line for each thing that is wrong, however long it is.
    fn keep_out(&mut self, error: &Error) {
        let message = error.to_string();
        self.followed.is_current.store(false, Ordering::Relaxed);
        if self.wrong.as_ref().is_none_or(|wrong| wrong.message != message) {
            let generation = self.followed.content().generation();
            tracing::error!(
                generation,
                "the key store is served as it was, because its file is not usable: {message}"
            );
        }
        let now = Instant::now();
        self.wrong = Some(Wrong { message, try_again: now.checked_add(TRY_AGAIN_AFTER).unwrap_or(now) });
    }
}

const LOOK_EVERY: Duration = Duration::from_secs(1);
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(5);

//! Keeping memory true to the store, and knowing for how long it has not been.

use crate::{CatalogError, Reader};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use storage::{Revision, StorageError};

/// Whether memory follows the store, and since when not.
#[derive(Debug, Default)]
pub struct Followed(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    /// Following was never begun.
    #[default]
    Never,
    Now,
    LostAt(Instant),
}

impl Followed {
    /// Whether memory may be answered from: it follows the store, or has not lost it for longer than the bound.
    #[must_use]
    pub fn within(&self, bound: Duration) -> bool {
        match *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            State::Never => false,
            State::Now => true,
            State::LostAt(since) => since.elapsed() <= bound,
        }
    }

    fn set(&self, state: State) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = state;
    }
}

/// Forgets what others change, commit by commit. Begins with an empty memory, since what it holds may be old by now.
pub(crate) async fn follow(reader: &Reader, followed: &Followed) -> Result<(), CatalogError> {
    let mut watch = reader.storage.watch(newest(reader).await?).await?;
    reader.hot.clear();
    followed.set(State::Now);
    let lost = loop {
        match watch.next().await {
            Ok(commit) => {
                commit.changes.iter().for_each(|change| reader.hot.forget(change.key(), commit.revision))
            }
            Err(error) => break error,
        }
    };
    followed.set(State::LostAt(Instant::now()));
    Err(lost.into())
}

/// The newest revision: where a watch that need not know the past begins.
async fn newest(reader: &Reader) -> Result<Revision, StorageError> {
    Ok(reader.storage.snapshot().await?.revision())
}

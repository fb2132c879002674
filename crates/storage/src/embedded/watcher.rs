//! A watch: reads the table of commits whenever the writer has added to it.
//!
//! It holds a bounded piece of the table and its place in it, so it may be as slow as it likes: one that falls behind
//! further than the table reaches is told so.

use std::collections::VecDeque;

use tokio::sync::watch;

use super::commits::{self, Reach};
use super::readers::Pool;
use crate::{Answer, Committed, Follow, Revision, StorageError};

pub(super) struct Watcher {
    pool: Pool,
    newest: watch::Receiver<Revision>,
    last: Revision,
    ready: VecDeque<Committed>,
}

impl Watcher {
    /// Begins after a revision, if the store reaches back so far.
    pub(super) async fn start(
        pool: Pool,
        newest: watch::Receiver<Revision>,
        from: Revision,
    ) -> Result<Self, StorageError> {
        let Reach { oldest, newest: last } = pool.clone().ask(Reach::of).await?;
        if from < oldest {
            return Err(StorageError::Compacted { oldest });
        }
        if from > last {
            return Err(StorageError::Ahead { asked: from, newest: last });
        }
        Ok(Self { pool, newest, last: from, ready: VecDeque::new() })
    }

    async fn refill(&mut self) -> Result<(), StorageError> {
        let last = self.last;
        self.newest.wait_for(|&newest| newest > last).await.map_err(|_| StorageError::Closed)?;
        self.ready = self.pool.clone().ask(move |connection| commits::after(connection, last)).await?.into();
        Ok(())
    }
}

impl Follow for Watcher {
    fn next(&mut self) -> Answer<'_, Committed> {
        Box::pin(async move {
            loop {
                if let Some(commit) = self.ready.pop_front() {
                    self.last = commit.revision;
                    return Ok(commit);
                }
                self.refill().await?;
            }
        })
    }
}

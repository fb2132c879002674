//! A worker's way into the journal: collects what its calls append and wakes them when it is on the disk.
//!
//! A worker is a thread with a runtime of its own. Its records gather in a group; the call that opened the group yields once, so that
//! others may join, and then wakes the writer. When the group is durable, the writer wakes one of its calls, and that one wakes the
//! rest: so but one wake a group crosses threads. No call waits for a timer.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;

use super::Shared;
use super::format::{RecordDigest, is_record};
use crate::JournalError;

/// Appends the records of one worker. Make one for each current-thread runtime.
#[derive(Debug)]
pub struct Appender {
    worker: Arc<Worker>,
    shared: Arc<Shared>,
}

impl Appender {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let worker = Arc::new(Worker::default());
        shared.workers().push(Arc::clone(&worker));
        Self { worker, shared }
    }

    /// Appends a record: one line of JSON without its line feed. It is on the disk when this answers `Ok`.
    ///
    /// Dropping the future after its first poll does not take the record back. While the disk is slow and the worker's group is full,
    /// this waits and holds its record: so what waits is bounded by the number of calls in flight.
    pub async fn append(&self, record: Vec<u8>) -> Result<(), JournalError> {
        let limit = self.shared.longest_record;
        if record.len() > limit {
            return Err(JournalError::RecordTooLong { length: record.len(), limit });
        }
        if !is_record(&record) {
            return Err(JournalError::RecordNotOneLine);
        }
        let mut seat = self.take_seat(&record).await?;
        drop(record);
        if seat.opened_group {
            tokio::task::yield_now().await;
            seat.flush();
        }
        seat.await
    }

    /// Whether a record could be appended now. Ask before a call has any effect.
    #[must_use]
    pub fn healthy(&self) -> bool {
        self.shared.healthy()
    }

    /// The number of the last record of the journal that is on the disk, of any worker.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.shared.newest.load(Ordering::Acquire)
    }

    async fn take_seat(&self, record: &[u8]) -> Result<Seat<'_>, JournalError> {
        let digest = RecordDigest::of(record);
        loop {
            let room = self.worker.room.notified();
            if let Some(seat) = self.enter(record, digest)? {
                return Ok(seat);
            }
            room.await;
        }
    }

    /// Adds a record to the worker's group, if it has room.
    fn enter(&self, record: &[u8], digest: RecordDigest) -> Result<Option<Seat<'_>>, JournalError> {
        let mut queue = self.worker.queue();
        if queue.closed {
            return Err(JournalError::Closed);
        }
        let group = &mut queue.group;
        if !group.digests.is_empty() && group.lines.len() + record.len() >= self.shared.longest_batch {
            return Ok(None);
        }
        group.lines.extend_from_slice(record);
        group.lines.push(b'\n');
        let place = group.digests.len();
        group.digests.push(digest);
        let outcome = Arc::clone(&group.outcome);
        Ok(Some(Seat { appender: self, outcome, place, opened_group: place == 0 }))
    }
}

/// What a worker and the writer share.
#[derive(Debug, Default)]
pub(super) struct Worker {
    queue: Mutex<Queue>,
    /// Notified when the writer took a group.
    room: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    group: Group,
    closed: bool,
}

/// Records that are written together.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Each with its line feed.
    pub(super) lines: Vec<u8>,
    pub(super) digests: Vec<RecordDigest>,
    outcome: Arc<Outcome>,
}

impl Group {
    /// Tells the calls how it went, and leaves an empty group with the same room.
    pub(super) fn settle(&mut self, result: Result<(), JournalError>) {
        self.outcome.settle(result);
        self.outcome = Arc::default();
        self.lines.clear();
        self.digests.clear();
    }
}

impl Worker {
    /// Takes the waiting group and leaves `empty`, unless there is none or it is longer than `limit`.
    pub(super) fn take(&self, limit: usize, empty: impl FnOnce() -> Group) -> Option<Group> {
        let mut queue = self.queue();
        if queue.group.digests.is_empty() || queue.group.lines.len() > limit {
            return None;
        }
        let group = std::mem::replace(&mut queue.group, empty());
        drop(queue);
        self.room.notify_waiters();
        Some(group)
    }

    /// Takes no more records; what waits may still be taken.
    pub(super) fn close(&self) {
        self.queue().closed = true;
        self.room.notify_waiters();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue().group.digests.is_empty()
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's place in a group: a future that is ready when the group is durable or has failed.
struct Seat<'a> {
    appender: &'a Appender,
    outcome: Arc<Outcome>,
    place: usize,
    /// Whether this call still owes the group a flush.
    opened_group: bool,
}

impl Seat<'_> {
    /// Wakes the writer, unless it has taken the group already.
    fn flush(&mut self) {
        self.opened_group = false;
        if Arc::ptr_eq(&self.appender.worker.queue().group.outcome, &self.outcome) {
            self.appender.shared.wake_writer();
        }
    }
}

impl Future for Seat<'_> {
    type Output = Result<(), JournalError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.outcome.poll(self.place, context)
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        if self.opened_group {
            self.flush();
        }
        self.outcome.leave(self.place);
    }
}

/// How a group's write ended, and who waits to hear it.
#[derive(Debug, Default)]
struct Outcome {
    result: OnceLock<Result<(), JournalError>>,
    wakers: Mutex<Vec<Option<Waker>>>,
}

impl Outcome {
    /// Keeps the result and wakes one call, which wakes the others when it leaves, answered or given up.
    fn settle(&self, result: Result<(), JournalError>) {
        let _ = self.result.set(result);
        // INVARIANT: the result is set before the wakers are locked, so no call can go to sleep unseen after this.
        let waker = self.wakers().iter_mut().find_map(Option::take);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, place: usize, context: &Context<'_>) -> Poll<Result<(), JournalError>> {
        let mut wakers = self.wakers();
        if let Some(result) = self.result.get() {
            return Poll::Ready(result.clone());
        }
        if wakers.len() <= place {
            wakers.resize(place + 1, None);
        }
        if let Some(waker) = wakers.get_mut(place) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    fn leave(&self, place: usize) {
        let mut wakers = self.wakers();
        wakers.get_mut(place).and_then(Option::take);
        if self.result.get().is_some() {
            let waiting = std::mem::take(&mut *wakers);
            drop(wakers);
            waiting.into_iter().flatten().for_each(Waker::wake);
        }
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Option<Waker>>> {
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Polls every call that is not done; says how many now are.
    async fn poll_all<F: Future>(calls: &mut Vec<Pin<Box<F>>>) -> usize {
        let before = calls.len();
        std::future::poll_fn(|context| {
            calls.retain_mut(|call| call.as_mut().poll(context).is_pending());
            Poll::Ready(before - calls.len())
        })
        .await
    }

    #[test]
    fn calls_wait_with_their_records_while_a_slow_disk_leaves_the_group_full() {
        // Nobody writes: the disk has stopped.
        let appender = Appender::new(Arc::new(Shared::new(64 * 1024)));
        let limit = appender.shared.longest_batch;
        let take = || appender.worker.take(limit, Group::default);
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut calls: Vec<_> = (0..100).map(|_| Box::pin(appender.append(vec![b'x'; 1000]))).collect();
            let mut done = 0;
            for taken in [32, 32, 32, 4] {
                assert_eq!(poll_all(&mut calls).await, 0);
                let mut group = take().unwrap();
                assert_eq!((group.digests.len(), group.lines.len()), (taken, taken * 1001));
                assert!(group.lines.len() <= limit);
                group.settle(Ok(()));
                // The call that opened the group has yielded once and is polled again to see the result.
                done += poll_all(&mut calls).await;
            }
            assert_eq!((done, calls.len()), (100, 0));
            assert!(take().is_none());
        });
    }

    #[test]
    fn a_failed_group_fails_each_of_its_calls() {
        let appender = Appender::new(Arc::new(Shared::new(64 * 1024)));
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut calls: Vec<_> = (0..3).map(|_| Box::pin(appender.append(b"{}".to_vec()))).collect();
            assert_eq!(poll_all(&mut calls).await, 0);
            appender.worker.take(1000, Group::default).unwrap().settle(Err(JournalError::Closed));
            for call in calls {
                assert!(matches!(call.await, Err(JournalError::Closed)));
            }
        });
    }
}

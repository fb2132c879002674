//! The one thread that writes: takes the groups of all workers, chains their records, writes them as one batch, tells the workers.
//!
//! INVARIANT: the chain moves on only when the batch is on the disk. What a failed write left there is blanked, durably, before
//! anything else is written, so that the journal has neither a gap nor a fork.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::Shared;
use super::appender::Group;
use super::block::AlignedBuffer;
use super::format::{Head, Seal};
use super::segment::{Medium, Segment};
use crate::JournalError;

/// The writer's state.
#[derive(Debug)]
pub(super) struct Writer {
    shared: Arc<Shared>,
    medium: Arc<Medium>,
    segment: Segment,
    /// The segment that is about to follow, if putting it in place failed.
    next: Option<Segment>,
    head: Head,
    /// How many bytes behind the segment's end a failed write may have touched.
    wound: usize,
    /// Whether the segment was too full for the last batch, and no other could follow.
    stuck: bool,
    batch: Vec<Group>,
    idle: Vec<Group>,
    buffer: AlignedBuffer,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, medium: Arc<Medium>, segment: Segment, head: Head) -> Self {
        let buffer = AlignedBuffer::with_capacity(shared.longest_batch + medium.block());
        let (batch, idle) = (Vec::new(), Vec::new());
        let writer =
            Self { shared, medium, segment, next: None, head, wound: 0, stuck: false, batch, idle, buffer };
        writer.report_room();
        writer.report_head();
        writer
    }

    /// Writes until the journal is closed and nothing waits.
    pub(super) fn run(mut self) {
        loop {
            self.gather();
            if !self.batch.is_empty() {
                let outcome = self.commit();
                self.settle(&outcome);
            } else if !self.shared.closing() {
                self.rest();
            } else if self.shared.close_workers() {
                return;
            }
        }
    }

    /// Takes as many waiting groups as fit in a batch; another worker is first each time.
    fn gather(&mut self) {
        let mut workers = self.shared.workers();
        workers.retain(|worker| Arc::strong_count(worker) > 1 || !worker.is_empty());
        let mut room = self.shared.longest_batch;
        for worker in workers.iter() {
            if let Some(group) = worker.take(room, || self.idle.pop().unwrap_or_default()) {
                room -= group.lines.len();
                self.batch.push(group);
            }
        }
        if workers.len() > 1 {
            workers.rotate_left(1);
        }
    }

    fn commit(&mut self) -> Result<(), JournalError> {
        self.heal()?;
        if self.is_low() {
            // From here on it must be known whether another segment will follow: calls that begin now rely on `healthy`.
            drop(self.shared.spare.tried());
        }
        let after = self.assemble();
        if self.segment.room() < self.buffer.bytes().len() as u64 {
            self.stuck = true;
            self.heal()?;
        }
        self.segment.append(self.buffer.bytes()).map_err(|error| {
            self.wound = self.buffer.bytes().len();
            self.write_error(error)
        })?;
        self.head = after;
        self.report_head();
        self.report_room();
        Ok(())
    }

    /// Makes the batch in the buffer and says where the chain stands after it.
    fn assemble(&mut self) -> Head {
        self.buffer.clear();
        let mut after = self.head;
        for group in &self.batch {
            self.buffer.extend(&group.lines);
            after = group.digests.iter().fold(after, |head, digest| head.after(*digest));
        }
        let seal = Seal { records: after.sequence - self.head.sequence, after };
        self.buffer.extend(seal.to_string().as_bytes());
        self.buffer.pad(self.medium.block());
        after
    }

    fn settle(&mut self, outcome: &Result<(), JournalError>) {
        self.shared.health.set_broken(outcome.is_err());
        for mut group in self.batch.drain(..) {
            group.settle(outcome.clone());
            self.idle.push(group);
        }
    }

    /// Undoes what a failed write left behind, and goes on to the next segment if that is due.
    fn heal(&mut self) -> Result<(), JournalError> {
        if self.wound > 0 {
            self.segment.blank(self.wound).map_err(|error| self.write_error(error))?;
            self.wound = 0;
        }
        if self.stuck {
            self.rotate()?;
            self.stuck = false;
        }
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        let next = match self.next.take() {
            Some(next) => next,
            None => self.shared.spare.take()?,
        };
        let next = self.next.insert(next);
        self.medium.place(next, self.head)?;
        if let Some(next) = self.next.take() {
            self.segment = next;
        }
        self.report_room();
        Ok(())
    }

    /// Waits to be woken; while the journal is broken, tries now and then whether it still is.
    fn rest(&mut self) {
        if self.wound == 0 && !self.stuck {
            return thread::park();
        }
        thread::park_timeout(RETRY);
        let healed = self.heal();
        self.shared.health.set_broken(healed.is_err());
    }

    fn report_head(&self) {
        self.shared.newest.store(self.head.sequence, Ordering::Release);
    }

    fn report_room(&self) {
        self.shared.health.set_low(self.is_low());
    }

    fn is_low(&self) -> bool {
        self.segment.room() < self.shared.reserve
    }

    fn write_error(&self, error: io::Error) -> JournalError {
        JournalError::io("write", self.segment.path())(error)
    }
}

/// How long a broken journal is left alone when nobody wants to append.
const RETRY: Duration = Duration::from_millis(250);

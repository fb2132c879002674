//! The threads and what they share: the connections, and the commands that wait for a session.
//!
//! A thread that has nothing to do reads from the connections, if no other does, and carries the first command out itself, so that a
//! command changes threads only where it would wait for long. Answers are written when nothing else waits, or a quarter of a
//! millisecond after the first of them.

use crate::engine::Engine;
use frames::{BrokenStream, Buffer, Frame, MAX_FRAME, RequestId};
use pkcs11_api::{Command, Refusal, Reply};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, read, write};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// What the threads share.
pub(crate) struct Crew {
    connections: Vec<Connection>,
    inbox: Mutex<Inbox>,
    changed: Condvar,
    most_waiting: usize,
    /// How long a command takes, in nanoseconds: a mean that follows.
    pace: AtomicU64,
}

struct Connection {
    stream: OwnedFd,
    /// Only the thread that reads looks at it.
    input: Mutex<Input>,
    output: Mutex<Buffer>,
}

struct Input {
    buffer: Buffer,
    open: bool,
}

#[derive(Default)]
struct Inbox {
    waiting: VecDeque<Work>,
    somebody_reads: bool,
    idle: usize,
}

/// A command, and where its answer goes.
struct Work {
    connection: usize,
    request: RequestId,
    body: Zeroizing<Vec<u8>>,
}

impl Crew {
    /// The crew of that many threads behind those connections.
    pub(crate) fn new(connections: Vec<OwnedFd>, threads: usize) -> Self {
        let connections = connections.into_iter().map(Connection::new).collect();
        let most_waiting = threads.saturating_mul(MOST_WAITING_A_THREAD);
        let (inbox, changed, pace) = (Mutex::default(), Condvar::new(), AtomicU64::new(SLOW));
        Self { connections, inbox, changed, most_waiting, pace }
    }

    /// One thread's life. It ends only if a connection fails.
    pub(crate) fn serve(&self, engine: &Engine) -> Result<(), CrewError> {
        let mut unwritten = Unwritten { since: None };
        loop {
            let work = self.next(&mut unwritten)?;
            let began = Instant::now();
            self.answer(&work, engine)?;
            let ended = Instant::now();
            self.note_pace(ended.saturating_duration_since(began));
            let since = *unwritten.since.get_or_insert(ended);
            if ended.saturating_duration_since(since.min(began)) >= WRITE_AFTER {
                self.write(&mut unwritten)?;
            }
        }
    }

    fn answer(&self, work: &Work, engine: &Engine) -> Result<(), CrewError> {
        let connection = self.connections.get(work.connection).ok_or(BrokenStream)?;
        let Ok(command) = frames::decode::<Command<'_>>(&work.body) else {
            connection.append(work.request, &Reply::Refused(Refusal::Malformed));
            return Ok(());
        };
        if !matches!(command, Command::Open { .. } | Command::Random { .. } | Command::Seal { .. }) {
            // One that may take long says nothing of the others, and nobody shall wait for it.
            self.call_another(&self.inbox());
        }
        engine.answer(&command, |reply| connection.append(work.request, reply));
        Ok(())
    }

    fn note_pace(&self, took: Duration) {
        let (before, now) =
            (self.pace.load(Ordering::Relaxed), u64::try_from(took.as_nanos()).unwrap_or(SLOW));
        // Two threads that write at once lose one of many samples.
        self.pace.store((before.saturating_mul(7).saturating_add(now.min(SLOW))) / 8, Ordering::Relaxed);
    }

    fn call_another(&self, inbox: &Inbox) {
        if inbox.idle > 0 {
            self.changed.notify_one();
        }
    }

    /// Whether a thread that carries one command out now, and then the rest, would be long about it. Another is not called for less:
    /// that costs as much as a quick command does.
    fn is_long(&self, inbox: &Inbox) -> bool {
        let commands = u64::try_from(inbox.waiting.len()).unwrap_or(u64::MAX).saturating_add(1);
        commands.saturating_mul(self.pace.load(Ordering::Relaxed)) >= WORTH_ANOTHER
    }

    /// The next command. Whoever waits for one has written all answers.
    fn next(&self, unwritten: &mut Unwritten) -> Result<Work, CrewError> {
        let mut inbox = self.inbox();
        loop {
            if let Some(work) = inbox.waiting.pop_front() {
                // Somebody else may take the next, or wait for more.
                if (!inbox.waiting.is_empty() || !inbox.somebody_reads) && self.is_long(&inbox) {
                    self.call_another(&inbox);
                }
                return Ok(work);
            }
            if unwritten.since.is_some() {
                drop(inbox);
                self.write(unwritten)?;
                inbox = self.inbox();
            } else if inbox.somebody_reads {
                inbox.idle = inbox.idle.saturating_add(1);
                inbox = self.changed.wait(inbox).unwrap_or_else(PoisonError::into_inner);
                inbox.idle = inbox.idle.saturating_sub(1);
            } else {
                inbox.somebody_reads = true;
                drop(inbox);
                let arrived = self.read()?;
                inbox = self.inbox();
                inbox.somebody_reads = false;
                inbox.waiting.extend(arrived);
            }
        }
    }

    /// Waits for commands. Those beyond what can wait are refused at once.
    fn read(&self) -> Result<Vec<Work>, CrewError> {
        let mut arrived = Vec::new();
        for at in self.readable()? {
            let Some(connection) = self.connections.get(at) else { continue };
            connection.read(at, self.most_waiting, &mut arrived)?;
            connection.write()?;
        }
        Ok(arrived)
    }

    /// Which connections have something to read, or have ended. Where all have ended, the process is about to.
    fn readable(&self) -> Result<Vec<usize>, CrewError> {
        let open: Vec<usize> = (0..)
            .zip(&self.connections)
            .filter(|(_, connection)| connection.input().open)
            .map(|(at, _)| at)
            .collect();
        if open.len() == 1 {
            return Ok(open);
        }
        let streams = open.iter().filter_map(|at| self.connections.get(*at));
        let mut polled: Vec<PollFd<'_>> =
            streams.map(|connection| PollFd::new(&connection.stream, PollFlags::IN)).collect();
        uninterrupted(|| poll(&mut polled, None))?;
        let readable = open.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        Ok(readable.map(|(at, _)| *at).collect())
    }

    fn write(&self, unwritten: &mut Unwritten) -> Result<(), CrewError> {
        unwritten.since = None;
        self.connections.iter().try_for_each(Connection::write)
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    fn new(stream: OwnedFd) -> Self {
        let input = Input { buffer: Buffer::with_capacity(BUFFER), open: true };
        Self { stream, input: Mutex::new(input), output: Mutex::new(Buffer::with_capacity(BUFFER)) }
    }

    fn read(&self, at: usize, most: usize, arrived: &mut Vec<Work>) -> Result<(), CrewError> {
        let Input { buffer, open } = &mut *self.input();
        let count = uninterrupted(|| read(&self.stream, &mut *buffer.room(MAX_FRAME)))?;
        *open = count > 0;
        buffer.fill(count);
        while let Some(frame) = Frame::first(buffer.filled())? {
            if arrived.len() < most {
                let body = Zeroizing::new(frame.body().to_vec());
                arrived.push(Work { connection: at, request: frame.request, body });
            } else {
                self.append(frame.request, &Reply::Refused(Refusal::Busy));
            }
            let length = frame.length;
            buffer.consume(length);
        }
        Ok(())
    }

    fn append(&self, request: RequestId, reply: &Reply<'_>) {
        let mut output = self.output();
        if frames::append(&mut output, request, reply).is_err() {
            // No reply is too long for a frame in the first place, and a refusal always fits.
            let _ = frames::append(&mut output, request, &Reply::Refused(Refusal::TooLarge));
        }
    }

    /// Writes all answers that are there, also those of other threads, and wipes them.
    fn write(&self) -> Result<(), CrewError> {
        let mut output = self.output();
        while !output.is_empty() {
            let count = uninterrupted(|| write(&self.stream, output.filled()))?;
            output.consume(count);
        }
        Ok(())
    }

    fn input(&self) -> MutexGuard<'_, Input> {
        self.input.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn output(&self) -> MutexGuard<'_, Buffer> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since when this thread has answers that are not written.
struct Unwritten {
    since: Option<Instant>,
}

fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => (),
            result => return result,
        }
    }
}

/// Why the process cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CrewError {
    /// The far end does not send frames of this version.
    #[error(transparent)]
    Broken(#[from] BrokenStream),
    /// A connection cannot be read or written.
    #[error("a connection failed: {0}")]
    Connection(#[from] Errno),
}

/// What waits longer than so many others before it is better refused: the caller may have another member to ask.
const MOST_WAITING_A_THREAD: usize = 128;
const WRITE_AFTER: Duration = Duration::from_micros(250);
/// In nanoseconds.
const WORTH_ANOTHER: u64 = 200_000;
/// In nanoseconds: of no command is it assumed beforehand that it is quick.
const SLOW: u64 = 1_000_000;
const BUFFER: usize = 2 * MAX_FRAME;

//! The loop behind one work connection: read what is there, answer every complete command, write the answers at once.
//!
//! A frame that holds no command is answered with a refusal. A stream that holds no frames ends the process. Slow commands are handed
//! over to the generator, which answers on the same connection later.

use crate::Engine;
use crate::generator::Generator;
use frames::{BrokenStream, Buffer, Frame, MAX_FRAME, RequestId, append};
use keys::AccountId;
use module_api::{Command, Refusal, Reply};
use rustix::io::{Errno, read, write};
use std::mem::ManuallyDrop;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

/// A work connection. One thread reads; whoever writes, writes whole frames. It is never closed: to close a descriptor is not on the
/// list of system calls.
#[derive(Debug)]
pub struct Connection {
    stream: ManuallyDrop<OwnedFd>,
    writing: Mutex<()>,
}

impl Connection {
    /// The connection over that stream.
    #[must_use]
    pub fn new(stream: OwnedFd) -> Arc<Self> {
        Arc::new(Self { stream: ManuallyDrop::new(stream), writing: Mutex::new(()) })
    }

    /// Writes all that is in the buffer, and wipes it there.
    pub(crate) fn write(&self, output: &mut Buffer) -> Result<(), Errno> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        while !output.is_empty() {
            let count = uninterrupted(|| write(&*self.stream, output.filled()))?;
            output.consume(count);
        }
        Ok(())
    }

    fn read(&self, input: &mut Buffer) -> Result<usize, Errno> {
        let count = uninterrupted(|| read(&*self.stream, &mut *input.room(MAX_FRAME)))?;
        input.fill(count);
        Ok(count)
    }
}

/// Serves until the far end closes.
pub fn serve(
    connection: &Arc<Connection>,
    engine: &mut Engine,
    generator: &Generator,
) -> Result<(), DoorError> {
    let mut input = Buffer::with_capacity(BUFFER);
    let mut output = Buffer::with_capacity(BUFFER);
    while connection.read(&mut input)? != 0 {
        while let Some(frame) = Frame::first(input.filled())? {
            let length = frame.length;
            let hand_over = |account| {
                generator.hand_over(connection, input.filled().get(..length).unwrap_or_default(), account)
            };
            take(&frame, engine, hand_over, &mut output);
            input.consume(length);
            if output.filled().len() >= FULL {
                connection.write(&mut output)?;
            }
        }
        connection.write(&mut output)?;
    }
    Ok(())
}

/// Answers the command in a frame, or hands it over if it is a slow one.
fn take(
    frame: &Frame<'_>,
    engine: &mut Engine,
    hand_over: impl FnOnce(AccountId) -> Result<(), Refusal>,
    output: &mut Buffer,
) {
    let Ok(command) = frame.decode::<Command<'_>>() else {
        return refuse(frame.request, Refusal::Malformed, output);
    };
    match command.makes_rsa_keys_for().map(hand_over) {
        None => answer(frame.request, &command, engine, output),
        Some(Ok(())) => (),
        Some(Err(refusal)) => refuse(frame.request, refusal, output),
    }
}

/// Carries a command out and appends the answer.
pub(crate) fn answer(request: RequestId, command: &Command<'_>, engine: &mut Engine, output: &mut Buffer) {
    if engine.answer(command, |reply| append(output, request, reply)).is_err() {
        // No reply is too long for a frame in the first place.
        refuse(request, Refusal::TooLarge, output);
    }
}

/// Appends a refusal.
pub(crate) fn refuse(request: RequestId, refusal: Refusal, output: &mut Buffer) {
    // A refusal always fits.
    let _ = append(output, request, &Reply::Refused(refusal));
}

fn uninterrupted(mut call: impl FnMut() -> Result<usize, Errno>) -> Result<usize, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => (),
            result => return result,
        }
    }
}

/// Why a connection cannot be served further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DoorError {
    /// The far end does not send frames of this version.
    #[error(transparent)]
    Broken(#[from] BrokenStream),
    /// The connection cannot be read or written.
    #[error("the connection failed: {0}")]
    Connection(#[from] Errno),
}

const BUFFER: usize = 4 * MAX_FRAME;
/// So many bytes of answers are written without waiting for the last command.
const FULL: usize = 2 * MAX_FRAME;

//! The loop behind one work connection: read what is there, answer every complete command, write the answers at once.
//!
//! A frame that holds no command is answered with a refusal. A stream that holds no frames ends the process.

use crate::Engine;
use module_api::frame::{BrokenStream, Frame, MAX_FRAME, append};
use module_api::{Buffer, Refusal, Reply};
use rustix::io::{Errno, read, write};
use std::os::fd::AsFd;

/// Serves until the far end closes.
pub fn serve(connection: impl AsFd, engine: &mut Engine) -> Result<(), DoorError> {
    let mut input = Buffer::with_capacity(BUFFER);
    let mut output = Buffer::with_capacity(BUFFER);
    loop {
        let count = uninterrupted(|| read(&connection, &mut *input.room(MAX_FRAME)))?;
        if count == 0 {
            return Ok(());
        }
        input.fill(count);
        while let Some(frame) = Frame::first(input.filled())? {
            answer(&frame, engine, &mut output);
            let length = frame.length;
            input.consume(length);
            if output.filled().len() >= FULL {
                flush(&connection, &mut output)?;
            }
        }
        flush(&connection, &mut output)?;
    }
}

fn answer(frame: &Frame<'_>, engine: &mut Engine, output: &mut Buffer) {
    let given = match frame.decode() {
        Ok(command) => engine.answer(&command, |reply| append(output, frame.request, reply)),
        Err(_) => append(output, frame.request, &Reply::Refused(Refusal::Malformed)),
    };
    if given.is_err() {
        // A refusal always fits; no reply is too long for a frame in the first place.
        let _ = append(output, frame.request, &Reply::Refused(Refusal::TooLarge));
    }
}

fn flush(connection: impl AsFd, output: &mut Buffer) -> Result<(), DoorError> {
    while !output.is_empty() {
        let count = uninterrupted(|| write(&connection, output.filled()))?;
        output.consume(count);
    }
    Ok(())
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

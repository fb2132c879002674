//! One run of the process: start it, hand it its connections, hear whether it can serve.
//!
//! Its end of a socket pair is its standard input. Over it go the work connections; back comes one line, `ready` or why not. When
//! our end closes, the process ends.

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::ffi::OsString;
use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A program that runs beside the front end, and what its process is started with.
#[derive(Clone, Debug)]
pub struct Program {
    /// What it is called in messages and in the log, such as `the security module`.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Arguments that follow those, on the very first start only.
    pub arguments_at_first: Vec<OsString>,
    /// Its whole environment: nothing is handed down but this.
    pub environment: Vec<(OsString, OsString)>,
    /// The user that it runs as, if not ours. Takes a supervisor that runs as root.
    pub user: Option<User>,
    /// The longest pause between two starts.
    pub longest_pause: Duration,
}

/// A user of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// The number of its group, the only one that the process is in.
    pub gid: u32,
}

/// A process that said that it can serve.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) control: UnixStream,
    pub(crate) handle: OwnedFd,
}

/// Starts the program and gives it the far ends of as many connections as there are seats; the near ends come back.
pub(crate) fn launch(program: &Program, seats: usize) -> Result<(Running, Vec<UnixStream>), StartError> {
    let failed = |source| StartError::Io { name: program.name.clone(), source };
    let (control, theirs) = UnixStream::pair().map_err(failed)?;
    let mut child = spawn(program, theirs)?;
    match prepare(&child, control, seats) {
        Ok((running, near)) => Ok((Running { child, control: running.0, handle: running.1 }, near)),
        Err(error) => {
            let _ = child.kill();
            let status = child.wait().map_err(failed)?;
            let name = program.name.clone();
            Err(match error {
                Unready::Closed => StartError::Ended { name, status },
                Unready::Io(source) => StartError::Io { name, source },
                Unready::Refused(reason) => StartError::Refused { name, reason },
            })
        }
    }
}

fn spawn(program: &Program, control: UnixStream) -> Result<Child, StartError> {
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).args(&program.arguments_at_first);
    if let Some(User { uid, gid }) = program.user {
        command.gid(gid).uid(uid);
    }
    // A process group of its own: a Ctrl-C at our terminal is ours to answer, after the calls in flight.
    command.env_clear().envs(program.environment.iter().map(|(name, value)| (name, value)));
    command.process_group(0).stdin(OwnedFd::from(control)).stdout(Stdio::null());
    command.spawn().map_err(|source| StartError::NotStarted { path: program.path.clone(), source })
}

enum Unready {
    Closed,
    Io(io::Error),
    Refused(String),
}

type Prepared = ((UnixStream, OwnedFd), Vec<UnixStream>);

fn prepare(child: &Child, control: UnixStream, seats: usize) -> Result<Prepared, Unready> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(Unready::Closed)?;
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| Unready::Io(error.into()))?;
    let pairs: Vec<_> =
        (0..seats).map(|_| UnixStream::pair()).collect::<io::Result<_>>().map_err(Unready::Io)?;
    let (near, far): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    // A process that ended already says why below, or did not live to say it.
    let _ = send_connections(&control, &far);
    drop(far);
    await_ready(&control)?;
    Ok(((control, handle), near))
}

/// One byte, with the connections attached.
fn send_connections(control: &UnixStream, connections: &[UnixStream]) -> io::Result<()> {
    let descriptors: Vec<BorrowedFd<'_>> = connections.iter().map(AsFd::as_fd).collect();
    let message = SendAncillaryMessage::ScmRights(&descriptors);
    let mut space = vec![MaybeUninit::uninit(); message.size()];
    let mut attached = SendAncillaryBuffer::new(&mut space);
    if !attached.push(message) {
        return Err(io::Error::other("too many connections"));
    }
    sendmsg(control, &[IoSlice::new(b"c")], &mut attached, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn await_ready(mut control: &UnixStream) -> Result<(), Unready> {
    control.set_read_timeout(Some(READY_WITHIN)).map_err(Unready::Io)?;
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LONGEST_LINE {
        match control.read(&mut byte) {
            Ok(0) => return Err(Unready::Closed),
            Ok(_) if byte == *b"\n" => break,
            Ok(_) => line.extend(byte),
            // The kernel resets a connection whose far end closed with our byte unread.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(Unready::Closed),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => (),
            Err(error) => return Err(Unready::Io(error)),
        }
    }
    if line == b"ready" { Ok(()) } else { Err(Unready::Refused(String::from_utf8_lossy(&line).into_owned())) }
}

/// Why the process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It ended without a word.
    #[error("{name} ended before it could serve: {status}")]
    Ended {
        /// What the program is called.
        name: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A socket or the process could not be handled.
    #[error("{name} could not be started: {source}")]
    Io {
        /// What the program is called.
        name: String,
        /// What failed.
        source: io::Error,
    },
    /// The program could not be started.
    #[error("`{}` could not be started: {source}", path.display())]
    NotStarted {
        /// The program's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It said why it cannot serve.
    #[error("{name} cannot serve: {reason}")]
    Refused {
        /// What the program is called.
        name: String,
        /// What it said.
        reason: String,
    },
}

const READY_WITHIN: Duration = Duration::from_secs(10);
const LONGEST_LINE: usize = 4096;

//! One run of the module's process: start it, hand it its connections, hear whether it can serve.
//!
//! Its end of a socket pair is its standard input. Over it go the work connections; back comes one line, `ready` or why not. When
//! our end closes, the module ends.

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// What the module's process is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The program, `cardea-module`.
    pub program: PathBuf,
    /// The file of the key that seals the domain key. Only the module reads it.
    pub seal_file: PathBuf,
    /// The file of the sealed domain key. Only the module reads it.
    pub domain_file: PathBuf,
    /// Whether missing files are made. True on the very first start only: a domain key that is made anew opens no old token.
    pub initialise: bool,
    /// The user that the module runs as; the files must belong to it. Takes a supervisor that runs as root.
    pub user: Option<User>,
}

/// A user of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub uid: u32,
    /// The number of its group, the only one that the module is in.
    pub gid: u32,
}

/// A process that said that it can serve.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) control: UnixStream,
    pub(crate) handle: OwnedFd,
}

/// Starts the module and gives it the far ends of as many connections as there are workers; the near ends come back.
pub(crate) fn launch(config: &Config, workers: usize) -> Result<(Running, Vec<UnixStream>), StartError> {
    let (control, theirs) = UnixStream::pair()?;
    let mut child = spawn(config, theirs)?;
    match prepare(&child, control, workers) {
        Ok((running, near)) => Ok((Running { child, control: running.0, handle: running.1 }, near)),
        Err(error) => {
            let _ = child.kill();
            let status = child.wait()?;
            Err(match error {
                Unready::Closed => StartError::Ended { status },
                Unready::Io(error) => StartError::Io(error),
                Unready::Refused(reason) => StartError::Refused { reason },
            })
        }
    }
}

fn spawn(config: &Config, control: UnixStream) -> Result<Child, StartError> {
    let mut command = Command::new(&config.program);
    command.arg("--seal-file").arg(&config.seal_file).arg("--domain-file").arg(&config.domain_file);
    if config.initialise {
        command.arg("--initialise");
    }
    if let Some(User { uid, gid }) = config.user {
        command.gid(gid).uid(uid);
    }
    // A process group of its own: a Ctrl-C at our terminal is ours to answer, after the calls in flight.
    command.env_clear().process_group(0).stdin(OwnedFd::from(control)).stdout(Stdio::null());
    command.spawn().map_err(|source| StartError::NotStarted { program: config.program.clone(), source })
}

enum Unready {
    Closed,
    Io(io::Error),
    Refused(String),
}

type Prepared = ((UnixStream, OwnedFd), Vec<UnixStream>);

fn prepare(child: &Child, control: UnixStream, workers: usize) -> Result<Prepared, Unready> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or(Unready::Closed)?;
    let handle = pidfd_open(pid, PidfdFlags::empty()).map_err(|error| Unready::Io(error.into()))?;
    let pairs: Vec<_> =
        (0..workers).map(|_| UnixStream::pair()).collect::<io::Result<_>>().map_err(Unready::Io)?;
    let (near, far): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    // A module that ended already says why below, or did not live to say it.
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

/// Why the module could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It ended without a word.
    #[error("the security module ended before it could serve: {status}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
    },
    /// A socket or the process could not be handled.
    #[error("the security module could not be started: {0}")]
    Io(#[from] io::Error),
    /// The program could not be started.
    #[error("`{}` could not be started: {source}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It said why it cannot serve.
    #[error("the security module cannot serve: {reason}")]
    Refused {
        /// What it said.
        reason: String,
    },
}

const READY_WITHIN: Duration = Duration::from_secs(10);
const LONGEST_LINE: usize = 4096;

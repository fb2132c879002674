//! The process's side of `sidecar`: what every process of ours beside the front end does before it serves.
//!
//! Standard input is the control connection. The supervisor sends the work connections over it and reads one line from it: `ready`,
//! or why not. When it closes, the process ends. No runtime, no threads, no memory of anything.

#![forbid(unsafe_code)]

use rustix::cmsg_space;
use rustix::io::{Errno, read};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, recvmsg};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};
use rustix::thread::set_no_new_privs;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::process::abort;

/// Has a panic end the process, whichever thread it is in, and the log say where it was.
pub fn abort_on_panic(program: &'static str) {
    std::panic::set_hook(Box::new(move |panic| {
        // Where, but not what: a message could hold a value.
        eprintln!("{program}: panic at {}", panic.location().map(ToString::to_string).unwrap_or_default());
        abort();
    }));
}

/// Before any secret is read: no new privileges, not dumpable (so not traceable either), no core file, and no life without the
/// supervisor.
pub fn harden() -> Result<(), Errno> {
    set_no_new_privs(true)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_parent_process_death_signal(Some(Signal::KILL))
}

/// Takes the work connections off the control connection: one byte, with them attached.
pub fn receive_connections(control: impl AsFd) -> Result<Vec<OwnedFd>, NoConnections> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_CONNECTIONS))];
    let mut attached = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received =
        recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut attached, RecvFlags::CMSG_CLOEXEC)
            .map_err(|_| NoConnections)?;
    let connections: Vec<OwnedFd> = attached
        .drain()
        .filter_map(
            |message| if let RecvAncillaryMessage::ScmRights(these) = message { Some(these) } else { None },
        )
        .flatten()
        .collect();
    let whole = received.bytes == 1 && !received.flags.contains(ReturnFlags::CTRUNC);
    if whole && !connections.is_empty() { Ok(connections) } else { Err(NoConnections) }
}

/// Returns when the supervisor is gone or wants the end.
pub fn await_end(control: impl AsFd) {
    let mut byte = [0];
    while !matches!(read(&control, &mut byte), Ok(0) | Err(Errno::CONNRESET | Errno::PIPE)) {}
}

/// No work connections came over the control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("standard input brings no connections; this program is started by `cardea serve`")]
pub struct NoConnections;

/// The most descriptors that Linux passes in one message.
const MOST_CONNECTIONS: usize = 253;

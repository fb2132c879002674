//! The process at the level of bytes: what a front end that does not keep to the protocol gets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that finds something else than expected fails"
)]

use module_api::frame::{Frame, MAX_FRAME, RequestId, append};
use module_api::{Buffer, Bytes, Command, Refusal, Reply};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::io::{IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::thread;
use tempfile::TempDir;

#[test]
fn a_frame_that_holds_no_command_is_answered_and_the_next_one_too() {
    let mut module = start();
    let mut bytes = framed(1, &Reply::Random(Bytes(&[0xff; 300]))).filled().to_vec();
    bytes.extend_from_slice(framed(2, &Command::Status).filled());
    module.work.write_all(&bytes).unwrap();
    let mut seen = Vec::new();
    module.read_replies(2, |request, reply| {
        seen.push((request.0, matches!(reply, Reply::Refused(Refusal::Malformed))));
    });
    assert_eq!(seen, [(1, true), (2, false)]);
}

#[test]
fn a_command_that_comes_byte_by_byte_is_answered() {
    let mut module = start();
    for byte in framed(7, &Command::Status).filled() {
        module.work.write_all(&[*byte]).unwrap();
    }
    module.read_replies(1, |request, reply| {
        assert_eq!(request, RequestId(7));
        assert!(matches!(reply, Reply::Status { .. }));
    });
}

#[test]
fn twenty_thousand_commands_at_once_are_all_answered() {
    let mut module = start();
    let mut commands = Vec::new();
    for request in 0..20_000 {
        commands
            .extend_from_slice(framed(request, &Command::GenerateRandom { number_of_bytes: 1024 }).filled());
    }
    let mut to = module.work.try_clone().unwrap();
    let writer = thread::spawn(move || to.write_all(&commands).unwrap());
    let mut next = 0;
    module.read_replies(20_000, |request, reply| {
        assert_eq!(request, RequestId(next));
        assert!(matches!(reply, Reply::Random(random) if random.0.len() == 1024));
        next += 1;
    });
    writer.join().unwrap();
}

#[test]
fn bytes_that_are_no_frames_end_the_process() {
    let too_long = u32::try_from(MAX_FRAME).unwrap().to_le_bytes();
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 4], &[0xff; 64], &too_long, b"\x09\0\0\0\x02\0\0\0\0\0\0\0\0"]
    {
        let mut module = start();
        module.work.write_all(bytes).unwrap();
        assert_eq!(module.child.wait().unwrap().code(), Some(1), "{bytes:?}");
    }
}

#[test]
fn it_ends_when_its_supervisor_lets_go_and_lives_on_when_one_worker_does() {
    let mut module = start();
    module.work.shutdown(Shutdown::Both).unwrap();
    while !module.sleeps_for_good() {
        thread::yield_now();
    }
    let mut other = module.other.try_clone().unwrap();
    other.write_all(framed(1, &Command::Status).filled()).unwrap();
    assert!(other.read(&mut [0; 64]).unwrap() > 0);
    module.control.shutdown(Shutdown::Both).unwrap();
    assert_eq!(module.child.wait().unwrap().code(), Some(0));
}

#[test]
fn started_by_hand_it_says_what_it_is_for_and_ends() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&["--seal-file", "a", "--domain-file", "b"][..], &["--help"], &[], &["--seal-file"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cardea-module"));
        let output = command.args(arguments).current_dir(&directory).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8(output.stderr).unwrap().contains("cardea serve"), "{arguments:?}");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 0, "it made files");
    }
}

struct Module {
    child: Child,
    control: UnixStream,
    work: UnixStream,
    other: UnixStream,
    _directory: TempDir,
}

impl Module {
    fn read_replies(&mut self, count: usize, mut each: impl FnMut(RequestId, Reply<'_>)) {
        let mut buffer = Buffer::with_capacity(MAX_FRAME);
        let mut left = count;
        while left > 0 {
            let read = self.work.read(buffer.room(MAX_FRAME)).unwrap();
            assert_ne!(read, 0, "the connection ended with {left} replies to come");
            buffer.fill(read);
            while let Some(frame) = Frame::first(buffer.filled()).unwrap() {
                each(frame.request, frame.decode().unwrap());
                left -= 1;
                let length = frame.length;
                buffer.consume(length);
            }
        }
    }
}

impl Module {
    /// Whether one thread waits for nothing: not in a read, as all do that still serve.
    fn sleeps_for_good(&self) -> bool {
        if !rustix::process::geteuid().is_root() {
            // What an undumpable process does is shown to root alone.
            return true;
        }
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let waits = |name: &str, path: std::path::PathBuf| std::fs::read_to_string(path.join(name)).unwrap();
        let calls: Vec<String> = threads.map(|thread| waits("syscall", thread.unwrap().path())).collect();
        assert_eq!(calls.len(), 3, "the threads are all there");
        calls.iter().any(|call| call.starts_with(&format!("{} ", libc::SYS_futex)))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start() -> Module {
    let directory = tempfile::tempdir().unwrap();
    let (mut control, theirs) = UnixStream::pair().unwrap();
    let ((work, far_work), (other, far_other)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
    let child = std::process::Command::new(env!("CARGO_BIN_EXE_cardea-module"))
        .arg("--seal-file")
        .arg(directory.path().join("seal"))
        .arg("--domain-file")
        .arg(directory.path().join("domain"))
        .arg("--initialise")
        .stdin(OwnedFd::from(theirs))
        .spawn()
        .unwrap();
    let descriptors = [far_work.as_fd(), far_other.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut attached = SendAncillaryBuffer::new(&mut space);
    assert!(attached.push(SendAncillaryMessage::ScmRights(&descriptors)));
    sendmsg(&control, &[IoSlice::new(b"c")], &mut attached, SendFlags::empty()).unwrap();
    let mut line = [0; 6];
    control.read_exact(&mut line).unwrap();
    assert_eq!(&line, b"ready\n");
    Module { child, control, work, other, _directory: directory }
}

fn framed(request: u64, body: &impl serde::Serialize) -> Buffer {
    let mut out = Buffer::with_capacity(0);
    if append(&mut out, RequestId(request), body).is_err() {
        panic!("the body is too long");
    }
    out
}

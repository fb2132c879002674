//! The process at the level of bytes: what a front end that does not keep to the protocol gets.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that finds something else than expected fails"
)]

use frames::{Buffer, Frame, MAX_FRAME, RequestId, append};
use keys::{KeyId, KeyOrigin, KeySpec, KeyUsage, WrappingAlgorithm, WrappingKeySpec};
use module_api::{Bytes, Command, NewKey, Refusal, Reply};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use std::borrow::Cow;
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
        commands.extend_from_slice(framed(request, &RANDOM).filled());
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
fn slow_commands_are_overtaken_and_all_are_answered_in_whole_frames() {
    let mut module = start();
    let mut commands = Vec::new();
    for request in 0..5000 {
        let slow = request < 4;
        let command = if slow { begin_import(WrappingKeySpec::Rsa3072) } else { RANDOM };
        commands.extend_from_slice(framed(request, &command).filled());
    }
    let mut to = module.work.try_clone().unwrap();
    let writer = thread::spawn(move || to.write_all(&commands).unwrap());
    let (mut slow, mut fast, mut fast_before_the_last_slow) = (Vec::new(), 0, 0);
    module.read_replies(5000, |request, reply| match reply {
        Reply::ImportParameters { public_key, .. } => {
            assert!(public_key.0.len() > 384);
            slow.push(request.0);
            fast_before_the_last_slow = fast;
        }
        Reply::Random(random) => {
            assert_eq!((request.0, random.0.len()), (fast + 4, 1024));
            fast += 1;
        }
        other => panic!("{other:?}"),
    });
    writer.join().unwrap();
    slow.sort_unstable();
    assert_eq!((slow, fast), (vec![0, 1, 2, 3], 4996));
    assert!(fast_before_the_last_slow > 4000, "{fast_before_the_last_slow}");
}

#[test]
fn of_more_slow_commands_than_can_wait_some_are_refused_at_once_and_fast_ones_go_on() {
    let mut module = start();
    for request in 0..400 {
        module.work.write_all(framed(request, &begin_import(WrappingKeySpec::Rsa4096)).filled()).unwrap();
    }
    module.work.write_all(framed(400, &Command::Status).filled()).unwrap();
    let (mut busy, mut answered) = (0, false);
    module.read_until(|_, reply| {
        match reply {
            Reply::Refused(Refusal::Busy) => busy += 1,
            Reply::Status { .. } => answered = true,
            Reply::ImportParameters { .. } => (),
            other => panic!("{other:?}"),
        }
        answered
    });
    // All of one account, of which 64 may wait.
    assert!((300..=336).contains(&busy), "{busy}");
}

#[test]
fn a_client_that_goes_before_its_slow_answers_come_harms_nobody() {
    let mut module = start();
    for request in 0..3 {
        module.work.write_all(framed(request, &begin_import(WrappingKeySpec::Rsa2048)).filled()).unwrap();
    }
    // The kernel has the commands; what else becomes of the connection is not their affair.
    module.work.write_all(framed(3, &Command::Status).filled()).unwrap();
    module.read_replies(1, |_, _| ());
    module.work.shutdown(Shutdown::Both).unwrap();
    module.other.write_all(framed(4, &begin_import(WrappingKeySpec::Rsa2048)).filled()).unwrap();
    std::mem::swap(&mut module.work, &mut module.other);
    module.read_replies(1, |request, reply| {
        assert_eq!(request, RequestId(4));
        assert!(matches!(reply, Reply::ImportParameters { .. }));
    });
}

/// What makes keys gives way to what does not: at the lowest priority, and never the work threads.
#[test]
fn only_the_threads_that_make_keys_have_the_lowest_priority() {
    let module = start();
    let mut priorities = std::collections::BTreeMap::new();
    for thread in std::fs::read_dir(format!("/proc/{}/task", module.child.id())).unwrap() {
        let stat = std::fs::read_to_string(thread.unwrap().path().join("stat")).unwrap();
        let (name, rest) = stat.rsplit_once(')').unwrap();
        // The fields behind the name begin with the third of proc_pid_stat(5); the niceness is the nineteenth.
        let nice: i32 = rest.split_whitespace().nth(16).unwrap().parse().unwrap();
        priorities.entry(name.split_once('(').unwrap().1.to_owned()).or_insert_with(Vec::new).push(nice);
    }
    let cores = thread::available_parallelism().unwrap().get();
    assert_eq!(priorities.remove("generate"), Some(vec![19; cores]));
    assert_eq!(priorities.remove("late"), Some(vec![8]));
    assert!(priorities.values().flatten().all(|&nice| nice == 0), "{priorities:?}");
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
        let mut left = count;
        self.read_until(|request, reply| {
            each(request, reply);
            left -= 1;
            left == 0
        });
    }

    /// Reads replies until the last of those that came together is the last.
    fn read_until(&mut self, mut is_last: impl FnMut(RequestId, Reply<'_>) -> bool) {
        let mut buffer = Buffer::with_capacity(MAX_FRAME);
        let mut ended = false;
        while !ended {
            let read = self.work.read(buffer.room(MAX_FRAME)).unwrap();
            assert_ne!(read, 0, "the connection ended with replies to come");
            buffer.fill(read);
            while let Some(frame) = Frame::first(buffer.filled()).unwrap() {
                ended = is_last(frame.request, frame.decode().unwrap());
                let length = frame.length;
                buffer.consume(length);
            }
        }
    }
}

impl Module {
    /// Whether one work thread waits for nothing: not in a read, as all do that still serve.
    fn sleeps_for_good(&self) -> bool {
        if !rustix::process::geteuid().is_root() {
            // What an undumpable process does is shown to root alone.
            return true;
        }
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let waits = |name: &str, path: std::path::PathBuf| std::fs::read_to_string(path.join(name)).unwrap();
        let calls: Vec<String> = threads
            .map(|thread| thread.unwrap().path())
            .filter(|thread| waits("comm", thread.clone()) == "work\n")
            .map(|thread| waits("syscall", thread))
            .collect();
        assert_eq!(calls.len(), 2, "the work threads are there");
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

fn begin_import(spec: WrappingKeySpec) -> Command<'static> {
    let key = NewKey {
        account: "123456789012".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        key_id: KeyId::single_region([1; 16]),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: KeyOrigin::External,
    };
    let algorithm = WrappingAlgorithm::RsaesOaepSha256;
    Command::BeginImport { key: Cow::Owned(key), algorithm, spec, valid_to: 0 }
}

const RANDOM: Command<'static> = Command::GenerateRandom { number_of_bytes: 1024, recipient: None };

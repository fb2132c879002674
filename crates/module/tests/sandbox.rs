//! The filter holds: a process that closes the very filter of the module over itself dies of the first call that is not on the list.
//!
//! Each case runs this test program again as a child, which closes the filter and makes the call.

#![expect(clippy::unwrap_used, reason = "a child that cannot be started fails the test")]

use module::sandbox;
use rustix::process::{Pid, Signal};
use std::fs::File;
use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, exit};
use std::sync::mpsc::channel;
use std::{env, fs, thread};

/// What a child does once the filter is closed.
type Act = fn();

const FORBIDDEN: &[(&str, Act)] = &[
    ("connect", || drop(TcpStream::connect("127.0.0.1:9"))),
    ("listen", || drop(TcpListener::bind("127.0.0.1:0"))),
    ("send a datagram", || drop(UdpSocket::bind("127.0.0.1:0"))),
    ("connect to a Unix socket", || drop(UnixStream::connect("/tmp/nothing"))),
    ("make a socket pair", || drop(UnixStream::pair())),
    ("open a file", || drop(File::open("/etc/hostname"))),
    ("write a file", || drop(fs::write("/tmp/cardea-sandbox-test", b"x"))),
    ("look at a file", || drop(fs::metadata("/etc/hostname"))),
    ("list a directory", || drop(fs::read_dir("/"))),
    ("remove a file", || drop(fs::remove_file("/tmp/cardea-sandbox-test"))),
    ("run a program", || drop(Command::new("/bin/true").status())),
    ("start a thread", || drop(thread::spawn(|| ()))),
    ("signal another process", || {
        let _ = rustix::process::kill_process(Pid::INIT, Signal::CONT);
    }),
    ("become dumpable", || {
        let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable);
    }),
    ("outlive its supervisor", || {
        let _ = rustix::process::set_parent_process_death_signal(None);
    }),
    ("change directory", || drop(env::set_current_dir("/"))),
    ("receive descriptors", || {
        let mut buffer = [0];
        let _ = rustix::net::recv(std::io::stdin(), &mut buffer, rustix::net::RecvFlags::empty());
    }),
];

const ALLOWED: &[(&str, Act)] = &[
    ("nothing", || ()),
    ("read", || drop(std::io::stdin().read(&mut [0; 16]))),
    ("write", || eprintln!("a line of the log")),
    ("take and give back much memory", || {
        let mut memory = vec![1_u8; 1 << 20];
        memory.resize(64 << 20, 2);
        drop(memory);
    }),
    ("take and give back much memory in small pieces, in a thread that is not the first", || {
        drop(std::hint::black_box(vec![vec![1_u8; 64 << 10]; 64]));
    }),
    ("draw so much randomness that the generator seeds itself again", || {
        for _ in 0..20_000 {
            let _ = module::algorithms::random::array::<32>();
        }
    }),
    ("wait for another thread", || {
        let (sender, receiver) = channel::<()>();
        drop(sender);
        let _ = receiver.recv();
    }),
];

#[test]
fn a_call_that_is_not_on_the_list_kills_the_process() {
    for (name, _) in FORBIDDEN {
        let status = child(name);
        assert_eq!(status.signal(), Some(Signal::SYS.as_raw()), "to {name} ended in: {status}");
    }
}

#[test]
fn what_the_module_does_while_it_serves_is_on_the_list() {
    for (name, _) in ALLOWED {
        let status = child(name);
        assert_eq!(status.code(), Some(SURVIVED), "to {name} ended in: {status}");
    }
}

#[test]
#[ignore = "is run by the other tests, as a child with a case to act out"]
fn act_out_one_case() {
    let Ok(name) = env::var(CASE) else { return };
    let act = FORBIDDEN.iter().chain(ALLOWED).find(|(case, _)| *case == name).map(|(_, act)| act).unwrap();
    // As in the module: a thread's random generator is set up before the filter is closed.
    module::algorithms::random::array::<32>().unwrap();
    sandbox::close().unwrap();
    act();
    exit(SURVIVED);
}

fn child(case: &str) -> ExitStatus {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "act_out_one_case", "--include-ignored", "--nocapture"]).env(CASE, case);
    command.output().unwrap().status
}

const CASE: &str = "CARDEA_SANDBOX_CASE";
const SURVIVED: i32 = 42;

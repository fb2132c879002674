//! The other process: this test binary, started once more to play one of these roles.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use storage::{Embedded, Revision, StorageError};

use super::crash::{Writer, options};
use super::{commit, commits_after, contents, newest, open, put};

const ROLE: &str = "STORAGE_TEST_ROLE";
const DIRECTORY: &str = "STORAGE_TEST_DIRECTORY";

#[test]
#[ignore = "the other process of the tests beside it, which start it"]
fn child() {
    let directory = env::var_os(DIRECTORY).unwrap();
    let directory = Path::new(&directory);
    match env::var(ROLE).unwrap().as_str() {
        "hold" => hold(directory),
        "overflow" => overflow(directory),
        "shred" => shred(directory),
        "surpass" => surpass(directory),
        "write" => write(directory),
        role => panic!("no role `{role}`"),
    }
}

/// The command that starts it, and what else it takes: `wrapper`, if not empty, is a program and its first arguments.
pub fn command(role: &str, directory: &Path, wrapper: &[&str]) -> Command {
    let own = env::current_exe().unwrap();
    let mut words = wrapper.iter().map(OsStr::new).chain([own.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["child::child", "--exact", "--ignored", "--nocapture"]);
    command.env(ROLE, role).env(DIRECTORY, directory);
    command
}

/// Starts it with pipes.
pub fn start(role: &str, directory: &Path, wrapper: &[&str]) -> Child {
    let mut command = command(role, directory, wrapper);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Says a line to the parent, at once and in one piece.
fn say(line: &str) {
    io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
    io::stdout().lock().flush().unwrap();
}

fn listen() {
    io::stdin().lock().read_line(&mut String::new()).unwrap();
}

fn hold(directory: &Path) {
    let _store = open(directory);
    say("ready");
    listen();
}

fn shred(directory: &Path) {
    let store = open(directory);
    say("ready");
    super::shredding::change_and_shred(&store)
}

/// Writers that never end; each says what was acknowledged.
fn write(directory: &Path) {
    let store = Embedded::open(directory, &options()).unwrap();
    thread::scope(|scope| {
        for writer in Writer::all() {
            scope.spawn(|| write_as(&store, writer));
        }
    });
}

fn write_as(store: &Embedded, mut writer: Writer) {
    writer.resume(store);
    loop {
        let revision = commit(store, writer.next()).unwrap();
        say(&format!("ack {} {} {revision}", writer.name, writer.count));
    }
}

/// On a small disk: fills it, then makes room.
fn overflow(directory: &Path) {
    let ballast = directory.join("ballast");
    fs::write(&ballast, vec![0; 10 << 20]).unwrap();
    let store = open(&directory.join("store"));
    let mut made = write_until_failure(&store, |error: &StorageError| matches!(error, StorageError::Full));
    assert_only(&store, made);
    fs::remove_file(&ballast).unwrap();
    commit(&store, pair(0, made[0])).unwrap();
    made[0] += 1;
    assert_only(&store, made);
    store.close().unwrap();
    assert_only(&open(&directory.join("store")), made);
}

/// Under a limit of file size, which makes writes fail with an error that SQLite cannot explain.
fn surpass(directory: &Path) {
    let store = open(directory);
    // The second, if not even the page that settles the failed commit fits under the limit.
    let failed = |error: &StorageError| {
        matches!(error, StorageError::Engine { .. } | StorageError::Undetermined { .. })
    };
    let mut made = write_until_failure(&store, failed);
    assert_only(&store, made);
    assert!(commit(&store, pair(0, made[0])).is_err());
    say("failed");
    listen();
    commit(&store, pair(0, made[0])).unwrap();
    made[0] += 1;
    assert_only(&store, made);
    drop(store);
    assert_only(&open(directory), made);
}

/// How many pairs each of those who write has made.
type Made = [u64; 4];

/// All write at once until each has failed as expected.
fn write_until_failure(store: &Embedded, expected: fn(&StorageError) -> bool) -> Made {
    thread::scope(|scope| {
        let write = |writer| {
            scope.spawn(move || {
                let mut number = 0;
                let error = loop {
                    match commit(store, pair(writer, number)) {
                        Ok(_) => number += 1,
                        Err(error) => break error,
                    }
                };
                assert!(expected(&error), "{error:?}");
                number
            })
        };
        [0, 1, 2, 3].map(write).map(|writing| writing.join().unwrap())
    })
}

fn pair(writer: u64, number: u64) -> Vec<storage::Change> {
    ["a", "b"].map(|part| put(format!("{writer}/{part}/{number:05}"), [1; 30_000])).to_vec()
}

/// That there are the first so many pairs of each and nothing else.
fn assert_only(store: &Embedded, made: Made) {
    let stored: Vec<_> = contents(store).unwrap().into_keys().collect();
    let keys = |writer: usize, part| (0..made[writer]).map(move |at| format!("{writer}/{part}/{at:05}"));
    let expected: Vec<_> =
        (0..made.len()).flat_map(|writer| keys(writer, "a").chain(keys(writer, "b"))).collect();
    assert!(stored == expected, "{} stored, {} expected", stored.len(), expected.len());
    assert_eq!(newest(store).0, made.iter().sum());
    assert_eq!(commits_after(store, Revision::EMPTY).unwrap().len() as u64, newest(store).0);
}

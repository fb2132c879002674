//! The other process: this test binary, started once more to play one of these roles.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use storage::{Embedded, StorageError};

use super::crash::{Writer, options};
use super::{commit, contents, open, put};

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
    let (made, error) = write_until_failure(&store);
    assert!(matches!(error, StorageError::Full), "{error:?}");
    assert_only(&store, made);
    fs::remove_file(&ballast).unwrap();
    let revision = commit(&store, pair(made)).unwrap();
    assert_eq!(revision.0, made + 1);
    assert_only(&store, made + 1);
    store.close().unwrap();
    assert_only(&open(&directory.join("store")), made + 1);
}

/// Under a limit of file size, which makes writes fail with an error that SQLite cannot explain.
fn surpass(directory: &Path) {
    let store = open(directory);
    let (made, error) = write_until_failure(&store);
    // The second, if not even the page that settles it fits under the limit.
    let explained = matches!(error, StorageError::Engine { .. } | StorageError::Undetermined { .. });
    assert!(explained, "{error:?}");
    assert_only(&store, made);
    assert!(commit(&store, pair(made)).is_err());
    say("failed");
    listen();
    let revision = commit(&store, pair(made)).unwrap();
    assert_eq!(revision.0, made + 1);
    assert_only(&store, made + 1);
    drop(store);
    assert_only(&open(directory), made + 1);
}

fn write_until_failure(store: &Embedded) -> (u64, StorageError) {
    let mut made = 0;
    loop {
        match commit(store, pair(made)) {
            Ok(_) => made += 1,
            Err(error) => return (made, error),
        }
    }
}

fn pair(number: u64) -> Vec<storage::Change> {
    vec![put(format!("a/{number:05}"), [1; 30_000]), put(format!("b/{number:05}"), [2; 30_000])]
}

/// That there are the first so many pairs and nothing else.
fn assert_only(store: &Embedded, made: u64) {
    let stored: Vec<_> = contents(store).unwrap().into_keys().collect();
    let keys = |prefix| (0..made).map(move |number| format!("{prefix}/{number:05}"));
    let expected: Vec<_> = keys("a").chain(keys("b")).collect();
    assert!(stored == expected, "{} stored, {} expected", stored.len(), expected.len());
    assert_eq!(super::newest(store).0, made);
    assert_eq!(super::commits_after(store, storage::Revision::EMPTY).unwrap().len() as u64, made);
}

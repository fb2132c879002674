//! A disk that is full, one that stops in the middle of a write, and one that takes no direct writes.
//!
//! Children live in namespaces of their own, where they may mount file systems, or under a limit on the length of files.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use audit::{Appender, Journal, JournalError, verify};

use crate::common::{SHORT, append_together, child, counts, directory_of_child, record, run, segments};

#[test]
fn a_full_disk_refuses_calls_before_it_fails_them_and_recovers() {
    run_on("tmpfs -o size=512k", "refusing_disk::full_disk");
}

#[test]
#[ignore = "the child of a test"]
fn full_disk() {
    let directory = directory_of_child();
    let ballast = directory.join("ballast");
    fs::write(&ballast, vec![0; 256 * 1024]).unwrap();
    let journal = Journal::open(&directory.join("journal"), SHORT).unwrap();
    let appender = journal.appender();
    let (refused_from, failed) = run(append_until_failure(&journal, &appender));
    assert!(failed > refused_from + 5, "refused from {refused_from}, failed at {failed}");
    assert!(!journal.healthy());
    fs::remove_file(&ballast).unwrap();
    let after = recovers(&journal, &appender, failed, &directory.join("journal"));
    journal.close();
    holds_exactly(&directory.join("journal"), failed, after);
}

#[test]
fn a_write_that_stops_half_way_leaves_no_gap_and_no_fork() {
    let directory = tempfile::tempdir().unwrap();
    succeeds(&mut without_sigxfsz("refusing_disk::stopped_write", directory.path()));
}

#[test]
#[ignore = "the child of a test"]
fn stopped_write() {
    let directory = directory_of_child();
    let journal = Journal::open(&directory, SHORT).unwrap();
    let appender = journal.appender();
    run(appender.append(record("0"))).unwrap();
    limit_file_length("4608");
    // This batch does not fit in what may still be written.
    let failed =
        run(append_together(&appender, (0..50).map(|id| record(&format!("failed-{id}"))))).unwrap_err();
    assert!(matches!(failed, JournalError::Io { action: "write", .. }), "{failed}");
    assert!(!journal.healthy());
    limit_file_length("unlimited");
    let after = recovers(&journal, &appender, 1, &directory);
    journal.close();
    holds_exactly(&directory, 1, after);
    assert_eq!(verify(&directory).unwrap().torn_tail, None);
}

#[test]
fn a_process_that_dies_after_a_write_stopped_half_way_leaves_a_journal_that_opens() {
    let directory = tempfile::tempdir().unwrap();
    let status =
        without_sigxfsz("refusing_disk::stopped_for_good", directory.path()).output().unwrap().status;
    assert_eq!(status.signal(), Some(6), "{status}");
    assert_eq!(verify(directory.path()).unwrap().records, 1);
    let journal = Journal::open(directory.path(), SHORT).unwrap();
    run(journal.appender().append(record("1"))).unwrap();
    journal.close();
    holds_exactly(directory.path(), 2, 2);
}

#[test]
#[ignore = "the child of a test"]
fn stopped_for_good() {
    let journal = Journal::open(&directory_of_child(), SHORT).unwrap();
    let appender = journal.appender();
    run(appender.append(record("0"))).unwrap();
    limit_file_length("4608");
    run(append_together(&appender, (0..50).map(|id| record(&format!("failed-{id}"))))).unwrap_err();
    std::process::abort();
}

#[test]
fn a_file_system_without_direct_writes_is_written_through_its_cache() {
    run_on("ramfs", "refusing_disk::cached_writes");
}

#[test]
#[ignore = "the child of a test"]
fn cached_writes() {
    let directory = directory_of_child();
    for round in 0..3_u32 {
        let journal = Journal::open(&directory, SHORT).unwrap();
        let ids = |batch: u32| (0..20).map(move |id| record(&(round * 400 + batch * 20 + id).to_string()));
        (0..20).for_each(|batch| run(append_together(&journal.appender(), ids(batch))).unwrap());
        journal.close();
    }
    holds_exactly(&directory, 1200, 1200);
    let text = fs::read_to_string(&segments(&directory)[0]).unwrap();
    assert!(
        text.starts_with("{\"journal\":{\"version\":1,\"block\":4096,"),
        "this file system takes direct writes"
    );
}

/// Appends `0`, `1` … until it fails. Says before which one the journal said that it is not healthy, and which one failed.
async fn append_until_failure(journal: &Journal, appender: &Appender) -> (u32, u32) {
    let mut refused_from = None;
    for id in 0.. {
        if !journal.healthy() {
            refused_from.get_or_insert(id);
        }
        if appender.append(record(&id.to_string())).await.is_err() {
            return (refused_from.unwrap(), id);
        }
    }
    panic!("the disk never fills up")
}

/// Waits until the journal is healthy without anyone appending, appends a little, and says what number would be next.
fn recovers(journal: &Journal, appender: &Appender, next: u32, directory: &Path) -> u32 {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !journal.healthy() {
        assert!(Instant::now() < deadline, "the journal stays broken");
        std::thread::sleep(Duration::from_millis(5));
    }
    // A short batch covers little of what a failed write may have left behind it.
    run(appender.append(record(&(next + 1).to_string()))).unwrap();
    assert_eq!(verify(directory).unwrap().torn_tail, None);
    let after = next + 60;
    run(append_together(appender, (next + 2..after).map(|id| record(&id.to_string())))).unwrap();
    after
}

/// The journal holds `0` up to `after`, each once, but for `failed`, and nothing else.
fn holds_exactly(directory: &Path, failed: u32, after: u32) {
    let expected = (0..after).filter(|id| *id != failed).map(|id| (id.to_string(), 1)).collect();
    assert_eq!(counts(directory), expected);
    assert_eq!(verify(directory).unwrap().records as usize, expected.len());
}

/// Runs an ignored test on a file system of its own.
fn run_on(file_system: &str, test: &str) {
    let directory = tempfile::tempdir().unwrap();
    let inner = child(test, directory.path());
    let mount = format!("mount -t {file_system} none \"$JOURNAL\" && exec \"$0\" \"$@\"");
    let mut outer = Command::new("unshare");
    outer.args(["--user", "--map-root-user", "--mount", "sh", "-c", &mount]);
    outer.arg(inner.get_program()).args(inner.get_args());
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    succeeds(&mut outer);
}

/// Runs an ignored test in a process that does not die of the limit on its files' length.
fn without_sigxfsz(test: &str, directory: &Path) -> Command {
    let mut command = child(test, directory);
    command.env("IGNORED_SIGNALS", "XFSZ");
    command
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
    assert!(String::from_utf8_lossy(&said).contains("1 passed"), "the child ran no test");
}

/// Limits how long a file this process may write.
fn limit_file_length(bytes: &str) {
    let process = std::process::id().to_string();
    let limited =
        Command::new("prlimit").args(["--pid", &process, &format!("--fsize={bytes}:")]).status().unwrap();
    assert!(limited.success());
}

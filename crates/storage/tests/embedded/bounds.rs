//! What must not grow: the table of commits, and the log.

use std::fs;
use std::path::Path;

use storage::{Embedded, Options, Revision, Storage, StorageError};

use super::{commit, commits_after, put, wait};

#[test]
fn a_watch_reaches_back_as_far_as_commits_are_retained() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { retained_commits: 10, ..Options::default() };
    let store = Embedded::open(directory.path(), &options).unwrap();
    write(&store, 50, 1);
    assert_eq!(compacted(wait(store.watch(Revision(39))).err()), Revision(40));
    assert_eq!(commits_after(&store, Revision(40)).unwrap().len(), 10);
}

#[test]
fn a_watch_that_falls_too_far_behind_is_told_so() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { retained_commits: 10, ..Options::default() };
    let store = Embedded::open(directory.path(), &options).unwrap();
    let mut watch = wait(store.watch(Revision::EMPTY)).unwrap();
    write(&store, 50, 1);
    assert_eq!(compacted(wait(watch.next()).err()), Revision(40));
}

#[test]
fn fewer_retained_commits_take_hold_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    write(&super::open(directory.path()), 50, 1);
    let options = Options { retained_commits: 0, ..Options::default() };
    let store = Embedded::open(directory.path(), &options).unwrap();
    assert_eq!(commits_after(&store, Revision::EMPTY).unwrap().len(), 50);
    write(&store, 1, 1);
    assert_eq!(compacted(wait(store.watch(Revision::EMPTY)).err()), Revision(50));
    drop(store);
    assert_eq!(super::newest(&super::open(directory.path())), Revision(51));
}

#[test]
fn the_log_stays_short_under_writes_and_reads() {
    let directory = tempfile::tempdir().unwrap();
    let store = super::open(directory.path());
    write(&store, 64, 1 << 19);
    assert!(log_bytes(directory.path()) < 16 << 20, "{}", log_bytes(directory.path()));
}

#[test]
fn a_snapshot_that_holds_the_log_for_too_long_expires_and_the_log_stays_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { snapshot_log_bytes: 16 << 20, ..Options::default() };
    let store = Embedded::open(directory.path(), &options).unwrap();
    write(&store, 1, 1);
    let mut snapshot = wait(store.snapshot()).unwrap();
    write(&store, 4, 1 << 19);
    assert_eq!(wait(snapshot.next(1)).unwrap().len(), 1);
    write(&store, 60, 1 << 19);
    assert!(matches!(wait(snapshot.next(1)), Err(StorageError::Expired)));
    assert!(log_bytes(directory.path()) < 24 << 20, "{}", log_bytes(directory.path()));
    assert_eq!(wait(wait(store.snapshot()).unwrap().next(1)).unwrap().len(), 1);
}

fn write(store: &Embedded, times: u64, bytes: usize) {
    for number in 0..times {
        commit(store, vec![put(format!("{}", number % 8), vec![0; bytes])]).unwrap();
    }
}

fn compacted(error: Option<StorageError>) -> Revision {
    match error {
        Some(StorageError::Compacted { oldest }) => oldest,
        other => panic!("{other:?}"),
    }
}

fn log_bytes(directory: &Path) -> u64 {
    fs::metadata(directory.join("store.db-wal")).unwrap().len()
}

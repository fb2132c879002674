//! The directory, the files, the lock and the version of what is in them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process;

use rusqlite::Connection;
use storage::{Embedded, Options, Storage, StorageError};

use super::{child, commit, open, put, wait};

#[test]
fn only_the_owner_may_read_what_is_made() {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("a/store");
    let store = open(&directory);
    commit(&store, vec![put("a", "1")]).unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(directory.clone()), 0o700);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    for file in files {
        assert_eq!(mode(file.clone()), 0o600, "{file:?}");
    }
}

#[test]
fn a_second_process_is_refused_and_told_who_the_first_is() {
    let directory = tempfile::tempdir().unwrap();
    let mut holder = child::start("hold", directory.path(), &[]);
    let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().ends_with("ready")));
    let error = Embedded::open(directory.path(), &Options::default()).unwrap_err();
    let said = format!("the store in `{}` is in use by process {}", directory.path().display(), holder.id());
    assert_eq!(error.to_string(), said);
    holder.kill().unwrap();
    holder.wait().unwrap();
    open(directory.path());
}

#[test]
fn a_second_opening_in_the_same_process_is_refused_too() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let error = Embedded::open(directory.path(), &Options::default()).unwrap_err();
    let own = process::id();
    assert!(matches!(error, StorageError::Locked { pid: Some(pid), .. } if pid == own), "{error:?}");
    commit(&store, vec![put("a", "1")]).unwrap();
    drop(store);
    assert!(wait(open(directory.path()).get(b"a")).unwrap().is_some());
}

#[test]
fn a_store_of_a_newer_release_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path()).close().unwrap();
    let file = directory.path().join("store.db");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 3).unwrap();
    let before = fs::read(&file).unwrap();
    let error = Embedded::open(directory.path(), &Options::default()).unwrap_err();
    assert!(matches!(error, StorageError::Newer { found: 3, known: 2, .. }), "{error:?}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_not_a_store_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let another = directory.path().join("another.db");
    Connection::open(&another).unwrap().execute_batch("CREATE TABLE t (c)").unwrap();
    for foreign in [fs::read(another).unwrap(), vec![b'x'; 9000]] {
        fs::write(&file, &foreign).unwrap();
        let error = Embedded::open(directory.path(), &Options::default()).unwrap_err();
        assert!(matches!(error, StorageError::Foreign { .. }), "{error:?}");
        assert_eq!(fs::read(&file).unwrap(), foreign);
    }
}

#[test]
fn a_closed_store_leaves_one_file_without_a_log() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    commit(&store, vec![put("a", "1")]).unwrap();
    let _held_on = wait(store.snapshot()).unwrap();
    store.close().unwrap();
    assert!(directory.path().join("store.db").exists());
    assert!(!directory.path().join("store.db-wal").exists());
}

#[test]
fn what_was_begun_before_the_end_is_refused_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    commit(&store, vec![put("a", "1")]).unwrap();
    let mut watch = wait(store.watch(super::newest(&store))).unwrap();
    let mut snapshot = wait(store.snapshot()).unwrap();
    drop(store);
    assert!(matches!(wait(watch.next()), Err(StorageError::Closed)));
    assert!(matches!(wait(snapshot.next(1)), Err(StorageError::Closed)));
}

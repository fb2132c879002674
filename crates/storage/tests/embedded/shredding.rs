//! That nothing is left of values that are no more: every file of the store is read byte for byte.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use storage::{Bytes, Change, Commit, Embedded, Options, Revision, Storage, StorageError};

use super::{child, commit, contents, delete, newest, open, put, random, wait};

/// The bytes of a value that are looked for: as long as the shortest piece of a secret that is worth anything.
const MARK_BYTES: usize = 16;

#[test]
fn nothing_is_left_of_deleted_and_replaced_values() {
    for round in 0..10 {
        let directory = tempfile::tempdir().unwrap();
        let store = open(directory.path());
        let mut gone = Gone::default();
        for _ in 0..100 + round * 20 {
            gone.change_something(&store);
        }
        wait(store.shred()).unwrap();
        gone.assert_none_is_in(directory.path());
        assert_sound(store, directory.path(), gone.values.len());
        gone.assert_none_is_in(directory.path());
    }
}

/// SQLite itself leaves some here: rows whose lengths change make it build pages anew.
#[test]
fn nothing_is_left_of_rows_that_were_moved() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut gone = Gone::default();
    for _ in 0..800 {
        let before = contents(&store).unwrap();
        let changes: Vec<_> = (0..8).map(|part| put(format!("{part}/{}", random(40)), new_value())).collect();
        let replaced = changes.iter().filter_map(|change| before.get(change.key()));
        gone.gone.extend(replaced.map(|(value, _)| value.to_vec()));
        commit(&store, changes).unwrap();
    }
    wait(store.shred()).unwrap();
    gone.assert_none_is_in(directory.path());
}

#[test]
fn nothing_is_left_when_the_log_was_folded_and_begun_anew_in_between() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut gone = Gone::default();
    for _ in 0..30 {
        for _ in 0..10 {
            gone.change_something(&store);
        }
        commit(&store, vec![put("ballast", vec![0; 1 << 20])]).unwrap();
    }
    wait(store.shred()).unwrap();
    gone.assert_none_is_in(directory.path());
    assert_sound(store, directory.path(), gone.values.len() + 1);
}

#[test]
fn a_closed_store_has_nothing_left() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    let mut gone = Gone::default();
    for _ in 0..200 {
        gone.change_something(&store);
    }
    store.close().unwrap();
    gone.assert_none_is_in(directory.path());
}

/// Killed at a random instant of changing and shredding.
#[test]
fn what_a_crash_left_undone_is_done_by_the_next_shredding() {
    let directory = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let mut child = child::start("shred", directory.path(), &[]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().ends_with("ready")));
        std::thread::sleep(Duration::from_micros(random(50_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(directory.path());
        wait(store.shred()).unwrap();
        let values: Vec<_> = contents(&store).unwrap().into_values().map(|(value, _)| value).collect();
        let kept: HashSet<&[u8]> = values.iter().flat_map(|value| value.chunks_exact(MARK_BYTES)).collect();
        // A mark tells that it is one: so those of values that nobody but the child knew are found too.
        for (name, bytes) in files(directory.path()) {
            for mark in bytes.windows(MARK_BYTES).filter(|window| is_mark(window)) {
                assert!(kept.contains(mark), "{name}: {}", mark.escape_ascii());
            }
        }
        store.close().unwrap();
    }
}

#[test]
fn a_crash_before_shredding_leaves_nothing_after_it() {
    let directory = tempfile::tempdir().unwrap();
    let (original, copy) = (directory.path().join("original"), directory.path().join("copy"));
    let store = open(&original);
    let mut gone = Gone::default();
    for _ in 0..300 {
        gone.change_something(&store);
    }
    fs::create_dir(&copy).unwrap();
    for name in ["store.db", "store.db-wal"] {
        fs::copy(original.join(name), copy.join(name)).unwrap();
    }
    assert!(gone.found_in(&copy).is_some(), "there was nothing to shred");
    let reopened = open(&copy);
    wait(reopened.shred()).unwrap();
    gone.assert_none_is_in(&copy);
}

#[test]
fn a_snapshot_holds_shredding_up_until_it_is_too_old() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { snapshot_age: Duration::from_millis(200), ..Options::default() };
    let store = Embedded::open(directory.path(), &options).unwrap();
    let mut gone = Gone::default();
    (0..20).for_each(|_| gone.change_something(&store));
    let mut snapshot = wait(store.snapshot()).unwrap();
    (0..20).for_each(|_| gone.change_something(&store));
    assert!(matches!(wait(store.shred()), Err(StorageError::Held)));
    while !matches!(wait(snapshot.next(1)), Err(StorageError::Expired)) {
        // The clock is what is waited for.
        std::thread::sleep(Duration::from_millis(10));
        drop(wait(store.shred()));
    }
    wait(store.shred()).unwrap();
    gone.assert_none_is_in(directory.path());
}

#[test]
fn a_store_of_version_1_loses_the_values_of_its_commits_and_keeps_its_entries_and_revision() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    commit(&store, vec![put("a", "kept")]).unwrap();
    store.close().unwrap();
    let file = directory.path().join("store.db");
    let old = Connection::open(&file).unwrap();
    old.execute("UPDATE commits SET changes = ?1", [&b"\x01\x01\0\0\0a\x10\0\0\0<mark 123456789>"[..]])
        .unwrap();
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let store = open(directory.path());
    assert_eq!(wait(store.get(b"a")).unwrap().unwrap().value, "kept");
    assert_eq!(newest(&store), Revision(2));
    assert!(files(directory.path()).iter().all(|(_, bytes)| !holds(bytes, b"<mark ")));
    assert_eq!(commit(&store, vec![put("b", "")]).unwrap(), Revision(3));
}

/// What the child does until it is killed.
pub fn change_and_shred(store: &Embedded) -> ! {
    let mut gone = Gone::default();
    loop {
        for _ in 0..random(40) {
            gone.change_something(store);
        }
        wait(store.shred()).unwrap();
    }
}

/// A store's values, and those that it had.
#[derive(Default)]
struct Gone {
    values: Vec<(String, Vec<u8>)>,
    gone: Vec<Vec<u8>>,
}

impl Gone {
    /// Several changes of every kind in one commit, of values of all sizes, in random places.
    fn change_something(&mut self, store: &Embedded) {
        let mut changes = Vec::new();
        for _ in 0..=random(6) {
            match random(3) {
                0 if !self.values.is_empty() => {
                    let (key, value) = self.values.swap_remove(random(self.values.len() as u64) as usize);
                    self.gone.push(value);
                    changes.push(delete(key));
                }
                1 if !self.values.is_empty() => {
                    let at = random(self.values.len() as u64) as usize;
                    let (key, value) = &mut self.values[at];
                    self.gone.push(std::mem::replace(value, new_value()));
                    changes.push(put(key, &value));
                }
                _ => {
                    let (key, value) = (format!("key/{:016x}", random(u64::MAX)), new_value());
                    changes.push(put(&key, &value));
                    self.values.push((key, value));
                }
            }
        }
        // A key that is changed twice is changed once more in a commit of its own.
        while !changes.is_empty() {
            let mut seen = HashSet::new();
            let (now, later): (Vec<Change>, Vec<Change>) =
                changes.into_iter().partition(|change| seen.insert(change.key().clone()));
            assert!(matches!(wait(store.commit(vec![], now)).unwrap(), Commit::Done(_)));
            changes = later;
        }
    }

    fn assert_none_is_in(&self, directory: &Path) {
        assert!(self.gone.len() > 1 || self.values.len() < 3);
        if let Some(found) = self.found_in(directory) {
            panic!("{found}");
        }
    }

    fn found_in(&self, directory: &Path) -> Option<String> {
        let marks: HashSet<&[u8]> =
            self.gone.iter().flat_map(|value| value.chunks_exact(MARK_BYTES)).collect();
        for (name, bytes) in files(directory) {
            let found = bytes.windows(MARK_BYTES).position(|window| marks.contains(window));
            if let Some(at) = found {
                return Some(format!("{name} at {at} (page {}, byte {})", at / 8192 + 1, at % 8192));
            }
        }
        None
    }
}

/// Made of marks, each another one.
fn new_value() -> Vec<u8> {
    let sizes = [1, 4, 10, 20, 60, 100, 1000];
    let most = sizes[random(sizes.len() as u64) as usize];
    let marks = (0..=random(most)).map(|_| format!("<m{:013x}>", random(1 << 52)));
    marks.collect::<String>().into_bytes()
}

fn is_mark(window: &[u8]) -> bool {
    let digits = window.strip_prefix(b"<m").and_then(|rest| rest.strip_suffix(b">"));
    digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// That SQLite finds its file whole, and the entries are all there.
fn assert_sound(store: Embedded, directory: &Path, entries: usize) {
    assert_eq!(contents(&store).unwrap().len(), entries);
    store.close().unwrap();
    let file = Connection::open(directory.join("store.db")).unwrap();
    let said: String = file.query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
}

fn files(directory: &Path) -> Vec<(String, Bytes)> {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    files.map(|file| (format!("{:?}", file.file_name()), fs::read(file.path()).unwrap().into())).collect()
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

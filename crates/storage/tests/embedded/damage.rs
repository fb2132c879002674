//! Bits that change on the disk: an error that says so, and never another answer.

use std::fs;
use std::ops::Range;
use std::path::Path;

use storage::{Embedded, Revision, Storage, StorageError};

use super::{Model, commit, commits_after, contents, open, put, wait};

#[test]
fn a_damaged_value_is_an_error_that_names_its_key() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    let file = directory.path().join("store.db");
    let whole = fs::read(&file).unwrap();
    let mut damaged = 0;
    // One place is the entry's; others are what SQLite left when it moved entries to other pages.
    for place in places(&whole, b"value-05") {
        flip(&file, &whole, place.start);
        let store = open(directory.path());
        match wait(store.get(b"key-05")) {
            Err(StorageError::Damaged { key }) if key == "key-05" => damaged += 1,
            answer => assert!(answer.unwrap().unwrap().value.starts_with(b"value-05-")),
        }
        assert!(wait(store.get(b"key-06")).unwrap().is_some());
    }
    assert_eq!(damaged, 1);
}

#[test]
fn no_flipped_bit_in_keys_values_or_commits_gives_a_wrong_answer() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path());
    let file = directory.path().join("store.db");
    let whole = fs::read(&file).unwrap();
    let expected = contents(&open(directory.path())).unwrap();
    let places = [places(&whole, b"key-1"), places(&whole, b"value-1")].concat();
    let mut noticed = 0;
    for at in places.into_iter().flatten() {
        flip(&file, &whole, at);
        let store = open(directory.path());
        noticed += usize::from(assert_right_or_refused(&store, &expected, at));
    }
    // Ten keys, in their entries and their commits, and ten values; more places are what SQLite left of moved entries.
    assert_eq!(noticed, 10 * (2 * "key-1".len() + "value-1".len()));
}

/// Says whether anything was refused.
fn assert_right_or_refused(store: &Embedded, expected: &Model, at: usize) -> bool {
    let mut refused = 0;
    for (key, (value, _)) in expected {
        match wait(store.get(key)) {
            Ok(found) => assert!(found.is_some_and(|found| found.value == value), "byte {at}: {key:?}"),
            Err(_) => refused += 1,
        }
    }
    match contents(store) {
        Ok(found) => assert!(found == *expected, "byte {at}: everything"),
        Err(_) => refused += 1,
    }
    for prefix in ["key-0", "key-1", "key-10", "key-2"] {
        let of_prefix = expected.keys().filter(|key| key.starts_with(prefix.as_bytes()));
        match wait(store.scan(prefix.as_bytes(), None, 100)) {
            Ok(found) => assert!(found.iter().map(|entry| &entry.key).eq(of_prefix), "byte {at}: {prefix}"),
            Err(_) => refused += 1,
        }
    }
    refused += usize::from(commits_after(store, Revision::EMPTY).is_err());
    refused > 0
}

/// Several pages of entries, in one file without a log.
fn write(directory: &Path) {
    let store = open(directory);
    for number in 0..30 {
        let value = format!("value-{number:02}{}", "-".repeat(900));
        commit(&store, vec![put(format!("key-{number:02}"), value)]).unwrap();
    }
    store.close().unwrap();
}

fn places(whole: &[u8], text: &[u8]) -> Vec<Range<usize>> {
    let windows = whole.windows(text.len()).enumerate();
    windows.filter(|(_, window)| *window == text).map(|(at, window)| at..at + window.len()).collect()
}

fn flip(file: &Path, whole: &[u8], at: usize) {
    let mut bytes = whole.to_vec();
    bytes[at] ^= 1 << (at % 8);
    fs::write(file, bytes).unwrap();
}

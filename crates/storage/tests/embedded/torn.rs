//! A log whose tail is missing or not what was written, as after a loss of power.

use std::fs::{self, File};
use std::path::Path;

use storage::{Embedded, Revision};

use super::{Model, commit, commits_after, contents, delete, newest, open, put, random};

const COMMITS: u64 = 60;
const TRIES: u64 = 80;

#[test]
fn a_log_torn_at_any_point_leaves_the_first_commits_whole() {
    let directory = tempfile::tempdir().unwrap();
    let (original, torn) = (directory.path().join("original"), directory.path().join("torn"));
    let store = open(&original);
    let models = write(&store);
    let mut survivors = Vec::new();
    for round in 0..TRIES {
        copy(&original, &torn);
        tear(&torn.join("store.db-wal"), round % 2 == 0);
        let reopened = open(&torn);
        let survived = newest(&reopened);
        assert!(contents(&reopened).unwrap() == models[survived.0 as usize], "half a commit at {survived}");
        assert_eq!(commits_after(&reopened, Revision::EMPTY).unwrap().len() as u64, survived.0);
        assert_eq!(commit(&reopened, vec![put("after", "")]).unwrap().0, survived.0 + 1);
        survivors.push(survived);
        drop(reopened);
        fs::remove_dir_all(&torn).unwrap();
    }
    survivors.sort();
    survivors.dedup();
    assert!(survivors.len() > 10, "the log was hardly torn: {survivors:?}");
}

/// Writes, and gives what the store must be after each number of commits.
fn write(store: &Embedded) -> Vec<Model> {
    let mut models = vec![Model::new()];
    for number in 0..COMMITS {
        let size = (number * 701 % 9000) as usize;
        let changes = vec![
            put(format!("a/{}", number % 7), vec![number as u8; size]),
            delete(format!("b/{}", number % 5)),
            put(format!("b/{}", (number + 1) % 5), [number as u8]),
        ];
        commit(store, changes).unwrap();
        models.push(contents(store).unwrap());
    }
    models
}

/// The file and its log as they are; nothing has folded the one into the other yet.
fn copy(original: &Path, copy: &Path) {
    fs::create_dir(copy).unwrap();
    for name in ["store.db", "store.db-wal"] {
        fs::copy(original.join(name), copy.join(name)).unwrap();
    }
}

fn tear(log: &Path, truncate: bool) {
    let mut bytes = fs::read(log).unwrap();
    let at = random(bytes.len() as u64) as usize;
    if truncate {
        File::options().write(true).open(log).unwrap().set_len(at as u64).unwrap();
    } else {
        let noise = random(u64::MAX).to_le_bytes();
        bytes[at..].iter_mut().zip(noise.iter().cycle()).for_each(|(byte, noise)| *byte ^= noise);
        fs::write(log, bytes).unwrap();
    }
}

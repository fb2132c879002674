//! What one commit may hold: the same for every engine, so that a store can move from one to another.
//!
//! The figures are those that etcd allows by default (128 operations, 1.5 MiB a request), with room for its framing.

use std::collections::HashSet;

use crate::{Change, Condition, StorageError};

/// The most bytes of a key.
pub const MAXIMUM_KEY_BYTES: usize = 4 << 10;

/// The most bytes of a value.
pub const MAXIMUM_VALUE_BYTES: usize = 1 << 20;

/// The most bytes of all keys and values of a commit together.
pub const MAXIMUM_COMMIT_BYTES: usize = 5 << 18;

/// The most changes, and the most conditions, of a commit.
pub const MAXIMUM_COMMIT_CHANGES: usize = 128;

/// Refuses a commit that not every engine could make.
pub(crate) fn check(conditions: &[Condition], changes: &[Change]) -> Result<(), StorageError> {
    at_most("a commit's list of conditions (entries)", conditions.len(), MAXIMUM_COMMIT_CHANGES)?;
    at_most("a commit's list of changes (entries)", changes.len(), MAXIMUM_COMMIT_CHANGES)?;
    let mut changed = HashSet::new();
    for change in changes {
        at_most("a value (bytes)", change.value().map_or(0, |value| value.len()), MAXIMUM_VALUE_BYTES)?;
        if !changed.insert(change.key()) {
            return Err(StorageError::ChangedTwice { key: change.key().clone() });
        }
    }
    for key in conditions.iter().map(Condition::key).chain(changes.iter().map(Change::key)) {
        check_key(key)?;
    }
    at_most("a commit (bytes)", bytes(conditions, changes), MAXIMUM_COMMIT_BYTES)
}

/// The bytes of all keys and values of a commit.
pub(crate) fn bytes(conditions: &[Condition], changes: &[Change]) -> usize {
    let conditions = conditions.iter().map(|condition| condition.key().len());
    let changes =
        changes.iter().map(|change| change.key().len() + change.value().map_or(0, |value| value.len()));
    conditions.chain(changes).sum()
}

fn check_key(key: &[u8]) -> Result<(), StorageError> {
    if key.is_empty() {
        return Err(StorageError::EmptyKey);
    }
    at_most("a key (bytes)", key.len(), MAXIMUM_KEY_BYTES)
}

fn at_most(what: &'static str, found: usize, most: usize) -> Result<(), StorageError> {
    if found > most { Err(StorageError::TooLarge { what, found, most }) } else { Ok(()) }
}

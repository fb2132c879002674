//! An ordered map of bytes with six verbs: `get`, `scan`, `commit`, `watch`, `snapshot`, `shred`.
//!
//! Engines differ in where the bytes are; [`Storage`] is what they have in common, and the suite `contract` (behind the
//! feature of that name) is what each of them must pass. This crate knows no key, no account and no record: whoever uses
//! it decides what the bytes mean. It must never answer with wrong data: damage, a full disk and a lost engine are errors.
//!
//! No future of this crate needs a particular runtime: each may be awaited on any executor, and dropped at any time.

#![forbid(unsafe_code)]

#[cfg(feature = "contract")]
pub mod contract;
mod embedded;
mod error;
mod limits;
mod value;

use std::future::Future;
use std::pin::Pin;

pub use bytes::Bytes;
pub use embedded::{Embedded, Options};
pub use error::StorageError;
pub use limits::{MAXIMUM_COMMIT_BYTES, MAXIMUM_COMMIT_CHANGES, MAXIMUM_KEY_BYTES, MAXIMUM_VALUE_BYTES};
pub use value::{Change, Changed, Commit, Committed, Condition, Entry, Revision, Versioned};

/// A store: an ordered map from bytes to bytes in which every commit has a revision.
pub trait Storage: Send + Sync + 'static {
    /// The value of a key and the revision of its last change.
    fn get<'a>(&'a self, key: &'a [u8]) -> Answer<'a, Option<Versioned>>;

    /// Up to `limit` entries whose keys begin with `prefix` and are greater than `after`, in the order of their keys.
    /// Fewer than `limit` means that there are no more.
    fn scan<'a>(&'a self, prefix: &'a [u8], after: Option<&'a [u8]>, limit: usize) -> Answer<'a, Vec<Entry>>;

    /// Makes all the changes if all the conditions hold, and none of them otherwise. Durable once it has answered.
    ///
    /// Dropping the future leaves the commit either made whole or not made.
    fn commit(&self, conditions: Vec<Condition>, changes: Vec<Change>) -> Answer<'_, Commit>;

    /// Every commit after `from`, in order and without a gap, the ones already made first. Each says which keys it changed
    /// and not what to: values that are gone are kept for nobody.
    fn watch(&self, from: Revision) -> Answer<'_, Watch>;

    /// Everything as it is at one revision, to be read piece by piece while commits go on.
    fn snapshot(&self) -> Answer<'_, Snapshot>;

    /// Removes what is left of values that are no more: once it has answered, no file of the store holds a byte of a value
    /// that a commit made before had deleted or replaced. After a crash, the next time does what was left undone.
    ///
    /// Costs next to nothing if there was no commit since the last time. A snapshot still sees such values: it makes this
    /// answer [`StorageError::Held`], until it is dropped or has expired. Commits go on meanwhile.
    fn shred(&self) -> Answer<'_, ()>;
}

/// What [`Storage::watch`] gives.
pub trait Follow: Send {
    /// The next commit; waits until there is one. May be dropped and asked again: nothing is skipped.
    fn next(&mut self) -> Answer<'_, Committed>;
}

/// What [`Storage::snapshot`] gives.
pub trait View: Send {
    /// The revision at which everything is seen.
    fn revision(&self) -> Revision;

    /// The next entries in the order of their keys, and none at the end. One answer holds at most `limit` entries and
    /// a few megabytes, so fewer than `limit` is not the end.
    fn next(&mut self, limit: usize) -> Answer<'_, Vec<Entry>>;
}

/// The commits after a revision, as they come.
pub type Watch = Box<dyn Follow>;

/// A consistent view of the whole store.
pub type Snapshot = Box<dyn View>;

/// An answer that is still to come.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StorageError>> + Send + 'a>>;

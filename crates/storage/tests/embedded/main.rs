//! What the embedded engine does beyond the contract: crashes, torn logs, damage, full disks, locks and bounds.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by a panic")]

mod bounds;
mod child;
mod crash;
mod damage;
mod disk;
mod files;
mod shredding;
mod torn;

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::time::Duration;

use storage::{
    Bytes, Change, Changed, Commit, Committed, Embedded, Options, Revision, Storage, StorageError,
};

/// What a store holds.
type Model = BTreeMap<Bytes, (Bytes, Revision)>;

/// Which keys a store holds and of which commits they are, as a watch tells it.
type Outline = BTreeMap<Bytes, Revision>;

fn open(directory: &Path) -> Embedded {
    Embedded::open(directory, &Options::default()).unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await.unwrap() })
}

fn commit(store: &Embedded, changes: Vec<Change>) -> Result<Revision, StorageError> {
    match wait(store.commit(vec![], changes))? {
        Commit::Done(revision) => Ok(revision),
        Commit::Conflict(key) => panic!("conflict without a condition on {key:?}"),
    }
}

fn put(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Change {
    Change::Put { key: Bytes::copy_from_slice(key.as_ref()), value: Bytes::copy_from_slice(value.as_ref()) }
}

fn delete(key: impl AsRef<[u8]>) -> Change {
    Change::Delete { key: Bytes::copy_from_slice(key.as_ref()) }
}

fn newest(store: &Embedded) -> Revision {
    wait(store.snapshot()).unwrap().revision()
}

/// Everything that is stored.
fn contents(store: &Embedded) -> Result<Model, StorageError> {
    let entries = wait(store.scan(b"", None, usize::MAX))?;
    Ok(entries.into_iter().map(|entry| (entry.key, (entry.value, entry.revision))).collect())
}

/// The commits after a revision up to now.
fn commits_after(store: &Embedded, from: Revision) -> Result<Vec<Committed>, StorageError> {
    let mut watch = wait(store.watch(from))?;
    (from.0..newest(store).0).map(|_| wait(watch.next())).collect()
}

fn apply(outline: &mut Outline, commit: &Committed) {
    for change in &commit.changes {
        match change {
            Changed::Deleted { key } => outline.remove(key),
            Changed::Put { key } => outline.insert(key.clone(), commit.revision),
        };
    }
}

fn outline(model: &Model) -> Outline {
    model.iter().map(|(key, (_, revision))| (key.clone(), *revision)).collect()
}

/// A number below `end`, another one each time.
fn random(end: u64) -> u64 {
    RandomState::new().build_hasher().finish() % end
}

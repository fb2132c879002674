//! Cases: commits in order, none left out, none twice.

use std::collections::BTreeMap;
use std::time::Duration;

use super::snapshots::all;
use super::{Store, absent, bytes, change, changed, commit, delete, follow, put, soon};
use crate::{Bytes, Commit, Committed, Revision, StorageError};

/// From the first one on.
pub async fn a_watch_gives_earlier_commits_first(store: Store) {
    for number in 1..=5_u64 {
        change(&store, vec![put("a", number.to_string())]).await;
    }
    let mut watch = soon(store.watch(Revision(2))).await;
    for number in 3..=5_u64 {
        let expected = Committed { revision: Revision(number), changes: changed(&[put("a", "")]) };
        assert_eq!(follow(&mut watch).await, expected);
    }
}

/// In the order in which the commit named them.
pub async fn a_watch_gives_whole_commits_with_puts_and_deletes(store: Store) {
    let mut watch = soon(store.watch(Revision::EMPTY)).await;
    change(&store, vec![put("b", "1"), put("a", "2"), put("c", "")]).await;
    change(&store, vec![delete("b"), put("a", "3")]).await;
    assert_eq!(follow(&mut watch).await.changes, changed(&[put("b", "1"), put("a", "2"), put("c", "")]));
    assert_eq!(follow(&mut watch).await.changes, changed(&[delete("b"), put("a", "3")]));
}

/// It answers when there is one and not before.
pub async fn a_watch_waits_for_the_next_commit(store: Store) {
    let mut watch = soon(store.watch(Revision::EMPTY)).await;
    let waiting = tokio::time::timeout(Duration::from_millis(20), watch.next()).await;
    assert!(waiting.is_err(), "{waiting:?}");
    let waiting = tokio::spawn(async move { follow(&mut watch).await });
    tokio::task::yield_now().await;
    change(&store, vec![put("a", "1")]).await;
    assert_eq!(waiting.await.unwrap().revision, Revision(1));
}

/// Nothing of what was before.
pub async fn a_watch_from_the_newest_revision_gives_only_later_commits(store: Store) {
    let newest = change(&store, vec![put("a", "1")]).await;
    let mut watch = soon(store.watch(newest)).await;
    change(&store, vec![put("a", "2")]).await;
    assert_eq!(follow(&mut watch).await.changes, changed(&[put("a", "2")]));
}

/// Who remembers a revision that the store has not reached remembers another store.
pub async fn a_watch_from_the_future_is_refused(store: Store) {
    let newest = change(&store, vec![put("a", "1")]).await;
    let answer = store.watch(Revision(newest.0 + 1)).await;
    assert!(matches!(answer.err(), Some(StorageError::Ahead { newest: said, .. }) if said == newest));
}

/// What was not done did not happen.
pub async fn a_watch_sees_no_conflict(store: Store) {
    change(&store, vec![put("a", "1")]).await;
    assert_eq!(commit(&store, vec![absent("a")], vec![put("b", "1")]).await, Commit::Conflict(bytes("a")));
    change(&store, vec![put("c", "1")]).await;
    let mut watch = soon(store.watch(Revision::EMPTY)).await;
    assert_eq!(follow(&mut watch).await.changes, changed(&[put("a", "1")]));
    assert_eq!(follow(&mut watch).await.changes, changed(&[put("c", "1")]));
}

/// Eight write while three watch: from the beginning, from the middle of it, and one that begins late.
pub async fn a_watch_has_no_gap_and_no_duplicate_under_concurrent_commits(store: Store) {
    let first = change(&store, vec![put("start", "")]).await;
    let early = tokio::spawn(follow_to(store.clone(), Revision::EMPTY, Revision(401)));
    let writers: Vec<_> = (0..8).map(|writer| tokio::spawn(write(store.clone(), writer))).collect();
    let middle = tokio::spawn(follow_to(store.clone(), first, Revision(401)));
    for writer in writers {
        writer.await.unwrap();
    }
    let late = follow_to(store.clone(), Revision(100), Revision(401)).await;
    let early = early.await.unwrap();
    assert_eq!(early.len(), 401);
    assert_eq!(middle.await.unwrap(), early[1..]);
    assert_eq!(late, early[100..]);
    for writer in 0..8 {
        let prefix = format!("{writer}/");
        let of_writer = early.iter().flat_map(|commit| &commit.changes);
        let of_writer = of_writer.filter(|change| change.key().starts_with(prefix.as_bytes()));
        let expected: Vec<_> = (0..50).map(|number: u64| put(format!("{prefix}{number:03}"), "")).collect();
        assert!(of_writer.cloned().eq(changed(&expected)), "writer {writer}");
    }
}

async fn write(store: Store, writer: usize) {
    for number in 0..50 {
        change(&store, vec![put(format!("{writer}/{number:03}"), "")]).await;
    }
}

async fn follow_to(store: Store, from: Revision, last: Revision) -> Vec<Committed> {
    let mut watch = soon(store.watch(from)).await;
    let mut seen = Vec::new();
    for expected in from.0 + 1..=last.0 {
        let commit = follow(&mut watch).await;
        assert_eq!(commit.revision, Revision(expected));
        seen.push(commit);
    }
    seen
}

/// A caller may ask for the next one or something else, whichever comes first.
pub async fn a_watch_may_be_dropped_while_waiting_and_skips_nothing(store: Store) {
    let mut watch = soon(store.watch(Revision::EMPTY)).await;
    for round in 1..=50 {
        let writing = tokio::spawn({
            let store = store.clone();
            async move { change(&store, vec![put("a", "")]).await }
        });
        let mut seen = None;
        while seen.is_none() {
            let patience = Duration::from_micros(round * 10);
            seen = tokio::time::timeout(patience, watch.next()).await.ok();
        }
        assert_eq!(seen.unwrap().unwrap().revision, Revision(round));
        writing.await.unwrap();
    }
}

/// A snapshot, and what is read of the keys that a watch from its revision names, are the store: the way to fill a memory and
/// keep it true.
pub async fn a_watch_and_a_snapshot_agree(store: Store) {
    let writing = tokio::spawn(write_and_delete(store.clone()));
    let mut snapshot = soon(store.snapshot()).await;
    let entries = all(&mut snapshot, 7).await.into_iter();
    let mut memory: BTreeMap<Bytes, (Bytes, Revision)> =
        entries.map(|entry| (entry.key, (entry.value, entry.revision))).collect();
    let last = writing.await.unwrap();
    for change in
        follow_to(store.clone(), snapshot.revision(), last).await.iter().flat_map(|commit| &commit.changes)
    {
        match soon(store.get(change.key())).await {
            Some(found) => drop(memory.insert(change.key().clone(), (found.value, found.revision))),
            None => drop(memory.remove(change.key())),
        }
    }
    let stored = soon(store.scan(b"", None, 1000)).await.into_iter();
    assert!(stored.map(|entry| (entry.key, (entry.value, entry.revision))).eq(memory));
}

async fn write_and_delete(store: Store) -> Revision {
    let mut revision = Revision::EMPTY;
    for number in 0..200 {
        let (new, old) = (number % 40, (number + 13) % 40);
        let changes = vec![put(format!("{new:02}"), number.to_string()), delete(format!("{old:02}"))];
        revision = change(&store, changes).await;
    }
    revision
}

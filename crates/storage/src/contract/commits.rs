//! Cases: what a commit does, and what it does not do.

use std::thread;

use super::{Store, absent, at, block_on, bytes, change, commit, delete, put, read, soon};
use crate::{Commit, MAXIMUM_COMMIT_CHANGES, MAXIMUM_KEY_BYTES, MAXIMUM_VALUE_BYTES, Revision, StorageError};

/// Revisions are one, two, three.
pub async fn a_commit_answers_the_next_revision(store: Store) {
    for expected in 1..=3 {
        assert_eq!(change(&store, vec![put("a", "1")]).await, Revision(expected));
    }
}

/// A commit of several keys is one revision.
pub async fn all_changes_of_a_commit_have_its_revision(store: Store) {
    change(&store, vec![put("a", "old")]).await;
    let revision = change(&store, vec![put("a", "1"), put("b", "2"), put("c", "3")]).await;
    for (key, value) in [("a", "1"), ("b", "2"), ("c", "3")] {
        let found = read(&store, key).await.unwrap();
        assert_eq!((found.value, found.revision), (bytes(value), revision));
    }
}

/// `Absent` holds before the key is there, not while, and again afterwards.
pub async fn a_condition_on_absence_holds_for_an_absent_key_only(store: Store) {
    assert_eq!(commit(&store, vec![absent("a")], vec![put("a", "1")]).await, Commit::Done(Revision(1)));
    assert_eq!(commit(&store, vec![absent("a")], vec![put("a", "2")]).await, Commit::Conflict(bytes("a")));
    change(&store, vec![delete("a")]).await;
    assert_eq!(commit(&store, vec![absent("a")], vec![put("a", "3")]).await, Commit::Done(Revision(3)));
}

/// `At` holds for the revision of the key's own last change: not an older one, a later one, or the store's.
pub async fn a_condition_on_a_revision_holds_for_that_revision_only(store: Store) {
    let old = change(&store, vec![put("a", "1")]).await;
    let new = change(&store, vec![put("a", "2")]).await;
    let other = change(&store, vec![put("b", "1")]).await;
    for wrong in [Revision::EMPTY, old, other, Revision(99)] {
        let conflict = commit(&store, vec![at("a", wrong)], vec![put("a", "3")]).await;
        assert_eq!(conflict, Commit::Conflict(bytes("a")), "at {wrong}");
    }
    assert_eq!(commit(&store, vec![at("a", new)], vec![put("a", "3")]).await, Commit::Done(Revision(4)));
}

/// A deleted key is at no revision, not even that of its deletion.
pub async fn a_condition_on_a_revision_fails_once_the_key_is_deleted(store: Store) {
    let put_at = change(&store, vec![put("a", "1")]).await;
    let deleted_at = change(&store, vec![delete("a")]).await;
    for revision in [Revision::EMPTY, put_at, deleted_at] {
        let conflict = commit(&store, vec![at("a", revision)], vec![put("a", "2")]).await;
        assert_eq!(conflict, Commit::Conflict(bytes("a")), "at {revision}");
    }
}

/// The first in the order given, not in the order of keys.
pub async fn a_conflict_names_the_first_key_whose_condition_fails(store: Store) {
    change(&store, vec![put("a", "1"), put("b", "1"), put("c", "1")]).await;
    let conditions = vec![at("a", Revision(1)), absent("c"), absent("b")];
    assert_eq!(commit(&store, conditions, vec![put("d", "1")]).await, Commit::Conflict(bytes("c")));
}

/// Not even the changes of keys whose conditions held.
pub async fn a_conflict_changes_nothing_and_takes_no_revision(store: Store) {
    change(&store, vec![put("a", "1"), put("b", "1")]).await;
    let changes = vec![put("a", "2"), delete("b"), put("c", "2")];
    let conflict = commit(&store, vec![at("a", Revision(1)), absent("b")], changes).await;
    assert_eq!(conflict, Commit::Conflict(bytes("b")));
    assert_eq!(read(&store, "a").await.unwrap().value, "1");
    assert_eq!(read(&store, "b").await.unwrap().value, "1");
    assert_eq!(read(&store, "c").await, None);
    assert_eq!(change(&store, vec![put("d", "1")]).await, Revision(2));
}

/// A condition guards the whole commit.
pub async fn conditions_may_be_on_other_keys_than_changes(store: Store) {
    let guard = change(&store, vec![put("guard", "1")]).await;
    let made = commit(&store, vec![at("guard", guard)], vec![put("a", "1")]).await;
    assert_eq!(made, Commit::Done(Revision(2)));
    assert_eq!(read(&store, "guard").await.unwrap().revision, guard);
}

/// It answers the revision that it saw, or the conflict.
pub async fn a_commit_without_changes_only_asks(store: Store) {
    assert_eq!(commit(&store, vec![], vec![]).await, Commit::Done(Revision::EMPTY));
    let revision = change(&store, vec![put("a", "1")]).await;
    assert_eq!(commit(&store, vec![at("a", revision)], vec![]).await, Commit::Done(revision));
    assert_eq!(commit(&store, vec![absent("a")], vec![]).await, Commit::Conflict(bytes("a")));
}

/// So it makes no revision, alone or beside a change.
pub async fn deleting_an_absent_key_is_no_change(store: Store) {
    assert_eq!(change(&store, vec![delete("a")]).await, Revision::EMPTY);
    assert_eq!(change(&store, vec![delete("a"), put("b", "1")]).await, Revision(1));
    let mut watch = soon(store.watch(Revision::EMPTY)).await;
    assert_eq!(super::follow(&mut watch).await.changes, super::changed(&[put("b", "1")]));
}

/// The limits are those of this crate, so that no engine accepts what another cannot take.
pub async fn a_commit_too_large_for_any_engine_is_refused(store: Store) {
    let many = (0..=MAXIMUM_COMMIT_CHANGES).map(|number| put(number.to_string(), "")).collect::<Vec<_>>();
    let large = vec![0; MAXIMUM_VALUE_BYTES];
    let refused = [
        many.clone(),
        vec![put("a", vec![0; MAXIMUM_VALUE_BYTES + 1])],
        vec![put(vec![b'k'; MAXIMUM_KEY_BYTES + 1], "")],
        vec![put("a", &large), put("b", &large)],
    ];
    for changes in refused {
        let answer = store.commit(vec![], changes).await;
        assert!(matches!(answer, Err(StorageError::TooLarge { .. })), "{answer:?}");
    }
    assert!(matches!(store.commit(vec![], vec![put("", "1")]).await, Err(StorageError::EmptyKey)));
    let allowed = many.into_iter().take(MAXIMUM_COMMIT_CHANGES).collect();
    assert_eq!(change(&store, allowed).await, Revision(1));
    change(&store, vec![put(vec![b'k'; MAXIMUM_KEY_BYTES], "")]).await;
}

/// Which of the two would count is not for an engine to say.
pub async fn a_commit_that_changes_a_key_twice_is_refused(store: Store) {
    let answer = store.commit(vec![], vec![put("a", "1"), put("b", "1"), delete("a")]).await;
    assert!(matches!(answer, Err(StorageError::ChangedTwice { key }) if key == "a"));
    assert_eq!(read(&store, "a").await, None);
}

/// Sixty-four want to make the same key.
pub async fn of_concurrent_commits_on_one_key_exactly_one_wins(store: Store) {
    let contenders = (0..64).map(|number: u32| {
        let store = store.clone();
        tokio::spawn(async move {
            let changes = vec![put("key", number.to_string()), put(format!("mark/{number}"), "won")];
            (number, commit(&store, vec![absent("key")], changes).await)
        })
    });
    let mut winners = Vec::new();
    for contender in contenders.collect::<Vec<_>>() {
        match contender.await.unwrap() {
            (number, Commit::Done(_)) => winners.push(number.to_string()),
            (_, Commit::Conflict(key)) => assert_eq!(key, "key"),
        }
    }
    let found = read(&store, "key").await.unwrap().value;
    assert_eq!(winners, [String::from_utf8(found.to_vec()).unwrap()]);
    let marks = soon(store.scan(b"mark/", None, 100)).await;
    assert_eq!(marks.len(), 1);
}

/// Read, add one, commit on the condition that nobody else has; eight do it at once.
pub async fn concurrent_counters_lose_no_increment(store: Store) {
    change(&store, vec![put("counter", 0_u64.to_le_bytes())]).await;
    let counters: Vec<_> = (0..8).map(|_| tokio::spawn(count(store.clone(), 25))).collect();
    for counter in counters {
        counter.await.unwrap();
    }
    let found = read(&store, "counter").await.unwrap();
    assert_eq!(found.value, 200_u64.to_le_bytes().as_slice());
    assert_eq!(found.revision, Revision(201));
}

async fn count(store: Store, times: usize) {
    let mut counted = 0;
    while counted < times {
        let found = read(&store, "counter").await.unwrap();
        let number = u64::from_le_bytes(found.value.as_ref().try_into().unwrap()) + 1;
        let condition = vec![at("counter", found.revision)];
        if let Commit::Done(_) = commit(&store, condition, vec![put("counter", number.to_le_bytes())]).await {
            counted += 1;
        }
    }
}

/// Threads with a runtime each share one store.
pub async fn commits_from_many_runtimes_all_arrive(store: Store) {
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let store = store.clone();
            thread::spawn(move || {
                block_on(async {
                    for number in 0..25 {
                        change(&store, vec![put(format!("{thread}/{number}"), "")]).await;
                    }
                });
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(soon(store.scan(b"", None, 1000)).await.len(), 100);
    assert_eq!(change(&store, vec![put("last", "")]).await, Revision(101));
}

/// Dropped before the first poll, after it, or a little later.
pub async fn a_dropped_commit_is_made_whole_or_not_at_all(store: Store) {
    for round in 0..100 {
        let changes = vec![put(format!("a/{round}"), ""), put(format!("b/{round}"), "")];
        let task = tokio::spawn({
            let store = store.clone();
            async move { store.commit(vec![], changes).await }
        });
        for _ in 0..round % 4 {
            tokio::task::yield_now().await;
        }
        task.abort();
    }
    // The store makes commits in the order in which it took them, so those before this one are decided after it.
    let revision = change(&store, vec![put("c", "")]).await;
    let keys = async |prefix: &'static [u8]| -> Vec<(Vec<u8>, Revision)> {
        let entries = soon(store.scan(prefix, None, 1000)).await;
        entries.into_iter().map(|entry| (entry.key[2..].to_vec(), entry.revision)).collect()
    };
    let whole = keys(b"a/").await;
    assert_eq!(whole, keys(b"b/").await);
    assert_eq!(revision, Revision(whole.len() as u64 + 1));
}

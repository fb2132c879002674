//! Cases: removing what is left of values that are no more. That nothing is left is for each engine's own tests, which know where
//! it keeps its bytes; that nothing else goes is seen here.

use super::snapshots::all;
use super::{Store, bytes, change, changed, delete, follow, put, read, soon};
use crate::{Revision, StorageError};

/// And may be repeated.
pub async fn shredding_the_empty_store_is_nothing(store: Store) {
    soon(store.shred()).await;
    soon(store.shred()).await;
    assert_eq!(change(&store, vec![put("a", "1")]).await, Revision(1));
}

/// Values, revisions, and the next revision.
pub async fn shredding_keeps_what_is_there(store: Store) {
    for number in 0..50 {
        change(&store, vec![put(format!("{:02}", number % 20), vec![number; 3000])]).await;
    }
    change(&store, (0..10).map(|number| delete(format!("{number:02}"))).collect()).await;
    let before = soon(store.scan(b"", None, 100)).await;
    assert_eq!(before.len(), 10);
    soon(store.shred()).await;
    assert_eq!(soon(store.scan(b"", None, 100)).await, before);
    assert_eq!(change(&store, vec![put("a", "1")]).await, Revision(52));
    assert_eq!(read(&store, "a").await.unwrap().value, bytes("1"));
}

/// Those before and those after.
pub async fn shredding_leaves_watches_their_commits(store: Store) {
    change(&store, vec![put("a", "1")]).await;
    let mut watch = soon(store.watch(Revision::EMPTY)).await;
    change(&store, vec![delete("a")]).await;
    soon(store.shred()).await;
    change(&store, vec![put("b", "1")]).await;
    for expected in [put("a", "1"), delete("a"), put("b", "1")] {
        assert_eq!(follow(&mut watch).await.changes, changed(&[expected]));
    }
}

/// Each is answered, each shredding too.
pub async fn commits_go_on_while_shredding(store: Store) {
    let writing = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..200 {
                change(&store, vec![put("a", number.to_string()), delete("b"), put("c", vec![1; 5000])])
                    .await;
            }
        }
    });
    while !writing.is_finished() {
        soon(store.shred()).await;
    }
    writing.await.unwrap();
    assert_eq!(read(&store, "a").await.unwrap().value, bytes("199"));
}

/// It gives what it saw when it was taken, or says that it has expired; and once it is gone, it is in nobody's way.
pub async fn a_snapshot_is_never_wrong_because_of_shredding(store: Store) {
    change(&store, vec![put("a", "old"), put("b", "old")]).await;
    let mut snapshot = soon(store.snapshot()).await;
    change(&store, vec![delete("a"), put("b", "new")]).await;
    match store.shred().await {
        Err(StorageError::Held) => {
            let seen = all(&mut snapshot, 10).await.into_iter().map(|entry| entry.value);
            assert!(seen.eq([bytes("old"), bytes("old")]));
        }
        answer => {
            answer.unwrap();
            assert!(matches!(snapshot.next(10).await, Err(StorageError::Expired)));
        }
    }
    drop(snapshot);
    soon(store.shred()).await;
    assert_eq!(read(&store, "b").await.unwrap().value, bytes("new"));
}

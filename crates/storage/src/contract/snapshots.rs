//! Cases: a view of everything at one revision.

use super::{Store, change, delete, put, soon};
use crate::{Entry, Revision, Snapshot};

/// With the revision of each entry.
pub async fn a_snapshot_gives_everything_in_order(store: Store) {
    for number in (0..10).rev() {
        change(&store, vec![put(format!("key/{number}"), number.to_string())]).await;
    }
    let mut snapshot = soon(store.snapshot()).await;
    assert_eq!(snapshot.revision(), Revision(10));
    let expected: Vec<_> = soon(store.scan(b"", None, 100)).await;
    assert_eq!(expected.len(), 10);
    assert_eq!(all(&mut snapshot, 3).await, expected);
}

/// And is at revision zero.
pub async fn a_snapshot_of_the_empty_store_is_empty(store: Store) {
    let mut snapshot = soon(store.snapshot()).await;
    assert_eq!(snapshot.revision(), Revision::EMPTY);
    change(&store, vec![put("a", "")]).await;
    assert!(all(&mut snapshot, 10).await.is_empty());
}

/// Not before its first piece and not between two.
pub async fn a_snapshot_does_not_see_later_commits(store: Store) {
    let revision = change(&store, ["a", "b", "c", "d"].map(|key| put(key, "old")).to_vec()).await;
    let mut snapshot = soon(store.snapshot()).await;
    change(&store, vec![put("a", "new"), delete("d"), put("e", "new")]).await;
    let mut seen = soon(snapshot.next(2)).await;
    change(&store, vec![delete("c"), put("b1", "new"), put("c1", "new")]).await;
    seen.extend(all(&mut snapshot, 2).await);
    let expected = ["a", "b", "c", "d"].map(|key| Entry { key: key.into(), value: "old".into(), revision });
    assert_eq!(seen, expected);
    assert_eq!(snapshot.revision(), revision);
}

/// A writer moves one coin about; every snapshot has exactly one.
pub async fn a_snapshot_sees_whole_commits_while_others_write(store: Store) {
    change(&store, vec![put("place/0", "coin")]).await;
    let mover = tokio::spawn({
        let store = store.clone();
        async move {
            for number in 0..200 {
                let (from, to) = (number * 7 % 50, (number + 1) * 7 % 50);
                change(&store, vec![delete(format!("place/{from}")), put(format!("place/{to}"), "coin")])
                    .await;
            }
        }
    });
    let mut taken = 0;
    while taken < 20 || !mover.is_finished() {
        let mut snapshot = soon(store.snapshot()).await;
        let revision = snapshot.revision();
        let seen = all(&mut snapshot, 1).await;
        assert_eq!(seen.len(), 1, "at {revision}");
        assert_eq!(seen[0].revision, revision);
        taken += 1;
    }
    mover.await.unwrap();
}

/// However many are asked for at once.
pub async fn a_snapshot_gives_large_values_in_pieces(store: Store) {
    for number in 0..12 {
        change(&store, vec![put(format!("{number:02}"), vec![number; 1 << 20])]).await;
    }
    let mut snapshot = soon(store.snapshot()).await;
    let (mut count, mut largest) = (0, 0);
    loop {
        let piece = soon(snapshot.next(100)).await;
        if piece.is_empty() {
            break;
        }
        count += piece.len();
        largest = largest.max(piece.len());
    }
    assert_eq!(count, 12);
    assert!(largest <= 8, "a piece of {largest} MiB");
}

pub(super) async fn all(snapshot: &mut Snapshot, limit: usize) -> Vec<Entry> {
    let mut seen = Vec::new();
    loop {
        let piece = soon(snapshot.next(limit)).await;
        assert!(piece.len() <= limit);
        if piece.is_empty() {
            return seen;
        }
        seen.extend(piece);
    }
}

//! Cases: what is read, one by one and in order.

use super::{Store, bytes, change, delete, put, read, soon};
use crate::{MAXIMUM_VALUE_BYTES, Revision};

/// Nor is there one when other keys are there, shorter, longer and beside it.
pub async fn an_absent_key_has_no_value(store: Store) {
    assert_eq!(read(&store, "key").await, None);
    change(&store, vec![put("ke", "1"), put("key1", "1"), put("kex", "1"), put("kez", "1")]).await;
    assert_eq!(read(&store, "key").await, None);
    assert_eq!(read(&store, "").await, None);
}

/// At once, from anywhere.
pub async fn a_read_sees_the_commit_before_it(store: Store) {
    for number in 0..100 {
        let revision = change(&store, vec![put("key", number.to_string())]).await;
        let found = read(&store, "key").await.unwrap();
        assert_eq!((found.value, found.revision), (bytes(number.to_string()), revision));
        let scanned = soon(store.scan(b"k", None, 10)).await;
        assert_eq!(scanned[0].revision, revision);
    }
}

/// Not the same as none.
pub async fn an_empty_value_is_a_value(store: Store) {
    change(&store, vec![put("key", "")]).await;
    assert_eq!(read(&store, "key").await.unwrap().value, "");
}

/// Zero bytes, high bytes, and what is not text.
pub async fn keys_and_values_may_be_any_bytes(store: Store) {
    let all: Vec<u8> = (0..=255).collect();
    let keys =
        [vec![0], vec![0, 0], vec![255], vec![255; 9], all.clone(), b"'; DROP TABLE entry; --".to_vec()];
    change(&store, keys.iter().map(|key| put(key, &all)).collect()).await;
    for key in keys {
        assert_eq!(soon(store.get(&key)).await.unwrap().value, all, "{key:?}");
    }
}

/// The largest one, whole.
pub async fn a_value_may_have_a_mebibyte(store: Store) {
    let value: Vec<u8> = (0..MAXIMUM_VALUE_BYTES).map(|at| (at % 251) as u8).collect();
    change(&store, vec![put("large", &value)]).await;
    assert!(read(&store, "large").await.unwrap().value == value);
    assert!(soon(store.scan(b"l", None, 1)).await[0].value == value);
    let mut watch = soon(store.watch(Revision::EMPTY)).await;
    assert!(super::follow(&mut watch).await.changes == super::changed(&[put("large", "")]));
}

/// For `get` and for `scan`, and it may come back.
pub async fn a_deleted_key_is_absent(store: Store) {
    change(&store, vec![put("a", "1"), put("b", "1")]).await;
    change(&store, vec![delete("a")]).await;
    assert_eq!(read(&store, "a").await, None);
    assert_eq!(keys(&store, b"", None, 10).await, [b"b"]);
    let revision = change(&store, vec![put("a", "2")]).await;
    assert_eq!(read(&store, "a").await.unwrap().revision, revision);
}

/// Bytes compare as unsigned numbers, and a key comes before those that it begins.
pub async fn a_scan_is_in_the_order_of_bytes(store: Store) {
    let ordered: [&[u8]; 8] = [b"\0", b"\0\0", b"A", b"a", b"a\0", b"aa", b"\x80", b"\xff"];
    for key in ordered.iter().rev() {
        change(&store, vec![put(key, "")]).await;
    }
    assert_eq!(keys(&store, b"", None, 100).await, ordered);
}

/// Pages of every size up to all of them.
pub async fn a_scan_by_pages_gives_every_entry_once(store: Store) {
    let all: Vec<Vec<u8>> = (0..10).map(|number| format!("p/{number}").into_bytes()).collect();
    change(&store, all.iter().map(|key| put(key, "")).chain([put("p", ""), put("p0", "")]).collect()).await;
    for size in 1..=11 {
        let mut seen: Vec<Vec<u8>> = Vec::new();
        loop {
            let page = keys(&store, b"p/", seen.last().map(Vec::as_slice), size).await;
            let is_last = page.len() < size;
            seen.extend(page);
            if is_last {
                break;
            }
        }
        assert_eq!(seen, all, "pages of {size}");
    }
}

/// Also when the mark is no key, is before the prefix, or is behind it.
pub async fn a_scan_begins_strictly_after_its_mark(store: Store) {
    change(&store, ["a", "b", "b\0", "b1", "b3", "c"].map(|key| put(key, "")).to_vec()).await;
    assert_eq!(keys(&store, b"b", Some(b"b"), 10).await, ["b\0", "b1", "b3"].map(str::as_bytes));
    assert_eq!(keys(&store, b"b", Some(b"b1"), 10).await, [b"b3"]);
    assert_eq!(keys(&store, b"b", Some(b"b2"), 10).await, [b"b3"]);
    assert_eq!(keys(&store, b"b", Some(b""), 1).await, [b"b"]);
    assert_eq!(keys(&store, b"b", Some(b"a"), 1).await, [b"b"]);
    assert!(keys(&store, b"b", Some(b"b3"), 10).await.is_empty());
    assert!(keys(&store, b"b", Some(b"c"), 10).await.is_empty());
}

/// A prefix that ends in 0xff has no next sibling of its own length; one of 0xff only has none at all.
pub async fn a_prefix_of_high_bytes_ends_where_it_should(store: Store) {
    let all: [&[u8]; 6] = [b"a", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff"];
    change(&store, all.map(|key| put(key, "")).to_vec()).await;
    assert_eq!(keys(&store, b"a\xff", None, 10).await, all[1..3]);
    assert_eq!(keys(&store, b"a\xff\xff", None, 10).await, all[2..3]);
    assert_eq!(keys(&store, b"\xff", None, 10).await, all[4..]);
    assert_eq!(keys(&store, b"\xff\xff", None, 10).await, all[5..]);
    assert!(keys(&store, b"\xff\xff\xff", None, 10).await.is_empty());
}

/// Every key begins with nothing.
pub async fn a_scan_with_an_empty_prefix_gives_everything(store: Store) {
    assert!(keys(&store, b"", None, 10).await.is_empty());
    change(&store, vec![put("a", ""), put("\u{7f}", "")]).await;
    assert_eq!(keys(&store, b"", None, 10).await, [b"a", b"\x7f"]);
    assert_eq!(keys(&store, b"", Some(b"a"), 10).await, [b"\x7f"]);
}

/// A limit of zero, and a prefix that no key has.
pub async fn a_scan_for_nothing_gives_nothing(store: Store) {
    change(&store, vec![put("a", ""), put("c", "")]).await;
    assert!(keys(&store, b"", None, 0).await.is_empty());
    assert!(keys(&store, b"b", None, 10).await.is_empty());
}

async fn keys(store: &Store, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Vec<Vec<u8>> {
    let entries = soon(store.scan(prefix, after, limit)).await;
    entries.into_iter().map(|entry| entry.key.to_vec()).collect()
}

//! What every engine must do: each function of the modules below is one case, told by its name, on a store of its own.
//!
//! An engine's tests are one line: `storage::contract!(name_of_the_engine, make)`, where `make` is an async function that
//! gives an empty store as `Arc<dyn Storage>` and whatever must live as long as it does. The suite asks for nothing that
//! an engine across a network could not do, and knows no engine.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a case fails by a panic, as tests do"
)]

pub mod commits;
pub mod entries;
pub mod shredding;
pub mod snapshots;
pub mod watches;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;

use crate::{
    Bytes, Change, Changed, Commit, Committed, Condition, Revision, Storage, StorageError, Versioned, Watch,
};

/// A store under test.
pub type Store = Arc<dyn Storage>;

/// Runs one case on a new store, in a runtime of one thread.
pub fn run<Kept>(make: impl AsyncFnOnce() -> (Store, Kept), case: impl AsyncFnOnce(Store)) {
    block_on(async {
        let (store, kept) = make().await;
        case(store).await;
        drop(kept);
    });
}

/// Makes one test of each case, in a module of the engine's name.
#[macro_export]
macro_rules! contract {
    ($engine:ident, $make:path) => {
        mod $engine {
            use super::*;
            $crate::contract!(@cases $make, commits:
                a_commit_answers_the_next_revision
                all_changes_of_a_commit_have_its_revision
                a_condition_on_absence_holds_for_an_absent_key_only
                a_condition_on_a_revision_holds_for_that_revision_only
                a_condition_on_a_revision_fails_once_the_key_is_deleted
                a_conflict_names_the_first_key_whose_condition_fails
                a_conflict_changes_nothing_and_takes_no_revision
                conditions_may_be_on_other_keys_than_changes
                a_commit_without_changes_only_asks
                deleting_an_absent_key_is_no_change
                a_commit_too_large_for_any_engine_is_refused
                a_commit_that_changes_a_key_twice_is_refused
                of_concurrent_commits_on_one_key_exactly_one_wins
                concurrent_counters_lose_no_increment
                commits_from_many_runtimes_all_arrive
                a_dropped_commit_is_made_whole_or_not_at_all);
            $crate::contract!(@cases $make, entries:
                an_absent_key_has_no_value
                a_read_sees_the_commit_before_it
                an_empty_value_is_a_value
                keys_and_values_may_be_any_bytes
                a_value_may_have_a_mebibyte
                a_deleted_key_is_absent
                a_scan_is_in_the_order_of_bytes
                a_scan_by_pages_gives_every_entry_once
                a_scan_begins_strictly_after_its_mark
                a_prefix_of_high_bytes_ends_where_it_should
                a_scan_with_an_empty_prefix_gives_everything
                a_scan_for_nothing_gives_nothing);
            $crate::contract!(@cases $make, shredding:
                shredding_the_empty_store_is_nothing
                shredding_keeps_what_is_there
                shredding_leaves_watches_their_commits
                commits_go_on_while_shredding
                a_snapshot_is_never_wrong_because_of_shredding);
            $crate::contract!(@cases $make, snapshots:
                a_snapshot_gives_everything_in_order
                a_snapshot_of_the_empty_store_is_empty
                a_snapshot_does_not_see_later_commits
                a_snapshot_sees_whole_commits_while_others_write
                a_snapshot_gives_large_values_in_pieces);
            $crate::contract!(@cases $make, watches:
                a_watch_gives_earlier_commits_first
                a_watch_gives_whole_commits_with_puts_and_deletes
                a_watch_waits_for_the_next_commit
                a_watch_from_the_newest_revision_gives_only_later_commits
                a_watch_from_the_future_is_refused
                a_watch_sees_no_conflict
                a_watch_has_no_gap_and_no_duplicate_under_concurrent_commits
                a_watch_may_be_dropped_while_waiting_and_skips_nothing
                a_watch_and_a_snapshot_agree);
        }
    };
    (@cases $make:path, $module:ident: $($case:ident)+) => {
        $(#[test]
        fn $case() {
            $crate::contract::run($make, $crate::contract::$module::$case);
        })+
    };
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

/// What must come, or the case has failed: nothing here takes so long unless it hangs.
async fn soon<T>(future: impl Future<Output = Result<T, StorageError>>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.unwrap().unwrap()
}

async fn read(store: &Store, key: &str) -> Option<Versioned> {
    soon(store.get(key.as_bytes())).await
}

async fn commit(store: &Store, conditions: Vec<Condition>, changes: Vec<Change>) -> Commit {
    soon(store.commit(conditions, changes)).await
}

async fn change(store: &Store, changes: Vec<Change>) -> Revision {
    match commit(store, vec![], changes).await {
        Commit::Done(revision) => revision,
        Commit::Conflict(key) => panic!("conflict without a condition on {key:?}"),
    }
}

async fn follow(watch: &mut Watch) -> Committed {
    soon(watch.next()).await
}

fn bytes(text: impl AsRef<[u8]>) -> Bytes {
    Bytes::copy_from_slice(text.as_ref())
}

fn put(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Change {
    Change::Put { key: bytes(key), value: bytes(value) }
}

fn delete(key: impl AsRef<[u8]>) -> Change {
    Change::Delete { key: bytes(key) }
}

/// What a watch says of changes.
fn changed(changes: &[Change]) -> Vec<Changed> {
    changes.iter().map(Changed::from).collect()
}

fn absent(key: impl AsRef<[u8]>) -> Condition {
    Condition::Absent(bytes(key))
}

fn at(key: impl AsRef<[u8]>, revision: Revision) -> Condition {
    Condition::At(bytes(key), revision)
}

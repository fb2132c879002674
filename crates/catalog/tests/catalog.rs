//! The catalog over the real embedded engine.
#![expect(clippy::unwrap_used, reason = "tests")]

use catalog::{AliasAddress, Author, Catalog, CatalogError, Changes, Followed, KeyAddress, World};
use keys::{
    Alias, Key, KeyId, KeyManager, KeyMaterialId, KeyOrigin, KeySpec, KeyUsage, Material, Moment, Tags,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use storage::{Embedded, Options, Storage};

struct Fixture {
    catalog: Catalog,
    storage: Arc<dyn Storage>,
    _directory: tempfile::TempDir,
}

fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let storage: Arc<dyn Storage> = Arc::new(Embedded::open(directory.path(), &Options::default()).unwrap());
    Fixture { catalog: Catalog::new(Arc::clone(&storage), 100), storage, _directory: directory }
}

fn world() -> World {
    World { account: "111122223333".parse().unwrap(), region: "eu-central-1".parse().unwrap() }
}

fn changes() -> Changes {
    Changes::by(Author { principal: "root".into(), request_id: "r".into(), at: Moment::from_millis(7) })
}

fn key(number: u8) -> Key {
    Key {
        account: world().account,
        region: world().region,
        id: KeyId::single_region([number; 16]),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsage::EncryptDecrypt,
        origin: KeyOrigin::AwsKms,
        created: Moment::from_millis(1),
        description: String::new(),
        enabled: true,
        deletion: None,
        policy: None,
        policy_principals: BTreeMap::new(),
        tags: Tags::default(),
        manager: KeyManager::Customer,
        service: None,
        next_rotation: None,
        current_material: Material {
            id: KeyMaterialId::from_bytes([number; 32]),
            token: Box::new([0xca, 0xfe, number]),
        },
        former_materials: Vec::new(),
    }
}

fn address(key: &Key) -> KeyAddress {
    KeyAddress { world: world(), id: key.id }
}

fn alias(name: &str, target: &Key) -> Alias {
    let at = Moment::from_millis(2);
    Alias { name: name.into(), target: target.id, created: at, updated: at }
}

fn alias_address(name: &str) -> AliasAddress {
    AliasAddress { world: world(), name: name.into() }
}

#[tokio::test]
async fn a_key_is_found_as_it_was_made() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    let found = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    assert_eq!(**found, key(1));
    assert!(catalog.reader().key(&address(&key(2))).await.unwrap().is_none());
}

#[tokio::test]
async fn a_change_is_seen_by_the_next_read() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    for round in 0..50 {
        let found = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
        let next = found.with_enabled(round % 2 == 0);
        catalog.commit(changes().replace_key(&found, &next)).await.unwrap();
        assert_eq!(**catalog.reader().key(&address(&key(1))).await.unwrap().unwrap(), next);
    }
}

#[tokio::test]
async fn a_change_of_what_was_changed_since_is_a_conflict_and_changes_nothing() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    catalog.commit(changes().replace_key(&old, &old.with_enabled(false))).await.unwrap();
    let late = changes().replace_key(&old, &old.with_deletion_scheduled(Moment::from_millis(0), 7));
    let late = late.create_alias(&world(), &alias("alias/late", &key(1)));
    assert!(matches!(catalog.commit(late).await, Err(CatalogError::Conflict)));
    assert!(!catalog.reader().key(&address(&key(1))).await.unwrap().unwrap().enabled);
    assert!(catalog.reader().alias(&alias_address("alias/late")).await.unwrap().is_none());
    assert!(catalog.reader().next_deletion().await.unwrap().is_none());
}

#[tokio::test]
async fn keys_are_counted_and_limited_whoever_makes_them_at_the_same_time() {
    let Fixture { catalog, .. } = &fixture();
    let all = (0..40_u8).map(|number| catalog.commit(changes().create_key(&key_of_one_shard(number), 40)));
    let made = futures_join(all.collect()).await;
    assert!(made.iter().all(Result::is_ok));
    assert_eq!(catalog.reader().key_count(&world()).await.unwrap(), 40);
    let one_more = catalog.commit(changes().create_key(&key(200), 40)).await;
    assert!(matches!(one_more, Err(CatalogError::TooManyKeys { limit: 40 })));
    let first = catalog.reader().key(&address(&key_of_one_shard(0))).await.unwrap().unwrap();
    catalog.commit(changes().delete_key(&first, &[])).await.unwrap();
    assert_eq!(catalog.reader().key_count(&world()).await.unwrap(), 39);
}

#[tokio::test]
async fn a_count_that_cannot_be_read_is_an_error_and_not_zero() {
    let Fixture { catalog, storage, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    let key_of_count =
        storage.scan(b"a/111122223333/eu-central-1/count/", None, 1).await.unwrap().remove(0).key;
    let put = storage::Change::Put { key: key_of_count, value: "many".into() };
    assert!(matches!(storage.commit(vec![], vec![put]).await, Ok(storage::Commit::Done(_))));
    assert!(matches!(catalog.reader().key_count(&world()).await, Err(CatalogError::Unreadable { .. })));
    let one_more = catalog.commit(changes().create_key(&key(2), 10)).await;
    assert!(matches!(one_more, Err(CatalogError::Unreadable { .. })));
}

/// Keys whose ids begin with the same digit, so that all of them are counted in one place.
fn key_of_one_shard(number: u8) -> Key {
    let mut id = [0; 16];
    id[15] = number;
    Key { id: KeyId::single_region(id), ..key(1) }
}

/// Runs all the futures on this task at once.
async fn futures_join<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
            if let std::task::Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        if outputs.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outputs.into_iter().map(Option::unwrap).collect()
}

#[tokio::test]
async fn lists_come_in_pages_in_order() {
    let Fixture { catalog, .. } = &fixture();
    for number in 0..5 {
        catalog.commit(changes().create_key(&key(number), 10)).await.unwrap();
        let name = format!("alias/{number}");
        catalog.commit(changes().create_alias(&world(), &alias(&name, &key(number % 2)))).await.unwrap();
    }
    let reader = catalog.reader();
    let first = reader.key_ids(&world(), None, 3).await.unwrap();
    let rest = reader.key_ids(&world(), first.next.as_deref(), 3).await.unwrap();
    assert_eq!((first.entries.len(), rest.entries.len(), rest.next), (3, 2, None));
    let mut ids = [first.entries, rest.entries].concat();
    ids.dedup();
    assert!(ids.is_sorted() && ids.len() == 5);

    let first = reader.aliases(&world(), None, 4).await.unwrap();
    let rest = reader.aliases(&world(), first.next.as_deref(), 4).await.unwrap();
    let names: Vec<_> = first.entries.iter().chain(&rest.entries).map(|alias| alias.name.as_str()).collect();
    assert_eq!(names, ["alias/0", "alias/1", "alias/2", "alias/3", "alias/4"]);

    let of_one = reader.aliases_of_key(&address(&key(0)), None, 10).await.unwrap();
    let names: Vec<_> = of_one.entries.iter().map(|alias| alias.name.as_str()).collect();
    assert_eq!(names, ["alias/0", "alias/2", "alias/4"]);
    let exact = reader.aliases_of_key(&address(&key(0)), None, 3).await.unwrap();
    assert_eq!((exact.entries.len(), exact.next), (3, None));
}

#[tokio::test]
async fn a_moved_alias_is_listed_with_its_new_key_only() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_alias(&world(), &alias("alias/a", &key(1)))).await.unwrap();
    let old = catalog.reader().alias(&alias_address("alias/a")).await.unwrap().unwrap();
    let moved = Alias { target: key(2).id, ..Alias::clone(&old) };
    catalog.commit(changes().replace_alias(&world(), &old, &moved)).await.unwrap();
    let of = async |number| {
        catalog.reader().aliases_of_key(&address(&key(number)), None, 9).await.unwrap().entries.len()
    };
    assert_eq!((of(1).await, of(2).await), (0, 1));
}

#[tokio::test]
async fn of_changes_that_touch_one_key_at_the_same_time_one_is_made() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    let read = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    let add = |name| catalog.commit(changes().create_alias(&world(), &alias(name, &key(1))).touch_key(&read));
    add("alias/one").await.unwrap();
    assert!(matches!(add("alias/two").await, Err(CatalogError::Conflict)));
    let again = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    assert_eq!(**again, key(1));
    catalog
        .commit(changes().create_alias(&world(), &alias("alias/two", &key(1))).touch_key(&again))
        .await
        .unwrap();
}

#[tokio::test]
async fn the_index_of_deletions_keeps_in_step() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    let pending = old.with_deletion_scheduled(Moment::from_millis(0), 7);
    catalog.commit(changes().replace_key(&old, &pending)).await.unwrap();
    let due = catalog.reader().next_deletion().await.unwrap().unwrap();
    assert_eq!(due, (Moment::from_millis(0).plus_days(7), address(&key(1))));

    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    catalog.commit(changes().replace_key(&old, &old.with_deletion_cancelled())).await.unwrap();
    assert!(catalog.reader().next_deletion().await.unwrap().is_none());
}

#[tokio::test]
async fn a_deletion_takes_all_aliases_along_and_is_noted_until_it_is_on_record() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    for number in 0..50 {
        let name = format!("alias/{number}");
        catalog.commit(changes().create_alias(&world(), &alias(&name, &key(1)))).await.unwrap();
    }
    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    let aliases = catalog.reader().aliases_of_key(&address(&key(1)), None, 100).await.unwrap().entries;
    catalog.commit(changes().delete_key(&old, &aliases)).await.unwrap();
    assert!(catalog.reader().key(&address(&key(1))).await.unwrap().is_none());
    assert!(catalog.reader().alias(&alias_address("alias/7")).await.unwrap().is_none());
    assert!(catalog.reader().aliases(&world(), None, 10).await.unwrap().entries.is_empty());
    assert_eq!(catalog.reader().unrecorded_deletions().await.unwrap(), [address(&key(1))]);
    catalog.commit(changes().deletion_is_recorded(&address(&key(1)))).await.unwrap();
    assert!(catalog.reader().unrecorded_deletions().await.unwrap().is_empty());
}

#[tokio::test]
async fn history_has_the_former_version_and_its_author_but_no_token() {
    let Fixture { catalog, storage, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    catalog.commit(changes().replace_key(&old, &old.with_enabled(false))).await.unwrap();
    let history = storage.scan(b"history/", None, 10).await.unwrap();
    let [former] = history.as_slice() else { panic!("{history:?}") };
    let text = std::str::from_utf8(&former.value).unwrap();
    assert!(text.contains(r#""enabled":true"#) && text.contains(r#""principal":"root""#), "{text}");
    assert!(!text.contains("cafe"), "{text}");
}

#[tokio::test]
async fn what_another_node_changes_is_forgotten_here() {
    let Fixture { catalog, storage, .. } = &fixture();
    let other = Catalog::new(Arc::clone(storage), 100);
    let followed = Followed::default();
    assert!(!followed.within(Duration::from_secs(5)), "nothing is followed yet");
    let story = async {
        catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
        while !followed.within(Duration::ZERO) {
            tokio::task::yield_now().await;
        }
        assert!(catalog.reader().key(&address(&key(1))).await.unwrap().unwrap().enabled);
        let old = other.reader().key(&address(&key(1))).await.unwrap().unwrap();
        other.commit(changes().replace_key(&old, &old.with_enabled(false))).await.unwrap();
        while catalog.reader().key(&address(&key(1))).await.unwrap().unwrap().enabled {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        () = story => {}
        lost = catalog.follow(&followed) => panic!("{lost:?}"),
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("the change was not seen"),
    }
}

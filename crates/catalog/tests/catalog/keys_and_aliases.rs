//! Keys and aliases.

use super::*;

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
    assert!(first_due(catalog).await.is_none());
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
    let due = first_due(catalog).await.unwrap();
    assert_eq!(due, (Moment::from_millis(0).plus_days(7), address(&key(1))));

    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    catalog.commit(changes().replace_key(&old, &old.with_deletion_cancelled())).await.unwrap();
    assert!(first_due(catalog).await.is_none());
}

#[tokio::test]
async fn a_deletion_takes_all_aliases_along() {
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

/// A family is changed in one commit, which its policies would not fit into twice.
#[tokio::test]
async fn history_has_the_members_of_a_key_that_were_changed_and_no_others() {
    let Fixture { catalog, storage, .. } = &fixture();
    let first = Key { policy: Some("of the nile".to_owned()), ..key(1) };
    catalog.commit(changes().create_key(&first, 10)).await.unwrap();
    let old = catalog.reader().key(&address(&first)).await.unwrap().unwrap();
    let scheduled =
        old.with_deletion_scheduled(Moment::from_millis(1), 7).with_rotation_enabled(old.created, 90);
    catalog.commit(changes().replace_key(&old, &scheduled)).await.unwrap();
    let history = storage.scan(b"history/", None, 10).await.unwrap();
    let former: serde_json::Value = serde_json::from_slice(&history[0].value).unwrap();
    assert_eq!(former["record"], serde_json::json!({"deletion": null, "enabled": true, "rotation": null}));
}

#[tokio::test]
async fn what_another_node_changes_is_forgotten_here() {
    on_two_nodes(async |here, there| {
        here.commit(changes().create_key(&key(1), 10)).await.unwrap();
        assert!(here.reader().key(&address(&key(1))).await.unwrap().unwrap().enabled);
        let old = there.reader().key(&address(&key(1))).await.unwrap().unwrap();
        there.commit(changes().replace_key(&old, &old.with_enabled(false))).await.unwrap();
        while here.reader().key(&address(&key(1))).await.unwrap().unwrap().enabled {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// A key record as it was written before there were AWS managed keys, grants and rotation.
const OLD_KEY: &str = r#"{"account":"111122223333","region":"eu-central-1","id":"01010101-0101-4101-8101-010101010101",
    "spec":"SYMMETRIC_DEFAULT","usage":"ENCRYPT_DECRYPT","origin":"AWS_KMS","created":1,"description":"",
    "enabled":true,"deletion":null,"policy":null,"tags":[],
    "current_material":{"id":"0101010101010101010101010101010101010101010101010101010101010101","token":"cafe01"}}"#;

#[tokio::test]
async fn a_key_that_was_written_before_keys_had_managers_reads_as_its_owners() {
    let Fixture { catalog, storage, .. } = &fixture();
    let at = format!("a/111122223333/eu-central-1/key/{}", key(1).id);
    let put = storage::Change::Put { key: at.into(), value: OLD_KEY.into() };
    assert!(matches!(storage.commit(vec![], vec![put]).await, Ok(storage::Commit::Done(_))));
    assert_eq!(**catalog.reader().key(&address(&key(1))).await.unwrap().unwrap(), key(1));
}

#[tokio::test]
async fn a_key_keeps_all_that_it_may_have() {
    let Fixture { catalog, .. } = &fixture();
    let arn = "arn:aws:iam::111122223333:user/a".to_owned();
    let full = Key {
        policy_principals: BTreeMap::from([(arn, "AIDAEXAMPLE".to_owned())]),
        ..managed_key(1)
            .with_new_material(material(8, &[8]), automatic())
            .with_new_material(material(9, &[9]), automatic())
    };
    catalog.commit(changes().create_key(&full, 0)).await.unwrap();
    assert_eq!(**catalog.reader().key(&address(&full)).await.unwrap().unwrap(), full);
}

/// A key that S3 has in the account and that is rotated a year later.
fn managed_key(number: u8) -> Key {
    let rotation = Some(RotationSchedule::from(key(number).created, 365));
    let service = Some("s3.amazonaws.com".to_owned());
    Key { manager: KeyManager::Aws, service, rotation, ..key(number) }
}

#[tokio::test]
async fn aws_managed_keys_are_listed_but_not_counted() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 1)).await.unwrap();
    catalog.commit(changes().create_key(&managed_key(2), 1)).await.unwrap();
    assert_eq!(catalog.reader().key_count(&world()).await.unwrap(), 1);
    assert_eq!(catalog.reader().key_ids(&world(), None, 9).await.unwrap().entries, [key(1).id, key(2).id]);
    let one_more = catalog.commit(changes().create_key(&key(3), 1)).await;
    assert!(matches!(one_more, Err(CatalogError::TooManyKeys { limit: 1 })));
    let managed = catalog.reader().key(&address(&key(2))).await.unwrap().unwrap();
    catalog.commit(changes().delete_key(&managed, &[])).await.unwrap();
    assert_eq!(catalog.reader().key_count(&world()).await.unwrap(), 1);
}

#[tokio::test]
async fn the_index_of_rotations_keeps_in_step() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create_key(&managed_key(1), 0)).await.unwrap();
    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    let date = old.created.plus_days(365);
    assert_eq!(first_due(catalog).await, Some((date, address(&key(1)))));

    let rotation = old.rotation.map(|schedule| schedule.after_rotation(date));
    let rotated = Key { rotation, ..old.with_new_material(material(9, &[9]), automatic()) };
    catalog.commit(changes().replace_key(&old, &rotated)).await.unwrap();
    assert_eq!(first_due(catalog).await, Some((date.plus_days(365), address(&key(1)))));

    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    catalog.commit(changes().delete_key(&old, &[])).await.unwrap();
    assert_eq!(first_due(catalog).await, None);
}

fn automatic() -> Rotation {
    Rotation { date: Moment::from_millis(5), rotation_type: RotationType::Automatic }
}

#[tokio::test]
async fn what_is_announced_stays_until_it_is_on_record_the_oldest_first() {
    let Fixture { catalog, .. } = &fixture();
    let at = |millis| Author {
        principal: "job".into(),
        request_id: String::new(),
        at: Moment::from_millis(millis),
    };
    catalog.commit(Changes::by(at(9)).announce("a", b"second".to_vec())).await.unwrap();
    catalog.commit(Changes::by(at(8)).announce("b", b"first".to_vec())).await.unwrap();
    let announced = catalog.reader().announcements().await.unwrap();
    assert_eq!(announced.iter().map(|one| &one.line[..]).collect::<Vec<_>>(), [&b"first"[..], b"second"]);
    catalog.commit(changes().announced(&announced[0])).await.unwrap();
    let left = catalog.reader().announcements().await.unwrap();
    assert_eq!(left.iter().map(|one| &one.line[..]).collect::<Vec<_>>(), [b"second"]);
}

#[tokio::test]
async fn history_has_no_token_of_a_former_material_either() {
    let Fixture { catalog, storage, .. } = &fixture();
    let rotated = key(1).with_new_material(material(9, &[0xbe, 0xef]), automatic());
    catalog.commit(changes().create_key(&rotated, 10)).await.unwrap();
    let old = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    catalog.commit(changes().delete_key(&old, &[])).await.unwrap();
    let kept = everything(storage, true).await;
    assert!(kept.iter().any(|(_, value)| value.contains("former_materials")), "{kept:?}");
    assert!(kept.iter().all(|(_, value)| !value.contains("cafe") && !value.contains("beef")), "{kept:?}");
}

#[tokio::test]
async fn the_last_use_of_a_key_is_noted_without_history_and_goes_with_the_key() {
    let Fixture { catalog, storage, .. } = &fixture();
    catalog.commit(changes().create_key(&key(1), 10)).await.unwrap();
    let stored = catalog.reader().key(&address(&key(1))).await.unwrap().unwrap();
    assert!(catalog.reader().key_use(&address(&key(1))).await.unwrap().is_none());
    assert_eq!(catalog.reader().key_uses_up_to().await.unwrap(), 0);
    for event in ["one", "two"] {
        let at = Moment::from_millis(9000);
        let last =
            KeyUse { at, operation: "Encrypt".into(), event_id: event.into(), request_id: event.into() };
        catalog.commit(changes().note_key_use(&stored, &last).note_key_uses_up_to(7)).await.unwrap();
        assert_eq!(*catalog.reader().key_use(&address(&key(1))).await.unwrap().unwrap(), last);
    }
    assert_eq!(catalog.reader().key_uses_up_to().await.unwrap(), 7);
    let left = everything(storage, true).await;
    assert!(!left.iter().any(|(key, _)| key.starts_with("history/")), "{left:?}");

    catalog.commit(changes().delete_key(&stored, &[])).await.unwrap();
    assert!(catalog.reader().key_use(&address(&key(1))).await.unwrap().is_none());
    let last = KeyUse {
        at: Moment::from_millis(9),
        operation: "a".into(),
        event_id: "b".into(),
        request_id: "c".into(),
    };
    let late = catalog.commit(changes().note_key_use(&stored, &last)).await;
    assert!(matches!(late, Err(CatalogError::Conflict)), "a key that is gone was used");
}

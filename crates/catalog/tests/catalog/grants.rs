//! Grants.

use super::*;
use catalog::{GRANTS_A_COMMIT, Stored};
use keys::{Grant, GrantConstraints, GrantId, GrantOperation, GrantPrincipal};

const ROLE: &str = "arn:aws:iam::111122223333:role/nile/Reader";
const RETIRING: &str = "arn:aws:iam::111122223333:user/Steward";

fn principal(name: &str) -> GrantPrincipal {
    GrantPrincipal { name: name.into(), unique_id: None }
}

fn id(number: u16) -> GrantId {
    let mut bytes = [0; 32];
    bytes[30..].copy_from_slice(&number.to_be_bytes());
    GrantId::from_bytes(bytes)
}

fn grant(number: u16) -> Grant {
    Grant {
        id: id(number),
        grantee: principal(ROLE),
        retiring: None,
        operations: [GrantOperation::Decrypt, GrantOperation::Encapsulate].into_iter().collect(),
        constraints: GrantConstraints::default(),
        name: None,
        created: Moment::from_millis(6),
        issuing_account: world().account,
    }
}

async fn key_in(catalog: &Catalog, number: u8) -> Arc<Stored<Key>> {
    catalog.commit(changes().create_key(&key(number), 100)).await.unwrap();
    catalog.reader().key(&address(&key(number))).await.unwrap().unwrap()
}

async fn create(catalog: &Catalog, key: &Stored<Key>, grant: &Grant) {
    catalog.commit(changes().create_grant(key, grant, None, 100)).await.unwrap();
}

async fn delete(catalog: &Catalog, key: &Stored<Key>, number: u16) {
    let old = catalog.reader().grant(&address(key), &id(number)).await.unwrap().unwrap();
    catalog.commit(changes().delete_grant(&address(key), &old)).await.unwrap();
}

async fn to(catalog: &Catalog, key: &Stored<Key>, grantee: &str) -> Vec<GrantId> {
    let grants = catalog.reader().grants_to(&address(key), grantee).await.unwrap();
    grants.iter().map(|grant| grant.id).collect()
}

#[tokio::test]
async fn a_grant_is_found_as_it_was_made() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    let pairs = || Some(BTreeMap::from([("project".to_owned(), "nile".to_owned())]));
    let source_arn = Some("arn:aws:s3:::bucket".to_owned());
    let full = Grant {
        grantee: GrantPrincipal { unique_id: Some("AROAEXAMPLE".into()), ..principal(ROLE) },
        retiring: Some(principal(RETIRING)),
        constraints: GrantConstraints { equals: pairs(), subset: pairs(), source_arn },
        name: Some("a/name".into()),
        ..grant(1)
    };
    create(catalog, &key, &full).await;
    create(catalog, &key, &grant(2)).await;
    let reader = catalog.reader();
    assert_eq!(**reader.grant(&address(&key), &id(1)).await.unwrap().unwrap(), full);
    assert_eq!(
        *reader.grants_to(&address(&key), "AROAEXAMPLE").await.unwrap(),
        [full],
        "known by its unique id"
    );
    assert_eq!(*reader.grants_to(&address(&key), ROLE).await.unwrap(), [grant(2)]);
    assert!(reader.grant(&address(&key), &id(3)).await.unwrap().is_none());
}

#[tokio::test]
async fn a_grant_that_is_made_or_deleted_counts_from_the_next_call_on() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    assert!(to(catalog, &key, ROLE).await.is_empty());
    for number in 0..20 {
        create(catalog, &key, &grant(number)).await;
        assert_eq!(to(catalog, &key, ROLE).await, [id(number)]);
        delete(catalog, &key, number).await;
        assert!(to(catalog, &key, ROLE).await.is_empty());
    }
}

#[tokio::test]
async fn a_grantee_has_neither_anothers_grants_nor_those_on_another_key() {
    let Fixture { catalog, .. } = &fixture();
    let (one, two) = (key_in(catalog, 1).await, key_in(catalog, 2).await);
    let longer = format!("{ROLE}/more");
    create(catalog, &one, &grant(1)).await;
    create(catalog, &one, &Grant { grantee: principal(&longer), ..grant(2) }).await;
    create(catalog, &two, &grant(3)).await;
    assert_eq!(to(catalog, &one, ROLE).await, [id(1)]);
    assert_eq!(to(catalog, &one, &longer).await, [id(2)]);
    assert_eq!(to(catalog, &two, ROLE).await, [id(3)]);
    assert!(to(catalog, &two, &longer).await.is_empty());
}

#[tokio::test]
async fn more_grants_than_one_scan_holds_are_all_found() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    for first in (0..1050).step_by(35) {
        let made = changes();
        let made = (first..first + 35)
            .fold(made, |made, number| made.create_grant(&key, &grant(number), None, 2000));
        catalog.commit(made).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(to(catalog, &key, ROLE).await, (0..1050).map(id).collect::<Vec<_>>());
    }
    assert_eq!(catalog.reader().grant_count(&address(&key)).await.unwrap(), 1050);
}

#[tokio::test]
async fn grants_are_listed_in_pages() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    for number in 0..5 {
        create(catalog, &key, &grant(number)).await;
    }
    let first = catalog.reader().grants(&address(&key), None, 3).await.unwrap();
    let rest = catalog.reader().grants(&address(&key), first.next.as_deref(), 3).await.unwrap();
    let ids: Vec<_> = first.entries.iter().chain(&rest.entries).map(|grant| grant.id).collect();
    assert_eq!((ids, rest.next), ((0..5).map(id).collect(), None));
}

#[tokio::test]
async fn a_key_has_as_many_grants_as_the_limit_says_whoever_makes_them_at_the_same_time() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    let all = (0..20).map(|number| catalog.commit(changes().create_grant(&key, &grant(number), None, 15)));
    let made = futures_join(all.collect()).await;
    let too_many = |made: &Result<(), _>| matches!(made, Err(CatalogError::TooManyGrants { limit: 15 }));
    assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 15, "{made:?}");
    assert_eq!(made.iter().filter(|made| too_many(made)).count(), 5, "{made:?}");
    let one = to(catalog, &key, ROLE).await[0];
    let old = catalog.reader().grant(&address(&key), &one).await.unwrap().unwrap();
    catalog.commit(changes().delete_grant(&address(&key), &old)).await.unwrap();
    catalog.commit(changes().create_grant(&key, &grant(99), None, 15)).await.unwrap();
    assert_eq!(catalog.reader().grant_count(&address(&key)).await.unwrap(), 15);
}

#[tokio::test]
async fn of_those_who_make_a_grant_of_one_name_at_the_same_time_one_does() {
    let Fixture { catalog, .. } = &fixture();
    let (key, named) = (key_in(catalog, 1).await, |number| Grant { name: Some("n".into()), ..grant(number) });
    let read = async || catalog.reader().grants_named(&address(&key), "n").await.unwrap();
    let (mine, yours) = (read().await, read().await);
    assert!(mine.grants.is_empty());
    catalog.commit(changes().create_grant(&key, &named(1), Some(&mine), 100)).await.unwrap();
    let late = changes().create_grant(&key, &named(2), Some(&yours), 100);
    assert!(matches!(catalog.commit(late).await, Err(CatalogError::Conflict)));

    let again = read().await;
    assert_eq!(again.grants.iter().map(|grant| grant.id).collect::<Vec<_>>(), [id(1)]);
    catalog.commit(changes().create_grant(&key, &named(2), Some(&again), 100)).await.unwrap();
    assert_eq!(read().await.grants.len(), 2);
    assert!(catalog.reader().grants_named(&address(&key), "n/2").await.unwrap().grants.is_empty());

    delete(catalog, &key, 1).await;
    let again = read().await;
    assert_eq!(again.grants.len(), 1);
    catalog.commit(changes().create_grant(&key, &named(3), Some(&again), 100)).await.unwrap();
}

#[tokio::test]
async fn a_grant_on_a_key_that_was_changed_since_is_a_conflict() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    catalog.commit(changes().replace_key(&key, &key.with_enabled(false))).await.unwrap();
    let late = catalog.commit(changes().create_grant(&key, &grant(1), None, 100)).await;
    assert!(matches!(late, Err(CatalogError::Conflict)));
    assert!(to(catalog, &key, ROLE).await.is_empty());
}

#[tokio::test]
async fn a_retiring_principal_finds_its_grants_on_everyones_keys_of_the_region() {
    let Fixture { catalog, .. } = &fixture();
    let elsewhere = |account: &str, region: &str| Key {
        account: account.parse().unwrap(),
        region: region.parse().unwrap(),
        ..key(7)
    };
    let retirable = |number| Grant { retiring: Some(principal(RETIRING)), ..grant(number) };
    let mut places = Vec::new();
    for (number, key) in [
        (1, key(1)),
        (2, elsewhere("444455556666", "eu-central-1")),
        (3, elsewhere("111122223333", "eu-west-1")),
    ] {
        catalog.commit(changes().create_key(&key, 100)).await.unwrap();
        let at = KeyAddress { world: World { account: key.account, region: key.region }, id: key.id };
        let stored = catalog.reader().key(&at).await.unwrap().unwrap();
        create(catalog, &stored, &retirable(number)).await;
        places.push(at);
    }
    let other = Grant { retiring: Some(principal(&format!("{RETIRING}/x"))), ..grant(4) };
    let one = catalog.reader().key(&places[0]).await.unwrap().unwrap();
    create(catalog, &one, &other).await;

    let reader = catalog.reader();
    let first = reader.retirable(RETIRING, &world().region, None, 1).await.unwrap();
    let rest = reader.retirable(RETIRING, &world().region, first.next.as_deref(), 1).await.unwrap();
    let found: Vec<_> =
        first.entries.iter().chain(&rest.entries).map(|(key, grant)| (key.clone(), grant.id)).collect();
    assert_eq!(found, [(places[0].clone(), id(1)), (places[1].clone(), id(2))]);
    assert_eq!(rest.next, None);
    delete(catalog, &one, 1).await;
    let left = reader.retirable(RETIRING, &world().region, None, 9).await.unwrap();
    assert_eq!(left.entries.iter().map(|(_, grant)| grant.id).collect::<Vec<_>>(), [id(2)]);
}

#[tokio::test]
async fn a_key_goes_after_its_grants_and_leaves_nothing_behind() {
    let Fixture { catalog, storage, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    let made = u16::try_from(GRANTS_A_COMMIT).unwrap() * 2 + 1;
    for number in 0..made {
        let name = Some(if number < 2 { "shared".to_owned() } else { number.to_string() });
        let full = Grant { name, retiring: Some(principal(RETIRING)), ..grant(number) };
        create(catalog, &key, &full).await;
    }
    let early = catalog.commit(changes().delete_key(&key, &[])).await;
    assert!(matches!(early, Err(CatalogError::Conflict)));
    let mut commits = 0;
    loop {
        let some = catalog.reader().grants(&address(&key), None, GRANTS_A_COMMIT).await.unwrap().entries;
        if some.is_empty() {
            break;
        }
        catalog.commit(changes().delete_grants(&address(&key), &some)).await.unwrap();
        commits += 1;
    }
    assert_eq!(commits, 3);
    assert!(to(catalog, &key, ROLE).await.is_empty());
    catalog.commit(changes().delete_key(&key, &[])).await.unwrap();
    assert_eq!(everything(storage, false).await, []);
    let history = everything(storage, true).await;
    let former = |number| format!("\"id\":\"{}\"", id(number));
    for number in 0..made {
        assert!(history.iter().any(|(_, value)| value.contains(&former(number))), "{number}");
    }
}

#[tokio::test]
async fn a_grant_is_deleted_once() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    create(catalog, &key, &grant(1)).await;
    let old = catalog.reader().grant(&address(&key), &id(1)).await.unwrap().unwrap();
    delete(catalog, &key, 1).await;
    let again = catalog.commit(changes().delete_grant(&address(&key), &old)).await;
    assert!(matches!(again, Err(CatalogError::Conflict)));
    assert_eq!(catalog.reader().grant_count(&address(&key)).await.unwrap(), 0);
}

#[tokio::test]
async fn grants_are_deleted_together_or_not_at_all() {
    let Fixture { catalog, .. } = &fixture();
    let key = key_in(catalog, 1).await;
    for number in 0..3 {
        create(catalog, &key, &grant(number)).await;
    }
    let read = catalog.reader().grants(&address(&key), None, 9).await.unwrap().entries;
    delete(catalog, &key, 1).await;
    let late = catalog.commit(changes().delete_grants(&address(&key), &read)).await;
    assert!(matches!(late, Err(CatalogError::Conflict)));
    assert_eq!(to(catalog, &key, ROLE).await, [id(0), id(2)]);
    assert_eq!(catalog.reader().grant_count(&address(&key)).await.unwrap(), 2);
}

#[tokio::test]
async fn what_another_node_grants_and_revokes_is_seen_here() {
    on_two_nodes(async |here, there| {
        let key = key_in(there, 1).await;
        assert!(to(here, &key, ROLE).await.is_empty());
        create(there, &key, &grant(1)).await;
        while to(here, &key, ROLE).await != [id(1)] {
            tokio::task::yield_now().await;
        }
        delete(there, &key, 1).await;
        while !to(here, &key, ROLE).await.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

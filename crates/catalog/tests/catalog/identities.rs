//! Identities, and the access keys of users and services.

use super::*;
use catalog::{
    AccessKey, AccessKeyOwner, AccessKeyUse, Account, Attachment, Group, IntegratedService, ManagedPolicy,
    OidcProvider, PolicyUsage, PolicyVersion, Record, RecordKind, Role, Stored, User,
};
use keys::{AccountId, Tag};
use std::collections::BTreeSet;

fn user(name: &str) -> User {
    User {
        account: world().account,
        name: name.into(),
        path: "/nile/".into(),
        id: format!("AIDA{name}"),
        created: Moment::from_millis(3),
        tags: Tags::default().with(vec![Tag { key: "team".into(), value: "delta".into() }]).unwrap(),
        groups: BTreeSet::new(),
        attached: BTreeSet::new(),
        inline: BTreeMap::from([("own".to_owned(), "{}".to_owned())]),
        boundary: None,
        access_keys: Vec::new(),
    }
}

fn group(name: &str) -> Group {
    Group {
        account: world().account,
        name: name.into(),
        path: "/".into(),
        id: format!("AGPA{name}"),
        created: Moment::from_millis(3),
        attached: BTreeSet::new(),
        inline: BTreeMap::new(),
    }
}

fn role(name: &str) -> Role {
    Role {
        account: world().account,
        name: name.into(),
        path: "/".into(),
        id: format!("AROA{name}"),
        created: Moment::from_millis(3),
        description: "reads".into(),
        max_session_seconds: 3600,
        trust: "{}".into(),
        trust_principals: BTreeMap::new(),
        tags: Tags::default(),
        attached: BTreeSet::new(),
        inline: BTreeMap::new(),
        boundary: None,
    }
}

fn policy(name: &str) -> ManagedPolicy {
    ManagedPolicy {
        account: world().account,
        name: name.into(),
        path: "/".into(),
        id: format!("ANPA{name}"),
        created: Moment::from_millis(3),
        updated: Moment::from_millis(4),
        description: String::new(),
        tags: Tags::default(),
        versions: vec![PolicyVersion { number: 1, text: "{}".into(), created: Moment::from_millis(3) }],
        default: 1,
        next: 2,
    }
}

fn issuer(url: &str) -> OidcProvider {
    OidcProvider {
        account: world().account,
        url: url.into(),
        client_ids: vec!["sts".into()],
        thumbprints: vec![],
        created: Moment::from_millis(3),
        tags: Tags::default(),
    }
}

fn service(name: &str) -> IntegratedService {
    IntegratedService { name: name.into(), access_keys: vec![], created: Moment::from_millis(3) }
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

fn access_key(id: &str, owner: AccessKeyOwner) -> AccessKey {
    let created = Moment::from_millis(5);
    AccessKey {
        id: id.into(),
        account: world().account,
        owner,
        active: true,
        created,
        secret: vec![0xfe, 0xed, 0xfe, 0xed],
    }
}

async fn find<T: Record>(catalog: &Catalog, name: &str) -> Option<Arc<Stored<T>>> {
    catalog.reader().find::<T>(&world().account, name).await.unwrap()
}

async fn attachments(catalog: &Catalog, policy: &str) -> Vec<(PolicyUsage, RecordKind, String)> {
    let found = catalog.reader().attachments(&world().account, policy).await.unwrap();
    found.into_iter().map(|Attachment { usage, kind, name }| (usage, kind, name)).collect()
}

async fn members(catalog: &Catalog, group: &str) -> Vec<String> {
    catalog.reader().members(&world().account, group).await.unwrap()
}

const READ: &str = "arn:aws:iam::111122223333:policy/Read";

#[tokio::test]
async fn each_kind_of_record_is_found_as_it_was_made_and_by_no_other_kind() {
    let Fixture { catalog, .. } = &fixture();
    let made = changes().create(&user("X")).create(&group("X")).create(&role("X")).create(&policy("X"));
    let made = made.create(&issuer("issuer.test/x")).create(&service("s3.amazonaws.com"));
    catalog.commit(made).await.unwrap();
    assert_eq!(**find::<User>(catalog, "X").await.unwrap(), user("X"));
    assert_eq!(**find::<Group>(catalog, "X").await.unwrap(), group("X"));
    assert_eq!(**find::<Role>(catalog, "X").await.unwrap(), role("X"));
    assert_eq!(**find::<ManagedPolicy>(catalog, "X").await.unwrap(), policy("X"));
    assert_eq!(**find::<OidcProvider>(catalog, "issuer.test/x").await.unwrap(), issuer("issuer.test/x"));
    let services = catalog.reader().find::<IntegratedService>(&AccountId::INSTALLATION, "s3.amazonaws.com");
    assert_eq!(**services.await.unwrap().unwrap(), service("s3.amazonaws.com"));
    assert!(find::<IntegratedService>(catalog, "s3.amazonaws.com").await.is_none());
    let elsewhere = "444455556666".parse().unwrap();
    assert!(catalog.reader().find::<User>(&elsewhere, "X").await.unwrap().is_none());
}

#[tokio::test]
async fn names_compare_without_case_and_are_shown_as_written() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create(&user("Nefertari"))).await.unwrap();
    for name in ["Nefertari", "nefertari", "NEFERTARI"] {
        assert_eq!(find::<User>(catalog, name).await.unwrap().name, "Nefertari");
    }
    let again = catalog.commit(changes().create(&user("nefertari"))).await;
    assert!(matches!(again, Err(CatalogError::Conflict)));
}

#[tokio::test]
async fn records_are_listed_in_the_order_of_their_names() {
    let Fixture { catalog, .. } = &fixture();
    for name in ["b", "C", "a", "D"] {
        catalog.commit(changes().create(&user(name)).create(&role(name))).await.unwrap();
    }
    let page = async |after: Option<&str>| {
        let page = catalog.reader().list::<User>(&world().account, after, 3).await.unwrap();
        (page.entries.iter().map(|user| user.name.clone()).collect::<Vec<_>>(), page.next)
    };
    let (first, next) = page(None).await;
    assert_eq!(first, ["a", "b", "C"]);
    assert_eq!(page(next.as_deref()).await, (vec!["D".to_owned()], None));
}

#[tokio::test]
async fn records_are_counted_by_their_kind_and_no_further_than_asked() {
    let Fixture { catalog, .. } = &fixture();
    for name in ["volga", "nile", "rhine"] {
        catalog.commit(changes().create(&user(name))).await.unwrap();
    }
    catalog.commit(changes().create(&group("rivers"))).await.unwrap();
    let account = world().account;
    let (reader, most) = (catalog.reader(), [1, 3, 10]);
    for (most, count) in most.into_iter().zip([1, 3, 3]) {
        assert_eq!(reader.count::<User>(&account, most).await.unwrap(), count);
    }
    assert_eq!(reader.count::<Group>(&account, 10).await.unwrap(), 1);
}

#[tokio::test]
async fn a_replaced_record_is_seen_by_the_next_read_and_what_is_derived_from_it_made_anew() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create(&role("r"))).await.unwrap();
    let description = |role: &Role| role.description.to_uppercase();
    for round in 0..20 {
        let old = find::<Role>(catalog, "r").await.unwrap();
        let new = Role { description: format!("round {round}"), ..Role::clone(&old) };
        catalog.commit(changes().replace(&old, &new)).await.unwrap();
        let found = find::<Role>(catalog, "r").await.unwrap();
        assert_eq!(found.derived(description), &format!("ROUND {round}"));
    }
}

#[tokio::test]
async fn a_policys_users_are_known_for_as_long_as_they_use_it() {
    let Fixture { catalog, .. } = &fixture();
    let bounded = User { attached: names([READ]), boundary: Some(READ.into()), ..user("Uma") };
    let longer = format!("{READ}/role/x");
    catalog
        .commit(
            changes()
                .create(&bounded)
                .create(&Group { attached: names([READ, &longer]), ..group("Gods") })
                .create(&Role { attached: names([READ]), ..role("r") }),
        )
        .await
        .unwrap();
    let uma = |usage| (usage, RecordKind::User, "Uma".to_owned());
    let of = |kind, name: &str| (PolicyUsage::PermissionsPolicy, kind, name.to_owned());
    assert_eq!(
        attachments(catalog, READ).await,
        [
            uma(PolicyUsage::PermissionsBoundary),
            of(RecordKind::Group, "Gods"),
            of(RecordKind::Role, "r"),
            uma(PolicyUsage::PermissionsPolicy),
        ]
    );
    assert_eq!(attachments(catalog, &longer).await, [of(RecordKind::Group, "Gods")]);
    assert_eq!(attachments(catalog, &READ.to_lowercase()).await.len(), 4);

    let old = find::<User>(catalog, "Uma").await.unwrap();
    let free = User { attached: names([]), ..User::clone(&old) };
    catalog.commit(changes().replace(&old, &free)).await.unwrap();
    let role = find::<Role>(catalog, "r").await.unwrap();
    catalog.commit(changes().delete(&role)).await.unwrap();
    assert_eq!(
        attachments(catalog, READ).await,
        [uma(PolicyUsage::PermissionsBoundary), of(RecordKind::Group, "Gods")]
    );
}

#[tokio::test]
async fn a_renamed_user_leaves_nothing_under_the_old_name() {
    let Fixture { catalog, storage, .. } = &fixture();
    let member = User { groups: names(["Gods"]), attached: names([READ]), ..user("Uma") };
    catalog.commit(changes().create(&group("Gods")).create(&member).create(&user("taken"))).await.unwrap();
    assert_eq!(members(catalog, "gods").await, ["Uma"]);
    let old = find::<User>(catalog, "Uma").await.unwrap();
    let renamed = |name: &str| User { name: name.into(), ..User::clone(&old) };
    let taken = catalog.commit(changes().replace(&old, &renamed("Taken"))).await;
    assert!(matches!(taken, Err(CatalogError::Conflict)));
    catalog.commit(changes().replace(&old, &renamed("Una"))).await.unwrap();
    assert!(find::<User>(catalog, "Uma").await.is_none());
    assert_eq!(**find::<User>(catalog, "una").await.unwrap(), renamed("Una"));
    assert_eq!(members(catalog, "Gods").await, ["Una"]);

    let old = find::<User>(catalog, "una").await.unwrap();
    let shouted = User { name: "UNA".into(), ..User::clone(&old) };
    catalog.commit(changes().replace(&old, &shouted)).await.unwrap();
    assert_eq!(find::<User>(catalog, "una").await.unwrap().name, "UNA");
    assert_eq!(members(catalog, "Gods").await, ["UNA"]);

    let old = find::<User>(catalog, "una").await.unwrap();
    catalog.commit(changes().delete(&old)).await.unwrap();
    assert!(members(catalog, "Gods").await.is_empty() && attachments(catalog, READ).await.is_empty());
    let left: Vec<_> = everything(storage, false).await.into_iter().map(|(key, _)| key).collect();
    assert_eq!(left, ["a/111122223333/iam/group/gods", "a/111122223333/iam/user/taken"]);
}

#[tokio::test]
async fn what_begins_to_use_a_record_conflicts_with_its_deletion() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create(&policy("Read")).create(&role("r"))).await.unwrap();
    let (policy, role) = (find::<ManagedPolicy>(catalog, "Read").await.unwrap(), find(catalog, "r").await);
    let old: Arc<Stored<Role>> = role.unwrap();
    let using = Role { attached: names([READ]), ..Role::clone(&old) };
    catalog.commit(changes().replace(&old, &using).touch(&policy)).await.unwrap();
    let deletion = catalog.commit(changes().delete(&policy)).await;
    assert!(matches!(deletion, Err(CatalogError::Conflict)));
    let touched = find::<ManagedPolicy>(catalog, "Read").await.unwrap();
    assert_eq!(**touched, **policy);
    assert_eq!(attachments(catalog, READ).await.len(), 1);
    catalog.commit(changes().delete(&touched)).await.unwrap();
    assert!(find::<ManagedPolicy>(catalog, "Read").await.is_none());
}

#[tokio::test]
async fn a_change_of_a_record_that_was_changed_since_is_a_conflict() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create(&group("g"))).await.unwrap();
    let old = find::<Group>(catalog, "g").await.unwrap();
    let with = |path: &str| Group { path: path.into(), ..Group::clone(&old) };
    catalog.commit(changes().replace(&old, &with("/a/"))).await.unwrap();
    assert!(matches!(
        catalog.commit(changes().replace(&old, &with("/b/"))).await,
        Err(CatalogError::Conflict)
    ));
    assert!(matches!(catalog.commit(changes().delete(&old)).await, Err(CatalogError::Conflict)));
    assert_eq!(find::<Group>(catalog, "g").await.unwrap().path, "/a/");
}

#[tokio::test]
async fn history_has_a_former_record_and_who_changed_it() {
    let Fixture { catalog, storage, .. } = &fixture();
    catalog.commit(changes().create(&role("r"))).await.unwrap();
    let old = find::<Role>(catalog, "r").await.unwrap();
    catalog.commit(changes().delete(&old)).await.unwrap();
    let all = everything(storage, true).await;
    let [(at, former)] = all.as_slice() else { panic!("{all:?}") };
    assert!(at.starts_with("history/a/111122223333/iam/role/r/"), "{at}");
    assert!(former.contains("AROAr") && former.contains(r#""principal":"root""#), "{former}");
}

#[tokio::test]
async fn an_integrated_service_is_no_account() {
    let Fixture { catalog, .. } = &fixture();
    catalog.commit(changes().create(&service("s3.amazonaws.com"))).await.unwrap();
    assert!(!catalog.reader().has_accounts().await.unwrap());
    let account = Account { id: world().account, created: Moment::from_millis(1) };
    catalog.commit(changes().create_account(&account)).await.unwrap();
    assert!(catalog.reader().has_accounts().await.unwrap());
}

#[tokio::test]
async fn an_access_key_comes_and_goes_with_its_users_list_and_leaves_no_secret() {
    let Fixture { catalog, storage, .. } = &fixture();
    catalog.commit(changes().create(&user("u"))).await.unwrap();
    let owner = AccessKeyOwner::User { name: "u".into(), id: "AIDAu".into() };
    let key = access_key("AKIAONE", owner.clone());
    let old = find::<User>(catalog, "u").await.unwrap();
    let with = User { access_keys: vec![key.id.clone()], ..User::clone(&old) };
    catalog.commit(changes().create_access_key(&key).replace(&old, &with)).await.unwrap();
    let stored = catalog.reader().access_key("AKIAONE").await.unwrap().unwrap();
    assert_eq!((&stored.owner, stored.active), (&owner, true));

    let off = AccessKey { active: false, ..AccessKey::clone(&stored) };
    catalog.commit(changes().replace_access_key(&stored, &off)).await.unwrap();
    let stored = catalog.reader().access_key("AKIAONE").await.unwrap().unwrap();
    assert!(!stored.active && stored.secret == key.secret);

    let last =
        AccessKeyUse { at: Moment::from_millis(9), service: "kms".into(), region: "eu-central-1".into() };
    catalog.commit(changes().note_access_key_use("AKIAONE", &last)).await.unwrap();
    let old = find::<User>(catalog, "u").await.unwrap();
    let without = User { access_keys: vec![], ..User::clone(&old) };
    catalog.commit(changes().delete_access_key(&stored).replace(&old, &without)).await.unwrap();
    assert!(catalog.reader().access_key("AKIAONE").await.unwrap().is_none());
    assert!(catalog.reader().access_key_use("AKIAONE").await.unwrap().is_none());
    let left = everything(storage, true).await;
    assert!(left.iter().any(|(key, _)| key.starts_with("history/access-key/AKIAONE/")), "{left:?}");
    assert!(left.iter().all(|(_, value)| !value.contains("254,237")), "{left:?}");
}

#[tokio::test]
async fn roots_access_keys_are_found_by_their_account() {
    let Fixture { catalog, storage, .. } = &fixture();
    let of_service = AccessKeyOwner::Service { name: "s3.amazonaws.com".into() };
    for key in [
        access_key("AKIAONE", AccessKeyOwner::Root),
        access_key("AKIATWO", AccessKeyOwner::Root),
        access_key("AKIASERVICE", of_service),
    ] {
        catalog.commit(changes().create_access_key(&key)).await.unwrap();
    }
    let of_root = async || catalog.reader().root_access_keys(&world().account).await.unwrap();
    assert_eq!(of_root().await, ["AKIAONE", "AKIATWO"]);
    for id in ["AKIAONE", "AKIATWO", "AKIASERVICE"] {
        let old = catalog.reader().access_key(id).await.unwrap().unwrap();
        catalog.commit(changes().delete_access_key(&old)).await.unwrap();
    }
    assert_eq!(everything(storage, false).await, []);
}

#[tokio::test]
async fn the_last_use_of_an_access_key_takes_the_place_of_the_one_before() {
    let Fixture { catalog, storage, .. } = &fixture();
    assert!(catalog.reader().access_key_use("AKIAONE").await.unwrap().is_none());
    for at in 1..4 {
        let last = AccessKeyUse { at: Moment::from_millis(at), service: "iam".into(), region: "eu".into() };
        catalog.commit(changes().note_access_key_use("AKIAONE", &last)).await.unwrap();
        assert_eq!(*catalog.reader().access_key_use("AKIAONE").await.unwrap().unwrap(), last);
    }
    assert_eq!(everything(storage, true).await.len(), 1);
}

#[tokio::test]
async fn what_another_node_changes_of_an_identity_is_forgotten_here() {
    on_two_nodes(async |here, there| {
        let key = access_key("AKIAONE", AccessKeyOwner::Service { name: "s3.amazonaws.com".into() });
        let made = changes().create(&user("u")).create(&group("g")).create(&role("r")).create(&policy("p"));
        let made = made.create(&issuer("issuer.test")).create_access_key(&key);
        here.commit(made).await.unwrap();
        assert!(find::<User>(here, "u").await.is_some() && find::<Group>(here, "g").await.is_some());
        assert!(find::<Role>(here, "r").await.is_some() && find::<ManagedPolicy>(here, "p").await.is_some());
        assert!(find::<OidcProvider>(here, "issuer.test").await.is_some());
        assert!(here.reader().access_key("AKIAONE").await.unwrap().unwrap().active);

        let deleted = changes()
            .delete(&find::<User>(there, "U").await.unwrap())
            .delete(&find::<Group>(there, "G").await.unwrap())
            .delete(&find::<Role>(there, "R").await.unwrap())
            .delete(&find::<ManagedPolicy>(there, "P").await.unwrap())
            .delete(&find::<OidcProvider>(there, "ISSUER.test").await.unwrap())
            .delete_access_key(&there.reader().access_key("AKIAONE").await.unwrap().unwrap());
        there.commit(deleted).await.unwrap();
        while find::<User>(here, "u").await.is_some()
            || find::<Group>(here, "g").await.is_some()
            || find::<Role>(here, "r").await.is_some()
            || find::<ManagedPolicy>(here, "p").await.is_some()
            || find::<OidcProvider>(here, "issuer.test").await.is_some()
            || here.reader().access_key("AKIAONE").await.unwrap().is_some()
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

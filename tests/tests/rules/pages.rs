//! Lists in pages: every entry once, whatever the size of the page, and no marker but the list's own.

use crate::account::Account;
use blackbox::Server;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// An account with so many keys, aliases of one key, tags on it and material of it, and nothing else.
struct Lists<'a> {
    account: Account<'a>,
}

const KEYS: usize = 7;
const ALIASES: usize = 7;
const TAGS: usize = 7;
const MATERIALS: usize = 7;

impl<'a> Lists<'a> {
    fn new(server: &'a Server) -> Self {
        let account = Account::new(server);
        for _ in 2..KEYS {
            let _ = server.create_key_as(&account.caller);
        }
        for number in 1..ALIASES {
            let input = json!({"AliasName": format!("alias/{number}"), "TargetKeyId": account.key});
            let _ = account.call("CreateAlias", &input).output();
        }
        for _ in 1..MATERIALS {
            let _ = account.call("RotateKeyOnDemand", &json!({"KeyId": account.key})).output();
        }
        let tags: Vec<_> =
            (1..TAGS).map(|number| json!({"TagKey": format!("t{number}"), "TagValue": ""})).collect();
        let _ = account.call("TagResource", &json!({"KeyId": account.key, "Tags": tags})).output();
        Self { account }
    }

    fn with_all_material(&self) -> Value {
        json!({"KeyId": self.account.key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"})
    }

    /// Every list: its operation, the member that holds the entries, what is asked besides, how many there are.
    fn all(&self) -> [(&'static str, &'static str, Value, usize); 7] {
        let of_key = json!({"KeyId": self.account.key});
        [
            ("ListKeys", "Keys", json!({}), KEYS),
            ("ListAliases", "Aliases", json!({}), ALIASES),
            ("ListAliases", "Aliases", of_key.clone(), ALIASES),
            ("ListResourceTags", "Tags", of_key.clone(), TAGS),
            ("ListKeyPolicies", "PolicyNames", of_key.clone(), 1),
            ("ListKeyRotations", "Rotations", of_key, MATERIALS - 1),
            ("ListKeyRotations", "Rotations", self.with_all_material(), MATERIALS),
        ]
    }
}

#[test]
fn every_entry_is_on_exactly_one_page_whatever_the_size_of_the_page() {
    let server = Server::start();
    let lists = Lists::new(&server);
    for (operation, member, asked, count) in lists.all() {
        let whole = lists.account.call(operation, &asked).output();
        assert_eq!(whole["Truncated"], false, "{operation}");
        for limit in [1, 2, 3, count - 1, count, count + 1, 1000].into_iter().filter(|limit| *limit > 0) {
            let mut entries = Vec::new();
            let mut input = asked.clone();
            input["Limit"] = json!(limit);
            loop {
                let page = lists.account.call(operation, &input).output();
                let on_page = page[member].as_array().unwrap();
                entries.extend(on_page.iter().cloned());
                assert_eq!(page["Truncated"], page.get("NextMarker").is_some(), "{operation}: {page}");
                let Some(next) = page.get("NextMarker") else { break };
                assert_eq!(on_page.len(), limit, "{operation}: a page that is not the last is full");
                input["Marker"] = next.clone();
            }
            assert_eq!(json!(entries), whole[member], "{operation} by {limit}");
        }
        let distinct: BTreeSet<String> =
            whole[member].as_array().unwrap().iter().map(Value::to_string).collect();
        assert_eq!(distinct.len(), count, "{operation}");
    }
}

#[test]
fn a_list_that_fits_its_page_exactly_is_not_truncated() {
    let server = Server::start();
    let lists = Lists::new(&server);
    for (operation, _, mut asked, count) in lists.all() {
        asked["Limit"] = json!(count);
        let page = lists.account.call(operation, &asked).output();
        assert_eq!((&page["Truncated"], page.get("NextMarker")), (&json!(false), None), "{operation}");
    }
}

#[test]
fn a_marker_that_was_not_given_out_for_this_list_is_invalid() {
    let server = Server::start();
    let lists = Lists::new(&server);
    let first_page = |operation: &str, mut asked: Value| {
        asked["Limit"] = json!(1);
        lists.account.call(operation, &asked).output()["NextMarker"].clone()
    };
    let all = lists.all();
    for (operation, _, asked, _) in &all {
        let foreign = all.iter().filter(|(other, ..)| other != operation && *other != "ListKeyPolicies");
        let mut markers: Vec<Value> =
            foreign.map(|(other, _, asked, _)| first_page(other, asked.clone())).collect();
        markers.extend(
            [
                "x",
                "keys:",
                "aliases:",
                "tags:",
                "tags:x",
                "tags:-1",
                "rotations:",
                "rotations:0",
                ":",
                " ",
                "\u{ff}",
                "keys",
                "0",
            ]
            .map(Value::from),
        );
        for marker in markers {
            let mut input = asked.clone();
            input["Marker"] = marker.clone();
            let answer = lists.account.call(operation, &input);
            assert_eq!(
                (answer.status, answer.error().as_str()),
                (400, "InvalidMarkerException"),
                "{operation} {marker}"
            );
        }
    }
}

#[test]
fn a_marker_of_another_account_shows_nothing_of_it() {
    let server = Server::start();
    let (mine, theirs) = (Lists::new(&server), Lists::new(&server));
    for ((operation, member, asked, _), (_, _, their_asked, _)) in mine.all().into_iter().zip(theirs.all()) {
        let mut input = their_asked;
        input["Limit"] = json!(1);
        let Some(marker) = theirs.account.call(operation, &input).output().get("NextMarker").cloned() else {
            continue;
        };
        let mut input = asked.clone();
        input["Marker"] = marker;
        let answer = mine.account.call(operation, &input);
        if answer.status == 200 {
            let whole = mine.account.call(operation, &asked).output();
            let own: BTreeSet<String> =
                whole[member].as_array().unwrap().iter().map(Value::to_string).collect();
            let shown = answer.output();
            assert!(
                shown[member].as_array().unwrap().iter().all(|entry| own.contains(&entry.to_string())),
                "{operation}"
            );
        } else {
            assert_eq!(answer.error(), "InvalidMarkerException", "{operation}");
        }
    }
}

#[test]
fn a_page_has_awss_default_size_and_at_most_awss_greatest() {
    let server = Server::start();
    let account = Account::root(&server);
    let tags: Vec<_> =
        (0..49).map(|number| json!({"TagKey": format!("t{number}"), "TagValue": ""})).collect();
    let _ = account.call("TagResource", &json!({"KeyId": account.key, "Tags": tags})).output();
    let keys: Vec<String> = (0..101).map(|_| server.create_key()).collect();
    for (number, key) in keys.iter().enumerate() {
        let _ = account
            .call("CreateAlias", &json!({"AliasName": format!("alias/{number}"), "TargetKeyId": key}))
            .output();
    }
    let size = |operation: &str, member: &str, input: Value| {
        account.call(operation, &input).output()[member].as_array().unwrap().len()
    };
    assert_eq!(size("ListKeys", "Keys", json!({})), 100);
    assert_eq!(size("ListKeys", "Keys", json!({"Limit": 1000})), 103);
    assert_eq!(size("ListAliases", "Aliases", json!({})), 50);
    assert_eq!(size("ListAliases", "Aliases", json!({"Limit": 1000})), 100);
    assert_eq!(size("ListResourceTags", "Tags", json!({"KeyId": account.key})), 50);
    assert_eq!(size("ListResourceTags", "Tags", json!({"KeyId": account.key, "Limit": 1000})), 50);
}

#[test]
fn keys_of_all_states_are_listed_and_a_list_goes_on_where_an_entry_was_deleted() {
    let server = Server::start();
    let lists = Lists::new(&server);
    let account = &lists.account;
    account.enter(&account.key, "Disabled");
    account.enter(&account.other, "PendingDeletion");
    assert_eq!(account.call("ListKeys", &json!({})).output()["Keys"].as_array().unwrap().len(), KEYS);

    let whole = account.call("ListAliases", &json!({})).output()["Aliases"].clone();
    let page = account.call("ListAliases", &json!({"Limit": 3})).output();
    let _ = account.call("DeleteAlias", &json!({"AliasName": page["Aliases"][2]["AliasName"]})).output();
    let rest = account.call("ListAliases", &json!({"Marker": page["NextMarker"]})).output();
    assert_eq!(rest["Aliases"].as_array().unwrap().as_slice(), &whole.as_array().unwrap()[3..]);
}

#[test]
fn only_the_callers_own_keys_are_listed() {
    let server = Server::start();
    let lists = Lists::new(&server);
    let count = |owners: Value| {
        lists.account.call("ListKeys", &json!({"ResourceOwners": owners})).output()["Keys"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(json!(["SELF"])), KEYS);
    assert_eq!(count(json!(["OTHER_ACCOUNTS_VIA_RAM"])), 0);
    assert_eq!(count(json!(["SELF", "OTHER_ACCOUNTS_VIA_RAM"])), KEYS);
}

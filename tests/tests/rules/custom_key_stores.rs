//! Custom key stores as far as they need no backend: how they are made, named, shown, updated, connected in vain, and deleted.
//!
//! They are stores of XKS proxies behind VPC endpoint services: of those nothing is asked before they are connected.

use crate::account::Account;
use crate::lifecycle::until;
use blackbox::{Answer, Server, vpc_endpoint_service};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A request that makes a store which has nothing in common with any other.
pub fn new_store() -> Value {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    store(MADE.fetch_add(1, Ordering::Relaxed))
}

/// A request for a store of that number.
fn store(number: usize) -> Value {
    json!({
        "CustomKeyStoreName": format!("store {number}"),
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyUriEndpoint": format!("https://xks-{number}.example.com"),
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyVpcEndpointServiceName": vpc_endpoint_service(number),
        "XksProxyAuthenticationCredential": {"AccessKeyId": ACCESS_KEY_ID, "RawSecretAccessKey": SECRET},
    })
}

/// A store in the state in which an operation succeeds, if the operation is about one.
pub fn store_for(operation: &str, account: &Account<'_>) -> Option<String> {
    let takes_one = operation.contains("CustomKeyStore") && operation != "CreateCustomKeyStore";
    let id = takes_one.then(|| create(account, &new_store()))?;
    if operation == "DisconnectCustomKeyStore" {
        connect_in_vain(account, &id);
    }
    Some(id)
}

#[test]
fn a_store_is_made_shown_connected_in_vain_disconnected_and_deleted() {
    let server = Server::start();
    let account = Account::root(&server);
    let id = create(&account, &store(0));
    assert!(id.len() == 21 && id.starts_with("cks-"), "{id}");
    let mut shown = describe(&account, &id);
    let created = shown.as_object_mut().unwrap().remove("CreationDate").unwrap();
    assert!(created.as_f64().unwrap() > 1.7e9);
    let configuration = json!({
        "Connectivity": "VPC_ENDPOINT_SERVICE", "AccessKeyId": ACCESS_KEY_ID, "UriEndpoint": "https://xks-0.example.com",
        "UriPath": "/kms/xks/v1", "VpcEndpointServiceName": vpc_endpoint_service(0),
        "VpcEndpointServiceOwner": account.id,
    });
    assert_eq!(
        shown,
        json!({
            "CustomKeyStoreId": id, "CustomKeyStoreName": "store 0", "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
            "ConnectionState": "DISCONNECTED", "XksProxyConfiguration": configuration,
        })
    );
    connect_in_vain(&account, &id);
    assert_eq!(describe(&account, &id)["ConnectionErrorCode"], "XKS_PROXY_NOT_REACHABLE");
    refused(&call(&account, "ConnectCustomKeyStore", &id), INVALID_STATE);
    refused(&call(&account, "DeleteCustomKeyStore", &id), INVALID_STATE);
    disconnect(&account, &id);
    assert!(describe(&account, &id).get("ConnectionErrorCode").is_none());
    refused(&call(&account, "DisconnectCustomKeyStore", &id), INVALID_STATE);
    assert_eq!(call(&account, "DeleteCustomKeyStore", &id).output(), json!({}));
    for operation in [
        "ConnectCustomKeyStore",
        "DeleteCustomKeyStore",
        "DescribeCustomKeyStores",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
    ] {
        refused(&call(&account, operation, &id), NOT_FOUND);
    }
}

#[test]
fn what_one_store_has_for_itself_no_other_gets_until_it_is_deleted() {
    let server = Server::start();
    let (account, stranger) = (Account::root(&server), Account::new(&server));
    let id = create(&account, &store(0));
    for (member, value, own, others) in [
        ("CustomKeyStoreName", json!("store 0"), "CustomKeyStoreNameInUseException", None),
        (
            "XksProxyVpcEndpointServiceName",
            json!(vpc_endpoint_service(0)),
            SERVICE_IN_USE,
            Some(SERVICE_IN_USE),
        ),
        (
            "XksProxyUriEndpoint",
            json!("https://XKS-0.example.com"),
            "XksProxyUriInUseException",
            Some(ENDPOINT_IN_USE),
        ),
    ] {
        let input = with(&store(1), member, value);
        refused(&account.call("CreateCustomKeyStore", &input), own);
        if let Some(error) = others {
            refused(&stranger.call("CreateCustomKeyStore", &input), error);
        }
    }
    // With another path, too; and a proxy that is reached by its name may not have it either.
    let path = with(&store(1), "XksProxyUriPath", json!("/a/kms/xks/v1"));
    let endpoint = with(&path, "XksProxyUriEndpoint", json!("https://xks-0.example.com"));
    refused(&account.call("CreateCustomKeyStore", &endpoint), ENDPOINT_IN_USE);
    refused(&stranger.call("CreateCustomKeyStore", &public(&endpoint)), ENDPOINT_IN_USE);
    assert_eq!(names(&stranger), Vec::<String>::new());
    // In another region nothing of it is taken.
    let there = server.call_as(&account.caller.in_region("eu-west-1"), "CreateCustomKeyStore", &store(0));
    assert_eq!(there.status, 200, "{}", there.text());

    let _ = call(&account, "DeleteCustomKeyStore", &id).output();
    let theirs = create(&stranger, &store(0));
    let service = with(&store(0), "XksProxyUriEndpoint", json!("https://c.example.com"));
    refused(&account.call("CreateCustomKeyStore", &service), SERVICE_IN_USE);
    let _ = call(&stranger, "DeleteCustomKeyStore", &theirs).output();
    let _ = create(&account, &store(0));
}

#[test]
fn of_those_who_make_stores_with_the_same_things_at_the_same_time_one_does() {
    let server = Server::start();
    let accounts = [Account::root(&server), Account::new(&server), Account::new(&server)];
    for input in [store(0), with(&store(1), "XksProxyUriEndpoint", json!("https://shared.example.com"))] {
        let answers = std::thread::scope(|scope| {
            let call = |account: &Account<'_>| account.call("CreateCustomKeyStore", &input).status;
            let threads: Vec<_> = (0..12)
                .map(|number| {
                    scope.spawn({
                        let account = &accounts[number % 3];
                        move || call(account)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    }
    let all: usize = accounts.iter().map(|account| names(account).len()).sum();
    assert_eq!(all, 2);
}

#[test]
fn an_account_has_ten_stores_in_a_region_and_no_more_than_the_configuration_lets_it() {
    let services = |count: usize| {
        let line = |number| format!("\"{}\" = \"127.0.0.1:9\"\n", vpc_endpoint_service(number));
        format!("[xks.connect_to]\n{}", (0..count).map(line).collect::<String>())
    };
    for (config, most) in [
        ("[custom_key_stores]\nrequests_per_second = 1800\n", 10),
        ("[custom_key_stores]\nper_region = 2\n", 2),
    ] {
        let server = Server::builder().config(&format!("{config}{}", services(most + 1))).start();
        let account = Account::root(&server);
        let ids: Vec<_> = (0..most).map(|number| create(&account, &store(number))).collect();
        refused(&account.call("CreateCustomKeyStore", &store(most)), "LimitExceededException");
        let _ = call(&account, "DeleteCustomKeyStore", &ids[0]).output();
        let _ = create(&account, &store(most));
    }
}

#[test]
fn each_type_takes_what_is_its_own_and_all_of_it() {
    let server = Server::start();
    let account = Account::root(&server);
    let cluster = json!({
        "CustomKeyStoreName": "hsm", "CloudHsmClusterId": "cluster-aaaaaaaaaaa", "KeyStorePassword": "s3cret-pin",
        "TrustAnchorCertificate": "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n",
    });
    let required = [
        (
            &store(0),
            &[
                "XksProxyConnectivity",
                "XksProxyUriEndpoint",
                "XksProxyUriPath",
                "XksProxyVpcEndpointServiceName",
                "XksProxyAuthenticationCredential",
            ][..],
        ),
        (&cluster, &["CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"][..]),
    ];
    for (whole, members) in required {
        for member in members {
            let answer = account.call("CreateCustomKeyStore", &with(whole, member, Value::Null));
            let (error, message) = answer.fault();
            assert_eq!(error, "ValidationException", "{member}");
            assert!(message.unwrap().contains(member), "{member}: {}", answer.text());
        }
    }
    for member in ["CloudHsmClusterId", "KeyStorePassword", "TrustAnchorCertificate"] {
        let input = with(&store(0), member, cluster[member].clone());
        refused(&account.call("CreateCustomKeyStore", &input), "ValidationException");
    }
    for member in store(0).as_object().unwrap().keys().filter(|name| name.starts_with("Xks")) {
        let input = with(&cluster, member, store(0)[member].clone());
        refused(&account.call("CreateCustomKeyStore", &input), "ValidationException");
    }
    for (member, value) in [
        ("XksProxyUriEndpoint", "https://xks"),
        ("XksProxyUriEndpoint", "https://10.0.0.1"),
        ("XksProxyUriEndpoint", "https://xks.example.com."),
        ("XksProxyUriPath", "/kms/xks/v2"),
    ] {
        let input = with(&store(0), member, json!(value));
        refused(&account.call("CreateCustomKeyStore", &input), "ValidationException");
    }
    let owner = with(&public(&store(0)), "XksProxyVpcEndpointServiceOwner", json!("111122223333"));
    refused(&account.call("CreateCustomKeyStore", &owner), "ValidationException");
    assert_eq!(names(&account), Vec::<String>::new());
}

#[test]
fn a_store_is_not_made_of_what_is_not_there() {
    let server = Server::start();
    let account = Account::root(&server);
    let unknown = with(
        &store(0),
        "XksProxyVpcEndpointServiceName",
        json!("com.amazonaws.vpce.us-east-1.vpce-svc-none"),
    );
    refused(&account.call("CreateCustomKeyStore", &unknown), "XksProxyVpcEndpointServiceNotFoundException");
    let nobody = with(&public(&store(0)), "XksProxyUriEndpoint", json!("https://localhost:1"));
    refused(&account.call("CreateCustomKeyStore", &nobody), "XksProxyUriUnreachableException");
    let cluster = json!({
        "CustomKeyStoreName": "hsm", "CloudHsmClusterId": "cluster-aaaaaaaaaaa", "KeyStorePassword": "s3cret-pin",
        "TrustAnchorCertificate": "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n",
    });
    refused(&account.call("CreateCustomKeyStore", &cluster), "CloudHsmClusterNotFoundException");
    assert_eq!(names(&account), Vec::<String>::new());
    // Nothing of it is taken for having been asked for.
    let _ = create(&account, &store(0));
}

#[test]
fn stores_are_found_by_id_or_by_name_and_page_by_page() {
    let server = Server::start();
    let account = Account::root(&server);
    assert_eq!(names(&account), Vec::<String>::new());
    let ids: Vec<_> = (0..5).map(|number| create(&account, &store(number))).collect();
    let found = |input: Value| account.call("DescribeCustomKeyStores", &input);
    let by_name = found(json!({"CustomKeyStoreName": "store 3"})).output();
    assert_eq!(by_name["CustomKeyStores"][0]["CustomKeyStoreId"], ids[3]);
    assert_eq!(by_name["CustomKeyStores"].as_array().unwrap().len(), 1);
    refused(&found(json!({"CustomKeyStoreName": "store"})), NOT_FOUND);
    refused(
        &found(json!({"CustomKeyStoreName": "store 3", "CustomKeyStoreId": ids[3]})),
        "ValidationException",
    );
    for id in ["cks-00000000000000000", "cks", "x"] {
        refused(&found(json!({"CustomKeyStoreId": id})), NOT_FOUND);
    }
    for marker in ["x", "custom-key-stores:", "keys:cks-1"] {
        refused(&found(json!({"Marker": marker})), "InvalidMarkerException");
    }
    let (mut seen, mut marker) = (Vec::new(), Value::Null);
    loop {
        let page = found(json!({"Limit": 2, "Marker": marker})).output();
        let entries = page["CustomKeyStores"].as_array().unwrap();
        seen.extend(entries.iter().map(|entry| entry["CustomKeyStoreId"].as_str().unwrap().to_owned()));
        marker = page["NextMarker"].clone();
        assert_eq!(page["Truncated"], !marker.is_null());
        if marker.is_null() {
            break;
        }
        assert_eq!(entries.len(), 2);
    }
    seen.sort_unstable();
    let mut all = ids;
    all.sort_unstable();
    assert_eq!(seen, all);
}

#[test]
fn a_name_changes_in_every_state_and_an_address_only_in_disconnected() {
    let server = Server::start();
    let account = Account::root(&server);
    let id = create(&account, &store(0));
    let _ = create(&account, &store(1));
    let update = |member: &str, value: Value| {
        account.call("UpdateCustomKeyStore", &json!({"CustomKeyStoreId": id, member: value}))
    };
    refused(&update("NewCustomKeyStoreName", json!("store 1")), "CustomKeyStoreNameInUseException");
    refused(&update("XksProxyVpcEndpointServiceName", json!(vpc_endpoint_service(1))), SERVICE_IN_USE);
    refused(&update("XksProxyUriEndpoint", json!("https://xks-1.example.com")), "XksProxyUriInUseException");
    refused(&update("KeyStorePassword", json!("s3cret-pin")), "ValidationException");
    refused(&update("XksProxyVpcEndpointServiceName", json!("")), "ValidationException");
    refused(&update("XksProxyConnectivity", json!("PUBLIC_ENDPOINT")), "ValidationException");
    let elsewhere = json!("com.amazonaws.vpce.us-east-1.vpce-svc-none");
    refused(
        &update("XksProxyVpcEndpointServiceName", elsewhere),
        "XksProxyVpcEndpointServiceNotFoundException",
    );
    // What is asked of a proxy, it must answer before it counts.
    refused(&update("XksProxyUriPath", json!("/a/kms/xks/v1")), UNREACHABLE);
    refused(
        &update("XksProxyAuthenticationCredential", store(1)["XksProxyAuthenticationCredential"].clone()),
        UNREACHABLE,
    );
    let before = describe(&account, &id);
    assert_eq!(update("NewCustomKeyStoreName", json!("store 0")).output(), json!({}));
    assert_eq!(describe(&account, &id), before);

    assert_eq!(update("NewCustomKeyStoreName", json!("Amazon")).output(), json!({}));
    connect_in_vain(&account, &id);
    for (member, value) in [
        ("XksProxyUriEndpoint", json!("https://b.example.com")),
        ("XksProxyVpcEndpointServiceName", json!(vpc_endpoint_service(2))),
        ("XksProxyVpcEndpointServiceOwner", json!("111122223333")),
    ] {
        refused(&update(member, value), INVALID_STATE);
    }
    refused(&update("XksProxyUriPath", json!("/a/kms/xks/v1")), UNREACHABLE);
    assert_eq!(update("NewCustomKeyStoreName", json!("Nile")).output(), json!({}));
    let shown = describe(&account, &id);
    assert_eq!((&shown["CustomKeyStoreName"], &shown["ConnectionState"]), (&json!("Nile"), &json!("FAILED")));
}

#[test]
fn a_connection_that_was_wanted_when_the_service_was_killed_comes_to_an_end_afterwards() {
    let server = Server::start();
    let account = Account::root(&server);
    let ids: Vec<_> = (0..4).map(|number| create(&account, &store(number))).collect();
    for id in &ids {
        let _ = call(&account, "ConnectCustomKeyStore", id).output();
    }
    server.kill();
    server.start_again();
    ids.iter().for_each(|id| settles_in(&account, id, "FAILED"));
    ids.iter().for_each(|id| drop(call(&account, "DisconnectCustomKeyStore", id).output()));
    server.kill();
    server.start_again();
    ids.iter().for_each(|id| settles_in(&account, id, "DISCONNECTED"));
}

#[test]
fn no_secret_of_a_store_is_in_an_answer_a_record_the_log_or_a_file() {
    let server = Server::builder().config("[log]\nfilter = \"trace\"\n").start();
    let account = Account::root(&server);
    let id = create(&account, &store(0));
    let rotated = json!({"AccessKeyId": ACCESS_KEY_ID, "RawSecretAccessKey": SECRET.replace('s', "t")});
    let update = json!({"CustomKeyStoreId": id, "XksProxyAuthenticationCredential": rotated});
    refused(&account.call("UpdateCustomKeyStore", &update), UNREACHABLE);
    let pin = "s3cret-pin-of-the-crypto-user";
    refused(
        &account.call("UpdateCustomKeyStore", &json!({"CustomKeyStoreId": id, "KeyStorePassword": pin})),
        "ValidationException",
    );
    refused(
        &account.call("CreateCustomKeyStore", &with(&store(1), "KeyStorePassword", json!(pin.repeat(9)))),
        "ValidationException",
    );
    connect_in_vain(&account, &id);
    let shown = account.call("DescribeCustomKeyStores", &json!({})).text();
    let records = server.journal().iter().map(Value::to_string).collect::<String>();
    assert!(records.contains("xks-0.example.com") && !records.contains(ACCESS_KEY_ID));
    assert!(server.terminate().success());
    let mut files = files_below(server.scratch());
    files.push(("an answer".to_owned(), shown.into_bytes()));
    assert!(
        files.iter().any(|(_, content)| contains(content, "xks-0.example.com")),
        "the search finds nothing"
    );
    for secret in [SECRET, &SECRET.replace('s', "t"), pin] {
        for (name, content) in &files {
            assert!(!contains(content, secret), "{secret} is in {name}");
        }
    }
}

#[test]
fn the_record_of_what_is_done_to_a_store_names_it() {
    let server = Server::start();
    let account = Account::root(&server);
    let id = create(&account, &store(0));
    for operation in ["UpdateCustomKeyStore", "ConnectCustomKeyStore", "DeleteCustomKeyStore"] {
        if operation == "DeleteCustomKeyStore" {
            settles_in(&account, &id, "FAILED");
            disconnect(&account, &id);
        }
        let answer = call(&account, operation, &id);
        let record = server.record_of(&answer);
        assert_eq!(record["requestParameters"], json!({"customKeyStoreId": id}), "{operation}");
        assert_eq!(record["additionalEventData"], json!({"customKeyStoreName": "store 0"}), "{operation}");
        assert_eq!((&record["responseElements"], &record["readOnly"]), (&Value::Null, &json!(false)));
    }
}

fn create(account: &Account<'_>, input: &Value) -> String {
    let made = account.call("CreateCustomKeyStore", input).output();
    made["CustomKeyStoreId"].as_str().unwrap().to_owned()
}

fn call(account: &Account<'_>, operation: &str, id: &str) -> Answer {
    account.call(operation, &json!({"CustomKeyStoreId": id}))
}

fn describe(account: &Account<'_>, id: &str) -> Value {
    call(account, "DescribeCustomKeyStores", id).output()["CustomKeyStores"][0].clone()
}

fn names(account: &Account<'_>) -> Vec<String> {
    let all = account.call("DescribeCustomKeyStores", &json!({})).output();
    let name = |store: &Value| store["CustomKeyStoreName"].as_str().unwrap().to_owned();
    all["CustomKeyStores"].as_array().unwrap().iter().map(name).collect()
}

/// Connects a store behind whose service there is nobody.
fn connect_in_vain(account: &Account<'_>, id: &str) {
    assert_eq!(call(account, "ConnectCustomKeyStore", id).output(), json!({}));
    settles_in(account, id, "FAILED");
}

fn disconnect(account: &Account<'_>, id: &str) {
    assert_eq!(call(account, "DisconnectCustomKeyStore", id).output(), json!({}));
    settles_in(account, id, "DISCONNECTED");
}

#[track_caller]
fn settles_in(account: &Account<'_>, id: &str, state: &str) {
    until(state, || describe(account, id)["ConnectionState"] == state);
}

/// The same request with another value there.
fn with(input: &Value, member: &str, value: Value) -> Value {
    let mut input = input.clone();
    input[member] = value;
    input
}

/// The same request for a proxy that is reached by its name.
fn public(input: &Value) -> Value {
    let input = with(input, "XksProxyVpcEndpointServiceName", Value::Null);
    with(&input, "XksProxyConnectivity", json!("PUBLIC_ENDPOINT"))
}

#[track_caller]
fn refused(answer: &Answer, error: &str) {
    assert_eq!(answer.error(), error, "{}", answer.text());
}

fn files_below(directory: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else if path.is_file() {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
    found
}

fn contains(content: &[u8], text: &str) -> bool {
    content.windows(text.len()).any(|window| window == text.as_bytes())
}

const ACCESS_KEY_ID: &str = "ABCDEFGHIJKLMNOPQRST234567";
const SECRET: &str = "s3cretS3cret+s3cret/s3cretS3cret=s3cretS3cret";
const INVALID_STATE: &str = "CustomKeyStoreInvalidStateException";
const NOT_FOUND: &str = "CustomKeyStoreNotFoundException";
const SERVICE_IN_USE: &str = "XksProxyVpcEndpointServiceInUseException";
const ENDPOINT_IN_USE: &str = "XksProxyUriEndpointInUseException";
const UNREACHABLE: &str = "XksProxyUriUnreachableException";

//! The four calls, done.

use crate::client::{Connection, decrypt, describe, encrypt, health};
use crate::setup::{Setup, two_stores};
use serde_json::json;

#[test]
fn what_was_encrypted_decrypts_and_the_journal_tells_of_both() {
    let setup = Setup::new();
    setup.two_stores();
    let mut proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let encrypted = connection.ask(&encrypt("/a", "one", "SGVsbG8gV29ybGQh"));
    assert_eq!(encrypted.outcome(), (200, String::new()), "{encrypted:?}");
    assert!(encrypted.head.contains("content-type: application/json\r\n"));
    let opened = connection.ask(&decrypt("/a", "one", &encrypted.json()));
    assert_eq!((opened.status, opened.json()), (200, json!({"plaintext": "SGVsbG8gV29ybGQh"})));
    assert!(proxy.stop().success());
    let records = setup.records();
    let names: Vec<_> = records.iter().map(|record| record["eventName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Encrypt", "Decrypt"]);
    for record in records {
        assert_eq!(record["outcome"], "Success");
        assert_eq!(record["kmsRequestId"], "4112f4d6-db54-4af4-ae30-c55a22a8dfae");
        assert_eq!(record["requestMetadata"]["awsPrincipalArn"], "arn:aws:iam::123456789012:user/Alice");
        assert_eq!((&record["store"], &record["externalKeyId"]), (&json!("/a"), &json!("one")));
        assert_eq!((&record["keyManager"], &record["keyVersion"]), (&json!("soft"), &json!("1")));
        assert_eq!(record["accessKeyId"], "AAAAAAAAAAAAAAAAAAAA");
    }
}

#[test]
fn a_key_is_described_as_it_is() {
    let setup = Setup::new();
    setup.two_stores();
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let mut described = |key| connection.ask(&describe("/a", key)).json();
    let both = json!(["ENCRYPT", "DECRYPT"]);
    assert_eq!(described("one"), json!({"keySpec": "AES_256", "keyUsage": both, "keyStatus": "ENABLED"}));
    assert_eq!(described("encrypts")["keyUsage"], json!(["ENCRYPT"]));
    assert_eq!(described("decrypts")["keyUsage"], json!(["DECRYPT"]));
    assert_eq!(described("disabled")["keyStatus"], "DISABLED");
}

#[test]
fn health_is_told_whole_and_needs_its_metadata() {
    let setup = Setup::new();
    setup.configure("fleet_size = 3", "", &two_stores(""));
    let proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let told = connection.ask(&health("/a")).json();
    assert_eq!((&told["xksProxyFleetSize"], &told["xksProxyVendor"]), (&json!(3), &json!("Cardea")));
    assert_eq!(told["xksProxyModel"], concat!("cardea-xks-proxy ", env!("CARGO_PKG_VERSION")));
    assert_eq!(told["ekmFleetDetails"][0]["healthStatus"], "ACTIVE", "{told}");
    let mut without = health("/a");
    without.body = b"{}".to_vec();
    assert_eq!(connection.ask(&without).outcome(), (400, "ValidationException".to_owned()));
}

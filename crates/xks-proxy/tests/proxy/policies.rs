//! The second layer, as callers and the journal see it.

use crate::client::{Connection, describe, encrypt, health};
use crate::setup::{Setup, two_stores};
use serde_json::json;

#[test]
fn what_no_statement_allows_is_denied_but_health_and_the_journal_says_by_what() {
    let setup = Setup::new();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Sid": "AliceEncrypts", "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:user/Alice"}}},
        {"Sid": "NobodyDescribes", "Effect": "Deny", "Action": "kms:DescribeKey", "Resource": "*"}]});
    setup.write("a.json", &policy.to_string());
    setup.configure("", "", &two_stores("policy = 'a.json'\ndefault = 'deny'\n"));
    let mut proxy = setup.start();
    let mut connection = Connection::open(&proxy);
    let denied = (403, "AccessDeniedException".to_owned());
    assert_eq!(connection.ask(&encrypt("/a", "one", "AAAA")).status, 200);
    assert_eq!(connection.ask(&describe("/a", "one")).outcome(), denied);
    let mut by_default = encrypt("/a", "disabled", "AAAA");
    by_default.body =
        String::from_utf8(by_default.body).unwrap().replace("user/Alice", "user/Bob").into_bytes();
    assert_eq!(connection.ask(&by_default).outcome(), denied, "it is denied before the key manager is asked");
    by_default.body = b"{}".to_vec();
    assert_eq!(connection.ask(&by_default).outcome(), (400, "ValidationException".to_owned()));
    assert_eq!(connection.ask(&health("/a")).status, 200);
    assert!(proxy.stop().success());
    let records = setup.records();
    assert_eq!(records[1]["deniedBy"], json!({"policy": "a.json", "index": 1, "sid": "NobodyDescribes"}));
    assert_eq!(records[1]["errorName"], "AccessDeniedException");
    assert_eq!(records[2]["deniedBy"], json!(null));
    assert!(records[2]["cause"].as_str().unwrap().contains("default"), "{}", records[2]);
    let log = setup.log();
    for said in ["NobodyDescribes", "a.json", "arn:aws:iam::123456789012:user/Alice"] {
        assert!(log.contains(said), "the log does not say {said}");
    }
}

//! Key policies: kept and given back byte for byte, within their size.

use crate::account::Account;
use blackbox::Server;
use serde_json::{Value, json};

#[test]
fn a_new_key_has_the_default_policy() {
    let server = Server::start();
    let account = Account::root(&server);
    let answer = account.call("GetKeyPolicy", &json!({"KeyId": account.key})).output();
    assert_eq!(answer["PolicyName"], "default");
    let policy: Value = serde_json::from_str(answer["Policy"].as_str().unwrap()).unwrap();
    let root = format!("arn:aws:iam::{}:root", account.id);
    let statement = json!({"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": root},
        "Action": "kms:*", "Resource": "*"});
    assert_eq!(policy, json!({"Version": "2012-10-17", "Id": "key-default-1", "Statement": [statement]}));
}

#[test]
fn a_policy_comes_back_byte_for_byte() {
    let server = Server::start();
    let account = Account::root(&server);
    let policies = [
        r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
        " {\r\n\t\"Statement\" :\t[ ] ,\n \"Version\":\"2012-10-17\" } \r\n".to_owned(),
        "{\"Id\":\"\u{fc}\u{ff}\u{a0}\\u0041\\/\",\"Statement\":[],\"Statement\":[]}".to_owned(),
    ];
    for policy in policies {
        let input = json!({"KeyId": account.key, "PolicyName": "default", "Policy": policy});
        assert_eq!(account.call("PutKeyPolicy", &input).output(), Value::Null);
        let answer = account.call("GetKeyPolicy", &json!({"KeyId": account.key})).output();
        assert_eq!(answer["Policy"].as_str().unwrap().as_bytes(), policy.as_bytes());
    }
}

#[test]
fn a_policy_has_at_most_32768_bytes() {
    let server = Server::start();
    let account = Account::root(&server);
    let of = |bytes: usize, filler: &str| {
        let frame = r#"{"Id":"","Statement":[]}"#;
        frame.replace(r#""""#, &format!("\"{}\"", filler.repeat((bytes - frame.len()) / filler.len())))
    };
    for (policy, fits) in [
        (of(32_768, "a"), true),
        (of(32_769, "a"), false),
        (of(32_768, "\u{fc}"), true),
        (of(32_770, "\u{fc}"), false),
    ] {
        for answer in [
            account.call("PutKeyPolicy", &json!({"KeyId": account.key, "Policy": policy})),
            account.call("CreateKey", &json!({"Policy": policy})),
        ] {
            match fits {
                true => assert_eq!(answer.status, 200, "{} bytes: {}", policy.len(), answer.text()),
                false => assert_eq!(answer.error(), "LimitExceededException", "{} bytes", policy.len()),
            }
        }
    }
}

#[test]
fn what_is_no_json_object_is_no_policy() {
    let server = Server::start();
    let account = Account::root(&server);
    let before = account.everything();
    for policy in ["{", "null", "[]", "\"a\"", "7", "{} {}", "{'a':1}", "{\"a\":1,}", " "] {
        for (operation, input) in [
            ("PutKeyPolicy", json!({"KeyId": account.key, "Policy": policy})),
            ("CreateKey", json!({"Policy": policy})),
        ] {
            assert_eq!(
                account.call(operation, &input).error(),
                "MalformedPolicyDocumentException",
                "{operation} {policy}"
            );
        }
    }
    assert_eq!(account.everything(), before);
}

#[test]
fn the_only_policy_is_the_default_one() {
    let server = Server::start();
    let account = Account::root(&server);
    for operation in ["GetKeyPolicy", "PutKeyPolicy"] {
        let input = json!({"KeyId": account.key, "PolicyName": "other", "Policy": crate::requests::POLICY});
        account.call(operation, &input).refuses("NotFoundException", "No such policy exists");
    }
}

//! GetKeyLastUsage: exact and at once, also after a crash; and the condition key that counts the days since.

use crate::account::{Account, key_id};
use crate::requests::{minimal, state_for};
use blackbox::{Answer, Server, base64, record_of};
use operations::OPERATIONS;
use serde_json::{Value, json};

//= kms: KeyLastUsageTrackingOperation
const TRACKED: [&str; 14] = [
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

#[test]
fn a_key_that_was_never_used_says_since_when_it_could_have_been() {
    let server = Server::start();
    let account = Account::root(&server);
    let made = account.call("CreateKey", &json!({})).output()["KeyMetadata"].clone();
    let answer = account.call("GetKeyLastUsage", &json!({"KeyId": made["Arn"]})).output();
    let expected = json!({"KeyId": made["KeyId"], "KeyLastUsage": {}, "KeyCreationDate": made["CreationDate"],
        "TrackingStartDate": made["CreationDate"]});
    assert_eq!(answer, expected);
}

#[test]
fn each_tracked_operation_is_a_use_at_once_and_no_other_is() {
    let server = Server::start();
    for entry in OPERATIONS {
        let account = Account::new_for(&server, entry.name);
        account.enter(&account.key, state_for(entry.name));
        let before = last_use(&account, &account.key);
        let answer = account.call(entry.name, &minimal(entry.name, &account));
        let _ = answer.output();
        let after = last_use(&account, &account.key);
        if TRACKED.contains(&entry.name) {
            let expected = use_of(entry.name, &answer, &record_of(&server.journal(), &answer));
            assert_eq!(after, expected, "{}", entry.name);
        } else {
            assert_eq!(after, before, "{} is no use", entry.name);
        }
    }
}

#[test]
fn a_re_encryption_is_a_use_of_both_keys() {
    let server = Server::start();
    let account = Account::root(&server);
    let answer = account.call("ReEncrypt", &minimal("ReEncrypt", &account));
    let expected = use_of("ReEncrypt", &answer, &server.record_of(&answer));
    assert_eq!(last_use(&account, &account.key), expected);
    assert_eq!(last_use(&account, &account.other), expected);
}

#[test]
fn what_failed_or_was_only_tried_is_no_use() {
    let server = Server::start();
    let account = Account::root(&server);
    let before = last_use(&account, &account.key);
    let sealed = &account.ciphertext;
    let encrypt = json!({"KeyId": account.key, "Plaintext": base64(b"x")});
    let refused = [
        ("Decrypt", json!({"CiphertextBlob": sealed, "DryRun": true}), "DryRunOperationException"),
        (
            "Decrypt",
            json!({"CiphertextBlob": sealed, "EncryptionContext": {"a": "b"}}),
            "InvalidCiphertextException",
        ),
        (
            "Sign",
            json!({"KeyId": account.key, "Message": base64(b"x"), "SigningAlgorithm": "ECDSA_SHA_256"}),
            "InvalidKeyUsageException",
        ),
    ];
    for (operation, input, error) in refused {
        assert_eq!(account.call(operation, &input).error(), error, "{operation}");
    }
    assert_eq!(Account::new(&server).call("Encrypt", &encrypt).error(), "AccessDeniedException");
    account.enter(&account.key, "Disabled");
    assert_eq!(account.call("Encrypt", &encrypt).error(), "DisabledException");
    assert_eq!(last_use(&account, &account.key), before);
}

#[test]
fn a_use_by_another_account_is_told_with_the_record_that_the_key_s_account_has_of_it() {
    let server = Server::start();
    let (owner, user) = (Account::root(&server), Account::new(&server));
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": [owner.id, user.id]}, "Action": "kms:*", "Resource": "*"}]});
    let input = json!({"KeyId": owner.key, "Policy": policy.to_string()});
    let _ = owner.call("PutKeyPolicy", &input).output();
    let re_encrypt = json!({"CiphertextBlob": user.ciphertext, "DestinationKeyId": owner.key});
    let answer = user.call("ReEncrypt", &re_encrypt);
    let journal = server.journal();
    let own = journal.iter().find(|record| {
        record["requestID"] == answer.header("x-amzn-requestid").unwrap()
            && record["recipientAccountId"] == owner.id
    });
    assert_eq!(last_use(&owner, &owner.key), use_of("ReEncrypt", &answer, own.unwrap()));
    let callers = journal.iter().find(|record| {
        record["requestID"] == answer.header("x-amzn-requestid").unwrap()
            && record["recipientAccountId"] == user.id
    });
    assert_eq!(last_use(&user, &user.key), use_of("ReEncrypt", &answer, callers.unwrap()));
    assert_eq!(user.call("GetKeyLastUsage", &json!({"KeyId": owner.key})).error(), "AccessDeniedException");
}

#[test]
fn no_use_whose_call_was_answered_is_forgotten_by_a_crash() {
    let server = Server::builder().config("[journal]\nsegment_bytes = 65536\n").start();
    let account = Account::root(&server);
    let keys: Vec<String> = (0..20).map(|_| server.create_key()).collect();
    let using = |keys: &[String], operation: &str| -> Vec<Value> {
        let used = keys.iter().map(|key| {
            let input = match operation {
                "Encrypt" => json!({"KeyId": key, "Plaintext": base64(b"x")}),
                _ => json!({"KeyId": key, "KeySpec": "AES_256"}),
            };
            let answer = account.call(operation, &input);
            use_of(operation, &answer, &server.record_of(&answer))
        });
        used.collect()
    };
    let mut expected = using(&keys, "Encrypt");
    server.kill();
    server.start_again();
    assert_eq!(all(&account, &keys), expected, "after a crash");
    // The end writes them down.
    expected.splice(..10, using(&keys[..10], "GenerateDataKey"));
    assert!(server.terminate().success());
    server.start_again();
    assert_eq!(all(&account, &keys), expected, "after an orderly end");
    expected.splice(5..15, using(&keys[5..15], "GenerateDataKeyWithoutPlaintext"));
    for _ in 0..2 {
        server.kill();
        server.start_again();
        assert_eq!(all(&account, &keys), expected, "after a crash that followed an end");
    }
}

#[test]
fn a_policy_may_ask_for_how_many_days_a_key_was_not_used() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": account.id}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": ["kms:DisableKey", "kms:ScheduleKeyDeletion"], "Resource": "*",
            "Condition": {"NumericLessThan": {"kms:TrailingDaysWithoutKeyUsage": "30"}}}]});
    let fresh = server.create_key();
    for key in [&account.key, &fresh] {
        let input = json!({"KeyId": key, "Policy": policy.to_string()});
        let _ = account.call("PutKeyPolicy", &input).output();
    }
    let may = |operation: &str, key: &str| {
        let answer = account.call(operation, &json!({"KeyId": key}));
        assert!(answer.status == 200 || answer.error() == "AccessDeniedException", "{}", answer.text());
        answer.status == 200
    };
    assert!(!may("DisableKey", &account.key) && !may("ScheduleKeyDeletion", &account.key));
    server.advance("29d");
    assert!(!may("DisableKey", &fresh), "it was made 29 days ago");
    let _ = account.encrypt(&account.key, b"x");
    server.advance("25h");
    assert!(may("DisableKey", &fresh), "it was never used");
    assert!(!may("DisableKey", &account.key), "it was used yesterday");
    server.advance("29d");
    assert!(may("ScheduleKeyDeletion", &account.key), "its last use is thirty days ago");
}

/// What is to be said of a use.
fn use_of(operation: &str, answer: &Answer, record: &Value) -> Value {
    let time: jiff::Timestamp = record["eventTime"].as_str().unwrap().parse().unwrap();
    assert_eq!(record["requestID"], answer.header("x-amzn-requestid").unwrap());
    json!({"Operation": operation, "Timestamp": time.as_second() as f64, "CloudTrailEventId": record["eventID"],
        "KmsRequestId": record["requestID"]})
}

/// What is said of it.
fn last_use(account: &Account<'_>, key: &str) -> Value {
    let answer = account.call("GetKeyLastUsage", &json!({"KeyId": key})).output();
    assert_eq!(answer["KeyId"], key_id(key));
    let mut last = answer["KeyLastUsage"].clone();
    if let Some(time) = last.get_mut("Timestamp") {
        *time = json!(time.as_f64().unwrap());
    }
    last
}

fn all(account: &Account<'_>, keys: &[String]) -> Vec<Value> {
    keys.iter().map(|key| last_use(account, key)).collect()
}

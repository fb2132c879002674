//! A key from its creation to its deletion.

use crate::account::{Account, PLAINTEXT, key_id};
use blackbox::{Server, bytes};
use serde_json::{Value, json};

#[test]
fn a_pending_window_is_from_7_to_30_days_and_30_by_default() {
    let server = Server::start();
    let account = Account::root(&server);
    let schedule = |days: Value| {
        account.call("ScheduleKeyDeletion", &json!({"KeyId": account.key, "PendingWindowInDays": days}))
    };
    for days in [1, 6] {
        let message = format!(
            "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must \
             have value greater than or equal to 7"
        );
        schedule(json!(days)).refuses("ValidationException", &message);
    }
    for days in [31, 365] {
        let message = format!(
            "1 validation error detected: Value '{days}' at 'pendingWindowInDays' failed to satisfy constraint: Member must \
             have value less than or equal to 30"
        );
        schedule(json!(days)).refuses("ValidationException", &message);
    }
    assert_eq!(account.state(&account.key), "Enabled");
    for (days, window) in [(json!(7), 7), (json!(30), 30), (Value::Null, 30)] {
        let before = jiff::Timestamp::now().as_second();
        let answer = schedule(days).output();
        let date = answer["DeletionDate"].as_f64().unwrap();
        assert_eq!((&answer["KeyId"], &answer["KeyState"]), (&json!(account.key), &json!("PendingDeletion")));
        assert_eq!(answer["PendingWindowInDays"], window);
        let late = date - (before + window * 86_400) as f64;
        assert!((0.0..60.0).contains(&late), "{late} s late");
        let described = account.call("DescribeKey", &json!({"KeyId": account.key})).output();
        assert_eq!(described["KeyMetadata"]["DeletionDate"], answer["DeletionDate"]);
        assert_eq!(
            account.call("CancelKeyDeletion", &json!({"KeyId": account.key})).output(),
            json!({"KeyId": account.key})
        );
    }
}

#[test]
fn a_cancelled_deletion_leaves_the_key_disabled_and_whole() {
    let server = Server::start();
    let account = Account::root(&server);
    account.enter(&account.key, "PendingDeletion");
    let message = format!("{} is pending deletion.", account.key);
    account
        .call("ScheduleKeyDeletion", &json!({"KeyId": account.key}))
        .refuses("KMSInvalidStateException", &message);
    let _ = account.call("CancelKeyDeletion", &json!({"KeyId": account.key})).output();
    let metadata =
        account.call("DescribeKey", &json!({"KeyId": account.key})).output()["KeyMetadata"].clone();
    assert_eq!((&metadata["KeyState"], &metadata["Enabled"]), (&json!("Disabled"), &json!(false)));
    assert!(metadata.get("DeletionDate").is_none());
    let _ = account.call("EnableKey", &json!({"KeyId": account.key})).output();
    let opened = account.call("Decrypt", &json!({"CiphertextBlob": account.ciphertext})).output();
    assert_eq!(bytes(&opened["Plaintext"]), PLAINTEXT);
}

#[test]
fn when_its_window_ends_a_key_is_gone_with_its_aliases_and_the_journal_says_so() {
    let server = Server::builder().dev_clock().start();
    let (account, bystander) = (Account::root(&server), Account::new(&server));
    let kept = bystander.everything();
    let input = json!({"KeyId": account.key, "PendingWindowInDays": 7});
    let _ = account.call("ScheduleKeyDeletion", &input).output();
    server.advance("6d");
    assert_eq!(account.state(&account.key), "PendingDeletion");
    server.advance("25h");
    until("the key is deleted", || account.call("DescribeKey", &json!({"KeyId": account.key})).status != 200);

    let gone = format!("Key '{}' does not exist", account.key);
    account.call("DescribeKey", &json!({"KeyId": account.key})).refuses("NotFoundException", &gone);
    account.call("CancelKeyDeletion", &json!({"KeyId": account.key})).refuses("NotFoundException", &gone);
    let alias = crate::account::alias_arn(&account.key, &account.alias);
    let no_alias = format!("Alias {alias} is not found.");
    account.call("DescribeKey", &json!({"KeyId": account.alias})).refuses("NotFoundException", &no_alias);
    let decrypt = account.call("Decrypt", &json!({"CiphertextBlob": account.ciphertext}));
    decrypt.refuses("AccessDeniedException", &account.denial("kms:Decrypt"));
    let everything = account.everything().to_string();
    assert!(
        !everything.contains(key_id(&account.key)) && everything.contains(&account.other),
        "{everything}"
    );
    assert_eq!(bystander.everything(), kept);

    let journal = server.journal();
    let events: Vec<_> = journal.iter().filter(|record| record["eventName"] == "DeleteKey").collect();
    assert_eq!(events.len(), 1);
    let event = events[0];
    assert_eq!(
        event["resources"],
        json!([{"accountId": account.id, "type": "AWS::KMS::Key", "ARN": account.key}])
    );
    assert_eq!((&event["eventType"], &event["readOnly"]), (&json!("AwsServiceEvent"), &json!(false)));
    assert_eq!(event["userIdentity"], json!({"accountId": account.id, "invokedBy": "AWS Internal"}));
    assert_eq!(event["recipientAccountId"], account.id);
}

#[test]
fn a_deletion_that_was_scheduled_before_a_crash_comes_about_after_it() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    let _ = account
        .call("ScheduleKeyDeletion", &json!({"KeyId": account.key, "PendingWindowInDays": 7}))
        .output();
    server.kill();
    server.start_again();
    assert_eq!(account.state(&account.key), "PendingDeletion");
    server.advance("8d");
    until("the key is deleted", || account.call("DescribeKey", &json!({"KeyId": account.key})).status != 200);
}

#[test]
fn enabling_and_disabling_may_be_repeated() {
    let server = Server::start();
    let account = Account::root(&server);
    for (operation, state) in [
        ("EnableKey", "Enabled"),
        ("DisableKey", "Disabled"),
        ("DisableKey", "Disabled"),
        ("EnableKey", "Enabled"),
    ] {
        for _ in 0..2 {
            assert_eq!(account.call(operation, &json!({"KeyId": account.key})).output(), Value::Null);
            assert_eq!(account.state(&account.key), state);
        }
    }
}

#[test]
fn a_description_may_be_empty_and_is_kept_to_the_letter() {
    let server = Server::start();
    let account = Account::root(&server);
    let described = || {
        account.call("DescribeKey", &json!({"KeyId": account.key})).output()["KeyMetadata"]["Description"]
            .clone()
    };
    let long = "\u{1f511}".repeat(8192);
    for text in ["of the delta", "", " \t\n \u{0}\u{1f} \"quoted\" \\ ", "\u{e9}\u{301}", long.as_str()] {
        let _ = account
            .call("UpdateKeyDescription", &json!({"KeyId": account.key, "Description": text}))
            .output();
        assert_eq!(described(), text);
        let made = account.call("CreateKey", &json!({"Description": text})).output();
        assert_eq!(made["KeyMetadata"]["Description"], text);
    }
}

#[test]
fn what_create_key_cannot_make_is_refused_in_awss_words() {
    let server = Server::start();
    let validation = |input: Value, message: &str| {
        server.call("CreateKey", &input).refuses("ValidationException", message)
    };
    let two_specs = json!({"KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"});
    validation(
        two_specs,
        "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
    );
    let no_usage = "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.";
    validation(json!({"KeySpec": "HMAC_256"}), no_usage);
    validation(json!({"CustomerMasterKeySpec": "RSA_2048"}), no_usage);
    validation(
        json!({"KeySpec": "RSA_2048", "KeyUsage": "KEY_AGREEMENT"}),
        "KeyUsage KEY_AGREEMENT is not compatible with KeySpec RSA_2048",
    );
    validation(
        json!({"KeyUsage": "SIGN_VERIFY"}),
        "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT",
    );
    validation(
        json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1"}),
        "KeySpec RSA_2048 is not supported for Origin AWS_CLOUDHSM",
    );
    let before = server.call("ListKeys", &json!({})).output();
    assert_eq!(before["Keys"], json!([]));
}

#[test]
fn neither_a_key_of_sm2_nor_one_in_a_custom_key_store_that_is_not_there_is_made() {
    let server = Server::start();
    let store = "cks-1234567890abcdef0";
    let inputs = [
        (json!({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"}), "UnsupportedOperationException"),
        (json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store}), "CustomKeyStoreNotFoundException"),
        (
            json!({"Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": store, "XksKeyId": "a"}),
            "CustomKeyStoreNotFoundException",
        ),
    ];
    for (input, error) in inputs {
        assert_eq!(server.call("CreateKey", &input).error(), error, "{input}");
    }
    assert_eq!(server.call("ListKeys", &json!({})).output()["Keys"], json!([]));
}

#[test]
fn a_key_is_made_with_its_tags_policy_and_description_at_once() {
    let server = Server::start();
    let policy = crate::requests::POLICY.replace(",", "\n\t, ");
    let tags = json!([{"TagKey": "b", "TagValue": "2"}, {"TagKey": "a", "TagValue": ""}]);
    let input = json!({"Description": "d", "Policy": policy, "Tags": tags, "KeyUsage": "ENCRYPT_DECRYPT",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS", "MultiRegion": false,
        "BypassPolicyLockoutSafetyCheck": true});
    let made = server.call("CreateKey", &input).output();
    let named = json!({"KeyId": made["KeyMetadata"]["KeyId"]});
    assert_eq!(
        server.call("GetKeyPolicy", &named).output(),
        json!({"Policy": policy, "PolicyName": "default"})
    );
    assert_eq!(server.call("ListResourceTags", &named).output()["Tags"], tags);
}

/// Waits for something that the service does by itself, in bounded time.
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !happened() {
        assert!(std::time::Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

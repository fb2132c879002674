//! What names a key, and what a caller is told of a name that does not.

use crate::account::{Account, alias_arn, key_id};
use blackbox::Server;
use serde_json::json;

#[test]
fn a_name_that_names_no_key_is_refused_in_awss_words() {
    let server = Server::start();
    let account = Account::root(&server);
    let (id, region) = (&account.id, &account.caller.region);
    let unknown = "12345678-1234-4234-9234-123456789abc";
    let mrk = "mrk-1234567890abcdef1234567890abcdef";
    let arn = |rest: &str| format!("arn:aws:kms:{region}:{id}:{rest}");
    let not_found = |name: &str, message: String| (name.to_owned(), "NotFoundException", message);
    let invalid_id = |name: &str| not_found(name, format!("Invalid keyId '{name}'"));
    let cases = [
        not_found(unknown, format!("Key '{}' does not exist", arn(&format!("key/{unknown}")))),
        not_found(
            &arn(&format!("key/{unknown}")),
            format!("Key '{}' does not exist", arn(&format!("key/{unknown}"))),
        ),
        not_found(mrk, format!("Key '{}' does not exist", arn(&format!("key/{mrk}")))),
        not_found("alias/nowhere", format!("Alias {} is not found.", arn("alias/nowhere"))),
        not_found("alias/aws/s3", format!("Alias {} is not found.", arn("alias/aws/s3"))),
        not_found(&arn("alias/nowhere"), format!("Alias {} is not found.", arn("alias/nowhere"))),
        not_found(&account.key.replace(region.as_str(), "us-west-1"), "Invalid arn us-west-1".to_owned()),
        not_found(&arn("alias/a").replace(region.as_str(), "us-west-1"), "Invalid arn us-west-1".to_owned()),
        invalid_id("fake-key-id"),
        invalid_id("134f2428cec14b25a1ae9048164dba47"),
        invalid_id("mrk-fake-key-id"),
        invalid_id("nile"),
        invalid_id("Alias/nile"),
        invalid_id(" "),
        invalid_id(&format!("key/{}", key_id(&account.key))),
    ];
    for (name, error, message) in cases {
        for operation in ["DescribeKey", "GenerateDataKey"] {
            let answer = account.call(operation, &json!({"KeyId": name, "KeySpec": "AES_256"}));
            assert_eq!(answer.fault(), (error.to_owned(), Some(message.clone())), "{operation} {name}");
        }
    }
}

#[test]
fn what_begins_as_an_arn_and_is_none_is_an_invalid_arn() {
    let server = Server::start();
    let account = Account::root(&server);
    let good = &account.key;
    let wrong = [
        "arn:".to_owned(),
        "arn:aws:kms".to_owned(),
        good.replace(":kms:", ":s3:"),
        good.replace(":key/", ":grant/"),
        good.replace(":key/", ":"),
        good.replace("arn:aws:", "arn::"),
        good.replace("arn:aws:", "arn:aws-cn:"),
        good.replace(&account.id, "12"),
        good.replace(&account.caller.region, ""),
        format!("{good}0"),
    ];
    for arn in wrong {
        assert_eq!(
            account.call("DescribeKey", &json!({"KeyId": arn})).error(),
            "InvalidArnException",
            "{arn}"
        );
    }
}

#[test]
fn key_ids_are_in_lower_case() {
    let server = Server::start();
    let account = Account::root(&server);
    let upper = key_id(&account.key).to_uppercase();
    account
        .call("DescribeKey", &json!({"KeyId": upper}))
        .refuses("NotFoundException", &format!("Invalid keyId '{upper}'"));
}

#[test]
fn operations_that_manage_a_key_take_no_alias() {
    let server = Server::start();
    let account = Account::root(&server);
    let before = account.everything();
    let managing = [
        "CancelKeyDeletion",
        "DisableKey",
        "EnableKey",
        "GetKeyLastUsage",
        "GetKeyPolicy",
        "ListAliases",
        "ListKeyPolicies",
        "ListResourceTags",
        "PutKeyPolicy",
        "ScheduleKeyDeletion",
        "TagResource",
        "UntagResource",
        "UpdateKeyDescription",
    ];
    for operation in managing {
        for name in [account.alias.clone(), alias_arn(&account.key, &account.alias)] {
            let mut input = crate::requests::minimal(operation, &account);
            input["KeyId"] = json!(name);
            let message = format!("Invalid keyId '{name}'");
            assert_eq!(
                account.call(operation, &input).fault(),
                ("NotFoundException".to_owned(), Some(message)),
                "{operation}"
            );
        }
    }
    assert_eq!(account.everything(), before);
}

#[test]
fn regions_are_worlds_of_their_own() {
    let server = Server::start();
    let here = Account::root(&server);
    let there = Account::of(&server, here.caller.in_region("ap-southeast-2"));
    assert!(there.key.starts_with(&format!("arn:aws:kms:ap-southeast-2:{}:key/", here.id)), "{}", there.key);
    for (mine, theirs) in [(&here, &there), (&there, &here)] {
        assert!(!mine.everything().to_string().contains(key_id(&theirs.key)));
        let unseen = format!("{}/{}", mine.key.rsplit_once('/').unwrap().0, key_id(&theirs.key));
        let by_id = mine.call("DescribeKey", &json!({"KeyId": key_id(&theirs.key)}));
        by_id.refuses("NotFoundException", &format!("Key '{unseen}' does not exist"));
        let by_arn = mine.call("DescribeKey", &json!({"KeyId": theirs.key}));
        by_arn.refuses("NotFoundException", &format!("Invalid arn {}", theirs.caller.region));
        let decrypt = mine.call("Decrypt", &json!({"CiphertextBlob": theirs.ciphertext}));
        decrypt.refuses("AccessDeniedException", &mine.denial("kms:Decrypt"));
    }
    let same_name = json!({"AliasName": "alias/everywhere", "TargetKeyId": key_id(&there.key)});
    assert_eq!(there.call("CreateAlias", &same_name).status, 200);
    let same_name = json!({"AliasName": "alias/everywhere", "TargetKeyId": key_id(&here.key)});
    assert_eq!(here.call("CreateAlias", &same_name).status, 200);
}

#[test]
fn every_arn_is_in_the_configured_partition() {
    let config = "[service]\npartition = \"aws-cn\"\ndefault_region = \"cn-north-1\"\n";
    let server = Server::builder().config(config).start();
    let account = Account::root(&server);
    assert_eq!(account.key, format!("arn:aws-cn:kms:cn-north-1:{}:key/{}", account.id, key_id(&account.key)));
    assert_eq!(account.state(&account.key), "Enabled");
    assert!(!account.everything().to_string().contains("arn:aws:"));
    let policy = account.call("GetKeyPolicy", &json!({"KeyId": account.key})).output()["Policy"].clone();
    assert!(policy.as_str().unwrap().contains(&format!("arn:aws-cn:iam::{}:root", account.id)), "{policy}");
    let foreign = account.key.replace("arn:aws-cn:", "arn:aws:");
    assert_eq!(account.call("DescribeKey", &json!({"KeyId": foreign})).error(), "InvalidArnException");
    let journal = server.journal().iter().map(serde_json::Value::to_string).collect::<String>();
    assert!(journal.contains("arn:aws-cn:iam::") && !journal.contains("\"arn:aws:iam"));
}

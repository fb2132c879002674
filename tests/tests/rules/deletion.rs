//! Deletion: what disappears with a key and what stays, and how a family of multi-Region keys is deleted.

use crate::account::{Account, PLAINTEXT, alias_arn, key_id};
use crate::lifecycle::until;
use crate::multi_region::Family;
use blackbox::{Server, bytes};
use serde_json::{Value, json};

#[test]
fn nothing_but_its_records_is_left_of_a_deleted_key() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    let token = account
        .call(
            "CreateGrant",
            &json!({"KeyId": account.key, "GranteePrincipal": account.root_arn(),
        "RetiringPrincipal": account.root_arn(), "Operations": ["Decrypt"]}),
        )
        .output()["GrantToken"]
        .clone();
    delete(&server, &account, &account.key);
    let gone = format!("Key '{}' does not exist", account.key);
    let refused = [
        ("DescribeKey", json!({"KeyId": account.key})),
        ("CancelKeyDeletion", json!({"KeyId": account.key})),
        ("EnableKey", json!({"KeyId": account.key})),
        ("ListGrants", json!({"KeyId": account.key})),
        ("RevokeGrant", json!({"KeyId": account.key, "GrantId": account.grant})),
        ("RetireGrant", json!({"KeyId": account.key, "GrantId": account.grant})),
        ("ListAliases", json!({"KeyId": account.key})),
        ("CreateAlias", json!({"AliasName": "alias/new", "TargetKeyId": account.key})),
        ("UpdateAlias", json!({"AliasName": account.alias, "TargetKeyId": account.key})),
        (
            "ReEncrypt",
            json!({"CiphertextBlob": account.encrypt(&account.other, PLAINTEXT), "DestinationKeyId": account.key}),
        ),
    ];
    for (operation, input) in refused {
        let answer = account.call(operation, &input);
        assert_eq!(answer.error(), "NotFoundException", "{operation}: {}", answer.text());
        if operation != "UpdateAlias" {
            answer.refuses("NotFoundException", &gone);
        }
    }
    let alias = alias_arn(&account.key, &account.alias);
    let no_alias = format!("Alias {alias} is not found.");
    let to_other = json!({"AliasName": account.alias, "TargetKeyId": account.other});
    account.call("UpdateAlias", &to_other).refuses("NotFoundException", &no_alias);
    assert_eq!(account.call("RetireGrant", &json!({"GrantToken": token})).status, 400);
    let retirable =
        account.call("ListRetirableGrants", &json!({"RetiringPrincipal": account.root_arn()})).output();
    assert_eq!(retirable["Grants"], json!([]));
    // The name is free again, and stands for nothing of what it stood for.
    let _ = account.call("CreateAlias", &to_other).output();
    let by_alias = json!({"CiphertextBlob": account.ciphertext, "KeyId": account.alias});
    assert_eq!(account.call("Decrypt", &by_alias).error(), "IncorrectKeyException");
}

#[test]
fn what_a_deleted_key_encrypted_is_refused_for_ever_also_after_a_restart() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    delete(&server, &account, &account.key);
    let denial = account.denial("kms:Decrypt");
    for _ in 0..2 {
        account.call("Decrypt", &json!({"CiphertextBlob": account.ciphertext})).denies(&denial);
        let named = json!({"CiphertextBlob": account.ciphertext, "KeyId": account.key});
        assert_eq!(account.call("Decrypt", &named).error(), "NotFoundException");
        let move_on = json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": account.other});
        assert_eq!(account.call("ReEncrypt", &move_on).error(), "AccessDeniedException");
        server.restart();
    }
}

#[test]
fn a_primary_waits_for_its_last_replica_and_then_its_full_window() {
    let server = Server::builder().dev_clock().start();
    let family = Family::with_replicas(&server, &["eu-west-1", "us-west-2"]);
    let home = family.home();
    let answer = family.call(home, "ScheduleKeyDeletion", json!({"PendingWindowInDays": 10})).output();
    assert_eq!(
        answer,
        json!({"KeyId": family.primary, "KeyState": "PendingReplicaDeletion", "PendingWindowInDays": 10})
    );
    let metadata = family.described(home);
    assert_eq!(
        (&metadata["KeyState"], &metadata["PendingDeletionWindowInDays"]),
        (&json!("PendingReplicaDeletion"), &json!(10))
    );
    assert!(metadata.get("DeletionDate").is_none());
    let message = format!("{} is pending replica deletion.", family.primary);
    family.call(home, "Encrypt", json!({"Plaintext": "AQ=="})).refuses("KMSInvalidStateException", &message);
    server.advance("30d");
    assert_eq!(family.state(home), "PendingReplicaDeletion", "it waits as long as there is a replica");
    delete_replica(&family, "eu-west-1", 7);
    assert_eq!(family.state(home), "PendingReplicaDeletion");
    let left = family.described("us-west-2")["MultiRegionConfiguration"]["ReplicaKeys"].clone();
    assert_eq!(left, json!([{"Arn": family.arn("us-west-2"), "Region": "us-west-2"}]));
    delete_replica(&family, "us-west-2", 7);
    let metadata = family.described(home);
    assert_eq!(metadata["KeyState"], "PendingDeletion");
    assert!(metadata.get("PendingDeletionWindowInDays").is_none());
    assert!(metadata["DeletionDate"].is_number());
    assert_eq!(metadata["MultiRegionConfiguration"]["ReplicaKeys"], json!([]));
    server.advance("9d");
    assert_eq!(family.state(home), "PendingDeletion", "the window begins when the last replica is gone");
    server.advance("25h");
    until("the primary is deleted", || family.call(home, "DescribeKey", json!({})).status != 200);
    let deleted: Vec<_> = server
        .journal()
        .iter()
        .filter(|record| record["eventName"] == "DeleteKey")
        .map(|record| record["awsRegion"].clone())
        .collect();
    assert_eq!(deleted, ["eu-west-1", "us-west-2", home]);
}

#[test]
fn a_primary_whose_deletion_is_cancelled_is_disabled_and_its_replicas_are_not_touched() {
    let server = Server::builder().dev_clock().start();
    let family = Family::with_replicas(&server, &["eu-west-1"]);
    let home = family.home();
    let _ = family.call(home, "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    let _ = family.call("eu-west-1", "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    let _ = family.call("eu-west-1", "CancelKeyDeletion", json!({})).output();
    assert_eq!(
        (family.state(home).as_str(), family.state("eu-west-1").as_str()),
        ("PendingReplicaDeletion", "Disabled")
    );
    assert_eq!(family.call(home, "CancelKeyDeletion", json!({})).output(), json!({"KeyId": family.primary}));
    assert_eq!(family.state(home), "Disabled");
    assert!(family.described(home).get("PendingDeletionWindowInDays").is_none());
    delete_replica(&family, "eu-west-1", 7);
    assert_eq!(family.state(home), "Disabled", "it is not to be deleted any more");
    server.advance("40d");
    assert_eq!(family.state(home), "Disabled");
}

#[test]
fn a_replica_that_is_deleted_can_be_made_again_and_opens_what_it_opened() {
    let server = Server::builder().dev_clock().start();
    let family = Family::with_replicas(&server, &["eu-west-1"]);
    let sealed = family.call("eu-west-1", "Encrypt", json!({"Plaintext": "AQ=="})).output();
    let ciphertext = json!({"CiphertextBlob": sealed["CiphertextBlob"]});
    let _ =
        family.call("eu-west-1", "TagResource", json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]})).output();
    let _ = family.call("eu-west-1", "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    let again = json!({"ReplicaRegion": "eu-west-1"});
    assert_eq!(
        family.call(family.home(), "ReplicateKey", again).error(),
        "AlreadyExistsException",
        "as long as it is there"
    );
    let _ = family.call("eu-west-1", "CancelKeyDeletion", json!({})).output();
    delete_replica(&family, "eu-west-1", 7);
    assert_eq!(family.send("eu-west-1", "Decrypt", &ciphertext).error(), "AccessDeniedException");
    let opened = family.send(family.home(), "Decrypt", &ciphertext).output();
    assert_eq!(bytes(&opened["Plaintext"]), [1]);
    let _ = family.replicate("eu-west-1");
    assert_eq!(family.send("eu-west-1", "Decrypt", &ciphertext).output()["Plaintext"], "AQ==");
    assert_eq!(family.call("eu-west-1", "ListResourceTags", json!({})).output()["Tags"], json!([]));
}

#[test]
fn a_family_whose_primary_moved_is_deleted_the_same_way() {
    let server = Server::builder().dev_clock().start();
    let family = Family::with_replicas(&server, &["eu-west-1"]);
    let home = family.home().to_owned();
    let _ = family.call(&home, "UpdatePrimaryRegion", json!({"PrimaryRegion": "eu-west-1"})).output();
    [home.as_str(), "eu-west-1"].iter().for_each(|region| family.settles(region));
    let answer = family.call("eu-west-1", "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    assert_eq!(answer["KeyState"], "PendingReplicaDeletion");
    let answer = family.call(&home, "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    assert_eq!(answer["KeyState"], "PendingDeletion");
    server.advance("8d");
    until("the replica is deleted", || family.call(&home, "DescribeKey", json!({})).status != 200);
    assert_eq!(family.state("eu-west-1"), "PendingDeletion");
    server.advance("8d");
    until("the primary is deleted", || family.call("eu-west-1", "DescribeKey", json!({})).status != 200);
}

#[test]
fn a_crash_between_two_deletions_of_a_family_loses_none_of_them() {
    let server = Server::builder().dev_clock().start();
    let family = Family::with_replicas(&server, &["eu-west-1", "us-west-2"]);
    let home = family.home();
    for region in [home, "eu-west-1", "us-west-2"] {
        let _ = family.call(region, "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    }
    server.advance("8d");
    server.kill();
    server.start_again();
    until("the window of the primary begins", || family.state(home) == "PendingDeletion");
    server.advance("8d");
    until("all are deleted", || family.call(home, "DescribeKey", json!({})).status != 200);
}

/// Has a key deleted and waits until it is.
fn delete(server: &Server, account: &Account<'_>, key: &str) {
    let _ = account.call("ScheduleKeyDeletion", &json!({"KeyId": key, "PendingWindowInDays": 7})).output();
    server.advance("8d");
    until("the key is deleted", || account.call("DescribeKey", &json!({"KeyId": key})).status != 200);
    assert!(!account.everything().to_string().contains(key_id(key)));
}

/// The same of a replica.
fn delete_replica(family: &Family<'_>, region: &str, days: u16) {
    let answer = family.call(region, "ScheduleKeyDeletion", json!({"PendingWindowInDays": days})).output();
    assert_eq!(
        (&answer["KeyState"], answer["DeletionDate"].is_number()),
        (&Value::from("PendingDeletion"), true)
    );
    family.server.advance(&format!("{}d", days + 1));
    until("the replica is deleted", || family.call(region, "DescribeKey", json!({})).status != 200);
}

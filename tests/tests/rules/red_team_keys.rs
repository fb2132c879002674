//! Attacks on keys and their families that once came through, each tried again.

use crate::account::{Account, key_id};
use crate::multi_region::Family;
use blackbox::{Server, policy};
use serde_json::{Value, json};

/// Whoever makes a family as large as it can be, each key with a long policy and many aliases, does not make it one that can neither
/// be rotated nor moved nor deleted.
#[test]
fn the_largest_family_can_still_be_rotated_moved_and_deleted() {
    let server = Server::builder().dev_clock().start();
    let text = long_policy(&server.account_id(server.root()));
    let family = Family::made_by(&server, json!({"Policy": text}));
    let replicate = |region: &str| {
        let input = json!({"KeyId": family.primary, "ReplicaRegion": region, "Policy": text});
        server.call("ReplicateKey", &input)
    };
    let regions: Vec<String> = (1..=32).map(|number| format!("eu-north-{number}")).collect();
    let (last, regions) = regions.split_last().unwrap();
    for region in regions {
        let _ = replicate(region).output();
        family.settles(region);
    }
    assert_eq!(replicate(last).error(), "LimitExceededException");
    let home = server.root().region.clone();
    for (operation, input) in [
        ("RotateKeyOnDemand", json!({})),
        ("EnableKeyRotation", json!({"RotationPeriodInDays": 90})),
        ("UpdatePrimaryRegion", json!({"PrimaryRegion": regions[1]})),
    ] {
        let answer = family.call(&home, operation, input);
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
    }
    let leaving = &regions[0];
    for number in 0..50 {
        let alias = json!({"AliasName": format!("alias/{number}"), "TargetKeyId": key_id(&family.primary)});
        let _ = family.send(leaving, "CreateAlias", &alias).output();
    }
    let _ = family.call(leaving, "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    server.advance("7d");
    assert_eq!(family.call(leaving, "DescribeKey", json!({})).error(), "NotFoundException");
    assert_eq!(family.send(leaving, "ListAliases", &json!({})).output()["Aliases"], json!([]));
    server.advance("90d");
    let rotations = family.call(&regions[2], "ListKeyRotations", json!({})).output();
    assert_eq!(rotations["Rotations"].as_array().unwrap().len(), 2);
}

/// A key whose deletion has begun cannot be called back without what belonged to it.
#[test]
fn a_key_is_never_called_back_from_its_deletion_without_its_grants() {
    let server = Server::builder().dev_clock().start();
    let account = Account::root(&server);
    let grant =
        json!({"KeyId": account.key, "GranteePrincipal": account.root_arn(), "Operations": ["Encrypt"]});
    (1..GRANTS).for_each(|_| drop(account.call("CreateGrant", &grant).output()));
    let first =
        account.call("ListGrants", &json!({"KeyId": account.key})).output()["Grants"][0]["GrantId"].clone();
    let input = json!({"KeyId": account.key, "PendingWindowInDays": 7});
    let _ = account.call("ScheduleKeyDeletion", &input).output();
    let key = json!({"KeyId": account.key});
    let has_lost_a_grant = || {
        let answer = account.call("ListGrants", &json!({"KeyId": account.key, "GrantId": first}));
        answer.status != 200 || answer.output()["Grants"] == json!([])
    };
    std::thread::scope(|scope| {
        let advancing = scope.spawn(|| server.advance("7d"));
        while !advancing.is_finished() {
            if has_lost_a_grant() {
                assert_eq!(account.call("CancelKeyDeletion", &key).error(), "NotFoundException");
            }
        }
    });
    assert_eq!(account.call("DescribeKey", &key).error(), "NotFoundException");
}

/// A replica that takes the place of a deleted one has nothing of it: neither its grants nor the days since it was last used.
#[test]
fn a_replica_has_nothing_of_the_one_that_was_there_before() {
    let server = Server::builder().dev_clock().start();
    let family = Family::with_replicas(&server, &["eu-west-1"]);
    let bea = server.create_user(server.root(), "Bea");
    let input = json!({"GranteePrincipal": bea.arn, "Operations": ["Encrypt"]});
    let token = family.call("eu-west-1", "CreateGrant", input).output()["GrantToken"].clone();
    let there = bea.caller.in_region("eu-west-1");
    let encrypt = json!({"KeyId": key_id(&family.primary), "Plaintext": "eA==", "GrantTokens": [token]});
    let _ = server.call_as(&there, "Encrypt", &encrypt).output();
    let _ = family.call("eu-west-1", "ScheduleKeyDeletion", json!({"PendingWindowInDays": 7})).output();
    server.advance("7d");
    family.replicate("eu-west-1");
    let denied = server.call_as(&there, "Encrypt", &encrypt).error();
    assert!(["AccessDeniedException", "InvalidGrantTokenException"].contains(&denied.as_str()), "{denied}");
    assert_eq!(family.call("eu-west-1", "ListGrants", json!({})).output()["Grants"], json!([]));
    let usage = family.call("eu-west-1", "GetKeyLastUsage", json!({})).output();
    assert_eq!(usage["KeyLastUsage"], json!({}), "{usage}");
}

/// Nearly as long as a key policy may be.
fn long_policy(account: &str) -> Value {
    let root = format!("arn:aws:iam::{account}:root");
    let statement = json!({"Sid": "x".repeat(32_000), "Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"});
    policy(&json!([statement])).into()
}

const GRANTS: usize = 400;

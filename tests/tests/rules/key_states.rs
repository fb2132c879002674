//! AWS's table of key states, row by row, for the states that a key can be in today.

use crate::account::Account;
use crate::requests::minimal;
use blackbox::Server;
use operations::OPERATIONS;
use serde_json::json;

/// What a call comes to.
#[derive(Clone, Copy)]
enum Comes {
    ToSuccess,
    /// To that error, whose message is the key's ARN and these words.
    To(&'static str, &'static str),
}

use Comes::{To, ToSuccess};

const DISABLED: Comes = To("DisabledException", "is disabled.");
const PENDING: Comes = To("KMSInvalidStateException", "is pending deletion.");
const NOT_PENDING: Comes = To("KMSInvalidStateException", "is not pending deletion.");

/// In Enabled, Disabled, PendingDeletion. `None` for an operation that is about no key.
fn row(operation: &str) -> Option<[Comes; 3]> {
    Some(match operation {
        "CancelKeyDeletion" => [NOT_PENDING, NOT_PENDING, ToSuccess],
        "CreateAlias" | "UpdateAlias" => [ToSuccess, ToSuccess, PENDING],
        "CreateKey" | "GenerateRandom" | "ListKeys" | "ListRetirableGrants" => return None,
        "CreateGrant"
        | "Decapsulate"
        | "Decrypt"
        | "DeriveSharedSecret"
        | "Encapsulate"
        | "Encrypt"
        | "GenerateDataKey"
        | "GenerateDataKeyPair"
        | "GenerateDataKeyPairWithoutPlaintext"
        | "GenerateDataKeyWithoutPlaintext"
        | "GenerateMac"
        | "ReEncrypt"
        | "Sign"
        | "Verify"
        | "VerifyMac" => [ToSuccess, DISABLED, PENDING],
        "DeleteAlias" | "DescribeKey" | "GetKeyPolicy" | "ListAliases" | "ListGrants" | "ListKeyPolicies"
        | "ListResourceTags" | "PutKeyPolicy" | "RetireGrant" | "RevokeGrant" => {
            [ToSuccess, ToSuccess, ToSuccess]
        }
        "DisableKey"
        | "EnableKey"
        | "GetPublicKey"
        | "ScheduleKeyDeletion"
        | "TagResource"
        | "UntagResource"
        | "UpdateKeyDescription" => [ToSuccess, ToSuccess, PENDING],
        other => panic!("there is no row of key states for {other}: add it here"),
    })
}

#[test]
fn every_operation_keeps_to_the_table_of_key_states() {
    let server = Server::start();
    for entry in OPERATIONS {
        let Some(row) = row(entry.name) else { continue };
        // A world of its own for each, so that there is little to compare.
        let account = Account::new_for(&server, entry.name);
        for ((state, region), expected) in STATES.into_iter().zip(row) {
            let account = Account::of_for(&server, account.caller.in_region(region), entry.name);
            account.enter(&account.key, state);
            let before = account.everything();
            let answer = account.call(entry.name, &minimal(entry.name, &account));
            match expected {
                ToSuccess => assert_eq!(answer.status, 200, "{} in {state}: {}", entry.name, answer.text()),
                To(error, words) => {
                    answer.refuses(error, &format!("{} {words}", account.key));
                    assert_eq!(account.everything(), before, "{} in {state} changed something", entry.name);
                }
            }
        }
    }
}

#[test]
fn re_encryption_needs_both_keys_enabled() {
    let server = Server::start();
    let account = Account::root(&server);
    let input = json!({"CiphertextBlob": account.ciphertext, "DestinationKeyId": account.other});
    account.enter(&account.other, "Disabled");
    account
        .call("ReEncrypt", &input)
        .refuses("DisabledException", &format!("{} is disabled.", account.other));
    account.enter(&account.other, "PendingDeletion");
    let message = format!("{} is pending deletion.", account.other);
    account.call("ReEncrypt", &input).refuses("KMSInvalidStateException", &message);
}

#[test]
fn an_alias_moves_away_from_a_key_that_waits_for_its_deletion_but_not_onto_one() {
    let server = Server::start();
    let account = Account::root(&server);
    account.enter(&account.key, "PendingDeletion");
    let to = |key: &str| json!({"AliasName": account.alias, "TargetKeyId": key});
    assert_eq!(account.call("UpdateAlias", &to(&account.other)).status, 200);
    let message = format!("{} is pending deletion.", account.key);
    account.call("UpdateAlias", &to(&account.key)).refuses("KMSInvalidStateException", &message);
}

#[test]
fn a_dry_run_passes_through_the_same_state_checks() {
    let server = Server::start();
    for operation in crate::dry_run::with_dry_run() {
        // Of a grant it is no matter whether the key can be used.
        if ["RetireGrant", "RevokeGrant"].contains(&operation) {
            continue;
        }
        let account = Account::root_for(&server, operation);
        account.enter(&account.key, "Disabled");
        let mut input = minimal(operation, &account);
        input["DryRun"] = true.into();
        account
            .call(operation, &input)
            .refuses("DisabledException", &format!("{} is disabled.", account.key));
    }
}

/// The states that a key can be in today, and a region for each.
const STATES: [(&str, &str); 3] =
    [("Enabled", "eu-west-1"), ("Disabled", "eu-west-2"), ("PendingDeletion", "eu-west-3")];

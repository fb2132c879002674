//! Dry runs: whoever could make the call is told so, and nothing happens.

use crate::account::Account;
use crate::requests::minimal;
use blackbox::Server;
use operations::OPERATIONS;
use serde_json::json;

const WOULD_HAVE: &str = "The request would have succeeded, but the DryRun option is set.";

pub fn with_dry_run() -> Vec<&'static str> {
    let has = |entry: &&operations::Entry| (entry.input)().iter().any(|member| member.name == "DryRun");
    OPERATIONS.iter().filter(has).map(|entry| entry.name).collect()
}

#[test]
fn every_dry_run_that_would_succeed_says_so_is_recorded_and_discloses_nothing() {
    let server = Server::start();
    let operations = with_dry_run();
    assert!(operations.len() >= 17, "{operations:?}");
    for operation in operations {
        let account = Account::new_for(&server, operation);
        let before = account.everything();
        let mut input = minimal(operation, &account);
        input["DryRun"] = true.into();
        let answer = account.call(operation, &input);
        answer.refuses("DryRunOperationException", WOULD_HAVE);
        let record = server.record_of(&answer);
        assert_eq!(record["errorCode"], "DryRunOperationException", "{operation}");
        assert_eq!(record["resources"][0]["ARN"], account.key, "{operation}");
        assert_eq!(account.everything(), before, "{operation}");
    }
}

#[test]
fn a_dry_run_is_denied_to_whom_the_call_is_denied() {
    let server = Server::start();
    let stranger = Account::new(&server);
    for operation in with_dry_run() {
        let owner = Account::new_for(&server, operation);
        let mut input = minimal(operation, &owner);
        input["DryRun"] = true.into();
        assert_eq!(stranger.call(operation, &input).error(), "AccessDeniedException", "{operation}");
    }
}

#[test]
fn a_dry_run_may_pass_over_the_ciphertext_if_it_names_the_key() {
    let server = Server::start();
    let account = Account::root(&server);
    let ignoring = |mut input: serde_json::Value| {
        input["DryRun"] = true.into();
        input["DryRunModifiers"] = json!(["IGNORE_CIPHERTEXT"]);
        input
    };
    let decrypt = ignoring(json!({"KeyId": account.key}));
    account.call("Decrypt", &decrypt).refuses("DryRunOperationException", WOULD_HAVE);
    let re_encrypt = ignoring(json!({"SourceKeyId": account.key, "DestinationKeyId": account.other}));
    account.call("ReEncrypt", &re_encrypt).refuses("DryRunOperationException", WOULD_HAVE);

    let without_key = account.call("Decrypt", &ignoring(json!({})));
    assert_eq!(without_key.error(), "ValidationException");
    let mut for_real = decrypt.clone();
    for_real["DryRun"] = false.into();
    assert_eq!(account.call("Decrypt", &for_real).error(), "ValidationException");
}

#[test]
fn a_dry_run_with_another_keys_ciphertext_fails_as_the_call_would() {
    let server = Server::start();
    let account = Account::root(&server);
    let input = json!({"CiphertextBlob": account.ciphertext, "KeyId": account.other, "DryRun": true});
    assert_eq!(account.call("Decrypt", &input).error(), "IncorrectKeyException");
}

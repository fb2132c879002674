//! What joining two logs finds: in real journals and in files as CloudTrail lays them down.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod command;
mod generated;
mod logs;
mod memory;
mod refused;

use logs::{KEY, Logs, OTHER_KEY, at, call, event, id};
use serde_json::{Value, json};

/// One request of every kind that leads to calls, and nothing that should not be.
fn agreeing() -> Logs {
    let mut logs = Logs::of_two_hours();
    for (number, operation, called) in [
        (1, "Encrypt", "Encrypt"),
        (2, "GenerateDataKey", "Encrypt"),
        (3, "GenerateDataKeyWithoutPlaintext", "Encrypt"),
        (4, "Decrypt", "Decrypt"),
    ] {
        logs.request(number, operation, called);
    }
    logs.request(5, "ReEncrypt", "Decrypt");
    logs.calls.push(call(5, "ReEncrypt", "Encrypt"));
    logs.kms.push(event(6, "CreateKey"));
    let mut metadata = call(6, "CreateKey", "GetKeyMetadata");
    metadata["requestMetadata"].as_object_mut().unwrap().remove("kmsKeyArn");
    logs.calls.push(metadata);
    logs.kms.push(event(7, "ConnectCustomKeyStore"));
    logs.calls.extend((0..5).map(|_| call(7, "ConnectCustomKeyStore", "GetHealthStatus")));
    logs
}

/// What is found, by kind and request.
fn found(report: &Value) -> Vec<(String, String)> {
    listed(&report["differences"])
}

fn listed(list: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = list.as_array().unwrap().iter();
    list.map(|one| (text(&one["kind"]), text(&one["kmsRequestId"]))).collect()
}

fn one(kind: &str, number: u64) -> Vec<(String, String)> {
    vec![(kind.to_owned(), id(number))]
}

#[test]
fn logs_that_agree_have_no_differences() {
    let report = agreeing().report();
    assert_eq!(found(&report), []);
    assert_eq!(listed(&report["notYetTold"]), []);
    let expected =
        json!({"calls": 12, "agreed": 12, "healthChecks": 2, "unauthenticated": 1, "unread": 0, "events": 7});
    assert_eq!(report["counts"], expected);
}

#[test]
fn a_call_that_was_refused_before_it_was_read_is_counted_and_no_alarm() {
    let mut logs = agreeing();
    let mut throttled = call(1, "Encrypt", "Encrypt");
    let fields = throttled.as_object_mut().unwrap();
    fields.remove("requestMetadata");
    fields.insert("outcome".into(), json!("Failure"));
    fields.insert("errorName".into(), json!("ThrottlingException"));
    logs.calls.push(throttled);
    let report = logs.report();
    assert_eq!((found(&report), &report["counts"]["unread"]), (vec![], &json!(1)));
}

#[test]
fn a_use_of_the_proxy_that_no_kms_knows_of_is_found() {
    let mut logs = agreeing();
    logs.calls.push(call(99, "Decrypt", "Decrypt"));
    let report = logs.report();
    assert_eq!(found(&report), one("useWithoutEvent", 99));
    let proxy = &report["differences"][0]["proxy"];
    assert_eq!(proxy["principal"], "arn:aws:iam::111122223333:user/Ana");
    assert_eq!((&proxy["kmsKeyArn"], &proxy["store"]), (&json!(KEY), &json!("/payments")));
    assert_eq!((&proxy["record"], &report["differences"][0]["kms"]), (&json!(16), &Value::Null));
}

#[test]
fn a_use_that_was_refused_or_names_no_request_is_found_too() {
    let mut logs = agreeing();
    let mut refused = call(98, "Decrypt", "Decrypt");
    refused["outcome"] = "Failure".into();
    refused["errorName"] = "AccessDeniedException".into();
    let mut nameless = call(99, "Decrypt", "Decrypt");
    nameless.as_object_mut().unwrap().remove("requestMetadata");
    logs.calls.extend([refused, nameless]);
    let report = logs.report();
    assert_eq!(report["differences"][0]["proxy"]["error"], "AccessDeniedException");
    let kind = "useWithoutEvent".to_owned();
    assert_eq!(found(&report), [(kind.clone(), id(98)), (kind, String::new())]);
}

#[test]
fn a_look_at_the_health_under_the_name_of_a_request_that_was_none_is_found() {
    let mut logs = agreeing();
    logs.calls.push(call(99, "ConnectCustomKeyStore", "GetHealthStatus"));
    assert_eq!(found(&logs.report()), one("useWithoutEvent", 99));
}

#[test]
fn what_the_kms_did_without_the_proxy_is_found_and_what_it_failed_to_do_is_not() {
    let mut logs = agreeing();
    let mut failed = event(97, "Decrypt");
    failed["errorCode"] = "AccessDenied".into();
    let mut of_another_key = event(96, "Decrypt");
    of_another_key["resources"][0]["ARN"] = OTHER_KEY.into();
    logs.kms.extend([event(99, "Decrypt"), failed, of_another_key, event(95, "DescribeKey")]);
    assert_eq!(found(&logs.report()), one("eventWithoutUse", 99));
    logs.kms_keys = vec![OTHER_KEY.to_owned()];
    assert_eq!(found(&logs.report()), one("eventWithoutUse", 96));
}

#[test]
fn each_thing_that_both_tell_otherwise_is_named() {
    for (field, value, differing) in [
        ("awsPrincipalArn", "arn:aws:iam::111122223333:user/Ben", "principal"),
        ("kmsKeyArn", OTHER_KEY, "key"),
        ("kmsOperation", "Encrypt", "operation"),
    ] {
        let mut logs = agreeing();
        logs.request(99, "Decrypt", "Decrypt");
        logs.calls.last_mut().unwrap()["requestMetadata"][field] = value.into();
        let report = logs.report();
        assert_eq!(found(&report), one("differs", 99), "{field}");
        assert_eq!(report["differences"][0]["differing"], json!([differing]));
    }
    let mut logs = agreeing();
    logs.request(99, "GenerateDataKey", "Decrypt");
    let report = logs.report();
    assert_eq!(report["differences"][0]["differing"], json!(["operation"]));
    let mut logs = agreeing();
    logs.request(99, "Decrypt", "Decrypt");
    logs.calls.last_mut().unwrap()["eventTime"] = at(80, 0).into();
    assert_eq!(logs.report()["differences"][0]["differing"], json!(["time"]));
}

#[test]
fn whoever_a_service_or_a_session_stands_for_is_known_by_either_name() {
    let user = json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/Ana", "invokedBy": "ebs.amazonaws.com"});
    let service = json!({"type": "AWSService", "invokedBy": "ebs.amazonaws.com"});
    let stranger = json!({"type": "AWSAccount", "accountId": "111122223333", "principalId": "AIDA"});
    let session = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/R/s",
        "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/path/R"}}});
    for (identity, principal, agrees) in [
        (&user, "arn:aws:iam::111122223333:user/Ana", true),
        (&user, "ebs.amazonaws.com", true),
        (&user, "AWS Internal", true),
        (&user, "rds.amazonaws.com", false),
        (&service, "ebs.amazonaws.com", true),
        (&service, "arn:aws:iam::111122223333:user/Ana", false),
        (&stranger, "arn:aws:iam::111122223333:user/Ben", true),
        (&stranger, "arn:aws:iam::444455556666:user/Ben", false),
        (&session, "arn:aws:sts::111122223333:assumed-role/R/s", true),
        (&session, "arn:aws:iam::111122223333:role/path/R", true),
        (&session, "arn:aws:sts::111122223333:assumed-role/R/other", false),
        (&session, "AWS Internal", false),
    ] {
        let mut logs = agreeing();
        logs.request(99, "Decrypt", "Decrypt");
        logs.kms.last_mut().unwrap()["userIdentity"] = identity.clone();
        logs.calls.last_mut().unwrap()["requestMetadata"]["awsPrincipalArn"] = principal.into();
        assert_eq!(found(&logs.report()).is_empty(), agrees, "{identity} {principal}");
    }
}

#[test]
fn an_event_that_two_accounts_are_told_of_counts_as_the_better_telling() {
    for order in [[0, 1], [1, 0]] {
        let mut logs = agreeing();
        logs.request(99, "Decrypt", "Decrypt");
        let right = logs.kms.pop().unwrap();
        let mut vague = right.clone();
        vague["userIdentity"] = json!({"type": "AWSAccount", "accountId": "444455556666"});
        let both = [right, vague];
        logs.kms.extend(order.map(|place| both[place].clone()));
        assert_eq!(found(&logs.report()), []);
    }
}

#[test]
fn an_event_that_comes_twice_is_told_of_once() {
    let mut logs = agreeing();
    logs.calls.extend((0..3).map(|_| call(4, "Decrypt", "Decrypt")));
    logs.kms.push(event(99, "Decrypt"));
    logs.kms = [logs.kms.clone(), logs.kms].concat();
    let mut kinds = found(&logs.report());
    kinds.sort();
    assert_eq!(kinds, [one("eventWithoutUse", 99), one("tooManyCalls", 4)].concat());
}

#[test]
fn a_call_may_be_repeated_once_and_soon() {
    let mut logs = agreeing();
    logs.calls.push(call(4, "Decrypt", "Decrypt"));
    assert_eq!(found(&logs.report()), []);
    logs.calls.push(call(4, "Decrypt", "Decrypt"));
    let report = logs.report();
    assert_eq!(found(&report), one("tooManyCalls", 4));
    assert!(report["differences"][0]["says"].as_str().unwrap().starts_with("3 calls"));
    logs.calls.pop();
    logs.calls.last_mut().unwrap()["eventTime"] = at(60, 11_000).into();
    assert_eq!(found(&logs.report()), one("lateCall", 4));
}

#[test]
fn what_one_did_and_the_other_says_was_not_done_is_found() {
    let mut logs = agreeing();
    logs.request(98, "Decrypt", "Decrypt");
    logs.calls.last_mut().unwrap()["outcome"] = "Failure".into();
    logs.request(99, "Decrypt", "Decrypt");
    logs.kms.last_mut().unwrap()["errorCode"] = "AccessDenied".into();
    assert_eq!(found(&logs.report()), [one("failedThoughDone", 98), one("doneThoughDenied", 99)].concat());
    // KMS may have waited no longer for what was done, and a first attempt may have failed.
    let mut logs = agreeing();
    logs.request(98, "Decrypt", "Decrypt");
    logs.kms.last_mut().unwrap()["errorCode"] = "KMSInternalException".into();
    logs.request(99, "Decrypt", "Decrypt");
    logs.calls.last_mut().unwrap()["outcome"] = "Failure".into();
    logs.calls.push(call(99, "Decrypt", "Decrypt"));
    assert_eq!(found(&logs.report()), []);
}

#[test]
fn of_a_reencrypt_both_halves_are_looked_for_if_both_keys_are_behind_the_proxy() {
    let mut logs = agreeing();
    logs.request(99, "ReEncrypt", "Decrypt");
    assert_eq!(found(&logs.report()), one("failedThoughDone", 99));
    let other = json!({"ARN": OTHER_KEY, "type": "AWS::KMS::Key"});
    logs.kms.last_mut().unwrap()["resources"].as_array_mut().unwrap().push(other);
    assert_eq!(found(&logs.report()), []);
}

#[test]
fn near_the_end_of_the_other_log_it_cannot_be_told_yet() {
    let mut logs = agreeing();
    let (mut early, mut late) = (call(98, "Decrypt", "Decrypt"), call(99, "Decrypt", "Decrypt"));
    early["eventTime"] = at(14, 0).into();
    late["eventTime"] = at(106, 0).into();
    logs.calls.extend([early, late]);
    let mut latest = event(97, "Decrypt");
    latest["eventTime"] = at(119, 0).into();
    logs.kms.push(latest);
    let report = logs.report();
    assert_eq!(found(&report), []);
    let untold: Vec<String> = listed(&report["notYetTold"]).into_iter().map(|(_, id)| id).collect();
    assert_eq!(untold, [id(98), id(99), id(97)]);
    logs.from = Some(at(0, 0));
    logs.to = Some(at(121, 0));
    let report = logs.report();
    assert_eq!(found(&report), [one("useWithoutEvent", 98), one("useWithoutEvent", 99)].concat());
    assert_eq!(listed(&report["notYetTold"]), one("eventWithoutUse", 97));
}

#[test]
fn only_the_time_that_is_asked_about_is_looked_at() {
    let mut logs = agreeing();
    for (number, minute) in [(97, 20), (98, 60), (99, 95)] {
        let mut stray = call(number, "Decrypt", "Decrypt");
        stray["eventTime"] = at(minute, 0).into();
        logs.calls.push(stray);
    }
    (logs.from, logs.to) = (Some(at(30, 0)), Some(at(90, 0)));
    assert_eq!(found(&logs.report()), one("useWithoutEvent", 98));
}

#[test]
fn only_the_stores_that_are_asked_about_are_looked_at() {
    let mut logs = agreeing();
    let mut stray = call(99, "Decrypt", "Decrypt");
    stray["store"] = "/other".into();
    logs.calls.push(stray);
    logs.stores = vec!["/payments".to_owned()];
    assert_eq!(found(&logs.report()), []);
    logs.stores.push("/other".to_owned());
    assert_eq!(found(&logs.report()), one("useWithoutEvent", 99));
}

//! Calls at the same time: none is lost, and where only one can win exactly one does.

use crate::account::Account;
use blackbox::{Answer, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

/// Makes so many calls at once.
fn at_once(
    account: &Account<'_>,
    count: usize,
    call: impl Fn(usize) -> (&'static str, Value) + Sync,
) -> Vec<Answer> {
    let start = Barrier::new(count);
    let one = |number: usize| {
        let (operation, input) = call(number);
        start.wait();
        account.call(operation, &input)
    };
    let one = &one;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || one(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn tags_put_on_one_key_at_once_are_all_on_it() {
    let server = Server::start();
    let account = Account::root(&server);
    let answers = at_once(&account, 32, |number| {
        (
            "TagResource",
            json!({"KeyId": account.other, "Tags": [{"TagKey": format!("t{number}"), "TagValue": "v"}]}),
        )
    });
    answers.iter().for_each(|answer| drop(answer.output()));
    let tags = account.call("ListResourceTags", &json!({"KeyId": account.other})).output();
    let keys: BTreeSet<&str> =
        tags["Tags"].as_array().unwrap().iter().map(|tag| tag["TagKey"].as_str().unwrap()).collect();
    assert_eq!(keys.len(), 32, "{tags}");
}

#[test]
fn of_aliases_of_one_name_made_at_once_exactly_one_is() {
    let server = Server::start();
    let account = Account::root(&server);
    let answers = at_once(&account, 16, |number| {
        let key = if number % 2 == 0 { &account.key } else { &account.other };
        ("CreateAlias", json!({"AliasName": "alias/one", "TargetKeyId": key}))
    });
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.error(), "AlreadyExistsException");
    }
}

#[test]
fn keys_made_at_once_are_all_there() {
    let server = Server::start();
    let account = Account::root(&server);
    let answers = at_once(&account, 32, |_| ("CreateKey", json!({})));
    let made: BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.output()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned())
        .collect();
    let listed = account.call("ListKeys", &json!({"Limit": 1000})).output();
    let listed: BTreeSet<String> = listed["Keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["KeyArn"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(made.len(), 32);
    assert!(made.is_subset(&listed));
}

#[test]
fn the_limit_of_aliases_holds_for_calls_at_once() {
    let server = Server::start();
    let account = Account::root(&server);
    for number in 1..45 {
        let input = json!({"AliasName": format!("alias/before/{number}"), "TargetKeyId": account.key});
        let _ = account.call("CreateAlias", &input).output();
    }
    let answers = at_once(&account, 16, |number| {
        ("CreateAlias", json!({"AliasName": format!("alias/at-once/{number}"), "TargetKeyId": account.key}))
    });
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    let listed = account.call("ListAliases", &json!({"KeyId": account.key, "Limit": 100})).output();
    assert_eq!((listed["Aliases"].as_array().unwrap().len(), made), (50, 5));
}

#[test]
fn the_limit_of_tags_holds_for_calls_at_once() {
    let server = Server::start();
    let account = Account::root(&server);
    let before: Vec<_> =
        (0..40).map(|number| json!({"TagKey": format!("b{number}"), "TagValue": ""})).collect();
    let _ = account.call("TagResource", &json!({"KeyId": account.other, "Tags": before})).output();
    let answers = at_once(&account, 24, |number| {
        (
            "TagResource",
            json!({"KeyId": account.other, "Tags": [{"TagKey": format!("t{number}"), "TagValue": ""}]}),
        )
    });
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10);
    assert!(
        answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.error() == "TagException")
    );
}

#[test]
fn a_key_switched_and_deleted_at_once_ends_in_one_state_that_both_answers_allow() {
    let server = Server::start();
    let account = Account::root(&server);
    for _ in 0..8 {
        let key = server.create_key();
        let answers = at_once(&account, 2, |number| {
            (if number == 0 { "DisableKey" } else { "ScheduleKeyDeletion" }, json!({"KeyId": key}))
        });
        assert_eq!(answers[1].status, 200, "{}", answers[1].text());
        assert!(
            answers[0].status == 200 || answers[0].error() == "KMSInvalidStateException",
            "{}",
            answers[0].text()
        );
        assert_eq!(account.state(&key), "PendingDeletion");
    }
}

#[test]
fn every_call_at_once_has_its_own_record() {
    let server = Server::start();
    let account = Account::root(&server);
    let answers = at_once(&account, 32, |number| {
        (
            if number % 2 == 0 { "DescribeKey" } else { "GenerateRandom" },
            json!({"KeyId": account.key, "NumberOfBytes": 1}),
        )
    });
    let ids: BTreeSet<String> =
        answers.iter().map(|answer| answer.header("x-amzn-requestid").unwrap().to_owned()).collect();
    let recorded: Vec<_> = server
        .journal()
        .into_iter()
        .filter(|record| record["requestID"].as_str().is_some_and(|id| ids.contains(id)))
        .collect();
    assert_eq!((ids.len(), recorded.len()), (32, 32));
}

#[test]
fn a_change_is_seen_by_the_next_call_however_busy_the_key_is() {
    let server = Server::start();
    let account = Account::root(&server);
    let done = AtomicBool::new(false);
    let busy = || {
        let mut connection = server.connect().unwrap();
        let input = json!({"KeyId": account.alias}).to_string();
        while !done.load(Ordering::Relaxed) {
            let request = server.request("DescribeKey", input.clone()).signed(&account.caller);
            let _ = connection.exchange(&request).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(busy)).collect();
        let stop = SetWhenDropped(&done);
        for round in 0..50 {
            let encrypt = || account.call("Encrypt", &json!({"KeyId": account.alias, "Plaintext": "AQ=="}));
            let _ = account.call("DisableKey", &json!({"KeyId": account.key})).output();
            assert_eq!(encrypt().error(), "DisabledException", "round {round}");
            let moved = |key: &str| json!({"AliasName": account.alias, "TargetKeyId": key});
            let _ = account.call("UpdateAlias", &moved(&account.other)).output();
            assert_eq!(encrypt().output()["KeyId"], account.other, "round {round}");
            let _ = account.call("EnableKey", &json!({"KeyId": account.key})).output();
            let _ = account.call("UpdateAlias", &moved(&account.key)).output();
            assert_eq!(encrypt().output()["KeyId"], account.key, "round {round}");
        }
        drop(stop);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Lets the other threads end also when this one fails.
struct SetWhenDropped<'a>(&'a AtomicBool);

impl Drop for SetWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

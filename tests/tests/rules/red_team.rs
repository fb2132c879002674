//! Attacks that once came through, each tried again.

use crate::account::Account;
use blackbox::{Caller, Request, Server, policy};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A condition on a tag is not met by another tag that only case tells apart from it.
#[test]
fn no_tag_gets_past_a_condition_in_the_shadow_of_another_one_spelt_otherwise() {
    let server = Server::start();
    let account = Account::root(&server);
    let allowed = json!([{
        "Effect": "Allow", "Action": ["kms:TagResource", "kms:CreateKey"], "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestTag/team": "nile"}},
    }]);
    let ana = server.create_user_with(server.root(), "Ana", &allowed).caller;
    let put = |tags: &[(&str, &str)]| {
        let tag = |(key, value): &(&str, &str)| json!({"TagKey": key, "TagValue": value});
        let tags: Vec<Value> = tags.iter().map(tag).collect();
        server.call_as(&ana, "TagResource", &json!({"KeyId": account.key, "Tags": tags}))
    };
    let before = account.everything();
    for tags in [
        &[("team", "delta"), ("Team", "nile")][..],
        &[("Team", "nile"), ("team", "delta")],
        &[("TEAM", "delta"), ("Team", "nile")],
    ] {
        assert_eq!(put(tags).error(), "AccessDeniedException", "{tags:?}");
    }
    assert_eq!(account.everything(), before);
    assert_eq!(put(&[("team", "nile"), ("other", "x")]).status, 200);
}

/// Nobody keeps a change off the record by saying too much with it.
#[test]
fn a_change_with_parameters_too_long_to_keep_is_recorded_without_them() {
    let server = Server::start();
    let account = Account::root(&server);
    let grantee = format!("arn:aws:iam::{}:root", server.account_id(server.root()));
    let keys: Vec<String> = (0..6500).map(|number| format!("{number}{}", "q".repeat(120))).collect();
    for (operation, input) in [
        (
            "CreateGrant",
            json!({"KeyId": account.key, "GranteePrincipal": grantee, "Operations": vec!["Decrypt"; 60_000]}),
        ),
        ("UntagResource", json!({"KeyId": account.key, "TagKeys": keys})),
    ] {
        let answer = account.call(operation, &input);
        assert_eq!(answer.status, 200, "{operation}: {}", answer.text());
        let parameters = &server.record_of(&answer)["requestParameters"];
        assert_eq!(parameters["omitted"], true, "{operation}");
        assert!(parameters["originalSize"].as_u64().unwrap() > 500_000, "{operation}");
    }
}

/// Whoever simulates costly policies does not keep the service from others.
#[test]
fn a_costly_simulation_does_not_hold_up_others() {
    let server = Server::start();
    let rivals = std::thread::available_parallelism().unwrap().get() * 2;
    let costly = costly_simulation(&server, 2048).signed(server.root());
    std::thread::scope(|scope| {
        let (sent, begun) = std::sync::mpsc::channel();
        for _ in 0..rivals {
            let (costly, sent, mut connection) = (&costly, sent.clone(), server.connect().unwrap());
            scope.spawn(move || {
                sent.send(()).unwrap();
                let _ = connection.exchange(costly);
            });
        }
        begun.iter().take(rivals).for_each(drop);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            let asked = Instant::now();
            let _ = server.call("GenerateRandom", &json!({"NumberOfBytes": 1})).output();
            assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
        }
    });
    let answer = server.send(&costly_simulation(&server, 2049).signed(server.root()));
    assert_eq!((answer.status, answer.error().as_str()), (400, "InvalidInput"));
}

/// 1,000 decisions by policies that repeat a variable of that length.
fn costly_simulation(server: &Server, length: usize) -> Request {
    let condition = json!({"StringNotLike": {"aws:PrincipalTag/x": vec!["${aws:PrincipalTag/x}*a?b"; 20]}});
    let statement = json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": condition});
    let text = policy(&Value::from(vec![statement; 50]));
    let resources: Vec<(String, String)> = (1..=1000)
        .map(|number| (format!("ResourceArns.member.{number}"), format!("arn:aws:kms:::key/{number}")))
        .collect();
    let value = "a".repeat(length);
    let mut parameters = vec![
        ("ActionNames.member.1", "kms:Encrypt"),
        ("PolicyInputList.member.1", text.as_str()),
        ("PolicyInputList.member.2", text.as_str()),
        ("ContextEntries.member.1.ContextKeyName", "aws:PrincipalTag/x"),
        ("ContextEntries.member.1.ContextKeyType", "string"),
        ("ContextEntries.member.1.ContextKeyValues.member.1", value.as_str()),
    ];
    parameters.extend(resources.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    server.query("iam", "SimulateCustomPolicy", &parameters)
}

/// Whoever may not have anything explained does not learn so who or what is there.
#[test]
fn who_may_explain_nothing_learns_nothing_by_asking() {
    let server = Server::start();
    let ana: Caller = server.create_user(server.root(), "Ana").caller;
    let other = server.create_account();
    let _ = server.create_user(&other, "Bea");
    let (own, abroad) = (server.account_id(server.root()), server.account_id(&other));
    for principal in [(&own, "Ana"), (&own, "nobody"), (&abroad, "Bea"), (&abroad, "nobody")]
        .map(|(account, name)| format!("arn:aws:iam::{account}:user/{name}"))
    {
        let input = json!({"Principal": principal, "Action": "kms:ListKeys"}).to_string();
        let request = server.request("ListKeys", input).with("x-amz-target", "Cardea.ExplainAccess");
        let answer = server.send(&Request { service: "cardea", ..request }.signed(&ana));
        assert_eq!(answer.error(), "AccessDeniedException", "{}", answer.text());
    }
}

/// Policies that repeat what a caller may make long are not gone through to their end, and then allow nothing.
#[test]
fn policies_that_repeat_a_long_value_of_a_request_allow_nothing() {
    let server = Server::start();
    let root = format!("arn:aws:iam::{}:root", server.account_id(server.root()));
    let repeated = json!({"StringLike": {"aws:Referer": vec!["*a?b${aws:UserAgent}"; 1000]}});
    let text = policy(&json!([
        {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*", "Condition": repeated},
    ]));
    let made = server.call("CreateKey", &json!({"Policy": text})).output();
    let input = json!({"KeyId": made["KeyMetadata"]["KeyId"], "Plaintext": "eA=="}).to_string();
    let encrypt = |length: usize| {
        let request = server.request("Encrypt", input.as_str()).with("user-agent", &"a".repeat(length));
        server.send(&request.with("referer", &"a".repeat(length)).signed(server.root()))
    };
    assert_eq!(encrypt(10).status, 200);
    let began = Instant::now();
    assert_eq!(encrypt(12_000).error(), "AccessDeniedException");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

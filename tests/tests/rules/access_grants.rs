//! For each operation: allowed by a grant where a grant may, and by nothing less than the grant; and by no grant where none may.

use crate::access::{Ground, On, actions, row};
use crate::account::Account;
use access::KeyAction;
use blackbox::Server;
use keys::{GrantOperation, GrantOperations, KeySpec, KeyUsage};
use operations::OPERATIONS;
use serde_json::{Value, json};

/// What a grant has to list for one action, if a grant may allow it.
fn grantable(action: &str) -> Option<Vec<&'static str>> {
    match KeyAction::of_name(action).unwrap().grantable? {
        // A grant that permits nothing but to make grants, or to be given up, is none.
        GrantOperation::CreateGrant => Some(vec!["CreateGrant", "Decrypt", "DescribeKey"]),
        operation => Some(vec![operation.name()]),
    }
}

/// Grants on both keys to the ground's user.
fn grant(ground: &Ground<'_>, operations: &[&str]) -> Vec<Value> {
    let keys = [&ground.account.key, &ground.account.other];
    let input = |key| json!({"KeyId": key, "GranteePrincipal": ground.user.arn, "Operations": operations});
    keys.map(|key| ground.account.call("CreateGrant", &input(key)).output()).to_vec()
}

fn revoke(ground: &Ground<'_>, grants: &[Value]) {
    for (key, grant) in [&ground.account.key, &ground.account.other].into_iter().zip(grants) {
        let _ =
            ground.account.call("RevokeGrant", &json!({"KeyId": key, "GrantId": grant["GrantId"]})).output();
    }
}

/// Every operation whose permissions are on keys.
fn on_keys() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|entry| entry.name).filter(|name| matches!(row(name), On::Keys | On::AliasAndKeys))
}

#[test]
fn every_operation_is_allowed_by_a_grant_where_a_grant_may_and_by_nothing_less() {
    let server = Server::start();
    let stranger = Account::new(&server);
    let mut allowed = 0;
    for operation in on_keys() {
        let actions = actions(operation);
        let Some(wanted) = actions.iter().map(|action| grantable(action)).collect::<Option<Vec<_>>>() else {
            continue;
        };
        for root in [server.root(), &stranger.caller] {
            let ground = Ground::for_caller_of(&server, operation, root);
            assert_eq!(ground.call().error(), "AccessDeniedException", "{operation} without a grant");
            for (action, missing) in actions.iter().zip(&wanted) {
                let every = every(&ground);
                let less = every.iter().copied().filter(|one| *one != missing[0]).collect::<Vec<_>>();
                let grants = grant(&ground, &less);
                let denied = ground.call();
                assert_eq!(
                    denied.error(),
                    "AccessDeniedException",
                    "{operation} with a grant without {action}"
                );
                assert!(
                    denied.fault().1.unwrap().contains(&format!(" perform: {action} ")),
                    "{}",
                    denied.text()
                );
                revoke(&ground, &grants);
            }
            grant(&ground, &wanted.concat());
            ground.let_user(root, &json!([{"Effect": "Deny", "Action": actions, "Resource": "*"}]));
            assert_eq!(
                ground.call().error(),
                "AccessDeniedException",
                "{operation} against an explicit deny"
            );
            server.delete_user_policy(root, &ground.user.name);
            ground.allowed(&ground.call(), "by a grant");
            allowed += 1;
        }
    }
    assert!(allowed >= 30, "only {allowed} calls were allowed by grants");
}

#[test]
fn no_grant_allows_what_no_grant_may() {
    let server = Server::start();
    for operation in
        on_keys().filter(|operation| actions(operation).iter().any(|action| grantable(action).is_none()))
    {
        let ground = Ground::new(&server, operation);
        grant(&ground, &every(&ground));
        let ground = ground.ready();
        let answer = ground.call();
        assert_eq!(answer.error(), "AccessDeniedException", "{operation}: {}", answer.text());
    }
}

#[test]
fn a_grant_is_given_up_by_whom_it_lets_and_by_no_policy_alone() {
    let server = Server::start();
    let stranger = Account::new(&server);
    for root in [server.root(), &stranger.caller] {
        for (members, may) in [
            (json!({"RetiringPrincipal": true, "Operations": ["Decrypt"]}), true),
            (json!({"GranteePrincipal": true, "Operations": ["Decrypt", "RetireGrant"]}), true),
            (json!({"GranteePrincipal": true, "Operations": ["Decrypt"]}), false),
        ] {
            let mut ground = Ground::for_caller_of(&server, "RetireGrant", root);
            let named = |member: &str| members[member].as_bool().map(|_| ground.user.arn.clone());
            let mut input = json!({"KeyId": ground.account.key, "Operations": members["Operations"],
                "GranteePrincipal": named("GranteePrincipal").unwrap_or(ground.account.root_arn())});
            if let Some(retiring) = named("RetiringPrincipal") {
                input["RetiringPrincipal"] = json!(retiring);
            }
            // A key policy that would let the user do anything does not let it retire a grant of others.
            ground.let_keys(&json!([ground.delegation(), ground.about_user("Allow", "kms:*")]));
            assert_eq!(ground.call().error(), "AccessDeniedException", "{input}");
            let made = ground.account.call("CreateGrant", &input).output();
            ground.account.grant = made["GrantId"].as_str().unwrap().to_owned();
            match may {
                true => ground.allowed(&ground.call(), &input.to_string()),
                false => assert_eq!(ground.call().error(), "AccessDeniedException", "{input}"),
            }
        }
    }
}

/// Every operation that a grant on the ground's keys may list.
fn every(ground: &Ground<'_>) -> Vec<&'static str> {
    let described = ground.account.call("DescribeKey", &json!({"KeyId": ground.account.key})).output();
    let name = |member: &str| described["KeyMetadata"][member].as_str().unwrap().to_owned();
    let (spec, usage) = (KeySpec::of_name(&name("KeySpec")), KeyUsage::of_name(&name("KeyUsage")));
    GrantOperations::of_key(spec.unwrap(), usage.unwrap()).iter().map(GrantOperation::name).collect()
}

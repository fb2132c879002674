//! For each operation and each permission that it takes: denied without a statement, denied by an explicit deny wherever that
//! stands, denied to another account unless both sides allow it; and allowed when it is allowed, so that the denials mean
//! something.

use crate::access::{Ground, On, actions, each_action, everything, row};
use crate::account::Account;
use access::KeyAction;
use blackbox::Server;
use operations::OPERATIONS;
use serde_json::json;

#[test]
fn every_permission_is_denied_without_a_statement_and_by_an_explicit_deny() {
    let server = Server::start();
    for (operation, action) in each_action() {
        let ground = Ground::new(&server, operation).ready();
        let root = server.root();
        // Nothing on the user's side makes up for a grant that does not name it.
        let kind = if row(operation) == On::Grant { "resource-based" } else { "identity-based" };
        let none = format!("because no {kind} policy allows the {action} action");
        ground.let_user(root, &json!([{"Effect": "Allow", "NotAction": action, "Resource": "*"}]));
        ground.denied(&ground.call(), &action, &none);

        let deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        ground.let_user(root, &json!([everything()[0], deny]));
        ground.denied(&ground.call(), &action, "with an explicit deny in an identity-based policy");

        ground.let_user(root, &everything());
        if matches!(row(operation), On::Keys | On::AliasAndKeys | On::Grant) {
            ground.let_keys(&json!([ground.delegation(), ground.about_user("Deny", &action)]));
            ground.denied(&ground.call(), &action, "with an explicit deny in a resource-based policy");
            ground.let_keys(&json!([ground.delegation()]));
        }
        ground.allowed(&ground.call(), "by its own policy");
    }
}

#[test]
fn the_key_policy_is_the_root_of_trust_for_every_permission_on_a_key() {
    let server = Server::start();
    for (operation, action) in
        each_action().filter(|(operation, _)| matches!(row(operation), On::Keys | On::AliasAndKeys))
    {
        let ground = Ground::new(&server, operation).ready();
        ground.let_user(server.root(), &everything());
        let others = json!({"Effect": "Allow", "Principal": {"AWS": ground.user.arn}, "NotAction": action, "Resource": "*"});
        ground.let_keys(&json!([ground.root_alone(), others]));
        let none = format!("because no resource-based policy allows the {action} action");
        ground.denied(&ground.call(), &action, &none);

        // Named by the key policy itself, a user needs nothing else, but for the alias and for a new key.
        ground.let_keys(&json!([ground.root_alone(), ground.about_user("Allow", "kms:*")]));
        if row(operation) == On::Keys && operation != "ReplicateKey" {
            server.delete_user_policy(server.root(), &ground.user.name);
        }
        ground.allowed(&ground.call(), "by the key policy");
    }
}

#[test]
fn another_account_is_let_in_only_if_both_sides_allow_it_and_the_operation_is_for_others() {
    let server = Server::start();
    let stranger = Account::new(&server);
    let mut let_in = 0;
    for entry in OPERATIONS.iter().filter(|entry| matches!(row(entry.name), On::Keys | On::AliasAndKeys)) {
        let ground = Ground::for_caller_of(&server, entry.name, &stranger.caller).ready();
        let account =
            json!({"Effect": "Allow", "Principal": {"AWS": stranger.id}, "Action": "kms:*", "Resource": "*"});
        ground.unseen(&ground.call(), "when neither side allows it");
        ground.let_user(&stranger.caller, &everything());
        ground.unseen(&ground.call(), "when the key policy does not");
        let is_for_others =
            actions(entry.name).iter().all(|action| KeyAction::of_name(action).unwrap().cross_account);
        for side in [account, ground.about_user("Allow", "kms:*")] {
            ground.let_keys(&json!([ground.delegation(), side]));
            server.delete_user_policy(&stranger.caller, &ground.user.name);
            ground.unseen(&ground.call(), "when its own account does not");
            ground.let_user(&stranger.caller, &everything());
            let answer = ground.call();
            if is_for_others && answer.status != 200 {
                // What was done to the key by the first call may keep the second from it: only a denial counts.
                assert_ne!(answer.error(), "AccessDeniedException", "{}: {}", entry.name, answer.text());
            }
            match is_for_others {
                true => let_in += usize::from(answer.status == 200),
                false => ground.unseen(&answer, "although both sides allow it"),
            }
        }
    }
    assert!(let_in >= 12, "only {let_in} calls were let in");
}

#[test]
fn every_permission_in_another_account_is_denied_by_an_explicit_deny_on_either_side() {
    let server = Server::start();
    let stranger = Account::new(&server);
    for (operation, action) in each_action().filter(|(operation, _)| row(operation) == On::Keys) {
        let ground = Ground::for_caller_of(&server, operation, &stranger.caller).ready();
        let allow = ground.about_user("Allow", "kms:*");
        ground.let_user(&stranger.caller, &everything());
        ground.let_keys(&json!([ground.delegation(), allow, ground.about_user("Deny", &action)]));
        ground.unseen(&ground.call(), "when the key policy denies it");
        ground.let_keys(&json!([ground.delegation(), allow]));
        let deny = json!({"Effect": "Deny", "Action": action, "Resource": "*"});
        ground.let_user(&stranger.caller, &json!([everything()[0], deny]));
        assert_eq!(ground.call().error(), "AccessDeniedException", "{operation}: {action}");
    }
}

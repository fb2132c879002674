//! What a denied caller is told, word for word.

use crate::question::{Compiled, message, principal};
use crate::scenario::{ANA, CLEO, KEY, NILE, OTHER, OWNER, On, ROLE, Scenario};
use crate::vectors::{allow, allow_to, asked, to, with, with_identity, with_policy};
use access::{Decision, Denial, decide};
use serde_json::json;

#[test]
fn the_caller_of_a_session_is_named_by_the_session() {
    let arn = format!("arn:aws:sts::{OWNER}:assumed-role/Nile/one");
    assert_eq!(
        message(&asked(NILE)),
        format!(
            "User: {arn} is not authorized to perform: kms:Decrypt on resource: {KEY} because no identity-based policy allows the \
             kms:Decrypt action"
        )
    );
}

#[test]
fn a_key_policy_that_denies_is_said_to() {
    let scenario = with_policy(asked(ANA), [to(ANA), with(allow_to("*"), "Effect", "Deny")]);
    assert_eq!(
        message(&scenario),
        format!(
            "User: arn:aws:iam::{OWNER}:user/Ana is not authorized to perform: kms:Decrypt on resource: {KEY} with an explicit deny \
             in a resource-based policy"
        )
    );
}

#[test]
fn without_a_resource_none_is_named() {
    let scenario = Scenario { action: "kms:ListKeys", resource: On::Any, ..asked(ANA) };
    assert_eq!(
        message(&scenario),
        format!(
            "User: arn:aws:iam::{OWNER}:user/Ana is not authorized to perform: kms:ListKeys because no identity-based policy allows \
             the kms:ListKeys action"
        )
    );
}

#[test]
fn a_key_that_only_a_ciphertext_names_is_not_named_in_the_answer() {
    assert_eq!(
        denial(&asked(ANA)).of_ciphertext().to_string(),
        format!(
            "User: arn:aws:iam::{OWNER}:user/Ana is not authorized to perform: kms:Decrypt on the resource associated with this \
             ciphertext because no identity-based policy allows the kms:Decrypt action"
        )
    );
}

#[test]
fn another_account_is_told_the_same_whatever_the_reason_and_whether_or_not_the_key_is_there() {
    let no_such_key = Denial::invisible(&principal(&CLEO), "kms:Decrypt");
    assert_eq!(
        no_such_key.to_string(),
        format!(
            "User: arn:aws:iam::{OTHER}:user/Cleo is not authorized to perform: kms:Decrypt on this resource because the resource \
             does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies \
             access"
        )
    );
    let denied_by_itself = with(allow("kms:*"), "Effect", "Deny");
    let scenarios = [
        asked(CLEO),
        with_policy(asked(CLEO), [allow_to(OTHER)]),
        with_policy(asked(CLEO), [with(allow_to("*"), "Effect", "Deny")]),
        with_identity(with_policy(asked(CLEO), [allow_to(OTHER)]), denied_by_itself),
        with_identity(asked(CLEO), allow("kms:*")),
    ];
    for scenario in scenarios {
        assert_eq!(denial(&scenario).to_string(), no_such_key.to_string());
        assert_eq!(denial(&scenario).of_ciphertext().to_string(), no_such_key.to_string());
    }
}

#[test]
fn a_role_is_refused_in_the_same_words_whether_or_not_it_is_there() {
    let trust = json!({"Effect": "Allow", "Principal": {"AWS": ANA.arn()}, "Action": "sts:AssumeRole"});
    for caller in [CLEO, crate::scenario::BEN] {
        let scenario = with_policy(asked(caller), [trust.clone()]);
        let scenario = Scenario { action: "sts:AssumeRole", resource: On::Role, ..scenario };
        let told = format!(
            "User: {} is not authorized to perform: sts:AssumeRole on resource: {ROLE}",
            caller.arn()
        );
        assert_eq!(message(&scenario), told);
        assert_eq!(Denial::of_role(&principal(&caller), "sts:AssumeRole", ROLE).to_string(), told);
    }
}

#[test]
fn what_iam_keeps_is_named_by_its_arn() {
    let scenario = Scenario { action: "iam:GetUser", resource: On::Iam(OWNER), ..asked(ANA) };
    assert_eq!(
        message(&scenario),
        format!(
            "User: arn:aws:iam::{OWNER}:user/Ana is not authorized to perform: iam:GetUser on resource: arn:aws:iam::{OWNER}:user/Ana \
             because no identity-based policy allows the iam:GetUser action"
        )
    );
}

fn denial(scenario: &Scenario) -> Denial {
    match Compiled::of(scenario).ask(scenario, decide) {
        Decision::Denied(denial) => denial,
        Decision::Allowed => panic!("allowed"),
    }
}

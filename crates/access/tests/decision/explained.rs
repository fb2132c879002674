//! What an explanation says, and what of it another account may see.

use crate::grants::grant;
use crate::question::{explained, principal};
use crate::scenario::{ANA, BEN, CLEO, KEY, OTHER, Scenario};
use crate::vectors::{
    allow, allow_to, asked, to, with, with_condition, with_context, with_facts, with_identity, with_policy,
};
use access::{Explanation, GrantOutcome, Outcome, PolicyType};
use keys::{Grant, GrantConstraints};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn a_condition_that_failed_is_shown_with_what_it_wanted_and_what_was_there() {
    let condition = json!({"StringEquals": {"kms:EncryptionContext:project": "nile"}});
    let scenario = with_policy(asked(ANA), [to(BEN), with_condition(to(ANA), condition)]);
    let explanation = explained(&with_context(scenario, &[("project", "delta")]));
    assert_eq!(explanation.outcome, Some(Outcome::NotAllowedBy(PolicyType::ResourceBased)));
    assert_eq!(
        json_of(&explanation),
        json!({
            "allowed": false,
            "explicitDeny": false,
            "outcome": {"notAllowedBy": "resourceBased"},
            "context": {"principal": {"id": "AIDAANA", "arn": ANA.arn()}, "action": "kms:Decrypt", "resource": KEY},
            "policies": [{
                "policyType": "resourceBased",
                "verdict": "silent",
                "statements": [
                    {"index": 0, "sid": format!("To {}", BEN.arn()), "effect": "Allow", "outcome": "otherPrincipal"},
                    {"index": 1, "sid": format!("To {}", ANA.arn()), "effect": "Allow", "outcome": "conditionFailed",
                        "failedConditions": [{"operator": "StringEquals", "key": "kms:EncryptionContext:project",
                            "wanted": ["nile"], "actual": ["delta"]}]},
                ],
            }],
        })
    );
}

#[test]
fn the_statement_that_denies_is_shown_in_its_policy() {
    let deny = with(with(allow("kms:Decrypt"), "Effect", "Deny"), "Sid", "Never");
    let explanation = explained(&with_identity(asked(ANA), deny));
    assert!(explanation.explicit_deny);
    assert_eq!(explanation.outcome, Some(Outcome::DeniedBy(PolicyType::IdentityBased)));
    let json = json_of(&explanation);
    assert_eq!(
        json["policies"][1],
        json!({"policyType": "identityBased", "name": "Ana/inline", "verdict": "denies",
            "statements": [{"index": 0, "sid": "Never", "effect": "Deny", "outcome": "matched"}]})
    );
}

#[test]
fn each_grant_is_shown_with_why_it_did_not_apply() {
    let subset = Some(BTreeMap::from([("project".to_string(), "nile".to_string())]));
    let constraints = GrantConstraints { subset, ..GrantConstraints::default() };
    let grants = vec![
        grant(&BEN.arn()),
        Grant { operations: [keys::GrantOperation::Sign].into_iter().collect(), ..grant(&ANA.arn()) },
        Grant { constraints, ..grant(&ANA.arn()) },
        grant("arn:aws:iam::111122223333:root"),
    ];
    let explanation =
        explained(&Scenario { grants: grants.clone(), ..with_context(asked(ANA), &[("project", "delta")]) });
    let outcomes: Vec<_> = explanation.grants.iter().map(|grant| grant.outcome).collect();
    assert_eq!(
        outcomes,
        [
            GrantOutcome::OtherPrincipal,
            GrantOutcome::OtherOperation,
            GrantOutcome::ConstraintFailed,
            GrantOutcome::NotAllowedBy(PolicyType::IdentityBased)
        ]
    );
    let failed = &json_of(&explanation)["grants"][2]["constraints"];
    assert_eq!(*failed, json!({"wanted": {"subset": {"project": "nile"}}, "actual": {"project": "delta"}}));
    let granted = explained(&Scenario { grants, ..with_context(asked(ANA), &[("project", "nile")]) });
    assert_eq!(granted.outcome, Some(Outcome::GrantedBy("0".repeat(64).parse().unwrap())));
    assert!(granted.allowed);
}

#[test]
fn another_account_sees_what_it_would_of_a_key_that_is_not_there() {
    let condition = json!({"StringEquals": {"aws:ResourceTag/project": "nile"}});
    let scenarios = [
        with_policy(asked(CLEO), [allow_to(OTHER)]),
        with_policy(asked(CLEO), [with(allow_to(OTHER), "Effect", "Deny")]),
        with_identity(asked(CLEO), with_condition(allow("kms:Decrypt"), condition)),
        Scenario { grants: vec![grant(&ANA.arn())], ..asked(CLEO) },
    ];
    let not_there = Explanation::invisible(&principal(&CLEO), "kms:Decrypt");
    for scenario in scenarios {
        let scenario = with_facts(scenario, &[("aws:ResourceTag/project", "delta")]);
        let seen = explained(&scenario).for_caller(&principal(&CLEO));
        assert_eq!(json_of(&seen), json_of(&not_there));
    }
    assert_eq!(
        json_of(&not_there),
        json!({"allowed": false, "explicitDeny": false, "policies": [],
            "context": {"principal": {"id": "AIDACLEO", "arn": CLEO.arn()}, "action": "kms:Decrypt"}})
    );
}

#[test]
fn the_owner_s_account_sees_all_of_it() {
    let whole = explained(&asked(ANA));
    assert_eq!(json_of(&whole.clone().for_caller(&principal(&ANA))), json_of(&whole));
}

#[test]
fn what_does_not_fit_is_left_out_beginning_with_the_grants_to_others() {
    let mut grants = vec![grant(&BEN.arn()); 1_000];
    grants.push(grant("arn:aws:iam::111122223333:root"));
    let explanation = explained(&Scenario { grants, ..asked(ANA) });
    assert_eq!(explanation.grants.len(), 1_001);
    let whole: Value = serde_json::from_str(&explanation.clone().json_within(usize::MAX)).unwrap();
    assert_eq!(whole["grants"].as_array().unwrap().len(), 1_001);
    let short = explanation.json_within(2_000);
    assert!(short.len() <= 2_000);
    let short: Value = serde_json::from_str(&short).unwrap();
    assert_eq!((short["grants"].as_array().unwrap().len(), &short["omitted"]), (1, &json!(1_000)));
}

fn json_of(explanation: &access::Explanation) -> Value {
    serde_json::to_value(explanation).unwrap()
}

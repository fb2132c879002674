//! Which grants let whom do what.

use crate::question::{Answer, answer};
use crate::scenario::{
    ANA, BEN, CLEO, Caller, DELTA, NILE, OTHER, OTHER_ROOT, OWNER, ROOT, SERVICE, Scenario,
};
use crate::vectors::{
    allow, allow_to, asked, document, to, with, with_context, with_facts, with_identity, with_policy,
};
use access::{KEY_ACTIONS, is_at_least_as_strict};
use keys::{Grant, GrantConstraints, GrantOperation, GrantOperations, GrantPrincipal, Moment};
use std::collections::BTreeMap;

#[test]
fn a_grant_allows_what_it_lists_to_whom_it_names() {
    let granted = |caller: Caller| with_grant(asked(caller), grant(&ANA.arn()));
    assert_eq!(answer(&granted(ANA)), Answer::Allowed);
    assert_eq!(answer(&granted(BEN)), Answer::Implicit);
    assert_eq!(answer(&granted(ROOT)), Answer::Allowed, "by the default policy");
    assert_eq!(answer(&Scenario { action: "kms:Sign", ..granted(ANA) }), Answer::Implicit);
}

#[test]
fn a_grant_allows_only_what_grants_can() {
    let all = Grant { operations: GrantOperation::ALL.iter().copied().collect(), ..grant(&ANA.arn()) };
    for action in KEY_ACTIONS.iter().filter(|action| action.name != "kms:CreateGrant") {
        let scenario = Scenario { action: action.name, ..with_grant(asked(ANA), all.clone()) };
        assert_eq!(answer(&scenario) == Answer::Allowed, action.grantable.is_some(), "{}", action.name);
    }
}

#[test]
fn no_grant_outweighs_a_deny() {
    let granted = with_grant(asked(ANA), grant(&ANA.arn()));
    let key_policy = with_policy(granted.clone(), [with(allow_to("*"), "Effect", "Deny")]);
    assert_eq!(answer(&key_policy), Answer::Explicit);
    let denial = with(allow("kms:*"), "Effect", "Deny");
    for denied in [
        key_policy,
        with_identity(granted.clone(), denial.clone()),
        Scenario { boundary: Some(document(&[denial])), ..granted },
    ] {
        assert!(found(&denied).is_none(), "even if it is asked without need");
    }
}

#[test]
fn a_user_or_role_of_the_same_name_as_the_grantee_is_not_the_grantee() {
    for (caller, name) in [(ANA, ANA.arn()), (NILE, NILE.role_arn().unwrap()), (NILE, NILE.arn())] {
        let bound = |id: &str| {
            let grantee = GrantPrincipal { name: name.clone(), unique_id: Some(id.into()) };
            with_grant(asked(caller), Grant { grantee, ..grant("") })
        };
        assert_eq!(answer(&bound(caller.unique_id().unwrap())), Answer::Allowed, "{name}");
        assert_eq!(answer(&bound("AIDAGONE")), Answer::Implicit, "{name}");
    }
}

#[test]
fn a_user_who_is_renamed_keeps_its_grants() {
    let grantee = GrantPrincipal { name: BEN.arn(), unique_id: ANA.unique_id().map(String::from) };
    assert_eq!(answer(&with_grant(asked(ANA), Grant { grantee, ..grant("") })), Answer::Allowed);
}

#[test]
fn a_grant_to_a_role_is_for_its_sessions_within_their_limits() {
    let role = NILE.role_arn().unwrap();
    let granted = |name: &str| with_grant(asked(NILE), grant(name));
    let limits = Some(document(&[allow("kms:Encrypt")]));
    assert_eq!(answer(&granted(&role)), Answer::Allowed);
    assert_eq!(answer(&Scenario { boundary: limits.clone(), ..granted(&role) }), Answer::Implicit);
    assert_eq!(
        answer(&Scenario { session: limits.clone().map(|policy| vec![policy]), ..granted(&role) }),
        Answer::Implicit
    );
    assert_eq!(
        answer(&Scenario { session: limits.map(|policy| vec![policy]), ..granted(&NILE.arn()) }),
        Answer::Allowed
    );
}

#[test]
fn a_grant_to_an_account_is_for_those_whom_the_account_lets() {
    let account = format!("arn:aws:iam::{OTHER}:root");
    let granted = |caller| with_grant(asked(caller), grant(&account));
    assert_eq!(answer(&granted(OTHER_ROOT)), Answer::Allowed);
    assert_eq!(answer(&granted(CLEO)), Answer::Implicit);
    assert_eq!(answer(&with_identity(granted(CLEO), allow("kms:Decrypt"))), Answer::Allowed);
    assert_eq!(answer(&with_identity(granted(ANA), allow("kms:Encrypt"))), Answer::Implicit);
}

#[test]
fn a_grant_to_someone_of_another_account_is_enough() {
    assert_eq!(answer(&with_grant(asked(CLEO), grant(&CLEO.arn()))), Answer::Allowed);
    assert_eq!(answer(&with_grant(asked(DELTA), grant(&DELTA.role_arn().unwrap()))), Answer::Allowed);
}

#[test]
fn a_grant_to_a_service_is_for_that_service_on_behalf_of_the_source_that_it_names() {
    let constraints =
        GrantConstraints { source_arn: Some("arn:aws:s3:::nile".into()), ..GrantConstraints::default() };
    let scenario =
        with_grant(asked(SERVICE), Grant { constraints: constraints.clone(), ..grant("s3.amazonaws.com") });
    assert_eq!(answer(&scenario), Answer::Implicit);
    assert_eq!(
        answer(&with_facts(scenario.clone(), &[("aws:SourceArn", "arn:aws:s3:::nile")])),
        Answer::Allowed
    );
    assert_eq!(answer(&with_facts(scenario, &[("aws:SourceArn", "arn:aws:s3:::delta")])), Answer::Implicit);
    assert_eq!(answer(&with_grant(asked(SERVICE), grant("ec2.amazonaws.com"))), Answer::Implicit);
    let of_user = Grant { constraints, ..grant(&ANA.arn()) };
    assert_eq!(answer(&with_grant(asked(ANA), of_user)), Answer::Allowed, "no service asks");
}

#[test]
fn vector_7_equals_wants_the_whole_context_and_subset_a_part_of_it() {
    let equals = with_grant(asked(ANA), constrained(Some(&[("project", "nile")]), None));
    let subset = with_grant(asked(ANA), constrained(None, Some(&[("project", "nile")])));
    let allows = |context: &[(&str, &str)]| {
        [&equals, &subset].map(|grant| answer(&with_context(grant.clone(), context)) == Answer::Allowed)
    };
    assert_eq!(allows(&[]), [false, false]);
    assert_eq!(allows(&[("project", "nile")]), [true, true]);
    assert_eq!(allows(&[("project", "nile"), ("stage", "prod")]), [false, true]);
    assert_eq!(allows(&[("project", "Nile")]), [false, false]);
    assert_eq!(allows(&[("Project", "nile")]), [false, false]);
    assert_eq!(allows(&[("stage", "prod")]), [false, false]);
    for action in ["kms:DescribeKey", "kms:RetireGrant"] {
        assert_eq!(
            answer(&Scenario { action, ..equals.clone() }),
            Answer::Allowed,
            "constraints are not for {action}"
        );
    }
}

#[test]
fn vector_7_a_child_grant_is_at_least_as_strict() {
    let (one, two) = ([("a", "1")].as_slice(), [("a", "1"), ("b", "2")].as_slice());
    let rows = [
        ((None, None), (None, None), true),
        ((Some(one), None), (None, None), true),
        ((None, Some(one)), (None, Some(one)), true),
        ((None, Some(two)), (None, Some(one)), true),
        ((Some(one), None), (None, Some(one)), true),
        ((Some(two), None), (None, Some(one)), true),
        ((None, None), (None, Some(one)), false),
        ((None, Some(one)), (None, Some(two)), false),
        ((None, Some([("a", "2")].as_slice())), (None, Some(one)), false),
        ((Some(one), None), (Some(one), None), true),
        ((Some(two), None), (Some(one), None), false),
        ((None, Some(one)), (Some(one), None), false),
        ((None, None), (Some(one), None), false),
    ];
    for (child, parent, expected) in rows {
        let (child, parent) = (constrained(child.0, child.1), constrained(parent.0, parent.1));
        let strict = is_at_least_as_strict(child.operations, &child.constraints, &parent);
        assert_eq!(strict, expected, "{:?} by {:?}", child.constraints, parent.constraints);
    }
}

#[test]
fn vector_7_a_child_grant_permits_nothing_that_its_parent_does_not() {
    let parent = grant(&ANA.arn());
    let (part, none) = (operations(&[GrantOperation::Decrypt]), GrantConstraints::default());
    assert!(is_at_least_as_strict(part, &none, &parent));
    assert!(!is_at_least_as_strict(operations(&[GrantOperation::Sign]), &none, &parent));
    let source_arn = Some("arn:aws:s3:::nile".to_string());
    let sourced = GrantConstraints { source_arn, ..none.clone() };
    let of_source = Grant { constraints: sourced.clone(), ..parent };
    assert!(is_at_least_as_strict(part, &sourced, &of_source));
    assert!(!is_at_least_as_strict(part, &none, &of_source));
}

#[test]
fn a_grant_lets_make_only_grants_that_are_at_least_as_strict() {
    let subset = constrained(None, Some(&[("project", "nile")]));
    let making = Scenario { action: "kms:CreateGrant", ..with_grant(asked(ANA), subset) };
    assert_eq!(answer(&making), Answer::Implicit, "of what it asks for nothing is known");
    let decrypting = with_facts(making, &[("kms:GrantOperations", "Decrypt")]);
    assert_eq!(answer(&decrypting), Answer::Implicit);
    let constraint = &[("kms:GrantConstraintType", "EncryptionContextEquals")];
    let strict = with_facts(with_context(decrypting, &[("project", "nile")]), constraint);
    assert_eq!(answer(&strict), Answer::Allowed);
    assert_eq!(answer(&with_facts(strict, &[("kms:GrantOperations", "Sign")])), Answer::Implicit);
}

#[test]
fn a_grant_is_retired_by_whom_it_says_by_its_grantee_if_it_says_so_and_by_its_issuer() {
    let grant = Grant {
        retiring: Some(GrantPrincipal { name: BEN.arn(), unique_id: None }),
        issuing_account: OTHER.parse().unwrap(),
        ..grant(&ANA.arn())
    };
    let retiring = |caller: Caller| Scenario {
        action: "kms:RetireGrant",
        ..with_policy(with_grant(asked(caller), grant.clone()), [to(ANA)])
    };
    assert_eq!(answer(&retiring(BEN)), Answer::Allowed);
    assert_eq!(answer(&retiring(ANA)), Answer::Allowed);
    assert_eq!(answer(&retiring(OTHER_ROOT)), Answer::Allowed);
    assert_eq!(answer(&retiring(CLEO)), Answer::Implicit);
    assert_eq!(answer(&with_identity(retiring(CLEO), allow("kms:RetireGrant"))), Answer::Allowed);
    assert_eq!(answer(&with_identity(retiring(NILE), allow("kms:RetireGrant"))), Answer::Implicit);
    let without = Grant { operations: operations(&[GrantOperation::Decrypt]), ..grant.clone() };
    assert_eq!(answer(&Scenario { grants: vec![without], ..retiring(ANA) }), Answer::Implicit);
    let denied = with_identity(retiring(BEN), with(allow("kms:RetireGrant"), "Effect", "Deny"));
    assert_eq!(answer(&denied), Answer::Explicit);
}

#[test]
fn that_one_grant_may_be_retired_is_no_reason_to_retire_another() {
    let scenario = Scenario { action: "kms:RetireGrant", ..with_grant(asked(ANA), grant(&ANA.arn())) };
    assert_eq!(answer(&scenario), Answer::Allowed);
    assert!(found(&scenario).is_none());
}

#[test]
fn no_policy_alone_lets_retire_a_grant() {
    let scenario = with_identity(with_policy(asked(ANA), [to(ANA)]), allow("kms:*"));
    let scenario = Scenario { action: "kms:RetireGrant", ..scenario };
    assert_eq!(answer(&scenario), Answer::Implicit);
}

fn found(scenario: &Scenario) -> Option<keys::GrantId> {
    let compiled = crate::question::Compiled::of(scenario);
    compiled.ask(scenario, |question| access::grant_for(question, &scenario.grants).map(|grant| grant.id))
}

fn with_grant(scenario: Scenario, grant: Grant) -> Scenario {
    Scenario { grants: vec![grant], ..scenario }
}

fn constrained(equals: Option<&[(&str, &str)]>, subset: Option<&[(&str, &str)]>) -> Grant {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_string(), (*value).to_string())).collect()
    };
    let constraints =
        GrantConstraints { equals: equals.map(pairs), subset: subset.map(pairs), source_arn: None };
    Grant { constraints, ..grant(&ANA.arn()) }
}

/// A grant of the most usual operations to that grantee.
pub fn grant(grantee: &str) -> Grant {
    Grant {
        id: "0".repeat(64).parse().unwrap(),
        grantee: GrantPrincipal { name: grantee.into(), unique_id: None },
        retiring: None,
        operations: operations(&[
            GrantOperation::CreateGrant,
            GrantOperation::Decrypt,
            GrantOperation::DescribeKey,
            GrantOperation::RetireGrant,
        ]),
        constraints: GrantConstraints::default(),
        name: None,
        created: Moment::from_millis(0),
        issuing_account: OWNER.parse().unwrap(),
    }
}

fn operations(operations: &[GrantOperation]) -> GrantOperations {
    operations.iter().copied().collect()
}

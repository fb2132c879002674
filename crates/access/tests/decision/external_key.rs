//! Policies of external keys: the compiled decision and a naive one on random policies and requests, and what must hold of every decision.

use crate::naive::{action_matches, conditions_hold, each, glob};
use crate::question::Request;
use access::{
    BoundPrincipals, ConditionKey, DecidingStatement, ExternalKeyQuestion, ExternalKeyVerdict, Facts, Policy,
    PolicyKind, PolicyVerdict, StatementOutcome, Values, decide_external_key, explain_external_key,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
struct Case {
    policies: Vec<Value>,
    action: &'static str,
    resource: Option<&'static str>,
    facts: BTreeMap<String, Vec<String>>,
    allowed_by_default: bool,
}

/// Every key, with and without a row.
struct All(Request);

impl Facts for All {
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        self.0.find(key, suffix)
    }

    fn other(&self, name: &str) -> Values<'_> {
        let Request(facts) = &self.0;
        let found = facts.iter().find(|(fact, _)| fact.eq_ignore_ascii_case(name));
        found.and_then(|(_, values)| values.first()).map(String::as_str).into()
    }
}

/// What the case comes to, and that its explanation says the same.
fn verdict(case: &Case) -> (bool, Option<(String, usize, Option<String>)>) {
    let compile = |text: &Value| {
        Policy::compile(PolicyKind::ExternalKey, &text.to_string(), &BoundPrincipals::new())
            .unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let names = ["store", "key", "third"];
    let policies: Vec<Policy> = case.policies.iter().map(compile).collect();
    let facts = All(Request(case.facts.clone()));
    let question = ExternalKeyQuestion {
        action: case.action,
        resource: case.resource,
        facts: &facts,
        allowed_by_default: case.allowed_by_default,
    };
    let named = || names.into_iter().zip(&policies);
    let decided = decide_external_key(&question, named());
    let (explained, considered) = explain_external_key(&question, named());
    assert_eq!(decided, explained);
    let statements: usize = case.policies.iter().map(|policy| each(&policy["Statement"]).count()).sum();
    assert_eq!(considered.iter().map(|policy| policy.statements.len()).sum::<usize>(), statements);
    let says = considered.iter().map(|policy| policy.verdict).max().unwrap_or(PolicyVerdict::Silent);
    let expected = match (decided.by, decided.allowed) {
        (None, _) => PolicyVerdict::Silent,
        (Some(_), true) => PolicyVerdict::Allows,
        (Some(_), false) => PolicyVerdict::Denies,
    };
    assert_eq!(says, expected);
    for statement in considered.iter().flat_map(|policy| &policy.statements) {
        let has_failed = statement.outcome == StatementOutcome::ConditionFailed;
        assert_eq!(!statement.failed_conditions.is_empty(), has_failed);
    }
    let ExternalKeyVerdict { allowed, by } = decided;
    let by =
        by.map(|DecidingStatement { policy, index, sid }| (policy.to_owned(), index, sid.map(str::to_owned)));
    (allowed, by)
}

/// The rules, as plainly as they are documented.
fn naive(case: &Case) -> (bool, Option<(String, usize, Option<String>)>) {
    let resource = case.resource.unwrap_or("*");
    let covers = |statement: &Value| match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(names), _) => each(names).any(|name| glob(name.as_str().unwrap(), resource)),
        (None, names) => !each(names.unwrap()).any(|name| glob(name.as_str().unwrap(), resource)),
    };
    let applies = |statement: &Value| {
        action_matches(statement, case.action)
            && covers(statement)
            && conditions_hold(statement, true, &case.facts)
    };
    let first = |effect: &str| {
        ["store", "key", "third"].into_iter().zip(&case.policies).find_map(|(name, policy)| {
            let mut statements = each(&policy["Statement"]).enumerate();
            let (index, statement) =
                statements.find(|(_, statement)| statement["Effect"] == effect && applies(statement))?;
            Some((name.to_owned(), index, statement["Sid"].as_str().map(str::to_owned)))
        })
    };
    match (first("Deny"), first("Allow")) {
        (Some(deny), _) => (false, Some(deny)),
        (None, Some(allow)) => (true, Some(allow)),
        (None, None) => (case.allowed_by_default, None),
    }
}

const KEYS: [&str; 2] = [
    "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-44cd-96ef-1234567890ab",
    "arn:aws:kms:us-east-1:444455556666:key/99999999-12ab-44cd-96ef-1234567890ab",
];

fn cases() -> impl Strategy<Value = Case> {
    let action =
        select(&["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:CreateKey", "kms:Invented"][..]);
    let resource = option::weighted(0.8, select(&KEYS[..]));
    (vec(policies(), 0..=3), action, resource, facts(), any::<bool>()).prop_map(
        |(policies, action, resource, facts, allowed_by_default)| Case {
            policies,
            action,
            resource,
            facts,
            allowed_by_default,
        },
    )
}

fn policies() -> impl Strategy<Value = Value> {
    vec(statements(), 1..4).prop_map(|mut statements| {
        for (place, statement) in statements.iter_mut().enumerate().filter(|(place, _)| place % 2 == 0) {
            statement["Sid"] = json!(format!("number {place}"));
        }
        json!({"Version": "2012-10-17", "Statement": statements})
    })
}

fn statements() -> impl Strategy<Value = Value> {
    let effect = select(&["Allow", "Allow", "Deny"][..]);
    let actions = select(vec![
        ("Action", json!("kms:*")),
        ("Action", json!("*")),
        ("Action", json!(["KMS:encrypt", "kms:Invented"])),
        ("Action", json!("kms:GenerateDataKey*")),
        ("Action", json!("kms:?ecrypt")),
        ("NotAction", json!(["kms:Decrypt", "kms:CreateKey"])),
    ]);
    let resources = select(vec![
        ("Resource", json!("*")),
        ("Resource", json!([KEYS[0]])),
        ("Resource", json!("arn:aws:kms:*:111122223333:key/*")),
        ("NotResource", json!("arn:*:kms:us-*:*:key/*")),
        ("NotResource", json!("*")),
    ]);
    (effect, actions, resources, option::weighted(0.5, conditions())).prop_map(
        |(effect, (action, actions), (resource, resources), conditions)| {
            let mut statement = json!({"Effect": effect});
            statement[action] = actions;
            statement[resource] = resources;
            if let Some(conditions) = conditions {
                statement["Condition"] = conditions;
            }
            statement
        },
    )
}

fn conditions() -> impl Strategy<Value = Value> {
    let single = vec![
        (
            "ArnLike",
            json!({"aws:PrincipalArn": ["arn:aws:iam::*:user/A*", "arn:aws:sts::*:assumed-role/Nile/*"]}),
        ),
        ("ArnNotLikeIfExists", json!({"aws:PrincipalArn": "arn:aws:iam::111122223333:*"})),
        (
            "StringEquals",
            json!({"aws:PrincipalAccount": "111122223333", "XKS:externalKeyID": ["one", "two"]}),
        ),
        ("StringNotEquals", json!({"kms:ViaService": ["ebs", "s3"]})),
        ("StringEqualsIfExists", json!({"aws:SourceVpc": "vpc-1"})),
        ("StringLike", json!({"xks:Operation": "*crypt"})),
        ("Bool", json!({"aws:PrincipalIsAWSService": "true"})),
        ("Null", json!({"aws:SourceVpc": "true"})),
        ("ForAnyValue:StringNotLike", json!({"aws:SourceVpc": "vpc-?"})),
    ];
    subsequence(single, 1..3).prop_map(|chosen| {
        Value::Object(chosen.into_iter().map(|(operator, keys)| (operator.to_owned(), keys)).collect())
    })
}

fn facts() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    let one = |name: &'static str, values: &'static [&'static str]| {
        let value = option::weighted(0.7, select(values));
        value.prop_map(move |value| value.map(|value| (name.to_owned(), vec![value.to_owned()])))
    };
    let all = (
        one(
            "aws:PrincipalArn",
            &["arn:aws:iam::111122223333:user/Ana", "arn:aws:sts::444455556666:assumed-role/Nile/one", "ebs"],
        ),
        one("aws:PrincipalAccount", &["111122223333", "444455556666"]),
        one("kms:ViaService", &["ebs", "rds"]),
        one("aws:SourceVpc", &["vpc-1", "vpc-22"]),
        one("xks:ExternalKeyId", &["one", "two", "three"]),
        one("xks:Operation", &["Encrypt", "Decrypt", "GetKeyMetadata"]),
        one("aws:PrincipalIsAWSService", &["true", "false"]),
    );
    all.prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].into_iter().flatten().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_compiled_decision_agrees_with_the_naive_one(case in cases()) {
        prop_assert_eq!(verdict(&case), naive(&case));
    }

    #[test]
    fn a_statement_that_denies_everything_wins_wherever_it_is(case in cases(), place in 0..4_usize) {
        let mut case = case;
        let deny = json!({"Version": "2012-10-17", "Statement": [{"Sid": "no", "Effect": "Deny", "Action": "*", "Resource": "*"}]});
        case.policies.truncate(2);
        case.policies.insert(place.min(case.policies.len()), deny);
        prop_assert!(!verdict(&case).0);
    }

    #[test]
    fn the_default_decides_only_what_no_statement_is_about(case in cases()) {
        let other = Case { allowed_by_default: !case.allowed_by_default, ..case.clone() };
        let (one, two) = (verdict(&case), verdict(&other));
        prop_assert_eq!(one.0 == two.0, one.1.is_some());
    }
}

#[test]
fn the_cases_come_out_in_every_way() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut ways = BTreeMap::<(bool, bool), usize>::new();
    for _ in 0..500 {
        let (allowed, by) = verdict(&cases().new_tree(&mut runner).unwrap().current());
        *ways.entry((allowed, by.is_some())).or_default() += 1;
    }
    assert_eq!(ways.len(), 4, "{ways:?}");
    assert!(ways.values().all(|count| *count >= 20), "{ways:?}");
}

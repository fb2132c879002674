//! Random scenarios, dense enough that each way of coming out is common: policies are mostly about the caller, the action and the
//! resource in question.

use crate::scenario::{ANA, BEN, CALLERS, Caller, DELTA, Kind, NILE, OTHER, OWNER, On, Scenario};
use keys::{Grant, GrantConstraints, GrantId, GrantOperation, GrantPrincipal, Moment};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub fn scenarios() -> impl Strategy<Value = Scenario> {
    (select(CALLERS), resources()).prop_flat_map(|(caller, resource)| {
        let action = select(actions(caller, resource));
        action.prop_flat_map(move |action| scenarios_of(caller, action, resource))
    })
}

/// Questions about a key that grants may answer.
pub fn about_grants() -> impl Strategy<Value = Scenario> {
    (select(CALLERS), select(GRANTABLE))
        .prop_flat_map(|(caller, action)| scenarios_of(caller, action, On::Key))
        .prop_map(|scenario| Scenario { resource_policy: document(vec![]), ..scenario })
}

/// A request to decrypt, and two grants to the caller that differ in nothing but their constraints.
pub fn parents_and_children() -> impl Strategy<Value = (Scenario, Grant, Grant)> {
    (scenarios_of(ANA, "kms:Decrypt", On::Key), grants(ANA), constraints(), constraints()).prop_map(
        |(scenario, grant, of_parent, of_child)| {
            let grantee = GrantPrincipal { name: ANA.arn(), unique_id: None };
            let operations = [GrantOperation::Decrypt].into_iter().collect();
            let parent = Grant { grantee, operations, constraints: of_parent, ..grant };
            let child = Grant { constraints: of_child, ..parent.clone() };
            (Scenario { resource_policy: document(vec![]), ..scenario }, parent, child)
        },
    )
}

/// An `Allow` statement about the scenario's caller, for its resource's policy.
pub fn allowing(scenario: &Scenario) -> BoxedStrategy<Value> {
    let (caller, action, resource) = (scenario.caller, scenario.action, scenario.resource);
    let statements = statements(caller, action, resource, true);
    let named = statements.prop_filter("names nobody", |statement| statement.get("NotPrincipal").is_none());
    named.prop_map(|statement| with(statement, "Effect", "Allow")).boxed()
}

/// A statement that denies the scenario's question, whatever its conditions would have been.
pub fn denying(scenario: &Scenario, has_principal: bool) -> Value {
    let mut statement = json!({"Effect": "Deny", "Action": scenario.action});
    let has_resource = !(has_principal && scenario.resource == On::Role);
    if has_resource {
        statement["Resource"] = "*".into();
    }
    if has_principal {
        statement["Principal"] = "*".into();
    }
    statement
}

/// The policy with one more statement.
pub fn extended(policy: &Value, statement: Value) -> Value {
    let mut statements = policy["Statement"].as_array().unwrap().clone();
    statements.push(statement);
    with(policy.clone(), "Statement", statements)
}

fn scenarios_of(caller: Caller, action: &'static str, resource: On) -> impl Strategy<Value = Scenario> {
    let policy = move |has_principal: bool, most: usize| {
        vec(statements(caller, action, resource, has_principal), 1..=most).prop_map(document)
    };
    let (identity, boundary) = (vec(policy(false, 2), 0..3), option::weighted(0.2, policy(false, 2)));
    let session = option::weighted(0.2, vec(policy(false, 2), 1..2));
    let grants = vec(grants(caller), 0..4);
    (policy(true, 3), bindings(), identity, boundary, session, grants, facts()).prop_map(
        move |(resource_policy, bound, identity, boundary, session, grants, facts)| Scenario {
            caller,
            action,
            resource,
            resource_policy,
            bound,
            identity,
            boundary,
            session,
            grants,
            facts,
        },
    )
}

fn document(statements: Vec<Value>) -> Value {
    let nobody = json!({"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::999999999999:user/Nobody"},
        "Action": "kms:CreateCustomKeyStore", "Resource": "*"});
    let statements = if statements.is_empty() { vec![nobody] } else { statements };
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn resources() -> impl Strategy<Value = On> {
    prop_oneof![
        10 => Just(On::Key),
        1 => Just(On::Any),
        1 => select(&[On::Alias(OWNER), On::Alias(OTHER)][..]),
        1 => select(&[On::Iam(OWNER), On::Iam(OTHER)][..]),
        3 => Just(On::Role),
    ]
}

fn actions(caller: Caller, resource: On) -> &'static [&'static str] {
    match resource {
        On::Alias(_) => &["kms:CreateAlias"],
        On::Any => &["kms:ListKeys", "kms:CreateKey"],
        On::Iam(_) => &["iam:GetUser"],
        On::Key => KEY_ACTIONS,
        On::Role if matches!(caller.kind, Kind::Federated { .. }) => &["sts:AssumeRoleWithWebIdentity"],
        On::Role => &["sts:AssumeRole"],
    }
}

fn statements(
    caller: Caller,
    action: &'static str,
    resource: On,
    has_principal: bool,
) -> impl Strategy<Value = Value> {
    let effect = prop_oneof![7 => Just("Allow"), 1 => Just("Deny")];
    let has_resource = !(has_principal && resource == On::Role);
    (
        effect,
        principals(caller, resource),
        about(action),
        on(resource, has_principal),
        option::weighted(0.4, conditions()),
    )
        .prop_map(move |(effect, (whom, names), (what, actions), on, condition)| {
            // Who is excepted can only be denied.
            let effect = if has_principal && whom == "NotPrincipal" { "Deny" } else { effect };
            let mut statement = json!({"Effect": effect});
            statement[what] = actions;
            if has_principal {
                statement[whom] = names;
            }
            if let Some((covers, arns)) = on.filter(|_| has_resource) {
                statement[covers] = arns;
            }
            if let Some(condition) = condition {
                statement["Condition"] = condition;
            }
            statement
        })
}

/// `Principal` or, seldom, `NotPrincipal`, and whom it names.
fn principals(caller: Caller, resource: On) -> impl Strategy<Value = (&'static str, Value)> {
    let own = [caller.role_arn().unwrap_or_else(|| caller.arn()), caller.arn()];
    let account = format!("arn:aws:iam::{}:root", caller.account);
    let own_names = match caller.kind {
        Kind::Federated { provider } => Just(json!({"Federated": provider})).boxed(),
        Kind::Service { name } => Just(json!({"Service": [name]})).boxed(),
        _ => prop_oneof![
            4 => select(own.to_vec()),
            3 => Just(account),
            1 => Just(caller.account.to_string()),
        ]
        .prop_map(|name| json!({"AWS": name}))
        .boxed(),
    };
    let others: Vec<String> = CALLERS
        .iter()
        .filter(|other| !matches!(other.kind, Kind::Federated { .. } | Kind::Service { .. }))
        .map(Caller::arn)
        .collect();
    let others = subsequence(others, 1..4).prop_map(|names| json!({"AWS": names}));
    let anyone = select(vec![json!("*"), json!({"AWS": "*"})]);
    let named = prop_oneof![6 => own_names, 1 => anyone, 2 => others.clone()];
    // A trust policy has no `NotPrincipal`.
    let seldom = u32::from(resource != On::Role);
    let excepted = excepted(caller).prop_map(|names| ("NotPrincipal", names));
    prop_oneof![9 => named.prop_map(|names| ("Principal", names)), seldom => excepted]
}

/// Some of what a caller is part of, or others.
fn excepted(caller: Caller) -> impl Strategy<Value = Value> {
    let account = format!("arn:aws:iam::{}:root", caller.account);
    let arn = if caller.unique_id().is_some() { caller.arn() } else { account.clone() };
    let own = vec![arn.clone(), account, caller.role_arn().unwrap_or(arn), BEN.arn()];
    let some = prop_oneof![2 => subsequence(own.clone(), 1..=own.len()), 1 => Just(own), 1 => Just(vec!["*".into()])];
    some.prop_map(|names| json!({"AWS": names}))
}

fn about(action: &'static str) -> impl Strategy<Value = (&'static str, Value)> {
    let (service, name) = action.split_once(':').unwrap();
    let (start, end) = name.split_at(name.len() / 2);
    let fitting = vec![
        json!(action),
        json!([action.to_uppercase(), format!("{service}:Nothing")]),
        json!(format!("{service}:*")),
        // A trust policy is about STS only.
        json!(if service == "sts" { "STS:*" } else { "*" }),
        json!(format!("{service}:{start}*")),
        json!([format!("{service}:{}?{end}", start.split_at(start.len() - 1).0)]),
    ];
    let other = format!("{service}:Describe*");
    prop_oneof![
        8 => select(fitting).prop_map(|actions| ("Action", actions)),
        1 => Just(("Action", json!([other]))),
        1 => select(vec![json!(format!("{service}:Put*")), json!([action])]).prop_map(|actions| ("NotAction", actions)),
    ]
}

/// `Resource` or `NotResource`; seldom neither, which only a key policy may have.
fn on(resource: On, has_principal: bool) -> impl Strategy<Value = Option<(&'static str, Value)>> {
    let arns = prop_oneof![
        6 => Just(json!("*")),
        2 => Just(json!([resource.arn()])),
        1 => Just(json!("arn:aws:kms:*:111122223333:*")),
        1 => Just(json!(["arn:aws:kms:*:*:key/99999999-12ab-44cd-96ef-1234567890ab", "arn:aws:kms:*:444455556666:*"])),
    ];
    let given = prop_oneof![10 => Just("Resource"), 1 => Just("NotResource")];
    let neither = u32::from(has_principal);
    prop_oneof![19 => (given, arns).prop_map(Some), neither => Just(None)]
}

fn conditions() -> impl Strategy<Value = Value> {
    let single = vec![
        json!({"StringEquals": {"kms:EncryptionContext:project": ["nile", "delta"]}}),
        json!({"StringNotEquals": {"kms:encryptioncontext:Project": "nile"}}),
        json!({"StringNotEqualsIfExists": {"kms:EncryptionContext:project": ["delta"]}}),
        json!({"StringEqualsIfExists": {"aws:PrincipalTag/team": "red"}}),
        json!({"StringEqualsIgnoreCase": {"aws:principaltag/TEAM": "RED"}}),
        json!({"StringLike": {"kms:ViaService": "s3.*.amazonaws.com"}}),
        json!({"StringNotLike": {"kms:ViaService": ["s3.*", "ec2.*"]}}),
        json!({"Null": {"kms:EncryptionContext:project": "true"}}),
        json!({"Null": {"kms:EncryptionContextKeys": "false"}}),
        json!({"Bool": {"aws:SecureTransport": "true"}}),
        json!({"BoolIfExists": {"aws:SecureTransport": "false"}}),
        json!({"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["project", "owner"]}}),
        json!({"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["project", "stage"]}}),
        json!({"ForAnyValue:StringNotLike": {"kms:EncryptionContextKeys": "pro*"}}),
        json!({"NumericLessThan": {"aws:MultiFactorAuthAge": "300"}}),
        json!({"NumericGreaterThanEqualsIfExists": {"aws:MultiFactorAuthAge": "300.0"}}),
        json!({"NumericNotEquals": {"aws:MultiFactorAuthAge": "20"}}),
        json!({"ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::111122223333:user/*", "arn:aws:iam::*:role/?ile"]}}),
        json!({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/Ana"}}),
        json!({"StringEquals": {"kms:EncryptionContext:owner": "${aws:username}"}}),
        json!({"StringLike": {"kms:EncryptionContext:owner": "${aws:username}*"}}),
    ];
    subsequence(single, 1..3).prop_map(|chosen| {
        let mut all = json!({});
        for condition in chosen {
            for (operator, keys) in condition.as_object().unwrap() {
                let mut merged = all[operator].as_object().cloned().unwrap_or_default();
                let known = merged.keys().map(|key| key.to_lowercase()).collect::<Vec<_>>();
                merged.extend(
                    keys.as_object()
                        .unwrap()
                        .clone()
                        .into_iter()
                        .filter(|(key, _)| !known.contains(&key.to_lowercase())),
                );
                all[operator] = Value::Object(merged);
            }
        }
        all
    })
}

fn facts() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    let context =
        btree_map(select(&["project", "stage", "owner"][..]), select(&["nile", "delta", "Ana"][..]), 0..3);
    let one = |name: &'static str, values: &'static [&'static str]| {
        option::of(select(values))
            .prop_map(move |value| value.map(|value| (name.to_string(), vec![value.to_string()])))
    };
    let singles = (
        one("aws:PrincipalTag/team", &["red", "blue"]),
        one("kms:ViaService", &["s3.eu-central-1.amazonaws.com", "ec2.eu-central-1.amazonaws.com"]),
        one("aws:SecureTransport", &["true", "false"]),
        one("aws:MultiFactorAuthAge", &["20", "300", "1000"]),
        one(
            "aws:PrincipalArn",
            &["arn:aws:iam::111122223333:user/Ana", "arn:aws:iam::444455556666:role/Delta"],
        ),
        one("aws:username", &["Ana", "Ben"]),
        one("aws:SourceArn", &["arn:aws:s3:::nile", "arn:aws:s3:::delta"]),
        one("kms:GrantConstraintType", &["EncryptionContextEquals", "EncryptionContextSubset"]),
        one("kms:GrantConstraintSourceArn", &["arn:aws:s3:::nile"]),
    );
    let operations = vec(select(&["Encrypt", "Decrypt", "CreateGrant"][..]), 0..3);
    (context, singles, operations).prop_map(|(context, singles, operations)| {
        let (a, b, c, d, e, f, g, h, i) = singles;
        let mut facts: BTreeMap<_, _> = [a, b, c, d, e, f, g, h, i].into_iter().flatten().collect();
        let keys: Vec<String> = context.keys().map(ToString::to_string).collect();
        facts.extend(
            context
                .iter()
                .map(|(key, value)| (format!("kms:EncryptionContext:{key}"), vec![value.to_string()])),
        );
        facts.extend((!keys.is_empty()).then(|| ("kms:EncryptionContextKeys".to_string(), keys)));
        let operations: Vec<String> = operations.into_iter().map(String::from).collect();
        facts.extend((!operations.is_empty()).then(|| ("kms:GrantOperations".to_string(), operations)));
        facts
    })
}

/// Seldom an ARN names somebody who is gone.
fn bindings() -> impl Strategy<Value = BTreeMap<String, String>> {
    let ids = |caller: Caller| {
        let own = caller.unique_id().unwrap().to_string();
        prop_oneof![4 => Just(own), 1 => Just("AIDAGONE".to_string())]
    };
    (ids(ANA), ids(NILE), ids(DELTA), any::<bool>()).prop_map(|(ana, nile, delta, bound)| {
        let arns = [ANA.arn(), NILE.role_arn().unwrap(), DELTA.role_arn().unwrap()];
        if bound { arns.into_iter().zip([ana, nile, delta]).collect() } else { BTreeMap::new() }
    })
}

fn grants(caller: Caller) -> impl Strategy<Value = Grant> {
    let operations = subsequence(GrantOperation::ALL, 4..GrantOperation::ALL.len());
    let (grantee, retiring) = (grant_principals(caller), option::weighted(0.3, grant_principals(caller)));
    let issuer = select(&[OWNER, OWNER, OTHER, "777788889999"][..]);
    (operations, grantee, retiring, constraints(), issuer).prop_map(
        |(operations, grantee, retiring, constraints, issuer)| Grant {
            id: "0".repeat(64).parse::<GrantId>().unwrap(),
            grantee,
            retiring,
            operations: operations.into_iter().collect(),
            constraints,
            name: None,
            created: Moment::from_millis(0),
            issuing_account: issuer.parse().unwrap(),
        },
    )
}

fn grant_principals(caller: Caller) -> impl Strategy<Value = GrantPrincipal> {
    let own = [caller.arn(), caller.role_arn().unwrap_or_else(|| caller.arn())];
    let own = (
        select(own.to_vec()),
        option::of(prop_oneof![3 => Just(caller.unique_id()), 1 => Just(Some("AIDAGONE"))]),
    )
        .prop_map(|(name, id)| GrantPrincipal { name, unique_id: id.flatten().map(String::from) });
    let accounts =
        select(vec![caller.account, OWNER, OTHER]).prop_map(|account| format!("arn:aws:iam::{account}:root"));
    let others = select(CALLERS).prop_map(|other| other.arn());
    let unbound = prop_oneof![accounts, others].prop_map(|name| GrantPrincipal { name, unique_id: None });
    prop_oneof![3 => own, 2 => unbound]
}

fn constraints() -> impl Strategy<Value = GrantConstraints> {
    let pairs = || {
        let pairs = btree_map(select(&["project", "stage"][..]), select(&["nile", "delta"][..]), 0..2);
        pairs.prop_map(|pairs| {
            pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect::<BTreeMap<_, _>>()
        })
    };
    let context = prop_oneof![
        2 => Just((None, None)),
        1 => pairs().prop_map(|pairs| (Some(pairs), None)),
        1 => pairs().prop_map(|pairs| (None, Some(pairs))),
    ];
    let source = option::weighted(0.3, Just("arn:aws:s3:::nile".to_string()));
    (context, source).prop_map(|((equals, subset), source_arn)| GrantConstraints {
        equals,
        subset,
        source_arn,
    })
}

fn with(mut value: Value, name: &str, new: impl Into<Value>) -> Value {
    value[name] = new.into();
    value
}

const KEY_ACTIONS: &[&str] = &[
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GetKeyRotationStatus",
    "kms:PutKeyPolicy",
    "kms:RetireGrant",
];

const GRANTABLE: &[&str] = &["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:RetireGrant"];

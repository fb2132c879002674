//! The published evaluation rules, written down again as plainly as they are published: on the texts of the policies, sharing no code
//! with what is tested.

use crate::question::Answer;
use crate::scenario::{Caller, Kind, On, Scenario};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How the question comes out.
pub fn answer(scenario: &Scenario) -> Answer {
    let about_resource = matches!(scenario.resource, On::Key | On::Role);
    let resource: Vec<&Value> = if about_resource { vec![&scenario.resource_policy] } else { Vec::new() };
    let identity: Vec<&Value> = scenario.identity.iter().collect();
    let boundary: Vec<&Value> = scenario.boundary.iter().collect();
    let session: Vec<&Value> = scenario.session.iter().flatten().collect();

    // An explicit deny in any policy overrides everything.
    let sides = [(&resource, true), (&identity, false), (&boundary, false), (&session, false)];
    if sides.iter().any(|(policies, has_principal)| {
        applying(scenario, policies, "Deny", *has_principal).next().is_some()
    }) {
        return Answer::Explicit;
    }

    let is_root = scenario.caller.kind == Kind::Root;
    let allows = |policies: &[&Value]| applying(scenario, policies, "Allow", false).next().is_some();
    let side = Side {
        identity: is_root || allows(&identity),
        boundary: scenario.boundary.is_none() || allows(&boundary),
        session: scenario.session.is_none() || allows(&session),
    };
    let names: Vec<Naming> = applying(scenario, &resource, "Allow", true).map(|(_, naming)| naming).collect();
    if policies_allow(scenario, &side, &names) || grants_allow(scenario, &side) {
        Answer::Allowed
    } else {
        Answer::Implicit
    }
}

/// What the caller's own side allows.
struct Side {
    identity: bool,
    boundary: bool,
    session: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Naming {
    Account,
    Itself,
    ItsRole,
}

fn policies_allow(scenario: &Scenario, side: &Side, names: &[Naming]) -> bool {
    let whole_side = side.identity && side.boundary && side.session;
    let is_own = scenario.resource.owner().is_none_or(|owner| owner == scenario.caller.account);
    let outsider = matches!(scenario.caller.kind, Kind::Service { .. } | Kind::Federated { .. });
    match scenario.resource {
        On::Any => whole_side && !outsider,
        On::Alias(_) | On::Iam(_) => is_own && whole_side && !outsider,
        On::Key if matches!(scenario.caller.kind, Kind::Federated { .. }) => false,
        On::Key if scenario.action == "kms:RetireGrant" => false,
        On::Key if !is_own && !FOR_OTHER_ACCOUNTS.contains(&scenario.action) => false,
        On::Key | On::Role if outsider => names.contains(&Naming::Itself),
        On::Key | On::Role if is_own => names.iter().any(|naming| named_allows(*naming, scenario, side)),
        On::Key | On::Role => whole_side && !names.is_empty(),
    }
}

/// In the resource's own account, a caller that is named so.
fn named_allows(naming: Naming, scenario: &Scenario, side: &Side) -> bool {
    match (naming, scenario.caller.kind) {
        (Naming::Account, Kind::Service { .. } | Kind::Federated { .. }) => false,
        (Naming::Account, _) => side.identity && side.boundary && side.session,
        (Naming::ItsRole, _) => side.boundary && side.session,
        // A user's session may be limited, though a boundary is no limit for who is named.
        (Naming::Itself, Kind::User { .. }) => side.session,
        (Naming::Itself, _) => true,
    }
}

fn grants_allow(scenario: &Scenario, side: &Side) -> bool {
    let operation = scenario.action.strip_prefix("kms:").unwrap_or("");
    let grants = scenario.grants.iter().map(|grant| serde_json::to_value(grant).unwrap());
    scenario.resource == On::Key
        && grants.into_iter().any(|grant| {
            let listed = grant["operations"].as_array().unwrap().iter().any(|listed| listed == operation);
            let mut names = Vec::new();
            if listed {
                names.extend(grantee(&grant["grantee"], &scenario.caller));
            }
            if operation == "RetireGrant" {
                names.extend(grantee(&grant["retiring"], &scenario.caller));
                if grant["issuing_account"] == scenario.caller.account {
                    names.push(Naming::Account);
                }
            }
            constraints_hold(&grant, operation, scenario)
                && names.into_iter().any(|naming| named_allows(naming, scenario, side))
        })
}

fn grantee(named: &Value, caller: &Caller) -> Option<Naming> {
    let name = named["name"].as_str()?;
    let is_the_one = named["unique_id"].as_str().is_none_or(|id| caller.unique_id() == Some(id));
    if name == format!("arn:aws:iam::{}:root", caller.account) {
        return Some(Naming::Account);
    }
    if name == caller.arn() && is_the_one && !matches!(caller.kind, Kind::Federated { .. }) {
        return Some(Naming::Itself);
    }
    (Some(name) == caller.role_arn().as_deref() && is_the_one).then_some(Naming::ItsRole)
}

fn constraints_hold(grant: &Value, operation: &str, scenario: &Scenario) -> bool {
    let constraints = &grant["constraints"];
    let context = context(&scenario.facts);
    let pairs = |name: &str| -> Option<BTreeMap<String, String>> {
        serde_json::from_value(constraints[name].clone()).ok()
    };
    let fact = |name: &str| scenario.facts.get(name).map(|values| values[0].as_str());
    let within =
        |wanted: &BTreeMap<String, String>| wanted.iter().all(|(key, value)| context.get(key) == Some(value));
    let (equals, subset, source) = (pairs("equals"), pairs("subset"), constraints["source_arn"].as_str());
    match operation {
        "DescribeKey" | "RetireGrant" => true,
        "CreateGrant" => {
            let asked = scenario.facts.get("kms:GrantOperations").cloned().unwrap_or_default();
            let listed =
                |name: &String| grant["operations"].as_array().unwrap().iter().any(|listed| listed == name);
            let kind = fact("kms:GrantConstraintType");
            let kind =
                kind.filter(|kind| ["EncryptionContextEquals", "EncryptionContextSubset"].contains(kind));
            !asked.is_empty()
                && asked.iter().all(listed)
                && equals.is_none_or(|wanted| kind == Some("EncryptionContextEquals") && context == wanted)
                && subset.is_none_or(|wanted| kind.is_some() && within(&wanted))
                && (source.is_none() || source == fact("kms:GrantConstraintSourceArn"))
        }
        _ => {
            let is_service = matches!(scenario.caller.kind, Kind::Service { .. });
            equals.is_none_or(|wanted| context == wanted)
                && subset.is_none_or(|wanted| within(&wanted))
                && (!is_service || source.is_none() || source == fact("aws:SourceArn"))
        }
    }
}

fn context(facts: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    let pairs = facts
        .iter()
        .filter_map(|(name, values)| Some((name.strip_prefix("kms:EncryptionContext:")?, values)));
    pairs.map(|(key, values)| (key.to_string(), values[0].clone())).collect()
}

/// The statements of those policies with that effect that apply, and how they name the caller.
fn applying<'s>(
    scenario: &'s Scenario,
    policies: &[&'s Value],
    effect: &'static str,
    has_principal: bool,
) -> impl Iterator<Item = (&'s Value, Naming)> {
    let statements: Vec<(&'s Value, &'s Value)> = policies
        .iter()
        .flat_map(|policy| each(&policy["Statement"]).map(move |statement| (*policy, statement)))
        .collect();
    statements.into_iter().filter_map(move |(policy, statement)| {
        let naming = if has_principal { naming(statement, scenario) } else { Some(Naming::Itself) };
        let applies = statement["Effect"] == effect
            && action_matches(statement, scenario.action)
            && resource_matches(statement, scenario)
            && conditions_hold(statement, policy["Version"] == "2012-10-17", &scenario.facts);
        naming.filter(|_| applies).map(|naming| (statement, naming))
    })
}

fn naming(statement: &Value, scenario: &Scenario) -> Option<Naming> {
    let caller = &scenario.caller;
    if let Some(excepted) = statement.get("NotPrincipal") {
        let names = principals(excepted);
        let exempt = names.iter().any(|(_, name)| name == "*") || {
            let found: Vec<_> =
                names.iter().filter_map(|name| names_caller(name, caller, &scenario.bound)).collect();
            is_excepted(caller, &found)
        };
        return (!exempt).then_some(Naming::Itself);
    }
    let names = principals(&statement["Principal"]);
    let found: Vec<Naming> =
        names.iter().filter_map(|name| names_caller(name, caller, &scenario.bound)).collect();
    [Naming::Itself, Naming::ItsRole, Naming::Account].into_iter().find(|naming| found.contains(naming))
}

/// Only who is excepted together with its account is not denied; a session by its own name or its role's.
fn is_excepted(caller: &Caller, names: &[Naming]) -> bool {
    let by_name = names.contains(&Naming::Itself) || names.contains(&Naming::ItsRole);
    let of_account = matches!(caller.kind, Kind::Session { .. } | Kind::User { .. });
    by_name && (!of_account || names.contains(&Naming::Account))
}

/// The names in a `Principal`, each with its type.
fn principals(element: &Value) -> Vec<(String, String)> {
    match element {
        Value::String(name) => vec![("AWS".into(), name.clone())],
        Value::Object(types) => types
            .iter()
            .flat_map(|(kind, names)| {
                each(names).map(move |name| (kind.clone(), name.as_str().unwrap().into()))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn names_caller(
    (kind, name): &(String, String),
    caller: &Caller,
    bound: &BTreeMap<String, String>,
) -> Option<Naming> {
    let is_the_one = bound.get(name).is_none_or(|id| caller.unique_id() == Some(id));
    match (kind.as_str(), caller.kind) {
        ("AWS", _) if name == "*" => Some(Naming::Itself),
        ("Service", Kind::Service { name: service }) if service == name => Some(Naming::Itself),
        ("Federated", Kind::Federated { provider }) if provider == name => Some(Naming::Itself),
        (_, Kind::Service { .. } | Kind::Federated { .. }) => None,
        ("AWS", kind)
            if name == caller.account || *name == format!("arn:aws:iam::{}:root", caller.account) =>
        {
            Some(if kind == Kind::Root { Naming::Itself } else { Naming::Account })
        }
        ("AWS", _) if *name == caller.arn() && is_the_one => Some(Naming::Itself),
        ("AWS", _) if Some(name) == caller.role_arn().as_ref() && is_the_one => Some(Naming::ItsRole),
        _ => None,
    }
}

pub fn action_matches(statement: &Value, action: &str) -> bool {
    let any = |names: &Value| {
        each(names).any(|name| glob(&name.as_str().unwrap().to_lowercase(), &action.to_lowercase()))
    };
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(names), _) => any(names),
        (None, Some(names)) => !any(names),
        (None, None) => false,
    }
}

fn resource_matches(statement: &Value, scenario: &Scenario) -> bool {
    let arn = scenario.resource.arn();
    let any = |names: &Value| each(names).any(|name| glob(name.as_str().unwrap(), &arn));
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(names), _) => any(names),
        (None, Some(names)) => !any(names),
        // A trust policy has no Resource; in another one the statement has no effect.
        (None, None) => {
            scenario.resource == On::Role
                && statement.get("Principal").or(statement.get("NotPrincipal")).is_some()
        }
    }
}

pub fn conditions_hold(
    statement: &Value,
    has_variables: bool,
    facts: &BTreeMap<String, Vec<String>>,
) -> bool {
    let none = Map::new();
    let operators = statement.get("Condition").map_or(&none, |condition| condition.as_object().unwrap());
    operators.iter().all(|(operator, keys)| {
        keys.as_object().unwrap().iter().all(|(key, wanted)| {
            let wanted: Vec<Option<String>> =
                each(wanted).map(|value| filled_in(value.as_str().unwrap(), has_variables, facts)).collect();
            condition_holds(operator, lookup(key, facts), &wanted)
        })
    })
}

fn condition_holds(operator: &str, actual: Option<&Vec<String>>, wanted: &[Option<String>]) -> bool {
    let (for_all, operator) =
        operator.strip_prefix("ForAllValues:").map_or((false, operator), |rest| (true, rest));
    let (for_any, operator) =
        operator.strip_prefix("ForAnyValue:").map_or((false, operator), |rest| (true, rest));
    let (if_exists, operator) =
        operator.strip_suffix("IfExists").map_or((false, operator), |rest| (true, rest));
    if operator == "Null" {
        return wanted.iter().flatten().any(|absent| (absent == "true") == actual.is_none());
    }
    let (negated, positive) = match operator {
        "StringNotEquals" => (true, "StringEquals"),
        "StringNotEqualsIgnoreCase" => (true, "StringEqualsIgnoreCase"),
        "StringNotLike" => (true, "StringLike"),
        "NumericNotEquals" => (true, "NumericEquals"),
        "ArnNotLike" | "ArnNotEquals" => (true, "ArnLike"),
        operator => (false, operator),
    };
    let Some(actual) = actual else {
        return if_exists || for_all || (negated && !for_any);
    };
    let holds =
        |value: &String| wanted.iter().flatten().any(|wanted| compares(positive, wanted, value)) != negated;
    if for_all { actual.iter().all(holds) } else { actual.iter().any(holds) }
}

fn compares(operator: &str, wanted: &str, actual: &str) -> bool {
    let numbers = || Some((actual.parse::<f64>().ok()?, wanted.parse::<f64>().ok()?));
    match operator {
        "StringEquals" => wanted == actual,
        "StringEqualsIgnoreCase" => wanted.eq_ignore_ascii_case(actual),
        "StringLike" => glob(wanted, actual),
        "ArnEquals" | "ArnLike" => arn_like(wanted, actual),
        "Bool" => wanted.eq_ignore_ascii_case(actual),
        "NumericEquals" => numbers().is_some_and(|(actual, wanted)| actual == wanted),
        "NumericLessThan" => numbers().is_some_and(|(actual, wanted)| actual < wanted),
        "NumericGreaterThanEquals" => numbers().is_some_and(|(actual, wanted)| actual >= wanted),
        other => panic!("no strategy makes {other}"),
    }
}

/// Each of the six parts for itself.
fn arn_like(wanted: &str, actual: &str) -> bool {
    let (wanted, actual): (Vec<_>, Vec<_>) =
        (wanted.splitn(6, ':').collect(), actual.splitn(6, ':').collect());
    wanted.len() == 6
        && actual.len() == 6
        && wanted.iter().zip(&actual).all(|(wanted, actual)| glob(wanted, actual))
}

/// A value with its variables replaced; none if the request does not have one of them.
fn filled_in(text: &str, has_variables: bool, facts: &BTreeMap<String, Vec<String>>) -> Option<String> {
    let Some((before, rest)) = text.split_once("${").filter(|_| has_variables) else {
        return Some(text.into());
    };
    let (name, after) = rest.split_once('}').unwrap();
    let value = lookup(name, facts)?.first()?;
    Some(format!("{before}{value}{}", filled_in(after, true, facts)?))
}

fn lookup<'f>(name: &str, facts: &'f BTreeMap<String, Vec<String>>) -> Option<&'f Vec<String>> {
    facts.iter().find(|(fact, _)| fact.eq_ignore_ascii_case(name)).map(|(_, values)| values)
}

pub fn glob(pattern: &str, text: &str) -> bool {
    let (mut rest_of_pattern, mut rest_of_text) = (pattern.chars(), text.chars());
    let (wanted, first) = (rest_of_pattern.next(), rest_of_text.next());
    let (rest_of_pattern, rest_of_text) = (rest_of_pattern.as_str(), rest_of_text.as_str());
    match (wanted, first) {
        (None, None) => true,
        (Some('*'), _) if glob(rest_of_pattern, text) => true,
        (Some('*'), Some(_)) => glob(pattern, rest_of_text),
        (Some(wanted), Some(first)) if wanted == '?' || wanted == first => {
            glob(rest_of_pattern, rest_of_text)
        }
        _ => false,
    }
}

/// The elements of an array, or the one thing that is none.
pub fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice).iter()
}

//= operations.md §9: governed by the key policy, cross-account
const FOR_OTHER_ACCOUNTS: &[&str] = &[
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:GenerateMac",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:RevokeGrant",
    "kms:Sign",
    "kms:Verify",
    "kms:VerifyMac",
];

//! From a scenario to the question that the real thing is asked.

use crate::scenario::{Caller, KEY, Kind, On, Scenario};
use access::{
    Attached, Authority, BoundPrincipals, ConditionKey, Decision, Explanation, Facts, Policy, PolicyKind,
    Principal, PrincipalKind, Question, Resource, Values, decide, decide_retirement, explain,
    explain_retirement, grant_for,
};
use keys::Grant;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::arn::{AliasArn, KeyArn, KeyReference};

/// How a question comes out, grants included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Answer {
    Allowed,
    Explicit,
    Implicit,
}

/// The compiled things that questions borrow.
pub struct Compiled {
    principal: Principal,
    authority: Authority,
    resource_policy: Policy,
    facts: Request,
}

impl Compiled {
    pub fn of(scenario: &Scenario) -> Self {
        let kind = if scenario.resource == On::Role { PolicyKind::Trust } else { PolicyKind::Key };
        let session = scenario.session.as_ref();
        let authority = Authority {
            identity: scenario.identity.iter().map(attached).collect(),
            boundary: scenario.boundary.as_ref().map(attached),
            session: session.map(|policies| policies.iter().map(attached).collect()),
        };
        Self {
            principal: principal(&scenario.caller),
            authority,
            resource_policy: compile(kind, &scenario.resource_policy, &scenario.bound),
            facts: Request(scenario.facts.clone()),
        }
    }

    pub fn ask<T>(&self, scenario: &Scenario, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        let (key, alias) =
            (key_arn(), alias_arn(scenario.resource.owner().unwrap_or(scenario.caller.account)));
        let (policy, arn) = (&self.resource_policy, scenario.resource.arn());
        let resource = match scenario.resource {
            On::Alias(_) => Resource::Alias(&alias),
            On::Any => Resource::Any,
            On::Iam(account) => Resource::Iam { arn: &arn, account: account.parse().unwrap() },
            On::Key => Resource::Key { arn: &key, policy },
            On::Role => Resource::Role { arn: &arn, account: key.account, policy },
        };
        ask(&Question {
            principal: &self.principal,
            authority: &self.authority,
            action: scenario.action,
            resource,
            facts: &self.facts,
        })
    }
}

/// What `decide` says, and then the grants; or whether one of the grants may be retired.
pub fn answer(scenario: &Scenario) -> Answer {
    let is_granted = |question: &Question<'_>| match scenario.action {
        "kms:RetireGrant" => retirable(scenario, question).is_some(),
        _ => grant_for(question, &scenario.grants).is_some(),
    };
    Compiled::of(scenario).ask(scenario, |question| match decide(question) {
        Decision::Allowed => Answer::Allowed,
        Decision::Denied(denial) if denial.is_explicit() => Answer::Explicit,
        Decision::Denied(_) if is_granted(question) => Answer::Allowed,
        Decision::Denied(_) => Answer::Implicit,
    })
}

pub fn explained(scenario: &Scenario) -> Explanation {
    Compiled::of(scenario).ask(scenario, |question| match retirable(scenario, question) {
        Some(grant) => explain_retirement(question, grant),
        None => explain(question, &scenario.grants),
    })
}

/// The first of the grants that may be retired, if that is asked.
fn retirable<'s>(scenario: &'s Scenario, question: &Question<'_>) -> Option<&'s Grant> {
    let is_asked = scenario.action == "kms:RetireGrant" && scenario.resource == On::Key;
    let may = |grant: &&Grant| {
        let decision = decide_retirement(question, grant);
        assert_eq!(decision, explain_retirement(question, grant).decision());
        decision == Decision::Allowed
    };
    scenario.grants.iter().filter(|_| is_asked).find(may)
}

/// The message for the caller.
pub fn message(scenario: &Scenario) -> String {
    match Compiled::of(scenario).ask(scenario, decide) {
        Decision::Allowed => "allowed".into(),
        Decision::Denied(denial) => denial.to_string(),
    }
}

pub fn compile(kind: PolicyKind, text: &Value, bound: &BoundPrincipals) -> Policy {
    Policy::compile(kind, &text.to_string(), bound).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub fn principal(caller: &Caller) -> Principal {
    let kind = match caller.kind {
        Kind::Federated { provider } => {
            PrincipalKind::Federated { provider: provider.into(), subject: "nile".into() }
        }
        Kind::Root => PrincipalKind::Root,
        Kind::Service { name } => PrincipalKind::Service { name: name.into() },
        Kind::Session { role, role_id, session } => PrincipalKind::AssumedRole {
            path: "/".into(),
            role: role.into(),
            role_id: role_id.into(),
            session: session.into(),
        },
        Kind::User { name, id } => PrincipalKind::User { path: "/".into(), name: name.into(), id: id.into() },
    };
    Principal::new("aws".into(), caller.account.parse().unwrap(), kind)
}

pub fn key_arn() -> KeyArn {
    match KEY.parse() {
        Ok(KeyReference::Arn(arn)) => arn,
        other => panic!("{other:?}"),
    }
}

fn alias_arn(account: &str) -> AliasArn {
    let KeyArn { partition, region, .. } = key_arn();
    AliasArn { partition, region, account: account.parse().unwrap(), name: "alias/nile".into() }
}

fn attached(text: &Value) -> Attached {
    let policy = Arc::new(compile(PolicyKind::Identity, text, &BoundPrincipals::new()));
    Attached { name: "Ana/inline".into(), policy }
}

/// What a request says of itself, by the whole names of condition keys.
pub struct Request(pub BTreeMap<String, Vec<String>>);

impl Facts for Request {
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        let name = format!("{}{suffix}", key.name());
        let mut found =
            self.0.iter().filter(|(fact, _)| fact.eq_ignore_ascii_case(&name)).flat_map(|(_, values)| values);
        let row = ConditionKey::TABLE.iter().find(|row| row.key == key).unwrap();
        if row.is_multivalued {
            let values: Vec<_> = found.map(|value| Cow::Borrowed(value.as_str())).collect();
            return if values.is_empty() { Values::Absent } else { Values::Many(values) };
        }
        match (found.next(), found.next()) {
            (Some(value), None) => Values::One(Cow::Borrowed(value)),
            (None, _) => Values::Absent,
            (Some(one), Some(two)) => Values::Many(vec![Cow::Borrowed(one), Cow::Borrowed(two)]),
        }
    }
}

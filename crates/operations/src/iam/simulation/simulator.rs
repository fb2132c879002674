//! What the policies of a simulation decide, by the engine that decides every call.
//!
//! Reads no records and performs nothing: it is told whom and what to take for granted.

use access::{
    Attached, Authority, ConditionKey, ConsideredPolicy, Explanation, Facts, KEY_ACTIONS, Policy, PolicyKind,
    PolicyType, PolicyVerdict, Principal, PrincipalKind, Question, Resource, StatementOutcome, Values,
    explain,
};
use keys::{AccountId, Moment};
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wire::arn::{KeyArn, KeyReference};
use wire::member::iam::{
    ActionName, ContextEntries, ContextEntry, PolicyDocument, PolicyInputs, ResourceName,
};
use wire::{Fault, FaultKind, Members};

/// Whom to take for the caller, and what its side says.
#[derive(Debug)]
pub struct Simulated {
    /// The caller; nobody in particular, if its name and id are empty.
    pub principal: Principal,
    /// What the policies on its side say.
    pub authority: Authority,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Simulated {
    /// Whether the caller is nobody in particular.
    pub fn is_nobody(&self) -> bool {
        matches!(self.principal.kind(), PrincipalKind::User { name, .. } if name.is_empty())
    }
}

/// What else to take for granted.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// What the conditions of policies may look at.
    pub entries: Option<&'a ContextEntries>,
    /// The policy of every resource.
    pub resource_policy: Option<&'a PolicyDocument>,
    /// Whose a resource is whose ARN does not say.
    pub owner: AccountId,
    /// When.
    pub now: Moment,
}

wire::output! {
    /// What is decided of one action.
    pub struct EvaluationResult {
        required action: String = "EvalActionName",
        optional resource: String = "EvalResourceName",
        required decision: &'static str = "EvalDecision",
        required matched: Members<MatchedStatement> = "MatchedStatements",
        required missing: Members<String> = "MissingContextValues",
        optional boundary: BoundaryDetail = "PermissionsBoundaryDecisionDetail",
        optional resources: Members<ResourceResult> = "ResourceSpecificResults",
    }
}

wire::output! {
    /// What is decided of one action on one resource.
    pub struct ResourceResult {
        required resource: String = "EvalResourceName",
        required decision: &'static str = "EvalResourceDecision",
        required matched: Members<MatchedStatement> = "MatchedStatements",
        required missing: Members<String> = "MissingContextValues",
        optional boundary: BoundaryDetail = "PermissionsBoundaryDecisionDetail",
    }
}

wire::output! {
    /// A statement that applied.
    pub struct MatchedStatement {
        required policy: String = "SourcePolicyId",
        required policy_type: &'static str = "SourcePolicyType",
    }
}

wire::output! {
    /// Whether the permissions boundary lets the caller.
    pub struct BoundaryDetail {
        required allowed: bool = "AllowedByPermissionsBoundary",
    }
}

/// Decides each of the actions on each of the resources. Others get their turn after each decision: policies can be made to take long.
pub async fn simulate(
    simulated: &Simulated,
    circumstances: &Circumstances<'_>,
    actions: Vec<&ActionName>,
    resources: &[ResourceName],
) -> Result<Vec<EvaluationResult>, Fault> {
    let anything = ["*"];
    let named: Vec<&str> = resources.iter().map(ResourceName::as_str).collect();
    let resources = if named.is_empty() { anything.as_slice() } else { &named };
    let policy = circumstances.resource_policy.map(ResourcePolicy::of);
    let mut results = Vec::new();
    for action in actions {
        let action = spelt(action.as_str())?;
        let mut of_action = Vec::new();
        for resource in resources {
            of_action.push(decide(simulated, circumstances, policy.as_ref(), &action, resource)?);
            tokio::task::yield_now().await;
        }
        results.push(in_one(action.to_string(), of_action));
    }
    Ok(results)
}

/// Refuses values of condition keys that are longer than any that a request can have: each may stand in a policy many times.
pub fn check_values(entries: Option<&ContextEntries>) -> Result<(), String> {
    let given = entries.iter().flat_map(|entries| &entries.0).filter_map(|entry| entry.values.as_ref());
    let mut values = given.flat_map(|values| &values.0);
    if values.all(|value| value.as_str().len() <= LONGEST_VALUE) {
        return Ok(());
    }
    Err(format!("A value of a context key must not be longer than {LONGEST_VALUE} bytes."))
}

/// Policies that are given with a simulation, by the names that its results have for them.
pub fn given(list: &'static str, texts: &PolicyInputs) -> Result<Vec<Attached>, Fault> {
    let compile = |(number, text): (usize, &PolicyDocument)| {
        let policy = compiled(PolicyKind::Identity, text.as_str())?;
        Ok(Attached { name: format!("{list}.{number}").into(), policy: Arc::new(policy) })
    };
    (1..).zip(&texts.0).map(compile).collect()
}

/// The one boundary that a simulation may be given.
pub fn boundary(texts: Option<&PolicyInputs>) -> Result<Option<Attached>, Fault> {
    let mut given = texts.map(|texts| given("PermissionsBoundaryPolicyInputList", texts)).transpose()?;
    match given.as_mut().map(|given| (given.pop(), given.is_empty())) {
        Some((boundary, true)) => Ok(boundary),
        Some((_, false)) => {
            Err(invalid("PermissionsBoundaryPolicyInputList can contain only one policy.".into()))
        }
        None => Ok(None),
    }
}

/// What a simulation is told of its input.
pub fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::InvalidInput, message)
}

fn compiled(kind: PolicyKind, text: &str) -> Result<Policy, Fault> {
    Policy::compile(kind, text, &BTreeMap::new()).map_err(|error| invalid(error.to_string()))
}

/// The action as AWS spells it, which the engine goes by.
fn spelt(action: &str) -> Result<Cow<'_, str>, Fault> {
    if !action.contains(':') || action.contains(['*', '?']) {
        return Err(invalid(format!("Invalid action name: {action}")));
    }
    let known = KEY_ACTIONS.iter().find(|known| known.name.eq_ignore_ascii_case(action));
    Ok(known.map_or(Cow::Borrowed(action), |known| Cow::Borrowed(known.name)))
}

fn decide(
    simulated: &Simulated,
    circumstances: &Circumstances<'_>,
    policy: Option<&ResourcePolicy<'_>>,
    action: &str,
    resource: &str,
) -> Result<ResourceResult, Fault> {
    let target = Target::of(circumstances, policy, simulated.principal.partition(), resource)?;
    let facts = Granted { simulated, circumstances, missing: RefCell::default() };
    let question = Question {
        principal: &simulated.principal,
        authority: &simulated.authority,
        action,
        resource: target.as_resource(resource),
        facts: &facts,
    };
    let explanation = explain(&question, std::iter::empty());
    let matched = explanation.policies.iter().flat_map(|policy| matched(policy, &simulated.principal));
    Ok(ResourceResult {
        resource: resource.to_owned(),
        decision: decision(&explanation),
        matched: matched.collect(),
        missing: facts.missing.into_inner().into_iter().collect(),
        boundary: boundary_detail(&explanation),
    })
}

const fn decision(explanation: &Explanation) -> &'static str {
    match (explanation.allowed, explanation.explicit_deny) {
        (true, _) => ALLOWED,
        (false, true) => EXPLICIT_DENY,
        (false, false) => IMPLICIT_DENY,
    }
}

/// The results of one action on several resources: the decision on all is the worst of them.
fn in_one(action: String, mut results: Vec<ResourceResult>) -> EvaluationResult {
    let is_one = results.len() == 1;
    let worst = |worst: &'static str, result: &ResourceResult| match (worst, result.decision) {
        (EXPLICIT_DENY, _) | (_, EXPLICIT_DENY) => EXPLICIT_DENY,
        (IMPLICIT_DENY, _) | (_, IMPLICIT_DENY) => IMPLICIT_DENY,
        _ => ALLOWED,
    };
    let decision = results.iter().fold(ALLOWED, worst);
    match results.pop_if(|result| is_one && result.resource == "*") {
        Some(ResourceResult { resource, decision, matched, missing, boundary }) => {
            let resource = Some(resource);
            EvaluationResult { action, resource, decision, matched, missing, boundary, resources: None }
        }
        None => EvaluationResult {
            action,
            resource: results.first().filter(|_| is_one).map(|result| result.resource.clone()),
            decision,
            matched: Members(results.first().filter(|_| is_one).map(copied).unwrap_or_default()),
            missing: Members(Vec::new()),
            boundary: None,
            resources: Some(Members(results)),
        },
    }
}

fn copied(result: &ResourceResult) -> Vec<MatchedStatement> {
    let copy = |statement: &MatchedStatement| MatchedStatement {
        policy: statement.policy.clone(),
        policy_type: statement.policy_type,
    };
    result.matched.0.iter().map(copy).collect()
}

fn matched(policy: &ConsideredPolicy, principal: &Principal) -> Vec<MatchedStatement> {
    let applied = policy.statements.iter().filter(|one| one.outcome == StatementOutcome::Matched);
    let statement = |_| match policy.policy_type {
        PolicyType::ResourceBased => {
            MatchedStatement { policy: "ResourcePolicy".into(), policy_type: "Resource Policy" }
        }
        _ => MatchedStatement { policy: source(&policy.name, principal), policy_type: "IAM Policy" },
    };
    applied.map(statement).collect()
}

/// What AWS calls a policy here: a managed one by its name, an inline one `user_<user>_<policy>`.
fn source(name: &str, principal: &Principal) -> String {
    if name.starts_with("arn:") {
        return name.rsplit('/').next().unwrap_or(name).to_owned();
    }
    let Some((owner, policy)) = name.split_once('/') else { return name.to_owned() };
    let kind = match principal.kind() {
        PrincipalKind::User { name, .. } if **name == *owner => "user",
        PrincipalKind::AssumedRole { role, .. } if **role == *owner => "role",
        _ => "group",
    };
    format!("{kind}_{owner}_{policy}")
}

fn boundary_detail(explanation: &Explanation) -> Option<BoundaryDetail> {
    let mut bounds =
        explanation.policies.iter().filter(|policy| policy.policy_type == PolicyType::PermissionsBoundary);
    bounds.next().map(|bound| BoundaryDetail { allowed: bound.verdict == PolicyVerdict::Allows })
}

/// The policy of every resource, compiled once for each kind of resource that there is.
struct ResourcePolicy<'a> {
    text: &'a str,
    of_key: OnceCell<Result<Policy, Fault>>,
    of_role: OnceCell<Result<Policy, Fault>>,
}

impl<'a> ResourcePolicy<'a> {
    fn of(document: &'a PolicyDocument) -> Self {
        Self { text: document.as_str(), of_key: OnceCell::new(), of_role: OnceCell::new() }
    }

    fn as_kind(&self, kind: PolicyKind) -> Result<&Policy, Fault> {
        let place = if kind == PolicyKind::Trust { &self.of_role } else { &self.of_key };
        place.get_or_init(|| compiled(kind, self.text)).as_ref().map_err(Clone::clone)
    }
}

/// What an action is on.
enum Target<'a> {
    Anything,
    /// What identity-based policies alone decide about: a simulation looks up no resource's policy.
    Named(AccountId),
    Key(KeyArn, &'a Policy),
    Role(AccountId, &'a Policy),
}

impl<'a> Target<'a> {
    fn of(
        circumstances: &Circumstances<'_>,
        policy: Option<&'a ResourcePolicy<'_>>,
        partition: &str,
        resource: &str,
    ) -> Result<Self, Fault> {
        let Some(policy) = policy else {
            return Ok(if resource == "*" { Self::Anything } else { Self::Named(circumstances.owner) });
        };
        if let Ok(KeyReference::Arn(arn)) = resource.parse() {
            return Ok(Self::Key(arn, policy.as_kind(PolicyKind::Key)?));
        }
        if let Some(account) = account_of_role(partition, resource) {
            return Ok(Self::Role(account, policy.as_kind(PolicyKind::Trust)?));
        }
        Err(invalid(format!("ResourcePolicy can be simulated for keys and roles only, not for {resource}")))
    }

    fn as_resource<'r>(&'r self, arn: &'r str) -> Resource<'r> {
        match self {
            Self::Anything => Resource::Any,
            Self::Named(account) => Resource::Iam { arn, account: *account },
            Self::Key(arn, policy) => Resource::Key { arn, policy },
            Self::Role(account, policy) => Resource::Role { arn, account: *account, policy },
        }
    }
}

fn account_of_role(partition: &str, arn: &str) -> Option<AccountId> {
    let rest = arn.strip_prefix("arn:")?.strip_prefix(partition)?.strip_prefix(":iam::")?;
    rest.split_once(":role/")?.0.parse().ok()
}

/// The facts of a simulation: what it was given, then what follows from the caller and the time. What is asked for and not
/// there is noted.
struct Granted<'a> {
    simulated: &'a Simulated,
    circumstances: &'a Circumstances<'a>,
    missing: RefCell<BTreeSet<String>>,
}

impl Granted<'_> {
    fn given(&self, name: &str) -> Option<Values<'_>> {
        let entries = self.circumstances.entries.map_or(&[][..], |entries| &entries.0);
        let is_named = |entry: &&ContextEntry| {
            entry.name.as_ref().is_some_and(|given| given.as_str().eq_ignore_ascii_case(name))
        };
        let values = entries.iter().find(is_named)?.values.as_ref()?;
        match values.0.as_slice() {
            [] => None,
            [value] => Some(value.as_str().into()),
            values => Some(Values::Many(values.iter().map(|value| Cow::from(value.as_str())).collect())),
        }
    }

    fn known(&self, key: ConditionKey, suffix: &str) -> Option<Values<'_>> {
        let Simulated { principal, tags, .. } = self.simulated;
        match key {
            ConditionKey::CurrentTime | ConditionKey::EpochTime => {
                return Some(self.circumstances.now.as_seconds().to_string().into());
            }
            ConditionKey::PrincipalAccount | ConditionKey::KmsCallerAccount => {
                return Some(principal.account().as_str().into());
            }
            _ if self.simulated.is_nobody() => return None,
            _ => {}
        }
        match (key, principal.kind()) {
            (ConditionKey::PrincipalArn, _) => Some(principal.principal_arn().into()),
            (ConditionKey::PrincipalTag, _) => {
                let tag = tags.iter().find(|(name, _)| name.eq_ignore_ascii_case(suffix));
                tag.map(|(_, value)| value.as_str().into())
            }
            (ConditionKey::PrincipalType, PrincipalKind::User { .. }) => Some("User".into()),
            (ConditionKey::PrincipalType, PrincipalKind::AssumedRole { .. }) => Some("AssumedRole".into()),
            (ConditionKey::UserName, PrincipalKind::User { name, .. }) => Some(name.as_ref().into()),
            (ConditionKey::UserId, PrincipalKind::User { id, .. }) if !id.is_empty() => {
                Some(id.as_ref().into())
            }
            _ => None,
        }
    }

    fn or_missing<'v>(&self, found: Option<Values<'v>>, name: String) -> Values<'v> {
        found.unwrap_or_else(|| {
            self.missing.borrow_mut().insert(name);
            Values::Absent
        })
    }
}

impl Facts for Granted<'_> {
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
        let name = format!("{key}{suffix}");
        let found = self.given(&name).or_else(|| self.known(key, suffix));
        self.or_missing(found, name)
    }

    fn other(&self, name: &str) -> Values<'_> {
        self.or_missing(self.given(name), name.to_owned())
    }
}

const LONGEST_VALUE: usize = 2048;
const ALLOWED: &str = "allowed";
const EXPLICIT_DENY: &str = "explicitDeny";
const IMPLICIT_DENY: &str = "implicitDeny";

#[cfg(test)]
mod tests {
    use super::*;
    use wire::Input as _;
    use wire::query::Form;

    wire::input! {
        /// Some of what a simulation takes.
        pub struct Input {
            required actions: wire::member::iam::ActionNames = "ActionNames",
            required policies: PolicyInputs = "PolicyInputList",
            optional bounds: PolicyInputs = "Bounds",
            optional resources: wire::member::iam::ResourceNames = "ResourceArns",
            optional entries: ContextEntries = "ContextEntries",
        }
    }

    fn statement(effect: &str, resource: &str, condition: &str) -> String {
        let statement = format!(
            r#"{{"Effect":"{effect}","Action":"kms:*","Resource":"{resource}","Condition":{condition}}}"#
        );
        format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
    }

    fn results(form: &str) -> Vec<EvaluationResult> {
        let input = Input::parse_query(&Form::parse(form.as_bytes()).unwrap()).unwrap();
        let account: AccountId = "111122223333".parse().unwrap();
        let kind = PrincipalKind::User { path: "/".into(), name: "Ana".into(), id: "AIDA1".into() };
        let authority = Authority {
            identity: given("PolicyInputList", &input.policies).unwrap(),
            boundary: boundary(input.bounds.as_ref()).unwrap(),
            session: None,
        };
        let simulated = Simulated {
            principal: Principal::new("aws".into(), account, kind),
            authority,
            tags: BTreeMap::new(),
        };
        let circumstances = Circumstances {
            entries: input.entries.as_ref(),
            resource_policy: None,
            owner: account,
            now: Moment::from_millis(0),
        };
        let resources = input.resources.map(|resources| resources.0).unwrap_or_default();
        let simulation = simulate(&simulated, &circumstances, input.actions.0.iter().collect(), &resources);
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(simulation).unwrap()
    }

    #[test]
    fn what_a_policy_asks_for_and_nobody_gave_is_missing() {
        let condition = r#"{"StringEquals":{"aws:username":"Ana","aws:SourceVpc":"v","my:key":"m"}}"#;
        let policy = statement("Allow", "*", condition);
        let asked = format!("ActionNames.member.1=kms:Sign&PolicyInputList.member.1={policy}");
        let [result] = &results(&asked)[..] else { panic!("one action has one result") };
        assert_eq!(result.decision, IMPLICIT_DENY);
        assert_eq!(result.missing.0, ["aws:SourceVpc", "my:key"]);
        let entry = |number: u8, name: &str, value: &str| {
            let prefix = format!("ContextEntries.member.{number}.ContextKey");
            format!("&{prefix}Name={name}&{prefix}Values.member.1={value}")
        };
        let entries = entry(1, "AWS:sourcevpc", "v") + &entry(2, "MY:key", "m");
        let [result] = &results(&(asked + &entries))[..] else { panic!("one action has one result") };
        assert_eq!((result.decision, result.missing.0.len()), (ALLOWED, 0));
    }

    #[test]
    fn of_several_resources_the_worst_decides() {
        let policies = format!(
            "PolicyInputList.member.1={}&PolicyInputList.member.2={}",
            statement("Allow", "arn:aws:kms:*:*:key/a*", "{}"),
            statement("Deny", "arn:aws:kms:*:*:key/ab", "{}"),
        );
        let on = |keys: &[&str]| {
            let arns = keys.iter().zip(1..).map(|(key, number)| {
                format!("&ResourceArns.member.{number}=arn:aws:kms:eu-central-1:111122223333:key/{key}")
            });
            results(&format!("ActionNames.member.1=kms:Sign&{policies}{}", arns.collect::<String>()))
                .remove(0)
        };
        assert_eq!(
            (on(&["a"]).decision, on(&["b"]).decision, on(&["ab"]).decision),
            (ALLOWED, IMPLICIT_DENY, EXPLICIT_DENY)
        );
        assert_eq!(
            (on(&["a", "b"]).decision, on(&["a", "b", "ab"]).decision),
            (IMPLICIT_DENY, EXPLICIT_DENY)
        );
        let each: Vec<_> = on(&["a", "b"]).resources.unwrap().0.iter().map(|one| one.decision).collect();
        assert_eq!(each, [ALLOWED, IMPLICIT_DENY]);
    }

    #[test]
    fn a_boundary_is_told_apart() {
        let policy = statement("Allow", "*", "{}");
        let bound = policy.replace("kms:*", "iam:*");
        let asked = format!(
            "ActionNames.member.1=kms:Sign&PolicyInputList.member.1={policy}&Bounds.member.1={bound}"
        );
        let result = results(&asked).remove(0);
        assert_eq!(
            (result.decision, result.boundary.map(|boundary| boundary.allowed)),
            (IMPLICIT_DENY, Some(false))
        );
    }

    #[test]
    fn a_policy_is_called_as_aws_calls_it() {
        let account = "111122223333".parse().unwrap();
        let kind = PrincipalKind::User { path: "/".into(), name: "Ana".into(), id: "AIDA1".into() };
        let ana = Principal::new("aws".into(), account, kind);
        for (name, shown) in [
            ("arn:aws:iam::111122223333:policy/a/b/Keys", "Keys"),
            ("Ana/own", "user_Ana_own"),
            ("Team/own", "group_Team_own"),
            ("PolicyInputList.1", "PolicyInputList.1"),
        ] {
            assert_eq!(source(name, &ana), shown);
        }
    }

    #[test]
    fn an_action_is_one_whole_name_in_the_spelling_of_aws() {
        assert_eq!(spelt("KMS:decrypt").unwrap(), "kms:Decrypt");
        assert_eq!(spelt("s3:getobject").unwrap(), "s3:getobject");
        assert!(["kms", "kms:*", "kms:De?rypt"].iter().all(|wrong| spelt(wrong).is_err()));
    }
}

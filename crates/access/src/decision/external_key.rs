//! What the policies of an external key say to a request that a KMS has already allowed: the second layer of an XKS proxy.
//!
//! One algorithm: [`decide_external_key`] and [`explain_external_key`] run the same code, the second with a recorder that listens.
//! Nothing here looks at a request that no policy is to be asked of.

use super::denial::PolicyType;
use super::explanation::{ConsideredPolicy, Record, Recorder, StatementOutcome, Unrecorded};
use crate::policy::{Effect, Statement, Target};
use crate::{Facts, Policy};
use serde::Serialize;

/// What is asked of the policies.
#[derive(Clone, Copy)]
pub struct ExternalKeyQuestion<'a> {
    /// `kms:` and the operation that the KMS was asked for.
    pub action: &'a str,
    /// The ARN of the KMS key. `None` as long as there is none: only what covers everything covers that.
    pub resource: Option<&'a str>,
    /// What is known of the request.
    pub facts: &'a dyn Facts,
    /// Whether the request is allowed if no statement is about it.
    pub allowed_by_default: bool,
}

/// How it comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct ExternalKeyVerdict<'p> {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The statement that decided it. `None`: no statement is about the request.
    pub by: Option<DecidingStatement<'p>>,
}

/// A statement that decided a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DecidingStatement<'p> {
    /// What its policy is called.
    pub policy: &'p str,
    /// Its place in the policy, from 0.
    pub index: usize,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<&'p str>,
}

/// Decides by those policies, each with its name: an explicit deny anywhere wins, else an allow anywhere allows, else the default holds.
pub fn decide_external_key<'p>(
    question: &ExternalKeyQuestion<'_>,
    policies: impl IntoIterator<Item = (&'p str, &'p Policy)>,
) -> ExternalKeyVerdict<'p> {
    weigh(question, policies, &mut Unrecorded)
}

/// Decides in the same way, and says what every statement came to.
pub fn explain_external_key<'p>(
    question: &ExternalKeyQuestion<'_>,
    policies: impl IntoIterator<Item = (&'p str, &'p Policy)>,
) -> (ExternalKeyVerdict<'p>, Vec<ConsideredPolicy>) {
    let mut record = Record::default();
    let verdict = weigh(question, policies, &mut record);
    (verdict, record.into_policies())
}

fn weigh<'p>(
    question: &ExternalKeyQuestion<'_>,
    policies: impl IntoIterator<Item = (&'p str, &'p Policy)>,
    recorder: &mut impl Recorder,
) -> ExternalKeyVerdict<'p> {
    let target = question.resource.map_or_else(Target::any, Target::text);
    let (mut denied, mut allowed) = (None, None);
    for (name, policy) in policies {
        recorder.policy(PolicyType::ResourceBased, name);
        for (index, statement) in policy.statements().iter().enumerate() {
            let outcome = outcome(question, &target, statement);
            recorder.statement(index, statement, outcome, question.facts);
            if outcome != StatementOutcome::Matched {
                continue;
            }
            let first = match statement.effect {
                Effect::Allow => &mut allowed,
                Effect::Deny => &mut denied,
            };
            first.get_or_insert(DecidingStatement { policy: name, index, sid: statement.sid.as_deref() });
        }
    }
    match (denied, allowed) {
        (Some(_), _) => ExternalKeyVerdict { allowed: false, by: denied },
        (None, Some(_)) => ExternalKeyVerdict { allowed: true, by: allowed },
        (None, None) => ExternalKeyVerdict { allowed: question.allowed_by_default, by: None },
    }
}

fn outcome(
    question: &ExternalKeyQuestion<'_>,
    target: &Target<'_>,
    statement: &Statement,
) -> StatementOutcome {
    if !statement.covers_action(question.action) {
        StatementOutcome::OtherAction
    } else if !statement.covers_resource(target, question.facts) {
        StatementOutcome::OtherResource
    } else if !statement.conditions_hold(question.facts) {
        StatementOutcome::ConditionFailed
    } else {
        StatementOutcome::Matched
    }
}

impl std::fmt::Debug for ExternalKeyQuestion<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExternalKeyQuestion")
            .field("action", &self.action)
            .field("resource", &self.resource)
            .field("allowed_by_default", &self.allowed_by_default)
            .finish_non_exhaustive()
    }
}

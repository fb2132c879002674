//! Why a request is allowed or not, for people and for programs.

use super::{Asked, Verdict};
use access::{ConsideredPolicy, ConsideredStatement, FailedCondition, PolicyVerdict, StatementOutcome};
use serde::Serialize;
use std::fmt;
use xks_api::Operation;

/// A decision with all that mattered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// The statement that decided it. `None`: no statement is about the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Deciding>,
    /// What was asked.
    pub request: Request,
    /// The policies that were asked, that of the store first.
    pub policies: Vec<ConsideredPolicy>,
}

/// The statement that decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Deciding {
    /// What its policy is called.
    pub policy: String,
    /// Its place in the policy, from 0.
    pub index: usize,
    /// Its `Sid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The call of the proxy.
    pub operation: &'static str,
    /// The external key.
    pub external_key_id: String,
    /// The permission of KMS.
    pub action: String,
    /// The KMS key, or `*`.
    pub resource: String,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<String>,
}

impl Explanation {
    pub(super) fn new(
        asked: &Asked<'_>,
        action: String,
        verdict: Verdict<'_>,
        policies: Vec<ConsideredPolicy>,
    ) -> Self {
        let by = verdict.by.map(|by| Deciding {
            policy: by.policy.to_owned(),
            index: by.index,
            sid: by.sid.map(str::to_owned),
        });
        let request = Request {
            operation: asked.operation.as_str(),
            external_key_id: asked.external_key.to_owned(),
            action,
            resource: asked.metadata.kms_key_arn.as_deref().unwrap_or("*").to_owned(),
            principal: asked.metadata.aws_principal_arn.as_deref().map(str::to_owned),
        };
        Self { allowed: verdict.allowed, by, request, policies }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.allowed { "allowed" } else { "denied" };
        match &self.by {
            Some(by) => writeln!(f, "{verdict} by {by}")?,
            None if self.request.operation == Operation::GetHealthStatus.as_str() => {
                writeln!(f, "{verdict}: no policy is asked about GetHealthStatus")?;
            }
            None => writeln!(f, "{verdict} by default: no statement is about it")?,
        }
        write!(f, "{}", self.request)?;
        self.policies.iter().try_for_each(|policy| write_policy(f, policy))
    }
}

impl fmt::Display for Deciding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.index.saturating_add(1))?;
        self.sid.iter().try_for_each(|sid| write!(f, " (`{sid}`)"))?;
        write!(f, " of `{}`", self.policy)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A request is whoever signed it said that it is: nothing of it may steer a terminal.
        writeln!(f, "  asked: {} on {}", self.action.escape_debug(), self.resource.escape_debug())?;
        let principal = self.principal.as_deref().unwrap_or("nobody who is named");
        writeln!(f, "  by:    {}", principal.escape_debug())?;
        write!(f, "  as:    {}", self.operation)?;
        match self.external_key_id.as_str() {
            "" => writeln!(f),
            id => writeln!(f, " with the external key `{}`", id.escape_debug()),
        }
    }
}

fn write_policy(f: &mut fmt::Formatter<'_>, policy: &ConsideredPolicy) -> fmt::Result {
    let verdict = match policy.verdict {
        PolicyVerdict::Allows => "allows it",
        PolicyVerdict::Denies => "denies it",
        PolicyVerdict::Silent => "says nothing about it",
    };
    writeln!(f, "`{}` {verdict}", policy.name)?;
    policy.statements.iter().try_for_each(|statement| write_statement(f, statement))
}

fn write_statement(f: &mut fmt::Formatter<'_>, statement: &ConsideredStatement) -> fmt::Result {
    let outcome = match statement.outcome {
        StatementOutcome::ConditionFailed => "a condition was not met",
        StatementOutcome::Matched => "applies",
        StatementOutcome::OtherAction => "is about other actions",
        StatementOutcome::OtherPrincipal => "is about somebody else",
        StatementOutcome::OtherResource => "is about other keys",
    };
    write!(f, "  {} {}", statement.index.saturating_add(1), statement.effect)?;
    statement.sid.iter().try_for_each(|sid| write!(f, " `{sid}`"))?;
    writeln!(f, ": {outcome}")?;
    statement.failed_conditions.iter().try_for_each(|failed| write_condition(f, failed))
}

fn write_condition(f: &mut fmt::Formatter<'_>, failed: &FailedCondition) -> fmt::Result {
    let FailedCondition { operator, key, wanted, actual } = failed;
    let actual = actual.as_ref().map_or_else(|| "nothing".to_owned(), |values| listed(values));
    writeln!(f, "      {operator} {key} {}: the request has {actual}", listed(wanted))
}

fn listed(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| format!("`{}`", value.escape_debug())).collect();
    quoted.join(", ")
}

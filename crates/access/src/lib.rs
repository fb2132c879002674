//! Who may do what: a principal asks for an action on a resource, and [`decide`] answers.
//!
//! Pure: no input or output, no clock. Every call passes here once, and refusal is the default.

#![forbid(unsafe_code)]

mod authority;
mod decision;
mod facts;
mod policy;
mod principal;

pub use authority::{Attached, Authority};
pub use decision::{
    Asked, AskedBy, ConsideredGrant, ConsideredPolicy, ConsideredStatement, DecidingStatement, Decision,
    Denial, Explanation, ExternalKeyQuestion, ExternalKeyVerdict, FailedConstraints, GrantOutcome,
    KEY_ACTIONS, KeyAction, LOCKED_OUT, Outcome, PolicyType, PolicyVerdict, Question, Resource,
    StatementOutcome, decide, decide_external_key, decide_retirement, explain, explain_external_key,
    explain_retirement, grant_for, is_at_least_as_strict, keeps_control,
};
pub use facts::{Facts, Values};
pub use policy::{
    BoundPrincipals, Carriers, ConditionKey, FailedCondition, MalformedPolicy, Policy, PolicyKind,
    PolicyVersion, Row, ValueType,
};
pub use principal::{InvalidPrincipal, Principal, PrincipalKind, PrincipalName};

//! Who may do what: a principal asks for an action on a resource, and [`decide`] answers.
//!
//! Pure: no input or output, no clock. Every call passes here once, and refusal is the default.

#![forbid(unsafe_code)]

mod decision;
mod facts;
mod policy;
mod principal;

pub use decision::{Decision, Denial, Question, Resource, decide};
pub use facts::{Facts, Values};
pub use policy::{
    BoundPrincipals, Carriers, ConditionKey, FailedCondition, MalformedPolicy, Policy, PolicyKind, Row,
    ValueType,
};
pub use principal::{InvalidPrincipal, Principal, PrincipalKind, PrincipalName};

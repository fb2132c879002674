//! The conditions of a statement. Whatever a request lacks or spells wrongly makes a condition fail, unless the operator says otherwise.

mod keys;

pub use keys::{Carriers, ConditionKey, Row, ValueType};

/// A condition that a request did not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedCondition {
    /// The operator as the policy has it, such as `ForAnyValue:StringLike`.
    pub operator: String,
    /// The condition key as the policy has it.
    pub key: String,
    /// The values of which one would have been right (none of which, if the operator is a negated one), variables filled in.
    pub wanted: Vec<String>,
    /// The values in the request. None: it has no such key.
    pub actual: Option<Vec<String>>,
}

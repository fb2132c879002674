//! The conditions of a statement. What a request lacks, or spells so that it cannot be compared, matches nothing; what follows from that
//! is the operator's matter.

mod decimal;
mod keys;
mod operand;
mod operator;

pub use keys::{Carriers, ConditionKey, Row, ValueType};

use super::malformed::Flaw;
use super::template::{Reading, Template};
use crate::{Facts, Values};
use operand::Operand;
use operator::{Comparison, Operator, Quantifier};

/// One key under one operator.
#[derive(Debug)]
pub(super) struct Condition {
    operator: Operator,
    key: Key,
    wanted: Box<[Wanted]>,
    operator_written: Box<str>,
    key_written: Box<str>,
}

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

/// A condition key, with a row or without.
#[derive(Debug)]
pub(super) enum Key {
    Known(ConditionKey, Box<str>),
    Other(Box<str>),
}

#[derive(Debug)]
struct Wanted {
    written: Box<str>,
    operand: Option<Operand>,
    template: Template,
}

impl Condition {
    /// The condition that these texts are.
    pub(super) fn compile(operator: &str, key: &str, values: &[&str], variables: bool) -> Result<Self, Flaw> {
        let parsed = Operator::parse(operator).ok_or_else(|| Flaw::Operator(operator.into()))?;
        let wanted =
            values.iter().map(|value| Wanted::compile(parsed.comparison, operator, value, variables));
        Ok(Self {
            operator: parsed,
            key: Key::named(key),
            wanted: wanted.collect::<Result<_, Flaw>>()?,
            operator_written: operator.into(),
            key_written: key.into(),
        })
    }

    /// Whether a request that lacks the key, of which there can be only one value, meets it for that reason alone.
    pub(super) fn is_overly_permissive(&self) -> bool {
        let single_valued =
            matches!(self.key, Key::Known(ConditionKey::KmsEncryptionContext | ConditionKey::RequestTag, _));
        self.operator.quantifier == Quantifier::ForAllValues && single_valued
    }

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// Whether the request meets it.
    pub(super) fn holds(&self, facts: &dyn Facts) -> bool {
        let actual = self.key.values(facts);
        let actual = actual.as_slice();
        if self.operator.comparison == Comparison::Null {
            return self.wanted.iter().any(|wanted| wanted.is_bool(actual.is_empty(), facts));
        }
        if actual.is_empty() {
            return self.operator.holds_without_value();
        }
        let mut each = actual.iter();
        match (self.operator.quantifier, self.operator.is_negated) {
            (Quantifier::ForAllValues, _) | (Quantifier::None, true) => {
                each.all(|value| self.accepts(value, facts))
            }
            (Quantifier::ForAnyValue, _) | (Quantifier::None, false) => {
                each.any(|value| self.accepts(value, facts))
            }
        }
    }

    fn accepts(&self, value: &str, facts: &dyn Facts) -> bool {
        let mut all_known = true;
        for wanted in &self.wanted {
            match wanted.matches(self.operator.comparison, value, facts) {
                Some(true) => return !self.operator.is_negated,
                Some(false) => {}
                None => all_known = false,
            }
        }
        //= A value that cannot be filled in makes the statement invalid, whatever the operator.
        self.operator.is_negated && all_known
    }

    /// What is to be told of it when it does not hold.
    pub(super) fn failure(&self, facts: &dyn Facts) -> FailedCondition {
        let actual = self.key.values(facts);
        let actual: Vec<String> = actual.as_slice().iter().map(ToString::to_string).collect();
        FailedCondition {
            operator: self.operator_written.to_string(),
            key: self.key_written.to_string(),
            wanted: self.wanted.iter().map(|wanted| wanted.shown(facts)).collect(),
            actual: (!actual.is_empty()).then_some(actual),
        }
    }
}

impl Key {
    pub(super) fn named(name: &str) -> Self {
        match ConditionKey::named(name) {
            Some((key, suffix)) => Self::Known(key, suffix.into()),
            None => Self::Other(name.to_ascii_lowercase().into()),
        }
    }

    pub(super) fn values<'f>(&self, facts: &'f dyn Facts) -> Values<'f> {
        match self {
            Self::Known(key, suffix) => facts.find(*key, suffix),
            Self::Other(name) => facts.other(name),
        }
    }
}

impl Wanted {
    fn compile(comparison: Comparison, operator: &str, value: &str, variables: bool) -> Result<Self, Flaw> {
        let reading = Reading { variables, wildcards: comparison.has_wildcards() };
        let template = Template::parse(value, reading).map_err(|why| Flaw::Variable(value.into(), why))?;
        let operand = match &template {
            Template::Fixed(pattern) => {
                let unfit = || Flaw::ConditionValue { operator: operator.into(), value: value.into() };
                Some(Operand::new(comparison, pattern).ok_or_else(unfit)?)
            }
            Template::Variable(_) => None,
        };
        Ok(Self { written: value.into(), operand, template })
    }

    /// None: it cannot be said what is wanted.
    fn matches(&self, comparison: Comparison, value: &str, facts: &dyn Facts) -> Option<bool> {
        if let Some(operand) = &self.operand {
            return Some(operand.matches(value));
        }
        let pattern = self.template.filled(facts)?;
        Operand::new(comparison, &pattern).map(|operand| operand.matches(value))
    }

    fn is_bool(&self, value: bool, facts: &dyn Facts) -> bool {
        self.matches(Comparison::Bool, if value { "true" } else { "false" }, facts) == Some(true)
    }

    fn shown(&self, facts: &dyn Facts) -> String {
        match &self.template {
            Template::Fixed(_) => self.written.to_string(),
            template => {
                template.filled(facts).map_or_else(|| self.written.to_string(), |pattern| pattern.to_string())
            }
        }
    }
}

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

    /// Whether it is about that key.
    pub(super) fn is_about(&self, wanted: ConditionKey) -> bool {
        matches!(self.key, Key::Known(key, _) if key == wanted)
    }

    /// Whether a request that lacks the key, of which there can be only one value, meets it for that reason alone.
    pub(super) fn is_overly_permissive(&self) -> bool {
        let single_valued =
            matches!(self.key, Key::Known(ConditionKey::KmsEncryptionContext | ConditionKey::RequestTag, _));
        self.operator.quantifier == Quantifier::ForAllValues && single_valued
    }

    /// Whether whatever lacks the key meets it, for want of a value that would not do.
    pub(super) fn is_for_all_values(&self) -> bool {
        self.operator.quantifier == Quantifier::ForAllValues
    }

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// The key, and those that variables in its values ask for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.key).chain(self.wanted.iter().flat_map(|wanted| wanted.template.keys()))
    }

    /// Its values as the policy has them.
    pub(super) fn written(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().map(|wanted| &*wanted.written)
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

    /// Its name.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Known(key, suffix) => format!("{key}{suffix}"),
            Self::Other(name) => name.to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::Known;

    const KEY: &str = "example:key";

    fn holds(operator: &str, wanted: &[&str], actual: Option<&[&str]>) -> bool {
        let condition = Condition::compile(operator, KEY, wanted, true).unwrap();
        let facts: Vec<(&str, &[&str])> = actual.map(|values| (KEY, values)).into_iter().collect();
        condition.holds(&Known(&facts))
    }

    /// Operator, a value of the policy, a value that it matches, and one that it does not.
    const POSITIVE: &[(&str, &str, &str, &str)] = &[
        (
            "ArnEquals",
            "arn:aws:iam::111122223333:role/N*",
            "arn:aws:iam::111122223333:role/Nile",
            "arn:aws:iam::111122223333:user/N",
        ),
        ("ArnLike", "arn:aws:iam::*:role/N?le", "arn:aws:iam::111122223333:role/Nile", "Nile"),
        ("BinaryEquals", "TmlsZQ==", "TmlsZQ==", "TmlsZQ"),
        ("Bool", "true", "TRUE", "false"),
        ("DateEquals", "2026-11-22T00:00:00Z", "1795305600", "2026-11-22T00:00:01Z"),
        ("DateGreaterThan", "2026-11-22T00:00:00Z", "2026-11-22T00:00:01Z", "2026-11-22T00:00:00Z"),
        ("DateGreaterThanEquals", "2026-11-22", "2026-11-22T00:00:00Z", "2026-11-21T23:59:59Z"),
        ("DateLessThan", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00+01:00", "2026-11-22T00:00:00Z"),
        ("DateLessThanEquals", "2026-11-22T00:00:00Z", "2026-11-22T00:00:00Z", "never"),
        ("IpAddress", "203.0.113.0/24", "203.0.113.9", "203.0.114.9"),
        ("NumericEquals", "10", "10.0", "10.01"),
        ("NumericGreaterThan", "9", "10", "9"),
        ("NumericGreaterThanEquals", "9", "9.0", "-10"),
        ("NumericLessThan", "10", "9", "10"),
        ("NumericLessThanEquals", "10", "10", "many"),
        ("StringEquals", "Nile", "Nile", "nile"),
        ("StringEqualsIgnoreCase", "Nile", "nILE", "Niles"),
        ("StringLike", "N*l?", "Nile", "nile"),
    ];

    /// Operator, a value of the policy, a value that it refuses, and one that it does not.
    const NEGATED: &[(&str, &str, &str, &str)] = &[
        (
            "ArnNotEquals",
            "arn:aws:iam::*:role/Nile",
            "arn:aws:iam::111122223333:role/Nile",
            "arn:aws:iam::111122223333:role/nile",
        ),
        ("ArnNotLike", "arn:aws:iam::*:role/N*", "arn:aws:iam::111122223333:role/Nile", "Nile"),
        ("DateNotEquals", "2026-11-22", "2026-11-22T00:00:00Z", "2026-11-23"),
        ("NotIpAddress", "2001:db8::/32", "2001:db8::9", "203.0.113.9"),
        ("NumericNotEquals", "10", "10.0", "11"),
        ("StringNotEquals", "Nile", "Nile", "nile"),
        ("StringNotEqualsIgnoreCase", "Nile", "NILE", "Niles"),
        ("StringNotLike", "N*", "Nile", "delta"),
    ];

    /// Before the operator, and whether it holds when the request's values are: absent, the first, the second, both.
    const OF_POSITIVE: &[(&str, [bool; 4])] = &[
        ("", [false, true, false, true]),
        ("ForAnyValue:", [false, true, false, true]),
        ("ForAllValues:", [true, true, false, false]),
    ];
    const OF_NEGATED: &[(&str, [bool; 4])] = &[
        ("", [true, false, true, false]),
        ("ForAnyValue:", [false, false, true, true]),
        ("ForAllValues:", [true, false, true, false]),
    ];

    fn check(samples: &[(&str, &str, &str, &str)], expectations: &[(&str, [bool; 4])]) {
        for (operator, wanted, first, second) in samples {
            for (prefix, expected) in expectations {
                let operator = format!("{prefix}{operator}");
                let if_exists = format!("{operator}IfExists");
                let requests: [Option<&[&str]>; 4] =
                    [None, Some(&[first]), Some(&[second]), Some(&[first, second])];
                for (actual, expected) in requests.into_iter().zip(expected) {
                    assert_eq!(holds(&operator, &[wanted], actual), *expected, "{operator} {actual:?}");
                    let expected_if_exists = *expected || actual.is_none();
                    assert_eq!(
                        holds(&if_exists, &[wanted], actual),
                        expected_if_exists,
                        "{if_exists} {actual:?}"
                    );
                }
                assert_eq!(
                    holds(&operator, &[wanted], Some(&[])),
                    expected[0],
                    "{operator} and an empty list"
                );
            }
        }
    }

    #[test]
    fn each_operator_holds_when_it_should() {
        check(POSITIVE, OF_POSITIVE);
    }

    #[test]
    fn each_negated_operator_holds_when_it_should() {
        check(NEGATED, OF_NEGATED);
    }

    #[test]
    fn every_operator_has_a_sample() {
        let sampled: Vec<&str> = POSITIVE.iter().chain(NEGATED).map(|(operator, ..)| *operator).collect();
        for (operator, ..) in operator::TABLE {
            assert!(sampled.contains(operator) || *operator == "Null", "{operator}");
        }
    }

    #[test]
    fn of_several_values_of_the_policy_one_must_match_and_for_a_negated_operator_none() {
        for (operator, wanted, first, second) in
            POSITIVE.iter().filter(|(operator, ..)| operator.contains("Equals"))
        {
            let never = if operator.starts_with("Arn") { "arn:aws:s3:::never" } else { wanted };
            assert!(holds(operator, &[never, wanted], Some(&[first])), "{operator}");
            assert!(!holds(operator, &[never, wanted], Some(&[second])), "{operator}");
        }
        assert!(holds("StringEquals", &["a", "b"], Some(&["b"])));
        assert!(!holds("StringNotEquals", &["a", "b"], Some(&["b"])));
        assert!(holds("StringNotEquals", &["a", "b"], Some(&["c"])));
        assert!(holds("ForAllValues:StringEquals", &["a", "b"], Some(&["b", "a"])));
        assert!(!holds("ForAllValues:StringEquals", &["a", "b"], Some(&["b", "c"])));
        assert!(holds("NotIpAddress", &["10.0.0.0/8", "192.168.0.0/16"], Some(&["203.0.113.9"])));
        assert!(!holds("NotIpAddress", &["10.0.0.0/8", "192.168.0.0/16"], Some(&["192.168.1.1"])));
    }

    #[test]
    fn null_asks_whether_a_key_is_absent() {
        for (wanted, if_absent, if_present) in [("true", true, false), ("false", false, true)] {
            assert_eq!(holds("Null", &[wanted], None), if_absent);
            assert_eq!(holds("Null", &[wanted], Some(&[])), if_absent);
            assert_eq!(holds("Null", &[wanted], Some(&["x"])), if_present);
            assert_eq!(holds("Null", &[wanted], Some(&["x", "y"])), if_present);
        }
    }

    #[test]
    fn what_is_no_operator_is_refused() {
        for operator in [
            "",
            "Equals",
            "stringEquals",
            "StringEqualsIfExistsIfExists",
            "NullIfExists",
            "ForAnyValue:Null",
            "ForAnyValues:StringEquals",
            "ForAllValues:ForAnyValue:StringEquals",
            "IfExists",
            "BinaryNotEquals",
        ] {
            let refused = Condition::compile(operator, KEY, &["true"], true);
            assert_eq!(refused.unwrap_err(), Flaw::Operator(operator.into()));
        }
    }

    #[test]
    fn a_value_that_the_operator_cannot_compare_is_refused() {
        for (operator, value) in [
            ("ArnEquals", "Nile"),
            ("ArnLike", "arn:aws:iam::111122223333"),
            ("BinaryEquals", "not base64"),
            ("Bool", "yes"),
            ("DateLessThan", "tomorrow"),
            ("IpAddress", "203.0.113.*"),
            ("NotIpAddress", "10.0.0.0/33"),
            ("Null", "maybe"),
            ("NumericEquals", "ten"),
        ] {
            let refused = Condition::compile(operator, KEY, &[value], true).unwrap_err();
            assert_eq!(refused, Flaw::ConditionValue { operator: operator.into(), value: value.into() });
        }
    }

    #[test]
    fn wildcards_are_text_where_the_operator_has_none() {
        assert!(!holds("StringEquals", &["N*"], Some(&["Nile"])));
        assert!(holds("StringEquals", &["N*"], Some(&["N*"])));
    }

    #[test]
    fn names_of_keys_compare_without_case() {
        let facts = [("kms:EncryptionContext:AppName", ["x"].as_slice()), ("oidc.example.com:sub", &["ana"])];
        for (key, value) in [("KMS:encryptioncontext:appname", "x"), ("OIDC.example.com:Sub", "ana")] {
            assert!(
                Condition::compile("StringEquals", key, &[value], true).unwrap().holds(&Known(&facts)),
                "{key}"
            );
        }
    }

    #[test]
    fn a_condition_that_fails_says_what_was_wanted_and_what_was_there() {
        let condition = Condition::compile(
            "StringEquals",
            "aws:PrincipalTag/team",
            &["${aws:username}", "x", "${*}"],
            true,
        )
        .unwrap();
        let facts = Known(&[("aws:username", &["Ana"]), ("aws:PrincipalTag/team", &["delta"])]);
        let failure = condition.failure(&facts);
        assert_eq!(
            (failure.operator.as_str(), failure.key.as_str()),
            ("StringEquals", "aws:PrincipalTag/team")
        );
        assert_eq!(failure.wanted, ["Ana", "x", "${*}"]);
        assert_eq!(failure.actual, Some(vec!["delta".to_owned()]));
        assert_eq!(condition.failure(&Known(&[])).actual, None);
        assert_eq!(condition.failure(&Known(&[])).wanted, ["${aws:username}", "x", "${*}"]);
    }
}

//! The operators of conditions: their names, and what holds when a request has no value to compare.

/// An operator as it stands before a condition key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) quantifier: Quantifier,
    pub(super) comparison: Comparison,
    /// Whether it holds where the comparison does not.
    pub(super) is_negated: bool,
    /// Whether it holds where there is nothing to compare.
    pub(super) if_exists: bool,
}

/// How many of a request's values must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantifier {
    ForAllValues,
    ForAnyValue,
    /// The key is meant to have one value. Should it have several, one must match, or for a negated operator none.
    None,
}

/// How a value of a request is compared with a value of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Arn,
    Binary,
    Bool,
    Date(Relation),
    Ip,
    Null,
    Numeric(Relation),
    String,
    StringIgnoringCase,
    StringLike,
}

/// In which order the request's value and the policy's must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Operator {
    /// The operator of that name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (quantifier, name) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (Quantifier::ForAllValues, name),
            Some(("ForAnyValue", name)) => (Quantifier::ForAnyValue, name),
            Some(_) => return None,
            None => (Quantifier::None, name),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (_, comparison, is_negated) = TABLE.iter().find(|(known, ..)| *known == name)?;
        let operator = Self { quantifier, comparison: *comparison, is_negated: *is_negated, if_exists };
        let is_bare = quantifier == Quantifier::None && !if_exists;
        (is_bare || *comparison != Comparison::Null).then_some(operator)
    }

    /// Whether it holds when the request does not have the key.
    pub(super) const fn holds_without_value(&self) -> bool {
        self.if_exists
            || match self.quantifier {
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => false,
                Quantifier::None => self.is_negated,
            }
    }
}

impl Comparison {
    /// Whether `*` and `?` are wildcards in the policy's values.
    pub(super) const fn has_wildcards(self) -> bool {
        matches!(self, Self::Arn | Self::StringLike)
    }
}

impl Relation {
    pub(super) fn holds<T: Ord>(self, actual: &T, wanted: &T) -> bool {
        let order = actual.cmp(wanted);
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
        }
    }
}

/// Name, comparison, and whether it is negated.
pub(super) const TABLE: &[(&str, Comparison, bool)] = &[
    ("ArnEquals", Comparison::Arn, false),
    ("ArnLike", Comparison::Arn, false),
    ("ArnNotEquals", Comparison::Arn, true),
    ("ArnNotLike", Comparison::Arn, true),
    ("BinaryEquals", Comparison::Binary, false),
    ("Bool", Comparison::Bool, false),
    ("DateEquals", Comparison::Date(Relation::Equal), false),
    ("DateGreaterThan", Comparison::Date(Relation::Greater), false),
    ("DateGreaterThanEquals", Comparison::Date(Relation::GreaterOrEqual), false),
    ("DateLessThan", Comparison::Date(Relation::Less), false),
    ("DateLessThanEquals", Comparison::Date(Relation::LessOrEqual), false),
    ("DateNotEquals", Comparison::Date(Relation::Equal), true),
    ("IpAddress", Comparison::Ip, false),
    ("NotIpAddress", Comparison::Ip, true),
    ("Null", Comparison::Null, false),
    ("NumericEquals", Comparison::Numeric(Relation::Equal), false),
    ("NumericGreaterThan", Comparison::Numeric(Relation::Greater), false),
    ("NumericGreaterThanEquals", Comparison::Numeric(Relation::GreaterOrEqual), false),
    ("NumericLessThan", Comparison::Numeric(Relation::Less), false),
    ("NumericLessThanEquals", Comparison::Numeric(Relation::LessOrEqual), false),
    ("NumericNotEquals", Comparison::Numeric(Relation::Equal), true),
    ("StringEquals", Comparison::String, false),
    ("StringEqualsIgnoreCase", Comparison::StringIgnoringCase, false),
    ("StringLike", Comparison::StringLike, false),
    ("StringNotEquals", Comparison::String, true),
    ("StringNotEqualsIgnoreCase", Comparison::StringIgnoringCase, true),
    ("StringNotLike", Comparison::StringLike, true),
];

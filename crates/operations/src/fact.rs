//! What a request tells the conditions of policies: condition keys and the values that this request gives them.

use access::{ConditionKey, Values};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One condition key, or one family of them, and what the request gives it.
#[derive(Clone, Debug)]
pub struct Fact<'a> {
    key: ConditionKey,
    value: FactValue<'a>,
}

#[derive(Clone, Debug)]
enum FactValue<'a> {
    Text(Cow<'a, str>),
    Texts(Vec<Cow<'a, str>>),
    Pairs(Cow<'a, BTreeMap<String, String>>),
}

impl<'a> Fact<'a> {
    /// A key with one value.
    pub fn text(key: ConditionKey, value: impl Into<Cow<'a, str>>) -> Self {
        Self { key, value: FactValue::Text(value.into()) }
    }

    /// A key that is true or false.
    pub const fn flag(key: ConditionKey, value: bool) -> Self {
        let value = if value { "true" } else { "false" };
        Self { key, value: FactValue::Text(Cow::Borrowed(value)) }
    }

    /// A key with several values.
    pub fn texts(key: ConditionKey, values: impl IntoIterator<Item = Cow<'a, str>>) -> Self {
        Self { key, value: FactValue::Texts(values.into_iter().collect()) }
    }

    /// A family of keys, such as `kms:EncryptionContext:`, with a value for each suffix.
    pub const fn pairs(key: ConditionKey, pairs: &'a BTreeMap<String, String>) -> Self {
        Self { key, value: FactValue::Pairs(Cow::Borrowed(pairs)) }
    }

    /// The same of pairs that were put together for it.
    pub const fn made_pairs(key: ConditionKey, pairs: BTreeMap<String, String>) -> Self {
        Self { key, value: FactValue::Pairs(Cow::Owned(pairs)) }
    }

    /// What it says of that key and suffix.
    pub fn find(&self, key: ConditionKey, suffix: &str) -> Option<Values<'_>> {
        if self.key != key {
            return None;
        }
        match &self.value {
            FactValue::Text(text) => Some(Values::One(Cow::Borrowed(text))),
            FactValue::Texts(texts) => {
                Some(Values::Many(texts.iter().map(|text| Cow::Borrowed(text.as_ref())).collect()))
            }
            FactValue::Pairs(pairs) => value_of(pairs, suffix),
        }
    }
}

//= iam: aws:RequestTag/Key1 matches a tag that is named Key1 or key1, but not both
//= kms: the name of an encryption context pair in a condition key compares without case
/// The value of that name. Of several names that only case tells apart it is the one that is spelt like it, or none: else whoever may
/// choose names could bring along the value that a policy wants beside the one that is to count.
fn value_of<'p>(pairs: &'p BTreeMap<String, String>, suffix: &str) -> Option<Values<'p>> {
    let all = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    value_named(all, suffix).map(Into::into)
}

/// The same of names and values that come from elsewhere.
pub fn value_named<'p>(
    pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone,
    wanted: &str,
) -> Option<&'p str> {
    if let Some((_, value)) = pairs.clone().find(|(name, _)| *name == wanted) {
        return Some(value);
    }
    let mut alike = pairs.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let (_, value) = alike.next()?;
    alike.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_names_that_only_case_tells_apart_the_one_that_is_spelt_alike_counts_or_none() {
        let value = |pairs: &[(&'static str, &'static str)], name: &str| {
            value_named(pairs.iter().copied(), name).map(str::to_owned)
        };
        assert_eq!(value(&[("Team", "nile")], "team").as_deref(), Some("nile"));
        assert_eq!(value(&[("Team", "nile"), ("team", "delta")], "team").as_deref(), Some("delta"));
        assert_eq!(value(&[("Team", "nile"), ("TEAM", "delta")], "team"), None);
        assert_eq!(value(&[("other", "nile")], "team"), None);
    }
}

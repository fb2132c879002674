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

//= kms: the name of an encryption context pair in a condition key compares without case
fn value_of<'p>(pairs: &'p BTreeMap<String, String>, suffix: &str) -> Option<Values<'p>> {
    let named = |name: &str| name.eq_ignore_ascii_case(suffix);
    let mut found =
        pairs.iter().filter(|(name, _)| named(name)).map(|(_, value)| Cow::Borrowed(value.as_str()));
    let first = found.next()?;
    let rest: Vec<_> = found.collect();
    if rest.is_empty() {
        return Some(Values::One(first));
    }
    Some(Values::Many(std::iter::once(first).chain(rest).collect()))
}

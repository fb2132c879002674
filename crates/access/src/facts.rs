//! What is known of a request, asked for by condition keys and policy variables. It never says what follows from it.

use crate::ConditionKey;
use std::borrow::Cow;

/// The values of one condition key in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values<'a> {
    /// The request has no such key.
    Absent,
    /// Its one value.
    One(Cow<'a, str>),
    /// Its values. A key with an empty list is as good as absent.
    Many(Vec<Cow<'a, str>>),
}

impl<'a> Values<'a> {
    /// Them, in order; none if the key is absent.
    #[must_use]
    pub fn as_slice(&self) -> &[Cow<'a, str>] {
        match self {
            Self::Absent => &[],
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    /// The one value, if it is one.
    #[must_use]
    pub fn one(&self) -> Option<&str> {
        match self.as_slice() {
            [value] => Some(value),
            _ => None,
        }
    }
}

impl<'a> From<&'a str> for Values<'a> {
    fn from(value: &'a str) -> Self {
        Self::One(Cow::Borrowed(value))
    }
}

impl From<String> for Values<'_> {
    fn from(value: String) -> Self {
        Self::One(Cow::Owned(value))
    }
}

impl From<bool> for Values<'_> {
    fn from(value: bool) -> Self {
        Self::One(Cow::Borrowed(if value { "true" } else { "false" }))
    }
}

impl<'a, V: Into<Values<'a>>> From<Option<V>> for Values<'a> {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// What a request, its caller and the resource are like.
pub trait Facts {
    /// The values of that key. `suffix` is what follows the key's name in a policy: the tag's key of `aws:RequestTag/Project`, the
    /// context's key of `kms:EncryptionContext:AppName`, the number of `kms:RecipientAttestation:PCR4`; empty for keys without one.
    /// It compares without case (ASCII), as condition keys do.
    ///
    /// Times are given in ISO 8601 or as seconds since 1970, Booleans as `true` and `false`, bytes in base64.
    fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_>;

    /// The values of a key that has no row in [`ConditionKey`], such as `<host of an OIDC provider>:sub`, by its whole name in lower case.
    fn other(&self, _name: &str) -> Values<'_> {
        Values::Absent
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Facts by the whole names of their keys.
    pub(crate) struct Known<'a>(pub(crate) &'a [(&'a str, &'a [&'a str])]);

    impl Facts for Known<'_> {
        fn find(&self, key: ConditionKey, suffix: &str) -> Values<'_> {
            self.other(&format!("{key}{suffix}"))
        }

        fn other(&self, name: &str) -> Values<'_> {
            let values =
                self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, values)| *values);
            match values {
                None => Values::Absent,
                Some([value]) => Values::from(*value),
                Some(values) => Values::Many(values.iter().map(|value| Cow::from(*value)).collect()),
            }
        }
    }

    #[test]
    fn values_are_none_one_or_many() {
        assert!(Values::Absent.as_slice().is_empty());
        assert_eq!(Values::from(true).one(), Some("true"));
        assert_eq!(Values::from(None::<&str>), Values::Absent);
        assert_eq!(Values::Many(vec!["a".into(), "b".into()]).one(), None);
        assert_eq!(Values::Many(vec!["a".into()]).one(), Some("a"));
    }
}

//! JSON as policies have it: an element that is there twice is a mistake and not the last one, and depth is bounded.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// A JSON value. Numbers and Booleans are kept as they are spelt: a policy means the same by `true` and `"true"`.
#[derive(Debug, PartialEq)]
pub(super) enum Json {
    Array(Vec<Json>),
    Null,
    Object(BTreeMap<String, Json>),
    Scalar(String),
    Text(String),
}

impl Json {
    /// The value that this text is; else what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        // INVARIANT: serde_json refuses what is nested more than 128 deep, so that nothing here can run out of stack.
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    /// The values of an array, or the one value that stands for an array of one.
    pub(super) fn as_list(&self) -> &[Self] {
        match self {
            Self::Array(values) => values,
            value => std::slice::from_ref(value),
        }
    }

    /// The text, if it is one.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, or how a number or Boolean is spelt.
    pub(super) fn as_scalar(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The texts of an array of them, or the one text that stands for an array of one.
    pub(super) fn as_texts(&self) -> Option<Vec<&str>> {
        self.as_list().iter().map(Self::as_text).collect()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.into()))
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = elements.next_element()? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut values = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, Json>()? {
            if values.contains_key(&name) {
                return Err(A::Error::custom(format_args!("duplicate element `{name}`")));
            }
            values.insert(name, value);
        }
        Ok(Json::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_is_there_twice_is_refused_at_any_depth() {
        assert!(Json::parse(r#"{"a":1,"a":1}"#).unwrap_err().starts_with("duplicate element `a`"));
        assert!(Json::parse(r#"[{"a":{"b":1,"b":2}}]"#).is_err());
        assert!(Json::parse(r#"{"a":{"b":1},"b":2}"#).is_ok());
    }

    #[test]
    fn what_is_nested_too_deep_is_refused_and_not_followed() {
        assert!(Json::parse(&"[".repeat(100_000)).is_err());
        assert!(Json::parse(&r#"{"a":"#.repeat(100_000)).is_err());
    }

    #[test]
    fn numbers_and_booleans_are_texts_too() {
        let scalars = ["true", "3600", "-5", "1.5"];
        for scalar in scalars {
            assert_eq!(Json::parse(scalar), Ok(Json::Scalar(scalar.into())), "{scalar}");
        }
    }
}

//! The encryption context: a map from text to text.

use super::Member;
use super::text::TextVisitor;
use crate::{Path, Shape, Violations};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// What a ciphertext is bound to: pairs in order of their keys. An empty one is the same as none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionContext(pub BTreeMap<String, String>);

impl Member for EncryptionContext {
    type Raw = BTreeMap<String, String>;

    const SHAPE: Shape = Shape::Map;

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self::Raw, D::Error> {
        from.deserialize_any(Pairs)
    }

    fn check(raw: Self::Raw, _: &Path<'_>, _: &mut Violations) -> Option<Self> {
        Some(Self(raw))
    }
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let mut context = BTreeMap::new();
        while let Some(key) = pairs.next_key::<String>()? {
            context.insert(key, pairs.next_value_seed(Value)?);
        }
        Ok(context)
    }

    crate::unexpected_for_structure!();
}

struct Value;

impl<'de> DeserializeSeed<'de> for Value {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        from.deserialize_any(TextVisitor)
    }
}

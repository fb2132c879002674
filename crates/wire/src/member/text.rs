//! Text members: each has its limits of length and, some, a pattern.

use super::{Member, length_constraint};
use crate::{Path, Shape, Violations};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

crate::input! {
    /// A tag: its key and its value.
    pub struct Tag {
        required key: TagKey = "TagKey",
        required value: TagValue = "TagValue",
    }
}

texts! {
    /// The name of an alias, `alias/` included.
    AliasName 1..=256, "^[a-zA-Z0-9:/_-]+$" is_alias_character;
    /// The id of a custom key store.
    CustomKeyStoreId 1..=64;
    /// What a key is said to be.
    Description 0..=8192;
    /// A grant token.
    GrantToken 1..=8192 secret;
    /// A key, named by its id, its ARN, an alias or an alias's ARN. Which of them it is, and whether it is well formed, is
    /// found when it is resolved.
    KeyIdText 1..=2048;
    /// Where the next page of a list begins.
    Marker 1..=1024, r"[\u0020-\u00FF]*" is_latin;
    /// The name of a policy.
    PolicyName 1..=128, r"[\w]+" is_word_character;
    /// A policy document.
    PolicyText 1..=131_072, r"[\u0009\u000A\u000D\u0020-\u00FF]+" is_policy_character;
    /// The key of a tag.
    TagKey 1..=128;
    /// The value of a tag.
    TagValue 0..=256;
    /// The id of an external key.
    XksKeyId 1..=128, "^[a-zA-Z0-9-_.]+$" is_external_key_character;
}

const fn is_alias_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '_' | '-')
}

const fn is_latin(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{ff}')
}

const fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

const fn is_policy_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

const fn is_external_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Declares kinds of text: limits in characters, whether no message may show it and, where the service model has one, its
/// pattern with a function that decides it. Every pattern of the model says the same of each character.
macro_rules! texts {
    ($($(#[$about:meta])* $name:ident $min:literal..=$max:literal $($secret:ident)? $(, $pattern:literal $matches:ident)?;)+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            const SECRET: bool = texts!(@secret $($secret)?);

            const LIMITS: Limits = Limits {
                min: $min,
                max: $max,
                pattern: texts!(@pattern $($pattern $matches)?),
            };

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text, given away.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl Member for $name {
            type Raw = String;

            const SHAPE: Shape = Self::LIMITS.shape();

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
                from.deserialize_any(TextVisitor)
            }

            fn check(raw: String, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
                let broken = Self::LIMITS.broken_by(&raw);
                for constraint in &broken {
                    match Self::SECRET {
                        true => violations.hidden_value(path, constraint),
                        false => violations.value(path, &raw, constraint),
                    }
                }
                broken.is_empty().then_some(Self(raw))
            }
        }

        impl super::list::Scalar for $name {
            const SECRET: bool = Self::SECRET;

            fn constraints() -> Vec<String> {
                Self::LIMITS.constraints()
            }

            fn within_limits(raw: &str) -> bool {
                Self::LIMITS.broken_by(raw).is_empty()
            }
        }
    )+};
    (@secret secret) => { true };
    (@secret) => { false };
    (@pattern $pattern:literal $matches:ident) => { Some(($pattern, $matches)) };
    (@pattern) => { None };
}

use texts;

/// A pattern as the service model spells it, and what it says of each character.
type Pattern = (&'static str, fn(char) -> bool);

/// The limits of a kind of text: least and greatest length in characters, pattern.
struct Limits {
    min: usize,
    max: usize,
    pattern: Option<Pattern>,
}

impl Limits {
    const fn shape(&self) -> Shape {
        let pattern = match self.pattern {
            Some((pattern, _)) => Some(pattern),
            None => None,
        };
        Shape::Text { min: self.min, max: self.max, pattern }
    }

    /// The words for each limit that the text breaks.
    fn broken_by(&self, text: &str) -> Vec<String> {
        // Characters are counted only where bytes, of which there are never fewer, leave a doubt.
        let length = if text.len() <= self.max && text.len() >= self.min.saturating_mul(4) {
            text.len()
        } else {
            text.chars().count()
        };
        let mut broken: Vec<String> =
            length_constraint(length, self.min, Some(self.max)).into_iter().collect();
        if let Some((pattern, matches)) = self.pattern
            && !(text.chars().all(matches) && (!text.is_empty() || pattern.ends_with('*')))
        {
            broken.push(pattern_constraint(pattern));
        }
        broken
    }

    /// The words for every limit.
    fn constraints(&self) -> Vec<String> {
        let mut all = vec![
            format!("Member must have length less than or equal to {}", self.max),
            format!("Member must have length greater than or equal to {}", self.min),
        ];
        all.extend(self.pattern.map(|(pattern, _)| pattern_constraint(pattern)));
        all
    }
}

fn pattern_constraint(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

/// Reads text and nothing else, and says what else it met as AWS does.
pub(super) struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<String, E> {
        Ok(text)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Err(E::custom(if value { TRUE_AS_TEXT } else { FALSE_AS_TEXT }))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<String, E> {
        Err(E::custom(NUMBER_AS_TEXT))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<String, E> {
        Err(E::custom(NUMBER_AS_TEXT))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<String, E> {
        Err(E::custom(NUMBER_AS_TEXT))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }
}

const TRUE_AS_TEXT: &str = "TRUE_VALUE cannot be converted to String";
const FALSE_AS_TEXT: &str = "FALSE_VALUE cannot be converted to String";
const NUMBER_AS_TEXT: &str = "NUMBER_VALUE cannot be converted to String";
pub(super) const COLLECTION: &str = "Start of structure or map found where not expected";

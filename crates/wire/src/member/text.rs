//! Text members: each has its limits of length and, some, a pattern.

use super::length_constraint;
use crate::{NO_LIMIT, Path, Shape, Violations};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
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
    AliasName 1..=256, "^[a-zA-Z0-9:/_-]+$" each is_alias_character;
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
    Marker 1..=1024, r"[\u0020-\u00FF]*" each is_latin;
    /// The name of a policy.
    PolicyName 1..=128, r"[\w]+" each is_word_character;
    /// A policy document.
    PolicyText 1..=131_072, r"[\u0009\u000A\u000D\u0020-\u00FF]+" each is_policy_character;
    /// The name of a region.
    RegionName 1..=32, r"^([a-z]+-){2,3}\d+$" whole is_region_name;
    /// The key of a tag.
    TagKey 1..=128;
    /// The value of a tag.
    TagValue 0..=256;
    /// The id of an external key.
    XksKeyId 1..=128, "^[a-zA-Z0-9-_.]+$" each is_external_key_character;
}

pub(super) const fn is_alias_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '_' | '-')
}

pub(super) const fn is_latin(c: char) -> bool {
    matches!(c, '\u{20}'..='\u{ff}')
}

pub(super) const fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub(super) const fn is_policy_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{ff}')
}

pub(super) fn is_region_name(text: &str) -> bool {
    let mut parts: Vec<_> = text.split('-').collect();
    let number = parts.pop().unwrap_or_default();
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    is_number && (2..=3).contains(&parts.len()) && parts.iter().all(is_word)
}

const fn is_external_key_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Declares kinds of text: limits in characters, whether no message may show it and, where the service model has one, its
/// pattern with a function that decides it, of `each` character or of the `whole` text. `says` is the sentence that the
/// service has for a text that does not match.
macro_rules! texts {
    ($(
        $(#[$about:meta])* $name:ident $min:literal..=$max:tt $($secret:ident)?
        $(, $pattern:literal $extent:ident $matches:ident $(says $sentence:ident)?)?;
    )+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            const SECRET: bool = $crate::member::text::texts!(@secret $($secret)?);

            const LIMITS: $crate::member::text::Limits = $crate::member::text::Limits {
                min: $min,
                max: $max,
                pattern: $crate::member::text::texts!(@pattern $($pattern $extent $matches $($sentence)?)?),
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

        impl $crate::member::Member for $name {
            type Raw = String;

            const SHAPE: $crate::Shape = Self::LIMITS.shape();

            fn read<'de, D: serde::de::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
                from.deserialize_any($crate::member::text::TextVisitor)
            }

            fn check(
                raw: String,
                path: &$crate::Path<'_>,
                violations: &mut $crate::Violations,
            ) -> Option<Self> {
                Self::LIMITS.hold(&raw, Self::SECRET, path, violations).then_some(Self(raw))
            }
        }

        impl $crate::member::list::Scalar for $name {
            const SECRET: bool = Self::SECRET;

            fn constraints() -> Vec<String> {
                Self::LIMITS.constraints()
            }

            fn within_limits(raw: &str) -> bool {
                Self::LIMITS.broken_length(raw).is_none() && Self::LIMITS.broken_pattern(raw).is_none()
            }
        }
    )+};
    (@secret secret) => { true };
    (@secret) => { false };
    (@pattern $pattern:literal each $matches:ident $($sentence:ident)?) => {
        Some($crate::member::text::Pattern {
            text: $pattern,
            matches: $crate::member::text::Matches::Each($matches),
            sentence: $crate::member::text::texts!(@sentence $($sentence)?),
        })
    };
    (@pattern $pattern:literal whole $matches:ident $($sentence:ident)?) => {
        Some($crate::member::text::Pattern {
            text: $pattern,
            matches: $crate::member::text::Matches::Whole($matches),
            sentence: $crate::member::text::texts!(@sentence $($sentence)?),
        })
    };
    (@pattern) => { None };
    (@sentence $sentence:ident) => { Some($sentence) };
    (@sentence) => { None };
}

pub(super) use texts;

/// The limits of a kind of text: least and greatest length in characters, pattern.
pub(super) struct Limits {
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) pattern: Option<Pattern>,
}

/// A pattern as the service model spells it, and what decides it.
pub(super) struct Pattern {
    pub(super) text: &'static str,
    pub(super) matches: Matches,
    pub(super) sentence: Option<&'static str>,
}

pub(super) enum Matches {
    /// The pattern says the same of each character.
    Each(fn(char) -> bool),
    Whole(fn(&str) -> bool),
}

impl Limits {
    pub(super) const fn shape(&self) -> Shape {
        let pattern = match &self.pattern {
            Some(pattern) => Some(pattern.text),
            None => None,
        };
        Shape::Text { min: self.min, max: self.max, pattern }
    }

    /// Whether a text is within the limits. If not, the violations then say why.
    pub(super) fn hold(
        &self,
        text: &str,
        secret: bool,
        path: &Path<'_>,
        violations: &mut Violations,
    ) -> bool {
        let (length, pattern) = (self.broken_length(text), self.broken_pattern(text));
        let broken_pattern = pattern.filter(|pattern| pattern.sentence.is_none()).map(Pattern::constraint);
        for constraint in length.iter().chain(&broken_pattern) {
            match secret {
                true => violations.hidden_value(path, constraint),
                false => violations.value(path, &text, constraint),
            }
        }
        if let Some(sentence) = pattern.and_then(|pattern| pattern.sentence) {
            violations.sentence(format!("The specified value for {path} is invalid. {sentence}"));
        }
        length.is_none() && pattern.is_none()
    }

    /// The words of the limit on length that the text breaks.
    pub(super) fn broken_length(&self, text: &str) -> Option<String> {
        // Characters are counted only where bytes, of which there are never fewer, leave a doubt.
        let length = if text.len() <= self.max && text.len() >= self.min.saturating_mul(4) {
            text.len()
        } else {
            text.chars().count()
        };
        length_constraint(length, self.min, Some(self.max))
    }

    /// The pattern, if the text does not match it.
    pub(super) fn broken_pattern(&self, text: &str) -> Option<&Pattern> {
        self.pattern.as_ref().filter(|pattern| !pattern.is_matched_by(text))
    }

    /// The words for every limit.
    pub(super) fn constraints(&self) -> Vec<String> {
        let most = format!("Member must have length less than or equal to {}", self.max);
        let mut all: Vec<String> = (self.max < NO_LIMIT).then_some(most).into_iter().collect();
        all.push(format!("Member must have length greater than or equal to {}", self.min));
        all.extend(self.pattern.as_ref().map(Pattern::constraint));
        all
    }
}

impl Pattern {
    fn is_matched_by(&self, text: &str) -> bool {
        match self.matches {
            Matches::Each(_) if text.is_empty() => self.text.ends_with('*'),
            Matches::Each(matches) => text.chars().all(matches),
            Matches::Whole(matches) => matches(text),
        }
    }

    fn constraint(&self) -> String {
        format!("Member must satisfy regular expression pattern: {}", self.text)
    }
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

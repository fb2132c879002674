//! Members about key material: its id, description and expiration, how it is imported and which of it is listed.

use super::Member;
use super::enumeration::enumerations;
use super::text::{COLLECTION, Limits, Matches, Pattern, TextVisitor, texts};
use crate::{Path, Shape, Timestamp, Violations};
use keys::{ExpirationModel, ImportType, KeyMaterialId, Moment, WrappingAlgorithm, WrappingKeySpec, named};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

texts! {
    /// What the owner of imported key material says of it.
    KeyMaterialDescription 0..=256, r"^[a-zA-Z0-9:/_\s.-]+$" each is_description_character;
}

named! {
    /// Which key materials a list of rotations is to have.
    IncludeKeyMaterial {
        /// The first one and what waits for its rotation too.
        AllKeyMaterial = "ALL_KEY_MATERIAL",
        /// Those that a rotation made current.
        RotationsOnly = "ROTATIONS_ONLY",
    }
}

enumerations! {
    ExpirationModel ImportType IncludeKeyMaterial WrappingAlgorithm WrappingKeySpec
}

impl Member for KeyMaterialId {
    type Raw = String;

    const SHAPE: Shape = ID.shape();

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
        from.deserialize_any(TextVisitor)
    }

    fn check(raw: String, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
        // INVARIANT: what is within the limits is an id.
        ID.hold(&raw, false, path, violations).then(|| raw.parse().ok())?
    }
}

impl Member for Timestamp {
    type Raw = Moment;

    const SHAPE: Shape = Shape::Timestamp;

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Moment, D::Error> {
        from.deserialize_any(TimestampVisitor)
    }

    fn check(raw: Moment, _: &Path<'_>, _: &mut Violations) -> Option<Self> {
        Some(Self(raw))
    }
}

/// Reads seconds since the epoch with their fraction, and nothing else. What is further away than time goes is the end of it.
struct TimestampVisitor;

impl<'de> Visitor<'de> for TimestampVisitor {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since the epoch")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Moment, E> {
        Ok(Moment::from_millis(seconds.saturating_mul(1000)))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Moment, E> {
        self.visit_i64(i64::try_from(seconds).unwrap_or(i64::MAX))
    }

    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what is wanted")]
    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Moment, E> {
        Ok(Moment::from_millis((seconds * 1000.0).round() as i64))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Moment, E> {
        Err(E::custom(if value {
            "TRUE_VALUE cannot be converted to Timestamp"
        } else {
            "FALSE_VALUE cannot be converted to Timestamp"
        }))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Moment, E> {
        Err(E::custom("STRING_VALUE cannot be converted to Timestamp"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Moment, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Moment, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }
}

/// `\s` is what Java takes for it.
const fn is_description_character(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, ':' | '/' | '_' | '.' | '-')
        || matches!(c, ' ' | '\t' | '\n' | '\u{b}' | '\u{c}' | '\r')
}

const fn is_id_character(c: char) -> bool {
    matches!(c, 'a'..='f' | '0'..='9')
}

const ID: Limits = Limits {
    min: 64,
    max: 64,
    pattern: Some(Pattern { text: "^[a-f0-9]+$", matches: Matches::Each(is_id_character), sentence: None }),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Input as _;

    crate::input! {
        /// A request.
        pub struct Request {
            optional valid_to: Timestamp = "ValidTo",
        }
    }

    fn millis(number: &str) -> i64 {
        let request = Request::parse(format!(r#"{{"ValidTo":{number}}}"#).as_bytes()).unwrap();
        request.valid_to.unwrap().0.as_millis()
    }

    #[test]
    fn a_timestamp_is_seconds_with_their_fraction() {
        assert_eq!(millis("1773253425"), 1_773_253_425_000);
        assert_eq!(millis("1773253425.56"), 1_773_253_425_560);
        assert_eq!(millis("1.77325342556E9"), 1_773_253_425_560);
        assert_eq!((millis("-1"), millis("0.0004")), (-1000, 0));
        assert_eq!((millis("1e300"), millis("9223372036854775807")), (i64::MAX, i64::MAX));
    }

    #[test]
    fn a_text_is_no_timestamp() {
        assert!(Request::parse(br#"{"ValidTo":"2026-01-01T00:00:00Z"}"#).is_err());
    }
}

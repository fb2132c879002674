//! Numbers within a range, and booleans.

use super::Member;
use super::text::COLLECTION;
use crate::{Path, Shape, Violations};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// How many entries a page may have: 1 to 1000.
pub type Limit = Integer<1, 1000>;

/// How many bytes are asked for: 1 to 1024.
pub type NumberOfBytes = Integer<1, 1024>;

/// How many days a key waits for its deletion. The service itself asks for 7 to 30; this is the model's wider range.
pub type PendingWindowInDays = Integer<1, 365>;

/// How many days lie between two rotations of a key.
pub type RotationPeriodInDays = Integer<90, 2560>;

macro_rules! integers {
    ($($(#[$about:meta])* $name:ident $number:ident;)+) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name<const MIN: $number, const MAX: $number>($number);

        impl<const MIN: $number, const MAX: $number> $name<MIN, MAX> {
            /// The number.
            #[must_use]
            pub const fn value(self) -> $number {
                self.0
            }
        }

        impl<const MIN: $number, const MAX: $number> Member for $name<MIN, MAX> {
            type Raw = i64;

            const SHAPE: Shape = Shape::Integer { min: MIN as i64, max: MAX as i64 };

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
                from.deserialize_any(IntegerVisitor)
            }

            fn check(raw: i64, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
                hold(raw, i64::from(MIN), i64::from(MAX), path, violations);
                $number::try_from(raw).ok().filter(|number| (MIN..=MAX).contains(number)).map(Self)
            }
        }
    )+};
}

integers! {
    /// A whole number from `MIN` to `MAX`, both of which fit into 16 bits.
    Integer u16;
    /// A duration of `MIN` to `MAX` seconds.
    Seconds u32;
}

/// Holds a number against its limits.
fn hold(number: i64, min: i64, max: i64, path: &Path<'_>, violations: &mut Violations) {
    if number < min {
        let constraint = format_args!("Member must have value greater than or equal to {min}");
        violations.value(path, &number, &constraint);
    } else if number > max {
        let constraint = format_args!("Member must have value less than or equal to {max}");
        violations.value(path, &number, &constraint);
    }
}

impl Member for bool {
    type Raw = Self;

    const SHAPE: Shape = Shape::Boolean;

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(BooleanVisitor)
    }

    fn check(raw: Self, _: &Path<'_>, _: &mut Violations) -> Option<Self> {
        Some(raw)
    }
}

struct IntegerVisitor;

impl<'de> Visitor<'de> for IntegerVisitor {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        Ok(i64::try_from(number).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<i64, E> {
        Err(E::custom("DECIMAL_VALUE cannot be converted to Integer"))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<i64, E> {
        Err(E::custom(if value {
            "TRUE_VALUE cannot be converted to Integer"
        } else {
            "FALSE_VALUE cannot be converted to Integer"
        }))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<i64, E> {
        Err(E::custom("STRING_VALUE cannot be converted to Integer"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<i64, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<i64, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }
}

struct BooleanVisitor;

impl<'de> Visitor<'de> for BooleanVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<bool, E> {
        Err(E::custom(NUMBER_AS_BOOLEAN))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<bool, E> {
        Err(E::custom(NUMBER_AS_BOOLEAN))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<bool, E> {
        Err(E::custom(NUMBER_AS_BOOLEAN))
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<bool, E> {
        Err(E::custom("STRING_VALUE cannot be converted to Boolean"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<bool, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<bool, A::Error> {
        Err(A::Error::custom(COLLECTION))
    }
}

const NUMBER_AS_BOOLEAN: &str = "NUMBER_VALUE cannot be converted to Boolean";

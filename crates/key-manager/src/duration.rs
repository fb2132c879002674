//! A length of time as people write it in a configuration: `200ms`, `30s`, `5m`.

use serde::Deserialize as _;
use serde::de::{Deserializer, Error};
use std::time::Duration;

/// Reads a length of time: a whole number of one of the units, more than nothing and an hour at most, so that sums with moments stay in
/// range. For `#[serde(deserialize_with = "key_manager::duration")]`.
///
/// # Errors
///
/// It is anything else.
pub fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(from).map_err(|_| wrong())?;
    parsed(&text).ok_or_else(wrong)
}

fn wrong<E: Error>() -> E {
    E::custom(
        "a length of time is a whole number, 1 or more, and a unit, an hour at most, such as `200ms`, `30s` or `5m`",
    )
}

fn parsed(text: &str) -> Option<Duration> {
    let unit_at = text.find(|symbol: char| !symbol.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let (_, one) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let length = one.checked_mul(number.parse().ok()?)?;
    (!length.is_zero() && length <= LONGEST).then_some(length)
}

const UNITS: [(&str, Duration); 4] = [
    ("ms", Duration::from_millis(1)),
    ("s", Duration::from_secs(1)),
    ("m", Duration::from_mins(1)),
    ("h", Duration::from_hours(1)),
];
const LONGEST: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::Error as ValueError;

    #[test]
    fn a_whole_number_and_a_unit_is_a_length_of_time() {
        for (text, milliseconds) in [
            ("1ms", 1),
            ("200ms", 200),
            ("30s", 30_000),
            ("5m", 300_000),
            ("60m", 3_600_000),
            ("1h", 3_600_000),
        ] {
            let length = duration(IntoDeserializer::<ValueError>::into_deserializer(text)).unwrap();
            assert_eq!(length, Duration::from_millis(milliseconds), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in [
            "",
            "5",
            "s",
            "0s",
            "0ms",
            "-5s",
            "+5s",
            "5 s",
            " 5s",
            "1.5s",
            "5d",
            "1m 5s",
            "61m",
            "2h",
            "1é",
            "99999999999999999999s",
            "4294967295h",
        ] {
            let read = duration(IntoDeserializer::<ValueError>::into_deserializer(wrong));
            assert!(read.is_err_and(|error| error.to_string().contains("`30s`")), "{wrong}");
        }
        assert!(duration(IntoDeserializer::<ValueError>::into_deserializer(5_u32)).is_err());
    }
}

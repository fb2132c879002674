//! Values of a policy, ready to be compared with those of a request.

use super::decimal::Decimal;
use super::operator::{Comparison, Relation};
use crate::policy::pattern::{ArnPattern, Case, Pattern};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use std::net::IpAddr;

#[derive(Debug)]
pub(super) enum Operand {
    Arn(ArnPattern),
    /// Bytes, in the only way in which base64 spells them.
    Base64(Box<str>),
    Bool(bool),
    Date(Relation, Timestamp),
    Network(Network),
    Number(Relation, Decimal<Box<str>>),
    Pattern(Pattern),
    Text(Box<str>),
    TextIgnoringCase(Box<str>),
}

impl Operand {
    /// The operand that this text is under that comparison. None: it cannot be compared so.
    pub(super) fn new(comparison: Comparison, pattern: &Pattern) -> Option<Self> {
        let text = || pattern.to_string();
        Some(match comparison {
            Comparison::Arn => Self::Arn(ArnPattern::new(pattern)?),
            Comparison::Binary => {
                Self::Base64(Some(text()).filter(|text| STANDARD.decode(text).is_ok())?.into())
            }
            Comparison::Bool | Comparison::Null => Self::Bool(boolean(&text())?),
            Comparison::Date(relation) => Self::Date(relation, date(&text())?),
            Comparison::Ip => Self::Network(Network::parse(&text())?),
            Comparison::Numeric(relation) => Self::Number(relation, Decimal::parse(&text())?.to_owned()),
            Comparison::String => Self::Text(text().into()),
            Comparison::StringIgnoringCase => Self::TextIgnoringCase(text().into()),
            Comparison::StringLike => Self::Pattern(pattern.clone()),
        })
    }

    /// Whether a value of a request matches. One that cannot be compared does not.
    pub(super) fn matches(&self, value: &str) -> bool {
        match self {
            Self::Arn(pattern) => pattern.matches(value),
            Self::Bool(wanted) => boolean(value) == Some(*wanted),
            Self::Date(relation, wanted) => date(value).is_some_and(|actual| relation.holds(&actual, wanted)),
            Self::Network(network) => value.parse().is_ok_and(|address| network.contains(address)),
            Self::Number(relation, wanted) => {
                Decimal::parse(value).is_some_and(|actual| relation.holds(&actual, &wanted.as_ref()))
            }
            Self::Pattern(pattern) => pattern.matches(value, Case::Kept),
            Self::Base64(wanted) | Self::Text(wanted) => value == &**wanted,
            Self::TextIgnoringCase(wanted) => is_same_ignoring_case(value, wanted),
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        return Some(true);
    }
    text.eq_ignore_ascii_case("false").then_some(false)
}

/// A time: ISO 8601 from the year down to fractions of a second, in UTC unless it says otherwise, or seconds since 1970. Four digits
/// are a year.
fn date(text: &str) -> Option<Timestamp> {
    let is_year = text.len() == 4;
    if let (false, Ok(seconds)) = (is_year, text.parse()) {
        return Timestamp::from_second(seconds).ok();
    }
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let day: Option<Date> = match text.len() {
        4 => format!("{text}-01-01").parse().ok(),
        7 => format!("{text}-01").parse().ok(),
        _ => None,
    };
    let time = day.map(DateTime::from).or_else(|| text.parse().ok())?;
    time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

fn is_same_ignoring_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || one.chars().flat_map(char::to_lowercase).eq(other.chars().flat_map(char::to_lowercase))
}

/// A range of addresses: `203.0.113.0/24`, `2001:db8::/32`, or one address.
#[derive(Debug)]
pub(super) struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address.parse().ok()?, Some(prefix.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let (_, width) = bits(address);
        let prefix = prefix.unwrap_or(width);
        (prefix <= width).then_some(Self { address, prefix })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let ((own, width), (other, other_width)) = (bits(self.address), bits(address.to_canonical()));
        // A shift by the whole width is none: the prefix 0 has every address.
        width == other_width && (own ^ other).checked_shr(width - self.prefix).unwrap_or(0) == 0
    }
}

/// An address as a number, and of how many bits.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_be_spelt_in_many_ways() {
        let noon = date("2026-11-22T12:00:00Z").unwrap();
        for same in [
            "2026-11-22T12:00Z",
            "2026-11-22T13:00:00+01:00",
            "2026-11-22T12:00:00",
            "1795348800",
            "2026-11-22T12:00:00.000Z",
        ] {
            assert_eq!(date(same), Some(noon), "{same}");
        }
        let midnight = date("2026-01-01T00:00:00Z");
        for same in ["2026-01-01", "2026-01", "2026"] {
            assert_eq!(date(same), midnight, "{same}");
        }
        for wrong in
            ["", "tomorrow", "2026-13-01", "2026-11-22T25:00:00Z", "12:00", "99999999999999999999", "1.5"]
        {
            assert_eq!(date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_network_has_the_addresses_of_its_prefix_and_no_others() {
        let contains =
            |network, address: &str| Network::parse(network).unwrap().contains(address.parse().unwrap());
        for (network, address) in [
            ("203.0.113.0/24", "203.0.113.255"),
            ("203.0.113.77/24", "203.0.113.1"),
            ("203.0.113.7", "203.0.113.7"),
            ("0.0.0.0/0", "255.255.255.255"),
            ("2001:db8::/32", "2001:db8:ffff::1"),
            ("::/0", "2001:db8::1"),
            ("203.0.113.0/24", "::ffff:203.0.113.9"),
        ] {
            assert!(contains(network, address), "{network} and {address}");
        }
        for (network, address) in [
            ("203.0.113.0/24", "203.0.114.0"),
            ("203.0.113.7", "203.0.113.8"),
            ("::/0", "203.0.113.7"),
            ("0.0.0.0/0", "2001:db8::1"),
            ("2001:db8::/33", "2001:db8:8000::"),
        ] {
            assert!(!contains(network, address), "{network} and {address}");
        }
        for wrong in ["203.0.113.0/33", "203.0.113/24", "::/129", "*", "", "/0", "203.0.113.0/-1"] {
            assert!(Network::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn letters_beyond_ascii_have_cases_too() {
        assert!(is_same_ignoring_case("Größe", "GRÖßE"));
        assert!(!is_same_ignoring_case("Größe", "Grösse"));
    }
}

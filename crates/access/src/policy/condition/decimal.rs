//! Decimal numbers of any length, compared exactly: binary floating point would hold two large numbers for one.

use std::cmp::Ordering;

/// A number, in the digits that it was written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal<S> {
    is_negative: bool,
    /// Digits before the point, without leading zeros.
    whole: S,
    /// Digits after it, without trailing zeros.
    fraction: S,
}

impl<'a> Decimal<&'a str> {
    /// The number that this text is: digits, with a sign and a point if need be.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !is_digits(whole) || !is_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let is_zero = whole.is_empty() && fraction.is_empty();
        Some(Self { is_negative: is_negative && !is_zero, whole, fraction })
    }

    /// The same, to be kept.
    pub(super) fn to_owned(&self) -> Decimal<Box<str>> {
        Decimal { is_negative: self.is_negative, whole: self.whole.into(), fraction: self.fraction.into() }
    }
}

impl Decimal<Box<str>> {
    /// The same, to be compared.
    pub(super) fn as_ref(&self) -> Decimal<&str> {
        Decimal { is_negative: self.is_negative, whole: &self.whole, fraction: &self.fraction }
    }
}

impl Ord for Decimal<&str> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_size = (self.whole.len(), self.whole, self.fraction).cmp(&(
            other.whole.len(),
            other.whole,
            other.fraction,
        ));
        match (self.is_negative, other.is_negative) {
            (false, false) => by_size,
            (true, true) => by_size.reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Decimal<&str> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_ordered_by_value_and_not_by_spelling() {
        let in_order = [
            "-10.5",
            "-10",
            "-0.5",
            "0",
            "0.045",
            "0.45",
            "0.5",
            "2",
            "10",
            "9007199254740992",
            "9007199254740993",
        ];
        for pair in in_order.windows(2) {
            assert!(Decimal::parse(pair[0]).unwrap() < Decimal::parse(pair[1]).unwrap(), "{pair:?}");
        }
        for (one, same) in [("1", "1.0"), ("007", "7"), ("-0", "0.00"), ("+5", "5"), (".5", "0.50")] {
            assert_eq!(Decimal::parse(one), Decimal::parse(same));
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for wrong in ["", "-", ".", "1e5", "0x10", "1 ", "1.2.3", "--1", "NaN", "1,000"] {
            assert_eq!(Decimal::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn whole_numbers_are_ordered_as_whole_numbers(one: i64, other: i64) {
            let (one_text, other_text) = (one.to_string(), other.to_string());
            prop_assert_eq!(Decimal::parse(&one_text).unwrap().cmp(&Decimal::parse(&other_text).unwrap()), one.cmp(&other));
        }
    }
}

//! The two spellings of a date that a signed request may use. It never reads the clock.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::Offset;

/// Reads `20150830T123600Z`, ISO-8601 basic format.
pub(crate) fn parse_basic(text: &str) -> Option<Timestamp> {
    let [y1, y2, y3, y4, mo1, mo2, d1, d2, b'T', h1, h2, mi1, mi2, s1, s2, b'Z'] = *text.as_bytes() else {
        return None;
    };
    let year = i16::from(two_digits(y1, y2)?) * 100 + i16::from(two_digits(y3, y4)?);
    let (month, day) = (two_digits(mo1, mo2)?, two_digits(d1, d2)?);
    let (hour, minute, second) = (two_digits(h1, h2)?, two_digits(mi1, mi2)?, two_digits(s1, s2)?);
    Offset::UTC.to_timestamp(DateTime::new(year, month, day, hour, minute, second, 0).ok()?).ok()
}

/// Reads the date of an HTTP `Date` header.
pub(crate) fn parse_http(text: &str) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(text).ok()
}

/// Writes ISO-8601 basic format.
pub(crate) fn basic(instant: Timestamp) -> String {
    instant.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The `20150830` of `20150830T123600Z`.
pub(crate) fn day_of(basic: &str) -> &str {
    basic.split('T').next().unwrap_or_default()
}

/// A length of time as AWS's messages spell it, in minutes where they are whole.
pub(crate) fn window(length: Duration) -> String {
    match length.as_secs() {
        seconds if seconds.is_multiple_of(60) => format!("{} min.", seconds / 60),
        seconds => format!("{seconds} sec."),
    }
}

fn two_digits(tens: u8, units: u8) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| (byte - b'0').cast_signed());
    Some(digit(tens)? * 10 + digit(units)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_format_is_read_and_written() {
        let instant = parse_basic("20150830T123600Z").unwrap();
        assert_eq!(instant.as_second(), 1_440_938_160);
        assert_eq!(basic(instant), "20150830T123600Z");
    }

    #[test]
    fn a_date_that_is_not_basic_format_is_not_read() {
        for text in [
            "",
            "20150830",
            "2015-08-30T12:36:00Z",
            "20150830T123600",
            "20150830T123600z",
            "20150830T123600Z ",
            "20151330T123600Z",
            "20150230T123600Z",
            "20150830T243600Z",
            "20150830T123660Z",
            "2015083OT123600Z",
            "+0150830T123600Z",
        ] {
            assert_eq!(parse_basic(text), None, "{text}");
        }
    }

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(parse_http("Sun, 30 Aug 2015 12:36:00 GMT"), parse_basic("20150830T123600Z"));
        assert_eq!(parse_http("30/08/2015"), None);
    }

    #[test]
    fn a_window_is_spelt_in_minutes_where_they_are_whole() {
        assert_eq!(window(Duration::from_secs(300)), "5 min.");
        assert_eq!(window(Duration::from_secs(90)), "90 sec.");
    }
}

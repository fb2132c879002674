//! `output!`: declares what an operation answers, and how its values are written.

use crate::Sensitive;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use keys::Moment;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::ser::Error as _;
use serde::{Serialize, Serializer};

/// What an operation answers.
pub trait Output: Serialize {
    /// The wire names of its members and whether each is always there.
    const MEMBERS: &'static [(&'static str, bool)];

    /// Whether the answer has a body. An operation whose model has no output answers with none.
    const HAS_BODY: bool = true;
}

impl Output for () {
    const MEMBERS: &'static [(&'static str, bool)] = &[];
    const HAS_BODY: bool = false;
}

/// Declares a structure of an answer. An `optional` member that is `None` is left out, never `null`.
#[macro_export]
macro_rules! output {
    ($(#[$about:meta])* pub struct $name:ident {
        $($presence:ident $field:ident: $kind:ty = $wire:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Debug)]
        pub struct $name {
            $(#[doc = concat!("`", $wire, "`")] pub $field: $crate::output!(@type $presence $kind),)*
        }

        impl $crate::Output for $name {
            const MEMBERS: &'static [(&'static str, bool)] =
                &[$(($wire, $crate::input!(@required $presence)),)*];
        }

        impl $crate::expansion::serde::Serialize for $name {
            fn serialize<S>(&self, to: S) -> Result<S::Ok, S::Error>
            where
                S: $crate::expansion::serde::Serializer,
            {
                use $crate::expansion::serde::ser::SerializeStruct;
                let mut structure = to.serialize_struct(stringify!($name), 0_usize $(+ { let _ = $wire; 1 })*)?;
                $($crate::output!(@write $presence self.$field, $wire, structure);)*
                structure.end()
            }
        }
    };
    (@type required $kind:ty) => { $kind };
    (@type optional $kind:ty) => { Option<$kind> };
    (@write required $value:expr, $wire:literal, $to:expr) => { $to.serialize_field($wire, &$value)? };
    (@write optional $value:expr, $wire:literal, $to:expr) => {
        if let Some(value) = &$value {
            $to.serialize_field($wire, value)?;
        }
    };
}

/// Bytes, which go out as base64 text.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(pub Vec<u8>);

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(&self.0, &STANDARD))
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

/// A secret that goes out as text, to its owner: a secret access key, a session token.
#[derive(Debug)]
pub struct SecretText(pub Sensitive<String>);

impl Serialize for SecretText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

/// A list: an array in JSON, `<member>` elements in XML.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Members<T>(pub Vec<T>);

impl<T> FromIterator<T> for Members<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        Self(elements.into_iter().collect())
    }
}

/// Text that goes out percent-encoded as of RFC 3986, as IAM sends policy documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlEncoded(pub String);

impl Serialize for UrlEncoded {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&utf8_percent_encode(&self.0, RESERVED))
    }
}

/// A moment of the Query protocol, which goes out as `2024-01-02T03:04:05Z`, whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IsoTimestamp(pub Moment);

impl Serialize for IsoTimestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let moment = jiff::Timestamp::from_second(self.0.as_seconds()).map_err(S::Error::custom)?;
        to.collect_str(&moment)
    }
}

impl<T: AsRef<[u8]> + zeroize::Zeroize> Serialize for Sensitive<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&Base64Display::new(self.expose().as_ref(), &STANDARD))
    }
}

/// A moment, which goes out as seconds since the epoch with their fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(pub Moment);

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let millis = self.0.as_millis();
        if millis.rem_euclid(1000) == 0 {
            return to.serialize_i64(self.0.as_seconds());
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "milliseconds of the next 280,000 years are exact in 53 bits"
        )]
        to.serialize_f64(millis as f64 / 1000.0)
    }
}

/// All but RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

#[cfg(test)]
mod tests {
    use super::*;

    output! {
        /// An answer.
        pub struct Answer {
            required blob: Blob = "Blob",
            optional date: Timestamp = "Date",
            optional plaintext: Sensitive<Vec<u8>> = "Plaintext",
        }
    }

    fn written(answer: &Answer) -> String {
        serde_json::to_string(answer).unwrap()
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let answer = Answer { blob: Blob(vec![0xff]), date: None, plaintext: None };
        assert_eq!(written(&answer), r#"{"Blob":"/w=="}"#);
    }

    #[test]
    fn a_moment_is_seconds_with_their_fraction() {
        let at = |millis| Some(Timestamp(Moment::from_millis(millis)));
        let answer = |date| Answer { blob: Blob(vec![]), date, plaintext: None };
        assert_eq!(written(&answer(at(1_773_253_425_560))), r#"{"Blob":"","Date":1773253425.56}"#);
        assert_eq!(written(&answer(at(1_773_253_425_000))), r#"{"Blob":"","Date":1773253425}"#);
    }

    #[test]
    fn a_plaintext_goes_out_to_its_owner() {
        let answer = Answer { blob: Blob(vec![]), date: None, plaintext: Some(Sensitive::new(vec![1])) };
        assert_eq!(written(&answer), r#"{"Blob":"","Plaintext":"AQ=="}"#);
    }

    #[test]
    fn a_list_is_an_array_in_json() {
        assert_eq!(serde_json::to_string(&Members(vec![1, 2])).unwrap(), "[1,2]");
    }

    #[test]
    fn a_date_of_the_query_protocol_has_whole_seconds() {
        let date = |millis| serde_json::to_string(&IsoTimestamp(Moment::from_millis(millis)));
        assert_eq!(date(1_704_164_645_999).unwrap(), r#""2024-01-02T03:04:05Z""#);
        assert_eq!(date(-1).unwrap(), r#""1969-12-31T23:59:59Z""#);
        assert!(date(i64::MAX).is_err());
    }
}

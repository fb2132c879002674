//! `output!`: declares what an operation answers, and how its values are written.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use keys::Moment;
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

impl<T: AsRef<[u8]> + zeroize::Zeroize> Serialize for crate::Sensitive<T> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sensitive;

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
}

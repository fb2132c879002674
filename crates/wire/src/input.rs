//! `input!`: declares what an operation takes, member by member, as the service model does.

use crate::member::Member;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Declares a structure of members and how it is read: unknown members are passed over, `null` is absence, of a
/// repeated member the last one counts.
///
/// ```
/// wire::input! {
///     /// What DescribeKey takes.
///     pub struct Input {
///         required key_id: wire::member::KeyIdText = "KeyId",
///         optional grant_tokens: wire::member::GrantTokens = "GrantTokens",
///     }
/// }
/// use wire::Input as _;
/// assert_eq!(Input::parse(br#"{"KeyId":"alias/nile"}"#).unwrap().key_id.as_str(), "alias/nile");
/// ```
#[macro_export]
macro_rules! input {
    ($(#[$about:meta])* pub struct $name:ident {
        $($presence:ident $field:ident: $kind:ty = $wire:literal,)*
    }) => {
        $(#[$about])*
        #[derive(Debug)]
        pub struct $name {
            $(#[doc = concat!("`", $wire, "`")] pub $field: $crate::input!(@type $presence $kind),)*
        }

        impl $crate::Input for $name {}

        impl $crate::member::Member for $name {
            type Raw = ($(Option<<$kind as $crate::member::Member>::Raw>,)*);

            const SHAPE: $crate::Shape = $crate::Shape::Structure(&[$($crate::MemberShape {
                name: $wire,
                required: $crate::input!(@required $presence),
                shape: <$kind as $crate::member::Member>::SHAPE,
            },)*]);

            fn read<'de, D>(from: D) -> Result<Self::Raw, D::Error>
            where
                D: $crate::expansion::serde::Deserializer<'de>,
            {
                struct Members;
                impl<'de> $crate::expansion::serde::de::Visitor<'de> for Members {
                    type Value = <$name as $crate::member::Member>::Raw;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a structure")
                    }

                    fn visit_map<A>(self, mut members: A) -> Result<Self::Value, A::Error>
                    where
                        A: $crate::expansion::serde::de::MapAccess<'de>,
                    {
                        const NAMES: &[&str] = &[$($wire,)*];
                        $(let mut $field = None;)*
                        while let Some(name) = members.next_key_seed($crate::expansion::MemberName(NAMES))? {
                            match name {
                                $(Some($wire) => {
                                    $field = members.next_value_seed($crate::expansion::Nullable::<$kind>::new())?;
                                })*
                                _ => {
                                    members.next_value::<$crate::expansion::serde::de::IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(($($field,)*))
                    }

                    $crate::unexpected_for_structure!();
                }
                from.deserialize_any(Members)
            }

            fn check(
                raw: Self::Raw,
                path: &$crate::Path<'_>,
                violations: &mut $crate::Violations,
            ) -> Option<Self> {
                let ($($field,)*) = raw;
                $(let $field = $crate::input!(@check $presence $kind, $field, path.member($wire), violations);)*
                Some(Self { $($field: $field?,)* })
            }
        }
    };
    (@type required $kind:ty) => { $kind };
    (@type optional $kind:ty) => { Option<$kind> };
    (@required required) => { true };
    (@required optional) => { false };
    (@check required $kind:ty, $raw:expr, $path:expr, $violations:expr) => {
        $crate::member::required::<$kind>($raw, &$path, $violations)
    };
    (@check optional $kind:ty, $raw:expr, $path:expr, $violations:expr) => {
        $crate::member::optional::<$kind>($raw, &$path, $violations)
    };
}

/// What a structure says when the JSON holds something else.
#[doc(hidden)]
#[macro_export]
macro_rules! unexpected_for_structure {
    () => {
        fn visit_seq<A>(self, _: A) -> Result<Self::Value, A::Error>
        where
            A: $crate::expansion::serde::de::SeqAccess<'de>,
        {
            Err($crate::expansion::serde::de::Error::custom("Unexpected token: START_ARRAY"))
        }

        fn visit_str<E: $crate::expansion::serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(E::custom("Unexpected field type"))
        }

        fn visit_bool<E: $crate::expansion::serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Err(E::custom("Unexpected field type"))
        }

        fn visit_i64<E: $crate::expansion::serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err(E::custom("Unexpected field type"))
        }

        fn visit_u64<E: $crate::expansion::serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Err(E::custom("Unexpected field type"))
        }

        fn visit_f64<E: $crate::expansion::serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err(E::custom("Unexpected field type"))
        }
    };
}

/// Reads a member's name and finds it among the known ones, without allocating.
#[derive(Debug)]
pub struct MemberName(pub &'static [&'static str]);

impl<'de> serde::de::DeserializeSeed<'de> for MemberName {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_identifier(self)
    }
}

impl Visitor<'_> for MemberName {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|known| *known == name))
    }
}

/// Reads a member whose `null` means that it is absent.
#[derive(Debug)]
pub struct Nullable<T>(PhantomData<T>);

impl<T> Nullable<T> {
    /// The reader.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a seed is made where it is used up")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Member> serde::de::DeserializeSeed<'de> for Nullable<T> {
    type Value = Option<T::Raw>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_option(self)
    }
}

impl<'de, T: Member> Visitor<'de> for Nullable<T> {
    type Value = Option<T::Raw>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        T::read(from).map(Some)
    }
}

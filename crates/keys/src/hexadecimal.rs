//! Bytes as lower-case hexadecimal digits in records.

use crate::InvalidId;
use crate::id::lower_hex_digit;
use serde::{Deserialize, Deserializer, Serializer};
use std::borrow::Cow;

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    to.serialize_str(&digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect::<String>())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Box<[u8]>, D::Error> {
    let text = <Cow<'de, str>>::deserialize(from)?;
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| -> Result<u8, InvalidId> {
        Ok(lower_hex_digit(pair.first().copied())? << 4 | lower_hex_digit(pair.get(1).copied())?)
    };
    pairs.map(byte).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

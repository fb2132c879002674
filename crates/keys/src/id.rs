//! Identifiers: of an account, a region, a key, a key's material, a grant. A value of one of these types is well formed.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The text is not an identifier of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a well-formed identifier")
    }
}

impl std::error::Error for InvalidId {}

/// An AWS account id: twelve decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId([u8; 12]);

impl AccountId {
    /// The account of the installation itself, which holds what belongs to no account: the integrated services.
    pub const INSTALLATION: Self = Self(*b"000000000000");

    /// The account of that number, if it has at most twelve digits.
    pub fn from_number(number: u64) -> Result<Self, InvalidId> {
        format!("{number:012}").parse()
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // INVARIANT: only ASCII digits get in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for AccountId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits: [u8; 12] = text.as_bytes().try_into().map_err(|_| InvalidId)?;
        if digits.iter().all(u8::is_ascii_digit) { Ok(Self(digits)) } else { Err(InvalidId) }
    }
}

/// An AWS region name, such as `eu-central-1`: letters in two or three parts and a number, at most 32 characters.
///
/// Lies in place, without an allocation: every call copies it several times.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region {
    // First, so that regions are in the order of their names.
    name: [u8; LONGEST_REGION],
    length: u8,
}

impl Region {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // INVARIANT: only ASCII letters, digits and hyphens get in.
        let name = self.name.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }
}

/// Of a region's name, in characters.
const LONGEST_REGION: usize = 32;

impl FromStr for Region {
    type Err = InvalidId;

    //= kms:ReplicateKey ReplicaRegion: `^([a-z]+-){2,3}\d+$`, 1 to 32 characters
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let mut parts = text.split('-').rev();
        let number = parts.next().ok_or(InvalidId)?;
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let is_word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
        let words = parts.clone().count();
        if !(is_number && (2..=3).contains(&words) && parts.all(is_word)) {
            return Err(InvalidId);
        }
        let mut name = [0; LONGEST_REGION];
        name.get_mut(..text.len()).ok_or(InvalidId)?.copy_from_slice(text.as_bytes());
        Ok(Self { length: u8::try_from(text.len()).map_err(|_| InvalidId)?, name })
    }
}

/// The id of a KMS key: a lower-case UUID, or for a multi-Region key `mrk-` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId {
    multi_region: bool,
    bytes: [u8; 16],
}

impl KeyId {
    /// A single-Region key id from 128 random bits; version and variant of a UUID v4 are set here.
    #[must_use]
    pub const fn single_region(mut random: [u8; 16]) -> Self {
        random[6] = (random[6] & 0x0f) | 0x40;
        random[8] = (random[8] & 0x3f) | 0x80;
        Self { multi_region: false, bytes: random }
    }

    /// A multi-Region key id from 128 random bits.
    #[must_use]
    pub const fn multi_region(random: [u8; 16]) -> Self {
        Self { multi_region: true, bytes: random }
    }

    /// Whether it is the id of a multi-Region key.
    #[must_use]
    pub const fn is_multi_region(&self) -> bool {
        self.multi_region
    }

    /// The 128 bits without their spelling.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.bytes
    }
}

impl FromStr for KeyId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if let Some(digits) = text.strip_prefix("mrk-") {
            return Ok(Self::multi_region(lower_hex(digits.bytes())?));
        }
        let hyphens_in_place =
            text.len() == 36 && [8, 13, 18, 23].iter().all(|&at| text.as_bytes().get(at) == Some(&b'-'));
        if !hyphens_in_place {
            return Err(InvalidId);
        }
        Ok(Self { multi_region: false, bytes: lower_hex(text.bytes().filter(|&b| b != b'-'))? })
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 32];
        let digits = write_hex(&self.bytes, &mut digits);
        if self.multi_region {
            return f.write_str("mrk-").and_then(|()| f.write_str(digits));
        }
        let mut rest = digits;
        for (place, length) in GROUPS.into_iter().enumerate() {
            let (group, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            rest = after;
            f.write_str(if place == 0 { "" } else { "-" })?;
            f.write_str(group)?;
        }
        Ok(())
    }
}

/// The lengths of the groups of digits in a UUID.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// The id of one backing key of a KMS key: 64 hexadecimal digits, a one-way function of key id and material.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyMaterialId([u8; 32]);

impl KeyMaterialId {
    /// The id with those bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for KeyMaterialId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        lower_hex(text.bytes()).map(Self)
    }
}

impl fmt::Display for KeyMaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(write_hex(&self.0, &mut [0; 64]))
    }
}

/// The id of a grant: 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantId([u8; 32]);

impl GrantId {
    /// The id with those bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for GrantId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        lower_hex(text.bytes()).map(Self)
    }
}

impl fmt::Display for GrantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(write_hex(&self.0, &mut [0; 64]))
    }
}

/// Writes two digits for each byte. Ids are written several times a call, and formatting byte by byte is slow.
fn write_hex<'a>(bytes: &[u8], digits: &'a mut [u8]) -> &'a str {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or(b'0');
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
    }
    // INVARIANT: every byte is an ASCII digit by now.
    std::str::from_utf8(digits).unwrap_or_default()
}

fn lower_hex<const N: usize>(mut digits: impl Iterator<Item = u8>) -> Result<[u8; N], InvalidId> {
    let mut bytes = [0; N];
    for byte in &mut bytes {
        let high = lower_hex_digit(digits.next())?;
        *byte = high << 4 | lower_hex_digit(digits.next())?;
    }
    if digits.next().is_some() { Err(InvalidId) } else { Ok(bytes) }
}

pub(crate) fn lower_hex_digit(digit: Option<u8>) -> Result<u8, InvalidId> {
    match digit.ok_or(InvalidId)? {
        digit @ b'0'..=b'9' => Ok(digit - b'0'),
        digit @ b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(InvalidId),
    }
}

/// Identifiers show and store themselves as their text, and only as that.
macro_rules! as_text {
    ($($name:ident)+) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                <Cow<'de, str>>::deserialize(from)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

as_text!(AccountId Region KeyId KeyMaterialId GrantId);

macro_rules! display_as_str {
    ($($name:ident)+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

display_as_str!(AccountId Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_twelve_digits() {
        assert_eq!("000000000042".parse(), AccountId::from_number(42));
        for wrong in ["", "42", "00000000004x", "0000000000420"] {
            assert_eq!(wrong.parse::<AccountId>(), Err(InvalidId), "{wrong}");
        }
        assert_eq!(AccountId::from_number(1_000_000_000_000), Err(InvalidId));
    }

    #[test]
    fn a_region_is_two_or_three_words_and_a_number() {
        for right in ["eu-central-1", "us-gov-west-1", "ap-southeast-10"] {
            assert_eq!(right.parse::<Region>().unwrap().as_str(), right);
        }
        for wrong in ["", "eu-1", "eu-central", "eu--1", "EU-central-1", "a-b-c-d-1", "eu-central-1-"] {
            assert_eq!(wrong.parse::<Region>(), Err(InvalidId), "{wrong}");
        }
    }

    #[test]
    fn a_key_id_is_spelt_as_it_was_read() {
        for text in ["1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"] {
            assert_eq!(text.parse::<KeyId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_uuid_in_capitals_or_without_hyphens_is_no_key_id() {
        for wrong in [
            "1234ABCD-12ab-34cd-56ef-1234567890ab",
            "1234abcd12ab34cd56ef1234567890ab",
            "mrk-1234abcd-12ab-34cd-56ef-1234567890ab",
            "mrk-fake-key-id",
            "1234abcd-12ab-34cd-56ef-1234567890a",
            "1234abc-d12ab-34cd-56ef-1234567890ab",
            "",
        ] {
            assert_eq!(wrong.parse::<KeyId>(), Err(InvalidId), "{wrong}");
        }
    }

    #[test]
    fn a_new_single_region_key_id_is_a_uuid_of_version_4() {
        assert_eq!(KeyId::single_region([0xff; 16]).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }

    #[test]
    fn a_grant_id_is_64_lower_case_digits() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(text.parse::<GrantId>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<GrantId>(), Err(InvalidId));
        assert_eq!("0123456789abcdef".parse::<GrantId>(), Err(InvalidId));
    }

    #[test]
    fn a_key_material_id_is_64_lower_case_digits() {
        let text = "0123456789abcdef".repeat(4);
        assert_eq!(text.parse::<KeyMaterialId>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<KeyMaterialId>(), Err(InvalidId));
    }
}

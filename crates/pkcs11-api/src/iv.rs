//! Initialisation vectors of what is opened. A value is within its bounds, also when it came over the socket.

use crate::IV;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The initialisation vector of a ciphertext: 12 bytes, as this process makes them, or 16, as other implementations may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iv<'a>(&'a [u8]);

impl<'a> Iv<'a> {
    /// One of 12 or 16 bytes.
    pub fn new(iv: &'a [u8]) -> Result<Self, MalformedIv> {
        [IV, LONG].contains(&iv.len()).then_some(Self(iv)).ok_or(MalformedIv)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> From<&'a [u8; IV]> for Iv<'a> {
    fn from(iv: &'a [u8; IV]) -> Self {
        Self(iv)
    }
}

impl<'a> From<&'a [u8; LONG]> for Iv<'a> {
    fn from(iv: &'a [u8; LONG]) -> Self {
        Self(iv)
    }
}

impl Serialize for Iv<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Iv<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(<&[u8]>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// An initialisation vector that has neither 12 nor 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an initialisation vector has neither 12 nor 16 bytes")]
pub struct MalformedIv;

const LONG: usize = 16;

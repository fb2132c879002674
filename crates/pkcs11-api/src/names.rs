//! Names of objects in a token, and the PIN. A value of these types is within its bounds, also when it came over the socket.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// What a key is found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyName<'a> {
    /// One that Cardea made for a cluster, by its id: it may be used only if it is as Cardea makes them.
    Id(#[serde(borrow)] ObjectId<'a>),
    /// One that the HSM's owner made, by its label: an AES-256 key that is for what it is used for, and the only one of that label.
    Label(KeyLabel<'a>),
}

impl<'a> From<ObjectId<'a>> for KeyName<'a> {
    fn from(id: ObjectId<'a>) -> Self {
        Self::Id(id)
    }
}

impl<'a> From<KeyLabel<'a>> for KeyName<'a> {
    fn from(label: KeyLabel<'a>) -> Self {
        Self::Label(label)
    }
}

/// `CKA_ID`: by it a key is found, on every member the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId<'a>(&'a [u8]);

impl<'a> ObjectId<'a> {
    /// An id of 1 to 64 bytes.
    pub fn new(id: &'a [u8]) -> Result<Self, MalformedName> {
        (1..=MAX_ID).contains(&id.len()).then_some(Self(id)).ok_or(MalformedName)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

/// In hexadecimal, as the tools for tokens show it.
impl fmt::Display for ObjectId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({self})")
    }
}

impl Serialize for ObjectId<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ObjectId<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(<&[u8]>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// `CKA_LABEL`: what people read who look at a token, and by what they name their own keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyLabel<'a>(&'a str);

impl<'a> KeyLabel<'a> {
    /// A label of 1 to 256 bytes.
    pub fn new(label: &'a str) -> Result<Self, MalformedName> {
        (1..=MAX_LABEL).contains(&label.len()).then_some(Self(label)).ok_or(MalformedName)
    }

    /// Its text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

impl Serialize for KeyLabel<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for KeyLabel<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(<&str>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// What the crypto user logs in with; for CloudHSM it is `user:password`. Never shown.
#[derive(Clone, Copy)]
pub struct Pin<'a>(&'a str);

impl<'a> Pin<'a> {
    /// A PIN of 1 to 255 bytes.
    pub fn new(pin: &'a str) -> Result<Self, MalformedName> {
        (1..=MAX_PIN).contains(&pin.len()).then_some(Self(pin)).ok_or(MalformedName)
    }

    /// The PIN itself: for the library, and for memory that is wiped.
    #[must_use]
    pub const fn expose(&self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for Pin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin")
    }
}

impl Serialize for Pin<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pin<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(<&str>::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// An id, a label or a PIN that is empty or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id, a label or a PIN is empty or too long")]
pub struct MalformedName;

const MAX_ID: usize = 64;
const MAX_LABEL: usize = 256;
const MAX_PIN: usize = 255;

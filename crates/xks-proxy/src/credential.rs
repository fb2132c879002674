//! A credential of a store, and which of several is valid when. No secret here is ever shown.

use jiff::Timestamp;
use std::fmt;
use zeroize::Zeroizing;

/// What a caller of a store signs with, and when that is good.
#[derive(Debug)]
pub struct Credential {
    /// 20 to 30 of `A-Z 2-7`. Says nothing of the secret.
    pub access_key_id: String,
    /// What signatures are made with.
    pub secret: Secret,
    /// When the file with its secret was written.
    pub written: Timestamp,
    /// From when it is good; from ever if absent.
    pub not_before: Option<Timestamp>,
    /// Until when it is good, that moment not among them; for ever if absent.
    pub not_after: Option<Timestamp>,
}

impl Credential {
    /// Whether it is good at that moment.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|from| from <= now) && self.not_after.is_none_or(|end| now < end)
    }
}

/// The credential of that id, if it is there and good at that moment.
#[must_use]
pub fn valid<'a>(
    credentials: &'a [Credential],
    access_key_id: &str,
    now: Timestamp,
) -> Option<&'a Credential> {
    credentials.iter().find(|one| one.access_key_id == access_key_id && one.is_valid(now))
}

/// A secret access key: 43 to 64 of `a-z A-Z 0-9 / + =`. Zeroised when it is let go.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// That text, if it can be one.
    #[must_use]
    pub fn new(text: Zeroizing<String>) -> Option<Self> {
        Self::is_one(&text).then_some(Self(text))
    }

    /// Whether that text can be one.
    pub(crate) fn is_one(text: &str) -> bool {
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'=');
        SECRET.contains(&text.len()) && text.bytes().all(is_one)
    }

    /// The text, for what signs or verifies.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Whether that text can be the id of a credential.
pub(crate) fn is_access_key_id(text: &str) -> bool {
    ID.contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
}

const ID: std::ops::RangeInclusive<usize> = 20..=30;
const SECRET: std::ops::RangeInclusive<usize> = 43..=64;

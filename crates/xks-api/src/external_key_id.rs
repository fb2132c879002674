//! The id of an external key.

use std::fmt;

/// 1 to 128 of `A-Z a-z 0-9 - . _`. Its meaning is the key manager's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExternalKeyId<'a>(&'a str);

impl<'a> ExternalKeyId<'a> {
    /// That text, if it is one.
    ///
    /// # Errors
    ///
    /// Another character, none at all, or too many.
    pub fn new(text: &'a str) -> Result<Self, InvalidExternalKeyId> {
        let is_one = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let fits = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_one);
        fits.then_some(Self(text)).ok_or(InvalidExternalKeyId)
    }

    /// The text.
    #[must_use]
    pub const fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for ExternalKeyId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for ExternalKeyId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// The text cannot be the id of an external key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of an external key has 1 to 128 of the characters A-Z a-z 0-9 - . _")]
pub struct InvalidExternalKeyId;

const LONGEST: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_1_to_128_of_its_characters() {
        let longest = "a".repeat(128);
        for good in ["a", "A-z.0_9", ".", longest.as_str()] {
            assert_eq!(ExternalKeyId::new(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(129);
        for bad in ["", "a b", "a/b", "a%62", "ä", "a\n", too_long.as_str()] {
            assert_eq!(ExternalKeyId::new(bad), Err(InvalidExternalKeyId), "{bad}");
        }
    }
}

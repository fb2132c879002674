//! The outside of an import token: what it says of itself in the clear.
//!
//! Whatever is read here is a claim until the module has opened the token: good for refusing, for nothing else.

use crate::fields::take;
use keys::{Moment, WrappingAlgorithm, WrappingKeySpec};

/// What an import token says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportToken {
    /// Its own id, by which it is known once it was used.
    pub id: [u8; 16],
    /// How the material is to be encrypted.
    pub algorithm: WrappingAlgorithm,
    /// Under which key pair.
    pub spec: WrappingKeySpec,
    /// Until when it can be used.
    pub valid_to: Moment,
}

impl ImportToken {
    /// Reads the outside of a token.
    pub fn parse(mut token: &[u8]) -> Result<Self, MalformedImportToken> {
        Self::take(&mut token).ok_or(MalformedImportToken)
    }

    /// The bytes that a token begins with.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let (version, rest) = bytes.split_at_mut(1);
        version.copy_from_slice(&[VERSION]);
        let (id, rest) = rest.split_at_mut(16);
        id.copy_from_slice(&self.id);
        let (kind, valid_to) = rest.split_at_mut(2);
        kind.copy_from_slice(&[
            place(WrappingAlgorithm::ALL, self.algorithm),
            place(WrappingKeySpec::ALL, self.spec),
        ]);
        valid_to.copy_from_slice(&self.valid_to.as_millis().to_be_bytes());
        bytes
    }

    fn take(bytes: &mut &[u8]) -> Option<Self> {
        if take(bytes)? != [VERSION] {
            return None;
        }
        let id = take(bytes)?;
        let [algorithm, spec] = take(bytes)?;
        let valid_to = Moment::from_millis(i64::from_be_bytes(take(bytes)?));
        let algorithm = *WrappingAlgorithm::ALL.get(usize::from(algorithm))?;
        Some(Self { id, algorithm, spec: *WrappingKeySpec::ALL.get(usize::from(spec))?, valid_to })
    }
}

/// INVARIANT: the lists only grow at their end, and are shorter than 256.
fn place<T: PartialEq>(all: &[T], one: T) -> u8 {
    (0..=u8::MAX).zip(all).find(|(_, each)| **each == one).map_or(u8::MAX, |(place, _)| place)
}

/// The bytes do not begin as an import token does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an import token")]
pub struct MalformedImportToken;

/// Length of the outside: version, id, algorithm, spec, time.
pub const HEADER: usize = 1 + 16 + 2 + 8;

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outside_is_read_as_it_was_written_and_nothing_shorter_is() {
        for algorithm in WrappingAlgorithm::ALL {
            for spec in WrappingKeySpec::ALL {
                let valid_to = Moment::from_millis(1_800_000_000_123);
                let token = ImportToken { id: [7; 16], algorithm: *algorithm, spec: *spec, valid_to };
                let bytes = token.encode();
                assert_eq!(ImportToken::parse(&bytes), Ok(token));
                for length in 0..HEADER {
                    assert_eq!(ImportToken::parse(&bytes[..length]), Err(MalformedImportToken));
                }
            }
        }
    }

    #[test]
    fn another_version_algorithm_or_spec_is_malformed() {
        let (algorithm, spec) = (WrappingAlgorithm::RsaesOaepSha256, WrappingKeySpec::Rsa2048);
        let token = ImportToken { id: [7; 16], algorithm, spec, valid_to: Moment::from_millis(0) };
        for at in [0, 17, 18] {
            let mut bytes = token.encode();
            bytes[at] ^= 0x80;
            assert_eq!(ImportToken::parse(&bytes), Err(MalformedImportToken), "byte {at}");
        }
    }
}

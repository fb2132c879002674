//! The layout of a symmetric ciphertext blob, version 1, and its clear header.
//!
//! Whatever is read here is a claim until the module has decrypted the blob: good for finding a key, for nothing else.

use crate::MAX_PLAINTEXT;
use crate::fields::{key_id_bytes, take, take_account, take_key_id};
use keys::{AccountId, KeyId, KeyMaterialId};

/// What a ciphertext blob says of itself in the clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The account that owns the key.
    pub account: AccountId,
    /// The key.
    pub key_id: KeyId,
    /// Which backing key of the key.
    pub material_id: KeyMaterialId,
}

impl Header {
    /// Reads the clear header of a whole blob.
    pub fn parse(blob: &[u8]) -> Result<Self, MalformedBlob> {
        Blob::parse(blob).map(|blob| blob.header)
    }

    /// The bytes that a blob begins with.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let (version, rest) = bytes.split_at_mut(2);
        version.copy_from_slice(&[VERSION, SUITE]);
        let (account, rest) = rest.split_at_mut(12);
        account.copy_from_slice(self.account.as_str().as_bytes());
        let (key_id, material_id) = rest.split_at_mut(17);
        key_id.copy_from_slice(&key_id_bytes(&self.key_id));
        material_id.copy_from_slice(self.material_id.bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEADER]) -> Option<Self> {
        let [VERSION, SUITE, ..] = *bytes else { return None };
        Self::after_version(bytes)
    }

    /// The account, key id and material id where a header has them, whatever the version and suite before them are.
    #[must_use]
    pub fn after_version(header: &[u8; HEADER]) -> Option<Self> {
        let (_, mut bytes) = header.split_first_chunk::<2>()?;
        let account = take_account(&mut bytes)?;
        let key_id = take_key_id(&mut bytes)?;
        Some(Self { account, key_id, material_id: KeyMaterialId::from_bytes(take(&mut bytes)?) })
    }
}

/// A ciphertext blob taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Blob<'a> {
    /// What it says of itself.
    pub header: Header,
    /// All that comes before the ciphertext: header, nonce and commitment.
    pub preamble: &'a [u8],
    /// The random nonce.
    pub nonce: &'a [u8; NONCE],
    /// The commitment to key, header and context.
    pub commitment: &'a [u8; COMMITMENT],
    /// Ciphertext and tag.
    pub sealed: &'a [u8],
}

impl<'a> Blob<'a> {
    /// Takes a blob apart. Whether it is genuine is not known by that.
    pub fn parse(blob: &'a [u8]) -> Result<Self, MalformedBlob> {
        Self::split(blob).ok_or(MalformedBlob)
    }

    fn split(blob: &'a [u8]) -> Option<Self> {
        let (preamble, sealed) = blob.split_at_checked(PREAMBLE)?;
        if !(TAG + 1..=TAG + MAX_PLAINTEXT).contains(&sealed.len()) {
            return None;
        }
        let (header, rest) = preamble.split_first_chunk::<HEADER>()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (commitment, _) = rest.split_first_chunk()?;
        Some(Self { header: Header::decode(header)?, preamble, nonce, commitment, sealed })
    }
}

/// The bytes do not have the form of a ciphertext blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a ciphertext blob")]
pub struct MalformedBlob;

/// Length of the clear header: version, suite, account, key id, material id.
pub const HEADER: usize = 2 + 12 + 17 + 32;
/// Length of the nonce.
pub const NONCE: usize = 32;
/// Length of the commitment.
pub const COMMITMENT: usize = 32;
/// Length of all that comes before the ciphertext.
pub const PREAMBLE: usize = HEADER + NONCE + COMMITMENT;
/// Length of the tag behind the ciphertext.
pub const TAG: usize = 16;

const VERSION: u8 = 1;
/// SP 800-108 counter mode with HMAC-SHA-256, key commitment, AES-256-GCM.
const SUITE: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            account: "123456789012".parse().unwrap(),
            key_id: "mrk-1234abcd12ab34cd56ef1234567890ab".parse().unwrap(),
            material_id: KeyMaterialId::from_bytes([9; 32]),
        }
    }

    fn blob(plaintext: usize) -> Vec<u8> {
        let mut blob = header().encode().to_vec();
        blob.resize(PREAMBLE + plaintext + TAG, 0xab);
        blob
    }

    #[test]
    fn a_header_is_read_as_it_was_written() {
        assert_eq!(Header::parse(&blob(1)), Ok(header()));
        assert_eq!(Header::parse(&blob(4096)), Ok(header()));
    }

    #[test]
    fn the_largest_blob_is_well_under_the_limit_of_a_request() {
        //= kms:Decrypt CiphertextBlob: 1 to 6144 bytes
        assert_eq!(blob(4096).len(), 4239);
    }

    #[test]
    fn a_blob_without_plaintext_or_with_too_much_or_cut_short_is_malformed() {
        assert_eq!(Header::parse(&blob(0)), Err(MalformedBlob));
        assert_eq!(Header::parse(&blob(4097)), Err(MalformedBlob));
        for length in 0..=PREAMBLE + TAG {
            assert_eq!(Header::parse(&blob(1)[..length]), Err(MalformedBlob), "{length}");
        }
    }

    #[test]
    fn another_version_suite_account_or_kind_of_key_id_is_malformed() {
        for at in [0, 1, 2, 13, 14] {
            let mut blob = blob(5);
            blob[at] ^= 0x40;
            assert_eq!(Header::parse(&blob), Err(MalformedBlob), "byte {at}");
        }
    }
}

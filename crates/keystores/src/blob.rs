//! The layout of the ciphertext blob of a key in a custom key store, version 2, and what any blob says of itself in the clear.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version, `02` |
//! | 1 | 1 | kind of store: `01` external key store, `02` HSM cluster |
//! | 2 | 61 | account, key id and material id, as in a blob of version 1 |
//! | 63 | 1 | length of the metadata, at most 20 |
//! | 64 | 0 to 20 | metadata: what the XKS proxy wants back |
//! | … | 1 | length of the initialization vector, 12 or 16 |
//! | … | 12 or 16 | initialization vector |
//! | … | 16 | authentication tag |
//! | … | 1 to 4300 | ciphertext: the security module's blob, encrypted |

use module_api::blob::{HEADER, Header, MalformedBlob};
use xks_api::{IV_LENGTHS, MOST_CIPHERTEXT_METADATA, TAG};

/// What any ciphertext blob says of itself in the clear, of a key in whatever store.
pub fn header(blob: &[u8]) -> Result<Header, MalformedBlob> {
    match blob.first() {
        Some(&VERSION) => OuterBlob::parse(blob).map(|blob| blob.header),
        _ => Header::parse(blob),
    }
}

/// Which kind of store made a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// An external key store.
    Xks,
    /// An HSM cluster.
    Hsm,
}

/// A blob of a key in a custom key store, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OuterBlob<'a> {
    /// Which kind of store made it.
    pub kind: StoreKind,
    /// The key.
    pub header: Header,
    /// What the XKS proxy wants back.
    pub metadata: &'a [u8],
    /// The initialization vector.
    pub iv: &'a [u8],
    /// The authentication tag.
    pub tag: &'a [u8; TAG],
    /// The security module's blob, encrypted.
    pub ciphertext: &'a [u8],
}

impl<'a> OuterBlob<'a> {
    /// Takes a blob apart. Whether it is genuine is not known by that.
    pub fn parse(blob: &'a [u8]) -> Result<Self, MalformedBlob> {
        Self::split(blob).ok_or(MalformedBlob)
    }

    fn split(blob: &'a [u8]) -> Option<Self> {
        let (clear, rest) = blob.split_first_chunk::<HEADER>()?;
        let [VERSION, kind, ..] = *clear else { return None };
        let (metadata, rest) = prefixed(rest)?;
        let (iv, rest) = prefixed(rest)?;
        let (tag, ciphertext) = rest.split_first_chunk()?;
        let fits = metadata.len() <= MOST_CIPHERTEXT_METADATA
            && IV_LENGTHS.contains(&iv.len())
            && (1..=MOST_CIPHERTEXT).contains(&ciphertext.len());
        let header = Header::after_version(clear)?;
        fits.then_some(Self { kind: StoreKind::of_byte(kind)?, header, metadata, iv, tag, ciphertext })
    }

    /// The blob; nothing if a part is longer than it may be.
    #[must_use]
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut clear = self.header.encode();
        clear.first_chunk_mut::<2>()?.copy_from_slice(&[VERSION, self.kind.byte()]);
        let lengths = [u8::try_from(self.metadata.len()).ok()?, u8::try_from(self.iv.len()).ok()?];
        let [metadata_length, iv_length] = lengths.each_ref().map(std::slice::from_ref);
        let blob =
            [&clear, metadata_length, self.metadata, iv_length, self.iv, self.tag, self.ciphertext].concat();
        OuterBlob::parse(&blob).is_ok().then_some(blob)
    }
}

impl StoreKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Xks => 1,
            Self::Hsm => 2,
        }
    }

    fn of_byte(byte: u8) -> Option<Self> {
        [Self::Xks, Self::Hsm].into_iter().find(|kind| kind.byte() == byte)
    }
}

/// Bytes that are led by their length.
fn prefixed(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

/// The longest plaintext that every proxy takes, and so the longest ciphertext.
pub const MOST_CIPHERTEXT: usize = xks_api::LEAST_PLAINTEXT;
const VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use keys::{KeyId, KeyMaterialId};

    fn blob() -> OuterBlob<'static> {
        let header = Header {
            account: "111122223333".parse().unwrap(),
            key_id: KeyId::single_region([7; 16]),
            material_id: KeyMaterialId::from_bytes([9; 32]),
        };
        let (metadata, iv) = (b"key_version=1", b"0123456789ab");
        OuterBlob { kind: StoreKind::Xks, header, metadata, iv, tag: &[3; TAG], ciphertext: &[4; 200] }
    }

    #[test]
    fn a_blob_is_read_as_it_was_written_and_says_which_key_made_it() {
        let bytes = blob().encode().unwrap();
        assert_eq!(OuterBlob::parse(&bytes).unwrap(), blob());
        assert_eq!(header(&bytes).unwrap(), blob().header);
    }

    #[test]
    fn a_part_that_is_too_long_or_too_short_makes_no_blob() {
        for wrong in [
            OuterBlob { metadata: &[1; 21], ..blob() },
            OuterBlob { iv: &[1; 13], ..blob() },
            OuterBlob { iv: &[], ..blob() },
            OuterBlob { ciphertext: &[], ..blob() },
            OuterBlob { ciphertext: &[0; 4301], ..blob() },
        ] {
            assert_eq!(wrong.encode(), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_blob_that_was_cut_or_is_of_another_kind_is_malformed() {
        let bytes = blob().encode().unwrap();
        for length in 0..bytes.len() - 200 + 1 {
            assert!(OuterBlob::parse(&bytes[..length]).is_err(), "{length}");
        }
        for (at, byte) in [(0, 1), (0, 3), (1, 0), (1, 3), (2, b'x')] {
            let mut wrong = bytes.clone();
            wrong[at] = byte;
            assert!(OuterBlob::parse(&wrong).is_err(), "{at}");
        }
    }
}

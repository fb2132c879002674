//! What a version of a key encrypts: the layout of `ciphertextMetadata`, and the one key that each message has.
//!
//! `01` ‖ number of the version₃₂ ‖ nonce of 15 bytes. The layout is in `docs/key-store-file.md`; a change is another first byte.

use crate::crypto::{self, Failed, IV, Secret, TAG};
use key_manager::{Encrypted, MOST_CIPHERTEXT_METADATA, Sealed, bound_data};
use zeroize::Zeroizing;

/// A ciphertext with what opens it.
pub struct Message {
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// Random.
    pub iv: [u8; IV],
    /// Over ciphertext and bound data.
    pub tag: [u8; TAG],
    /// The longest that may be.
    pub metadata: [u8; MOST_CIPHERTEXT_METADATA],
}

/// Encrypts under that version: AES-256-GCM(KDF(version's key, label, nonce), random IV, plaintext, bound data).
///
/// Standards: SP 800-108r1, SP 800-38D. The nonce of 120 random bits gives each message a key of its own, and the IV is random besides,
/// so that a version never comes near the number of messages that GCM may encrypt under one key. `None`: the data is too long.
pub fn encrypt(
    key: &Secret,
    version: u32,
    plaintext: &[u8],
    additional_data: &[u8],
) -> Result<Option<Message>, Failed> {
    seal(key, version, &crypto::random()?, crypto::random()?, plaintext, additional_data)
}

fn seal(
    key: &Secret,
    version: u32,
    nonce: &[u8; NONCE],
    iv: [u8; IV],
    plaintext: &[u8],
    additional_data: &[u8],
) -> Result<Option<Message>, Failed> {
    let metadata = metadata(version, nonce);
    let Some(bound) = bound_data(additional_data, &metadata) else { return Ok(None) };
    let key = crypto::derive(key, LABEL, nonce)?;
    let mut ciphertext = plaintext.to_vec();
    let tag = crypto::seal(&key, iv, &bound, &mut ciphertext)?;
    Ok(Some(Message { ciphertext, iv, tag, metadata }))
}

/// Decrypts what [`encrypt`] gave under the same key; `None` if it did not give this.
pub fn decrypt(
    key: &Secret,
    nonce: &[u8; NONCE],
    sealed: &Sealed<'_>,
    additional_data: &[u8],
) -> Result<Option<Zeroizing<Vec<u8>>>, Failed> {
    let (Ok(iv), Some(bound)) = (sealed.iv.try_into(), bound_data(additional_data, sealed.metadata)) else {
        return Ok(None);
    };
    let key = crypto::derive(key, LABEL, nonce)?;
    let mut plaintext = Zeroizing::new(vec![0; sealed.ciphertext.len()]);
    let opened = crypto::open(&key, iv, &bound, sealed.ciphertext, sealed.tag, &mut plaintext)?;
    Ok(opened.then_some(plaintext))
}

/// The number of the version and the nonce that the metadata of one of our ciphertexts tells.
pub fn parse_metadata(metadata: &[u8]) -> Option<(u32, &[u8; NONCE])> {
    let (version, nonce) = metadata.strip_prefix(&[SCHEME])?.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*version), nonce.try_into().ok()?))
}

fn metadata(version: u32, nonce: &[u8; NONCE]) -> [u8; MOST_CIPHERTEXT_METADATA] {
    let mut metadata = [SCHEME; MOST_CIPHERTEXT_METADATA];
    let rest = version.to_be_bytes().into_iter().chain(*nonce);
    metadata.iter_mut().skip(1).zip(rest).for_each(|(to, from)| *to = from);
    metadata
}

impl Message {
    /// As it is decrypted.
    pub const fn sealed(&self) -> Sealed<'_> {
        Sealed {
            ciphertext: self.ciphertext.as_slice(),
            iv: &self.iv,
            tag: &self.tag,
            metadata: &self.metadata,
        }
    }

    /// As the proxy wants it.
    pub fn encrypted(self, version: u32, member: std::rc::Rc<str>) -> Encrypted {
        Encrypted {
            ciphertext: self.ciphertext,
            iv: self.iv.to_vec(),
            tag: self.tag,
            metadata: self.metadata.to_vec(),
            key_version: Some(version.to_string()),
            member,
        }
    }
}

const SCHEME: u8 = 1;
const NONCE: usize = 15;
const LABEL: &str = "cardea external key message v1";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{documented, hex};

    /// `docs/key-store-file.md`. A change here means that no ciphertext of a customer opens any more.
    #[test]
    fn the_vector_of_a_message_is_met() {
        let key = Secret::copied(&std::array::from_fn(|at| u8::try_from(at).unwrap()));
        let message =
            seal(&key, 3, &[0xa5; NONCE], [0xb6; IV], b"hello, hinge", b"project=nile").unwrap().unwrap();
        assert_eq!(hex(&message.metadata), documented("metadata of the message"));
        assert_eq!(
            hex(&[&message.ciphertext[..], &message.tag].concat()),
            documented("ciphertext and tag of the message")
        );
        let (version, nonce) = parse_metadata(&message.metadata).unwrap();
        assert_eq!(version, 3);
        assert_eq!(
            *decrypt(&key, nonce, &message.sealed(), b"project=nile").unwrap().unwrap(),
            b"hello, hinge"
        );
    }
}

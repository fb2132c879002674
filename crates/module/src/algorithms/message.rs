//! What is signed: a message, its digest or its representative, checked against the algorithm before any key is touched.

use aws_lc_rs::digest::{Algorithm, Digest, SHA256, SHA384, SHA512, digest};
use keys::{MessageType, SigningAlgorithm};
use module_api::{MAX_PLAINTEXT, Refusal};

/// What is signed, of a kind that its algorithm signs.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// The message itself.
    Raw(&'a [u8]),
    /// Its digest, as long as the algorithm's digest is.
    Digest(&'a [u8]),
    /// ML-DSA's message representative.
    ExternalMu(&'a [u8; EXTERNAL_MU]),
}

impl<'a> Message<'a> {
    /// What was given to be signed. `Unsupported` if the algorithm does not sign this type of message, `Malformed` or `TooLarge` if it
    /// is not as long as it has to be.
    //= kms:Sign Message: 1 to 4096 bytes; a digest as long as the algorithm's; mu 64 bytes
    pub fn new(
        algorithm: SigningAlgorithm,
        message_type: MessageType,
        bytes: &'a [u8],
    ) -> Result<Self, Refusal> {
        use SigningAlgorithm::{Ed25519PhSha512, Ed25519Sha512, MlDsaShake256};
        match (message_type, algorithm) {
            (MessageType::ExternalMu, MlDsaShake256) => {
                bytes.try_into().map(Self::ExternalMu).map_err(|_| Refusal::Malformed)
            }
            (MessageType::ExternalMu, _)
            | (MessageType::Digest, MlDsaShake256 | Ed25519Sha512)
            | (MessageType::Raw, Ed25519PhSha512) => Err(Refusal::Unsupported),
            (MessageType::Digest, _) if algorithm.digest_length() == Some(bytes.len()) => {
                Ok(Self::Digest(bytes))
            }
            (MessageType::Digest, _) => Err(Refusal::Malformed),
            (MessageType::Raw, _) => match bytes.len() {
                0 => Err(Refusal::Malformed),
                1..=MAX_PLAINTEXT => Ok(Self::Raw(bytes)),
                _ => Err(Refusal::TooLarge),
            },
        }
    }

    /// The digest that RSA and ECDSA sign.
    pub(super) fn digest(self, algorithm: SigningAlgorithm) -> Result<Digest, Refusal> {
        let hash = hash(algorithm)?;
        match self {
            Self::Raw(message) => Ok(digest(hash, message)),
            Self::Digest(digest) => Digest::import_less_safe(digest, hash).map_err(|_| Refusal::Malformed),
            Self::ExternalMu(_) => Err(Refusal::Unsupported),
        }
    }
}

fn hash(algorithm: SigningAlgorithm) -> Result<&'static Algorithm, Refusal> {
    match algorithm.digest_length() {
        Some(32) => Ok(&SHA256),
        Some(48) => Ok(&SHA384),
        Some(64) => Ok(&SHA512),
        _ => Err(Refusal::Unsupported),
    }
}

/// Length of mu.
const EXTERNAL_MU: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use SigningAlgorithm::{EcdsaSha384, Ed25519PhSha512, Ed25519Sha512, MlDsaShake256, RsassaPssSha256};

    fn refusal(algorithm: SigningAlgorithm, message_type: MessageType, length: usize) -> Option<Refusal> {
        Message::new(algorithm, message_type, &vec![1; length]).err()
    }

    #[test]
    fn a_message_has_1_to_4096_bytes() {
        for (length, expected) in
            [(0, Some(Refusal::Malformed)), (1, None), (4096, None), (4097, Some(Refusal::TooLarge))]
        {
            for algorithm in [RsassaPssSha256, EcdsaSha384, Ed25519Sha512, MlDsaShake256] {
                assert_eq!(refusal(algorithm, MessageType::Raw, length), expected);
            }
        }
    }

    #[test]
    fn a_digest_is_as_long_as_the_hash_and_mu_64_bytes() {
        for (algorithm, message_type, right) in [
            (RsassaPssSha256, MessageType::Digest, 32),
            (EcdsaSha384, MessageType::Digest, 48),
            (Ed25519PhSha512, MessageType::Digest, 64),
            (MlDsaShake256, MessageType::ExternalMu, 64),
        ] {
            for length in 0..100 {
                let expected = (length != right).then_some(Refusal::Malformed);
                assert_eq!(refusal(algorithm, message_type, length), expected, "{length} for {algorithm:?}");
            }
        }
    }

    #[test]
    fn an_algorithm_signs_only_its_types_of_message() {
        for (algorithm, message_type) in [
            (RsassaPssSha256, MessageType::ExternalMu),
            (EcdsaSha384, MessageType::ExternalMu),
            (Ed25519Sha512, MessageType::Digest),
            (Ed25519Sha512, MessageType::ExternalMu),
            (Ed25519PhSha512, MessageType::Raw),
            (Ed25519PhSha512, MessageType::ExternalMu),
            (MlDsaShake256, MessageType::Digest),
        ] {
            assert_eq!(refusal(algorithm, message_type, 64), Some(Refusal::Unsupported), "{algorithm:?}");
        }
    }
}

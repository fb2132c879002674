//! All cryptography of this crate, by aws-lc-rs: random bytes, derivation, sealing. Each function says its formula and its standard.
//!
//! No key is ever used for AES-GCM but by a function here, and none twice where its nonce is fixed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::kdf::{KbkdfCtrHmacAlgorithmId, get_kbkdf_ctr_hmac_algorithm, kbkdf_ctr_hmac};
use aws_lc_rs::{pbkdf2, rand};
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// A key of 256 bits. It is wiped when it is dropped, and is nowhere shown.
pub struct Secret(Box<Zeroizing<[u8; KEY]>>);

impl Secret {
    /// The key that `fill` writes; it is written in place, so that no copy is left behind.
    pub fn filled<E>(fill: impl FnOnce(&mut [u8; KEY]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Box::new(Zeroizing::new([0; KEY]));
        fill(&mut key)?;
        Ok(Self(key))
    }

    /// A new one.
    pub fn random() -> Result<Self, Failed> {
        Self::filled(|key| rand::fill(key).map_err(|_| Failed))
    }

    /// That one.
    pub fn copied(bytes: &[u8; KEY]) -> Self {
        let mut key = Box::new(Zeroizing::new([0; KEY]));
        key.copy_from_slice(bytes);
        Self(key)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// Random bytes of the library's generator, drawn anew each time, so that no fork and no restored snapshot hands them out twice.
pub fn random<const N: usize>() -> Result<[u8; N], Failed> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Failed)?;
    Ok(bytes)
}

/// K(1) = HMAC-SHA-256(key, \[1\]₃₂ ‖ label ‖ 00 ‖ context ‖ \[256\]₃₂): a key of 256 bits.
///
/// Standard: SP 800-108r1 §4.1, counter mode. No label holds a zero byte and each is for one purpose.
pub fn derive(key: &Secret, label: &'static str, context: &[u8]) -> Result<Secret, Failed> {
    let hmac_sha256 = get_kbkdf_ctr_hmac_algorithm(KbkdfCtrHmacAlgorithmId::Sha256).ok_or(Failed)?;
    let fixed_input = [label.as_bytes(), &[0], context, &256_u32.to_be_bytes()].concat();
    Secret::filled(|out| kbkdf_ctr_hmac(hmac_sha256, key.bytes(), &fixed_input, out).map_err(|_| Failed))
}

/// PBKDF2-HMAC-SHA-512(passphrase, salt, iterations): a key of 256 bits.
///
/// Standard: SP 800-132 and RFC 8018 §5.2. The salt is random and of 256 bits, so that each sealing has a key of its own.
pub fn stretch(passphrase: &[u8], salt: &[u8], iterations: NonZeroU32) -> Secret {
    let mut key = Box::new(Zeroizing::new([0; KEY]));
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, iterations, salt, passphrase, &mut key[..]);
    Secret(key)
}

/// Encrypts in place and returns the tag: AES-256-GCM(key, iv, text, additional data).
///
/// Standard: SP 800-38D. Whoever calls sees to it that key and IV together are used once.
pub fn seal(
    key: &Secret,
    iv: [u8; IV],
    additional_data: &[u8],
    text: &mut [u8],
) -> Result<[u8; TAG], Failed> {
    let iv = Nonce::assume_unique_for_key(iv);
    let sealed = aead(key)?.seal_in_place_separate_tag(iv, Aad::from(additional_data), text);
    sealed.ok().and_then(|tag| tag.as_ref().try_into().ok()).ok_or(Failed)
}

/// What [`seal`] encrypted, in place of the ciphertext; false, and nothing of a plaintext in `out`, if it did not.
///
/// Standard: SP 800-38D.
pub fn open(
    key: &Secret,
    iv: [u8; IV],
    additional_data: &[u8],
    ciphertext: &[u8],
    tag: &[u8; TAG],
    out: &mut [u8],
) -> Result<bool, Failed> {
    let iv = Nonce::assume_unique_for_key(iv);
    let opened = aead(key)?.open_separate_gather(iv, Aad::from(additional_data), ciphertext, tag, out);
    if opened.is_err() {
        out.fill(0);
    }
    Ok(opened.is_ok())
}

fn aead(key: &Secret) -> Result<LessSafeKey, Failed> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.bytes()).map_err(|_| Failed)?))
}

/// The cryptographic library failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library failed")]
pub struct Failed;

/// Length of a key.
pub const KEY: usize = 32;
/// Length of an initialisation vector.
pub const IV: usize = NONCE_LEN;
/// Length of a tag.
pub const TAG: usize = 16;
/// Under a key that is derived from fresh random bytes and encrypts once, the initialisation vector never repeats.
pub const USED_ONCE: [u8; IV] = [0; IV];

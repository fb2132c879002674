//! Sealing under a wrapping key: of tokens and messages under the domain key, of the domain key under its seal.

use super::kdf::derive;
use crate::memory::{LONGEST_SECRET, Secret};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use module_api::Refusal;

/// Length of the random nonce.
pub const NONCE: usize = 32;
/// Length of the tag.
pub const TAG: usize = 16;

/// Returns header ‖ nonce ‖ AES-256-GCM(k, 0⁹⁶, plaintext, header ‖ nonce ‖ bound), where k = KDF(wrapping key, label, nonce).
///
/// Standards: SP 800-108r1 (the KDF), SP 800-38D (GCM). The 32-byte `nonce` is random, so that k is fresh for every seal (two equal
/// nonces among 2⁶⁴ seals have a chance of 2⁻¹²⁹) and encrypts this one message; under a key that is used once the fixed
/// all-zero GCM nonce never repeats.
pub fn seal(
    wrapping_key: &Secret,
    label: &'static str,
    header: &[u8],
    nonce: &[u8; NONCE],
    bound: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let mut sealed =
        Vec::with_capacity(header.len().saturating_add(NONCE + TAG).saturating_add(plaintext.len()));
    sealed.extend_from_slice(header);
    sealed.extend_from_slice(nonce);
    let key = message_key(wrapping_key, label, nonce)?;
    let aad = [&sealed, bound].concat();
    let start = sealed.len();
    sealed.extend_from_slice(plaintext);
    let in_place = sealed.get_mut(start..).ok_or(Refusal::Failed)?;
    let tag = key
        .seal_in_place_separate_tag(used_once(), Aad::from(aad.as_slice()), in_place)
        .map_err(|_| Refusal::Failed)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// The secret in what [`seal`] made with the same wrapping key, label, header and bound bytes; `None` for everything else.
///
/// Formula and standards as there. The secret is opened in the locked memory that the wrapping key is in.
pub fn open(
    wrapping_key: &Secret,
    label: &'static str,
    header: &[u8],
    bound: &[u8],
    sealed: &[u8],
) -> Result<Option<Secret>, Refusal> {
    let Some(sealed) = Sealed::parse(header, sealed) else { return Ok(None) };
    if sealed.ciphertext.len() > LONGEST_SECRET {
        return Ok(None);
    }
    let mut secret = wrapping_key.arena().secret(sealed.ciphertext.len()).map_err(|_| Refusal::Failed)?;
    let opened = sealed.open(wrapping_key, label, bound, secret.bytes_mut())?;
    Ok(opened.then_some(secret))
}

/// Leaves in `out` the message in what [`seal`] made with the same wrapping key, label, header and bound bytes; whether it was
/// that is returned.
///
/// Formula and standards as there.
pub fn open_message(
    wrapping_key: &Secret,
    label: &'static str,
    header: &[u8],
    bound: &[u8],
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<bool, Refusal> {
    let Some(sealed) = Sealed::parse(header, sealed) else { return Ok(false) };
    out.clear();
    out.resize(sealed.ciphertext.len(), 0);
    sealed.open(wrapping_key, label, bound, out)
}

/// What [`seal`] made, taken apart.
struct Sealed<'a> {
    /// Header and nonce.
    preamble: &'a [u8],
    nonce: &'a [u8; NONCE],
    ciphertext: &'a [u8],
    tag: &'a [u8; TAG],
}

impl<'a> Sealed<'a> {
    fn parse(header: &[u8], sealed: &'a [u8]) -> Option<Self> {
        let (nonce, rest) = sealed.strip_prefix(header)?.split_first_chunk::<NONCE>()?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>()?;
        let preamble = sealed.get(..header.len().checked_add(NONCE)?)?;
        Some(Self { preamble, nonce, ciphertext, tag })
    }

    fn open(
        &self,
        wrapping_key: &Secret,
        label: &'static str,
        bound: &[u8],
        out: &mut [u8],
    ) -> Result<bool, Refusal> {
        let key = message_key(wrapping_key, label, self.nonce)?;
        let aad = Aad::from([self.preamble, bound].concat());
        Ok(key.open_separate_gather(used_once(), aad, self.ciphertext, self.tag, out).is_ok())
    }
}

fn message_key(
    wrapping_key: &Secret,
    label: &'static str,
    nonce: &[u8; NONCE],
) -> Result<LessSafeKey, Refusal> {
    let mut key = wrapping_key.arena().secret(32).map_err(|_| Refusal::Failed)?;
    derive(wrapping_key.bytes(), label, &[nonce], key.bytes_mut())?;
    aes_256_gcm(key.bytes())
}

/// An AES-256-GCM key for one message.
pub(super) fn aes_256_gcm(key: &[u8]) -> Result<LessSafeKey, Refusal> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| Refusal::Failed)
}

/// The nonce of a key that encrypts one message.
pub(super) fn used_once() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

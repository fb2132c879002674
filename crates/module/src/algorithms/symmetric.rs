//! SYMMETRIC_DEFAULT: a key derived for each message, AES-256-GCM under it, and a commitment to key, header and context.
//!
//! The layout of the blob is in `module_api::blob` and `docs/formats.md`.

use super::kdf::derive;
use super::random;
use super::sealing::{aes_256_gcm, used_once};
use crate::memory::{Arena, Secret};
use aws_lc_rs::aead::Aad;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256};
use keys::{KeyId, KeyMaterialId};
use module_api::blob::{Blob, Header, NONCE, PREAMBLE, TAG};
use module_api::{CanonicalContext, MAX_PLAINTEXT, Refusal};
use std::sync::Arc;

/// Length of a backing key.
pub const BACKING_KEY: usize = 32;

/// Length of what is derived for one message: an AES-256 key and the commitment.
pub const DERIVED: usize = 64;

/// A new random backing key.
pub(super) fn generate(arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    random::secret(BACKING_KEY, arena)
}

/// A backing key from outside.
pub(super) fn import(material: &[u8], arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    if material.len() != BACKING_KEY {
        return Err(Refusal::IncorrectKeyMaterial);
    }
    arena.keep(material).map_err(|_| Refusal::Failed)
}

/// The id of key material: KDF(material, "cardea key material id v1", key id), 32 bytes.
///
/// Standard: SP 800-108r1. One-way by the PRF; no nonce, because the same material of the same key must have the same id.
pub(super) fn material_id(material: &[u8], key_id: &KeyId) -> Result<KeyMaterialId, Refusal> {
    let kind = if key_id.is_multi_region() { MULTI_REGION } else { SINGLE_REGION };
    let mut id = [0; 32];
    derive(material, MATERIAL_ID_LABEL, &[&[kind], key_id.bytes()], &mut id)?;
    Ok(KeyMaterialId::from_bytes(id))
}

/// Leaves in `out` the blob header ‖ nonce ‖ c ‖ AES-256-GCM(k, 0⁹⁶, plaintext, header ‖ nonce ‖ c), where
/// k ‖ c = KDF(backing key, "cardea message v1", nonce ‖ SHA-256(header ‖ context)), 64 bytes.
///
/// Standards: SP 800-108r1 (the KDF), SP 800-38D (GCM), FIPS 180-4. The 32-byte `nonce` is random, so that k is fresh for every
/// message (two equal nonces among 2⁶⁴ messages of a key have a chance of 2⁻¹²⁹) and encrypts this one; under a key that is used once
/// the fixed all-zero GCM nonce never repeats. c commits to backing key, header and context, which GCM alone does not: a blob
/// that opens under two keys would be a collision of HMAC-SHA-256.
pub fn encrypt(
    backing_key: &Secret,
    header: &Header,
    context: CanonicalContext<'_>,
    nonce: &[u8; NONCE],
    plaintext: &[u8],
    derived: &mut Secret,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    check_length(plaintext.len())?;
    let header = header.encode();
    derive_message(backing_key, &header, context, nonce, derived)?;
    let (key, commitment) = derived.bytes().split_at_checked(32).ok_or(Refusal::Failed)?;
    let key = aes_256_gcm(key)?;
    out.clear();
    // Reserved at once: a vector that grew would leave plaintext behind.
    out.reserve(PREAMBLE + MAX_PLAINTEXT + TAG);
    [&header, nonce.as_slice(), commitment, plaintext].iter().for_each(|part| out.extend_from_slice(part));
    let (preamble, in_place) = out.split_at_mut_checked(PREAMBLE).ok_or(Refusal::Failed)?;
    let tag = key
        .seal_in_place_separate_tag(used_once(), Aad::from(&*preamble), in_place)
        .map_err(|_| Refusal::Failed)?;
    out.extend_from_slice(tag.as_ref());
    Ok(())
}

/// Leaves in `out` the plaintext of a blob that [`encrypt`] made with the same backing key and context.
///
/// Formula and standards as there. The commitment is compared, in constant time, before anything is decrypted. Whatever does not
/// hold gives the one error `InvalidCiphertext`.
pub fn decrypt(
    backing_key: &Secret,
    blob: &Blob<'_>,
    context: CanonicalContext<'_>,
    derived: &mut Secret,
    out: &mut Vec<u8>,
) -> Result<(), Refusal> {
    derive_message(backing_key, &blob.header.encode(), context, blob.nonce, derived)?;
    let (key, commitment) = derived.bytes().split_at_checked(32).ok_or(Refusal::Failed)?;
    verify_slices_are_equal(commitment, blob.commitment).map_err(|_| Refusal::InvalidCiphertext)?;
    let key = aes_256_gcm(key)?;
    let (ciphertext, tag) = blob.sealed.split_last_chunk::<TAG>().ok_or(Refusal::InvalidCiphertext)?;
    out.clear();
    out.reserve(MAX_PLAINTEXT);
    out.resize(ciphertext.len(), 0);
    let opened = key.open_separate_gather(used_once(), Aad::from(blob.preamble), ciphertext, tag, out);
    opened.map_err(|_| Refusal::InvalidCiphertext)
}

fn check_length(plaintext: usize) -> Result<(), Refusal> {
    match plaintext {
        0 => Err(Refusal::Malformed),
        1..=MAX_PLAINTEXT => Ok(()),
        _ => Err(Refusal::TooLarge),
    }
}

fn derive_message(
    backing_key: &Secret,
    header: &[u8],
    context: CanonicalContext<'_>,
    nonce: &[u8; NONCE],
    derived: &mut Secret,
) -> Result<(), Refusal> {
    let mut digest = Context::new(&SHA256);
    digest.update(header);
    digest.update(context.as_bytes());
    derive(backing_key.bytes(), MESSAGE_LABEL, &[nonce, digest.finish().as_ref()], derived.bytes_mut())
}

const MESSAGE_LABEL: &str = "cardea message v1";
const MATERIAL_ID_LABEL: &str = "cardea key material id v1";
const SINGLE_REGION: u8 = 1;
const MULTI_REGION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Arena;
    use crate::vectors::{documented, hex};
    use module_api::EncryptionContext;
    use proptest::prelude::*;

    struct Vector {
        key: Secret,
        header: Header,
        derived: Secret,
        out: Vec<u8>,
    }

    fn vector() -> Vector {
        let arena = Arena::new(4).unwrap();
        let mut key = arena.secret(BACKING_KEY).unwrap();
        key.bytes_mut().iter_mut().zip(0..).for_each(|(byte, value)| *byte = value);
        let key_id: KeyId = "1234abcd-12ab-44cd-96ef-1234567890ab".parse().unwrap();
        let material_id = material_id(key.bytes(), &key_id).unwrap();
        let header = Header { account: "123456789012".parse().unwrap(), key_id, material_id };
        Vector { key, header, derived: arena.secret(DERIVED).unwrap(), out: Vec::new() }
    }

    fn context() -> EncryptionContext {
        [("purpose", "test"), ("Department", "IT")].into_iter().collect()
    }

    /// `docs/formats.md`, ciphertext blob. A change here means that what was encrypted before cannot be decrypted.
    #[test]
    fn the_vector_of_the_format_is_met() {
        let Vector { key, header, mut derived, mut out } = vector();
        assert_eq!(header.material_id.to_string(), documented("key material id"));
        let context = context();
        let canonical = hex(context.canonical().as_bytes());
        assert_eq!(canonical, documented("context of Department=IT, purpose=test"));
        encrypt(&key, &header, context.canonical(), &[0xa5; NONCE], b"hello, hinge", &mut derived, &mut out)
            .unwrap();
        assert_eq!(hex(&out), documented("ciphertext blob"));
        let blob = out.clone();
        decrypt(&key, &Blob::parse(&blob).unwrap(), context.canonical(), &mut derived, &mut out).unwrap();
        assert_eq!(out, b"hello, hinge");
    }

    #[test]
    fn a_multi_region_key_with_the_same_material_has_another_material_id() {
        let Vector { key, header, .. } = vector();
        let multi_region = KeyId::multi_region(*header.key_id.bytes());
        assert_ne!(material_id(key.bytes(), &multi_region).unwrap(), header.material_id);
    }

    /// The tag is right here, made with the right key over the wrong commitment: GCM alone would accept the blob.
    #[test]
    fn a_blob_that_commits_to_something_else_is_refused_though_its_tag_is_right() {
        let Vector { key, header, mut derived, mut out } = vector();
        let (context, nonce) = (context(), [1; NONCE]);
        encrypt(&key, &header, context.canonical(), &nonce, b"text", &mut derived, &mut out).unwrap();
        let message_key = aes_256_gcm(&derived.bytes()[..32]).unwrap();
        for wrong in [0, 1] {
            let mut blob = out[..PREAMBLE].to_vec();
            blob[PREAMBLE - 1] ^= wrong;
            let mut ciphertext = b"text".to_vec();
            let aad = Aad::from(blob.clone());
            let tag = message_key.seal_in_place_separate_tag(used_once(), aad, &mut ciphertext).unwrap();
            blob.extend(ciphertext);
            blob.extend_from_slice(tag.as_ref());
            let mut plaintext = Vec::new();
            let blob = Blob::parse(&blob).unwrap();
            let opened = decrypt(&key, &blob, context.canonical(), &mut derived, &mut plaintext);
            assert_eq!(opened, if wrong == 0 { Ok(()) } else { Err(Refusal::InvalidCiphertext) });
            assert_eq!(plaintext.is_empty(), wrong != 0, "nothing was decrypted");
        }
    }

    proptest! {
        #[test]
        fn every_plaintext_comes_back_and_no_changed_blob_does(
            plaintext in prop::collection::vec(any::<u8>(), 1..300),
            pairs: std::collections::BTreeMap<String, String>,
            nonce: [u8; NONCE],
            at: prop::sample::Index,
            flip in 1_u8..,
        ) {
            let Vector { key, header, mut derived, mut out } = vector();
            let context: EncryptionContext = pairs.iter().collect();
            encrypt(&key, &header, context.canonical(), &nonce, &plaintext, &mut derived, &mut out).unwrap();
            let mut blob = out.clone();
            decrypt(&key, &Blob::parse(&blob).unwrap(), context.canonical(), &mut derived, &mut out).unwrap();
            prop_assert_eq!(&out, &plaintext);
            let at = at.index(blob.len());
            blob[at] ^= flip;
            if let Ok(changed) = Blob::parse(&blob) {
                let refused = decrypt(&key, &changed, context.canonical(), &mut derived, &mut out);
                prop_assert_eq!(refused, Err(Refusal::InvalidCiphertext));
            }
        }
    }
}

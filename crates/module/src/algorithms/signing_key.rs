//! Secret access keys and the signing keys of AWS Signature Version 4.

use super::random;
use crate::{Arena, Secret};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign_to_buffer};
use module_api::Refusal;
use std::sync::Arc;

/// A new secret access key: 40 characters of the Base64 alphabet, 240 random bits.
pub fn generate(arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let mut secret = random::secret(SECRET_ACCESS_KEY, arena)?;
    for byte in secret.bytes_mut() {
        *byte = *ALPHABET.get(usize::from(*byte & 63)).ok_or(Refusal::Failed)?;
    }
    Ok(secret)
}

/// HMAC(HMAC(HMAC(HMAC("AWS4" ‖ secret, date), region), service), "aws4_request"), HMAC-SHA-256 throughout.
///
/// Standard: AWS Signature Version 4. Deterministic; there is no nonce.
pub fn derive(
    secret_access_key: &Secret,
    date: &str,
    region: &str,
    service: &str,
    arena: &Arc<Arena>,
) -> Result<Secret, Refusal> {
    let is_date = date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit());
    let is_scope = |text: &str| (1..=LONGEST_SCOPE).contains(&text.len());
    if !is_date || !is_scope(region) || !is_scope(service) {
        return Err(Refusal::Malformed);
    }
    let secret = secret_access_key.bytes();
    let mut first = arena.secret(PREFIX.len().saturating_add(secret.len())).map_err(|_| Refusal::Failed)?;
    let (prefix, rest) = first.bytes_mut().split_at_mut_checked(PREFIX.len()).ok_or(Refusal::Failed)?;
    prefix.copy_from_slice(PREFIX);
    rest.copy_from_slice(secret);
    [date, region, service, "aws4_request"].iter().try_fold(first, |key, text| {
        let mut next = arena.secret(32).map_err(|_| Refusal::Failed)?;
        let key = Key::new(HMAC_SHA256, key.bytes());
        sign_to_buffer(&key, text.as_bytes(), next.bytes_mut()).map_err(|_| Refusal::Failed)?;
        Ok(next)
    })
}

const SECRET_ACCESS_KEY: usize = 40;
const PREFIX: &[u8] = b"AWS4";
const LONGEST_SCOPE: usize = 64;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(arena: &Arc<Arena>, text: &str) -> Secret {
        let mut secret = arena.secret(text.len()).unwrap();
        secret.bytes_mut().copy_from_slice(text.as_bytes());
        secret
    }

    /// The example in AWS's description of deriving a signing key.
    #[test]
    fn the_signing_key_of_the_documentation_is_derived() {
        let arena = Arena::new(8).unwrap();
        let secret = secret(&arena, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let key = derive(&secret, "20120215", "us-east-1", "iam", &arena).unwrap();
        let hex: String = key.bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }

    #[test]
    fn what_is_no_date_or_has_no_region_or_service_is_malformed() {
        let arena = Arena::new(8).unwrap();
        let secret = secret(&arena, "x");
        for (date, region, service) in
            [("2012021", "r", "s"), ("2012021x", "r", "s"), ("20120215", "", "s"), ("20120215", "r", "")]
        {
            assert_eq!(derive(&secret, date, region, service, &arena).err(), Some(Refusal::Malformed));
        }
    }

    #[test]
    fn a_secret_access_key_is_40_characters_and_a_new_one_each_time() {
        let arena = Arena::new(8).unwrap();
        let (one, other) = (generate(&arena).unwrap(), generate(&arena).unwrap());
        assert_eq!(one.bytes().len(), 40);
        assert!(one.bytes().iter().all(|byte| ALPHABET.contains(byte)));
        assert_ne!(one.bytes(), other.bytes());
    }
}

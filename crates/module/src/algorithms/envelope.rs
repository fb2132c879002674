//! CMS EnvelopedData (RFC 5652) for the owner of an RSA public key.

use module_api::Refusal;

/// Puts the content into an envelope for the owner of the public key, SubjectPublicKeyInfo in DER; the content is wiped.
pub fn seal(_public_key: &[u8], _content: &mut Vec<u8>) -> Result<(), Refusal> {
    Err(Refusal::Unsupported)
}

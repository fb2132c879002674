//! The owner of key material, who encrypts it for its import.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey,
};

/// Encrypts key material under a public key that GetParametersForImport answered, with one of KMS's wrapping algorithms.
#[must_use]
pub fn wrap(algorithm: &str, public_key: &[u8], material: &[u8]) -> Vec<u8> {
    if !algorithm.starts_with("RSA_AES_KEY_WRAP_") {
        return oaep(algorithm, public_key, material);
    }
    let mut key = [0; 32];
    aws_lc_rs::rand::fill(&mut key).unwrap();
    let mut wrapped = vec![0; material.len() + 16];
    let kek = AesKek::new(&AES_256, &key).unwrap();
    let length = kek.wrap_with_padding(material, &mut wrapped).unwrap().len();
    wrapped.truncate(length);
    [oaep(algorithm, public_key, &key), wrapped].concat()
}

fn oaep(algorithm: &str, public_key: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let hash = if algorithm.ends_with("SHA_1") { &OAEP_SHA1_MGF1SHA1 } else { &OAEP_SHA256_MGF1SHA256 };
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public_key).unwrap()).unwrap();
    let mut ciphertext = vec![0; key.ciphertext_size()];
    let length = key.encrypt(hash, plaintext, &mut ciphertext, None).unwrap().len();
    ciphertext.truncate(length);
    ciphertext
}

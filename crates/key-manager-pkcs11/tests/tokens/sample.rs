//! What AWS's sample proxy encrypted under the same key opens, if the configuration names its metadata.

#![expect(clippy::unwrap_used, reason = "a ciphertext that cannot be made fails the test")]

use crate::rig::{DATA, Key, Rig, TEXT};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use key_manager::{Encrypted, ExternalKeyId, Sealed, Trouble};
use key_manager_pkcs11::Settings;

#[tokio::test]
async fn ciphertexts_of_the_sample_open_if_its_metadata_are_named() {
    let rig = Rig::with(&["one"], &[Key::aes("key", 9)]);
    for metadata in [b"v0.0.1".as_slice(), b""] {
        let settings = Settings { aws_sample_metadata: Some(metadata.to_vec()), ..rig.settings() };
        let opened = rig.open_with(settings);
        opened.until_it_works("key").await;
        let of_sample = sealed(DATA, Some(DATA), metadata);
        assert_eq!(opened.decrypt("key", &of_sample).await.unwrap(), TEXT);
        let other = sealed(DATA, Some(b"other data"), metadata);
        assert_eq!(opened.decrypt("key", &other).await, Err(Trouble::InvalidCiphertext));
        // It tells data that are empty from none.
        for digested in [Some(b"".as_slice()), None] {
            let Encrypted { ciphertext, iv, tag, metadata, .. } = &sealed(b"", digested, metadata);
            let sealed = Sealed { ciphertext, iv, tag, metadata };
            let key = ExternalKeyId::new("key").unwrap();
            let opened = opened.session.decrypt(key, sealed, b"").await.unwrap();
            assert_eq!(opened.plaintext.as_slice(), TEXT);
        }
        let ours = opened.encrypt("key").await.unwrap();
        assert_eq!(ours.metadata, [1]);
        let passed_off = Encrypted { metadata: metadata.to_vec(), ..ours };
        assert_eq!(opened.decrypt("key", &passed_off).await, Err(Trouble::InvalidCiphertext));
    }
    let opened = rig.open();
    opened.until_it_works("key").await;
    let of_sample = sealed(DATA, Some(DATA), b"v0.0.1");
    assert_eq!(opened.decrypt("key", &of_sample).await, Err(Trouble::InvalidCiphertext));
}

/// As the sample does it: the tag covers the length of the data, their digest if there are any, and the metadata with its length.
fn sealed(data: &[u8], digested: Option<&[u8]>, metadata: &[u8]) -> Encrypted {
    let length = u16::try_from(data.len()).unwrap().to_be_bytes();
    let digest = digested.map(|data| digest(&SHA256, data).as_ref().to_vec()).unwrap_or_default();
    let bound = [&length[..], &digest, &[u8::try_from(metadata.len()).unwrap()], metadata].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[9; 32]).unwrap());
    let mut ciphertext = TEXT.to_vec();
    let nonce = Nonce::assume_unique_for_key([5; 12]);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(bound), &mut ciphertext).unwrap();
    Encrypted {
        ciphertext,
        iv: vec![5; 12],
        tag: tag.as_ref().try_into().unwrap(),
        metadata: metadata.to_vec(),
        key_version: None,
        member: "".into(),
    }
}

//! The key manager: AES-256 keys in memory by name, each with its versions. A ciphertext is made with the newest version,
//! which its metadata names, and opened with the one that it names. Key bytes never leave.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand;

use crate::error::Error;
use crate::fault::ErrorName;

/// An external key. What it says of itself can be changed; its material can only be added to.
#[derive(Debug)]
pub struct ExternalKey {
    /// The keySpec that it reports. Only `AES_256` encrypts.
    pub spec: String,
    /// The keyUsage that it reports and keeps.
    pub usage: Vec<String>,
    /// Whether it is `ENABLED`.
    pub enabled: bool,
    /// Whether its initialization vectors have 16 bytes, not 12.
    pub long_vectors: bool,
    versions: Vec<LessSafeKey>,
}

impl ExternalKey {
    /// An enabled AES-256 key that encrypts and decrypts.
    pub fn new() -> Self {
        Self {
            spec: SPEC.to_owned(),
            usage: vec![ENCRYPT.to_owned(), DECRYPT.to_owned()],
            enabled: true,
            long_vectors: false,
            versions: vec![new_material()],
        }
    }

    /// One that may be used for these only.
    pub fn for_usage(usage: &[&str]) -> Self {
        Self { usage: usage.iter().map(|&word| word.to_owned()).collect(), ..Self::new() }
    }

    /// Encrypts with a new version from now on; what the old ones encrypted still opens.
    pub fn rotate(&mut self) {
        self.versions.push(new_material());
    }

    /// How many versions it has.
    pub fn versions(&self) -> usize {
        self.versions.len()
    }

    pub(crate) fn encrypt(&self, plaintext: &[u8], aad: &[u8]) -> Result<Sealed, ErrorName> {
        self.permits(ENCRYPT)?;
        let version = self.versions.len();
        let key = self.versions.last().ok_or(ErrorName::Internal)?;
        let metadata = format!("{VERSION}{version}").into_bytes();
        let mut vector = vec![0; if self.long_vectors { 16 } else { NONCE_LEN }];
        rand::fill(&mut vector).map_err(|_| ErrorName::Internal)?;
        let mut ciphertext = plaintext.to_vec();
        let (nonce, bound) = bind(&vector, aad, &metadata)?;
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(bound), &mut ciphertext)
            .map_err(|_| ErrorName::Internal)?;
        Ok(Sealed { ciphertext, vector, tag: tag.as_ref().to_vec(), metadata })
    }

    pub(crate) fn decrypt(&self, sealed: &Sealed, aad: &[u8]) -> Result<Vec<u8>, ErrorName> {
        self.permits(DECRYPT)?;
        let key = version_of(&sealed.metadata)
            .and_then(|version| self.versions.get(version.checked_sub(1)?))
            .ok_or(ErrorName::InvalidCiphertext)?;
        let (nonce, bound) = bind(&sealed.vector, aad, &sealed.metadata)?;
        let mut plaintext = vec![0; sealed.ciphertext.len()];
        key.open_separate_gather(nonce, Aad::from(bound), &sealed.ciphertext, &sealed.tag, &mut plaintext)
            .map_err(|_| ErrorName::InvalidCiphertext)?;
        Ok(plaintext)
    }

    fn permits(&self, operation: &str) -> Result<(), ErrorName> {
        if !self.enabled {
            return Err(ErrorName::InvalidState);
        }
        let able = self.spec == SPEC && self.usage.iter().any(|word| word == operation);
        able.then_some(()).ok_or(ErrorName::InvalidKeyUsage)
    }
}

impl Default for ExternalKey {
    fn default() -> Self {
        Self::new()
    }
}

/// What Encrypt makes and Decrypt takes.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) vector: Vec<u8>,
    pub(crate) tag: Vec<u8>,
    pub(crate) metadata: Vec<u8>,
}

impl Sealed {
    /// The specification's ciphertext data integrity value.
    pub(crate) fn integrity_value(&self, aad: &[u8]) -> Vec<u8> {
        let mut hash = Context::new(&SHA256);
        for part in [aad, &self.metadata, &self.vector, &self.ciphertext, &self.tag] {
            hash.update(part);
        }
        hash.finish().as_ref().to_vec()
    }
}

/// The keys of a proxy by their names, which can be changed while it runs.
#[derive(Debug)]
pub struct ExternalKeys {
    keys: RwLock<HashMap<String, ExternalKey>>,
}

impl ExternalKeys {
    pub(crate) fn new(keys: Vec<(String, ExternalKey)>) -> Self {
        Self { keys: RwLock::new(keys.into_iter().collect()) }
    }

    /// Puts a key under that name; returns the one that was there.
    pub fn put(&self, name: &str, key: ExternalKey) -> Option<ExternalKey> {
        self.write().insert(name.to_owned(), key)
    }

    /// Deletes a key; returns it, so that it can be put back.
    pub fn delete(&self, name: &str) -> Option<ExternalKey> {
        self.write().remove(name)
    }

    /// Changes a key: its state, its usage, its spec, its versions.
    pub fn change<T>(&self, name: &str, change: impl FnOnce(&mut ExternalKey) -> T) -> Result<T, Error> {
        let mut keys = self.write();
        let key = keys.get_mut(name).ok_or_else(|| Error::UnknownKey { name: name.to_owned() })?;
        Ok(change(key))
    }

    /// Does something with the key of that name.
    pub(crate) fn with<T>(
        &self,
        name: &str,
        work: impl FnOnce(&ExternalKey) -> Result<T, ErrorName>,
    ) -> Result<T, ErrorName> {
        work(self.read().get(name).ok_or(ErrorName::KeyNotFound)?)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, ExternalKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, ExternalKey>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The nonce, and what is authenticated: `uint16_be(len(AAD)) ‖ AAD ‖ uint8(len(metadata)) ‖ metadata`. A vector of 16 bytes is a
/// nonce and 4 bytes more, which are authenticated behind the metadata: nobody but this key manager opens what it made.
fn bind(vector: &[u8], aad: &[u8], metadata: &[u8]) -> Result<(Nonce, Vec<u8>), ErrorName> {
    let (&nonce, rest) = vector.split_first_chunk::<NONCE_LEN>().ok_or(ErrorName::Validation)?;
    let aad_length = u16::try_from(aad.len()).map_err(|_| ErrorName::UnsupportedOperation)?;
    let metadata_length = u8::try_from(metadata.len()).map_err(|_| ErrorName::Validation)?;
    let parts: [&[u8]; 5] = [&aad_length.to_be_bytes(), aad, &[metadata_length], metadata, rest];
    Ok((Nonce::assume_unique_for_key(nonce), parts.concat()))
}

fn version_of(metadata: &[u8]) -> Option<usize> {
    str::from_utf8(metadata).ok()?.strip_prefix(VERSION)?.parse().ok()
}

fn new_material() -> LessSafeKey {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    #[expect(clippy::expect_used, reason = "no randomness: no keys, and nothing to test")]
    rand::fill(bytes.as_mut()).expect("the system has randomness");
    #[expect(clippy::expect_used, reason = "the length is the algorithm's")]
    let key = UnboundKey::new(&AES_256_GCM, bytes.as_ref()).expect("32 bytes are an AES-256 key");
    LessSafeKey::new(key)
}

const SPEC: &str = "AES_256";
const ENCRYPT: &str = "ENCRYPT";
const DECRYPT: &str = "DECRYPT";
const VERSION: &str = "key_version=";

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::{ExternalKey, Sealed};
    use crate::fault::ErrorName;

    #[test]
    fn the_integrity_value_is_the_specifications_test_vector() {
        let decoded = |text: &str| STANDARD.decode(text).unwrap();
        let sealed = Sealed {
            ciphertext: decoded("ghxkK1txeDNn3q8Y"),
            vector: decoded("HMrlRw85cAJUd5Ax"),
            tag: decoded("vBxN2ncH1oEkR8WVXpmyYQ=="),
            metadata: decoded("a2V5X3ZlcnNpb249MQ=="),
        };
        let value = sealed.integrity_value(b"project=nile,department=marketing");
        assert_eq!(STANDARD.encode(value), "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc=");
    }

    #[test]
    fn what_is_authenticated_is_the_specifications_construction() {
        let (_, bound) = super::bind(&[0; 12], b"aad", b"metadata").unwrap();
        assert_eq!(bound, b"\x00\x03aad\x08metadata");
        let (_, bound) = super::bind(&[0; 12], &[7; 8192], b"").unwrap();
        assert_eq!((bound.len(), bound.first_chunk()), (2 + 8192 + 1, Some(&[0x20, 0x00, 7])));
        assert_eq!(super::bind(&[0; 12], b"", b"").unwrap().1, [0, 0, 0]);
    }

    #[test]
    fn an_old_version_still_opens_and_the_new_one_seals() {
        let mut key = ExternalKey::new();
        let old = key.encrypt(b"secret", b"").unwrap();
        key.rotate();
        let new = key.encrypt(b"secret", b"").unwrap();
        assert_eq!((&*old.metadata, &*new.metadata), (&b"key_version=1"[..], &b"key_version=2"[..]));
        assert_eq!(key.decrypt(&old, b"").unwrap(), b"secret");
        assert_eq!(key.decrypt(&new, b"").unwrap(), b"secret");
    }

    #[test]
    fn a_flipped_bit_of_any_part_is_noticed() {
        for long_vectors in [false, true] {
            let key = ExternalKey { long_vectors, ..ExternalKey::new() };
            let sealed = key.encrypt(b"secret", b"aad").unwrap();
            assert_eq!(key.decrypt(&sealed, b"aad").unwrap(), b"secret");
            let parts: [fn(&mut Sealed) -> &mut Vec<u8>; 4] =
                [|it| &mut it.ciphertext, |it| &mut it.vector, |it| &mut it.tag, |it| &mut it.metadata];
            for part in parts {
                for index in 0..part(&mut sealed.clone()).len() {
                    let mut changed = sealed.clone();
                    part(&mut changed)[index] ^= 1;
                    assert_eq!(key.decrypt(&changed, b"aad").unwrap_err(), ErrorName::InvalidCiphertext);
                }
            }
            assert_eq!(key.decrypt(&sealed, b"aae").unwrap_err(), ErrorName::InvalidCiphertext);
        }
    }

    #[test]
    fn bytes_that_move_between_the_aad_and_the_metadata_are_noticed() {
        let key = ExternalKey::new();
        let sealed = key.encrypt(b"secret", b"key_version=1").unwrap();
        let moved = Sealed { metadata: Vec::new(), ..sealed };
        assert_eq!(
            key.decrypt(&moved, b"key_version=1key_version=1").unwrap_err(),
            ErrorName::InvalidCiphertext
        );
    }
}

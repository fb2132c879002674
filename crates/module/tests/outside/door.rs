//! The engine behind functions that are as easy to read as the client's methods.

use keys::{
    EncryptionAlgorithm, KeyId, KeyOrigin, KeySpec, KeyUsage, Region, WrappingAlgorithm, WrappingKeySpec,
};
use module::{Arena, Domain, Engine};
use module_api::{Binding, Bytes, Command, EncryptionContext, Key, KeyToken, NewKey, Refusal, Reply};
use std::borrow::Cow;
use std::sync::Arc;

pub struct Door(Engine);

pub struct Made {
    pub token: KeyToken,
    pub binding: Binding,
    pub public_key: Vec<u8>,
}

impl Made {
    pub fn key(&self) -> Key<'_> {
        Key::new(&self.token, &self.binding)
    }
}

#[derive(Clone)]
pub struct Parameters {
    pub token: Vec<u8>,
    pub public_key: Vec<u8>,
}

impl Door {
    pub fn new() -> Self {
        let arena = Arena::new(Engine::places(16) + 8).unwrap();
        let mut key = arena.secret(32).unwrap();
        key.bytes_mut().fill(0x0d);
        Self(Engine::new(Arc::new(Domain::with_key(key).unwrap()), 16).unwrap())
    }

    pub fn ask<T>(
        &mut self,
        command: &Command<'_>,
        give: impl FnOnce(&Reply<'_>) -> Option<T>,
    ) -> Result<T, Refusal> {
        self.0.answer(command, |reply| match reply {
            Reply::Refused(refusal) => Err(*refusal),
            reply => Ok(give(reply).unwrap_or_else(|| panic!("{reply:?}"))),
        })
    }

    pub fn generate(&mut self, key: &NewKey) -> Result<Made, Refusal> {
        self.ask(&Command::GenerateKey { key: Cow::Borrowed(key) }, |reply| made(key, reply))
    }

    pub fn begin(
        &mut self,
        key: &NewKey,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
    ) -> Result<Parameters, Refusal> {
        let command = Command::BeginImport { key: Cow::Borrowed(key), algorithm, spec, valid_to: 1 };
        self.ask(&command, |reply| match reply {
            Reply::ImportParameters { token, public_key } => {
                Some(Parameters { token: token.0.to_vec(), public_key: public_key.0.to_vec() })
            }
            _ => None,
        })
    }

    pub fn import(&mut self, key: &NewKey, token: &[u8], material: &[u8]) -> Result<Made, Refusal> {
        let command =
            Command::Import { key: Cow::Borrowed(key), token: Bytes(token), material: Bytes(material) };
        self.ask(&command, |reply| made(key, reply))
    }

    pub fn rebind(&mut self, from: &Made, region: Region) -> Result<Made, Refusal> {
        let Binding { account, key_id, spec, usage, origin, .. } = from.binding;
        let key = NewKey { account, region, key_id, spec, usage, origin };
        self.ask(&Command::Rebind { key: from.key(), region }, |reply| made(&key, reply))
    }

    pub fn encrypt(&mut self, key: &Made, plaintext: &[u8]) -> Result<Vec<u8>, Refusal> {
        let context = EncryptionContext::default();
        let command = Command::Encrypt {
            key: key.key(),
            algorithm: EncryptionAlgorithm::SymmetricDefault,
            context: context.canonical(),
            plaintext: Bytes(plaintext),
        };
        self.ask(&command, bytes)
    }

    pub fn decrypt(&mut self, key: &Made, blob: &[u8], recipient: Option<&[u8]>) -> Result<Vec<u8>, Refusal> {
        let context = EncryptionContext::default();
        let command = Command::Decrypt {
            key: key.key(),
            algorithm: EncryptionAlgorithm::SymmetricDefault,
            context: context.canonical(),
            blob: Bytes(blob),
            recipient: recipient.map(|key| module_api::Recipient(Bytes(key))),
        };
        self.ask(&command, bytes)
    }
}

/// The bytes of a reply that is nothing but bytes.
pub fn bytes(reply: &Reply<'_>) -> Option<Vec<u8>> {
    match reply {
        Reply::Ciphertext(bytes)
        | Reply::Plaintext(bytes)
        | Reply::Random(bytes)
        | Reply::SharedSecret(bytes)
        | Reply::Signature(bytes) => Some(bytes.0.to_vec()),
        _ => None,
    }
}

fn made(key: &NewKey, reply: &Reply<'_>) -> Option<Made> {
    match reply {
        Reply::Key { token, material_id, public_key } => Some(Made {
            token: KeyToken::from_bytes(token.0),
            binding: key.with_material(*material_id),
            public_key: public_key.0.to_vec(),
        }),
        _ => None,
    }
}

/// A new key of that spec whose material is to come from that origin.
pub fn new_key(spec: KeySpec, origin: KeyOrigin) -> NewKey {
    NewKey {
        account: "123456789012".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
        key_id: KeyId::single_region([1; 16]),
        spec,
        usage: *spec.usages().first().unwrap(),
        origin,
    }
}

/// A symmetric key of the service's own, to encrypt with.
pub fn symmetric(door: &mut Door) -> Made {
    let key = new_key(KeySpec::SymmetricDefault, KeyOrigin::AwsKms);
    assert_eq!(key.usage, KeyUsage::EncryptDecrypt);
    door.generate(&key).unwrap()
}

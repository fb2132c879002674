//! The key manager: what requests are answered with.
//!
//! Every session works on one state of the keys, which [`follow`](crate::follow) replaces as a whole when the file has changed.

use crate::crypto::Secret;
use crate::follow::{Followed, Follower};
use crate::keys::{Key, Status};
use crate::{Error, KeyStore, Settings, crypto, message};
use key_manager::{
    Decrypted, Encrypted, ExternalKeyId, Health, HealthStatus, KeyDescription, KeyManager, Member, Sealed,
    Session, TAG, Trouble, Work,
};
use std::rc::Rc;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A key manager in a file. It follows the file until it is dropped.
#[derive(Debug)]
pub struct SoftwareKeyManager {
    served: Arc<Served>,
    _follower: Follower,
}

impl SoftwareKeyManager {
    /// Opens the key store; blocks meanwhile, for as long as its protector takes.
    ///
    /// # Errors
    ///
    /// The key store does not open.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let (followed, follower) = Follower::start(KeyStore::new(settings))?;
        let served = Arc::new(Served { followed, test_key: Secret::random()? });
        Ok(Self { served, _follower: follower })
    }
}

impl KeyManager for SoftwareKeyManager {
    fn session(&self, _worker: usize) -> Rc<dyn Session> {
        Rc::new(SoftwareSession { served: Arc::clone(&self.served), member: MEMBER.into() })
    }
}

/// What all sessions share.
#[derive(Debug)]
struct Served {
    followed: Arc<Followed>,
    /// In no file, and no customer's.
    test_key: Secret,
}

struct SoftwareSession {
    served: Arc<Served>,
    member: Rc<str>,
}

impl Session for SoftwareSession {
    fn describe<'a>(&'a self, key: ExternalKeyId<'a>) -> Work<'a, Result<KeyDescription, Trouble>> {
        Box::pin(async move {
            let content = self.served.followed.content();
            let key = content.keys().find(key.as_str()).ok_or(Trouble::KeyNotFound)?;
            Ok(description(key))
        })
    }

    fn encrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        plaintext: &'a [u8],
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Encrypted, Trouble>> {
        Box::pin(async move { self.encrypt_now(key, plaintext, additional_data) })
    }

    fn decrypt<'a>(
        &'a self,
        key: ExternalKeyId<'a>,
        sealed: Sealed<'a>,
        additional_data: &'a [u8],
    ) -> Work<'a, Result<Decrypted, Trouble>> {
        Box::pin(async move { self.decrypt_now(key, &sealed, additional_data) })
    }

    fn health(&self) -> Work<'_, Health> {
        Box::pin(async move { self.served.health() })
    }
}

impl SoftwareSession {
    fn encrypt_now(
        &self,
        key: ExternalKeyId<'_>,
        plaintext: &[u8],
        data: &[u8],
    ) -> Result<Encrypted, Trouble> {
        let content = self.served.followed.content();
        let key = usable(content.keys().find(key.as_str()))?;
        if !key.usage.encrypts() {
            return Err(Trouble::InvalidKeyUsage);
        }
        let (number, version) = key.newest().ok_or(Trouble::KeyNotFound)?;
        let secret = version.secret.as_ref().ok_or(Trouble::Disabled)?;
        let message = message::encrypt(secret, number, plaintext, data).map_err(failed)?;
        let too_long = || Trouble::Unsupported("additional data of more than 65535 bytes".to_owned());
        Ok(message.ok_or_else(too_long)?.encrypted(number, Rc::clone(&self.member)))
    }

    fn decrypt_now(
        &self,
        key: ExternalKeyId<'_>,
        sealed: &Sealed<'_>,
        data: &[u8],
    ) -> Result<Decrypted, Trouble> {
        let content = self.served.followed.content();
        let key = usable(content.keys().find(key.as_str()))?;
        if !key.usage.decrypts() {
            return Err(Trouble::InvalidKeyUsage);
        }
        let (number, nonce) = message::parse_metadata(sealed.metadata).ok_or(Trouble::InvalidCiphertext)?;
        let version = key.version(number).ok_or(Trouble::InvalidCiphertext)?;
        // A version that is destroyed says nothing of the ciphertext, so it is not called damaged.
        let secret = version.secret.as_ref().ok_or(Trouble::Disabled)?;
        let plaintext = message::decrypt(secret, nonce, sealed, data).map_err(failed)?;
        Ok(Decrypted {
            plaintext: plaintext.ok_or(Trouble::InvalidCiphertext)?,
            key_version: Some(number.to_string()),
            member: Rc::clone(&self.member),
        })
    }
}

impl Served {
    fn health(&self) -> Health {
        let (content, is_current) = (self.followed.content(), self.followed.is_current());
        let keys = content.keys().iter().filter(|(_, key)| key.status != Status::Destroyed).count();
        let status = match (self.works(), is_current) {
            (false, _) => HealthStatus::Unavailable,
            (true, false) => HealthStatus::Degraded,
            (true, true) => HealthStatus::Active,
        };
        let model = format!("Cardea software key store, format 1, {keys} keys");
        Health { vendor: VENDOR.to_owned(), members: vec![Member { id: MEMBER.to_owned(), model, status }] }
    }

    /// Whether a message is encrypted, and opens again.
    fn works(&self) -> bool {
        let Ok(text) = crypto::random::<TAG>() else { return false };
        let Ok(Some(message)) = message::encrypt(&self.test_key, 1, &text, VENDOR.as_bytes()) else {
            return false;
        };
        let Some((_, nonce)) = message::parse_metadata(&message.metadata) else { return false };
        let sealed = message.sealed();
        let opened = message::decrypt(&self.test_key, nonce, &sealed, VENDOR.as_bytes());
        opened.is_ok_and(|opened| opened.is_some_and(|opened: Zeroizing<Vec<u8>>| *opened == text))
    }
}

fn usable(key: Option<&Key>) -> Result<&Key, Trouble> {
    let key = key.ok_or(Trouble::KeyNotFound)?;
    if key.status == Status::Enabled { Ok(key) } else { Err(Trouble::Disabled) }
}

fn description(key: &Key) -> KeyDescription {
    let uses = [("ENCRYPT", key.usage.encrypts()), ("DECRYPT", key.usage.decrypts())];
    KeyDescription {
        spec: "AES_256".to_owned(),
        usage: uses.into_iter().filter(|(_, may)| *may).map(|(name, _)| name.to_owned()).collect(),
        is_enabled: key.status == Status::Enabled,
    }
}

fn failed(error: crypto::Failed) -> Trouble {
    Trouble::Failed(error.to_string())
}

const MEMBER: &str = "file";
const VENDOR: &str = "Cardea";

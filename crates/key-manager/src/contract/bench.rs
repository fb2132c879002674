//! What a key manager's tests lay before the contract, and the short ways by which its statements use that.

use crate::{Decrypted, Encrypted, ExternalKeyId, Sealed, Session, Trouble};
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

/// A key manager that is well, and keys in it. What it cannot have is `None`.
pub struct Bench {
    /// A session of it. Its work is polled on the runtime that `run` is called on.
    pub session: Rc<dyn Session>,
    /// A key that is enabled, for both uses.
    pub key: String,
    /// Another such key.
    pub other_key: String,
    /// An id that it has no key of.
    pub unknown_key: String,
    /// A key for both uses that is disabled.
    pub disabled_key: Option<String>,
    /// An enabled key that may only encrypt.
    pub encrypt_only_key: Option<String>,
    /// An enabled key that may only decrypt.
    pub decrypt_only_key: Option<String>,
}

impl Bench {
    pub(super) async fn encrypt(&self, plaintext: &[u8], data: &[u8]) -> Encrypted {
        self.session.encrypt(id(&self.key), plaintext, data).await.unwrap()
    }

    pub(super) async fn decrypt(&self, encrypted: &Encrypted, data: &[u8]) -> Result<Vec<u8>, Trouble> {
        self.decrypt_under(&self.key, encrypted, data).await
    }

    pub(super) async fn decrypt_under(
        &self,
        key: &str,
        encrypted: &Encrypted,
        data: &[u8],
    ) -> Result<Vec<u8>, Trouble> {
        self.session.decrypt(id(key), sealed(encrypted), data).await.map(plaintext)
    }

    pub(super) async fn does_not_open(&self, encrypted: &Encrypted, data: &[u8], why: &str) {
        let opened = self.decrypt(encrypted, data).await;
        assert_eq!(opened, Err(Trouble::InvalidCiphertext), "{why}");
    }
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").field("key", &self.key).finish_non_exhaustive()
    }
}

pub(super) fn id(text: &str) -> ExternalKeyId<'_> {
    ExternalKeyId::new(text).unwrap()
}

pub(super) fn sealed(encrypted: &Encrypted) -> Sealed<'_> {
    Sealed {
        ciphertext: &encrypted.ciphertext,
        iv: &encrypted.iv,
        tag: &encrypted.tag,
        metadata: &encrypted.metadata,
    }
}

pub(super) fn copy(of: &Encrypted) -> Encrypted {
    Encrypted {
        ciphertext: of.ciphertext.clone(),
        iv: of.iv.clone(),
        tag: of.tag,
        metadata: of.metadata.clone(),
        key_version: of.key_version.clone(),
        member: Rc::clone(&of.member),
    }
}

/// Begins something, and gives it up where it waits first.
pub(super) async fn give_up<T>(mut work: Pin<Box<dyn Future<Output = T> + '_>>) {
    poll_fn(|context| {
        let _ = work.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}

fn plaintext(mut decrypted: Decrypted) -> Vec<u8> {
    std::mem::take(&mut *decrypted.plaintext)
}

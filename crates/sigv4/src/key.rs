//! Signing keys: derived from a secret access key for one day, Region and service, and kept for the next request.
//!
//! A signing key is secret, though less than what it comes from. Its bytes leave only [`SigningKey::derive_bytes`], are
//! never printed, and are wiped when dropped.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use quick_cache::sync::Cache;
use zeroize::Zeroizing;

use crate::{Presented, TERMINATOR};

/// The key that signs every request of one access key on one day, in one Region, to one service.
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// Derives the key of a scope from a secret access key; `date` is `yyyymmdd`.
    pub fn derive(secret_access_key: &str, date: &str, region: &str, service: &str) -> Self {
        Self::from_bytes(&Self::derive_bytes(secret_access_key, date, region, service))
    }

    /// Takes a key that [`derive_bytes`](Self::derive_bytes) made elsewhere, in the process that holds the secret.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, bytes))
    }

    /// Derives the bytes of a scope's key, for a process that holds secrets to hand to one that must not.
    pub fn derive_bytes(
        secret_access_key: &str,
        date: &str,
        region: &str,
        service: &str,
    ) -> Zeroizing<[u8; 32]> {
        let mut secret = Zeroizing::new(Vec::with_capacity(4 + secret_access_key.len()));
        secret.extend_from_slice(b"AWS4");
        secret.extend_from_slice(secret_access_key.as_bytes());
        let mut bytes = authenticate(&secret, date);
        for element in [region, service, TERMINATOR] {
            bytes = authenticate(bytes.as_slice(), element);
        }
        bytes
    }

    /// Compares in constant time.
    pub(crate) fn is_signature(&self, text: &[u8], signature: &[u8; 32]) -> bool {
        hmac::verify(&self.0, text, signature).is_ok()
    }

    pub(crate) fn sign(&self, text: &[u8]) -> hmac::Tag {
        hmac::sign(&self.0, text)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}

/// The signing keys of the access keys in use; bounded, and shared by all threads.
///
/// It holds what was true once. Whether the access key is still active is for the caller to ask on each request, and to
/// [`forget`](Self::forget) it when its secret is gone.
pub struct SigningKeys(Cache<Box<str>, Arc<[Scoped]>>);

struct Scoped {
    scope: Box<str>,
    key: Arc<SigningKey>,
}

impl SigningKeys {
    /// Room for this many access keys. Each has room for a few scopes: more than one Region, or two days at midnight.
    pub fn new(access_keys: usize) -> Self {
        Self(Cache::new(access_keys))
    }

    /// The key that `presented` must be verified with, if it was kept.
    pub fn find(&self, presented: &Presented<'_>) -> Option<Arc<SigningKey>> {
        let scope = presented.scope();
        let known = self.0.get(presented.access_key_id())?;
        known.iter().find(|scoped| *scoped.scope == *scope).map(|scoped| Arc::clone(&scoped.key))
    }

    /// Keeps the key that `presented` was verified with. Keep it only then: a scope costs a client nothing to claim.
    pub fn keep(&self, presented: &Presented<'_>, key: Arc<SigningKey>) {
        let known = self.0.get(presented.access_key_id());
        let others = known.iter().flat_map(|known| known.iter());
        let newest = Scoped { scope: presented.scope().into(), key };
        let scopes = others
            .filter(|scoped| scoped.scope != newest.scope)
            .take(SCOPES_LIMIT - 1)
            .map(|scoped| Scoped { scope: scoped.scope.clone(), key: Arc::clone(&scoped.key) });
        let scopes = scopes.collect::<Vec<_>>();
        self.0.insert(presented.access_key_id().into(), std::iter::once(newest).chain(scopes).collect());
    }

    /// Drops every key of an access key that was deactivated or deleted.
    pub fn forget(&self, access_key_id: &str) {
        self.0.remove(access_key_id);
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKeys").field("access_keys", &self.0.len()).finish_non_exhaustive()
    }
}

/// HMAC-SHA-256 into memory that is wiped.
fn authenticate(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    let mut code = Zeroizing::new([0; 32]);
    let written =
        hmac::sign_to_buffer(&hmac::Key::new(HMAC_SHA256, key), text.as_bytes(), code.as_mut_slice());
    // INVARIANT: the buffer has the length of the code, so this cannot fail; going on with zeros would be a known key.
    assert!(written.is_ok(), "an HMAC-SHA-256 does not fit in 32 bytes");
    code
}

/// Scopes kept for one access key; the oldest goes first.
const SCOPES_LIMIT: usize = 8;

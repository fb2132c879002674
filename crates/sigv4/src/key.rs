//! Signing keys: derived from a secret access key for one day, Region and service, and kept for the next request.
//!
//! A signing key is secret, though less than what it comes from. Its bytes leave only [`SigningKey::derive_bytes`], are
//! never printed, and are wiped when dropped.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
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
/// A key is found for its access key, scope and session token together. It holds what was true once. Whether the access key is still active is for the caller to ask on each request, and to
/// [`forget`](Self::forget) it when its secret is gone.
pub struct SigningKeys(Cache<Box<str>, Arc<[Scoped]>>);

struct Scoped {
    scope: Box<str>,
    /// Of the session token. A kept key proves nothing with another token: who signed would then have the rights of somebody
    /// else's session.
    session: Option<Digest>,
    key: Arc<SigningKey>,
}

impl SigningKeys {
    /// Room for this many access keys. Each has room for a few scopes: more than one Region, or two days at midnight.
    pub fn new(access_keys: usize) -> Self {
        Self(Cache::new(access_keys))
    }

    /// The key that `presented` must be verified with, if it was kept.
    pub fn find(&self, presented: &Presented<'_>) -> Option<Arc<SigningKey>> {
        let (scope, session) = (presented.scope(), session_digest(presented));
        let known = self.0.get(presented.access_key_id())?;
        let mut known = known.iter();
        known
            .find(|known| *known.scope == *scope && known.session == session)
            .map(|known| Arc::clone(&known.key))
    }

    /// Keeps the key that `presented` was verified with. Keep it only then: a scope costs a client nothing to claim.
    pub fn keep(&self, presented: &Presented<'_>, key: Arc<SigningKey>) {
        let known = self.0.get(presented.access_key_id());
        let others = known.iter().flat_map(|known| known.iter());
        let newest = Scoped { scope: presented.scope().into(), session: session_digest(presented), key };
        let scopes = others
            .filter(|scoped| scoped.scope != newest.scope || scoped.session != newest.session)
            .take(SCOPES_LIMIT - 1)
            .map(|scoped| Scoped { key: Arc::clone(&scoped.key), scope: scoped.scope.clone(), ..*scoped });
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

type Digest = [u8; 32];

/// A token is a credential and may be long, so not the token is kept and compared but its SHA-256.
fn session_digest(presented: &Presented<'_>) -> Option<Digest> {
    let token = presented.session_token()?;
    let mut bytes = Digest::default();
    bytes.iter_mut().zip(digest(&SHA256, token.as_bytes()).as_ref()).for_each(|(to, from)| *to = *from);
    Some(bytes)
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

#[cfg(test)]
mod tests {
    use http::Request;
    use http::request::Parts;
    use jiff::Timestamp;

    use super::*;
    use crate::{Credentials, DEFAULT_TOLERANCE, Rules, Signer};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn derivation_agrees_with_the_documentation() {
        let bytes = SigningKey::derive_bytes(SECRET, "20150830", "us-east-1", "iam");
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn every_input_of_a_derivation_matters() {
        let key = SigningKey::derive_bytes(SECRET, "20150830", "us-east-1", "iam");
        for (secret, date, region, service) in [
            ("wJalr", "20150830", "us-east-1", "iam"),
            (SECRET, "20150831", "us-east-1", "iam"),
            (SECRET, "20150830", "us-east-2", "iam"),
            (SECRET, "20150830", "us-east-1", "kms"),
        ] {
            assert_ne!(*SigningKey::derive_bytes(secret, date, region, service), *key);
        }
    }

    #[test]
    fn a_key_is_not_printed() {
        let key = SigningKey::from_bytes(&[1; 32]);
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
    }

    #[test]
    fn a_kept_key_is_found_for_its_access_key_and_scope_only() {
        let keys = SigningKeys::new(16);
        let kept = keep(&keys, "AKIDONE", "us-east-1");
        assert!(find(&keys, "AKIDONE", "us-east-1").is_some_and(|found| Arc::ptr_eq(&found, &kept)));
        assert!(find(&keys, "AKIDONE", "us-east-2").is_none());
        assert!(find(&keys, "AKIDTWO", "us-east-1").is_none());
    }

    #[test]
    fn a_kept_key_is_found_with_the_session_token_that_it_was_kept_with_only() {
        let keys = SigningKeys::new(16);
        let sessions = [None, Some("one"), Some("other"), Some("")];
        for kept_with in sessions {
            let kept = keep_session(&keys, "ASIAONE", kept_with);
            for found_with in sessions {
                let found = keys.find(&presented(&signed_in_session("ASIAONE", found_with)));
                let is_it = found.is_some_and(|found| Arc::ptr_eq(&found, &kept));
                assert_eq!(is_it, found_with == kept_with, "{kept_with:?} and {found_with:?}");
            }
            keys.forget("ASIAONE");
        }
    }

    #[test]
    fn sessions_of_one_access_key_push_each_other_out_and_nobody_elses() {
        let keys = SigningKeys::new(16);
        keep(&keys, "AKIDTWO", "us-east-1");
        for number in 0..=SCOPES_LIMIT {
            keep_session(&keys, "ASIAONE", Some(&number.to_string()));
        }
        let find = |token| keys.find(&presented(&signed_in_session("ASIAONE", token)));
        assert!(find(Some("0")).is_none());
        assert!(find(Some("1")).is_some());
        assert!(self::find(&keys, "AKIDTWO", "us-east-1").is_some());
    }

    #[test]
    fn an_access_key_keeps_a_few_scopes_and_loses_the_oldest() {
        let keys = SigningKeys::new(16);
        for number in 0..=SCOPES_LIMIT {
            keep(&keys, "AKIDONE", &format!("us-east-{number}"));
        }
        assert!(find(&keys, "AKIDONE", "us-east-0").is_none());
        for number in 1..=SCOPES_LIMIT {
            assert!(find(&keys, "AKIDONE", &format!("us-east-{number}")).is_some(), "{number}");
        }
    }

    #[test]
    fn a_scope_that_is_kept_again_pushes_nothing_out() {
        let keys = SigningKeys::new(16);
        keep(&keys, "AKIDONE", "us-east-1");
        for _ in 0..SCOPES_LIMIT {
            keep(&keys, "AKIDONE", "us-east-2");
        }
        let newest = keep(&keys, "AKIDONE", "us-east-2");
        assert!(find(&keys, "AKIDONE", "us-east-1").is_some());
        assert!(find(&keys, "AKIDONE", "us-east-2").is_some_and(|found| Arc::ptr_eq(&found, &newest)));
    }

    #[test]
    fn a_forgotten_access_key_has_no_keys() {
        let keys = SigningKeys::new(16);
        for id in ["AKIDONE", "AKIDTWO"] {
            keep(&keys, id, "us-east-1");
            keep(&keys, id, "us-east-2");
        }
        keys.forget("AKIDONE");
        assert!(find(&keys, "AKIDONE", "us-east-1").is_none());
        assert!(find(&keys, "AKIDONE", "us-east-2").is_none());
        assert!(find(&keys, "AKIDTWO", "us-east-1").is_some());
    }

    #[test]
    fn the_number_of_access_keys_is_bounded() {
        let keys = SigningKeys::new(16);
        for number in 0..1000 {
            keep(&keys, &format!("AKID{number}"), "us-east-1");
        }
        assert!(keys.0.len() <= 16, "{keys:?}");
    }

    fn find(keys: &SigningKeys, id: &str, region: &str) -> Option<Arc<SigningKey>> {
        keys.find(&presented(&signed(id, region)))
    }

    fn keep(keys: &SigningKeys, id: &str, region: &str) -> Arc<SigningKey> {
        let key = Arc::new(SigningKey::derive(SECRET, "19700101", region, "kms"));
        keys.keep(&presented(&signed(id, region)), Arc::clone(&key));
        key
    }

    fn keep_session(keys: &SigningKeys, id: &str, token: Option<&str>) -> Arc<SigningKey> {
        let key = Arc::new(SigningKey::derive(SECRET, "19700101", "us-east-1", "kms"));
        keys.keep(&presented(&signed_in_session(id, token)), Arc::clone(&key));
        key
    }

    fn signed(id: &str, region: &str) -> Parts {
        sign(id, region, None)
    }

    fn signed_in_session(id: &str, token: Option<&str>) -> Parts {
        sign(id, "us-east-1", token)
    }

    fn sign(id: &str, region: &str, token: Option<&str>) -> Parts {
        let mut parts = Request::builder().uri("https://localhost/").body(()).unwrap().into_parts().0;
        let credentials = Credentials::new(id.to_owned(), SECRET.to_owned(), token.map(str::to_owned));
        let signer = Signer { credentials: &credentials, region, service: "kms" };
        signer.sign(&mut parts, b"", Timestamp::UNIX_EPOCH).unwrap();
        parts
    }

    fn presented(parts: &Parts) -> Presented<'_> {
        let rules = Rules {
            service: "kms",
            accepts_region: &|_| true,
            tolerance: DEFAULT_TOLERANCE,
            now: Timestamp::UNIX_EPOCH,
        };
        Presented::of(parts, &rules).unwrap()
    }
}

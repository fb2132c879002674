//! The members' transport keys: RSA public keys under which a new key is wrapped for every member, also for one that is away.

use keys::WrappedKey;
use pkcs11_api::{Bytes, OaepDigest, PublicKey, Reply};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The transport keys of a cluster's members, by their labels.
///
/// Kept in the store's record as the security module has sealed them, like the PIN: who could put his own in there would be sent the
/// next key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportKeys(pub(super) BTreeMap<String, TransportKey>);

/// The transport key of one member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TransportKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    digest: OaepDigest,
}

impl TransportKeys {
    /// As bytes, to be sealed and kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // INVARIANT: such a map can always be written.
        postcard::to_allocvec(self).unwrap_or_default()
    }

    /// From these bytes; nothing if they are not such.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }
}

impl TransportKey {
    pub(super) fn of(key: PublicKey<'_>) -> Self {
        let PublicKey { modulus, exponent, digest } = key;
        Self { modulus: modulus.0.to_vec(), exponent: exponent.0.to_vec(), digest }
    }

    pub(super) fn as_public_key(&self) -> PublicKey<'_> {
        PublicKey { modulus: Bytes(&self.modulus), exponent: Bytes(&self.exponent), digest: self.digest }
    }
}

/// A transport key in a reply.
pub(super) fn public_key<T>(read: impl Fn(PublicKey<'_>) -> T) -> impl Fn(Reply<'_>) -> Option<T> {
    move |reply| match reply {
        Reply::TransportKey { public_key, .. } => Some(read(public_key)),
        _ => None,
    }
}

/// A wrapped key as it is kept: a byte for the digest, then the key.
pub(super) fn kept(wrapped: &pkcs11_api::WrappedKey<'_>) -> WrappedKey {
    let digest = match wrapped.digest {
        OaepDigest::Sha1 => SHA_1,
        OaepDigest::Sha256 => SHA_256,
    };
    WrappedKey([&[digest], wrapped.bytes.0].concat().into())
}

/// The other way round; nothing if it is not such.
pub(super) fn wrapped(kept: &WrappedKey) -> Option<pkcs11_api::WrappedKey<'_>> {
    let (digest, bytes) = kept.0.split_first()?;
    let digest = match *digest {
        SHA_1 => OaepDigest::Sha1,
        SHA_256 => OaepDigest::Sha256,
        _ => return None,
    };
    Some(pkcs11_api::WrappedKey { digest, bytes: Bytes(bytes) })
}

const SHA_1: u8 = 1;
const SHA_256: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_keys_are_read_as_they_were_written() {
        let key = TransportKey { modulus: vec![9; 384], exponent: vec![1, 0, 1], digest: OaepDigest::Sha256 };
        let keys = TransportKeys([("member-a".to_owned(), key)].into());
        assert_eq!(TransportKeys::from_bytes(&keys.to_bytes()), Some(keys));
        assert_eq!(TransportKeys::from_bytes(&[7]), None);
    }

    #[test]
    fn a_wrapped_key_is_kept_with_its_digest() {
        for digest in [OaepDigest::Sha1, OaepDigest::Sha256] {
            let copy = kept(&pkcs11_api::WrappedKey { digest, bytes: Bytes(&[5; 384]) });
            let again = wrapped(&copy).unwrap();
            assert_eq!((again.digest, again.bytes.0), (digest, [5; 384].as_slice()));
        }
        assert!(wrapped(&WrappedKey(Box::default())).is_none());
        assert!(wrapped(&WrappedKey([3, 1].into())).is_none());
    }
}

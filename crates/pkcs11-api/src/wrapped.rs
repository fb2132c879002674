//! Keys on their way from one member to another.

use frames::Bytes;
use serde::{Deserialize, Serialize};

/// The digest of RSAES-OAEP and of its mask generation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OaepDigest {
    /// All that SoftHSM can. RSAES-OAEP does not rest on collisions being hard to find.
    Sha1,
    /// What is used where the tokens of both members can.
    Sha256,
}

/// A key that only the member with the transport key can unwrap.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct WrappedKey<'a> {
    /// How it was wrapped.
    pub digest: OaepDigest,
    /// The RSAES-OAEP ciphertext.
    #[serde(borrow)]
    pub bytes: Bytes<'a>,
}

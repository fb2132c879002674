//! Replies, and the reasons not to do what was asked.

use crate::{IV, KeyDescription, ObjectId, PublicKey, TAG, WrappedKey};
use frames::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What the PKCS#11 process answers.
#[derive(Serialize, Deserialize)]
pub enum Reply<'a> {
    /// To `DestroyKey`.
    Destroyed {
        /// How many objects had that id and are gone.
        objects: u32,
    },
    /// To `FindKey`: it is there and fit for use.
    Found,
    /// To `GenerateTokenKey` and `UnwrapKey`: it is there.
    Key {
        /// Whether it was made now, and not kept.
        made: bool,
    },
    /// To `DescribeKey`.
    KeyDescription(KeyDescription),
    /// To `LogOut`.
    LoggedOut,
    /// To `Open`: the plaintext.
    Opened(#[serde(borrow)] Bytes<'a>),
    /// To `Random`.
    Random(#[serde(borrow)] Bytes<'a>),
    /// To any command.
    Refused(Refusal),
    /// To `Seal`.
    Sealed {
        /// The initialisation vector. An HSM may insist on its own.
        iv: [u8; IV],
        /// The ciphertext without the tag.
        #[serde(borrow)]
        ciphertext: Bytes<'a>,
        /// The tag.
        tag: [u8; TAG],
    },
    /// To `Status` and `LogIn`.
    Status {
        /// Who made the library: `CK_INFO`'s manufacturerID.
        manufacturer: &'a str,
        /// `CK_INFO`'s libraryDescription.
        library: &'a str,
        /// `CK_INFO`'s libraryVersion.
        library_version: (u8, u8),
        /// The token's serial number; `None` while it is absent.
        serial: Option<&'a str>,
        /// Whether the crypto user is logged in.
        logged_in: bool,
        /// How many sessions are open.
        sessions: u32,
    },
    /// To `TransportKey`.
    TransportKey {
        /// Its `CKA_ID`.
        #[serde(borrow)]
        id: ObjectId<'a>,
        /// The public key.
        public_key: PublicKey<'a>,
    },
    /// To `GenerateWrappedKey`: one for each recipient, in their order.
    WrappedKeys(#[serde(borrow)] Vec<WrappedKey<'a>>),
}

/// A reply can hold plaintext, so only its kind is shown.
impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Destroyed { objects } => return write!(f, "Destroyed({objects})"),
            Self::Found => "Found",
            Self::Key { made } => return write!(f, "Key(made: {made})"),
            Self::KeyDescription(key) => return write!(f, "{key:?}"),
            Self::LoggedOut => "LoggedOut",
            Self::Opened(_) => "Opened",
            Self::Random(_) => "Random",
            Self::Refused(refusal) => return write!(f, "Refused({refusal:?})"),
            Self::Sealed { .. } => "Sealed",
            Self::Status { .. } => "Status",
            Self::TransportKey { .. } => "TransportKey",
            Self::WrappedKeys(_) => "WrappedKeys",
        })
    }
}

/// Why the PKCS#11 process does not do what was asked. Nothing was done then, unless the refusal says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// Too many commands wait for a session.
    #[error("too many commands wait for a session of the token")]
    Busy,
    /// The token or its library failed; whether it did what was asked is not known.
    #[error("the token failed: {0}")]
    DeviceError(ReturnValue),
    /// The token does not take the PIN. It may count such tries.
    #[error("the PIN is not that of the crypto user")]
    IncorrectPin,
    /// The ciphertext, its tag, the initialisation vector or the additional data are not as they were, or are of another key; and
    /// the token is well.
    #[error("the ciphertext is not genuine")]
    InvalidCiphertext,
    /// Several keys have that name, and the other could be meant.
    #[error("several keys in the token have that name")]
    KeyAmbiguous,
    /// No key has that name, and the token is well.
    #[error("no key in the token has that name")]
    KeyMissing,
    /// The key of that label is not AES-256. Or the one of that id is not as this process makes them (AES-256, for encryption and
    /// decryption, sensitive, not extractable), or there are several.
    #[error("the key of that name in the token is not one that may be used")]
    KeyUnfit,
    /// The key's owner, or the token, does not allow that it is used so: to encrypt, or to decrypt.
    #[error("the key of that name is not for this use")]
    KeyUsage,
    /// The library cannot be loaded or initialised. The log of the process says why.
    #[error("the PKCS#11 library cannot be loaded")]
    LibraryUnavailable,
    /// The frame holds no command, or a field is out of its bounds.
    #[error("the command is malformed")]
    Malformed,
    /// Nobody has logged in since the process started, or the token forgot it and did not take the PIN again.
    #[error("nobody is logged in to the token")]
    NotLoggedIn,
    /// The crypto user has no PIN yet: for the token that user does not exist.
    #[error("the crypto user is not set up in the token")]
    PinNotInitialised,
    /// The slot has no token with that label, or the token was removed.
    #[error("the token is absent")]
    TokenAbsent,
    /// The plaintext, the additional data or the number of bytes is over the limit.
    #[error("the plaintext, the additional data or the number of bytes is over the limit")]
    TooLarge,
    /// The token has no transport key, so that nothing can have been wrapped for it.
    #[error("the token has no transport key")]
    TransportKeyMissing,
    /// The token does not have a mechanism that is needed.
    #[error("the token lacks a mechanism: {0}")]
    Unsupported(ReturnValue),
    /// The token locked the crypto user after too many wrong PINs.
    #[error("the crypto user is locked out of the token")]
    UserLocked,
    /// Somebody else is logged in, in a way that keeps the crypto user out.
    #[error("another user is logged in to the token")]
    UserLoggedIn,
    /// The wrapped key does not unwrap with this member's transport key.
    #[error("the wrapped key is not one for this member")]
    WrappedKeyInvalid,
}

/// A `CK_RV` as the library returned it, in hexadecimal as the standard lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnValue(pub u64);

impl fmt::Display for ReturnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CK_RV 0x{:08x}", self.0)
    }
}

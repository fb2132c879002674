//! Commands and replies. A closed list: adding one is a change of the module's attack surface, to be argued for.

use crate::{CanonicalContext, CredentialBinding, Key, NewKey};
use keys::KeyMaterialId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// What can be asked of the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Make a secret access key. It leaves the module this once, for its owner; then only its token does.
    CreateAccessKeySecret {
        /// What the token will be bound to.
        binding: Cow<'a, CredentialBinding>,
    },
    /// Decrypt a ciphertext blob.
    Decrypt {
        /// The backing key that the blob names.
        #[serde(borrow)]
        key: Key<'a>,
        /// The context that it was encrypted with.
        context: CanonicalContext<'a>,
        /// The ciphertext blob.
        blob: Bytes<'a>,
    },
    /// Derive the signing key of Signature Version 4 for one day, region and service, so that the secret access key stays here.
    DeriveSigningKey {
        /// The token of the secret access key.
        #[serde(borrow)]
        token: Bytes<'a>,
        /// What the token must be bound to.
        binding: Cow<'a, CredentialBinding>,
        /// The date, `YYYYMMDD`.
        date: &'a str,
        /// The region.
        region: &'a str,
        /// The service.
        service: &'a str,
    },
    /// Encrypt a plaintext of 1 to 4096 bytes.
    Encrypt {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// The encryption context.
        context: CanonicalContext<'a>,
        /// The plaintext.
        plaintext: Bytes<'a>,
    },
    /// Make a data key of 1 to 1024 bytes and encrypt it.
    GenerateDataKey {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// The encryption context.
        context: CanonicalContext<'a>,
        /// The length of the data key.
        number_of_bytes: u16,
    },
    /// The same, and the data key is not told.
    GenerateDataKeyWithoutPlaintext {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// The encryption context.
        context: CanonicalContext<'a>,
        /// The length of the data key.
        number_of_bytes: u16,
    },
    /// Make a backing key.
    GenerateKey {
        /// What it will be bound to, with the id that its material gets.
        key: Cow<'a, NewKey>,
    },
    /// Give 1 to 1024 random bytes.
    GenerateRandom {
        /// How many.
        number_of_bytes: u16,
    },
    /// Open what `SealMessage` sealed for that purpose.
    OpenMessage {
        /// What it must have been sealed for.
        purpose: MessagePurpose,
        /// The sealed message.
        #[serde(borrow)]
        bytes: Bytes<'a>,
    },
    /// Decrypt a ciphertext blob and encrypt what was in it; the plaintext stays inside.
    ReEncrypt {
        /// The backing key that the blob names.
        #[serde(borrow)]
        source: Key<'a>,
        /// The context that it was encrypted with.
        source_context: CanonicalContext<'a>,
        /// The ciphertext blob.
        blob: Bytes<'a>,
        /// The backing key to encrypt under.
        destination: Key<'a>,
        /// The context to encrypt with.
        destination_context: CanonicalContext<'a>,
    },
    /// Seal up to 64 KiB of the front end's own data, which others carry and may neither read nor change.
    SealMessage {
        /// What it may be opened for.
        purpose: MessagePurpose,
        /// The message.
        #[serde(borrow)]
        bytes: Bytes<'a>,
    },
    /// Say which domain key is held.
    Status,
}

/// What a sealed message is for. One purpose's message is nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessagePurpose {
    /// The encoded authorization message, for `sts:DecodeAuthorizationMessage`.
    AuthorizationMessage,
    /// The session that a session token holds.
    Session,
}

impl MessagePurpose {
    /// Every purpose.
    pub const ALL: [Self; 2] = [Self::AuthorizationMessage, Self::Session];
}

/// What the module answers.
#[derive(Serialize, Deserialize)]
pub enum Reply<'a> {
    /// To `CreateAccessKeySecret`.
    AccessKeySecret {
        /// The secret access key, 40 characters.
        #[serde(borrow)]
        secret: Bytes<'a>,
        /// Its token.
        token: Bytes<'a>,
    },
    /// To `Encrypt`, `ReEncrypt`, `GenerateDataKeyWithoutPlaintext` and `SealMessage`.
    Ciphertext(#[serde(borrow)] Bytes<'a>),
    /// To `GenerateDataKey`.
    DataKey {
        /// The data key.
        #[serde(borrow)]
        plaintext: Bytes<'a>,
        /// The data key encrypted.
        ciphertext: Bytes<'a>,
    },
    /// To `GenerateKey`.
    Key {
        /// The key token.
        #[serde(borrow)]
        token: Bytes<'a>,
        /// The id of the backing key in it.
        material_id: KeyMaterialId,
    },
    /// To `Decrypt` and `OpenMessage`.
    Plaintext(#[serde(borrow)] Bytes<'a>),
    /// To `GenerateRandom`.
    Random(#[serde(borrow)] Bytes<'a>),
    /// To any command.
    Refused(Refusal),
    /// To `DeriveSigningKey`: 32 bytes.
    SigningKey(#[serde(borrow)] Bytes<'a>),
    /// To `Status`.
    Status {
        /// Which domain key seals new tokens.
        domain_key_id: [u8; 16],
    },
}

/// A reply can hold plaintext, so only its kind is shown.
impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessKeySecret { .. } => "AccessKeySecret",
            Self::Ciphertext(_) => "Ciphertext",
            Self::DataKey { .. } => "DataKey",
            Self::Key { .. } => "Key",
            Self::Plaintext(_) => "Plaintext",
            Self::Random(_) => "Random",
            Self::Refused(refusal) => return write!(f, "Refused({refusal:?})"),
            Self::SigningKey(_) => "SigningKey",
            Self::Status { .. } => "Status",
        })
    }
}

/// Why the module does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The cryptographic library or the locked memory failed; nothing was done.
    #[error("the security module failed to do it")]
    Failed,
    /// The blob is not one, was changed or cut, belongs to another key, or the context is another. Which of them is not told.
    #[error("the ciphertext is not genuine, or not for this key and encryption context")]
    InvalidCiphertext,
    /// The frame holds no command, or a field is out of its bounds.
    #[error("the command is malformed")]
    Malformed,
    /// The sealed message is not one, was changed or cut, is for another purpose, or was sealed under a domain key that is not
    /// held. Which of them is not told.
    #[error("the sealed message is not genuine, or is for another purpose")]
    MessageRefused,
    /// The token is not one, was sealed under a domain key that is not held, or is bound to something else.
    #[error("the token does not open, or is bound to something else")]
    TokenRefused,
    /// The plaintext, the message or the number of bytes is over the limit.
    #[error("the plaintext, the message or the number of bytes is over the limit")]
    TooLarge,
    /// The key's spec, usage or origin does not do what was asked.
    #[error("the key's spec, usage or origin does not support the command")]
    Unsupported,
}

/// Borrowed bytes that go through the door in one piece. Not shown: they may be a plaintext.
#[derive(Clone, Copy)]
pub struct Bytes<'a>(pub &'a [u8]);

impl fmt::Debug for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Bytes<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(from).map(Self)
    }
}

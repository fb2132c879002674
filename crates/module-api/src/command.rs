//! Commands and replies. A closed list: adding one is a change of the module's attack surface, to be argued for.

use crate::{CanonicalContext, CredentialBinding, Key, NewKey};
use frames::Bytes;
use keys::{
    AccountId, DataKeyPairSpec, EncryptionAlgorithm, KeyMaterialId, KeySpec, MacAlgorithm, MessageType,
    Region, SigningAlgorithm, WrappingAlgorithm, WrappingKeySpec,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

/// What can be asked of the module.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command<'a> {
    /// Make a key pair under which material for a key can be encrypted. The private key leaves only in the import token.
    BeginImport {
        /// The key, with the id that its material gets still unknown.
        key: Cow<'a, NewKey>,
        /// How the material will be encrypted.
        algorithm: WrappingAlgorithm,
        /// Which key pair to make.
        spec: WrappingKeySpec,
        /// Until when the import token holds, in milliseconds since 1970. The module has no clock: it only binds the token to it.
        valid_to: i64,
    },
    /// Make a secret access key. It leaves the module this once, for its owner; then only its token does.
    CreateAccessKeySecret {
        /// What the token will be bound to.
        binding: Cow<'a, CredentialBinding>,
    },
    /// Recover the shared secret that somebody encapsulated.
    Decapsulate {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// The encapsulated secret.
        ciphertext: Bytes<'a>,
    },
    /// Decrypt a ciphertext.
    Decrypt {
        /// The backing key: of a symmetric ciphertext the one that the blob names.
        #[serde(borrow)]
        key: Key<'a>,
        /// How it was encrypted.
        algorithm: EncryptionAlgorithm,
        /// The context that it was encrypted with; empty unless the algorithm is symmetric.
        context: CanonicalContext<'a>,
        /// The ciphertext blob.
        blob: Bytes<'a>,
        /// For whom the plaintext is, if not for whoever asks.
        recipient: Option<Recipient<'a>>,
    },
    /// Derive the secret that the key shares with the owner of a public key.
    DeriveSharedSecret {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// The other side's public key, SubjectPublicKeyInfo in DER.
        public_key: Bytes<'a>,
        /// For whom the secret is, if not for whoever asks.
        recipient: Option<Recipient<'a>>,
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
    /// Make a shared secret and encapsulate it for the key.
    Encapsulate {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
    },
    /// Encrypt a plaintext of 1 to 4096 bytes, or as many as the algorithm takes.
    Encrypt {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// How to encrypt it.
        algorithm: EncryptionAlgorithm,
        /// The encryption context; empty unless the algorithm is symmetric.
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
        /// For whom the data key is, if not for whoever asks.
        recipient: Option<Recipient<'a>>,
    },
    /// Make a pair of keys and encrypt the private one.
    GenerateDataKeyPair {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// The encryption context.
        context: CanonicalContext<'a>,
        /// Which pair.
        spec: DataKeyPairSpec,
        /// For whom the private key is, if not for whoever asks.
        recipient: Option<Recipient<'a>>,
    },
    /// The same, and the private key is not told.
    GenerateDataKeyPairWithoutPlaintext {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// The encryption context.
        context: CanonicalContext<'a>,
        /// Which pair.
        spec: DataKeyPairSpec,
    },
    /// The same as `GenerateDataKey`, and the data key is not told.
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
    /// Make the MAC of a message.
    GenerateMac {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// How.
        algorithm: MacAlgorithm,
        /// The message.
        message: Bytes<'a>,
    },
    /// Give 1 to 1024 random bytes.
    GenerateRandom {
        /// How many.
        number_of_bytes: u16,
        /// For whom they are, if not for whoever asks.
        #[serde(borrow)]
        recipient: Option<Recipient<'a>>,
    },
    /// Take in material that was encrypted under the key pair of an import token.
    Import {
        /// The key that the token must be bound to.
        key: Cow<'a, NewKey>,
        /// The import token.
        #[serde(borrow)]
        token: Bytes<'a>,
        /// The encrypted material.
        material: Bytes<'a>,
    },
    /// Open what `SealMessage` sealed for that purpose.
    OpenMessage {
        /// What it must have been sealed for.
        purpose: MessagePurpose,
        /// The sealed message.
        #[serde(borrow)]
        bytes: Bytes<'a>,
    },
    /// Tell the public key of a pair.
    PublicKey {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
    },
    /// Decrypt a ciphertext blob and encrypt what was in it; the plaintext stays inside.
    ReEncrypt {
        /// The backing key: of a symmetric ciphertext the one that the blob names.
        #[serde(borrow)]
        source: Key<'a>,
        /// How the blob was encrypted.
        source_algorithm: EncryptionAlgorithm,
        /// The context that it was encrypted with.
        source_context: CanonicalContext<'a>,
        /// The ciphertext blob.
        blob: Bytes<'a>,
        /// The backing key to encrypt under.
        destination: Key<'a>,
        /// How to encrypt it.
        destination_algorithm: EncryptionAlgorithm,
        /// The context to encrypt with.
        destination_context: CanonicalContext<'a>,
    },
    /// Bind a backing key of a multi-Region key to another region as well.
    Rebind {
        /// The backing key where it is.
        #[serde(borrow)]
        key: Key<'a>,
        /// The region to bind it to.
        region: Region,
    },
    /// Seal up to 64 KiB of the front end's own data, which others carry and may neither read nor change.
    SealMessage {
        /// What it may be opened for.
        purpose: MessagePurpose,
        /// The message.
        #[serde(borrow)]
        bytes: Bytes<'a>,
    },
    /// Sign a message.
    Sign {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// How.
        algorithm: SigningAlgorithm,
        /// What the message is.
        message_type: MessageType,
        /// The message, its digest or its representative.
        message: Bytes<'a>,
    },
    /// Say which domain key is held.
    Status,
    /// Check the signature of a message.
    Verify {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// How it was signed.
        algorithm: SigningAlgorithm,
        /// What the message is.
        message_type: MessageType,
        /// The message, its digest or its representative.
        message: Bytes<'a>,
        /// The signature.
        signature: Bytes<'a>,
    },
    /// Check the MAC of a message.
    VerifyMac {
        /// The backing key.
        #[serde(borrow)]
        key: Key<'a>,
        /// How it was made.
        algorithm: MacAlgorithm,
        /// The message.
        message: Bytes<'a>,
        /// The MAC, all of it.
        mac: Bytes<'a>,
    },
}

impl Command<'_> {
    /// Whether it makes RSA keys, which takes long: seconds, in the worst case.
    #[must_use]
    pub fn makes_rsa_keys(&self) -> bool {
        self.makes_rsa_keys_for().is_some()
    }

    /// Whose key it makes RSA keys for, if it makes any.
    #[must_use]
    pub fn makes_rsa_keys_for(&self) -> Option<AccountId> {
        let is_rsa = |spec| matches!(spec, KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096);
        match self {
            Self::BeginImport { key, .. } => Some(key.account),
            Self::GenerateKey { key } => is_rsa(key.spec).then_some(key.account),
            Self::GenerateDataKeyPair { key, spec, .. }
            | Self::GenerateDataKeyPairWithoutPlaintext { key, spec, .. } => {
                is_rsa(spec.key_spec()).then_some(key.binding.account)
            }
            _ => None,
        }
    }
}

/// Whom a plaintext is for: the owner of an RSA public key, SubjectPublicKeyInfo in DER. It leaves as a CMS EnvelopedData that only
/// that owner can open. Whether the key is an attested one is for the front end to know.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Recipient<'a>(#[serde(borrow)] pub Bytes<'a>);

/// What a sealed message is for. One purpose's message is nothing to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MessagePurpose {
    /// The encoded authorization message, for `sts:DecodeAuthorizationMessage`.
    AuthorizationMessage,
    /// What a custom key store signs or logs in with at its backend.
    KeyStoreCredential,
    /// The session that a session token holds.
    Session,
    // The number of a purpose is on the wire: a new one is last.
    /// The key of a key store file of `cardea-xks-proxy`.
    KeyStoreFile,
}

impl MessagePurpose {
    /// Every purpose.
    pub const ALL: [Self; 4] =
        [Self::AuthorizationMessage, Self::KeyStoreCredential, Self::Session, Self::KeyStoreFile];
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
        /// The data key, or the envelope with it for a recipient.
        #[serde(borrow)]
        plaintext: Bytes<'a>,
        /// The data key encrypted.
        ciphertext: Bytes<'a>,
    },
    /// To `GenerateDataKeyPair` and `GenerateDataKeyPairWithoutPlaintext`.
    DataKeyPair {
        /// The private key, PrivateKeyInfo in DER, or the envelope with it for a recipient; empty if it is not to be told.
        #[serde(borrow)]
        private_key: Bytes<'a>,
        /// The private key encrypted.
        ciphertext: Bytes<'a>,
        /// The public key, SubjectPublicKeyInfo in DER.
        public_key: Bytes<'a>,
    },
    /// To `Encapsulate`.
    Encapsulated {
        /// The shared secret.
        #[serde(borrow)]
        shared_secret: Bytes<'a>,
        /// The shared secret encapsulated.
        ciphertext: Bytes<'a>,
    },
    /// To `BeginImport`.
    ImportParameters {
        /// The import token, which `module_api::import` can read the outside of.
        #[serde(borrow)]
        token: Bytes<'a>,
        /// The public key to encrypt the material under, SubjectPublicKeyInfo in DER.
        public_key: Bytes<'a>,
    },
    /// To `GenerateKey`, `Import` and `Rebind`.
    Key {
        /// The key token.
        #[serde(borrow)]
        token: Bytes<'a>,
        /// The id of the backing key in it.
        material_id: KeyMaterialId,
        /// The public key of a pair, SubjectPublicKeyInfo in DER; empty for every other key.
        public_key: Bytes<'a>,
    },
    /// To `GenerateMac`.
    Mac(#[serde(borrow)] Bytes<'a>),
    /// To `Decrypt` and `OpenMessage`: the plaintext, or the envelope with it for a recipient.
    Plaintext(#[serde(borrow)] Bytes<'a>),
    /// To `PublicKey`: SubjectPublicKeyInfo in DER.
    PublicKey(#[serde(borrow)] Bytes<'a>),
    /// To `GenerateRandom`: the bytes, or the envelope with them for a recipient.
    Random(#[serde(borrow)] Bytes<'a>),
    /// To any command.
    Refused(Refusal),
    /// To `DeriveSharedSecret` and `Decapsulate`: the secret, or the envelope with it for a recipient.
    SharedSecret(#[serde(borrow)] Bytes<'a>),
    /// To `Sign`.
    Signature(#[serde(borrow)] Bytes<'a>),
    /// To `DeriveSigningKey`: 32 bytes.
    SigningKey(#[serde(borrow)] Bytes<'a>),
    /// To `Status`.
    Status {
        /// Which domain key seals new tokens.
        domain_key_id: [u8; 16],
    },
    /// To `Verify` and `VerifyMac`: it is genuine.
    Verified,
}

/// A reply can hold plaintext, so only its kind is shown.
impl fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AccessKeySecret { .. } => "AccessKeySecret",
            Self::Ciphertext(_) => "Ciphertext",
            Self::DataKey { .. } => "DataKey",
            Self::DataKeyPair { .. } => "DataKeyPair",
            Self::Encapsulated { .. } => "Encapsulated",
            Self::ImportParameters { .. } => "ImportParameters",
            Self::Key { .. } => "Key",
            Self::Mac(_) => "Mac",
            Self::Plaintext(_) => "Plaintext",
            Self::PublicKey(_) => "PublicKey",
            Self::Random(_) => "Random",
            Self::Refused(refusal) => return write!(f, "Refused({refusal:?})"),
            Self::SharedSecret(_) => "SharedSecret",
            Self::Signature(_) => "Signature",
            Self::SigningKey(_) => "SigningKey",
            Self::Status { .. } => "Status",
            Self::Verified => "Verified",
        })
    }
}

/// Why the module does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// More keys are being made than can be in time; later there is room again.
    #[error("the security module has too many keys to make")]
    Busy,
    /// The cryptographic library or the locked memory failed; nothing was done.
    #[error("the security module failed to do it")]
    Failed,
    /// The key material that was imported is not what the key's spec takes.
    #[error("the key material does not fit the key")]
    IncorrectKeyMaterial,
    /// The blob is not one, was changed or cut, belongs to another key, or the context is another. Which of them is not told.
    #[error("the ciphertext is not genuine, or not for this key and encryption context")]
    InvalidCiphertext,
    /// The import token is not one, was sealed under a domain key that is not held, or is for another key.
    #[error("the import token does not open, or is for another key")]
    InvalidImportToken,
    /// The MAC is not that of the message.
    #[error("the MAC is not genuine")]
    InvalidMac,
    /// The public key is not one, or not of the kind and on the curve that it has to be.
    #[error("the public key is not one that fits")]
    InvalidPublicKey,
    /// The signature is not one of the message.
    #[error("the signature is not genuine")]
    InvalidSignature,
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

//! Secrets that are made for others to use: data keys, pairs of them, shared secrets, random bytes.

use crate::ciphertexts::recipient_of;
use crate::client::ciphertext;
use crate::{CallError, ModuleClient};
use keys::DataKeyPairSpec;
use module_api::{Bytes, Command, EncryptionContext, Key, Reply};
use std::fmt;
use zeroize::Zeroizing;

impl ModuleClient {
    /// Makes a data key of 1 to 1024 bytes.
    pub async fn generate_data_key(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        number_of_bytes: u16,
        recipient: Option<&[u8]>,
    ) -> Result<DataKey, CallError> {
        let (context, recipient) = (context.canonical(), recipient.map(recipient_of));
        let command = Command::GenerateDataKey { key, context, number_of_bytes, recipient };
        self.call(&command, |reply| match reply {
            Reply::DataKey { plaintext, ciphertext } => Some(DataKey {
                plaintext: Zeroizing::new(plaintext.0.to_vec()),
                ciphertext: ciphertext.0.to_vec(),
            }),
            _ => None,
        })
        .await
    }

    /// Makes a data key of 1 to 1024 bytes that leaves the module only encrypted.
    pub async fn generate_data_key_without_plaintext(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        number_of_bytes: u16,
    ) -> Result<Vec<u8>, CallError> {
        let context = context.canonical();
        self.call(&Command::GenerateDataKeyWithoutPlaintext { key, context, number_of_bytes }, ciphertext)
            .await
    }

    /// Makes a pair of keys.
    pub async fn generate_data_key_pair(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        spec: DataKeyPairSpec,
        recipient: Option<&[u8]>,
    ) -> Result<DataKeyPair, CallError> {
        let (context, recipient) = (context.canonical(), recipient.map(recipient_of));
        self.call(&Command::GenerateDataKeyPair { key, context, spec, recipient }, pair).await
    }

    /// Makes a pair of keys of which the private one leaves the module only encrypted: it is empty in what comes back.
    pub async fn generate_data_key_pair_without_plaintext(
        &self,
        key: Key<'_>,
        context: &EncryptionContext,
        spec: DataKeyPairSpec,
    ) -> Result<DataKeyPair, CallError> {
        let context = context.canonical();
        self.call(&Command::GenerateDataKeyPairWithoutPlaintext { key, context, spec }, pair).await
    }

    /// Gives 1 to 1024 random bytes.
    pub async fn generate_random(
        &self,
        number_of_bytes: u16,
        recipient: Option<&[u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let recipient = recipient.map(recipient_of);
        self.call(&Command::GenerateRandom { number_of_bytes, recipient }, |reply| match reply {
            Reply::Random(random) => Some(Zeroizing::new(random.0.to_vec())),
            _ => None,
        })
        .await
    }

    /// Derives the secret that the key shares with the owner of that public key, SubjectPublicKeyInfo in DER.
    pub async fn derive_shared_secret(
        &self,
        key: Key<'_>,
        public_key: &[u8],
        recipient: Option<&[u8]>,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let (public_key, recipient) = (Bytes(public_key), recipient.map(recipient_of));
        self.call(&Command::DeriveSharedSecret { key, public_key, recipient }, shared_secret).await
    }

    /// Makes a shared secret and encapsulates it for the key.
    pub async fn encapsulate(&self, key: Key<'_>) -> Result<Encapsulated, CallError> {
        self.call(&Command::Encapsulate { key }, |reply| match reply {
            Reply::Encapsulated { shared_secret, ciphertext } => Some(Encapsulated {
                shared_secret: Zeroizing::new(shared_secret.0.to_vec()),
                ciphertext: ciphertext.0.to_vec(),
            }),
            _ => None,
        })
        .await
    }

    /// Recovers the shared secret that was encapsulated for the key.
    pub async fn decapsulate(
        &self,
        key: Key<'_>,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        self.call(&Command::Decapsulate { key, ciphertext: Bytes(ciphertext) }, shared_secret).await
    }
}

fn pair(reply: Reply<'_>) -> Option<DataKeyPair> {
    match reply {
        Reply::DataKeyPair { private_key, ciphertext, public_key } => Some(DataKeyPair {
            private_key: Zeroizing::new(private_key.0.to_vec()),
            ciphertext: ciphertext.0.to_vec(),
            public_key: public_key.0.to_vec(),
        }),
        _ => None,
    }
}

fn shared_secret(reply: Reply<'_>) -> Option<Zeroizing<Vec<u8>>> {
    match reply {
        Reply::SharedSecret(secret) => Some(Zeroizing::new(secret.0.to_vec())),
        _ => None,
    }
}

/// A new data key.
pub struct DataKey {
    /// The data key, or the envelope with it for a recipient.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The data key encrypted.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({} bytes)", self.plaintext.len())
    }
}

/// A new pair of keys.
pub struct DataKeyPair {
    /// The private key, PrivateKeyInfo in DER, or the envelope with it for a recipient; empty if it is not told.
    pub private_key: Zeroizing<Vec<u8>>,
    /// The private key encrypted.
    pub ciphertext: Vec<u8>,
    /// The public key, SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
}

impl fmt::Debug for DataKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKeyPair({} bytes)", self.private_key.len())
    }
}

/// A new shared secret.
pub struct Encapsulated {
    /// The shared secret.
    pub shared_secret: Zeroizing<Vec<u8>>,
    /// The shared secret encapsulated.
    pub ciphertext: Vec<u8>,
}

impl fmt::Debug for Encapsulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encapsulated({} bytes)", self.shared_secret.len())
    }
}

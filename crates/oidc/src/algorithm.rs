//! The algorithms that a token may be signed with, and the keys that fit them. `none` and those with a shared secret are not
//! here, so that no key set can make them acceptable.

use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};

/// The algorithm of that name in a token's head.
pub(crate) fn named(name: &str) -> Option<Algorithm> {
    ACCEPTED.iter().find(|(accepted, ..)| *accepted == name).map(|(_, algorithm, _)| *algorithm)
}

/// What kind of key verifies the signatures of an algorithm.
pub(crate) fn kind_for(algorithm: Algorithm) -> Option<KeyKind> {
    ACCEPTED.iter().find(|(_, accepted, _)| *accepted == algorithm).map(|(.., kind)| *kind)
}

/// The kinds of keys that verify anything here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum KeyKind {
    Ed25519,
    P256,
    P384,
    Rsa,
}

impl KeyKind {
    pub(crate) fn of(jwk: &Jwk) -> Option<Self> {
        match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => Some(Self::Rsa),
            AlgorithmParameters::EllipticCurve(key) => match key.curve {
                EllipticCurve::P256 => Some(Self::P256),
                EllipticCurve::P384 => Some(Self::P384),
                _ => None,
            },
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
                Some(Self::Ed25519)
            }
            _ => None,
        }
    }
}

const ACCEPTED: [(&str, Algorithm, KeyKind); 9] = [
    ("ES256", Algorithm::ES256, KeyKind::P256),
    ("ES384", Algorithm::ES384, KeyKind::P384),
    ("EdDSA", Algorithm::EdDSA, KeyKind::Ed25519),
    ("PS256", Algorithm::PS256, KeyKind::Rsa),
    ("PS384", Algorithm::PS384, KeyKind::Rsa),
    ("PS512", Algorithm::PS512, KeyKind::Rsa),
    ("RS256", Algorithm::RS256, KeyKind::Rsa),
    ("RS384", Algorithm::RS384, KeyKind::Rsa),
    ("RS512", Algorithm::RS512, KeyKind::Rsa),
];

//! Binary members: base64 text within limits of its decoded length. Their values are never shown.

use super::text::TextVisitor;
use super::{KeyEncryptionMechanism, Member, length_constraint};
use crate::{Path, Sensitive, Shape, Violations};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error};

crate::input! {
    /// For whom, other than the caller, an answer's plaintext is: an attested enclave.
    pub struct RecipientInfo {
        optional key_encryption_algorithm: KeyEncryptionMechanism = "KeyEncryptionAlgorithm",
        optional attestation_document: AttestationDocument = "AttestationDocument",
    }
}

/// What is to be encrypted, signed or authenticated: 1 to 4096 bytes.
#[derive(Debug)]
pub struct Plaintext(Sensitive<Vec<u8>>);

impl Plaintext {
    /// The bytes, for the narrowest expression that needs them.
    #[must_use]
    pub const fn expose(&self) -> &Vec<u8> {
        self.0.expose()
    }
}

impl Member for Plaintext {
    type Raw = Sensitive<Vec<u8>>;

    const SHAPE: Shape = Shape::Blob { min: 1, max: 4096 };

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self::Raw, D::Error> {
        read(from).map(Sensitive::new)
    }

    fn check(raw: Self::Raw, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
        within(1, 4096, raw.expose(), path, violations).then_some(Self(raw))
    }
}

/// A ciphertext, a signature or a MAC: 1 to 6144 bytes.
#[derive(Clone, Debug)]
pub struct CiphertextBlob(Vec<u8>);

/// A public key: 1 to 8192 bytes.
#[derive(Clone, Debug)]
pub struct PublicKey(Vec<u8>);

/// An attestation document: 1 to 262,144 bytes.
#[derive(Clone, Debug)]
pub struct AttestationDocument(Vec<u8>);

macro_rules! blobs {
    ($($name:ident $min:literal..=$max:literal;)+) => {$(
        impl $name {
            /// The bytes.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl Member for $name {
            type Raw = Vec<u8>;

            const SHAPE: Shape = Shape::Blob { min: $min, max: $max };

            fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
                read(from)
            }

            fn check(raw: Vec<u8>, path: &Path<'_>, violations: &mut Violations) -> Option<Self> {
                within($min, $max, &raw, path, violations).then_some(Self(raw))
            }
        }
    )+};
}

blobs! {
    AttestationDocument 1..=262_144;
    CiphertextBlob 1..=6144;
    PublicKey 1..=8192;
}

fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = Sensitive::new(from.deserialize_any(TextVisitor)?);
    STANDARD.decode(text.expose()).map_err(|_| D::Error::custom(NOT_BASE64))
}

fn within(min: usize, max: usize, bytes: &[u8], path: &Path<'_>, violations: &mut Violations) -> bool {
    let broken = length_constraint(bytes.len(), min, Some(max));
    if let Some(constraint) = &broken {
        violations.hidden_value(path, constraint);
    }
    broken.is_none()
}

const NOT_BASE64: &str = "Invalid Base64 value";

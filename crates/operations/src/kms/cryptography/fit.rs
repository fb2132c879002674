//! Whether a key does what a request asks of it: its usage first, then the algorithm, then what the algorithm takes. Nothing here
//! looks at a secret but for its length.

use crate::operation::NamedKey;
use keys::{
    EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm, KeyUsage, MacAlgorithm, MessageType,
    SigningAlgorithm,
};
use std::fmt::Display;
use wire::member::EncryptionContext;
use wire::{Fault, FaultKind};

/// Refuses a key that is not for encryption, or not with that algorithm, or an encryption context that the algorithm cannot bind.
pub fn check_encrypts(
    named: &NamedKey,
    algorithm: EncryptionAlgorithm,
    context: Option<&EncryptionContext>,
    operation: &str,
) -> Result<(), Fault> {
    let offered = named.key.spec.encryption_algorithms();
    check(named, KeyUsage::EncryptDecrypt, offered, algorithm, operation)?;
    if algorithm == EncryptionAlgorithm::SymmetricDefault
        || context.is_none_or(|context| context.0.is_empty())
    {
        return Ok(());
    }
    Err(Fault::new(FaultKind::Validation, NO_CONTEXT))
}

/// Refuses a plaintext that the key does not take in one piece.
pub fn check_size(named: &NamedKey, algorithm: EncryptionAlgorithm, size: usize) -> Result<(), Fault> {
    let most = named.key.spec.largest_plaintext(algorithm);
    if size <= most { Ok(()) } else { Err(too_large(named, algorithm)) }
}

/// The plaintext is larger than the key takes.
pub fn too_large(named: &NamedKey, algorithm: EncryptionAlgorithm) -> Fault {
    let spec = named.key.spec;
    let most = spec.largest_plaintext(algorithm);
    let message =
        format!("Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {most} bytes.");
    Fault::new(FaultKind::Validation, message)
}

/// Refuses a key that does not sign, or not with that algorithm, and a message of a type or length that the algorithm does not take.
pub fn check_signs(
    named: &NamedKey,
    algorithm: SigningAlgorithm,
    message_type: MessageType,
    message: &[u8],
    operation: &str,
) -> Result<(), Fault> {
    check(named, KeyUsage::SignVerify, named.key.spec.signing_algorithms(), algorithm, operation)?;
    if !algorithm.message_types().contains(&message_type) {
        let message = format!("MessageType {message_type} is not valid for algorithm {algorithm}.");
        return Err(Fault::new(FaultKind::Validation, message));
    }
    let length = match message_type {
        MessageType::Raw => return Ok(()),
        MessageType::Digest => algorithm.digest_length(),
        MessageType::ExternalMu => Some(MU_LENGTH),
    };
    if length == Some(message.len()) {
        return Ok(());
    }
    let message = format!("Digest is invalid length for algorithm {algorithm}.");
    Err(Fault::new(FaultKind::Validation, message))
}

/// Refuses a key that does not make MACs, or not with that algorithm.
pub fn check_makes_macs(named: &NamedKey, algorithm: MacAlgorithm, operation: &str) -> Result<(), Fault> {
    check(named, KeyUsage::GenerateVerifyMac, named.key.spec.mac_algorithms(), algorithm, operation)
}

/// Refuses a key that agrees on no secrets, or not with that algorithm.
pub fn check_agrees(
    named: &NamedKey,
    algorithm: KeyAgreementAlgorithm,
    operation: &str,
) -> Result<(), Fault> {
    check(named, KeyUsage::KeyAgreement, named.key.spec.key_agreement_algorithms(), algorithm, operation)
}

/// Refuses a key for which no secrets are encapsulated, or not with that algorithm.
pub fn check_encapsulates(
    named: &NamedKey,
    algorithm: EncapsulationAlgorithm,
    operation: &str,
) -> Result<(), Fault> {
    let offered = named.key.spec.encapsulation_algorithms();
    check(named, KeyUsage::EncapsulateDecapsulate, offered, algorithm, operation)
}

fn check<A: Copy + PartialEq + Display>(
    named: &NamedKey,
    usage: KeyUsage,
    offered: &[A],
    algorithm: A,
    operation: &str,
) -> Result<(), Fault> {
    let (actual, spec) = (named.key.usage, named.key.spec);
    let message = if actual != usage {
        format!("{} key usage is {actual} which is not valid for {operation}.", named.arn)
    } else if !offered.contains(&algorithm) {
        format!("Algorithm {algorithm} is incompatible with key spec {spec}.")
    } else {
        return Ok(());
    };
    Err(Fault::new(FaultKind::InvalidKeyUsage, message))
}

const NO_CONTEXT: &str =
    "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.";

//= FIPS 204: mu has 64 bytes
const MU_LENGTH: usize = 64;

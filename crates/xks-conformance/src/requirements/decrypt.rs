//! Decrypt.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P36",
        level: Level::Must,
        sentence: "Takes ciphertexts of up to 4,300 bytes.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P37",
        level: Level::Must,
        sentence: "Requires ciphertext, initializationVector, authenticationTag and encryptionAlgorithm.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P38",
        level: Level::Must,
        sentence: "Takes vectors of 12 or 16 bytes and tags of 16, and nothing else.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P39",
        level: Level::Must,
        sentence: "Refuses more than 20 bytes of ciphertextMetadata, and notices changed ones.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P40",
        level: Level::Must,
        sentence: "Needs the additional authenticated data of Encrypt, up to 8,192 bytes.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P41",
        level: Level::Must,
        sentence: "Answers the plaintext.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P42",
        level: Level::Must,
        sentence: "Answers InvalidCiphertextException for what is damaged.",
        checks: &[],
        by_eye: None,
    },
];

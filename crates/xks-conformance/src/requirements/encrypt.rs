//! Encrypt.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P22",
        level: Level::Must,
        sentence: "Takes plaintexts of up to 4,300 bytes.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P23",
        level: Level::Must,
        sentence: "Requires plaintext and encryptionAlgorithm, which is AES_GCM.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P24",
        level: Level::Must,
        sentence: "Binds additionalAuthenticatedData, which is standard Base64.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P25",
        level: Level::Must,
        sentence: "Takes additional authenticated data of up to 8,192 bytes.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P26",
        level: Level::Must,
        sentence: "Answers a ciphertextDataIntegrityValue when asked with SHA_256.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P27",
        level: Level::Must,
        sentence: "Answers ciphertext, initializationVector and authenticationTag.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P28",
        level: Level::Must,
        sentence: "Answers a ciphertext as long as the plaintext.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P29",
        level: Level::Must,
        sentence: "Uses an initialization vector of 12 or 16 bytes.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P30",
        level: Level::Must,
        sentence: "Answers a tag of 16 bytes.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P31",
        level: Level::Must,
        sentence: "Answers no more than 20 bytes of ciphertextMetadata, in Base64.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P32",
        level: Level::Must,
        sentence: "Binds ciphertextMetadata, apart from the additional authenticated data.",
        checks: &[],
        by_eye: Some(
            "ask the vendor for the exact construction: lengths before each part, zero for an absent one",
        ),
    },
    Requirement {
        id: "P33",
        level: Level::Should,
        sentence: "Marks a change of that construction in ciphertextMetadata.",
        checks: &[],
        by_eye: Some(
            "ask the vendor how old ciphertexts stay readable; keep one, and decrypt it after each upgrade",
        ),
    },
    Requirement {
        id: "P34",
        level: Level::Must,
        sentence: "Computes the integrity value over data, metadata, vector, ciphertext and tag.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P35",
        level: Level::Should,
        sentence: "Decrypts what it encrypted before it answers, when an integrity value is asked for.",
        checks: &[],
        by_eye: Some("let the key manager corrupt what it encrypts: the answer must be an error"),
    },
];

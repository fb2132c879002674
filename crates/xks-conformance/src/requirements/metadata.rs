//! GetKeyMetadata.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P17",
        level: Level::Must,
        sentence: "Answers keySpec, keyUsage and keyStatus.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P18",
        level: Level::Must,
        sentence: "Says AES_256 for an AES key of 256 bits.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P19",
        level: Level::Must,
        sentence: "Names ENCRYPT and DECRYPT as the key allows, and never more than ten usages.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P20",
        level: Level::Must,
        sentence: "Says ENABLED or DISABLED.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P21",
        level: Level::Must,
        sentence: "Answers 200 on success.",
        checks: &[],
        by_eye: None,
    },
];

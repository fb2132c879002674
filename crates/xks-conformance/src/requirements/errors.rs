//! Errors: their names, statuses and messages.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P53",
        level: Level::Must,
        sentence: "Answers errors by errorName, with the status that belongs to it.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P54",
        level: Level::Must,
        sentence: "Keeps errorMessage under 512 characters of printable ASCII.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P55",
        level: Level::Must,
        sentence: "Answers UnsupportedOperationException for what is beyond it.",
        checks: &[],
        by_eye: None,
    },
];

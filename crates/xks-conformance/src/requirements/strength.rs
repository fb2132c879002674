//! What the specification does not say, and callers depend on: time, and surviving what is sent.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "K11",
        level: Level::May,
        sentence: "Answers within 250 ms, connection included: KMS waits no longer.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "W1",
        level: Level::Must,
        sentence: "Outlives every request, of whatever sizes.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "W14",
        level: Level::Must,
        sentence: "Spends little on who is not authenticated.",
        checks: &[],
        by_eye: None,
    },
];

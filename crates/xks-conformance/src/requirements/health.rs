//! GetHealthStatus.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P43",
        level: Level::Should,
        sentence: "Proves by GetHealthStatus that a cryptographic operation would succeed now.",
        checks: &[],
        by_eye: Some("take the key manager away, or give a wrong PIN: healthStatus must not stay ACTIVE"),
    },
    Requirement {
        id: "P44",
        level: Level::Should,
        sentence: "Uses a test key for that.",
        checks: &[],
        by_eye: Some("read in the key manager's log which key is used for health checks"),
    },
    Requirement {
        id: "P45",
        level: Level::Must,
        sentence: "Does not ask the policy about GetHealthStatus.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P46",
        level: Level::Must,
        sentence: "Answers from no cache older than a minute.",
        checks: &[],
        by_eye: Some("take the key manager away for two minutes: healthStatus must have changed"),
    },
    Requirement {
        id: "P47",
        level: Level::Must,
        sentence: "Answers the fleet size, both vendors, the model and the fleet's details.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P48",
        level: Level::Must,
        sentence: "Has a fleet size above zero.",
        checks: &[],
        by_eye: None,
    },
    Requirement { id: "P49", level: Level::Must, sentence: "Names both vendors.", checks: &[], by_eye: None },
    Requirement {
        id: "P50",
        level: Level::Should,
        sentence: "Names product and version in xksProxyModel.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P51",
        level: Level::Must,
        sentence: "Lists 1 to 10 instances.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P52",
        level: Level::Must,
        sentence: "Says ACTIVE, DEGRADED or UNAVAILABLE.",
        checks: &[],
        by_eye: None,
    },
];

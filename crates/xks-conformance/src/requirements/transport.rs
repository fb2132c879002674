//! How bytes travel: HTTPS, its versions and suites, HTTP, JSON.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P1",
        level: Level::Must,
        sentence: "Speaks JSON both ways, with Content-Type application/json, over HTTPS.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P2",
        level: Level::Must,
        sentence: "Speaks HTTP/1.1 or later.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P3",
        level: Level::Must,
        sentence: "Falls back to HTTP/1.1 when it offers more.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P4",
        level: Level::Must,
        sentence: "Offers TLS 1.2 or later with at least one of the four suites.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P5",
        level: Level::Must,
        sentence: "Implements GetKeyMetadata, Encrypt, Decrypt and GetHealthStatus.",
        checks: &[],
        by_eye: None,
    },
];

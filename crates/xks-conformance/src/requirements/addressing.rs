//! Paths, keys by their ids, and what a request says of itself.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P6",
        level: Level::Must,
        sentence: "Accepts ARNs of up to 2,048 characters.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P7",
        level: Level::Must,
        sentence: "Answers GET on each of the four URIs with 405.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P8",
        level: Level::Must,
        sentence: "Keeps the path within 128 characters of a-z A-Z 0-9 / - _ and the whole URI within 256.",
        checks: &[],
        by_eye: Some(
            "give the proxy a path prefix that is too long, or has another character: it must not start with it",
        ),
    },
    Requirement {
        id: "P9",
        level: Level::May,
        sentence: "Has a quota of requests for each path prefix.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P10",
        level: Level::Must,
        sentence: "Finds exactly one key for an external key id.",
        checks: &[],
        by_eye: Some("look at the configuration: no id may stand for two keys of one endpoint"),
    },
    Requirement {
        id: "P11",
        level: Level::Must,
        sentence: "Handles external key ids of up to 128 characters of A-Z a-z 0-9 - . _ and nothing else.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P12",
        level: Level::Must,
        sentence: "Requires awsPrincipalArn, kmsOperation and kmsRequestId, and kmsKeyArn for Encrypt and Decrypt.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P13",
        level: Level::Must,
        sentence: "Accepts the optional fields, and fields that are not invented yet.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P14",
        level: Level::Must,
        sentence: "Takes an unknown kmsOperation for no invalid one.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P15",
        level: Level::Must,
        sentence: "Takes kmsRequestId for opaque.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P16",
        level: Level::Should,
        sentence: "Logs kmsRequestId.",
        checks: &[],
        by_eye: Some("look for `conformance-` in its log: request ids of this run begin with it"),
    },
];

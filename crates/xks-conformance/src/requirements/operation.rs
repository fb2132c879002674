//! Logs and operation: most of it cannot be seen from outside.

use crate::requirement::{Level, Requirement};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P71",
        level: Level::Should,
        sentence: "Logs requestMetadata of each call.",
        checks: &[],
        by_eye: Some("look for `conformance-` in its log: request ids of this run begin with it"),
    },
    Requirement {
        id: "P72",
        level: Level::Must,
        sentence: "Logs no plaintext.",
        checks: &[],
        by_eye: Some(
            "look for `cardea-conformance-plaintext` and `Y2FyZGVhLWNvbmZvcm1hbmNlLXBsYWludGV4d` in its log and the key manager's: plaintexts of this run begin with it",
        ),
    },
    Requirement {
        id: "P73",
        level: Level::Should,
        sentence: "Logs time, success and error of each call.",
        checks: &[],
        by_eye: Some("look at its log"),
    },
    Requirement {
        id: "P74",
        level: Level::Must,
        sentence: "Answers the health checks of load balancers.",
        checks: &[],
        by_eye: None,
    },
    Requirement {
        id: "P75",
        level: Level::Should,
        sentence: "Lets an authorised user have the JSON that the console takes.",
        checks: &[],
        by_eye: Some(
            "with a user interface only: look for XksProxyUriPath, AccessKeyId and RawSecretAccessKey in what it downloads",
        ),
    },
    Requirement {
        id: "P76",
        level: Level::Must,
        sentence: "Protects the integrity of its logs.",
        checks: &[],
        by_eye: Some("change a line of its log: it must be found"),
    },
];

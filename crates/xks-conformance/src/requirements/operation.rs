//! Logs and operation: most of it cannot be seen from outside.

use crate::laboratory::Laboratory;
use crate::requirement::{Finding, Level, Miss, PASSED, Requirement, check, ensure};
use crate::wire::{Request, excerpt};

pub(super) const REQUIREMENTS: &[Requirement] = &[
    Requirement {
        id: "P71",
        level: Level::Should,
        sentence: "Logs requestMetadata of each call.",
        checks: &[],
        by_eye: Some("look for `conformance-` in its log or journal: request ids of this run begin with it"),
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
        checks: &[check!(
            Must,
            Ordinary,
            answers_pings,
            "GET of the path of load balancers is answered 200, signed by nobody"
        )],
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

async fn answers_pings(laboratory: &Laboratory) -> Finding {
    let target = &laboratory.target;
    let Some(path) = &target.ping else {
        return Err(Miss::needs("--ping"));
    };
    let request = Request::new("GET", path.clone(), target.store.authority(), Vec::new());
    let answer = laboratory.send(&request).await?;
    ensure(answer.status == 200, "status 200", || excerpt(&answer))?;
    PASSED
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;

    use super::REQUIREMENTS;
    use crate::calls::MARKER;

    /// The last characters of Base64 depend on what follows.
    #[test]
    fn what_to_look_for_in_logs_is_what_plaintexts_begin_with() {
        let mut encoded = STANDARD_NO_PAD.encode(MARKER);
        encoded.pop();
        let by_eye = REQUIREMENTS.iter().find(|it| it.id == "P72").unwrap().by_eye.unwrap();
        assert!(by_eye.contains(&format!("`{MARKER}`")));
        assert!(by_eye.contains(&format!("`{encoded}`")));
    }
}

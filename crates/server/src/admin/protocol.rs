//! What is said over the admin socket.

use super::errand::{Errand, ServiceSummary};
use crate::config::Span;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::net::SocketAddr;
use zeroize::Zeroizing;

#[derive(Debug, Deserialize, Serialize)]
#[serde(tag = "request", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum AdminRequest {
    /// Move the service's clock.
    AdvanceClock { by: Span },
    /// Do something to the records.
    Errand { errand: Errand },
    /// Say how the service does.
    Status,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "response", rename_all = "kebab-case")]
pub(crate) enum AdminResponse {
    /// The clock was moved; this is its time now.
    ClockAdvanced { now: String },
    /// An access key was made; this is what a shell reads to call with it.
    Credentials {
        #[serde(serialize_with = "show", deserialize_with = "hide")]
        lines: Zeroizing<String>,
    },
    /// It is gone.
    Deleted,
    /// Nothing was done.
    Refused { reason: String },
    /// The integrated services.
    Services { services: Vec<ServiceSummary> },
    /// How the service does.
    Status(Status),
}

impl AdminResponse {
    pub(super) fn refused(reason: String) -> Self {
        Self::Refused { reason }
    }
}

/// How the running service does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Status {
    /// How far its clock is ahead of the real one.
    pub clock_ahead_millis: i64,
    /// Where it serves HTTPS.
    pub https: SocketAddr,
    /// Where it serves plain HTTP, if anywhere.
    pub http: Option<SocketAddr>,
    /// Whether calls can be put on record.
    pub journal_is_healthy: bool,
    /// Whether the security module answers.
    pub module_answers: bool,
    /// Its process id.
    pub process: u32,
    /// The time by its clock.
    pub time: String,
    /// Its version.
    pub version: String,
}

fn show<S: Serializer>(lines: &Zeroizing<String>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(lines)
}

fn hide<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(from).map(Zeroizing::new)
}

pub(super) const LONGEST_LINE: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_refused() {
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"request":"delete-everything"}"#,
            r#"{"request":"advance-clock"}"#,
            r#"{"request":"errand"}"#,
            r#"{"request":"errand","errand":"delete-everything"}"#,
            r#"{"request":"errand","errand":{"create-service":{}}}"#,
            r#"{"request":"errand","errand":{"create-service":{"service":"s3"}}}"#,
            r#"{"request":"errand","errand":{"create-service":{"service":"s3.amazonaws.com","also":1}}}"#,
            r#"{"request":"advance-clock","by":"-1d"}"#,
            r#"{"request":"advance-clock","by":"1d","also":1}"#,
        ] {
            assert!(serde_json::from_str::<AdminRequest>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_response_with_lines_arrives_as_it_was_sent() {
        let lines = Zeroizing::new("export A='1'\nexport B='2'\n".to_owned());
        let text = serde_json::to_string(&AdminResponse::Credentials { lines: lines.clone() }).unwrap();
        assert!(!text.contains('\n'));
        let AdminResponse::Credentials { lines: arrived } = serde_json::from_str(&text).unwrap() else {
            panic!("another response");
        };
        assert_eq!(arrived, lines);
    }
}

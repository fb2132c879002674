//! What a join came to, for people and for programs. Differences are put into words as they are written, one after the other.

use super::calls::{Call, Calls, Standing};
use super::differences::{Found, Kind, Told};
use super::join::Join;
use super::names::{Name, Names, RequestId};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::fmt;

/// What a join came to.
#[derive(Debug)]
pub struct Report {
    calls: Calls,
    names: Names,
    told: Vec<Told>,
    found: Vec<Found>,
    untold: Vec<Found>,
    events: u64,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Calls of the proxy that a request to KMS should explain.
    pub calls: usize,
    /// Those that one does, with nothing told otherwise.
    pub agreed: usize,
    /// Looks at the proxy's health that KMS takes by itself and logs nowhere.
    pub health_checks: u64,
    /// Lines about those who could not prove who they are.
    pub unauthenticated: u64,
    /// Calls that were refused before they were read, as beyond a quota: nobody knows for which request they were.
    pub unread: u64,
    /// Events of KMS that led to calls, or should have.
    pub events: u64,
}

/// Something that the logs do not agree on.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference<'a> {
    /// What it is, as a name.
    pub kind: &'static str,
    /// What it is, in words.
    pub says: String,
    /// The id of the request to KMS; empty if the proxy was told none.
    pub kms_request_id: String,
    /// What both tell otherwise: `operation`, `principal`, `key`, `time`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differing: Vec<&'static str>,
    /// What the proxy's journal says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Side<'a>>,
    /// What the log of the KMS says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms: Option<Side<'a>>,
}

/// What one log says.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side<'a> {
    /// When.
    pub time: String,
    /// The number of the record in the proxy's journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// What KMS was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<&'a str>,
    /// What the proxy was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call: Option<&'static str>,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub principal: Option<&'a str>,
    /// The KMS key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_arn: Option<&'a str>,
    /// The external key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_key_id: Option<&'a str>,
    /// The store, by its path prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<&'a str>,
    /// The error; none if it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

impl Report {
    pub(super) fn of(join: Join) -> Self {
        let Join { calls, names, told, found, untold, events, .. } = join;
        Self { calls, names, told, found, untold, events }
    }

    /// What the logs do not agree on, in order of time.
    pub fn differences(&self) -> impl ExactSizeIterator<Item = Difference<'_>> {
        self.found.iter().map(|found| self.difference(found))
    }

    /// What only one log has so near to an end of the other that it may still be there.
    pub fn not_yet_told(&self) -> impl ExactSizeIterator<Item = Difference<'_>> {
        self.untold.iter().map(|found| self.difference(found))
    }

    /// How much was looked at.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let agreed = self.calls.calls.iter().filter(|call| call.standing == Standing::Agreed).count();
        Counts {
            calls: self.calls.calls.len(),
            agreed,
            health_checks: self.calls.health_checks,
            unauthenticated: self.calls.strangers,
            unread: self.calls.unread,
            events: self.events,
        }
    }

    fn difference(&self, found: &Found) -> Difference<'_> {
        let call = found.call.and_then(|place| self.calls.calls.get(place));
        let told = found.event.and_then(|place| self.told.get(place));
        let id: Option<RequestId> = call.map(|call| call.id).or(told.map(|told| told.id));
        Difference {
            kind: found.kind.name(),
            says: found.kind.to_string(),
            kms_request_id: id.map(|id| id.text(&self.names)).unwrap_or_default(),
            differing: match found.kind {
                Kind::Differs(fields) => fields.names().collect(),
                _ => Vec::new(),
            },
            proxy: call.map(|call| self.of_proxy(call)),
            kms: told.map(|told| self.of_kms(told)),
        }
    }

    fn of_proxy(&self, call: &Call) -> Side<'_> {
        Side {
            time: call.time().to_string(),
            record: Some(call.sequence),
            operation: self.text(call.kms_operation),
            call: Some(call.operation.as_str()),
            principal: self.text(call.principal),
            kms_key_arn: self.text(call.kms_key),
            external_key_id: self.text(call.external_key),
            store: self.text(Some(call.store)),
            error: self.text(call.error),
        }
    }

    fn of_kms(&self, told: &Told) -> Side<'_> {
        Side {
            time: told.time.to_string(),
            operation: self.text(Some(told.name)),
            principal: self.text(told.principal),
            kms_key_arn: self.text(told.key),
            error: self.text(told.error),
            ..Side::default()
        }
    }

    fn text(&self, name: Option<Name>) -> Option<&str> {
        name.map(|name| self.names.text(name))
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Differs(_) => "differs",
            Self::DoneThoughDenied => "doneThoughDenied",
            Self::EventWithoutUse => "eventWithoutUse",
            Self::FailedThoughDone => "failedThoughDone",
            Self::LateCall => "lateCall",
            Self::TooManyCalls(_) => "tooManyCalls",
            Self::UseWithoutEvent => "useWithoutEvent",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs(fields) => {
                f.write_str("both know of the request, and do not agree on its")?;
                fields
                    .names()
                    .enumerate()
                    .try_for_each(|(place, name)| write!(f, "{} {name}", if place == 0 { "" } else { "," }))
            }
            Self::DoneThoughDenied => {
                f.write_str("the KMS denied the request, yet the proxy was used for it")
            }
            Self::EventWithoutUse => f.write_str("the KMS used the key, and the proxy knows nothing of it"),
            Self::FailedThoughDone => f.write_str("the KMS did it, and not with what the proxy answered"),
            Self::LateCall => f.write_str("the call came long after the first of its request"),
            Self::TooManyCalls(count) => write!(f, "{count} calls of one kind, where two are the most"),
            Self::UseWithoutEvent => f.write_str(
                "the proxy was used, and the KMS knows nothing of it: who else has the credential?",
            ),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.differences().try_for_each(|difference| write!(f, "{difference}"))?;
        if self.not_yet_told().len() > 0 {
            writeln!(f, "Cannot be told yet: so near to an end of the other log that it may still be there")?;
            self.not_yet_told().try_for_each(|difference| write!(f, "{difference}"))?;
        }
        let Counts { calls, agreed, health_checks, unauthenticated, unread, events } = self.counts();
        let (found, untold) = (self.found.len(), self.untold.len());
        writeln!(f, "{calls} calls of the proxy, {events} events of the KMS: {agreed} calls agree")?;
        writeln!(
            f,
            "not looked for: {health_checks} health checks, {unread} calls refused unread, {unauthenticated} records of strangers"
        )?;
        writeln!(f, "{found} differences, {untold} cannot be told yet")
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.says)?;
        match self.kms_request_id.as_str() {
            "" => writeln!(f, "  without the id of a request")?,
            id => writeln!(f, "  request {}", id.escape_debug())?,
        }
        self.proxy.iter().try_for_each(|side| writeln!(f, "  proxy: {side}"))?;
        self.kms.iter().try_for_each(|side| writeln!(f, "  KMS:   {side}"))
    }
}

impl fmt::Display for Side<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.time)?;
        self.record.iter().try_for_each(|record| write!(f, " record {record}"))?;
        let parts = [
            ("", self.operation),
            ("as ", self.call),
            ("of ", self.kms_key_arn),
            ("with ", self.external_key_id),
            ("at ", self.store),
            ("by ", self.principal),
        ];
        for (before, text) in parts.into_iter().filter_map(|(before, text)| Some((before, text?))) {
            write!(f, ", {before}{}", text.escape_debug())?;
        }
        match self.error {
            None => f.write_str(": done"),
            Some(error) => write!(f, ": {}", error.escape_debug()),
        }
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut report = to.serialize_struct("Report", 3)?;
        report.serialize_field("differences", &Each(self, &self.found))?;
        report.serialize_field("notYetTold", &Each(self, &self.untold))?;
        report.serialize_field("counts", &self.counts())?;
        report.end()
    }
}

/// Differences as they are written.
struct Each<'a>(&'a Report, &'a [Found]);

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.1.iter().map(|found| self.0.difference(found)))
    }
}

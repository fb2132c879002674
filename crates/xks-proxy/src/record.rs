//! What the journal is told: a line a call of who proved who he is, and a line a second and store of those who did not.
//!
//! Never a plaintext, a ciphertext, a secret or a signature: a record is made of names, times, lengths and outcomes alone. Whoever is not
//! authenticated is only counted, so that no flood of strangers fills the disk; how many there were, and why they were refused, is told.

use crate::policy::DecidingStatement;
use crate::strangers::Counted;
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;
use std::net::IpAddr;
use uuid::Uuid;
use xks_api::{ErrorName, Operation, RequestMetadata};

/// The record of a call.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Record<'a> {
    pub(crate) event_version: Version,
    #[serde(serialize_with = "time")]
    pub(crate) event_time: Timestamp,
    pub(crate) event_source: Source,
    #[serde(serialize_with = "operation")]
    pub(crate) event_name: Operation,
    #[serde(rename = "eventID", serialize_with = "id")]
    pub(crate) event_id: Uuid,
    /// The prefix of its store.
    pub(crate) store: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) external_key_id: Option<&'a str>,
    /// Not there if the request could not be read.
    #[serde(serialize_with = "metadata", skip_serializing_if = "Option::is_none")]
    pub(crate) request_metadata: Option<&'a RequestMetadata<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kms_request_id: Option<&'a str>,
    #[serde(rename = "sourceIPAddress")]
    pub(crate) source_address: IpAddr,
    pub(crate) access_key_id: &'a str,
    /// The common name of the certificate that the client showed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_certificate_subject: Option<&'a str>,
    pub(crate) outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_name: Option<ErrorName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<&'a str>,
    /// What the caller was not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<&'a str>,
    /// The statement that denied it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) denied_by: Option<DecidingStatement<'a>>,
    pub(crate) key_manager: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_manager_member: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_version: Option<&'a str>,
    pub(crate) processing_micros: u64,
    pub(crate) request_bytes: usize,
    pub(crate) response_bytes: usize,
}

/// The version of this form.
#[derive(Debug, Serialize)]
pub(crate) enum Version {
    #[serde(rename = "1.0")]
    One,
}

/// Who wrote it.
#[derive(Debug, Serialize)]
pub(crate) enum Source {
    #[serde(rename = "xks-proxy")]
    XksProxy,
}

/// Whether it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Outcome {
    Failure,
    Success,
}

impl Record<'_> {
    /// The line of the journal.
    pub(crate) fn line(&self) -> Vec<u8> {
        line(self)
    }
}

/// How many requests nobody stood behind, since the last such record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Strangers<'a> {
    event_version: Version,
    #[serde(serialize_with = "time")]
    event_time: Timestamp,
    event_source: Source,
    event_name: &'static str,
    #[serde(rename = "eventID", serialize_with = "id")]
    event_id: Uuid,
    /// The prefix of the store that was asked for; not there where it is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<&'a str>,
    /// By why they were refused.
    refused: &'a BTreeMap<&'static str, u64>,
    /// Where the last of them came from.
    #[serde(rename = "sourceIPAddress")]
    source_address: IpAddr,
}

impl<'a> Strangers<'a> {
    /// What was counted of a store until now.
    pub(crate) fn of(store: Option<&'a str>, counted: &'a Counted, now: Timestamp) -> Self {
        Self {
            event_version: Version::One,
            event_time: now,
            event_source: Source::XksProxy,
            event_name: "RefusedUnauthenticated",
            event_id: Uuid::new_v4(),
            store,
            refused: &counted.refused,
            source_address: counted.source,
        }
    }

    /// The line of the journal.
    pub(crate) fn line(&self) -> Vec<u8> {
        line(self)
    }
}

fn line(record: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(ROOM);
    // INVARIANT: names and texts are always JSON. An empty line would be refused by the journal, and the call with it.
    serde_json::to_writer(&mut line, record).map(|()| line).unwrap_or_default()
}

/// In milliseconds, so that what KMS and the proxy did can be told in order.
fn time<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&PRINTER.timestamp_to_string(time))
}

fn id<S: Serializer>(id: &Uuid, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(id)
}

fn operation<S: Serializer>(operation: &Operation, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(operation.as_str())
}

fn metadata<S: Serializer>(metadata: &Option<&RequestMetadata<'_>>, to: S) -> Result<S::Ok, S::Error> {
    let mut fields = to.serialize_map(None)?;
    for (name, value) in metadata.iter().flat_map(|metadata| named(metadata)) {
        if let Some(value) = value {
            fields.serialize_entry(name, value)?;
        }
    }
    fields.end()
}

/// How long the values are in a record.
pub(crate) fn length(metadata: &RequestMetadata<'_>) -> usize {
    let written = |byte: u8| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    };
    let bytes = named(metadata).into_iter().flat_map(|(_, value)| value.unwrap_or_default().bytes());
    bytes.map(written).sum()
}

fn named<'a>(metadata: &'a RequestMetadata<'_>) -> [(&'static str, Option<&'a str>); 7] {
    [
        ("awsPrincipalArn", metadata.aws_principal_arn.as_deref()),
        ("awsSourceVpc", metadata.aws_source_vpc.as_deref()),
        ("awsSourceVpce", metadata.aws_source_vpce.as_deref()),
        ("kmsKeyArn", metadata.kms_key_arn.as_deref()),
        ("kmsOperation", metadata.kms_operation.as_deref()),
        ("kmsRequestId", metadata.kms_request_id.as_deref()),
        ("kmsViaService", metadata.kms_via_service.as_deref()),
    ]
}

/// For most records, so that none is moved while it grows.
const ROOM: usize = 1536;
const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

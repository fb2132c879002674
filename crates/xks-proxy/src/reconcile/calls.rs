//! The calls in the proxy's journal, in memory: 64 bytes each. The journal is verified as it is read.

use super::names::{Name, Names, RequestId};
use super::span::{Span, Window};
use super::{ReconcileError, Sources};
use jiff::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;
use std::ops::Range;
use xks_api::{Operation, RequestMetadata};

/// A call of the proxy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) id: RequestId,
    milliseconds: i64,
    pub(super) sequence: u64,
    pub(super) store: Name,
    pub(super) principal: Option<Name>,
    pub(super) kms_key: Option<Name>,
    pub(super) external_key: Option<Name>,
    pub(super) kms_operation: Option<Name>,
    /// None: it was done.
    pub(super) error: Option<Name>,
    pub(super) operation: Operation,
    pub(super) standing: Standing,
}

/// What the log of the KMS says of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Agreed,
    Differs,
    Unexplained,
}

/// All that are looked at, in the order of their request ids, those of one request in that of time.
#[derive(Debug, Default)]
pub(super) struct Calls {
    pub(super) calls: Vec<Call>,
    pub(super) span: Span,
    /// By which KMS looked how the proxy is, of which it logs nothing.
    pub(super) health_checks: u64,
    /// Of whom nobody knows who they were.
    pub(super) strangers: u64,
    /// That were refused before they were read, so that nobody knows for which request they were.
    pub(super) unread: u64,
}

impl Calls {
    pub(super) fn read(sources: &Sources, names: &mut Names) -> Result<Self, ReconcileError> {
        let mut calls = Self::default();
        for entry in audit::records(&sources.proxy)? {
            let entry = entry?;
            let flawed = |reason: String| ReconcileError::NoRecord {
                path: sources.proxy.clone(),
                sequence: entry.sequence,
                reason,
            };
            let record: Record<'_> =
                serde_json::from_slice(&entry.record).map_err(|error| flawed(error.to_string()))?;
            if record.event_source != SOURCE {
                return Err(flawed(format!("its source is `{}`", record.event_source)));
            }
            calls.span.add(record.event_time);
            calls.add(sources, &record, entry.sequence, names)?;
        }
        calls.calls.sort_unstable_by_key(|call| (call.id, call.milliseconds, call.sequence));
        Ok(calls)
    }

    fn add(
        &mut self,
        sources: &Sources,
        record: &Record<'_>,
        sequence: u64,
        names: &mut Names,
    ) -> Result<(), ReconcileError> {
        let window = Window { from: sources.from, to: sources.to };
        let store = record.store.as_deref().unwrap_or_default();
        let is_asked = sources.stores.is_empty() || sources.stores.iter().any(|asked| asked == store);
        if !is_asked || !window.is_near(record.event_time) {
            return Ok(());
        }
        let operation = Operation::ALL.into_iter().find(|operation| operation.as_str() == record.event_name);
        let Some(operation) = operation else {
            self.strangers += 1;
            return Ok(());
        };
        let metadata = &record.request_metadata;
        if metadata.kms_request_id.is_none() && record.error().is_some() {
            self.unread += 1;
            return Ok(());
        }
        let kms_operation = metadata.kms_operation.as_deref();
        if operation == Operation::GetHealthStatus && kms_operation == Some(HEALTH_CHECK) {
            self.health_checks += 1;
            return Ok(());
        }
        self.calls.push(Call {
            id: RequestId::keep(metadata.kms_request_id.as_deref().unwrap_or_default(), names)?,
            milliseconds: record.event_time.as_millisecond(),
            sequence,
            store: names.keep(store)?,
            principal: names.keep_if_any(metadata.aws_principal_arn.as_deref())?,
            kms_key: names.keep_if_any(metadata.kms_key_arn.as_deref())?,
            external_key: names.keep_if_any(record.external_key_id.as_deref())?,
            kms_operation: names.keep_if_any(kms_operation)?,
            error: names.keep_if_any(record.error())?,
            operation,
            standing: Standing::Unexplained,
        });
        Ok(())
    }

    /// Where those of that request are.
    pub(super) fn of(&self, id: RequestId) -> Range<usize> {
        let start = self.calls.partition_point(|call| call.id < id);
        let end = self.calls.partition_point(|call| call.id <= id);
        start..end
    }
}

impl Call {
    pub(super) fn time(&self) -> Timestamp {
        Timestamp::from_millisecond(self.milliseconds).unwrap_or(Timestamp::MAX)
    }
}

/// A line of the journal. Of strangers there are lines, too, without most of this.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    event_time: Timestamp,
    #[serde(borrow)]
    event_source: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    #[serde(borrow, default)]
    store: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    external_key_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    request_metadata: RequestMetadata<'a>,
    #[serde(borrow, default)]
    outcome: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    error_name: Option<Cow<'a, str>>,
}

impl Record<'_> {
    /// The error that was answered, if the call was not done.
    fn error(&self) -> Option<&str> {
        let is_done = self.outcome.as_deref() == Some("Success");
        (!is_done).then(|| self.error_name.as_deref().unwrap_or("Failure"))
    }
}

/// Who writes the proxy's records.
const SOURCE: &str = "xks-proxy";

/// What KMS calls a look at the proxy that nobody asked it for.
const HEALTH_CHECK: &str = "KmsHealthCheck";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record;

    #[test]
    fn a_call_takes_sixty_four_bytes() {
        assert_eq!(size_of::<Call>(), 64);
    }

    #[test]
    fn what_the_proxy_writes_is_read_as_it_was_meant() {
        let metadata = RequestMetadata {
            aws_principal_arn: Some("AWS Internal".into()),
            kms_key_arn: Some("arn:aws:kms:eu-central-1:111122223333:key/x".into()),
            kms_operation: Some("ReEncrypt".into()),
            kms_request_id: Some("4112".into()),
            ..RequestMetadata::default()
        };
        let (at, address) = ("2026-11-22T08:00:00.123Z".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let line = |outcome| {
            let record = record::Record {
                event_version: record::Version::One,
                event_time: at,
                event_source: record::Source::XksProxy,
                event_name: Operation::Decrypt,
                event_id: uuid::Uuid::nil(),
                store: "/payments",
                external_key_id: Some("payments-2026"),
                request_metadata: Some(&metadata),
                kms_request_id: Some("4112"),
                source_address: address,
                access_key_id: "BETWEENTWENTYANDTHIRTY2",
                client_certificate_subject: None,
                outcome,
                error_name: Some(xks_api::ErrorName::AccessDenied),
                error_message: None,
                cause: None,
                denied_by: None,
                key_manager: "hsm",
                key_manager_member: None,
                key_version: None,
                processing_micros: 7,
                request_bytes: 8,
                response_bytes: 9,
            };
            record.line()
        };
        let (sources, mut names, mut calls) = (sources(), Names::default(), Calls::default());
        for outcome in [record::Outcome::Failure, record::Outcome::Success] {
            calls.add(&sources, &serde_json::from_slice(&line(outcome)).unwrap(), 1, &mut names).unwrap();
        }
        let [failed, done] = calls.calls[..] else { panic!("not two calls") };
        let text = |name: Option<Name>| name.map(|name| names.text(name));
        assert_eq!((failed.time(), failed.operation), (at, Operation::Decrypt));
        assert_eq!((failed.id.text(&names).as_str(), names.text(failed.store)), ("4112", "/payments"));
        assert_eq!(text(failed.principal), Some("AWS Internal"));
        assert_eq!(text(failed.kms_key), metadata.kms_key_arn.as_deref());
        assert_eq!(text(failed.kms_operation), Some("ReEncrypt"));
        assert_eq!(text(failed.external_key), Some("payments-2026"));
        assert_eq!((text(failed.error), done.error), (Some("AccessDeniedException"), None));
    }

    #[test]
    fn a_name_that_is_written_with_escapes_is_the_same_name() {
        let line = br#"{"eventTime":"2026-11-22T08:00:00Z","eventSource":"xks-proxy","eventName":"Encrypt","store":"/\u0061",
            "requestMetadata":{"kmsRequestId":"\u0034112"},"outcome":"Success"}"#;
        let (mut names, mut calls) = (Names::default(), Calls::default());
        calls.add(&sources(), &serde_json::from_slice(line).unwrap(), 1, &mut names).unwrap();
        assert_eq!(calls.of(RequestId::find("4112", &names).unwrap()), 0..1);
        assert!(names.find("/a").is_some());
    }

    fn sources() -> Sources {
        Sources {
            kms: Vec::new(),
            proxy: "proxy".into(),
            from: None,
            to: None,
            stores: Vec::new(),
            kms_keys: Vec::new(),
        }
    }
}

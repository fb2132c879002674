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

    #[test]
    fn a_call_takes_sixty_four_bytes() {
        assert_eq!(size_of::<Call>(), 64);
    }
}

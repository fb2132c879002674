//! The record of a call, on the disk before its answer; and what is measured and logged of it.

use super::claim::Proven;
use super::perform::Performed;
use super::{Means, Refused, answer};
use crate::metrics::Measured;
use crate::record::{Outcome, Record, Source, Version};
use crate::refusal::Refusal;
use crate::state::State;
use bytes::Bytes;
use http_server::Response;
use std::time::Duration;
use uuid::Uuid;
use xks_api::{ErrorName, ExternalKeyId, RequestMetadata};

impl Means {
    /// Answers, if there is a record.
    pub(super) async fn conclude(
        &self,
        proven: &Proven<'_>,
        body: &Bytes,
        metadata: Option<&RequestMetadata<'_>>,
        done: Result<Performed, Refused<'_>>,
        state: &State,
    ) -> Response {
        let took = proven.arrived.begun.elapsed();
        let answer = match &done {
            Ok(performed) => performed.body.clone(),
            Err(refused) => refused.refusal.body().into(),
        };
        let lengths = [body.len(), answer.len()];
        let line = record(proven, metadata, &done, state, took, lengths).line();
        if let Err(error) = self.journal.append(line).await {
            tracing::error!(%error, "a call is not answered as there is no record of it");
            self.shared.metrics.unrecorded();
            let refusal = Refusal::new(ErrorName::Internal, "the proxy can keep no record of the call");
            self.measure(proven, Some(refusal.error), lengths);
            return answer::refused(&refusal);
        }
        let error = done.as_ref().err().map(|refused| refused.refusal.error);
        self.measure(proven, error, lengths);
        if let Err(refused) = &done {
            log(proven, metadata, refused);
        }
        answer::json(error, answer)
    }

    fn measure(&self, proven: &Proven<'_>, error: Option<ErrorName>, [request, response]: [usize; 2]) {
        self.shared.metrics.answered(&Measured {
            store: &proven.store.prefix,
            operation: proven.target.operation,
            error,
            took: proven.arrived.begun.elapsed(),
            request_bytes: request,
            response_bytes: response,
        });
    }
}

fn record<'a>(
    proven: &'a Proven<'_>,
    metadata: Option<&'a RequestMetadata<'a>>,
    done: &'a Result<Performed, Refused<'a>>,
    state: &'a State,
    took: Duration,
    [request_bytes, response_bytes]: [usize; 2],
) -> Record<'a> {
    let (performed, refused) = (done.as_ref().ok(), done.as_ref().err());
    let refusal = refused.map(|refused| &refused.refusal);
    Record {
        event_version: Version::One,
        event_time: proven.arrived.at,
        event_source: Source::XksProxy,
        event_name: proven.target.operation,
        event_id: Uuid::new_v4(),
        store: &proven.store.prefix,
        external_key_id: key(proven),
        request_metadata: metadata,
        kms_request_id: metadata.and_then(|metadata| metadata.kms_request_id.as_deref()),
        source_address: proven.arrived.source,
        access_key_id: proven.access_key_id,
        client_certificate_subject: proven.arrived.subject.map(|subject| &**subject),
        outcome: if refused.is_none() { Outcome::Success } else { Outcome::Failure },
        error_name: refusal.map(|refusal| refusal.error),
        error_message: refusal.map(Refusal::message),
        cause: refusal.and_then(|refusal| refusal.cause.as_deref()),
        denied_by: refused.and_then(|refused| refused.denied_by),
        key_manager: state.key_managers.get(proven.store.key_manager).map_or("", |name| name),
        key_manager_member: performed.and_then(|performed| performed.member.as_deref()),
        key_version: performed.and_then(|performed| performed.key_version.as_deref()),
        processing_micros: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        request_bytes,
        response_bytes,
    }
}

/// What an operator has to see at once: what the key manager or the proxy failed at, and what a policy denied.
fn log(proven: &Proven<'_>, metadata: Option<&RequestMetadata<'_>>, refused: &Refused<'_>) {
    let Refused { refusal, denied_by } = refused;
    let (store, operation) = (&*proven.store.prefix, proven.target.operation.as_str());
    let request_id = metadata.and_then(|metadata| metadata.kms_request_id.as_deref());
    let (error, cause) = (refusal.error.as_str(), refusal.cause.as_deref());
    let external_key = key(proven);
    match refusal.error {
        ErrorName::DependencyTimeout | ErrorName::Internal => {
            tracing::error!(store, operation, external_key, request_id, error, cause, "a call failed");
        }
        ErrorName::AccessDenied => {
            let principal = metadata.and_then(|metadata| metadata.aws_principal_arn.as_deref());
            let policy = denied_by.map(|by| by.policy);
            let statement = denied_by.map(|by| by.index);
            let sid = denied_by.and_then(|by| by.sid);
            tracing::warn!(
                store,
                operation,
                external_key,
                request_id,
                principal,
                policy,
                statement,
                sid,
                cause,
                "a call was denied"
            );
        }
        _ => tracing::debug!(store, operation, external_key, request_id, error, cause, "a call was refused"),
    }
}

fn key<'a>(proven: &Proven<'a>) -> Option<&'a str> {
    proven.target.key.and_then(Result::ok).map(ExternalKeyId::as_str)
}

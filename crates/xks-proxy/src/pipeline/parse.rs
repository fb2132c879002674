//! The body, and the key that the path names.

use super::claim::Proven;
use crate::record;
use crate::refusal::Refusal;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use xks_api::{
    DecryptRequest, EncryptRequest, ErrorName, ExternalKeyId, Limits, Operation, PlainRequest,
    RequestMetadata,
};

/// What is asked for.
pub(super) struct Parsed<'a> {
    pub(super) request: Request<'a>,
    /// The key that is asked for, as it is in the path; `None` for GetHealthStatus.
    key: Option<Result<ExternalKeyId<'a>, Refusal>>,
}

/// A body of each call.
pub(super) enum Request<'a> {
    Decrypt(DecryptRequest<'a>),
    Encrypt(EncryptRequest<'a>),
    GetHealthStatus(PlainRequest<'a>),
    GetKeyMetadata(PlainRequest<'a>),
}

/// Reads the body. Whether the key may be asked for is known then, too, and told when the body has been.
pub(super) fn parse<'a>(proven: &Proven<'a>, body: &'a [u8], limits: Limits) -> Result<Parsed<'a>, Refusal> {
    if !is_json(&proven.arrived.parts.headers) {
        return Err(Refusal::new(ErrorName::Validation, "Content-Type is not application/json"));
    }
    let operation = proven.target.operation;
    let request = match operation {
        Operation::Decrypt => Request::Decrypt(DecryptRequest::parse(body, limits)?),
        Operation::Encrypt => Request::Encrypt(EncryptRequest::parse(body, limits)?),
        Operation::GetHealthStatus => Request::GetHealthStatus(PlainRequest::parse(body, operation)?),
        Operation::GetKeyMetadata => Request::GetKeyMetadata(PlainRequest::parse(body, operation)?),
    };
    let parsed = Parsed { request, key: proven.target.key.map(|key| shown(proven, key)) };
    if LONGEST_METADATA < record::length(parsed.metadata()) {
        return Err(Refusal::new(
            ErrorName::UnsupportedOperation,
            "requestMetadata is longer than this proxy records",
        ));
    }
    Ok(parsed)
}

impl<'a> Parsed<'a> {
    /// Who asked KMS for what.
    pub(super) const fn metadata(&self) -> &RequestMetadata<'a> {
        match &self.request {
            Request::Decrypt(request) => &request.metadata,
            Request::Encrypt(request) => &request.metadata,
            Request::GetHealthStatus(request) | Request::GetKeyMetadata(request) => &request.metadata,
        }
    }

    /// The key that is asked for, if any; of a kind that the store shows.
    pub(super) fn key(&self) -> Result<Option<ExternalKeyId<'a>>, Refusal> {
        self.key.clone().transpose()
    }
}

fn shown<'a>(
    proven: &Proven<'a>,
    key: Result<ExternalKeyId<'a>, xks_api::InvalidExternalKeyId>,
) -> Result<ExternalKeyId<'a>, Refusal> {
    let key = key.map_err(|invalid| Refusal::saying(ErrorName::Validation, &invalid.to_string()))?;
    let is_shown = proven.store.shows(key.as_str());
    is_shown
        .then_some(key)
        .ok_or_else(|| Refusal::new(ErrorName::KeyNotFound, "this store has no key of that id"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Two ARNs of 2048 characters and all the rest; and never so much that the journal would not take the record, when the call is done.
const LONGEST_METADATA: usize = 6 << 10;

//! What an answer looks like.

use super::route::{Stray, StrayKind};
use crate::refusal::Refusal;
use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use http_server::Response;
use xks_api::ErrorName;

/// A body of JSON: that of a call, or of an error.
pub(crate) fn json(error: Option<ErrorName>, body: Bytes) -> Response {
    let status = error.map_or(200, ErrorName::status);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    with(status, "application/json", body)
}

/// An error.
pub(crate) fn refused(refusal: &Refusal) -> Response {
    json(Some(refusal.error), refusal.body().into())
}

/// The same answer, and the last one on its connection.
pub(super) fn and_close(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The proxy reads requests, and can answer them if it is well. Says nothing else: nobody is known.
pub(super) fn pong(is_well: bool) -> Response {
    if is_well {
        with(StatusCode::OK, "text/plain", Bytes::from_static(b"pong\n"))
    } else {
        with(StatusCode::SERVICE_UNAVAILABLE, "text/plain", Bytes::from_static(b"no record can be kept\n"))
    }
}

/// To a request for nothing that is here.
pub(super) fn stray(stray: &Stray) -> Response {
    match stray.kind {
        StrayKind::Path => refused(&Refusal::new(
            ErrorName::InvalidUriPath,
            "no store has this path, or no call does: PREFIX/kms/xks/v1/health or PREFIX/kms/xks/v1/keys/KEY/{encrypt,decrypt,metadata}",
        )),
        StrayKind::Method => {
            let mut response =
                with(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Bytes::from_static(b"only POST\n"));
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
    }
}

fn with(status: StatusCode, content_type: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

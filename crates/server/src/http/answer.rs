//! The answers of the HTTP layer: headers as AWS sends them, and bodies for what never reaches an operation.

use super::Protocol;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, EXPIRES, HeaderMap, HeaderName, PRAGMA};
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use http_server::Response;
use operations::Answer;
use uuid::Uuid;
use wire::{AWS_JSON, Fault, FaultKind, xml};

/// What an operation answers.
pub(super) fn of_operation(answer: Answer, id: Uuid) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = response(status, answer.body, id);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate, private"));
    headers.insert(EXPIRES, HeaderValue::from_static("0"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Neither a request in a protocol that is spoken here nor a health check.
pub(super) fn unknown(id: Uuid) -> Response {
    response(StatusCode::NOT_FOUND, b"<UnknownOperationException/>".to_vec(), id)
}

/// The process is alive and reads requests. Says nothing else: nobody has been authenticated.
pub(super) fn healthy(id: Uuid) -> Response {
    let mut response = response(StatusCode::OK, b"ok\n".to_vec(), id);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

/// The body is longer than allowed.
pub(super) fn too_large(protocol: Protocol, id: Uuid) -> Response {
    and_close(fault(FaultKind::RequestEntityTooLarge, protocol, id))
}

/// The body did not arrive in time.
pub(super) fn too_slow(id: Uuid) -> Response {
    and_close(response(StatusCode::REQUEST_TIMEOUT, Vec::new(), id))
}

/// Too many bodies are arriving at once.
pub(super) fn unavailable(protocol: Protocol, id: Uuid) -> Response {
    and_close(fault(FaultKind::ServiceUnavailable, protocol, id))
}

/// The same answer, and the last one on its connection.
fn and_close(mut response: Response) -> Response {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// An error that is found before it is known which service is meant.
fn fault(kind: FaultKind, protocol: Protocol, id: Uuid) -> Response {
    let fault = Fault::bare(kind);
    let (status, content_type, body) = match protocol {
        Protocol::AwsJson => (kind.status(), AWS_JSON, fault.body()),
        Protocol::Query => {
            (kind.query_status(), xml::CONTENT_TYPE, xml::fault(&fault, xml::FAULT_NAMESPACE, &id))
        }
    };
    of_operation(Answer { status, content_type, body }, id)
}

fn response(status: StatusCode, body: Vec<u8>, id: Uuid) -> Response {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.insert(REQUEST_ID, request_id(id));
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn request_id(id: Uuid) -> HeaderValue {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = id.hyphenated().encode_lower(&mut text);
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// Ours, and those that hyper adds.
const HEADERS: usize = 8;

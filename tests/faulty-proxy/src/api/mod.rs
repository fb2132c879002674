//! The four calls as the specification has them, and their faults. Nothing here knows a connection.

mod call;
mod messages;
mod operations;
mod spoil;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

pub(crate) use call::Call;

use crate::fault::{ErrorName, Fault};
use crate::state::State;

/// Answers a call: rightly, or as the fault will have it.
pub(crate) fn answer(state: &State, call: &Call, signed: bool, body: &[u8], fault: Option<&Fault>) -> Answer {
    if let Some(answer) = fault.and_then(spoil::instead) {
        return answer;
    }
    let success =
        if signed { operations::perform(state, call, body) } else { Err(ErrorName::AuthenticationFailed) };
    match (success, fault) {
        (Ok(success), Some(fault)) => spoil::spoilt(fault, success),
        (Ok(success), None) => Answer::json(StatusCode::OK, &success.message()),
        (Err(name), _) => Answer::error(name),
    }
}

/// Status, kind and text of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    content_type: Option<&'static str>,
    body: Bytes,
}

impl Answer {
    /// What cannot be JSON is an empty text.
    pub(crate) fn json(status: StatusCode, message: &impl Serialize) -> Self {
        let body = serde_json::to_vec(message).unwrap_or_default();
        Self { status, content_type: Some(JSON), body: body.into() }
    }

    pub(crate) fn error(name: ErrorName) -> Self {
        Self::json(status(name.status()), &messages::ErrorMessage::new(name.as_str(), None))
    }

    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, content_type: None, body: Bytes::new() }
    }

    pub(crate) fn into_response<B>(self, body: impl FnOnce(Bytes) -> B) -> Response<B> {
        let length = self.body.len();
        let mut response = Response::new(body(self.body));
        *response.status_mut() = self.status;
        if let Some(content_type) = self.content_type {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        response
    }
}

/// A number that is no status is 500.
fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

const JSON: &str = "application/json";

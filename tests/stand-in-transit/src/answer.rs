//! Answers, in the form that all of the API has.

use serde_json::{Value, json};

/// A status and a body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn data(data: &Value) -> Self {
        Self::enveloped(data, &Value::Null)
    }

    pub(crate) fn auth(auth: &Value) -> Self {
        Self::enveloped(&Value::Null, auth)
    }

    pub(crate) fn nothing() -> Self {
        Self { status: 204, body: String::new() }
    }

    pub(crate) fn error(status: u16, text: &str) -> Self {
        Self::plain(status, &json!({ "errors": [text] }))
    }

    /// What is not there.
    pub(crate) fn absent() -> Self {
        Self::plain(404, &json!({ "errors": [] }))
    }

    pub(crate) fn plain(status: u16, body: &Value) -> Self {
        Self { status, body: format!("{body}\n") }
    }

    fn enveloped(data: &Value, auth: &Value) -> Self {
        let body = json!({
            "request_id": "00000000-0000-0000-0000-000000000000",
            "lease_id": "",
            "renewable": false,
            "lease_duration": 0,
            "data": data,
            "wrap_info": null,
            "warnings": null,
            "auth": auth,
        });
        Self::plain(200, &body)
    }
}

/// Why a request earns an answer that is no success.
pub(crate) type Outcome = Result<Answer, Answer>;

/// A field that is text.
pub(crate) fn text<'a>(body: &'a Value, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

/// A field that is a whole number.
pub(crate) fn number(body: &Value, name: &str) -> Option<u64> {
    body.get(name).and_then(Value::as_u64)
}

/// A field that is a length of time, such as `60s`, in seconds.
pub(crate) fn seconds(body: &Value, name: &str) -> Option<u64> {
    let text = text(body, name)?;
    text.strip_suffix('s').unwrap_or(text).parse().ok()
}

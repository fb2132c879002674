//! What a call came to.

use serde_json::Value;

/// An answer, as it came over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// What a successful call answered; `null` if it answered with no body. Any other answer fails the test.
    #[track_caller]
    #[must_use]
    pub fn output(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The name of the error and its message. An answer that is no error fails the test.
    #[track_caller]
    #[must_use]
    pub fn fault(&self) -> (String, Option<String>) {
        assert!(self.status >= 400, "no error, but {}: {}", self.status, self.text());
        let body = self.json();
        let text = |name: &str| body.get(name).map(|text| text.as_str().unwrap().to_owned());
        (text("__type").expect("an error says its type"), text("message").or_else(|| text("Message")))
    }

    /// The name of the error. An answer that is no error fails the test.
    #[track_caller]
    #[must_use]
    pub fn error(&self) -> String {
        self.fault().0
    }

    /// Fails the test unless the answer is that error with exactly that message, as HTTP 400.
    #[track_caller]
    pub fn refuses(&self, error: &str, message: &str) {
        assert_eq!(self.fault(), (error.to_owned(), Some(message.to_owned())));
        assert_eq!(self.status, 400, "{}", self.text());
    }

    /// Fails the test unless the answer is that error with no message member, as HTTP 400.
    #[track_caller]
    pub fn refuses_without_a_word(&self, error: &str) {
        assert_eq!(self.fault(), (error.to_owned(), None));
        assert_eq!(self.status, 400, "{}", self.text());
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// The body, read as JSON.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body, as far as it is text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

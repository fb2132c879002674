//! What a call came to.

use crate::xml::Element;
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
    /// What a successful call answered: of XML what is in its `…Result`. `null` if it answered nothing. Any other answer
    /// fails the test.
    #[track_caller]
    #[must_use]
    pub fn output(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        if self.is_xml() {
            let root = Element::read(&self.text());
            let result = root.children.iter().find(|child| child.name.ends_with("Result"));
            return result.map_or(Value::Null, Element::value);
        }
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The name of the error and its words: the message without the encoded authorization message. An answer that is no
    /// error fails the test.
    #[track_caller]
    #[must_use]
    pub fn fault(&self) -> (String, Option<String>) {
        let (error, message) = self.error_and_message();
        (error, message.map(|message| split(&message).0.to_owned()))
    }

    /// The encoded authorization message that came with a denial. Without one the test fails.
    #[track_caller]
    #[must_use]
    pub fn encoded_message(&self) -> String {
        let message = self.error_and_message().1.unwrap_or_default();
        let encoded = split(&message).1;
        encoded.unwrap_or_else(|| panic!("no encoded message: {message}")).to_owned()
    }

    /// The name of the error. An answer that is no error fails the test.
    #[track_caller]
    #[must_use]
    pub fn error(&self) -> String {
        self.error_and_message().0
    }

    /// Fails the test unless the answer is that error in exactly those words; in JSON as HTTP 400.
    #[track_caller]
    pub fn refuses(&self, error: &str, words: &str) {
        assert_eq!(self.fault(), (error.to_owned(), Some(words.to_owned())));
        assert!(self.status == 400 || self.is_xml(), "{}: {}", self.status, self.text());
    }

    /// Fails the test unless the call was denied in exactly those words, with an encoded authorization message.
    #[track_caller]
    pub fn denies(&self, words: &str) {
        let (status, error) =
            if self.is_xml() { (403, "AccessDenied") } else { (400, "AccessDeniedException") };
        assert_eq!(self.fault(), (error.to_owned(), Some(words.to_owned())));
        assert_eq!(self.status, status, "{}", self.text());
        assert!(!self.encoded_message().is_empty());
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

    fn is_xml(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.starts_with("text/xml"))
    }

    #[track_caller]
    fn error_and_message(&self) -> (String, Option<String>) {
        assert!(self.status >= 400, "no error, but {}: {}", self.status, self.text());
        if self.is_xml() {
            let root = Element::read(&self.text());
            let error = root.child("Error").unwrap_or_else(|| panic!("no error: {}", self.text()));
            let text = |name: &str| error.child(name).map(|child| child.text.clone());
            return (text("Code").expect("an error has a code"), text("Message"));
        }
        let body = self.json();
        let text = |name: &str| body.get(name).map(|text| text.as_str().unwrap().to_owned());
        (text("__type").expect("an error says its type"), text("message").or_else(|| text("Message")))
    }
}

/// The words of a message and the encoded one behind them.
fn split(message: &str) -> (&str, Option<&str>) {
    let parts = message.split_once(". Encoded authorization failure message: ");
    parts.map_or((message, None), |(words, encoded)| (words, Some(encoded)))
}

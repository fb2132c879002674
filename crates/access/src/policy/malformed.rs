//! Why a text is no policy, in AWS's words where those are known.

use std::fmt;

/// A text that is no policy of its kind. Its `Display` is the message for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct MalformedPolicy {
    message: String,
}

impl MalformedPolicy {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for MalformedPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

//! Why a call is not done: what the caller is told, and what only the log and the record are told.
//!
//! A message says what to do about it, and never repeats a plaintext, a secret, or a signature that would have been right.

use key_manager::Trouble;
use std::borrow::Cow;
use xks_api::{ErrorAnswer, ErrorName, Invalid};

/// Why a call is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: ErrorName,
    /// Fit for an answer: printable ASCII, below 512 characters.
    message: Cow<'static, str>,
    /// For the record and the log alone.
    pub(crate) cause: Option<String>,
}

impl Refusal {
    /// With words of ours.
    pub(crate) const fn new(error: ErrorName, message: &'static str) -> Self {
        Self { error, message: Cow::Borrowed(message), cause: None }
    }

    /// With words that may hold what came from elsewhere.
    pub(crate) fn saying(error: ErrorName, message: &str) -> Self {
        Self { error, message: Cow::Owned(printable(message)), cause: None }
    }

    /// With a cause that the caller is not told.
    pub(crate) fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// What the caller is told besides the name.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// The body of the answer.
    pub(crate) fn body(&self) -> Vec<u8> {
        let answer = ErrorAnswer { error_name: self.error, error_message: &self.message };
        // INVARIANT: a name and a text are always JSON.
        serde_json::to_vec(&answer).unwrap_or_default()
    }
}

impl From<Invalid> for Refusal {
    fn from(invalid: Invalid) -> Self {
        Self::saying(invalid.error, &invalid.message)
    }
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        let (error, message) = match &trouble {
            Trouble::Busy => (ErrorName::Throttling, "the key manager has too much to do; try again"),
            Trouble::Disabled => (ErrorName::InvalidState, "the key is disabled in its key manager"),
            Trouble::Failed(_) => (ErrorName::Internal, "the key manager failed; the proxy's log says why"),
            Trouble::InvalidCiphertext => (
                ErrorName::InvalidCiphertext,
                "the ciphertext, its tag, or what it is bound to is not as Encrypt made it",
            ),
            Trouble::InvalidKeyUsage => (
                ErrorName::InvalidKeyUsage,
                "the key is not for this; GetKeyMetadata tells what it may be used for",
            ),
            Trouble::KeyNotFound => {
                (ErrorName::KeyNotFound, "the key manager has no key of that id, or several")
            }
            Trouble::TimedOut => (ErrorName::DependencyTimeout, "the key manager did not answer in time"),
            Trouble::Unsupported(_) => {
                (ErrorName::UnsupportedOperation, "the key manager cannot do that; the proxy's log says why")
            }
        };
        let cause = match trouble {
            Trouble::Failed(cause) | Trouble::Unsupported(cause) => Some(cause),
            _ => None,
        };
        Self { error, message: Cow::Borrowed(message), cause }
    }
}

/// As an answer may hold it.
fn printable(text: &str) -> String {
    let fit = |symbol: char| if matches!(symbol, ' '..='~') { symbol } else { '?' };
    text.chars().take(LONGEST_MESSAGE).map(fit).collect()
}

//= xks §5: below 512 characters of printable ASCII
const LONGEST_MESSAGE: usize = 511;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_short_printable_ascii_whatever_it_is_made_of() {
        let refusal = Refusal::saying(ErrorName::Validation, &"ä\n".repeat(1000));
        assert_eq!(refusal.message(), "?".repeat(511));
    }

    #[test]
    fn what_a_key_manager_says_for_the_log_is_not_in_the_answer() {
        for trouble in [Trouble::Failed("slot 7".to_owned()), Trouble::Unsupported("slot 7".to_owned())] {
            let refusal = Refusal::from(trouble);
            assert_eq!(refusal.cause.as_deref(), Some("slot 7"));
            assert!(!String::from_utf8(refusal.body()).unwrap().contains("slot 7"));
        }
    }

    #[test]
    fn each_trouble_has_its_error() {
        let error = |trouble| Refusal::from(trouble).error;
        assert_eq!(error(Trouble::Busy), ErrorName::Throttling);
        assert_eq!(error(Trouble::Disabled), ErrorName::InvalidState);
        assert_eq!(error(Trouble::InvalidCiphertext), ErrorName::InvalidCiphertext);
        assert_eq!(error(Trouble::InvalidKeyUsage), ErrorName::InvalidKeyUsage);
        assert_eq!(error(Trouble::KeyNotFound), ErrorName::KeyNotFound);
        assert_eq!(error(Trouble::TimedOut), ErrorName::DependencyTimeout);
        assert_eq!(error(Trouble::Failed(String::new())), ErrorName::Internal);
        assert_eq!(error(Trouble::Unsupported(String::new())), ErrorName::UnsupportedOperation);
    }
}

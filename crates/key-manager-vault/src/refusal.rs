//! Why a server does not do what it was asked, and whose fault that is. What a server has is never told as if it were the key's or the
//! ciphertext's: only texts that are known to mean that are taken so.

use bytes::Bytes;
use http::{Response, StatusCode};
use key_manager::Trouble;
use serde::Deserialize;
use std::fmt;

/// Why there is no good answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A quota of the server is used up.
    Busy,
    /// The token is not valid, or may not do it.
    Denied,
    /// There is no such key.
    Missing,
    /// The request is refused, with that reason.
    Said(String),
    /// The server cannot serve; another may.
    Unfit(String),
    /// What is answered makes no sense; that of another may.
    Odd(&'static str),
    /// No answer in time; another may give one.
    TimedOut,
}

impl Refusal {
    /// What an answer that is no success says.
    pub(crate) fn of(answer: &Response<Bytes>) -> Self {
        let said = said(answer.body());
        match answer.status() {
            StatusCode::FORBIDDEN => Self::Denied,
            StatusCode::TOO_MANY_REQUESTS => Self::Busy,
            StatusCode::NOT_FOUND if said.as_deref() == Some("") => Self::Missing,
            StatusCode::BAD_REQUEST => match said {
                Some(said) if said == KEY_NOT_FOUND => Self::Missing,
                Some(said) => Self::Said(said),
                None => Self::Odd("a refusal that gives no reason"),
            },
            // A path that is not there is a mount or a namespace that is not there: no word about the key.
            status if status == StatusCode::NOT_FOUND || status.is_client_error() => {
                Self::Said(format!("status {}, {}", status.as_u16(), said.unwrap_or_default()))
            }
            status => Self::Unfit(format!("status {}, {}", status.as_u16(), said.unwrap_or_default())),
        }
    }

    /// Whether another server may do it.
    pub(crate) const fn is_of_server(&self) -> bool {
        matches!(self, Self::Unfit(_) | Self::Odd(_) | Self::TimedOut)
    }

    /// Whether encryption is refused because of the version of the key: it was rotated, or made anew.
    pub(crate) fn is_of_version(&self) -> bool {
        matches!(self, Self::Said(text) if text.starts_with("requested version for encryption"))
    }

    /// Whether a ciphertext says to be of a version that the server does not have.
    pub(crate) fn is_too_new(&self) -> bool {
        matches!(self, Self::Said(text) if text == "invalid ciphertext: version is too new")
    }

    /// What it comes to for who asked to decrypt.
    pub(crate) fn of_decryption(self) -> Trouble {
        match self {
            Self::Said(text) if is_of_ciphertext(&text) => Trouble::InvalidCiphertext,
            other => other.trouble(),
        }
    }

    /// What it comes to for who asked for anything else.
    pub(crate) fn trouble(self) -> Trouble {
        match self {
            Self::Busy => Trouble::Busy,
            Self::Missing => Trouble::KeyNotFound,
            Self::TimedOut => Trouble::TimedOut,
            Self::Said(text) if is_of_state(&text) => Trouble::Disabled,
            Self::Said(text) if is_of_usage(&text) => Trouble::InvalidKeyUsage,
            other => Trouble::Failed(other.to_string()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the server has too much to do"),
            Self::Denied => f.write_str("the token is not valid or may not do it"),
            Self::Missing => f.write_str("there is no such key"),
            Self::Odd(what) => write!(f, "the server gave {what}"),
            Self::Said(text) => write!(f, "the server refuses: {text}"),
            Self::TimedOut => f.write_str("the server did not answer in time"),
            Self::Unfit(text) => write!(f, "the server cannot serve: {text}"),
        }
    }
}

/// The texts are those of both servers' published sources.
fn is_of_ciphertext(text: &str) -> bool {
    text == "cipher: message authentication failed" || text.starts_with("invalid ciphertext")
}

/// The key's owner may allow it again, so that it is no word about the ciphertext.
fn is_of_state(text: &str) -> bool {
    text == "ciphertext or signature version is disallowed by policy (too old)"
        || text == "refusing to use soft-deleted key"
}

fn is_of_usage(text: &str) -> bool {
    text.contains("not supported for key type")
        || text.contains("provided for non-AEAD cipher suite")
        || text.starts_with("missing 'context' for key derivation")
}

/// The reasons in an answer, at most so many characters of them, without any that is not printable.
fn said(body: &[u8]) -> Option<String> {
    let Errors { errors } = serde_json::from_slice(body).ok()?;
    let all = errors.join("; ");
    let printable = all.chars().map(|one| if one.is_ascii_graphic() { one } else { ' ' });
    Some(printable.take(LONGEST_TEXT).collect())
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

const KEY_NOT_FOUND: &str = "encryption key not found";
const LONGEST_TEXT: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, body: &str) -> Refusal {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Refusal::of(&Response::builder().status(status).body(body).unwrap())
    }

    fn said(text: &str) -> Refusal {
        refusal(400, &serde_json::json!({ "errors": [text] }).to_string())
    }

    #[test]
    fn only_texts_that_are_known_to_mean_the_ciphertext_are_told_as_its_fault() {
        for text in [
            "cipher: message authentication failed",
            "invalid ciphertext: version is too new",
            "invalid ciphertext length",
        ] {
            assert_eq!(said(text).of_decryption(), Trouble::InvalidCiphertext, "{text}");
            assert!(matches!(said(text).trouble(), Trouble::Failed(_)), "{text}");
        }
        for text in [
            "",
            "internal error",
            "missing ciphertext to decrypt",
            "failed to parse JSON input: invalid ciphertext",
        ] {
            assert!(matches!(said(text).of_decryption(), Trouble::Failed(_)), "{text}");
        }
    }

    #[test]
    fn the_states_of_a_key_are_told_as_such() {
        for (text, trouble) in [
            ("ciphertext or signature version is disallowed by policy (too old)", Trouble::Disabled),
            ("refusing to use soft-deleted key", Trouble::Disabled),
            ("encryption key not found", Trouble::KeyNotFound),
            ("message decryption not supported for key type ed25519", Trouble::InvalidKeyUsage),
            ("'[0].associated_data' provided for non-AEAD cipher suite hmac", Trouble::InvalidKeyUsage),
            ("missing 'context' for key derivation; the key was created using", Trouble::InvalidKeyUsage),
        ] {
            assert_eq!(said(text).of_decryption(), trouble, "{text}");
        }
    }

    #[test]
    fn a_path_that_is_not_there_is_not_a_key_that_is_not_there() {
        assert_eq!(refusal(404, r#"{"errors":[]}"#), Refusal::Missing);
        for body in [
            r#"{"errors":["no handler for route \"transit/keys/k\". route entry not found."]}"#,
            "",
            "<html>",
            "{}",
        ] {
            assert!(matches!(refusal(404, body).trouble(), Trouble::Failed(_)), "{body}");
        }
    }

    #[test]
    fn what_another_server_may_do_is_told_from_what_none_does() {
        for status in [307, 472, 473, 500, 501, 502, 503] {
            let refusal = refusal(status, r#"{"errors":["Vault is sealed"]}"#);
            assert_eq!(refusal.is_of_server(), ![472, 473].contains(&status), "{status}");
            assert!(matches!(refusal.trouble(), Trouble::Failed(_)), "{status}");
        }
        assert_eq!(refusal(429, "").trouble(), Trouble::Busy);
        assert_eq!(refusal(403, "").trouble(), Trouble::Failed(Refusal::Denied.to_string()));
    }

    #[test]
    fn what_a_server_says_is_bounded_and_printable() {
        let Refusal::Said(text) = said(&"\n\u{1b}é".repeat(1000)) else { panic!() };
        assert_eq!(text, " ".repeat(LONGEST_TEXT));
    }
}

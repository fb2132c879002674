//! What can go wrong with a proxy, as data. Nothing here acts: `serving` and `api::spoil` do.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// How one request is mishandled.
///
/// What spoils an answer spoils successful ones only: a request that earns an error gets that error. What is answered in
/// place of anything ([`Fault::EmptyBody`], [`Fault::Error`], [`Fault::HtmlPage`], [`Fault::NotJson`], [`Fault::Status`])
/// does not ask who signed. In JSON a fault is its name in snake case, with what it holds: `"reset"`, `{"late": 260}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// Every Base64 field has a character that is none of the alphabet.
    BadBase64,
    /// The connection is closed when the request has been read.
    CloseWithoutAnswer,
    /// Status 200 and no body.
    EmptyBody,
    /// An error of the API: its name (of the twelve, or any other), its status (the proper one by default), its
    /// message.
    Error {
        /// The errorName.
        name: String,
        /// Another status than the specification's; 500 for a name that it does not have.
        #[serde(default)]
        status: Option<u16>,
        /// The errorMessage, none by default.
        #[serde(default)]
        message: Option<String>,
    },
    /// The head and half of the body, then the end of the connection.
    HalfAnswer,
    /// A page of HTML with that status.
    HtmlPage(u16),
    /// A JSON object of 10 MiB, in which the right fields are.
    HugeBody,
    /// The right answer, too late; in JSON in milliseconds.
    #[serde(deserialize_with = "milliseconds")]
    Late(Duration),
    /// Ciphertext metadata of 21 bytes, which the integrity value covers.
    LongMetadata,
    /// The request is read and never answered; the connection stays.
    NeverAnswer,
    /// No integrity value although it was asked for.
    NoIntegrityValue,
    /// Status 200 and text that is no JSON.
    NotJson,
    /// An initialization vector of 13 bytes, which the integrity value covers.
    OddInitializationVector,
    /// The answer without that field.
    RemoveField(String),
    /// The connection ends by a TCP reset when the request has been read.
    Reset,
    /// The answer with that field changed.
    SetField {
        /// The name of the field.
        field: String,
        /// What it holds instead.
        value: Value,
    },
    /// A ciphertext that lacks its last byte, which the integrity value covers.
    ShortCiphertext,
    /// A plaintext that lacks its last byte.
    ShortPlaintext,
    /// A tag of 15 bytes, which the integrity value covers.
    ShortTag,
    /// A status without a body.
    Status(u16),
    /// An integrity value of something else.
    WrongIntegrityValue,
    /// A plaintext of the right length whose first byte is another.
    WrongPlaintext,
    /// A tag with one bit changed after the integrity value was computed.
    WrongTag,
    /// Numbers where the fields are strings, lists or objects, and strings where they are numbers.
    WrongTypes,
}

impl Fault {
    /// An error of the specification with its own status and no message.
    pub fn error(name: ErrorName) -> Self {
        Self::Error { name: name.as_str().to_owned(), status: None, message: None }
    }
}

/// How one connection is mishandled, before any request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionFault {
    /// Closed after the TLS handshake.
    CloseAfterHandshake,
    /// Closed as soon as it is accepted.
    CloseOnAccept,
    /// Reset as soon as it is accepted.
    ResetOnAccept,
    /// Accepted, and no answer to the TLS handshake.
    SilentOnAccept,
}

/// The names of errors that the specification has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the specification's own words")]
pub enum ErrorName {
    AccessDenied,
    AuthenticationFailed,
    DependencyTimeout,
    Internal,
    InvalidCiphertext,
    InvalidKeyUsage,
    InvalidState,
    InvalidUriPath,
    KeyNotFound,
    Throttling,
    UnsupportedOperation,
    Validation,
}

impl ErrorName {
    /// All twelve.
    pub const ALL: [Self; 12] = [
        Self::AccessDenied,
        Self::AuthenticationFailed,
        Self::DependencyTimeout,
        Self::Internal,
        Self::InvalidCiphertext,
        Self::InvalidKeyUsage,
        Self::InvalidState,
        Self::InvalidUriPath,
        Self::KeyNotFound,
        Self::Throttling,
        Self::UnsupportedOperation,
        Self::Validation,
    ];

    /// The errorName on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "AccessDeniedException",
            Self::AuthenticationFailed => "AuthenticationFailedException",
            Self::DependencyTimeout => "DependencyTimeoutException",
            Self::Internal => "InternalException",
            Self::InvalidCiphertext => "InvalidCiphertextException",
            Self::InvalidKeyUsage => "InvalidKeyUsageException",
            Self::InvalidState => "InvalidStateException",
            Self::InvalidUriPath => "InvalidUriPathException",
            Self::KeyNotFound => "KeyNotFoundException",
            Self::Throttling => "ThrottlingException",
            Self::UnsupportedOperation => "UnsupportedOperationException",
            Self::Validation => "ValidationException",
        }
    }

    /// The status that belongs to it.
    pub fn status(self) -> u16 {
        match self {
            Self::InvalidCiphertext | Self::InvalidKeyUsage | Self::InvalidState | Self::Validation => 400,
            Self::AuthenticationFailed => 401,
            Self::AccessDenied => 403,
            Self::InvalidUriPath | Self::KeyNotFound => 404,
            Self::Throttling => 429,
            Self::Internal => 500,
            Self::UnsupportedOperation => 501,
            Self::DependencyTimeout => 503,
        }
    }
}

fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

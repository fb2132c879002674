//! Why a request is refused, in AWS's words. It never carries a secret access key, a signature or a session token.

use std::time::Duration;

use jiff::Timestamp;

use crate::time::{basic, window};

/// Why a request's authentication is refused; it displays the message that AWS sends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Signed in the `Authorization` header and in the query at once.
    #[error("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")]
    AuthenticatedTwice,
    /// The credential is scoped to another Region, service, day or terminator.
    #[error("{faults}")]
    CredentialScope {
        /// AWS's sentences, one for each thing that is wrong.
        faults: String,
    },
    /// The credential is not `keyid/date/region/service/term`.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, \
         e.g. keyid/date/region/service/term, got '{credential}'"
    )]
    CredentialShape {
        /// The credential as it came.
        credential: String,
    },
    /// The date is neither `20150830T123600Z` nor, in a `Date` header, an HTTP date.
    #[error(
        "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )]
    DateFormat {
        /// The date as it came.
        date: String,
    },
    /// The signature is older than allowed.
    #[error(
        "Signature expired: {} is now earlier than {} ({} - {})",
        basic(*.date), basic(*.earliest), basic(*.now), window(*.allowed)
    )]
    Expired {
        /// When the request says it was signed.
        date: Timestamp,
        /// The oldest date that would have been accepted.
        earliest: Timestamp,
        /// The verifier's time.
        now: Timestamp,
        /// How old a signature may be.
        allowed: Duration,
    },
    /// The session of these temporary credentials is over. Only who looked the access key up can tell.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// `X-Amz-Expires` is not a number.
    #[error("X-Amz-Expires should be a number")]
    ExpiresNotNumber,
    /// `X-Amz-Expires` is more than a week.
    #[error(
        "X-Amz-Expires must be less than a week (in seconds); \
         that is, the given X-Amz-Expires must be less than 604800 seconds"
    )]
    ExpiresTooLong,
    /// `X-Amz-Expires` is less than one second.
    #[error("X-Amz-Expires must be non-negative")]
    ExpiresTooShort,
    /// A header that must be signed is there and is not signed.
    #[error("'{header}' must be a 'SignedHeader' in the AWS Authorization.")]
    HeaderNotSigned {
        /// The header's name in lower case.
        header: String,
    },
    /// The host is not signed.
    #[error("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    /// The request is not signed at all.
    #[error("Missing Authentication Token")]
    MissingAuthenticationToken,
    /// A part of the `Authorization` header has no equal sign.
    #[error(
        "Invalid key=value pair (missing equal-sign) in Authorization header \
         (hashed with SHA-256 and encoded with Base64): '{authorization_sha256}'."
    )]
    MissingEqualSign {
        /// The header's SHA-256 in base64, in place of the header, which could hold a secret of another scheme.
        authorization_sha256: String,
    },
    /// The `Authorization` header or the date lacks something.
    #[error("{missing}(Hashed with SHA-256 and encoded with Base64) Authorization={authorization_sha256}")]
    MissingInHeader {
        /// AWS's sentences, one for each thing that is missing.
        missing: String,
        /// The header's SHA-256 in base64.
        authorization_sha256: String,
    },
    /// The signed query lacks something.
    #[error("{missing}Re-examine the query-string parameters.")]
    MissingInQuery {
        /// AWS's sentences, one for each thing that is missing.
        missing: String,
    },
    /// The signature is dated later than the clocks' tolerance allows.
    #[error(
        "Signature not yet current: {} is still later than {} ({} + {})",
        basic(*.date), basic(*.latest), basic(*.now), window(*.allowed)
    )]
    NotYetCurrent {
        /// When the request says it was signed.
        date: Timestamp,
        /// The latest date that would have been accepted.
        latest: Timestamp,
        /// The verifier's time.
        now: Timestamp,
        /// How far clocks may differ.
        allowed: Duration,
    },
    /// Something that decides the outcome is given twice. AWS's text is not known; this one is ours.
    #[error("'{name}' must be given only once in the AWS Authorization.")]
    Repeated {
        /// The header or parameter.
        name: &'static str,
    },
    /// The signature is not what the secret gives for this request.
    #[error(
        "The request signature we calculated does not match the signature you provided. \
         Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    SignatureMismatch,
    /// The authentication is larger than any honest one. The text is ours.
    #[error("{what} of the AWS Authorization must be no more than {limit}.")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The largest that is accepted.
        limit: usize,
    },
    /// The access key is unknown or inactive, or the session token is not its own. But for an impossible access key id,
    /// only who looks the access key up can tell.
    #[error("The security token included in the request is invalid.")]
    UnrecognizedClient,
    /// Signed with another algorithm, SigV4A among them.
    #[error("Unsupported AWS 'algorithm': '{algorithm}'. ")]
    UnsupportedAlgorithm {
        /// The algorithm as it came.
        algorithm: String,
    },
}

impl Refusal {
    /// The AWS exception that this refusal is.
    pub fn exception(&self) -> &'static str {
        match self {
            Self::CredentialShape { .. }
            | Self::DateFormat { .. }
            | Self::ExpiresNotNumber
            | Self::ExpiresTooLong
            | Self::ExpiresTooShort
            | Self::MissingEqualSign { .. }
            | Self::MissingInHeader { .. }
            | Self::MissingInQuery { .. }
            | Self::Repeated { .. }
            | Self::TooLarge { .. }
            | Self::UnsupportedAlgorithm { .. } => "IncompleteSignatureException",
            Self::AuthenticatedTwice
            | Self::CredentialScope { .. }
            | Self::Expired { .. }
            | Self::HeaderNotSigned { .. }
            | Self::HostNotSigned
            | Self::NotYetCurrent { .. }
            | Self::SignatureMismatch => "InvalidSignatureException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
        }
    }
}

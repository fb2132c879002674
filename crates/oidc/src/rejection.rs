//! Why a token is not accepted. A message never shows the token, and of the issuer's answers only what is wrong with them.

/// Why a token is not accepted.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// Signed in a way that is never accepted, or that does not fit the key.
    #[error("the algorithm `{0}` is not accepted of the token")]
    AlgorithmNotAllowed(String),
    /// The signature is not of the issuer's key.
    #[error("the signature of the token is not valid")]
    BadSignature,
    /// Its time is over.
    #[error("the token expired at {expired}, it is {now}")]
    Expired {
        /// Its `exp`.
        expired: jiff::Timestamp,
        /// The time it was compared with.
        now: jiff::Timestamp,
    },
    /// The issuer answers what no key can be read from.
    #[error("the answer of the issuer cannot be used: {0}")]
    IssuerUnusable(String),
    /// The issuer is down, is slow, or is not who it should be.
    #[error("the issuer cannot be reached: {0}")]
    IssuerUnreachable(String),
    /// Not a signed token, or one without a claim that it must have.
    #[error("the token is malformed: {0}")]
    Malformed(String),
    /// Its `nbf` or `iat` lies in the future, by more than clocks differ.
    #[error("the token is not valid before {from}, it is {now}")]
    NotYetValid {
        /// The claim's time.
        from: jiff::Timestamp,
        /// The time it was compared with.
        now: jiff::Timestamp,
    },
    /// The issuer has no key of this id, or the token has none and the issuer not one key that it can be of.
    #[error("the issuer has no key {}", key_id.as_ref().map_or("for a token that names none".to_owned(), |id| format!("`{id}`")))]
    UnknownKey {
        /// Its `kid`.
        key_id: Option<String>,
    },
    /// It is for somebody else.
    #[error("the audience of the token, `{0}`, is none of the registered client ids")]
    WrongAudience(String),
    /// It is from somebody else.
    #[error("the issuer of the token, `{0}`, is not the provider")]
    WrongIssuer(String),
}

//! Why a document is not accepted. A message names members of the document, and never shows what is in them.

/// Why a document is not accepted, or a root cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AttestationError {
    /// A member is there more than once.
    #[error("`{0}` is there more than once")]
    Duplicate(&'static str),
    /// It was made later than clocks differ.
    #[error("its timestamp lies in the future")]
    FromTheFuture,
    /// A member is not of the type or the length that AWS publishes.
    #[error("`{0}` is not of the type or the length that it must have")]
    Malformed(&'static str),
    /// A member that must be there is not.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// There is nothing to hold documents against.
    #[error("no roots of attestation are configured")]
    NoRoots,
    /// Its public key is none of RSA.
    #[error("`public_key` is not an RSA public key of 2048 to 4096 bits as SubjectPublicKeyInfo in DER")]
    NotRsa,
    /// It was made too long ago.
    #[error("its timestamp is more than five minutes old")]
    Stale,
    /// It is longer than a document can be.
    #[error("it is longer than a document can be")]
    TooLong,
    /// The certificate that it brings along does not lead to a root at this time.
    #[error("its certificate does not chain to a trusted root, or is not valid now")]
    Untrusted,
    /// It has a member that AWS does not publish.
    #[error("it has a member that attestation documents do not have")]
    UnknownMember,
    /// A file of roots has none in it, or one that is no certificate.
    #[error("the roots of attestation cannot be read: {0}")]
    UnreadableRoots(&'static str),
    /// It is signed with anything but ES384, or its header says more than that.
    #[error("it is not signed with ES384")]
    WrongAlgorithm,
    /// The signature is not that of the certificate's key.
    #[error("its signature is not valid")]
    WrongSignature,
}

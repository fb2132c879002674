//! The proxy that is looked at, and what its owner lends for that: credentials, keys, certificates. Secrets are shown to nobody.

use std::fmt;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::error::Error;

/// A proxy, and what is lent for looking at it. What is not lent is not looked at; the report says what it would have taken.
#[derive(Debug)]
#[non_exhaustive]
pub struct Target {
    /// The store whose key is used.
    pub store: Store,
    /// The Region that requests are signed for.
    pub region: String,
    /// A key that encrypts and decrypts.
    pub key: String,
    /// Another such key, of other material.
    pub other_key: Option<String>,
    /// A key that only encrypts.
    pub encrypt_only_key: Option<String>,
    /// A key that only decrypts.
    pub decrypt_only_key: Option<String>,
    /// A key that is disabled.
    pub disabled_key: Option<String>,
    /// A key of 128 bits.
    pub small_key: Option<String>,
    /// A name that no key has.
    pub unknown_key: String,
    /// A second credential of the same store.
    pub second_credential: Option<Credential>,
    /// Another store of the same proxy, with a key of its own that the first has not.
    pub other_store: Option<(Store, String)>,
    /// An ARN that the policy of the store denies the key.
    pub denied_principal: Option<String>,
    /// Authorities that are trusted besides the system's, in PEM.
    pub authorities: Vec<CertificateDer<'static>>,
    /// What is shown to a proxy that asks for a certificate.
    pub client: Option<Identity>,
    /// Clients that the proxy must refuse: another subject, another authority. With what they are called in the report.
    pub refused_clients: Vec<(String, Identity)>,
    /// The path that load balancers ask.
    pub ping: Option<String>,
}

impl Target {
    /// A proxy with what cannot be done without.
    pub fn new(url: &str, region: &str, credential: Credential, key: &str) -> Result<Self, Error> {
        Ok(Self {
            store: Store::new(url, credential)?,
            region: region.to_owned(),
            key: key.to_owned(),
            other_key: None,
            encrypt_only_key: None,
            decrypt_only_key: None,
            disabled_key: None,
            small_key: None,
            unknown_key: "no-key-of-this-name".to_owned(),
            second_credential: None,
            other_store: None,
            denied_principal: None,
            authorities: Vec::new(),
            client: None,
            refused_clients: Vec::new(),
            ping: None,
        })
    }

    /// Trusts the authorities of a PEM text, too; `from` says where it was read.
    pub fn trust(&mut self, pem: &[u8], from: &str) -> Result<(), Error> {
        self.authorities.extend(certificates(pem, from)?);
        Ok(())
    }
}

/// A store: where it is, and a credential of it.
#[derive(Debug)]
pub struct Store {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Up to and with `/kms/xks/v1`.
    pub(crate) path: String,
    pub(crate) credential: Credential,
}

impl Store {
    /// Of `https://HOST[:PORT][/PREFIX]`, with or without `/kms/xks/v1`.
    pub fn new(url: &str, credential: Credential) -> Result<Self, Error> {
        let wrong = || Error::Url { url: url.to_owned() };
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        if uri.scheme_str() != Some("https") || uri.query().is_some() {
            return Err(wrong());
        }
        let prefix = uri.path().trim_end_matches('/');
        let prefix = prefix.strip_suffix(xks_api::API_PATH).unwrap_or(prefix);
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(HTTPS),
            path: format!("{prefix}{}", xks_api::API_PATH),
            credential,
        })
    }

    /// As it stands in `Host`.
    pub(crate) fn authority(&self) -> String {
        if self.port == HTTPS { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The whole URI that a proxy is known by.
    pub(crate) fn url(&self) -> String {
        format!("https://{}{}", self.authority(), self.path)
    }
}

/// An access key id and its secret.
#[derive(Clone)]
pub struct Credential {
    pub(crate) access_key_id: String,
    pub(crate) secret: Zeroizing<String>,
}

impl Credential {
    /// A credential.
    #[must_use]
    pub fn new(access_key_id: &str, secret: &str) -> Self {
        Self { access_key_id: access_key_id.to_owned(), secret: Zeroizing::new(secret.to_owned()) }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credential")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// A client's certificate with its chain, and its key.
pub struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Identity {
    /// Of two PEM texts, which may be one; `from` says where they were read.
    pub fn from_pem(certificate: &[u8], key: &[u8], from: &str) -> Result<Self, Error> {
        let unreadable = |_| Error::Pem { wanted: "private key", from: from.to_owned() };
        let key = PrivateKeyDer::from_pem_slice(key).map_err(unreadable)?;
        Ok(Self { chain: certificates(certificate, from)?, key })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8], from: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unreadable = || Error::Pem { wanted: "certificate", from: from.to_owned() };
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(unreadable)
}

const HTTPS: u16 = 443;

#[cfg(test)]
mod tests {
    use super::{Credential, Store};

    fn store(url: &str) -> Option<Store> {
        Store::new(url, Credential::new("ID", "hidden")).ok()
    }

    #[test]
    fn a_url_is_taken_with_and_without_the_path_of_the_api() {
        for url in ["https://a.example/p", "https://a.example/p/", "https://a.example:443/p/kms/xks/v1"] {
            let store = store(url).unwrap();
            assert_eq!(store.url(), "https://a.example/p/kms/xks/v1", "{url}");
        }
        assert_eq!(store("https://a.example:8443").unwrap().url(), "https://a.example:8443/kms/xks/v1");
    }

    #[test]
    fn what_is_no_url_of_a_proxy_is_refused() {
        for url in ["http://a.example", "a.example", "https://a.example/?x", "https://", ""] {
            assert!(store(url).is_none(), "{url}");
        }
    }

    #[test]
    fn a_target_prints_no_secret() {
        let printed = format!("{:?}", store("https://a.example").unwrap());
        assert!(!printed.contains("hidden"), "{printed}");
    }
}

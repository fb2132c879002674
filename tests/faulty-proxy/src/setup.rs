//! What a proxy starts with. Secrets are shown to nobody.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Deserializer, Serialize};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::key_manager::ExternalKey;
use crate::tls::{Authority, Leaf, Tls};

/// What a proxy starts with.
#[derive(Debug)]
pub struct Setup {
    /// Where it listens; a free port of loopback by default.
    pub listen: SocketAddr,
    /// What comes before `/kms/xks/v1` in its paths, without a slash at the end. All prefixes share the keys and the
    /// credentials; one empty prefix by default.
    pub uri_prefixes: Vec<String>,
    /// Who may call.
    pub credentials: Vec<Credential>,
    /// The only Region that may be signed for; any by default.
    pub region: Option<String>,
    /// The external keys by name.
    pub keys: Vec<(String, ExternalKey)>,
    /// How it speaks TLS.
    pub tls: Tls,
    /// Threads that serve; 1 by default.
    pub threads: usize,
    /// How many of the last requests it keeps to be looked at; 1,000 by default.
    pub remembered: usize,
}

impl Setup {
    /// A proxy at a free port with [`Credential::example`], the key [`Setup::KEY`] and a certificate of a new
    /// authority for `xks.example.com`, `localhost` and 127.0.0.1.
    pub fn new() -> Result<Self, Error> {
        let identity = Authority::new()?.issue(&Leaf::server())?;
        Ok(Self::with_tls(Tls::new(identity)))
    }

    /// The same with that TLS.
    pub fn with_tls(tls: Tls) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            uri_prefixes: vec![String::new()],
            credentials: vec![Credential::example()],
            region: None,
            keys: vec![(Self::KEY.to_owned(), ExternalKey::new())],
            tls,
            threads: 1,
            remembered: 1000,
        }
    }

    /// Prefixes within the limits of the specification; the whole path is counted with `/kms/xks/v1`.
    pub(crate) fn check_prefixes(&self) -> Result<(), Error> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte);
        let right = |prefix: &str| {
            prefix.len() <= 128 - "/kms/xks/v1".len()
                && prefix.bytes().all(allowed)
                && (prefix.is_empty() || prefix.starts_with('/'))
        };
        match self.uri_prefixes.iter().find(|prefix| !right(prefix)) {
            Some(prefix) => Err(Error::Prefix { prefix: prefix.clone() }),
            None => Ok(()),
        }
    }

    /// The name of the key that is there by default.
    pub const KEY: &'static str = "example-key";
}

/// An access key id and its secret.
#[derive(Deserialize)]
pub struct Credential {
    pub(crate) access_key_id: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) secret: Zeroizing<String>,
}

impl Credential {
    /// A credential.
    pub fn new(access_key_id: &str, secret: &str) -> Self {
        Self { access_key_id: access_key_id.to_owned(), secret: Zeroizing::new(secret.to_owned()) }
    }

    /// The one that is there by default.
    pub fn example() -> Self {
        Self::new(Self::EXAMPLE_ID, Self::EXAMPLE_SECRET)
    }

    /// The access key id of the example.
    pub const EXAMPLE_ID: &'static str = "FAULTYPROXYEXAMPLE234567";

    /// The secret of the example, known to everybody.
    pub const EXAMPLE_SECRET: &'static str =
        "faulty/proxy+example/secret+of/sixty/four/characters/for/tests+=";
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credential")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// What GetHealthStatus tells; not checked against the specification, so that it can break it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's own words")]
pub struct HealthReport {
    pub xks_proxy_fleet_size: u64,
    pub xks_proxy_vendor: String,
    pub xks_proxy_model: String,
    pub ekm_vendor: String,
    pub ekm_fleet_details: Vec<Member>,
}

/// One instance of the key manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the specification's own words")]
pub struct Member {
    pub id: String,
    pub model: String,
    pub health_status: HealthStatus,
}

/// How an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the specification's own words")]
pub enum HealthStatus {
    Active,
    Degraded,
    Unavailable,
}

impl HealthReport {
    /// A fleet with these instances; none, or eleven, breaks the specification.
    pub fn of(statuses: &[HealthStatus]) -> Self {
        let member = |(index, &health_status): (usize, &HealthStatus)| Member {
            id: format!("instance-{index}"),
            model: "in memory".to_owned(),
            health_status,
        };
        Self {
            xks_proxy_fleet_size: 1,
            xks_proxy_vendor: "Cardea".to_owned(),
            xks_proxy_model: concat!("faulty-xks-proxy ", env!("CARGO_PKG_VERSION")).to_owned(),
            ekm_vendor: "Cardea".to_owned(),
            ekm_fleet_details: statuses.iter().enumerate().map(member).collect(),
        }
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

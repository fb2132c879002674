//! The settings of custom key stores: how XKS proxies are reached, which HSM clusters there are, and how many stores there may be.
//!
//! Whatever can be wrong in the text itself is refused here. Files are read later, and no library of an HSM is ever looked at.

use super::Span;
use https::Route;
use keys::AccountId;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};

/// How many custom key stores there may be, and how much each is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CustomKeyStores {
    /// How many stores an account may have in a region.
    pub per_region: u64,
    /// How many requests a second a store is sent.
    pub requests_per_second: NonZeroU32,
}

/// An HSM cluster.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HsmCluster {
    /// The account whose stores may be made on it; any account if absent.
    #[serde(default)]
    pub account: Option<AccountId>,
    /// The whole environment of the library: nothing of ours is handed down.
    #[serde(default)]
    pub environment: BTreeMap<VariableName, String>,
    /// The id by which custom key stores name it.
    pub id: ClusterId,
    /// The vendor's PKCS#11 library. It may be absent: then the cluster is unavailable.
    pub library: PathBuf,
    /// The labels of the members' tokens.
    pub members: Vec<TokenLabel>,
    /// How many sessions are kept with each member.
    #[serde(default = "sessions")]
    pub sessions: NonZeroUsize,
    /// Whether the library brings every key to all members by itself.
    #[serde(default)]
    pub synchronises: bool,
    /// The file of the certificate, in PEM, that vouches for the cluster.
    pub trust_anchor: PathBuf,
}

/// What loads the libraries of HSMs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pkcs11 {
    /// Its program; `cardea-pkcs11` beside the running program if absent.
    pub program: Option<PathBuf>,
}

/// How XKS proxies are reached.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Xks {
    /// The certificate chain, in PEM, that is shown to proxies that ask for one.
    pub client_certificate: Option<PathBuf>,
    /// The key of `client_certificate`, in PEM.
    pub client_key: Option<PathBuf>,
    /// Where a host name of an endpoint, or a VPC endpoint service, is really reached.
    pub connect_to: BTreeMap<EndpointName, Destination>,
    /// Files of CA certificates, in PEM, that are trusted beside those of the machine.
    pub extra_ca_files: Vec<PathBuf>,
    /// How often a connected proxy is asked how it is.
    pub health_check_interval: Span,
    /// Whether proxies may be on this machine; if absent, as long as the service itself listens only there.
    pub loopback: Option<bool>,
}

/// The id of an HSM cluster: `cluster-` and 11 to 16 characters of `2-7a-zA-Z`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ClusterId(String);

/// The label of a token as PKCS#11 has them: 1 to 32 bytes, the blanks at the end not counted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenLabel(String);

/// The name of a variable of an environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct VariableName(String);

/// The host name of an endpoint, or the name of a VPC endpoint service; both look like a DNS name in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct EndpointName(String);

/// Where something is really reached: at a host and port, or at a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Destination(pub(crate) Route);

/// What custom key stores are told that contradicts itself.
pub(super) fn contradiction(xks: &Xks, clusters: &[HsmCluster]) -> Option<String> {
    if xks.client_certificate.is_some() != xks.client_key.is_some() {
        Some("`xks.client_certificate` and `xks.client_key` go together".to_owned())
    } else if xks.health_check_interval < LEAST_HEALTH_CHECK_INTERVAL {
        Some(format!("`xks.health_check_interval` is at least `{LEAST_HEALTH_CHECK_INTERVAL}`"))
    } else {
        in_clusters(clusters)
    }
}

fn in_clusters(clusters: &[HsmCluster]) -> Option<String> {
    let (mut ids, mut tokens) = (BTreeSet::new(), BTreeSet::<(&Path, &TokenLabel)>::new());
    clusters.iter().find_map(|HsmCluster { id, library, members, sessions, .. }| {
        let taken = members.iter().find(|member| !tokens.insert((library, member)));
        if !ids.insert(id) {
            Some(format!("two `hsm_cluster` have the `id` `{id}`"))
        } else if members.is_empty() {
            Some(format!("`members` of `hsm_cluster` `{id}` names no token"))
        } else if let Some(label) = taken {
            let library = library.display();
            Some(format!(
                "`members` of `hsm_cluster` `{id}`: the token `{label}` of `{library}` is named before"
            ))
        } else if *sessions > MOST_SESSIONS {
            Some(format!("`sessions` of `hsm_cluster` `{id}` is at most {MOST_SESSIONS}"))
        } else {
            None
        }
    })
}

impl Default for CustomKeyStores {
    fn default() -> Self {
        Self { per_region: 10, requests_per_second: REQUESTS_PER_SECOND }
    }
}

impl Default for Xks {
    fn default() -> Self {
        Self {
            client_certificate: None,
            client_key: None,
            connect_to: BTreeMap::new(),
            extra_ca_files: Vec::new(),
            health_check_interval: Span::seconds(180),
            loopback: None,
        }
    }
}

const fn sessions() -> NonZeroUsize {
    SESSIONS
}

/// The text is not what such a setting is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStoreSetting {
    /// Of a cluster's id.
    #[error(
        "the id of an HSM cluster is `cluster-` and 11 to 16 characters of `2-7a-zA-Z`, and `{0}` is none"
    )]
    ClusterId(String),
    /// Of a place to connect to.
    #[error(
        "a place to connect to is a host and a port, such as `127.0.0.1:9443`, or `unix:` and the absolute path of a socket, and `{0}` is none"
    )]
    Destination(String),
    /// Of what is connected to.
    #[error(
        "what is connected to is a host name in lower case without a port, or the name of a VPC endpoint service, and `{0}` is none"
    )]
    EndpointName(String),
    /// Of a token's label.
    #[error("the label of a token is 1 to 32 bytes without blanks at its end, and `{0}` is none")]
    TokenLabel(String),
    /// Of a variable's name.
    #[error("the name of a variable is letters, digits and `_`, and `{0}` is none")]
    VariableName(String),
}

impl TryFrom<String> for ClusterId {
    type Error = InvalidStoreSetting;

    fn try_from(text: String) -> Result<Self, InvalidStoreSetting> {
        let is_right = |byte: u8| byte.is_ascii_alphabetic() || (b'2'..=b'7').contains(&byte);
        let rest = text.strip_prefix("cluster-").unwrap_or_default();
        if (11..=16).contains(&rest.len()) && rest.bytes().all(is_right) {
            Ok(Self(text))
        } else {
            Err(InvalidStoreSetting::ClusterId(text))
        }
    }
}

impl TryFrom<String> for TokenLabel {
    type Error = InvalidStoreSetting;

    fn try_from(text: String) -> Result<Self, InvalidStoreSetting> {
        if (1..=32).contains(&text.len()) && !text.ends_with(' ') {
            Ok(Self(text))
        } else {
            Err(InvalidStoreSetting::TokenLabel(text))
        }
    }
}

impl TryFrom<String> for VariableName {
    type Error = InvalidStoreSetting;

    fn try_from(text: String) -> Result<Self, InvalidStoreSetting> {
        let is_right = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = text.bytes().all(is_right) && text.starts_with(|first: char| !first.is_ascii_digit());
        if is_name { Ok(Self(text)) } else { Err(InvalidStoreSetting::VariableName(text)) }
    }
}

impl TryFrom<String> for EndpointName {
    type Error = InvalidStoreSetting;

    fn try_from(text: String) -> Result<Self, InvalidStoreSetting> {
        let is_service = SERVICE_PREFIXES.iter().any(|prefix| text.starts_with(prefix));
        let is_right = if is_service { is_service_name(&text) } else { is_host_name(&text) };
        if is_right { Ok(Self(text)) } else { Err(InvalidStoreSetting::EndpointName(text)) }
    }
}

impl TryFrom<String> for Destination {
    type Error = InvalidStoreSetting;

    fn try_from(text: String) -> Result<Self, InvalidStoreSetting> {
        let is_host = |host: &str| host.parse::<IpAddr>().is_ok() || is_host_name(host);
        match text.parse() {
            Ok(Route::Tcp(host, _)) if !is_host(&host) => Err(InvalidStoreSetting::Destination(text)),
            Ok(route) => Ok(Self(route)),
            Err(_) => Err(InvalidStoreSetting::Destination(text)),
        }
    }
}

fn is_host_name(text: &str) -> bool {
    let is_right = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(is_right)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

//= kms:CreateCustomKeyStore XksProxyVpcEndpointServiceName: ^(com|eu)\.amazonaws\.vpce\.([a-z]+-){2,3}\d+\.vpce-svc-[0-9a-z]+$
fn is_service_name(text: &str) -> bool {
    let rest = SERVICE_PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
    let Some((region, service)) = rest.and_then(|rest| rest.split_once(".vpce-svc-")) else { return false };
    let is_right = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let mut parts = region.rsplit('-');
    let number = parts.next().unwrap_or_default();
    let words: Vec<&str> = parts.collect();
    (20..=64).contains(&text.len())
        && (!service.is_empty() && service.bytes().all(is_right))
        && (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        && ((2..=3).contains(&words.len()) && words.iter().all(is_word))
}

macro_rules! shown_as_written {
    ($($name:ident)*) => { $(
        impl $name {
            /// As it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )* };
}

shown_as_written! { ClusterId EndpointName TokenLabel VariableName }

//= kms: 1,800 requests a second to an external key store
const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(1800).unwrap();
const SESSIONS: NonZeroUsize = NonZeroUsize::new(16).unwrap();
const MOST_SESSIONS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
const LEAST_HEALTH_CHECK_INTERVAL: Span = Span::seconds(1);
const SERVICE_PREFIXES: [&str; 2] = ["com.amazonaws.vpce.", "eu.amazonaws.vpce."];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_cluster_is_aws_s() {
        for right in ["cluster-abcdefghij2", "cluster-ABCDEFGHIJ234567"] {
            assert_eq!(ClusterId::try_from(right.to_owned()).unwrap().as_str(), right);
        }
        for wrong in
            ["", "abcdefghij2", "cluster-abcdefghij", "cluster-abcdefghij8", "cluster-ABCDEFGHIJ2345672"]
        {
            assert!(ClusterId::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_place_to_connect_to_is_a_host_and_a_port_or_a_socket() {
        let place = |text: &str| Destination::try_from(text.to_owned()).map(|place| place.0);
        let tcp = |host: &str, port| Ok(Route::Tcp(host.to_owned(), port));
        assert_eq!(place("127.0.0.1:9443"), tcp("127.0.0.1", 9443));
        assert_eq!(place("[::1]:9443"), tcp("::1", 9443));
        assert_eq!(place("proxy.internal:443"), tcp("proxy.internal", 443));
        assert_eq!(place("unix:/run/xks.sock"), Ok(Route::Unix("/run/xks.sock".into())));
        for wrong in [
            "",
            "127.0.0.1",
            "127.0.0.1:0",
            "a host:1",
            "unix:",
            "unix:xks.sock",
            "unix//xks:1",
            "https://127.0.0.1:9443",
        ] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_connected_to_is_a_host_or_a_vpc_endpoint_service() {
        let name = |text: &str| EndpointName::try_from(text.to_owned());
        for right in ["xks.example.com", "localhost", "com.amazonaws.vpce.eu-central-1.vpce-svc-0123abc"] {
            assert_eq!(name(right).unwrap().as_str(), right);
        }
        for wrong in [
            "",
            "https://xks.example.com",
            "xks.example.com:443",
            "XKS.example.com",
            "xks..example.com",
            "-xks.example.com",
            "com.amazonaws.vpce.eu-central-1.vpce-svc-",
            "com.amazonaws.vpce.eu-central-1.vpce-0123abc",
            "com.amazonaws.vpce.central-1.vpce-svc-0123abc",
        ] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_name_of_a_variable_can_stand_before_an_equals_sign() {
        for (name, right) in
            [("SOFTHSM2_CONF", true), ("_a1", true), ("", false), ("1A", false), ("A=B", false)]
        {
            assert_eq!(VariableName::try_from(name.to_owned()).is_ok(), right, "{name}");
        }
    }

    #[test]
    fn the_label_of_a_token_has_the_length_that_pkcs11_gives_it() {
        for (label, right) in
            [("one", true), ("eins zwei", true), ("", false), ("one ", false), (&"x".repeat(33), false)]
        {
            assert_eq!(TokenLabel::try_from(label.to_owned()).is_ok(), right, "{label}");
        }
    }
}

//! The settings of `cardea serve`: a TOML file in which every setting has a default and an unknown one is refused by name.
//!
//! `docs/configuration.md` describes every setting and `docs/cardea.toml` shows every one with its default; tests hold both
//! to that.

mod span;
mod stores;

use crate::ServerError;
use keys::Region;
use serde::Deserialize;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

pub use http_server::logging::Log;
pub use span::{InvalidSpan, Span};
pub use stores::{
    ClusterId, CustomKeyStores, Destination, EndpointName, HsmCluster, InvalidStoreSetting, Pkcs11,
    TokenLabel, VariableName, Xks,
};

/// Every setting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where HTTPS is served.
    pub listen: SocketAddr,
    /// Where plain HTTP is served besides, if anywhere. Loopback only.
    pub http: Option<SocketAddr>,
    /// The URL under which clients reach the service, if not the address it listens on.
    pub endpoint: Option<String>,
    /// Where metrics are served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// How many threads answer requests; as many as there are cores if absent.
    pub workers: Option<NonZeroUsize>,
    /// Whose answers may be for somebody attested.
    pub attestation: Attestation,
    /// How many custom key stores there may be, and how much each is asked.
    pub custom_key_stores: CustomKeyStores,
    /// The HSM clusters.
    pub hsm_cluster: Vec<HsmCluster>,
    /// The audit journal.
    pub journal: Journal,
    /// What clients must not be able to exhaust.
    pub limits: Limits,
    /// What is logged, and how.
    pub log: Log,
    /// The security module.
    pub module: Module,
    /// Where web identities come from.
    pub oidc: Oidc,
    /// What loads the libraries of HSMs.
    pub pkcs11: Pkcs11,
    /// The AWS surface.
    pub service: Service,
    /// The records and what memory holds of them.
    pub storage: Storage,
    /// The certificate.
    pub tls: Tls,
    /// How XKS proxies are reached.
    pub xks: Xks,
}

/// Whose answers may be for somebody attested.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attestation {
    /// A file of the certificates, in PEM, that attestation documents must chain to. Without it every `Recipient` is refused.
    pub roots: Option<PathBuf>,
}

/// The audit journal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Journal {
    /// The length of a file; the next one is begun when it is full.
    pub segment_bytes: u64,
}

/// What clients must not be able to exhaust.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of a request body; a longer one is answered 413.
    pub body_bytes: usize,
    /// How long a whole request body may take to arrive.
    pub body_timeout: Span,
    /// Bytes of unfinished request bodies in memory over all connections; above it requests are answered 503.
    pub buffered_body_bytes: usize,
    /// Connections at one time; further ones wait in the operating system's queue.
    pub connections: usize,
    /// How long the service waits for requests in flight when it is told to stop.
    pub drain_timeout: Span,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Span,
    /// Bytes of all header lines of a request together.
    pub header_bytes: u32,
    /// How long the header of an HTTP/1.1 request may take to arrive.
    pub header_timeout: Span,
    /// Header lines of a request.
    pub headers: usize,
    /// Requests at one time on one HTTP/2 connection.
    pub http2_streams: u32,
    /// Bytes that a client may send ahead on one HTTP/2 connection, and on each of its streams.
    pub http2_window: u32,
    /// How long a connection may stay open without a request.
    pub idle_timeout: Span,
    /// TLS sessions remembered for resumption.
    pub tls_sessions: usize,
}

/// The security module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Module {
    /// Its program; `cardea-module` beside the running program if absent.
    pub program: Option<PathBuf>,
}

/// Where web identities come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// Files of CA certificates, in PEM, that are trusted for OpenID Connect issuers beside those of the machine.
    pub extra_ca_files: Vec<PathBuf>,
}

/// The AWS surface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// The region that `root.env` names.
    pub default_region: Region,
    /// How many grants a key may have.
    pub grants_per_key: u64,
    /// How many keys an account may have in a region.
    pub keys_per_region: u64,
    /// The partition in every ARN.
    pub partition: String,
    /// The regions that are served; every well-formed region name if absent.
    pub regions: Option<Vec<Region>>,
    /// How far the time of a signature may be from the service's.
    pub signature_tolerance: Span,
}

/// The records and what memory holds of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storage {
    /// How many keys, aliases and access keys each stay in memory once they were used.
    pub hot_records: usize,
    /// For how long memory is answered from after the store could last be followed.
    pub staleness_bound: Span,
}

/// The certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// What clients are to trust, for `root.env`: a file of CA certificates. Only beside `certificate`.
    pub ca_bundle: Option<PathBuf>,
    /// The certificate chain to show, in PEM; one of our own making if absent.
    pub certificate: Option<PathBuf>,
    /// Names and addresses that our own certificate holds besides localhost and the address it listens on.
    pub names: Vec<String>,
    /// The key of `certificate`, in PEM.
    pub private_key: Option<PathBuf>,
}

impl Config {
    /// The settings of that file, and the default of each that it does not name.
    pub fn read(path: &Path) -> Result<Self, ServerError> {
        let text =
            std::fs::read_to_string(path).map_err(ServerError::file("read the configuration", path))?;
        let wrong = |reason: String| ServerError::Config { path: path.to_owned(), reason };
        let config: Self = toml::from_str(&text).map_err(|error| wrong(in_one_line(&error, &text)))?;
        match config.contradiction() {
            Some(reason) => Err(wrong(reason)),
            None => Ok(config),
        }
    }

    /// Refuses plain HTTP where others could listen in.
    pub(crate) fn check_plain_http(&self) -> Result<(), ServerError> {
        match self.http {
            Some(address) if !address.ip().is_loopback() => {
                Err(ServerError::PlainHttpNotLoopback { address })
            }
            _ => Ok(()),
        }
    }

    fn contradiction(&self) -> Option<String> {
        let of_stores = || stores::contradiction(&self.xks, &self.hsm_cluster);
        self.plain_contradiction().map(str::to_owned).or_else(of_stores)
    }

    fn plain_contradiction(&self) -> Option<&'static str> {
        let Tls { ca_bundle, certificate, private_key, .. } = &self.tls;
        let served = |regions: &Vec<Region>| regions.contains(&self.service.default_region);
        let limits = &self.limits;
        if certificate.is_some() != private_key.is_some() {
            Some("`tls.certificate` and `tls.private_key` go together")
        } else if ca_bundle.is_some() && certificate.is_none() {
            Some("`tls.ca_bundle` goes with `tls.certificate`")
        } else if !self.service.regions.as_ref().is_none_or(served) {
            Some("`service.default_region` is not among `service.regions`")
        } else if limits.connections == 0 || limits.headers == 0 || limits.http2_streams == 0 {
            Some("`limits.connections`, `limits.headers` and `limits.http2_streams` are at least 1")
        } else if limits.header_bytes < LEAST_HEADER_BYTES {
            Some("`limits.header_bytes` is at least 8192")
        } else if !(LEAST_WINDOW..=GREATEST_WINDOW).contains(&limits.http2_window) {
            Some("`limits.http2_window` is from 65535 to 2147483647")
        } else {
            None
        }
    }
}

/// Without the lines that TOML's errors draw.
fn in_one_line(error: &toml::de::Error, text: &str) -> String {
    let message = error.message();
    let before = error.span().and_then(|span| text.get(..span.start));
    before.map_or_else(
        || message.to_owned(),
        |before| format!("line {}: {message}", before.matches('\n').count() + 1),
    )
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8443)),
            http: None,
            endpoint: None,
            metrics: None,
            workers: None,
            attestation: Attestation::default(),
            custom_key_stores: CustomKeyStores::default(),
            hsm_cluster: Vec::new(),
            journal: Journal::default(),
            limits: Limits::default(),
            log: Log::default(),
            module: Module::default(),
            oidc: Oidc::default(),
            pkcs11: Pkcs11::default(),
            service: Service::default(),
            storage: Storage::default(),
            tls: Tls::default(),
            xks: Xks::default(),
        }
    }
}

impl Default for Journal {
    fn default() -> Self {
        Self { segment_bytes: 32 << 20 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            body_timeout: Span::seconds(20),
            buffered_body_bytes: 256 << 20,
            connections: 4096,
            drain_timeout: Span::seconds(20),
            handshake_timeout: Span::seconds(10),
            header_bytes: 32 << 10,
            header_timeout: Span::seconds(10),
            headers: 64,
            http2_streams: 128,
            http2_window: 1 << 20,
            idle_timeout: Span::seconds(75),
            tls_sessions: 4096,
        }
    }
}

impl Default for Service {
    #[expect(clippy::expect_used, reason = "a constant that a test parses")]
    fn default() -> Self {
        Self {
            default_region: DEFAULT_REGION.parse().expect("a region name"),
            grants_per_key: 50_000,
            keys_per_region: 100_000,
            partition: "aws".to_owned(),
            regions: None,
            signature_tolerance: Span::seconds(300),
        }
    }
}

impl Default for Storage {
    fn default() -> Self {
        Self { hot_records: 131_072, staleness_bound: Span::seconds(5) }
    }
}

const DEFAULT_REGION: &str = "us-east-1";

/// hyper's own least buffer.
const LEAST_HEADER_BYTES: u32 = 8192;

/// What HTTP/2 starts with and ends at (RFC 9113, 6.9).
const LEAST_WINDOW: u32 = 65_535;
const GREATEST_WINDOW: u32 = 0x7fff_ffff;

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::Error;
    use serde::de::{Deserializer, Error as _, Visitor};

    #[test]
    fn the_example_file_holds_the_defaults() {
        let parsed: Config = toml::from_str(EXAMPLE).unwrap();
        assert_eq!(parsed, Config::default());
    }

    #[test]
    fn the_example_file_names_every_setting_even_those_without_a_default() {
        let all = EXAMPLE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect::<Vec<_>>();
        let names: Vec<String> =
            all.iter().filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect();
        for (section, settings) in settings() {
            for setting in settings {
                assert!(
                    names.iter().any(|name| name == setting),
                    "{section}{setting} is not in docs/cardea.toml"
                );
            }
        }
        toml::from_str::<Config>(&all.join("\n")).unwrap();
    }

    #[test]
    fn the_documentation_describes_every_setting() {
        for (section, settings) in settings() {
            for setting in settings {
                let row = format!("| `{section}{setting}` |");
                assert!(DOCUMENTATION.contains(&row), "{row} is not in docs/configuration.md");
            }
        }
    }

    #[test]
    fn an_unknown_setting_is_refused_by_its_name() {
        let error = toml::from_str::<Config>("[limits]\nbody_size = 5").unwrap_err();
        assert!(error.to_string().contains("unknown field `body_size`"), "{error}");
    }

    #[test]
    fn an_error_names_its_line_and_takes_one() {
        let outside = tempfile::tempdir().unwrap();
        let path = outside.path().join("cardea.toml");
        std::fs::write(&path, "[limits]\nbody_timeout = \"5 weeks\"\n").unwrap();
        let error = Config::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 2: a length of time is") && !error.contains('\n'), "{error}");
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        for (text, about) in [
            ("[tls]\ncertificate = \"a\"", "tls.private_key"),
            ("[tls]\nca_bundle = \"a\"", "tls.ca_bundle"),
            ("[service]\nregions = [\"eu-west-1\"]", "service.default_region"),
            ("[limits]\nconnections = 0", "limits.connections"),
            ("[limits]\nheader_bytes = 100", "limits.header_bytes"),
            ("[limits]\nhttp2_window = 0", "limits.http2_window"),
            ("[xks]\nclient_certificate = \"a\"", "xks.client_key"),
            ("[xks]\nclient_key = \"a\"", "xks.client_certificate"),
            ("[xks]\nhealth_check_interval = \"999ms\"", "xks.health_check_interval"),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            assert!(config.contradiction().unwrap().contains(about), "{text}");
        }
    }

    #[test]
    fn clusters_that_contradict_each_other_are_refused() {
        for (clusters, about) in [
            (&[cluster("a", "lib", &[], 1)][..], "names no token"),
            (&[cluster("a", "lib", &["one", "one"], 1)], "the token `one` of `/lib` is named before"),
            (&[cluster("a", "lib", &["one"], 1), cluster("b", "lib", &["one"], 1)], "the token `one`"),
            (&[cluster("a", "lib", &["one"], 1), cluster("a", "lib", &["two"], 1)], "`cluster-aaaaaaaaaaa`"),
            (&[cluster("a", "lib", &["one"], 1025)], "at most 1024"),
        ] {
            let config: Config = toml::from_str(&clusters.concat()).unwrap();
            let reason = config.contradiction().unwrap();
            assert!(reason.contains("`hsm_cluster`") && reason.contains(about), "{reason}");
        }
        let apart = [cluster("a", "lib", &["one"], 1), cluster("b", "other", &["one"], 1)].concat();
        assert_eq!(toml::from_str::<Config>(&apart).unwrap().contradiction(), None);
    }

    #[test]
    fn plain_http_is_for_loopback_only() {
        let with = |address: &str| Config { http: Some(address.parse().unwrap()), ..Config::default() };
        assert!(with("127.0.0.1:8080").check_plain_http().is_ok());
        assert!(with("[::1]:8080").check_plain_http().is_ok());
        assert!(with("0.0.0.0:8080").check_plain_http().is_err());
        assert!(with("192.0.2.1:8080").check_plain_http().is_err());
    }

    fn cluster(id: &str, library: &str, members: &[&str], sessions: usize) -> String {
        let id = id.repeat(11);
        format!(
            "[[hsm_cluster]]\nid = \"cluster-{id}\"\nlibrary = \"/{library}\"\nmembers = {members:?}\nsessions = {sessions}\ntrust_anchor = \"ca.pem\"\n"
        )
    }

    fn settings() -> Vec<(&'static str, Vec<&'static str>)> {
        let sections = [
            ("attestation.", fields::<Attestation>()),
            ("custom_key_stores.", fields::<CustomKeyStores>()),
            ("hsm_cluster.", fields::<HsmCluster>()),
            ("journal.", fields::<Journal>()),
            ("limits.", fields::<Limits>()),
            ("log.", fields::<Log>()),
            ("module.", fields::<Module>()),
            ("oidc.", fields::<Oidc>()),
            ("pkcs11.", fields::<Pkcs11>()),
            ("service.", fields::<Service>()),
            ("storage.", fields::<Storage>()),
            ("tls.", fields::<Tls>()),
            ("xks.", fields::<Xks>()),
        ];
        let is_section =
            |name: &&str| sections.iter().any(|(section, _)| section.strip_suffix('.') == Some(name));
        let plain = fields::<Config>().into_iter().filter(|name| !is_section(name)).collect();
        [("", plain)].into_iter().chain(sections).collect()
    }

    fn fields<T: for<'de> Deserialize<'de>>() -> Vec<&'static str> {
        let mut found = Vec::new();
        assert!(T::deserialize(FieldNames(&mut found)).is_err());
        found
    }

    /// Learns the names of a structure's fields from what it asks its deserializer for.
    struct FieldNames<'a>(&'a mut Vec<&'static str>);

    impl<'de> Deserializer<'de> for FieldNames<'_> {
        type Error = Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(Error::custom("not a structure"))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Error> {
            self.0.extend_from_slice(fields);
            Err(Error::custom("only asked for the names"))
        }

        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    const EXAMPLE: &str = include_str!("../../../../docs/cardea.toml");
    const DOCUMENTATION: &str = include_str!("../../../../docs/configuration.md");
}

//! The settings as they are written: the tables of the file and their defaults. What they mean together is checked elsewhere.

use jiff::Timestamp;
use key_manager::duration;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use super::{Audit, DefaultDecision, Limits, Verify};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(default = "listen")]
    pub(super) listen: SocketAddr,
    pub(super) metrics: Option<SocketAddr>,
    pub(super) workers: Option<NonZeroUsize>,
    pub(super) data: PathBuf,
    pub(super) endpoint: Option<String>,
    #[serde(default)]
    pub(super) regions: Vec<String>,
    #[serde(default = "fleet_size")]
    pub(super) fleet_size: NonZeroU32,
    #[serde(default = "health_interval", deserialize_with = "duration")]
    pub(super) health_interval: Duration,
    #[serde(default)]
    pub(super) verify: Verify,
    #[serde(rename = "log")]
    pub(super) _log: Option<IgnoredAny>,
    #[serde(rename = "tls")]
    pub(super) _tls: Option<IgnoredAny>,
    #[serde(rename = "limits")]
    pub(super) _limits: Option<IgnoredAny>,
    #[serde(rename = "audit")]
    pub(super) _audit: Option<IgnoredAny>,
    #[serde(rename = "key_manager")]
    pub(super) _key_manager: Option<IgnoredAny>,
    #[serde(rename = "store")]
    pub(super) _store: Option<IgnoredAny>,
}

/// `[tls]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: PathBuf,
    pub(super) private_key: PathBuf,
    #[serde(default)]
    pub(super) minimum_version: MinimumVersion,
    #[serde(default)]
    pub(super) client_ca_files: Vec<PathBuf>,
    #[serde(default)]
    pub(super) client_subjects: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) enum MinimumVersion {
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    #[serde(rename = "1.3")]
    Tls13,
}

/// What every `[[key_manager]]` has, whatever its kind.
#[derive(Debug, Deserialize)]
pub(super) struct KeyManager {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Pkcs11,
    Software,
    Vault,
}

/// A `[[store]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) path_prefix: String,
    pub(super) key_manager: String,
    pub(super) keys: Option<Vec<String>>,
    #[serde(default = "requests_per_second")]
    pub(super) requests_per_second: NonZeroU32,
    pub(super) policy: Option<PathBuf>,
    #[serde(default)]
    pub(super) key_policy: BTreeMap<String, PathBuf>,
    pub(super) default: Option<DefaultDecision>,
    #[serde(rename = "credential")]
    pub(super) _credential: Option<IgnoredAny>,
}

/// A `[[store.credential]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credential {
    pub(super) access_key_id: String,
    pub(super) secret_access_key_file: PathBuf,
    pub(super) not_before: Option<Moment>,
    pub(super) not_after: Option<Moment>,
}

/// A moment, in quotes or as TOML has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl Default for Limits {
    fn default() -> Self {
        Self {
            additional_data_bytes: xks_api::LEAST_ADDITIONAL_DATA,
            body_bytes: 64 << 10,
            body_timeout: Duration::from_secs(5),
            buffered_body_bytes: 1 << 20,
            connections: 4096,
            drain_timeout: Duration::from_secs(20),
            handshake_timeout: Duration::from_secs(5),
            header_bytes: 8 << 10,
            header_timeout: Duration::from_secs(5),
            headers: 64,
            http2_connections: 64,
            http2_streams: 100,
            idle_timeout: Duration::from_secs(120),
            key_manager_timeout: Duration::from_millis(200),
            plaintext_bytes: xks_api::LEAST_PLAINTEXT,
            requests: 1024,
            tls_sessions: 1024,
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Self { segment_bytes: 32 << 20 }
    }
}

fn listen() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8443))
}

fn fleet_size() -> NonZeroU32 {
    NonZeroU32::MIN
}

const fn health_interval() -> Duration {
    Duration::from_secs(20)
}

/// The quota that AWS KMS itself has for a store.
fn requests_per_second() -> NonZeroU32 {
    const { NonZeroU32::new(1800).unwrap() }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ReadsMoment)
    }
}

struct ReadsMoment;

impl<'de> Visitor<'de> for ReadsMoment {
    type Value = Moment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a moment such as \"2026-11-01T00:00:00Z\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Moment, E> {
        let wrong = |_| E::custom("a moment is written as in \"2026-11-01T00:00:00Z\"");
        text.parse().map(Moment).map_err(wrong)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Moment, A::Error> {
        let moment = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
        self.visit_str(&moment.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Log;
    use key_manager_software::{ModuleProtector, Pkcs11Protector};

    #[test]
    fn the_documentation_describes_every_setting() {
        let sections = [
            ("", fields::<File>()),
            ("audit.", fields::<Audit>()),
            ("key_manager.", vec!["name".to_owned(), "kind".to_owned()]),
            ("key_manager.", fields::<key_manager_pkcs11::Settings>()),
            ("key_manager.", fields::<key_manager_software::Settings>()),
            ("key_manager.", fields::<key_manager_vault::Settings>()),
            ("key_manager.approle.", fields::<key_manager_vault::AppRole>()),
            ("key_manager.protector.module.", fields::<ModuleProtector>()),
            ("key_manager.protector.pkcs11.", fields::<Pkcs11Protector>()),
            ("limits.", fields::<Limits>()),
            ("log.", fields::<Log>()),
            ("store.", fields::<Store>()),
            ("store.credential.", fields::<Credential>()),
            ("tls.", fields::<Tls>()),
        ];
        for (section, fields) in &sections {
            assert!(fields.len() > 1 || *section == "audit.", "{section} has no fields");
            for field in fields {
                let row = format!("| `{section}{field}` | ");
                let is_section = sections.iter().any(|(name, _)| *name == format!("{section}{field}."));
                assert!(is_section || DOCUMENTATION.contains(&row), "{row} is not there");
            }
        }
    }

    #[test]
    fn the_documentation_has_the_defaults() {
        let shown = format!("{:?}", Limits::default());
        let limits = shown.trim_start_matches("Limits { ").trim_end_matches(" }").split(", ");
        for limit in limits.chain([format!("segment_bytes: {}", Audit::default().segment_bytes).as_str()]) {
            let (name, value) = limit.split_once(": ").unwrap();
            let row = format!(".{name}` | {value} | ");
            assert!(DOCUMENTATION.contains(&row), "{row} is not there");
        }
        assert!(DOCUMENTATION.contains(&format!("| `listen` | `{}` | ", listen())));
        assert!(DOCUMENTATION.contains(&format!(".requests_per_second` | {} | ", requests_per_second())));
    }

    /// From what a structure says of a field that it does not have.
    fn fields<T: for<'de> Deserialize<'de>>() -> Vec<String> {
        let error = toml::from_str::<T>("no-such-setting = 1").err().unwrap();
        let names = error.message().split('`').skip(3).step_by(2);
        names.map(str::to_owned).collect()
    }

    const DOCUMENTATION: &str = include_str!("../../../../docs/xks-proxy/configuration.md");
}

//! What the configuration says of the servers, the mount and who we are to them. No secret is in it: those are in files that it names.

use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use key_manager::duration;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The Transit engine of one cluster of servers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Settings {
    /// The servers, such as `https://vault.example.com:8200`: 1 to 10 of one cluster, the one to be asked first at the head.
    pub addresses: Vec<Uri>,
    /// Where the engine is mounted.
    pub mount: String,
    /// The namespace of the mount and of the login, where the server has namespaces.
    pub namespace: Option<String>,
    /// Who we are.
    pub login: Login,
    /// PEM files of the certificate authorities that vouch for the servers; none: those of the machine.
    pub ca_files: Vec<PathBuf>,
    /// A key in the engine that no customer uses: with it the servers are tried out.
    pub test_key: String,
    /// How long a server may take before another is asked.
    pub try_timeout: Duration,
    /// How long all servers together may take.
    pub timeout: Duration,
}

/// Who we are to the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// By AppRole: a token of our own is got, renewed, and got again.
    AppRole(AppRole),
    /// A file with a token, renewed here if it can be, and read again when it changes, as an agent beside the proxy does.
    TokenFile(PathBuf),
}

/// An AppRole. Its files are read at every login.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRole {
    /// The file with the RoleID.
    pub role_id_file: PathBuf,
    /// The file with the SecretID.
    pub secret_id_file: PathBuf,
    /// Where the auth method is mounted.
    #[serde(default = "default_approle_mount", deserialize_with = "path")]
    pub mount: String,
}

impl Settings {
    /// The same, with relative paths taken from that folder.
    #[must_use]
    pub fn relative_to(self, folder: &Path) -> Self {
        let login = match self.login {
            Login::TokenFile(file) => Login::TokenFile(folder.join(file)),
            Login::AppRole(AppRole { role_id_file, secret_id_file, mount }) => Login::AppRole(AppRole {
                role_id_file: folder.join(role_id_file),
                secret_id_file: folder.join(secret_id_file),
                mount,
            }),
        };
        let ca_files = self.ca_files.iter().map(|file| folder.join(file)).collect();
        Self { login, ca_files, ..self }
    }
}

/// As it is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    addresses: Vec<String>,
    #[serde(default = "default_mount", deserialize_with = "path")]
    mount: String,
    #[serde(default, deserialize_with = "namespace")]
    namespace: Option<String>,
    token_file: Option<PathBuf>,
    approle: Option<AppRole>,
    #[serde(default)]
    ca_files: Vec<PathBuf>,
    #[serde(deserialize_with = "segment")]
    test_key: String,
    #[serde(default = "default_try_timeout", deserialize_with = "duration")]
    try_timeout: Duration,
    #[serde(default = "default_timeout", deserialize_with = "duration")]
    timeout: Duration,
}

impl TryFrom<Written> for Settings {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { mount, namespace, ca_files, test_key, try_timeout, timeout, .. } = written;
        let login = match (written.token_file, written.approle) {
            (Some(file), None) => Login::TokenFile(file),
            (None, Some(role)) => Login::AppRole(role),
            _ => return Err("either `token_file` or `approle` is to be given"),
        };
        if try_timeout > timeout {
            return Err("`try_timeout` is to be no longer than `timeout`");
        }
        let addresses = addresses(&written.addresses)?;
        Ok(Self { addresses, mount, namespace, login, ca_files, test_key, try_timeout, timeout })
    }
}

fn addresses(texts: &[String]) -> Result<Vec<Uri>, &'static str> {
    let addresses: Option<Vec<Uri>> = texts.iter().map(|text| address(text)).collect();
    let addresses = addresses.ok_or("an address is `https://`, a host and a port if it is not 443")?;
    let different: BTreeSet<String> = addresses.iter().map(ToString::to_string).collect();
    let is_good = (1..=MOST_ADDRESSES).contains(&addresses.len()) && different.len() == addresses.len();
    is_good.then_some(addresses).ok_or("there are to be 1 to 10 addresses, each another one")
}

fn address(text: &str) -> Option<Uri> {
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty());
    let is_bare = uri.path_and_query().is_none_or(|rest| *rest == PathAndQuery::from_static("/"));
    let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    (uri.scheme() == Some(&Scheme::HTTPS) && host.is_some() && is_bare && !has_user).then_some(uri)
}

/// Segments between slashes, which may begin and end it.
fn path<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = <Cow<'de, str>>::deserialize(from)?;
    let path = text.trim_matches('/');
    let is_path = path.split('/').all(is_segment);
    is_path.then(|| path.to_owned()).ok_or_else(|| Error::custom("a mount is a path such as `transit`"))
}

fn namespace<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    path(from).map(Some)
}

fn segment<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    is_segment(&text).then_some(text).ok_or_else(|| Error::custom("that cannot be the name of a key"))
}

/// As the servers name keys: what could mean another path begins or ends with a dot.
pub(crate) fn is_segment(text: &str) -> bool {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    bytes.first().is_some_and(is_word)
        && bytes.last().is_some_and(is_word)
        && bytes.iter().all(|byte| is_word(byte) || matches!(byte, b'-' | b'.'))
}

fn default_mount() -> String {
    "transit".to_owned()
}

fn default_approle_mount() -> String {
    "approle".to_owned()
}

const fn default_try_timeout() -> Duration {
    Duration::from_millis(100)
}

const fn default_timeout() -> Duration {
    Duration::from_millis(200)
}

/// As many as KMS is told of.
const MOST_ADDRESSES: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "addresses = ['https://vault.example.com:8200']\ntest_key = 'health'";

    #[test]
    fn settings_are_written_as_documented_and_paths_are_relative_to_the_configuration() {
        let expected = Settings {
            addresses: vec!["https://vault.example.com:8200".parse().unwrap()],
            mount: "transit".to_owned(),
            namespace: None,
            login: Login::TokenFile("/etc/proxy/token".into()),
            ca_files: Vec::new(),
            test_key: "health".to_owned(),
            try_timeout: Duration::from_millis(100),
            timeout: Duration::from_millis(200),
        };
        let settings: Settings = toml::from_str(&format!("{LEAST}\ntoken_file = 'token'")).unwrap();
        assert_eq!(settings.relative_to(Path::new("/etc/proxy")), expected);
        let more = "mount = '/kms/transit/'\nnamespace = 'bank/payments/'\nca_files = ['ca.pem']\ntry_timeout = '1s'\ntimeout = '2s'\n\
                    [approle]\nrole_id_file = 'role'\nsecret_id_file = '/run/secret'";
        let settings: Settings = toml::from_str(&format!("{LEAST}\n{more}")).unwrap();
        let settings = settings.relative_to(Path::new("/etc/proxy"));
        assert_eq!(
            (settings.mount.as_str(), settings.namespace.as_deref()),
            ("kms/transit", Some("bank/payments"))
        );
        assert_eq!(settings.ca_files, [Path::new("/etc/proxy/ca.pem")]);
        let role = AppRole {
            role_id_file: "/etc/proxy/role".into(),
            secret_id_file: "/run/secret".into(),
            mount: "approle".to_owned(),
        };
        assert_eq!(settings.login, Login::AppRole(role));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let with = |rest: &str| toml::from_str::<Settings>(&format!("{LEAST}\n{rest}"));
        assert!(with("token_file = 't'").is_ok());
        for wrong in [
            "",
            "token_file = 't'\nadress = 'x'",
            "token_file = 't'\nmount = ''",
            "token_file = 't'\nmount = '../sys'",
            "token_file = 't'\nmount = 'a//b'",
            "token_file = 't'\nnamespace = 'a b'",
            "token_file = 't'\ntimeout = '0s'",
            "token_file = 't'\ntimeout = '50ms'",
            "token_file = 't'\ntry_timeout = '1s'",
            "token_file = 't'\ntry_timeout = 5",
            "token_file = 't'\n[approle]\nrole_id_file = 'r'\nsecret_id_file = 's'",
            "[approle]\nrole_id_file = 'r'",
        ] {
            assert!(with(wrong).is_err(), "{wrong}");
        }
        let rest = "test_key = 'health'\ntoken_file = 't'";
        for addresses in [
            "",
            "'http://vault.example.com'",
            "'vault.example.com'",
            "'https://'",
            "'https://vault.example.com/v1'",
            "'https://user@vault.example.com'",
            "'https://one', 'https://one'",
        ] {
            let text = format!("addresses = [{addresses}]\n{rest}");
            assert!(toml::from_str::<Settings>(&text).is_err(), "{addresses}");
        }
        for key in ["", ".", "..", "a/b", "a.", "-a", "a b"] {
            let text = format!("addresses = ['https://one']\ntoken_file = 't'\ntest_key = '{key}'");
            assert!(toml::from_str::<Settings>(&text).is_err(), "{key}");
        }
    }
}
